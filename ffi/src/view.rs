//! All of a trace at once, as C has it.

use std::mem::offset_of;
use std::time::Duration;

use perilune::{Response, ScriptError, Trace, Value};

use crate::failure::Failure;
use crate::handle;
use crate::slice::perilune_slice;
use crate::status::*;
use crate::time::{at_unix_ns, ns, unix_ns};

/// All of a trace at once: see perilune_trace_read. What it points to is lent until the trace is freed. A slice is NULL
/// where its comment says so, and else never, also with a length of 0. Later versions add fields at the end.
#[repr(C)]
#[derive(Clone, Copy)]
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
    pub script: perilune_slice,
    /// What the script wrote to stdout, to the byte.
    pub stdout_bytes: perilune_slice,
    /// What the script wrote to stderr, to the byte, and then the uncaught error.
    pub stderr_bytes: perilune_slice,
    /// 1 where output past the limit was dropped, else 0.
    pub stdout_truncated: u32,
    /// 1 where output past the limit was dropped, else 0; the uncaught error never is.
    pub stderr_truncated: u32,
    /// What the script returned, as JSON text: the value for one, an array for several; NULL for nothing.
    pub value: perilune_slice,
    /// The text of the error: UTF-8. NULL when the run succeeded.
    pub error_message: perilune_slice,
    /// The script in which it was raised: UTF-8. NULL when none was running.
    pub error_script: perilune_slice,
    /// The chain of calls, innermost first, a line each: UTF-8. NULL when the run succeeded.
    pub error_traceback: perilune_slice,
    /// The line where it was raised, from 1; 0 when there is none.
    pub error_line: u32,
    /// The status of the script's set_response, 100 to 599; 0 when it set none, and then all that follows is empty.
    pub response_status: u32,
    /// The media type of the response: ASCII. NULL when there is no response.
    pub response_content_type: perilune_slice,
    /// The body of the response, to the byte. NULL when there is no response.
    pub response_content: perilune_slice,
    /// How many header lines it has: see perilune_trace_header.
    pub response_headers_len: usize,
    /// Waiting for host functions that answer later, in nanoseconds.
    pub waited_ns: u64,
}

/// What the first version of the view had.
pub(crate) const LEAST: usize = offset_of!(perilune_trace_view, response_headers_len) + size_of::<usize>();

// The layout is part of the ABI; without padding, as `set_sized` demands.
#[cfg(target_pointer_width = "64")]
const _: () = assert!(LEAST == 240 && size_of::<perilune_trace_view>() == LEAST + 8);

impl perilune_trace_view {
    #[inline(always)]
    pub(crate) fn of(trace: &Trace) -> Self {
        let error = trace.error.as_ref();
        let response = trace.response.as_ref();
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
            script: perilune_slice::of(trace.script.as_bytes()),
            stdout_bytes: perilune_slice::of(&trace.stdout),
            stderr_bytes: perilune_slice::of(&trace.stderr),
            stdout_truncated: trace.stdout_truncated.into(),
            stderr_truncated: trace.stderr_truncated.into(),
            value: perilune_slice::maybe(trace.value.as_deref().map(str::as_bytes)),
            error_message: perilune_slice::maybe(error.map(|error| error.message.as_bytes())),
            error_script: perilune_slice::maybe(
                error.and_then(|error| error.script.as_deref()).map(str::as_bytes),
            ),
            error_traceback: perilune_slice::maybe(error.map(|error| error.traceback.as_bytes())),
            error_line: error.and_then(|error| error.line).unwrap_or(0),
            response_status: response.map_or(0, |response| response.status.into()),
            response_content_type: perilune_slice::maybe(
                response.map(|response| response.content_type.as_bytes()),
            ),
            response_content: perilune_slice::maybe(response.map(|response| &*response.content)),
            response_headers_len: response.map_or(0, |response| response.headers.len()),
            waited_ns: ns(trace.usage.waited),
        }
    }

    /// The trace that is as this says.
    ///
    /// # Safety
    /// The slices are as the header says.
    pub(crate) unsafe fn trace(&self, headers: &[perilune_header]) -> Result<Trace, Failure> {
        let text = |slice: perilune_slice, what: &str| match slice.data.is_null() {
            true => Ok(None),
            // SAFETY: by this function's contract.
            false => unsafe { handle::text(slice, what) }.map(|text| Some(text.to_owned())),
        };
        let bytes = |slice, what: &str| {
            // SAFETY: by this function's contract.
            unsafe { handle::bytes(slice, what) }.map(|bytes| bytes.unwrap_or_default().to_vec())
        };
        let named = |number: i32, first: i32| usize::try_from(number.wrapping_sub(first)).ok();
        let unknown = |what: &str, number: i32| {
            Failure::argument(format!("{what}: there is none with the number {number}"))
        };

        let script = text(self.script, "script")?.unwrap_or_default();
        let mut trace = Trace::new(script.into(), self.version);
        trace.id = self.id;
        trace.status = *named(self.status, 0)
            .and_then(|at| STATUSES.get(at))
            .ok_or_else(|| unknown("status", self.status))?;
        trace.executed_at = at_unix_ns(self.executed_at_unix_ns);
        trace.duration = Duration::from_nanos(self.duration_ns);
        trace.usage.queued = Duration::from_nanos(self.queued_ns);
        trace.usage.waited = Duration::from_nanos(self.waited_ns);
        trace.usage.memory_bytes = usize::try_from(self.memory_bytes).unwrap_or(usize::MAX);
        trace.usage.host_calls = self.host_calls;
        trace.stdout = bytes(self.stdout_bytes, "stdout_bytes")?;
        trace.stderr = bytes(self.stderr_bytes, "stderr_bytes")?;
        trace.stdout_truncated = self.stdout_truncated != 0;
        trace.stderr_truncated = self.stderr_truncated != 0;
        trace.value = text(self.value, "value")?;
        if let Some(value) = &trace.value {
            Value::from_json(value.as_bytes())
                .map_err(|error| Failure::argument(format!("value: {error}")))?;
        }
        if self.error_kind != PERILUNE_KIND_NONE {
            let kind = *named(self.error_kind, 1)
                .and_then(|at| KINDS.get(at))
                .ok_or_else(|| unknown("error_kind", self.error_kind))?;
            let mut error =
                ScriptError::new(kind, text(self.error_message, "error_message")?.unwrap_or_default());
            error.script = text(self.error_script, "error_script")?;
            error.line = (self.error_line > 0).then_some(self.error_line);
            error.traceback = text(self.error_traceback, "error_traceback")?.unwrap_or_default();
            trace.error = Some(Box::new(error));
        }
        if self.response_status != 0 {
            let status = u16::try_from(self.response_status).map_err(|_| {
                Failure::argument(format!("response_status: {} is none", self.response_status))
            })?;
            let content_type = text(self.response_content_type, "response_content_type")?.unwrap_or_default();
            let mut response =
                Response::new(status, content_type, bytes(self.response_content, "response_content")?);
            for line in headers {
                let name = text(line.name, "a header's name")?.unwrap_or_default();
                response.headers.push((name, bytes(line.value, "a header's value")?));
            }
            trace.response = Some(Box::new(response));
        }
        Ok(trace)
    }
}

/// A header line.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct perilune_header {
    /// UTF-8.
    pub name: perilune_slice,
    /// Any bytes.
    pub value: perilune_slice,
}
