//! Functions of the host, as scripts call them.

mod common;

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use common::{json, run_in};
use perilune::{Call, CancelHandle, Engine, Error, ErrorKind, HostError, Request, RunLimits, Status, Value};

/// An error whose text can't be had.
#[derive(Debug)]
struct Mute;

impl std::fmt::Display for Mute {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("a bug of its text")
    }
}

impl std::error::Error for Mute {}

/// An engine with functions that give back what they get.
fn engine() -> Engine {
    let engine = common::builder().pool_size(1).memory(8 << 20).build();
    engine.function("echo", |call| call.value(0)).expect("a name");
    engine.function("add", |call| Ok(call.number(0)? + call.number(1)?)).expect("a name");
    engine.function("text", |call| Ok(call.text(0)?.to_uppercase())).expect("a name");
    engine.function("flag", |call| Ok(!call.boolean(0)?)).expect("a name");
    engine.function("size", |call| Ok(call.bytes(0)?.len() as u64)).expect("a name");
    engine.function("count", |call| Ok(call.len() as u64)).expect("a name");
    engine.function("missing", |call| Ok(call.is_null(0))).expect("a name");
    engine.function("total", |call| Ok(call.get::<Vec<f64>>(0)?.iter().sum::<f64>())).expect("a name");
    engine.function("fail", |_| Err::<(), _>(HostError::new("no such key"))).expect("a name");
    engine.function("panic", |_| -> Result<(), _> { panic!("a bug of the host") }).expect("a name");
    engine.function("mute", |_| Err::<(), _>(Mute.into())).expect("a name");
    engine
}

#[test]
fn values_cross_both_ways() {
    let engine = engine();
    for (source, expected) in [
        ("return host.echo(nil)", "null"),
        ("return host.echo()", "null"),
        ("return host.echo(json.null) == nil", "true"),
        ("return host.echo(true)", "true"),
        ("return host.echo(1.5)", "1.5"),
        ("return host.echo(2^53)", "9007199254740992"),
        ("return host.echo(0/0) ~= host.echo(0/0)", "true"),
        ("return host.echo(1/0) == math.huge", "true"),
        ("return host.echo('a\\0b')", r#""a\u0000b""#),
        ("return host.echo('\\255') == '\\255'", "true"),
        ("return host.echo({})", "{}"),
        ("return host.echo(json.array{})", "[]"),
        ("return host.echo(json.decode('[]'))", "[]"),
        ("return host.echo({1, {2}, json.null})", "[1,[2],null]"),
        ("return host.echo({a = {b = json.null}}).a.b == json.null", "true"),
        ("return host.echo({[1] = 1, [3] = 3})['3']", "3"),
        ("return host.echo({[1.5] = 'x'})", r#"{"1.5":"x"}"#),
        ("return host.echo(POST)", r#"{"b":[]}"#),
        ("return host.add(1, 2)", "3"),
        ("return host.text('größe')", r#""GRÖSSE""#),
        ("return host.flag(false)", "true"),
        ("return host.size('\\255\\0')", "2"),
        ("return host.count()", "0"),
        ("return host.count(nil, nil)", "2"),
        (
            "return host.missing(), host.missing(nil), host.missing(json.null), host.missing(false)",
            "[true,true,true,false]",
        ),
        ("return host.total({1, 2, 3.5})", "6.5"),
        ("return select('#', host.echo(1))", "1"),
        ("local f = host.add return pcall(f, 1, 2)", "[true,3]"),
        ("return coroutine.wrap(function() return host.add(1, 2) end)()", "3"),
        ("return type(host.add), host.nothing == nil", r#"["function",true]"#),
    ] {
        let trace = run_in(&engine, source, &Request::new().json(r#"{"b":[]}"#));
        assert_eq!(trace.value.as_deref(), Some(expected), "{source}: {}", trace.stderr_text());
    }
}

#[test]
fn what_a_host_makes_of_numbers_and_json_is_the_contracts() {
    for (value, expected) in [
        (Value::from(-(1_i64 << 53)), Value::Number(-9_007_199_254_740_992.0)),
        (Value::from((1_i64 << 53) + 1), Value::from("9007199254740993")),
        (Value::from(u64::MAX), Value::from("18446744073709551615")),
        (Value::from(i64::MIN), Value::from("-9223372036854775808")),
        (Value::from(Some(1_u8)), Value::Number(1.0)),
        (Value::from(None::<bool>), Value::Null),
        (
            Value::from(serde_json::json!({"a": [1, 2.5, null, true, u64::MAX]})),
            Value::object([(
                "a",
                Value::Array(vec![
                    1.into(),
                    2.5.into(),
                    Value::Null,
                    true.into(),
                    "18446744073709551615".into(),
                ]),
            )]),
        ),
    ] {
        assert_eq!(value, expected);
    }
    assert_eq!(
        Value::object([("n", Value::from(3)), ("b", Value::from(&b"\xff"[..]))]).to_string(),
        "{\"n\":3,\"b\":\"\u{fffd}\"}"
    );
}

/// A call that fails, and the text that its script catches.
const FAILING: &[(&str, &str)] = &[
    ("host.fail()", "test:1: host.fail: no such key"),
    ("host.panic()", "test:1: host.panic panicked: a bug of the host"),
    ("host.mute()", "test:1: host.mute: host::Mute"),
    ("host.add(1)", "test:1: host.add: argument #2 must be a number, not nothing"),
    ("host.add(1, '2')", "test:1: host.add: argument #2 must be a number, not string"),
    ("host.add({}, 1)", "test:1: host.add: argument #1 must be a number, not table"),
    ("host.add(json.null, 1)", "test:1: host.add: argument #1 must be a number, not json.null"),
    ("host.text(1)", "test:1: host.text: argument #1 must be a string, not number"),
    ("host.text('\\255')", "test:1: host.text: argument #1 must be UTF-8, not string"),
    ("host.flag(nil)", "test:1: host.flag: argument #1 must be a boolean, not nil"),
    ("host.echo(print)", "test:1: host.echo: argument #1 is or holds a function, which is no value"),
    ("host.echo({{print}})", "test:1: host.echo: argument #1 is or holds a function, which is no value"),
    ("local t = {} t.t = t host.echo(t)", "test:1: host.echo: argument #1 holds itself"),
    ("host.echo({[true] = 1})", "test:1: host.echo: argument #1 has a key that is a boolean"),
    (
        "local t = {} for i = 1, 200 do t = {t} end host.echo(t)",
        "test:1: host.echo: argument #1 is nested deeper than 128 levels",
    ),
    (
        "host.total({1, 'x'})",
        "test:1: host.total: argument #1: invalid type: string \"x\", expected f64 at line 1 column 6",
    ),
    ("host:echo(1)", "test:1: host takes a dot, not a colon: host.echo(…), not host:echo(…)"),
    ("host:count()", "test:1: host takes a dot, not a colon: host.count(…), not host:count(…)"),
    ("local h = host h:echo()", "test:1: host takes a dot, not a colon: host.echo(…), not host:echo(…)"),
    ("host.total({print})", "test:1: host.total: argument #1[1] can't be JSON: it is a function"),
];

#[test]
fn a_failing_call_is_an_error_that_says_what_and_where() {
    let engine = engine();
    for (call, text) in FAILING {
        let caught = run_in(
            &engine,
            &format!("local ok, e = pcall(function() {call} end) return ok, e"),
            &Request::new(),
        );
        assert_eq!(caught.status, Status::Success, "{call}: {}", caught.stderr_text());
        assert_eq!(
            json(caught.value.as_deref().expect("two values")),
            serde_json::json!([false, text]),
            "{call}"
        );

        let trace = run_in(&engine, call, &Request::new());
        let error = trace.error.expect("it was not caught");
        // A call that never came to the host is the script's mistake.
        let is_scripts = text.contains("takes a dot");
        let kind = if is_scripts { ErrorKind::Runtime } else { ErrorKind::Host };
        assert_eq!((trace.status, error.kind), (Status::Failure, kind), "{call}");
        assert_eq!((&*error.message, error.script.as_deref(), error.line), (*text, Some("test"), Some(1)));
        // The VM goes on, with all that it had loaded.
        assert_eq!(run_in(&engine, "return host.add(1, 2)", &Request::new()).value.as_deref(), Some("3"));
    }
}

/// How a script deals with `host.secret()`, which fails with an error of the system's, and `host.told(n)`, with one that has a message
/// and a number behind it: the kind of the run's error, its message, and what the host finds as its cause.
const UNCAUGHT: &[(&str, ErrorKind, &str, Option<&str>)] = &[
    (
        "host.secret()",
        ErrorKind::Host,
        "test:1: host.secret: std::io::error::Error",
        Some("no door for root"),
    ),
    ("host.told(4)", ErrorKind::Host, "test:1: host.told: no room", Some("number 4")),
    ("host.plain()", ErrorKind::Host, "test:1: host.plain: only told", None),
    ("host.deep()", ErrorKind::Host, "test:1: the host's result is nested deeper than 128 levels", None),
    // Raised again as it was, with what Luau puts before it, or later.
    ("local _, e = pcall(host.told, 4) error(e, 0)", ErrorKind::Host, "host.told: no room", Some("number 4")),
    (
        "local _, e = pcall(function() host.told(4) end) error(e)",
        ErrorKind::Host,
        "test:1: test:1: host.told: no room",
        Some("number 4"),
    ),
    (
        "coroutine.wrap(function() host.told(4) end)()",
        ErrorKind::Host,
        "host.told: no room",
        Some("number 4"),
    ),
    (
        "local _, first = pcall(host.secret) pcall(host.told, 1) error(first, 0)",
        ErrorKind::Host,
        "host.secret: std::io::error::Error",
        Some("no door for root"),
    ),
    ("for i = 1, 100 do pcall(host.told, i) end host.told(4)", ErrorKind::Host, "no room", Some("number 4")),
    // Another error is the script's.
    (
        "local _, e = pcall(host.told, 4) error('order 7: ' .. e, 0)",
        ErrorKind::Runtime,
        "order 7: host.told",
        None,
    ),
    ("pcall(host.told, 4) error('mine')", ErrorKind::Runtime, "test:1: mine", None),
    ("local _, e = pcall(host.told, 4) error({e})", ErrorKind::Runtime, "error value is a table", None),
    ("pcall(host.told, 4) local x = nil + 1", ErrorKind::Runtime, "attempt to perform arithmetic", None),
    ("error('host.told: no room', 0)", ErrorKind::Runtime, "host.told: no room", None),
    ("for i = 1, 101 do pcall(host.plain) end host.plain()", ErrorKind::HostCalls, "too many calls", None),
];

#[derive(Debug)]
struct Numbered(f64);

impl std::fmt::Display for Numbered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "number {}", self.0)
    }
}

impl std::error::Error for Numbered {}

/// Guards against errors whose cause the host never sees, and texts of the system that a stranger's script does.
#[test]
fn an_uncaught_error_of_a_host_function_is_the_hosts_with_its_cause() {
    let engine = common::builder().pool_size(1).host_calls(101).build();
    let secret = || -> Result<(), std::io::Error> { Err(std::io::Error::other("no door for root")) };
    engine.function("secret", move |_| Ok(secret()?)).expect("a name");
    let told = |call: &Call<'_>| -> Result<(), HostError> {
        Err(HostError::new("no room").with_cause(Numbered(call.number(0)?)))
    };
    engine.function("told", told).expect("a name");
    engine.function("plain", |_| Err::<(), _>(HostError::new("only told"))).expect("a name");
    let deep = || (0..200).fold(Value::Null, |value, _| Value::Array(vec![value]));
    engine.function("deep", move |_| Ok(deep())).expect("a name");
    for (source, kind, message, cause) in UNCAUGHT {
        let trace = run_in(&engine, source, &Request::new());
        assert!(!trace.to_json().contains("no door"), "{source}: {}", trace.to_json());
        let error = trace.error.as_deref().expect("it failed");
        assert_eq!((error.kind, trace.status), (*kind, Status::Failure), "{source}: {}", error.message);
        assert!(error.message.contains(message), "{source}: {}", error.message);
        let found = error.cause.as_ref().map(ToString::to_string);
        assert_eq!(found.as_deref(), *cause, "{source}");
        assert_eq!(std::error::Error::source(error).map(ToString::to_string), found, "{source}");
        assert!(trace.to_json().contains(&format!("\"kind\":\"{kind}\"", kind = kind.as_str())), "{source}");
    }
    let trace = run_in(&engine, "host.told(4)", &Request::new());
    let cause = trace.error.expect("it failed").cause.expect("it has one");
    assert_eq!(cause.downcast_ref::<Numbered>().map(|numbered| numbered.0), Some(4.0));
    // Nothing of it is left for the next run.
    assert_eq!(Arc::strong_count(&cause), 1);
}

#[test]
fn many_failing_reads_in_one_call_leave_the_arguments_where_they_are() {
    let engine = common::builder().pool_size(1).build();
    engine
        .function("stubborn", |call| {
            for _ in 0..10_000 {
                assert!(call.value(1).is_err() && call.get::<Vec<u8>>(1).is_err());
            }
            Ok(call.number(0)? + call.len() as f64)
        })
        .expect("a name");
    let source = "local t = {} t.a = {b = {c = {print}}} return host.stubborn(40, t)";
    let trace = run_in(&engine, source, &Request::new());
    assert_eq!(trace.value.as_deref(), Some("42"), "{}", trace.stderr_text());
}

#[test]
fn a_call_knows_the_run_that_it_is_part_of() {
    let engine = common::builder().pool_size(1).timeout(Duration::from_secs(60)).build();
    engine
        .function("context", |call| {
            let remaining = call.remaining();
            assert!(remaining > Duration::from_secs(1) && remaining <= Duration::from_secs(60));
            assert!(!call.is_cancelled());
            Ok(Value::Array(vec![call.run_id().into(), call.script().into(), call.name().into()]))
        })
        .expect("a name");
    let script = engine.compile("who", "return host.context()").expect("it compiles");
    for id in 1..=3 {
        let trace = script.run(&Request::new()).expect("it runs");
        assert_eq!(trace.id, id);
        assert_eq!(trace.value.as_deref(), Some(&*format!("[{id},\"who\",\"context\"]")));
        assert_eq!(trace.usage.host_calls, 1);
    }
}

#[test]
fn calls_are_counted_and_limited() {
    let engine = common::builder().pool_size(1).host_calls(3).build();
    engine.function("tick", |_| Ok(())).expect("a name");
    for (source, status, kind, calls) in [
        ("return 1", Status::Success, None, 0),
        ("for _ = 1, 3 do host.tick() end", Status::Success, None, 3),
        ("for _ = 1, 4 do host.tick() end", Status::Failure, Some(ErrorKind::HostCalls), 3),
        ("for _ = 1, 9 do pcall(host.tick) end", Status::Success, None, 3),
        ("error('too many calls of host functions')", Status::Failure, Some(ErrorKind::Runtime), 0),
    ] {
        let trace = run_in(&engine, source, &Request::new());
        assert_eq!((trace.status, trace.usage.host_calls), (status, calls), "{source}");
        assert_eq!(trace.error.map(|error| error.kind), kind, "{source}");
    }
    let limits = RunLimits { host_calls: Some(1), ..RunLimits::default() };
    let script = engine.compile("test", "host.tick() host.tick()").expect("it compiles");
    let trace = script.run(&Request::new().limits(limits)).expect("it runs");
    let error = trace.error.as_ref().expect("it was over its limit");
    assert_eq!((error.kind, error.line), (ErrorKind::HostCalls, Some(1)));
    assert!(error.message.contains("the limit is 1"), "{}", error.message);
    assert!(
        trace.to_json().contains(r#""kind":"host_calls""#) && trace.to_json().contains(r#""host_calls":1"#)
    );
}

#[test]
fn a_call_past_the_deadline_is_waited_for_and_ends_the_run() {
    let engine = common::builder().pool_size(1).timeout(Duration::from_millis(20)).build();
    engine
        .function("block", |call| {
            while !call.remaining().is_zero() {
                std::thread::yield_now();
            }
            Ok(())
        })
        .expect("a name");
    for source in [
        "host.block() while true do end",
        "pcall(host.block) return 'went on'",
        "while true do pcall(host.block) end",
        "host.block()",
    ] {
        let trace = run_in(&engine, source, &Request::new());
        assert_eq!((trace.status, trace.value), (Status::Timeout, None), "{source}");
        assert!(trace.duration >= Duration::from_millis(20));
    }
}

#[test]
fn a_cancelled_run_is_seen_by_the_function_and_ends_at_its_return() {
    let engine = common::builder().pool_size(1).build();
    let (entered, cancelled) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let (enter, leave) = (Arc::clone(&entered), Arc::clone(&cancelled));
    engine
        .function("wait", move |call| {
            enter.wait();
            leave.wait();
            assert!(call.is_cancelled());
            Ok(())
        })
        .expect("a name");
    let script = engine.compile("test", "host.wait() return 1").expect("it compiles");
    let cancel = CancelHandle::new();
    let trace = std::thread::scope(|threads| {
        let run = threads.spawn(|| script.run(&Request::new().cancel(&cancel)).expect("it runs"));
        entered.wait();
        cancel.cancel();
        cancelled.wait();
        run.join().expect("no panic")
    });
    assert_eq!(trace.status, Status::Cancelled);
}

#[test]
fn a_script_has_functions_of_its_own_before_the_engines() {
    let engine = common::builder().pool_size(1).build();
    engine.function("who", |_| Ok("engine")).expect("a name");
    engine.function("both", |_| Ok("both")).expect("a name");
    let plain = engine.compile("plain", "return host.who(), host.both()").expect("it compiles");
    let own = plain.clone().with_function("who", |_| Ok("script")).expect("a name");
    let other = own.clone().with_function("both", |_| Ok("other")).expect("a name");
    for _ in 0..3 {
        for (script, expected) in [
            (&plain, r#"["engine","both"]"#),
            (&own, r#"["script","both"]"#),
            (&other, r#"["script","other"]"#),
        ] {
            assert_eq!(script.run(&Request::new()).expect("it runs").value.as_deref(), Some(expected));
        }
    }
    // A change reaches scripts that were compiled before, from their next run on.
    engine.function("both", |_| Ok("changed")).expect("a name");
    for (script, expected) in [
        (&plain, r#"["engine","changed"]"#),
        (&own, r#"["script","changed"]"#),
        (&other, r#"["script","other"]"#),
    ] {
        assert_eq!(script.run(&Request::new()).expect("it runs").value.as_deref(), Some(expected));
    }
}

#[test]
fn a_run_goes_on_with_the_functions_that_it_began_with() {
    let engine = common::builder().pool_size(1).build();
    let inner = engine.clone();
    engine
        .function("swap", move |_| {
            inner.function("version", |_| Ok(2.0))?;
            Ok(())
        })
        .expect("a name");
    engine.function("version", |_| Ok(1.0)).expect("a name");
    let source = "local before = host.version() host.swap() return before, host.version()";
    assert_eq!(run_in(&engine, source, &Request::new()).value.as_deref(), Some("[1,1]"));
    assert_eq!(run_in(&engine, source, &Request::new()).value.as_deref(), Some("[2,2]"));
}

#[test]
fn a_function_may_run_scripts_of_the_same_engine_even_with_one_vm() {
    let engine = common::builder().pool_size(1).build();
    engine.scripts().put("inner", "return GET.n * 2").expect("it compiles");
    engine
        .function("nested", |call| {
            let request = Request::new().param("n", call.number(0)?.to_string());
            Ok(call.engine().run("inner", &request)?.value_as::<f64>()?)
        })
        .expect("a name");
    let source = "local all = {} for i = 1, 5 do all[i] = host.nested(i) end return all";
    for _ in 0..3 {
        assert_eq!(run_in(&engine, source, &Request::new()).value.as_deref(), Some("[2,4,6,8,10]"));
    }
}

#[test]
fn what_functions_hold_goes_with_their_script_and_engine() {
    let (of_engine, of_script) = (Arc::new(()), Arc::new(()));
    let engine = common::builder().pool_size(1).build();
    let held = Arc::clone(&of_engine);
    engine
        .function("engines", move |call| {
            Ok(Arc::strong_count(&held) > 0 && call.engine().limits().host_calls > 0)
        })
        .expect("a name");
    let held = Arc::clone(&of_script);
    let script = engine.compile("test", "return host.engines() and host.scripts()").expect("it compiles");
    let script = script.with_function("scripts", move |_| Ok(Arc::strong_count(&held) > 0)).expect("a name");
    assert_eq!(script.run(&Request::new()).expect("it runs").value.as_deref(), Some("true"));
    drop(script);
    // The VM that ran it is idle, and keeps nothing of it.
    assert_eq!(Arc::strong_count(&of_script), 1);
    drop(engine);
    assert_eq!(Arc::strong_count(&of_engine), 1);
}

#[test]
fn endless_nesting_is_a_clear_error() {
    let engine = common::builder().pool_size(1).build();
    let depth = Arc::new(AtomicU64::new(0));
    let (seen, inner) = (Arc::clone(&depth), engine.clone());
    engine
        .function("again", move |_| {
            seen.fetch_add(1, SeqCst);
            let script = inner.compile("again", "return host.again()")?;
            match script.run(&Request::new()) {
                Ok(trace) => Ok(trace.value_as::<String>()?),
                Err(error @ Error::Nested { .. }) => Ok(error.to_string()),
                Err(error) => Err(error.into()),
            }
        })
        .expect("a name");
    let trace = run_in(&engine, "return host.again()", &Request::new());
    let text = trace.value_as::<String>().expect("a text");
    assert!(text.contains("as deep as runs may nest"), "{text}");
    assert_eq!(depth.load(SeqCst), 8);
    assert_eq!(run_in(&engine, "return 1", &Request::new()).status, Status::Success);
}

#[test]
fn what_a_function_reads_and_gives_counts_as_memory() {
    let engine = engine();
    engine.function("flood", |_| Ok(vec![b'x'; 64 << 20])).expect("a name");
    engine.function("flood_table", |_| Ok(Value::Array(vec![Value::Number(1.0); 4 << 20]))).expect("a name");
    for source in [
        "return #host.flood()",
        "return #host.flood_table()",
        "local t = table.create(200000, 1) return host.echo(t)",
        "local t = table.create(200000, 1) return host.total(json.decode(json.encode({t, t, t, t, t, t})))",
    ] {
        let trace = run_in(&engine, source, &Request::new());
        assert_eq!(trace.status, Status::MemoryLimit, "{source}: {}", trace.stderr_text());
        assert_eq!(run_in(&engine, "return host.add(1, 2)", &Request::new()).value.as_deref(), Some("3"));
    }
    // Garbage of earlier calls does not count.
    let source = "for _ = 1, 20 do host.echo(table.create(20000, 1)) end return 1";
    assert_eq!(run_in(&engine, source, &Request::new()).status, Status::Success);
}

#[test]
fn an_argument_may_be_as_deep_as_any_value() {
    let engine = engine();
    engine.function("read", |call| Ok(Value::from(call.get::<serde_json::Value>(0)?))).expect("a name");
    let source = "local t = {} for _ = 1, 127 do t = {t} end return host.read(t)";
    let trace = run_in(&engine, source, &Request::new());
    let expected = format!("{}{{}}{}", "[".repeat(127), "]".repeat(127));
    assert_eq!(trace.value.as_deref(), Some(&*expected), "{}", trace.stderr_text());
}

#[test]
fn a_result_that_is_too_deep_is_an_error() {
    let engine = common::builder().pool_size(1).build();
    engine
        .function("deep", |call| {
            let levels = call.number(0)? as usize;
            Ok((0..levels).fold(Value::Null, |inside, _| Value::Array(vec![inside])))
        })
        .expect("a name");
    let source = "local ok = pcall(host.deep, 128) local bad, e = pcall(host.deep, 129) return ok, bad, e";
    let trace = run_in(&engine, source, &Request::new());
    let value = trace.value.expect("three values");
    assert_eq!(value, r#"[true,false,"the host's result is nested deeper than 128 levels"]"#);
}

#[test]
fn only_names_that_a_script_can_write_are_taken() {
    let engine = common::builder().build();
    for name in ["", "a-b", "1a", "a.b", "ä", "a b", "a\0b", &"x".repeat(101)] {
        let error = engine.function(name, |_| Ok(())).expect_err("no name");
        assert!(
            matches!(&error, Error::Name { .. }) && error.to_string().contains("letters, digits and _"),
            "{error}"
        );
    }
    let script = engine.compile("test", "").expect("it compiles");
    assert!(script.with_function("a-b", |_| Ok(())).is_err());
}

#[test]
fn scripts_can_not_change_the_hosts_table() {
    let engine = engine();
    for source in [
        "host.add = nil",
        "host.new = print",
        "rawset(host, 'add', print)",
        "table.clear(host)",
        "setmetatable(host, {})",
    ] {
        let trace = run_in(&engine, source, &Request::new());
        assert_eq!(trace.status, Status::Failure, "{source}");
        assert_eq!(
            run_in(&engine, "return host.add(1, 2)", &Request::new()).value.as_deref(),
            Some("3"),
            "{source}"
        );
    }
    // Its own name may be taken, for the run.
    assert_eq!(run_in(&engine, "host = 1 return host", &Request::new()).value.as_deref(), Some("1"));
    assert_eq!(run_in(&engine, "return host.add(1, 2)", &Request::new()).value.as_deref(), Some("3"));
}

/// Guards against a base of the memory limit that rose each time that a VM was given another set of functions: the limit
/// was soon lifted, and the tables left behind were never collected.
#[test]
fn changing_functions_leave_the_memory_limit_where_it_is() {
    let engine = engine();
    for n in 0..100 {
        engine.function(&format!("f{n}"), |_| Ok(())).expect("a name");
    }
    let own = |n: f64| {
        let script = engine.compile("own", "return host.own()").expect("it compiles");
        script.with_function("own", move |_| Ok(n)).expect("a name")
    };
    let scripts = [own(1.0), own(2.0)];
    let too_much = engine.compile("too much", "return #buffer.create(9 * 2^20)").expect("it compiles");
    for turn in 0..2000 {
        let trace = scripts[turn % 2].run(&Request::new()).expect("it runs");
        assert_eq!(trace.value.as_deref(), Some(["1", "2"][turn % 2]));
    }
    assert_eq!(too_much.run(&Request::new()).expect("it runs").status, Status::MemoryLimit);
}

/// Guards against a VM that keeps the functions of the last script that it ran: one that holds its engine would keep
/// that, and all of its threads, for ever.
#[test]
fn functions_of_a_script_live_no_longer_than_it() {
    let engine = engine();
    let held = Arc::new(());
    let (weak, inner) = (Arc::downgrade(&held), engine.clone());
    let script = engine.compile("test", "return host.own()").expect("it compiles");
    let script = script.with_function("own", move |_| {
        let _held = &held;
        let nested = inner.compile("nested", "return host.add(1, 2)")?;
        Ok(nested.run(&Request::new())?.value)
    });
    let script = script.expect("a name");
    assert_eq!(script.run(&Request::new()).expect("it runs").value.as_deref(), Some("\"3\""));
    drop(script);
    assert!(weak.upgrade().is_none());
}

/// Registers another when it goes, as a host's destructor that logs might.
struct Registers(Engine, &'static str);

impl Registers {
    /// A method, so that a closure which calls it takes all.
    fn name(&self) -> &'static str {
        self.1
    }
}

impl Drop for Registers {
    fn drop(&mut self) {
        self.0.function(self.1, |_| Ok(1)).expect("the name is one");
    }
}

#[test]
fn what_goes_with_a_function_may_use_the_engine() {
    let engine = common::builder().build();
    let replaced = Registers(engine.clone(), "from_replaced");
    engine.function("f", move |_| Ok(replaced.name())).expect("the name is one");
    engine.function("f", |_| Ok(2)).expect("the name is one");
    let refused = Registers(engine.clone(), "from_refused");
    engine.function("no name", move |_| Ok(refused.name())).expect_err("it is none");
    let script = engine.compile("all", "return host.f(), host.from_replaced(), host.from_refused()");
    let trace = script.expect("it compiles").run(&Request::new()).expect("it runs");
    assert_eq!(trace.value.as_deref(), Some("[2,1,1]"));
}
