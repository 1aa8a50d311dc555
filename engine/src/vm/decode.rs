//! JSON to Lua values, straight from the text onto the VM's stack.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};

use super::access::push_bytes;
use super::buffer::{Buffer, OutOfMemory};
use super::control::Control;
use super::marks;
use crate::model::error::Position;
use crate::model::json::{Container, JsonBuilder, Nothing, ReadError, position, read};

/// Entries that a table is created with: to grow from none to four took a tenth of a short run.
const PRESIZED: c_int = 4;

/// Why a text could not be decoded.
pub(super) enum DecodeError {
    /// It is not JSON, or is nested too deeply.
    Json { reason: &'static str, position: Position },
    /// The run is past its deadline.
    Late,
    /// The memory limit has no room for a string with escapes.
    Memory,
}

/// Pushes the value of a JSON text. With `readonly`, all tables in it are read-only.
///
/// # Safety
/// `state` is at a call in a VM of ours. Raises a Lua error when memory runs out. On an error the stack is as before.
pub(super) unsafe fn push(state: *mut lua_State, text: &[u8], readonly: bool) -> Result<(), DecodeError> {
    // SAFETY: by this function's contract; the metatable is made with the VM, and the value, if there is one, is the last
    // one on the stack.
    unsafe {
        let (control, top) = (Control::from_state(&state), ffi::lua_gettop(state));
        ffi::lua_rawcheckstack(state, 4);
        marks::push_array_metatable(state);
        let pieces = Buffer::new(control, state);
        match read(text, &mut StackBuilder { state, control, array: top + 1, readonly, pieces }) {
            Ok(()) => {
                ffi::lua_remove(state, top + 1);
                Ok(())
            }
            Err(error) => {
                ffi::lua_settop(state, top);
                Err(DecodeError::of(error, text))
            }
        }
    }
}

/// Checks a JSON text as strictly as [`push`].
///
/// # Safety
/// `state` is at a call in a VM of ours.
pub(super) unsafe fn check(state: *mut lua_State, text: &[u8]) -> Result<(), DecodeError> {
    // SAFETY: by this function's contract.
    let control = unsafe { Control::from_state(&state) };
    read(text, &mut Nothing(|| safepoint(control))).map_err(|error| DecodeError::of(error, text))
}

impl DecodeError {
    fn of(error: ReadError<Self>, text: &[u8]) -> Self {
        match error {
            ReadError::Builder(error) => error,
            ReadError::Syntax { reason, at } => Self::Json { reason, position: position(text, at) },
        }
    }
}

/// Whether the run that reads is to end; polls the host.
fn safepoint(control: &Control) -> Result<(), DecodeError> {
    if control.should_stop_or_polls() { Err(DecodeError::Late) } else { Ok(()) }
}

/// Builds values on the stack of a VM. `state` is at a call, with free slots for all values up to the next table.
struct StackBuilder<'a> {
    state: *mut lua_State,
    control: &'a Control,
    /// Stack index of the metatable that marks arrays.
    array: c_int,
    readonly: bool,
    /// The string with escapes that is being read.
    pieces: Buffer<'a>,
}

impl JsonBuilder for StackBuilder<'_> {
    type Error = DecodeError;

    fn null(&mut self) {
        // SAFETY: as said at the struct.
        unsafe { marks::push_null(self.state) };
    }

    fn boolean(&mut self, flag: bool) {
        // SAFETY: as above.
        unsafe { ffi::lua_pushboolean(self.state, flag.into()) };
    }

    fn number(&mut self, number: f64) {
        // SAFETY: as above.
        unsafe { ffi::lua_pushnumber(self.state, number) };
    }

    fn string(&mut self, text: &[u8]) {
        // SAFETY: as above.
        unsafe { push_bytes(self.state, text) };
    }

    fn piece(&mut self, text: &[u8]) -> Result<(), DecodeError> {
        self.pieces.put(text).map_err(|OutOfMemory| DecodeError::Memory)
    }

    fn pieces(&mut self) {
        // SAFETY: as above.
        unsafe { push_bytes(self.state, self.pieces.bytes()) };
        self.pieces.clear();
    }

    fn open(&mut self, kind: Container) {
        let (elements, members) = if kind == Container::Array { (PRESIZED, 0) } else { (0, PRESIZED) };
        // SAFETY: as above; there is room for a key, a value and a metatable then.
        unsafe {
            ffi::lua_rawcheckstack(self.state, 4);
            ffi::lua_createtable(self.state, elements, members);
        }
    }

    fn element(&mut self, index: usize) {
        // SAFETY: the table and the element are the last values on the stack. A VM has not as many bytes as a `c_int` counts.
        unsafe { ffi::lua_rawseti_(self.state, -2, index as c_int) };
    }

    fn member(&mut self) {
        // SAFETY: the table, the key and the value are the last values on the stack.
        unsafe { ffi::lua_rawset(self.state, -3) };
    }

    fn close(&mut self, kind: Container) {
        // SAFETY: the table is the last value on the stack.
        unsafe {
            if kind == Container::Array {
                ffi::lua_pushvalue(self.state, self.array);
                ffi::lua_setmetatable(self.state, -2);
            }
            if self.readonly {
                ffi::lua_setreadonly(self.state, -1, 1);
            }
        }
    }

    fn safepoint(&mut self) -> Result<(), DecodeError> {
        safepoint(self.control)
    }
}
