//! One Luau VM, and one run in it. Only this room uses mlua and Luau's VM.
//!
//! The VM is created by `lua_newstate` with our own allocator, and not by `mlua::Lua`, whose allocator fails at its limit
//! without having collected, records no peak, and keeps 330 KB per VM for types that a run does not use. Luau calls the
//! functions here, and they raise Lua errors, which are C++ exceptions: these unwind through the Rust frames
//! (`extern "C-unwind"`), whose values are dropped. A Rust panic unwinds through Luau's frames to [`Vm::run`], after which
//! the VM is not used again.
//!
//! Conventions of these files: `state` is the Lua thread (coroutine) that called; "at a call" means inside a C function,
//! where the Lua stack has 20 free slots and everything alive can be reached, so that a collection is safe.

// No data of a script may lead to a panic. So these files use `get`, patterns and errors, and never an index.
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::unreachable,
        clippy::panic
    )
)]

#[cfg(panic = "abort")]
compile_error!("perilune needs panic = \"unwind\": errors raised in a script unwind through Rust frames");

mod access;
#[allow(
    clippy::indexing_slicing,
    clippy::expect_used,
    reason = "it indexes by what it counted itself; no data of a script is in it"
)]
mod blocks;
mod buffer;
mod control;
mod decode;
mod encode;
mod fault;
mod flags;
#[cfg(feature = "floor")]
#[allow(clippy::expect_used, reason = "for this repository's benches alone")]
pub mod floor;
pub(crate) mod fork;
mod globals;
mod heap;
mod host;
pub(crate) mod interrupt;
pub(crate) mod job;
mod library;
mod loaded;
mod marks;
mod names;
mod random;
mod run;
pub(crate) mod session;
mod sink;
mod slots;
pub(crate) mod stack;
mod tables;
mod traceback;
mod uncaught;
mod waits;
mod walk;

pub(crate) use library::host::VALUE_SIZE;

use std::ffi::c_int;
use std::ptr::NonNull;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mlua::ffi;

use self::control::Control;
use self::interrupt::Interrupt;
use self::job::{Job, Run};
use self::stack::{NoMemory, Stack};
use self::uncaught::Fault;
use crate::model::cancel::{self, Registration};
use crate::model::capture::Keeper;
use crate::model::error::Error;
use crate::model::trace::{ErrorKind, ScriptError, Status, Trace};

/// The least native stack of a run, in bytes. Luau nests C calls up to 200 deep, each of at most 2 KiB (10 KiB where it was
/// built without optimisation); the rest is for host functions.
pub(crate) const STACK: usize = if cfg!(debug_assertions) { 4 << 20 } else { 1 << 20 };

/// The longest that a VM is tidied after a run, by a full collection. A VM that needs longer is replaced.
const TIDYING: Duration = Duration::from_millis(10);

/// Work of the collector between two checks of the deadline, in KiB.
const COLLECTOR_STEP: i32 = 32;

/// A VM. One thread at a time uses it.
pub(crate) struct Vm {
    state: NonNull<ffi::lua_State>,
    control: NonNull<Control>,
    stack: Stack,
    is_sound: bool,
}

// SAFETY: the VM and its control are reached only through this value, which has no shared access from two threads:
// every method that touches them takes `&mut self`. What other threads may touch, `Interrupt` guards.
unsafe impl Send for Vm {}

/// How the protected call of a run ended: with a status of Luau's, a panic, or not at all.
type Called = Result<std::thread::Result<c_int>, NoMemory>;

/// The end of a run.
pub(crate) struct End {
    pub(crate) at: Instant,
    /// Bytes of output past the limit.
    pub(crate) dropped: u64,
}

impl Vm {
    /// A VM with its library built and frozen.
    pub(crate) fn new() -> Result<Self, Error> {
        flags::switch_on()?;
        let control =
            Control::new().map_err(|error| Error::Internal(format!("the system has no entropy: {error}")))?;
        let control = NonNull::from(Box::leak(Box::new(control)));
        // SAFETY: the control outlives the state: both go in `drop`, the state first.
        let state = unsafe {
            let random = &control.as_ref().random;
            let keys = (random.secret(), random.secret());
            perilune_luau::perilune_newstate(control::allocate, control.as_ptr().cast(), keys.0, keys.1)
        };
        let Some(state) = NonNull::new(state) else {
            // SAFETY: it came from a box, and nothing else has it.
            drop(unsafe { Box::from_raw(control.as_ptr()) });
            return Err(Error::Internal("the system gives no memory for a VM".into()));
        };
        let vm = Self { state, control, stack: Stack::default(), is_sound: true };
        let (raw, control) = (state.as_ptr(), vm.control());
        control.main.set(raw);
        // SAFETY: it is the allocator's VM, and its control lives longer.
        unsafe { control.heap.connect(raw, control::on_alarm) };
        // SAFETY: a fresh state, on its only thread; what can raise is inside the protected call.
        let built = unsafe {
            (*ffi::lua_callbacks(raw)).userdata = vm.control.as_ptr().cast();
            (*ffi::lua_callbacks(raw)).debuginterrupt = Some(control::on_left);
            ffi::lua_gc(raw, ffi::LUA_GCSETSTEPSIZE, COLLECTOR_STEP);
            ffi::lua_pushcfunctiond(raw, globals::build, c"build".as_ptr());
            ffi::lua_pcall(raw, 0, globals::TOP, 0)
        };
        if built != ffi::LUA_OK {
            return Err(Error::Internal("the system gives no memory for a VM".into()));
        }
        // SAFETY: no call is under way: all that is alive can be reached.
        unsafe {
            control.collect(raw);
            control.heap.set_base();
        }
        // SAFETY: the state is live.
        control.interrupt.connect(unsafe { ffi::lua_callbacks(raw) }, control::interrupt);
        Ok(vm)
    }

    /// Has what runs write to stdout and stderr kept elsewhere, too.
    pub(crate) fn keep_output(&self, [stdout, stderr]: [Box<dyn Keeper>; 2]) {
        let control = self.control();
        control.stdout.borrow_mut().keep_in(stdout);
        control.stderr.borrow_mut().keep_in(stderr);
    }

    /// How the watchdog reaches this VM.
    pub(crate) fn interrupt(&self) -> Arc<Interrupt> {
        Arc::clone(&self.control().interrupt)
    }

    /// Whether this VM may run another script: not after a run that was stopped, not after a panic, and not when tidying
    /// took too long.
    pub(crate) fn is_sound(&self) -> bool {
        self.is_sound
    }

    /// Runs a script to its end or its limits.
    ///
    /// # Errors
    /// The request is not valid JSON, or the engine failed.
    pub(crate) fn run(&mut self, job: &Job<'_>, trace: &mut Trace) -> Result<End, Error> {
        let raw = self.state.as_ptr();
        let run = Run::new(job);
        let _registrations = self.begin(&run);
        // SAFETY: the stack holds the handler and the entry, and has room for one more; a panic in one of our
        // functions unwinds through Luau's frames, after which this VM is not used again.
        let call = || unsafe {
            ffi::lua_pushvalue(raw, globals::ENTRY);
            ffi::lua_pcall(raw, 0, 0, globals::HANDLER)
        };
        let called = self.stack.with_room(STACK, call);
        self.end(&run, called, trace)
    }

    /// Sets the VM up for a run, which is to stay where it is until it has ended.
    fn begin(&self, run: &Run<'_>) -> Vec<Registration> {
        let (raw, job) = (self.state.as_ptr(), run.job);
        let control = self.control();
        control.begin(job);
        let registrations = job.cancels().map(|cancel| cancel.register(self.interrupt())).collect();
        control.heap.begin(job.limits.memory);
        control.run.set((&raw const *run).cast());
        let secret = || control.random.secret();
        // SAFETY: the state is live, and no call is under way.
        unsafe {
            ffi::lua_setpointerencodekey(raw, secret(), secret(), secret(), secret());
            perilune_luau::perilune_set_table_key(raw, secret() as u32);
        }
        registrations
    }

    /// Fills in the trace of a run that has ended.
    fn end(&mut self, run: &Run<'_>, called: Called, trace: &mut Trace) -> Result<End, Error> {
        let (raw, job) = (self.state.as_ptr(), run.job);
        let control = control(&self.control);
        let ended = Instant::now();
        let ending = control.ending(ended);
        control.run.set(std::ptr::null());
        control.end_waits();
        let panicked = |_| Error::Internal("a function of the library panicked".into());
        let called = match called.map_err(Error::from).and_then(|called| called.map_err(panicked)) {
            Ok(called) => called,
            Err(error) => {
                self.is_sound = false;
                return Err(error);
            }
        };
        if let Some(error) = run.payload.take() {
            control.end();
            self.settle();
            return Err(Error::Payload(error));
        }
        let (value, error) = conclude(control, job, called, run.value.take(), ending);
        control.end();
        if let Some(error) = &error {
            control.stderr.borrow_mut().write_reserved(&stderr_text(error));
        }
        let kind = error.as_ref().map(|error| error.kind);
        // SAFETY: the state is live.
        let is_attacked = unsafe { perilune_luau::perilune_is_attacked(raw) } != 0;
        self.is_sound = !is_attacked
            && !control.heap.is_used_up()
            && !matches!(kind, Some(ErrorKind::Timeout | ErrorKind::Cancelled | ErrorKind::MemoryLimit));
        trace.id = run.id();
        trace.status = kind.map_or(Status::Success, ErrorKind::status);
        (trace.value, trace.error) = (value, error);
        trace.response = control.response.take();
        trace.usage.memory_bytes = control.heap.peak_growth();
        trace.usage.host_calls = control.host_calls.get();
        let (stdout, stderr) = (control.stdout.borrow(), control.stderr.borrow());
        (trace.stdout, trace.stdout_truncated) = (stdout.to_vec(), stdout.is_truncated());
        (trace.stderr, trace.stderr_truncated) = (stderr.to_vec(), stderr.is_truncated());
        let dropped = stdout.dropped().saturating_add(stderr.dropped());
        drop((stdout, stderr));
        self.settle();
        Ok(End { at: ended, dropped })
    }

    /// Ends a run that was left: the VM is not used again.
    fn abandon(&mut self) {
        self.is_sound = false;
        let control = self.control();
        control.run.set(std::ptr::null());
        control.end_waits();
        control.end();
    }

    /// Puts the VM into the state that the next run expects.
    fn settle(&mut self) {
        let (raw, control) = (self.state.as_ptr(), control(&self.control));
        // SAFETY: no call is under way; only what the last one left on the stack goes.
        unsafe {
            ffi::lua_settop(raw, globals::TOP);
            control.slots.clear(raw);
            let is_full = control.loaded.borrow().is_full();
            if is_full {
                control.loaded.borrow_mut().evict(raw);
            }
            // Between runs, so that no run's timeout pays for it.
            let measures = is_full || !control.is_base_known.replace(true);
            if self.is_sound && (measures || control.heap.is_untidy()) {
                self.is_sound = control.tidy(raw, TIDYING);
                if measures && self.is_sound {
                    control.heap.set_base();
                }
            }
            if self.is_sound {
                control.heap.trim_stack();
                control.heap.release_idle();
            }
        }
    }

    fn control(&self) -> &Control {
        control(&self.control)
    }
}

/// Of a VM's field, and not of the VM, so that a method may change the other fields meanwhile.
fn control(control: &NonNull<Control>) -> &Control {
    // SAFETY: it lives until the VM is dropped, and is shared only with functions of that VM, on this thread.
    unsafe { control.as_ref() }
}

impl Drop for Vm {
    fn drop(&mut self) {
        self.control().interrupt.disconnect();
        // SAFETY: nothing uses the state or the control after this; the watchdog was disconnected.
        unsafe {
            ffi::lua_close(self.state.as_ptr());
            drop(Box::from_raw(self.control.as_ptr()));
        }
    }
}

/// How the run ended. The clock and the counters decide, and not the error, which the script may have made.
fn conclude(
    control: &Control,
    job: &Job<'_>,
    called: i32,
    value: Option<Result<String, String>>,
    ending: Option<ErrorKind>,
) -> (Option<String>, Option<Box<ScriptError>>) {
    let fault = control.error.take().filter(|_| called != ffi::LUA_OK);
    let (kind, message) = if let Some(kind) = ending {
        let timeout = job.limits.timeout.as_millis();
        let message = match kind {
            ErrorKind::Cancelled => cancel::MESSAGE.to_owned(),
            _ => format!("the run did not end within its timeout of {timeout} ms"),
        };
        (kind, message)
    } else if called == ffi::LUA_OK {
        match value {
            None => return (None, None),
            Some(Ok(value)) => return (Some(value), None),
            Some(Err(reason)) => (ErrorKind::Value, reason),
        }
    } else if is_out_of_memory(control, called, fault.as_ref()) {
        let limit = job.limits.memory;
        (ErrorKind::MemoryLimit, format!("the run needed more memory than its limit of {limit} bytes"))
    } else {
        let message = fault.as_ref().map_or("error in error handling", |fault| &fault.message);
        let is_of_calls = control.too_many_host_calls.get() && message.contains(library::host::TOO_MANY);
        let kind = match &fault {
            Some(fault) if fault.host.is_some() => ErrorKind::Host,
            _ if is_of_calls => ErrorKind::HostCalls,
            _ => ErrorKind::Runtime,
        };
        (kind, message.to_owned())
    };
    let fault = fault.unwrap_or_default();
    let cause = fault.host.filter(|_| kind == ErrorKind::Host).and_then(|host| host.cause);
    let (script, line, traceback) = (fault.script, fault.line, fault.traceback);
    (None, Some(Box::new(ScriptError { kind, message, script, line, traceback, cause })))
}

/// Whether an uncaught error is Luau's lack of memory. A coroutine or the script may have raised it again, with a position
/// before the text. An error of the script with the same text counts only where an allocation was refused.
fn is_out_of_memory(control: &Control, called: i32, fault: Option<&Fault>) -> bool {
    let is_handed_on = |fault: &Fault| {
        let place = fault.message.strip_suffix(fault::OUT_OF_MEMORY);
        place.is_some_and(|place| {
            let line = place.strip_suffix(": ").and_then(|place| place.rsplit_once(':'));
            place.is_empty() || line.is_some_and(|(_, line)| line.parse::<u32>().is_ok())
        })
    };
    called == ffi::LUA_ERRMEM || control.heap.has_refused.get() && fault.is_none_or(is_handed_on)
}

/// An uncaught error as it is appended to stderr.
fn stderr_text(error: &ScriptError) -> String {
    match error.traceback.as_str() {
        "" => format!("{}\n", error.message),
        calls => format!("{}\nstack traceback:\n\t{}\n", error.message, calls.replace('\n', "\n\t")),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;
    use crate::compile::compiled::Compiled;
    use crate::model::deadline::Deadline;
    use crate::model::limits::Limits;
    use crate::model::request::Request;
    use crate::registry::environment::CurrentEnvironment;

    const SCRIPT: &str = r#"
        local t = {}
        for i = 1, 300 do t[i] = { tostring(i), i } end
        local co = coroutine.create(function(...) coroutine.yield(...) error("x") end)
        coroutine.resume(co, table.unpack(t, 1, 50))
        pcall(coroutine.close, co)
        pcall(coroutine.resume, co)
        pcall(table.sort, t, function(a, b) return a[1] < b[1] end)
        local s = ("x"):rep(5000):gsub("x", "%0y") .. table.concat({ 1, 2, 3 }, ",")
        pcall(string.format, "%s %q %d", s, s, 5)
        print(json.encode(json.decode('{"a":[1,2,{"b":null}]}')), #s:split("y"), debug.traceback("here"))
        return { POST, ARGS.monster, xpcall(error, debug.traceback, "e") }
    "#;

    fn run(vm: &mut Vm, compiled: &Compiled) -> Result<Trace, Error> {
        let request = Request::new().query("monster=Manticore").json(r#"{"n":[1,2,{"k":"v"}]}"#);
        let deadline = Deadline::after(Instant::now(), Duration::from_secs(60));
        let limits = &Limits::default();
        let (environment, runs) = (&CurrentEnvironment::default(), &AtomicU64::new(0));
        let (functions, cancel, polling, request) = (None, None, None, &request);
        let mut trace = Trace::new("script".into(), 1);
        vm.run(
            &Job { compiled, functions, environment, runs, request, cancel, limits, deadline, polling },
            &mut trace,
        )?;
        Ok(trace)
    }

    /// Guards against state that a failed allocation leaves half-made, in Luau or in our functions: Luau 0.740's
    /// `coroutine.close` left a coroutine that crashed when it was resumed.
    #[test]
    fn whichever_allocation_fails_the_next_run_is_as_it_should_be() {
        let script = Compiled::new("script", SCRIPT.as_bytes(), &Limits::default()).expect("it compiles");
        let expected = run(&mut Vm::new().expect("a VM"), &script).expect("it runs");
        assert!(expected.error.is_none(), "{:?}", expected.error);
        let mut vm = Vm::new().expect("a VM");
        for nth in 0.. {
            assert!(nth < 10_000, "an allocation failed in every run");
            vm.control().heap.fail_after.set(Some(nth));
            let failed = run(&mut vm, &script).expect("it runs");
            let untouched = vm.control().heap.fail_after.take().is_some_and(|left| left > 0);
            if !vm.is_sound() {
                vm = Vm::new().expect("a VM");
            }
            let again = run(&mut vm, &script).expect("it runs");
            assert_eq!(again.stdout, expected.stdout, "after allocation {nth} failed");
            assert_eq!(again.value, expected.value, "after allocation {nth} failed");
            if untouched {
                assert!(failed.error.is_none());
                break;
            }
        }
    }
}
