//! Functions of the host that scripts call as `host.NAME(…)`.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::engine::engine::Engine;
use crate::model::error;
use crate::model::trace::Cause;
use crate::model::value::{Value, from_json};
use crate::vm::Arguments;

/// Why a host function failed. Its message is made for the script, which sees it as the text of a Lua error and can catch it; its
/// cause is the host's alone, in [`ScriptError::cause`](crate::ScriptError::cause).
///
/// Any error becomes one by `?`: as its text may tell what is none of a stranger's business, the script then sees the name of
/// its type.
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

/// A host function, whatever its type.
pub(crate) type Function = dyn Fn(&Call<'_>) -> Result<Value, HostError> + Send + Sync;

/// One call of a host function: its arguments, and the run that it is part of. Arguments are numbered from 0; an error
/// about one counts from 1, as Lua does.
pub struct Call<'a> {
    pub(crate) name: &'a str,
    pub(crate) arguments: &'a Arguments<'a>,
}

impl Call<'_> {
    /// The name that the function was called by.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name
    }

    /// How many arguments there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.arguments.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What an argument is, in Luau's words: `nil`, `boolean`, `number`, `string`, `table`, `function` …; `nothing` for one
    /// that is missing, and `json.null`.
    #[must_use]
    pub fn kind(&self, index: usize) -> &'static str {
        self.arguments.kind(index)
    }

    /// Whether an argument is missing, `nil` or `json.null`.
    #[must_use]
    pub fn is_null(&self, index: usize) -> bool {
        self.arguments.is_null(index)
    }

    /// An argument that is a number.
    ///
    /// # Errors
    /// It is anything else; a string is not converted.
    pub fn number(&self, index: usize) -> Result<f64, HostError> {
        self.arguments.number(index).ok_or_else(|| self.refuse(index, "a number"))
    }

    /// An argument that is a boolean.
    ///
    /// # Errors
    /// It is anything else.
    pub fn boolean(&self, index: usize) -> Result<bool, HostError> {
        self.arguments.boolean(index).ok_or_else(|| self.refuse(index, "a boolean"))
    }

    /// The bytes of an argument that is a string.
    ///
    /// # Errors
    /// It is anything else; a number is not converted.
    pub fn bytes(&self, index: usize) -> Result<&[u8], HostError> {
        self.arguments.bytes(index).ok_or_else(|| self.refuse(index, "a string"))
    }

    /// The text of an argument that is a string of UTF-8.
    ///
    /// # Errors
    /// It is anything else.
    pub fn text(&self, index: usize) -> Result<&str, HostError> {
        std::str::from_utf8(self.bytes(index)?).map_err(|_| self.refuse(index, "UTF-8"))
    }

    /// Any argument, as a value of its own. One that is missing is `Null`. Until the call returns, what is read so
    /// counts towards the run's memory limit.
    ///
    /// # Errors
    /// It holds something that is no [`Value`], such as a function or itself, is nested deeper than 128 levels, or
    /// takes more memory than the run has left.
    pub fn value(&self, index: usize) -> Result<Value, HostError> {
        self.arguments
            .value(index)
            .map_err(|reason| HostError::new(format!("argument #{}{reason}", index + 1)))
    }

    /// Any argument, in a type of the host's, by way of JSON.
    ///
    /// # Errors
    /// As for [`value`](Self::value), or it does not fit the type.
    pub fn get<T: DeserializeOwned>(&self, index: usize) -> Result<T, HostError> {
        from_json(&self.json(index)?)
            .map_err(|error| HostError::new(format!("argument #{}: {error}", index + 1)))
    }

    /// Any argument as JSON text. One that is missing is `null`; bytes that are not UTF-8 become U+FFFD.
    ///
    /// # Errors
    /// As for [`value`](Self::value), or it can't be JSON.
    pub fn json(&self, index: usize) -> Result<Vec<u8>, HostError> {
        self.arguments
            .json(index)
            .map_err(|reason| HostError::new(format!("argument #{}{reason}", index + 1)))
    }

    /// The engine that the script runs in, for running others: a function that held its engine itself would keep it
    /// alive for ever.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.arguments.engine()
    }

    /// The run's [`Trace::id`](crate::Trace::id).
    #[must_use]
    pub fn run_id(&self) -> u64 {
        self.arguments.run_id()
    }

    /// The name of the script that runs.
    #[must_use]
    pub fn script(&self) -> &str {
        self.arguments.script()
    }

    /// What is left of the run's timeout. When a function returns later than that, the run ends there.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.arguments.remaining()
    }

    /// Whether the run was cancelled: it ends when the function returns.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.arguments.is_cancelled()
    }

    fn refuse(&self, index: usize, wanted: &str) -> HostError {
        HostError::new(format!(
            "argument #{} must be {wanted}, not {}",
            index + 1,
            self.arguments.kind(index)
        ))
    }
}

impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("name", &self.name)
            .field("arguments", &self.len())
            .finish_non_exhaustive()
    }
}

/// A host function of the host's own type.
pub(crate) fn shared<F, R>(function: F) -> Arc<Function>
where
    F: Fn(&Call<'_>) -> Result<R, HostError> + Send + Sync + 'static,
    R: Into<Value>,
{
    Arc::new(move |call: &Call<'_>| function(call).map(Into::into))
}

/// Some host functions in the order of their names, with a number that tells one set from another.
#[derive(Clone)]
pub(crate) struct Functions {
    pub(crate) id: u64,
    pub(crate) list: Vec<(Arc<str>, Arc<Function>)>,
}

impl Functions {
    /// None: every such set is the same.
    pub(crate) fn none() -> Self {
        Self { id: 0, list: Vec::new() }
    }

    /// These and one more, which replaces one of the same name.
    pub(crate) fn with(&self, name: &str, function: Arc<Function>) -> Result<Self, error::Error> {
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && name.len() <= MAX_NAME;
        if !is_name {
            let reason =
                format!("a host function's name is letters, digits and _, at most {MAX_NAME} of them");
            return Err(error::Error::Name { name: name.to_owned(), reason });
        }
        let mut list = self.list.clone();
        match self.find(name) {
            Ok(at) => list[at].1 = function,
            Err(at) => list.insert(at, (name.into(), function)),
        }
        Ok(Self { id: next_id(), list })
    }

    /// Where the function of this name is, or would be.
    fn find(&self, name: &str) -> Result<usize, usize> {
        self.list.binary_search_by(|(other, _)| (**other).cmp(name))
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.find(name).is_ok()
    }
}

impl fmt::Debug for Functions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.list.iter().map(|(name, _)| name)).finish()
    }
}

/// The longest name of a host function, in bytes.
const MAX_NAME: usize = 100;

/// A number that no other set in this process has; 0 is none's.
pub(crate) fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Relaxed)
}
