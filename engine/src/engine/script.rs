//! A compiled script, bound to its engine.

use std::sync::Arc;

use super::engine::Engine;
use super::inner::EngineInner;
use crate::compile::compiled::Compiled;
use crate::model::error::CompileError;
use crate::model::limits::RunLimits;
use crate::registry::functions::Functions;

impl Engine {
    /// Compiles a script. The name shows in errors and traces; it needs not be unique. The source may begin with a UTF-8
    /// byte order mark or a `#!` line, as everywhere.
    ///
    /// # Errors
    /// The script does not compile, or is too long.
    pub fn compile(&self, name: &str, source: impl AsRef<[u8]>) -> Result<Script, CompileError> {
        let compiled = self.inner().compile(name, source.as_ref())?;
        Ok(Script::new(self.inner(), Arc::new(compiled)))
    }
}

/// A script that can be run, from any thread and by many at once. Cloning costs two counters.
#[derive(Clone)]
pub struct Script {
    pub(crate) engine: Arc<EngineInner>,
    pub(crate) compiled: Arc<Compiled>,
    pub(crate) limits: RunLimits,
    /// The script's own host functions.
    pub(crate) functions: Option<Arc<Functions>>,
}

impl Script {
    pub(crate) fn new(engine: &Arc<EngineInner>, compiled: Arc<Compiled>) -> Self {
        Self { engine: Arc::clone(engine), compiled, limits: RunLimits::default(), functions: None }
    }

    /// The name it was compiled with.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.compiled.name
    }

    /// The engine that it belongs to.
    #[must_use]
    pub fn engine(&self) -> Engine {
        Engine::from_inner(Arc::clone(&self.engine))
    }

    /// Which version of its name this is, as in [`Trace::version`](crate::Trace::version): counted from 1 by
    /// [`Scripts::put`](crate::Scripts::put), and 1 for a script that was only compiled.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.compiled.version
    }

    /// The source that it was compiled from.
    #[must_use]
    pub fn source(&self) -> &str {
        self.compiled.hints.source()
    }

    /// Whether the script can see `META`. Where not, what a request has as such is checked only, and a host need not make it.
    #[must_use]
    pub fn sees_meta(&self) -> bool {
        self.compiled.sees_meta
    }

    /// The SHA-256 of the source in lower-case hex, as `sha256sum` shows it.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.compiled.hash
    }

    /// The same script with limits of its own; they lower the engine's.
    #[must_use]
    pub fn with_limits(mut self, limits: RunLimits) -> Self {
        self.limits = limits;
        self
    }
}

impl std::fmt::Debug for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Script")
            .field("name", &self.compiled.name)
            .field("version", &self.compiled.version)
            .finish_non_exhaustive()
    }
}
