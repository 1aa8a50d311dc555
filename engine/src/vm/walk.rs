//! Going through what a script made, with a look at the deadline once in a while.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};

use super::control::Control;
use super::sink::EncodeError;

/// WorkCounter between two looks at the deadline: a unit is a slot of a table that was passed, or [`BYTES`] of a string.
pub(super) const SAFEPOINT_EVERY: usize = 4096;

/// Bytes of a string that take about as long as a slot of a table.
pub(super) const BYTES: usize = 16;

/// How much of a string is written between two looks at the deadline, in bytes.
pub(super) const PIECE: usize = SAFEPOINT_EVERY * BYTES;

/// WorkCounter done so far, for looking at the deadline once in a while.
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

/// Pushes the key and value of the entry of a table behind `at`, which is 0 at first, and moves it there; or returns
/// `false`, with nothing pushed. Counts the empty slots between, of which a table can have millions.
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
        // How many empty slots came after the last entry is not told.
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
