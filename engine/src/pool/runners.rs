//! The threads that run submitted tasks. They are started when first needed, and end with their engine.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::pool::{Checkout, CheckoutError, Pool, PoolInner, PoolState, Resumed, TaskFn};
use super::seat::Tenant;
use super::tasks::{Task, TaskKey};
use crate::model::error::Error;

impl Pool {
    /// Has a runner call `work` as soon as there is a VM, or when `patience` has passed without one. When `capacity` tasks
    /// wait already, beyond those for which a VM is free, `work` is called at once with [`CheckoutError::Full`].
    pub(crate) fn submit(
        &self,
        patience: Duration,
        capacity: Option<usize>,
        tenant: Tenant,
        work: TaskFn,
    ) -> Option<TaskKey> {
        let inner = self.here();
        let submitted = Instant::now();
        // A longer wait would overflow an `Instant`.
        let expires = submitted + patience.min(Duration::from_secs(365 * 24 * 3600));
        let mut state = inner.lock();
        let is_counted = capacity.is_some();
        if capacity.is_some_and(|most| state.tasks.counted() >= most.saturating_add(inner.free(&state))) {
            drop(state);
            work(Err(CheckoutError::Full));
            return None;
        }
        let key = state.tasks.push(Task { submitted, expires, tenant, is_counted, work });
        if let Err(error) = inner.provide_runner(&mut state)
            && !state.tasks.has_runners()
            && let Some(task) = state.tasks.remove(&key)
        {
            drop(state);
            task(Err(CheckoutError::Failed(Error::Internal(format!("no thread to run on: {error}")))));
            return None;
        }
        let is_first = state.tasks.is_first(&key);
        inner.wake_runner(state, is_first);
        Some(key)
    }

    /// Forgets a task that nobody waits for any more.
    pub(super) fn forget(&self, key: &TaskKey) {
        let task = self.here().lock().tasks.remove(key);
        drop(task);
    }
}

impl PoolInner {
    /// Starts one more runner where that is needed.
    pub(super) fn provide_runner(self: &Arc<Self>, state: &mut PoolState) -> std::io::Result<()> {
        if state.tasks.needs_runner(self.threads()) {
            let runner = Arc::clone(self);
            std::thread::Builder::new().name("perilune-run".into()).spawn(move || runner.work())?;
            state.tasks.add_runner();
        }
        Ok(())
    }

    /// The loop of a runner, until the engine is dropped.
    fn work(self: &Arc<Self>) {
        let mut state = self.lock();
        while !state.tasks.has_ended() {
            let now = Instant::now();
            let first = state.tasks.peek(now);
            if (first.is_none() || state.tasks.is_resumed_next())
                && let Some(run) = state.tasks.take_resumed()
            {
                state = self.go_on(state, run);
                continue;
            }
            let Some(first) = first else {
                state = self.rest(state, None);
                continue;
            };
            let is_free = first.is_starving || self.lendable(&state) > state.starving;
            let found = self.find(&mut state, first.tenant.as_deref(), is_free, false);
            if found.is_none() && first.expires > now {
                if let Some(run) = state.tasks.take_resumed() {
                    state = self.go_on(state, run);
                    continue;
                }
                state = self.rest(state, Some(first.rest_until - now));
                continue;
            }
            let task = state.tasks.take().expect("it was seen under this lock");
            self.wake_runner(state, false);
            let checkout = |pooled| (Checkout::for_runner(self, pooled), task.submitted.elapsed());
            let with = found.ok_or(CheckoutError::Timeout);
            let with = with.and_then(|found| self.obtain(found, first.tenant.as_deref())).map(checkout);
            // A task ends with the host's callback, whose panic must not end this thread.
            let _ = catch_unwind(AssertUnwindSafe(|| (task.work)(with)));
            state = self.lock();
        }
        state.tasks.remove_runner();
    }

    /// Goes on with a run that waited.
    fn go_on<'a>(&'a self, state: MutexGuard<'a, PoolState>, run: Resumed) -> MutexGuard<'a, PoolState> {
        self.wake_runner(state, false);
        let _ = catch_unwind(AssertUnwindSafe(run));
        self.lock()
    }

    /// How many runners make runs at once.
    fn threads(&self) -> usize {
        self.threads.min(self.size)
    }

    /// Sleeps until this runner is woken, or until `time` has passed.
    fn rest<'a>(
        &self,
        mut state: MutexGuard<'a, PoolState>,
        time: Option<Duration>,
    ) -> MutexGuard<'a, PoolState> {
        state.tasks.rest(time.is_some());
        let mut state = match time {
            None => self.task.wait(state).unwrap_or_else(PoisonError::into_inner),
            Some(time) => self.task.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner).0,
        };
        state.tasks.wake_up(time.is_some());
        state
    }
}
