//! Which runs are made where a server polls, rather than on the engine's threads: there and back is dearer than what most scripts do.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::Relaxed};
use std::time::Duration;

use perilune::{Error, Poll, Script, Status, Trace};

/// How long a run may keep a server from its other clients.
const SHORT: Duration = Duration::from_millis(1);

/// A power of two, so that a script's counter is cheap to find. Scripts that share one are only foretold worse.
const COUNTERS: usize = 4096;

/// How many runs of a script there may be in place at once: as many as are lost when it is long all of a sudden.
const MOST: u8 = 16;

/// Foretells by the runs before whether a script's next one is short. A short one earns the right to one in place, which is taken for it and
/// given back when it was short, too; one that was not loses all. So a script has to show first, and again after each long run.
pub(crate) struct InPlace {
    counters: Box<[AtomicU8; COUNTERS]>,
    /// With the hash of a source it says which counter is its script's, so that nobody writes one that shares another's on purpose.
    secret: u64,
    hand_over: fn(),
}

impl InPlace {
    pub(crate) fn new(hand_over: fn()) -> Self {
        let counters = Box::new([const { AtomicU8::new(0) }; COUNTERS]);
        Self { counters, secret: RandomState::new().hash_one(COUNTERS), hand_over }
    }

    fn counter(&self, script: &Script) -> &AtomicU8 {
        let hash = script.hash().get(..16).and_then(|digits| u64::from_str_radix(digits, 16).ok());
        // Odd, so that each bit of the hash counts in the highest of the product.
        let product = hash.unwrap_or_default().wrapping_mul(self.secret | 1);
        &self.counters[(product >> (u64::BITS - COUNTERS.ilog2())) as usize]
    }

    /// Whether the script's next run is to be in place; the right to it is taken.
    pub(crate) fn take(&self, script: &Script) -> bool {
        self.counter(script).fetch_update(Relaxed, Relaxed, |rights| rights.checked_sub(1)).is_ok()
    }

    /// Notes how long a run was, wherever it was made. One that never began is not known to be short: it earns nothing, and a right that was
    /// taken for it is lost.
    pub(crate) fn note(
        &self,
        script: &Script,
        result: &Result<Trace, Error>,
        time: impl FnOnce(&Trace) -> Duration,
    ) {
        let Ok(trace) = result else { return };
        let counter = self.counter(script);
        if trace.status == Status::QueueTimeout || time(trace) > SHORT {
            counter.store(0, Relaxed);
        } else {
            // There are enough already where it fails.
            let _ = counter.fetch_update(Relaxed, Relaxed, |rights| (rights < MOST).then_some(rights + 1));
        }
    }

    /// For a run in place: has the server's other work handed over, once, when it is not short after all, and asks `is_gone` from then on.
    pub(crate) fn poll(&self, is_gone: impl Fn() -> bool + Send + Sync + 'static) -> Poll {
        let (hand_over, is_handed_over) = (self.hand_over, AtomicBool::new(false));
        Poll::new(SHORT, move || {
            if !is_handed_over.swap(true, Relaxed) {
                hand_over();
            }
            if is_gone() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
    }
}

impl fmt::Debug for InPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InPlace").finish_non_exhaustive()
    }
}
