//! A body of some size into tables that a trivial script sees, beside the parsing of the same bytes by `serde_json`.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use perilune::Request;
use perilune_benches::{orders, script};

fn payloads(criterion: &mut Criterion) {
    let script = script("return #POST.orders");
    for (name, bytes) in [("100", 100), ("10k", 10_000), ("100k", 100_000)] {
        let body = orders(bytes);
        let mut group = criterion.benchmark_group("payload");
        group.throughput(Throughput::Bytes(body.len() as u64));
        let run = || script.run(&Request::new().json(&body)).expect("it runs");
        assert!(run().ok());
        group.bench_function(name, |bencher| bencher.iter(|| black_box(run())));
        group.finish();

        let mut group = criterion.benchmark_group("payload-floor");
        group.throughput(Throughput::Bytes(body.len() as u64));
        let parse = || serde_json::from_slice::<serde_json::Value>(body.as_bytes()).expect("it is JSON");
        group.bench_function(name, |bencher| bencher.iter(|| black_box(parse())));
        group.finish();
    }
}

criterion_group!(benches, payloads);
criterion_main!(benches);
