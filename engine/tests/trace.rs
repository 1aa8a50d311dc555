//! What a run hands back: every field, its JSON form, and how errors are reported.

mod common;

use std::fmt;
use std::time::{Duration, Instant, SystemTime};

use common::{assert_success, json, run, run_in, run_with, text};
use perilune::{ErrorKind, Request, RunLimits, Status, Trace};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// The members of an object, in the order of the text.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

#[track_caller]
fn members(text: &str) -> Vec<(String, Box<RawValue>)> {
    serde_json::from_str::<Members>(text).expect("an object").0
}

#[track_caller]
fn keys(text: &str) -> Vec<String> {
    members(text).into_iter().map(|(key, _)| key).collect()
}

/// The keys of an object within the JSON of a trace.
#[track_caller]
fn keys_of(trace: &Trace, member: &str) -> Vec<String> {
    let (_, part) =
        members(&trace.to_json()).into_iter().find(|(key, _)| key == member).expect("it is there");
    keys(part.get())
}

#[test]
fn a_run_that_says_nothing_has_the_seeds_keys_first() {
    let trace = run("");
    let found = keys(&trace.to_json());
    assert_eq!(
        found,
        ["status", "duration", "result", "executed_at", "id", "duration_ns", "script", "version", "usage"]
    );
    assert_eq!(keys_of(&trace, "result"), ["stderr", "stdout"]);
    let whole = json(&trace.to_json());
    assert_eq!(whole["result"], json(r#"{"stderr":"","stdout":""}"#));
}

#[test]
fn keys_appear_when_they_hold_something() {
    let limits = RunLimits { output: Some(3), ..RunLimits::default() };
    let request = Request::new().limits(limits);
    let trace = common::run_with("print('long') warn('long') return 1", &request);
    assert_eq!(
        keys_of(&trace, "result"),
        ["stderr", "stdout", "stdout_truncated", "stderr_truncated", "value"]
    );
    let whole = json(&trace.to_json());
    assert_eq!(whole["result"]["stdout_truncated"], true);
    assert_eq!(whole["result"]["value"], 1);
    assert!(!keys(&trace.to_json()).contains(&"error".to_owned()));

    let trace = run("error('x')");
    assert!(keys(&trace.to_json()).contains(&"error".to_owned()));
    assert_eq!(keys_of(&trace, "error"), ["kind", "message", "script", "line", "traceback"]);
    let whole = json(&trace.to_json());
    assert_eq!(whole["status"], "failure");
    assert_eq!(whole["error"]["kind"], "runtime");
    assert_eq!(whole["error"]["message"], "test:1: x");
    assert_eq!(whole["error"]["script"], "test");
    assert_eq!(whole["error"]["line"], 1);
    // The value of a nil that was returned is there, of nothing it is not.
    assert_eq!(keys_of(&run("return nil"), "result"), ["stderr", "stdout", "value"]);
}

#[test]
fn the_json_form_says_what_the_fields_say() {
    let source = "print('out', 1) warn('err') return {a = {1, 2.5}}";
    let trace = run(source);
    assert_success(&trace, source);
    let line = trace.to_json();
    assert!(!line.contains('\n'));
    let whole = json(&line);
    assert_eq!(whole["id"], trace.id);
    assert_eq!(whole["status"], "success");
    assert_eq!(whole["duration"], Value::from(trace.duration.as_millis() as u64));
    assert_eq!(whole["duration_ns"], Value::from(trace.duration.as_nanos() as u64));
    assert_eq!(whole["result"]["stdout"], "out\t1\n");
    assert_eq!(whole["result"]["stderr"], "err\n");
    assert_eq!(whole["result"]["value"], json(r#"{"a":[1,2.5]}"#));
    assert_eq!(whole["script"], "test");
    assert_eq!(whole["version"], trace.version);
    assert_eq!(whole["usage"]["memory_bytes"], Value::from(trace.usage.memory_bytes));
    assert_eq!(trace.stdout, b"out\t1\n");
    assert_eq!((trace.stdout_text(), trace.stderr_text()), ("out\t1\n".into(), "err\n".into()));
    assert_eq!((&*trace.script, trace.ok(), trace.error), ("test", true, None));
}

#[test]
fn bytes_that_are_not_utf8_stay_in_the_fields_and_become_u_fffd_as_text() {
    let trace = run("io.write('a\\255b') io.stderr:write('\\xC3')");
    assert_eq!((&*trace.stdout, &*trace.stderr), (&b"a\xffb"[..], &b"\xc3"[..]));
    let whole = json(&trace.to_json());
    assert_eq!(whole["result"]["stdout"], "a\u{fffd}b");
    assert_eq!(whole["result"]["stderr"], "\u{fffd}");
}

#[test]
fn ids_count_from_1_per_engine() {
    let (one, other) = (common::builder().pool_size(1).build(), common::builder().pool_size(1).build());
    let source = "return 1";
    let (a, b) = (one.compile("a", source).expect("a"), one.clone().compile("b", "error('x')").expect("b"));
    let c = other.compile("c", source).expect("c");
    for round in 0..3 {
        assert_eq!(a.run(&Request::new()).expect("it runs").id, 2 * round + 1);
        assert_eq!(b.run(&Request::new()).expect("it runs").id, 2 * round + 2);
        assert_eq!(c.run(&Request::new()).expect("it runs").id, round + 1);
    }
}

#[test]
fn executed_at_is_utc_with_six_digits() {
    let micros =
        |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_micros();
    for _ in 0..20 {
        let before = SystemTime::now();
        let trace = run("");
        let after = SystemTime::now();
        let whole = json(&trace.to_json());
        let text = whole["executed_at"].as_str().expect("text");
        let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        assert_eq!(shape, "0000-00-00T00:00:00.000000Z");
        let read = humantime::parse_rfc3339(text).expect("a time");
        assert_eq!(micros(read), micros(trace.executed_at));
        assert!(micros(before) <= micros(read) && micros(read) <= micros(after), "{text}");
    }
}

#[test]
fn duration_is_as_long_as_the_run_and_no_longer_than_the_call() {
    let engine = common::builder().pool_size(1).build();
    let inside = Duration::from_millis(20);
    engine
        .function("sleep", move |_| {
            std::thread::sleep(inside);
            Ok(())
        })
        .expect("a name");
    let began = Instant::now();
    let trace = run_in(&engine, "host.sleep() host.sleep()", &Request::new());
    assert!(2 * inside <= trace.duration && trace.duration <= began.elapsed(), "{:?}", trace.duration);
}

#[test]
fn usage_tells_the_growth_of_the_heap() {
    let engine = common::builder().pool_size(1).build();
    let small = run_in(&engine, "return 1", &Request::new()).usage;
    let large = run_in(&engine, "local s = string.rep('x', 8 * 2^20) return #s", &Request::new()).usage;
    assert!(small.memory_bytes < 1 << 20, "{}", small.memory_bytes);
    assert!((8 << 20..=64 << 20).contains(&large.memory_bytes), "{}", large.memory_bytes);
    assert_eq!(small.queued, Duration::ZERO);
    let after = run_in(&engine, "return 1", &Request::new()).usage;
    assert!(after.memory_bytes < 1 << 20, "growth is a run's own: {}", after.memory_bytes);
}

#[test]
fn statuses_and_kinds_have_the_contracts_names() {
    for (kind, status, name) in [
        (ErrorKind::Runtime, Status::Failure, "runtime"),
        (ErrorKind::Value, Status::Failure, "value"),
        (ErrorKind::HostCalls, Status::Failure, "host_calls"),
        (ErrorKind::Cancelled, Status::Cancelled, "cancelled"),
        (ErrorKind::Timeout, Status::Timeout, "timeout"),
        (ErrorKind::MemoryLimit, Status::MemoryLimit, "memory_limit"),
        (ErrorKind::QueueTimeout, Status::QueueTimeout, "queue_timeout"),
    ] {
        assert_eq!((kind.status(), kind.as_str()), (status, name));
    }
    assert_eq!(format!("{} {}", Status::Success, Status::Failure), "success failure");
}

/// A script that fails, its message, and its line.
const ERRORS: &[(&str, &str, Option<u32>)] = &[
    ("error('boom')", "test:1: boom", Some(1)),
    ("\n\nerror('boom')", "test:3: boom", Some(3)),
    ("\nerror('boom', 0)", "boom", Some(2)),
    ("local function f() error('boom', 2) end\n\nf()", "test:3: boom", Some(3)),
    ("local function f()\nerror('boom')\nend\n\nf()", "test:2: boom", Some(2)),
    ("\nlocal x = nil\nx.y = 1", "test:3: attempt to index nil with 'y'", Some(3)),
    ("\nreturn 1 + {}", "test:2: attempt to perform arithmetic (add) on number and table", Some(2)),
    ("\nmissing()", "test:2: attempt to call a nil value (global 'missing')", Some(2)),
    ("\nreturn 1 < 'x'", "test:2: attempt to compare number < string", Some(2)),
    ("\nassert(false, 'no')", "test:2: no", Some(2)),
    ("\nassert(nil)", "test:2: assertion failed!", Some(2)),
    ("\nstring.rep()", "test:2: missing argument #1 to 'rep' (string expected)", Some(2)),
    ("\nerror()", "error value is a nil", Some(2)),
    ("\nerror(nil)", "error value is a nil", Some(2)),
    ("\nerror(42)", "test:2: 42", Some(2)),
    ("\nerror(true)", "error value is a boolean", Some(2)),
    ("\nerror({code = 7})", "error value is a table: {\"code\":7}", Some(2)),
    ("\nerror({print})", "error value is a table", Some(2)),
    ("\nerror(print)", "error value is a function", Some(2)),
    ("\nerror(coroutine.create(print))", "error value is a thread", Some(2)),
    ("\nerror(buffer.create(1))", "error value is a buffer", Some(2)),
    ("\nerror(json.null)", "null", Some(2)),
    ("\nerror(setmetatable({}, {__tostring = function() return 'told' end}))", "told", Some(2)),
    (
        "\nerror(setmetatable({}, {__tostring = function() return 1 end}))",
        "error value is a table: {} (its __tostring returned no string: its type is number)",
        Some(2),
    ),
    ("\nerror('\\255')", "test:2: \u{fffd}", Some(2)),
    ("\nerror('a\\nb')", "test:2: a\nb", Some(2)),
    ("\nerror('')", "test:2: ", Some(2)),
    ("local c = coroutine.wrap(function()\nerror('inside') end)\n\nc()", "test:4: test:2: inside", Some(4)),
    ("\ncoroutine.yield()", "attempt to yield across metamethod/C-call boundary", Some(2)),
];

#[test]
fn an_uncaught_error_is_reported_in_the_trace_and_in_stderr() {
    for (source, message, line) in ERRORS {
        let trace = run(source);
        let Some(error) = &trace.error else { panic!("no error: {source}") };
        assert_eq!((trace.status, error.kind), (Status::Failure, ErrorKind::Runtime), "{source}");
        assert_eq!(error.message, *message, "{source}");
        assert_eq!((error.script.as_deref(), error.line), (Some("test"), *line), "{source}: {error:?}");
        let calls = error.traceback.lines().flat_map(|call| ["\t", call, "\n"]).collect::<String>();
        assert!(!calls.is_empty(), "{source} has no traceback");
        assert_eq!(trace.stderr_text(), format!("{message}\nstack traceback:\n{calls}"), "{source}");
        assert_eq!(trace.value, None);
    }
}

/// What the `__tostring` of an error does, and what is reported of it.
const FAILING_TOSTRING: &[(&str, &str)] = &[
    ("return 1", "(its __tostring returned no string: its type is number)"),
    ("", "(its __tostring returned no string: its type is nil)"),
    ("error('worse')", "(its __tostring failed: test:2: worse)"),
    ("error('worse', 0)", "(its __tostring failed: worse)"),
    ("error(e)", "(its __tostring failed: error value is a table: {\"code\":7})"),
    ("error({worse = true})", "(its __tostring failed: error value is a table: {\"worse\":true})"),
    ("error()", "(its __tostring failed: error value is a nil)"),
    ("error(string.rep('x', 2^20), 0)", "x… (1048576 bytes))"),
    ("return e.no.such.field", "(its __tostring failed: test:2: attempt to index nil with 'such')"),
    ("return tostring(e)", "(its __tostring failed: C stack overflow)"),
    ("return '' .. tostring(e)", "(its __tostring failed: "),
    (
        "coroutine.yield() return 'x'",
        "(its __tostring failed: attempt to yield across metamethod/C-call boundary)",
    ),
    ("return string.rep('x', 2^30)", "(its __tostring failed: not enough memory)"),
    ("local t = {} for i = 1, 2^30 do t[i] = {i} end", "(its __tostring failed: not enough memory)"),
    ("return host.none()", "(its __tostring failed: test:2: attempt to call a nil value"),
];

#[test]
fn an_error_value_without_a_text_keeps_its_place() {
    for (body, told) in FAILING_TOSTRING {
        let source = format!(
            "local T = {{__tostring = function(e)\n{body}\nend}}\nlocal function fails()\nerror(setmetatable({{code = 7}}, T))\nend\nfails()"
        );
        for source in [source.clone(), source.replace("\nfails()", "\ncoroutine.wrap(fails)()")] {
            let error = run(&source).error.expect("an error");
            assert_eq!(error.kind, ErrorKind::Runtime, "{source}: {error:?}");
            assert!(
                error.message.starts_with("error value is a table: {\"code\":7} (its"),
                "{source}: {error:?}"
            );
            assert!(error.message.contains(told) && error.message.len() < 1000, "{source}: {error:?}");
            let line = if source.contains("wrap") { 7 } else { 5 };
            assert_eq!((error.script.as_deref(), error.line), (Some("test"), Some(line)), "{source}");
            assert!(error.traceback.contains(&format!("test:{line}")), "{source}: {error:?}");
        }
    }
    let uncallable = run("\nerror(setmetatable({}, {__tostring = 'x'}))").error.expect("an error");
    assert_eq!(
        uncallable.message,
        "error value is a table: {} (its __tostring failed: attempt to call a string value)"
    );
    assert_eq!(uncallable.line, Some(2));
}

#[test]
fn an_error_value_whose_text_takes_too_long_is_a_timeout_that_keeps_its_place() {
    let limits = RunLimits { timeout: Some(Duration::from_millis(50)), ..RunLimits::default() };
    for body in ["while true do end", "pcall(function() while true do end end) return 'x'"] {
        let source = format!("\nerror(setmetatable({{}}, {{__tostring = function() {body} end}}))");
        let trace = run_with(&source, &Request::new().limits(limits));
        let error = trace.error.expect("an error");
        assert_eq!((trace.status, error.line), (Status::Timeout, Some(2)), "{source}");
        assert!(error.traceback.contains("test:2"), "{source}: {error:?}");
    }
}

#[test]
fn an_error_is_appended_to_what_stderr_holds() {
    let trace = run("print('before') io.stderr:write('mine') error('boom', 0)");
    assert_eq!(trace.stdout, b"before\n");
    assert!(trace.stderr_text().starts_with("mine\nboom\n"), "{}", trace.stderr_text());
}

#[test]
fn the_traceback_has_the_calls_innermost_first() {
    let trace = run("local function inner() error('x') end\nlocal function outer() inner() end\nouter()");
    let traceback = trace.error.expect("it failed").traceback;
    let at = |needle: &str| traceback.find(needle).unwrap_or_else(|| panic!("no {needle} in {traceback}"));
    assert!(at("test:1") < at("test:2") && at("test:2") < at("test:3"), "{traceback}");
    assert!(at("'inner'") < at("'outer'"), "{traceback}");
    assert!(!traceback.contains("perilune"), "our own calls do not show: {traceback}");
}

#[test]
fn messages_and_tracebacks_are_bounded() {
    for (source, begins) in [
        (
            "local function f(n) if n == 0 then error('deep') end return 1 + f(n - 1) end f(10000)",
            "test:1: deep",
        ),
        ("local function f() return 1 + f() end f()", "test:1: stack overflow"),
        ("error(string.rep('x', 2^20))", "test:1: xxx"),
        ("error(string.rep('\\255', 2^20))", "test:1: \u{fffd}\u{fffd}"),
        ("error(setmetatable({}, {__tostring = function() return string.rep('x', 2^20) end}))", "xxx"),
        ("error(string.rep('é', 2^20), 0)", "ééé"),
        ("local t = {} for i = 1, 1e5 do t[i] = i end error(t)", "error value is a table"),
        (
            "local function f(n) local ok, e = pcall(function() if n > 0 then f(n - 1) else error('x') end end) \
             if not ok then error(debug.traceback(e)) end end f(60)",
            "test:1: test:1: ",
        ),
        ("local s = 'x' for _ = 1, 5000 do s = debug.traceback(s) end error(s)", "test:1: x\ntest:1: in the"),
        (
            "local function f(n) if n == 0 then error('x') end local c = coroutine.wrap(f) c(n - 1) end f(100)",
            "test:1: test:1: ",
        ),
    ] {
        let trace = run(source);
        let Some(error) = &trace.error else { panic!("no error: {source}") };
        // 8 KiB, a mark that it was cut, and three bytes for one where it is not UTF-8.
        assert!(error.message.len() <= 3 * 8192 + 64, "{source}: message of {}", error.message.len());
        assert!(error.message.starts_with(begins), "{source}: {:.200}", error.message);
        assert!(error.traceback.lines().count() <= 32, "{source}: {}", error.traceback);
        assert!(trace.stderr.len() <= 64 * 1024, "{source}: stderr of {}", trace.stderr.len());
        assert!(trace.stderr_text().contains(&error.message), "{source}");
    }
}

#[test]
fn the_message_is_8_kib_at_most_as_its_doc_says() {
    for source in ["error(string.rep('x', 2^20))", "error(string.rep('\\255', 2^20))"] {
        let message = run(source).error.expect("it failed").message;
        assert!(message.len() <= 8192 + 64, "{source}: {}", message.len());
    }
}

/// A name that shows in errors as it was given.
const NAMES: &[&str] =
    &["hello", "a/b.lua", "with space", "=equals", "@at", "ünï", "a:7", "[string \"x\"]", "-", "%s"];

#[test]
fn names_show_as_they_were_given() {
    let long = "n".repeat(250);
    let mut wrong = Vec::new();
    for name in NAMES.iter().copied().chain([long.as_str()]) {
        let trace = engine_run(name, "\nerror('boom')");
        let error = trace.error.clone().expect("it failed");
        if &*trace.script != name || error.script.as_deref() != Some(name) || error.line != Some(2) {
            wrong.push(format!("{name}: {error:?}"));
        } else if error.message != format!("{name}:2: boom") {
            wrong.push(format!("{name}: {}", error.message));
        }
        let error = common::engine().compile(name, "\n\nx = = 1").expect_err("it does not compile");
        assert_eq!((error.script.as_str(), error.line), (name, 3));
        assert_eq!(error.to_string(), format!("{name}:3: {}", error.reason));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let error = common::engine().compile(&"n".repeat(251), "").expect_err("the name is too long");
    assert!(error.reason.contains("250 bytes"), "{error}");
}

fn engine_run(name: &str, source: &str) -> Trace {
    common::engine().compile(name, source).expect("it compiles").run(&Request::new()).expect("it runs")
}

#[test]
fn what_does_not_compile_is_refused_with_its_line() {
    for (source, line) in [
        ("x = = 1", 1),
        ("\n\nx =", 3),
        ("if true then\n\nprint(1)", 3),
        ("\nlocal s = 'open", 2),
        ("\ngoto done", 2),
        ("\nreturn 1 & 2", 2),
        ("x = 1\n\nbreak", 3),
        ("\n)", 2),
        ("return 1\nprint(1)", 2),
        ("\nlocal s = '\\xzz'", 2),
    ] {
        let error = common::engine().compile("bad", source).expect_err(source);
        assert_eq!((error.script.as_str(), error.line), ("bad", line), "{source:?}: {error}");
        assert!(!error.reason.is_empty() && !error.reason.contains("bad:"), "{error}");
        assert_eq!(error.to_string(), format!("bad:{line}: {}", error.reason));
        assert_eq!(perilune::Error::from(error.clone()).to_string(), error.to_string());
    }
}

#[test]
fn a_result_that_is_no_json_is_a_failure_of_kind_value() {
    let trace = run("print('kept') return print");
    assert_eq!(json(&trace.to_json())["error"]["kind"], "value");
    assert_eq!((trace.status, &*trace.stdout), (Status::Failure, &b"kept\n"[..]));
    let error = trace.error.as_ref().expect("it failed");
    assert!(trace.stderr_text().contains(&error.message));
    assert_eq!(text("return 1"), "1");
}

#[test]
fn a_traceback_tells_the_main_part_from_functions_without_a_name() {
    let traceback = |source| run(source).error.expect("an error").traceback;
    assert_eq!(
        traceback("local t = {function(...) error('x') end} (function(...)\n  t[1]()\nend)()"),
        "[C]: in function 'error'\ntest:1: in a function\ntest:2: in a function\ntest:3: in the main part"
    );
    assert_eq!(
        traceback("local ok, e = pcall(function(...) return debug.traceback() end) error(e, 0)")
            .lines()
            .nth(1),
        Some("test:1: in the main part")
    );
    let value = run("return pcall(function(...) return debug.traceback() end)").value;
    let expected = r#"[true,"test:1: in a function\n[C]: in function 'pcall'\ntest:1: in the main part"]"#;
    assert_eq!(value.as_deref(), Some(expected));
    let value = run("return coroutine.wrap(function(...) return debug.traceback() end)()").value;
    assert_eq!(value.as_deref(), Some("\"test:1: in a function\""));
}
