//! The public metrics of an engine: a snapshot of its counters.

use serde::ser::{Serialize, SerializeMap, Serializer};

const US: u64 = 1_000;
const MS: u64 = 1_000 * US;
const S: u64 = 1_000 * MS;

/// The upper bounds of the buckets of a [`Histogram`].
#[rustfmt::skip]
pub(crate) const BOUNDS_NS: [u64; 23] = [
    US, 2_500, 5 * US, 10 * US, 25 * US, 50 * US, 100 * US, 250 * US, 500 * US,
    MS, 2_500 * US, 5 * MS, 10 * MS, 25 * MS, 50 * MS, 100 * MS, 250 * MS, 500 * MS,
    S, 2_500 * MS, 5 * S, 10 * S, 30 * S,
];

/// What an engine has counted since it was created, in this process: a snapshot by
/// [`Engine::metrics`](crate::Engine::metrics). It is taken while runs go on, so numbers that belong to one run may
/// differ by it. As JSON (by [`Serialize`]) it has the names of the fields, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metrics {
    /// Runs that have ended, by status. A request that was refused before its run is not counted.
    pub runs: Runs,
    /// How long runs took: [`Trace::duration`](crate::Trace::duration), without those that got no VM.
    pub run_duration: Histogram,
    /// How long runs waited for a VM: [`Usage::queued`](crate::Usage::queued), with those that got none.
    pub queue_duration: Histogram,
    /// How long runs waited for host functions that answer later: [`Usage::waited`](crate::Usage::waited), of those that did.
    pub wait_duration: Histogram,
    /// The VMs.
    pub vms: Vms,
    /// Bytes of stdout and stderr that were handed back.
    pub captured_bytes: u64,
    /// Bytes of stdout and stderr that were dropped, since they were past the limit.
    pub dropped_bytes: u64,
    /// Calls of the host's functions by scripts.
    pub host_calls: u64,
    /// Compilations.
    pub compiles: Compiles,
    /// Named scripts that serve now.
    pub scripts: u64,
}

/// Runs that are over, by [`Status`](crate::Status).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the names are those of the statuses")]
pub struct Runs {
    pub success: u64,
    pub failure: u64,
    pub timeout: u64,
    pub memory_limit: u64,
    pub cancelled: u64,
    pub queue_timeout: u64,
    pub crashed: u64,
}

/// The VMs of an engine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Vms {
    /// Idle, waiting for a run.
    pub ready: u64,
    /// Checked out by a run, or being created for one.
    pub in_use: u64,
    /// Of those, the ones whose run waits for a host function, and takes no thread meanwhile.
    pub parked: u64,
    /// Closed since the engine was created, because a run was stopped, tidying up took too long, or a bug was met.
    pub retired: u64,
    /// Created to replace a retired one; where that failed, the next run that needs a VM creates it.
    pub rebuilt: u64,
}

/// Compilations of scripts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Compiles {
    /// Sources that compiled.
    pub succeeded: u64,
    /// Sources that did not.
    pub failed: u64,
}

/// How many durations fell between fixed bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Histogram {
    /// The upper bounds of the buckets, themselves within: 1 µs to 30 s, in nanoseconds.
    pub bounds_ns: &'static [u64],
    /// How many fell into each bucket, and at the end, one more than there are bounds, how many were beyond the last. Not
    /// cumulative.
    pub counts: Vec<u64>,
    /// The sum of all, in nanoseconds.
    pub sum_ns: u64,
    /// How many there were.
    pub count: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { bounds_ns: &BOUNDS_NS, counts: vec![0; BOUNDS_NS.len() + 1], sum_ns: 0, count: 0 }
    }
}

impl Metrics {
    /// The snapshot as one line of JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("there are only numbers in it")
    }
}

macro_rules! serialize_fields {
    ($type:ident: $($field:ident)*) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut map = serializer.serialize_map(None)?;
                $(map.serialize_entry(stringify!($field), &self.$field)?;)*
                map.end()
            }
        }
    };
}

serialize_fields!(Metrics: runs run_duration queue_duration wait_duration vms captured_bytes dropped_bytes host_calls compiles scripts);
serialize_fields!(Runs: success failure timeout memory_limit cancelled queue_timeout crashed);
serialize_fields!(Vms: ready in_use parked retired rebuilt);
serialize_fields!(Compiles: succeeded failed);
serialize_fields!(Histogram: bounds_ns counts sum_ns count);
