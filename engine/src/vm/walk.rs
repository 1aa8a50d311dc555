//! Iteration over tables of any size, with a check of the deadline after each bounded amount of work.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};

use super::control::Control;
use super::sink::EncodeError;

/// Units of work between two checks of the deadline. A unit is one slot of a table, or [`BYTES`] of a string.
pub(super) const SAFEPOINT_EVERY: usize = 4096;

/// Bytes of a string that take about as long as a slot of a table.
pub(super) const BYTES: usize = 16;

/// Bytes of a string that are written between two checks of the deadline.
pub(super) const PIECE: usize = SAFEPOINT_EVERY * BYTES;

/// Counts work, and checks the deadline after every [`SAFEPOINT_EVERY`] units.
pub(super) struct WorkCounter<'a> {
    pub(super) control: &'a Control,
    spent: usize,
}

impl<'a> WorkCounter<'a> {
    pub(super) fn new(control: &'a Control) -> Self {
        Self { control, spent: 0 }
    }

    pub(super) fn spend(&mut self, units: usize) -> Result<(), EncodeError> {
        self.spent += units;
        if self.spent >= SAFEPOINT_EVERY {
            self.spent = 0;
            if self.control.should_stop() {
                return Err(EncodeError::Late);
            }
        }
        Ok(())
    }
}

/// Pushes the key and value of the next entry of a table, or returns `false` and pushes nothing. `at` is the position, 0 at
/// first, and is moved on. Empty slots count as work, since a table can have millions of them.
///
/// # Safety
/// `state` is at a call in a VM of ours, `index` is absolute, there is a table at the index, and two stack slots are free. Raises nothing.
pub(super) unsafe fn next(
    state: *mut lua_State,
    index: c_int,
    at: &mut c_int,
    work: &mut WorkCounter<'_>,
) -> Result<bool, EncodeError> {
    // SAFETY: by this function's contract.
    let found = unsafe { ffi::lua_rawiter(state, index, *at) };
    if found < 0 {
        // Luau does not say how many empty slots were passed behind the last entry.
        work.spend(SAFEPOINT_EVERY)?;
        return Ok(false);
    }
    let passed = found - std::mem::replace(at, found);
    if let Err(error) = work.spend(passed as usize) {
        // SAFETY: the entry was pushed.
        unsafe { ffi::lua_pop(state, 2) };
        return Err(error);
    }
    Ok(true)
}
