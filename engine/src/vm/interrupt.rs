//! How a VM is told to look, from any thread, and what it raises when its run must end.

use std::ffi::{c_int, c_void};
use std::sync::atomic::AtomicPtr;
use std::sync::atomic::Ordering::{Acquire, Release};

use mlua::ffi::{self, lua_State};
use parking_lot::Mutex;

use crate::model::cancel::CancelTarget;

/// What Luau calls at a safe point of a VM that was armed.
pub(super) type InterruptFn = unsafe extern "C-unwind" fn(*mut lua_State, c_int);

/// What a script sees raised when it must end.
const OVER: &str = "the run is past its deadline, or was cancelled";

/// How the watchdog reaches a VM from its own thread.
#[derive(Default)]
pub(crate) struct Interrupt {
    /// The VM's callbacks while it lives. The lock is held while they are written to, and while the VM is closed.
    vm: Mutex<Option<ConnectedVm>>,
}

struct ConnectedVm {
    callbacks: *mut ffi::lua_Callbacks,
    /// What Luau is to call.
    interrupt: InterruptFn,
}

// SAFETY: the pointer is only used under the lock, only for an atomic store, and only while the VM lives.
unsafe impl Send for ConnectedVm {}

impl Interrupt {
    /// Has the VM look at its deadline at its next safe point.
    pub(crate) fn arm(&self) {
        if let Some(vm) = &*self.vm.lock() {
            // SAFETY: the VM is closed only after this was emptied under the same lock.
            unsafe { arm(vm.callbacks, vm.interrupt) };
        }
    }

    /// From now on the VM can be asked: Luau then calls `interrupt` at its next safe point.
    pub(super) fn connect(&self, callbacks: *mut ffi::lua_Callbacks, interrupt: InterruptFn) {
        *self.vm.lock() = Some(ConnectedVm { callbacks, interrupt });
    }

    /// From now on asking does nothing.
    pub(super) fn disconnect(&self) {
        *self.vm.lock() = None;
    }
}

impl CancelTarget for Interrupt {
    fn on_cancel(&self) {
        self.arm();
    }
}

/// The interrupt pointer as an atomic: `lua.h` allows it to be set from any thread at any time.
///
/// # Safety
/// `callbacks` is a live VM's.
pub(super) unsafe fn slot(callbacks: &*mut ffi::lua_Callbacks) -> &AtomicPtr<c_void> {
    const { assert!(size_of::<Option<InterruptFn>>() == size_of::<*mut c_void>()) }
    // SAFETY: the field is aligned, as large as a pointer, lives as long as the VM, and all our accesses are atomic.
    unsafe { AtomicPtr::from_ptr((&raw mut (**callbacks).interrupt).cast::<*mut c_void>()) }
}

/// Has Luau call `interrupt` at its next safe point.
///
/// # Safety
/// `callbacks` is a live VM's.
pub(super) unsafe fn arm(callbacks: *mut ffi::lua_Callbacks, interrupt: InterruptFn) {
    // SAFETY: by this function's contract.
    unsafe { slot(&callbacks).store(interrupt as *mut c_void, Release) };
}

/// # Safety
/// `callbacks` is a live VM's.
pub(super) unsafe fn is_armed(callbacks: *mut ffi::lua_Callbacks) -> bool {
    // SAFETY: by this function's contract.
    !unsafe { slot(&callbacks).load(Acquire) }.is_null()
}

/// Raises the error of a run that must end.
///
/// # Safety
/// `state` is at a point where a function may raise.
pub(super) unsafe fn raise_over(state: *mut lua_State) -> ! {
    // SAFETY: by this function's contract. Should there be no memory for the text, that is raised instead: as good.
    unsafe {
        ffi::lua_rawcheckstack(state, 1);
        ffi::lua_pushlstring_(state, OVER.as_ptr().cast(), OVER.len());
        ffi::lua_error(state)
    }
}
