//! What a run hands back.

use std::ffi::{CStr, c_char};
use std::mem::offset_of;
use std::ptr;
use std::sync::OnceLock;

use perilune::{Request, Response, Script, Trace};

use crate::error::perilune_error;
use crate::failure::Failure;
use crate::guard;
use crate::handle::{self, Handle};
use crate::lend;
use crate::status::*;
use crate::text::{EMPTY, Text};
use crate::time::{ns, unix_ns};

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

/// All of a trace at once: see perilune_trace_read. What it points to is lent until the trace is freed. A pointer is NULL
/// where its comment says so, and else never, also with a length of 0. Later versions add fields at the end.
#[repr(C)]
#[allow(missing_docs, reason = "a comment holds for the fields below it, too")]
pub struct perilune_trace_view {
    /// sizeof(perilune_trace_view), set by the caller before the call.
    pub size: usize,
    /// 1, 2, 3 ... per engine.
    pub id: u64,
    /// How the run ended.
    pub status: perilune_status,
    /// The error that ended it; PERILUNE_KIND_NONE when it succeeded.
    pub error_kind: perilune_error_kind,
    /// When it began, in nanoseconds since 1970-01-01T00:00:00Z.
    pub executed_at_unix_ns: i64,
    /// From the building of the script's tables to the end of its result, in nanoseconds.
    pub duration_ns: u64,
    /// Waiting for a VM, in nanoseconds.
    pub queued_ns: u64,
    /// The highest known growth of the VM's heap, in bytes.
    pub memory_bytes: u64,
    /// Calls of host functions.
    pub host_calls: u64,
    /// The version of the script that ran.
    pub version: u64,
    /// The name of the script that ran: UTF-8.
    pub script: *const c_char,
    pub script_len: usize,
    /// What the script wrote to stdout, to the byte.
    pub stdout_data: *const c_char,
    pub stdout_len: usize,
    /// What the script wrote to stderr, to the byte, and then the uncaught error.
    pub stderr_data: *const c_char,
    pub stderr_len: usize,
    /// 1 where output past the limit was dropped, else 0.
    pub stdout_truncated: u32,
    /// 1 where output past the limit was dropped, else 0; the uncaught error never is.
    pub stderr_truncated: u32,
    /// What the script returned, as JSON text: the value for one, an array for several; NULL for nothing.
    pub value: *const c_char,
    pub value_len: usize,
    /// The text of the error: UTF-8. NULL when the run succeeded.
    pub error_message: *const c_char,
    pub error_message_len: usize,
    /// The script in which it was raised: UTF-8. NULL when none was running.
    pub error_script: *const c_char,
    pub error_script_len: usize,
    /// The chain of calls, innermost first, a line each: UTF-8. NULL when the run succeeded.
    pub error_traceback: *const c_char,
    pub error_traceback_len: usize,
    /// The line where it was raised, from 1; 0 when there is none.
    pub error_line: u32,
    /// The status of the script's set_response, 100 to 599; 0 when it set none, and then all that follows is empty.
    pub response_status: u32,
    /// The media type of the response: ASCII. NULL when there is no response.
    pub response_content_type: *const c_char,
    pub response_content_type_len: usize,
    /// The body of the response, to the byte. NULL when there is no response.
    pub response_content: *const c_char,
    pub response_content_len: usize,
    /// How many header lines it has: see perilune_trace_header.
    pub response_headers_len: usize,
}

/// What the first version of the view had.
const LEAST: usize = offset_of!(perilune_trace_view, response_headers_len) + size_of::<usize>();

// The layout is part of the ABI; without padding, as `set_sized` demands.
#[cfg(target_pointer_width = "64")]
const _: () = assert!(LEAST == 240 && size_of::<perilune_trace_view>() == LEAST);

impl perilune_trace_view {
    #[inline(always)]
    fn of(trace: &Trace) -> Self {
        fn text(bytes: &[u8]) -> (*const c_char, usize) {
            (bytes.as_ptr().cast(), bytes.len())
        }
        fn maybe(bytes: Option<&[u8]>) -> (*const c_char, usize) {
            bytes.map_or((ptr::null(), 0), text)
        }
        let error = trace.error.as_ref();
        let response = trace.response.as_ref();
        let (script, script_len) = text(trace.script.as_bytes());
        let (stdout_data, stdout_len) = text(&trace.stdout);
        let (stderr_data, stderr_len) = text(&trace.stderr);
        let (value, value_len) = maybe(trace.value.as_deref().map(str::as_bytes));
        let (error_message, error_message_len) = maybe(error.map(|error| error.message.as_bytes()));
        let (error_script, error_script_len) =
            maybe(error.and_then(|error| error.script.as_deref()).map(str::as_bytes));
        let (error_traceback, error_traceback_len) = maybe(error.map(|error| error.traceback.as_bytes()));
        let (response_content_type, response_content_type_len) =
            maybe(response.map(|response| response.content_type.as_bytes()));
        let (response_content, response_content_len) = maybe(response.map(|response| &*response.content));
        Self {
            size: size_of::<Self>(),
            id: trace.id,
            status: status(trace.status),
            error_kind: error.map_or(PERILUNE_KIND_NONE, |error| kind(error.kind)),
            executed_at_unix_ns: unix_ns(trace.executed_at),
            duration_ns: ns(trace.duration),
            queued_ns: ns(trace.usage.queued),
            memory_bytes: trace.usage.memory_bytes as u64,
            host_calls: trace.usage.host_calls,
            version: trace.version,
            script,
            script_len,
            stdout_data,
            stdout_len,
            stderr_data,
            stderr_len,
            stdout_truncated: trace.stdout_truncated.into(),
            stderr_truncated: trace.stderr_truncated.into(),
            value,
            value_len,
            error_message,
            error_message_len,
            error_script,
            error_script_len,
            error_traceback,
            error_traceback_len,
            error_line: error.and_then(|error| error.line).unwrap_or(0),
            response_status: response.map_or(0, |response| response.status.into()),
            response_content_type,
            response_content_type_len,
            response_content,
            response_content_len,
            response_headers_len: response.map_or(0, |response| response.headers.len()),
        }
    }
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
/// `trace` is null or one that C owns or borrows, `len` null or to be written to.
unsafe fn part(
    trace: *const perilune_trace,
    len: *mut usize,
    which: impl FnOnce(&Kept) -> Option<&[u8]>,
) -> *const c_char {
    // SAFETY: by this function's contract.
    unsafe {
        match handle::get(trace, "trace").ok().and_then(which) {
            Some(bytes) => lend::bytes(bytes, len),
            None => lend::nothing(len),
        }
    }
}

/// What the script wrote to stdout, to the byte; not ended by a NUL byte. Lent until the trace is freed. NULL has NULL.
///
/// @param len  set to its length in bytes, if not NULL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_trace_stdout(
    trace: *const perilune_trace,
    len: *mut usize,
) -> *const c_char {
    // SAFETY: as the header says.
    guard::infallible(ptr::null(), || unsafe { part(trace, len, |kept| Some(&kept.trace.stdout)) })
}

/// What the script wrote to stderr, to the byte, and then the uncaught error; not ended by a NUL byte. Lent until the trace is
/// freed. NULL has NULL.
///
/// @param len  set to its length in bytes, if not NULL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_trace_stderr(
    trace: *const perilune_trace,
    len: *mut usize,
) -> *const c_char {
    // SAFETY: as the header says.
    guard::infallible(ptr::null(), || unsafe { part(trace, len, |kept| Some(&kept.trace.stderr)) })
}

/// What the script returned, as JSON text: the value for one, an array for several, NULL for nothing; not ended by a NUL byte.
/// Lent until the trace is freed. NULL has NULL.
///
/// @param len  set to its length in bytes, if not NULL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_trace_value(
    trace: *const perilune_trace,
    len: *mut usize,
) -> *const c_char {
    // SAFETY: as the header says.
    guard::infallible(ptr::null(), || unsafe {
        part(trace, len, |kept| kept.trace.value.as_deref().map(str::as_bytes))
    })
}

/// The text of the error that ended the run, NULL when it succeeded; not ended by a NUL byte. Lent until the trace is freed.
/// NULL has NULL.
///
/// @param len  set to its length in bytes, if not NULL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_trace_error_message(
    trace: *const perilune_trace,
    len: *mut usize,
) -> *const c_char {
    // SAFETY: as the header says.
    guard::infallible(ptr::null(), || unsafe {
        part(trace, len, |kept| kept.trace.error.as_ref().map(|error| error.message.as_bytes()))
    })
}

/// The trace as one line of JSON, in the form of Syncano's Script Endpoint; ended by a NUL byte, which the length does not
/// count. Made by the first call. Lent until the trace is freed. NULL has NULL.
///
/// @param len  set to its length in bytes, if not NULL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_trace_json(trace: *const perilune_trace, len: *mut usize) -> *const c_char {
    guard::infallible(ptr::null(), || {
        // SAFETY: as the header says.
        unsafe {
            match handle::get(trace, "trace") {
                Ok(kept) => kept.json.get_or_init(|| Text::new(kept.trace.to_json())).lend(len),
                Err(_) => lend::nothing(len),
            }
        }
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
    name: *mut *const c_char,
    name_len: *mut usize,
    value: *mut *const c_char,
    value_len: *mut usize,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    let body = || unsafe {
        let response = &handle::get(trace, "trace")?.trace.response;
        let headers = response.as_deref().map_or(&[][..], |response: &Response| &response.headers);
        let Some(header) = headers.get(index) else {
            return Err(Failure::argument(format!("index: {index} of {} headers", headers.len())));
        };
        lend::set(handle::required(name, "name")?, lend::bytes(header.0.as_bytes(), name_len));
        lend::set(handle::required(value, "value")?, lend::bytes(&header.1, value_len));
        Ok(())
    };
    // SAFETY: as above.
    unsafe { guard::fallible(error, body) }
}

/// The name of a status in JSON, such as "success"; "unknown" for a number that is none. Static.
#[unsafe(no_mangle)]
pub extern "C" fn perilune_status_name(status: perilune_status) -> *const c_char {
    guard::infallible(EMPTY, || {
        let name: &CStr = match status {
            PERILUNE_STATUS_SUCCESS => c"success",
            PERILUNE_STATUS_FAILURE => c"failure",
            PERILUNE_STATUS_TIMEOUT => c"timeout",
            PERILUNE_STATUS_MEMORY_LIMIT => c"memory_limit",
            PERILUNE_STATUS_CANCELLED => c"cancelled",
            PERILUNE_STATUS_QUEUE_TIMEOUT => c"queue_timeout",
            _ => c"unknown",
        };
        name.as_ptr()
    })
}

/// The name of a kind of error in JSON, such as "runtime"; "" for PERILUNE_KIND_NONE, "unknown" for a number that is none.
/// Static.
#[unsafe(no_mangle)]
pub extern "C" fn perilune_error_kind_name(kind: perilune_error_kind) -> *const c_char {
    guard::infallible(EMPTY, || {
        let name: &CStr = match kind {
            PERILUNE_KIND_NONE => c"",
            PERILUNE_KIND_RUNTIME => c"runtime",
            PERILUNE_KIND_VALUE => c"value",
            PERILUNE_KIND_HOST_CALLS => c"host_calls",
            PERILUNE_KIND_TIMEOUT => c"timeout",
            PERILUNE_KIND_MEMORY_LIMIT => c"memory_limit",
            PERILUNE_KIND_CANCELLED => c"cancelled",
            PERILUNE_KIND_QUEUE_TIMEOUT => c"queue_timeout",
            PERILUNE_KIND_HOST => c"host",
            _ => c"unknown",
        };
        name.as_ptr()
    })
}
