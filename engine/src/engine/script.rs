//! A compiled script, bound to its engine.

use std::borrow::Borrow;
use std::convert::identity;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::engine::batch::Batch;
use crate::engine::engine::{Engine, Shared};
use crate::engine::execute::execute;
use crate::engine::submit::{Ticket, submit};
use crate::model::error::{CompileError, Error};
use crate::model::function::{Call, Functions, HostError, shared};
use crate::model::limits::{Limits, RunLimits};
use crate::model::request::Request;
use crate::model::trace::Trace;
use crate::model::value::Value;
use crate::syntax::dialects::Dialects;
use crate::syntax::hints::Hints;
use crate::vm::Bytecode;

/// A script that can be run, from any thread and by many at once. Cloning costs two counters.
#[derive(Clone)]
pub struct Script {
    pub(crate) engine: Arc<Shared>,
    pub(crate) compiled: Arc<Compiled>,
    pub(crate) limits: RunLimits,
    /// Host functions of its own.
    pub(crate) functions: Option<Arc<Functions>>,
}

/// The longest name that Luau's messages show whole, in bytes.
const MAX_NAME: usize = 250;

/// What compiling made.
pub(crate) struct Compiled {
    pub(crate) name: Arc<str>,
    pub(crate) version: u64,
    pub(crate) hash: String,
    pub(crate) bytecode: Bytecode,
    pub(crate) hints: Hints,
}

/// The SHA-256 of a source, in lower-case hex. Hosts in any language have it at hand, to see what serves.
pub(crate) fn content_hash(source: &[u8]) -> String {
    Sha256::digest(source).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Compiled {
    /// Checks and compiles a source.
    pub(crate) fn new(name: &str, source: &[u8], limits: &Limits) -> Result<Self, CompileError> {
        validate(name, source, limits)?;
        let bytecode = Bytecode::compile(name, source).map_err(|(line, reason)| {
            let reason = Dialects::of(source).told(line, reason);
            CompileError { script: name.to_owned(), line, reason }
        })?;
        let (name, hash, hints) = (name.into(), content_hash(source), Hints::new(source));
        Ok(Self { name, version: 1, hash, bytecode, hints })
    }
}

/// Refuses what the compiler is not given.
pub(crate) fn validate(name: &str, source: &[u8], limits: &Limits) -> Result<(), CompileError> {
    let error = |line, reason| CompileError { script: name.to_owned(), line, reason };
    if source.len() > limits.source {
        let reason = format!("the source has {} bytes, over the limit of {}", source.len(), limits.source);
        return Err(error(1, reason));
    }
    if name.len() > MAX_NAME {
        return Err(error(1, format!("the script's name is longer than {MAX_NAME} bytes")));
    }
    let line_at = |byte: usize| 1 + source[..byte].iter().filter(|&&byte| byte == b'\n').count() as u32;
    if let Err(invalid) = std::str::from_utf8(source) {
        return Err(error(line_at(invalid.valid_up_to()), "the source is not UTF-8".to_owned()));
    }
    if let Some(at) = source.iter().position(|&byte| byte == 0) {
        return Err(error(line_at(at), "the source has a NUL byte".to_owned()));
    }
    Ok(())
}

impl Script {
    pub(crate) fn new(engine: &Arc<Shared>, compiled: Arc<Compiled>) -> Self {
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
        Engine::of(Arc::clone(&self.engine))
    }

    /// Which version of its name this is, as in [`Trace::version`]: counted from 1 by
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

    /// The same script with a host function of its own, beside the engine's and before one of the same name: see
    /// [`Engine::function`](crate::Engine::function).
    ///
    /// # Errors
    /// [`Error::Name`]: the name is not letters, digits and `_`.
    pub fn with_function<F, R>(mut self, name: &str, function: F) -> Result<Self, Error>
    where
        F: Fn(&Call<'_>) -> Result<R, HostError> + Send + Sync + 'static,
        R: Into<Value>,
    {
        let none = Functions::none();
        let functions = self.functions.as_deref().unwrap_or(&none).with(name, shared(function))?;
        self.functions = Some(Arc::new(functions));
        Ok(self)
    }

    /// Runs it: what comes of it is in the trace, errors of the script included. 32 KiB of stack are enough to call this, on a
    /// fiber, too: where the thread's own stack has less than 1 MiB left, the run is on one of its VM's.
    ///
    /// # Errors
    /// Only what keeps the run from beginning: a request that can't be given to a script, or a failing system.
    pub fn run(&self, request: &Request<'_>) -> Result<Trace, Error> {
        execute(self, request, None, identity)
    }

    /// The same, for a host that keeps its traces behind a pointer: `keep` is handed the trace to put it there, once and before
    /// this returns.
    ///
    /// # Errors
    /// As [`run`](Self::run); `keep` is not called then.
    pub fn run_with<T: Borrow<Trace>>(
        &self,
        request: &Request<'_>,
        keep: impl FnOnce(Trace) -> T,
    ) -> Result<T, Error> {
        execute(self, request, None, keep)
    }

    /// Runs it once for each request, on as many threads as its engine has VMs, and returns what came of them in the order of the
    /// requests. What one run does changes no other's result.
    ///
    /// ```
    /// use perilune::{Engine, Request};
    ///
    /// let script = Engine::new().compile("double", "return 2 * GET.n")?;
    /// let requests: Vec<_> = (0..100).map(|n| Request::new().param("n", n.to_string())).collect();
    /// let traces = script.run_batch(&requests);
    /// assert_eq!(traces[21].as_ref().unwrap().value.as_deref(), Some("42"));
    /// # Ok::<(), perilune::Error>(())
    /// ```
    #[must_use]
    pub fn run_batch(&self, requests: &[Request<'_>]) -> Vec<Result<Trace, Error>> {
        self.batch().run(requests)
    }

    /// A batch whose progress can be seen, and that can be cancelled.
    pub fn batch(&self) -> Batch<'_> {
        Batch::new(self)
    }

    /// Has a run made on the engine's own threads, as soon as there is a VM.
    pub fn submit(&self, request: Request<'static>) -> Ticket {
        Ticket::submit(self, request)
    }

    /// Has a run made on the engine's own threads, as soon as there is a VM, and then has `callback` called: on such a
    /// thread, which others wait for, or on the caller's, when the run can't begin. It must not block. The request's
    /// [`CancelHandle`](crate::CancelHandle) ends it, also while it waits.
    pub fn submit_with(
        &self,
        request: Request<'static>,
        callback: impl FnOnce(Result<Trace, Error>) + Send + 'static,
    ) {
        submit(self, request, None, Box::new(callback));
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
