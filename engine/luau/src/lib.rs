//! The Luau that Perilune runs: that of the crate `luau0-src`, with a short list of edits (`build/edits.rs`).
//!
//! The C API is declared by `mlua-sys`, and only what the edits add is declared here. They give Luau what a host of
//! strangers' code needs: hashes with a key, and safepoints where a run could go on for long without one. All other users
//! of `mlua-sys` in the program run on this Luau, too.

use std::ffi::{c_int, c_void};

use mlua_sys::{lua_Alloc, lua_State};

unsafe extern "C-unwind" {
    /// `lua_newstate`, with the key of the VM's strings.
    pub fn perilune_newstate(allocator: lua_Alloc, data: *mut c_void, key0: u64, key1: u64)
    -> *mut lua_State;

    /// Sets the key of tables that are made from here on: of the numbers, vectors and addresses in them.
    pub fn perilune_set_table_key(state: *mut lua_State, key: u32);

    /// Whether a chain of keys that hash alike got so long that it is no chance.
    pub fn perilune_is_attacked(state: *mut lua_State) -> c_int;
}

/// What the interrupt's callback is called with where it may only raise: neither collect nor yield.
pub const RAISE_ONLY: c_int = -2;
