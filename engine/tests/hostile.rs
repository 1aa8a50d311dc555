//! Runs every script in `scripts/hostile` against an engine in a process of its own: the status is the expected one,
//! the run is not far beyond its deadline, the process lives, its memory stays near the limit, and the same engine then
//! runs another script.
//!
//! A case begins with what it ends with: `-- expect: memory_limit|timeout; at 64: success`. From a memory limit that is
//! named on, in MiB, other statuses are right.
//!
//! `cargo test --release -p perilune --test hostile -- --times [NAME]` runs each case that NAME is in five times under each of
//! the limits, and prints by how much they outlived their deadline, median and maximum, those first that took most of what the
//! contract allows; and then those that took more. `-- --statuses` prints what each case ends with under each.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this test reports by itself")]

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use perilune::{Request, Status};

const TIMEOUT: Duration = Duration::from_millis(100);

/// For a case that came to no end of its own: on a busy machine it may need more time for that.
const PATIENCE: Duration = Duration::from_secs(5);
const MIB: usize = 1 << 20;

/// For a process, whatever becomes of its script.
const END: Duration = Duration::from_secs(60);

/// How many times what the contract allows is a failure: of a busy machine, an unoptimised build and sanitizers, that
/// leaves enough.
const TIMES_ALLOWED: u32 = 20;

/// Runs of a case in one process.
const RUNS: usize = 3;

/// Native stacks that a case is run on, in KiB: Rust's own default, and a host's that is small.
const STACKS: [usize; 2] = [2048, 256];

/// What a process may hold at a memory limit, in KiB, beside what it holds when it is idle: as SECURITY.md says.
fn most_kib(limit_mib: usize) -> usize {
    limit_mib * 1024 * 17 / 16 + 26 * 1024
}

/// The memory limits that a case is run under, in MiB: all under the first, under the others every eighth and those that
/// then end with something else.
const LIMITS: [usize; 3] = [32, 64, 256];

/// The memory limits that lateness is measured under, in MiB.
const TIMED: [usize; 3] = [8, 64, 256];

/// By how much a run may outlive its deadline.
fn allowed(mib: usize) -> Duration {
    Duration::from_millis(10 + mib as u64)
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["--case", file, mib, kib, ms] => {
            let (file, number) =
                (Path::new(file).to_owned(), |text: &str| text.parse::<usize>().expect("a number"));
            let (mib, stack) = (number(mib), number(kib) * 1024);
            let timeout = Duration::from_millis(number(ms) as u64);
            let child =
                std::thread::Builder::new().stack_size(stack).spawn(move || case(&file, mib, timeout));
            child.expect("a thread").join().expect("no panic")
        }
        ["--times", ref names @ ..] => times(names.first().copied().unwrap_or("")),
        ["--statuses"] => statuses(),
        _ => all(),
    }
}

/// The child: one script, and what came of it on one line.
fn case(file: &Path, mib: usize, timeout: Duration) -> ExitCode {
    std::thread::spawn(|| {
        std::thread::sleep(END);
        eprintln!("it did not end within {} s", END.as_secs());
        std::process::abort();
    });
    let engine = common::builder().pool_size(1).timeout(timeout).memory(mib * MIB).build();
    // By `PERILUNE_TEST_WAITING=1`, runs are such that may wait: on a thread of the engine's, each in a coroutine.
    let may_wait = std::env::var_os("PERILUNE_TEST_WAITING").is_some();
    if may_wait {
        engine.async_function("wait", |call| async move { call.value(0) }).expect("a name");
    }
    let run = |script: &perilune::Script, request: Request<'static>| {
        if may_wait { script.submit(request).wait() } else { script.run(&request) }.expect("it runs")
    };
    let hello = engine.compile("hello", "print('Hello', GET.monster)").expect("it compiles");
    let greets = || {
        let trace = run(&hello, Request::new().query("monster=Manticore"));
        trace.stdout == b"Hello\tManticore\n"
    };
    assert!(greets());
    let source = std::fs::read(file).expect("the case can be read");
    let script = match engine.compile("case", source) {
        Ok(script) => script,
        Err(error) => {
            println!("failure 0 0 {} {error}", greets());
            return ExitCode::SUCCESS;
        }
    };
    let idle = memory("VmRSS");
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    // What the first runs leave in the process counts against the last.
    let (mut late, mut ended) = (0, None::<perilune::Trace>);
    for _ in 0..RUNS {
        let began = Instant::now();
        let trace = run(&script, Request::new().json(r#"{"n":1}"#));
        // By this clock, and not by the engine's own.
        late = late.max(began.elapsed().saturating_sub(timeout).as_micros());
        assert!(greets());
        // On a busy machine one of them may come to no end of its own, and then all are made once more.
        match ended.take() {
            Some(before) if before.status == Status::Timeout => ended = Some(before),
            Some(before) if trace.status != Status::Timeout && trace.status != before.status => {
                eprintln!("{} after {}", trace.status, before.status);
                return ExitCode::FAILURE;
            }
            _ => ended = Some(trace),
        }
    }
    let trace = ended.expect("there were runs");
    let peak = memory("VmHWM").saturating_sub(idle);
    let message = trace.error.map(|error| error.message.replace('\n', " ")).unwrap_or_default();
    println!("{} {late} {peak} {} {message:.200}", trace.status, greets());
    ExitCode::SUCCESS
}

/// A figure of this process in KiB, where the system tells it.
fn memory(name: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

struct Outcome {
    status: String,
    late: Duration,
    peak_kib: usize,
    greets: bool,
    rest: String,
}

fn run(file: &Path, mib: usize, stack: usize, timeout: Duration) -> Result<Outcome, String> {
    let output = Command::new(std::env::current_exe().expect("this program"))
        .arg("--case")
        .arg(file)
        .args([mib.to_string(), stack.to_string(), timeout.as_millis().to_string()])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut words = text.trim_end().splitn(5, ' ');
    let mut word = || words.next().filter(|_| output.status.success());
    match (word(), word(), word(), word(), word()) {
        (Some(status), Some(late), Some(peak), Some(greets), rest) => Ok(Outcome {
            status: status.to_owned(),
            late: Duration::from_micros(late.parse().map_err(|_| text.clone().into_owned())?),
            peak_kib: peak.parse().map_err(|_| text.clone().into_owned())?,
            greets: greets == "true",
            rest: rest.unwrap_or_default().to_owned(),
        }),
        _ => Err(format!("the process died: {} {}", output.status, String::from_utf8_lossy(&output.stderr))),
    }
}

/// A script, and the statuses that are right under each of the limits.
type Case = (PathBuf, [Vec<String>; LIMITS.len()]);

fn expected(path: &Path) -> [Vec<String>; LIMITS.len()] {
    let text = String::from_utf8_lossy(&std::fs::read(path).expect("a case")).into_owned();
    let expect = text.lines().next().and_then(|line| line.strip_prefix("-- expect: "));
    let expect = expect.unwrap_or_else(|| panic!("{} does not say what to expect", path.display()));
    let (mut now, mut others) = ("", Vec::new());
    for (at, part) in expect.split("; ").enumerate() {
        match part.strip_prefix("at ").and_then(|part| part.split_once(": ")) {
            Some((mib, statuses)) if at > 0 => {
                let mib = mib.parse().ok().filter(|mib| LIMITS.contains(mib));
                others.push((mib.unwrap_or_else(|| panic!("{}: {part}", path.display())), statuses));
            }
            _ => now = part,
        }
    }
    LIMITS.map(|limit| {
        now = others.iter().find(|(mib, _)| *mib == limit).map_or(now, |(_, statuses)| statuses);
        let statuses: Vec<String> = now.split('|').map(str::to_owned).collect();
        for status in &statuses {
            let is_one = ["success", "failure", "timeout", "memory_limit"].contains(&&**status);
            assert!(is_one, "{} expects {status:?}", path.display());
        }
        statuses
    })
}

fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts/hostile");
    let mut cases: Vec<_> = std::fs::read_dir(folder)
        .expect("the corpus")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| (path.clone(), expected(&path)))
        .collect();
    cases.sort();
    cases
}

fn all() -> ExitCode {
    let mut jobs: Vec<(PathBuf, Vec<String>, usize, usize)> = Vec::new();
    for (index, (path, expect)) in cases().into_iter().enumerate() {
        for (at, mib) in LIMITS.into_iter().enumerate() {
            if at == 0 || index % 8 == 0 || expect[at] != expect[0] {
                jobs.push((path.clone(), expect[at].clone(), mib, STACKS[0]));
            }
        }
        jobs.push((path, expect[0].clone(), LIMITS[0], STACKS[1]));
    }
    let total = jobs.len();
    let failures = Mutex::new(Vec::new());
    let jobs = Mutex::new(jobs.into_iter());
    let worker = || {
        loop {
            let Some((path, expect, mib, stack)) = jobs.lock().expect("no worker panics").next() else {
                break;
            };
            let is_late = |outcome: &Outcome| outcome.late > allowed(mib) * TIMES_ALLOWED;
            let outcome = match run(&path, mib, stack, TIMEOUT) {
                Ok(outcome)
                    if outcome.status == "timeout"
                        && !expect.contains(&outcome.status)
                        && !is_late(&outcome) =>
                {
                    run(&path, mib, stack, PATIENCE)
                }
                outcome => outcome,
            };
            let wrong = match outcome {
                Err(died) => Some(died),
                Ok(outcome) if is_late(&outcome) => {
                    Some(format!("{} came {:?} after its deadline", outcome.status, outcome.late))
                }
                Ok(outcome) if !expect.contains(&outcome.status) => {
                    Some(format!("{} instead of {} {}", outcome.status, expect.join(" or "), outcome.rest))
                }
                Ok(outcome) if !outcome.greets => Some("the next script did not run as it should".to_owned()),
                Ok(outcome) if outcome.peak_kib > most_kib(mib) => {
                    Some(format!("{} KiB over an idle process", outcome.peak_kib))
                }
                Ok(_) => None,
            };
            if let Some(wrong) = wrong {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                failures
                    .lock()
                    .expect("no worker panics")
                    .push(format!("{name} at {mib} MiB on a stack of {stack} KiB: {wrong}"));
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, std::num::NonZero::get) {
            scope.spawn(worker);
        }
    });
    let mut failures = failures.into_inner().expect("no worker panics");
    failures.sort();
    for failure in &failures {
        println!("FAILED {failure}");
    }
    println!("{} passed, {} failed", total - failures.len(), failures.len());
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What came of five runs of a case under a limit.
struct Row {
    median: Duration,
    most: Duration,
    mib: usize,
    file: String,
}

impl Row {
    /// A time as a share of what is allowed.
    fn share(&self, late: Duration) -> f64 {
        late.as_secs_f64() / allowed(self.mib).as_secs_f64()
    }

    fn show(&self) {
        let of = |late: Duration| {
            format!("{:7.1} ms {:4.0} %", late.as_secs_f64() * 1e3, self.share(late) * 100.0)
        };
        println!("{} {} at {:3} MiB {}", of(self.median), of(self.most), self.mib, self.file);
    }
}

fn times(name: &str) -> ExitCode {
    let mut rows = Vec::new();
    for (path, _) in cases() {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !file.contains(name) {
            continue;
        }
        for mib in TIMED {
            let late = || Some(run(&path, mib, STACKS[0], TIMEOUT).ok()?.late);
            let mut late: Vec<Duration> = (0..5).filter_map(|_| late()).collect();
            late.sort();
            if let (Some(&median), Some(&most)) = (late.get(late.len() / 2), late.last()) {
                rows.push(Row { median, most, mib, file: file.clone() });
            }
        }
    }
    rows.sort_by(|a, b| b.share(b.median).total_cmp(&a.share(a.median)));
    println!(
        "median and maximum of five, and their share of what is allowed: 10 ms, and 1 ms per MiB of memory limit"
    );
    rows.iter().take(40).for_each(Row::show);
    println!("beyond what is allowed, once or more often:");
    rows.iter().filter(|row| row.most > allowed(row.mib)).for_each(Row::show);
    ExitCode::SUCCESS
}

fn statuses() -> ExitCode {
    for (path, expect) in cases() {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for (mib, expect) in LIMITS.into_iter().zip(expect) {
            let mut outcome = run(&path, mib, STACKS[0], TIMEOUT);
            if matches!(&outcome, Ok(it) if it.status == "timeout" && !expect.contains(&it.status)) {
                outcome = run(&path, mib, STACKS[0], PATIENCE);
            }
            match outcome {
                Ok(outcome) => println!("{file} {mib} {} {:?}", outcome.status, outcome.late),
                Err(died) => println!("{file} {mib} {died}"),
            }
        }
    }
    ExitCode::SUCCESS
}
