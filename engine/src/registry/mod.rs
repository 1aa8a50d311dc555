//! What a host registered, and checks of a source against it.

pub(crate) mod check;
pub(crate) mod environment;
pub(crate) mod functions;
pub(crate) mod named;
