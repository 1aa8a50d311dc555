//! The engine: a pool of VMs, and the limits of all that runs in them.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use crate::check::{Diagnostic, check};
use crate::error::CompileError;
use crate::limits::{Limits, RunLimits};
use crate::pool::Pool;
use crate::script::{Compiled, Script};

/// Runs scripts. Make one for a process and share it: cloning costs a counter, and every clone is the same engine.
///
/// ```
/// use perilune::{Engine, Request, Status};
///
/// let engine = Engine::builder().pool_size(4).build();
/// let script = engine.compile("hello", "print('Hello', ARGS.monster)").unwrap();
/// let trace = script.run(&Request::new().query("monster=Manticore")).unwrap();
/// assert_eq!(trace.status, Status::Success);
/// assert_eq!(trace.stdout_text(), "Hello\tManticore\n");
/// ```
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

/// What all clones of an engine, and its scripts, share.
pub(crate) struct Shared {
    pub(crate) limits: Limits,
    pub(crate) pool: Pool,
    /// How many runs have begun.
    pub(crate) runs: AtomicU64,
}

impl Engine {
    /// An engine with the default limits, and as many VMs as the machine has threads.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// An engine to be made to measure.
    pub fn builder() -> EngineBuilder {
        EngineBuilder { limits: Limits::default(), pool_size: None }
    }

    /// Compiles a script. The name shows in errors and traces; it needs not be unique.
    ///
    /// # Errors
    /// The script does not compile, or is too long.
    pub fn compile(&self, name: &str, source: impl AsRef<[u8]>) -> Result<Script, CompileError> {
        let compiled = Arc::new(Compiled::new(name, source.as_ref(), &self.shared.limits)?);
        Ok(Script { engine: Arc::clone(&self.shared), compiled, limits: RunLimits::default() })
    }

    /// What is wrong with a source, and what may silently do something else than its author expects of Lua, line by
    /// line: every syntax error that can be told apart from what follows of another, or else warnings, up to 100. It
    /// runs nothing, and compiles up to 40 times.
    ///
    /// ```
    /// use perilune::{Engine, Severity};
    ///
    /// let found = Engine::new().check("hello", "prnt(ARGS.monster)");
    /// assert_eq!(found[0].severity, Severity::Warning);
    /// assert_eq!(found[0].to_string(), "hello:1: warning: prnt is not there: did you mean print?");
    /// ```
    #[must_use]
    pub fn check(&self, name: &str, source: impl AsRef<[u8]>) -> Vec<Diagnostic> {
        check(name, source.as_ref(), &self.shared.limits)
    }

    /// The ceilings of every run.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.shared.limits
    }
}

impl Default for Engine {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("limits", &self.shared.limits).finish_non_exhaustive()
    }
}

/// Sets up an [`Engine`]. Sizes are bytes; what is not set is as in [`Limits::default`].
#[derive(Debug, Clone)]
#[must_use]
pub struct EngineBuilder {
    limits: Limits,
    pool_size: Option<usize>,
}

impl EngineBuilder {
    /// How many VMs there may be, and so how many runs at once; at least 1. They are made when first needed.
    pub fn pool_size(mut self, vms: usize) -> Self {
        self.pool_size = Some(vms);
        self
    }

    /// See [`Limits::timeout`].
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.limits.timeout = timeout;
        self
    }

    /// See [`Limits::queue`].
    pub fn queue(mut self, queue: Duration) -> Self {
        self.limits.queue = queue;
        self
    }

    /// See [`Limits::memory`].
    pub fn memory(mut self, bytes: usize) -> Self {
        self.limits.memory = bytes;
        self
    }

    /// See [`Limits::output`].
    pub fn output(mut self, bytes: usize) -> Self {
        self.limits.output = bytes;
        self
    }

    /// See [`Limits::value`].
    pub fn value(mut self, bytes: usize) -> Self {
        self.limits.value = bytes;
        self
    }

    /// See [`Limits::request`].
    pub fn request(mut self, bytes: usize) -> Self {
        self.limits.request = bytes;
        self
    }

    /// See [`Limits::parameters`].
    pub fn parameters(mut self, parameters: usize) -> Self {
        self.limits.parameters = parameters;
        self
    }

    /// See [`Limits::source`].
    pub fn source(mut self, bytes: usize) -> Self {
        self.limits.source = bytes;
        self
    }

    /// Makes the engine. Nothing is started yet: VMs and the watchdog come with the first run.
    #[must_use]
    pub fn build(self) -> Engine {
        let size = self
            .pool_size
            .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get));
        let shared = Shared { limits: self.limits, pool: Pool::new(size), runs: AtomicU64::new(0) };
        Engine { shared: Arc::new(shared) }
    }
}
