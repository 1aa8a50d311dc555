//! What makes a run: a VM of this process, or a worker process that has one.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Instant;

use super::counters::Recorder;
use super::watchdog::{Watchdog, Watched};
use crate::model::deadline::Deadline;
use crate::model::error::Error;
use crate::model::poll::Polling;
use crate::model::trace::Trace;
use crate::process::starter::Starter;
use crate::process::worker::Worker;
use crate::vm::Vm;
use crate::vm::job::Job;
use crate::vm::session::Session;

/// Whom a worker serves, once it serves anyone: a tenant, or all runs that have none.
pub(super) type Tenant = Option<Arc<[u8]>>;

/// A VM, here or in a worker, and the counters of its runs.
pub(crate) struct PooledVm {
    pub(crate) seat: Seat,
    pub(crate) recorder: Recorder,
    /// Whom a worker serves, if it has served anyone.
    pub(super) tenant: Option<Tenant>,
}

/// A VM and its entry with the watchdog, or a worker, which has a watchdog of its own.
pub(crate) enum Seat {
    Vm(Vm, Arc<Watched>),
    Worker(Box<Worker>),
}

impl Seat {
    pub(super) fn new(watchdog: &Watchdog, starter: Option<&Arc<Starter>>) -> Result<Self, Error> {
        if let Some(starter) = starter {
            return Worker::start(starter).map(|worker| Self::Worker(Box::new(worker)));
        }
        let vm = Vm::new()?;
        let watched = watchdog.watch(vm.interrupt())?;
        Ok(Self::Vm(vm, watched))
    }

    /// Whether it may have another run.
    pub(crate) fn is_sound(&self) -> bool {
        match self {
            Self::Vm(vm, _) => vm.is_sound(),
            Self::Worker(worker) => worker.is_sound(),
        }
    }

    /// Whether the VM of a worker was replaced after the run before.
    pub(super) fn has_replaced(&mut self) -> bool {
        match self {
            Self::Vm(..) => false,
            Self::Worker(worker) => worker.has_replaced(),
        }
    }

    /// Makes a run that began just now, and returns the bytes of output that were past its limit.
    pub(crate) fn run(
        &mut self,
        watchdog: &Watchdog,
        job: Job<'_>,
        began: Instant,
        trace: &mut Trace,
    ) -> Result<u64, Error> {
        let poll = job.request.poll.as_ref();
        match self {
            Self::Vm(vm, watched) => {
                let deadline = job.deadline;
                let due = poll.map_or(Deadline::NEVER, |poll| poll.due(began));
                let watch = watchdog.guard(watched, deadline.min(due));
                let wake_at = |deadline| watch.wake_at(deadline);
                let polling = poll.map(|poll| Polling::new(poll, due, deadline, &wake_at));
                let end = vm.run(&Job { polling: polling.as_ref(), ..job }, trace)?;
                trace.duration = end.at.duration_since(began);
                Ok(end.dropped)
            }
            Self::Worker(worker) => worker.run(&job, poll, trace),
        }
    }

    /// As [`run`](Self::run), for a run that may wait: in a VM of this process it takes no thread meanwhile.
    pub(crate) async fn run_waiting(
        &mut self,
        watchdog: &Watchdog,
        job: Job<'_>,
        began: Instant,
        trace: &mut Trace,
    ) -> Result<u64, Error> {
        let Self::Vm(vm, watched) = self else { return self.run(watchdog, job, began, trace) };
        let poll = job.request.poll.as_ref();
        let deadline = job.deadline;
        let due = poll.map_or(Deadline::NEVER, |poll| poll.due(began));
        let watch = watchdog.guard(watched, deadline.min(due));
        let wake_at = |deadline| watch.wake_at(deadline);
        let polling = poll.map(|poll| Polling::new(poll, due, deadline, &wake_at));
        let job = Job { polling: polling.as_ref(), ..job };
        let mut session = Session::new(vm, &job);
        let end = poll_fn(|context| session.poll(context, trace)).await?;
        trace.duration = end.at.duration_since(began);
        Ok(end.dropped)
    }
}
