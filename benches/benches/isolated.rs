//! Runs in worker processes, beside the same in this process: what the second wall costs.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group};
use perilune::{Engine, Isolation, Request, Script, Workers};
use perilune_benches::{GREETING, HELLO, request};

fn engine(isolation: &Isolation) -> Engine {
    Engine::builder().pool_size(1).isolation(isolation.clone()).build()
}

fn hello(engine: &Engine) -> Script {
    let script = engine.compile("bench", HELLO).expect("it compiles");
    assert_eq!(script.run(&request()).expect("it runs").stdout, GREETING);
    script
}

fn runs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("isolated");
    let requests: Vec<_> =
        (0..1000).map(|n| Request::new().param("monster", n.to_string()).into_owned()).collect();
    for (name, isolation) in [("", Isolation::Process(Workers::new())), ("-here", Isolation::InProcess)] {
        let engine = engine(&isolation);
        let script = hello(&engine);
        group.bench_function(format!("hello{name}"), |bencher| {
            bencher.iter(|| black_box(script.run(&request()).expect("it runs")));
        });
        group.bench_function(format!("batch-1000{name}"), |bencher| {
            bencher.iter(|| black_box(script.run_batch(&requests)));
        });
        engine.function("add", |call| Ok(call.number(0)? + call.number(1)?)).expect("a name");
        let calls = engine.compile("calls", "for _ = 1, 1000 do host.add(1, 2) end").expect("it compiles");
        group.bench_function(format!("calls-1000{name}"), |bencher| {
            bencher.iter(|| black_box(calls.run(&request()).expect("it runs")));
        });
    }

    // Of a script that computes for a while, on one worker and on two.
    for workers in [1, 2] {
        let engine =
            Engine::builder().pool_size(workers).isolation(Isolation::Process(Workers::new())).build();
        let source = "local sum = 0 for i = 1, 5000 do sum = sum + i end print(sum)";
        let script = engine.compile("busy", source).expect("it compiles");
        group.bench_function(format!("batch-busy-{workers}"), |bencher| {
            bencher.iter(|| black_box(script.run_batch(&requests)));
        });
    }

    // The other side sleeps by then.
    let script = hello(&engine(&Isolation::Process(Workers::new())));
    group.bench_function("hello-after-rest", |bencher| {
        bencher.iter_custom(|times| {
            let mut taken = Duration::ZERO;
            for _ in 0..times {
                std::thread::sleep(Duration::from_millis(5));
                let began = Instant::now();
                black_box(script.run(&request()).expect("it runs"));
                taken += began.elapsed();
            }
            taken
        });
    });
    group.bench_function("start", |bencher| {
        bencher.iter(|| engine(&Isolation::Process(Workers::new())).sandbox().expect("it starts"));
    });
    group.finish();
}

criterion_group!(benches, runs);

fn main() {
    perilune::worker::init();
    benches();
    Criterion::default().configure_from_args().final_summary();
}
