//! What all clones of an engine, and all of its scripts, share.

use std::sync::atomic::AtomicU64;

use crate::compile::compiled::{Compiled, validate};
use crate::model::error::CompileError;
use crate::model::limits::Limits;
use crate::pool::pool::Pool;
use crate::registry::environment::CurrentEnvironment;
use crate::registry::named::ScriptRegistry;

/// The one shared part of an engine.
pub(crate) struct EngineInner {
    pub(crate) limits: Limits,
    pub(crate) pool: Pool,
    /// How many runs have begun.
    pub(crate) runs: AtomicU64,
    pub(crate) environment: CurrentEnvironment,
    /// How many submitted runs may wait for a VM.
    pub(crate) backlog: usize,
    /// The named scripts.
    pub(crate) named: ScriptRegistry,
}

impl EngineInner {
    /// Compiles a source, and counts that.
    pub(crate) fn compile(&self, name: &str, source: &[u8]) -> Result<Compiled, CompileError> {
        let compiled = if self.pool.has_workers() {
            self.compile_in_worker(name, source)
        } else {
            Compiled::new(name, source, &self.limits)
        };
        self.pool.tally().count_compile(compiled.is_ok());
        compiled
    }

    /// The compiler reads strangers' text, too: what it would do to this process it does to a worker.
    fn compile_in_worker(&self, name: &str, source: &[u8]) -> Result<Compiled, CompileError> {
        validate(name, source, &self.limits)?;
        let failed = |line, reason| CompileError { script: name.to_owned(), line, reason };
        let compiled = Compiled::without_bytecode(name, source);
        match self.pool.compile(&compiled) {
            Ok(()) => Ok(compiled),
            Err((line, reason)) => Err(failed(line, reason)),
        }
    }
}
