//! What an HTTP host of Script Endpoints answers, without a socket in it.
mod answer;
mod body;
mod describe;
mod endpoints;
mod head;
mod history;
mod keys;
mod links;
mod meta;
mod metrics;
mod multipart;
mod rate;
mod secrets;
mod setup;
mod target;
mod text;

pub use answer::Answer;
pub use body::Body;
pub use endpoints::{Endpoints, Reset, Run, Step};
pub use head::Head;
pub use metrics::metrics;
pub use setup::{Setup, SetupError};
