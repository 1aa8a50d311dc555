//! Texts and bytes as they cross: a pointer and a length.

use std::ffi::c_char;
use std::ptr;

/// Text or other bytes, whose owner is somebody else. `include/perilune.h` has it from `cbindgen.toml`, with functions that make one.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct perilune_slice {
    /// The first byte; NULL is no slice at all.
    pub data: *const c_char,
    /// How many bytes there are.
    pub len: usize,
}

impl perilune_slice {
    /// None at all.
    pub(crate) const NONE: Self = Self { data: ptr::null(), len: 0 };

    /// Lends bytes to C. An empty one has a pointer, too.
    #[inline(always)]
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self { data: bytes.as_ptr().cast(), len: bytes.len() }
    }

    /// The same where there may be none.
    #[inline(always)]
    pub(crate) fn maybe(bytes: Option<&[u8]>) -> Self {
        bytes.map_or(Self::NONE, Self::of)
    }
}
