//! A request to Script Endpoints, on its way to the answer.

use std::ffi::c_void;
use std::mem::{self, offset_of};
use std::sync::Arc;
use std::time::Instant;

use perilune::{CancelHandle, Request};
use perilune_endpoints::{Answer, Body, Endpoints, Reset, Run, Step};

use crate::callback::{SubmittedWith, UserData};
use crate::cancel::perilune_cancel;
use crate::error::perilune_error;
use crate::failure::Failure;
use crate::guard;
use crate::handle::{self, Handle};
use crate::slice::perilune_slice;
use crate::status::*;
use crate::view::perilune_header;

/// A request to Script Endpoints and, in the end, the answer to it. It can go from thread to thread, and be freed at any step.
pub struct perilune_exchange {
    _private: [u8; 0],
}

impl Handle for perilune_exchange {
    type Inner = Exchange;
}

pub(crate) struct Exchange {
    /// None for an answer that needs none.
    endpoints: Option<Arc<Endpoints>>,
    next: Next,
}

#[allow(clippy::large_enum_variant, reason = "most of them are runs, and each is moved but once")]
enum Next {
    Answer(Answered),
    Body(Box<Body>),
    Run(Run),
    Reset(Reset),
    /// Its run is under way, or what it was to do was ended by a bug.
    None,
}

struct Answered {
    answer: Answer,
    /// They point into the answer's.
    headers: Vec<perilune_header>,
}

impl From<Answer> for Next {
    fn from(answer: Answer) -> Self {
        let lent = |(name, value): &(_, _)| {
            let (name, value): (&std::borrow::Cow<'_, str>, &std::borrow::Cow<'_, [u8]>) = (name, value);
            perilune_header { name: perilune_slice::of(name.as_bytes()), value: perilune_slice::of(value) }
        };
        let headers = answer.headers.iter().map(lent).collect();
        Self::Answer(Answered { answer, headers })
    }
}

impl From<Step> for Next {
    fn from(step: Step) -> Self {
        match step {
            Step::Answer(answer) => answer.into(),
            Step::Body(body) => Self::Body(body),
            Step::Run(run) => Self::Run(run),
            Step::Reset(reset) => Self::Reset(reset),
        }
    }
}

impl Exchange {
    pub(crate) fn begin(endpoints: Arc<Endpoints>, step: Step) -> Self {
        Self { endpoints: Some(endpoints), next: step.into() }
    }

    pub(crate) fn answered(answer: Answer) -> Self {
        Self { endpoints: None, next: answer.into() }
    }

    fn step(&self) -> perilune_step {
        match self.next {
            Next::Answer(_) => PERILUNE_STEP_ANSWER,
            Next::Body(_) => PERILUNE_STEP_BODY,
            Next::Run(_) => PERILUNE_STEP_RUN,
            Next::Reset(_) => PERILUNE_STEP_RESET,
            Next::None => PERILUNE_STEP_NONE,
        }
    }

    fn asked(&self) -> Result<&Arc<Endpoints>, Failure> {
        self.endpoints.as_ref().ok_or_else(|| no_step("more than an answer"))
    }

    fn body(&mut self) -> Result<&mut Body, Failure> {
        match &mut self.next {
            Next::Body(body) => Ok(body),
            _ => Err(no_step("a body")),
        }
    }

    /// The run, with what ends it from outside.
    fn run(&mut self, cancel: Option<&CancelHandle>) -> Result<&mut Run, Failure> {
        let Next::Run(run) = &mut self.next else { return Err(no_step("a run")) };
        if cancel.is_some() {
            run.request = mem::take(&mut run.request).cancel(cancel);
        }
        Ok(run)
    }

    fn answer(&self) -> Result<&Answered, Failure> {
        match &self.next {
            Next::Answer(answered) => Ok(answered),
            _ => Err(no_step("an answer")),
        }
    }
}

fn no_step(wanted: &str) -> Failure {
    Failure::argument(format!("exchange: its step is not {wanted}"))
}

/// An answer: see perilune_exchange_answer. What it points to is lent until the exchange is freed. Later versions add fields at the end.
#[repr(C)]
pub struct perilune_answer_view {
    /// sizeof(perilune_answer_view), set by the caller before the call.
    pub size: usize,
    /// 200 to 599.
    pub status: u32,
    /// 1 where the connection is to be closed behind the answer, since the rest of the request's body is not read, or there is none; else 0.
    pub close: u32,
    /// The body, to the byte; empty with a length of 0. Its length is the server's to tell: none with status 204 and 304.
    pub body: perilune_slice,
    /// The header lines: names in lower case, values to the byte. A name may be there several times: a line for each.
    pub headers: *const perilune_header,
    /// How many there are.
    pub headers_len: usize,
    /// The id of the run that it is of, as perilune_call_run_id has it; 0 where no run was made.
    pub run_id: u64,
}

/// What the first version of the view had.
const LEAST: usize = offset_of!(perilune_answer_view, run_id) + size_of::<u64>();

// The layout is part of the ABI; without padding, as `set_sized` demands.
#[cfg(target_pointer_width = "64")]
const _: () = assert!(LEAST == 56 && size_of::<perilune_answer_view>() == LEAST);

impl Answered {
    fn view(&self) -> perilune_answer_view {
        let Self { answer, headers } = self;
        perilune_answer_view {
            size: size_of::<perilune_answer_view>(),
            status: answer.status.into(),
            close: answer.close.into(),
            body: perilune_slice::of(&answer.body),
            headers: headers.as_ptr(),
            headers_len: headers.len(),
            run_id: answer.run_id.unwrap_or(0),
        }
    }
}

/// Frees an exchange, and with it all that was lent of it. NULL is nothing to free. Not between perilune_exchange_submit and the call of
/// `answered`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_exchange_free(exchange: *mut perilune_exchange) {
    // SAFETY: it was made here, and the caller does not use it again.
    guard::infallible((), || unsafe { handle::free(exchange) });
}

/// What is to be done next: one of PERILUNE_STEP_*. NULL has PERILUNE_STEP_NONE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_exchange_step(exchange: *const perilune_exchange) -> perilune_step {
    guard::infallible(PERILUNE_STEP_NONE, || {
        // SAFETY: null, or an exchange that the caller owns.
        unsafe { handle::get(exchange, "exchange") }.map_or(PERILUNE_STEP_NONE, Exchange::step)
    })
}

/// Fills a view with the answer, at PERILUNE_STEP_ANSWER.
///
/// @param view   its size must be set to sizeof(perilune_answer_view) before; a shorter one, of an older header, is filled as
///               far as it goes
/// @param error  where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_exchange_answer(
    exchange: *const perilune_exchange,
    view: *mut perilune_answer_view,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: the exchange is null or one that the caller owns; the view starts with its size, and has no padding.
    let body = || unsafe {
        let ours = handle::get(exchange, "exchange")?.answer()?.view();
        handle::set_sized(view, ours, LEAST, "view")
    };
    // SAFETY: `error` is null or can be written to.
    unsafe { guard::fallible(error, body) }
}

/// At PERILUNE_STEP_BODY, takes the next bytes of the body: a copy.
///
/// @param data   as many as came
/// @param more   set to whether more are wanted. Where not, the body ends here, whatever the client sends
/// @param error  where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_exchange_push(
    exchange: *mut perilune_exchange,
    data: perilune_slice,
    more: *mut bool,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    let body = || unsafe {
        let body = handle::get_mut(exchange, "exchange")?.body()?;
        let data = handle::bytes(data, "data")?.unwrap_or_default();
        let more = handle::required(more, "more")?;
        handle::set(more, body.push(data));
        Ok(())
    };
    // SAFETY: as above.
    unsafe { guard::fallible(error, body) }
}

/// At PERILUNE_STEP_BODY, goes on with a body that has ended; the next step is a run or an answer. Takes time by the body's length, at
/// most some milliseconds per MiB.
///
/// @param is_whole  false where it ended where it should not, as the server tells of one in chunks; one that is shorter than the head said
///                  is known to be
/// @param error     where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_exchange_read(
    exchange: *mut perilune_exchange,
    is_whole: bool,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    let body = || unsafe {
        let exchange = handle::get_mut(exchange, "exchange")?;
        let body = exchange.body()?;
        if !is_whole {
            body.break_off();
        }
        let endpoints = Arc::clone(exchange.asked()?);
        if let Next::Body(body) = mem::replace(&mut exchange.next, Next::None) {
            exchange.next = endpoints.read(body, Instant::now()).into();
        }
        Ok(())
    };
    // SAFETY: as above.
    unsafe { guard::fallible(error, body) }
}

/// At PERILUNE_STEP_RUN, makes the run on this thread; the next step is the answer, also where no run began.
///
/// @param cancel  ends the run, for when the client is gone; NULL for none
/// @param error   where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_exchange_run(
    exchange: *mut perilune_exchange,
    cancel: *const perilune_cancel,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    let body = || unsafe {
        let exchange = handle::get_mut(exchange, "exchange")?;
        let Run { script, request } = exchange.run(handle::get(cancel, "cancel").ok())?;
        let result = script.run(request);
        exchange.next = exchange.asked()?.answer(result, Instant::now()).into();
        Ok(())
    };
    // SAFETY: as above.
    unsafe { guard::fallible(error, body) }
}

/// What is told that a submitted exchange has its answer, once. Called on one of the engine's threads, which other runs wait for, or on
/// the caller's when the run can't begin or is cancelled while it waits: so it must not block, and it must return as usual.
///
/// @param exchange   as it was submitted, at PERILUNE_STEP_ANSWER: it is the function's again, to be freed here or later
/// @param user_data  as it was handed over
pub type perilune_answered =
    Option<unsafe extern "C" fn(exchange: *mut perilune_exchange, user_data: *mut c_void)>;

struct Submitted {
    function: unsafe extern "C" fn(*mut perilune_exchange, *mut c_void),
    user_data: UserData,
    exchange: *mut perilune_exchange,
    endpoints: Arc<Endpoints>,
}

// SAFETY: the exchange is nobody else's until the function is called; its parts can go to other threads.
unsafe impl Send for Submitted {}

/// At PERILUNE_STEP_RUN, has the run made on the engine's own threads, as soon as there is a VM. The exchange is given away until
/// `answered` is called with it.
///
/// @param cancel     ends the run, also while it waits, for when the client is gone; NULL for none
/// @param answered   called once, if this returns PERILUNE_OK, and maybe before it does; never else
/// @param user_data  handed to answered, on another thread
/// @param error      where an error goes, if not NULL; the caller frees it
/// @return           PERILUNE_OK when answered is or will be called; else the exchange is the caller's still
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_exchange_submit(
    exchange: *mut perilune_exchange,
    cancel: *const perilune_cancel,
    answered: perilune_answered,
    user_data: *mut c_void,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    let body = || unsafe {
        let function = answered.ok_or_else(|| Failure::null("answered"))?;
        let (script, request, submitted) = {
            let inner = handle::get_mut(exchange, "exchange")?;
            let Run { script, request } = inner.run(handle::get(cancel, "cancel").ok())?;
            let with = Arc::new(SubmittedWith(user_data));
            let (script, request): (_, Request<'static>) = (script.clone(), mem::take(request).data(with));
            let endpoints = Arc::clone(inner.asked()?);
            inner.next = Next::None;
            let user_data = UserData::new(user_data, None);
            (script, request, Submitted { function, user_data, exchange, endpoints })
        };
        // Nothing here may use the exchange from now on: the function may have freed it.
        script.submit_with(request, move |result| {
            // Whole, and not its parts: it is what may go to other threads.
            let submitted = submitted;
            let answer = guard::infallible(None, || Some(submitted.endpoints.answer(result, Instant::now())));
            let answer = answer.unwrap_or_else(|| Answer::unavailable("a bug in perilune"));
            if let Ok(inner) = handle::get_mut(submitted.exchange, "exchange") {
                inner.next = answer.into();
            }
            (submitted.function)(submitted.exchange, submitted.user_data.pointer);
        });
        Ok(())
    };
    // SAFETY: as above.
    unsafe { guard::fallible(error, body) }
}

/// At PERILUNE_STEP_RESET, the public script that is to have another link, and that link: to be stored where it outlives the process, if
/// links are to. It does not count before perilune_exchange_stored.
///
/// @param script  set to its name: UTF-8. Lent until the next step
/// @param link    set to its link to be. Lent until the next step
/// @param error   where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_exchange_link(
    exchange: *const perilune_exchange,
    script: *mut perilune_slice,
    link: *mut perilune_slice,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    let body = || unsafe {
        let Next::Reset(reset) = &handle::get(exchange, "exchange")?.next else {
            return Err(no_step("a reset"));
        };
        let (script, link) = (handle::required(script, "script")?, handle::required(link, "link")?);
        handle::set(script, perilune_slice::of(reset.script().as_bytes()));
        handle::set(link, perilune_slice::of(reset.link().as_bytes()));
        Ok(())
    };
    // SAFETY: as above.
    unsafe { guard::fallible(error, body) }
}

/// At PERILUNE_STEP_RESET, goes on with a link that was stored, or could not be; the next step is the answer. Two that come at once are to
/// be stored and gone on with one after the other.
///
/// @param reason  NULL where it was stored: from now on it counts. Else why not, which the client is told: UTF-8; all stays as it was
/// @param error   where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_exchange_stored(
    exchange: *mut perilune_exchange,
    reason: perilune_slice,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    let body = || unsafe {
        let exchange = handle::get_mut(exchange, "exchange")?;
        let stored = match handle::bytes(reason, "reason")? {
            None => Ok(()),
            Some(_) => Err(handle::text(reason, "reason")?.to_owned()),
        };
        if !matches!(exchange.next, Next::Reset(_)) {
            return Err(no_step("a reset"));
        }
        let endpoints = Arc::clone(exchange.asked()?);
        if let Next::Reset(reset) = mem::replace(&mut exchange.next, Next::None) {
            exchange.next = endpoints.reset(reset, stored).into();
        }
        Ok(())
    };
    // SAFETY: as above.
    unsafe { guard::fallible(error, body) }
}
