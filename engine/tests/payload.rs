//! What a request becomes in a script: `GET`, `POST`, `ARGS`, `CONFIG`, `META`; and how a bad one is refused.

mod common;

use common::{engine, refused, refused_in, run_with, text_with, value_with};
use perilune::{Error, Part, PayloadError, Position, Request};
use serde_json::{Value, json};

/// Writes a table of strings to stdout, exact to the byte, in the order of its keys.
const DUMP: &str = r#"
    local keys = {}
    for key in pairs(TABLE) do assert(type(key) == "string") table.insert(keys, key) end
    table.sort(keys)
    for _, key in ipairs(keys) do
        assert(type(TABLE[key]) == "string")
        io.write(key, "\1", TABLE[key], "\2")
    end
"#;

type Pairs = &'static [(&'static [u8], &'static [u8])];

/// In the order of the keys' bytes, which is that of `table.sort`.
const URLENCODED: &[(&[u8], Pairs)] = &[
    (b"", &[]),
    (b"a=1&b=2", &[(b"a", b"1"), (b"b", b"2")]),
    (b"flag", &[(b"flag", b"")]),
    (b"flag=", &[(b"flag", b"")]),
    (b"flag&a=1", &[(b"a", b"1"), (b"flag", b"")]),
    (b"=v", &[(b"", b"v")]),
    (b"=", &[(b"", b"")]),
    (b"&", &[]),
    (b"&&a=1&&b=2&", &[(b"a", b"1"), (b"b", b"2")]),
    (b"a=1=2==", &[(b"a", b"1=2==")]),
    (b"a=1&a=2&a=3", &[(b"a", b"3")]),
    (b"a=1&%61=2", &[(b"a", b"2")]),
    (b"a=1&a", &[(b"a", b"")]),
    (b"a+b=c+d", &[(b"a b", b"c d")]),
    (b"%2B=%2b", &[(b"+", b"+")]),
    (b"a=%26%3D%25", &[(b"a", b"&=%")]),
    (b"a%3Db=1", &[(b"a=b", b"1")]),
    (b"%zz=%zz", &[(b"%zz", b"%zz")]),
    (b"a=%", &[(b"a", b"%")]),
    (b"a=%4", &[(b"a", b"%4")]),
    (b"a=%4&b=1", &[(b"a", b"%4"), (b"b", b"1")]),
    (b"a=%4g%41", &[(b"a", b"%4gA")]),
    (b"a=%%41", &[(b"a", b"%A")]),
    (b"a=%2541", &[(b"a", b"%41")]),
    (b"a=% 41", &[(b"a", b"% 41")]),
    (b"a=%+1", &[(b"a", b"% 1")]),
    (b"a=1;b=2", &[(b"a", b"1;b=2")]),
    (b"?a=1", &[(b"?a", b"1")]),
    (b"a=1#x", &[(b"a", b"1#x")]),
    (b"a[]=1&a[]=2", &[(b"a[]", b"2")]),
    (b"a=%00b&c\0=d\0", &[(b"a", b"\0b"), (b"c\0", b"d\0")]),
    (b"a=%FF%fe&\xff=\xc3", &[(b"a", b"\xff\xfe"), (b"\xff", b"\xc3")]),
    (b"a=%E4%BD%A0", &[(b"a", "你".as_bytes())]),
    ("ключ=знач".as_bytes(), &[("ключ".as_bytes(), "знач".as_bytes())]),
    (b"%EF%BB%BFa=1", &[(b"\xef\xbb\xbfa", b"1")]),
    (b"a=\r\n\t", &[(b"a", b"\r\n\t")]),
];

fn written(pairs: Pairs) -> Vec<u8> {
    pairs.iter().flat_map(|(key, value)| [key, b"\x01".as_slice(), value, b"\x02"].concat()).collect()
}

#[test]
fn a_query_is_decoded_as_whatwg_says_and_to_the_byte() {
    for (query, pairs) in URLENCODED {
        let trace = run_with(&DUMP.replace("TABLE", "GET"), &Request::new().query(query));
        common::assert_success(&trace, "DUMP");
        assert_eq!(trace.stdout, written(pairs), "query {:?}", query.escape_ascii().to_string());
    }
}

#[test]
fn a_form_is_decoded_as_a_query_is() {
    for (form, pairs) in URLENCODED {
        let trace = run_with(&DUMP.replace("TABLE", "POST"), &Request::new().form(form));
        common::assert_success(&trace, "DUMP");
        assert_eq!(trace.stdout, written(pairs), "form {:?}", form.escape_ascii().to_string());
    }
}

#[test]
fn pairs_are_taken_as_they_are() {
    let request = Request::new().param("a+b", "%41").param("x", "1").param("x", "ü\0").param("", "");
    let trace = run_with(&DUMP.replace("TABLE", "GET"), &request);
    assert_eq!(trace.stdout, "\u{1}\u{2}a+b\u{1}%41\u{2}x\u{1}ü\0\u{2}".as_bytes());
}

#[test]
fn pairs_and_a_raw_query_replace_one_another() {
    let count = "return GET";
    assert_eq!(value_with(count, &Request::new().query("a=1").param("b", "2")), json!({"b": "2"}));
    assert_eq!(value_with(count, &Request::new().param("b", "2").query("a=1")), json!({"a": "1"}));
}

#[test]
fn an_owned_request_is_the_same_request() {
    let request = Request::new().query("a=%FF").json(r#"{"n":1}"#).config("[1]").meta(r#"{"m":2}"#).seed(9);
    let source = "return { #GET.a, GET.a:byte(), POST.n, CONFIG[1], META.m, math.random() }";
    let borrowed = text_with(source, &request);
    assert_eq!(text_with(source, &request.into_owned()), borrowed);
}

#[test]
fn without_a_request_the_tables_are_there_and_empty() {
    let source = r#"
        for _, name in {"GET", "POST", "CONFIG", "META"} do
            assert(type(_G[name]) == "table" and next(_G[name]) == nil, name)
        end
        assert(ARGS.GET == GET and ARGS.POST == POST and ARGS.anything == nil)
        return true
    "#;
    for request in [
        Request::new(),
        Request::new().json(""),
        Request::new().form(""),
        Request::new().query("").json("{}"),
    ] {
        assert_eq!(value_with(source, &request), json!(true));
    }
}

#[test]
fn get_and_post_are_plain_tables_that_a_script_may_change() {
    let source = "GET.x = 1 POST.y = 2 table.insert(POST.list, 3) return { ARGS.x, ARGS.y, #ARGS.list }";
    assert_eq!(value_with(source, &Request::new().json(r#"{"list": [1]}"#)), json!([1, 2, 2]));
}

#[test]
fn args_reads_get_then_post_then_the_payload() {
    /// Query, body, expression, its value.
    const CASES: &[(&str, &str, &str, &str)] = &[
        ("a=get", r#"{"a":"post"}"#, "ARGS.a", r#""get""#),
        ("b=get", r#"{"a":"post"}"#, "ARGS.a", r#""post""#),
        ("a=", r#"{"a":"post"}"#, "ARGS.a", r#""""#),
        ("", r#"{"a":false}"#, "ARGS.a", "false"),
        ("", r#"{"a":null}"#, "ARGS.a == json.null", "true"),
        ("", r#"{"a":{"b":[1]}}"#, "ARGS.a.b[1]", "1"),
        ("", "{}", "ARGS.a == nil", "true"),
        // The payload: text in the query, an object in the body.
        (r#"payload={"monster":"Manticore"}"#, "", "ARGS.monster", r#""Manticore""#),
        ("payload=%7B%22monster%22%3A+%22Manticore%22%7D", "", "ARGS.monster", r#""Manticore""#),
        (r#"payload= {"a":{"b":2}}"#, "", "ARGS.a.b", "2"),
        ("", r#"{"payload":{"monster":"Manticore"}}"#, "ARGS.monster", r#""Manticore""#),
        ("", r#"{"payload":{"a":false}}"#, "ARGS.a", "false"),
        (r#"payload={"a":"payload"}&a=get"#, "", "ARGS.a", r#""get""#),
        (r#"payload={"a":"payload"}"#, r#"{"a":"post"}"#, "ARGS.a", r#""post""#),
        ("", r#"{"payload":{"a":"payload"},"a":"post"}"#, "ARGS.a", r#""post""#),
        (r#"payload={"a":1}"#, r#"{"payload":{"b":2}}"#, "{ARGS.a, ARGS.b}", "[1,2]"),
        (r#"payload={"a":1}"#, "", "ARGS.payload", r#""{\"a\":1}""#),
        ("", r#"{"payload":{"a":1}}"#, "ARGS.payload", r#"{"a":1}"#),
        // A payload that is no object has no members.
        ("payload=[1,2]", "", "ARGS[1] == nil and ARGS.a == nil", "true"),
        ("payload=text", "", "ARGS.len == nil and ARGS.a == nil", "true"),
        (r#"payload={"a":1"#, "", "ARGS.a == nil", "true"),
        (r#"payload={"a":1} x"#, "", "ARGS.a == nil", "true"),
        ("payload=null", "", "ARGS.a == nil", "true"),
        ("", r#"{"payload":3}"#, "ARGS.a == nil", "true"),
        ("", r#"{"payload":[7]}"#, "ARGS.a == nil", "true"),
        ("", r#"{"payload":[7]}"#, "ARGS[1] == nil", "true"),
        // Parameters of these names never hide the tables.
        ("GET=x&POST=y", "", "{ARGS.GET.GET, ARGS.POST == POST, ARGS.GET.POST}", r#"["x",true,"y"]"#),
        ("", r#"{"GET":1,"POST":2}"#, "{ARGS.GET == GET, ARGS.POST.GET, ARGS.POST.POST}", "[true,1,2]"),
        (r#"payload={"GET":1}"#, "", "ARGS.GET == GET", "true"),
        ("", r#"{"payload":{"POST":1}}"#, "ARGS.POST == POST", "true"),
        // Its own keys.
        (
            "a=1",
            r#"{"b":2,"payload":{"c":3}}"#,
            "(function() local n = {} for k, v in pairs(ARGS) do n[#n + 1] = k end table.sort(n) return n end)()",
            r#"["GET","POST"]"#,
        ),
        ("a=1", "", "rawget(ARGS, 'a') == nil and rawget(ARGS, 'GET') == GET", "true"),
        ("a=1", "", "ARGS[1] == nil and ARGS[true] == nil", "true"),
        ("1=one", "", "ARGS['1']", r#""one""#),
        ("", "", "getmetatable(ARGS) ~= nil and type(getmetatable(ARGS)) ~= 'table'", "true"),
        ("", "", "pcall(setmetatable, ARGS, {}) == false", "true"),
    ];
    let mut wrong = Vec::new();
    for (query, body, expression, expected) in CASES {
        let request = Request::new().query(query).json(body);
        let found = text_with(&format!("return {expression}"), &request);
        if &found != expected {
            wrong.push(format!(
                "{expression} with query {query:?} and body {body:?}: {found}, not {expected}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let found = text_with("return ARGS.monster", &Request::new().form("monster=Manticore"));
    assert_eq!(found, r#""Manticore""#);
}

/// A body, the text that it is refused with (its reason only where the contract fixes it), and line, column, char.
const BAD_BODIES: &[(&str, &str, [usize; 3])] = &[
    ("[1]", "Expecting object", [1, 1, 0]),
    ("3", "Expecting object", [1, 1, 0]),
    ("null", "Expecting object", [1, 1, 0]),
    ("\"{}\"", "Expecting object", [1, 1, 0]),
    ("nonsense", "Expecting object", [1, 1, 0]),
    ("a=1&b=2", "Expecting object", [1, 1, 0]),
    (" \n ", "Expecting object", [1, 1, 0]),
    ("{\"a\": x}", "", [1, 7, 6]),
    ("{\"a\" 1}", "", [1, 6, 5]),
    ("{\"a\":1,}", "", [1, 8, 7]),
    ("{a:1}", "", [1, 2, 1]),
    ("{\"a\":1 \"b\":2}", "", [1, 8, 7]),
    ("{\"a\":[1,2}", "", [1, 10, 9]),
    ("{\"a\":1} x", "", [1, 9, 8]),
    ("{\"a\":1}{}", "", [1, 8, 7]),
    ("{\"a\":1}\n\n]", "", [3, 1, 9]),
    ("{\"a\":tru}", "", [1, 9, 8]),
    ("{\"a\":01}", "", [1, 7, 6]),
    ("{\"a\":\"\\x\"}", "", [1, 8, 7]),
    ("{\"é\": x}", "", [1, 7, 6]),
    ("{\"你好\": \"😀\", x}", "", [1, 13, 12]),
    ("{\n  \"é\": x\n}", "", [2, 8, 9]),
    ("{\r\n\"a\": x}", "", [2, 6, 8]),
    ("{\"a\":\n\n\"b\",\n  y}", "", [4, 3, 14]),
    // The end of the text is where it stops.
    ("{", "", [1, 2, 1]),
    ("{\"a\": 1", "", [1, 8, 7]),
    ("{\"a\": \"é", "", [1, 9, 8]),
    ("{\"a\":\n", "", [2, 1, 6]),
    // A line break within a string is where it is.
    ("{\"a\":\"b\nc\"}", "", [1, 8, 7]),
    ("{\"a\":\"b\tc\"}", "", [1, 8, 7]),
];

#[test]
fn a_bad_body_is_refused_with_its_true_place() {
    let mut wrong = Vec::new();
    for (body, expected, [line, column, char]) in BAD_BODIES {
        let error = refused(&Request::new().json(body));
        let PayloadError::Json { part: Part::Body, reason, position } = &error else { panic!("{error:?}") };
        assert!(!reason.is_empty() && (expected.is_empty() || reason == expected), "{body:?}: {reason}");
        let place = format!("line {line} column {column} (char {char})");
        if *position != (Position { line: *line, column: *column, char: *char }) {
            wrong.push(format!("{body:?}: {reason}: {position}, but the place is {place}"));
            continue;
        }
        assert_eq!(error.to_string(), format!("JSON parse error - {reason}: {place}"));
        assert_eq!(Error::from(error.clone()).to_string(), error.to_string());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_text_of_a_body_that_is_no_object_is_the_seeds() {
    let error = refused(&Request::new().json("nonsense"));
    assert_eq!(error.to_string(), "JSON parse error - Expecting object: line 1 column 1 (char 0)");
}

#[test]
fn a_body_that_is_not_json_is_refused() {
    for body in [
        &b"{\"a\":\"\xff\"}"[..],
        b"{\"a\":1e999}",
        b"{\"a\":NaN}",
        b"{\"a\":+1}",
        b"{'a':1}",
        b"{\"a\":1}\0",
        b"\xef\xbb\xbf{}",
        b"{} {}",
        b"{\"a\":.5}",
        b"{\"a\":1.}",
        b"{/**/}",
    ] {
        let error = refused(&Request::new().json(body));
        assert!(matches!(error, PayloadError::Json { part: Part::Body, .. }), "{error:?}");
    }
}

#[test]
fn half_a_surrogate_pair_is_a_replacement_character() {
    for (escaped, expected) in [
        (r"\ud83d", "\u{fffd}"),
        (r"\uDC00", "\u{fffd}"),
        (r"\ud83d\ude00", "😀"),
        (r"\uD83D\uDE00", "😀"),
        (r"\ude00\ud83d", "\u{fffd}\u{fffd}"),
        (r"\ud83d\ud83d\ude00", "\u{fffd}😀"),
        (r"a\ud83dA\u0041", "a\u{fffd}AA"),
        (r"\ud83d\n", "\u{fffd}\n"),
        (r"\ud800\udc00\udbff\udfff", "\u{10000}\u{10ffff}"),
        (r"\ud7ff\ue000\uffff\u0000", "\u{d7ff}\u{e000}\u{ffff}\0"),
    ] {
        let member = format!(r#"{{"v":"{escaped}","{escaped}":1}}"#);
        let request = Request::new()
            .json(&member)
            .config(&member)
            .meta(&member)
            .param("text", member.as_str())
            .param("payload", format!(r#"{{"w":{member}}}"#));
        for way in ["POST", "CONFIG", "META", "json.decode(GET.text)", "ARGS.w"] {
            let source = format!("local t = {way} assert(t[t.v] == 1) return t.v");
            assert_eq!(value_with(&source, &request), json!(expected), "{escaped} by {way}");
        }
        let read = perilune::Value::from_json(member.as_bytes()).expect("it is JSON");
        assert_eq!(read.get("v").and_then(perilune::Value::as_str), Some(expected), "{escaped}");
    }
    for body in
        [r#"{"a":"\ud83d\u12"}"#, r#"{"a":"\ud83d\x"}"#, r#"{"a":"\ud83"}"#, r#"{"a":"\ud83d\u12x4"}"#]
    {
        let error = refused(&Request::new().json(body)).to_string();
        assert!(error.contains("invalid escape"), "{body}: {error}");
    }
}

#[test]
fn white_space_around_a_body_is_none_of_it() {
    assert_eq!(value_with("return POST", &Request::new().json(" \r\n\t{ \"a\" : 1 } \n")), json!({"a": 1}));
}

fn nested(depth: usize) -> String {
    format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth))
}

#[test]
fn a_body_may_be_nested_128_deep() {
    let source = "local t, n = POST, 0 while type(t) == 'table' do t, n = t.a, n + 1 end return n";
    assert_eq!(value_with(source, &Request::new().json(&nested(128))), json!(128));
    for body in [nested(129), format!("{{\"a\":{}{}}}", "[".repeat(128), "]".repeat(128)), nested(50_000)] {
        let error = refused(&Request::new().json(&body));
        assert!(error.to_string().contains("128"), "{error}");
    }
}

#[test]
fn config_and_meta_are_any_json_and_their_errors_name_them() {
    let request = Request::new().config("[1,{\"a\":null}]").meta(r#"{"method":"GET"}"#);
    assert_eq!(text_with("return {CONFIG, META}", &request), r#"[[1,{"a":null}],{"method":"GET"}]"#);
    for (request, part, name) in [
        (Request::new().config("{\n\"a\": x}"), Part::Config, "CONFIG"),
        (Request::new().meta("{\n\"a\": x}"), Part::Meta, "META"),
    ] {
        let error = refused(&request);
        let text = error.to_string();
        assert!(text.starts_with(&format!("{name}: JSON parse error - ")), "{text}");
        assert!(text.ends_with(": line 2 column 6 (char 7)"), "{text}");
        assert!(matches!(error, PayloadError::Json { part: found, .. } if found == part));
    }
    for request in [Request::new().config("{} x"), Request::new().meta("[")] {
        assert!(matches!(refused(&request), PayloadError::Json { .. }));
    }
}

/// Who can't see a part is refused for it all the same, and who can see it by another name than its own has it.
#[test]
fn what_a_script_can_not_see_is_checked_only() {
    let (good, broken) = (r#"{"a":["b",{"c":"\u00e9\n"},1,true,null]}"#, r#"{"a":["b",{"c":"\x"}]}"#);
    let seen = serde_json::from_str::<Value>(good).expect("it is JSON");
    let engine = engine();
    engine.module("globals", "return function() return { CONFIG, META } end").expect("it compiles");
    for source in [
        "return { CONFIG, META }",
        "return { _G['CON' .. 'FIG'], _G['ME' .. 'TA'] }",
        "local t = {} for name, value in pairs(_G) do t[name] = value end return { t.CONFIG, t.META }",
        "return require('globals')()",
    ] {
        let script = engine.compile("test", source).expect("it compiles");
        let trace = script.run(&Request::new().config(good).meta(good)).expect("it runs");
        assert_eq!(trace.value_as::<Value>().ok(), Some(json!([seen, seen])), "{source}");
    }
    for (source, sees_meta) in [("return 1", false), ("return META", true), ("return CONFIG", false)] {
        let script = engine.compile("test", source).expect("it compiles");
        assert_eq!(script.sees_meta(), sees_meta, "{source}");
        for request in [Request::new().config(broken), Request::new().meta(broken)] {
            let Err(Error::Payload(PayloadError::Json { reason, position, .. })) = script.run(&request)
            else {
                panic!("{source}")
            };
            assert_eq!((&*reason, position.char), ("invalid escape", 17), "{source}");
        }
        assert!(script.run(&Request::new().config(good).meta(good)).expect("it runs").ok(), "{source}");
    }
}

#[test]
fn query_body_config_and_meta_together_have_a_limit() {
    const LIMIT: usize = 524_288;
    let object = |bytes: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8));
    let (query, body, part) = (format!("a={}", "x".repeat(1000)), object(LIMIT - 1002 - 200), object(100));
    let script =
        engine().compile("test", "return #GET.a + #POST.a + #CONFIG.a + #META.a").expect("it compiles");
    let request = Request::new().query(&query).json(&body).config(&part).meta(&part);
    assert_eq!(script.run(&request).expect("at the limit").value_as::<usize>().ok(), Some(LIMIT - 2 - 24));

    let long = object(101);
    for request in [request.clone().config(&long), request.clone().meta(&long)] {
        let error = refused(&request);
        assert_eq!(error, PayloadError::TooLarge { limit: LIMIT });
        assert_eq!(error.to_string(), "Request size limit exceeded (524288).");
    }
    let longer = "x".repeat(LIMIT + 1);
    for request in [
        Request::new().query(&longer),
        Request::new().json(&longer),
        Request::new().form(&longer),
        Request::new().param("a", longer.as_str()),
        Request::new().config(&longer),
        Request::new().meta(&longer),
    ] {
        assert_eq!(refused(&request), PayloadError::TooLarge { limit: LIMIT });
    }
}

#[test]
fn a_hosts_own_request_limit_is_in_the_text() {
    let engine = common::builder().request(10).build();
    let error = refused_in(&engine, &Request::new().query("a=123456789"));
    assert_eq!(error.to_string(), "Request size limit exceeded (10).");
    assert_eq!(
        common::run_in(&engine, "return GET.a", &Request::new().query("a=12345678")).value.as_deref(),
        Some(r#""12345678""#)
    );
}

fn query(parameters: usize) -> String {
    (0..parameters).map(|n| format!("k{n}=v")).collect::<Vec<_>>().join("&")
}

const COUNT: &str =
    "local n = 0 for _ in pairs(GET) do n += 1 end for _ in pairs(POST) do n += 1 end return n";

#[test]
fn a_query_has_1000_parameters_at_most() {
    assert_eq!(value_with(COUNT, &Request::new().query(&query(1000))), json!(1000));
    assert_eq!(refused(&Request::new().query(&query(1001))), PayloadError::TooManyParameters { limit: 1000 });
    let pairs = |n: usize| (0..n).fold(Request::new(), |request, n| request.param(format!("k{n}"), "v"));
    assert_eq!(value_with(COUNT, &pairs(1000)), json!(1000));
    assert_eq!(refused(&pairs(1001)), PayloadError::TooManyParameters { limit: 1000 });
}

#[test]
fn a_repeated_parameter_counts_each_time() {
    assert_eq!(
        refused(&Request::new().query(&"a&".repeat(1001))),
        PayloadError::TooManyParameters { limit: 1000 }
    );
}

#[test]
fn nothing_between_two_ampersands_is_no_parameter() {
    assert_eq!(value_with(COUNT, &Request::new().query(&format!("&{}&", query(1000)))), json!(1000));
}

#[test]
fn a_form_has_no_limit_of_parameters() {
    assert_eq!(value_with(COUNT, &Request::new().form(&query(1500))), json!(1500));
}

#[test]
fn a_refused_request_makes_no_trace_and_takes_no_id() {
    let engine = common::builder().pool_size(1).build();
    let script = engine.compile("test", "return 1").expect("it compiles");
    for id in 1..4 {
        assert!(script.run(&Request::new().json("[")).is_err());
        assert!(script.run(&Request::new().config("[")).is_err());
        assert_eq!(script.run(&Request::new()).expect("it runs").id, id);
    }
}
