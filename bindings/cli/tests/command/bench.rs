//! `perilune bench`.

use crate::perilune;

#[test]
fn bench_prints_a_histogram() {
    let done = perilune(&["bench", "hello.v2.lua", "--get", "monster=Manticore", "--seconds", "0.01"]);
    // No progress either: stderr is no terminal.
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""), "{done:?}");
    assert!(done.stdout.starts_with("hello.v2.lua: "), "{done:?}");
    assert!(done.stdout.contains(" runs per second on one thread\n"), "{done:?}");
    assert!(done.stdout.contains("  ########################################  "), "{done:?}");
    for name in ["p50", "p90", "p99", "p99.9", "max"] {
        let line = done.stdout.lines().find(|line| line.split_whitespace().next() == Some(name));
        let unit = line.and_then(|line| line.split_whitespace().nth(2));
        assert!(matches!(unit, Some("ns" | "µs" | "ms" | "s")), "{name}: {done:?}");
    }
}

#[test]
fn bench_says_which_runs_failed() {
    let done = perilune(&["bench", "fails.lua", "--seconds", "0.01"]);
    assert_eq!((done.code, done.stdout.as_str()), (Some(1), ""), "{done:?}");
    let (count, rest) = done.stderr.split_once(" runs did not succeed, the first with ").expect("the line");
    let (failed, runs) =
        count.strip_prefix("fails.lua: ").and_then(|count| count.split_once(" of ")).expect("both");
    assert_eq!(failed, runs);
    assert_eq!(rest, "failure: fails:2: boom; nothing was measured\n");

    let done = perilune(&["bench", "endless.lua", "--timeout", "5", "--seconds", "0.01"]);
    assert_eq!((done.code, done.stdout.as_str()), (Some(1), ""), "{done:?}");
    let end =
        "the first with timeout: the run did not end within its timeout of 5 ms; nothing was measured\n";
    assert!(done.stderr.ends_with(end), "{done:?}");

    // A script that fails now and then is measured.
    let done = perilune(&["bench", "moody.lua", "--seconds", "0.3"]);
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(done.stdout.contains("p99.9"), "{done:?}");
    assert!(done.stderr.ends_with(" did not succeed, the first with failure: moody:1: moody\n"), "{done:?}");
    assert_eq!(done.stderr.lines().count(), 1, "{done:?}");
}
