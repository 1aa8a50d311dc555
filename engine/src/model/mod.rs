//! Plain data: what crosses the API, and what all rooms above share.

pub(crate) mod arguments;
pub(crate) mod cancel;
pub(crate) mod capture;
pub(crate) mod deadline;
pub(crate) mod error;
pub(crate) mod function;
pub(crate) mod json;
pub(crate) mod limits;
pub(crate) mod nesting;
pub(crate) mod poll;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod trace;
pub(crate) mod urlencoded;
pub(crate) mod value;
