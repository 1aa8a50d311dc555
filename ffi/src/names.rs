//! What the numbers are called in JSON and by the bindings.

use std::ffi::c_char;
use std::sync::LazyLock;

use perilune::{ErrorKind, Status};

use crate::guard;
use crate::limits::LIMITS;
use crate::status::*;
use crate::text::{EMPTY, Text};

/// Names by their numbers, from 0.
type Names = LazyLock<Vec<Text>>;

const UNKNOWN: &str = "unknown";

static STATUS_NAMES: Names = LazyLock::new(|| STATUSES.map(Status::as_str).map(Text::new).into());
static KIND_NAMES: Names =
    LazyLock::new(|| [""].into_iter().chain(KINDS.map(ErrorKind::as_str)).map(Text::new).collect());
static LIMIT_NAMES: Names =
    LazyLock::new(|| [UNKNOWN].into_iter().chain(LIMITS.map(|limit| limit.name)).map(Text::new).collect());
static LIMIT_UNITS: Names =
    LazyLock::new(|| [UNKNOWN].into_iter().chain(LIMITS.map(|limit| limit.unit)).map(Text::new).collect());

fn name(names: &'static Names, number: i32) -> *const c_char {
    guard::infallible(EMPTY, || {
        let name = usize::try_from(number).ok().and_then(|number| names.get(number));
        // Of limits, the name of 0 is that of what is none.
        name.unwrap_or(&LIMIT_NAMES[0]).lend().data
    })
}

/// The name of a status in JSON, such as "success"; "unknown" for a number that is none. Static.
#[unsafe(no_mangle)]
pub extern "C" fn perilune_status_name(status: perilune_status) -> *const c_char {
    name(&STATUS_NAMES, status)
}

/// The name of a kind of error in JSON, such as "runtime"; "" for PERILUNE_KIND_NONE, "unknown" for a number that is none.
/// Static.
#[unsafe(no_mangle)]
pub extern "C" fn perilune_error_kind_name(kind: perilune_error_kind) -> *const c_char {
    name(&KIND_NAMES, kind)
}

/// The name of a limit, such as "host_calls"; "unknown" for a number that is none. Static.
#[unsafe(no_mangle)]
pub extern "C" fn perilune_limit_name(limit: perilune_limit) -> *const c_char {
    name(&LIMIT_NAMES, limit)
}

/// The unit of a limit: "ns" for nanoseconds, "bytes", or "" where things are counted; "unknown" for a number that is none. Static.
#[unsafe(no_mangle)]
pub extern "C" fn perilune_limit_unit(limit: perilune_limit) -> *const c_char {
    name(&LIMIT_UNITS, limit)
}
