//! How `json.null` and arrays are represented in a VM.

use std::ffi::c_int;
use std::ptr;

use mlua::ffi::{self, lua_State};

/// The tag of the light userdata that is `json.null`; the VM has no other light userdata.
pub(super) const NULL_TAG: c_int = 1;

/// Registry key of the array metatable: its address.
pub(super) static ARRAY: u8 = 0;

/// # Safety
/// `state` is at a call with a free stack slot, as for all functions here.
pub(super) unsafe fn push_null(state: *mut lua_State) {
    // SAFETY: by this function's contract.
    unsafe { ffi::lua_pushlightuserdatatagged(state, ptr::null_mut(), NULL_TAG) };
}

/// # Safety
/// There is a value at the index.
pub(super) unsafe fn is_null(state: *mut lua_State, index: c_int) -> bool {
    // SAFETY: by this function's contract.
    unsafe { ffi::lua_lightuserdatatag(state, index) == NULL_TAG }
}

/// # Safety
/// As [`push_null`].
pub(super) unsafe fn push_array_metatable(state: *mut lua_State) {
    // SAFETY: by this function's contract.
    unsafe { ffi::lua_rawgetptagged(state, ffi::LUA_REGISTRYINDEX, (&raw const ARRAY).cast(), 0) };
}

/// Whether the table at `index` is marked as an array.
///
/// # Safety
/// There is a table at the index, and two stack slots are free.
pub(super) unsafe fn is_array(state: *mut lua_State, index: c_int) -> bool {
    // SAFETY: by this function's contract.
    unsafe {
        if ffi::lua_getmetatable(state, index) == 0 {
            return false;
        }
        push_array_metatable(state);
        let same = ffi::lua_rawequal(state, -1, -2) != 0;
        ffi::lua_pop(state, 2);
        same
    }
}
