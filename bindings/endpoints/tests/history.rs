//! Which traces are kept, and how they are shown.

mod common;

use std::time::{Duration, Instant};

use common::{Asked, ask_at, built, json};
use perilune::{Engine, Request};
use perilune_endpoints::Endpoints;
use serde_json::{Value, json as value_of};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Endpoints of scripts that print as many bytes as they are asked to.
fn printing(names: &[&str]) -> Endpoints {
    let engine = Engine::builder().pool_size(1).output(4 << 20).build();
    for name in names {
        engine
            .scripts()
            .put(name, "io.write(('x'):rep(tonumber(GET.n or 0))) return GET.v")
            .expect("it compiles");
    }
    built(Endpoints::setup(&engine).key(common::KEY))
}

fn run(endpoints: &Endpoints, script: &str, query: &str, now: Instant) -> u64 {
    let script = endpoints.engine().scripts().get(script).expect("it is there");
    let trace = script.run(&Request::new().query(query)).expect("it runs");
    let id = trace.id;
    assert_eq!(endpoints.answer(Ok(trace), now).status, 200);
    id
}

fn list(endpoints: &Endpoints, name: &str, now: Instant) -> Vec<Value> {
    let answer = ask_at(endpoints, &Asked::get(&format!("{name}/traces/")), now);
    json(&answer)["objects"].as_array().expect("it is a list").clone()
}

fn ids(endpoints: &Endpoints, name: &str, now: Instant) -> Vec<u64> {
    list(endpoints, name, now).iter().filter_map(|trace| trace["id"].as_u64()).collect()
}

#[test]
fn the_last_hundred_of_a_script_are_kept() {
    let endpoints = printing(&["i/a", "i/b"]);
    let now = Instant::now();
    let first: Vec<u64> = (0..101).map(|_| run(&endpoints, "i/a", "", now)).collect();
    let other = run(&endpoints, "i/b", "", now);
    let newest_first: Vec<u64> = first[1..].iter().rev().copied().collect();
    assert_eq!(ids(&endpoints, "a", now), newest_first);
    assert_eq!(ids(&endpoints, "b", now), [other]);
    let status =
        |name: &str, id: &str| ask_at(&endpoints, &Asked::get(&format!("{name}/traces/{id}/")), now).status;
    let (gone, kept) = (first[0].to_string(), first[1].to_string());
    assert_eq!([status("a", &gone), status("a", &kept), status("b", &kept)], [404, 200, 404]);
    for id in
        ["0", &format!("0{kept}"), &format!("+{kept}"), &format!("{kept}.0"), "18446744073709551616", "x"]
    {
        assert_eq!(status("a", id), 404, "{id}");
    }
}

#[test]
fn sixty_four_mebibytes_of_all_are_kept() {
    let endpoints = printing(&["i/a", "i/b", "i/c"]);
    let now = Instant::now();
    for _ in 0..5 {
        run(&endpoints, "i/a", "", now);
    }
    run(&endpoints, "i/b", "", now);
    let large: Vec<u64> = (0..33).map(|_| run(&endpoints, "i/c", "n=2097152", now)).collect();
    assert!(ids(&endpoints, "a", now).is_empty() && ids(&endpoints, "b", now).is_empty());
    let newest_first: Vec<u64> = large[2..].iter().rev().copied().collect();
    assert_eq!(ids(&endpoints, "c", now), newest_first);
    // Room again.
    let small = run(&endpoints, "i/a", "", now);
    assert_eq!(ids(&endpoints, "a", now), [small]);
}

#[test]
fn a_day_is_kept() {
    let endpoints = printing(&["i/a"]);
    let began = Instant::now();
    let one = run(&endpoints, "i/a", "", began);
    let other = run(&endpoints, "i/a", "", began + DAY / 2);
    assert_eq!(ids(&endpoints, "a", began + DAY), [other, one]);
    assert_eq!(ids(&endpoints, "a", began + DAY + Duration::from_secs(1)), [other]);
    let late = began + DAY * 2;
    let path = format!("a/traces/{other}/");
    assert_eq!(ask_at(&endpoints, &Asked::get(&path), late).status, 404);
    assert!(ids(&endpoints, "a", late).is_empty());
}

#[test]
fn a_long_result_is_not_shown_in_a_list() {
    let endpoints = printing(&["i/a"]);
    let now = Instant::now();
    let error = value_of!({"__error__": "Result is too big to show in trace."});
    // Values that look like what stands around a result.
    for value in ["", r#"","result":{"#, r#","executed_at":""#, "\u{17c}"] {
        for (bytes, is_shown) in [(0, true), (16_000, true), (16_384, false), (40_000, false)] {
            let id = run(&endpoints, "i/a", &format!("n={bytes}&v={value}"), now);
            let shown = &list(&endpoints, "a", now)[0];
            let whole = json(&ask_at(&endpoints, &Asked::get(&format!("a/traces/{id}/")), now));
            assert_eq!(whole["result"]["value"], value);
            assert_eq!(whole["result"]["stdout"].as_str().map(str::len), Some(bytes));
            assert_eq!(shown["result"] == error, !is_shown, "{value} and {bytes}");
            let own = format!("{}a/traces/{id}/", common::BASE);
            for mut trace in [shown.clone(), whole.clone()] {
                assert_eq!(trace["links"], value_of!({"self": own}));
                trace["result"] = Value::Null;
                assert_eq!((&trace["id"], &trace["status"]), (&id.into(), &"success".into()));
                assert_eq!(trace["executed_at"], whole["executed_at"]);
            }
        }
    }
}
