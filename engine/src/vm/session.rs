//! A run that waits for host functions without a thread: it goes on, step by step, wherever it is polled.
//!
//! The run is a coroutine. A host function that answers later leaves it by `lua_break`, which, unlike a yield, passes through the script's own
//! coroutines: each is left behind as one that waits for the next. They are resumed in turn, the innermost first; the functions that began them
//! see by their continuations what came of it.

use std::ffi::c_int;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use mlua::ffi::{self, lua_State};

use super::control::Control;
use super::job::{Job, Run};
use super::waits::end_call;
use super::{Called, End, STACK, Vm, control, globals};
use crate::model::cancel::Registration;
use crate::model::error::Error;
use crate::model::trace::Trace;

/// A run under way. Dropped before its end, it ends there, and its VM is not used again.
pub(crate) struct Session<'v, 'j> {
    vm: &'v mut Vm,
    /// In a box, since the VM knows where it is.
    run: Box<Run<'j>>,
    _registrations: Vec<Registration>,
    /// Since when the call waits that the run has begun.
    since: Option<Instant>,
    waited: Duration,
    has_ended: bool,
}

impl<'v, 'j> Session<'v, 'j> {
    pub(crate) fn new(vm: &'v mut Vm, job: &'j Job<'j>) -> Self {
        let run = Box::new(Run::new(job));
        let registrations = vm.begin(&run);
        Self { vm, run, _registrations: registrations, since: None, waited: Duration::ZERO, has_ended: false }
    }

    /// Goes on until the run has ended, which the trace then tells, or waits. It wakes the context's task when it can go on, or must end.
    ///
    /// # Errors
    /// As [`Vm::run`].
    pub(crate) fn poll(&mut self, context: &mut Context<'_>, trace: &mut Trace) -> Poll<Result<End, Error>> {
        loop {
            if let Some(since) = self.since {
                if self.poll_pending(context).is_pending() {
                    return Poll::Pending;
                }
                self.waited += since.elapsed();
                self.since = None;
            }
            if let Some(called) = self.step(context.waker()) {
                self.has_ended = true;
                trace.usage.waited = self.waited;
                return Poll::Ready(self.vm.end(&self.run, called, trace));
            }
            self.since = Some(Instant::now());
        }
    }

    /// Polls the call that the run waits for, until there is an answer, or the run must end.
    fn poll_pending(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let control = control(&self.vm.control);
        // Before the deadline is looked at: what passes it, or cancels, from now on wakes the task.
        control.interrupt.set_waiting(Some(context.waker().clone()));
        let mut pending = control.waits.pending.take();
        let answer = match &mut pending {
            Some(call) if !control.is_over_or_polls() => match call.poll(context) {
                Poll::Pending => {
                    control.waits.pending.replace(pending);
                    return Poll::Pending;
                }
                Poll::Ready(answer) => Some(answer),
            },
            _ => {
                // It meets that again at its next safepoint, whatever it catches.
                control.arm();
                None
            }
        };
        end_call(pending);
        *control.waits.answer.borrow_mut() = answer;
        Poll::Ready(())
    }

    /// Runs on until the run ends, whose end is returned, or waits.
    fn step(&mut self, waker: &Waker) -> Option<Called> {
        let raw = self.vm.state.as_ptr();
        let control = control(&self.vm.control);
        // SAFETY: the VM is at the beginning of this run, or where the last step left it; a panic in one of our functions unwinds through
        // Luau's frames, after which this VM is not used again.
        let go_on = || unsafe {
            if control.waits.root.get().is_null() { start(raw, control) } else { resume(control) }
        };
        match self.vm.stack.with_room(STACK, || control.waits.driven(waker, go_on)) {
            Ok(Ok(None)) => None,
            Ok(Ok(Some(status))) => Some(Ok(Ok(status))),
            Ok(Err(panic)) => Some(Ok(Err(panic))),
            Err(no_memory) => Some(Err(no_memory)),
        }
    }
}

impl Drop for Session<'_, '_> {
    fn drop(&mut self) {
        if !self.has_ended {
            self.vm.abandon();
        }
    }
}

/// Starts the coroutine of a run. As [`resume`].
unsafe fn start(raw: *mut lua_State, control: &Control) -> Option<c_int> {
    // SAFETY: the VM's own thread is between runs, with what `build` left on its stack; what can raise is protected.
    unsafe {
        ffi::lua_pushvalue(raw, globals::OPEN);
        let status = ffi::lua_pcall(raw, 0, 1, 0);
        if status != ffi::LUA_OK {
            return Some(status);
        }
        let root = ffi::lua_tothread(raw, -1);
        control.waits.root.set(root);
        // `xpcall(enter_waiting, handle_error)`. A new thread has room for them.
        for function in [globals::XPCALL, globals::ENTRY_WAITING, globals::HANDLER] {
            ffi::lua_xpush(raw, root, function);
        }
        let status = ffi::lua_resume_(root, std::ptr::null_mut(), 2);
        go_on(control, root, status)
    }
}

/// Goes on with the coroutines that were left, the innermost first, until they have ended; returns with what, or `None` where they were left again.
///
/// # Safety
/// They are those of the run under way, left by [`lua_break`](ffi::lua_break), and nothing of the VM is under way.
unsafe fn resume(control: &Control) -> Option<c_int> {
    let innermost = control.waits.waiting.borrow_mut().pop()?;
    // SAFETY: by this function's contract: each is kept alive by the one that waits for it, and the outermost by the VM's own stack.
    unsafe {
        let status = ffi::lua_resume_(innermost, std::ptr::null_mut(), 0);
        go_on(control, innermost, status)
    }
}

/// What comes of a coroutine that was resumed, and of those that wait for it. As [`resume`].
unsafe fn go_on(control: &Control, mut state: *mut lua_State, mut status: c_int) -> Option<c_int> {
    let waits = &control.waits;
    loop {
        // SAFETY: as for `resume`; a thread that was resumed has room for one more value.
        unsafe {
            let is_root = state == waits.root.get();
            status = match status {
                ffi::LUA_BREAK => {
                    waits.waiting.borrow_mut().extend(waits.left.borrow_mut().drain(..).rev());
                    return None;
                }
                ffi::LUA_YIELD if is_root => {
                    ffi::lua_settop(state, 0);
                    // Nothing here may raise: it is not protected.
                    ffi::lua_xpush(control.main.get(), state, globals::REFUSED);
                    ffi::lua_resumeerror(state, std::ptr::null_mut())
                }
                // `xpcall` says whether there was an error.
                ffi::LUA_OK if is_root && ffi::lua_toboolean(state, 1) == 0 => return Some(ffi::LUA_ERRRUN),
                status if is_root => return Some(status),
                _ => {
                    let Some(outer) = waits.waiting.borrow_mut().pop() else { return Some(ffi::LUA_ERRERR) };
                    state = outer;
                    ffi::lua_resume_(state, std::ptr::null_mut(), 0)
                }
            };
        }
    }
}
