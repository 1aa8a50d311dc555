//! The response that a script asks its host to send.

mod common;

use common::{json, run, run_in};
use perilune::{Request, Response, Status};
use serde_json::json;

#[track_caller]
fn response(source: &str) -> Option<Response> {
    let trace = run(source);
    common::assert_success(&trace, source);
    trace.response.map(|response| *response)
}

/// A call, and the JSON of the response that it makes.
fn cases() -> Vec<(&'static str, serde_json::Value)> {
    let text = "text/plain; charset=utf-8";
    vec![
        ("{}", json!({"status": 200, "content_type": text, "content": "", "headers": {}})),
        (
            "{status = 404, content_type = 'text/html', content = '<p>', headers = {['X-A'] = 1, b = 'two'}}",
            json!({"status": 404, "content_type": "text/html", "content": "<p>", "headers": {"X-A": "1", "b": "two"}}),
        ),
        ("{content = 12.5}", json!({"status": 200, "content_type": text, "content": "12.5", "headers": {}})),
        (
            "{content = {a = {1, json.null}}}",
            json!({"status": 200, "content_type": "application/json", "content": "{\"a\":[1,null]}", "headers": {}}),
        ),
        (
            "{content = {}, content_type = 'application/problem+json'}",
            json!({"status": 200, "content_type": "application/problem+json", "content": "{}", "headers": {}}),
        ),
        (
            "{content = '\\255'}",
            json!({"status": 200, "content_type": text, "content": "\u{fffd}", "headers": {}}),
        ),
        (
            "{status = 599, headers = {['X-Tab'] = 'a\\tb\\255'}}",
            json!({"status": 599, "content_type": text, "content": "", "headers": {"X-Tab": "a\tb\u{fffd}"}}),
        ),
        (
            "{headers = {['Set-Cookie'] = {'b=1', 'a=2', 'b=1'}, link = {'</a>'}, none = {}, n = json.array{1, 2}}}",
            json!({"status": 200, "content_type": text, "content": "", "headers":
                {"Set-Cookie": ["b=1", "a=2", "b=1"], "link": "</a>", "n": ["1", "2"]}}),
        ),
        (
            "{status = 100, content_type = string.rep('x', 254) .. '/'}",
            json!({"status": 100, "content_type": format!("{}/", "x".repeat(254)), "content": "", "headers": {}}),
        ),
    ]
}

#[test]
fn the_trace_has_what_the_script_set() {
    for (call, expected) in cases() {
        let trace = run(&format!("set_response{call}"));
        assert_eq!(trace.status, Status::Success, "{call}: {}", trace.stderr_text());
        assert_eq!(json(&trace.to_json())["result"]["response"], expected, "{call}");
    }
    assert_eq!(response("set_response{content = 'a\\255'}").expect("it was set").content, b"a\xff");
    assert_eq!(response("return 1"), None);
    assert!(json(&run("return 1").to_json())["result"].get("response").is_none());
}

#[test]
fn the_last_call_wins_and_a_refused_one_changes_nothing() {
    let source = "
        set_response{status = 201}
        set_response{status = 202, content = 'second'}
        assert(not pcall(set_response, {status = 'x'}))
    ";
    let response = response(source).expect("it was set");
    assert_eq!((response.status, &*response.content), (202, &b"second"[..]));
    // What was set before an error is there too, for the host to decide.
    let failed = run("set_response{status = 201} error('later')");
    assert_eq!(
        (failed.status, failed.response.map(|response| response.status)),
        (Status::Failure, Some(201))
    );
    // And nothing of it in the next run.
    let engine = common::builder().pool_size(1).build();
    run_in(&engine, "set_response{status = 201}", &Request::new());
    assert_eq!(run_in(&engine, "return 1", &Request::new()).response, None);
}

/// A call over a limit, and what its error says.
const REFUSED: &[(&str, &str)] = &[
    ("set_response()", "table expected"),
    ("set_response('x')", "table expected"),
    ("set_response{status = 99}", "status must be a whole number from 100 to 599, not 99"),
    ("set_response{status = 600}", "from 100 to 599, not 600"),
    ("set_response{status = 200.5}", "not 200.5"),
    ("set_response{status = 0/0}", "from 100 to 599"),
    ("set_response{status = '200'}", "status must be a number, not string"),
    ("set_response{content = print}", "content must be a string, a number or a table, not function"),
    ("set_response{content = {print}}", "set_response: content[1] can't be JSON: it is a function"),
    ("set_response{content = string.rep('x', 2^19 + 1)}", "content is larger than 524288 bytes"),
    ("set_response{content = {string.rep('x', 2^19)}}", "content is larger than 524288 bytes"),
    ("set_response{content_type = 'html'}", "content_type must be printable characters with a /, not 'html'"),
    ("set_response{content_type = 'text/a\\r\\nX: y'}", "not 'text/a\\r\\nX: y'"),
    ("set_response{content_type = 'text/ä'}", "printable"),
    ("set_response{content_type = string.rep('x', 255) .. '/'}", "longer than 255 characters"),
    ("set_response{content_type = 1}", "content_type must be a string, not number"),
    ("set_response{headers = 'X'}", "headers must be a table, not string"),
    ("set_response{headers = {'a: b'}}", "the name of a header must be a string, not number"),
    ("set_response{headers = {['a b'] = 1}}", "not 'a b'"),
    ("set_response{headers = {['a\\nb'] = 1}}", "not 'a\\nb'"),
    ("set_response{headers = {[''] = 1}}", "1 to 127 letters"),
    ("set_response{headers = {[string.rep('x', 128)] = 1}}", "1 to 127 letters"),
    (
        "set_response{headers = {a = print}}",
        "header a must be a string or a number, or a list of these, not function",
    ),
    (
        "set_response{headers = {a = {{}}}}",
        "header a must be a string or a number, or a list of these, not table",
    ),
    (
        "set_response{headers = {a = {1, nil, 3}}}",
        "header a must be a list from 1 on, without holes and other keys",
    ),
    (
        "set_response{headers = {a = {1, x = 2}}}",
        "header a must be a list from 1 on, without holes and other keys",
    ),
    (
        "set_response{headers = {a = json.array{1, nil, 3}}}",
        "header a must be a string or a number, or a list of these, not nil",
    ),
    ("set_response{headers = {a = json.array{x = 1}}}", "header a must be a list from 1 on"),
    ("set_response{headers = {a = {'x', 'y\\r\\nSet-Cookie: z'}}}", "header a has a control character"),
    ("set_response{headers = {a = {'x', string.rep('x', 4097)}}}", "header a is longer than 4096 bytes"),
    ("set_response{headers = {a = table.create(51, 1)}}", "more than 50 headers"),
    ("set_response{headers = {a = table.create(30, 1), b = table.create(21, 1)}}", "more than 50 headers"),
    (
        "set_response{headers = {a = table.create(2, string.rep('x', 4096))}}",
        "the headers have more than 8192 bytes in all",
    ),
    ("set_response{headers = {a = 'x\\r\\nSet-Cookie: y'}}", "header a has a control character"),
    ("set_response{headers = {a = 'x\\0'}}", "header a has a control character"),
    ("set_response{headers = {a = string.rep('x', 4097)}}", "header a is longer than 4096 bytes"),
    ("local h = {} for i = 1, 51 do h['x' .. i] = 1 end set_response{headers = h}", "more than 50 headers"),
    (
        "set_response{headers = {a = string.rep('x', 4096), b = string.rep('x', 4096)}}",
        "the headers have more than 8192 bytes in all",
    ),
    (
        "set_response{stauts = 200}",
        "there is no field 'stauts': it takes status, content_type, content, headers",
    ),
    ("set_response{200}", "a field has a name, not a number: it takes status"),
];

#[test]
fn a_list_is_a_line_for_each_of_its_texts() {
    let response =
        response("set_response{headers = {['Set-Cookie'] = {'b=1', 'a=\\255'}, ['A'] = 1, b = 'x'}}");
    let lines: [(&str, &[u8]); 4] =
        [("A", b"1"), ("Set-Cookie", b"b=1"), ("Set-Cookie", b"a=\xff"), ("b", b"x")];
    assert_eq!(
        response.expect("it was set").headers,
        lines.map(|(name, value)| (name.to_owned(), value.to_vec()))
    );
    let most = "set_response{headers = {a = table.create(25, 1), b = table.create(25, 1)}}";
    assert_eq!(run(most).response.expect("at the limit").headers.len(), 50);
}

#[test]
fn breaking_a_limit_is_an_error_at_the_call() {
    for (call, text) in REFUSED {
        let trace = run(&format!("\n{call}"));
        let error = trace.error.expect("it fails");
        assert_eq!((trace.status, error.line), (Status::Failure, Some(2)), "{call}");
        assert!(error.message.contains(text), "{call}: {}", error.message);
        assert_eq!(trace.response, None, "{call}");
    }
}
