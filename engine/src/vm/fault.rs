//! Raises Lua errors.

use std::ffi::c_int;
use std::fmt::Write as _;

use mlua::ffi::{self, lua_State};

use super::access::{bytes, push_bytes};
use super::control::Control;
pub(super) use super::interrupt::raise_over;
use super::uncaught::RaisedHostError;
use crate::compile::bytecode::Bytecode;
use crate::compile::compiled::Compiled;
use crate::model::function::HostError;

/// The longest message of a fault, in bytes, without the note on its full length.
pub(super) const MESSAGE: usize = 8 * 1024;

/// What Luau raises when the allocator refuses.
pub(super) const OUT_OF_MEMORY: &str = "not enough memory";

/// How many errors of host functions a run remembers, the last ones: a script may catch one and raise it again later.
const OF_HOST: usize = 16;

/// Raises that memory ran out.
///
/// # Safety
/// As [`raise_over`].
pub(super) unsafe fn raise_out_of_memory(state: *mut lua_State) -> ! {
    // SAFETY: by this function's contract.
    unsafe {
        Control::from_state(&state).heap.has_refused.set(true);
        ffi::lua_rawcheckstack(state, 1);
        ffi::lua_pushlstring_(state, OUT_OF_MEMORY.as_ptr().cast(), OUT_OF_MEMORY.len());
        ffi::lua_error(state)
    }
}

/// What a script was compiled to, or raises that it was compiled for another process.
///
/// # Safety
/// As [`raise`].
pub(super) unsafe fn bytecode(state: *mut lua_State, script: &Compiled) -> &Bytecode {
    match &script.bytecode {
        Some(bytecode) => bytecode,
        // SAFETY: by this function's contract.
        None => unsafe { raise(state, format!("{} was compiled for another process", script.name)) },
    }
}

/// Raises `message` as a Lua error, with the position of the call before it.
///
/// # Safety
/// `state` is at a call of a C function that holds nothing which must be dropped but this message.
pub(super) unsafe fn raise(state: *mut lua_State, message: String) -> ! {
    // SAFETY: by this function's contract.
    unsafe {
        ffi::luaL_where(state, 1);
        ffi::lua_pushlstring_(state, message.as_ptr().cast(), message.len());
        drop(message);
        ffi::lua_concat(state, 2);
        ffi::lua_error(state)
    }
}

/// Raises the error of a host function.
///
/// # Safety
/// As [`raise`].
pub(super) unsafe fn raise_of_host(state: *mut lua_State, error: HostError) -> ! {
    // SAFETY: by this function's contract; what is kept here is moved before the error is raised.
    unsafe {
        ffi::luaL_where(state, 1);
        push_bytes(state, error.message.as_bytes());
        let HostError { message, cause } = error;
        drop(message);
        ffi::lua_concat(state, 2);
        let mut raised = Control::from_state(&state).host_errors.borrow_mut();
        if raised.len() == OF_HOST {
            raised.pop_front();
        }
        raised.push_back(RaisedHostError { text: text(state, -1, MESSAGE), cause });
        drop(raised);
        ffi::lua_error(state)
    }
}

/// The string or number at `index`, cut to `limit` bytes.
///
/// # Safety
/// It is a string or a number.
pub(super) unsafe fn text(state: *mut lua_State, index: c_int, limit: usize) -> String {
    // SAFETY: by this function's contract.
    let bytes = unsafe { bytes(&state, index) };
    let length = bytes.len();
    let (kept, dropped) = bytes.split_at_checked(limit).unwrap_or((bytes, &[]));
    let mut text = String::from_utf8_lossy(kept).into_owned();
    if text.len() > limit || length > limit {
        // A character that was cut in two is left out, instead of becoming a replacement character.
        let split = crate::model::capture::split_character(kept, dropped);
        let end = text.len() - if split > 0 { char::REPLACEMENT_CHARACTER.len_utf8() } else { 0 };
        text.truncate(text.floor_char_boundary(end.min(limit)));
        let _ = write!(text, "… ({length} bytes)");
    }
    text
}
