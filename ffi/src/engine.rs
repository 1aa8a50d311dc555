//! The engine.

use std::ptr;

use perilune::{Engine, Error};

use crate::diagnostics::perilune_diagnostics;
use crate::error::perilune_error;
use crate::failure::Failure;
use crate::guard;
use crate::handle::{self, Handle};
use crate::limits;
use crate::metrics::perilune_metrics;
use crate::options::{Options, perilune_options};
use crate::request::{self, perilune_request};
use crate::script::perilune_script;
use crate::slice::perilune_slice;
use crate::status::*;
use crate::trace::{self, perilune_trace};

/// Runs scripts: a pool of VMs, and the limits of all that runs in them. Make one for a process and share it.
pub struct perilune_engine {
    _private: [u8; 0],
}

impl Handle for perilune_engine {
    type Inner = Engine;
}

/// Makes an engine. Nothing is started yet but the first worker process, where there are to be any: VMs and threads come with the first run.
///
/// @param options  how it is to be, copied; NULL for the defaults
/// @param engine   set to the engine, which the caller frees
/// @param error    where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_engine_new(
    options: *const perilune_options,
    engine: *mut *mut perilune_engine,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    let body = || unsafe {
        let engine = handle::required(engine, "engine")?;
        let defaults = Options::new();
        let options = handle::get(options, "options").unwrap_or(&defaults);
        let made = options.builder().build();
        // Workers that can't be started are an error now, and not at the first run.
        made.sandbox()?;
        handle::give(engine, made);
        Ok(())
    };
    // SAFETY: `error` is null or can be written to.
    unsafe { guard::fallible(error, body) }
}

/// Frees a handle to an engine. NULL is nothing to free. The engine goes with its last handle and the last of its scripts and runs;
/// nothing is waited for.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_engine_free(engine: *mut perilune_engine) {
    // SAFETY: it was made here, and the caller does not use it again.
    guard::infallible((), || unsafe { handle::free(engine) });
}

/// A second handle to the same engine, which the caller frees. NULL has NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_engine_clone(engine: *const perilune_engine) -> *mut perilune_engine {
    guard::infallible(ptr::null_mut(), || {
        // SAFETY: null, or an engine that the caller owns.
        unsafe { handle::get(engine, "engine") }
            .map_or(ptr::null_mut(), |engine| handle::into_raw(Engine::clone(engine)))
    })
}

/// One of an engine's limits, in the unit that its constant says; 0 for a number that is none, and for NULL.
///
/// @param limit  one of PERILUNE_LIMIT_*
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_engine_limit(engine: *const perilune_engine, limit: perilune_limit) -> u64 {
    guard::infallible(0, || {
        // SAFETY: as above.
        unsafe { handle::get(engine, "engine") }
            .ok()
            .and_then(|engine| limits::limit(engine.limits(), limit))
            .unwrap_or(0)
    })
}

/// Compiles a script. It is not kept under its name: see perilune_engine_put.
///
/// @param name    shown in errors and traces; UTF-8, at most 250 bytes
/// @param source  Luau source; UTF-8, copied
/// @param script  set to the script, which the caller frees
/// @param error   where an error goes, if not NULL; the caller frees it
/// @return        PERILUNE_OK, or PERILUNE_COMPILE_ERROR
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_engine_compile(
    engine: *const perilune_engine,
    name: perilune_slice,
    source: perilune_slice,
    script: *mut *mut perilune_script,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    let body = || unsafe {
        let engine = handle::get(engine, "engine")?;
        let name = handle::text(name, "name")?;
        let source = handle::bytes(source, "source")?.ok_or_else(|| Failure::null("source"))?;
        let script = handle::required(script, "script")?;
        handle::give(script, engine.compile(name, source)?);
        Ok(())
    };
    // SAFETY: as above.
    unsafe { guard::fallible(error, body) }
}

/// Runs the script that serves under a name: perilune_script_run, with the look-up. It is looked up once, so that a run goes on with
/// the version that it began with.
///
/// @param name     UTF-8
/// @param query    as for perilune_script_run
/// @param body     as for perilune_script_run
/// @param request  as for perilune_script_run
/// @param trace    set to what came of it, which the caller frees
/// @param error    where an error goes, if not NULL; the caller frees it
/// @return         as for perilune_script_run, or PERILUNE_NOT_FOUND
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_engine_run(
    engine: *const perilune_engine,
    name: perilune_slice,
    query: perilune_slice,
    body: perilune_slice,
    request: *const perilune_request,
    trace: *mut *mut perilune_trace,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    let run = || unsafe {
        let engine = handle::get(engine, "engine")?;
        let name = handle::text(name, "name")?;
        let out = handle::required(trace, "trace")?;
        let script = engine.scripts().get(name).ok_or(Error::NotFound)?;
        request::with(query, body, request, |request| trace::give(out, &script, request))
    };
    // SAFETY: as above.
    unsafe { guard::fallible(error, run) }
}

/// Gives all scripts a module, require "NAME", from their next run on; one of the same name is replaced. Each run that requires it
/// runs it once.
///
/// @param name    UTF-8
/// @param source  Luau source; UTF-8, copied
/// @param error   where an error goes, if not NULL; the caller frees it
/// @return        PERILUNE_OK, or PERILUNE_COMPILE_ERROR
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_engine_module(
    engine: *const perilune_engine,
    name: perilune_slice,
    source: perilune_slice,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    let body = || unsafe {
        let engine = handle::get(engine, "engine")?;
        let name = handle::text(name, "name")?;
        let source = handle::bytes(source, "source")?.ok_or_else(|| Failure::null("source"))?;
        engine.module(name, source)?;
        Ok(())
    };
    // SAFETY: as above.
    unsafe { guard::fallible(error, body) }
}

/// What is wrong with a source, and what may do something else than its author expects, line by line. Runs nothing.
///
/// @param name         shown in what is found; UTF-8
/// @param source       Luau source; UTF-8
/// @param diagnostics  set to what was found, which the caller frees
/// @param error        where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_engine_check(
    engine: *const perilune_engine,
    name: perilune_slice,
    source: perilune_slice,
    diagnostics: *mut *mut perilune_diagnostics,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    let body = || unsafe {
        let engine = handle::get(engine, "engine")?;
        let name = handle::text(name, "name")?;
        let source = handle::bytes(source, "source")?.ok_or_else(|| Failure::null("source"))?;
        let diagnostics = handle::required(diagnostics, "diagnostics")?;
        handle::give(diagnostics, engine.check(name, source));
        Ok(())
    };
    // SAFETY: as above.
    unsafe { guard::fallible(error, body) }
}

/// What the engine counted until now, in this process.
///
/// @param metrics  set to a snapshot, which the caller frees
/// @param error    where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_engine_metrics(
    engine: *const perilune_engine,
    metrics: *mut *mut perilune_metrics,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    let body = || unsafe {
        let engine = handle::get(engine, "engine")?;
        let metrics = handle::required(metrics, "metrics")?;
        handle::give(metrics, engine.metrics().into());
        Ok(())
    };
    // SAFETY: as above.
    unsafe { guard::fallible(error, body) }
}
