//! `string.format`: Luau's, a few hundred conversions at a time.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};

use super::super::buffer::Buffer;
use super::super::control::Control;
use super::guard::{GROWING, OVERHEAD};
use super::strings::or_raise;
use super::{check_bytes, push_bytes};

/// Conversions between two looks at the deadline: `%.99f` takes up to 13 µs.
const AT_ONCE: c_int = 256;

/// What a number with width and precision has at most, in bytes.
const NUMBER: usize = 512;

/// `string.format(format, …)`: the upvalue is Luau's.
pub(in super::super) unsafe extern "C-unwind" fn format(state: *mut lua_State) -> c_int {
    // SAFETY: called by Luau with its state; the format stays at 1, and what it converts behind it.
    unsafe {
        let control = Control::of(state);
        control.look(state);
        let format = check_bytes(state, 1);
        let last = ffi::lua_gettop(state);
        let size =
            (2..=last).map(|index| show(state, control, index)).fold(format.len(), usize::saturating_add);
        let original = ffi::lua_tocfunction(state, ffi::lua_upvalueindex(1)).expect("set with this function");
        if last <= AT_ONCE {
            control.make_room(state, size.saturating_mul(GROWING).saturating_add(OVERHEAD));
            return original(state);
        }
        ffi::lua_rawcheckstack(state, AT_ONCE + 2);
        let mut out = Buffer::new(control, state);
        let (mut rest, mut next) = (format, 2);
        while !rest.is_empty() {
            let (piece, conversions) = split(rest);
            let until = last.min(next + conversions - 1);
            ffi::lua_pushvalue(state, ffi::lua_upvalueindex(1));
            push_bytes(state, &rest[..piece]);
            for index in next..=until {
                ffi::lua_pushvalue(state, index);
            }
            ffi::lua_call(state, 1 + until + 1 - next, 1);
            or_raise(state, out.put(super::bytes(state, -1)));
            ffi::lua_pop(state, 1);
            control.look(state);
            (rest, next) = (&rest[piece..], until + 1);
        }
        control.make_room(state, out.bytes().len());
        push_bytes(state, out.bytes());
    }
    1
}

/// Runs `__tostring` of an argument here, with a look behind it: 500 of them with a slow C function took 155 ms. Returns
/// how many bytes the argument may become.
unsafe fn show(state: *mut lua_State, control: &Control, index: c_int) -> usize {
    // SAFETY: at a call with an argument at the index; the string replaces what it shows.
    unsafe {
        if ffi::luaL_getmetafield_(state, index, c"__tostring".as_ptr()) != 0 {
            ffi::lua_pop(state, 1);
            ffi::luaL_tolstring_(state, index, std::ptr::null_mut());
            ffi::lua_replace(state, index);
            control.look(state);
        }
        // `%q` makes up to four bytes of one.
        match ffi::lua_type(state, index) {
            ffi::LUA_TSTRING => 4 * ffi::lua_objlen(state, index),
            _ => NUMBER,
        }
    }
}

/// How long the part of a format with the first [`AT_ONCE`] conversions is, and how many there are in it.
fn split(format: &[u8]) -> (usize, c_int) {
    let (mut at, mut conversions) = (0, 0);
    while let Some(percent) = memchr::memchr(b'%', &format[at..]) {
        if conversions == AT_ONCE {
            return (at, conversions);
        }
        at += percent + 1;
        if format.get(at) == Some(&b'%') {
            at += 1;
            continue;
        }
        let options = format[at..].iter().position(|byte| !b"-+ #0123456789.".contains(byte));
        at = format.len().min(options.map_or(format.len(), |options| at + options + 1));
        conversions += 1;
    }
    (format.len(), conversions)
}
