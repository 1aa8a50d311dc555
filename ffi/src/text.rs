//! Texts that C reads up to their NUL byte.

use std::ffi::c_char;

use crate::lend;

/// The text "".
pub(crate) const EMPTY: *const c_char = c"".as_ptr();

/// Bytes with a NUL behind them.
#[derive(Clone)]
pub(crate) struct Text(Vec<u8>);

impl Text {
    pub(crate) fn new(text: impl Into<Vec<u8>>) -> Self {
        let mut text = text.into();
        text.push(0);
        Self(text)
    }

    /// The bytes without the NUL.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0[..self.0.len() - 1]
    }

    /// Lends it to C.
    ///
    /// # Safety
    /// `len` is null, or can be written to.
    pub(crate) unsafe fn lend(&self, len: *mut usize) -> *const c_char {
        // SAFETY: by this function's contract.
        unsafe { lend::bytes(self.bytes(), len) }
    }
}
