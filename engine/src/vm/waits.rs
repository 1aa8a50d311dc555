//! What a VM knows of a run that may wait without a thread: such a run is a coroutine, which is left where it calls a host function that
//! answers later, and resumed with the answer.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use mlua::ffi::lua_State;

use crate::model::function::{Answer, HostError, Waiting, panic_text};
use crate::model::nesting::Nesting;

/// A call that waits for its answer.
pub(super) struct PendingCall {
    /// Of the function.
    pub(super) name: Arc<str>,
    waiting: Waiting,
}

/// The coroutine of the run under way, those that it waits in, and what they wait for.
pub(super) struct Waits {
    /// The coroutine that the run is; null where it is none.
    pub(super) root: Cell<*mut lua_State>,
    /// Those that a call left just now, the innermost first: a script's own coroutines wait for each other.
    pub(super) left: RefCell<Vec<*mut lua_State>>,
    /// Those that wait now, the innermost last.
    pub(super) waiting: RefCell<Vec<*mut lua_State>>,
    /// The call that was left for.
    pub(super) pending: RefCell<Option<PendingCall>>,
    /// Its answer; `None` when the run is over meanwhile.
    pub(super) answer: RefCell<Option<Answer>>,
    /// What wakes who drives the run; null while nobody does.
    waker: Cell<*const Waker>,
}

impl Waits {
    pub(super) fn new() -> Self {
        Self {
            root: Cell::new(ptr::null_mut()),
            left: RefCell::default(),
            waiting: RefCell::default(),
            pending: RefCell::default(),
            answer: RefCell::default(),
            waker: Cell::new(ptr::null()),
        }
    }

    /// Calls into the VM, where calls that are begun wake `waker`.
    pub(super) fn driven<T>(&self, waker: &Waker, call: impl FnOnce() -> T) -> T {
        /// Also where the call panics.
        struct Reset<'a>(&'a Cell<*const Waker>);
        impl Drop for Reset<'_> {
            fn drop(&mut self) {
                self.0.set(ptr::null());
            }
        }
        self.waker.set(waker);
        let _reset = Reset(&self.waker);
        call()
    }

    /// Polls a call that was begun just now: it may be ready, with an answer or a panic of the host's own, and otherwise is kept to be waited for.
    pub(super) fn first_poll(&self, name: &Arc<str>, mut waiting: Waiting) -> Option<Answer> {
        // SAFETY: it is set while `driven` has borrowed it, which is around every call into the VM that makes it other than null.
        let waker = unsafe { self.waker.get().as_ref() }.unwrap_or(Waker::noop());
        match waiting.as_mut().poll(&mut Context::from_waker(waker)) {
            Poll::Ready(answer) => Some(answer),
            Poll::Pending => {
                self.left.borrow_mut().clear();
                let call = PendingCall { name: Arc::clone(name), waiting };
                end_call(self.pending.replace(Some(call)));
                None
            }
        }
    }

    /// Forgets the run that ended; returns whether it was one that may wait.
    pub(super) fn end(&self) -> bool {
        if self.root.replace(ptr::null_mut()).is_null() {
            return false;
        }
        self.left.borrow_mut().clear();
        self.waiting.borrow_mut().clear();
        end_call((self.pending.take(), self.answer.take()));
        true
    }
}

impl PendingCall {
    /// The answer, as the script is told of it. A panic is one, too.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Answer> {
        let _nesting = Nesting::enter();
        match catch_unwind(AssertUnwindSafe(|| self.waiting.as_mut().poll(context))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(answer)) => Poll::Ready(answer.map_err(|error| of_host(&self.name, error))),
            Err(panic) => Poll::Ready(Err(of_panic(&self.name, &*panic))),
        }
    }
}

/// Drops what is the host's, whose destructors may panic.
pub(super) fn end_call<T>(call: T) {
    let _ = catch_unwind(AssertUnwindSafe(|| drop(call)));
}

/// An error of a host function, with its name.
pub(super) fn of_host(name: &str, error: HostError) -> HostError {
    HostError { message: format!("host.{name}: {error}"), cause: error.cause }
}

/// A panic of a host function, as an error.
pub(super) fn of_panic(name: &str, panic: &(dyn std::any::Any + Send)) -> HostError {
    HostError::new(format!("host.{name} panicked: {}", panic_text(panic)))
}
