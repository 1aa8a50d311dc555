//! `math.random`: Luau keeps its state in the VM, where one run's `randomseed` would reach the next.

use std::cell::{Cell, RefCell};
use std::ffi::c_int;
use std::hash::{BuildHasher, RandomState};

use fastrand::Rng;
use mlua::ffi::{self, lua_State};

use super::control::Control;

/// The largest range that doubles hold every integer of.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// The random state of the run under way, made when first asked for.
pub(super) struct Random {
    /// Keyed from the system's entropy: what a run sees tells nothing of the next run's seed.
    key: RandomState,
    runs: Cell<u64>,
    seed: Cell<Option<u64>>,
    rng: RefCell<Option<Rng>>,
}

impl Random {
    pub(super) fn new() -> Self {
        Self { key: RandomState::new(), runs: Cell::new(0), seed: Cell::new(None), rng: RefCell::new(None) }
    }

    /// Forgets the last run's state.
    pub(super) fn begin(&self, seed: Option<u64>) {
        self.runs.set(self.runs.get() + 1);
        self.seed.set(seed);
        *self.rng.borrow_mut() = None;
    }

    /// A number that no run can foresee, for hiding addresses.
    pub(super) fn secret(&self, index: u64) -> u64 {
        self.key.hash_one((self.runs.get(), index))
    }

    fn with<T>(&self, draw: impl FnOnce(&mut Rng) -> T) -> T {
        let mut rng = self.rng.borrow_mut();
        draw(rng.get_or_insert_with(|| {
            Rng::with_seed(self.seed.get().unwrap_or_else(|| self.secret(0)))
        }))
    }
}

/// `math.random([m [, n]])`: a float in [0, 1), an integer in 1…m or in m…n.
pub(super) unsafe extern "C-unwind" fn random(state: *mut lua_State) -> c_int {
    // SAFETY: called by Luau with its state; the API calls check their arguments.
    unsafe {
        let random = &Control::of(state).random;
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
        if low < -MAX_EXACT || high > MAX_EXACT || high - low > MAX_EXACT {
            ffi::luaL_argerror(state, last, c"interval is too large".as_ptr());
        }
        let offset = random.with(|rng| rng.u64(0..=(high - low) as u64));
        ffi::lua_pushnumber(state, low + offset as f64);
        1
    }
}

/// `math.randomseed(x)`: for this run alone.
pub(super) unsafe extern "C-unwind" fn randomseed(state: *mut lua_State) -> c_int {
    // SAFETY: as above.
    unsafe {
        let seed = ffi::luaL_checknumber(state, 1).to_bits();
        *Control::of(state).random.rng.borrow_mut() = Some(Rng::with_seed(seed));
    }
    0
}
