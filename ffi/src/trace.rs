//! What a run hands back.

use std::sync::OnceLock;

use perilune::{Request, Response, Script, Trace};

use crate::error::perilune_error;
use crate::failure::Failure;
use crate::guard;
use crate::handle::{self, Handle};
use crate::slice::perilune_slice;
use crate::status::*;
use crate::text::Text;
use crate::time::ns;
use crate::view::{LEAST, perilune_header, perilune_trace_view};

/// What a run hands back. It never changes.
pub struct perilune_trace {
    _private: [u8; 0],
}

impl Handle for perilune_trace {
    type Inner = Kept;
}

pub(crate) struct Kept {
    trace: Trace,
    /// Made when it is first asked for.
    json: OnceLock<Text>,
}

impl From<Trace> for Kept {
    #[inline(always)]
    fn from(trace: Trace) -> Self {
        Self { trace, json: OnceLock::new() }
    }
}

/// Runs a script, and hands its trace to C.
///
/// # Safety
/// `out` can be written to.
#[inline(always)]
pub(crate) unsafe fn give(
    out: *mut *mut perilune_trace,
    script: &Script,
    request: &Request<'_>,
) -> Result<(), Failure> {
    let mut kept = Box::new(Kept::from(script.blank_trace()));
    script.run_into(request, &mut kept.trace)?;
    // SAFETY: by this function's contract.
    unsafe { out.write(handle::box_into_raw(kept)) };
    Ok(())
}

/// Makes a trace of what a view says, for a host that keeps traces in a form of its own: its JSON is then as that of the run. All is copied.
///
/// @param view     as perilune_trace_read fills one, its size included
/// @param headers  as many lines as the view says
/// @param trace    set to the trace, which the caller frees
/// @param error    where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_trace_new(
    view: *const perilune_trace_view,
    headers: *const perilune_header,
    trace: *mut *mut perilune_trace,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    let body = || unsafe {
        let view = handle::get_sized(view, LEAST, "view")?;
        let headers = handle::array(headers, view.response_headers_len, "headers")?;
        let trace = handle::required(trace, "trace")?;
        handle::give(trace, view.trace(headers)?.into());
        Ok(())
    };
    // SAFETY: `error` is null or can be written to.
    unsafe { guard::fallible(error, body) }
}

/// Frees a trace, and with it all that was lent of it. NULL is nothing to free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_trace_free(trace: *mut perilune_trace) {
    // SAFETY: it was made here, and the caller does not use it again.
    guard::infallible((), || unsafe { handle::free(trace) });
}

/// Fills a view with all of a trace.
///
/// @param view   its size must be set to sizeof(perilune_trace_view) before; a shorter one, of an older header, is filled as
///               far as it goes
/// @param error  where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_trace_read(
    trace: *const perilune_trace,
    view: *mut perilune_trace_view,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: the trace is null or one that the caller owns; the view starts with its size, and has no padding.
    let body = || unsafe {
        let ours = perilune_trace_view::of(&handle::get(trace, "trace")?.trace);
        handle::set_sized(view, ours, LEAST, "view")
    };
    // SAFETY: `error` is null or can be written to.
    unsafe { guard::fallible(error, body) }
}

/// How the run ended. NULL has PERILUNE_STATUS_FAILURE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_trace_status(trace: *const perilune_trace) -> perilune_status {
    guard::infallible(PERILUNE_STATUS_FAILURE, || {
        // SAFETY: null, or a trace that the caller owns.
        unsafe { handle::get(trace, "trace") }
            .map_or(PERILUNE_STATUS_FAILURE, |kept| status(kept.trace.status))
    })
}

/// The run's number: 1, 2, 3 ... per engine. NULL has 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_trace_id(trace: *const perilune_trace) -> u64 {
    // SAFETY: as above.
    guard::infallible(0, || unsafe { handle::get(trace, "trace") }.map_or(0, |kept| kept.trace.id))
}

/// How long the run took, in nanoseconds. NULL has 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_trace_duration_ns(trace: *const perilune_trace) -> u64 {
    guard::infallible(0, || {
        // SAFETY: as above.
        unsafe { handle::get(trace, "trace") }.map_or(0, |kept| ns(kept.trace.duration))
    })
}

/// A part of a trace.
///
/// # Safety
/// `trace` is null or one that C owns or borrows.
unsafe fn part(trace: *const perilune_trace, which: impl FnOnce(&Trace) -> Option<&[u8]>) -> perilune_slice {
    guard::infallible(perilune_slice::NONE, || {
        // SAFETY: by this function's contract.
        perilune_slice::maybe(unsafe { handle::get(trace, "trace") }.ok().and_then(|kept| which(&kept.trace)))
    })
}

/// What the script wrote to stdout, to the byte; not ended by a NUL byte. Lent until the trace is freed. NULL has NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_trace_stdout(trace: *const perilune_trace) -> perilune_slice {
    // SAFETY: as the header says.
    unsafe { part(trace, |trace| Some(&trace.stdout)) }
}

/// What the script wrote to stderr, to the byte, and then the uncaught error; not ended by a NUL byte. Lent until the trace is
/// freed. NULL has NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_trace_stderr(trace: *const perilune_trace) -> perilune_slice {
    // SAFETY: as the header says.
    unsafe { part(trace, |trace| Some(&trace.stderr)) }
}

/// What the script returned, as JSON text: the value for one, an array for several, NULL for nothing; not ended by a NUL byte.
/// Lent until the trace is freed. NULL has NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_trace_value(trace: *const perilune_trace) -> perilune_slice {
    // SAFETY: as the header says.
    unsafe { part(trace, |trace| trace.value.as_deref().map(str::as_bytes)) }
}

/// The text of the error that ended the run, NULL when it succeeded; not ended by a NUL byte. Lent until the trace is freed.
/// NULL has NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_trace_error_message(trace: *const perilune_trace) -> perilune_slice {
    // SAFETY: as the header says.
    unsafe { part(trace, |trace| trace.error.as_ref().map(|error| error.message.as_bytes())) }
}

/// The trace as one line of JSON, in the form of Syncano's Script Endpoint; ended by a NUL byte, which the length does not
/// count. Made by the first call. Lent until the trace is freed. NULL has NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_trace_json(trace: *const perilune_trace) -> perilune_slice {
    guard::infallible(perilune_slice::NONE, || {
        // SAFETY: as the header says.
        unsafe { handle::get(trace, "trace") }.map_or(perilune_slice::NONE, |kept| {
            kept.json.get_or_init(|| Text::new(kept.trace.to_json())).lend()
        })
    })
}

/// One header line of the script's response, in the order of their names: a name for which the script gave a list, such as two
/// cookies, has several. Name and value are lent until the trace is freed, not ended
/// by a NUL byte, and without control characters: they can be sent as they are.
///
/// @param index  from 0
/// @param error  where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_trace_header(
    trace: *const perilune_trace,
    index: usize,
    name: *mut perilune_slice,
    value: *mut perilune_slice,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    let body = || unsafe {
        let response = &handle::get(trace, "trace")?.trace.response;
        let headers = response.as_deref().map_or(&[][..], |response: &Response| &response.headers);
        let Some(header) = headers.get(index) else {
            return Err(Failure::argument(format!("index: {index} of {} headers", headers.len())));
        };
        handle::set(handle::required(name, "name")?, perilune_slice::of(header.0.as_bytes()));
        handle::set(handle::required(value, "value")?, perilune_slice::of(&header.1));
        Ok(())
    };
    // SAFETY: as above.
    unsafe { guard::fallible(error, body) }
}
