//! `perilune run`.

use std::fs;

use serde_json::{Value, json};

use crate::{FOLDER, command, finish, perilune, refused, trace};

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
fn runs_in_workers_come_to_the_same() {
    for (file, code) in [("hello.v2.lua", 0), ("fails.lua", 1), ("keeps.lua", 1), ("unfinished.lua", 2)] {
        let view = |isolation: &str| {
            let done = perilune(&["run", "--isolation", isolation, file]);
            assert_eq!(done.code, Some(code), "{done:?}");
            let trace = serde_json::from_str::<Value>(&done.stdout).unwrap_or_default();
            let [status, result, error] = ["status", "result", "error"].map(|part| trace[part].clone());
            (status, result, error, done.stderr)
        };
        assert_eq!(view("process"), view("none"), "{file}");
    }
}
