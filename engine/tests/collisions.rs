//! Strings that hash alike, from strangers: refused by the thousand, before they cost the square of their number.

mod common;

use std::fmt::Write as _;

use common::{refused_in, run_in};
use perilune::{Engine, ErrorKind, PayloadError, Request, Status};

/// Strings of ten letters for which Luau has one hash.
fn colliding(count: usize) -> Vec<String> {
    let blocks: Vec<Vec<&str>> =
        include_str!("scripts/colliding.txt").lines().map(|line| line.split(' ').collect()).collect();
    let all =
        blocks[1].iter().flat_map(|second| blocks[0].iter().map(move |first| format!("{second}{first}")));
    all.take(count).collect()
}

fn engine() -> Engine {
    Engine::builder().pool_size(1).build()
}

#[test]
fn a_request_of_colliding_strings_is_refused() {
    let many = colliding(5000);
    let list = |texts: &[String]| format!("[\"{}\"]", texts.join("\",\""));
    let keys = many.iter().fold(String::new(), |mut out, key| {
        let _ = write!(out, ",\"{key}\":1");
        out
    });
    let form = many.iter().map(|key| format!("{key}=1")).collect::<Vec<_>>().join("&");
    for body in [format!("{{\"first\":1{keys}}}"), format!("{{\"list\":{}}}", list(&many))] {
        for request in [Request::new().json(&body), Request::new().config(&body), Request::new().meta(&body)]
        {
            let error = refused_in(&engine(), &request);
            assert!(error.to_string().contains("too many strings that hash alike"), "{error}");
        }
    }
    assert_eq!(refused_in(&engine(), &Request::new().form(&form)), PayloadError::HashCollisions);
    let wide = Engine::builder().pool_size(1).parameters(1 << 20).build();
    assert_eq!(refused_in(&wide, &Request::new().query(&form)), PayloadError::HashCollisions);
    // As many as take no time, and any number of repetitions, are fine.
    let few = format!("{{\"list\":{}}}", list(&colliding(500)));
    let same = format!("{{\"list\":{}}}", list(&vec![many[0].clone(); 30_000]));
    let plain = format!("{{\"list\":{}}}", list(&(0..40_000).map(|n| format!("k{n}")).collect::<Vec<_>>()));
    for body in [few, same, plain] {
        let trace = run_in(&engine(), "return #POST.list", &Request::new().json(&body));
        assert_eq!(trace.status, Status::Success, "{}", trace.stderr_text());
    }
}

#[test]
fn a_text_decoded_by_a_script_is_refused_likewise() {
    let text = format!("[\"{}\"]", colliding(5000).join("\",\""));
    let request = Request::new().form(&text);
    let trace = run_in(&engine(), "for text in POST do return json.decode(text) end", &request);
    let error = trace.error.expect("it is refused");
    assert_eq!(error.kind, ErrorKind::Runtime);
    assert!(error.message.contains("json.decode: too many strings that hash alike"), "{}", error.message);
    assert_eq!(run_in(&engine(), "return 1", &Request::new()).status, Status::Success);
}

#[test]
fn a_source_of_colliding_names_or_strings_does_not_compile() {
    let constants = format!("local t = {{\"{}\"}}", colliding(5000).join("\",\""));
    // The compiler's own hash of names, FNV-1a; twelve bits of it.
    let fnv =
        |name: &str| name.bytes().fold(0x811C_9DC5_u32, |h, b| (h ^ u32::from(b)).wrapping_mul(0x0100_0193));
    let names = (0..).map(|n| format!("name_{n}")).filter(|name| fnv(name) % 4096 == 7).take(2500);
    let names = names.fold(String::new(), |out, name| out + &name + "=1 ");
    for source in [constants, names] {
        let error = engine().compile("alike", &source).expect_err("it is refused");
        assert_eq!(error.to_string(), "alike:1: too many of its names and strings hash alike");
    }
    let plain: String = (0..30_000).map(|n| format!("name_{n}='text {n}' ")).collect();
    assert!(engine().compile("plain", &plain).is_ok());
}

#[test]
fn what_a_run_leaves_behind_is_not_the_next_ones_to_pay() {
    // A heap that takes long to collect: strings that hash alike, made by the script itself.
    let blocks = include_str!("scripts/colliding.txt").replace('\n', ";");
    let source = format!(
        "local lists, all = string.split('{}', ';'), {{}}
         for _, b in string.split(lists[2], ' ') do
             for _, a in string.split(lists[1], ' ') do table.insert(all, b .. a) end
         end
         return #all",
        blocks.trim_end_matches(';')
    );
    let engine = engine();
    let trace = run_in(&engine, &source, &Request::new());
    assert_eq!(trace.status, Status::Success, "{}", trace.stderr_text());
    let next = run_in(&engine, "return 1", &Request::new());
    assert_eq!(next.status, Status::Success);
    assert!(next.duration < trace.duration, "{:?} after {:?}", next.duration, trace.duration);
}
