//! What a host hands to a run.

use std::ffi::c_void;
use std::mem::{self, ManuallyDrop};
use std::ops::ControlFlow;
use std::ptr;
use std::time::Duration;

use perilune::{Poll, Request};

use crate::callback::{UserData, perilune_destroy};
use crate::cancel::perilune_cancel;
use crate::error::perilune_error;
use crate::failure::Failure;
use crate::guard;
use crate::handle::{self, Handle};
use crate::limits::set_run_limit;
use crate::slice::perilune_slice;
use crate::status::*;

/// A request: what a script sees as GET, POST, CONFIG and META, and what holds for the run. It keeps copies of what it is
/// given, and can be used for any number of runs, also at once.
pub struct perilune_request {
    _private: [u8; 0],
}

impl Handle for perilune_request {
    type Inner = Request<'static>;
}

/// Asked now and then while a run is under way, on the thread that makes it: whether to end it, by anything but 0. It may
/// begin other runs, and must not unwind.
pub type perilune_poll = Option<unsafe extern "C" fn(user_data: *mut c_void) -> i32>;

/// Does something with the request that a call of a run describes: query and body of the call's own, and the rest. It is lent
/// and not returned, since moving it costs more than making it.
///
/// # Safety
/// The pointers are null, or what the header says.
#[inline(always)]
pub(crate) unsafe fn with<T>(
    query: perilune_slice,
    body: perilune_slice,
    rest: *const perilune_request,
    then: impl FnOnce(&Request<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    // SAFETY: by this function's contract.
    unsafe {
        let query = handle::bytes(query, "query")?;
        let body = handle::bytes(body, "body")?;
        if rest.is_null() {
            let request = Request::new().query(query.unwrap_or_default()).json(body.unwrap_or_default());
            // It only borrows: there is nothing to drop.
            return then(&ManuallyDrop::new(request));
        }
        let rest = handle::get(rest, "request")?;
        match (query, body) {
            (None, None) => then(rest),
            (Some(query), None) => then(&rest.clone().query(query)),
            (None, Some(body)) => then(&rest.clone().json(body)),
            (Some(query), Some(body)) => then(&rest.clone().query(query).json(body)),
        }
    }
}

/// Changes a request. What a submitted run shares with it stays as it is.
///
/// # Safety
/// As [`handle::get_mut`].
unsafe fn change(
    request: *mut perilune_request,
    how: impl FnOnce(Request<'static>) -> Request<'static>,
) -> Result<(), Failure> {
    // SAFETY: by this function's contract.
    let request = unsafe { handle::get_mut(request, "request") }?;
    *request = how(mem::take(request));
    Ok(())
}

/// Makes a request with nothing in it, which the caller frees. NULL only after a bug.
#[unsafe(no_mangle)]
pub extern "C" fn perilune_request_new() -> *mut perilune_request {
    guard::infallible(ptr::null_mut(), || handle::into_raw(Request::new()))
}

/// A second request of the same content, which the caller frees. NULL is copied as NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_request_clone(request: *const perilune_request) -> *mut perilune_request {
    guard::infallible(ptr::null_mut(), || {
        // SAFETY: null, or a request that the caller owns.
        match unsafe { handle::get(request, "request") } {
            Ok(request) => handle::into_raw(Request::clone(request)),
            Err(_) => ptr::null_mut(),
        }
    })
}

/// Frees a request. NULL is nothing to free. Runs that were submitted with it go on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_request_free(request: *mut perilune_request) {
    // SAFETY: it was made here, and the caller does not use it again.
    guard::infallible((), || unsafe { handle::free(request) });
}

/// Sets a part of a request to a copy of some bytes, or to nothing.
///
/// # Safety
/// The pointers are null, or what the header says.
unsafe fn set_part(
    request: *mut perilune_request,
    data: perilune_slice,
    what: &str,
    error: *mut *mut perilune_error,
    set: impl FnOnce(Request<'static>, Option<Vec<u8>>) -> Request<'static>,
) -> perilune_code {
    // SAFETY: by this function's contract.
    let body = || unsafe {
        let bytes = handle::bytes(data, what)?;
        let bytes = bytes.map(<[u8]>::to_vec);
        change(request, |request| set(request, bytes))
    };
    // SAFETY: as above.
    unsafe { guard::fallible(error, body) }
}

/// The raw query, without the "?". Replaces an earlier one, and parameters that were added.
///
/// @param query  any bytes, copied; NULL is an empty query
/// @param error  where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_request_set_query(
    request: *mut perilune_request,
    query: perilune_slice,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    unsafe {
        set_part(request, query, "query", error, |request, query| request.query(query.unwrap_or_default()))
    }
}

/// Adds a parameter that is decoded already. Replaces a raw query; a repeated key keeps its last value.
///
/// @param key    UTF-8, copied
/// @param value  UTF-8, copied
/// @param error  where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_request_add_param(
    request: *mut perilune_request,
    key: perilune_slice,
    value: perilune_slice,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    let body = || unsafe {
        let key = handle::text(key, "key")?.to_owned();
        let value = handle::text(value, "value")?.to_owned();
        change(request, |request| request.param(key, value))
    };
    // SAFETY: as above.
    unsafe { guard::fallible(error, body) }
}

/// The body, a JSON object. Read when it is run, and refused then if it is none.
///
/// @param body   copied; no bytes are no body, and so is NULL
/// @param error  where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_request_set_json(
    request: *mut perilune_request,
    body: perilune_slice,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    unsafe { set_part(request, body, "body", error, |request, body| request.json(body.unwrap_or_default())) }
}

/// The body, an urlencoded form.
///
/// @param body   any bytes, copied; NULL is no body
/// @param error  where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_request_set_form(
    request: *mut perilune_request,
    body: perilune_slice,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    unsafe { set_part(request, body, "body", error, |request, body| request.form(body.unwrap_or_default())) }
}

/// The host's settings for the script, CONFIG, as JSON. Read when it is run.
///
/// @param json   copied; NULL is none
/// @param error  where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_request_set_config(
    request: *mut perilune_request,
    json: perilune_slice,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    unsafe { set_part(request, json, "config", error, |request, json| request.config(json)) }
}

/// What the host knows of the request, META, as JSON. Read when it is run.
///
/// @param json   copied; NULL is none
/// @param error  where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_request_set_meta(
    request: *mut perilune_request,
    json: perilune_slice,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    unsafe { set_part(request, json, "meta", error, |request, json| request.meta(json)) }
}

/// Makes math.random repeat: two runs with one seed see the same numbers.
///
/// @param error  where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_request_set_seed(
    request: *mut perilune_request,
    seed: u64,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    let body = || unsafe { change(request, |request| request.seed(seed)) };
    // SAFETY: as above.
    unsafe { guard::fallible(error, body) }
}

/// Lowers a limit for the runs of this request. A value above the engine's changes nothing.
///
/// @param limit  one of PERILUNE_LIMIT_*, but those that are an engine's only
/// @param value  in the unit that the constant says
/// @param error  where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_request_set_limit(
    request: *mut perilune_request,
    limit: perilune_limit,
    value: u64,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    let body = || unsafe {
        let mut limits = handle::get_mut(request, "request")?.run_limits();
        set_run_limit(&mut limits, limit, value)?;
        change(request, |request| request.limits(limits))
    };
    // SAFETY: as above.
    unsafe { guard::fallible(error, body) }
}

/// For whom the runs of this request are. A worker process serves one tenant only; runs without a tenant share theirs. Where runs are in this
/// process, it changes nothing.
///
/// @param tenant  any bytes, copied; NULL is none
/// @param error   where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_request_set_tenant(
    request: *mut perilune_request,
    tenant: perilune_slice,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    unsafe { set_part(request, tenant, "tenant", error, |request, tenant| request.tenant(tenant)) }
}

/// Has the handle end this request's runs.
///
/// @param cancel  stays the caller's; NULL for none
/// @param error   where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_request_set_cancel(
    request: *mut perilune_request,
    cancel: *const perilune_cancel,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    let body = || unsafe {
        let cancel = handle::get(cancel, "cancel").ok();
        change(request, |request| request.cancel(cancel))
    };
    // SAFETY: as above.
    unsafe { guard::fallible(error, body) }
}

/// Has a function asked about every period while this request's runs wait for a VM or run, on the thread that makes the run,
/// so that signals that came meanwhile can be seen to. When it returns anything but 0, the run ends as
/// PERILUNE_STATUS_CANCELLED. It is not asked while a host function is called, nor in runs that are over before the period is.
///
/// @param period_ns  nanoseconds; less than a millisecond is one
/// @param poll       NULL for none
/// @param user_data  handed to poll, and at last to destroy; on several threads at once, if the request is
/// @param destroy    called once when no run will call poll any more, also when this call fails; NULL for nothing
/// @param error      where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_request_set_poll(
    request: *mut perilune_request,
    period_ns: u64,
    poll: perilune_poll,
    user_data: *mut c_void,
    destroy: perilune_destroy,
    error: *mut *mut perilune_error,
) -> perilune_code {
    let user_data = UserData::new(user_data, destroy);
    let body = || {
        let poll = poll.map(|function| {
            Poll::new(Duration::from_nanos(period_ns), move || {
                // Whole, and not the pointer in it alone: it is what may go to other threads.
                let user_data: &UserData = &user_data;
                // SAFETY: the header says what a host's function must be; it goes with its user data.
                match unsafe { function(user_data.pointer) } {
                    0 => ControlFlow::Continue(()),
                    _ => ControlFlow::Break(()),
                }
            })
        });
        // SAFETY: as the header says.
        unsafe { change(request, |request| request.poll(&poll)) }
    };
    // SAFETY: as above.
    unsafe { guard::fallible(error, body) }
}
