//! `print`, `io` and `warn`: into the run's captured stdout and stderr.

use std::cell::RefCell;
use std::ffi::c_int;

use mlua::ffi::{self, lua_State};

use super::super::control::Control;
use super::bytes;
use crate::model::capture::CapturedOutput;

/// `print(…)`: the arguments as `tostring` shows them, tabs between, a newline behind.
pub(in super::super) unsafe extern "C-unwind" fn print(state: *mut lua_State) -> c_int {
    // SAFETY: called by Luau with its state; each string is on the stack while it is copied.
    unsafe {
        let control = Control::from_state(&state);
        let count = ffi::lua_gettop(state);
        for index in 1..=count {
            if index > 1 {
                control.stdout.borrow_mut().write(b"\t");
            }
            if ffi::lua_type(state, index) == ffi::LUA_TSTRING {
                control.stdout.borrow_mut().write(bytes(&state, index));
            } else {
                // A `__tostring` may be a slow C function, and Luau has no safepoint at calls of these.
                control.safepoint(state);
                ffi::luaL_tolstring_(state, index, std::ptr::null_mut());
                control.stdout.borrow_mut().write(bytes(&state, -1));
                ffi::lua_pop(state, 1);
            }
        }
        control.stdout.borrow_mut().write(b"\n");
    }
    0
}

/// `warn(a, …)`: the strings joined, a newline behind, to stderr.
pub(in super::super) unsafe extern "C-unwind" fn warn(state: *mut lua_State) -> c_int {
    // SAFETY: as in `print`.
    unsafe {
        let control = Control::from_state(&state);
        let count = ffi::lua_gettop(state);
        ffi::luaL_checkany(state, 1);
        write_all(state, &control.stderr, 1, count);
        control.stderr.borrow_mut().write(b"\n");
    }
    0
}

/// `io.write(…)`: strings and numbers, nothing between; returns `io.stdout` (the upvalue).
pub(in super::super) unsafe extern "C-unwind" fn io_write(state: *mut lua_State) -> c_int {
    // SAFETY: as in `print`; the closure was made with this upvalue.
    unsafe {
        write_all(state, &Control::from_state(&state).stdout, 1, ffi::lua_gettop(state));
        ffi::lua_pushvalue(state, ffi::lua_upvalueindex(1));
    }
    1
}

/// `io.stdout:write(…)`; returns the handle.
pub(in super::super) unsafe extern "C-unwind" fn stdout_write(state: *mut lua_State) -> c_int {
    // SAFETY: as in `print`.
    unsafe {
        let misuse = c"write must be called as io.stdout:write(…)";
        handle_write(state, &Control::from_state(&state).stdout, misuse)
    }
}

/// `io.stderr:write(…)`; returns the handle.
pub(in super::super) unsafe extern "C-unwind" fn stderr_write(state: *mut lua_State) -> c_int {
    // SAFETY: as in `print`.
    unsafe {
        let misuse = c"write must be called as io.stderr:write(…)";
        handle_write(state, &Control::from_state(&state).stderr, misuse)
    }
}

/// # Safety
/// `state` is at a call.
unsafe fn handle_write(
    state: *mut lua_State,
    stream: &RefCell<CapturedOutput>,
    misuse: &'static std::ffi::CStr,
) -> c_int {
    // SAFETY: by this function's contract.
    unsafe {
        if ffi::lua_type(state, 1) != ffi::LUA_TTABLE {
            ffi::luaL_error(state, misuse.as_ptr());
        }
        write_all(state, stream, 2, ffi::lua_gettop(state));
        ffi::lua_settop(state, 1);
    }
    1
}

/// Writes the strings and numbers from `first` to `last`, all or none.
///
/// # Safety
/// `state` is at a call with that many arguments.
unsafe fn write_all(state: *mut lua_State, stream: &RefCell<CapturedOutput>, first: c_int, last: c_int) {
    // SAFETY: by this function's contract; each string is on the stack while it is copied.
    unsafe {
        for index in first..=last {
            ffi::luaL_checklstring(state, index, std::ptr::null_mut());
        }
        for index in first..=last {
            stream.borrow_mut().write(bytes(&state, index));
        }
    }
}
