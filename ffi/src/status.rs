//! The numbers of the ABI. A number is never given a second meaning: new ones are added at the end.

use perilune::{ErrorKind, Severity, Status};

/// What a call came to: PERILUNE_OK, or why it did nothing.
pub type perilune_code = i32;

/// It was done.
pub const PERILUNE_OK: perilune_code = 0;
/// An argument is NULL, is no text, has a wrong size or is not one of the values that there are.
pub const PERILUNE_INVALID_ARGUMENT: perilune_code = 1;
/// The source does not compile, or is over its limit.
pub const PERILUNE_COMPILE_ERROR: perilune_code = 2;
/// The request can't be given to a script: not JSON, no object, or over its limits.
pub const PERILUNE_PAYLOAD_ERROR: perilune_code = 3;
/// No script serves under the name.
pub const PERILUNE_NOT_FOUND: perilune_code = 4;
/// A host function can't have the name.
pub const PERILUNE_NAME_ERROR: perilune_code = 5;
/// A host function began a run inside too many others.
pub const PERILUNE_NESTED: perilune_code = 6;
/// A file or directory can't be read or watched.
pub const PERILUNE_FILE_ERROR: perilune_code = 7;
/// The engine failed: the system gave no memory or thread, or a bug.
pub const PERILUNE_INTERNAL: perilune_code = 8;
/// A bug in this library was met, and stopped at its boundary. What the call worked on is as it was, or gone.
pub const PERILUNE_PANIC: perilune_code = 9;

/// How a run ended.
pub type perilune_status = i32;

/// The script came to its end within its limits.
pub const PERILUNE_STATUS_SUCCESS: perilune_status = 0;
/// An error that the script did not catch, or a result that can't be handed back.
pub const PERILUNE_STATUS_FAILURE: perilune_status = 1;
/// The run was past its deadline.
pub const PERILUNE_STATUS_TIMEOUT: perilune_status = 2;
/// The script needed more memory than its limit.
pub const PERILUNE_STATUS_MEMORY_LIMIT: perilune_status = 3;
/// The run was cancelled.
pub const PERILUNE_STATUS_CANCELLED: perilune_status = 4;
/// No VM came free in time; the script did not run.
pub const PERILUNE_STATUS_QUEUE_TIMEOUT: perilune_status = 5;
/// The worker process that had the run ended: see perilune_options_set_workers.
pub const PERILUNE_STATUS_CRASHED: perilune_status = 6;

/// What kind of error ended a run.
pub type perilune_error_kind = i32;

/// None: the run succeeded.
pub const PERILUNE_KIND_NONE: perilune_error_kind = 0;
/// An error raised in the script and not caught.
pub const PERILUNE_KIND_RUNTIME: perilune_error_kind = 1;
/// The returned value can't be JSON, or is too large.
pub const PERILUNE_KIND_VALUE: perilune_error_kind = 2;
/// More calls of host functions than the limit.
pub const PERILUNE_KIND_HOST_CALLS: perilune_error_kind = 3;
/// As PERILUNE_STATUS_TIMEOUT.
pub const PERILUNE_KIND_TIMEOUT: perilune_error_kind = 4;
/// As PERILUNE_STATUS_MEMORY_LIMIT.
pub const PERILUNE_KIND_MEMORY_LIMIT: perilune_error_kind = 5;
/// As PERILUNE_STATUS_CANCELLED.
pub const PERILUNE_KIND_CANCELLED: perilune_error_kind = 6;
/// As PERILUNE_STATUS_QUEUE_TIMEOUT.
pub const PERILUNE_KIND_QUEUE_TIMEOUT: perilune_error_kind = 7;
/// An error of a host function that the script did not catch, or raised again as it was.
pub const PERILUNE_KIND_HOST: perilune_error_kind = 8;
/// As PERILUNE_STATUS_CRASHED.
pub const PERILUNE_KIND_CRASHED: perilune_error_kind = 9;

/// A limit. An engine's are ceilings; those of a script and a request only lower them.
pub type perilune_limit = i32;

/// Wall clock for one run, in nanoseconds. 30 s where nothing else is set.
pub const PERILUNE_LIMIT_TIMEOUT_NS: perilune_limit = 1;
/// Waiting for a VM, in nanoseconds; 5 s.
pub const PERILUNE_LIMIT_QUEUE_NS: perilune_limit = 2;
/// What the VM's heap grows by, in bytes; 64 MiB.
pub const PERILUNE_LIMIT_MEMORY: perilune_limit = 3;
/// Captured stdout and stderr, in bytes, each; 512 KiB.
pub const PERILUNE_LIMIT_OUTPUT: perilune_limit = 4;
/// The returned value as JSON, in bytes; 512 KiB.
pub const PERILUNE_LIMIT_VALUE: perilune_limit = 5;
/// Calls of host functions; 10,000.
pub const PERILUNE_LIMIT_HOST_CALLS: perilune_limit = 6;
/// Query, body, config and meta together, in bytes; 512 KiB. An engine's only.
pub const PERILUNE_LIMIT_REQUEST: perilune_limit = 7;
/// Parameters in the query; 1,000. An engine's only.
pub const PERILUNE_LIMIT_PARAMETERS: perilune_limit = 8;
/// A source, in bytes; 1 MiB. An engine's only.
pub const PERILUNE_LIMIT_SOURCE: perilune_limit = 9;

/// How the worker processes of an engine are to be.
pub type perilune_worker_option = i32;

/// Each is replaced after so many runs, at least 1. Without limit where nothing else is set.
pub const PERILUNE_WORKER_MAX_RUNS: perilune_worker_option = 1;
/// No run begins in one that was started longer ago, in nanoseconds. Without limit where nothing else is set.
pub const PERILUNE_WORKER_MAX_AGE_NS: perilune_worker_option = 2;
/// For how long a source is refused that ended three workers in a row, in nanoseconds: twice as long after each that it ends then. 1 s where
/// nothing else is set; 0 refuses none.
pub const PERILUNE_WORKER_BACKOFF_NS: perilune_worker_option = 3;
/// How long a worker and its host wait for each other without sleeping, in nanoseconds. 20 µs where nothing else is set, and nothing on a
/// machine with one processor.
pub const PERILUNE_WORKER_SPIN_NS: perilune_worker_option = 4;
/// 1 has the engine fail where a part of the sandbox is missing. 0 where nothing else is set.
pub const PERILUNE_WORKER_REQUIRE_SANDBOX: perilune_worker_option = 5;

/// A part of what keeps workers from the system.
pub type perilune_sandbox_part = i32;

/// Only system calls that computing needs (seccomp).
pub const PERILUNE_SANDBOX_SYSTEM_CALLS: perilune_sandbox_part = 1;
/// No file can be opened, and no port (Landlock).
pub const PERILUNE_SANDBOX_FILES: perilune_sandbox_part = 2;
/// A user and a network of its own (namespaces).
pub const PERILUNE_SANDBOX_NAMESPACES: perilune_sandbox_part = 3;
/// Bounds of memory, processes, descriptors and files (resource limits), no dumps, and an end with the host.
pub const PERILUNE_SANDBOX_RESOURCES: perilune_sandbox_part = 4;

/// What a value or an argument is.
pub type perilune_type = i32;

/// Nothing: json.null, nil, or an argument that is not there.
pub const PERILUNE_TYPE_NULL: perilune_type = 0;
/// True or false.
pub const PERILUNE_TYPE_BOOLEAN: perilune_type = 1;
/// A double.
pub const PERILUNE_TYPE_NUMBER: perilune_type = 2;
/// Bytes.
pub const PERILUNE_TYPE_STRING: perilune_type = 3;
/// Elements in order.
pub const PERILUNE_TYPE_ARRAY: perilune_type = 4;
/// Members.
pub const PERILUNE_TYPE_OBJECT: perilune_type = 5;
/// Of an argument: a table, array or object.
pub const PERILUNE_TYPE_TABLE: perilune_type = 6;
/// Of an argument: what can't cross, such as a function.
pub const PERILUNE_TYPE_OTHER: perilune_type = 7;

/// How much a finding of perilune_engine_check matters.
pub type perilune_severity = i32;

/// It compiles, and may not do what its author expects.
pub const PERILUNE_SEVERITY_WARNING: perilune_severity = 1;
/// It does not compile.
pub const PERILUNE_SEVERITY_ERROR: perilune_severity = 2;

/// What is to be done next for a request to Script Endpoints.
pub type perilune_step = i32;

/// Nothing: its run is under way.
pub const PERILUNE_STEP_NONE: perilune_step = 0;
/// Send the answer: see perilune_exchange_answer.
pub const PERILUNE_STEP_ANSWER: perilune_step = 1;
/// Read the body: see perilune_exchange_push.
pub const PERILUNE_STEP_BODY: perilune_step = 2;
/// Have the run made: see perilune_exchange_run and perilune_exchange_submit.
pub const PERILUNE_STEP_RUN: perilune_step = 3;
/// Store a link: see perilune_exchange_link.
pub const PERILUNE_STEP_RESET: perilune_step = 4;

// Programs that are compiled already have these numbers in them.
const _: () = {
    assert!(PERILUNE_OK == 0 && PERILUNE_INVALID_ARGUMENT == 1 && PERILUNE_COMPILE_ERROR == 2);
    assert!(PERILUNE_PAYLOAD_ERROR == 3 && PERILUNE_NOT_FOUND == 4 && PERILUNE_NAME_ERROR == 5);
    assert!(
        PERILUNE_NESTED == 6 && PERILUNE_FILE_ERROR == 7 && PERILUNE_INTERNAL == 8 && PERILUNE_PANIC == 9
    );
    assert!(PERILUNE_STATUS_SUCCESS == 0 && PERILUNE_STATUS_FAILURE == 1 && PERILUNE_STATUS_TIMEOUT == 2);
    assert!(PERILUNE_STATUS_MEMORY_LIMIT == 3 && PERILUNE_STATUS_CANCELLED == 4);
    assert!(PERILUNE_STATUS_QUEUE_TIMEOUT == 5 && PERILUNE_STATUS_CRASHED == 6);
    assert!(PERILUNE_KIND_NONE == 0 && PERILUNE_KIND_RUNTIME == 1 && PERILUNE_KIND_VALUE == 2);
    assert!(PERILUNE_KIND_HOST_CALLS == 3 && PERILUNE_KIND_TIMEOUT == 4 && PERILUNE_KIND_MEMORY_LIMIT == 5);
    assert!(PERILUNE_KIND_CANCELLED == 6 && PERILUNE_KIND_QUEUE_TIMEOUT == 7 && PERILUNE_KIND_HOST == 8);
    assert!(PERILUNE_KIND_CRASHED == 9);
    assert!(PERILUNE_TYPE_NULL == 0 && PERILUNE_TYPE_BOOLEAN == 1 && PERILUNE_TYPE_NUMBER == 2);
    assert!(PERILUNE_TYPE_STRING == 3 && PERILUNE_TYPE_ARRAY == 4 && PERILUNE_TYPE_OBJECT == 5);
    assert!(PERILUNE_TYPE_TABLE == 6 && PERILUNE_TYPE_OTHER == 7);
    assert!(PERILUNE_SEVERITY_WARNING == 1 && PERILUNE_SEVERITY_ERROR == 2);
    assert!(PERILUNE_STEP_NONE == 0 && PERILUNE_STEP_ANSWER == 1 && PERILUNE_STEP_BODY == 2);
    assert!(PERILUNE_STEP_RUN == 3 && PERILUNE_STEP_RESET == 4);
};

/// By their numbers.
pub(crate) const STATUSES: [Status; 7] = [
    Status::Success,
    Status::Failure,
    Status::Timeout,
    Status::MemoryLimit,
    Status::Cancelled,
    Status::QueueTimeout,
    Status::Crashed,
];

/// By their numbers, which begin with 1: PERILUNE_KIND_NONE is none.
pub(crate) const KINDS: [ErrorKind; 9] = [
    ErrorKind::Runtime,
    ErrorKind::Value,
    ErrorKind::HostCalls,
    ErrorKind::Timeout,
    ErrorKind::MemoryLimit,
    ErrorKind::Cancelled,
    ErrorKind::QueueTimeout,
    ErrorKind::Host,
    ErrorKind::Crashed,
];

pub(crate) fn status(status: Status) -> perilune_status {
    match status {
        Status::Success => PERILUNE_STATUS_SUCCESS,
        Status::Failure => PERILUNE_STATUS_FAILURE,
        Status::Timeout => PERILUNE_STATUS_TIMEOUT,
        Status::MemoryLimit => PERILUNE_STATUS_MEMORY_LIMIT,
        Status::Cancelled => PERILUNE_STATUS_CANCELLED,
        Status::QueueTimeout => PERILUNE_STATUS_QUEUE_TIMEOUT,
        Status::Crashed => PERILUNE_STATUS_CRASHED,
        other => unreachable!("{other} has no number yet"),
    }
}

pub(crate) fn kind(kind: ErrorKind) -> perilune_error_kind {
    match kind {
        ErrorKind::Runtime => PERILUNE_KIND_RUNTIME,
        ErrorKind::Value => PERILUNE_KIND_VALUE,
        ErrorKind::HostCalls => PERILUNE_KIND_HOST_CALLS,
        ErrorKind::Timeout => PERILUNE_KIND_TIMEOUT,
        ErrorKind::MemoryLimit => PERILUNE_KIND_MEMORY_LIMIT,
        ErrorKind::Cancelled => PERILUNE_KIND_CANCELLED,
        ErrorKind::QueueTimeout => PERILUNE_KIND_QUEUE_TIMEOUT,
        ErrorKind::Host => PERILUNE_KIND_HOST,
        ErrorKind::Crashed => PERILUNE_KIND_CRASHED,
        other => unreachable!("{other:?} has no number yet"),
    }
}

pub(crate) fn severity(severity: Severity) -> perilune_severity {
    match severity {
        Severity::Warning => PERILUNE_SEVERITY_WARNING,
        Severity::Error => PERILUNE_SEVERITY_ERROR,
        other => unreachable!("{other:?} has no number yet"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_in_a_table_is_the_number() {
        assert_eq!(STATUSES.map(status), [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(KINDS.map(kind), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }
}
