//! Where small blocks end.

/// What makes a block large, in bytes: its memory is the larger part of what it costs.
pub(in crate::vm) const LARGE: usize = 128 << 10;
