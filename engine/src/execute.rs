//! One run, from a request to a trace.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant, SystemTime};

use crate::error::Error;
use crate::pool::Refused;
use crate::request::Request;
use crate::script::Script;
use crate::trace::{ErrorKind, ScriptError, Status, Trace, Usage};
use crate::vm::{Job, Outcome};
use crate::watchdog::Deadline;

pub(crate) fn execute(script: &Script, request: &Request<'_>) -> Result<Trace, Error> {
    let engine = &*script.engine;
    let limits = engine.limits.lowered_by(&script.limits).lowered_by(&request.limits);
    request.check(&limits)?;

    let (mut lent, queued) = match engine.pool.checkout(limits.queue) {
        Ok(lent) => lent,
        Err(Refused::Timeout) => return Ok(never_ran(script, limits.queue)),
        Err(Refused::Failed(error)) => return Err(error),
    };
    let (executed_at, began) = (SystemTime::now(), Instant::now());
    let deadline = Deadline::after(began, limits.timeout);

    let (member, watchdog) = lent.parts();
    let watch = watchdog.guard(&member.watched, deadline);
    let job = Job {
        name: &script.compiled.name,
        script: &script.compiled.bytecode,
        hints: &script.compiled.hints,
        request,
        limits: &limits,
        deadline,
    };
    let outcome = member.vm.run(&job)?;
    drop(watch);

    let duration = outcome.ended.duration_since(began);
    Ok(trace(script, outcome, executed_at, duration, queued))
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
        ended: Instant::now(),
    };
    trace(script, outcome, SystemTime::now(), Duration::ZERO, queued)
}
