//! How an engine is to be.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use perilune::{Engine, EngineBuilder, Isolation, Limits, Workers};

use crate::error::perilune_error;
use crate::failure::Failure;
use crate::guard;
use crate::handle::{self, Handle};
use crate::limits::set_limit;
use crate::slice::perilune_slice;
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
    isolation: Isolation,
    limits: Limits,
}

impl Options {
    pub(crate) fn new() -> Self {
        Self { pool_size: None, backlog: None, isolation: Isolation::InProcess, limits: Limits::default() }
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
            .source(source)
            .isolation(self.isolation.clone());
        if let Some(vms) = self.pool_size {
            builder = builder.pool_size(vms);
        }
        if let Some(runs) = self.backlog {
            builder = builder.backlog(runs);
        }
        builder
    }
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

/// Has runs made in worker processes, as many as the engine may have VMs and one that compiles, which can do nothing but compute: a fault in the VM, or a script that
/// goes on where nothing can stop it, costs one run, whose status is PERILUNE_STATUS_CRASHED or PERILUNE_STATUS_TIMEOUT. Host functions are
/// called in this process. Where nothing is set, runs are made in this process.
///
/// @param program  the path of the workers' program: the command perilune, or perilune-worker, of this library's version. NULL for no workers
/// @param error    where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_options_set_workers(
    options: *mut perilune_options,
    program: perilune_slice,
    error: *mut *mut perilune_error,
) -> perilune_code {
    let body = || {
        // SAFETY: as the header says.
        let (options, program) =
            unsafe { (handle::get_mut(options, "options")?, handle::bytes(program, "program")?) };
        if program.is_some_and(<[u8]>::is_empty) {
            return Err(Failure::argument("program: it is empty".to_owned()));
        }
        let workers = |program: &[u8]| Workers::new().program(OsStr::from_bytes(program));
        options.isolation =
            program.map_or(Isolation::InProcess, |program| Isolation::Process(workers(program)));
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
    text: perilune_slice,
    bytes: *mut u64,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    let body = || unsafe {
        let text = handle::text(text, "text")?;
        let bytes = handle::required(bytes, "bytes")?;
        handle::set(bytes, perilune::parse_bytes(text).map_err(Failure::argument)? as u64);
        Ok(())
    };
    // SAFETY: `error` is null or can be written to.
    unsafe { guard::fallible(error, body) }
}
