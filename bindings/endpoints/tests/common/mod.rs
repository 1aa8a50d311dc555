//! Asks endpoints as a host does that has read a request.
#![allow(dead_code)]

use std::path::Path;
use std::time::{Duration, Instant};

use perilune::Engine;
use perilune_endpoints::{Answer, Endpoints, Head, Setup, Step};
use serde_json::Value;

pub(crate) const KEY: &str = "moon-key";
pub(crate) const BASE: &str = "/v1.1/instances/i/endpoints/scripts/";

/// Where `cases.json` and its scripts are.
pub(crate) fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A request of a test.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) target: Vec<u8>,
    pub(crate) headers: Vec<(Vec<u8>, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
    /// Bytes that come at once; none are all.
    pub(crate) pieces: usize,
    pub(crate) mount: String,
    pub(crate) address: String,
}

impl Asked {
    pub(crate) fn new(method: &str, target: impl AsRef<[u8]>) -> Self {
        Self { method: method.to_owned(), target: target.as_ref().to_owned(), ..Self::default() }
    }

    pub(crate) fn get(target: &str) -> Self {
        Self::new("GET", [BASE, target].concat()).header("x-api-key", KEY)
    }

    pub(crate) fn post(target: &str, content_type: &str, body: impl AsRef<[u8]>) -> Self {
        let asked = Self::new("POST", [BASE, target].concat()).header("content-type", content_type);
        Self { body: body.as_ref().to_owned(), ..asked }.header("x-api-key", KEY)
    }

    pub(crate) fn header(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    pub(crate) fn without_key(mut self) -> Self {
        self.headers.retain(|(name, _)| name != b"x-api-key");
        self
    }
}

pub(crate) fn ask(endpoints: &Endpoints, asked: &Asked) -> Answer {
    ask_at(endpoints, asked, Instant::now())
}

pub(crate) fn ask_at(endpoints: &Endpoints, asked: &Asked, now: Instant) -> Answer {
    let mut head = Head::new(&asked.method, &asked.target);
    head.mount = &asked.mount;
    head.address = &asked.address;
    let headers = asked.headers.iter().map(|(name, value)| (&name[..], &value[..]));
    let mut step = endpoints.ask(&head, headers, now);
    loop {
        step = match step {
            Step::Answer(answer) => return answer,
            Step::Body(mut body) => {
                let size = if asked.pieces > 0 { asked.pieces } else { asked.body.len().max(1) };
                let _ = asked.body.chunks(size).all(|piece| body.push(piece));
                endpoints.read(body, now)
            }
            Step::Run(run) => return endpoints.answer(run.script.run(&run.request), now),
            Step::Reset(reset) => return endpoints.reset(reset, Ok(())),
        }
    }
}

pub(crate) fn engine() -> Engine {
    Engine::builder().pool_size(1).timeout(Duration::from_secs(20)).build()
}

/// An engine with one script, `i/a`, and endpoints with [`KEY`].
pub(crate) fn serving(source: &str) -> (Engine, Setup) {
    let engine = engine();
    engine.scripts().put("i/a", source).expect("it compiles");
    let setup = Endpoints::setup(&engine).key(KEY);
    (engine, setup)
}

pub(crate) fn built(setup: Setup) -> Endpoints {
    setup.build().expect("it can be")
}

pub(crate) fn json(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{error}: {answer:?}"))
}

/// What the script returned.
pub(crate) fn value(answer: &Answer) -> Value {
    json(answer)["result"]["value"].take()
}

pub(crate) fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a [u8]> {
    answer.headers.iter().find(|(own, _)| own == name).map(|(_, value)| &**value)
}
