//! VMs and threads: which run gets a VM when, how long it may take, and what is counted.

pub(crate) mod backoff;
pub(crate) mod counters;
mod driven;
mod idle;
mod lending;
pub(crate) mod metrics;
#[allow(clippy::module_inception, reason = "it is what the room is named after")]
pub(crate) mod pool;
#[cfg(feature = "prometheus")]
mod prometheus;
mod replace;
mod runners;
pub(crate) mod seat;
mod tasks;
pub(crate) mod watchdog;
