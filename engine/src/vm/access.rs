//! Reads strings and numbers from a VM's stack, and pushes strings.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};

/// The bytes of the string at `index`, or of the number there, which becomes a string.
///
/// # Safety
/// There is a string or number at `index`, and it stays there as long as the result is used. Luau does not move or
/// change strings.
pub(super) unsafe fn bytes(state: &*mut lua_State, index: c_int) -> &[u8] {
    let mut length = 0;
    // SAFETY: by this function's contract; the API returns null only for what is neither.
    unsafe {
        let pointer = ffi::lua_tolstring(*state, index, &mut length);
        if pointer.is_null() { &[] } else { std::slice::from_raw_parts(pointer.cast(), length) }
    }
}

/// The bytes of the argument at `index`; raises when it is neither string nor number.
///
/// # Safety
/// `state` is at a call, and the argument stays there as long as the result is used.
pub(super) unsafe fn check_bytes(state: &*mut lua_State, index: c_int) -> &[u8] {
    // SAFETY: by this function's contract.
    unsafe {
        ffi::luaL_checklstring(*state, index, std::ptr::null_mut());
        bytes(state, index)
    }
}

/// The number at `index`, without its fraction, as Luau's library takes it. Beyond 32 bits it is the nearest
/// 32-bit number, and 0 for NaN; Luau's own cast is undefined in C there.
///
/// # Safety
/// `state` is at a call.
pub(super) unsafe fn integer(state: *mut lua_State, index: c_int) -> c_int {
    // SAFETY: by this function's contract.
    unsafe { ffi::luaL_checknumber(state, index) as c_int }
}

/// [`integer`], or `default` where there is none.
///
/// # Safety
/// `state` is at a call.
pub(super) unsafe fn optional_integer(state: *mut lua_State, index: c_int, default: c_int) -> c_int {
    // SAFETY: by this function's contract.
    unsafe { if ffi::lua_isnoneornil(state, index) != 0 { default } else { integer(state, index) } }
}

/// The first bytes of a text, for an error message.
pub(super) fn beginning(text: &[u8], most: usize) -> &[u8] {
    text.get(..most).unwrap_or(text)
}

/// # Safety
/// `state` is at a call with a free stack slot.
pub(super) unsafe fn push_bytes(state: *mut lua_State, bytes: &[u8]) {
    // SAFETY: by this function's contract.
    unsafe { ffi::lua_pushlstring_(state, bytes.as_ptr().cast(), bytes.len()) };
}
