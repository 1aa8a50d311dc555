//! The counters behind [`Metrics`](crate::Metrics), made so that a run does not measurably pay for them.
//!
//! Each VM has its own counters on its own cache lines, and only the thread that holds the VM writes them. So an increment
//! is a plain load and a store: no locked instruction, and no cache line that threads contend for. Reading the metrics
//! adds up the counters of all VMs. When a VM is replaced, its counters go to another one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use parking_lot::Mutex;

use super::metrics::{BOUNDS_NS, Compiles, Histogram, Metrics, Runs, Vms};
use crate::model::trace::{Status, Trace};

/// A count that one thread at a time increments, and any thread reads.
#[derive(Default)]
struct Counter(AtomicU64);

impl Counter {
    fn add(&self, n: u64) {
        self.0.store(self.0.load(Relaxed).wrapping_add(n), Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// A histogram of durations that one thread at a time adds to.
#[derive(Default)]
struct Durations {
    counts: [Counter; BOUNDS_NS.len() + 1],
    sum_ns: Counter,
}

impl Durations {
    fn add(&self, duration: Duration) {
        let ns = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        // A linear search: most durations are short, and so in one of the first buckets.
        let bucket = BOUNDS_NS.iter().position(|&bound| ns <= bound).unwrap_or(BOUNDS_NS.len());
        self.counts[bucket].add(1);
        self.sum_ns.add(ns);
    }
}

/// The counters of one VM. Processors fetch cache lines in pairs, so the alignment is that of a pair.
#[derive(Default)]
#[repr(align(128))]
struct Counters {
    runs: [Counter; 7],
    run_duration: Durations,
    queue_duration: Durations,
    wait_duration: Durations,
    captured_bytes: Counter,
    dropped_bytes: Counter,
    host_calls: Counter,
}

/// The right to write the counters of one VM.
pub(crate) struct Recorder(Arc<Counters>);

impl Recorder {
    /// Counts a run that is over.
    pub(crate) fn count(&mut self, trace: &Trace, dropped: u64) {
        self.count_end(trace);
        let counters = &*self.0;
        counters.run_duration.add(trace.duration);
        counters.captured_bytes.add((trace.stdout.len() + trace.stderr.len()) as u64);
        counters.dropped_bytes.add(dropped);
        counters.host_calls.add(trace.usage.host_calls);
    }

    /// Counts what a run waited for host functions that answer later.
    pub(crate) fn count_wait(&mut self, waited: Duration) {
        self.0.wait_duration.add(waited);
    }

    /// Counts what every run has, even one that got no VM.
    fn count_end(&mut self, trace: &Trace) {
        self.0.runs[trace.status as usize].add(1);
        self.0.queue_duration.add(trace.usage.queued);
    }
}

/// All counters of an engine in one process.
pub(crate) struct Tally {
    /// The counters of all recorders, also of those that were dropped.
    counters: Mutex<Vec<Arc<Counters>>>,
    /// For runs that got no VM.
    without_vm: Mutex<Recorder>,
    compiled: AtomicU64,
    not_compiled: AtomicU64,
    /// Runs that wait for host functions now.
    parked: AtomicU64,
}

impl Tally {
    pub(crate) fn new() -> Self {
        let counters = Arc::<Counters>::default();
        Self {
            counters: Mutex::new(vec![Arc::clone(&counters)]),
            without_vm: Mutex::new(Recorder(counters)),
            compiled: AtomicU64::new(0),
            not_compiled: AtomicU64::new(0),
            parked: AtomicU64::new(0),
        }
    }

    /// A recorder for a VM, with the counters of a recorder that was dropped, or new ones.
    pub(crate) fn recorder(&self) -> Recorder {
        let mut counters = self.counters.lock();
        // `get_mut` succeeds only when the last recorder is gone, and then sees all that it wrote.
        if let Some(free) =
            counters.iter_mut().find_map(|each| Arc::get_mut(each).is_some().then(|| Arc::clone(each)))
        {
            return Recorder(free);
        }
        let new = Arc::<Counters>::default();
        counters.push(Arc::clone(&new));
        Recorder(new)
    }

    /// Counts a run that got no VM.
    pub(crate) fn count_without_vm(&self, trace: &Trace) {
        self.without_vm.lock().count_end(trace);
    }

    pub(crate) fn count_compile(&self, succeeded: bool) {
        let counter = if succeeded { &self.compiled } else { &self.not_compiled };
        counter.fetch_add(1, Relaxed);
    }

    /// A run that waits now, until this is dropped.
    pub(crate) fn park(&self) -> Parked<'_> {
        self.parked.fetch_add(1, Relaxed);
        Parked(&self.parked)
    }

    /// A snapshot, completed with what is counted elsewhere.
    pub(crate) fn metrics(&self, vms: Vms, scripts: u64) -> Metrics {
        let mut ends = [0; 7];
        let (mut run_duration, mut queue_duration) = (Histogram::default(), Histogram::default());
        let mut wait_duration = Histogram::default();
        let (mut captured_bytes, mut dropped_bytes, mut host_calls) = (0, 0, 0);
        for counters in &*self.counters.lock() {
            for (sum, counter) in ends.iter_mut().zip(&counters.runs) {
                *sum += counter.get();
            }
            run_duration.add(&counters.run_duration);
            queue_duration.add(&counters.queue_duration);
            wait_duration.add(&counters.wait_duration);
            captured_bytes += counters.captured_bytes.get();
            dropped_bytes += counters.dropped_bytes.get();
            host_calls += counters.host_calls.get();
        }
        let runs = |status: Status| ends[status as usize];
        Metrics {
            runs: Runs {
                success: runs(Status::Success),
                failure: runs(Status::Failure),
                timeout: runs(Status::Timeout),
                memory_limit: runs(Status::MemoryLimit),
                cancelled: runs(Status::Cancelled),
                queue_timeout: runs(Status::QueueTimeout),
                crashed: runs(Status::Crashed),
            },
            run_duration,
            queue_duration,
            wait_duration,
            vms: Vms { parked: self.parked.load(Relaxed), ..vms },
            captured_bytes,
            dropped_bytes,
            host_calls,
            compiles: Compiles {
                succeeded: self.compiled.load(Relaxed),
                failed: self.not_compiled.load(Relaxed),
            },
            scripts,
        }
    }
}

/// A run that waits for a host function, as it is counted.
pub(crate) struct Parked<'a>(&'a AtomicU64);

impl Drop for Parked<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl Histogram {
    fn add(&mut self, durations: &Durations) {
        for (sum, counter) in self.counts.iter_mut().zip(&durations.counts) {
            let count = counter.get();
            *sum += count;
            self.count += count;
        }
        self.sum_ns = self.sum_ns.wrapping_add(durations.sum_ns.get());
    }
}
