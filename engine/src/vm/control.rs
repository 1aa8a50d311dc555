//! What a VM's C functions, allocator and interrupt share: one per VM, reached from any of its threads.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::ffi::{c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Release;
use std::time::{Duration, Instant};

use mlua::ffi::{self, lua_State};
use perilune_luau::RAISE_ONLY;

use super::heap::Heap;
use super::host::HostTable;
use super::interrupt::{Interrupt, arm, is_armed, raise_over, slot};
use super::job::{Job, Run};
use super::loaded::Loaded;
use super::random::Random;
use super::slots::Slots;
use super::uncaught::{Fault, RaisedHostError};
use super::waits::Waits;
use crate::compile::bytecode::Bytecode;
use crate::model::cancel::CancelHandle;
use crate::model::capture::CapturedOutput;
use crate::model::deadline::Deadline;
use crate::model::poll::Polling;
use crate::model::response::Response;
use crate::model::trace::ErrorKind;

/// Our state of a VM, beside Luau's `lua_State`. Only the thread that runs the VM uses it, so its fields are cells. It never
/// moves, since the allocator and the callbacks have its address.
pub(super) struct Control {
    pub(super) main: Cell<*mut lua_State>,
    pub(super) heap: Heap,
    pub(super) stdout: RefCell<CapturedOutput>,
    pub(super) stderr: RefCell<CapturedOutput>,
    pub(super) random: Random,
    pub(super) loaded: RefCell<Loaded>,
    pub(super) deadline: Cell<Option<Deadline>>,
    /// The handles that can cancel the run: its request's, and that of its batch or ticket.
    cancels: RefCell<Vec<CancelHandle>>,
    /// The host's functions and modules, as this VM is set up for them.
    pub(super) host: HostTable,
    /// Calls of host functions in this run.
    pub(super) host_calls: Cell<u64>,
    /// A call was refused in this run, because it was one more than the limit.
    pub(super) too_many_host_calls: Cell<bool>,
    /// Modules that are being run, outermost first.
    pub(super) requiring: RefCell<Vec<Arc<str>>>,
    /// What the script gave to `set_response` last.
    pub(super) response: RefCell<Option<Box<Response>>>,
    /// What the run under way was given and has made so far; null between runs.
    pub(super) run: Cell<*const Run<'static>>,
    pub(super) error: RefCell<Option<Fault>>,
    /// The last errors that host functions raised in this run.
    pub(super) host_errors: RefCell<VecDeque<RaisedHostError>>,
    /// The base was measured since something was last loaded into the VM.
    pub(super) is_base_known: Cell<bool>,
    /// Values in Luau's registry that belong to one run.
    pub(super) slots: Slots,
    pub(super) interrupt: Arc<Interrupt>,
    /// What the run waits for, and where.
    pub(super) waits: Waits,
}

impl Control {
    /// # Errors
    /// The system has no entropy.
    pub(super) fn new() -> Result<Self, getrandom::Error> {
        Ok(Self {
            main: Cell::new(ptr::null_mut()),
            heap: Heap::unlimited(),
            stdout: RefCell::default(),
            stderr: RefCell::default(),
            random: Random::new()?,
            loaded: RefCell::default(),
            deadline: Cell::new(None),
            cancels: RefCell::default(),
            host: HostTable::new(),
            host_calls: Cell::new(0),
            too_many_host_calls: Cell::new(false),
            requiring: RefCell::default(),
            response: RefCell::default(),
            run: Cell::new(ptr::null()),
            error: RefCell::default(),
            host_errors: RefCell::default(),
            is_base_known: Cell::new(true),
            slots: Slots::default(),
            interrupt: Arc::default(),
            waits: Waits::new(),
        })
    }

    /// The control of the VM that `state` belongs to.
    ///
    /// # Safety
    /// `state` is a live thread of a VM made by [`Vm::new`](super::Vm::new), and stays so while the variable that is borrowed here
    /// does: in what Luau calls, its own argument is such a variable, as a VM is not closed while it is in a call.
    pub(super) unsafe fn from_state(state: &*mut lua_State) -> &Self {
        // SAFETY: the VM's userdata is set to its control before the first function runs, and lives as long.
        unsafe { &*(*ffi::lua_callbacks(*state)).userdata.cast::<Self>() }
    }

    /// Forgets what the run waited for, if it was one that may wait.
    pub(super) fn end_waits(&self) {
        if self.waits.end() {
            self.interrupt.set_waiting(None);
        }
    }

    /// Has the interrupt called at the next safepoint.
    pub(super) fn arm(&self) {
        // SAFETY: the state is live.
        unsafe { arm(ffi::lua_callbacks(self.main.get()), interrupt) };
    }

    /// Whether a thread is the one that the script of the run began in.
    pub(super) fn is_outermost(&self, state: *mut lua_State) -> bool {
        state == self.main.get() || state == self.waits.root.get()
    }

    /// Has a full collection made at the next safepoint.
    pub(super) fn request_collection(&self) {
        let main = self.main.get();
        if main.is_null() {
            return;
        }
        if !self.heap.make_collection_due() {
            return;
        }
        // SAFETY: the state is live, this is its thread, and restarting only sets the collector's threshold, so that
        // the next check for it calls the interrupt; the interrupt pointer may be stored at any time.
        unsafe {
            ffi::lua_gc(main, ffi::LUA_GCRESTART, 0);
            arm(ffi::lua_callbacks(main), interrupt);
        }
    }

    /// Makes a full collection now, in steps. It is given up when the run must end, which a collection could delay for long
    /// (28 MiB of small tables, linked in random order, take 119 ms).
    ///
    /// # Safety
    /// `state` is at a safepoint of this control's VM: everything alive can be reached from its roots.
    pub(super) unsafe fn collect(&self, state: *mut lua_State) {
        // SAFETY: by this function's contract.
        unsafe { self.collect_while(state, || !self.is_over()) };
    }

    /// Makes a full collection while `go_on` returns true; returns whether it was completed.
    ///
    /// # Safety
    /// As [`collect`](Self::collect).
    unsafe fn collect_while(&self, state: *mut lua_State, go_on: impl Fn() -> bool) -> bool {
        // Before the first step: the end of a step calls the interrupt, which must not begin another collection.
        self.heap.begin_collection();
        // SAFETY: by this function's contract; with `collecting` set, nothing raises.
        let is_done = unsafe {
            let is_done = loop {
                if ffi::lua_gc(state, ffi::LUA_GCSTEP, 1) != 0 {
                    break true;
                }
                if !go_on() {
                    break false;
                }
            };
            ffi::lua_gc(state, ffi::LUA_GCSTOP, 0);
            is_done
        };
        self.heap.end_collection();
        is_done
    }

    /// Collects the garbage of the run that ended; returns whether that was completed within `time`. A script can build a heap
    /// that takes long to collect, and the next run must not wait for that.
    ///
    /// # Safety
    /// As [`collect`](Self::collect), between runs.
    pub(super) unsafe fn tidy(&self, state: *mut lua_State, time: Duration) -> bool {
        let until = Instant::now() + time;
        // SAFETY: by this function's contract.
        unsafe { self.collect_while(state, || Instant::now() <= until) }
    }

    /// Makes a full collection if `bytes` more would not fit under the cap.
    ///
    /// # Safety
    /// As [`collect`](Self::collect).
    pub(super) unsafe fn make_room(&self, state: *mut lua_State, bytes: usize) {
        if !self.heap.has_room(bytes) {
            // SAFETY: by this function's contract.
            unsafe { self.collect(state) };
        }
    }

    /// Pushes the main function of a script or module, and loads it first if the VM does not have it; returns whether it did.
    ///
    /// # Safety
    /// As [`collect`](Self::collect), with a free stack slot.
    pub(super) unsafe fn push_loaded(&self, state: *mut lua_State, script: &Bytecode) -> bool {
        // SAFETY: by this function's contract.
        unsafe {
            let loads = !self.loaded.borrow_mut().push(state, script);
            if loads {
                self.is_base_known.set(false);
                self.heap.load_into_base(0, || self.loaded.borrow_mut().load(state, script));
            }
            loads
        }
    }

    /// Makes what is loaded the base, and counts the run's memory from here on.
    ///
    /// # Safety
    /// As [`collect`](Self::collect), before anything of the run's was made.
    pub(super) unsafe fn measure_base(&self, state: *mut lua_State, limit: usize) {
        // Without garbage the base is exact: strings of the script may have existed before as garbage, and what was loaded may
        // have replaced something.
        // SAFETY: by this function's contract.
        unsafe {
            self.collect(state);
            self.heap.set_base();
        }
        self.heap.begin(limit);
        self.is_base_known.set(true);
    }

    /// A safepoint, for functions of the library: Luau itself checks the interrupt only at calls and loop edges of scripts.
    /// It costs one atomic load while no interrupt is armed; else it collects, polls or ends the run, as is due.
    ///
    /// # Safety
    /// As [`collect`](Self::collect), where a function may raise.
    pub(super) unsafe fn safepoint(&self, state: *mut lua_State) {
        // SAFETY: by this function's contract.
        unsafe {
            if is_armed(ffi::lua_callbacks(state)) {
                interrupt(state, -1);
            }
        }
    }

    /// Why the run must end at `now`, if it must.
    pub(super) fn ending(&self, now: Instant) -> Option<ErrorKind> {
        if self.deadline.get().is_some_and(|deadline| deadline.has_passed(now)) {
            return Some(ErrorKind::Timeout);
        }
        self.is_cancelled().then_some(ErrorKind::Cancelled)
    }

    /// Whether the run was cancelled.
    pub(super) fn is_cancelled(&self) -> bool {
        self.cancels.borrow().iter().any(CancelHandle::is_cancelled)
            || self.polling().is_some_and(Polling::is_over)
    }

    /// The polling of the run under way, if its request has a poll.
    fn polling(&self) -> Option<&Polling<'_>> {
        // SAFETY: it is set during a call into the VM, on this thread, and what it points to lives longer.
        unsafe { self.run.get().as_ref() }.and_then(|run| run.job.polling)
    }

    /// Whether the run must end now.
    pub(super) fn is_over(&self) -> bool {
        self.ending(Instant::now()).is_some()
    }

    /// As [`is_over`](Self::is_over), and polls the host if that is due. Not for the allocator, which Luau may call in the midst
    /// of any operation, and not for code that a host function calls.
    pub(super) fn is_over_or_polls(&self) -> bool {
        let now = Instant::now();
        self.ending(now).is_some()
            || self.polling().is_some_and(|polling| polling.poll(now)) && self.is_over()
    }

    /// Whether the run must end. This costs one atomic load while no interrupt is armed.
    pub(super) fn should_stop(&self) -> bool {
        self.is_armed() && self.is_over()
    }

    /// As [`should_stop`](Self::should_stop), and polls the host if that is due: for long work between two safepoints.
    pub(super) fn should_stop_or_polls(&self) -> bool {
        self.is_armed() && self.is_over_or_polls()
    }

    fn is_armed(&self) -> bool {
        // SAFETY: a deadline is set only during a run, in which the state is live.
        self.deadline.get().is_some() && unsafe { is_armed(ffi::lua_callbacks(self.main.get())) }
    }

    /// Resets what belongs to one run.
    pub(super) fn begin(&self, job: &Job<'_>) {
        self.deadline.set(Some(job.deadline));
        self.cancels.borrow_mut().extend(job.cancels().cloned());
        self.host_calls.set(0);
        self.too_many_host_calls.set(false);
        self.stdout.borrow_mut().reset(job.limits.output);
        self.stderr.borrow_mut().reset(job.limits.output);
        self.random.begin(job.request.seed);
    }

    /// The run is over: from here on neither a deadline nor a cancel applies.
    pub(super) fn end(&self) {
        self.deadline.set(None);
        self.cancels.borrow_mut().clear();
        let errors = self.host_errors.take();
        // The errors hold values of the host, whose destructors may panic.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(errors)));
    }
}

/// The interrupt: Luau calls it at safepoints while it is set. `gc` is -1 at calls, at loop edges and in the library,
/// [`RAISE_ONLY`] before work that takes long, and the collector's state at the end of `luaC_step`. (Luau would also call it at
/// the beginning of `luaC_step`, when that has already read what a collection changes; our edits remove that call.)
pub(super) unsafe extern "C-unwind" fn interrupt(state: *mut lua_State, gc: c_int) {
    // SAFETY: Luau calls this with a live thread of the VM.
    let control = unsafe { Control::from_state(&state) };
    if gc >= 0 {
        if control.heap.is_collection_due() {
            // SAFETY: `luaC_step` runs only where everything alive can be reached.
            unsafe { control.collect(state) };
        }
        return;
    }
    if gc == RAISE_ONLY {
        // The interrupt stays armed for the next safepoint, at which a collection is possible, too.
        if !control.heap.is_collecting.get() && control.is_over_or_polls() {
            // SAFETY: Luau calls this with that number where it may raise.
            unsafe { raise_over(state) };
        }
        return;
    }
    // SAFETY: the VM is live.
    let callbacks = unsafe { ffi::lua_callbacks(state) };
    // Disarm before reading the clock: if the watchdog arms in between, the deadline has passed and is seen below.
    // SAFETY: the VM is live.
    unsafe { slot(&callbacks).store(ptr::null_mut(), Release) };
    if control.heap.is_collection_due() {
        // SAFETY: an interrupt may call any function of the API, so everything alive can be reached.
        unsafe { control.collect(state) };
    }
    if control.is_over_or_polls() {
        // The interrupt stays armed, so a script that catches this error meets it again at the next safepoint.
        // SAFETY: the VM is live; the error unwinds through Luau's frames alone, to the next protected call.
        unsafe {
            arm(callbacks, interrupt);
            raise_over(state);
        }
    }
}

/// Luau calls this for a coroutine that waits for another one, which was left.
pub(super) unsafe extern "C-unwind" fn on_left(state: *mut lua_State, _: *mut ffi::lua_Debug) {
    // SAFETY: Luau calls this with a live thread of the VM.
    unsafe { Control::from_state(&state) }.waits.left.borrow_mut().push(state);
}

/// Luau's allocator. `data` is the VM's [`Control`].
///
/// # Safety
/// `data` is the pointer given to `lua_newstate`, to a live `Control`; `block` came from here with `old` bytes, or is
/// null with `old` 0.
pub(super) unsafe extern "C" fn allocate(
    data: *mut c_void,
    block: *mut c_void,
    old: usize,
    new: usize,
) -> *mut c_void {
    // SAFETY: by this function's contract.
    unsafe {
        let control = &*data.cast::<Control>();
        let (should_stop, request) = (|| control.should_stop(), || control.request_collection());
        control.heap.allocate(block, old, new, should_stop, request)
    }
}

/// Luau calls this before a run's objects exceed the alarm. Returns 1 if `more` bytes may be allocated, else 0.
///
/// # Safety
/// `state` is a live thread of a VM of ours.
pub(super) unsafe extern "C" fn on_alarm(state: *mut lua_State, more: usize) -> c_int {
    // SAFETY: by this function's contract.
    let control = unsafe { Control::from_state(&state) };
    if control.heap.is_collecting.get() {
        return 1;
    }
    let fits = control.heap.may_take(more);
    control.request_collection();
    fits.into()
}
