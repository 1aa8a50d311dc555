//! What limits cost a script that stays within them: the same loop in a bare VM, and in a run under all limits.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use perilune::Request;
use perilune::floor::Floor;
use perilune_benches::{LOOP, script};

fn limits(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("limits");
    // In an environment of its own, as in a run, so that the code does the same in both.
    let mut floor = Floor::separate(LOOP);
    group.bench_function("loop-bare", |bencher| bencher.iter(|| black_box(floor.isolated().len())));
    let script = script(LOOP);
    let run = || script.run(&Request::new()).expect("it runs");
    assert!(run().ok());
    group.bench_function("loop-armed", |bencher| bencher.iter(|| black_box(run())));
    group.finish();
}

criterion_group!(benches, limits);
criterion_main!(benches);
