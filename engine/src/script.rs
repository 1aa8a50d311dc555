//! A compiled script, bound to its engine.

use std::sync::Arc;

use crate::engine::Shared;
use crate::error::{CompileError, Error};
use crate::execute::execute;
use crate::hints::{self, Hints};
use crate::limits::{Limits, RunLimits};
use crate::request::Request;
use crate::trace::Trace;
use crate::vm::Bytecode;

/// A script that can be run, from any thread and by many at once. Cloning costs two counters.
#[derive(Clone)]
pub struct Script {
    pub(crate) engine: Arc<Shared>,
    pub(crate) compiled: Arc<Compiled>,
    pub(crate) limits: RunLimits,
}

/// The longest name that Luau's messages show whole, in bytes.
const MAX_NAME: usize = 250;

/// What compiling made.
pub(crate) struct Compiled {
    pub(crate) name: Arc<str>,
    pub(crate) version: u64,
    pub(crate) bytecode: Bytecode,
    pub(crate) hints: Hints,
}

impl Compiled {
    /// Checks and compiles a source.
    pub(crate) fn new(name: &str, source: &[u8], limits: &Limits) -> Result<Self, CompileError> {
        let error = |line, reason| CompileError { script: name.to_owned(), line, reason };
        if source.len() > limits.source {
            return Err(error(
                1,
                format!("the source has {} bytes, over the limit of {}", source.len(), limits.source),
            ));
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
        let bytecode =
            Bytecode::compile(name, source).map_err(|(line, reason)| {
                match hints::explain_syntax(source, line, &reason) {
                    Some(hint) => error(line, format!("{reason} ({hint})")),
                    None => error(line, reason),
                }
            })?;
        Ok(Self { name: name.into(), version: 1, bytecode, hints: Hints::new(source) })
    }
}

impl Script {
    /// The name it was compiled with.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.compiled.name
    }

    /// The same script with limits of its own; they lower the engine's.
    #[must_use]
    pub fn with_limits(mut self, limits: RunLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Runs it: what comes of it is in the trace, errors of the script included.
    ///
    /// # Errors
    /// Only what keeps the run from beginning: a request that can't be given to a script, or a failing system.
    pub fn run(&self, request: &Request<'_>) -> Result<Trace, Error> {
        execute(self, request)
    }
}

impl std::fmt::Debug for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Script").field("name", &self.compiled.name).finish_non_exhaustive()
    }
}
