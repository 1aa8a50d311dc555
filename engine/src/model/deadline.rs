//! Points in time that fit an atomic: when a run must end, or is due to poll.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// [`Deadline::NEVER`] as a number.
pub(crate) const NEVER: u64 = u64::MAX;

/// A point in time, as nanoseconds since the first one of this process was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Deadline(u64);

impl Deadline {
    pub(crate) const NEVER: Self = Self(NEVER);

    /// `timeout` after `start`; what is too far away is never.
    pub(crate) fn after(start: Instant, timeout: Duration) -> Self {
        Self(nanos_since_epoch(start).saturating_add(u64::try_from(timeout.as_nanos()).unwrap_or(NEVER)))
    }

    /// A point in time, as [`as_nanos`](Self::as_nanos) counts.
    pub(crate) fn at(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the first deadline of this process was made.
    pub(crate) fn as_nanos(self) -> u64 {
        self.0
    }

    /// The time from `now` until it; zero once it has passed.
    pub(crate) fn left(self, now: Instant) -> Duration {
        match self.0 {
            NEVER => Duration::MAX,
            at => Duration::from_nanos(at.saturating_sub(nanos_since_epoch(now))),
        }
    }

    /// Whether `now` is not before it.
    pub(crate) fn has_passed(self, now: Instant) -> bool {
        self.0 != NEVER && nanos_since_epoch(now) >= self.0
    }
}

/// A time as [`Deadline::as_nanos`] counts.
pub(crate) fn nanos_since_epoch(at: Instant) -> u64 {
    static EPOCH: OnceLock<Instant> = OnceLock::new();
    u64::try_from(at.saturating_duration_since(*EPOCH.get_or_init(|| at)).as_nanos()).unwrap_or(NEVER)
}
