//! Perilune runs untrusted Luau scripts inside a backend, at microsecond cost: a host hands it a script and a request,
//! it hands back a trace.
//!
//! - [`Engine`] keeps a pool of VMs and the [`Limits`] of all that runs in them.
//! - [`Engine::compile`] makes a [`Script`], once; [`Script::run`] runs it with a [`Request`], as often as you like and
//!   from as many threads as you like.
//! - [`Scripts`] are an engine's scripts by name, which change while runs go on: [`Engine::run`] runs the one that serves.
//! - [`Trace`] is what comes back: how the run ended, what it printed, what it returned.
//! - [`Metrics`] are the numbers to watch.
//! - [`Engine::check`] tells an author what is wrong with a source, before it runs.
//! - [`Error`] is what keeps a run from beginning. Errors *in* a script are in the trace.
//!
//! ```
//! use perilune::{Engine, Request};
//!
//! let engine = Engine::new();
//! let script = engine.compile("greet", r#"
//!     print("Hello", ARGS.monster)
//!     return { n = POST.n + 1 }
//! "#)?;
//! let trace = script.run(&Request::new().query("monster=Manticore").json(r#"{"n": 1}"#))?;
//! assert_eq!(trace.stdout, b"Hello\tManticore\n");
//! assert_eq!(trace.value.as_deref(), Some(r#"{"n":2}"#));
//! # Ok::<(), perilune::Error>(())
//! ```

#![deny(unsafe_code)]
#![cfg_attr(not(target_os = "linux"), allow(dead_code, unused_imports, reason = "workers alone need it"))]

mod compile;
mod engine;
mod model;
mod pool;
#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "it shares memory with other processes")]
mod process;
#[cfg(not(target_os = "linux"))]
#[path = "process/elsewhere.rs"]
mod process;
mod registry;
mod syntax;
#[allow(unsafe_code, reason = "the only room with any: it is on Luau's raw stack")]
mod vm;

pub use engine::batch::Batch;
pub use engine::call::{AsyncCall, Call};
pub use engine::directory::{FileError, Report};
pub use engine::engine::{Engine, EngineBuilder};
pub use engine::isolation::{Isolation, Workers};
pub use engine::script::Script;
pub use engine::scripts::Scripts;
pub use engine::submit::Ticket;
#[cfg(feature = "watch")]
pub use engine::watch::Watch;
pub use model::cancel::CancelHandle;
pub use model::error::{CompileError, Error, Part, PayloadError, Position};
#[doc(hidden)]
pub use model::function::Begun;
pub use model::function::HostError;
pub use model::limits::{Limits, RunLimits, parse_bytes};
pub use model::poll::Poll;
pub use model::request::{IntoPart, Request};
pub use model::response::Response;
pub use model::trace::{ErrorKind, ScriptError, Status, Trace, Usage, ValueError};
pub use model::value::Value;
pub use pool::metrics::{Compiles, Histogram, Metrics, Runs, Vms};
pub use process::sandbox::Sandbox;
pub use registry::check::{Diagnostic, Severity};
#[cfg(feature = "floor")]
#[doc(hidden)]
pub use vm::floor;

/// For programs that are a worker's: see [`Isolation`].
pub mod worker {
    #[cfg(target_os = "linux")]
    pub use crate::engine::guest::init;

    /// Does nothing: on this system there are no workers.
    #[cfg(not(target_os = "linux"))]
    pub fn init() {}
}

/// The example of the README.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
