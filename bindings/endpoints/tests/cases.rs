//! The table of cases, asked of the crate itself: as `test_cases.py` asks each host over a socket.

mod common;

use std::collections::HashMap;
use std::time::Duration;

use common::{Asked, ask, folder};
use perilune::Engine;
use perilune_endpoints::{Answer, Endpoints};
use regex::Regex;
use serde_json::{Map, Value};

fn read(name: &str) -> Value {
    let text = std::fs::read(folder().join(name)).expect("it is there");
    serde_json::from_slice(&text).expect("it is JSON")
}

fn strings(value: &Value) -> Vec<&str> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    }
}

fn host(settings: &Value) -> Endpoints {
    let mut builder = Engine::builder();
    let number = |name: &str| settings[name].as_u64();
    if let Some(ms) = number("timeout_ms") {
        builder = builder.timeout(Duration::from_millis(ms));
    }
    if let Some(bytes) = number("request") {
        builder = builder.request(bytes as usize);
    }
    if let Some(parameters) = number("parameters") {
        builder = builder.parameters(parameters as usize);
    }
    let engine = builder.build();
    let report = engine.scripts().load_dir(folder().join("scripts")).expect("it is there");
    assert!(report.failed.is_empty(), "{report:?}");

    let mut setup = Endpoints::setup(&engine);
    match &settings["keys"] {
        Value::Object(instances) => {
            for (instance, keys) in instances {
                for key in strings(keys) {
                    setup = setup.instance_key(instance, key);
                }
            }
        }
        keys => {
            for key in strings(keys) {
                setup = setup.key(key);
            }
        }
    }
    for script in strings(&settings["public"]) {
        setup = setup.public(script, None);
    }
    if let Some(rate) = settings["rate"].as_f64() {
        setup = setup.rate(rate);
    }
    setup.build().expect("it can be")
}

/// What was saved stands where its name is in braces; alone, it keeps its type.
fn filled(expected: &Value, saved: &HashMap<String, Value>) -> Value {
    match expected {
        Value::String(text) => {
            let mut text = text.clone();
            for (name, value) in saved {
                let place = format!("{{{name}}}");
                if text == place {
                    return value.clone();
                }
                text = text.replace(&place, value.as_str().unwrap_or(&value.to_string()));
            }
            Value::String(text)
        }
        Value::Array(all) => all.iter().map(|one| filled(one, saved)).collect(),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(name, one)| (name.clone(), filled(one, saved))).collect())
        }
        other => other.clone(),
    }
}

/// A member of members; null where there is none.
fn field<'a>(value: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(value, |value, name| match value {
        Value::Array(all) => name.parse::<usize>().ok().and_then(|at| all.get(at)).unwrap_or(&Value::Null),
        other => &other[name],
    })
}

fn decoded(base64: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits: Vec<u32> = base64
        .bytes()
        .filter_map(|byte| DIGITS.iter().position(|&digit| digit == byte))
        .map(|digit| digit as u32)
        .collect();
    let bytes = digits.chunks(4).flat_map(|four| {
        let bits = (0..4).fold(0, |bits, at| bits << 6 | four.get(at).unwrap_or(&0));
        bits.to_be_bytes()[1..four.len()].to_vec()
    });
    bytes.collect()
}

fn asked(step: &Value, path: &str, prefix: &str) -> Asked {
    let method = step["method"].as_str().unwrap_or("GET");
    let target = if path.starts_with('/') { path.to_owned() } else { format!("/v1.1/instances/{path}") };
    let mut asked = Asked::new(method, &target).header("Host", "127.0.0.1:8080");
    match step.get("key") {
        None => asked = asked.header("X-API-KEY", "moon-key"),
        Some(Value::String(key)) => asked = asked.header("X-API-KEY", key),
        Some(_) => {}
    }
    for (name, value) in step["headers"].as_object().unwrap_or(&Map::new()) {
        asked = asked.header(name, value.as_str().expect("a header is text"));
    }
    let body = match step["base64"].as_str() {
        Some(base64) => decoded(base64),
        None => step["body"].as_str().unwrap_or_default().as_bytes().to_vec(),
    };
    asked.body = body.repeat(step["times"].as_u64().unwrap_or(1) as usize);
    if step["chunked"] == true {
        asked = asked.header("Transfer-Encoding", "chunked");
        asked.pieces = 100;
    } else if !asked.body.is_empty() {
        let length = asked.body.len().to_string();
        asked = asked.header("Content-Length", length);
    }
    if target.starts_with(&format!("{prefix}/")) {
        asked.mount = prefix.to_owned();
    }
    asked.address = "127.0.0.1".to_owned();
    asked
}

/// The headers by name, each with its lines, and the length that a server adds.
fn headers(answer: &Answer) -> HashMap<String, Vec<String>> {
    let mut headers: HashMap<String, Vec<String>> = HashMap::new();
    for (name, value) in &answer.headers {
        assert_eq!(**name, name.to_lowercase());
        let text = value.iter().copied().map(char::from).collect();
        headers.entry(name.to_string()).or_default().push(text);
    }
    if !matches!(answer.status, 204 | 304) {
        headers.insert("content-length".to_owned(), vec![answer.body.len().to_string()]);
    }
    headers
}

#[test]
fn all_cases() {
    let table = read("cases.json");
    let mut hosts: HashMap<&str, Endpoints> = HashMap::new();
    let mut steps = 0;
    for case in table["cases"].as_array().expect("cases are a list") {
        let name = case["host"].as_str().unwrap_or("usual");
        let settings = &table["hosts"][name];
        let endpoints = hosts.entry(name).or_insert_with(|| host(settings));
        let prefix = settings["prefix"].as_str().unwrap_or("");
        let mut saved = HashMap::new();
        for (number, step) in case["steps"].as_array().expect("steps are a list").iter().enumerate() {
            let path = filled(&step["path"], &saved);
            let asked = asked(step, path.as_str().expect("a path is text"), prefix);
            let answer = ask(endpoints, &asked);
            check(step, &answer, &mut saved, &format!("{}, step {}: {answer:?}", case["name"], number + 1));
            steps += 1;
        }
    }
    assert!(steps > 100, "only {steps} steps were found");
}

fn check(step: &Value, answer: &Answer, saved: &mut HashMap<String, Value>, told: &str) {
    assert_eq!(answer.status, step["status"].as_u64().expect("a status") as u16, "{told}");
    let headers = headers(answer);
    for (name, value) in step["headers_back"].as_object().unwrap_or(&Map::new()) {
        let lines = headers.get(name).map(|lines| lines.iter().map(String::as_str).collect::<Vec<_>>());
        let expected = (!value.is_null()).then(|| strings(value));
        assert_eq!(lines, expected, "{name} in {told}");
    }
    for (name, pattern) in step["headers_match"].as_object().unwrap_or(&Map::new()) {
        let pattern = Regex::new(pattern.as_str().expect("a pattern is text")).expect("it is one");
        assert!(
            headers.get(name).is_some_and(|lines| pattern.is_match(&lines.join(","))),
            "{name} in {told}"
        );
    }
    let text = std::str::from_utf8(&answer.body).expect("these bodies are text");
    if let Some(expected) = step["text"].as_str() {
        assert_eq!(text, expected, "{told}");
    }
    if let Some(pattern) = step["matches"].as_str() {
        assert!(Regex::new(pattern).expect("it is one").is_match(text), "{pattern} in {told}");
    }
    let json = || serde_json::from_str::<Value>(text).expect("it is JSON");
    if let Some(expected) = step.get("json") {
        assert_eq!(json(), filled(expected, saved), "{told}");
    }
    for (path, value) in step["fields"].as_object().unwrap_or(&Map::new()) {
        assert_eq!(*field(&json(), path), filled(value, saved), "{path} in {told}");
    }
    for (variable, path) in step["save"].as_object().unwrap_or(&Map::new()) {
        saved.insert(variable.clone(), field(&json(), path.as_str().expect("a path")).clone());
    }
}
