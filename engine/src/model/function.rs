//! Host functions, as the VM calls them.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use super::cancel::CancelHandle;
use super::deadline::Deadline;
use super::request::RequestData;
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

/// What a call of a host function comes to.
pub(crate) type Answer = Result<Value, HostError>;

/// The answer to a call that was begun. It is dropped when nobody waits for it any more.
pub(crate) type Waiting = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// What a call has come to where it was begun.
pub enum Begun {
    /// It is answered.
    Answered(Answer),
    /// It will be.
    Waits(Waiting),
}

/// A host function with its type and its engine erased.
pub(crate) trait HostFunction: Send + Sync {
    /// Calls it, and waits for its answer.
    fn call(&self, arguments: &dyn Arguments) -> Answer;

    /// Begins a call.
    fn begin(&self, arguments: &dyn Arguments) -> Begun {
        Begun::Answered(self.call(arguments))
    }

    /// Whether a call may be answered later.
    fn may_wait(&self) -> bool {
        false
    }
}

impl<F: Fn(&dyn Arguments) -> Answer + Send + Sync> HostFunction for F {
    fn call(&self, arguments: &dyn Arguments) -> Answer {
        self(arguments)
    }
}

/// The text of a panic, where it has one.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no text")
}

/// A host function that may answer later, by what begins a call.
pub(crate) struct Later<F>(pub(crate) F);

impl<F: Fn(&dyn Arguments) -> Begun + Send + Sync> HostFunction for Later<F> {
    fn call(&self, arguments: &dyn Arguments) -> Answer {
        match self.begin(arguments) {
            Begun::Answered(answer) => answer,
            Begun::Waits(waiting) => wait(waiting, arguments),
        }
    }

    fn begin(&self, arguments: &dyn Arguments) -> Begun {
        (self.0)(arguments)
    }

    fn may_wait(&self) -> bool {
        true
    }
}

/// How often it is looked whether a run was cancelled whose thread waits.
const LOOK: Duration = Duration::from_millis(10);

/// Waits on this thread for an answer. Where the run is over before it, any answer will do.
fn wait(mut waiting: Waiting, arguments: &dyn Arguments) -> Answer {
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(answer) = waiting.as_mut().poll(&mut context) {
            return answer;
        }
        let left = arguments.deadline().left(Instant::now());
        if left.is_zero() || arguments.is_cancelled() {
            return Err(HostError::new("the run is over"));
        }
        woken.wait(left.min(LOOK));
    }
}

/// Whether a thread that waits was woken.
#[derive(Default)]
struct Woken {
    is_woken: Mutex<bool>,
    signal: Condvar,
}

impl Woken {
    fn lock(&self) -> MutexGuard<'_, bool> {
        self.is_woken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(&self, time: Duration) {
        let waits = |is_woken: &mut bool| !*is_woken;
        let waited = self.signal.wait_timeout_while(self.lock(), time, waits);
        *waited.unwrap_or_else(PoisonError::into_inner).0 = false;
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        *self.lock() = true;
        self.signal.notify_one();
    }
}

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
    fn script(&self) -> &Arc<str>;

    /// When the run must end.
    fn deadline(&self) -> Deadline;

    /// The handles that can cancel the run.
    fn cancels(&self) -> Vec<CancelHandle>;

    fn is_cancelled(&self) -> bool;

    /// What the host gave to the request.
    fn data(&self) -> Option<&RequestData>;
}
