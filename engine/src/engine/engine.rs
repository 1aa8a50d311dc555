//! The engine: a pool of VMs, and the limits of all that runs in them.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use super::inner::EngineInner;
use super::isolation::Isolation;
use crate::model::error::{CompileError, Error};
use crate::model::limits::Limits;
use crate::pool::backoff::Backoff;
use crate::pool::metrics::Metrics;
use crate::pool::pool::Pool;
use crate::process::sandbox::Sandbox;
use crate::registry::check::Diagnostic;
use crate::registry::environment::CurrentEnvironment;
use crate::registry::named::ScriptRegistry;

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
    inner: Arc<EngineInner>,
}

impl Engine {
    pub(crate) fn from_inner(inner: Arc<EngineInner>) -> Self {
        Self { inner }
    }

    pub(super) fn inner(&self) -> &Arc<EngineInner> {
        &self.inner
    }

    /// An engine with the default limits, and as many VMs as the machine has threads.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Sets up an engine with other limits.
    pub fn builder() -> EngineBuilder {
        EngineBuilder {
            limits: Limits::default(),
            pool_size: None,
            threads: None,
            backlog: BACKLOG,
            isolation: Isolation::InProcess,
        }
    }

    /// A snapshot of what was counted until now. It takes less than a microsecond for a few VMs, and the pool's lock for an instant.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        let pool = &self.inner.pool;
        pool.tally().metrics(pool.vms(), self.inner.named.len() as u64)
    }

    /// Gives all scripts a module, `require "NAME"`, from their next run on; one of the same name is replaced. Each run
    /// that requires it runs it once, in its own `_G`, with its name as `...`.
    ///
    /// # Errors
    /// The module does not compile, or is too long.
    pub fn module(&self, name: &str, source: impl AsRef<[u8]>) -> Result<(), CompileError> {
        let module = Arc::new(self.inner.compile(name, source.as_ref())?);
        self.inner.environment.change(|environment| {
            environment.modules.insert(Arc::clone(&module.name), module);
            Ok(())
        })
    }

    /// What is wrong with a source, and what may silently do something else than its author expects of Lua, place by
    /// place: every syntax error that does not just follow from another, or else warnings, up to 100. Uses of names that nothing
    /// sets are among these; functions in `host` and modules, where this engine has any, are those that it has now. It
    /// runs nothing.
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
        self.inner.check(name, source.as_ref())
    }

    /// What keeps the engine's workers from the system, beside their VMs; `None` where it has none. It may start one, and so tells at the beginning
    /// whether that is possible.
    ///
    /// # Errors
    /// No worker can be started.
    pub fn sandbox(&self) -> Result<Option<Sandbox>, Error> {
        self.inner.pool.sandbox()
    }

    /// The ceilings of every run.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.inner.limits
    }
}

impl Default for Engine {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("limits", &self.inner.limits).finish_non_exhaustive()
    }
}

/// Sets up an [`Engine`]. Sizes are bytes; what is not set is as in [`Limits::default`].
#[derive(Debug, Clone)]
#[must_use]
pub struct EngineBuilder {
    limits: Limits,
    pool_size: Option<usize>,
    threads: Option<usize>,
    backlog: usize,
    isolation: Isolation,
}

/// How many submitted runs may wait for a VM by default.
const BACKLOG: usize = 10_000;

/// How many threads make submitted runs where nothing else is set and the machine does not have more: with as few as it has, two scripts that compute
/// for ever would keep all others waiting.
const THREADS: usize = 64;

impl EngineBuilder {
    /// How many VMs there may be, and so how many runs at once, with those that wait; at least 1. They are made when first needed.
    pub fn pool_size(mut self, vms: usize) -> Self {
        self.pool_size = Some(vms);
        self
    }

    /// How many threads make submitted runs, and those of a batch; at least 1, and no more than there are VMs. Where nothing else is set, as many as
    /// there are VMs, up to 64 or what the machine has. A run that waits for an [`async_function`](Engine::async_function) takes none, so that VMs
    /// may be thousands; one that computes, or waits in a host function which blocks, has one to itself until it ends.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// How many runs of [`Script::submit`](crate::Script::submit) may wait for a VM; beyond, they end as `queue_timeout` at once. 10,000 where
    /// nothing else is set.
    pub fn backlog(mut self, runs: usize) -> Self {
        self.backlog = runs;
        self
    }

    /// Where runs are made: in this process where nothing else is set.
    pub fn isolation(mut self, isolation: Isolation) -> Self {
        self.isolation = isolation;
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

    /// See [`Limits::host_calls`].
    pub fn host_calls(mut self, calls: u64) -> Self {
        self.limits.host_calls = calls;
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
        let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let size = self.pool_size.unwrap_or_else(cores);
        let threads = self.threads.unwrap_or_else(|| cores().max(THREADS));
        let first_backoff = match &self.isolation {
            Isolation::InProcess => None,
            Isolation::Process(workers) => Some(workers.first_backoff()),
        };
        let inner = EngineInner {
            limits: self.limits,
            pool: Pool::new(size, threads, self.isolation.start(&self.limits)),
            backoff: first_backoff.map(Backoff::new),
            runs: AtomicU64::new(0),
            environment: CurrentEnvironment::default(),
            backlog: self.backlog,
            named: ScriptRegistry::default(),
        };
        Engine { inner: Arc::new(inner) }
    }
}
