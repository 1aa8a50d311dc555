//! Submitted runs that may wait: a runner goes on with one when it was woken.

use std::pin::Pin;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Release};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};

use super::pool::{Pool, PoolInner};

/// Nobody has woken it.
const WAITS: u8 = 0;
/// A runner will go on with it.
const QUEUED: u8 = 1;
/// A runner goes on with it.
const RUNS: u8 = 2;
/// The same, and it was woken meanwhile.
const RUNS_WOKEN: u8 = 3;

/// A run with all that it has, which ends by what it does last.
type Run = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A run that runners go on with until it has ended. Those who can wake it keep it.
pub(super) struct Driven {
    pool: Weak<PoolInner>,
    state: AtomicU8,
    /// Taken when it has ended.
    run: Mutex<Option<Run>>,
}

impl Pool {
    /// Begins a run, on a runner: on this one for now.
    pub(crate) fn drive(&self, run: Run) {
        let pool = Arc::downgrade(self.here());
        Arc::new(Driven { pool, state: AtomicU8::new(QUEUED), run: Mutex::new(Some(run)) }).go_on();
    }
}

impl Driven {
    /// Polls the run, on a runner, after it was woken.
    pub(super) fn go_on(self: &Arc<Self>) {
        // An exchange, and not a store: what whoever woke it has written before is seen by the poll.
        self.state.swap(RUNS, AcqRel);
        let waker = Waker::from(Arc::clone(self));
        // Nobody else has it: one runner at a time goes on with it.
        let mut run = self.run.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(polled) = &mut *run else { return };
        if polled.as_mut().poll(&mut Context::from_waker(&waker)) == Poll::Ready(()) {
            let ended = run.take();
            drop(run);
            return drop(ended);
        }
        drop(run);
        if self.state.compare_exchange(RUNS, WAITS, AcqRel, Acquire).is_err() {
            self.queue();
        }
    }

    fn queue(self: &Arc<Self>) {
        self.state.store(QUEUED, Release);
        if let Some(pool) = self.pool.upgrade() {
            let mut state = pool.lock();
            let run = Arc::clone(self);
            state.tasks.resume(Box::new(move || run.go_on()));
            // One that is there goes on with it otherwise.
            let _ = pool.provide_runner(&mut state);
            pool.wake_runner(state, false);
        }
    }
}

impl Wake for Driven {
    fn wake(self: Arc<Self>) {
        // It writes always: see `go_on`.
        let next = |state| {
            Some(match state {
                WAITS => QUEUED,
                RUNS => RUNS_WOKEN,
                other => other,
            })
        };
        if self.state.fetch_update(AcqRel, Acquire, next) == Ok(WAITS) {
            self.queue();
        }
    }
}
