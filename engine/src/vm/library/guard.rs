//! Wrappers around Luau's own functions: a safepoint, and a collection where the result would not fit otherwise.

use std::ffi::{CStr, c_int};

use mlua::ffi::{self, lua_State};

use super::super::control::Control;
use super::super::fault;
use super::{bytes, original};

/// Bytes to have room for beside a result: headers, and the page of a small object.
const OVERHEAD: usize = 32 << 10;

/// Bytes that must be free before a function that leaves a coroutine broken when memory runs out inside of it.
const SPARE: usize = 64 << 10;

/// Luau's string buffer takes up to 5.5 times the size of a result while it grows, its garbage included.
const GROWING: usize = 6;

/// The longest format of functions that read it without a safepoint, in bytes: it takes some 4 ms.
const MAX_FORMAT: usize = 1 << 20;

/// The longest text of `tonumber` with a base, in bytes.
const MAX_DIGITS: usize = 1 << 20;

/// What to do before a function runs.
enum Before {
    /// Only check the interrupt.
    Safepoint,
    /// Make room for this many bytes.
    Room(unsafe fn(*mut lua_State) -> usize),
    /// Refuse to begin without [`SPARE`] memory.
    Spare,
}

pub(in super::super) struct Guard {
    /// Empty for a function that is in none.
    pub(in super::super) library: &'static CStr,
    pub(in super::super) name: &'static CStr,
    before: Before,
    /// A closure over it has Luau's own function as its upvalue.
    pub(in super::super) wrapper: ffi::lua_CFunction,
}

/// Defines the table, and a wrapper for each row.
macro_rules! guards {
    ($($index:literal $library:literal $name:literal $before:expr;)*) => {
        pub(in super::super) static GUARDS: [Guard; [$($index),*].len()] = [$(Guard {
            library: $library,
            name: $name,
            before: $before,
            wrapper: guarded::<$index>,
        }),*];
    };
}

guards! {
    0 c"string" c"lower" Before::Room(same_length);
    1 c"string" c"upper" Before::Room(same_length);
    2 c"string" c"reverse" Before::Room(same_length);
    3 c"string" c"sub" Before::Room(same_length);
    4 c"string" c"rep" Before::Room(repeated);
    5 c"string" c"pack" Before::Room(packed);
    6 c"string" c"packsize" Before::Room(short_format);
    7 c"string" c"unpack" Before::Room(unpacked);
    8 c"table" c"create" Before::Room(created);
    9 c"table" c"clone" Before::Room(cloned);
    10 c"table" c"insert" Before::Safepoint;
    11 c"table" c"remove" Before::Safepoint;
    12 c"table" c"maxn" Before::Safepoint;
    13 c"table" c"pack" Before::Safepoint;
    14 c"utf8" c"offset" Before::Safepoint;
    15 c"utf8" c"codepoint" Before::Safepoint;
    16 c"buffer" c"create" Before::Room(first_number);
    17 c"buffer" c"fromstring" Before::Room(same_length);
    18 c"buffer" c"tostring" Before::Room(whole_buffer);
    19 c"buffer" c"readstring" Before::Room(third_number);
    20 c"buffer" c"copy" Before::Safepoint;
    21 c"buffer" c"fill" Before::Safepoint;
    22 c"coroutine" c"close" Before::Spare;
    23 c"" c"error" Before::Room(same_length);
    24 c"" c"next" Before::Safepoint;
    25 c"" c"tonumber" Before::Room(digits);
}

unsafe extern "C-unwind" fn guarded<const INDEX: usize>(state: *mut lua_State) -> c_int {
    // SAFETY: called by Luau; the original is called as Luau would, in this function's frame.
    unsafe {
        let control = Control::from_state(&state);
        control.safepoint(state);
        match GUARDS.get(INDEX).map(|guard| &guard.before) {
            Some(Before::Room(need)) => control.make_room(state, need(state).saturating_add(OVERHEAD)),
            Some(Before::Spare) => spare(state),
            Some(Before::Safepoint) | None => {}
        }
        original(state)(state)
    }
}

/// Makes sure that there is some memory, or raises.
unsafe fn spare(state: *mut lua_State) {
    // SAFETY: at a call.
    unsafe {
        let control = Control::from_state(&state);
        control.make_room(state, SPARE);
        if !control.heap.has_room(SPARE) {
            fault::raise_out_of_memory(state);
        }
    }
}

/// `debug.info(…)`: Luau's (the upvalue), but without C functions: some of those on the stack are internal, and a script
/// must not get hold of them.
pub(in super::super) unsafe extern "C-unwind" fn info(state: *mut lua_State) -> c_int {
    // SAFETY: called by Luau; the original is called as Luau would, in this function's frame.
    unsafe {
        Control::from_state(&state).safepoint(state);
        spare(state);
        let results = original(state)(state);
        let top = ffi::lua_gettop(state);
        for index in top - results + 1..=top {
            if ffi::lua_iscfunction(state, index) != 0 {
                ffi::lua_pushnil(state);
                ffi::lua_replace(state, index);
            }
        }
        results
    }
}

/// Whatever the arguments are: the original refuses those that do not fit. The functions below say how many bytes it
/// will allocate at most.
///
/// # Safety
/// `state` is at a call, as for all of them.
unsafe fn length(state: *mut lua_State, index: c_int) -> usize {
    // SAFETY: by this function's contract.
    unsafe {
        if ffi::lua_type(state, index) == ffi::LUA_TSTRING { ffi::lua_objlen(state, index) } else { 32 }
    }
}

unsafe fn number(state: *mut lua_State, index: c_int) -> usize {
    // SAFETY: as in `length`. The cast saturates; NaN is 0.
    unsafe { ffi::lua_tonumber(state, index) as usize }
}

unsafe fn same_length(state: *mut lua_State) -> usize {
    // SAFETY: as in `length`.
    unsafe { length(state, 1) }
}

unsafe fn repeated(state: *mut lua_State) -> usize {
    // SAFETY: as in `length`.
    unsafe { length(state, 1).saturating_mul(number(state, 2)) }
}

unsafe fn first_number(state: *mut lua_State) -> usize {
    // SAFETY: as in `length`.
    unsafe { number(state, 1) }
}

unsafe fn third_number(state: *mut lua_State) -> usize {
    // SAFETY: as in `length`.
    unsafe { number(state, 3) }
}

unsafe fn created(state: *mut lua_State) -> usize {
    // SAFETY: as in `length`. A value has 16 bytes.
    unsafe { number(state, 1).saturating_mul(16) }
}

/// A node has 32 bytes, and there may be twice as many as entries.
unsafe fn cloned(state: *mut lua_State) -> usize {
    // SAFETY: as in `length`; each key and value is popped again.
    unsafe {
        if ffi::lua_type(state, 1) != ffi::LUA_TTABLE {
            return 0;
        }
        let (mut slots, mut at) = (0, 0);
        while {
            at = ffi::lua_rawiter(state, 1, at);
            at >= 0
        } {
            slots = at as usize;
            ffi::lua_pop(state, 2);
        }
        slots * 64
    }
}

unsafe fn whole_buffer(state: *mut lua_State) -> usize {
    let mut length = 0;
    // SAFETY: as in `length`; null for what is no buffer.
    unsafe { if ffi::lua_tobuffer(state, 1, &mut length).is_null() { 0 } else { length } }
}

/// A text of digits in some base; in base 10 more are read in the time that is allowed.
unsafe fn digits(state: *mut lua_State) -> usize {
    // SAFETY: as in `length`.
    unsafe {
        if ffi::lua_gettop(state) > 1 && length(state, 1) > MAX_DIGITS {
            fault::raise(
                state,
                format!("bad argument #1 to 'tonumber': with a base, at most {MAX_DIGITS} bytes"),
            );
        }
    }
    0
}

unsafe fn short_format(state: *mut lua_State) -> usize {
    // SAFETY: as in `length`.
    unsafe { check_format(state) }
    0
}

unsafe fn check_format(state: *mut lua_State) {
    // SAFETY: as in `length`.
    unsafe {
        if length(state, 1) > MAX_FORMAT {
            fault::raise(state, format!("bad argument #1: the format is longer than {MAX_FORMAT} bytes"));
        }
    }
}

unsafe fn packed(state: *mut lua_State) -> usize {
    // SAFETY: as in `length`.
    unsafe {
        check_format(state);
        let arguments = (2..=ffi::lua_gettop(state)).map(|index| length(state, index)).sum::<usize>();
        (arguments + 16 * length(state, 1)).saturating_mul(GROWING)
    }
}

unsafe fn unpacked(state: *mut lua_State) -> usize {
    // SAFETY: as in `length`.
    unsafe {
        check_format(state);
        if ffi::lua_isstring(state, 2) != 0 { bytes(&state, 2).len() } else { 0 }
    }
}
