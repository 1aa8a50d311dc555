//! Multipart bodies.

mod common;

use std::time::Instant;

use common::{Asked, ask, built, engine, json, serving, value};
use perilune::Engine;
use perilune_endpoints::Endpoints;
use serde_json::{Value, json as value_of};

/// The body of these parts, each of headers and content.
fn body(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (headers, content) in parts {
        body.extend_from_slice(format!("--XX\r\n{headers}\r\n\r\n").as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--XX--\r\n");
    body
}

/// `{ NAME = bytes in hex }`.
const IN_HEX: &str = "
    local seen = {}
    for name, value in POST do seen[name] = (value:gsub('.', function(c) return ('%02x'):format(c:byte()) end)) end
    return json.encode(seen)";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn fields_and_files_are_their_content_to_the_byte() {
    let (_engine, setup) = serving(IN_HEX);
    let endpoints = built(setup);
    let all: Vec<u8> = (0..=255).collect();
    let parts: [(&str, &str, &[u8]); 16] = [
        ("Content-Disposition: form-data; name=\"a\"", "a", b"1"),
        ("Content-Disposition: form-data; name=a", "a", b"1"),
        ("content-disposition:form-data;name=a", "a", b""),
        (
            "CONTENT-DISPOSITION: form-data; name=\"f\"; filename=\"f.bin\"\r\nContent-Type: application/octet-stream",
            "f",
            &all,
        ),
        ("Content-Disposition: form-data; filename=\"name=x\"; name=\"f\"", "f", b"\r\n--X\r\n--XY\n--XX"),
        ("Content-Disposition: form-data; name=\"a;b\"", "a;b", b"&=+%"),
        ("Content-Disposition: form-data; name=\"a&b=c+d%41\"", "a&b=c+d%41", b"%41"),
        ("Content-Disposition: form-data; name=\"a\\\"b\"", "a\"b", b"x"),
        ("Content-Disposition: form-data; name=\"\"", "", b"x"),
        ("Content-Disposition: form-data; name=\"\u{17c}\"", "\u{17c}", "\u{17c}".as_bytes()),
        (
            "X-Other: 1\r\nContent-Disposition: form-data; name=\"a\"\r\nContent-Type: text/plain; charset=latin-1",
            "a",
            b"\xff",
        ),
        ("Content-Disposition: form-data; name=\"a\"\r\nContent-Transfer-Encoding: base64", "a", b"YQ=="),
        // No names.
        ("Content-Disposition: form-data", "-", b"x"),
        ("Content-Disposition: form-data; name*=utf-8''a", "-", b"x"),
        ("X: y", "-", b"x"),
        ("Content-Disposition: form-data; name=\"_api_key\"", "-", b"x"),
    ];
    for (headers, name, content) in parts {
        let body = body(&[(headers, content), ("Content-Disposition: form-data; name=\"z\"", b"z")]);
        let answer = ask(&endpoints, &Asked::post("a/run/", "multipart/form-data; boundary=XX", body));
        let mut expected = value_of!({"z": "7a"});
        if name != "-" {
            expected[name] = hex(content).into();
        }
        let got = value(&answer);
        let got: Value =
            serde_json::from_str(got.as_str().unwrap_or_else(|| panic!("{headers}: {answer:?}")))
                .expect("JSON");
        assert_eq!(got, expected, "{headers}");
    }
}

#[test]
fn what_is_no_multipart_is_refused() {
    let (_engine, setup) = serving("return POST");
    let endpoints = built(setup);
    let good =
        String::from_utf8(body(&[("Content-Disposition: form-data; name=a", b"1")])).expect("it is text");
    let parts = "multipart/form-data; boundary=XX";
    let many_headers = format!(
        "--XX\r\n{}Content-Disposition: form-data; name=a\r\n\r\n1\r\n--XX--",
        "X: y\r\n".repeat(200)
    );
    for (content_type, body, status) in [
        (parts, &*good, 200),
        ("MULTIPART/Form-Data;boundary=\"XX\"", &good, 200),
        ("multipart/form-data; charset=utf-8; boundary=XX", &good, 200),
        (parts, &good.replace("\r\n--XX--\r\n", "\r\n--XX--"), 200),
        (parts, &format!("a preamble\r\n{good}an epilogue"), 200),
        (parts, &good.replace("--XX\r\n", "--XX \t\r\n"), 200),
        (parts, "--XX--", 200),
        ("multipart/form-data", &good, 400),
        ("multipart/form-data; boundary=", &good, 400),
        ("multipart/form-data; boundary=\"\"", &good, 400),
        ("multipart/form-data; boundary=\"XX", &good, 400),
        ("multipart/form-data; boundary=\u{ff}", &good, 400),
        ("multipart/form-data; boundary=YY", &good, 400),
        ("multipart/mixed; boundary=XX", &good, 415),
        (parts, "no multipart", 400),
        (parts, "--XX", 400),
        (parts, "--XX\r\n", 400),
        (parts, "--XX\r\n\r\n", 400),
        (parts, "--XX\r\nContent-Disposition: form-data; name=a\r\n\r\ncut o", 400),
        (parts, "--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--XX", 400),
        (parts, "--XX\r\nno header\r\n\r\n1\r\n--XX--", 400),
        // A part without headers would swallow the next.
        (parts, "--XX\r\n\r\nk\r\n--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--XX--", 400),
        (parts, &many_headers, 400),
        (parts, &"--XX\r\n".repeat(5000), 400),
    ] {
        let answer = ask(&endpoints, &Asked::post("a/run/", content_type, body));
        assert_eq!(answer.status, status, "{content_type}: {body}: {answer:?}");
        if status == 400 {
            let detail = json(&answer)["detail"].to_string();
            assert!(detail.starts_with("\"Multipart form parse error - ") && detail.len() > 35, "{detail}");
        }
    }
}

#[test]
fn there_are_as_many_parts_as_a_query_has_parameters() {
    let engine = Engine::builder().pool_size(1).parameters(3).build();
    engine.scripts().put("i/a", "return POST").expect("it compiles");
    let endpoints = built(Endpoints::setup(&engine).key(common::KEY));
    for headers in ["Content-Disposition: form-data; name=a", "X: nameless"] {
        for (count, status) in [(3, 200), (4, 400)] {
            let body = body(&vec![(headers, &b"1"[..]); count]);
            let answer = ask(&endpoints, &Asked::post("a/run/", "multipart/form-data; boundary=XX", body));
            assert_eq!(answer.status, status);
            if status == 400 {
                assert_eq!(json(&answer)["detail"], "Multipart form parse error - more than 3 parts");
            }
        }
    }
}

/// A stranger may have made it so that it takes long. Measured against itself, since machines differ.
#[test]
fn time_grows_with_the_length() {
    let engine = engine();
    engine.scripts().put("i/a", "").expect("it compiles");
    let endpoints = built(Endpoints::setup(&engine).key(common::KEY));
    let seconds = |piece: &str, times: usize| {
        let body = format!(
            "--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n{}",
            piece.repeat(times / piece.len())
        );
        let asked = Asked::post("a/run/", "multipart/form-data; boundary=XX", body);
        let best = (0..5).map(|_| {
            let began = Instant::now();
            assert_eq!(ask(&endpoints, &asked).status, 400);
            began.elapsed()
        });
        best.min().expect("there are five").as_secs_f64()
    };
    for piece in ["\r\n--X", "\r\n--", "\r", "--XX\r\n", "\\\"", "\r\n--XX\r\n:"] {
        let (short, long) = (seconds(piece, 30_000), seconds(piece, 480_000));
        assert!(long < 0.002 + short * 100.0, "{piece:?}: {short} s, and {long} s for 16 times as much");
    }
}
