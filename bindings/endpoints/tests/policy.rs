//! What the table of cases does not reach.

mod common;

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use common::{Asked, BASE, KEY, ask, ask_at, built, engine, header, json, serving, value};
use perilune::{Call, Engine, Error, Request};
use perilune_endpoints::{Answer, Endpoints, Head, SetupError, Step, metrics};
use serde_json::json as value_of;

fn begin(endpoints: &Endpoints, method: &str, path: &str, headers: &[(&str, &str)]) -> Step {
    let target = [BASE, path].concat();
    let headers = headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
    endpoints.ask(&Head::new(method, target.as_bytes()), headers, Instant::now())
}

fn answered(step: Step) -> Answer {
    match step {
        Step::Answer(answer) => answer,
        step => panic!("it is no answer: {step:?}"),
    }
}

#[test]
fn what_can_not_be_set_up_says_why() {
    let setup = || Endpoints::setup(&engine());
    let link = "0123456789abcdef0123456789abcdef01234567";
    for (setup, error) in [
        (setup(), SetupError::Keys),
        (setup().key("").key("k"), SetupError::Keys),
        (setup().instance_key("i", ""), SetupError::Keys),
        (setup().key("k").public("a", None), SetupError::Public("a".to_owned())),
        (setup().key("k").public("a/b/c", None), SetupError::Public("a/b/c".to_owned())),
        (setup().key("k").public("/a", None), SetupError::Public("/a".to_owned())),
        (setup().key("k").public("i/a", Some("x")), SetupError::Link("i/a".to_owned())),
        (setup().key("k").public("i/a", Some(&link.to_uppercase())), SetupError::Link("i/a".to_owned())),
        (setup().key("k").rate(0.0), SetupError::Rate),
        (setup().key("k").rate(f64::NAN), SetupError::Rate),
        (setup().key("k").rate(f64::INFINITY), SetupError::Rate),
    ] {
        assert!(!error.to_string().is_empty());
        assert_eq!(setup.build().map(|endpoints| endpoints.links()), Err(error));
    }
    let built = built(setup().instance_key("i", "k").public("i/a", Some(link)));
    assert_eq!(built.links(), [("i/a".to_owned(), link.to_owned())]);
}

#[test]
fn keys_of_any_length_and_alphabet_are_told_apart() {
    let (_engine, mut setup) = serving("return 1");
    let long = "k".repeat(300);
    let keys = ["k", &long[..62], &long[..63], &long[..64], &long[..255], &long, "\u{17c}\u{1f600}"];
    for key in keys {
        setup = setup.key(key);
    }
    let endpoints = built(setup);
    for key in keys {
        let status = |key: &str| {
            ask(&endpoints, &Asked::new("GET", format!("{BASE}a/run/")).header("X-API-KEY", key)).status
        };
        let other = format!("{}x", &key[..key.len() - key.chars().last().map_or(0, char::len_utf8)]);
        assert_eq!(
            [status(key), status(&format!("{key}x")), status(&format!("{key}\0")), status(&other)],
            [200, 403, 403, 403],
            "{key}"
        );
    }
}

#[test]
fn retry_after_is_in_whole_seconds_and_has_an_end() {
    for (rate, at_once, wait) in [
        (0.01, 1, "100"),
        (0.3, 1, "4"),
        (1.0, 1, "1"),
        (2.0, 2, "1"),
        (1000.0, 1000, "1"),
        (1e-9, 1, "86400"),
        (f64::MIN_POSITIVE, 1, "86400"),
    ] {
        let (_engine, setup) = serving("");
        let endpoints = built(setup.rate(rate));
        let now = Instant::now();
        let run = |at| ask_at(&endpoints, &Asked::get("a/run/"), at);
        for _ in 0..at_once {
            assert_eq!(run(now).status, 200, "at {rate}");
        }
        let refused = run(now);
        assert_eq!(refused.status, 429, "at {rate}");
        assert_eq!(header(&refused, "retry-after"), Some(wait.as_bytes()), "at {rate}");
        // What is no run is not counted, and time does not go back.
        assert_eq!(ask_at(&endpoints, &Asked::get("a/"), now).status, 200);
        assert_eq!(run(now - Duration::from_secs(1)).status, 429);
        if let Ok(passed) = Duration::try_from_secs_f64(1.001 / rate)
            && let Some(later) = now.checked_add(passed)
        {
            assert_eq!([run(later).status, run(later).status], [200, 429], "at {rate}");
        }
    }
}

#[test]
fn many_instances_have_a_rate_each() {
    let engine = engine();
    for instance in 0..3000 {
        engine.scripts().put(&format!("i{instance}/a"), "").expect("it compiles");
    }
    let endpoints = built(Endpoints::setup(&engine).key(KEY).rate(0.01));
    let now = Instant::now();
    for status in [200, 429] {
        for instance in 0..3000 {
            let path = format!("/v1.1/instances/i{instance}/endpoints/scripts/a/run/");
            assert_eq!(
                ask_at(&endpoints, &Asked::new("GET", path).header("X-API-KEY", KEY), now).status,
                status
            );
        }
    }
}

#[test]
fn a_body_has_a_limit_and_so_has_what_is_dropped() {
    let engine = Engine::builder().pool_size(1).request(1000).build();
    engine.scripts().put("i/a", "return POST.a").expect("it compiles");
    let endpoints = built(Endpoints::setup(&engine).key(KEY));
    let most = 1000 + (8 << 20);
    let key = ("x-api-key", KEY);
    let json_type = ("content-type", "application/json");
    let body = |headers: &[(&str, &str)]| match begin(&endpoints, "POST", "a/run/", headers) {
        Step::Body(body) => body,
        step => panic!("{step:?}"),
    };
    let asked = body(&[key, json_type]);
    assert_eq!(asked.most(), most);

    // In pieces, with and without a length.
    for headers in [
        &[key, json_type][..],
        &[key, json_type, ("content-length", "11")],
        &[key, json_type, ("content-length", "no")],
    ] {
        let mut asked = body(headers);
        assert!(asked.push(b"") && asked.push(br#"{"a":"#) && asked.push(b"") && asked.push(br#""bcd"}"#));
        let Step::Run(run) = endpoints.read(asked, Instant::now()) else { panic!("it is a run") };
        assert_eq!(run.script.run(&run.request).expect("it runs").value.as_deref(), Some("\"bcd\""));
    }

    let mut asked = body(&[key, json_type]);
    let piece = vec![b'x'; 1 << 20];
    assert!((0..8).all(|_| asked.push(&piece)));
    assert!(asked.push(&piece[..1000]), "this was the last byte that is read");
    let mut longer = body(&[key, json_type]);
    assert!((0..8).all(|_| longer.push(&piece)));
    assert!(!longer.push(&piece[..1001]));
    assert!(!longer.push(b""));
    let refused = answered(endpoints.read(asked, Instant::now()));
    let cut = answered(endpoints.read(longer, Instant::now()));
    assert_eq!(json(&refused), value_of!({"detail": "Request size limit exceeded (1000)."}));
    assert_eq!((refused.status, refused.close), (413, false));
    assert_eq!((cut.status, cut.close, &cut.body), (413, true, &refused.body));

    // Nothing is read of what is said to be longer.
    for (headers, status) in [(&[key][..], 413), (&[], 403)] {
        let mut headers = headers.to_vec();
        headers.push(("content-length", "8389609"));
        let refused = answered(begin(&endpoints, "POST", "a/run/", &headers));
        assert_eq!((refused.status, refused.close), (status, true));
        headers.push(("content-length", "8389608"));
        assert!(matches!(begin(&endpoints, "POST", "a/run/", &headers), Step::Body(_)));
    }

    // It ends early.
    let mut short = body(&[key, json_type, ("content-length", "12")]);
    assert!(short.push(br#"{"a":"bcd"}"#));
    let mut broken = body(&[key, json_type, ("content-length", "12"), ("transfer-encoding", "chunked")]);
    assert!(broken.push(br#"{"a":"bcd"}"#));
    broken.break_off();
    for asked in [short, broken] {
        let cut = answered(endpoints.read(asked, Instant::now()));
        assert_eq!((cut.status, cut.close), (400, true));
        assert_eq!(json(&cut), value_of!({"detail": "The body ended early."}));
    }

    // No bytes are no body.
    assert!(matches!(begin(&endpoints, "POST", "a/run/", &[key, ("content-length", "0")]), Step::Run(_)));
    assert!(matches!(endpoints.read(body(&[key]), Instant::now()), Step::Run(_)));
}

#[test]
fn meta_is_what_is_known() {
    let (_engine, setup) = serving("return META");
    let endpoints = built(setup);
    let mut asked = Asked::get("%61/run?b=1");
    for (name, value) in [
        (":method", "GET"),
        (":authority", "moon"),
        ("Accept", "a/b"),
        ("accept", " c/d\t"),
        ("X_Two", "1"),
        ("X-Three", "3"),
        ("x-two", "2"),
        ("X-Quote", "\"\\\u{7}"),
        ("odd\"", "1"),
        ("x-api-key", KEY),
        ("Cookie", "a=b"),
        ("cookie", "c=d"),
        ("Referer", "http://a/b?api_key=1&c=%26"),
        ("referer", "?%61pi_key=1"),
    ] {
        asked = asked.header(name, value);
    }
    asked = asked.header("X-Latin", b"\xe9");
    let got = value(&ask(&endpoints, &asked));
    let expected = value_of!({
        "HTTP_HOST": "moon", "HTTP_ACCEPT": "a/b, c/d", "HTTP_X_TWO": "1, 2", "HTTP_X_THREE": "3", "HTTP_X_QUOTE": "\"\\\u{7}",
        "HTTP_ODD\"": "1", "HTTP_X_LATIN": "\u{e9}", "HTTP_REFERER": "http://a/b?c=%26, ?",
        "PATH_INFO": "/v1.1/instances/i/endpoints/scripts/a/run", "REQUEST_METHOD": "GET",
        "executed_by": "webhook", "executor": "a", "instance": "i",
    });
    assert_eq!(got, expected);
}

#[test]
fn a_path_may_be_mounted_escaped_and_whole() {
    let engine = engine();
    engine.scripts().put("i/\u{17c} b", "return META.PATH_INFO").expect("it compiles");
    let endpoints = built(Endpoints::setup(&engine).key(KEY).public("i/\u{17c} b", None));
    let name = "%C5%BC%20b";
    for (mount, before, path, shown) in [
        ("", "", BASE, BASE),
        ("/", "", BASE, BASE),
        ("", "HTTP://moon:80", BASE, BASE),
        ("/api", "", &format!("/api{BASE}"), &format!("/api{BASE}")),
        ("/api/", "https://moon", &format!("/api{BASE}"), &format!("/api{BASE}")),
        ("/a \u{17c}/b", "", &format!("/a%20%c5%bc/b{BASE}"), &format!("/a%20%c5%bc/b{BASE}")),
        // What it is mounted below may be gone from the path.
        ("/api", "", BASE, &format!("/api{BASE}")),
    ] {
        let asked = |tail: &str| {
            let asked = Asked::new("GET", format!("{before}{path}{name}/{tail}"));
            Asked { mount: mount.to_owned(), ..asked.header("X-API-KEY", KEY) }
        };
        let links = json(&ask(&endpoints, &asked("")))["links"].take();
        assert_eq!(links["self"], format!("{shown}{name}/"));
        let plain = path.replace("%20%c5%bc", " \u{17c}");
        assert_eq!(value(&ask(&endpoints, &asked("run"))), format!("{plain}\u{17c} b/run"));
        let link = &endpoints.links()[0].1;
        assert_eq!(links["public-link"], format!("{shown}p/{link}/{name}/"));
    }
    for path in [
        "/v1.1/instances/i/endpoints/scripts/a/run//",
        "//v1.1/instances/i/endpoints/scripts/",
        "x/v1.1/instances/i/endpoints/scripts/",
        "",
        "*",
        "http://moon",
    ] {
        assert_eq!(ask(&endpoints, &Asked::new("GET", path).header("X-API-KEY", KEY)).status, 404, "{path}");
    }
}

#[test]
fn a_description_is_the_comment_that_a_source_begins_with() {
    let (engine, setup) = serving("");
    let endpoints = built(setup);
    let (spaces, tabs, level) = (" ".repeat(900_000), "\t".repeat(900_000), "=".repeat(900_000));
    for (source, description) in [
        ("\n  -- One\n--two\n\n-- no more\nreturn 1", "One\ntwo"),
        ("--[==[ A\n]] B ]==] return 1", "A\n]] B"),
        ("return 1 -- no", ""),
        ("\u{feff}#!/usr/bin/lua\n-- One\r\n--  two", "One\n two"),
        ("#!/usr/bin/lua", ""),
        (&format!("{spaces}return 1"), ""),
        (&format!("--{tabs}\n--x"), "x"),
        (&format!("--[{level}"), &format!("[{level}")),
    ] {
        engine.scripts().put("i/a", source).expect("it compiles");
        assert_eq!(json(&ask(&endpoints, &Asked::get("a/")))["description"], description);
    }
}

#[test]
fn a_link_counts_when_it_is_stored() {
    let (engine, setup) = serving("return 1");
    let endpoints = built(setup.public("i/a", None).public("i/later", None));
    let link = || endpoints.links()[0].1.clone();
    let first = link();
    let status = |link: &str| ask(&endpoints, &Asked::new("GET", format!("{BASE}p/{link}/a"))).status;
    let reset = || match begin(&endpoints, "POST", "a/reset_link/", &[("x-api-key", KEY)]) {
        Step::Reset(reset) => reset,
        step => panic!("{step:?}"),
    };
    let asked = reset();
    let newer = asked.link().to_owned();
    assert_eq!((asked.script(), newer.len(), newer == first), ("i/a", 40, false));
    assert_eq!((status(&first), status(&newer)), (200, 404));

    let refused = endpoints.reset(asked, Err("The disk is full".to_owned()));
    assert_eq!((refused.status, header(&refused, "retry-after")), (503, Some(&b"1"[..])));
    assert_eq!(json(&refused), value_of!({"detail": "The disk is full"}));
    assert_eq!((status(&first), status(&newer)), (200, 404));

    let asked = reset();
    let newer = asked.link().to_owned();
    let answer = endpoints.reset(asked, Ok(()));
    assert_eq!(json(&answer)["public_link"], *newer);
    assert_eq!((status(&first), status(&newer), link()), (404, 200, newer.clone()));

    let asked = reset();
    endpoints.unpublish("i/a");
    assert_eq!(endpoints.reset(asked, Ok(())).status, 404);
    assert_eq!(status(&newer), 404);
    assert_eq!(endpoints.publish("i/a", Some(&first)).as_deref(), Ok(&*first));
    assert_eq!(status(&first), 200);
    engine.scripts().remove("i/a");
    assert_eq!(status(&first), 404);
}

#[test]
fn what_keeps_an_engine_from_a_run_is_told() {
    let engine = Engine::builder().pool_size(1).queue(Duration::ZERO).request(2000).build();
    engine.scripts().put("i/a", "return 1").expect("it compiles");
    let endpoints = built(Endpoints::setup(&engine).key(KEY));
    let now = Instant::now();
    for (error, status, detail) in [
        (Error::NotFound, 404, "Not found"),
        (Error::Nested { limit: 8 }, 503, "a run began inside 8 others, which is as deep as runs may nest"),
        (Error::Internal("no thread".to_owned()), 503, "internal error: no thread"),
    ] {
        let answer = endpoints.answer(Err(error), now);
        assert_eq!((answer.status, &json(&answer)["detail"]), (status, &detail.into()));
        assert_eq!(header(&answer, "retry-after"), (status == 503).then_some(&b"1"[..]));
    }
    // Too large with what is beside it, for a script that can see that.
    engine.scripts().put("i/sees", "return META.PATH_INFO").expect("it compiles");
    let query = "x".repeat(1990);
    for (name, status, detail) in
        [("a", 200, None), ("sees", 413, Some("Request size limit exceeded (2000)."))]
    {
        let target = format!("{name}/run/?a={query}");
        let body = format!("_api_key={KEY}");
        let in_body = Asked::post(&target, "application/x-www-form-urlencoded", body).without_key();
        for asked in [Asked::get(&target), in_body] {
            let answer = ask(&endpoints, &asked);
            assert_eq!((answer.status, json(&answer)["detail"].as_str()), (status, detail), "{asked:?}");
        }
    }

    // There is one VM, and the run that asks for another has it.
    let (tell, told) = mpsc::channel();
    let asks = move |call: &Call<'_>| {
        let script = call.engine().scripts().get("i/a").ok_or(Error::NotFound)?;
        // On another thread: a run within a run has a VM of its own.
        let result = thread::scope(|scope| scope.spawn(|| script.run(&Request::new())).join());
        tell.send(result.expect("it does not panic"))?;
        Ok(())
    };
    engine.function("asks", asks).expect("it has a name");
    let outer = engine.compile("outer", "host.asks()").expect("it compiles");
    assert!(outer.run(&Request::new()).expect("it runs").ok());
    let answer = endpoints.answer(told.recv().expect("it was told"), now);
    assert_eq!((answer.status, &json(&answer)["status"]), (503, &"queue_timeout".into()));
    assert_eq!(header(&answer, "retry-after"), Some(&b"1"[..]));
    let kept = ask(&endpoints, &Asked::get("a/traces/"));
    assert_eq!(json(&kept)["objects"][0]["status"], "queue_timeout");
}

#[test]
fn numbers_to_watch() {
    let engine = engine();
    for (method, path, status, body) in [
        ("GET", "/healthz", 200, r#"{"status":"ok"}"#),
        ("HEAD", "/healthz", 200, ""),
        ("GET", "/metrics", 200, "perilune_vms_in_use 0"),
        ("POST", "/metrics", 405, r#"{"detail":"Method \"POST\" not allowed."}"#),
        ("GET", "/metrics/", 404, r#"{"detail":"Not found"}"#),
        ("GET", "/", 404, r#"{"detail":"Not found"}"#),
    ] {
        let answer = metrics(&engine, method, path.as_bytes());
        assert_eq!(answer.status, status, "{method} {path}");
        assert!(String::from_utf8_lossy(&answer.body).contains(body), "{answer:?}");
        assert_eq!(header(&answer, "allow"), (status == 405).then_some(&b"GET, HEAD"[..]));
    }
    let kind = header(&metrics(&engine, "GET", b"/metrics"), "content-type").map(<[u8]>::to_vec);
    assert_eq!(kind.as_deref(), Some(&b"text/plain; version=0.0.4; charset=utf-8"[..]));
}
