//! `run/hello` through the C ABI, beside the same in Rust: what a host in C pays for the boundary.

use std::ffi::c_void;
use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use perilune_benches::{BODY, GREETING, HELLO, QUERY, request, script};
use perilune_ffi::{
    PERILUNE_OK, perilune_engine, perilune_engine_compile, perilune_engine_free, perilune_engine_new,
    perilune_script, perilune_script_free, perilune_slice,
};

unsafe extern "C" {
    /// In ffi.c: makes `runs` runs, and adds up how much they wrote.
    fn run_in_c(script: *const c_void, query: perilune_slice, body: perilune_slice, runs: u64) -> u64;
}

fn slice(text: &str) -> perilune_slice {
    perilune_slice { data: text.as_ptr().cast(), len: text.len() }
}

/// An engine with the default limits and a script of it, both C's.
struct InC {
    engine: *mut perilune_engine,
    script: *mut perilune_script,
}

impl InC {
    fn new(source: &str) -> Self {
        let (mut engine, mut script) = (std::ptr::null_mut(), std::ptr::null_mut());
        let error = std::ptr::null_mut();
        // SAFETY: the texts are as long as is said, and the outputs are on this stack.
        unsafe {
            assert_eq!(perilune_engine_new(std::ptr::null(), &mut engine, error), PERILUNE_OK);
            let compiled = perilune_engine_compile(engine, slice("bench"), slice(source), &mut script, error);
            assert_eq!(compiled, PERILUNE_OK);
        }
        Self { engine, script }
    }

    fn run(&self, runs: u64) -> u64 {
        // SAFETY: the script lives, and the texts are as long as is said.
        unsafe { run_in_c(self.script.cast(), slice(QUERY), slice(BODY), runs) }
    }
}

impl Drop for InC {
    fn drop(&mut self) {
        // SAFETY: they are C's to free, and not used again.
        unsafe {
            perilune_script_free(self.script);
            perilune_engine_free(self.engine);
        }
    }
}

fn hello(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ffi");
    let in_rust = script(HELLO);
    let in_c = InC::new(HELLO);
    assert_eq!(in_c.run(3), 3 * GREETING.len() as u64);
    let timed = |runs: &dyn Fn()| {
        let started = Instant::now();
        runs();
        started.elapsed()
    };
    group.bench_function("hello", |bencher| {
        bencher.iter_custom(|runs| timed(&|| assert_eq!(in_c.run(runs), runs * GREETING.len() as u64)));
    });
    // Measured here, too, so that both are measured under the same load.
    group.bench_function("hello-rust", |bencher| {
        bencher.iter(|| black_box(in_rust.run(&request()).expect("it runs")));
    });
    // The median of the differences of each turn, so that other load on the machine, which falls on few turns, does not count.
    group.bench_function("boundary", |bencher| {
        bencher.iter_custom(|runs| {
            let mut turns: Vec<_> = (0..runs.div_ceil(TURN).max(3))
                .map(|_| {
                    let c = timed(&|| assert_eq!(in_c.run(TURN), TURN * GREETING.len() as u64));
                    let rust = timed(&|| {
                        for _ in 0..TURN {
                            black_box(in_rust.run(&request()).expect("it runs"));
                        }
                    });
                    c.as_secs_f64() - rust.as_secs_f64()
                })
                .collect();
            turns.sort_by(f64::total_cmp);
            let run = turns[turns.len() / 2] / TURN as f64;
            // Criterion refuses a time of zero.
            Duration::from_secs_f64((run * runs as f64).max(1e-9))
        });
    });
    group.finish();
}

/// Runs per turn of C or Rust: enough for each to warm its caches, and few enough that both run under the same load.
const TURN: u64 = 500;

criterion_group!(benches, hello);
criterion_main!(benches);
