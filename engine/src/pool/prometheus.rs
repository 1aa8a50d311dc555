//! The metrics in Prometheus' text format.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet, prometheus_text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

use super::metrics::{Histogram, Metrics};

impl Metrics {
    /// The snapshot in Prometheus' text form (version 0.0.4): serve it as `text/plain; version=0.0.4`. All names begin
    /// with `perilune_`; times are in seconds, buckets cumulative.
    #[must_use]
    pub fn to_prometheus(&self) -> String {
        let mut registry = Registry::with_prefix("perilune");
        registry.register_collector(Box::new(Snapshot(self.clone())));
        let mut text = String::new();
        prometheus_text::encode(&mut text, &registry).expect("a string takes all");
        text
    }
}

#[derive(Debug)]
struct Snapshot(Metrics);

impl Collector for Snapshot {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Metrics { runs, vms, compiles, .. } = &self.0;
        let mut page = Page(encoder);
        page.counters(
            "runs",
            "Runs that are over, by status",
            "status",
            &[
                ("success", runs.success),
                ("failure", runs.failure),
                ("timeout", runs.timeout),
                ("memory_limit", runs.memory_limit),
                ("cancelled", runs.cancelled),
                ("queue_timeout", runs.queue_timeout),
                ("crashed", runs.crashed),
            ],
        )?;
        page.histogram("run_duration", "How long runs took", &self.0.run_duration)?;
        page.histogram("queue_duration", "How long runs waited for a VM", &self.0.queue_duration)?;
        page.histogram("wait_duration", "How long runs waited for host functions", &self.0.wait_duration)?;
        page.gauge("vms_ready", "VMs that wait for a run", vms.ready)?;
        page.gauge("vms_in_use", "VMs that are lent to a run", vms.in_use)?;
        page.gauge("vms_parked", "VMs whose run waits for a host function", vms.parked)?;
        page.counter("vms_retired", "VMs closed after a run that was stopped", None, vms.retired)?;
        page.counter("vms_rebuilt", "VMs made to replace retired ones", None, vms.rebuilt)?;
        let bytes = Some(Unit::Bytes);
        page.counter(
            "captured",
            "Output of scripts that was handed back",
            bytes.as_ref(),
            self.0.captured_bytes,
        )?;
        page.counter("dropped", "Output of scripts past the limit", bytes.as_ref(), self.0.dropped_bytes)?;
        page.counter("host_calls", "Calls of the host's functions by scripts", None, self.0.host_calls)?;
        page.counters(
            "compiles",
            "Compilations of scripts, by result",
            "result",
            &[("success", compiles.succeeded), ("failure", compiles.failed)],
        )?;
        page.gauge("scripts", "Named scripts that serve", self.0.scripts)
    }
}

struct Page<'a>(DescriptorEncoder<'a>);

impl Page<'_> {
    fn gauge(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        self.0.encode_descriptor(name, help, None, MetricType::Gauge)?.encode_gauge(&value)
    }

    fn counter(&mut self, name: &str, help: &str, unit: Option<&Unit>, value: u64) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, unit, MetricType::Counter)?;
        metric.encode_counter::<NoLabelSet, _, u64>(&value, None)
    }

    fn counters(&mut self, name: &str, help: &str, label: &str, values: &[(&str, u64)]) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        values.iter().try_for_each(|(label_value, value)| {
            metric.encode_family(&[(label, *label_value)])?.encode_counter::<NoLabelSet, _, u64>(value, None)
        })
    }

    fn histogram(&mut self, name: &str, help: &str, durations: &Histogram) -> fmt::Result {
        let seconds = |ns: u64| ns as f64 / 1e9;
        let bounds = durations.bounds_ns.iter().map(|&bound| seconds(bound)).chain([f64::INFINITY]);
        let buckets: Vec<_> = bounds.zip(durations.counts.iter().copied()).collect();
        let mut metric = self.0.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Histogram)?;
        metric.encode_histogram::<NoLabelSet>(seconds(durations.sum_ns), durations.count, &buckets, None)
    }
}
