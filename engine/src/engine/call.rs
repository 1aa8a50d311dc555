//! Host functions, which scripts call as `host.NAME(…)`: registering them, and what they see of a call.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;

use super::engine::Engine;
use super::inner::EngineInner;
use super::script::Script;
use crate::model::arguments::KeptCall;
use crate::model::error::Error;
use crate::model::function::{Arguments, Begun, HostError, HostFunction, Later};
use crate::model::value::{Value, from_json};
use crate::registry::functions::Functions;

impl Engine {
    /// Registers a host function, `host.NAME(…)`, for all scripts, from their next run on; one of the same name is
    /// replaced. A run that has begun goes on with those that it began with.
    ///
    /// What it returns as an error is a Lua error with that text, which a script can catch; so is a panic. It may run
    /// other scripts, also of this engine: by [`Call::engine`], for one that holds the engine keeps it, its VMs and
    /// threads for ever. Its time counts towards the run's timeout, and the run ends at its return when it took too long. It
    /// has at least 512 KiB of stack, whatever the thread has: see [`Script::run`].
    ///
    /// ```
    /// use perilune::{Engine, Request};
    ///
    /// let engine = Engine::new();
    /// engine.function("add", |call| Ok(call.number(0)? + call.number(1)?))?;
    /// let script = engine.compile("sum", "return host.add(1, 2), (pcall(host.add, 1))")?;
    /// assert_eq!(script.run(&Request::new())?.value.as_deref(), Some("[3,false]"));
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Name`]: the name is not letters, digits and `_`.
    pub fn function<F, R>(&self, name: &str, function: F) -> Result<(), Error>
    where
        F: Fn(&Call<'_>) -> Result<R, HostError> + Send + Sync + 'static,
        R: Into<Value>,
    {
        let function = erase(self.inner(), function);
        self.register(name, &function)
    }

    /// Registers a host function that answers later: while its future is pending, a run of [`Script::run_async`] or [`Script::submit`] takes no
    /// thread, and its timeout or cancel handle ends it at once, by dropping the future. All else is as for [`function`](Self::function).
    ///
    /// The future is polled by whoever makes the run: `run_async` polls it in the caller's task, where a reactor such as tokio's is at hand;
    /// `submit` on the engine's threads, where one has to be entered. A script's own coroutines may wait, too. Where Luau can't leave a
    /// function (inside a comparator of `table.sort`, a function of `string.gsub`, a metamethod, a module that is being loaded), and in
    /// [`Script::run`], batches and worker processes, the thread waits.
    ///
    /// ```
    /// use perilune::{Engine, Request};
    ///
    /// let engine = Engine::new();
    /// engine.async_function("fetch", |call| async move { Ok(format!("got {}", call.text(0)?)) })?;
    /// let script = engine.compile("fetch", "return host.fetch('/a')")?;
    /// assert_eq!(script.submit(Request::new()).wait()?.value.as_deref(), Some("\"got /a\""));
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// As for [`function`](Self::function).
    pub fn async_function<F, Fut, R>(&self, name: &str, function: F) -> Result<(), Error>
    where
        F: Fn(AsyncCall) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, HostError>> + Send + 'static,
        R: Into<Value>,
    {
        let function = erase_async(self.inner(), function);
        self.register(name, &function)
    }

    /// As [`async_function`](Self::async_function), for the C ABI, whose functions decide at each call whether they answer later.
    ///
    /// # Errors
    /// As for [`function`](Self::function).
    #[doc(hidden)]
    pub fn function_begins<F>(&self, name: &str, begin: F) -> Result<(), Error>
    where
        F: Fn(&Call<'_>) -> Begun + Send + Sync + 'static,
    {
        self.register(name, &erase_begin(self.inner(), begin))
    }

    fn register(&self, name: &str, function: &Arc<dyn HostFunction>) -> Result<(), Error> {
        // A clone is registered, so that a function with a refused name is not dropped under the lock: that is the host's code.
        self.inner().environment.change(|environment| {
            environment.functions = environment.functions.with(name, Arc::clone(function))?;
            Ok(())
        })
    }
}

impl Script {
    /// The same script with a host function of its own, beside the engine's and before one of the same name: see
    /// [`Engine::function`](crate::Engine::function).
    ///
    /// # Errors
    /// [`Error::Name`]: the name is not letters, digits and `_`.
    pub fn with_function<F, R>(self, name: &str, function: F) -> Result<Self, Error>
    where
        F: Fn(&Call<'_>) -> Result<R, HostError> + Send + Sync + 'static,
        R: Into<Value>,
    {
        let function = erase(&self.engine, function);
        self.with(name, function)
    }

    /// The same for one that answers later: see [`Engine::async_function`](crate::Engine::async_function).
    ///
    /// # Errors
    /// [`Error::Name`]: the name is not letters, digits and `_`.
    pub fn with_async_function<F, Fut, R>(self, name: &str, function: F) -> Result<Self, Error>
    where
        F: Fn(AsyncCall) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, HostError>> + Send + 'static,
        R: Into<Value>,
    {
        let function = erase_async(&self.engine, function);
        self.with(name, function)
    }

    /// As [`Engine::function_begins`](crate::Engine::function_begins).
    ///
    /// # Errors
    /// [`Error::Name`]: the name is not letters, digits and `_`.
    #[doc(hidden)]
    pub fn with_function_begins<F>(self, name: &str, begin: F) -> Result<Self, Error>
    where
        F: Fn(&Call<'_>) -> Begun + Send + Sync + 'static,
    {
        let function = erase_begin(&self.engine, begin);
        self.with(name, function)
    }

    fn with(mut self, name: &str, function: Arc<dyn HostFunction>) -> Result<Self, Error> {
        let none = Functions::none();
        let functions = self.functions.as_deref().unwrap_or(&none).with(name, function)?;
        self.functions = Some(Arc::new(functions));
        Ok(self)
    }
}

/// Erases the type of a host function. It refers to its engine weakly, since the engine owns it.
fn erase<F, R>(engine: &Arc<EngineInner>, function: F) -> Arc<dyn HostFunction>
where
    F: Fn(&Call<'_>) -> Result<R, HostError> + Send + Sync + 'static,
    R: Into<Value>,
{
    let engine = Arc::downgrade(engine);
    Arc::new(move |arguments: &dyn Arguments| function(&Call { arguments, engine: &engine }).map(Into::into))
}

/// As [`erase`], for one that answers later.
fn erase_async<F, Fut, R>(engine: &Arc<EngineInner>, function: F) -> Arc<dyn HostFunction>
where
    F: Fn(AsyncCall) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, HostError>> + Send + 'static,
    R: Into<Value>,
{
    let engine = Arc::downgrade(engine);
    Arc::new(Later(move |arguments: &dyn Arguments| {
        let call = AsyncCall { kept: Arc::new(KeptCall::new(arguments)), engine: Weak::clone(&engine) };
        let answer = function(call);
        Begun::Waits(Box::pin(async move { answer.await.map(Into::into) }))
    }))
}

/// As [`erase`], for one that may answer later.
fn erase_begin<F>(engine: &Arc<EngineInner>, begin: F) -> Arc<dyn HostFunction>
where
    F: Fn(&Call<'_>) -> Begun + Send + Sync + 'static,
{
    let engine = Arc::downgrade(engine);
    Arc::new(Later(move |arguments: &dyn Arguments| begin(&Call { arguments, engine: &engine })))
}

/// One call of a host function: its arguments, and the run that it is part of. Arguments are numbered from 0; an error
/// about one counts from 1, as Lua does.
pub struct Call<'a> {
    arguments: &'a dyn Arguments,
    engine: &'a Weak<EngineInner>,
}

impl<'a> Call<'a> {
    /// The name that the function was called by.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.arguments.name()
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
    pub fn bytes(&self, index: usize) -> Result<&'a [u8], HostError> {
        self.arguments.bytes(index).ok_or_else(|| self.refuse(index, "a string"))
    }

    /// The text of an argument that is a string of UTF-8.
    ///
    /// # Errors
    /// It is anything else.
    pub fn text(&self, index: usize) -> Result<&'a str, HostError> {
        std::str::from_utf8(self.bytes(index)?).map_err(|_| self.refuse(index, "UTF-8"))
    }

    /// Any argument, as a value of its own. One that is missing is `Null`. Until the call returns, what is read so
    /// counts towards the run's memory limit.
    ///
    /// # Errors
    /// It holds something that is no [`Value`], such as a function or itself, is nested deeper than 128 levels, or
    /// takes more memory than the run has left.
    pub fn value(&self, index: usize) -> Result<Value, HostError> {
        self.arguments.value(index).map_err(|reason| about(index, &reason))
    }

    /// Any argument, in a type of the host's, by way of JSON.
    ///
    /// # Errors
    /// As for [`value`](Self::value), or it does not fit the type.
    pub fn get<T: DeserializeOwned>(&self, index: usize) -> Result<T, HostError> {
        from_json(&self.json(index)?).map_err(|error| about(index, &format!(": {error}")))
    }

    /// Any argument as JSON text. One that is missing is `null`; bytes that are not UTF-8 become U+FFFD.
    ///
    /// # Errors
    /// As for [`value`](Self::value), or it can't be JSON.
    pub fn json(&self, index: usize) -> Result<Vec<u8>, HostError> {
        self.arguments.json(index).map_err(|reason| about(index, &reason))
    }

    /// The engine that the script runs in, for running others: a function that held its engine itself would keep it
    /// alive for ever.
    #[must_use]
    pub fn engine(&self) -> Engine {
        Engine::from_inner(self.engine.upgrade().expect("the script that runs holds its engine"))
    }

    /// The run's [`Trace::id`](crate::Trace::id).
    #[must_use]
    pub fn run_id(&self) -> u64 {
        self.arguments.run_id()
    }

    /// The name of the script that runs.
    #[must_use]
    pub fn script(&self) -> &'a str {
        self.arguments.script()
    }

    /// What is left of the run's timeout. When a function returns later than that, the run ends there.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.arguments.deadline().left(Instant::now())
    }

    /// Whether the run was cancelled: it ends when the function returns.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.arguments.is_cancelled()
    }

    /// What the host gave to the run's request by [`Request::data`](crate::Request::data), where it is of this type.
    #[must_use]
    pub fn data<T: Any + Send + Sync>(&self) -> Option<&'a T> {
        self.arguments.data()?.0.downcast_ref()
    }

    fn refuse(&self, index: usize, wanted: &str) -> HostError {
        about(index, &format!(" must be {wanted}, not {}", self.arguments.kind(index)))
    }
}

fn about(index: usize, reason: &str) -> HostError {
    HostError::new(format!("argument #{}{reason}", index + 1))
}

impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("name", &self.name())
            .field("arguments", &self.len())
            .finish_non_exhaustive()
    }
}

/// One call of a host function that answers later: as a [`Call`], with arguments that were read when it was made. Clones are the same call.
#[derive(Clone)]
pub struct AsyncCall {
    kept: Arc<KeptCall>,
    engine: Weak<EngineInner>,
}

impl AsyncCall {
    pub(super) fn call(&self) -> Call<'_> {
        Call { arguments: &*self.kept, engine: &self.engine }
    }
}

/// Has [`AsyncCall`] the methods of [`Call`].
macro_rules! as_of_call {
    ($($name:ident($($index:ident: usize)?) -> $type:ty $(; $errors:literal)?;)*) => {
        impl AsyncCall {
            $(
                #[doc = concat!("See [`Call::", stringify!($name), "`].")]
                $(#[doc = ""] #[doc = "# Errors"] #[doc = $errors])?
                pub fn $name(&self $(, $index: usize)?) -> $type {
                    self.call().$name($($index)?)
                }
            )*
        }
    };
}

as_of_call! {
    name() -> &str;
    len() -> usize;
    is_empty() -> bool;
    kind(index: usize) -> &'static str;
    is_null(index: usize) -> bool;
    number(index: usize) -> Result<f64, HostError>; "As there.";
    boolean(index: usize) -> Result<bool, HostError>; "As there.";
    bytes(index: usize) -> Result<&[u8], HostError>; "As there.";
    text(index: usize) -> Result<&str, HostError>; "As there.";
    value(index: usize) -> Result<Value, HostError>; "As there.";
    json(index: usize) -> Result<Vec<u8>, HostError>; "As there.";
    run_id() -> u64;
    script() -> &str;
    remaining() -> Duration;
    is_cancelled() -> bool;
}

impl AsyncCall {
    /// As [`Call::engine`]; `None` once the engine is gone, which a call can outlive.
    #[must_use]
    pub fn engine(&self) -> Option<Engine> {
        self.engine.upgrade().map(Engine::from_inner)
    }

    /// See [`Call::data`].
    #[must_use]
    pub fn data<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.call().data()
    }

    /// See [`Call::get`].
    ///
    /// # Errors
    /// As there.
    pub fn get<T: DeserializeOwned>(&self, index: usize) -> Result<T, HostError> {
        self.call().get(index)
    }
}

impl fmt::Debug for AsyncCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.call().fmt(f)
    }
}
