//! The library of a script: which functions are ours, and which are Luau's, guarded or as they are.
//!
//! A function of the library may not outlive the deadline by more than the contract allows (10 ms and 1 ms per MiB of
//! memory limit), nor fail for garbage while live data is below half of the limit. Luau checks its
//! interrupt only at calls and loop edges of scripts, and collects only after it allocated. So each function is one of:
//!
//! | what | which | how |
//! | --- | --- | --- |
//! | replaced, not linear in Luau | `string.find match gmatch gsub split`, `utf8.len` | [`strings`], [`pattern`]: work is counted, plain search ([`search`]) has safepoints |
//! | | `table.move find concat unpack foreach foreachi`, `unpack` | [`tables`]: a safepoint before every element, whose key may be at the end of a long chain |
//! | | `string.format` | [`format`](mod@format): a safepoint for each conversion |
//! | replaced, shared state | `math.random randomseed`, `rawset`, `table.clear` | [`random`], `super::globals` |
//! | replaced, reads the host's time zone | `os.date time` | [`clock`] |
//! | replaced, unbounded result | `debug.traceback` | 12 calls at each end, names of 100 bytes |
//! | replaced, a run may be a coroutine itself | `coroutine.running isyieldable` | [`coroutines`] |
//! | without C functions | `debug.info` | some C functions on the stack are internal, and a script must not get hold of them |
//! | replaced comparison | `table.sort` without a Lua comparator, beyond what sorts in 8 ms | a comparator with a safepoint |
//! | guarded: a safepoint, and a collection if the result would not fit otherwise | `string.lower upper reverse sub rep pack unpack packsize`, `table.create clone`, `buffer.create fromstring tostring readstring`, `error` | [`guard`] |
//! | guarded: a safepoint; linear | `next`, `table.insert remove maxn pack`, `utf8.offset codepoint`, `buffer.copy fill` | [`guard`] |
//! | bounded | formats of `string.pack unpack packsize` (1 MiB), texts of `tonumber` with a base (1 MiB) | [`guard`] |
//! | guarded: needs spare memory | `coroutine.close`, `debug.info` | [`guard`]: out of memory inside them leaves a coroutine half closed |
//! | ours, bounded by their limits | `host.NAME`, `require`, `set_response` | [`host`], [`require`], [`response`] |
//! | left: constant, or bounded by their arguments | all others | |
//!
//! Costs were measured at 64 MiB on 2 shared cores: `lower` of 20 MiB 9 ms, `rep` to 60 MiB 32 ms, `utf8.len` of 24 MiB
//! 29 ms, `table.create(2^22)` 23 ms, `tonumber` of 24 MiB 13 ms.

pub(super) mod clock;
pub(super) mod coroutines;
pub(super) mod format;
pub(super) mod guard;
pub(super) mod host;
pub(super) mod json;
pub(super) mod output;
pub(super) mod pattern;
pub(super) mod random;
pub(super) mod require;
pub(super) mod response;
mod search;
pub(super) mod strings;
pub(super) mod tables;

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};

pub(super) use super::access::{beginning, bytes, check_bytes, integer, optional_integer, push_bytes};
use super::fault;

/// Luau's own function, which is the first upvalue of the one that is called.
///
/// # Safety
/// `state` is at a call.
pub(super) unsafe fn original(state: *mut lua_State) -> ffi::lua_CFunction {
    // SAFETY: by this function's contract.
    unsafe {
        match ffi::lua_tocfunction(state, ffi::lua_upvalueindex(1)) {
            Some(original) => original,
            None => fault::raise(state, "this Luau does not have this function".to_owned()),
        }
    }
}

/// Pops a metatable, and sets it for the table at `index`. As for the script itself, a metatable that is locked can't be
/// replaced: `_G`'s is one. The API itself checks that the table is not read-only.
///
/// # Safety
/// `state` is at a call with a free stack slot beside the metatable on its top; the index is absolute.
pub(super) unsafe fn set_metatable(state: *mut lua_State, index: c_int) {
    // SAFETY: by this function's contract.
    unsafe {
        if ffi::luaL_getmetafield_(state, index, c"__metatable".as_ptr()) != 0 {
            fault::raise(state, "cannot change a protected metatable".to_owned());
        }
        ffi::lua_setmetatable(state, index);
    }
}
