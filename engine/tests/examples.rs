//! The scripts in `examples/` run with the requests beside them, and their traces are compared field by field.

mod common;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use common::json;
use perilune::{ErrorKind, Request, Status, Trace};
use serde_json::{Value, json};

/// The bytes of a file in `examples/`.
#[track_caller]
fn file(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What a trace must hold.
#[derive(Default)]
struct Expected<'a> {
    stdout: &'a str,
    stderr: &'a str,
    value: Option<Value>,
    /// The content of a page that the host is to send.
    page: Option<&'a str>,
    /// Message and line of the uncaught error, and the traceback.
    error: Option<(&'a str, u32, &'a str)>,
}

/// Runs an example on an engine of its own, and compares the trace.
#[track_caller]
fn check(name: &str, request: &Request<'_>, expected: &Expected<'_>) {
    let engine = common::builder().pool_size(1).build();
    let script = engine.compile(name, file(&format!("{name}.lua"))).unwrap_or_else(|error| panic!("{error}"));
    // The second run is in the VM of the first: all but the id is the same.
    for id in 1..=2 {
        let (before, began) = (SystemTime::now(), Instant::now());
        let trace = script.run(request).unwrap_or_else(|error| panic!("{error}"));
        let took = began.elapsed();
        compare(name, id, &trace, expected);
        assert!(Duration::ZERO < trace.duration && trace.duration <= took, "{:?}", trace.duration);
        assert!(before <= trace.executed_at && trace.executed_at <= SystemTime::now());
        assert!(trace.usage.memory_bytes < 1 << 20, "{}", trace.usage.memory_bytes);
        assert_eq!(trace.usage.queued, Duration::ZERO);
    }
}

/// Compares the fields that are the same each time, and the JSON form as a whole.
#[track_caller]
fn compare(name: &str, id: u64, trace: &Trace, expected: &Expected<'_>) {
    let failed = expected.error.is_some();
    assert_eq!(trace.stdout_text(), expected.stdout);
    assert_eq!(trace.stderr_text(), expected.stderr);
    assert_eq!((trace.stdout_truncated, trace.stderr_truncated), (false, false));
    assert_eq!(trace.status, if failed { Status::Failure } else { Status::Success });
    assert_eq!(trace.value.as_deref().map(json), expected.value);
    assert_eq!((trace.id, &*trace.script, trace.version), (id, name, 1));
    let error = trace.error.as_ref();
    assert_eq!(
        error.map(|error| (&*error.message, error.line.expect("a line"), &*error.traceback)),
        expected.error
    );
    assert!(
        error.is_none_or(|error| error.kind == ErrorKind::Runtime && error.script.as_deref() == Some(name))
    );

    let mut whole = json(&trace.to_json());
    let members = whole.as_object_mut().expect("an object");
    for (varies, is_sane) in [
        ("duration", Value::is_u64 as fn(&Value) -> bool),
        ("duration_ns", Value::is_u64),
        ("executed_at", |time| humantime::parse_rfc3339(time.as_str().unwrap_or_default()).is_ok()),
        ("usage", |usage| usage["memory_bytes"].is_u64()),
    ] {
        let value = members.remove(varies).unwrap_or_else(|| panic!("no {varies}"));
        assert!(is_sane(&value), "{varies}: {value}");
    }
    let mut wanted = json!({
        "id": id,
        "status": if failed { "failure" } else { "success" },
        "script": name,
        "version": 1,
        "result": {"stdout": expected.stdout, "stderr": expected.stderr},
    });
    if let Some(value) = &expected.value {
        wanted["result"]["value"] = value.clone();
    }
    if let Some(content) = expected.page {
        wanted["result"]["response"] = json!({
            "status": 200, "content_type": "text/html; charset=utf-8", "content": content, "headers": {},
        });
    }
    if let Some((message, line, traceback)) = expected.error {
        wanted["error"] = json!({
            "kind": "runtime", "message": message, "script": name, "line": line, "traceback": traceback,
        });
    }
    assert_eq!(whole, wanted);
}

#[test]
fn hello_shows_what_came_in() {
    let engine = common::builder().pool_size(1).build();
    let script = engine.compile("hello", file("hello.lua")).expect("it compiles");
    let body = file("hello.post.json");
    let trace = script.run(&Request::new().query("monster=Manticore").json(&body)).expect("it runs");

    // The members of an object are in no order: each line is compared as JSON.
    let lines: Vec<String> = trace.stdout_text().lines().map(str::to_owned).collect();
    assert_eq!((lines.len(), &*lines[0]), (4, "Hello\tManticore"));
    let get = json!({"monster": "Manticore"});
    let post = json!({"n": 1, "tags": ["a", "b", "c"], "empty": [], "nothing": null});
    for (line, label, value) in [
        (&lines[1], "ARGS: ", json!({"GET": get, "POST": post})),
        (&lines[2], "GET: ", get),
        (&lines[3], "POST: ", post),
    ] {
        assert_eq!(line.strip_prefix(label).map(json), Some(value), "{line}");
    }
    let stdout = format!("{}\n", lines.join("\n"));
    compare("hello", 1, &trace, &Expected { stdout: &stdout, ..Expected::default() });
}

#[test]
fn hello_greets_a_monster_from_the_body_too() {
    let engine = common::builder().pool_size(1).build();
    let script = engine.compile("hello", file("hello.lua")).expect("it compiles");
    for body in [r#"{"monster": "Manticore"}"#, r#"{"payload": {"monster": "Manticore"}}"#] {
        let trace = script.run(&Request::new().json(body)).expect("it runs");
        assert!(trace.stdout_text().starts_with("Hello\tManticore\n"), "{}", trace.stdout_text());
    }
}

#[test]
fn github_push_starts_the_builds_that_the_files_ask_for() {
    let (config, meta, post) =
        (file("github_push.config.json"), file("github_push.meta.json"), file("github_push.post.json"));
    let commit = "0d1a26e67d8f5eaf1f6ba5c57fc3c7d91ac0fd1c";
    let compare = "https://github.com/octo-org/lander/compare/6113728f27ae...0d1a26e67d8f";
    let pushed =
        "ada pushed 2 commits to lander/main: Say in the README how the altimeter is calibrated (#118)";
    let expected = Expected {
        stdout: "api: services/api/Cargo.toml\ndocs: README.md\n",
        value: Some(json!({
            "builds": [
                {"name": "api", "branch": "main", "commit": commit, "because": "services/api/Cargo.toml"},
                {"name": "docs", "branch": "main", "commit": commit, "because": "README.md"},
            ],
            "notify": [
                {"channel": "#release-captains", "text": format!("ada rewrote main: {compare}")},
                {"channel": "#backend", "text": pushed},
            ],
        })),
        ..Expected::default()
    };
    check("github_push", &Request::new().json(&post).config(&config).meta(&meta), &expected);
}

/// What is changed in the push, and what then comes of it: why it is skipped, and the channels that hear of it.
const SKIPPED: &[(&str, &str, &str, &[&str])] = &[
    ("/ref", r#""refs/tags/v1.2.0""#, "refs/tags/v1.2.0 is not a branch", &[]),
    ("/deleted", "true", "main was deleted", &[]),
    ("/head_commit", "null", "main was deleted", &[]),
    ("/head_commit/message", r#""Typo\n\n[Skip CI]""#, "the commit asks for it", &["#release-captains"]),
];

#[test]
fn github_push_skips_what_starts_nothing() {
    let (config, meta) = (file("github_push.config.json"), file("github_push.meta.json"));
    let push = file("github_push.post.json");
    let engine = common::builder().pool_size(1).build();
    let script = engine.compile("github_push", file("github_push.lua")).expect("it compiles");
    let run = |post: &Value, meta: &[u8]| {
        let post = post.to_string();
        let trace = script.run(&Request::new().json(&post).config(&config).meta(meta)).expect("it runs");
        trace.value_as::<Value>().expect("a value")
    };
    let push: Value = serde_json::from_slice(&push).expect("JSON");
    for (place, changed, skipped, told) in SKIPPED {
        let mut push = push.clone();
        *push.pointer_mut(place).expect("a place") = json(changed);
        let value = run(&push, &meta);
        assert_eq!((&value["builds"], &value["skipped"]), (&json!([]), &json!(skipped)), "{place}");
        let channels: Vec<&str> =
            value["notify"].as_array().expect("a list").iter().flat_map(|n| n["channel"].as_str()).collect();
        assert_eq!(channels, *told, "{place}");
    }
    let ping = run(&push, br#"{"headers": {"x-github-event": "ping"}}"#);
    assert_eq!(ping, json!({"builds": [], "notify": [], "skipped": "the event is ping, not push"}));
}

#[test]
fn github_push_fails_where_the_body_is_something_else() {
    let meta = file("github_push.meta.json");
    let expected = Expected {
        stderr: "github_push:67: the event has no ref: is POST the payload of a push?\nstack traceback:\n\
            \t[C]: in function 'error'\n\tgithub_push:67: in the main part\n",
        error: Some((
            "github_push:67: the event has no ref: is POST the payload of a push?",
            67,
            "[C]: in function 'error'\ngithub_push:67: in the main part",
        )),
        ..Expected::default()
    };
    check("github_push", &Request::new().json(r#"{"zen": "Design for failure."}"#).meta(&meta), &expected);
}

#[test]
fn discount_grants_what_the_rules_say() {
    let (config, post) = (file("discount.config.json"), file("discount.post.json"));
    let expected = Expected {
        stdout: "bundle     -25.80  3 cables for the price of 2\n\
            volume      -6.58  3 % from 219.30\n\
            tier       -10.97  5 % for gold customers\n\
            coupon      -0.51  10 % with MOON10\n",
        value: Some(json!({
            "ok": true,
            "order": "A-100372",
            "currency": "EUR",
            "subtotal": 26930,
            "discounts": [
                {"rule": "bundle", "amount": 2580, "reason": "3 cables for the price of 2"},
                {"rule": "volume", "amount": 658, "reason": "3 % from 219.30"},
                {"rule": "tier", "amount": 1097, "reason": "5 % for gold customers"},
                {"rule": "coupon", "amount": 51, "reason": "10 % with MOON10"},
            ],
            "shipping": 0,
            "total": 22544,
        })),
        ..Expected::default()
    };
    check("discount", &Request::new().query("code=moon10").json(&post).config(&config), &expected);
}

#[test]
fn discount_refuses_a_coupon_that_ended_and_charges_for_a_small_parcel() {
    let config = file("discount.config.json");
    let post = r#"{"id": "A-1", "placed_at": "2024-05-04T10:33:58Z", "currency": "EUR", "code": "spring",
        "customer": null, "lines": [{"sku": "CAP-L", "category": "clothing", "price": 1995, "count": 2}]}"#;
    let expected = Expected {
        stderr: "coupon refused: spring\n",
        value: Some(json!({
            "ok": true, "order": "A-1", "currency": "EUR",
            "subtotal": 3990, "discounts": [], "shipping": 495, "total": 4485,
        })),
        ..Expected::default()
    };
    check("discount", &Request::new().json(post).config(&config), &expected);
}

#[test]
fn discount_tells_every_problem_of_an_order() {
    let config = file("discount.config.json");
    let post = r#"{"id": "A-2", "placed_at": "yesterday", "currency": "USD", "lines": [
        {"sku": "CAP-L", "category": "clothing", "price": 19.95, "count": 0}, {"price": "1", "count": 1}, 7]}"#;
    let expected = Expected {
        value: Some(json!({"ok": false, "problems": [
            "currency: expected EUR",
            "placed_at: expected a date",
            "lines[1].price: expected whole cents",
            "lines[1].count: expected 1 or more",
            "lines[2].sku: expected a text",
            "lines[2].price: expected whole cents",
            "lines[3]: expected an object",
        ]})),
        ..Expected::default()
    };
    check("discount", &Request::new().json(post).config(&config), &expected);
}

/// The page of `page.post.json`.
const PAGE: &str = r#"<!doctype html>
<html lang="en">
<title>Order A-100372</title>
<h1>Thank you, Zoë &quot;Luna&quot; O&#39;Hara &lt;zoe@example.com&gt;</h1>
<table>
<tr><td>1 ×</td><td>Keyboard, 87 keys</td><td>129.00 EUR</td></tr>
<tr><td>7 ×</td><td>Cable A &amp; B</td><td>90.30 EUR</td></tr>
<tr><td></td><td colspan="2"><em>Colour: &lt;script&gt;alert(1)&lt;/script&gt;</em></td></tr>
<tr><td></td><td colspan="2"><em>2 m</em></td></tr>
<tr><td></td><td>Total</td><td>178.46 EUR</td></tr>
</table>
<p><a href="https://track.example.com/?id=JD014600003RU&amp;lang=en">Parcel JD014600003RU</a></p>
</html>
"#;

#[test]
fn page_is_rendered_with_every_value_escaped() {
    let post = file("page.post.json");
    let expected = Expected { page: Some(PAGE), ..Expected::default() };
    check("page", &Request::new().json(&post), &expected);
}

#[test]
fn page_warns_of_a_value_that_is_missing() {
    let post =
        r#"{"order": {"id": "A-3"}, "currency": "EUR", "lines": [], "total": 0, "customer": {"name": null}}"#;
    let page = "<!doctype html>\n<html lang=\"en\">\n<title>Order A-3</title>\n<h1>Thank you, </h1>\n<table>\n\
        <tr><td></td><td>Total</td><td>0.00 EUR</td></tr>\n</table>\n</html>\n";
    let expected =
        Expected { stderr: "no value for customer.name\n", page: Some(page), ..Expected::default() };
    check("page", &Request::new().json(post), &expected);
}
