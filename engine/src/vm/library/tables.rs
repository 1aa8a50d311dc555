//! `table.move`, `concat`, `find`, `unpack`, `foreach`, `foreachi` and `sort`: Luau's have no safepoints, and
//! some are not linear.

use std::ffi::{CStr, c_int};
use std::mem::MaybeUninit;

use mlua::ffi::{self, lua_State};

use super::super::control::Control;
use super::super::fault;
use super::{bytes, integer, optional_integer, original};

/// Numbers that Luau's own sort takes at most 8 ms for.
const SORTED_AT_ONCE: c_int = 64 * 1024;

/// Bytes of strings that a sort may compare at once: some 2 ms.
const COMPARED_AT_ONCE: usize = 8 << 20;

/// A safepoint. The functions here have one before every element: where hashes collide, each look-up goes along a chain of
/// keys, and each insertion may rebuild the table. It costs one atomic load while no interrupt is armed.
unsafe fn safepoint(state: *mut lua_State) {
    // SAFETY: called at calls, where all that is alive is on the stack.
    unsafe { Control::from_state(&state).safepoint(state) };
}

/// `table.move(from, first, last, to [, target])`. Writing `nil` where nothing is would have
/// Luau rebuild the table for each, and is left out.
pub(in super::super) unsafe extern "C-unwind" fn r#move(state: *mut lua_State) -> c_int {
    // SAFETY: called by Luau with its state, as are all functions here.
    unsafe {
        ffi::luaL_checktype(state, 1, ffi::LUA_TTABLE);
        let (first, last, to) = (integer(state, 2), integer(state, 3), integer(state, 4));
        let target = if ffi::lua_isnoneornil(state, 5) != 0 { 1 } else { 5 };
        ffi::luaL_checktype(state, target, ffi::LUA_TTABLE);
        if last >= first {
            if !(first > 0 || last < c_int::MAX + first) {
                ffi::luaL_argerror(state, 3, c"too many elements to move".as_ptr());
            }
            let count = last - first + 1;
            if to > c_int::MAX - count + 1 {
                ffi::luaL_argerror(state, 4, c"destination wrap around".as_ptr());
            }
            if ffi::lua_getreadonly(state, target) != 0 {
                // This raises Luau's own error.
                ffi::lua_pushnil(state);
                ffi::lua_rawseti_(state, target, to);
            }
            let is_overlapping = to > first && to <= last && ffi::lua_rawequal(state, 1, target) != 0;
            for step in 0..count {
                safepoint(state);
                let offset = if is_overlapping { count - 1 - step } else { step };
                ffi::lua_rawgeti_(state, 1, first + offset);
                if ffi::lua_isnil(state, -1) != 0 {
                    ffi::lua_rawgeti_(state, target, to + offset);
                    let is_absent = ffi::lua_isnil(state, -1) != 0;
                    ffi::lua_pop(state, 1);
                    if is_absent {
                        ffi::lua_pop(state, 1);
                        continue;
                    }
                }
                ffi::lua_rawseti_(state, target, to + offset);
            }
        }
        ffi::lua_pushvalue(state, target);
    }
    1
}

/// `table.concat(t [, separator [, first [, last]]])`: measured first, then written once.
pub(in super::super) unsafe extern "C-unwind" fn concat(state: *mut lua_State) -> c_int {
    // SAFETY: as above; the separator stays at 2. The buffer is exactly as long as what is written.
    unsafe {
        if ffi::lua_isnoneornil(state, 2) == 0 {
            ffi::luaL_checklstring(state, 2, std::ptr::null_mut());
        }
        ffi::luaL_checktype(state, 1, ffi::LUA_TTABLE);
        let first = optional_integer(state, 3, 1);
        let last = optional_integer(state, 4, ffi::lua_objlen(state, 1) as c_int);
        ffi::lua_settop(state, 2);
        let separator = bytes(&state, 2);
        let mut total = 0_usize;
        each(state, first, last, |index, piece| match piece {
            Some(piece) => total += piece.len() + if index < last { separator.len() } else { 0 },
            None => refuse(state, index),
        });
        let control = Control::from_state(&state);
        control.make_room(state, total);
        if !control.heap.has_room(total) {
            fault::raise_out_of_memory(state);
        }
        let mut buffer = MaybeUninit::<ffi::luaL_Strbuf>::uninit();
        let mut out = ffi::luaL_buffinitsize(state, buffer.as_mut_ptr(), total).cast::<u8>();
        let mut left = total;
        each(state, first, last, |index, piece| {
            for piece in [piece.unwrap_or_default(), if index < last { separator } else { b"" }] {
                // Nothing that ran in between could change the table; and if it could, the buffer would not be overrun.
                let length = piece.len().min(left);
                std::ptr::copy_nonoverlapping(piece.as_ptr(), out, length);
                out = out.add(length);
                left -= length;
            }
        });
        ffi::luaL_pushresultsize(buffer.as_mut_ptr(), total - left);
    }
    1
}

/// Hands each string or number of the table at 1 to `element`, with safepoints in between.
unsafe fn each(
    state: *mut lua_State,
    first: c_int,
    last: c_int,
    mut element: impl FnMut(c_int, Option<&[u8]>),
) {
    let mut index = first;
    // SAFETY: as above; each value is popped again.
    unsafe {
        while index <= last {
            safepoint(state);
            ffi::lua_rawgeti_(state, 1, index);
            let piece = (ffi::lua_isstring(state, -1) != 0).then(|| bytes(&state, -1));
            element(index, piece);
            ffi::lua_pop(state, 1);
            let Some(next) = index.checked_add(1) else { break };
            index = next;
        }
    }
}

unsafe fn refuse(state: *mut lua_State, index: c_int) -> ! {
    // SAFETY: as above; the value is on the top of the stack.
    unsafe {
        let name = CStr::from_ptr(ffi::luaL_typename(state, -1)).to_string_lossy().into_owned();
        fault::raise(state, format!("invalid value ({name}) at index {index} in table for 'concat'"))
    }
}

/// `table.find(t, value [, init])`: the index of the first equal element before the first `nil`.
pub(in super::super) unsafe extern "C-unwind" fn find(state: *mut lua_State) -> c_int {
    // SAFETY: as above.
    unsafe {
        ffi::luaL_checktype(state, 1, ffi::LUA_TTABLE);
        ffi::luaL_checkany(state, 2);
        let mut index = optional_integer(state, 3, 1);
        if index < 1 {
            ffi::luaL_argerror(state, 3, c"index out of range".as_ptr());
        }
        ffi::lua_settop(state, 2);
        // Only these can have an `__eq`.
        let may_call = matches!(ffi::lua_type(state, 2), ffi::LUA_TTABLE | ffi::LUA_TUSERDATA);
        loop {
            if may_call {
                Control::from_state(&state).safepoint(state);
            } else {
                safepoint(state);
            }
            ffi::lua_rawgeti_(state, 1, index);
            if ffi::lua_isnil(state, -1) != 0 {
                return 1;
            }
            if ffi::lua_rawequal(state, 2, -1) != 0 || may_call && ffi::lua_equal(state, 2, -1) != 0 {
                ffi::lua_pushnumber(state, f64::from(index));
                return 1;
            }
            ffi::lua_pop(state, 1);
            let Some(next) = index.checked_add(1) else {
                ffi::lua_pushnil(state);
                return 1;
            };
            index = next;
        }
    }
}

/// `table.unpack(t [, first [, last]])` and `unpack`. From 1 to the end of an array, the compiler's fast call copies.
pub(in super::super) unsafe extern "C-unwind" fn unpack(state: *mut lua_State) -> c_int {
    // SAFETY: as above.
    unsafe {
        ffi::luaL_checktype(state, 1, ffi::LUA_TTABLE);
        let first = optional_integer(state, 2, 1);
        let last = optional_integer(state, 3, ffi::lua_objlen(state, 1) as c_int);
        if first > last {
            return 0;
        }
        let count = i64::from(last) - i64::from(first) + 1;
        let Some(count) = c_int::try_from(count).ok().filter(|&count| ffi::lua_checkstack(state, count) != 0)
        else {
            fault::raise(state, "too many results to unpack".to_owned())
        };
        for offset in 0..count {
            safepoint(state);
            ffi::lua_rawgeti_(state, 1, first + offset);
        }
        count
    }
}

/// `table.foreach(t, f)`: `f(key, value)` for each, until it returns something.
pub(in super::super) unsafe extern "C-unwind" fn foreach(state: *mut lua_State) -> c_int {
    // SAFETY: as above.
    unsafe {
        ffi::luaL_checktype(state, 1, ffi::LUA_TTABLE);
        ffi::luaL_checktype(state, 2, ffi::LUA_TFUNCTION);
        ffi::lua_settop(state, 2);
        ffi::lua_pushnil(state);
        while ffi::lua_next(state, 1) != 0 {
            if call(state, -2) {
                return 1;
            }
            ffi::lua_pop(state, 1);
        }
    }
    0
}

/// `table.foreachi(t, f)`: `f(index, value)` for each from 1 to `#t`, until it returns something.
pub(in super::super) unsafe extern "C-unwind" fn foreachi(state: *mut lua_State) -> c_int {
    // SAFETY: as above.
    unsafe {
        ffi::luaL_checktype(state, 1, ffi::LUA_TTABLE);
        ffi::luaL_checktype(state, 2, ffi::LUA_TFUNCTION);
        ffi::lua_settop(state, 2);
        for index in 1..=ffi::lua_objlen(state, 1) as c_int {
            ffi::lua_pushnumber(state, f64::from(index));
            ffi::lua_rawgeti_(state, 1, index);
            if call(state, -2) {
                return 1;
            }
            ffi::lua_settop(state, 2);
        }
    }
    0
}

/// Calls the function at 2 with the key at `key` and the value behind it; whether it returned something, which is
/// then on the top of the stack, or else gone.
unsafe fn call(state: *mut lua_State, key: c_int) -> bool {
    // SAFETY: as above.
    unsafe {
        Control::from_state(&state).safepoint(state);
        ffi::lua_pushvalue(state, 2);
        ffi::lua_pushvalue(state, key - 1);
        ffi::lua_pushvalue(state, key - 1);
        ffi::lua_call(state, 2, 1);
        if ffi::lua_isnil(state, -1) != 0 {
            ffi::lua_pop(state, 1);
            return false;
        }
        true
    }
}

/// `table.sort(t [, less])`: Luau's (the upvalue), whose own comparisons have no safepoint. A comparator of the script has them
/// itself; any other comparison that could take long is replaced by one with a safepoint.
pub(in super::super) unsafe extern "C-unwind" fn sort(state: *mut lua_State) -> c_int {
    // SAFETY: as above; the upvalue was set with this function.
    unsafe {
        Control::from_state(&state).safepoint(state);
        ffi::luaL_checktype(state, 1, ffi::LUA_TTABLE);
        if ffi::lua_isnoneornil(state, 2) != 0 {
            ffi::lua_settop(state, 1);
            if !sorts_at_once(state) {
                ffi::lua_pushcfunctiond(state, less, c"sort".as_ptr());
            }
        } else if ffi::lua_iscfunction(state, 2) != 0 {
            ffi::lua_settop(state, 2);
            ffi::lua_pushcclosured(state, call_comparator, c"sort".as_ptr(), 1);
        }
        // In this function's own frame, so that no script gets hold of it.
        original(state)(state)
    }
}

/// Whether the table at 1 holds few numbers, or few and short strings.
unsafe fn sorts_at_once(state: *mut lua_State) -> bool {
    // SAFETY: as above; each value is popped again.
    unsafe {
        let count = ffi::lua_objlen(state, 1) as c_int;
        if count > SORTED_AT_ONCE {
            return false;
        }
        let mut longest = 0;
        for index in 1..=count {
            ffi::lua_rawgeti_(state, 1, index);
            let kind = ffi::lua_type(state, -1);
            if kind == ffi::LUA_TSTRING {
                longest = longest.max(ffi::lua_objlen(state, -1));
            }
            ffi::lua_pop(state, 1);
            if !matches!(kind, ffi::LUA_TSTRING | ffi::LUA_TNUMBER) {
                return false;
            }
        }
        let comparisons = count as usize * (count.max(1).ilog2() as usize + 1);
        longest.saturating_mul(comparisons) <= COMPARED_AT_ONCE
    }
}

unsafe extern "C-unwind" fn less(state: *mut lua_State) -> c_int {
    // SAFETY: as above.
    unsafe {
        Control::from_state(&state).safepoint(state);
        ffi::lua_pushboolean(state, ffi::lua_lessthan(state, 1, 2));
    }
    1
}

/// Calls the comparator in the upvalue, after a safepoint.
unsafe extern "C-unwind" fn call_comparator(state: *mut lua_State) -> c_int {
    // SAFETY: as above; the upvalue was set with this function.
    unsafe {
        Control::from_state(&state).safepoint(state);
        ffi::lua_pushvalue(state, ffi::lua_upvalueindex(1));
        ffi::lua_insert(state, 1);
        ffi::lua_call(state, ffi::lua_gettop(state) - 1, 1);
    }
    1
}
