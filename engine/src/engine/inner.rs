//! What all clones of an engine, and all of its scripts, share.

use std::sync::atomic::AtomicU64;

use crate::compile::compiled::Compiled;
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
        let compiled = Compiled::new(name, source, &self.limits);
        self.pool.tally().count_compile(compiled.is_ok());
        compiled
    }
}
