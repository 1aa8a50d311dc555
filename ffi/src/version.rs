//! Which library this is.

use std::ffi::c_char;

use crate::guard;
use crate::live;
use crate::text::EMPTY;

/// The version of this header: MAJOR * 1,000,000 + MINOR * 1,000 + PATCH.
pub const PERILUNE_VERSION_NUMBER: u32 = 1_000;

/// The ABI of this header. A library of the same number can be used; it changes only when something is taken away or given
/// another meaning, never when something is added.
pub const PERILUNE_ABI: u32 = 2;

/// The version of the library as text, such as "0.1.0". Static.
#[unsafe(no_mangle)]
pub extern "C" fn perilune_version() -> *const c_char {
    guard::infallible(EMPTY, || concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast())
}

/// The version of the library as a number, to be compared with PERILUNE_VERSION_NUMBER, the header's.
#[unsafe(no_mangle)]
pub extern "C" fn perilune_version_number() -> u32 {
    guard::infallible(0, || PERILUNE_VERSION_NUMBER)
}

/// The ABI of the library, to be compared with PERILUNE_ABI, the header's: a program that loads the library at run time looks
/// here first.
#[unsafe(no_mangle)]
pub extern "C" fn perilune_abi() -> u32 {
    guard::infallible(0, || PERILUNE_ABI)
}

/// How many objects the caller has to free at this time, in the whole process: for finding leaks in tests. Exact while no
/// other thread makes or frees one.
#[unsafe(no_mangle)]
pub extern "C" fn perilune_live_objects() -> usize {
    guard::infallible(0, live::count)
}
