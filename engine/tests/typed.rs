//! Host functions in types of the host's.

mod common;

use std::collections::BTreeMap;

use perilune::{Engine, ErrorKind, HostError, Request};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Order {
    sku: String,
    count: Option<u32>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Full,
    New { moon: u8 },
}

#[derive(Deserialize)]
struct Meters(f64);

fn engine() -> Engine {
    let engine = common::builder().pool_size(1).build();
    let registered = [
        engine.typed_function("add", |(a, b): (f64, f64)| Ok::<_, HostError>(a + b)),
        engine.typed_function("maybe", |(a, b): (u32, Option<u32>)| Ok::<_, HostError>((a, b))),
        engine.typed_function("order", |order: Order| Ok::<_, HostError>(order)),
        engine.typed_function("kind", |kind: Kind| Ok::<_, HostError>(kind)),
        engine.typed_function("all", |all: Vec<i64>| Ok::<_, HostError>(all.iter().sum::<i64>())),
        engine.typed_function("first", |text: String| Ok::<_, HostError>(text)),
        engine.typed_function("meters", |Meters(length)| Ok::<_, HostError>(length * 2.0)),
        engine.typed_function("flag", |flag: Option<bool>| Ok::<_, HostError>(flag)),
        engine.typed_function("map", |map: BTreeMap<String, Vec<u8>>| Ok::<_, HostError>(map)),
        engine.typed_function("none", |(): ()| Ok::<(), HostError>(())),
        engine.typed_function("fails", |(): ()| Err::<(), _>(HostError::new("it failed"))),
        engine.typed_function("io", |path: String| std::fs::read_to_string(path)),
        engine.typed_function("infinite", |(): ()| Ok::<_, HostError>(f64::INFINITY)),
        engine.typed_async_function("later", |(a, b): (String, Option<u8>)| async move {
            Ok::<_, HostError>(Order { sku: a, count: b.map(u32::from) })
        }),
    ];
    registered.into_iter().for_each(|registered| registered.expect("a name"));
    engine
}

#[test]
fn arguments_and_results_are_of_the_hosts_types() {
    let engine = engine();
    for (expression, expected) in [
        ("host.add(1, 2.5)", "3.5"),
        ("host.add(1, 2, 'more')", "3"),
        ("host.maybe(1)[1], host.maybe(1)[2] == json.null", "[1,true]"),
        ("host.maybe(1, 2)", "[1,2]"),
        ("host.order({ sku = 'x' })", r#"{"sku":"x","count":null}"#),
        ("host.order({ sku = 'x', count = 3 }).count", "3"),
        ("host.kind('full')", r#""full""#),
        ("host.kind({ new = { moon = 4 } })", r#"{"new":{"moon":4}}"#),
        ("host.all()", "0"),
        ("host.all(1, 2, 3)", "6"),
        ("host.first('text', {})", r#""text""#),
        ("host.meters(1.5)", "3"),
        ("host.flag(), host.flag(true), host.flag(json.null)", "[null,true,null]"),
        ("host.map({ a = { 1, 255 } })", r#"{"a":[1,255]}"#),
        ("host.none()", "null"),
        ("host.infinite()", "null"),
        ("host.later('x', 7)", r#"{"sku":"x","count":7}"#),
        ("host.later('x').count == json.null", "true"),
    ] {
        let text = common::run_in(&engine, &format!("return {expression}"), &Request::new());
        let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("it is JSON");
        let value = text.value.unwrap_or_else(|| panic!("{expression}: {:?}", text.error));
        assert_eq!(json(&value), json(expected), "{expression}");
    }
}

#[test]
fn what_does_not_fit_is_an_error_that_says_so() {
    let engine = engine();
    for (call, expected) in [
        ("host.add(1)", "host.add: the arguments: invalid type: null, expected f64"),
        ("host.add('1', 2)", "host.add: the arguments: invalid type: string \"1\", expected f64"),
        ("host.maybe(-1)", "host.maybe: the arguments: invalid value: integer `-1`, expected u32"),
        ("host.order({})", "host.order: the arguments: missing field `sku`"),
        ("host.kind('moon')", "host.kind: the arguments: unknown variant `moon`, expected `full` or `new`"),
        ("host.first(print)", "host.first: argument #1 can't be JSON: it is a function"),
        ("host.fails()", "host.fails: it failed"),
        ("host.later()", "host.later: the arguments: invalid type: null, expected a string"),
        // Its text may be confidential.
        ("host.io('/nowhere')", "host.io: std::io::error::Error"),
    ] {
        let trace = common::run_in(&engine, call, &Request::new());
        let error = trace.error.expect("it fails");
        assert_eq!(
            (error.kind, &*error.message),
            (ErrorKind::Host, &*format!("test:1: {expected}")),
            "{call}"
        );
    }
}
