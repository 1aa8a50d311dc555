//! How an engine is to be.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

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
    threads: Option<usize>,
    backlog: Option<usize>,
    /// The path of the workers' program, where there are to be any.
    program: Option<PathBuf>,
    workers: Workers,
    limits: Limits,
}

impl Options {
    pub(crate) fn new() -> Self {
        Self {
            pool_size: None,
            threads: None,
            backlog: None,
            program: None,
            workers: Workers::new(),
            limits: Limits::default(),
        }
    }

    fn isolation(&self) -> Isolation {
        let workers = |program: &PathBuf| Isolation::Process(self.workers.clone().program(program));
        self.program.as_ref().map_or(Isolation::InProcess, workers)
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
            .isolation(self.isolation());
        if let Some(vms) = self.pool_size {
            builder = builder.pool_size(vms);
        }
        if let Some(threads) = self.threads {
            builder = builder.threads(threads);
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

/// How many VMs the engine may have, and so how many runs at once, with those that wait. 0 is what is not set: as many as the machine has threads.
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

/// How many threads make submitted runs, and those of a batch; no more than there are VMs. 0 is what is not set: as many as there are VMs, up to 64
/// or what the machine has. A run that waits for a function of perilune_engine_async_function takes none, so that VMs may be thousands; one
/// that computes, or waits in a function which blocks, has one to itself until it ends.
///
/// @param error  where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_options_set_threads(
    options: *mut perilune_options,
    threads: usize,
    error: *mut *mut perilune_error,
) -> perilune_code {
    let body = || {
        // SAFETY: as above.
        unsafe { handle::get_mut(options, "options") }?.threads = (threads > 0).then_some(threads);
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

/// Has runs made in worker processes, which can do nothing but compute: a fault in the VM, or a script that goes on where nothing can stop it,
/// costs one run, whose status is PERILUNE_STATUS_CRASHED or PERILUNE_STATUS_TIMEOUT. There are as many as the engine may have VMs, a spare one
/// and one that compiles. Host functions are called in this process. Where nothing is set, runs are made in this process.
///
/// @param program  the path of the workers' program: the command perilune, or perilune-worker, of this library's version. "" is the one that
///                 was installed with libperilune.so, which is found from where that lies. NULL for no workers
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
        options.program = match program {
            None => None,
            Some(b"") => Some(installed_worker()?),
            Some(path) => Some(PathBuf::from(OsStr::from_bytes(path))),
        };
        Ok(())
    };
    // SAFETY: `error` is null or can be written to.
    unsafe { guard::fallible(error, body) }
}

/// The worker's program that lies in libexec beside the folder of this library, or of the program that has it in it.
fn installed_worker() -> Result<PathBuf, Failure> {
    let path = own_file()
        .ok_or_else(|| Failure::argument("program: it is not known where this library lies".to_owned()))?;
    // PREFIX/lib, and PREFIX/lib/x86_64-linux-gnu.
    let places =
        path.ancestors().skip(2).take(2).map(|prefix| prefix.join("libexec/perilune/perilune-worker"));
    let places: Vec<_> = places.collect();
    places.iter().find(|place| place.is_file()).cloned().ok_or_else(|| {
        let places: Vec<_> = places.iter().map(|place| place.display().to_string()).collect();
        Failure::argument(format!(
            "program: there is no {}: install it there, or pass its path",
            places.join(" and no ")
        ))
    })
}

/// The file that has this code in it, as the system mapped it. `dladdr` would tell the name by which a program was called, which is no path where
/// it was found in PATH, and leads elsewhere after a change of directory.
fn own_file() -> Option<PathBuf> {
    let own = installed_worker as fn() -> Result<PathBuf, Failure> as usize;
    let maps = std::fs::read("/proc/self/maps").ok()?;
    maps.split(|byte| *byte == b'\n').find_map(|line| {
        let range = std::str::from_utf8(line.split(|byte| *byte == b' ').next()?).ok()?;
        let (begin, end) = range.split_once('-')?;
        let (begin, end) = (usize::from_str_radix(begin, 16).ok()?, usize::from_str_radix(end, 16).ok()?);
        let path = &line[line.iter().position(|byte| *byte == b'/')?..];
        (begin..end).contains(&own).then(|| PathBuf::from(OsStr::from_bytes(path)))
    })
}

/// Sets how worker processes are to be, where there are to be any.
///
/// @param option  one of PERILUNE_WORKER_*
/// @param value   in the unit that the constant says
/// @param error   where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_options_set_worker_option(
    options: *mut perilune_options,
    option: perilune_worker_option,
    value: u64,
    error: *mut *mut perilune_error,
) -> perilune_code {
    let body = || {
        // SAFETY: as the header says.
        let options = unsafe { handle::get_mut(options, "options") }?;
        let (workers, time) = (options.workers.clone(), Duration::from_nanos(value));
        options.workers = match (option, value) {
            (PERILUNE_WORKER_MAX_RUNS, 1..) => workers.max_runs(value),
            (PERILUNE_WORKER_MAX_RUNS, 0) => {
                return Err(Failure::argument("value: a worker makes at least 1 run".to_owned()));
            }
            (PERILUNE_WORKER_MAX_AGE_NS, _) => workers.max_age(time),
            (PERILUNE_WORKER_BACKOFF_NS, _) => workers.backoff(time),
            (PERILUNE_WORKER_SPIN_NS, _) => workers.spin(time),
            (PERILUNE_WORKER_REQUIRE_SANDBOX, 0 | 1) => workers.require_sandbox(value == 1),
            (PERILUNE_WORKER_REQUIRE_SANDBOX, _) => {
                return Err(Failure::argument(format!("value: pass 0 or 1, not {value}")));
            }
            _ => return Err(Failure::argument(format!("option: {option} is none of PERILUNE_WORKER_*"))),
        };
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
