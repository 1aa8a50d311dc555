//! What a host registered, and what a source is checked against.

pub(crate) mod check;
pub(crate) mod environment;
pub(crate) mod functions;
pub(crate) mod named;
