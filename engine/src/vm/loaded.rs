//! The cache of scripts that are loaded into a VM.

use std::collections::HashMap;
use std::ffi::c_int;

use mlua::ffi::{self, lua_State};

use crate::compile::bytecode::Bytecode;

/// The most scripts that one VM keeps loaded.
const MAX_LOADED: usize = 512;

/// The most bytes of bytecode that one VM keeps loaded.
const MAX_LOADED_BYTES: usize = 8 << 20;

impl Bytecode {
    /// Pushes the main function.
    ///
    /// # Safety
    /// `state` is a live state with a free stack slot, at a point where it may raise.
    pub(super) unsafe fn load(&self, state: *mut lua_State) {
        // SAFETY: by this function's contract; the bytecode was made by this Luau's compiler.
        unsafe {
            let (name, code) = (self.chunk_name().as_ptr(), self.as_bytes().as_ptr().cast());
            if ffi::luau_load(state, name, code, self.as_bytes().len(), 0) != 0 {
                ffi::lua_error(state);
            }
        }
    }
}

/// The functions of the scripts that a VM has loaded, by their bytecode's id.
#[derive(Default)]
pub(super) struct Loaded {
    functions: HashMap<u64, LoadedFunction>,
    /// The last one used, since most VMs run one script many times.
    last: Option<(u64, c_int)>,
    bytes: usize,
    uses: u64,
}

struct LoadedFunction {
    reference: c_int,
    bytes: usize,
    used: u64,
}

impl Loaded {
    /// Pushes the main function of a script if it is loaded; returns whether it is.
    ///
    /// # Safety
    /// `state` is at a call in the VM that this belongs to, with a free stack slot.
    pub(super) unsafe fn push(&mut self, state: *mut lua_State, script: &Bytecode) -> bool {
        let reference = match self.last {
            Some((id, reference)) if id == script.id() => reference,
            _ => {
                self.uses += 1;
                let Some(function) = self.functions.get_mut(&script.id()) else { return false };
                function.used = self.uses;
                self.last = Some((script.id(), function.reference));
                function.reference
            }
        };
        // SAFETY: the reference is held by this cache.
        unsafe { ffi::lua_rawgeti_(state, ffi::LUA_REGISTRYINDEX, reference) };
        true
    }

    /// Loads a script that is not loaded yet, and pushes its main function.
    ///
    /// # Safety
    /// As [`push`](Self::push). Loading may raise, and then nothing is added.
    pub(super) unsafe fn load(&mut self, state: *mut lua_State, script: &Bytecode) {
        // SAFETY: by this function's contract.
        let reference = unsafe {
            script.load(state);
            ffi::lua_ref(state, -1)
        };
        let function = LoadedFunction { reference, bytes: script.as_bytes().len(), used: self.uses };
        self.bytes += function.bytes;
        self.functions.insert(script.id(), function);
        self.last = Some((script.id(), reference));
    }

    /// Whether so much is loaded that some of it should be evicted.
    pub(super) fn is_full(&self) -> bool {
        self.functions.len() > MAX_LOADED || self.bytes > MAX_LOADED_BYTES
    }

    /// Evicts the least recently used half; the next collection frees it.
    ///
    /// # Safety
    /// `state` is the VM's that this belongs to, between runs.
    pub(super) unsafe fn evict(&mut self, state: *mut lua_State) {
        let mut ages: Vec<u64> = self.functions.values().map(|function| function.used).collect();
        let half = ages.len() / 2;
        let (_, &mut median, _) = ages.select_nth_unstable(half);
        self.functions.retain(|_, function| {
            let is_recent = function.used > median;
            if !is_recent {
                // SAFETY: the reference was made by `load` and is dropped here.
                unsafe { ffi::lua_unref(state, function.reference) };
            }
            is_recent
        });
        self.bytes = self.functions.values().map(|function| function.bytes).sum();
        self.last = None;
    }
}
