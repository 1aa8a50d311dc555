//! Compiles the part of the bench `ffi` that is in C.

fn main() {
    println!("cargo::rerun-if-changed=benches/ffi.c");
    println!("cargo::rerun-if-changed=../include/perilune.h");
    cc::Build::new().file("benches/ffi.c").include("../include").compile("bench_ffi");
}
