//! Times as the numbers that C gets.

use std::time::{Duration, SystemTime};

/// In nanoseconds; what is too long is the longest.
pub(crate) fn ns(time: Duration) -> u64 {
    // Not by as_nanos: its 128 bits are a tenth of perilune_trace_read.
    time.as_secs().saturating_mul(1_000_000_000).saturating_add(time.subsec_nanos().into())
}

/// Of a clock that is set to before 1970, negative.
pub(crate) fn unix_ns(at: SystemTime) -> i64 {
    match at.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => i64::try_from(ns(since)).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(ns(before.duration())).map_or(i64::MIN, |ns| -ns),
    }
}

/// The time that is so many nanoseconds after 1970.
pub(crate) fn at_unix_ns(ns: i64) -> SystemTime {
    let since = Duration::from_nanos(ns.unsigned_abs());
    let at = if ns < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(since)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(since)
    };
    at.unwrap_or(SystemTime::UNIX_EPOCH)
}
