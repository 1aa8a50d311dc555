//! What C links with: all that `perilune-ffi` exports.

pub use perilune_ffi::*;
