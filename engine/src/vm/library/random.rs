//! `math.random` and `math.randomseed`.

use std::ffi::c_int;

use fastrand::Rng;
use mlua::ffi::{self, lua_State};

use super::super::control::Control;
use crate::model::json::MAX_EXACT;

/// `math.random([m [, n]])`: a float in [0, 1), an integer in 1…m or in m…n.
pub(in super::super) unsafe extern "C-unwind" fn random(state: *mut lua_State) -> c_int {
    // SAFETY: called by Luau with its state; the API calls check their arguments.
    unsafe {
        let random = &Control::from_state(&state).random;
        let (low, high) = match ffi::lua_gettop(state) {
            0 => {
                ffi::lua_pushnumber(state, random.with(Rng::f64));
                return 1;
            }
            1 => (1.0, ffi::luaL_checknumber(state, 1).trunc()),
            2 => (ffi::luaL_checknumber(state, 1).trunc(), ffi::luaL_checknumber(state, 2).trunc()),
            _ => ffi::luaL_error(state, c"wrong number of arguments".as_ptr()),
        };
        let last = ffi::lua_gettop(state);
        if low.is_nan() || high.is_nan() || low > high {
            ffi::luaL_argerror(state, last, c"interval is empty".as_ptr());
        }
        let exact = MAX_EXACT as f64;
        if low < -exact || high > exact || high - low > exact {
            ffi::luaL_argerror(state, last, c"interval is too large".as_ptr());
        }
        let offset = random.with(|rng| rng.u64(0..=(high - low) as u64));
        ffi::lua_pushnumber(state, low + offset as f64);
        1
    }
}

/// `math.randomseed(x)`: for this run alone.
pub(in super::super) unsafe extern "C-unwind" fn randomseed(state: *mut lua_State) -> c_int {
    // SAFETY: as above.
    unsafe {
        let seed = ffi::luaL_checknumber(state, 1).to_bits();
        Control::from_state(&state).random.restart(seed);
    }
    0
}
