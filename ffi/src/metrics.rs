//! Numbers to watch.

use std::mem::offset_of;
use std::sync::OnceLock;

use perilune::Metrics;

use crate::error::perilune_error;
use crate::guard;
use crate::handle::{self, Handle};
use crate::slice::perilune_slice;
use crate::status::*;
use crate::text::Text;

/// What an engine counted, at one time.
pub struct perilune_metrics {
    _private: [u8; 0],
}

impl Handle for perilune_metrics {
    type Inner = Snapshot;
}

pub(crate) struct Snapshot {
    metrics: Metrics,
    json: OnceLock<Text>,
    prometheus: OnceLock<Text>,
}

impl From<Metrics> for Snapshot {
    fn from(metrics: Metrics) -> Self {
        Self { metrics, json: OnceLock::new(), prometheus: OnceLock::new() }
    }
}

/// All of a snapshot at once: see perilune_metrics_read. What it points to is lent until the snapshot is freed. Later versions add
/// fields at the end.
#[repr(C)]
#[allow(missing_docs, reason = "a comment holds for the fields below it, too")]
pub struct perilune_metrics_view {
    /// sizeof(perilune_metrics_view), set by the caller before the call.
    pub size: usize,
    /// Runs that are over, by how they ended.
    pub runs_success: u64,
    pub runs_failure: u64,
    pub runs_timeout: u64,
    pub runs_memory_limit: u64,
    pub runs_cancelled: u64,
    pub runs_queue_timeout: u64,
    /// VMs that wait for a run.
    pub vms_ready: u64,
    /// VMs that are lent to a run, or being made for one.
    pub vms_in_use: u64,
    /// VMs that were closed since the engine was made.
    pub vms_retired: u64,
    /// VMs that were made to replace those.
    pub vms_rebuilt: u64,
    /// Bytes of stdout and stderr that were handed back.
    pub captured_bytes: u64,
    /// Bytes of stdout and stderr that were dropped.
    pub dropped_bytes: u64,
    /// Calls of host functions by scripts.
    pub host_calls: u64,
    /// Sources that compiled, and that did not.
    pub compiles_succeeded: u64,
    pub compiles_failed: u64,
    /// Named scripts that serve now.
    pub scripts: u64,
    /// The upper bounds of the buckets of both histograms, in nanoseconds.
    pub bounds_ns: *const u64,
    pub bounds_len: usize,
    /// How many runs fell into each bucket, and at the end, one more than there are bounds, how many were beyond the last. Not
    /// cumulative.
    pub run_duration_counts: *const u64,
    pub run_duration_sum_ns: u64,
    pub run_duration_count: u64,
    /// The same of how long runs waited for a VM.
    pub queue_duration_counts: *const u64,
    pub queue_duration_sum_ns: u64,
    pub queue_duration_count: u64,
    /// Runs whose worker ended.
    pub runs_crashed: u64,
}

/// What the first version of the view had.
const LEAST: usize = offset_of!(perilune_metrics_view, runs_crashed) + size_of::<u64>();

// The layout is part of the ABI; without padding, as `set_sized` demands.
#[cfg(target_pointer_width = "64")]
const _: () = assert!(LEAST == 208 && size_of::<perilune_metrics_view>() == LEAST);

impl perilune_metrics_view {
    fn of(metrics: &Metrics) -> Self {
        let Metrics { runs, vms, compiles, run_duration, queue_duration, .. } = metrics;
        Self {
            size: size_of::<Self>(),
            runs_success: runs.success,
            runs_failure: runs.failure,
            runs_timeout: runs.timeout,
            runs_memory_limit: runs.memory_limit,
            runs_cancelled: runs.cancelled,
            runs_queue_timeout: runs.queue_timeout,
            vms_ready: vms.ready,
            vms_in_use: vms.in_use,
            vms_retired: vms.retired,
            vms_rebuilt: vms.rebuilt,
            captured_bytes: metrics.captured_bytes,
            dropped_bytes: metrics.dropped_bytes,
            host_calls: metrics.host_calls,
            compiles_succeeded: compiles.succeeded,
            compiles_failed: compiles.failed,
            scripts: metrics.scripts,
            bounds_ns: run_duration.bounds_ns.as_ptr(),
            bounds_len: run_duration.bounds_ns.len(),
            run_duration_counts: run_duration.counts.as_ptr(),
            run_duration_sum_ns: run_duration.sum_ns,
            run_duration_count: run_duration.count,
            queue_duration_counts: queue_duration.counts.as_ptr(),
            queue_duration_sum_ns: queue_duration.sum_ns,
            queue_duration_count: queue_duration.count,
            runs_crashed: runs.crashed,
        }
    }
}

/// Frees a snapshot. NULL is nothing to free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_metrics_free(metrics: *mut perilune_metrics) {
    // SAFETY: it was made here, and the caller does not use it again.
    guard::infallible((), || unsafe { handle::free(metrics) });
}

/// Fills a view with all of a snapshot.
///
/// @param view   its size must be set to sizeof(perilune_metrics_view) before; a shorter one, of an older header, is filled as
///               far as it goes
/// @param error  where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_metrics_read(
    metrics: *const perilune_metrics,
    view: *mut perilune_metrics_view,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: the snapshot is null or one that the caller owns; the view starts with its size, and has no padding.
    let body = || unsafe {
        let ours = perilune_metrics_view::of(&handle::get(metrics, "metrics")?.metrics);
        handle::set_sized(view, ours, LEAST, "view")
    };
    // SAFETY: `error` is null or can be written to.
    unsafe { guard::fallible(error, body) }
}

/// A text form of a snapshot, made when it is first asked for.
///
/// # Safety
/// `metrics` is null or one that C owns.
unsafe fn text(metrics: *const perilune_metrics, which: impl FnOnce(&Snapshot) -> &Text) -> perilune_slice {
    guard::infallible(perilune_slice::NONE, || {
        // SAFETY: by this function's contract.
        unsafe { handle::get(metrics, "metrics") }
            .map_or(perilune_slice::NONE, |snapshot| which(snapshot).lend())
    })
}

/// The snapshot as one line of JSON, ended by a NUL byte, which the length does not count. Lent until the snapshot is freed. NULL has
/// NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_metrics_json(metrics: *const perilune_metrics) -> perilune_slice {
    // SAFETY: as the header says.
    unsafe { text(metrics, |s| s.json.get_or_init(|| Text::new(s.metrics.to_json()))) }
}

/// The snapshot in Prometheus' text form, to be served as "text/plain; version=0.0.4"; ended by a NUL byte, which the length does not
/// count. Lent until the snapshot is freed. NULL has NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_metrics_prometheus(metrics: *const perilune_metrics) -> perilune_slice {
    // SAFETY: as the header says.
    unsafe { text(metrics, |s| s.prometheus.get_or_init(|| Text::new(s.metrics.to_prometheus()))) }
}
