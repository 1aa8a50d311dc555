//! Host functions, as the VM calls them.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::trace::Cause;
use super::value::Value;

/// Why a host function failed. Its message is made for the script, which sees it as the text of a Lua error and can catch it; its
/// cause is the host's alone, in [`ScriptError::cause`](crate::ScriptError::cause).
///
/// Any error becomes one by `?`. Its text may be confidential, so the script then sees only the name of its type.
///
/// ```
/// use perilune::{Engine, ErrorKind, HostError, Request};
///
/// let engine = Engine::new();
/// engine.function("rate", |call| {
///     let currency = call.text(0)?;
///     std::fs::read_to_string(format!("/srv/rates/{currency}"))
///         .map_err(|error| HostError::new("there is no rate").with_cause(error))
/// })?;
/// let trace = engine.compile("price", "return host.rate('XPF')")?.run(&Request::new())?;
/// let error = trace.error.expect("it failed");
/// assert_eq!((error.kind, &*error.message), (ErrorKind::Host, "price:1: host.rate: there is no rate"));
/// assert!(error.cause.expect("it has one").downcast_ref::<std::io::Error>().is_some());
/// # Ok::<(), perilune::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct HostError {
    pub(crate) message: String,
    pub(crate) cause: Option<Cause>,
}

impl HostError {
    /// An error with a message for the script.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), cause: None }
    }

    /// The same, with what the host is to know of it.
    #[must_use]
    pub fn with_cause(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into().into());
        self
    }

    /// What the script sees.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for HostError {
    fn from(error: E) -> Self {
        Self { message: std::any::type_name::<E>().to_owned(), cause: Some(Arc::new(error)) }
    }
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// A host function with its type and its engine erased.
pub(crate) type HostFunction = dyn Fn(&dyn Arguments) -> Result<Value, HostError> + Send + Sync;

/// The arguments of one call of a host function, numbered from 0, and the run that it is part of. They are documented at
/// [`Call`](crate::Call), which has a method for each of these.
pub(crate) trait Arguments {
    /// The name that the function was called by.
    fn name(&self) -> &str;

    fn len(&self) -> usize;

    /// What an argument is, in Luau's words.
    fn kind(&self, index: usize) -> &'static str;

    fn is_null(&self, index: usize) -> bool;

    /// `None` if the argument is anything else, as in the next two.
    fn number(&self, index: usize) -> Option<f64>;

    fn boolean(&self, index: usize) -> Option<bool>;

    fn bytes(&self, index: usize) -> Option<&[u8]>;

    /// The error is a text to append to `argument #1`, as in the next one.
    fn value(&self, index: usize) -> Result<Value, String>;

    fn json(&self, index: usize) -> Result<Vec<u8>, String>;

    fn run_id(&self) -> u64;

    /// The name of the script that runs.
    fn script(&self) -> &str;

    /// What is left of the run's timeout.
    fn remaining(&self) -> Duration;

    fn is_cancelled(&self) -> bool;
}
