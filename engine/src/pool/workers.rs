//! The threads that do tasks: started when they are first of use, and gone with their engine.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::pool::{Lent, Pool, Refused, Shared, State, Work};
use super::tasks::Task;
use crate::model::error::Error;

impl Pool {
    /// Has a thread of the pool's do `work` as soon as there is a VM, or when there is none in time. With `capacity`
    /// tasks waiting already, beside those that there are VMs for, it is refused at once.
    pub(crate) fn submit(&self, patience: Duration, capacity: usize, work: Work) {
        let shared = self.here();
        let submitted = Instant::now();
        // What is too far away is a year.
        let expires = submitted + patience.min(Duration::from_secs(365 * 24 * 3600));
        let mut state = shared.lock();
        let free = state.idle.len() + shared.size.saturating_sub(state.made);
        if state.tasks.len() >= capacity.saturating_add(free) {
            drop(state);
            return work(Err(Refused::Full));
        }
        if state.tasks.needs_worker(shared.size) {
            let worker = Arc::clone(shared);
            let spawned =
                std::thread::Builder::new().name("perilune-run".into()).spawn(move || worker.work());
            match spawned {
                Ok(_) => state.tasks.add_worker(),
                Err(error) if !state.tasks.has_workers() => {
                    drop(state);
                    return work(Err(Refused::Failed(Error::Internal(format!(
                        "no thread to run on: {error}"
                    )))));
                }
                // Those that there are will come to it.
                Err(_) => {}
            }
        }
        let is_first = state.tasks.push(Task { submitted, expires, work });
        shared.wake_worker(state, is_first);
    }
}

impl Shared {
    /// What a worker does, until the engine is gone.
    fn work(self: &Arc<Self>) {
        let mut state = self.lock();
        while !state.tasks.has_ended() {
            let now = Instant::now();
            let Some(first) = state.tasks.look(now) else {
                state = self.rest(state, None);
                continue;
            };
            let is_free = first.starves || state.idle.len() > state.starving;
            let member = if is_free { state.idle.pop() } else { None };
            let is_made = member.is_none() && state.made < self.size;
            if member.is_none() && !is_made && first.expires > now {
                state = self.rest(state, Some(first.rest_until - now));
                continue;
            }
            state.made += usize::from(is_made);
            let task = state.tasks.take().expect("it was looked at, under this lock");
            self.wake_worker(state, false);
            let lent = |member| (Lent::to_worker(self, member), task.submitted.elapsed());
            let with = match member {
                Some(member) => Ok(lent(member)),
                None if is_made => self.make().map(lent).map_err(|error| {
                    self.forget_one();
                    Refused::Failed(error)
                }),
                None => Err(Refused::Timeout),
            };
            // The end of it is the host's code; a panic in that is not this thread's.
            let _ = catch_unwind(AssertUnwindSafe(|| (task.work)(with)));
            state = self.lock();
        }
        state.tasks.remove_worker();
    }

    /// Waits until there may be something to do, or for so long.
    fn rest<'a>(&self, mut state: MutexGuard<'a, State>, time: Option<Duration>) -> MutexGuard<'a, State> {
        state.tasks.rest(time.is_some());
        let mut state = match time {
            None => self.task.wait(state).unwrap_or_else(PoisonError::into_inner),
            Some(time) => self.task.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner).0,
        };
        state.tasks.wake_up(time.is_some());
        state
    }
}
