//! The C ABI of Perilune. Its documentation is `include/perilune.h`, which is made of the comments here: so they are written for C.

#![allow(non_camel_case_types, reason = "the names are C's")]
#![allow(clippy::missing_safety_doc, reason = "the header says what each function demands")]
#![allow(clippy::too_many_arguments, reason = "a text is two")]

mod call;
mod callback;
mod cancel;
mod diagnostics;
mod directory;
mod engine;
mod error;
mod failure;
mod function;
mod guard;
mod handle;
mod lend;
mod limits;
mod live;
mod metrics;
mod options;
mod request;
mod script;
mod scripts;
mod status;
mod text;
mod time;
mod trace;
mod value;
mod version;

pub use call::*;
pub use callback::perilune_destroy;
pub use cancel::*;
pub use diagnostics::*;
pub use directory::*;
pub use engine::*;
pub use error::*;
pub use function::*;
pub use handle::PERILUNE_STRLEN;
pub use metrics::*;
pub use options::*;
pub use request::*;
pub use script::*;
pub use scripts::*;
pub use status::*;
pub use trace::*;
pub use value::*;
pub use version::*;
