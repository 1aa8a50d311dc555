//! `perilune bench`: how long a run takes.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use perilune::{Request, Script, Trace};

use crate::args::BenchArguments;
use crate::call::{self, Refused};
use crate::{ERROR, NOT_A_SUCCESS, complain, print};

/// Long enough for the VM, the caches and the clock of the processor to settle.
const WARM_UP: Duration = Duration::from_millis(300);

/// Between two looks of the progress line.
const REDRAW: Duration = Duration::from_millis(100);

/// Rows of the histogram up to the 99th percentile; the slowest percent has one more.
const ROWS: usize = 10;

/// The longest bar, in characters.
const BAR: u64 = 40;

pub(crate) fn bench(arguments: &BenchArguments) -> Result<ExitCode, Refused> {
    let (script, request) = call::prepare(&arguments.run)?;
    let path = arguments.run.file.path();
    let warm = measure(&script, &request, WARM_UP.min(arguments.seconds), "warming up")?;
    // A script that fails now and then can be measured all the same; how long it takes to always fail misleads.
    if let Some(failures) = warm.failures().filter(|_| warm.failed == warm.latencies.len()) {
        complain(ERROR, &path, &format!("{failures}; nothing was measured"));
        return Ok(ExitCode::from(NOT_A_SUCCESS));
    }
    let measured = measure(&script, &request, arguments.seconds, "measuring")?;
    print(&measured.report(&path))?;
    Ok(match measured.failures() {
        None => ExitCode::SUCCESS,
        Some(failures) => {
            complain(ERROR, &path, &failures);
            ExitCode::from(NOT_A_SUCCESS)
        }
    })
}

/// Runs the script until `time` is over, once at least.
fn measure(script: &Script, request: &Request<'_>, time: Duration, what: &str) -> Result<Measured, Refused> {
    let mut measured = Measured::new();
    let mut progress = Progress::new(what, time);
    let began = Instant::now();
    while measured.elapsed < time {
        let start = Instant::now();
        let trace = script.run(request)?;
        let end = Instant::now();
        measured.add(&trace, end - start);
        measured.elapsed = end - began;
        progress.show(&measured);
    }
    Ok(measured)
}

/// What was seen of a number of runs.
struct Measured {
    /// Nanoseconds.
    latencies: Histogram<u64>,
    elapsed: Duration,
    failed: u64,
    /// How the first of them ended.
    failure: String,
}

impl Measured {
    fn new() -> Self {
        Self {
            latencies: Histogram::new(3).expect("three digits are in the range that the crate takes"),
            elapsed: Duration::ZERO,
            failed: 0,
            failure: String::new(),
        }
    }

    fn add(&mut self, trace: &Trace, latency: Duration) {
        self.latencies.record(nanoseconds(latency)).expect("this histogram grows to hold any number");
        if !trace.ok() {
            if self.failed == 0 {
                let message = trace.error.as_ref().map_or("", |error| &error.message);
                self.failure = format!("{}: {}", trace.status, message.lines().next().unwrap_or_default());
            }
            self.failed += 1;
        }
    }

    /// How many runs did not succeed and how the first of them ended; `None` when all did.
    fn failures(&self) -> Option<String> {
        let Self { latencies, failed, failure, .. } = self;
        (*failed > 0).then(|| {
            format!("{failed} of {} runs did not succeed, the first with {failure}", latencies.len())
        })
    }

    fn report(&self, path: &str) -> String {
        let Self { latencies, elapsed, .. } = self;
        let runs = latencies.len();
        let rate = runs as f64 / elapsed.as_secs_f64();
        let mut out = format!(
            "{path}: {runs} runs in {}, {rate:.0} runs per second on one thread\n\n",
            time(nanoseconds(*elapsed))
        );

        let rows = self.rows();
        let most = rows.iter().map(|row| row.1).max().unwrap_or(1);
        for (up_to, runs) in rows {
            let bar = "#".repeat((runs * BAR).div_ceil(most) as usize);
            let _ = writeln!(out, "  to {:>9}  {bar:<width$}  {runs}", time(up_to), width = BAR as usize);
        }
        out.push('\n');
        for (name, quantile) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)] {
            let _ = writeln!(out, "  {name:<5}{:>10}", time(latencies.value_at_quantile(quantile)));
        }
        out
    }

    /// The histogram: up to which latency, and how many runs. Rows of one width as far as most runs are, then one
    /// for the rest: a single slow run would squeeze all others into the first row.
    fn rows(&self) -> Vec<(u64, u64)> {
        let (least, most) = (self.latencies.min(), self.latencies.value_at_quantile(0.99));
        let width = (most - least).div_ceil(ROWS as u64).max(1);
        let mut rows: Vec<(u64, u64)> = (1..=ROWS as u64).map(|row| (least + row * width, 0)).collect();
        rows.push((self.latencies.max(), 0));
        for bucket in self.latencies.iter_recorded() {
            let latency = self.latencies.lowest_equivalent(bucket.value_iterated_to());
            let at = rows[..ROWS].partition_point(|row| row.0 < latency);
            rows[at].1 += bucket.count_at_value();
        }
        while rows.pop_if(|row| row.1 == 0).is_some() {}
        rows
    }
}

/// A line on stderr that tells a person that something goes on.
struct Progress<'a> {
    on: bool,
    what: &'a str,
    time: Duration,
    /// When it is due to be written again, on the clock of what is measured.
    due: Duration,
}

impl<'a> Progress<'a> {
    fn new(what: &'a str, time: Duration) -> Self {
        Self { on: io::stderr().is_terminal(), what, time, due: Duration::ZERO }
    }

    fn show(&mut self, measured: &Measured) {
        if self.on && measured.elapsed >= self.due {
            self.due = measured.elapsed + REDRAW;
            let (seconds, of) = (measured.elapsed.as_secs_f64(), self.time.as_secs_f64());
            let runs = measured.latencies.len();
            let _ = write!(io::stderr(), "\r{}: {seconds:.1} of {of:.1} s, {runs} runs\x1b[K", self.what);
        }
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        if self.on {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Nanoseconds in the unit that suits them.
fn time(nanoseconds: u64) -> String {
    let (unit, name) = match nanoseconds {
        0..1_000 => return format!("{nanoseconds} ns"),
        1_000..1_000_000 => (1e3, "µs"),
        1_000_000..1_000_000_000 => (1e6, "ms"),
        _ => (1e9, "s"),
    };
    format!("{:.2} {name}", nanoseconds as f64 / unit)
}

#[cfg(test)]
mod tests {
    use super::{Duration, Measured, time};

    fn of(latencies: impl IntoIterator<Item = u64>) -> Measured {
        let mut measured = Measured::new();
        for latency in latencies {
            measured.latencies.record(latency).expect("it grows");
        }
        measured.elapsed = Duration::from_secs(2);
        measured
    }

    #[test]
    fn a_report_has_rate_rows_and_percentiles() {
        // 98 runs from 1.01 to 1.98 µs, and two slow ones.
        let measured = of((1..=98).map(|n| 1_000 + 10 * n).chain([2_000, 3_000_000]));
        let report = measured.report("moon.lua");
        let lines: Vec<&str> = report.lines().collect();
        assert_eq!(lines[0], "moon.lua: 100 runs in 2.00 s, 50 runs per second on one thread");
        assert_eq!(lines[2].split_whitespace().collect::<Vec<_>>()[..3], ["to", "1.11", "µs"]);
        assert!(lines[2].contains(&"#".repeat(30)), "{report}");
        assert_eq!(lines[12], format!("  to   3.00 ms  {:<40}  1", "#".repeat(4)));
        let tail =
            ["p50     1.50 µs", "p90     1.90 µs", "p99     2.00 µs", "p99.9   3.00 ms", "max     3.00 ms"];
        assert_eq!(lines[14..].iter().map(|line| line.trim()).collect::<Vec<_>>(), tail);
    }

    #[test]
    fn every_run_is_in_one_row() {
        for latencies in
            [vec![0], vec![5], vec![7_777], vec![1, 3_600_000_000_000], (0..5_000).map(|n| n * n).collect()]
        {
            let measured = of(latencies.clone());
            let rows = measured.rows();
            assert_eq!(rows.iter().map(|row| row.1).sum::<u64>(), latencies.len() as u64, "{latencies:?}");
            assert!(rows[0].1 > 0, "{latencies:?}: {rows:?}");
            assert!(rows.is_sorted(), "{latencies:?}: {rows:?}");
        }
    }

    #[test]
    fn times_have_units() {
        let cases = [
            (0, "0 ns"),
            (999, "999 ns"),
            (1_000, "1.00 µs"),
            (12_345, "12.35 µs"),
            (1_500_000, "1.50 ms"),
            (61_000_000_000, "61.00 s"),
        ];
        for (nanoseconds, text) in cases {
            assert_eq!(time(nanoseconds), text);
        }
    }
}
