//! The service of tower's: bodies, runs in place and elsewhere, and what becomes of them when a client goes.

use std::convert::Infallible;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, Version};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full};
use perilune::Engine;
use perilune_endpoints::{Client, Endpoints, Service};
use serde_json::Value;
use tower_service::Service as _;

const BASE: &str = "/v1.1/instances/i/endpoints/scripts/";

fn engine(sources: &[(&str, &str)]) -> Engine {
    let engine = Engine::builder().timeout(Duration::from_secs(20)).build();
    for (name, source) in sources {
        engine.scripts().put(&format!("i/{name}"), source).expect("it compiles");
    }
    engine
}

fn endpoints(engine: &Engine) -> Endpoints {
    Endpoints::setup(engine).key("k").public("i/hello", None).build().expect("endpoints")
}

fn request(target: &str) -> http::request::Builder {
    Request::builder().uri(format!("{BASE}{target}")).header("x-api-key", "k")
}

/// A body in pieces, of which the last may be an error, and how many were taken.
struct Pieces(Vec<Result<&'static str, ()>>, Arc<AtomicUsize>);

impl Body for Pieces {
    type Data = Bytes;
    type Error = ();

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, ()>>> {
        let pieces = self.get_mut();
        pieces.1.fetch_add(1, Relaxed);
        let next = (!pieces.0.is_empty()).then(|| pieces.0.remove(0));
        Poll::Ready(next.map(|piece| piece.map(|text| Frame::data(Bytes::from_static(text.as_bytes())))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }
}

/// Waits on this thread, as a server's does that has nothing else to do.
fn wait<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}

fn told(response: Result<Response<Full<Bytes>>, Infallible>) -> (u16, Option<String>, Value) {
    let response = response.expect("it can't fail");
    let connection =
        response.headers().get("connection").map(|value| value.to_str().expect("text").to_owned());
    let status = response.status().as_u16();
    let body = wait(response.into_body().collect()).expect("it is there").to_bytes();
    (status, connection, serde_json::from_slice(&body).unwrap_or_default())
}

#[test]
fn bodies_are_read_as_far_as_they_are_wanted() {
    let engine = engine(&[("echo", "return POST.n"), ("hello", "return 1")]);
    let mut service = Service::new(endpoints(&engine));
    let json = "application/json";
    let early = "The body ended early.";
    // Target, type, whether it waits to be told to send, the body; status, detail, whether the connection closes, pieces taken.
    type Case = (
        &'static str,
        &'static str,
        bool,
        Vec<Result<&'static str, ()>>,
        u16,
        Option<&'static str>,
        bool,
        usize,
    );
    let cases: Vec<Case> = vec![
        ("echo/run/", json, false, vec![Ok("{\"n\""), Ok(": 5}")], 200, None, false, 3),
        ("echo/run/", json, false, vec![Ok("{\"n\""), Err(())], 400, Some(early), true, 2),
        ("gone/run/", json, false, vec![Ok("{\"n\""), Ok(": 5}")], 404, Some("Not found"), false, 2),
        ("gone/run/", json, false, vec![Ok("{"), Err(())], 404, Some("Not found"), true, 2),
        ("gone/run/", json, true, vec![Ok("{}")], 404, Some("Not found"), true, 0),
    ];
    for (target, content_type, waits, pieces, status, detail, closes, taken) in cases {
        let count = Arc::new(AtomicUsize::new(0));
        let mut builder = request(target).method("POST").header("content-type", content_type);
        if waits {
            builder = builder.header("expect", "100-continue");
        }
        let asked = builder.body(Pieces(pieces.clone(), Arc::clone(&count))).expect("a request");
        let (got, connection, body) = told(wait(service.call(asked)));
        assert_eq!((got, body["detail"].as_str()), (status, detail), "{target} {pieces:?}: {body}");
        assert_eq!(connection.as_deref(), closes.then_some("close"), "{target} {pieces:?}");
        assert_eq!(count.load(Relaxed), taken, "{target} {pieces:?}");
        assert!(status != 200 || body["result"]["value"] == 5, "{body}");
    }

    // HTTP/2 has no such header.
    let pieces = Pieces(vec![Err(())], Arc::default());
    let asked = request("echo/run/").method("POST").version(Version::HTTP_2).body(pieces).expect("a request");
    let (status, connection, _) = told(wait(service.call(asked)));
    assert_eq!((status, connection), (400, None));
}

#[test]
fn a_run_ends_when_nobody_waits_for_it() {
    let engine = engine(&[("endless", "while true do end")]);
    let mut service = Service::new(endpoints(&engine));
    let asked = || request("endless/run/").body(Full::<Bytes>::default()).expect("a request");
    let in_use = |engine: &Engine| engine.metrics().vms.in_use;

    let mut answer = service.call(asked());
    assert!(Pin::new(&mut answer).poll(&mut Context::from_waker(Waker::noop())).is_pending());
    eventually(|| in_use(&engine) == 1);
    drop(answer);
    eventually(|| in_use(&engine) == 0);

    // A server that does not look is asked.
    let is_gone = Arc::new(AtomicBool::new(false));
    let looked_at = Arc::clone(&is_gone);
    let mut asked = asked();
    asked.extensions_mut().insert(Client::gone_if("::1", move || looked_at.load(Relaxed)));
    let answer = thread::spawn(move || told(wait(service.call(asked))));
    eventually(|| in_use(&engine) == 1);
    is_gone.store(true, Relaxed);
    let (status, _, body) = answer.join().expect("no panic");
    assert_eq!((status, body["status"].as_str()), (200, Some("cancelled")));
}

#[test]
fn scripts_that_were_short_run_in_place_until_one_is_long() {
    static HANDED_OVER: Mutex<Vec<thread::ThreadId>> = Mutex::new(Vec::new());
    let source = "if GET.endless then repeat until false end \
        if GET.long then local t = os.clock() repeat until os.clock() - t > 0.02 end return META.REMOTE_ADDR";
    let engine = engine(&[("mixed", source)]);
    let hand_over = || HANDED_OVER.lock().expect("no panic").push(thread::current().id());
    let mut service = Service::new(endpoints(&engine)).in_place(hand_over);
    let mut other = service.clone();
    // Whether it was in place, and its trace.
    let mut run = |version, query: &str, client| {
        let asked = request(&format!("mixed/run/?{query}")).version(version).extension(client);
        let mut answer = service.call(asked.body(Full::<Bytes>::default()).expect("a request"));
        let at_once = Pin::new(&mut answer).poll(&mut Context::from_waker(Waker::noop()));
        let is_in_place = at_once.is_ready();
        let response = if let Poll::Ready(response) = at_once { response } else { wait(answer) };
        (is_in_place, told(response).2)
    };
    let mut is_in_place = |version, query: &str| {
        let (is_in_place, trace) = run(version, query, Client::new("192.0.2.1"));
        assert_eq!(trace["result"]["value"], "192.0.2.1");
        is_in_place
    };
    for _ in 0..3 {
        assert!(!is_in_place(Version::HTTP_11, "long=1"), "it was long before");
    }
    // A run that never began says nothing of the next.
    for _ in 0..3 {
        let broken = request("mixed/run/").method("POST").header("content-type", "application/json");
        let broken = broken.body(Full::<Bytes>::from("{")).expect("a request");
        assert_eq!(told(wait(other.call(broken))).0, 400);
    }
    assert!(!is_in_place(Version::HTTP_11, "long=1"), "it was long before");
    assert!(HANDED_OVER.lock().expect("no panic").is_empty());
    // What a machine under load takes for long has to show again.
    assert!((0..1000).any(|_| is_in_place(Version::HTTP_11, "")), "it was short before");
    // The connection's other requests would wait for it.
    assert!(!is_in_place(Version::HTTP_2, "long=1"));
    let mut is_in_place = |query: &str| is_in_place(Version::HTTP_11, query);
    assert!((0..1000).any(|_| is_in_place("") && is_in_place("long=1")), "it was short before");
    assert!(!is_in_place("long=1"), "it was long before");
    let here = thread::current().id();
    assert!(HANDED_OVER.lock().expect("no panic").contains(&here), "it was not short");

    // Nothing but the client's going ends such a run before its timeout.
    assert!((0..1000).any(|_| {
        let _ = run(Version::HTTP_11, "", Client::new(""));
        let asked = AtomicUsize::new(0);
        let gone = Client::gone_if("", move || asked.fetch_add(1, Relaxed) > 2);
        let (is_in_place, trace) = run(Version::HTTP_11, "endless=1", gone);
        assert_eq!(trace["status"], "cancelled");
        is_in_place
    }));
}

#[test]
fn links_are_reset_when_they_are_stored() {
    let engine = engine(&[("hello", "return 1")]);
    let kept = Arc::new(Mutex::new(Vec::new()));
    let store = {
        let kept = Arc::clone(&kept);
        move |script: &str, link: &str| {
            let mut kept = kept.lock().expect("no panic");
            kept.push((script.to_owned(), link.to_owned()));
            if kept.len() > 1 { Err("The disk is full".to_owned()) } else { Ok(()) }
        }
    };
    let mut service = Service::new(endpoints(&engine)).mount("/api").store(store);
    let mut reset = || {
        let asked = request("hello/reset_link/").method("POST").body(Full::<Bytes>::default());
        told(wait(service.call(asked.expect("a request"))))
    };
    let (status, _, body) = reset();
    let (script, link) = kept.lock().expect("no panic")[0].clone();
    assert_eq!((status, script.as_str(), body["public_link"].as_str()), (200, "i/hello", Some(&*link)));
    assert_eq!(body["links"]["public-link"], format!("/api{BASE}p/{link}/hello/"));
    let (status, _, body) = reset();
    assert_eq!((status, body["detail"].as_str()), (503, Some("The disk is full")));
}

fn eventually(holds: impl Fn() -> bool) {
    let end = std::time::Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(std::time::Instant::now() < end, "it never came true");
        thread::yield_now();
    }
}
