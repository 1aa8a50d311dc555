//! Compiles sources to bytecode, by Luau's own compiler.

use std::ffi::{CStr, CString};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::syntax::parsed::{on_its_stack, preamble};

/// The longest reason of an error, in bytes.
const REASON: usize = 512;

/// Functions of ours that replace Luau's. The compiler would otherwise emit fast calls of Luau's own.
const REPLACED: &[&str] = &["rawset"];

/// The bytecode of a script. Luau does not verify bytecode, so it is only ever created here, and never crosses the API.
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
            .set_disabled_builtins(REPLACED.iter().copied());
        // Luau obeys `--!optimize 2` before the first token: it would compute `math.floor(1.5)` itself, whatever `math`
        // is at run time, and inline functions. So there is a token before all.
        let text = [b"do end ", source.get(preamble(source)..).unwrap_or_default()].concat();
        let compiled = on_its_stack(|| compiler.compile(&text));
        let no_stack = || (1, "the system gives no memory to compile in".to_owned());
        let bytes = compiled.ok_or_else(no_stack)?.map_err(|error| match error {
            mlua::Error::SyntaxError { message, .. } => parse_error(&message),
            other => (1, other.to_string()),
        })?;
        // `=` has Luau show the name as it is; a NUL byte would end it.
        let chunk_name = CString::new(format!("={}", name.replace('\0', "\u{fffd}"))).unwrap_or_default();
        Ok(Self { id: NEXT.fetch_add(1, Relaxed), chunk_name, bytes })
    }

    /// A number that is unique in this process.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// The chunk name for Luau.
    pub(crate) fn chunk_name(&self) -> &CStr {
        &self.chunk_name
    }

    /// The bytecode for `luau_load`, always from the compiler of the linked Luau.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
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

/// An error's reason in one line of bounded length.
pub(crate) fn shown(reason: &str) -> String {
    let cut = reason.floor_char_boundary(REASON);
    let mut shown = reason.get(..cut).unwrap_or_default().replace(char::is_control, " ");
    if cut < reason.len() {
        shown.push('…');
    }
    shown
}
