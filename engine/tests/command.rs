//! The command: every option, every exit code, and what stands on stdout and stderr.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use serde_json::{Value, json};

/// Returns those of the request's tables that hold something.
const VIEW: &str = "
    local seen = {}
    for name, part in { get = GET, post = POST, config = CONFIG, meta = META } do
        seen[name] = if next(part) then part else nil
    end
    return seen";

const FILES: &[(&str, &[u8])] = &[
    ("view.lua", VIEW.as_bytes()),
    ("hello.v2.lua", b"print('Hello', ARGS.monster) warn('low') return 1"),
    ("fails.lua", b"print('so far')\nerror('boom\\nand more')"),
    ("endless.lua", b"while true do end"),
    ("moody.lua", b"if math.random() < 0.1 then error('moody') end"),
    ("random.lua", b"return math.random(1, 2^40)"),
    ("keeps.lua", b"local s = string.rep('x', 100 * 2^20) return #s"),
    ("prints.lua", b"print(string.rep('x', 700 * 1024))"),
    ("empty.lua", b""),
    ("requires.lua", b"return require('util').name .. require('a/b')"),
    ("util.lua", b"return {name = 'util'}"),
    ("letter.lua", b"return 'b'"),
    ("unfinished.lua", b"local a = 1\n\nlocal b = = 2\n"),
    ("unclosed.lua", b"while true do"),
    ("broken.lua", b"function a()\n  x = = 1\nend\n\nfunction b()\n  goto done\nend\nprnt(1)"),
    ("doubtful.lua", b"local n = 1\nif n == 1 then prnt(n) end\nreturn math.type(n)"),
    ("marked.lua", b"\xef\xbb\xbf#!/usr/bin/env -S perilune run\nreturn require('marked') .. '!'"),
    ("mark.lua", b"\xef\xbb\xbfreturn 'mark'"),
    ("latin.lua", b"-- one\nprint('\xe9')"),
    ("nul.lua", b"print('\0')"),
    ("body.json", br#"{"n": 1}"#),
    ("latin.json", b"{\"a\": \"\xe9\"}"),
];

/// The folder that the command runs in.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("command");
    fs::create_dir_all(folder.join("folder.lua")).expect("a folder");
    for (name, content) in FILES {
        fs::write(folder.join(name), content).expect("a file");
    }
    folder
});

#[derive(Debug)]
struct Done {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn command(arguments: &[impl AsRef<OsStr>]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_perilune"));
    command.args(arguments).current_dir(&*FOLDER);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[track_caller]
fn finish(mut command: Command, stdin: &[u8]) -> Done {
    let mut child = command.spawn().expect("it starts");
    // One that was refused its arguments does not read.
    let _ = child.stdin.take().expect("a pipe").write_all(stdin);
    let output = child.wait_with_output().expect("it ends");
    Done {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

#[track_caller]
fn perilune(arguments: &[&str]) -> Done {
    finish(command(arguments), b"")
}

/// The trace of a run that printed one, on one line, and nothing else.
#[track_caller]
fn trace(done: &Done, code: i32) -> Value {
    assert_eq!((done.code, done.stderr.as_str()), (Some(code), ""), "{done:?}");
    assert!(done.stdout.ends_with('\n') && done.stdout.lines().count() == 1, "{done:?}");
    serde_json::from_str(&done.stdout).expect("JSON")
}

#[test]
fn a_script_sees_no_time_zone_of_the_host() {
    let source = "local t = 1720970096
        return os.date('%H %Z %z', t), os.date('!%c', t), os.date('%c', t), os.time(os.date('*t', t)) == t";
    for zone in ["UTC", "America/New_York", "XYZ-9:30", ":/nowhere"] {
        let mut command = command(&["run", "-"]);
        command.env("TZ", zone).env("LC_ALL", "de_DE.UTF-8");
        let value = &trace(&finish(command, source.as_bytes()), 0)["result"]["value"];
        let text = "Sun Jul 14 15:14:56 2024";
        assert_eq!(*value, json!(["15 GMT +0000", text, text, true]), "{zone}");
    }
}

#[test]
fn files_may_begin_with_a_byte_order_mark_and_a_line_for_unix() {
    let done = perilune(&["run", "marked.lua", "--module", "marked=mark.lua"]);
    assert_eq!(trace(&done, 0)["result"]["value"], "mark!");
    let source = fs::read(FOLDER.join("mark.lua")).expect("it is there");
    assert_eq!(trace(&finish(command(&["run", "-"]), &source), 0)["result"]["value"], "mark");
    let done = perilune(&["check", "marked.lua", "mark.lua"]);
    assert_eq!((done.code, done.stdout + &done.stderr), (Some(0), String::new()));
}

#[test]
fn a_script_requires_the_modules_that_are_given() {
    let modules = ["--module", "util=util.lua", "--module", "a/b=letter.lua"];
    let done = perilune(&[&["run", "requires.lua"][..], &modules].concat());
    assert_eq!(trace(&done, 0)["result"]["value"], "utilb");
    let done = perilune(&["run", "requires.lua"]);
    assert_eq!(
        trace(&done, 1)["error"]["message"],
        "requires:1: there is no module 'util': the host registered none"
    );
    for (module, said) in [
        ("util=nowhere.lua", "perilune: can't read nowhere.lua: "),
        ("util=unfinished.lua", "unfinished.lua:3: "),
        (
            "util",
            "perilune: invalid value 'util' for '--module <NAME=FILE>': a = must stand between key and value",
        ),
    ] {
        let done = perilune(&["run", "requires.lua", "--module", module]);
        assert!(refused(&done).starts_with(said), "{done:?}");
    }
}

/// The one line of a command that was refused.
#[track_caller]
fn refused(done: &Done) -> &str {
    assert_eq!((done.code, done.stdout.as_str()), (Some(2), ""), "{done:?}");
    assert!(done.stderr.ends_with('\n') && done.stderr.lines().count() == 1, "{done:?}");
    done.stderr.trim_end()
}

#[test]
fn a_script_sees_what_the_options_say() {
    let cases: &[(&[&str], &str, Value)] = &[
        (&[], "", json!({})),
        (&["--query", "a=%20+&b=%zz&flag"], "", json!({"get": {"a": "  ", "b": "%zz", "flag": ""}})),
        (
            &["--get", "a=1", "--get", "b=x=%20+&y;ü", "--get", "=", "--get", "a=2"],
            "",
            json!({"get": {"a": "2", "b": "x=%20+&y;ü", "": ""}}),
        ),
        (
            &["--get", "a&+%3D=1", "--query", "a=q&b=q", "--get=-b=2", "--get", "b=get"],
            "",
            json!({"get": {"a&+%3D": "1", "a": "q", "b": "get", "-b": "2"}}),
        ),
        (&["--post", r#"{"a": [1, null]}"#], "", json!({"post": {"a": [1, null]}})),
        (&["--post", "@body.json"], "", json!({"post": {"n": 1}})),
        (&["--post", "-"], r#"{"in": 1}"#, json!({"post": {"in": 1}})),
        (&["--post", "-"], "", json!({})),
        (&["--post", ""], "", json!({})),
        (&["--form", "a=1&b=%26"], "", json!({"post": {"a": "1", "b": "&"}})),
        (&["--form", "@body.json"], "", json!({"post": {"@body.json": ""}})),
        (
            &["--config", r#"{"c": 1}"#, "--meta", r#"{"m": true}"#],
            "",
            json!({"config": {"c": 1}, "meta": {"m": true}}),
        ),
        (
            &["--config", "@body.json", "--meta", "-"],
            r#"{"in": 1}"#,
            json!({"config": {"n": 1}, "meta": {"in": 1}}),
        ),
        (
            &["--config", "-", "--meta", "@body.json"],
            r#"{"in": 1}"#,
            json!({"config": {"in": 1}, "meta": {"n": 1}}),
        ),
    ];
    for (options, stdin, expected) in cases {
        let before = [&["run"], *options, &["view.lua"]].concat();
        let after = [&["run", "view.lua"], *options].concat();
        for arguments in [before, after] {
            let trace = trace(&finish(command(&arguments), stdin.as_bytes()), 0);
            assert_eq!(trace["result"]["value"], *expected, "{arguments:?}");
        }
    }
}

#[test]
fn a_trace_is_one_line_with_the_seeds_keys_first() {
    let done = perilune(&["run", "hello.v2.lua", "--get", "monster=Manticore"]);
    let trace = trace(&done, 0);
    let keys =
        [r#"{"status":"success","duration":"#, r#","result":{"#, r#"},"executed_at":""#, r#"","id":1,"#];
    let mut rest = done.stdout.as_str();
    for (at, key) in keys.into_iter().enumerate() {
        let found = rest.find(key).unwrap_or_else(|| panic!("{key} is not in its place in {}", done.stdout));
        assert!(at > 0 || found == 0, "{}", done.stdout);
        rest = &rest[found + key.len()..];
    }
    assert_eq!(trace["result"], json!({"stderr": "low\n", "stdout": "Hello\tManticore\n", "value": 1}));
    assert_eq!(trace["script"], "hello.v2");
}

#[test]
fn a_script_from_stdin_is_called_so() {
    let done = finish(command(&["run", "-", "--post", r#"{"n": 2}"#]), b"print(POST.n)\nerror('no')");
    let trace = trace(&done, 1);
    assert_eq!(trace["script"], "stdin");
    assert_eq!(trace["error"]["message"], "stdin:2: no");
    assert_eq!(trace["result"]["stdout"], "2\n");
}

#[test]
fn another_status_exits_with_1_and_its_trace() {
    let cases: &[(&[&str], &str, &str)] = &[
        (&["fails.lua"], "failure", "fails:2: boom\nand more"),
        (&["endless.lua", "--timeout", "20"], "timeout", "the run did not end within its timeout of 20 ms"),
        (&["keeps.lua"], "memory_limit", "the run needed more memory than its limit of 67108864 bytes"),
        (
            &["keeps.lua", "--memory", "1MiB"],
            "memory_limit",
            "the run needed more memory than its limit of 1048576 bytes",
        ),
        (&["empty.lua", "--timeout", "0"], "timeout", "the run did not end within its timeout of 0 ms"),
        (
            &["view.lua", "--memory", "0"],
            "memory_limit",
            "the run needed more memory than its limit of 0 bytes",
        ),
    ];
    for (arguments, status, message) in cases {
        let trace = trace(&perilune(&[&["run"], *arguments].concat()), 1);
        assert_eq!(trace["status"], *status, "{arguments:?}");
        assert_eq!(trace["error"]["message"], *message, "{arguments:?}");
    }
}

#[test]
fn limits_can_be_above_the_default() {
    let largest = u64::MAX.to_string();
    let cases: &[(&[&str], Value)] = &[
        (&["keeps.lua", "--memory", "256MiB"], json!({"stderr": "", "stdout": "", "value": 100 << 20})),
        (&["empty.lua", "--timeout", &largest, "--memory", &largest, "--output", &largest], {
            json!({"stderr": "", "stdout": ""})
        }),
    ];
    for (arguments, result) in cases {
        assert_eq!(trace(&perilune(&[&["run"], *arguments].concat()), 0)["result"], *result, "{arguments:?}");
    }
    for (output, length) in [(None, 512 << 10), (Some("1 MiB"), (700 << 10) + 1), (Some("10"), 10)] {
        let mut arguments = vec!["run", "prints.lua"];
        arguments.extend(output.map(|output| ["--output", output]).into_iter().flatten());
        let trace = trace(&perilune(&arguments), 0);
        assert_eq!(trace["result"]["stdout"].as_str().map(str::len), Some(length), "{output:?}");
        assert_eq!(trace["result"]["stdout_truncated"] == true, output != Some("1 MiB"), "{output:?}");
    }
}

#[test]
fn a_seed_repeats_the_numbers() {
    let number =
        |seed| trace(&perilune(&["run", "random.lua", "--seed", seed]), 0)["result"]["value"].clone();
    assert_eq!(number("7"), number("7"));
    assert_ne!(number("7"), number("18446744073709551615"));
}

#[test]
fn what_can_not_be_run_is_one_line() {
    let twice = "perilune: stdin can be read once: give - in one place, files in the others";
    // A case that ends in … is compared to that point: what follows is the system's.
    let cases: &[(&[&str], &str)] = &[
        // Usage.
        (
            &[],
            "perilune: 'perilune' requires a subcommand but one was not provided [subcommands: run, check, bench, \
             help]; see --help",
        ),
        (&["frob"], "perilune: unrecognized subcommand 'frob'; see --help"),
        (&["run"], "perilune: the following required arguments were not provided: <FILE|->; see --help"),
        (&["check"], "perilune: the following required arguments were not provided: <FILE>...; see --help"),
        (&["bench"], "perilune: the following required arguments were not provided: <FILE|->; see --help"),
        (&["run", ""], "perilune: a value is required for '<FILE|->' but none was supplied; see --help"),
        (&["run", "view.lua", "empty.lua"], "perilune: unexpected argument 'empty.lua' found; see --help"),
        (
            &["run", "view.lua", "--pst", "{}"],
            "perilune: unexpected argument '--pst' found; tip: a similar argument exists: '--post'; see --help",
        ),
        (&["run", "view.lua", "--seconds\n\nUsage: 1"], "perilune: unexpected argument '--seconds…"),
        (
            &["run", "view.lua", "--seed", "1", "--seed", "2"],
            "perilune: the argument '--seed <N>' cannot be used multiple times; see --help",
        ),
        (
            &["run", "view.lua", "--post", "{}", "--form", "a"],
            "perilune: the argument '--post <JSON|@FILE|->' cannot be used with '--form <FORM>'; see --help",
        ),
        (
            &["run", "view.lua", "--get", "monster"],
            "perilune: invalid value 'monster' for '--get <K=V>': a = must stand between key and value, as in \
             monster=1; see --help",
        ),
        (
            &["run", "view.lua", "--get"],
            "perilune: a value is required for '--get <K=V>' but none was supplied; see --help",
        ),
        (
            &["run", "view.lua", "--seed", "-1"],
            "perilune: invalid value '-1' for '--seed <N>': give a whole number from 0 to 18446744073709551615; see \
             --help",
        ),
        (
            &["run", "view.lua", "--timeout", "1s"],
            "perilune: invalid value '1s' for '--timeout <MS>': give a whole number from 0 to \
             18446744073709551615; see --help",
        ),
        (
            &["run", "view.lua", "--memory", "64 parsecs"],
            "perilune: invalid value '64 parsecs' for '--memory <BYTES>': \"64 parsecs\" is not a size in bytes: \
             give a whole number, or one with KiB, MiB or GiB behind it; see --help",
        ),
        (
            &["run", "view.lua", "--memory", "99999999999GiB"],
            "perilune: invalid value '99999999999GiB' for '--memory…",
        ),
        (
            &["run", "view.lua", "--output", "-1"],
            "perilune: invalid value '-1' for '--output <BYTES>': \"-1\" is…",
        ),
        (
            &["run", "view.lua", "--post", "@"],
            "perilune: invalid value '@' for '--post <JSON|@FILE|->': a file's name must follow the @; see --help",
        ),
        (
            &["bench", "view.lua", "--seconds", "0"],
            "perilune: invalid value '0' for '--seconds <S>': give a number of seconds above 0, such as 0.5 or 10; \
             see --help",
        ),
        (
            &["bench", "view.lua", "--seconds", "-1"],
            "perilune: invalid value '-1' for '--seconds <S>': give…",
        ),
        (
            &["bench", "view.lua", "--seconds", "nan"],
            "perilune: invalid value 'nan' for '--seconds <S>': give…",
        ),
        (
            &["bench", "view.lua", "--seconds", "1e99"],
            "perilune: invalid value '1e99' for '--seconds <S>': give…",
        ),
        (&["run", "-", "--post", "-"], twice),
        (&["run", "-", "--config", "-"], twice),
        (&["bench", "-", "--meta", "-"], twice),
        (&["run", "missing.lua", "--post", "-", "--meta", "-"], twice),
        (&["check", "-", "empty.lua", "-"], twice),
        // Files.
        (&["run", "missing.lua"], "perilune: can't read missing.lua: …"),
        (&["run", "missing\n\u{1b}[31m.lua"], "perilune: can't read missing  [31m.lua: …"),
        (&["bench", "missing.lua"], "perilune: can't read missing.lua: …"),
        (&["check", "missing.lua"], "perilune: can't read missing.lua: …"),
        (&["run", "folder.lua"], "perilune: can't read folder.lua: …"),
        (&["run", "view.lua", "--post", "@missing.json"], "perilune: can't read missing.json: …"),
        (&["run", "view.lua", "--config", "@folder.lua"], "perilune: can't read folder.lua: …"),
        // Scripts.
        (
            &["run", "unfinished.lua"],
            "unfinished.lua:3: Expected identifier when parsing expression, got '='",
        ),
        (
            &["bench", "./unfinished.lua"],
            "./unfinished.lua:3: Expected identifier when parsing expression, got '='",
        ),
        (&["run", "latin.lua"], "latin.lua:2: the source is not UTF-8"),
        (&["run", "nul.lua"], "nul.lua:1: the source has a NUL byte"),
        // Payloads.
        (
            &["run", "view.lua", "--post", "[1]"],
            "perilune: POST: JSON parse error - Expecting object: line 1 column 1 (char 0)",
        ),
        (&["run", "view.lua", "--post", "nonsense"], "perilune: POST: JSON parse error - …"),
        (&["run", "view.lua", "--post", "@latin.json"], "perilune: POST: JSON parse error - …"),
        (&["run", "view.lua", "--config", "{"], "perilune: CONFIG: JSON parse error - …"),
        (&["run", "view.lua", "--meta", "{\n\"a\" 1}"], "perilune: META: JSON parse error - …"),
        (&["bench", "view.lua", "--post", "{"], "perilune: POST: JSON parse error - …"),
        (&["run", "view.lua", "--post", "@-"], "perilune: can't read -: …"),
    ];
    for (arguments, expected) in cases {
        let done = perilune(arguments);
        let line = refused(&done);
        match expected.strip_suffix('…') {
            Some(start) => assert!(line.starts_with(start), "{arguments:?}: {line}"),
            None => assert_eq!(line, *expected, "{arguments:?}"),
        }
    }

    let large = format!("a={}", "x".repeat(64 << 10));
    let many = [&["run", "view.lua"][..], &["--get", &large].repeat(9)].concat();
    assert_eq!(refused(&perilune(&many)), "perilune: Request size limit exceeded (524288).");
    let done = finish(command(&["run", "-"]), b"local = 1");
    assert!(refused(&done).starts_with("stdin:1: "), "{done:?}");
}

#[test]
fn check_looks_at_every_file() {
    let done = perilune(&["check", "view.lua", "empty.lua", "endless.lua"]);
    assert_eq!((done.code, done.stdout.as_str(), done.stderr.as_str()), (Some(0), "", ""));
    let done = finish(command(&["check", "-"]), VIEW.as_bytes());
    assert_eq!((done.code, done.stdout.as_str(), done.stderr.as_str()), (Some(0), "", ""));

    let absolute = FOLDER.join("latin.lua").to_str().expect("UTF-8").to_owned();
    let done = perilune(&[
        "check",
        "unfinished.lua",
        "view.lua",
        "missing.lua",
        "./unclosed.lua",
        &absolute,
        "empty.lua",
    ]);
    assert_eq!((done.code, done.stdout.as_str()), (Some(2), ""), "{done:?}");
    let expected = [
        "unfinished.lua:3: Expected identifier when parsing expression, got '='",
        "perilune: can't read missing.lua: ",
        "./unclosed.lua:1: Expected 'end'",
        &format!("{absolute}:2: the source is not UTF-8"),
    ];
    assert_eq!(done.stderr.lines().count(), expected.len(), "{done:?}");
    for (line, start) in done.stderr.lines().zip(expected) {
        assert!(line.starts_with(start), "{line}");
    }
}

#[test]
fn check_tells_every_error_and_warns_where_there_is_none() {
    let done = perilune(&["check", "doubtful.lua"]);
    let warnings = "\
doubtful.lua:2: warning: prnt is not there: did you mean print?
doubtful.lua:3: warning: math.type is not in Luau: all numbers are doubles; use x % 1 == 0
";
    assert_eq!((done.code, done.stdout.as_str(), done.stderr.as_str()), (Some(0), "", warnings));
    let done = perilune(&["check", "--deny-warnings", "doubtful.lua"]);
    assert_eq!((done.code, done.stderr.as_str()), (Some(1), warnings));
    let done = perilune(&["check", "--deny-warnings", "empty.lua"]);
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""));
    let done = perilune(&["check", "--deny-warnings", "doubtful.lua", "broken.lua", "doubtful.lua"]);
    assert_eq!(done.code, Some(2));
    let done = perilune(&["check", "--format", "json", "broken.lua", "doubtful.lua"]);
    let objects: Vec<serde_json::Value> =
        done.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let places = objects.iter().map(|object| {
        (
            object["file"].as_str(),
            object["line"].as_u64(),
            object["column"].as_u64(),
            object["severity"].as_str(),
        )
    });
    let expected = [
        (Some("broken.lua"), Some(2), Some(7), Some("error")),
        (Some("broken.lua"), Some(6), Some(3), Some("error")),
        (Some("doubtful.lua"), Some(2), Some(16), Some("warning")),
        (Some("doubtful.lua"), Some(3), Some(8), Some("warning")),
    ];
    assert_eq!((done.code, done.stderr.as_str()), (Some(2), ""));
    assert_eq!(Vec::from_iter(places), expected);
    assert_eq!(objects[2]["message"], "prnt is not there: did you mean print?");
    let done = perilune(&["check", "broken.lua", "doubtful.lua"]);
    let errors = "\
broken.lua:2: Expected identifier when parsing expression, got '='
broken.lua:6: Incomplete statement: expected assignment or a function call (Luau has no goto: use continue, break or a \
                  function)
";
    assert_eq!((done.code, done.stdout.as_str()), (Some(2), ""), "{done:?}");
    assert_eq!(done.stderr, [errors, warnings].concat());
    let done = finish(command(&["check", "-"]), b"prnt(1)");
    assert_eq!(
        (done.code, done.stderr.as_str()),
        (Some(0), "stdin:1: warning: prnt is not there: did you mean print?\n")
    );
}

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

#[test]
fn help_and_version_go_to_stdout() {
    let run = [
        "--query",
        "--get",
        "--post",
        "--form",
        "--config",
        "--meta",
        "--seed",
        "--timeout",
        "--memory",
        "--output",
        "<FILE|->",
        "Exit code",
    ];
    let cases: &[(&[&str], &[&str])] = &[
        (&["--version"], &[concat!("perilune ", env!("CARGO_PKG_VERSION"), "\n")]),
        (&["--help"], &["run", "check", "bench"]),
        (&["run", "--help"], &run),
        (&["bench", "--help"], &[&run[..], &["--seconds"]].concat()),
        (
            &["check", "-h"],
            &["<FILE>...", "FILE:LINE: REASON", "FILE:LINE: warning: ", "Exit code: 0 all compile"],
        ),
    ];
    for (arguments, parts) in cases {
        let done = perilune(arguments);
        assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""), "{arguments:?}");
        for part in *parts {
            assert!(done.stdout.contains(part), "{part} is not in {}", done.stdout);
        }
    }
}

/// As in `perilune … | head`.
#[test]
fn a_reader_that_has_gone_is_no_error() {
    let cases: &[(&[&str], i32)] = &[
        (&["run", "prints.lua"], 0),
        (&["run", "fails.lua"], 1),
        (&["run", "missing.lua"], 2),
        (&["bench", "empty.lua", "--seconds", "0.01"], 0),
        (&["run", "--help"], 0),
    ];
    for (arguments, code) in cases {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = command(arguments);
        command.stdout(writer);
        let done = finish(command, b"");
        assert_eq!(done.code, Some(*code), "{arguments:?}: {done:?}");
        assert_eq!(done.stderr.lines().count(), usize::from(*code == 2), "{arguments:?}: {done:?}");

        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = self::command(arguments);
        command.stderr(writer);
        assert_eq!(finish(command, b"").code, Some(*code), "{arguments:?}");
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::{self, File};
    use std::os::unix::ffi::OsStrExt;

    use super::{FOLDER, OsStr, command, finish, refused, trace};

    #[test]
    fn a_full_disk_is_told() {
        let mut command = command(&["run", "empty.lua"]);
        command.stdout(File::options().write(true).open("/dev/full").expect("it is there"));
        let done = finish(command, b"");
        assert!(refused(&done).starts_with("perilune: can't write to stdout: "), "{done:?}");
    }

    #[test]
    fn names_and_arguments_need_not_be_utf8() {
        let name = OsStr::from_bytes(b"m\xfen.lua");
        fs::write(FOLDER.join(name), "error('x')").expect("a file");
        let trace = trace(&finish(command(&[OsStr::new("run"), name]), b""), 1);
        assert_eq!(trace["error"]["message"], "m\u{fffd}n:1: x");

        let query = OsStr::from_bytes(b"a=\xfe");
        let arguments = [OsStr::new("run"), OsStr::new("view.lua"), OsStr::new("--query"), query];
        let done = finish(command(&arguments), b"");
        assert_eq!(
            refused(&done),
            "perilune: invalid UTF-8 was detected in one or more arguments; see --help"
        );
    }
}
