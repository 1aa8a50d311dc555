//! Shared inputs.
