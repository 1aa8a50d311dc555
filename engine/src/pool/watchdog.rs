//! The watchdog: a thread per engine that arms the interrupt of a VM when its run must end, or is due to poll the host.
//!
//! If a VM read the clock itself, every loop would pay for it. Instead the watchdog sleeps until the earliest deadline,
//! and only then arms the interrupt of the VM concerned, which reads the clock at its next safepoint. A new run's deadline
//! is nearly always later than the one that the thread sleeps to, so to start a run costs one store and one load; the
//! thread is woken only for an earlier deadline. While nothing runs, it sleeps without a timeout.
//!
//! It sleeps on the standard library's condition variable. parking_lot keeps sleeping threads in a table of the process:
//! in a child of `fork()` that table would still name the watchdog, whose stack the child's next thread may reuse.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Waker;
use std::time::{Duration, Instant};

use crate::model::deadline::{Deadline, NEVER, nanos_since_epoch};
use crate::model::error::Error;
use crate::vm::interrupt::{Interrupt, wake};

/// How often the interrupt of a VM whose run is past its deadline is armed again.
const REARM_EVERY: Duration = Duration::from_millis(10);

/// The watchdog's entry for one VM: when to arm its interrupt, in nanoseconds as of [`Deadline::as_nanos`].
pub(crate) struct Watched {
    deadline: AtomicU64,
    interrupt: Arc<Interrupt>,
}

/// An engine's watchdog. Its thread is started for the first VM, and ends when this is dropped.
pub(crate) struct Watchdog {
    inner: Arc<WatchdogInner>,
}

/// What the thread and the runs share.
struct WatchdogInner {
    /// Until when the thread sleeps; [`NEVER`] while it sleeps without a timeout, or was not started.
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

    /// Adds a VM. Its entry is removed when the returned [`Watched`] is dropped.
    ///
    /// # Errors
    /// The system can't start the thread.
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

    /// Has the interrupt of `watched` armed at `deadline`, unless the returned guard is dropped before.
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
    /// A poisoned lock is used all the same: the state is consistent at every point where a panic could happen.
    fn lock(&self) -> MutexGuard<'_, WatchdogState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch_until_ended(&self) {
        let mut state = self.lock();
        while !state.has_ended {
            let mut waiting = Vec::new();
            let next = state.scan(&mut waiting);
            self.wakes_at.store(next, SeqCst);
            let is_late = state.scan(&mut waiting) < next;
            if !waiting.is_empty() {
                // What is woken may begin a run.
                drop(state);
                waiting.into_iter().for_each(|waker| wake(Some(waker)));
                state = self.lock();
                continue;
            }
            if is_late {
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
    /// Arms every VM that is past its deadline, of which those `waiting` are to be woken; returns when to scan again.
    fn scan(&self, waiting: &mut Vec<Waker>) -> u64 {
        let now = nanos_since_epoch(Instant::now());
        let mut next = NEVER;
        for watched in self.watched.iter().filter_map(Weak::upgrade) {
            let deadline = watched.deadline.load(SeqCst);
            if deadline <= now {
                waiting.extend(watched.interrupt.arm());
                next = next.min(now + REARM_EVERY.as_nanos() as u64);
            } else {
                next = next.min(deadline);
            }
        }
        next
    }
}

/// A run whose deadline the watchdog observes.
pub(crate) struct WatchGuard<'a> {
    inner: &'a WatchdogInner,
    watched: &'a Watched,
}

impl WatchGuard<'_> {
    /// Replaces the deadline at which the interrupt is armed.
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
