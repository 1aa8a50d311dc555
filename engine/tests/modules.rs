//! Modules of the host, as scripts require them.

mod common;

use std::time::Duration;

use common::run_in;
use perilune::{Engine, ErrorKind, Request, Status};

fn engine(modules: &[(&str, &str)]) -> Engine {
    let engine = common::builder().pool_size(1).build();
    for (name, source) in modules {
        engine.module(name, source).expect("it compiles");
    }
    engine
}

/// Modules, a script, and what it returns.
type Case = (&'static [(&'static str, &'static str)], &'static str, &'static str);

const CASES: &[Case] = &[
    (
        &[("util", "return {double = function(n) return n * 2 end}")],
        "return require('util').double(21)",
        "42",
    ),
    (
        &[("util", "return {double = function(n) return n * 2 end}")],
        "return require 'util' == require 'util'",
        "true",
    ),
    // Run once a run, on first use.
    (
        &[("count", "n = (n or 0) + 1 return n")],
        "return n == nil, require 'count', require 'count', n",
        "[true,1,1,1]",
    ),
    (&[("nothing", "")], "return require 'nothing', require 'nothing'", "[true,true]"),
    (&[("nothing", "return nil")], "return require 'nothing'", "true"),
    (
        &[("no", "seen = (seen or 0) + 1 return false")],
        "return require 'no', require 'no', seen",
        "[false,false,1]",
    ),
    (&[("two", "return 1, 2")], "return require 'two'", "1"),
    (&[("a", "return {b = require 'b'}"), ("b", "return 'inside'")], "return require('a').b", "\"inside\""),
    // The same sandbox, and this run's tables.
    (
        &[("env", "return {GET.q, ARGS.q, POST.b, CONFIG.c, _G == _G}")],
        "return require 'env'",
        r#"["1","1",2,3,true]"#,
    ),
    (
        &[("env", "return getfenv == nil and loadstring == nil and collectgarbage == nil")],
        "return require 'env'",
        "true",
    ),
    (&[("sets", "shared = 1")], "require 'sets' return shared", "1"),
    (&[("a/b.c", "return 'any name'")], "return require 'a/b.c'", "\"any name\""),
    // Its name is its argument.
    (&[("util", "return {select('#', ...), ...}")], "return require 'util'", r#"[1,"util"]"#),
    (
        &[
            ("a.b", "local name = ... return name .. '!' .. require(name:gsub('a', 'c'))"),
            ("c.b", "return (...)"),
        ],
        "return require 'a.b'",
        "\"a.b!c.b\"",
    ),
    (&[("7", "return type(...)")], "return require(7)", "\"string\""),
    (&[("none", "return 1")], "require 'none' return select('#', ...)", "0"),
    (&[("late", "return 1")], "return pcall(coroutine.wrap(require), 'late')", "[true,1]"),
    (&[("print", "return print == _G.print")], "return require 'print'", "true"),
];

#[test]
fn a_module_is_run_once_in_each_run_in_its_globals() {
    for (modules, source, expected) in CASES {
        let engine = engine(modules);
        for _ in 0..3 {
            let request = Request::new().query("q=1").json(r#"{"b":2}"#).config(r#"{"c":3}"#);
            let trace = run_in(&engine, source, &request);
            assert_eq!(trace.value.as_deref(), Some(*expected), "{source}: {}", trace.stderr_text());
        }
    }
}

#[test]
fn errors_say_which_module_line_and_chain() {
    let engine = engine(&[
        ("a", "\nreturn require 'b'"),
        ("b", "return require 'c'"),
        ("c", "\n\nlocal x = require 'a'"),
        ("self", "return require 'self'"),
        ("broken", "\nlocal function inner() error('boom') end\ninner()"),
        ("outer", "return require 'broken'"),
        ("yields", "coroutine.yield(1)"),
    ]);
    for (source, message, script, line) in [
        ("require 'a'", "c:3: module 'a' requires itself: a → b → c → a", "c", 3),
        ("require 'self'", "self:1: module 'self' requires itself: self → self", "self", 1),
        ("\nrequire 'outer'", "broken:2: boom", "broken", 2),
        (
            "\nrequire 'nope'",
            "test:2: there is no module 'nope': the host registered a, b, broken, c, outer, self, yields",
            "test",
            2,
        ),
    ] {
        let trace = run_in(&engine, source, &Request::new());
        let error = trace.error.expect("it fails");
        assert_eq!((trace.status, error.kind), (Status::Failure, ErrorKind::Runtime), "{source}");
        assert_eq!(error.message, message, "{source}");
        assert_eq!((error.script.as_deref(), error.line), (Some(script), Some(line)), "{source}");
        // And the next run can use them all again.
        let again =
            run_in(&engine, "return (pcall(require, 'a')), (pcall(require, 'broken'))", &Request::new());
        assert_eq!(again.value.as_deref(), Some("[false,false]"));
    }
    let trace = run_in(&engine, "require 'outer'", &Request::new());
    let calls: Vec<String> = trace.error.expect("it fails").traceback.lines().map(str::to_owned).collect();
    let places: Vec<&str> = calls
        .iter()
        .filter_map(|call| call.split(": in").next())
        .filter(|place| place.contains(':'))
        .collect();
    assert_eq!(places, ["broken:2", "broken:3", "outer:1", "test:1"], "{calls:?}");

    let refused =
        run_in(&engine, "return pcall(coroutine.wrap(function() require 'yields' end))", &Request::new());
    assert!(refused.value.expect("two values").contains("attempt to yield"));
    for source in
        ["require()", "require({})", "require('\\0')", "require('\\255')", "require(string.rep('x', 2^20))"]
    {
        let trace = run_in(&engine, source, &Request::new());
        let error = trace.error.expect("it fails");
        assert!(trace.status == Status::Failure && error.message.len() < 300, "{source}: {}", error.message);
    }
    assert!(
        run_in(&common::builder().build(), "require 'x'", &Request::new())
            .stderr_text()
            .contains("the host registered none")
    );
}

#[test]
fn a_module_that_does_not_compile_is_refused_and_the_old_one_serves() {
    let engine = engine(&[("util", "return 1")]);
    let error = engine.module("util", "return (\n").expect_err("it does not compile");
    assert_eq!((&*error.script, error.line), ("util", 2));
    assert_eq!(run_in(&engine, "return require 'util'", &Request::new()).value.as_deref(), Some("1"));
    engine.module("util", "return 2").expect("it compiles");
    assert_eq!(run_in(&engine, "return require 'util'", &Request::new()).value.as_deref(), Some("2"));
}

#[test]
fn what_a_module_does_is_gone_in_the_next_run() {
    let engine =
        engine(&[("state", "local n = 0 return {next = function() n += 1 return n end, list = {}}")]);
    let source = "local s = require 'state' s.next() s.list.x = 1 s.extra = 1 return s.next(), s.extra";
    for _ in 0..3 {
        assert_eq!(run_in(&engine, source, &Request::new()).value.as_deref(), Some("[2,1]"));
        let probe = "local s = require 'state' return s.extra == nil and s.list.x == nil";
        assert_eq!(run_in(&engine, probe, &Request::new()).value.as_deref(), Some("true"));
    }
}

#[test]
fn an_endless_module_is_a_timeout() {
    let engine = common::builder().pool_size(1).timeout(Duration::from_millis(30)).build();
    engine.module("endless", "while true do end").expect("it compiles");
    engine.module("chain", "return pcall(require, 'endless')").expect("it compiles");
    for source in
        ["require 'endless'", "while true do pcall(require, 'endless') end", "require 'chain' return 1"]
    {
        assert_eq!(run_in(&engine, source, &Request::new()).status, Status::Timeout, "{source}");
    }
    assert_eq!(run_in(&engine, "return 1", &Request::new()).status, Status::Success);
}

#[test]
fn a_long_chain_of_modules_is_an_error_and_no_crash() {
    let engine = common::builder().pool_size(1).build();
    for n in 0..300 {
        engine.module(&format!("m{n}"), format!("return require 'm{}'", n + 1)).expect("it compiles");
    }
    engine.module("m300", "return 'end'").expect("it compiles");
    let trace = run_in(&engine, "return require 'm0'", &Request::new());
    assert_eq!(trace.status, Status::Failure);
    assert!(trace.error.expect("it fails").message.contains("stack overflow"));
    assert_eq!(run_in(&engine, "return require 'm200'", &Request::new()).value.as_deref(), Some("\"end\""));
}
