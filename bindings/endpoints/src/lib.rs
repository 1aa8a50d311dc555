//! What an HTTP host of Script Endpoints answers, without a socket in it: paths, keys, links, rates, bodies, traces. What is promised
//! stands in the README of this folder; a host moves bytes between its server and this crate, and makes the runs.
//!
//! There is no I/O, no clock, no callback and no async in it. A request is a small state machine, whose states a host can hand from
//! thread to thread and keep as long as it likes:
//!
//! ```text
//! Endpoints::ask(head, headers) ──▶ Step::Answer ──▶ send it
//!                                   Step::Body   ──▶ Body::push, as long as it says so ──▶ Endpoints::read ──▶ Step::Answer, Step::Run
//!                                   Step::Run    ──▶ run it, here or elsewhere ──────────▶ Endpoints::answer ──▶ Answer
//!                                   Step::Reset  ──▶ store the link ─────────────────────▶ Endpoints::reset ──▶ Answer
//! ```
//!
//! ```
//! use std::time::Instant;
//! use perilune::Engine;
//! use perilune_endpoints::{Answer, Endpoints, Head, Step};
//!
//! /// What a server does that has read a request.
//! fn serve(endpoints: &Endpoints, head: &Head<'_>, headers: &[(&[u8], &[u8])], mut chunks: impl Iterator<Item = Vec<u8>>) -> Answer {
//!     let mut step = endpoints.ask(head, headers.iter().copied(), Instant::now());
//!     loop {
//!         step = match step {
//!             Step::Answer(answer) => return answer,
//!             Step::Body(mut body) => {
//!                 let _ = chunks.all(|chunk| body.push(&chunk));
//!                 endpoints.read(body, Instant::now())
//!             }
//!             Step::Run(run) => return endpoints.answer(run.script.run(&run.request), Instant::now()),
//!             Step::Reset(reset) => return endpoints.reset(reset, Ok(())),
//!         };
//!     }
//! }
//!
//! let engine = Engine::new();
//! engine.scripts().put("moonbase/hello", "print('Hello', ARGS.monster)")?;
//! let endpoints = Endpoints::setup(&engine).key("key-of-the-moonbase").public("moonbase/hello", None).build()?;
//!
//! let head = Head::new("POST", b"/v1.1/instances/moonbase/endpoints/scripts/hello/run/");
//! let headers: [(&[u8], &[u8]); 2] = [(b"X-API-KEY", b"key-of-the-moonbase"), (b"Content-Type", b"application/json")];
//! let answer = serve(&endpoints, &head, &headers, [br#"{"monster": "Manticore"}"#.to_vec()].into_iter());
//! assert_eq!(answer.status, 200);
//! assert!(answer.body.starts_with(br#"{"status":"success","#));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! With the feature `tower`, `Service` does all of this for a server in Rust: what is left to it are limits of time.
//!
//! # What is left to the host
//! - To read heads and bodies within limits of time and size, and to send answers. The [`Answer`] says all but the body's length and the
//!   server's own headers; HTTP keeps the body of an answer to `HEAD` to itself. Who has `http`'s types makes a
//!   `http::Response<Bytes>` of it, by `into()`.
//! - To read or drop the body of a request that is answered before it: a POST with a wrong key, say. Where this crate has read one in
//!   part and gives up, [`Answer::close`] is set.
//! - To make the runs: at once, by [`Script::run`](perilune::Script::run), or on the engine's threads, by
//!   [`Script::submit`](perilune::Script::submit); and to cancel those whose clients are gone.
//! - To tell the time. What is told of `now` may go back a little, as it does between threads.
//! - To store links, if they are to outlive the process: [`Endpoints::links`] once, and each [`Reset`].
//! - [`metrics`], on a port or path of its own.
//!
//! All that is told is bytes: nothing was decoded before, and names of headers may have any case. Of HTTP/2, `:authority` is taken for
//! `host`, and other names with a colon are passed over.

mod answer;
mod body;
mod describe;
mod endpoints;
mod head;
mod history;
#[cfg(feature = "tower")]
mod in_place;
mod keys;
mod links;
mod meta;
mod metrics;
mod multipart;
mod rate;
mod secrets;
#[cfg(feature = "tower")]
mod service;
mod setup;
mod target;
mod text;

pub use answer::Answer;
pub use body::Body;
pub use endpoints::{Endpoints, Reset, Run, Step};
pub use head::Head;
pub use metrics::metrics;
#[cfg(feature = "tower")]
pub use service::{Client, ResponseFuture, Service};
pub use setup::{Setup, SetupError};
