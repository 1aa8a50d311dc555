//! Texts that C reads up to their NUL byte.

use std::ffi::c_char;

use crate::slice::perilune_slice;

/// The text "".
pub(crate) const EMPTY: *const c_char = c"".as_ptr();

/// Bytes with a NUL behind them.
#[derive(Clone)]
pub(crate) struct Text(Vec<u8>);

impl Text {
    /// The text "", as it is lent.
    pub(crate) const EMPTY: perilune_slice = perilune_slice { data: EMPTY, len: 0 };

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
    pub(crate) fn lend(&self) -> perilune_slice {
        perilune_slice::of(self.bytes())
    }
}
