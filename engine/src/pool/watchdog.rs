//! Ends runs that are past their deadline, and has those poll that are to.
//!
//! A VM that looked at a clock itself would pay for it in every loop, so one thread per engine sleeps to the earliest
//! deadline and only then asks the VM concerned to look. A run's deadline is nearly always later than the one before
//! it, so beginning a run is one store and one load; the thread is woken only for an earlier deadline than it sleeps
//! to. With nothing running it sleeps without end.
//!
//! It sleeps on the standard library's condition variable: parking_lot keeps its sleepers in a table of the process's,
//! which after a fork would name this thread, on a stack that the child's next thread is given.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::model::deadline::{Deadline, NEVER, nanos_since_epoch};
use crate::model::error::Error;
use crate::vm::interrupt::Interrupt;

/// How long after asking a VM that is still running it is asked again.
const REARM_EVERY: Duration = Duration::from_millis(10);

/// One VM, as the watchdog sees it: when its run must look whether it is to end or to poll, and how to tell it.
pub(crate) struct Watched {
    deadline: AtomicU64,
    interrupt: Arc<Interrupt>,
}

/// An engine's watchdog: the thread ends with it.
pub(crate) struct Watchdog {
    inner: Arc<WatchdogInner>,
}

/// What the thread shares with the runs.
struct WatchdogInner {
    /// What the thread sleeps to; [`NEVER`] while it sleeps without end or was not started.
    wakes_at: AtomicU64,
    state: Mutex<WatchdogState>,
    wake: Condvar,
}

#[derive(Default)]
struct WatchdogState {
    watched: Vec<Weak<Watched>>,
    is_started: bool,
    has_ended: bool,
}

impl Watchdog {
    pub(crate) fn new() -> Self {
        let inner =
            WatchdogInner { wakes_at: AtomicU64::new(NEVER), state: Mutex::default(), wake: Condvar::new() };
        Self { inner: Arc::new(inner) }
    }

    /// Takes a VM under watch for as long as it keeps what is returned.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(crate) fn watch(&self, interrupt: Arc<Interrupt>) -> Result<Arc<Watched>, Error> {
        let watched = Arc::new(Watched { deadline: AtomicU64::new(NEVER), interrupt });
        let mut state = self.inner.lock();
        if !state.is_started {
            let inner = Arc::clone(&self.inner);
            std::thread::Builder::new()
                .name("perilune-watchdog".into())
                .stack_size(256 * 1024)
                .spawn(move || inner.watch_until_ended())
                .map_err(|error| Error::Internal(format!("no thread for the watchdog: {error}")))?;
            state.is_started = true;
        }
        state.watched.retain(|other| other.strong_count() > 0);
        state.watched.push(Arc::downgrade(&watched));
        Ok(watched)
    }

    /// Has the run on `watched` look at `deadline`, unless what is returned was dropped before.
    pub(crate) fn guard<'a>(&'a self, watched: &'a Watched, deadline: Deadline) -> WatchGuard<'a> {
        let guard = WatchGuard { inner: &self.inner, watched };
        guard.wake_at(deadline);
        guard
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.inner.lock().has_ended = true;
        self.inner.wake.notify_one();
    }
}

impl WatchdogInner {
    /// Nothing panics while it holds the lock, but for lack of memory; what it guards is whole at any time.
    fn lock(&self) -> MutexGuard<'_, WatchdogState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch_until_ended(&self) {
        let mut state = self.lock();
        while !state.has_ended {
            let next = state.scan();
            self.wakes_at.store(next, SeqCst);
            if state.scan() < next {
                continue;
            }
            state = if next == NEVER {
                self.wake.wait(state).unwrap_or_else(PoisonError::into_inner)
            } else {
                let left = Duration::from_nanos(next.saturating_sub(nanos_since_epoch(Instant::now())));
                self.wake.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
            };
        }
    }
}

impl WatchdogState {
    /// Asks every VM that is past its deadline to look; the time of the next scan.
    fn scan(&self) -> u64 {
        let now = nanos_since_epoch(Instant::now());
        let mut next = NEVER;
        for watched in self.watched.iter().filter_map(Weak::upgrade) {
            let deadline = watched.deadline.load(SeqCst);
            if deadline <= now {
                watched.interrupt.arm();
                next = next.min(now + REARM_EVERY.as_nanos() as u64);
            } else {
                next = next.min(deadline);
            }
        }
        next
    }
}

/// A run under watch.
pub(crate) struct WatchGuard<'a> {
    inner: &'a WatchdogInner,
    watched: &'a Watched,
}

impl WatchGuard<'_> {
    /// Has the run look at `deadline`, and no more at what was said before.
    pub(crate) fn wake_at(&self, deadline: Deadline) {
        // This store and the thread's store of `wakes_at` are each followed by a load of the other, all in one total
        // order: either the thread sees this deadline when it scans, or this run sees that it sleeps too long.
        self.watched.deadline.store(deadline.as_nanos(), SeqCst);
        if deadline.as_nanos() < self.inner.wakes_at.load(SeqCst) {
            // Taking the lock waits until the thread is asleep, so that the wake-up is not lost.
            drop(self.inner.lock());
            self.inner.wake.notify_one();
        }
    }
}

impl Drop for WatchGuard<'_> {
    fn drop(&mut self) {
        self.watched.deadline.store(NEVER, SeqCst);
    }
}
