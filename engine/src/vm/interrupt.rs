//! The interrupt of a VM: any thread can arm it, and at its next safepoint the VM then checks whether its run must end or
//! poll. Luau keeps a function pointer for that, `lua_Callbacks::interrupt`, which costs one load while it is null.

use std::ffi::{c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicPtr;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::task::Waker;

use mlua::ffi::{self, lua_State};
use parking_lot::Mutex;

use crate::model::cancel::CancelTarget;

/// What Luau calls at a safepoint while the interrupt is armed.
pub(super) type InterruptFn = unsafe extern "C-unwind" fn(*mut lua_State, c_int);

/// The message of the error that ends a run.
const OVER: &str = "the run is past its deadline, or was cancelled";

/// The interrupt of one VM, as the watchdog and cancel handles share it.
#[derive(Default)]
pub(crate) struct Interrupt {
    /// `None` once the VM is closed. The lock is held while the VM's callbacks are written to, and while it is disconnected.
    vm: Mutex<Option<ConnectedVm>>,
    /// The task of a run that waits without a thread, and has no safepoint until it is woken.
    waiting: Mutex<Option<Waker>>,
}

struct ConnectedVm {
    callbacks: *mut ffi::lua_Callbacks,
    /// The function to set as the interrupt.
    interrupt: InterruptFn,
}

// SAFETY: the pointer is only used under the lock, only for an atomic store, and only while the VM lives.
unsafe impl Send for ConnectedVm {}

impl Interrupt {
    /// Has the VM call its interrupt at its next safepoint, and returns what wakes a run that waits: code of the host's executor, to be called
    /// where no lock is held.
    #[must_use = "a run that waits is to be woken"]
    pub(crate) fn arm(&self) -> Option<Waker> {
        if let Some(vm) = &*self.vm.lock() {
            // SAFETY: the VM is closed only after this was emptied under the same lock.
            unsafe { arm(vm.callbacks, vm.interrupt) };
        }
        self.waiting.lock().take()
    }

    /// Has `waker` woken when this is armed, in place of the one before.
    pub(super) fn set_waiting(&self, waker: Option<Waker>) {
        let before = std::mem::replace(&mut *self.waiting.lock(), waker);
        // The host's destructor may panic.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(before)));
    }

    /// From now on the VM can be armed.
    pub(super) fn connect(&self, callbacks: *mut ffi::lua_Callbacks, interrupt: InterruptFn) {
        *self.vm.lock() = Some(ConnectedVm { callbacks, interrupt });
    }

    /// From now on arming does nothing.
    pub(super) fn disconnect(&self) {
        *self.vm.lock() = None;
    }
}

impl CancelTarget for Interrupt {
    fn on_cancel(&self) {
        wake(self.arm());
    }
}

/// Wakes a task of the host's, whose executor may panic.
pub(crate) fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
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

/// Has Luau call `interrupt` at its next safepoint.
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
