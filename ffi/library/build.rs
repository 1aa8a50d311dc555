//! Names the shared library for the loader: by the number of the ABI, which is that of `PERILUNE_ABI`.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libperilune.so.1");
    }
}
