//! The `json` library.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};

use super::super::control::Control;
use super::super::marks::{ARRAY, NULL_TAG, push_array_metatable, push_null};
use super::super::{decode, encode, fault};
use super::{check_bytes, push_bytes, set_metatable};

/// Pushes the library, and sets up `null` and the array metatable. Called once, while the VM is built.
///
/// # Safety
/// `state` is at a call with many free stack slots.
pub(in super::super) unsafe fn open(state: *mut lua_State) {
    // SAFETY: by this function's contract.
    unsafe {
        ffi::lua_newtable(state);
        ffi::lua_setreadonly(state, -1, 1);
        ffi::lua_rawsetptagged(state, ffi::LUA_REGISTRYINDEX, (&raw const ARRAY).cast(), 0);

        ffi::lua_setlightuserdataname(state, NULL_TAG, c"null".as_ptr());
        push_null(state);
        ffi::lua_createtable(state, 0, 2);
        ffi::lua_pushcfunctiond(state, null_to_string, c"__tostring".as_ptr());
        ffi::lua_rawsetfield(state, -2, c"__tostring".as_ptr());
        ffi::lua_pushliteral(state, c"locked");
        ffi::lua_rawsetfield(state, -2, c"__metatable".as_ptr());
        ffi::lua_setreadonly(state, -1, 1);
        ffi::lua_setmetatable(state, -2);

        ffi::lua_createtable(state, 0, 4);
        ffi::lua_insert(state, -2);
        ffi::lua_rawsetfield(state, -2, c"null".as_ptr());
        for (name, function) in [
            (c"encode", encode_value as ffi::lua_CFunction),
            (c"decode", decode_text as ffi::lua_CFunction),
            (c"array", mark_array as ffi::lua_CFunction),
        ] {
            ffi::lua_pushcfunctiond(state, function, name.as_ptr());
            ffi::lua_rawsetfield(state, -2, name.as_ptr());
        }
    }
}

unsafe extern "C-unwind" fn null_to_string(state: *mut lua_State) -> c_int {
    // SAFETY: called by Luau with its state, as are the functions below.
    unsafe { ffi::lua_pushliteral(state, c"null") };
    1
}

/// `json.encode(value)`.
unsafe extern "C-unwind" fn encode_value(state: *mut lua_State) -> c_int {
    // SAFETY: as above; the sink is dropped when an error unwinds.
    unsafe {
        ffi::luaL_checkany(state, 1);
        ffi::lua_settop(state, 1);
        let control = Control::from_state(&state);
        control.safepoint(state);
        let mut sink = encode::JsonSink::charged(control, state);
        match encode::write(state, 1, &mut sink) {
            Ok(()) => {
                control.make_room(state, sink.bytes().len());
                push_bytes(state, sink.bytes());
            }
            Err(encode::EncodeError::Late) => fault::raise_over(state),
            Err(encode::EncodeError::Memory) => fault::raise_out_of_memory(state),
            Err(refused) => fault::raise(state, refused.describe("json.encode: the value")),
        }
    }
    1
}

/// `json.decode(text)`.
unsafe extern "C-unwind" fn decode_text(state: *mut lua_State) -> c_int {
    // SAFETY: as above; the text stays at index 1 while it is read.
    unsafe {
        let control = Control::from_state(&state);
        control.safepoint(state);
        let text = check_bytes(&state, 1);
        match decode::push(state, text, false) {
            Ok(()) => 1,
            Err(decode::DecodeError::Late) => fault::raise_over(state),
            Err(decode::DecodeError::Memory) => fault::raise_out_of_memory(state),
            Err(decode::DecodeError::Json { reason, position }) => {
                fault::raise(state, format!("json.decode: {reason}: {position}"))
            }
        }
    }
}

/// `json.array([t])`: `t`, or a new table, marked so that it is `[]` when empty.
unsafe extern "C-unwind" fn mark_array(state: *mut lua_State) -> c_int {
    // SAFETY: as above.
    unsafe {
        if ffi::lua_isnoneornil(state, 1) != 0 {
            ffi::lua_settop(state, 0);
            ffi::lua_newtable(state);
        }
        ffi::luaL_checktype(state, 1, ffi::LUA_TTABLE);
        ffi::lua_settop(state, 1);
        push_array_metatable(state);
        set_metatable(state, 1);
    }
    1
}
