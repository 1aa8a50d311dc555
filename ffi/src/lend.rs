//! What is written to the caller's places, and what is lent through them.

use std::ffi::c_char;

/// Writes to an output, if there is one.
///
/// # Safety
/// `out` is null, or can be written to.
pub(crate) unsafe fn set<T>(out: *mut T, value: T) {
    if !out.is_null() {
        // SAFETY: by this function's contract.
        unsafe { out.write(value) };
    }
}

/// Lends bytes to C: a pointer that is never null, and the length.
///
/// # Safety
/// As [`set`].
pub(crate) unsafe fn bytes(bytes: &[u8], len: *mut usize) -> *const c_char {
    // SAFETY: by this function's contract.
    unsafe { set(len, bytes.len()) };
    bytes.as_ptr().cast()
}

/// What is lent where there is nothing to lend: NULL, of no length.
///
/// # Safety
/// As [`set`].
pub(crate) unsafe fn nothing(len: *mut usize) -> *const c_char {
    // SAFETY: by this function's contract.
    unsafe { set(len, 0) };
    std::ptr::null()
}
