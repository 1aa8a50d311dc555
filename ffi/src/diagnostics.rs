//! What is found in a source.

use perilune::Diagnostic;

use crate::guard;
use crate::handle::{self, Handle};
use crate::slice::perilune_slice;
use crate::status::*;

/// What perilune_engine_check found, in the order of the places: errors, or else warnings.
pub struct perilune_diagnostics {
    _private: [u8; 0],
}

impl Handle for perilune_diagnostics {
    type Inner = Vec<Diagnostic>;
}

/// One of them.
///
/// # Safety
/// `diagnostics` is null, or one that C owns.
unsafe fn one<'a>(diagnostics: *const perilune_diagnostics, index: usize) -> Option<&'a Diagnostic> {
    // SAFETY: by this function's contract.
    unsafe { handle::get(diagnostics, "diagnostics") }.ok()?.get(index)
}

/// Frees what was found. NULL is nothing to free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_diagnostics_free(diagnostics: *mut perilune_diagnostics) {
    // SAFETY: it was made here, and the caller does not use it again.
    guard::infallible((), || unsafe { handle::free(diagnostics) });
}

/// How many there are. NULL has 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_diagnostics_len(diagnostics: *const perilune_diagnostics) -> usize {
    // SAFETY: null, or one that the caller owns.
    guard::infallible(0, || unsafe { handle::get(diagnostics, "diagnostics") }.map_or(0, Vec::len))
}

/// Whether it is an error or a warning; 0 where there is none, and for NULL.
///
/// @param index  from 0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_diagnostics_severity(
    diagnostics: *const perilune_diagnostics,
    index: usize,
) -> perilune_severity {
    // SAFETY: as above.
    guard::infallible(0, || unsafe { one(diagnostics, index) }.map_or(0, |found| severity(found.severity)))
}

/// The line that it is about, from 1; 0 where there is none, and for NULL.
///
/// @param index  from 0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_diagnostics_line(
    diagnostics: *const perilune_diagnostics,
    index: usize,
) -> u32 {
    // SAFETY: as above.
    guard::infallible(0, || unsafe { one(diagnostics, index) }.map_or(0, |found| found.line))
}

/// Where in that line it is, in characters from 1; 0 where there is none, and for NULL.
///
/// @param index  from 0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_diagnostics_column(
    diagnostics: *const perilune_diagnostics,
    index: usize,
) -> u32 {
    // SAFETY: as above.
    guard::infallible(0, || unsafe { one(diagnostics, index) }.map_or(0, |found| found.column))
}

/// What is wrong, in one line of UTF-8 without the place, not ended by a NUL byte. Lent until the findings are freed. NULL where there
/// is none, and for NULL.
///
/// @param index  from 0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_diagnostics_message(
    diagnostics: *const perilune_diagnostics,
    index: usize,
) -> perilune_slice {
    guard::infallible(perilune_slice::NONE, || {
        // SAFETY: as above.
        perilune_slice::maybe(unsafe { one(diagnostics, index) }.map(|found| found.message.as_bytes()))
    })
}
