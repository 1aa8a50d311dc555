//! From a source to bytecode, and what is refused on the way. No VM is in it.

pub(crate) mod bytecode;
pub(crate) mod compiled;
