//! Workers in which something goes wrong on purpose: it costs the run, and nothing else.
//!
//! `PERILUNE_FAULT_ROUNDS=500` commits each fault so often; `PERILUNE_SOAK_SECONDS=600` has workers killed for so long.

#![allow(clippy::print_stdout, reason = "it says what it measured")]

mod common;

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use common::children::{children, kill, wait_until};
use common::workers;
use perilune::{Engine, EngineBuilder, ErrorKind, Isolation, Request, Status, Trace};

/// The tests look at all of this process.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn number(variable: &str, default: u64) -> u64 {
    env::var(variable).ok().and_then(|number| number.parse().ok()).unwrap_or(default)
}

fn builder() -> EngineBuilder {
    let workers = workers().backoff(Duration::ZERO);
    Engine::builder().timeout(Duration::from_millis(50)).isolation(Isolation::Process(workers))
}

fn engine(builder: EngineBuilder) -> Engine {
    let engine = builder.build();
    engine.function("fault", |_| Ok("it reached the host")).expect("a name");
    engine
}

fn open_files() -> usize {
    fs::read_dir("/proc/self/fd").expect("a list").count()
}

/// KiB that this process has in memory.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("it is there");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("it is in it");
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
}

/// What a fault comes to.
enum Comes {
    /// Its end has one of these in its message.
    Crashed(&'static [&'static str]),
    Timeout,
    /// What it sent may have been taken for an answer.
    Any,
}

const SEGV: &[&str] = &["signal 11"];
/// What is forbidden ends the process at once.
const FORBIDDEN: &[&str] = &["signal 31"];
const ABORT: &[&str] = &["signal 6"];

const FAULTS: &[(&str, Comes)] = &[
    ("write", Comes::Crashed(SEGV)),
    ("jump", Comes::Crashed(SEGV)),
    ("loop", Comes::Timeout),
    ("stack", Comes::Crashed(SEGV)),
    ("abort", Comes::Crashed(ABORT)),
    // It may take longer than it has.
    ("memory", Comes::Any),
    ("exit", Comes::Crashed(&["exit code 7"])),
    ("open", Comes::Crashed(FORBIDDEN)),
    ("socket", Comes::Crashed(FORBIDDEN)),
    ("fork", Comes::Crashed(FORBIDDEN)),
    ("thread", Comes::Crashed(FORBIDDEN)),
    ("exec", Comes::Crashed(FORBIDDEN)),
    ("ptrace", Comes::Crashed(FORBIDDEN)),
    ("kill", Comes::Crashed(FORBIDDEN)),
    ("close", Comes::Crashed(FORBIDDEN)),
    ("code", Comes::Crashed(FORBIDDEN)),
    ("scribble", Comes::Any),
    ("forged length", Comes::Crashed(&["sent what is no answer"])),
    ("forged count", Comes::Crashed(&["sent what is no answer"])),
    ("scribble after", Comes::Any),
];

#[test]
fn a_fault_costs_its_run_alone() {
    let _alone = alone();
    let engine = engine(builder().pool_size(1));
    let script = engine.compile("test", "print('before') host.fault(GET.name)").expect("it compiles");
    let next = engine.compile("next", "print(1) return GET.n").expect("it compiles");
    let mut before = (0, 0);
    let rounds = number("PERILUNE_FAULT_ROUNDS", 2);
    for round in 0..rounds.max(2) {
        for (name, comes) in FAULTS {
            let began = Instant::now();
            let trace = script.run(&Request::new().param("name", *name)).expect(name);
            // Not the time that is promised, but not for ever.
            assert!(began.elapsed() < Duration::from_secs(20), "{name}: {:?}", began.elapsed());
            assert_end(name, comes, &trace);
            let n = round.to_string();
            let trace = next.run(&Request::new().param("n", n.as_str())).expect("it runs");
            assert_eq!(
                (trace.status, trace.value),
                (Status::Success, Some(format!("\"{n}\""))),
                "after {name}"
            );
            assert_eq!(trace.stdout, b"1\n", "after {name}");
        }
        if round == 0 {
            wait_until("a spare one is ready", || engine.metrics().vms.ready == 2);
            before = (open_files(), resident());
        }
    }
    wait_until("a spare one is ready", || engine.metrics().vms.ready == 2);
    // The compiler, the one that ran last and the spare one: no other is left, nor waits to be waited for.
    wait_until("the others are gone", || children().len() == 3);
    let after = (open_files(), resident());
    println!("{rounds} rounds of {}: open files, KiB: {before:?}, {after:?}", FAULTS.len());
    assert!(after.0 <= before.0, "open files: {before:?}, {after:?}");
    assert!(after.1 <= before.1 + (16 << 10), "KiB: {before:?}, {after:?}");
}

#[track_caller]
fn assert_end(name: &str, comes: &Comes, trace: &Trace) {
    let kind = trace.error.as_ref().map(|error| error.kind);
    let message = trace.error.as_ref().map(|error| error.message.clone()).unwrap_or_default();
    match comes {
        Comes::Crashed(ends) => {
            assert_eq!(
                (trace.status, kind),
                (Status::Crashed, Some(ErrorKind::Crashed)),
                "{name}: {trace:?}"
            );
            let is_told = |end: &&str| message.starts_with("the worker of test ") && message.ends_with(end);
            assert!(ends.iter().any(is_told), "{name}: {message}");
        }
        Comes::Timeout => assert_eq!(trace.status, Status::Timeout, "{name}: {trace:?}"),
        Comes::Any => {}
    }
    // What was scribbled over is told as it is.
    if !name.contains("scribble") {
        assert_eq!(trace.stdout, b"before\n", "{name}");
        assert!(trace.stderr_text().ends_with(&format!("{message}\n")), "{name}: {trace:?}");
    }
}

#[test]
fn a_source_that_ends_the_compiler_does_not_compile() {
    let _alone = alone();
    let engine = engine(builder().isolation(Isolation::Process(workers())));
    let source = "--!fault\nreturn 1";
    for _ in 0..3 {
        let error = engine.compile("test", source).expect_err("it ends the compiler");
        assert_eq!(error.to_string(), "test:1: the compiler crashed");
        assert!(
            engine
                .compile("other", "return 1")
                .expect("it compiles")
                .run(&Request::new())
                .expect("it runs")
                .ok()
        );
    }
    let error = engine.compile("again", source).expect_err("it is refused");
    let text = error.to_string();
    assert!(text.starts_with("again:1: the source is refused: it ended 3 workers in a row"), "{text}");
}

/// Not a test: the host that [`no_worker_is_left_of_a_host_that_is_killed`] kills.
#[test]
#[ignore = "it is another test's"]
fn host() {
    let Ok(source) = env::var("PERILUNE_TEST_SOURCE") else { return };
    let engine = engine(builder().timeout(Duration::from_secs(600)).pool_size(1));
    let tell = |_: &perilune::Call<'_>| {
        println!("workers {:?}", children());
        Ok(())
    };
    engine.function("tell", tell).expect("a name");
    let script = engine.compile("test", source).expect("it compiles");
    script.run(&Request::new()).expect("it runs");
    loop {
        thread::park();
    }
}

#[test]
fn no_worker_is_left_of_a_host_that_is_killed() {
    let _alone = alone();
    for source in ["host.tell()", "host.tell() while true do end", "host.tell() host.fault('loop')"] {
        let mut host = Command::new(env::current_exe().expect("it has a path"))
            .args(["--exact", "host", "--ignored", "--nocapture"])
            .env("PERILUNE_TEST_SOURCE", source)
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let lines = BufReader::new(host.stdout.take().expect("it is piped")).lines();
        let told = lines.map(|line| line.expect("text")).find(|line| line.contains("workers {"));
        let told = told.expect("it runs a script");
        let ids = told.split(['{', '}']).nth(1).expect("a list").split(", ");
        let ids: Vec<u32> = ids.map(|id| id.parse().expect("an id")).collect();
        assert!(ids.len() >= 2, "{told}");
        host.kill().expect("it runs");
        host.wait().expect("it ends");
        wait_until("all are gone", || ids.iter().all(|id| common::children::has_ended(*id)));
    }
}

/// Runs a script, of which it is known whether it has an effect on the host.
type Work<'a> = dyn Fn(&perilune::Script, bool) + Sync + 'a;

#[test]
fn under_load_no_run_is_lost_or_made_twice_when_workers_are_killed() {
    let _alone = alone();
    let engine = builder().timeout(Duration::from_secs(60)).pool_size(3).build();
    let effects = Arc::new(Mutex::new(HashMap::<u64, u32>::new()));
    let counted = Arc::clone(&effects);
    let count = move |call: &perilune::Call<'_>| {
        *counted.lock().expect("nobody panics").entry(call.number(0)? as u64).or_default() += 1;
        Ok(())
    };
    let plain = engine.compile("plain", "local s = 0 for i = 1, 200 do s = s + i end return tonumber(GET.n)");
    let plain = plain.expect("it compiles");
    // A script of its own with a function, so that the other's batches need none.
    let effect = plain.engine().compile("effect", "host.count(tonumber(GET.n)) return tonumber(GET.n)");
    let effect = effect.expect("it compiles").with_function("count", count).expect("a name");
    let (next, runs, crashes) = (AtomicU64::new(1), AtomicU64::new(0), AtomicU64::new(0));
    let is_over = AtomicBool::new(false);
    let seconds = Duration::from_secs(number("PERILUNE_SOAK_SECONDS", 2));
    let took = |n: u64, has_effect: bool, trace: &Trace| {
        runs.fetch_add(1, Relaxed);
        let made = effects.lock().expect("nobody panics").remove(&n).unwrap_or_default();
        if trace.status == Status::Crashed {
            crashes.fetch_add(1, Relaxed);
            assert!(made <= 1, "run {n} was made {made} times");
        } else {
            assert_eq!((trace.status, trace.value.as_deref()), (Status::Success, Some(&*n.to_string())));
            assert_eq!(made, u32::from(has_effect), "run {n}");
        }
    };
    let request = |n: u64| Request::new().param("n", n.to_string()).into_owned();
    let mut before = None;
    let work: [&Work<'_>; 3] = [
        &|script, has_effect| {
            let n = next.fetch_add(1, Relaxed);
            took(n, has_effect, &script.run(&request(n)).expect("it runs"));
        },
        &|script, has_effect| {
            let tickets: Vec<_> = (0..50)
                .map(|_| {
                    let n = next.fetch_add(1, Relaxed);
                    (n, script.submit(request(n)))
                })
                .collect();
            for (n, ticket) in tickets {
                took(n, has_effect, &ticket.wait().expect("it runs"));
            }
        },
        &|script, has_effect| {
            let first = next.fetch_add(500, Relaxed);
            let requests: Vec<_> = (first..first + 500).map(request).collect();
            for (n, result) in (first..).zip(script.run_batch(&requests)) {
                took(n, has_effect, &result.expect("it runs"));
            }
        },
    ];
    thread::scope(|threads| {
        for work in work {
            for (script, has_effect) in [(&plain, false), (&effect, true)] {
                let is_over = &is_over;
                threads.spawn(move || {
                    while !is_over.load(Relaxed) {
                        work(script, has_effect);
                    }
                });
            }
        }
        let (began, mut random) = (Instant::now(), 1_u64);
        while began.elapsed() < seconds {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            thread::sleep(Duration::from_micros(random >> 48));
            let ids: Vec<_> = children().into_iter().collect();
            if let Some(id) = ids.get((random >> 33) as usize % ids.len().max(1)) {
                kill(*id);
            }
            if before.is_none() && began.elapsed() > seconds / 4 {
                before = Some((open_files(), resident()));
            }
        }
        is_over.store(true, Relaxed);
    });
    wait_until("workers are ready", || engine.metrics().vms.in_use == 0);
    let after = (open_files(), resident());
    println!(
        "{} runs, {} crashed; open files, KiB: {before:?}, {after:?}",
        runs.load(Relaxed),
        crashes.load(Relaxed)
    );
    let before = before.expect("it took that long");
    assert!(after.0 <= before.0 + 32 && after.1 <= before.1 + (64 << 10), "{before:?}, {after:?}");
    assert!(effects.lock().expect("nobody panics").is_empty(), "made, and not told of");
    drop((plain, effect, engine));
    wait_until("no worker is left", || children().is_empty());
}
