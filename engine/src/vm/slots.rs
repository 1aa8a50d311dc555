//! Values in Luau's registry that belong to one run. A run that does not use them pays nothing for them.

use std::cell::Cell;
use std::ffi::{c_int, c_void};

use mlua::ffi::{self, lua_State};

/// What a slot holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    /// The decoded `payload` of the request.
    Payload,
    /// The run's `_G`, for modules to run in.
    Globals,
    /// The results of modules, a table by name.
    Modules,
}

/// Which slots hold something.
#[derive(Debug, Default)]
pub(super) struct Slots(Cell<u8>);

impl Slot {
    fn bit(self) -> u8 {
        1 << self as u8
    }

    /// The registry's key: an address of ours.
    fn key(self) -> *const c_void {
        static KEYS: [u8; 3] = [0; 3];
        KEYS.as_ptr().wrapping_add(self as usize).cast()
    }
}

impl Slots {
    /// Pushes what the slot holds and returns its type; pushes nothing and returns `None` when it holds nothing.
    ///
    /// # Safety
    /// `state` is at a call in the VM that these are of, with a free stack slot.
    pub(super) unsafe fn push(&self, slot: Slot, state: *mut lua_State) -> Option<c_int> {
        // SAFETY: by this function's contract.
        unsafe {
            (self.0.get() & slot.bit() != 0)
                .then(|| ffi::lua_rawgetptagged(state, ffi::LUA_REGISTRYINDEX, slot.key(), 0))
        }
    }

    /// Pops a value into the slot. Raises when memory runs out.
    ///
    /// # Safety
    /// `state` is at a call in the VM that these are of, with a value on its stack.
    pub(super) unsafe fn set(&self, slot: Slot, state: *mut lua_State) {
        // SAFETY: by this function's contract.
        unsafe { ffi::lua_rawsetptagged(state, ffi::LUA_REGISTRYINDEX, slot.key(), 0) };
        self.0.set(self.0.get() | slot.bit());
    }

    /// Empties all.
    ///
    /// # Safety
    /// `state` is the VM that these are of, between runs.
    pub(super) unsafe fn clear(&self, state: *mut lua_State) {
        let used = self.0.take();
        if used == 0 {
            return;
        }
        for slot in [Slot::Payload, Slot::Globals, Slot::Modules] {
            if used & slot.bit() != 0 {
                // SAFETY: by this function's contract; the keys were set before, so setting them allocates nothing.
                unsafe {
                    ffi::lua_pushnil(state);
                    ffi::lua_rawsetptagged(state, ffi::LUA_REGISTRYINDEX, slot.key(), 0);
                }
            }
        }
    }
}
