//! Runs in worker processes: they come to what they come to in this process, and a worker that ends costs its run alone.

mod common;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use common::children::{children, has_ended, kill, wait_until};
use common::workers;
use perilune::{
    CancelHandle, Engine, EngineBuilder, Error, ErrorKind, HostError, Isolation, Request, Status, Trace,
    Value, Workers,
};

/// Some tests look at, or end, all workers of this process.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn builder() -> EngineBuilder {
    Engine::builder().pool_size(1).isolation(Isolation::Process(workers()))
}

#[track_caller]
fn run(engine: &Engine, source: &str, request: &Request<'_>) -> Trace {
    engine.compile("test", source).expect("it compiles").run(request).expect("it runs")
}

/// Without what differs between any two runs.
fn comparable(mut trace: Trace) -> Trace {
    (trace.id, trace.executed_at, trace.duration) = (0, UNIX_EPOCH, Duration::ZERO);
    trace.usage.memory_bytes = 0;
    trace
}

#[test]
fn a_run_comes_to_the_same_in_both() {
    let _alone = alone();
    let engines = [builder().build(), Engine::builder().pool_size(1).build()];
    for engine in &engines {
        engine.module("twice", "return function(n) return 2 * n end").expect("it compiles");
        engine.function("echo", |call| call.value(0)).expect("a name");
        engine
            .function("kinds", |call| Ok(format!("{} {} {}", call.kind(0), call.kind(1), call.len())))
            .expect("a name");
        engine.function("json", |call| Ok(String::from_utf8(call.json(0)?)?)).expect("a name");
        engine.function("fails", |_| Err::<Value, _>(HostError::new("no"))).expect("a name");
    }
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(500_000));
    for (source, request) in [
        ("print('Hello', ARGS.monster)", Request::new().query("monster=Manticore")),
        (
            "return POST, CONFIG, META",
            Request::new().json(r#"{"n":[1,{"a":null}]}"#).config("[1]").meta("{}"),
        ),
        ("return GET", Request::new().param("a", "1").param("a", "2")),
        ("return POST", Request::new().form("a=b")),
        ("print(#POST.a) return POST.a", Request::new().json(&large)),
        ("io.write(('x'):rep(600000)) io.stderr:write('e') return require('twice')(4)", Request::new()),
        ("return math.random(1, 1e6)", Request::new().seed(7)),
        ("local t = {} for _ = 1, 127 do t = { t } end return t", Request::new()),
        ("local t = {} for _ = 1, 128 do t = { t } end return t", Request::new()),
        ("local t = nil\nreturn t.x", Request::new()),
        ("error({ code = 1 })", Request::new()),
        ("return print", Request::new()),
        (
            "set_response{ status = 201, content = '<b>', headers = { ['x-a'] = { '1', '2' } } }",
            Request::new(),
        ),
        (
            "return host.echo({ a = { 1, '\\255' }, b = json.null }), host.echo(nil), host.echo(0/0)",
            Request::new(),
        ),
        (
            "return host.kinds(print, nil), host.kinds(json.null), host.kinds({}, vector.create(1, 2, 3))",
            Request::new(),
        ),
        (
            "return pcall(host.json, { print }), pcall(host.json, { 0/0 }), host.json({ 1, { a = 2 } })",
            Request::new(),
        ),
        ("return pcall(host.echo, print), pcall(host.fails)", Request::new()),
        ("host.fails()", Request::new()),
        ("for _ = 1, 20000 do host.echo(1) end", Request::new()),
        ("local t = {} while true do t[#t + 1] = ('x'):rep(1e5) .. #t end", Request::new()),
    ] {
        let [in_worker, here] = engines.each_ref().map(|engine| comparable(run(engine, source, &request)));
        assert_eq!(in_worker, here, "{source}");
    }
    for source in ["return +", "x = = 1", "local 1"] {
        let [in_worker, here] = engines.each_ref().map(|engine| engine.compile("test", source).err());
        assert_eq!(in_worker, here, "{source}");
    }
    let script = |engine: &Engine| engine.compile("test", "return 1").expect("it compiles");
    for request in [Request::new().json("{"), Request::new().json("[1]"), Request::new().meta("\n x")] {
        let [in_worker, here] = engines.each_ref().map(|engine| script(engine).run(&request).err());
        assert_eq!(in_worker, here, "{request:?}");
    }
}

#[test]
fn a_hosts_cause_stays_with_it() {
    let _alone = alone();
    let engine = builder().build();
    engine.function("fine", |_| Ok(1.0)).expect("a name");
    let fails = |_: &perilune::Call<'_>| {
        Err::<Value, _>(HostError::new("no rate").with_cause(std::io::Error::other("the disk is full")))
    };
    engine.function("fails", fails).expect("a name");
    let error =
        run(&engine, "pcall(host.fails) host.fine() host.fails()", &Request::new()).error.expect("it failed");
    assert_eq!((error.kind, &*error.message), (ErrorKind::Host, "test:1: host.fails: no rate"));
    assert_eq!(error.cause.expect("it has one").to_string(), "the disk is full");
}

#[test]
fn a_worker_that_ends_costs_its_run_alone() {
    let _alone = alone();
    let engine = builder().build();
    engine.function("pass", |_| Ok(())).expect("a name");
    let kills = |_: &perilune::Call<'_>| {
        // That which compiles, too.
        children().into_iter().for_each(kill);
        Ok(())
    };
    engine.function("kills", kills).expect("a name");
    for source in ["host.kills()", "host.kills() while true do end", "pcall(host.kills) return 1"] {
        let trace = run(&engine, source, &Request::new());
        assert_eq!(trace.status, Status::Crashed, "{source}: {trace:?}");
        let error = trace.error.expect("an error");
        assert_eq!((error.kind, &*error.message), (ErrorKind::Crashed, "the worker of test ended: signal 9"));
        assert_eq!(trace.stderr, b"the worker of test ended: signal 9\n");
        assert!(run(&engine, "host.pass() return 1", &Request::new()).ok(), "after {source}");
    }
    assert_eq!(engine.metrics().runs.crashed, 3);
    // One that had nothing to do is nobody's loss.
    for _ in 0..5 {
        children().into_iter().for_each(kill);
        wait_until("they have ended", || children().into_iter().all(has_ended));
        assert!(run(&engine, "return 1", &Request::new()).ok());
    }
    drop(engine);
    wait_until("no worker is left", || children().is_empty());
}

#[test]
fn a_run_ends_at_its_deadline_and_when_it_is_cancelled() {
    let _alone = alone();
    let engine = builder().timeout(Duration::from_millis(20)).build();
    for source in ["while true do end", "while true do pcall(function() while true do end end) end"] {
        let trace = run(&engine, source, &Request::new());
        assert_eq!(trace.status, Status::Timeout, "{trace:?}");
        assert!(trace.duration < Duration::from_secs(10), "{trace:?}");
    }
    let engine = builder().build();
    let (sender, begun) = std::sync::mpsc::channel();
    engine.function("begins", move |_| Ok(sender.send(())?)).expect("a name");
    let script = engine.compile("test", "host.begins() while true do end").expect("it compiles");
    for _ in 0..20 {
        let cancel = CancelHandle::new();
        let request = Request::new().cancel(&cancel);
        std::thread::scope(|threads| {
            let trace = threads.spawn(|| script.run(&request).expect("it runs"));
            begun.recv().expect("it begins");
            cancel.cancel();
            assert_eq!(trace.join().expect("no panic").status, Status::Cancelled);
        });
    }
}

#[test]
fn what_is_no_worker_is_told() {
    let _alone = alone();
    let with = |program: &str| {
        Engine::builder().isolation(Isolation::Process(Workers::new().program(program))).build()
    };
    for (program, reason) in [
        ("/nonexistent/worker", "No such file"),
        ("/bin/true", "it does not answer as a worker (exit code 0)"),
        ("/bin/sh", "it does not answer as a worker (exit code"),
    ] {
        let engine = with(program);
        for told in [
            engine.sandbox().map(drop).expect_err(program).to_string(),
            engine.compile("test", "return 1").expect_err(program).to_string(),
        ] {
            assert!(told.contains(program) && told.contains(reason), "{told}");
        }
    }
    assert_eq!(Engine::new().sandbox(), Ok(None));
    let sandbox = builder().build().sandbox().expect("workers start").expect("they have one");
    assert_eq!(sandbox.system_calls, Ok(()));
    assert!(matches!(builder().build().run("none", &Request::new()), Err(Error::NotFound)));
}
