//! Why a call did nothing.

use std::ffi::{CStr, c_char};
use std::path::Path;

use perilune::{CompileError, Error, Part, PayloadError};

use crate::guard;
use crate::handle::{self, Handle};
use crate::status::*;

/// Why a call did nothing. Its texts end with a NUL byte, which their lengths do not count.
pub struct perilune_error {
    _private: [u8; 0],
}

impl Handle for perilune_error {
    type Inner = Failure;
}

/// What an error says.
#[derive(Clone)]
pub(crate) struct Failure {
    pub(crate) code: perilune_code,
    message: Text,
    reason: Option<Text>,
    subject: Option<Text>,
    line: usize,
    column: usize,
    offset: usize,
}

/// Bytes with a NUL behind them.
#[derive(Clone)]
pub(crate) struct Text(Vec<u8>);

impl Text {
    pub(crate) fn new(text: impl Into<Vec<u8>>) -> Self {
        let mut text = text.into();
        text.push(0);
        Self(text)
    }

    /// Lends it to C.
    ///
    /// # Safety
    /// `len` is null, or can be written to.
    pub(crate) unsafe fn lend(&self, len: *mut usize) -> *const c_char {
        // SAFETY: by this function's contract.
        unsafe { handle::lend_bytes(&self.0[..self.0.len() - 1], len) }
    }
}

impl Failure {
    fn new(code: perilune_code, message: impl Into<Vec<u8>>) -> Self {
        let message = Text::new(message);
        Self { code, message, reason: None, subject: None, line: 0, column: 0, offset: 0 }
    }

    pub(crate) fn argument(message: impl Into<Vec<u8>>) -> Self {
        Self::new(PERILUNE_INVALID_ARGUMENT, message)
    }

    pub(crate) fn null(what: &str) -> Self {
        Self::argument(format!("{what} is NULL"))
    }

    pub(crate) fn panic(text: &str) -> Self {
        Self::new(PERILUNE_PANIC, format!("a bug in perilune: {text}"))
    }

    /// The same about a file.
    pub(crate) fn in_file(mut self, path: &Path) -> Self {
        self.subject = Some(Text::new(path.to_string_lossy().into_owned()));
        self
    }

    /// What it says, for where there is no place for an error.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.message.0[..self.message.0.len() - 1]).into_owned()
    }

    fn about(mut self, subject: &str, reason: &str) -> Self {
        self.subject = Some(Text::new(subject));
        self.reason = Some(Text::new(reason));
        self
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::Compile(error) => error.into(),
            Error::Payload(error) => error.into(),
            Error::Name { name, reason } => Self::new(PERILUNE_NAME_ERROR, text).about(&name, &reason),
            Error::Nested { .. } => Self::new(PERILUNE_NESTED, text),
            Error::NotFound => Self::new(PERILUNE_NOT_FOUND, text),
            Error::File { path, reason } => {
                Self::new(PERILUNE_FILE_ERROR, text).about(&path.to_string_lossy(), &reason)
            }
            // What is not known here is still told.
            _ => Self::new(PERILUNE_INTERNAL, text),
        }
    }
}

impl From<CompileError> for Failure {
    fn from(error: CompileError) -> Self {
        let failure = Self::new(PERILUNE_COMPILE_ERROR, error.to_string());
        Self { line: error.line as usize, ..failure.about(&error.script, &error.reason) }
    }
}

impl From<PayloadError> for Failure {
    fn from(error: PayloadError) -> Self {
        let failure = Self::new(PERILUNE_PAYLOAD_ERROR, error.to_string());
        let PayloadError::Json { part, reason, position } = error else { return failure };
        let part = match part {
            Part::Config => "config",
            Part::Meta => "meta",
            _ => "body",
        };
        let failure = failure.about(part, &reason);
        Self { line: position.line, column: position.column, offset: position.char, ..failure }
    }
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
///
/// @param len  set to its length in bytes, if not NULL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_error_message(
    error: *const perilune_error,
    len: *mut usize,
) -> *const c_char {
    // SAFETY: as above, and `len` is null or can be written to.
    guard::infallible(EMPTY, || unsafe { text(error, len, |error| Some(&error.message)) })
}

/// What is wrong, without the place that perilune_error_message begins or ends with: of a compile error, a name, a file, or
/// JSON that can't be read; "" for others. Lent until the error is freed; NULL has "".
///
/// @param len  set to its length in bytes, if not NULL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_error_reason(
    error: *const perilune_error,
    len: *mut usize,
) -> *const c_char {
    // SAFETY: as above.
    guard::infallible(EMPTY, || unsafe { text(error, len, |error| error.reason.as_ref()) })
}

/// What the error is about: the name of the script that does not compile, the name that a host function can't have, the path
/// of a file, or which part of a request is not JSON ("body", "config", "meta"); "" for others. Lent until the error is
/// freed; NULL has "".
///
/// @param len  set to its length in bytes, if not NULL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_error_subject(
    error: *const perilune_error,
    len: *mut usize,
) -> *const c_char {
    // SAFETY: as above.
    guard::infallible(EMPTY, || unsafe { text(error, len, |error| error.subject.as_ref()) })
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

pub(crate) const EMPTY: *const c_char = c"".as_ptr();

/// A text of an error, or none.
///
/// # Safety
/// `error` is null or one that C owns, `len` null or to be written to.
unsafe fn text(
    error: *const perilune_error,
    len: *mut usize,
    which: impl Fn(&Failure) -> Option<&Text>,
) -> *const c_char {
    // SAFETY: by this function's contract.
    unsafe {
        match handle::get(error, "error").ok().and_then(which) {
            Some(text) => text.lend(len),
            None => {
                handle::set(len, 0);
                EMPTY
            }
        }
    }
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
