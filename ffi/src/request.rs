//! What a host hands to a run.

use std::ffi::{c_char, c_void};
use std::mem::ManuallyDrop;
use std::ops::ControlFlow;
use std::ptr;
use std::time::Duration;

use perilune::{CancelHandle, Poll, Request, RunLimits};

use crate::callback::{UserData, perilune_destroy};
use crate::cancel::perilune_cancel;
use crate::error::perilune_error;
use crate::failure::Failure;
use crate::guard;
use crate::handle::{self, Handle};
use crate::limits::set_run_limit;
use crate::status::*;

/// A request: what a script sees as GET, POST, CONFIG and META, and what holds for the run. It keeps copies of what it is
/// given, and can be used for any number of runs, also at once.
pub struct perilune_request {
    _private: [u8; 0],
}

impl Handle for perilune_request {
    type Inner = Parts;
}

#[derive(Clone, Default)]
pub(crate) struct Parts {
    query: Query,
    body: Body,
    config: Option<Vec<u8>>,
    meta: Option<Vec<u8>>,
    seed: Option<u64>,
    limits: RunLimits,
    cancel: Option<CancelHandle>,
    poll: Option<Poll>,
}

#[derive(Clone)]
enum Query {
    Raw(Vec<u8>),
    Pairs(Vec<(String, String)>),
}

impl Default for Query {
    fn default() -> Self {
        Self::Raw(Vec::new())
    }
}

#[derive(Clone, Default)]
enum Body {
    #[default]
    None,
    Json(Vec<u8>),
    Form(Vec<u8>),
}

/// Asked now and then while a run is under way, on the thread that makes it: whether to end it, by anything but 0. It may
/// begin other runs, and must not unwind.
pub type perilune_poll = Option<unsafe extern "C" fn(user_data: *mut c_void) -> i32>;

impl Parts {
    /// The request of one run, which borrows all of this; a query and a body of the call's own go before.
    fn request<'a>(&'a self, query: Option<&'a [u8]>, body: Option<&'a [u8]>) -> Request<'a> {
        let mut request = Request::new().limits(self.limits);
        match (query, &self.query) {
            (Some(query), _) => request = request.query(query),
            (None, Query::Raw(query)) => request = request.query(query),
            (None, Query::Pairs(pairs)) => {
                for (key, value) in pairs {
                    request = request.param(&**key, &**value);
                }
            }
        }
        request = match (body, &self.body) {
            (Some(body), _) => request.json(body),
            (None, Body::None) => request,
            (None, Body::Json(body)) => request.json(body),
            (None, Body::Form(body)) => request.form(body),
        };
        if let Some(config) = &self.config {
            request = request.config(config);
        }
        if let Some(meta) = &self.meta {
            request = request.meta(meta);
        }
        if let Some(seed) = self.seed {
            request = request.seed(seed);
        }
        if let Some(cancel) = &self.cancel {
            request = request.cancel(cancel);
        }
        if let Some(poll) = &self.poll {
            request = request.poll(poll);
        }
        request
    }
}

/// Does something with the request that a call of a run describes: query and body of the call's own, and the rest. It is lent
/// and not returned, since moving it costs more than making it.
///
/// # Safety
/// The pointers are null, or what the header says.
#[inline(always)]
pub(crate) unsafe fn with<T>(
    query: *const c_char,
    query_len: usize,
    body: *const c_char,
    body_len: usize,
    rest: *const perilune_request,
    then: impl FnOnce(&Request<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    // SAFETY: by this function's contract.
    unsafe {
        let query = handle::bytes(query, query_len, "query")?;
        let body = handle::bytes(body, body_len, "body")?;
        if rest.is_null() {
            let request = Request::new().query(query.unwrap_or_default()).json(body.unwrap_or_default());
            // It only borrows: there is nothing to drop.
            return then(&ManuallyDrop::new(request));
        }
        then(&handle::get(rest, "request")?.request(query, body))
    }
}

/// The request of an object.
///
/// # Safety
/// As [`handle::get`].
pub(crate) unsafe fn of_object<'a>(
    request: *const perilune_request,
    what: &str,
) -> Result<Request<'a>, Failure> {
    // SAFETY: by this function's contract.
    Ok(unsafe { handle::get(request, what) }?.request(None, None))
}

/// Makes a request with nothing in it, which the caller frees. NULL only after a bug.
#[unsafe(no_mangle)]
pub extern "C" fn perilune_request_new() -> *mut perilune_request {
    guard::infallible(ptr::null_mut(), || handle::into_raw(Parts::default()))
}

/// A second request of the same content, which the caller frees. NULL is copied as NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_request_clone(request: *const perilune_request) -> *mut perilune_request {
    guard::infallible(ptr::null_mut(), || {
        // SAFETY: null, or a request that the caller owns.
        match unsafe { handle::get(request, "request") } {
            Ok(parts) => handle::into_raw(parts.clone()),
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
    data: *const c_char,
    len: usize,
    what: &str,
    error: *mut *mut perilune_error,
    set: impl FnOnce(&mut Parts, Option<Vec<u8>>),
) -> perilune_code {
    // SAFETY: by this function's contract.
    let body = || unsafe {
        let bytes = handle::bytes(data, len, what)?;
        set(handle::get_mut(request, "request")?, bytes.map(<[u8]>::to_vec));
        Ok(())
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
    query: *const c_char,
    query_len: usize,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    unsafe {
        set_part(request, query, query_len, "query", error, |parts, query| {
            parts.query = Query::Raw(query.unwrap_or_default())
        })
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
    key: *const c_char,
    key_len: usize,
    value: *const c_char,
    value_len: usize,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    let body = || unsafe {
        let pair = (
            handle::text(key, key_len, "key")?.to_owned(),
            handle::text(value, value_len, "value")?.to_owned(),
        );
        let parts = handle::get_mut(request, "request")?;
        match &mut parts.query {
            Query::Pairs(pairs) => pairs.push(pair),
            Query::Raw(_) => parts.query = Query::Pairs(vec![pair]),
        }
        Ok(())
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
    body: *const c_char,
    body_len: usize,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    unsafe {
        set_part(request, body, body_len, "body", error, |parts, body| {
            parts.body = body.map_or(Body::None, Body::Json)
        })
    }
}

/// The body, an urlencoded form.
///
/// @param body   any bytes, copied; NULL is no body
/// @param error  where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_request_set_form(
    request: *mut perilune_request,
    body: *const c_char,
    body_len: usize,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    unsafe {
        set_part(request, body, body_len, "body", error, |parts, body| {
            parts.body = body.map_or(Body::None, Body::Form)
        })
    }
}

/// The host's settings for the script, CONFIG, as JSON. Read when it is run.
///
/// @param json   copied; NULL is none
/// @param error  where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_request_set_config(
    request: *mut perilune_request,
    json: *const c_char,
    json_len: usize,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    unsafe { set_part(request, json, json_len, "config", error, |parts, json| parts.config = json) }
}

/// What the host knows of the request, META, as JSON. Read when it is run.
///
/// @param json   copied; NULL is none
/// @param error  where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_request_set_meta(
    request: *mut perilune_request,
    json: *const c_char,
    json_len: usize,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    unsafe { set_part(request, json, json_len, "meta", error, |parts, json| parts.meta = json) }
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
    let body = || {
        // SAFETY: as the header says.
        unsafe { handle::get_mut(request, "request") }?.seed = Some(seed);
        Ok(())
    };
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
    let body = || set_run_limit(&mut unsafe { handle::get_mut(request, "request") }?.limits, limit, value);
    // SAFETY: as above.
    unsafe { guard::fallible(error, body) }
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
        handle::get_mut(request, "request")?.cancel = handle::get(cancel, "cancel").ok().cloned();
        Ok(())
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
        // SAFETY: as the header says.
        let parts = unsafe { handle::get_mut(request, "request") }?;
        parts.poll = poll.map(|function| {
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
        Ok(())
    };
    // SAFETY: as above.
    unsafe { guard::fallible(error, body) }
}
