//! Compiled scripts, and which of them a VM holds loaded.

use std::collections::HashMap;
use std::ffi::{CString, c_int};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use mlua::ffi::{self, lua_State};
use perilune_luau::syntax::{self, Tree};

use super::{globals, stack};

/// Stack for one compilation: Luau's parser recurses up to 1,000 levels, in frames of up to 2 KiB.
const COMPILE_STACK: usize = 8 << 20;

/// The longest reason kept of an error, in bytes.
const REASON: usize = 512;

/// Scripts that one VM keeps loaded.
const KEPT: usize = 512;

/// Bytecode of the scripts that one VM keeps loaded, in bytes.
const KEPT_BYTES: usize = 8 << 20;

/// A compiled script. Its bytecode was made here and never crosses the API: Luau trusts bytecode.
pub(crate) struct Bytecode {
    id: u64,
    chunk_name: CString,
    bytes: Vec<u8>,
}

impl Bytecode {
    /// Compiles `source`; the error is Luau's, a line from 1 and a reason.
    pub(crate) fn compile(name: &str, source: &[u8]) -> Result<Self, (u32, String)> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        // Level 1: level 2 inlines functions, and they are then missing in tracebacks.
        let compiler = mlua::chunk::Compiler::new()
            .set_optimization_level(1)
            .set_debug_level(1)
            .set_disabled_builtins(globals::REPLACED.iter().copied());
        // Luau obeys `--!optimize 2` before the first token: it would compute `math.floor(1.5)` itself, whatever `math`
        // is at run time, and inline functions. So there is a token before all.
        let text =
            [b"do end ", source.get(crate::syntax::parsed::preamble(source)..).unwrap_or_default()].concat();
        // The text may come from anyone and the thread from any host: it gets a stack of its own.
        let compiled = stack::on_another(COMPILE_STACK, || compiler.compile(&text));
        let bytes = compiled.map_err(|error| (1, error.to_string()))?.map_err(|error| match error {
            mlua::Error::SyntaxError { message, .. } => parse_error(&message),
            other => (1, other.to_string()),
        })?;
        // `=` has Luau show the name as it is; a NUL byte would end it.
        let chunk_name = CString::new(format!("={}", name.replace('\0', "\u{fffd}"))).unwrap_or_default();
        Ok(Self { id: NEXT.fetch_add(1, Relaxed), chunk_name, bytes })
    }

    /// Pushes the main function.
    ///
    /// # Safety
    /// `state` is a live state with a free stack slot, at a point where it may raise.
    pub(super) unsafe fn load(&self, state: *mut lua_State) {
        // SAFETY: by this function's contract; the bytecode was made by this Luau's compiler.
        unsafe {
            let (name, code) = (self.chunk_name.as_ptr(), self.bytes.as_ptr().cast());
            if ffi::luau_load(state, name, code, self.bytes.len(), 0) != 0 {
                ffi::lua_error(state);
            }
        }
    }
}

/// What Luau's parser makes of a text; `None` when there is no memory.
pub(crate) fn parse(text: &[u8]) -> Option<Tree> {
    stack::on_another(COMPILE_STACK, || syntax::parse(text)).ok()?.ok()
}

/// Luau's `:LINE: reason`. The reason may quote a string of the source, of any length and with newlines.
fn parse_error(message: &str) -> (u32, String) {
    let text = message.strip_prefix(':').unwrap_or(message);
    let (line, reason) = match text.split_once(": ") {
        Some((line, reason)) if line.parse::<u32>().is_ok() => (line.parse().unwrap_or(1), reason),
        _ => (1, text),
    };
    (line, shown(reason))
}

/// An error's reason in one line, and not endless.
pub(crate) fn shown(reason: &str) -> String {
    let cut = reason.floor_char_boundary(REASON);
    let mut shown = reason.get(..cut).unwrap_or_default().replace(char::is_control, " ");
    if cut < reason.len() {
        shown.push('…');
    }
    shown
}

/// The functions of the scripts that a VM has loaded, by their bytecode's id.
#[derive(Default)]
pub(super) struct Loaded {
    functions: HashMap<u64, Function>,
    /// The last one used: most VMs run one script many times.
    last: Option<(u64, c_int)>,
    bytes: usize,
    uses: u64,
}

struct Function {
    reference: c_int,
    bytes: usize,
    used: u64,
}

impl Loaded {
    /// Pushes the main function of a script, or nothing if this VM has not got it; returns whether it has.
    ///
    /// # Safety
    /// `state` is at a call in the VM that this belongs to, with a free stack slot.
    pub(super) unsafe fn push(&mut self, state: *mut lua_State, script: &Bytecode) -> bool {
        let reference = match self.last {
            Some((id, reference)) if id == script.id => reference,
            _ => {
                self.uses += 1;
                let Some(function) = self.functions.get_mut(&script.id) else { return false };
                function.used = self.uses;
                self.last = Some((script.id, function.reference));
                function.reference
            }
        };
        // SAFETY: the reference is held by this cache.
        unsafe { ffi::lua_rawgeti_(state, ffi::LUA_REGISTRYINDEX, reference) };
        true
    }

    /// Loads a script that this VM has not got, and pushes its main function.
    ///
    /// # Safety
    /// As [`push`](Self::push). Loading may raise, at which nothing is kept.
    pub(super) unsafe fn load(&mut self, state: *mut lua_State, script: &Bytecode) {
        // SAFETY: by this function's contract.
        let reference = unsafe {
            script.load(state);
            ffi::lua_ref(state, -1)
        };
        let function = Function { reference, bytes: script.bytes.len(), used: self.uses };
        self.bytes += function.bytes;
        self.functions.insert(script.id, function);
        self.last = Some((script.id, reference));
    }

    /// Whether so much is loaded that some of it should go.
    pub(super) fn is_full(&self) -> bool {
        self.functions.len() > KEPT || self.bytes > KEPT_BYTES
    }

    /// Lets go of the half that was not used for longest; the next collection frees it.
    ///
    /// # Safety
    /// `state` is the VM's that this belongs to, between runs.
    pub(super) unsafe fn evict(&mut self, state: *mut lua_State) {
        let mut ages: Vec<u64> = self.functions.values().map(|function| function.used).collect();
        let half = ages.len() / 2;
        let (_, &mut median, _) = ages.select_nth_unstable(half);
        self.functions.retain(|_, function| {
            let keep = function.used > median;
            if !keep {
                // SAFETY: the reference was made by `push` and is dropped here.
                unsafe { ffi::lua_unref(state, function.reference) };
            }
            keep
        });
        self.bytes = self.functions.values().map(|function| function.bytes).sum();
        self.last = None;
    }
}
