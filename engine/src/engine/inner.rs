//! What all clones of an engine, and all of its scripts, share.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::compile::compiled::{Compiled, content_hash, validate};
use crate::model::error::CompileError;
use crate::model::limits::Limits;
use crate::pool::backoff::Backoff;
use crate::pool::pool::Pool;
use crate::process::worker::Worker;
use crate::registry::check::{Diagnostic, check};
use crate::registry::environment::CurrentEnvironment;
use crate::registry::named::ScriptRegistry;

/// The one shared part of an engine.
pub(crate) struct EngineInner {
    pub(crate) limits: Limits,
    pub(crate) pool: Pool,
    /// What sources did to workers, where it has such.
    pub(crate) backoff: Option<Backoff>,
    /// How many runs have begun.
    pub(crate) runs: AtomicU64,
    pub(crate) environment: CurrentEnvironment,
    /// How many submitted runs may wait for a VM.
    pub(crate) backlog: usize,
    /// The named scripts.
    pub(crate) named: ScriptRegistry,
}

impl EngineInner {
    /// The id of a run that begins.
    pub(super) fn next_run(&self) -> u64 {
        self.runs.fetch_add(1, Relaxed) + 1
    }

    /// Compiles a source, and counts that.
    pub(crate) fn compile(&self, name: &str, source: &[u8]) -> Result<Compiled, CompileError> {
        let compiled = match &self.backoff {
            Some(backoff) => self.compile_in_worker(backoff, name, source),
            None => Compiled::new(name, source, &self.limits),
        };
        self.pool.tally().count_compile(compiled.is_ok());
        compiled
    }

    /// The compiler reads strangers' text, too: what it would do to this process it does to a worker.
    fn compile_in_worker(
        &self,
        backoff: &Backoff,
        name: &str,
        source: &[u8],
    ) -> Result<Compiled, CompileError> {
        validate(name, source, &self.limits)?;
        let compiled = Compiled::without_bytecode(name, source);
        let result = self.ask_compiler(backoff, &compiled.hash, |worker| worker.compile(&compiled));
        let failed = |(line, reason)| CompileError { script: name.to_owned(), line, reason };
        result.map_err(|reason| (1, reason)).and_then(|result| result).map_err(failed)?;
        Ok(compiled)
    }

    /// What is wrong with a source, or questionable.
    pub(super) fn check(&self, name: &str, source: &[u8]) -> Vec<Diagnostic> {
        let environment = self.environment.current();
        let Some(backoff) = self.backoff.as_ref().filter(|_| validate(name, source, &self.limits).is_ok())
        else {
            return check(name, source, &self.limits, &environment);
        };
        let hash = content_hash(source);
        let found = self.ask_compiler(backoff, &hash, |worker| worker.check(name, source, &environment));
        found.unwrap_or_else(|reason| vec![Diagnostic::first(name, reason)])
    }

    /// What a worker comes to that reads a source, or why there is none.
    fn ask_compiler<T>(
        &self,
        backoff: &Backoff,
        hash: &str,
        ask: impl Fn(&mut Worker) -> Option<T>,
    ) -> Result<T, String> {
        // What it does to the compiler is counted apart from what its runs do.
        let source = format!("{hash} compiled");
        if let Some(refusal) = backoff.refusal(&source) {
            return Err(format!("the source is refused: {refusal}"));
        }
        let answer = self.pool.ask_compiler(ask).map_err(|error| error.to_string())?;
        backoff.ended(&source, answer.is_none());
        answer.ok_or_else(|| "the compiler crashed".to_owned())
    }
}
