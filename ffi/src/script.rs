//! A compiled script.

use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;

use perilune::{Request, RunLimits, Script};

use crate::callback::{SubmittedWith, UserData};
use crate::cancel::perilune_cancel;
use crate::error::perilune_error;
use crate::failure::Failure;
use crate::guard;
use crate::handle::{self, Handle};
use crate::limits::set_run_limit;
use crate::request::{self, perilune_request};
use crate::slice::perilune_slice;
use crate::status::*;
use crate::trace::{self, perilune_trace};

/// A script that can be run. It keeps its engine alive.
pub struct perilune_script {
    _private: [u8; 0],
}

impl Handle for perilune_script {
    type Inner = Script;
}

/// Frees a script. NULL is nothing to free. Its runs go on, and what serves under its name does too.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_script_free(script: *mut perilune_script) {
    // SAFETY: it was made here, and the caller does not use it again.
    guard::infallible((), || unsafe { handle::free(script) });
}

/// A second handle to the script, with limits and functions of its own from here on, which the caller frees. NULL has NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_script_clone(script: *const perilune_script) -> *mut perilune_script {
    guard::infallible(ptr::null_mut(), || {
        // SAFETY: null, or a script that the caller owns or was lent.
        unsafe { handle::get(script, "script") }
            .map_or(ptr::null_mut(), |script| handle::into_raw(Script::clone(script)))
    })
}

/// A text of a script.
///
/// # Safety
/// `script` is null, or one that C owns or was lent.
unsafe fn text(script: *const perilune_script, which: impl FnOnce(&Script) -> &str) -> perilune_slice {
    guard::infallible(perilune_slice::NONE, || {
        // SAFETY: by this function's contract.
        perilune_slice::maybe(
            unsafe { handle::get(script, "script") }.ok().map(|script| which(script).as_bytes()),
        )
    })
}

/// The name that it was compiled with: UTF-8, not ended by a NUL byte. Lent until the script is freed. NULL has NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_script_name(script: *const perilune_script) -> perilune_slice {
    // SAFETY: as above.
    unsafe { text(script, Script::name) }
}

/// Which version of its name it is: counted from 1 for named scripts, and 1 for one that was only compiled. NULL has 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_script_version(script: *const perilune_script) -> u64 {
    // SAFETY: as above.
    guard::infallible(0, || unsafe { handle::get(script, "script") }.map_or(0, Script::version))
}

/// The SHA-256 of its source in lower-case hex, 64 characters, not ended by a NUL byte. Lent until the script is freed. NULL has
/// NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_script_hash(script: *const perilune_script) -> perilune_slice {
    // SAFETY: as above.
    unsafe { text(script, Script::hash) }
}

/// The source that it was compiled from: UTF-8, not ended by a NUL byte. Lent until the script is freed. NULL has NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_script_source(script: *const perilune_script) -> perilune_slice {
    // SAFETY: as above.
    unsafe { text(script, Script::source) }
}

/// Lowers the limits for all runs of this handle, in place of those set before. A value above the engine's changes nothing.
///
/// @param limits  PERILUNE_LIMIT_*, but those that are an engine's only
/// @param values  as many, in the units that the constants say
/// @param count   how many; with 0, the limits are the engine's
/// @param error   where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_script_set_limits(
    script: *mut perilune_script,
    limits: *const perilune_limit,
    values: *const u64,
    count: usize,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    let body = || unsafe {
        let script = handle::get_mut(script, "script")?;
        let limits = handle::array(limits, count, "limits")?;
        let values = handle::array(values, count, "values")?;
        let mut lower = RunLimits::default();
        for (limit, value) in limits.iter().zip(values) {
            set_run_limit(&mut lower, *limit, *value)?;
        }
        *script = Script::clone(script).with_limits(lower);
        Ok(())
    };
    // SAFETY: `error` is null or can be written to.
    unsafe { guard::fallible(error, body) }
}

/// Runs a script: what comes of it is in the trace, errors of the script included. The fast path: query and body are only borrowed
/// for the call.
///
/// @param query    the raw query without the "?", any bytes; NULL for the request's, or none
/// @param body     a JSON object; NULL for the request's, or none. No bytes are no body
/// @param request  the rest; NULL for none
/// @param trace    set to what came of it, which the caller frees
/// @param error    where an error goes, if not NULL; the caller frees it
/// @return         PERILUNE_OK whenever there is a trace; else why no run began: PERILUNE_PAYLOAD_ERROR, PERILUNE_NESTED,
///                 PERILUNE_INTERNAL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_script_run(
    script: *const perilune_script,
    query: perilune_slice,
    body: perilune_slice,
    request: *const perilune_request,
    trace: *mut *mut perilune_trace,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    let run = || unsafe {
        let script = handle::get(script, "script")?;
        let out = handle::required(trace, "trace")?;
        request::with(query, body, request, |request| trace::give(out, script, request))
    };
    // SAFETY: `error` is null or can be written to.
    unsafe { guard::fallible(error, run) }
}

/// What is told how a submitted run ended, once. Called on one of the engine's threads, which other runs wait for, or on the
/// caller's when the run can't begin or is cancelled while it waits: so it must not block, and it must return as usual.
///
/// @param code       PERILUNE_OK, or why there is no trace
/// @param trace      what came of the run, which the function frees; NULL when there is none
/// @param error      why there is none, which the function frees; NULL when there is a trace
/// @param user_data  as it was handed over
pub type perilune_done = Option<
    unsafe extern "C" fn(
        code: perilune_code,
        trace: *mut perilune_trace,
        error: *mut perilune_error,
        user_data: *mut c_void,
    ),
>;

struct Done {
    function: unsafe extern "C" fn(perilune_code, *mut perilune_trace, *mut perilune_error, *mut c_void),
    user_data: UserData,
}

/// Has a run made on the engine's own threads, as soon as there is a VM. The request's cancel handle ends it, also while it waits.
///
/// @param query      as for perilune_script_run, but copied
/// @param body       as for perilune_script_run, but copied
/// @param request    as for perilune_script_run, but copied
/// @param done       called once, if this returns PERILUNE_OK, and maybe before it does; never else
/// @param user_data  handed to done, on another thread
/// @param error      where an error goes, if not NULL; the caller frees it
/// @return           PERILUNE_OK when done is or will be called: what is wrong with the request is told there
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_script_submit(
    script: *const perilune_script,
    query: perilune_slice,
    body: perilune_slice,
    request: *const perilune_request,
    done: perilune_done,
    user_data: *mut c_void,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    let submit = || unsafe {
        let script = handle::get(script, "script")?;
        let request = request::with(query, body, request, |request| Ok(request.clone().into_owned()))?;
        let request = request.data(Arc::new(SubmittedWith(user_data)));
        let function = done.ok_or_else(|| Failure::null("done"))?;
        let done = Done { function, user_data: UserData::new(user_data, None) };
        script.submit_with(request, move |result| {
            // Whole, and not its parts: it is what may go to other threads.
            let done = done;
            let (code, trace, error) = match result {
                Ok(trace) => (PERILUNE_OK, handle::into_raw(trace.into()), ptr::null_mut()),
                Err(error) => {
                    let failure = Failure::from(error);
                    (failure.code, ptr::null_mut(), handle::into_raw(failure))
                }
            };
            (done.function)(code, trace, error, done.user_data.pointer);
        });
        Ok(())
    };
    // SAFETY: as above.
    unsafe { guard::fallible(error, submit) }
}

/// Told after each run of a batch how many are done of how many. Called from several threads, also at once, and not always in order.
/// It must return as usual.
pub type perilune_progress = Option<unsafe extern "C" fn(done: usize, total: usize, user_data: *mut c_void)>;

/// Runs a script once for each request, on as many threads as the engine has (perilune_options_set_threads), and returns when all are done. What one run does
/// changes no other's result.
///
/// @param requests   as many requests as count says, none of them NULL
/// @param cancel     ends the whole batch; NULL for none
/// @param progress   told after each run; NULL for nothing
/// @param user_data  handed to progress
/// @param traces     as many places as count says: each is set to what came of the request at its place, which the caller frees, or
///                   to NULL where no run began
/// @param errors     as many places as count says: each is set to why no run began, which the caller frees, or to NULL; NULL
///                   if they are not wanted
/// @param error      where an error goes, if not NULL; the caller frees it
/// @return           PERILUNE_OK when all places were set; else nothing was run
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_script_run_batch(
    script: *const perilune_script,
    requests: *const *const perilune_request,
    count: usize,
    cancel: *const perilune_cancel,
    progress: perilune_progress,
    user_data: *mut c_void,
    traces: *mut *mut perilune_trace,
    errors: *mut *mut perilune_error,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    let run = || unsafe {
        let script = handle::get(script, "script")?;
        let requests: Vec<Request<'_>> = handle::array(requests, count, "requests")?
            .iter()
            .enumerate()
            .map(|(index, request)| handle::get(*request, &format!("requests[{index}]")).cloned())
            .collect::<Result<_, _>>()?;
        if count > 0 {
            handle::required(traces, "traces")?;
        }
        let mut batch = script.batch();
        if let Ok(cancel) = handle::get(cancel, "cancel") {
            batch = batch.cancel(cancel);
        }
        if let Some(progress) = progress {
            let user_data = UserData::new(user_data, None);
            batch = batch.progress(move |done, total| {
                let user_data: &UserData = &user_data;
                progress(done, total, user_data.pointer);
            });
        }
        for (index, result) in batch.run(&requests).into_iter().enumerate() {
            let (trace, failure) = match result {
                Ok(trace) => (handle::into_raw(trace.into()), ptr::null_mut()),
                Err(error) if errors.is_null() => {
                    drop(error);
                    (ptr::null_mut(), ptr::null_mut())
                }
                Err(error) => (ptr::null_mut(), handle::into_raw(error.into())),
            };
            traces.add(index).write(trace);
            if !errors.is_null() {
                errors.add(index).write(failure);
            }
        }
        Ok(())
    };
    // SAFETY: as above.
    unsafe { guard::fallible(error, run) }
}
