//! Functions of the host that scripts call.

use std::ffi::c_void;
use std::ptr;

use perilune::{Begun, Call, HostError, Value};

use crate::answer::{Answer, of_json, of_message};
use crate::callback::SubmittedWith;
use crate::engine::perilune_engine;
use crate::guard;
use crate::handle::{self, Handle};
use crate::pending::{self, Waits, perilune_pending};
use crate::slice::perilune_slice;
use crate::status::*;
use crate::text::Text;
use crate::time::ns;
use crate::value::perilune_value;

/// A call of a host function that is under way: what the script gave, what it gets, and the run that it is part of. Lent to the
/// function until that returns, on its thread only.
pub struct perilune_call {
    _private: [u8; 0],
}

impl Handle for perilune_call {
    type Inner = Context;
}

pub(crate) struct Context {
    /// Lives as long as the context.
    call: *const Call<'static>,
    result: Answer,
    /// Texts that were lent.
    kept: Vec<Text>,
    later: Later,
}

/// Whether the call is answered later.
enum Later {
    MayNot,
    May,
    Is(Waits),
}

impl Context {
    /// What `function` sets as the result of `call`, which it is lent.
    pub(crate) fn answer(call: &Call<'_>, function: impl FnOnce(*mut perilune_call)) -> Answer {
        Self::of(call, Later::MayNot, function).result
    }

    /// The same for a function that may answer later.
    pub(crate) fn begin(call: &Call<'_>, function: impl FnOnce(*mut perilune_call)) -> Begun {
        let context = Self::of(call, Later::May, function);
        match context.later {
            Later::Is(waits) => Begun::Waits(Box::pin(waits)),
            Later::May | Later::MayNot => Begun::Answered(context.result),
        }
    }

    #[inline(always)]
    fn of(call: &Call<'_>, later: Later, function: impl FnOnce(*mut perilune_call)) -> Self {
        let call = (&raw const *call).cast::<Call<'static>>();
        let mut context = Self { call, result: Ok(Value::Null), kept: Vec::new(), later };
        function(handle::lend_mut(&mut context));
        context
    }

    fn call(&self) -> &Call<'_> {
        // SAFETY: `answer` keeps the call while the context lives.
        unsafe { &*self.call }
    }

    /// Writes down why an argument can't be read: the script is told, unless a result follows.
    fn read<T>(&mut self, read: Result<T, HostError>) -> Option<T> {
        read.map_err(|error| self.result = Err(error)).ok()
    }
}

/// What is told of a call, or `fallback` where there is none.
///
/// # Safety
/// `call` is null, or the one under way on this thread.
unsafe fn told<T: Copy>(call: *const perilune_call, fallback: T, tell: impl FnOnce(&Call<'_>) -> T) -> T {
    // SAFETY: by this function's contract.
    guard::infallible(fallback, || unsafe { handle::get(call, "call") }.map_or(fallback, |c| tell(c.call())))
}

/// Reads an argument; false where it is not what was asked for.
///
/// # Safety
/// `call` is null, or the one under way on this thread.
unsafe fn read<T>(
    call: *mut perilune_call,
    body: impl FnOnce(&mut Context) -> Option<T>,
    write: impl FnOnce(T),
) -> bool {
    guard::infallible(false, || {
        // SAFETY: by this function's contract.
        let Ok(context) = (unsafe { handle::get_mut(call, "call") }) else { return false };
        body(context).map(write).is_some()
    })
}

/// Sets what the script gets.
///
/// # Safety
/// `call` is null, or the one under way on this thread.
unsafe fn answer(call: *mut perilune_call, result: impl FnOnce() -> Answer) {
    guard::infallible((), || {
        let result = result();
        // SAFETY: by this function's contract.
        if let Ok(context) = unsafe { handle::get_mut(call, "call") } {
            context.result = result;
        }
    });
}

/// The name that the function was called by. Lent until the function returns. NULL has NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_call_name(call: *const perilune_call) -> perilune_slice {
    // SAFETY: null, or the call under way.
    unsafe { told(call, perilune_slice::NONE, |call| perilune_slice::of(call.name().as_bytes())) }
}

/// How many arguments there are. NULL has 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_call_len(call: *const perilune_call) -> usize {
    // SAFETY: as above.
    unsafe { told(call, 0, |call| call.len()) }
}

/// What an argument is: PERILUNE_TYPE_TABLE for any table, PERILUNE_TYPE_OTHER for what can't cross, such as a function. NULL, and
/// an argument that is not there, is PERILUNE_TYPE_NULL.
///
/// @param index  from 0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_call_type(call: *const perilune_call, index: usize) -> perilune_type {
    // SAFETY: as above.
    unsafe {
        told(call, PERILUNE_TYPE_NULL, |call| match call.kind(index) {
            _ if call.is_null(index) => PERILUNE_TYPE_NULL,
            "boolean" => PERILUNE_TYPE_BOOLEAN,
            "number" => PERILUNE_TYPE_NUMBER,
            "string" => PERILUNE_TYPE_STRING,
            "table" => PERILUNE_TYPE_TABLE,
            _ => PERILUNE_TYPE_OTHER,
        })
    }
}

/// Reads an argument that is a number.
///
/// @param index   from 0
/// @param number  set to it
/// @return        whether it is one. If not, the script gets a Lua error that says so, unless the function sets a result later: so
///                the function can just return
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_call_number(
    call: *mut perilune_call,
    index: usize,
    number: *mut f64,
) -> bool {
    // SAFETY: as above; the output is null or can be written to.
    unsafe {
        read(
            call,
            |c| {
                let got = c.call().number(index);
                c.read(got)
            },
            |got| handle::set(number, got),
        )
    }
}

/// Reads an argument that is a boolean.
///
/// @param index    from 0
/// @param boolean  set to it
/// @return         as for perilune_call_number
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_call_boolean(
    call: *mut perilune_call,
    index: usize,
    boolean: *mut bool,
) -> bool {
    // SAFETY: as above.
    unsafe {
        read(
            call,
            |c| {
                let got = c.call().boolean(index);
                c.read(got)
            },
            |got| handle::set(boolean, got),
        )
    }
}

/// Reads an argument that is a string: any bytes, not ended by a NUL byte. A number is not converted.
///
/// @param index   from 0
/// @param string  set to its bytes, lent until the function returns
/// @return        as for perilune_call_number
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_call_string(
    call: *mut perilune_call,
    index: usize,
    string: *mut perilune_slice,
) -> bool {
    // SAFETY: as above. The string stays where it is while the call is under way.
    unsafe {
        read(
            call,
            |c| {
                let got = c.call().bytes(index).map(|bytes| &raw const *bytes);
                c.read(got)
            },
            |bytes| handle::set(string, perilune_slice::of(&*bytes)),
        )
    }
}

/// Reads any argument as JSON text, ended by a NUL byte, which the length does not count. Bytes that are not UTF-8 become U+FFFD.
///
/// @param index  from 0
/// @param json   set to the text, lent until the function returns
/// @return       whether the argument can be JSON; if not, as for perilune_call_number
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_call_json(
    call: *mut perilune_call,
    index: usize,
    json: *mut perilune_slice,
) -> bool {
    let text = |context: &mut Context| {
        let json = context.call().json(index).map(Text::new);
        let text = context.read(json)?;
        context.kept.push(text);
        context.kept.last().map(Text::lend)
    };
    // SAFETY: as above.
    unsafe { read(call, text, |text| handle::set(json, text)) }
}

/// Reads any argument as a value, which the caller frees.
///
/// @param index  from 0
/// @param value  set to it, if not NULL
/// @return       whether the argument can be a value; if not, as for perilune_call_number
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_call_value(
    call: *mut perilune_call,
    index: usize,
    value: *mut *mut perilune_value,
) -> bool {
    // SAFETY: as above.
    unsafe {
        read(
            call,
            |c| {
                let got = c.call().value(index);
                c.read(got)
            },
            |got| handle::give(value, got),
        )
    }
}

/// The script gets nil.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_call_return_null(call: *mut perilune_call) {
    // SAFETY: null, or the call under way.
    unsafe { answer(call, || Ok(Value::Null)) }
}

/// The script gets a boolean.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_call_return_boolean(call: *mut perilune_call, boolean: bool) {
    // SAFETY: as above.
    unsafe { answer(call, || Ok(Value::Bool(boolean))) }
}

/// The script gets a number; an integer may be more than a double holds: see perilune_call_return_int64.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_call_return_number(call: *mut perilune_call, number: f64) {
    // SAFETY: as above.
    unsafe { answer(call, || Ok(Value::Number(number))) }
}

/// The script gets an integer: a number up to +-PERILUNE_MAX_EXACT, where a double has it exactly, and its digits as a string beyond.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_call_return_int64(call: *mut perilune_call, integer: i64) {
    // SAFETY: as above.
    unsafe { answer(call, || Ok(integer.into())) }
}

/// As perilune_call_return_int64.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_call_return_uint64(call: *mut perilune_call, integer: u64) {
    // SAFETY: as above.
    unsafe { answer(call, || Ok(integer.into())) }
}

/// The script gets a string.
///
/// @param string  any bytes, copied; none is ""
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_call_return_string(call: *mut perilune_call, string: perilune_slice) {
    // SAFETY: as above, and the data is as the header says.
    unsafe {
        answer(call, || match handle::bytes(string, "the host's string") {
            Ok(bytes) => Ok(bytes.unwrap_or_default().into()),
            Err(failure) => Err(HostError::new(failure.text())),
        });
    }
}

/// The script gets what a JSON text says, or a Lua error if it says nothing.
///
/// @param json  copied
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_call_return_json(call: *mut perilune_call, json: perilune_slice) {
    // SAFETY: as above, and the text is as the header says.
    unsafe { answer(call, || of_json(json)) }
}

/// The script gets a value.
///
/// @param value  one that is owned: given away. NULL is nil
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_call_return_value(call: *mut perilune_call, value: *mut perilune_value) {
    // SAFETY: as above, and the value is as the header says.
    unsafe { answer(call, || Ok(handle::take(value).unwrap_or_default())) }
}

/// The script gets a Lua error, "host.NAME: MESSAGE", which it can catch.
///
/// @param message  copied; what is not UTF-8 becomes U+FFFD. NULL is ""
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_call_fail(call: *mut perilune_call, message: perilune_slice) {
    // SAFETY: as above, and the text is as the header says.
    unsafe { answer(call, || Err(of_message(message))) }
}

/// Has a call answered after the function has returned: by perilune_pending_resolve, perilune_pending_resolve_json or perilune_pending_reject,
/// from any thread, once. The caller owns what is returned. What the function sets as the result is not looked at then. Arguments are lent
/// until the function returns, as always.
///
/// @return  NULL where that is not possible: the call is NULL or has been deferred, or the function is none of perilune_engine_async_function
///          or perilune_script_async_function
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_call_defer(call: *mut perilune_call) -> *mut perilune_pending {
    guard::infallible(ptr::null_mut(), || {
        // SAFETY: null, or the call under way.
        let Ok(context) = (unsafe { handle::get_mut(call, "call") }) else { return ptr::null_mut() };
        if !matches!(context.later, Later::May) {
            return ptr::null_mut();
        }
        let (pending, waits) = pending::pair();
        context.later = Later::Is(waits);
        handle::into_raw(pending)
    })
}

/// The engine that the script runs in, for running others; the caller frees it. A function that held its engine itself, in its user
/// data, would keep it alive for ever. NULL has NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_call_engine(call: *const perilune_call) -> *mut perilune_engine {
    // SAFETY: as above.
    unsafe { told(call, ptr::null_mut(), |call| handle::into_raw(call.engine())) }
}

/// What the run was submitted with: the user_data of perilune_script_submit or perilune_exchange_submit. NULL for all other runs.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_call_user_data(call: *const perilune_call) -> *mut c_void {
    // SAFETY: as above.
    unsafe {
        told(call, ptr::null_mut(), |call| call.data().map_or(ptr::null_mut(), |SubmittedWith(data)| *data))
    }
}

/// The number of the run: perilune_trace_id of the trace to come. NULL has 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_call_run_id(call: *const perilune_call) -> u64 {
    // SAFETY: as above.
    unsafe { told(call, 0, |call| call.run_id()) }
}

/// The name of the script that runs, not ended by a NUL byte. Lent until the function returns. NULL has NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_call_script(call: *const perilune_call) -> perilune_slice {
    // SAFETY: as above.
    unsafe { told(call, perilune_slice::NONE, |call| perilune_slice::of(call.script().as_bytes())) }
}

/// What is left of the run's timeout, in nanoseconds; when a function returns later, the run ends there. NULL has 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_call_remaining_ns(call: *const perilune_call) -> u64 {
    // SAFETY: as above.
    unsafe { told(call, 0, |call| ns(call.remaining())) }
}

/// Whether the run was cancelled: it ends when the function returns. NULL was not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_call_is_cancelled(call: *const perilune_call) -> bool {
    // SAFETY: as above.
    unsafe { told(call, false, |call| call.is_cancelled()) }
}
