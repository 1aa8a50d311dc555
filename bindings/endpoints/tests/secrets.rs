//! Keys never reach a script, and all else does as it came.

mod common;

use common::{Asked, ask, built, serving, value};
use fastrand::Rng;
use serde_json::{Value, json};

const SECRETS: [&str; 5] = ["api_key", "apikey", "_api_key", "user_key", "_user_key"];

#[test]
fn only_its_own_members_are_cut_out_of_json() {
    let (_engine, setup) = serving("return json.encode(POST)");
    let endpoints = built(setup);
    let names = [
        r#""a""#,
        r#""api_key""#,
        r#""_api_key""#,
        r#""user_key""#,
        r#""apikey""#,
        r#""k\"\\""#,
        r#""\u0061pi_key""#,
        r#""\u005fuser\u005Fkey""#,
        r#""api_key ""#,
        r#""API_KEY""#,
        r#""\ud800""#,
        r#""\ud800api_key""#,
    ];
    let values = [
        "1",
        "12345678901234567890",
        r#""}, \"key\": [\"""#,
        r#"[{"api_key":"in"}]"#,
        r#"{ "_api_key" : {} }"#,
        "null",
        r#""""#,
        "1e999",
        r#""é\ud800""#,
        "[[],{}]",
    ];
    let spaces = ["", " ", "\n\t", "\r\n  "];
    let mut rng = Rng::with_seed(1);
    for size in 0..3000 {
        let mut body = "{".to_owned();
        let mut expected = serde_json::Map::new();
        let space = |rng: &mut Rng| spaces[rng.usize(..spaces.len())];
        for member in 0..size % 5 {
            let (name, value) = (names[rng.usize(..names.len())], values[rng.usize(..values.len())]);
            let comma = if member == 0 { "" } else { "," };
            for part in
                [comma, space(&mut rng), name, space(&mut rng), ":", space(&mut rng), value, space(&mut rng)]
            {
                body.push_str(part);
            }
            // What is half a character is U+FFFD to a script, and a number that is too large is no number.
            let name: String =
                serde_json::from_str(&name.replace(r"\ud800", "\u{fffd}")).expect("it is JSON");
            if !SECRETS.contains(&&*name) {
                expected.insert(
                    name,
                    serde_json::from_str(&value.replace(r"\ud800", "\u{fffd}")).unwrap_or(Value::Null),
                );
            }
        }
        body.push('}');
        let answer = ask(&endpoints, &Asked::post("a/run/", "application/json", &body));
        let text = value(&answer);
        match text.as_str() {
            Some(text) => {
                let mut got: Value = serde_json::from_str(text).expect("it is JSON");
                // Numbers of 64 bits are texts to a script.
                for (_, one) in got.as_object_mut().into_iter().flatten() {
                    if one == "12345678901234567890" {
                        *one = json!(12345678901234567890u64);
                    }
                }
                let got = if got == json!([]) { json!({}) } else { got };
                assert_eq!(got, Value::Object(expected), "{body}");
            }
            None => assert!(body.contains("1e999"), "{body}: {answer:?}"),
        }
    }
}

/// Whatever is wrong with a body that is read after all, no member of it is a secret.
#[test]
fn no_broken_body_brings_a_key_to_a_script() {
    let (_engine, setup) = serving(
        "for _, name in { 'api_key', 'apikey', '_api_key', 'user_key', '_user_key' } do
            if POST[name] ~= nil then return name end
        end
        return 'clean'",
    );
    let endpoints = built(setup);
    let mut rng = Rng::with_seed(2);
    let pieces = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"api_key\"",
        "\"_api_key\"",
        "\"user\\u005fkey\"",
        "\"a\"",
        "1",
        "\"",
        "\\",
        "\\u0061",
        "\\ud83d",
        " ",
        "\n",
        "null",
        "1e5",
        "-",
        "\u{e9}",
        "\u{7f}",
        "\u{1}",
        "\u{feff}",
        "\"apikey\":1",
        "\"_user_key\":{}",
    ];
    let (mut read, mut refused) = (0, 0);
    for _ in 0..10_000 {
        let mut body =
            br#"{"user_key" : 1, "a": [1, {"b": "\u00e9"}], "api_key":"x" ,"s": "key", "_api_key": {}}"#
                .to_vec();
        for _ in 0..rng.usize(0..4) {
            let at = rng.usize(..=body.len());
            let to = (at + rng.usize(..3)).min(body.len());
            body.splice(at..to, pieces[rng.usize(..pieces.len())].bytes());
        }
        let answer = ask(&endpoints, &Asked::post("a/run/", "application/json", &body));
        match answer.status {
            200 => {
                read += 1;
                assert_eq!(value(&answer), "clean", "{}", String::from_utf8_lossy(&body));
            }
            status => {
                refused += 1;
                assert_eq!(status, 400, "{answer:?}");
            }
        }
    }
    assert!(read > 1000 && refused > 1000, "{read} were read, {refused} refused");
}

#[test]
fn what_is_cut_out_must_be_json_too() {
    let (_engine, setup) = serving("return json.encode(POST)");
    let endpoints = built(setup);
    let deep = "[".repeat(100_000);
    for value in
        [&*deep, "NaN", "{,}", "\"\n\"", "01", "1 2", "\"\\x\"", &r#"{"api_key": "#.repeat(5000), "1}, {"]
    {
        let body = format!(r#"{{"api_key": {value}}}"#);
        let answer = ask(&endpoints, &Asked::post("a/run/", "application/json", body));
        assert_eq!(answer.status, 400);
        assert!(answer.body.starts_with(br#"{"detail":"JSON parse error - "#), "{answer:?}");
    }
    let body = format!(r#"{{"api_key": {}}}"#, "9".repeat(100_000));
    assert_eq!(ask(&endpoints, &Asked::post("a/run/", "application/json", body)).status, 200);
}

#[test]
fn the_place_of_an_error_is_that_of_the_body_as_it_came() {
    let (_engine, setup) = serving("return POST");
    let endpoints = built(setup);
    let deep = format!("{}{}", "[".repeat(128), "]".repeat(128));
    for (body, place) in [
        ("{\"api_key\": 1,\n \"a\": tru}".to_owned(), "line 2 column 10 (char 24)"),
        (format!("{{\"api_key\":\n 1, \"a\": {deep}}}"), "line 2 column 137 (char 148)"),
    ] {
        let answer = ask(&endpoints, &Asked::post("a/run/", "application/json", body));
        let text = String::from_utf8_lossy(&answer.body);
        assert!(text.contains(place), "{place}: {text}");
    }
}

#[test]
fn parameters_are_cut_out_of_queries_and_forms() {
    let (_engine, setup) = serving("return META.raw or { get = GET, post = POST }");
    let endpoints = built(setup);
    for (raw, left) in [
        ("", json!({})),
        ("a=1", json!({"a": "1"})),
        ("api_key=1", json!({})),
        ("api_key", json!({})),
        ("&&api_key=1&&", json!({})),
        ("a=1&%61%70i_key=2&b=%2", json!({"a": "1", "b": "%2"})),
        (
            "monkey=1&API_KEY=2&api_key2=3&+api_key=4",
            json!({"monkey": "1", "API_KEY": "2", "api_key2": "3", " api_key": "4"}),
        ),
        ("a=api_key=1&_user_key=1=2&user_key", json!({"a": "api_key=1"})),
    ] {
        let by_query = value(&ask(&endpoints, &Asked::get(&format!("a/run/?{raw}"))));
        assert_eq!(by_query["get"], left, "{raw}");
        let form = Asked::post("a/run/", "application/x-www-form-urlencoded", raw);
        assert_eq!(value(&ask(&endpoints, &form))["post"], left, "{raw}");
    }
}

#[test]
fn a_key_in_a_body_counts_where_there_is_no_other() {
    let (_engine, setup) = serving("return POST");
    let endpoints = built(setup.key("ż&+%"));
    let multipart = "--X\r\nContent-Disposition: form-data; name=_api_key\r\n\r\nż&+%\r\n--X--";
    for (content_type, body, status) in [
        ("application/json", r#"{"_api_key": "moon-key"}"#, 200),
        ("application/json", r#"{"\u005fapi_key": "\u017c&+%"}"#, 200),
        ("application/json", r#"{"_api_key": "wrong", "_api_key": "moon-key"}"#, 200),
        ("application/json", r#"{"_api_key": "moon-key", "_api_key": "wrong"}"#, 403),
        ("application/json", r#"{"_api_key": "moon-key", "_api_key": 1}"#, 403),
        ("application/json", r#"{"_api_key": "moon-key""#, 403),
        ("application/json", r#"{"_api_key": "moon-key"} x"#, 403),
        ("application/json", r#"{"api_key": "moon-key"}"#, 403),
        ("application/x-www-form-urlencoded", "_api_key=%C5%BC%26%2B%25&a=1", 200),
        ("application/x-www-form-urlencoded", "api_key=moon-key", 403),
        ("multipart/form-data; boundary=X", multipart, 200),
        ("image/png", r#"{"_api_key": "moon-key"}"#, 403),
    ] {
        let asked = Asked::post("a/run/", content_type, body).without_key();
        assert_eq!(ask(&endpoints, &asked).status, status, "{body}");
        // A key outside of it goes before.
        let asked = asked.header("X-Api-Key", "wrong");
        assert_eq!(ask(&endpoints, &asked).status, 403, "{body}");
    }
}
