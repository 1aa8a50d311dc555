//! What the integration tests share: one engine, and short ways to run a script.

#![allow(dead_code, reason = "every test file uses a part of this")]

pub(crate) mod children;

use std::sync::OnceLock;

use perilune::{
    Engine, EngineBuilder, Error, ErrorKind, Isolation, PayloadError, Request, Status, Trace, Workers,
};
use serde_json::Value;

/// An engine to be set up, which makes its runs where the environment says: in this process, or, by `PERILUNE_TEST_ISOLATION=process`, in
/// workers.
pub(crate) fn builder() -> EngineBuilder {
    match std::env::var("PERILUNE_TEST_ISOLATION").as_deref() {
        Ok("process") => Engine::builder().isolation(Isolation::Process(workers())),
        _ => Engine::builder(),
    }
}

pub(crate) fn workers() -> Workers {
    Workers::new().program(env!("CARGO_BIN_EXE_perilune-worker"))
}

/// An engine with the default limits, shared by the tests of one file.
pub(crate) fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| builder().pool_size(2).build())
}

/// Runs a source named `test` in `engine`.
#[track_caller]
pub(crate) fn run_in(engine: &Engine, source: &str, request: &Request<'_>) -> Trace {
    let script = engine.compile("test", source).unwrap_or_else(|error| panic!("{error}\nin: {source}"));
    script.run(request).unwrap_or_else(|error| panic!("{error}\nin: {source}"))
}

/// Runs a source with a request.
#[track_caller]
pub(crate) fn run_with(source: &str, request: &Request<'_>) -> Trace {
    run_in(engine(), source, request)
}

/// Runs a source with an empty request.
#[track_caller]
pub(crate) fn run(source: &str) -> Trace {
    run_with(source, &Request::new())
}

/// Fails unless the run came to its end.
#[track_caller]
pub(crate) fn assert_success(trace: &Trace, source: &str) {
    assert_eq!(trace.status, Status::Success, "{}\nin: {source}", trace.stderr_text());
}

/// The value that a run returned, as JSON text.
#[track_caller]
pub(crate) fn text_with(source: &str, request: &Request<'_>) -> String {
    let trace = run_with(source, request);
    assert_success(&trace, source);
    trace.value.unwrap_or_else(|| panic!("nothing was returned\nin: {source}"))
}

/// The value that a run returned, as JSON text.
#[track_caller]
pub(crate) fn text(source: &str) -> String {
    text_with(source, &Request::new())
}

/// The value that a run returned.
#[track_caller]
pub(crate) fn value_with(source: &str, request: &Request<'_>) -> Value {
    json(&text_with(source, request))
}

/// The value that a run returned.
#[track_caller]
pub(crate) fn value(source: &str) -> Value {
    json(&text(source))
}

#[track_caller]
pub(crate) fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Why a request is refused before the run.
#[track_caller]
pub(crate) fn refused_in(engine: &Engine, request: &Request<'_>) -> PayloadError {
    let script = engine.compile("test", "return 1").expect("it compiles");
    match script.run(request) {
        Err(Error::Payload(error)) => error,
        other => panic!("not refused: {other:?}"),
    }
}

/// Why a request is refused before the run.
#[track_caller]
pub(crate) fn refused(request: &Request<'_>) -> PayloadError {
    refused_in(engine(), request)
}

/// The message of a run that failed in this way.
#[track_caller]
pub(crate) fn failed(source: &str, kind: ErrorKind) -> String {
    let trace = run(source);
    let Some(error) = trace.error else { panic!("no error\nin: {source}") };
    assert_eq!(error.kind, kind, "{}\nin: {source}", error.message);
    assert_eq!(trace.status, kind.status(), "in: {source}");
    assert_eq!(trace.value, None, "in: {source}");
    error.message
}
