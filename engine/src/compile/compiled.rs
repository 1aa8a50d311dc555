//! A checked and compiled source, with its name, version and hash.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use memchr::memmem;
use sha2::{Digest, Sha256};

use super::bytecode::Bytecode;
use crate::model::error::CompileError;
use crate::model::limits::Limits;
use crate::syntax::dialects::Dialects;
use crate::syntax::hints::Hints;

/// The longest name that Luau's messages show whole, in bytes.
const MAX_NAME: usize = 250;

/// A compiled source.
pub(crate) struct Compiled {
    pub(crate) name: Arc<str>,
    pub(crate) version: u64,
    pub(crate) hash: String,
    /// Unique in this process.
    pub(crate) id: u64,
    /// `None` where workers have it.
    pub(crate) bytecode: Option<Bytecode>,
    pub(crate) hints: Hints,
    pub(crate) sees_config: bool,
    pub(crate) sees_meta: bool,
}

/// Whether a script can see a global. It has to name it, or what all globals can be reached by: names are never escaped, and those of
/// modules are reached by `require`.
fn can_see(source: &[u8], global: &str) -> bool {
    [global, "_G", "require"].iter().any(|name| memmem::find(source, name.as_bytes()).is_some())
}

/// The SHA-256 of a source, in lower-case hex. Hosts can compute it in any language, to compare.
pub(crate) fn content_hash(source: &[u8]) -> String {
    Sha256::digest(source).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Compiled {
    /// Checks and compiles a source.
    pub(crate) fn new(name: &str, source: &[u8], limits: &Limits) -> Result<Self, CompileError> {
        validate(name, source, limits)?;
        let bytecode = Bytecode::compile(name, source).map_err(|(line, reason)| {
            let reason = Dialects::new(source).describe(line, reason);
            CompileError { script: name.to_owned(), line, reason }
        })?;
        Ok(Self { bytecode: Some(bytecode), ..Self::without_bytecode(name, source) })
    }

    /// Of a source that is compiled elsewhere, or was.
    pub(crate) fn without_bytecode(name: &str, source: &[u8]) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self {
            name: name.into(),
            version: 1,
            hash: content_hash(source),
            id: NEXT.fetch_add(1, Relaxed),
            bytecode: None,
            hints: Hints::new(source),
            sees_config: can_see(source, "CONFIG"),
            sees_meta: can_see(source, "META"),
        }
    }
}

/// Checks what the compiler itself does not: name, length and encoding.
pub(crate) fn validate(name: &str, source: &[u8], limits: &Limits) -> Result<(), CompileError> {
    let error = |line, reason| CompileError { script: name.to_owned(), line, reason };
    if source.len() > limits.source {
        let reason = format!("the source has {} bytes, over the limit of {}", source.len(), limits.source);
        return Err(error(1, reason));
    }
    if name.len() > MAX_NAME {
        return Err(error(1, format!("the script's name is longer than {MAX_NAME} bytes")));
    }
    let line_at = |byte: usize| 1 + source[..byte].iter().filter(|&&byte| byte == b'\n').count() as u32;
    if let Err(invalid) = std::str::from_utf8(source) {
        return Err(error(line_at(invalid.valid_up_to()), "the source is not UTF-8".to_owned()));
    }
    if let Some(at) = source.iter().position(|&byte| byte == 0) {
        return Err(error(line_at(at), "the source has a NUL byte".to_owned()));
    }
    Ok(())
}
