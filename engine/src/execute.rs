//! One run, from a request to a trace.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant, SystemTime};

use crate::error::Error;
use crate::pool::Refused;
use crate::request::Request;
use crate::script::Script;
use crate::span::Span;
use crate::trace::{ErrorKind, ScriptError, Status, Trace, Usage};
use crate::vm::{Job, Outcome};
use crate::watchdog::Deadline;

pub(crate) fn execute(script: &Script, request: &Request<'_>) -> Result<Trace, Error> {
    let engine = &*script.engine;
    let limits = engine.limits.lowered_by(&script.limits).lowered_by(&request.limits);
    request.check(&limits)?;
    let span = Span::enter(script);

    let (mut lent, queued) = match engine.pool.checkout(limits.queue) {
        Ok(lent) => lent,
        Err(Refused::Timeout) => {
            let trace = never_ran(script, limits.queue);
            engine.pool.tally().count_without_vm(&trace);
            span.end(&trace);
            return Ok(trace);
        }
        Err(Refused::Failed(error)) => return Err(error),
    };
    let (executed_at, began) = (SystemTime::now(), Instant::now());
    let deadline = Deadline::after(began, limits.timeout);

    let (member, watchdog) = lent.parts();
    let watch = watchdog.guard(&member.watched, deadline);
    let job = Job { script: &script.compiled.bytecode, request, limits: &limits, deadline };
    let outcome = member.vm.run(&job)?;
    drop(watch);

    let dropped = outcome.dropped;
    let trace = trace(script, outcome, executed_at, began.elapsed(), queued);
    member.recorder.count(&trace, dropped);
    span.end(&trace);
    Ok(trace)
}

fn trace(
    script: &Script,
    outcome: Outcome,
    executed_at: SystemTime,
    duration: Duration,
    queued: Duration,
) -> Trace {
    Trace {
        id: script.engine.runs.fetch_add(1, Relaxed) + 1,
        status: outcome.error.as_ref().map_or(Status::Success, |error| error.kind.status()),
        executed_at,
        duration,
        stdout: outcome.stdout.0,
        stderr: outcome.stderr.0,
        stdout_truncated: outcome.stdout.1,
        stderr_truncated: outcome.stderr.1,
        value: outcome.value,
        error: outcome.error,
        script: Arc::clone(&script.compiled.name),
        version: script.compiled.version,
        usage: Usage { memory_bytes: outcome.memory, queued },
    }
}

/// The trace of a run for which no VM came free.
fn never_ran(script: &Script, queued: Duration) -> Trace {
    let message = format!("no VM came free within {} ms", queued.as_millis());
    let error = ScriptError {
        kind: ErrorKind::QueueTimeout,
        script: None,
        line: None,
        traceback: String::new(),
        message: message.clone(),
    };
    let outcome = Outcome {
        stdout: Default::default(),
        stderr: (format!("{message}\n").into_bytes(), false),
        value: None,
        error: Some(error),
        memory: 0,
        dropped: 0,
    };
    trace(script, outcome, SystemTime::now(), Duration::ZERO, queued)
}
