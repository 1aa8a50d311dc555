//! What is recorded of errors: of the one that ended a run, and of those that host functions raised.

use crate::model::trace::Cause;

/// A fault: the error that a script did not catch.
#[derive(Debug, Default)]
pub(super) struct Fault {
    pub(super) message: String,
    pub(super) script: Option<String>,
    pub(super) line: Option<u32>,
    pub(super) traceback: String,
    /// The host function's error, where the uncaught error is one.
    pub(super) host: Option<RaisedHostError>,
}

/// An error that a host function raised in the run under way.
#[derive(Debug, Clone)]
pub(super) struct RaisedHostError {
    /// Its text in the VM, cut where it is long.
    pub(super) text: String,
    pub(super) cause: Option<Cause>,
}
