//! Sources that end one worker after another, and are refused for a while.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::model::deadline::Deadline;

/// Workers in a row that a source may end before it is refused.
const PATIENCE: u32 = 3;

/// The longest time for which one is refused.
const LONGEST: Duration = Duration::from_secs(3600);

/// Sources of which it is known how many workers they ended; past that, those are forgotten that are not refused.
const KNOWN: usize = 1024;

/// What an engine's sources did to its workers. They are known by their hashes: a source under another name is no other.
pub(crate) struct Backoff {
    first: Duration,
    /// How many are known, so that nobody takes a lock who has no reason to.
    known: AtomicUsize,
    sources: Mutex<HashMap<String, Crashes>>,
}

#[derive(Debug, Clone, Copy)]
struct Crashes {
    in_a_row: u32,
    refused_until: Deadline,
}

/// Why a source is refused.
pub(crate) struct Refusal {
    crashes: u32,
    left: Duration,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { crashes, left } = self;
        write!(
            f,
            "it ended {crashes} workers in a row, and is refused for another {} ms",
            left.as_millis() + 1
        )
    }
}

impl Backoff {
    pub(crate) fn new(first: Duration) -> Self {
        Self { first, known: AtomicUsize::new(0), sources: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Crashes>> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a source is refused now.
    pub(crate) fn refusal(&self, hash: &str) -> Option<Refusal> {
        if self.known.load(Relaxed) == 0 {
            return None;
        }
        let crashes = *self.lock().get(hash)?;
        let left = crashes.refused_until.left(Instant::now());
        let is_refused = crashes.in_a_row >= PATIENCE && !left.is_zero();
        is_refused.then_some(Refusal { crashes: crashes.in_a_row, left })
    }

    /// A source ended a worker, or did not.
    pub(crate) fn ended(&self, hash: &str, has_crashed: bool) {
        if !has_crashed && self.known.load(Relaxed) == 0 {
            return;
        }
        let mut sources = self.lock();
        if has_crashed {
            let now = Instant::now();
            if sources.len() >= KNOWN {
                sources.retain(|_, crashes| !crashes.refused_until.has_passed(now));
            }
            if sources.len() >= KNOWN {
                sources.clear();
            }
            let none = Crashes { in_a_row: 0, refused_until: Deadline::after(now, Duration::ZERO) };
            let crashes = sources.entry(hash.to_owned()).or_insert(none);
            crashes.in_a_row = crashes.in_a_row.saturating_add(1);
            let doublings = crashes.in_a_row.saturating_sub(PATIENCE).min(31);
            if crashes.in_a_row >= PATIENCE {
                let time = self.first.saturating_mul(1 << doublings).min(LONGEST);
                crashes.refused_until = Deadline::after(now, time);
            }
        } else {
            sources.remove(hash);
        }
        self.known.store(sources.len(), Relaxed);
    }
}
