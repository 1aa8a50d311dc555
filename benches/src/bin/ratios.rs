//! Reads what the last `cargo bench -p perilune-benches` measured, and prints each median beside the one it is
//! compared with.

#![allow(clippy::print_stdout, reason = "a table is what it makes")]

use std::path::Path;

/// What is compared with what; the ratio is the first to the second.
const PAIRS: &[(&str, &str)] = &[
    ("run/hello", "floor/raw-isolated"),
    ("run/hello", "floor/bare-pcall"),
    ("run/nop", "run/hello"),
    ("run/value", "run/hello"),
    ("fresh/vm", "run/hello"),
    ("payload/100", "payload-floor/100"),
    ("payload/10k", "payload-floor/10k"),
    ("payload/100k", "payload-floor/100k"),
    ("limits/loop-armed", "limits/loop-bare"),
    ("parallel/2", "parallel/1"),
    ("ffi/hello", "run/hello"),
    ("ffi/hello", "ffi/hello-rust"),
    ("host/add", "host/lua-c-function"),
    ("host/text", "host/lua-c-function"),
    ("host/ready", "host/add"),
    ("host/waits", "host/ready"),
    ("batch/1000", "batch/1000-single"),
    ("isolated/hello", "isolated/hello-here"),
    ("isolated/batch-1000", "isolated/batch-1000-here"),
    ("isolated/calls-1000", "isolated/calls-1000-here"),
    ("isolated/hello-after-rest", "isolated/hello-here"),
    ("isolated/start", "isolated/hello-here"),
    ("scripts/named-10k", "run/hello"),
    ("scripts/named-10k-all", "run/hello"),
];

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/criterion");
    println!("| what | median | against | median | ratio |\n| --- | ---: | --- | ---: | ---: |");
    for (what, against) in PAIRS {
        if let (Some(a), Some(b)) = (median(&folder, what), median(&folder, against)) {
            println!("| `{what}` | {} | `{against}` | {} | {:.2} |", shown(a), shown(b), a / b);
        }
    }
}

/// The median of a bench, in nanoseconds, if it was measured.
fn median(folder: &Path, id: &str) -> Option<f64> {
    let text = std::fs::read(folder.join(id).join("new/estimates.json")).ok()?;
    let estimates: serde_json::Value = serde_json::from_slice(&text).ok()?;
    estimates.pointer("/median/point_estimate")?.as_f64()
}

fn shown(nanoseconds: f64) -> String {
    match nanoseconds {
        ns if ns < 1e3 => format!("{ns:.0} ns"),
        ns if ns < 1e6 => format!("{:.2} µs", ns / 1e3),
        ns => format!("{:.2} ms", ns / 1e6),
    }
}
