//! Runs of a batch in a worker, many at a time.

use std::time::{Duration, Instant, SystemTime};

use super::batch::Share;
use super::execute::Execution;
use super::span::Span;
use crate::model::cancel::CancelHandle;
use crate::model::deadline::Deadline;
use crate::model::error::Error;
use crate::model::nesting::Nesting;
use crate::model::trace::{Status, Trace};
use crate::pool::counters::Recorder;
use crate::pool::seat::Seat;
use crate::process::settings::{OneOf, Wanted};
use crate::vm::job::Job;

/// How long a batch keeps a worker for which others may wait.
const KEEP: Duration = Duration::from_millis(10);

impl<'b> Share<'b, '_> {
    /// Whether its runs may be made many at a time: they are made in workers, and the host sees nothing of them but their traces, when all are
    /// there. One that is told of its progress is to hear of a run at its end, and not at that of the long one behind it.
    pub(super) fn may_be_many(&self) -> bool {
        let (script, engine) = (self.batch.script, &self.batch.script.engine);
        let Some(backoff) = &engine.backoff else { return false };
        script.functions.is_none()
            && self.batch.progress.is_none()
            && Nesting::depth() == 0
            && !self.origin.within(Span::is_seen)
            && backoff.refusal(&script.compiled.hash).is_none()
            && engine.environment.current().functions.list.is_empty()
    }

    /// Makes runs in a worker until none is left, or others are to have it; returns whether some may be left.
    pub(super) fn run_many(&mut self) -> bool {
        let (index, execution) = loop {
            let Some(index) = self.claim() else { return false };
            match self.plain(index) {
                Some(execution) => break (index, execution),
                None => self.singly.push(index),
            }
        };
        let (script, tenant) = (self.batch.script, execution.request.tenant.as_deref());
        let (mut checkout, queued) = match script.engine.pool.checkout(execution.limits.queue, None, tenant) {
            Ok(checked_out) => checked_out,
            Err(error) => {
                let mut trace = script.blank_trace();
                let result = execution.not_checked_out(error, &mut trace).map(|()| trace);
                self.push(index, result);
                return true;
            }
        };
        let (pooled, _) = checkout.parts();
        let Seat::Worker(worker) = &mut pooled.seat else {
            self.singly.push(index);
            return true;
        };
        let job = Job {
            compiled: &script.compiled,
            functions: None,
            environment: &script.engine.environment,
            runs: &script.engine.runs,
            request: execution.request,
            cancel: execution.cancel,
            limits: &execution.limits,
            deadline: Deadline::NEVER,
            polling: None,
        };
        let until = Instant::now() + KEEP;
        let recorder = &mut pooled.recorder;
        let mut many = Many { share: self, recorder, next: Some(index), until, tenant, queued };
        worker.run_many(&job, &mut many);
        true
    }

    /// A run that needs nothing of its host meanwhile and may begin.
    fn plain(&self, index: usize) -> Option<Execution<'b>> {
        let execution = self.execution(index).ok()?;
        let request = execution.request;
        let is_cancelled = execution.cancel.is_some_and(CancelHandle::is_cancelled);
        (request.poll.is_none() && request.cancel.is_none() && !is_cancelled).then_some(execution)
    }
}

/// The runs of a share that a worker has.
struct Many<'m, 'b, 'a> {
    share: &'m mut Share<'b, 'a>,
    recorder: &'m mut Recorder,
    next: Option<usize>,
    until: Instant,
    tenant: Option<&'b [u8]>,
    /// How long the first waited for the worker.
    queued: Duration,
}

impl<'b> Wanted<'b> for Many<'_, 'b, '_> {
    fn next(&mut self) -> Option<OneOf<'b>> {
        loop {
            let index = match self.next.take() {
                Some(index) => index,
                None if Instant::now() >= self.until => return None,
                None => self.share.claim()?,
            };
            match self.share.plain(index) {
                Some(Execution { request, limits, .. }) if request.tenant.as_deref() == self.tenant => {
                    return Some(OneOf { index, request, limits });
                }
                _ => self.share.singly.push(index),
            }
        }
    }

    fn blank_trace(&self) -> Trace {
        self.share.batch.script.blank_trace()
    }

    fn ended(&mut self, index: usize, result: Result<(Trace, u64), Error>) {
        let engine = &self.share.batch.script.engine;
        let result = result.map(|(mut trace, dropped)| {
            trace.id = engine.next_run();
            let now = SystemTime::now();
            trace.executed_at = now.checked_sub(trace.duration).unwrap_or(now);
            trace.usage.queued = std::mem::take(&mut self.queued);
            self.recorder.count(&trace, dropped);
            if let Some(backoff) = &engine.backoff {
                backoff.ended(&self.share.batch.script.compiled.hash, trace.status == Status::Crashed);
            }
            trace
        });
        self.share.push(index, result);
    }

    fn not_made(&mut self, index: usize) {
        self.share.singly.push(index);
    }
}
