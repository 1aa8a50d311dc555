//! `coroutine.running` and `coroutine.isyieldable`, for which the coroutine of a run that may wait is none.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};

use super::super::control::Control;

/// `coroutine.running()`.
pub(in super::super) unsafe extern "C-unwind" fn running(state: *mut lua_State) -> c_int {
    // SAFETY: called by Luau with its state.
    unsafe {
        if Control::from_state(&state).is_outermost(state) {
            ffi::lua_pushnil(state);
        } else {
            ffi::lua_pushthread(state);
        }
    }
    1
}

/// `coroutine.isyieldable()`.
pub(in super::super) unsafe extern "C-unwind" fn isyieldable(state: *mut lua_State) -> c_int {
    // SAFETY: called by Luau with its state.
    unsafe {
        let is_outermost = Control::from_state(&state).is_outermost(state);
        ffi::lua_pushboolean(state, (!is_outermost && ffi::lua_isyieldable(state) != 0).into());
    }
    1
}
