//! What the engine says to workers, on all systems: how they are to be, and which runs are wanted of one.

use std::path::PathBuf;
use std::time::Duration;

use crate::model::error::Error;
use crate::model::limits::Limits;
use crate::model::request::Request;
use crate::model::trace::Trace;

/// What workers are to be.
#[derive(Debug, Clone)]
pub(crate) struct Start {
    pub(crate) program: PathBuf,
    /// What a run may take, in bytes.
    pub(crate) memory: usize,
    /// What a run may write, in bytes, on each of its streams.
    pub(crate) output: usize,
    /// After so many runs, a worker is replaced.
    pub(crate) max_runs: Option<u64>,
    /// After that time, too.
    pub(crate) max_age: Option<Duration>,
    /// How long who waits for the other spins before it sleeps.
    pub(crate) spin: Duration,
    /// Whether one without a part of its sandbox is none.
    pub(crate) requires_sandbox: bool,
}

/// One of many runs.
pub(crate) struct OneOf<'a> {
    pub(crate) index: usize,
    pub(crate) request: &'a Request<'a>,
    pub(crate) limits: Limits,
}

/// Who wants many runs, and knows them by an index.
pub(crate) trait Wanted<'a> {
    /// The next one, or `None` when this was the last for now.
    fn next(&mut self) -> Option<OneOf<'a>>;
    /// A trace to be filled in.
    fn blank_trace(&self) -> Trace;
    /// What came of one, with the bytes of its output that were past their limit.
    fn ended(&mut self, index: usize, result: Result<(Trace, u64), Error>);
    /// One was not made.
    fn not_made(&mut self, index: usize);
}
