//! Threads that run `run/hello` on one engine: the time per run, over all of them.

use std::hint::black_box;
use std::time::Instant;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use perilune_benches::{HELLO, request, script};

fn parallel(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("parallel");
    group.throughput(Throughput::Elements(1));
    for threads in [1, 2] {
        let script = script(HELLO);
        group.bench_function(threads.to_string(), |bencher| {
            bencher.iter_custom(|runs| {
                let began = Instant::now();
                std::thread::scope(|scope| {
                    for thread in 0..threads {
                        let share = runs / threads + u64::from(thread < runs % threads);
                        let script = &script;
                        scope.spawn(move || {
                            for _ in 0..share {
                                black_box(script.run(&request()).expect("it runs"));
                            }
                        });
                    }
                });
                began.elapsed()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, parallel);
criterion_main!(benches);
