//! Values between JSON and Lua, both ways, everywhere.

mod common;

use common::{failed, json, refused, run, run_in, text, text_with, value};
use perilune::{ErrorKind, PayloadError, Request, Status, ValueError};
use serde_json::Value;

/// JSON texts with what comes back of them after a journey through Lua, where it is not the same.
const JOURNEYS: &[(&str, &str)] = &[
    ("1", ""),
    ("0", ""),
    ("-1", ""),
    ("1.0", "1"),
    ("1e3", "1000"),
    ("1.5", ""),
    ("-0.25", ""),
    ("0.1", ""),
    ("5e-324", ""),
    ("1.7976931348623157e308", "1.7976931348623157e+308"),
    ("4294967296", ""),
    ("9007199254740991", ""),
    ("9007199254740992", ""),
    ("-9007199254740992", ""),
    ("9007199254740993", "\"9007199254740993\""),
    ("-9007199254740993", "\"-9007199254740993\""),
    ("9223372036854775807", "\"9223372036854775807\""),
    ("-9223372036854775808", "\"-9223372036854775808\""),
    ("18446744073709551615", "\"18446744073709551615\""),
    ("true", ""),
    ("false", ""),
    ("null", ""),
    ("\"\"", ""),
    ("\"text\"", ""),
    ("\"a\\u0000b\"", ""),
    ("\"\\\"\\\\\\n\\r\\t\"", ""),
    ("\"\\/\"", "\"/\""),
    ("\"\\u00e9\\ud83d\\ude00\"", "\"é😀\""),
    ("\"你好\"", ""),
    ("[]", ""),
    ("{}", ""),
    ("[[],{}]", ""),
    ("{\"a\":[]}", ""),
    ("{\"a\":{}}", ""),
    ("[1,2,3]", ""),
    ("[null]", ""),
    ("[1,null,3,null]", ""),
    ("[[1,[2,[3]]]]", ""),
    ("{\"1\":\"a\"}", ""),
    ("{\"\":1}", ""),
    ("{\"a\":1,\"a\":2}", "{\"a\":2}"),
    ("{\"a\":null}", ""),
    (" [ 1 , 2 ] ", "[1,2]"),
];

#[test]
fn json_comes_back_as_it_went_in() {
    for (sent, back) in JOURNEYS {
        let expected = json(if back.is_empty() { sent } else { back });
        let body = format!("{{\"v\":{sent}}}");
        let ways = [
            ("POST", text_with("return POST.v", &Request::new().json(&body))),
            ("CONFIG", text_with("return CONFIG", &Request::new().config(sent))),
            ("META", text_with("return META.v", &Request::new().meta(&body))),
            ("decode", text_with("return json.decode(GET.v)", &Request::new().param("v", *sent))),
            ("ARGS", text_with("return ARGS.v", &Request::new().param("payload", body.as_str()))),
        ];
        for (way, found) in ways {
            assert_eq!(json(&found), expected, "{sent} by {way} came as {found}");
        }
        let encoded = text_with("return json.encode(json.decode(GET.v))", &Request::new().param("v", *sent));
        let encoded: String = serde_json::from_str(&encoded).expect("a string");
        assert_eq!(json(&encoded), expected, "{sent} by encode came as {encoded}");
    }
}

#[test]
fn objects_with_many_members_come_back_whole() {
    let members: serde_json::Map<String, Value> = (0..500).map(|n| (format!("key {n}"), n.into())).collect();
    let body = Value::Object(members);
    let sent = body.to_string();
    assert_eq!(json(&text_with("return POST", &Request::new().json(&sent))), body);
}

/// What a script returns, and the JSON of it.
const RETURNED: &[(&str, &str)] = &[
    ("return nil", "null"),
    ("return 1, 2", "[1,2]"),
    ("return nil, nil", "[null,null]"),
    ("return nil, 1", "[null,1]"),
    ("return 1, nil", "[1,null]"),
    ("return {}, json.array(), 'x'", "[{},[],\"x\"]"),
    ("return {1, 2}", "[1,2]"),
    ("return {{1}}", "[[1]]"),
    ("return {}", "{}"),
    ("return json.array{}", "[]"),
    ("return json.array()", "[]"),
    ("return json.array{1, 2}", "[1,2]"),
    ("return {a = json.array{}}", "{\"a\":[]}"),
    ("local t = json.array{} t[1] = 'x' return t", "[\"x\"]"),
    ("local t = {} assert(json.array(t) == t) return t", "[]"),
    ("local t = json.decode('[1]') t[1] = nil return t", "[]"),
    ("local t = json.decode('{\"a\":1}') t.a = nil return t", "{}"),
    ("local t = json.decode('[]') t[1] = 1 return t", "[1]"),
    ("return json.array{1, 2, nil, 4}", "[1,2,null,4]"),
    ("return json.array{nil, nil, 3}", "[null,null,3]"),
    ("return json.array{[6] = 'b', [2] = 'a'}", "[null,\"a\",null,null,null,\"b\"]"),
    ("return json.array{1, 2, nil}", "[1,2]"),
    ("return {json.array{nil, {}}}", "[[null,{}]]"),
    ("local t = json.decode('[1,2,3]') t[2] = nil return t", "[1,null,3]"),
    ("local t = json.decode('[1]') t[4] = 4 return t", "[1,null,null,4]"),
    ("local t = json.array{} t[300] = 1 for i = 1, 99 do t[i] = i end return #json.encode(t) > 300", "true"),
    ("return {x = 1}", "{\"x\":1}"),
    ("return {[1] = 'a', [2] = 'b'}", "[\"a\",\"b\"]"),
    ("local t = {} for i = 5, 1, -1 do t[i] = i end return t", "[1,2,3,4,5]"),
    ("return {[2] = 'b'}", "{\"2\":\"b\"}"),
    ("return {[1] = 'a', [3] = 'c'}", "{\"1\":\"a\",\"3\":\"c\"}"),
    ("return {1, nil, 3}", "{\"1\":1,\"3\":3}"),
    ("return {1, 2, x = 3}", "{\"1\":1,\"2\":2,\"x\":3}"),
    ("return {[0] = 1}", "{\"0\":1}"),
    ("return {[0] = 1, 2}", "{\"0\":1,\"1\":2}"),
    ("return {[-1] = 1}", "{\"-1\":1}"),
    ("return {[1.5] = 1}", "{\"1.5\":1}"),
    ("return {[2^53] = 1}", "{\"9007199254740992\":1}"),
    ("return {1, json.null, 3}", "[1,null,3]"),
    ("return json.null", "null"),
    ("return {a = json.null}", "{\"a\":null}"),
    ("return tostring(json.null)", "\"null\""),
    ("return json.decode('null') == json.null", "true"),
    ("return json.decode('[null]')[1] == json.null", "true"),
    ("return #json.decode('[null,null]')", "2"),
    ("return json.null == nil", "false"),
    ("return 3.0", "3"),
    ("return 2^53", "9007199254740992"),
    ("return -2^53", "-9007199254740992"),
    ("return 2^53 - 1", "9007199254740991"),
    ("return 1e15", "1000000000000000"),
    ("return 0.1 + 0.2", "0.30000000000000004"),
    ("return true", "true"),
    ("return '\\0\\1\\127\"\\\\'", "\"\\u0000\\u0001\u{7f}\\\"\\\\\""),
    ("return '\\255'", "\"\u{fffd}\""),
    ("return 'a\\xE4\\xBDb'", "\"a\u{fffd}b\""),
    ("return 'é\\xFF\\xFEé'", "\"é\u{fffd}\u{fffd}é\""),
    ("return '\\xED\\xA0\\x80'", "\"\u{fffd}\u{fffd}\u{fffd}\""),
    ("return {['\\255'] = 1}", "{\"\u{fffd}\":1}"),
    ("return '\\xFF\\n\"'", "\"\u{fffd}\\n\\\"\""),
    ("local t = {1} return {t, t}", "[[1],[1]]"),
    ("return setmetatable({}, {__index = {a = 1}, __len = function() return 9 end})", "{}"),
    ("return setmetatable({1}, {__iter = error, __pairs = error, __tostring = error})", "[1]"),
    ("return json.encode(nil)", "\"null\""),
    ("return json.encode('x')", "\"\\\"x\\\"\""),
    ("return json.encode({a = {1, json.null}})", "\"{\\\"a\\\":[1,null]}\""),
    ("return json.encode('\\255')", "\"\\\"\u{fffd}\\\"\""),
    ("return json.decode('9007199254740993')", "\"9007199254740993\""),
];

#[test]
fn what_a_script_returns_becomes_json() {
    let mut wrong = Vec::new();
    for (source, expected) in RETURNED {
        let trace = run(source);
        let found = trace.value.clone().unwrap_or_else(|| trace.stderr_text().into_owned());
        if serde_json::from_str::<Value>(&found).ok() != Some(json(expected)) {
            wrong.push(format!("{source}: {found}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn integers_go_out_without_a_fraction_and_floats_exactly() {
    for (source, expected) in
        [("return 1.0", "1"), ("return 2^53", "9007199254740992"), ("return -7", "-7"), ("return 1.5", "1.5")]
    {
        assert_eq!(text(source), expected);
    }
    for (source, expected) in
        [("return 2^54", 2f64.powi(54)), ("return 1e300", 1e300), ("return -2^63", -(2f64.powi(63)))]
    {
        assert_eq!(text(source).parse::<f64>().ok(), Some(expected), "{source}");
    }
}

#[test]
fn nothing_returned_is_no_value() {
    for source in ["", "return", "local x = 1", "print(1) return"] {
        let trace = run(source);
        assert_eq!((trace.status, trace.value.as_deref()), (Status::Success, None), "{source}");
        assert_eq!(trace.value_as::<Option<u8>>().ok(), Some(None));
    }
}

/// Guards against a failure that reads as `None`.
#[test]
fn a_run_that_failed_has_no_value_of_any_type() {
    for (source, text) in [
        ("error('boom')", "the run ended with runtime: test:1: boom"),
        ("return print", "the run ended with value: the returned value can't be JSON: it is a function"),
    ] {
        let trace = run(source);
        let error = trace.value_as::<Option<u8>>().expect_err(source);
        assert_eq!(error.to_string(), text);
        assert!(
            matches!(error, ValueError::Failed(error) if Some(&error) == trace.error.as_ref()),
            "{source}"
        );
        assert!(
            trace.value_as::<()>().is_err() && trace.value_as::<serde_json::Value>().is_err(),
            "{source}"
        );
    }
    assert!(matches!(run("return 'x'").value_as::<u8>(), Err(ValueError::Type(_))));
}

/// Values that no JSON is for, and what the message holds.
const IMPOSSIBLE: &[(&str, &[&str])] = &[
    ("0/0", &["NaN"]),
    ("math.huge", &["infinite"]),
    ("-math.huge", &["infinite"]),
    ("{1, 0/0}", &["[2]", "NaN"]),
    ("print", &["function"]),
    ("{a = {1, print}}", &[".a[2]", "function"]),
    ("{a = {b = {c = function() end}}}", &[".a.b.c", "function"]),
    ("{coroutine.create(print)}", &["[1]", "thread"]),
    ("{b = buffer.create(1)}", &[".b", "buffer"]),
    ("vector.create(1, 2, 3)", &["vector"]),
    ("{[true] = 1}", &["key", "boolean"]),
    ("{a = {[{}] = 1}}", &[".a", "key", "table"]),
    ("{[print] = 1}", &["key", "function"]),
    ("{x = 1, [math.huge] = 1}", &["infinite"]),
    ("{a = {[7] = 1, ['7'] = 2}}", &[".a", "two of its keys", "'7'"]),
    ("{1, 2, ['2'] = 2}", &["two of its keys", "'2'"]),
    ("{[-1.5] = 1, x = 2, ['-1.5'] = 3}", &["two of its keys", "'-1.5'"]),
    ("{[0] = 1, ['0'] = 1}", &["two of its keys", "'0'"]),
    ("{[1e300] = 1, ['1e+300'] = 1}", &["two of its keys", "'1e+300'"]),
    ("{['a\\255'] = 1, ['a\\254'] = 2}", &["two of its keys", "'a\u{fffd}'"]),
    ("{{['\\255'] = 1, ['\\xEF\\xBF\\xBD'] = 2}}", &["[1]", "two of its keys", "'\u{fffd}'"]),
    ("{['\\255\\u{fffd}x'] = 1, ['\\u{fffd}\\254x'] = 2}", &["two of its keys"]),
    ("json.array{1, x = 2}", &["array", "the key .x"]),
    ("json.array{1, [0] = 2}", &["array", "the key [0]"]),
    ("json.array{[1.5] = 2}", &["array", "the key [1.5]"]),
    ("json.array{[true] = 2}", &["array", "the key [boolean]"]),
    ("{a = json.array{[4] = 1}}", &[".a", "array", "1 of its 4 elements"]),
    ("json.array{1, 2, [2^40] = 1}", &["array", "3 of its 1099511627776 elements"]),
    ("(function() local t = json.decode('[]') t.x = 1 return t end)()", &["array", "the key .x"]),
    ("(function() local t = {} t.me = t return t end)()", &[".me", "itself"]),
    ("(function() local a, b = {}, {} a.b = b b[1] = a return a end)()", &[".b[1]", "itself"]),
];

#[test]
fn a_hosts_value_as_json_has_each_name_once() {
    use perilune::Value;
    let members = |keys: [&'static [u8]; 3]| Value::object(keys.into_iter().zip([1, 2, 3]));
    for (keys, expected) in [
        ([&b"a"[..], b"b", b"a"], Some(r#"{"b":2,"a":3}"#)),
        ([b"a", b"\xff", b"\xff"], Some("{\"a\":1,\"\u{fffd}\":3}")),
        ([b"a", b"\xff", b"\xfe"], None),
        ([b"a", b"\xff", "\u{fffd}".as_bytes()], None),
    ] {
        assert_eq!(serde_json::to_string(&members(keys)).ok().as_deref(), expected, "{keys:?}");
    }
    let exact = Value::array([0.9424502837770503, -0.0, 2f64.powi(60), 3.0]);
    assert_eq!(exact.to_string(), "[0.9424502837770503,-0.0,1.152921504606847e+18,3]");
    assert_eq!(
        Value::from_json(exact.to_string().as_bytes()).expect("it is JSON").to_string(),
        exact.to_string()
    );
}

#[test]
fn objects_are_equal_in_any_order_of_their_members() {
    use perilune::Value;
    let object = |members: &[(&str, i32)]| Value::array([Value::object(members.iter().copied())]);
    let value = object(&[("a", 1), ("b", 2)]);
    for (same, other) in [
        (true, &[("b", 2), ("a", 1)][..]),
        (true, &[("a", 3), ("b", 2), ("a", 1)]),
        (false, &[("a", 1), ("b", 2), ("a", 3)]),
        (false, &[("a", 2), ("b", 1)]),
        (false, &[("a", 1)]),
        (false, &[("a", 1), ("b", 2), ("c", 3)]),
    ] {
        assert_eq!(value == object(other), same, "{other:?}");
        assert_eq!(object(other) == value, same, "{other:?}");
    }
}

/// Keys that look alike and are not one name.
#[test]
fn names_that_differ_are_all_there() {
    for (source, names) in [
        ("{[7] = 1, ['07'] = 2, ['7.0'] = 3, ['7e0'] = 4, ['+7'] = 5, [' 7'] = 6}", 6),
        ("{[1.5] = 1, ['1.50'] = 2, ['-1.5'] = 3, [-1] = 4, ['-'] = 5}", 5),
        ("{['1'] = 1, ['2'] = 2, ['\\255'] = 3, ['\\255\\255'] = 4, ['a\\u{fffd}'] = 5}", 5),
        ("{['inf'] = 1, ['nan'] = 2, [3] = 3, ['-inf'] = 4, ['-nan'] = 5}", 5),
        ("{[2^53] = 1, ['9007199254740993'] = 2}", 2),
    ] {
        let found = value(&format!("return {source}"));
        assert_eq!(found.as_object().map(serde_json::Map::len), Some(names), "{source}: {found}");
        assert_eq!(value(&format!("return json.decode(json.encode({source}))")), found, "{source}");
    }
    // A host's function gets names as bytes, and they clash no less.
    let engine = common::builder().pool_size(1).build();
    engine.function("echo", |call| call.value(0)).expect("a name");
    let trace = run_in(&engine, "host.echo{a = {[7] = 1, ['7'] = 2}}", &Request::new());
    let message = trace.error.expect("a clash").message;
    assert!(message.contains("two of its keys would be the name '7'"), "{message}");
    let trace =
        run_in(&engine, "return next(host.echo{['\\255'] = 1, ['\\254'] = 2}) ~= nil", &Request::new());
    assert_eq!(trace.value.as_deref(), Some("true"));
}

#[test]
fn what_can_not_be_json_is_an_error_that_says_where() {
    for (expression, parts) in IMPOSSIBLE {
        let returned = failed(&format!("return {expression}"), ErrorKind::Value);
        let encoded = text(&format!("return select(2, pcall(json.encode, {expression}))"));
        for message in [&returned, &encoded] {
            for part in *parts {
                assert!(message.contains(part), "{expression}: {message} lacks {part}");
            }
        }
    }
    let several = failed("return 1, {a = print}", ErrorKind::Value);
    assert!(several.contains("[2].a"), "{several}");
}

#[test]
fn values_are_128_deep_at_most() {
    let build = "local t = 1 for _ = 1, DEPTH do t = {t} end ";
    for depth in [1, 127, 128] {
        let source = build.replace("DEPTH", &depth.to_string());
        assert_eq!(text(&(source.clone() + "return t")).matches('[').count(), depth);
        assert_eq!(value(&(source + "return #json.encode(t)")), json(&(2 * depth + 1).to_string()));
        let sent = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        let found = text_with(
            "return json.encode(json.decode(GET.v)) == GET.v",
            &Request::new().param("v", sent.as_str()),
        );
        assert_eq!(found, "true");
        assert_eq!(text_with("return CONFIG", &Request::new().config(&sent)), sent);
    }
    for depth in [129, 1000, 100_000] {
        let source = build.replace("DEPTH", &depth.to_string());
        let message = failed(&(source.clone() + "return t"), ErrorKind::Value);
        assert!(message.contains("128"), "{message}");
        assert_eq!(text(&(source + "return (pcall(json.encode, t))")), "false");
        let sent = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        let found =
            text_with("return {pcall(json.decode, GET.v)}", &Request::new().param("v", sent.as_str()));
        assert!(found.starts_with("[false,") && found.contains("128"), "{found}");
        assert!(matches!(refused(&Request::new().config(&sent)), PayloadError::Json { .. }));
    }
}

#[test]
fn json_decode_refuses_what_is_not_json_and_says_where() {
    for (text_sent, place) in [
        ("", "line 1 column 1 (char 0)"),
        ("[1,]", "line 1 column 4 (char 3)"),
        ("[1\n,é]", "line 2 column 2 (char 4)"),
        ("{\"a\":1} x", "line 1 column 9 (char 8)"),
        ("[1", "line 1 column 3 (char 2)"),
        ("nul", "line 1 column 4 (char 3)"),
    ] {
        let found = text_with("return {pcall(json.decode, GET.v)}", &Request::new().param("v", text_sent));
        assert!(found.starts_with("[false,") && found.contains(place), "{text_sent:?}: {found}, not {place}");
    }
    for source in [
        "json.decode()",
        "json.decode({})",
        "json.decode(nil)",
        "json.encode()",
        "json.array(1)",
        "json.array('x')",
    ] {
        failed(source, ErrorKind::Runtime);
    }
    // An uncaught error of the library is told with its place in the script.
    let message = failed("\njson.decode('[')", ErrorKind::Runtime);
    assert!(message.starts_with("test:2: "), "{message}");
}

#[test]
fn the_returned_value_has_a_limit_of_json_bytes() {
    let engine = common::builder().value(100).build();
    for (source, fits) in [
        ("return string.rep('x', 98)", true),
        ("return string.rep('x', 99)", false),
        ("return string.rep('\\n', 49)", true),
        ("return string.rep('\\n', 50)", false),
        ("return string.rep('\\255', 32)", true),
        ("return string.rep('\\255', 33)", false),
        ("return string.rep('x', 46), string.rep('x', 47)", true),
        ("return string.rep('x', 47), string.rep('x', 47)", false),
        ("return table.create(49, 1), 1", false),
    ] {
        let trace = run_in(&engine, source, &Request::new());
        let error = trace.error.as_ref();
        assert_eq!(error.is_none(), fits, "{source}: {:?}", trace.value);
        if let Some(error) = error {
            assert_eq!((trace.status, error.kind), (Status::Failure, ErrorKind::Value));
            assert!(error.message.contains("100"), "{}", error.message);
        }
        assert!(trace.value.is_none_or(|value| value.len() <= 100));
    }
    assert_eq!(text("return string.rep('x', 512 * 1024 - 2)").len(), 512 * 1024);
    failed("return string.rep('x', 512 * 1024 - 1)", ErrorKind::Value);
    // A script may make larger ones for itself.
    assert_eq!(text("return #json.encode(string.rep('x', 1024 * 1024))"), (1024 * 1024 + 2).to_string());
}
