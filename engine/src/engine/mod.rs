//! The handles that users hold, and what they do: engines, scripts, and a run from a request to a trace.

pub(crate) mod batch;
mod batch_many;
pub(crate) mod call;
pub(crate) mod directory;
#[allow(clippy::module_inception, reason = "it is what the room is named after")]
pub(crate) mod engine;
pub(crate) mod execute;
#[cfg(target_os = "linux")]
pub(crate) mod guest;
pub(crate) mod inner;
pub(crate) mod isolation;
pub(crate) mod script;
pub(crate) mod scripts;
pub(crate) mod span;
#[cfg(target_os = "linux")]
mod stubs;
pub(crate) mod submit;
mod typed;
#[cfg(feature = "watch")]
pub(crate) mod watch;
