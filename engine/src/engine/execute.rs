//! One run, from a request to a trace.

use std::borrow::Borrow;
use std::convert::identity;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant, SystemTime};

use super::script::Script;
use super::span::Span;
use crate::model::cancel::{self, CancelHandle};
use crate::model::deadline::Deadline;
use crate::model::error::Error;
use crate::model::limits::Limits;
use crate::model::poll::Polling;
use crate::model::request::Request;
use crate::model::trace::{ErrorKind, ScriptError, Status, Trace, Usage};
use crate::pool::pool::{Lent, Refused};
use crate::vm::Outcome;
use crate::vm::job::Job;

impl Script {
    /// Runs it: what comes of it is in the trace, errors of the script included. 32 KiB of stack are enough to call this, on a
    /// fiber, too: where the thread's own stack has less than 1 MiB left, the run is on one of its VM's.
    ///
    /// # Errors
    /// Only what keeps the run from beginning: a request that can't be given to a script, or a failing system.
    pub fn run(&self, request: &Request<'_>) -> Result<Trace, Error> {
        execute(self, request, None, identity)
    }

    /// The same, for a host that keeps its traces behind a pointer: `keep` is handed the trace to put it there, once and before
    /// this returns.
    ///
    /// # Errors
    /// As [`run`](Self::run); `keep` is not called then.
    pub fn run_with<T: Borrow<Trace>>(
        &self,
        request: &Request<'_>,
        keep: impl FnOnce(Trace) -> T,
    ) -> Result<T, Error> {
        execute(self, request, None, keep)
    }
}

/// Runs `script`; `cancel` ends it, as the request's own handle does. `keep` puts the trace where it stays, so that it is not moved
/// on the way: what was written just now is the dearest to move.
pub(crate) fn execute<T: Borrow<Trace>>(
    script: &Script,
    request: &Request<'_>,
    cancel: Option<&CancelHandle>,
    keep: impl FnOnce(Trace) -> T,
) -> Result<T, Error> {
    let engine = &*script.engine;
    let limits = engine.limits.lowered_by(&script.limits).lowered_by(&request.limits);
    request.check(&limits)?;
    if is_cancelled(request, cancel) {
        return Ok(keep(cancelled(script, Duration::ZERO)));
    }

    match engine.pool.checkout(limits.queue, request.poll.as_ref()) {
        Ok((lent, queued)) => execute_in(lent, queued, script, request, &limits, cancel, keep),
        Err(refused) => never_ran(script, &limits, refused).map(keep),
    }
}

/// Runs it in a VM that was waited for.
pub(crate) fn execute_in<T: Borrow<Trace>>(
    mut lent: Lent<'_>,
    queued: Duration,
    script: &Script,
    request: &Request<'_>,
    limits: &Limits,
    cancel: Option<&CancelHandle>,
    keep: impl FnOnce(Trace) -> T,
) -> Result<T, Error> {
    // It costs the VM to stop a run in it.
    if is_cancelled(request, cancel) {
        return Ok(keep(cancelled(script, queued)));
    }
    let span = Span::enter(script);
    let (executed_at, began) = (SystemTime::now(), Instant::now());
    let deadline = Deadline::after(began, limits.timeout);

    let (member, watchdog) = lent.parts();
    let due = request.poll.as_ref().map_or(Deadline::NEVER, |poll| poll.due(began));
    let watch = watchdog.guard(&member.watched, deadline.min(due));
    let wake_at = |deadline| watch.wake_at(deadline);
    let polling = request.poll.as_ref().map(|poll| Polling::new(poll, due, deadline, &wake_at));
    let job = Job {
        compiled: &script.compiled,
        functions: script.functions.as_deref(),
        environment: &script.engine.environment,
        runs: &script.engine.runs,
        request,
        cancel,
        limits,
        deadline,
        polling: polling.as_ref(),
    };
    let outcome = member.vm.run(&job)?;
    drop(watch);

    let duration = outcome.ended.duration_since(began);
    let dropped = outcome.dropped;
    let kept = keep(trace(script, outcome, executed_at, duration, queued));
    member.recorder.count(kept.borrow(), dropped);
    span.end(kept.borrow());
    Ok(kept)
}

fn trace(
    script: &Script,
    outcome: Outcome,
    executed_at: SystemTime,
    duration: Duration,
    queued: Duration,
) -> Trace {
    Trace {
        id: outcome.id,
        status: outcome.error.as_ref().map_or(Status::Success, |error| error.kind.status()),
        executed_at,
        duration,
        stdout: outcome.stdout.0,
        stderr: outcome.stderr.0,
        stdout_truncated: outcome.stdout.1,
        stderr_truncated: outcome.stderr.1,
        value: outcome.value,
        response: outcome.response,
        error: outcome.error,
        script: Arc::clone(&script.compiled.name),
        version: script.compiled.version,
        usage: Usage { memory_bytes: outcome.memory, host_calls: outcome.host_calls, queued },
    }
}

/// The trace of a run for which no VM came free, or why there is none.
pub(crate) fn never_ran(script: &Script, limits: &Limits, refused: Refused) -> Result<Trace, Error> {
    match refused {
        Refused::Failed(error) => Err(error),
        Refused::Cancelled(waited) => Ok(cancelled(script, waited)),
        Refused::Timeout => {
            let message = format!("no VM came free within {} ms", limits.queue.as_millis());
            Ok(without_vm(script, ErrorKind::QueueTimeout, message, limits.queue))
        }
        Refused::Full => {
            let message = format!("{} runs wait for a VM already", script.engine.backlog);
            Ok(without_vm(script, ErrorKind::QueueTimeout, message, Duration::ZERO))
        }
    }
}

fn is_cancelled(request: &Request<'_>, cancel: Option<&CancelHandle>) -> bool {
    request.cancel.as_ref().into_iter().chain(cancel).any(CancelHandle::is_cancelled)
}

/// The trace of a run that was cancelled before it began.
pub(crate) fn cancelled(script: &Script, queued: Duration) -> Trace {
    without_vm(script, ErrorKind::Cancelled, cancel::MESSAGE.to_owned(), queued)
}

/// The trace of a run that ended before it began.
fn without_vm(script: &Script, kind: ErrorKind, message: String, queued: Duration) -> Trace {
    let outcome = Outcome {
        id: script.engine.runs.fetch_add(1, Relaxed) + 1,
        stdout: Default::default(),
        stderr: (format!("{message}\n").into_bytes(), false),
        value: None,
        error: Some(Box::new(ScriptError {
            kind,
            message,
            script: None,
            line: None,
            traceback: String::new(),
            cause: None,
        })),
        response: None,
        memory: 0,
        host_calls: 0,
        ended: Instant::now(),
        dropped: 0,
    };
    let span = Span::enter(script);
    let trace = trace(script, outcome, SystemTime::now(), Duration::ZERO, queued);
    script.engine.pool.tally().count_without_vm(&trace);
    span.end(&trace);
    trace
}
