//! Numbers to watch: each can be seen to move, and by how much.

mod common;

use std::time::{Duration, Instant};

use perilune::{CancelHandle, Engine, Histogram, Metrics, Request, RunLimits, Status, Trace};
use serde_json::Value;

/// An engine with a pool of one, in which a stopped run is over in no time.
fn engine() -> Engine {
    common::builder().pool_size(1).timeout(Duration::from_secs(60)).memory(8 << 20).output(10).build()
}

#[track_caller]
fn run(engine: &Engine, source: &str, request: &Request<'_>) -> Trace {
    engine.compile("test", source).expect("it compiles").run(request).expect("it runs")
}

/// The metrics, once they are as wanted: what other threads do is waited for.
#[track_caller]
fn metrics_when(engine: &Engine, wanted: impl Fn(&Metrics) -> bool) -> Metrics {
    let began = Instant::now();
    loop {
        let metrics = engine.metrics();
        if wanted(&metrics) {
            return metrics;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "never as wanted: {metrics:?}");
        std::thread::yield_now();
    }
}

/// A histogram of these durations.
fn histogram_of(durations: &[Duration]) -> Histogram {
    let mut histogram = Histogram::default();
    for duration in durations {
        let ns = u64::try_from(duration.as_nanos()).expect("it was short");
        let bucket = histogram.bounds_ns.iter().filter(|&&bound| bound < ns).count();
        histogram.counts[bucket] += 1;
        histogram.sum_ns += ns;
        histogram.count += 1;
    }
    histogram
}

#[test]
fn a_new_engine_has_counted_nothing() {
    let metrics = engine().metrics();
    assert_eq!(metrics.runs, Default::default());
    assert_eq!(metrics.vms, Default::default(), "VMs are made when they are needed");
    assert_eq!(metrics.compiles, Default::default());
    for histogram in [&metrics.run_duration, &metrics.queue_duration] {
        assert_eq!(histogram, &Histogram::default());
        assert_eq!(histogram.counts.len(), histogram.bounds_ns.len() + 1);
        assert!(histogram.bounds_ns.is_sorted());
        assert_eq!(
            (histogram.bounds_ns.first(), histogram.bounds_ns.last()),
            (Some(&1_000), Some(&30_000_000_000))
        );
    }
    assert_eq!(
        (metrics.captured_bytes, metrics.dropped_bytes, metrics.host_calls, metrics.scripts),
        (0, 0, 0, 0)
    );
}

#[test]
fn runs_are_counted_by_status_and_duration() {
    let engine = engine();
    let cancelled = CancelHandle::new();
    cancelled.cancel();
    let short = RunLimits { timeout: Some(Duration::from_millis(5)), ..RunLimits::default() };
    let empty = Request::new();
    let timed = empty.clone().limits(short);
    let cancel = empty.clone().cancel(&cancelled);
    let mut traces = Vec::new();
    for (times, status, source, request) in [
        (5, Status::Success, "return 1", &empty),
        (4, Status::Failure, "error('x')", &empty),
        (3, Status::Timeout, "while true do end", &timed),
        (2, Status::MemoryLimit, "local t = {} for i = 1, 1e7 do t[i] = { i } end", &empty),
        (1, Status::Cancelled, "while true do end", &cancel),
    ] {
        for _ in 0..times {
            let trace = run(&engine, source, request);
            assert_eq!(trace.status, status, "{}", trace.stderr_text());
            traces.push(trace);
        }
    }
    engine
        .compile("test", "return 1")
        .expect("it compiles")
        .run(&empty.clone().json("["))
        .expect_err("no JSON");
    let metrics = engine.metrics();
    let runs = metrics.runs;
    assert_eq!(
        (runs.success, runs.failure, runs.timeout, runs.memory_limit, runs.cancelled, runs.queue_timeout),
        (5, 4, 3, 2, 1, 0)
    );
    // What is cancelled before it begins gets no VM.
    let ran = traces.iter().filter(|trace| trace.status != Status::Cancelled);
    let durations: Vec<Duration> = ran.map(|trace| trace.duration).collect();
    assert_eq!(metrics.run_duration, histogram_of(&durations));
    let queued: Vec<Duration> = traces.iter().map(|trace| trace.usage.queued).collect();
    assert_eq!(metrics.queue_duration, histogram_of(&queued));
}

#[test]
fn a_run_that_gets_no_vm_was_queued_but_not_run() {
    let engine = engine();
    let endless = engine.compile("endless", "while true do end").expect("it compiles");
    let cancel = CancelHandle::new();
    std::thread::scope(|threads| {
        let busy = threads.spawn(|| endless.run(&Request::new().cancel(&cancel)));
        let metrics = metrics_when(&engine, |metrics| metrics.vms.in_use == 1);
        assert_eq!((metrics.vms.ready, metrics.runs.queue_timeout), (0, 0));
        // Itself a bound, which is within its bucket.
        let queue = Duration::from_millis(5);
        let limits = RunLimits { queue: Some(queue), ..RunLimits::default() };
        let trace = run(&engine, "return 1", &Request::new().limits(limits));
        assert_eq!(trace.status, Status::QueueTimeout);
        let metrics = engine.metrics();
        assert_eq!(metrics.runs.queue_timeout, 1);
        assert_eq!(metrics.run_duration.count, 0);
        assert_eq!(metrics.queue_duration, histogram_of(&[queue]));
        assert_eq!(metrics.captured_bytes, 0);
        cancel.cancel();
        assert_eq!(busy.join().expect("no panic").expect("it ran").status, Status::Cancelled);
    });
}

#[test]
fn output_is_counted_as_captured_and_as_dropped() {
    for (source, captured, dropped) in [
        ("", 0, 0),
        ("print('1234')", 5, 0),
        ("print('123456789')", 10, 0),
        ("print('1234567890')", 10, 1),
        ("print('123456789012') print('more') io.stderr:write('e')", 11, 8),
        ("io.stderr:write('12345678901')", 10, 1),
        ("for _ = 1, 1000 do print('123456789') end", 10, 9990),
        // The two bytes of a character that does not fit go together.
        ("io.write('123456789ä')", 9, 2),
    ] {
        let engine = engine();
        let trace = run(&engine, source, &Request::new());
        assert_eq!(trace.status, Status::Success);
        let metrics = engine.metrics();
        assert_eq!((metrics.captured_bytes, metrics.dropped_bytes), (captured, dropped), "{source}");
        assert_eq!(metrics.captured_bytes as usize, trace.stdout.len() + trace.stderr.len());
        run(&engine, "print('1')", &Request::new());
        let metrics = engine.metrics();
        assert_eq!((metrics.captured_bytes, metrics.dropped_bytes), (captured + 2, dropped), "{source}");
    }
}

#[test]
fn vms_are_ready_in_use_retired_and_rebuilt() {
    let engine = common::builder().pool_size(2).build();
    run(&engine, "return 1", &Request::new());
    let vms = engine.metrics().vms;
    assert_eq!((vms.ready, vms.in_use, vms.retired, vms.rebuilt), (1, 0, 0, 0));

    // A run that is cancelled before it begins costs no VM.
    let (sender, begun) = std::sync::mpsc::channel();
    engine.function("begin", move |_| Ok(sender.send(())?)).expect("the name is one");
    let endless = engine.compile("endless", "host.begin() while true do end").expect("it compiles");
    let cancel = CancelHandle::new();
    std::thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(|| endless.run(&Request::new().cancel(&cancel)));
        }
        for _ in 0..2 {
            begun.recv().expect("it begins");
        }
        let vms = metrics_when(&engine, |metrics| metrics.vms.in_use == 2).vms;
        assert_eq!((vms.ready, vms.retired, vms.rebuilt), (0, 0, 0));
        cancel.cancel();
    });
    assert_eq!(engine.metrics().vms.retired, 2);
    let vms = metrics_when(&engine, |metrics| metrics.vms.rebuilt == 2).vms;
    assert_eq!((vms.ready, vms.in_use, vms.retired), (2, 0, 2));
}

#[test]
fn compiles_and_scripts_are_counted() {
    let engine = common::builder().pool_size(1).source(100).build();
    let scripts = engine.scripts();
    engine.compile("a", "").expect("it compiles");
    engine.compile("b", "+").expect_err("it does not compile");
    scripts.put("c", "return 1").expect("it compiles");
    scripts.put("c", "return 1").expect("it is not compiled again");
    scripts.put("d/e", "").expect("it compiles");
    scripts.put("d", "+").expect_err("it does not compile");
    scripts.put("d", "-".repeat(101)).expect_err("it is too long");
    let metrics = engine.metrics();
    assert_eq!((metrics.compiles.succeeded, metrics.compiles.failed, metrics.scripts), (3, 3, 2));
    scripts.remove("c");
    assert_eq!(engine.metrics().scripts, 1);
}

#[test]
fn calls_of_the_host_are_counted_those_that_fail_too() {
    let engine = engine();
    engine.function("tick", |call| call.number(0)).expect("the name is one");
    for (source, calls) in [("for n = 1, 5 do host.tick(n) end", 5), ("pcall(host.tick) host.tick()", 7)] {
        run(&engine, source, &Request::new());
        let metrics = engine.metrics();
        assert_eq!(metrics.host_calls, calls);
        assert!(metrics.to_json().contains(&format!(r#""host_calls":{calls}"#)));
        #[cfg(feature = "prometheus")]
        assert!(metrics.to_prometheus().contains(&format!("\nperilune_host_calls_total {calls}\n")));
    }
}

#[test]
fn nothing_is_lost_between_threads_and_replaced_vms() {
    const THREADS: u64 = 4;
    const RUNS: u64 = 20_000;
    let engine = common::builder().pool_size(2).build();
    let hello = engine.compile("hello", "print('1234')").expect("it compiles");
    let endless = engine.compile("endless", "while true do end").expect("it compiles");
    let no_time = RunLimits { timeout: Some(Duration::ZERO), ..RunLimits::default() };
    let work = || {
        let mut captured = 0;
        for run in 0..RUNS {
            captured += hello.run(&Request::new()).expect("it runs").stdout.len();
            if run % 50 == 0 {
                captured += endless.run(&Request::new().limits(no_time)).expect("it runs").stderr.len();
                // Somebody watches all the time.
                assert!(engine.metrics().runs.success > 0);
            }
        }
        captured as u64
    };
    let captured: u64 = std::thread::scope(|threads| {
        let working: Vec<_> = (0..THREADS).map(|_| threads.spawn(work)).collect();
        working.into_iter().map(|thread| thread.join().expect("no panic")).sum()
    });
    let retired = THREADS * RUNS / 50;
    let metrics = metrics_when(&engine, |metrics| metrics.vms.rebuilt == retired);
    assert_eq!((metrics.runs.success, metrics.runs.timeout), (THREADS * RUNS, retired));
    assert_eq!(metrics.vms.retired, retired);
    for histogram in [&metrics.run_duration, &metrics.queue_duration] {
        assert_eq!(histogram.count, THREADS * RUNS + retired);
        assert_eq!(histogram.counts.iter().sum::<u64>(), histogram.count);
    }
    assert_eq!(metrics.captured_bytes, captured);
}

#[test]
fn the_json_form_has_the_fields_by_name() {
    let engine = engine();
    run(&engine, "print('123456789012')", &Request::new());
    let text = engine.metrics().to_json();
    let json: Value = serde_json::from_str(&text).expect("it is JSON");
    for (path, expected) in [
        (
            "/runs",
            r#"{"success":1,"failure":0,"timeout":0,"memory_limit":0,"cancelled":0,"queue_timeout":0,"crashed":0}"#,
        ),
        ("/vms", r#"{"ready":1,"in_use":0,"parked":0,"retired":0,"rebuilt":0}"#),
        ("/compiles", r#"{"succeeded":1,"failed":0}"#),
        ("/captured_bytes", "10"),
        ("/dropped_bytes", "3"),
        ("/host_calls", "0"),
        ("/scripts", "0"),
        ("/run_duration/count", "1"),
        ("/queue_duration/sum_ns", "0"),
        ("/queue_duration/counts/0", "1"),
        ("/queue_duration/bounds_ns/0", "1000"),
        ("/wait_duration/count", "0"),
    ] {
        let expected: Value = serde_json::from_str(expected).expect("it is JSON");
        assert_eq!(json.pointer(path), Some(&expected), "{path}");
    }
    assert_eq!(json.as_object().map(serde_json::Map::len), Some(10));
    assert!(text.starts_with(r#"{"runs":{"success":1,"#), "the fields keep their order: {text}");
}

/// The upper bounds in seconds, as Prometheus reads them.
#[cfg(feature = "prometheus")]
const LE: [&str; 24] = [
    "1e-06", "2.5e-06", "5e-06", "1e-05", "2.5e-05", "5e-05", "0.0001", "0.00025", "0.0005", "0.001",
    "0.0025", "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "30", "+Inf",
];

#[cfg(feature = "prometheus")]
#[test]
fn the_prometheus_form_of_a_new_engine() {
    let buckets = |name: &str| -> String {
        LE.iter().map(|le| format!("perilune_{name}_seconds_bucket{{le=\"{le}\"}} 0\n")).collect()
    };
    let expected = [
        r#"# HELP perilune_runs_total Runs that are over, by status
# TYPE perilune_runs_total counter
perilune_runs_total{status="success"} 0
perilune_runs_total{status="failure"} 0
perilune_runs_total{status="timeout"} 0
perilune_runs_total{status="memory_limit"} 0
perilune_runs_total{status="cancelled"} 0
perilune_runs_total{status="queue_timeout"} 0
perilune_runs_total{status="crashed"} 0
# HELP perilune_run_duration_seconds How long runs took
# TYPE perilune_run_duration_seconds histogram
"#,
        &buckets("run_duration"),
        r#"perilune_run_duration_seconds_sum 0.0
perilune_run_duration_seconds_count 0
# HELP perilune_queue_duration_seconds How long runs waited for a VM
# TYPE perilune_queue_duration_seconds histogram
"#,
        &buckets("queue_duration"),
        r#"perilune_queue_duration_seconds_sum 0.0
perilune_queue_duration_seconds_count 0
# HELP perilune_wait_duration_seconds How long runs waited for host functions
# TYPE perilune_wait_duration_seconds histogram
"#,
        &buckets("wait_duration"),
        r#"perilune_wait_duration_seconds_sum 0.0
perilune_wait_duration_seconds_count 0
# HELP perilune_vms_ready VMs that wait for a run
# TYPE perilune_vms_ready gauge
perilune_vms_ready 0
# HELP perilune_vms_in_use VMs that are lent to a run
# TYPE perilune_vms_in_use gauge
perilune_vms_in_use 0
# HELP perilune_vms_parked VMs whose run waits for a host function
# TYPE perilune_vms_parked gauge
perilune_vms_parked 0
# HELP perilune_vms_retired_total VMs closed after a run that was stopped
# TYPE perilune_vms_retired_total counter
perilune_vms_retired_total 0
# HELP perilune_vms_rebuilt_total VMs made to replace retired ones
# TYPE perilune_vms_rebuilt_total counter
perilune_vms_rebuilt_total 0
# HELP perilune_captured_bytes_total Output of scripts that was handed back
# TYPE perilune_captured_bytes_total counter
perilune_captured_bytes_total 0
# HELP perilune_dropped_bytes_total Output of scripts past the limit
# TYPE perilune_dropped_bytes_total counter
perilune_dropped_bytes_total 0
# HELP perilune_host_calls_total Calls of the host's functions by scripts
# TYPE perilune_host_calls_total counter
perilune_host_calls_total 0
# HELP perilune_compiles_total Compilations of scripts, by result
# TYPE perilune_compiles_total counter
perilune_compiles_total{result="success"} 0
perilune_compiles_total{result="failure"} 0
# HELP perilune_scripts Named scripts that serve
# TYPE perilune_scripts gauge
perilune_scripts 0
"#,
    ];
    assert_eq!(engine().metrics().to_prometheus(), expected.concat());
}

#[cfg(feature = "prometheus")]
#[test]
fn the_prometheus_form_has_the_numbers_of_the_snapshot() {
    let engine = engine();
    for source in
        ["return 1", "print('123456789012')", "error('')", "local t = {} for i = 1, 1e7 do t[i] = { i } end"]
    {
        run(&engine, source, &Request::new());
    }
    engine.compile("test", "+").expect_err("it does not compile");
    engine.scripts().put("test", "").expect("it compiles");
    let metrics = metrics_when(&engine, |metrics| metrics.vms.rebuilt == 1);
    let text = metrics.to_prometheus();
    let samples: std::collections::HashMap<&str, f64> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.rsplit_once(' ').expect("a name and a value"))
        .map(|(name, value)| (name, value.parse().expect("a number")))
        .collect();
    let sample = |name: &str| samples.get(format!("perilune_{name}").as_str()).copied();
    for (name, expected) in [
        (r#"runs_total{status="success"}"#, 2),
        (r#"runs_total{status="failure"}"#, 1),
        (r#"runs_total{status="memory_limit"}"#, 1),
        ("vms_ready", 1),
        ("vms_retired_total", 1),
        ("vms_rebuilt_total", 1),
        ("captured_bytes_total", metrics.captured_bytes),
        ("dropped_bytes_total", 3),
        (r#"compiles_total{result="success"}"#, 5),
        (r#"compiles_total{result="failure"}"#, 1),
        ("scripts", 1),
        ("run_duration_seconds_count", 4),
        ("queue_duration_seconds_count", 4),
    ] {
        assert_eq!(sample(name), Some(expected as f64), "{name}");
    }
    assert_eq!(sample("run_duration_seconds_sum"), Some(metrics.run_duration.sum_ns as f64 / 1e9));
    let mut cumulative = 0;
    for (le, count) in LE.iter().zip(&metrics.run_duration.counts) {
        cumulative += count;
        assert_eq!(
            sample(&format!("run_duration_seconds_bucket{{le=\"{le}\"}}")),
            Some(cumulative as f64),
            "{le}"
        );
    }
    assert_eq!(cumulative, 4);
}
