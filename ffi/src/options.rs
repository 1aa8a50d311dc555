//! How an engine is to be.

use std::ffi::c_char;

use perilune::{Engine, EngineBuilder, Limits, RunLimits};

use crate::error::{Failure, perilune_error};
use crate::guard;
use crate::handle::{self, Handle};
use crate::status::*;

/// How an engine is to be: what is not set is as its constants say.
pub struct perilune_options {
    _private: [u8; 0],
}

impl Handle for perilune_options {
    type Inner = Options;
}

pub(crate) struct Options {
    pool_size: Option<usize>,
    backlog: Option<usize>,
    limits: Limits,
}

impl Options {
    pub(crate) fn new() -> Self {
        Self { pool_size: None, backlog: None, limits: Limits::default() }
    }

    pub(crate) fn builder(&self) -> EngineBuilder {
        let Limits { timeout, queue, memory, output, value, host_calls, request, parameters, source, .. } =
            self.limits;
        let mut builder = Engine::builder()
            .timeout(timeout)
            .queue(queue)
            .memory(memory)
            .output(output)
            .value(value)
            .host_calls(host_calls)
            .request(request)
            .parameters(parameters)
            .source(source);
        if let Some(vms) = self.pool_size {
            builder = builder.pool_size(vms);
        }
        if let Some(runs) = self.backlog {
            builder = builder.backlog(runs);
        }
        builder
    }
}

/// Sets one of an engine's limits.
fn set_limit(limits: &mut Limits, limit: perilune_limit, value: u64) -> Result<(), Failure> {
    match limit {
        PERILUNE_LIMIT_TIMEOUT_NS => limits.timeout = nanoseconds(value),
        PERILUNE_LIMIT_QUEUE_NS => limits.queue = nanoseconds(value),
        PERILUNE_LIMIT_MEMORY => limits.memory = size(value),
        PERILUNE_LIMIT_OUTPUT => limits.output = size(value),
        PERILUNE_LIMIT_VALUE => limits.value = size(value),
        PERILUNE_LIMIT_HOST_CALLS => limits.host_calls = value,
        PERILUNE_LIMIT_REQUEST => limits.request = size(value),
        PERILUNE_LIMIT_PARAMETERS => limits.parameters = size(value),
        PERILUNE_LIMIT_SOURCE => limits.source = size(value),
        other => return Err(unknown(other)),
    }
    Ok(())
}

/// One of an engine's limits.
pub(crate) fn limit(limits: &Limits, limit: perilune_limit) -> Option<u64> {
    let nanoseconds = |time: std::time::Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    Some(match limit {
        PERILUNE_LIMIT_TIMEOUT_NS => nanoseconds(limits.timeout),
        PERILUNE_LIMIT_QUEUE_NS => nanoseconds(limits.queue),
        PERILUNE_LIMIT_MEMORY => limits.memory as u64,
        PERILUNE_LIMIT_OUTPUT => limits.output as u64,
        PERILUNE_LIMIT_VALUE => limits.value as u64,
        PERILUNE_LIMIT_HOST_CALLS => limits.host_calls,
        PERILUNE_LIMIT_REQUEST => limits.request as u64,
        PERILUNE_LIMIT_PARAMETERS => limits.parameters as u64,
        PERILUNE_LIMIT_SOURCE => limits.source as u64,
        _ => return None,
    })
}

/// Sets one of the limits that a script or a request can have.
pub(crate) fn set_run_limit(
    limits: &mut RunLimits,
    limit: perilune_limit,
    value: u64,
) -> Result<(), Failure> {
    match limit {
        PERILUNE_LIMIT_TIMEOUT_NS => limits.timeout = Some(nanoseconds(value)),
        PERILUNE_LIMIT_QUEUE_NS => limits.queue = Some(nanoseconds(value)),
        PERILUNE_LIMIT_MEMORY => limits.memory = Some(size(value)),
        PERILUNE_LIMIT_OUTPUT => limits.output = Some(size(value)),
        PERILUNE_LIMIT_VALUE => limits.value = Some(size(value)),
        PERILUNE_LIMIT_HOST_CALLS => limits.host_calls = Some(value),
        PERILUNE_LIMIT_REQUEST | PERILUNE_LIMIT_PARAMETERS | PERILUNE_LIMIT_SOURCE => {
            return Err(Failure::argument(format!("limit: number {limit} is an engine's only")));
        }
        other => return Err(unknown(other)),
    }
    Ok(())
}

fn unknown(limit: perilune_limit) -> Failure {
    Failure::argument(format!("limit: there is none with the number {limit}"))
}

fn nanoseconds(value: u64) -> std::time::Duration {
    std::time::Duration::from_nanos(value)
}

/// What no address space can hold is no limit.
pub(crate) fn size(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

/// Makes options, which the caller frees. NULL only after a bug.
#[unsafe(no_mangle)]
pub extern "C" fn perilune_options_new() -> *mut perilune_options {
    guard::infallible(std::ptr::null_mut(), || handle::into_raw(Options::new()))
}

/// Frees options. NULL is nothing to free. An engine made of them goes on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_options_free(options: *mut perilune_options) {
    guard::infallible((), || {
        // SAFETY: they were made here, and the caller does not use them again.
        unsafe { handle::free(options) };
    });
}

/// How many VMs the engine may have, and so how many runs at once. 0 is what is not set: as many as the machine has threads.
///
/// @param error  where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_options_set_pool_size(
    options: *mut perilune_options,
    vms: usize,
    error: *mut *mut perilune_error,
) -> perilune_code {
    let body = || {
        // SAFETY: null, or options that the caller owns and nobody else uses.
        unsafe { handle::get_mut(options, "options") }?.pool_size = (vms > 0).then_some(vms);
        Ok(())
    };
    // SAFETY: `error` is null or can be written to.
    unsafe { guard::fallible(error, body) }
}

/// How many submitted runs may wait for a VM; beyond, they end as PERILUNE_STATUS_QUEUE_TIMEOUT at once. 10,000 where nothing
/// else is set.
///
/// @param error  where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_options_set_backlog(
    options: *mut perilune_options,
    runs: usize,
    error: *mut *mut perilune_error,
) -> perilune_code {
    let body = || {
        // SAFETY: as above.
        unsafe { handle::get_mut(options, "options") }?.backlog = Some(runs);
        Ok(())
    };
    // SAFETY: `error` is null or can be written to.
    unsafe { guard::fallible(error, body) }
}

/// Sets a limit: the ceiling of every run.
///
/// @param limit  one of PERILUNE_LIMIT_*
/// @param value  in the unit that the constant says
/// @param error  where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_options_set_limit(
    options: *mut perilune_options,
    limit: perilune_limit,
    value: u64,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as above.
    let body = || set_limit(&mut unsafe { handle::get_mut(options, "options") }?.limits, limit, value);
    // SAFETY: `error` is null or can be written to.
    unsafe { guard::fallible(error, body) }
}

/// Reads a size in bytes as people write it: "65536", "512KiB", "64 MiB", "1GiB".
///
/// @param text   UTF-8
/// @param bytes  set to the size
/// @param error  where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_parse_bytes(
    text: *const c_char,
    text_len: usize,
    bytes: *mut u64,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    let body = || unsafe {
        let text = handle::text(text, text_len, "text")?;
        let bytes = handle::required(bytes, "bytes")?;
        handle::set(bytes, perilune::parse_bytes(text).map_err(Failure::argument)? as u64);
        Ok(())
    };
    // SAFETY: `error` is null or can be written to.
    unsafe { guard::fallible(error, body) }
}
