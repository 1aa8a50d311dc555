//! Every library function that is not Luau's own, or has something in front of it, against the linked Luau's: the same
//! calls, made from a seed by `scripts/differential.lua`, have the same results and the same errors.
//!
//! `PERILUNE_CALLS=1000000 cargo test --release -p perilune --features floor --test differential -- --nocapture` for a long run, of so many
//! calls of each family; `PERILUNE_SEED=7` for others than those of every run.

#![allow(clippy::print_stderr, reason = "a long run says how long it was")]

use std::env;
use std::time::{Duration, Instant};

use perilune::floor::Floor;
use perilune::{Engine, Request, Script, Status};

const SOURCE: &str = include_str!("scripts/differential.lua");

/// Calls of each family in a run that asks for no other number.
const CALLS: u64 = 2000;

/// Calls of one script.
const BATCH: u64 = 2000;

/// As in `scripts/differential.lua`.
const FAMILIES: &[&str] = &[
    "find",
    "match",
    "gmatch",
    "gsub",
    "split",
    "format",
    "utf8",
    "move",
    "concat",
    "table_find",
    "unpack",
    "foreach",
    "sort",
    "tonumber",
    "rawset",
    "os",
    "guarded",
    "random",
];

fn number(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}: a number")))
}

/// What makes the calls; both sides must name it alike in errors.
fn source(call: &str) -> String {
    format!("local function run(...) {SOURCE}\nend\n{call}")
}

fn luau(family: &str, seed: u64, calls: u64, detailed: bool) -> Vec<u8> {
    let source = source(&format!("print(run('{family}', {seed}, {calls}, true, {detailed}))"));
    let printed = Floor::separate(&source).bare().to_vec();
    printed.strip_suffix(b"\n").map(<[u8]>::to_vec).expect("print ends with a newline")
}

struct Perilune(Script);

impl Perilune {
    fn new() -> Self {
        let engine = Engine::builder()
            .pool_size(1)
            .timeout(Duration::from_secs(600))
            .memory(256 << 20)
            .output(64 << 20)
            .build();
        let call = "io.write(run(GET.family, tonumber(GET.seed), tonumber(GET.calls), false, GET.detailed == 'true'))";
        Self(engine.compile("floor", source(call)).unwrap_or_else(|error| panic!("{error}")))
    }

    fn run(&self, family: &str, seed: u64, calls: u64, detailed: bool) -> Vec<u8> {
        let query = format!("family={family}&seed={seed}&calls={calls}&detailed={detailed}");
        let trace = self.0.run(&Request::new().query(&query)).expect("it runs");
        assert_eq!(trace.status, Status::Success, "{family}, seed {seed}: {}", trace.stderr_text());
        trace.stdout
    }

    /// The first calls that went differently, one a line.
    fn compare(&self, family: &str, seed: u64, calls: u64) -> Result<(), String> {
        if luau(family, seed, calls, false) == self.run(family, seed, calls, false) {
            return Ok(());
        }
        let (luau, perilune) = (luau(family, seed, calls, true), self.run(family, seed, calls, true));
        let (luau, perilune) = (String::from_utf8_lossy(&luau), String::from_utf8_lossy(&perilune));
        // Arguments may be handed over differently.
        let result = |line: &str| line.rsplit(" -> ").next().map(str::to_owned);
        let different =
            luau.lines().zip(perilune.lines()).filter(|(luau, perilune)| result(luau) != result(perilune));
        let different: Vec<String> = different
            .take(12)
            .map(|(luau, perilune)| format!("    Luau: {luau}\nPerilune: {perilune}"))
            .collect();
        Err(format!("{family}, seed {seed}:\n{}\n", different.join("\n")))
    }
}

#[test]
fn the_library_does_what_that_of_the_linked_luau_does() {
    let (calls, first) = (number("PERILUNE_CALLS", CALLS), number("PERILUNE_SEED", 1));
    let perilune = Perilune::new();
    let mut different = String::new();
    for family in FAMILIES {
        let begun = Instant::now();
        let mut batches = 0..calls.div_ceil(BATCH);
        if let Err(calls) = batches
            .try_for_each(|batch| perilune.compare(family, first * 1_000_000 + batch, BATCH.min(calls)))
        {
            different += &calls;
        }
        eprintln!("{family}: {calls} calls in {:.1?}", begun.elapsed());
    }
    assert!(different.is_empty(), "{different}");
}
