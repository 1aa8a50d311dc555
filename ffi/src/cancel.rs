//! Ending runs from outside.

use std::ptr;

use perilune::CancelHandle;

use crate::guard;
use crate::handle::{self, Handle};

/// Ends runs from outside: see perilune_request_set_cancel.
pub struct perilune_cancel {
    _private: [u8; 0],
}

impl Handle for perilune_cancel {
    type Inner = CancelHandle;
}

/// Makes a handle for no run yet, which the caller frees. NULL only after a bug.
#[unsafe(no_mangle)]
pub extern "C" fn perilune_cancel_new() -> *mut perilune_cancel {
    guard::infallible(ptr::null_mut(), || handle::into_raw(CancelHandle::new()))
}

/// Frees a handle. NULL is nothing to free. Requests that were given it still have it, and the runs go on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_cancel_free(cancel: *mut perilune_cancel) {
    // SAFETY: it was made here, and the caller does not use it again.
    guard::infallible((), || unsafe { handle::free(cancel) });
}

/// Ends the runs of all requests that were given the handle, before they begin or while they run, as
/// PERILUNE_STATUS_CANCELLED. Returns at once; a run ends at its next safe point, which is microseconds away. Can't be taken
/// back. NULL does nothing. From any thread, but not from a signal handler.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_cancel_now(cancel: *const perilune_cancel) {
    guard::infallible((), || {
        // SAFETY: null, or a handle that the caller owns.
        if let Ok(cancel) = unsafe { handle::get(cancel, "cancel") } {
            cancel.cancel();
        }
    });
}

/// Whether perilune_cancel_now was called. NULL was not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_cancel_is_cancelled(cancel: *const perilune_cancel) -> bool {
    guard::infallible(false, || {
        // SAFETY: as above.
        unsafe { handle::get(cancel, "cancel") }.is_ok_and(CancelHandle::is_cancelled)
    })
}
