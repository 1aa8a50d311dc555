//! Why a call did nothing.

use std::ffi::{CStr, c_char};

use crate::failure::Failure;
use crate::guard;
use crate::handle::{self, Handle};
use crate::slice::perilune_slice;
use crate::status::*;
use crate::text::{EMPTY, Text};

/// Why a call did nothing. Its texts end with a NUL byte, which their lengths do not count.
pub struct perilune_error {
    _private: [u8; 0],
}

impl Handle for perilune_error {
    type Inner = Failure;
}

/// Frees an error. NULL is nothing to free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_error_free(error: *mut perilune_error) {
    // SAFETY: it was made here, and the caller does not use it again.
    guard::infallible((), || unsafe { handle::free(error) });
}

/// The code that came with the error: never PERILUNE_OK. NULL has PERILUNE_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_error_code(error: *const perilune_error) -> perilune_code {
    // SAFETY: null, or an error that the caller owns.
    guard::infallible(PERILUNE_INVALID_ARGUMENT, || match unsafe { handle::get(error, "error") } {
        Ok(error) => error.code,
        Err(_) => PERILUNE_INVALID_ARGUMENT,
    })
}

/// The text of the error for people: what, where, and what to do. In the words of Syncano's Script Endpoint for what a
/// client of one may see. Lent until the error is freed; NULL has "".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_error_message(error: *const perilune_error) -> perilune_slice {
    // SAFETY: as above.
    guard::infallible(Text::EMPTY, || unsafe { text(error, |error| Some(&error.message)) })
}

/// What is wrong, without the place that perilune_error_message begins or ends with: of a compile error, a name, a file, or
/// JSON that can't be read; "" for others. Lent until the error is freed; NULL has "".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_error_reason(error: *const perilune_error) -> perilune_slice {
    // SAFETY: as above.
    guard::infallible(Text::EMPTY, || unsafe { text(error, |error| error.reason.as_ref()) })
}

/// What the error is about: the name of the script that does not compile, the name that a host function can't have, the path
/// of a file, or which part of a request is not JSON ("body", "config", "meta"); "" for others. Lent until the error is
/// freed; NULL has "".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_error_subject(error: *const perilune_error) -> perilune_slice {
    // SAFETY: as above.
    guard::infallible(Text::EMPTY, || unsafe { text(error, |error| error.subject.as_ref()) })
}

/// Where the source or the JSON is wrong.
///
/// @param line    set to the line, from 1, if not NULL; 0 where there is no such place
/// @param column  set to the character in the line, from 1, if not NULL; 0 where it is not known
/// @param offset  set to the character in the whole text, from 0, if not NULL
/// @return        whether the error has a place
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_error_position(
    error: *const perilune_error,
    line: *mut usize,
    column: *mut usize,
    offset: *mut usize,
) -> bool {
    guard::infallible(false, || {
        // SAFETY: as above; the outputs are null or can be written to.
        unsafe {
            let at = handle::get(error, "error").map_or((0, 0, 0), |e| (e.line, e.column, e.offset));
            handle::set(line, at.0);
            handle::set(column, at.1);
            handle::set(offset, at.2);
            at.0 > 0
        }
    })
}

/// A text of an error, or none.
///
/// # Safety
/// `error` is null or one that C owns.
unsafe fn text(error: *const perilune_error, which: impl Fn(&Failure) -> Option<&Text>) -> perilune_slice {
    // SAFETY: by this function's contract.
    unsafe { handle::get(error, "error") }.ok().and_then(which).map_or(Text::EMPTY, Text::lend)
}

/// The name of a code, such as "invalid_argument"; "unknown" for a number that is none. Static.
#[unsafe(no_mangle)]
pub extern "C" fn perilune_code_name(code: perilune_code) -> *const c_char {
    guard::infallible(EMPTY, || {
        let name: &CStr = match code {
            PERILUNE_OK => c"ok",
            PERILUNE_INVALID_ARGUMENT => c"invalid_argument",
            PERILUNE_COMPILE_ERROR => c"compile_error",
            PERILUNE_PAYLOAD_ERROR => c"payload_error",
            PERILUNE_NOT_FOUND => c"not_found",
            PERILUNE_NAME_ERROR => c"name_error",
            PERILUNE_NESTED => c"nested",
            PERILUNE_FILE_ERROR => c"file_error",
            PERILUNE_INTERNAL => c"internal",
            PERILUNE_PANIC => c"panic",
            _ => c"unknown",
        };
        name.as_ptr()
    })
}
