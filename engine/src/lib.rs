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

mod batch;
mod cancel;
mod capture;
mod check;
mod counters;
mod directory;
mod engine;
mod environment;
mod error;
mod execute;
mod function;
mod hints;
mod json;
mod limits;
mod metrics;
mod poll;
mod pool;
#[cfg(feature = "prometheus")]
mod prometheus;
mod request;
mod response;
mod script;
mod scripts;
mod span;
mod submit;
mod trace;
mod urlencoded;
mod value;
mod vm;
#[cfg(feature = "watch")]
mod watch;
mod watchdog;

pub use batch::Batch;
pub use cancel::CancelHandle;
pub use check::{Diagnostic, Severity};
pub use directory::{FileError, Report};
pub use engine::{Engine, EngineBuilder};
pub use error::{CompileError, Error, Part, PayloadError, Position};
pub use function::{Call, HostError};
pub use limits::{Limits, RunLimits, parse_bytes};
pub use metrics::{Compiles, Histogram, Metrics, Runs, Vms};
pub use poll::Poll;
pub use request::Request;
pub use response::Response;
pub use script::Script;
pub use scripts::Scripts;
pub use submit::Ticket;
pub use trace::{ErrorKind, ScriptError, Status, Trace, Usage, ValueError};
pub use value::Value;
#[cfg(feature = "floor")]
#[doc(hidden)]
pub use vm::floor;
#[cfg(feature = "watch")]
pub use watch::Watch;

/// The example of the README.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
