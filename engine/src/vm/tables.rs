//! `GET`, `POST`, `ARGS`, `CONFIG` and `META` of one run.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};

use super::access::{bytes, push_bytes};
use super::control::Control;
use super::slots::Slot;
use super::{decode, fault, marks};
use crate::model::error::{Part, PayloadError};
use crate::model::json::position;
use crate::model::request::{Body, Query};
use crate::model::urlencoded;

/// Parameters between two safepoints.
const SAFEPOINT_EVERY: usize = 64;

/// The most entries that a table of parameters is created with; beyond, it grows by itself.
const PRESIZED: usize = 64;

/// Pushes `GET`.
///
/// # Safety
/// `state` is at a call in a VM of ours, as for all functions here. They raise a Lua error when memory or time run
/// out.
pub(super) unsafe fn push_get(state: *mut lua_State, query: &Query<'_>) {
    // SAFETY: by this function's contract.
    unsafe {
        match query {
            Query::Raw(raw) => push_urlencoded(state, raw),
            Query::Pairs(pairs) => {
                let control = Control::from_state(&state);
                ffi::lua_createtable(state, 0, pairs.len().min(PRESIZED) as c_int);
                for (index, (key, value)) in pairs.iter().enumerate() {
                    set(state, control, index, key, value);
                }
            }
        }
    }
}

/// Pushes `POST`; on an error nothing is pushed.
///
/// # Safety
/// As [`push_get`].
pub(super) unsafe fn push_post(state: *mut lua_State, body: &Body<'_>) -> Result<(), PayloadError> {
    // SAFETY: by this function's contract.
    unsafe {
        match body {
            Body::Form(form) => push_urlencoded(state, form),
            Body::Json(text) if !text.is_empty() => {
                let start = text.iter().position(|byte| !b" \t\r\n".contains(byte)).unwrap_or(0);
                if text.get(start) != Some(&b'{') {
                    let (reason, position) = ("Expecting object".to_owned(), position(text, start));
                    return Err(PayloadError::Json { part: Part::Body, reason, position });
                }
                push_json(state, text, Part::Body)?;
            }
            Body::None | Body::Json(_) => ffi::lua_createtable(state, 0, 0),
        }
    }
    Ok(())
}

/// Pushes `CONFIG` or `META`, deeply read-only; on an error nothing is pushed.
///
/// # Safety
/// As [`push_get`].
pub(super) unsafe fn push_json(state: *mut lua_State, text: &[u8], part: Part) -> Result<(), PayloadError> {
    // SAFETY: by this function's contract.
    unsafe { read(state, decode::push(state, text, part != Part::Body), part) }
}

/// Checks what [`push_json`] would push, and pushes nothing.
///
/// # Safety
/// As [`push_get`].
pub(super) unsafe fn check_json(state: *mut lua_State, text: &[u8], part: Part) -> Result<(), PayloadError> {
    // SAFETY: by this function's contract.
    unsafe { read(state, decode::check(state, text), part) }
}

/// What came of reading a part.
unsafe fn read(
    state: *mut lua_State,
    result: Result<(), decode::DecodeError>,
    part: Part,
) -> Result<(), PayloadError> {
    match result {
        Ok(()) => Ok(()),
        // SAFETY: `state` is at a call.
        Err(decode::DecodeError::Late) => unsafe { fault::raise_over(state) },
        // SAFETY: as above.
        Err(decode::DecodeError::Memory) => unsafe { fault::raise_out_of_memory(state) },
        Err(decode::DecodeError::Json { reason, position }) => {
            Err(PayloadError::Json { part, reason: reason.to_owned(), position })
        }
    }
}

/// Pushes a table of strings.
unsafe fn push_urlencoded(state: *mut lua_State, text: &[u8]) {
    let mut index = 0;
    // SAFETY: `state` is at a call.
    unsafe {
        let control = Control::from_state(&state);
        ffi::lua_createtable(state, 0, urlencoded::max_parameters(text).min(PRESIZED) as c_int);
        urlencoded::each(text, |key, value| {
            set(state, control, index, key, value);
            index += 1;
        });
    }
}

/// Sets one parameter in the table on the top of the stack, with safepoints in between.
unsafe fn set(state: *mut lua_State, control: &Control, index: usize, key: &[u8], value: &[u8]) {
    // SAFETY: the table is on the top of the stack of a call, which has room for two more.
    unsafe {
        if index % SAFEPOINT_EVERY == SAFEPOINT_EVERY - 1 && control.should_stop() {
            fault::raise_over(state);
        }
        push_bytes(state, key);
        push_bytes(state, value);
        ffi::lua_rawset(state, -3);
    }
}

/// The `__index` of `ARGS`: `GET`, then `POST`, then the members of a `payload` that is a JSON object.
pub(super) unsafe extern "C-unwind" fn args_index(state: *mut lua_State) -> c_int {
    // SAFETY: called by Luau with `ARGS`, or by a script with anything, which the checks refuse.
    unsafe {
        ffi::luaL_checktype(state, 1, ffi::LUA_TTABLE);
        ffi::luaL_checkany(state, 2);
        ffi::lua_settop(state, 2);
        for table in [c"GET", c"POST"] {
            if ffi::lua_rawgetfield(state, 1, table.as_ptr()) == ffi::LUA_TTABLE {
                ffi::lua_pushvalue(state, 2);
                if ffi::lua_rawget(state, -2) != ffi::LUA_TNIL {
                    return 1;
                }
                ffi::lua_pop(state, 1);
            }
            ffi::lua_pop(state, 1);
        }
        for table in [c"GET", c"POST"] {
            if ffi::lua_rawgetfield(state, 1, table.as_ptr()) == ffi::LUA_TTABLE && push_payload(state) {
                ffi::lua_pushvalue(state, 2);
                if ffi::lua_rawget(state, -2) != ffi::LUA_TNIL {
                    return 1;
                }
            }
            ffi::lua_settop(state, 2);
        }
        ffi::lua_pushnil(state);
        1
    }
}

/// Pushes the `payload` of the table on the top of the stack, if it is an object: a table, or JSON text of one, which
/// is parsed once a run. Returns whether it did.
unsafe fn push_payload(state: *mut lua_State) -> bool {
    // SAFETY: the table is on the top of the stack of a call.
    unsafe {
        match ffi::lua_rawgetfield(state, -1, c"payload".as_ptr()) {
            ffi::LUA_TTABLE => return !marks::is_array(state, -1),
            ffi::LUA_TSTRING => {}
            _ => return false,
        }
        if let Some(kind) = Control::from_state(&state).slots.push(Slot::Payload, state) {
            return kind == ffi::LUA_TTABLE;
        }
        let text = bytes(&state, -1);
        let is_object = text.trim_ascii_start().starts_with(b"{")
            && match decode::push(state, text, false) {
                Ok(()) => true,
                Err(decode::DecodeError::Late) => fault::raise_over(state),
                Err(decode::DecodeError::Memory) => fault::raise_out_of_memory(state),
                Err(decode::DecodeError::Json { .. }) => false,
            };
        ffi::lua_pushvalue(state, -1);
        Control::from_state(&state).slots.set(Slot::Payload, state);
        is_object
    }
}
