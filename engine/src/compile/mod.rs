//! Checks and compiles sources to bytecode, without a VM.

pub(crate) mod bytecode;
pub(crate) mod compiled;
