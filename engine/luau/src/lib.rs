//! The Luau that Perilune runs: that of the crate `luau0-src`, with a short list of edits (`build/edits.rs`).
//!
//! The C API is declared by `mlua-sys`, and only what the edits add is declared here. They give Luau what a host of
//! strangers' code needs: hashes with a key, and safepoints where a run could go on for long without one. All other users
//! of `mlua-sys` in the program run on this Luau, too.

pub mod syntax;

use std::ffi::{c_int, c_void};

use mlua_sys::{lua_Alloc, lua_State};

unsafe extern "C-unwind" {
    /// `lua_newstate`, with the key of the VM's strings.
    pub fn perilune_newstate(allocator: lua_Alloc, data: *mut c_void, key0: u64, key1: u64)
    -> *mut lua_State;

    /// Sets the key of tables that are made from here on: of the numbers, vectors and addresses in them.
    pub fn perilune_set_table_key(state: *mut lua_State, key: u32);

    /// Says of the table at the index, whose keys are strings, that it is copied and no longer written to: so a copy need not look at its keys.
    pub fn perilune_names_only(state: *mut lua_State, index: c_int);

    /// The meter of a VM; it lives as long.
    pub fn perilune_meter(state: *mut lua_State) -> *mut Meter;

    /// Makes the stack of the VM's main thread as large as most runs need it. It holds at most 20 values, and no call is
    /// under way in it but one of C.
    pub fn perilune_trim(state: *mut lua_State);

    /// Whether a chain of keys that hash alike got so long that it is no chance.
    pub fn perilune_is_attacked(state: *mut lua_State) -> c_int;
}

/// What a run takes (`cpp/meter.h`), in bytes.
#[derive(Debug)]
#[repr(C)]
pub struct Meter {
    /// What objects may take before `on_alarm` is asked, `extra` taken off; `usize::MAX` for as much as they like.
    pub alarm: usize,
    /// What counts beside `lua_totalbytes`; wraps, as it holds what does not count as well.
    pub extra: usize,
    /// Of that, strings which were there before the run, and which it made once more.
    pub touched: usize,
    /// The number of the run, for strings; 0 for what is made for good.
    pub run: u16,
    /// The bytes of all objects.
    pub objects: *const usize,
    /// Whether so many bytes more may be taken. Must not unwind.
    pub on_alarm: Option<unsafe extern "C" fn(state: *mut lua_State, more: usize) -> c_int>,
}

/// What the interrupt's callback is called with where it may only raise: neither collect nor yield.
pub const RAISE_ONLY: c_int = -2;
