//! One engine, used from many threads.

mod common;

use std::collections::HashSet;
use std::fmt::Debug;
use std::sync::Mutex;

use perilune::{
    Call, CancelHandle, CompileError, Diagnostic, Engine, EngineBuilder, Error, FileError, HostError, Limits,
    Metrics, PayloadError, Poll, Report, Request, Response, RunLimits, Script, ScriptError, Scripts, Status,
    Ticket, Trace, Usage, Value, ValueError,
};

/// By the Rust API guidelines: handles and data can be cloned, printed, and used from any thread.
#[test]
fn public_types_have_the_common_traits() {
    fn is_shared<T: Send + Sync + Debug + 'static>() {}
    fn is_cloned<T: Send + Sync + Debug + Clone + 'static>() {}
    fn is_compared<T: Send + Sync + Debug + Clone + PartialEq + 'static>() {}
    is_shared::<Ticket>();
    is_shared::<ValueError>();
    is_cloned::<CancelHandle>();
    is_cloned::<Engine>();
    is_cloned::<EngineBuilder>();
    is_cloned::<HostError>();
    is_cloned::<Poll>();
    is_cloned::<Report>();
    is_cloned::<Request<'static>>();
    is_cloned::<Script>();
    is_cloned::<Scripts>();
    is_compared::<CompileError>();
    is_compared::<Diagnostic>();
    is_compared::<Error>();
    is_compared::<FileError>();
    is_compared::<Limits>();
    is_compared::<Metrics>();
    is_compared::<PayloadError>();
    is_compared::<Response>();
    is_compared::<RunLimits>();
    is_compared::<ScriptError>();
    is_compared::<Trace>();
    is_compared::<Usage>();
    is_compared::<Value>();
}

#[test]
fn eight_threads_share_a_pool_of_two() {
    const THREADS: u64 = 8;
    const RUNS: u64 = 200;
    let engine = common::builder().pool_size(2).build();
    let script = engine
        .compile("sum", "mine = GET.thread .. ':' .. POST.run print(mine) return mine")
        .expect("it compiles");
    let failing = engine.compile("fails", "error(GET.thread, 0)").expect("it compiles");
    let ids = Mutex::new(HashSet::new());
    std::thread::scope(|threads| {
        for thread in 0..THREADS {
            let (engine, script, failing, ids) = (engine.clone(), script.clone(), failing.clone(), &ids);
            threads.spawn(move || {
                let (name, mut last) = (thread.to_string(), 0);
                for run in 0..RUNS {
                    let body = format!("{{\"run\":{run}}}");
                    let request = Request::new().param("thread", name.as_str()).json(&body);
                    let trace = script.run(&request).expect("it runs");
                    let mine = format!("{thread}:{run}");
                    assert_eq!(trace.value_as::<String>().ok(), Some(mine.clone()));
                    assert_eq!(trace.stdout, format!("{mine}\n").into_bytes());
                    assert!(trace.id > last, "ids rise within a thread");
                    last = trace.id;
                    let mut ids = ids.lock().expect("no thread panicked");
                    assert!(ids.insert(trace.id), "{} twice", trace.id);
                    drop(ids);
                    if run % 20 == 0 {
                        let trace = failing.run(&request).expect("it runs");
                        assert_eq!(trace.error.expect("it failed").message, name);
                        assert_fresh(&engine, &request, &name);
                    }
                }
            });
        }
    });
    assert_eq!(ids.into_inner().expect("no thread panicked").len() as u64, THREADS * RUNS);
}

/// Compiles in the midst of runs.
fn assert_fresh(engine: &Engine, request: &Request<'_>, name: &str) {
    let script = engine.compile("fresh", "return GET.thread").expect("it compiles");
    let trace = script.run(request).expect("it runs");
    assert_eq!(trace.value_as::<String>().ok().as_deref(), Some(name));
}

#[test]
fn many_scripts_on_a_pool_of_two_keep_working() {
    const SCRIPTS: usize = 2000;
    let engine = common::builder().pool_size(2).build();
    let scripts: Vec<Script> = (0..SCRIPTS)
        .map(|n| {
            engine
                .compile(&format!("s{n}"), format!("local t = {{{n}}} return t[1] + GET.add"))
                .expect("it compiles")
        })
        .collect();
    std::thread::scope(|threads| {
        for thread in 0..4 {
            let scripts = &scripts;
            threads.spawn(move || {
                let add = thread.to_string();
                let request = Request::new().param("add", add.as_str());
                for round in 0..2 {
                    for n in (0..SCRIPTS).map(|n| (n * 7 + thread * 500 + round) % SCRIPTS) {
                        let trace = scripts[n].run(&request).expect("it runs");
                        assert_eq!(
                            trace.value_as::<usize>().ok(),
                            Some(n + thread),
                            "{}",
                            trace.stderr_text()
                        );
                        assert_eq!(&*trace.script, format!("s{n}"));
                    }
                }
            });
        }
    });
}

#[test]
fn scripts_outlive_the_handle_of_their_engine() {
    let script = common::builder().pool_size(1).build().compile("test", "return 1").expect("it compiles");
    let trace =
        std::thread::spawn(move || script.run(&Request::new()).expect("it runs")).join().expect("no panic");
    assert_eq!((trace.status, trace.value.as_deref()), (Status::Success, Some("1")));
}

#[test]
fn dropping_scripts_and_engines_at_once_is_fine() {
    let engine = common::builder().pool_size(2).build();
    std::thread::scope(|threads| {
        for thread in 0..4 {
            let engine = engine.clone();
            threads.spawn(move || {
                for n in 0..100 {
                    let script = engine.compile("short", format!("return {n}")).expect("it compiles");
                    assert_eq!(script.run(&Request::new()).expect("it runs").value_as::<u32>().ok(), Some(n));
                    if n % 25 == 0 {
                        let own = common::builder().pool_size(1).build();
                        let trace = own.compile("own", "return 1").expect("it compiles").run(&Request::new());
                        assert_eq!(trace.expect("it runs").id, 1, "thread {thread}");
                    }
                }
            });
        }
    });
}

/// Guards against believing a fiber to be its thread: these ran over the end of their stacks.
#[test]
fn a_script_that_nests_deep_runs_from_any_stack() {
    let engine = common::builder().pool_size(1).build();
    let source = "local function deep(n) if n == 0 then return host.room() end
        local got ('x'):gsub('x', function() got = deep(n - 1) end) return got end
        return deep(190)";
    let room = |_: &Call<'_>| Ok(f64::from(std::hint::black_box([1u8; 512 << 10])[64 << 10]));
    engine.function("room", room).expect("a name");
    let runs = || {
        let script = engine.compile("deep", source).expect("it compiles");
        let trace = script.run(&Request::new()).expect("it runs");
        assert_eq!(trace.value.as_deref(), Some("1"), "{}", trace.stderr_text());
    };
    // Code that was not optimised needs more to call from.
    for kib in [64, 128, 256, 1024] {
        stacker::grow(kib << 10, runs);
        std::thread::scope(|threads| {
            let small = std::thread::Builder::new().stack_size(kib << 10).spawn_scoped(threads, runs);
            small.expect("a thread").join().expect("no panic");
        });
    }
}
