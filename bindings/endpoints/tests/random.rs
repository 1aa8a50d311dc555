//! Random and malformed requests, as `test_random.py` sends them to each host: nothing panics, nothing fails but as it is promised.

mod common;

use std::collections::HashMap;

use common::{Asked, ask, built, folder, json};
use fastrand::Rng;
use perilune::Engine;
use perilune_endpoints::{Answer, Endpoints};

const REQUESTS: usize = 10_000;

/// What is right, and what is less so: the second is taken now and then.
type Parts = (&'static [&'static str], &'static [&'static str]);

const METHODS: Parts = (
    &["GET", "POST", "POST"],
    &["PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "QUERY", "get", "X", "", "\"\u{e9}"],
);
const INSTANCES: Parts = (&["moonbase"], &["seabase", "nowhere", "", "..", "%2F", "%zz", "%C5%BC"]);
const NAMES: Parts = (
    &["hello", "echo", "bytes", "meta", "fails", "long", "respond"],
    &["gone", "p", "", "..", "%2e%2e", "%00", "%2F", "a%2Fb", "%ff", "%", "h\u{e9}llo", "constructor"],
);
const TAILS: Parts = (
    &["run/"],
    &[
        "run",
        "",
        "traces/",
        "traces/1/",
        "traces/x/",
        "traces/99999999999999999999/",
        "reset_link/",
        "run/run/",
        "walk/",
        "//",
    ],
);
const QUERIES: Parts = (
    &["", "monster=Manticore"],
    &[
        "api_key=moon-key",
        "apikey=moon-key&a=1",
        "payload=%7B%22a%22%3A1%7D",
        "payload=%7B",
        "%ff=%ff",
        "a=%",
        "&&&",
        "\u{e9}=1",
        "a=1?b=2#c",
        "status=204",
        "status=101",
        "headers=%7B%22X%22%3A%22%C3%A9%22%7D",
    ],
);
const HEADERS: &[(&str, &str)] = &[
    ("X-API-KEY", "wrong"),
    ("X-API-KEY", "\u{ff}"),
    ("X-API-KEY", ""),
    ("Authorization", "token moon-key"),
    ("Authorization", "a b c"),
    ("Cookie", "a=b"),
    ("X-\u{e9}", "1"),
    ("\"", "\"\\\n"),
    ("", ""),
    (":authority", "a"),
    (":path", "/?api_key=moon-key"),
    ("Referer", "?api_key=moon-key&%"),
    ("Content-Length", "5"),
    ("Content-Length", "-1"),
    ("Content-Length", "99999999999999999999"),
    ("Content-Length", "9999999999"),
    ("Transfer-Encoding", "chunked"),
    ("Content-Type", "application/json"),
];
const TYPES: &[&str] =
    &["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=XX"];
const ODD_TYPES: &[&str] = &[
    "text/plain",
    "application/json; charset=utf-8",
    "multipart/form-data",
    "multipart/form-data; boundary=\"X X\"",
    "multipart/form-data; boundary=",
    "multipart/form-data; boundary=\u{ff}",
    "multipart/form-data; boundary=\"",
    "image/png",
    ";",
    "",
    "a/b/c",
    "application/json\u{ff}",
    "*/*",
];

fn bodies(content_type: &str) -> Vec<Vec<u8>> {
    let all = (0..=255).collect::<Vec<u8>>();
    match content_type {
        "application/json" => vec![
            br#"{"monster": "Manticore"}"#.to_vec(),
            br#"{"_api_key": "moon-key", "n": [1, 2.5, null, {"a": "\u00e9"}]}"#.to_vec(),
            b"[1]".to_vec(),
            b"null".to_vec(),
            br#"{"a""#.to_vec(),
            b"\xef\xbb\xbf{}".to_vec(),
            [br#"{"api_key": "#.to_vec(), b"[".repeat(2000)].concat(),
            [br#"{"api_key": "#.to_vec(), b"9".repeat(5000), b"}".to_vec()].concat(),
            [br#"{"a": ""#.to_vec(), b"x".repeat(5000), br#""}"#.to_vec()].concat(),
            br#"{"\ud800": 1, "api_key": "\ud800"}"#.to_vec(),
            br#"{"a": 1, "api_key": NaN}"#.to_vec(),
            br#"{"a": 1,}"#.to_vec(),
            all,
            b"x".repeat(600_000),
        ],
        "application/x-www-form-urlencoded" => vec![
            b"a=1&b=%zz&c=%ff&=&&api_key=1".to_vec(),
            b"&".repeat(3000),
            b"monster=Manticore".to_vec(),
            all,
        ],
        _ => vec![
            b"--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--XX--\r\n".to_vec(),
            b"--XX\r\nContent-Disposition: form-data; name=\"f\"; filename=\"\xff\"\r\nContent-Type: a/b\r\n\r\n\x00\xff\r\n--XX--".to_vec(),
            b"--XX\r\nContent-Disposition: form-data; name*=utf-8''a\r\n\r\n1\r\n--XX--".to_vec(),
            b"--XX\r\nContent-Disposition: form-data\r\n\r\n\r\n--XX\r\nX: y\r\n\r\nz".to_vec(),
            b"--XX\r\n".repeat(500),
            b"--XX--".to_vec(),
            b"a=1".to_vec(),
        ],
    }
}

/// A character for each byte, as servers have it.
fn bytes(text: &str) -> Vec<u8> {
    text.chars().map(|c| c as u8).collect()
}

fn some(rng: &mut Rng, (right, less): Parts, odd: f64) -> &'static str {
    let parts = if rng.f64() < odd { less } else { right };
    parts[rng.usize(..parts.len())]
}

fn change(rng: &mut Rng, bytes: &mut Vec<u8>) {
    for _ in 0..[1, 2, 10][rng.usize(..3)] {
        let at = rng.usize(..=bytes.len().min(2000));
        let to = (at + [0, 1, 1, 5][rng.usize(..4)]).min(bytes.len());
        let new: Vec<u8> = (0..[0, 1, 1, 5][rng.usize(..4)]).map(|_| rng.u8(..)).collect();
        bytes.splice(at.min(to)..to, new);
    }
}

fn request(rng: &mut Rng) -> Asked {
    let method = some(rng, METHODS, 0.1);
    let instance = some(rng, INSTANCES, 0.1);
    let name = if rng.f64() < 0.02 { "x".repeat(300) } else { some(rng, NAMES, 0.1).to_owned() };
    let mut path = format!("/v1.1/instances/{instance}/endpoints/scripts/{name}/{}", some(rng, TAILS, 0.2));
    if rng.f64() < 0.05 {
        let odd = [
            "/".to_owned(),
            "*".to_owned(),
            format!("http://a{path}"),
            "https://a".to_owned(),
            path.replace('/', "//"),
            path[..20].to_owned(),
            path.to_uppercase(),
            format!("/v1.1/instances/moonbase/endpoints/scripts/p/{}/hello/", "0".repeat(40)),
        ];
        path = odd[rng.usize(..odd.len())].clone();
    }
    let query = match rng.f64() {
        odd if odd < 0.01 => (0..1100).map(|n| format!("a{n}=1&")).collect(),
        odd if odd < 0.02 => "x".repeat(7000),
        _ => some(rng, QUERIES, 0.2).to_owned(),
    };
    let mut target = bytes(&if query.is_empty() { path } else { format!("{path}?{query}") });
    if rng.f64() < 0.1 {
        change(rng, &mut target);
    }

    let mut asked = Asked::new(method, target).header("Host", "moon");
    if rng.f64() < 0.9 {
        asked = asked.header("X-API-KEY", "moon-key");
    }
    if method != "GET" || rng.f64() < 0.05 {
        let content_type = TYPES[rng.usize(..TYPES.len())];
        let bodies = bodies(content_type);
        asked.body = bodies[rng.usize(..bodies.len())].clone();
        if rng.f64() < 0.95 {
            let odd = ODD_TYPES[rng.usize(..ODD_TYPES.len())];
            let content_type = if rng.f64() < 0.2 { odd } else { content_type };
            asked = asked.header("Content-Type", bytes(content_type));
        }
        if rng.f64() < 0.1 {
            change(rng, &mut asked.body);
        }
        if rng.f64() < 0.85 {
            let length = asked.body.len().to_string();
            asked = asked.header("Content-Length", length);
        }
    }
    for _ in 0..[0, 0, 0, 0, 1, 2][rng.usize(..6)] {
        let (name, value) = HEADERS[rng.usize(..HEADERS.len())];
        asked = asked.header(bytes(name), bytes(value));
    }
    if rng.f64() < 0.05 && !asked.headers.is_empty() {
        let at = rng.usize(..asked.headers.len());
        change(rng, &mut asked.headers[at].0);
        change(rng, &mut asked.headers[at].1);
    }
    asked.pieces = [0, 0, 0, 1000, 7][rng.usize(..5)];
    asked.mount =
        ["", "", "", "/api", "/v1.1", "/v1.1/instances/", "//", "\u{e9}"][rng.usize(..8)].to_owned();
    asked.address = ["127.0.0.1", ""][rng.usize(..2)].to_owned();
    asked
}

/// What is wrong with an answer.
fn wrong(answer: &Answer) -> Option<&'static str> {
    // A script is asked to set the status 101 now and then.
    if !(200..500).contains(&answer.status) && !matches!(answer.status, 502 | 503) {
        return Some("it is a failure of the host's");
    }
    let response = http::Response::<bytes::Bytes>::from(answer.clone());
    if response.headers().len() != answer.headers.len() || response.status() != answer.status {
        return Some("it can't be sent");
    }
    if response.headers().get("content-type").is_some_and(|value| value == "application/json") {
        let told = json(answer);
        let known = ["detail", "status", "objects", "name", "error"];
        if !known.iter().any(|name| told.get(name).is_some()) {
            return Some("it is JSON of nothing known");
        }
    }
    None
}

#[test]
fn random_requests() {
    let engine = Engine::builder().pool_size(1).build();
    engine.scripts().load_dir(folder().join("scripts")).expect("it is there");
    let setup = Endpoints::setup(&engine).key("moon-key").public("moonbase/hello", None);
    let endpoints = built(setup);
    let mut rng = Rng::with_seed(8);
    let mut statuses: HashMap<u16, usize> = HashMap::new();
    for _ in 0..REQUESTS {
        let asked = request(&mut rng);
        let answer = ask(&endpoints, &asked);
        *statuses.entry(answer.status).or_default() += 1;
        if let Some(reason) = wrong(&answer) {
            panic!("{reason}: {asked:?} got {answer:?}");
        }
    }
    // They do reach what is behind the first look.
    for status in [200, 201, 400, 403, 404, 405, 413, 415] {
        assert!(statuses.get(&status).is_some_and(|count| *count > REQUESTS / 200), "{statuses:?}");
    }
    assert!(!statuses.contains_key(&503), "there is a VM for each: {statuses:?}");
}
