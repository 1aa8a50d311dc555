//! The C ABI of Perilune. Its documentation is `include/perilune.h`, which is made of the comments here: so they are written for C.

#![allow(non_camel_case_types, reason = "the names are C's")]
#![allow(clippy::missing_safety_doc, reason = "the header says what each function demands")]

mod answer;
mod call;
mod callback;
mod cancel;
mod diagnostics;
mod directory;
mod endpoints;
mod engine;
mod error;
mod exchange;
mod failure;
mod function;
mod guard;
mod handle;
mod limits;
mod live;
mod metrics;
mod names;
mod options;
mod pending;
mod request;
mod sandbox;
mod script;
mod scripts;
mod slice;
mod status;
mod text;
mod time;
mod trace;
mod value;
mod version;
mod view;

pub use call::*;
pub use callback::perilune_destroy;
pub use cancel::*;
pub use diagnostics::*;
pub use directory::*;
pub use endpoints::*;
pub use engine::*;
pub use error::*;
pub use exchange::*;
pub use function::*;
pub use metrics::*;
pub use names::*;
pub use options::*;
pub use pending::{
    perilune_gone, perilune_pending, perilune_pending_free, perilune_pending_is_gone,
    perilune_pending_on_gone, perilune_pending_reject, perilune_pending_resolve,
    perilune_pending_resolve_json,
};
pub use request::*;
pub use sandbox::*;
pub use script::*;
pub use scripts::*;
pub use slice::perilune_slice;
pub use status::*;
pub use trace::*;
pub use value::*;
pub use version::*;
pub use view::{perilune_header, perilune_trace_view};
