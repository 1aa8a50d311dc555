//! The Luau that Perilune runs: that of the crate `luau0-src`, with a short list of edits (`build/edits.rs`).
//!
//! The C API is declared by `mlua-sys`, and only what the edits add is declared here. They add what untrusted
//! code needs: keyed hashes, safepoints where a run could go on for long without one, and the counting of objects. All other users
//! of `mlua-sys` in the program run on this Luau, too.

pub mod syntax;

use std::ffi::{c_int, c_void};

use mlua_sys::{lua_Alloc, lua_State};

unsafe extern "C-unwind" {
    /// `lua_newstate`, with the hash key of the VM's strings.
    pub fn perilune_newstate(allocator: lua_Alloc, data: *mut c_void, key0: u64, key1: u64)
    -> *mut lua_State;

    /// Sets the hash key of tables created from here on, for numbers, vectors and addresses as keys.
    pub fn perilune_set_table_key(state: *mut lua_State, key: u32);

    /// Marks the table at the index, whose keys are all strings, as a template: it is copied and no longer written to, so that a
    /// copy need not hash its keys again.
    pub fn perilune_names_only(state: *mut lua_State, index: c_int);

    /// The meter of a VM; it lives as long.
    pub fn perilune_meter(state: *mut lua_State) -> *mut Meter;

    /// Resizes the Lua stack of the VM's main thread to what most runs need. It must hold at most 20 values, and no call but one
    /// of C may be under way.
    pub fn perilune_trim(state: *mut lua_State);

    /// Whether a chain of colliding keys was so long that it must be an attack.
    pub fn perilune_is_attacked(state: *mut lua_State) -> c_int;

    /// Whether a function that a coroutine calls can leave it by `lua_break`, and with it all that wait for it.
    pub fn perilune_may_break(state: *mut lua_State) -> c_int;
}

/// The count of a run's objects (`cpp/meter.h`), in bytes.
#[derive(Debug)]
#[repr(C)]
pub struct Meter {
    /// The bytes of objects at which `on_alarm` is called, less `extra`; `usize::MAX` for never.
    pub alarm: usize,
    /// What is counted beside `lua_totalbytes`. It may be negative, wrapped, for what is not to be counted.
    pub extra: usize,
    /// The part of `extra` for strings that existed before the run, and that the run would have created.
    pub touched: usize,
    /// The number of the run that strings are charged to; 0 for the base.
    pub run: u16,
    /// The bytes of all objects.
    pub objects: *const usize,
    /// Returns whether so many bytes more may be allocated. Must not unwind.
    pub on_alarm: Option<unsafe extern "C" fn(state: *mut lua_State, more: usize) -> c_int>,
}

/// The argument of the interrupt where it may only raise an error, and neither collect nor yield.
pub const RAISE_ONLY: c_int = -2;
