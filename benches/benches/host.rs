//! The costs on the host's side: host functions, many runs, many scripts.

use std::future::{Future, poll_fn};
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use perilune::{AsyncCall, Engine, Request};
use perilune_benches::{HELLO, request};

/// Calls of a function in one run, so many that the cost of the run itself is small beside them.
const CALLS: u64 = 1000;

fn functions(criterion: &mut Criterion) {
    let engine = Engine::builder().host_calls(CALLS).build();
    engine.function("add", |call| Ok(call.number(0)? + call.number(1)?)).expect("a name");
    engine.function("text", |call| Ok(call.text(0)?.len() as u64)).expect("a name");
    engine.function("table", |call| call.value(0)).expect("a name");
    let mut group = criterion.benchmark_group("host");
    group.throughput(Throughput::Elements(CALLS));
    for (name, set_up, call) in [
        ("add", "local f = host.add", "f(i, 1)"),
        // The floor of the above: a function of the library with the same types, which the compiler does not make a fast call.
        ("lua-c-function", "local f = os.difftime", "f(i, 1)"),
        ("text", "local f = host.text", "f('Manticore')"),
        ("table", "local f, t = host.table, {a = 1, b = {2, 3}}", "f(t)"),
    ] {
        let source = format!("{set_up} for i = 1, {CALLS} do {call} end");
        let script = engine.compile(name, source).expect("it compiles");
        let run = || script.run(&Request::new()).expect("it runs");
        assert!(run().ok());
        group.bench_function(name, |bencher| bencher.iter(|| black_box(run())));
    }
    group.finish();
}

/// Functions that answer later, beside those above: one that is ready at once, and one for which the run waits once.
fn functions_that_wait(criterion: &mut Criterion) {
    let engine = Engine::builder().host_calls(CALLS).pool_size(1).build();
    engine
        .async_function("ready", |call| async move { Ok(call.number(0)? + call.number(1)?) })
        .expect("a name");
    let waits = |call: AsyncCall| async move {
        let mut is_first = true;
        poll_fn(|context| {
            if !std::mem::take(&mut is_first) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        Ok(call.number(0)? + call.number(1)?)
    };
    engine.async_function("waits", waits).expect("a name");
    let mut group = criterion.benchmark_group("host");
    group.throughput(Throughput::Elements(CALLS));
    for name in ["ready", "waits"] {
        let source = format!("local f = host.{name} for i = 1, {CALLS} do f(i, 1) end");
        let script = engine.compile(name, source).expect("it compiles");
        let run = || {
            let request = Request::new();
            let mut run = pin!(script.run_async(&request));
            // Nothing here waits for anyone: it is ready when it is polled again.
            let mut context = Context::from_waker(Waker::noop());
            loop {
                if let Poll::Ready(trace) = run.as_mut().poll(&mut context) {
                    return trace.expect("it runs");
                }
            }
        };
        assert!(run().ok());
        group.bench_function(name, |bencher| bencher.iter(|| black_box(run())));
    }
    group.finish();
}

fn many(criterion: &mut Criterion) {
    let engine = Engine::new();
    let script = engine.compile("hello", HELLO).expect("it compiles");
    let requests = vec![request(); 1000];
    let mut group = criterion.benchmark_group("batch");
    group.throughput(Throughput::Elements(1000));
    group.bench_function("1000", |bencher| bencher.iter(|| black_box(script.run_batch(&requests))));
    let single = || requests.iter().map(|request| script.run(request)).collect::<Vec<_>>();
    group.bench_function("1000-single", |bencher| bencher.iter(|| black_box(single())));
    group.finish();
}

fn named(criterion: &mut Criterion) {
    let engine = Engine::builder().pool_size(1).build();
    for n in 0..10_000 {
        engine.scripts().put(&format!("shop/script-{n}"), HELLO).expect("it compiles");
    }
    let names: Vec<String> = (0..10_000).map(|n| format!("shop/script-{n}")).collect();
    let mut group = criterion.benchmark_group("scripts");
    // A hundred that are run again and again, of ten thousand.
    let mut next = (0..100).map(|n| n * 97).cycle();
    group.bench_function("named-10k", |bencher| {
        bencher.iter(|| {
            let name = &names[next.next().expect("it has no end")];
            black_box(engine.run(name, &request()).expect("it runs"))
        });
    });
    // All of them in turn: more than a VM keeps loaded.
    let mut next = names.iter().cycle();
    group.bench_function("named-10k-all", |bencher| {
        bencher.iter(|| {
            black_box(engine.run(next.next().expect("it has no end"), &request()).expect("it runs"))
        });
    });
    group.finish();
}

criterion_group!(benches, functions, functions_that_wait, many, named);
criterion_main!(benches);
