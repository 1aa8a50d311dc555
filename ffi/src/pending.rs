//! Calls that are answered after the host's function has returned.

use std::ffi::c_void;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use perilune::HostError;

use crate::answer::{Answer, of_json, of_message};
use crate::callback::{UserData, perilune_destroy};
use crate::guard;
use crate::handle::{self, Handle};
use crate::slice::perilune_slice;
use crate::value::perilune_value;

/// A call of a host function that is answered later: see perilune_call_defer. Its host answers it once, from any thread, or frees it. May be
/// used from several threads, but by none any more once it is answered or freed.
pub struct perilune_pending {
    _private: [u8; 0],
}

impl Handle for perilune_pending {
    type Inner = Pending;
}

/// Told once that nobody waits for a call any more, on any thread, also inside calls of this library: it must not block, nor wait for a lock
/// that is held around such calls. It must return as usual.
pub type perilune_gone = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// The host's end. Dropped without an answer, it answers that there is none.
pub(crate) struct Pending(Arc<Shared>);

/// The run's end.
pub(crate) struct Waits(Arc<Shared>);

#[derive(Default)]
struct Shared(Mutex<State>);

#[derive(Default)]
struct State {
    answer: Option<Answer>,
    is_answered: bool,
    is_gone: bool,
    waker: Option<Waker>,
    on_gone: Option<OnGone>,
}

struct OnGone {
    callback: unsafe extern "C" fn(*mut c_void),
    user_data: UserData,
}

impl OnGone {
    fn call(self) {
        let Self { callback, user_data } = self;
        // SAFETY: the header says what a host's callback must be; it goes with its user data.
        unsafe { callback(user_data.pointer) };
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Both ends of a call.
pub(crate) fn pair() -> (Pending, Waits) {
    let shared = Arc::<Shared>::default();
    (Pending(Arc::clone(&shared)), Waits(shared))
}

impl Pending {
    fn answer(&self, answer: Answer) {
        let mut state = self.0.lock();
        if state.is_answered {
            return;
        }
        state.is_answered = true;
        // Where nobody waits, the answer goes at once.
        let unheard = if state.is_gone { Some(answer) } else { state.answer.replace(answer) };
        let (waker, on_gone) = (state.waker.take(), state.on_gone.take());
        drop(state);
        // Not under the lock: these are the host's.
        drop((unheard, on_gone));
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.answer(Err(HostError::new("the host gave no answer")));
    }
}

impl Future for Waits {
    type Output = Answer;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        let mut state = self.0.lock();
        if let Some(answer) = state.answer.take() {
            return Poll::Ready(answer);
        }
        let before = state.waker.replace(context.waker().clone());
        drop(state);
        drop(before);
        Poll::Pending
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.is_gone = true;
        let on_gone = state.on_gone.take().filter(|_| !state.is_answered);
        let left = (state.answer.take(), state.waker.take());
        drop(state);
        drop(left);
        if let Some(on_gone) = on_gone {
            on_gone.call();
        }
    }
}

/// Answers a call, and frees its handle.
///
/// # Safety
/// `pending` is null, or one that the caller owns and does not use again.
unsafe fn answer(pending: *mut perilune_pending, answer: impl FnOnce() -> Answer) {
    guard::infallible((), || {
        let answer = answer();
        // SAFETY: by this function's contract.
        if let Some(pending) = unsafe { handle::take(pending) } {
            pending.answer(answer);
        }
    });
}

/// The script gets a value, and the handle is freed. NULL does nothing but free the value.
///
/// @param value  one that is owned: given away. NULL is nil
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_pending_resolve(
    pending: *mut perilune_pending,
    value: *mut perilune_value,
) {
    // SAFETY: as the header says.
    unsafe { answer(pending, || Ok(handle::take(value).unwrap_or_default())) }
}

/// The script gets what a JSON text says, or a Lua error if it says nothing; the handle is freed. NULL does nothing.
///
/// @param json  copied
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_pending_resolve_json(pending: *mut perilune_pending, json: perilune_slice) {
    // SAFETY: as above, and the text is as the header says.
    unsafe { answer(pending, || of_json(json)) }
}

/// The script gets a Lua error, "host.NAME: MESSAGE", which it can catch; the handle is freed. NULL does nothing.
///
/// @param message  copied; what is not UTF-8 becomes U+FFFD. NULL is ""
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_pending_reject(pending: *mut perilune_pending, message: perilune_slice) {
    // SAFETY: as above, and the text is as the header says.
    unsafe { answer(pending, || Err(of_message(message))) }
}

/// Frees a handle: the script gets a Lua error that says that there was no answer. NULL is nothing to free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_pending_free(pending: *mut perilune_pending) {
    // SAFETY: it came from perilune_call_defer, and the caller does not use it again.
    guard::infallible((), || unsafe { handle::free(pending) });
}

/// Whether nobody waits for the answer any more: the run was cancelled, timed out, or was given up. NULL is gone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_pending_is_gone(pending: *const perilune_pending) -> bool {
    guard::infallible(true, || {
        // SAFETY: null, or a handle that the caller owns.
        unsafe { handle::get(pending, "pending") }.map_or(true, |pending| pending.0.lock().is_gone)
    })
}

/// Has a callback called once when nobody waits for the answer any more, or at once where that is so. It is not called after an answer; but where
/// both come at the same time, it may be under way on another thread while that is given. A second callback replaces the first. The handle
/// is still to be answered or freed.
///
/// @param callback   NULL for none
/// @param user_data  handed to the callback, and at last to destroy
/// @param destroy    called once when the callback will not be called any more, also where pending is NULL; NULL for nothing
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_pending_on_gone(
    pending: *const perilune_pending,
    callback: perilune_gone,
    user_data: *mut c_void,
    destroy: perilune_destroy,
) {
    let user_data = UserData::new(user_data, destroy);
    guard::infallible((), || {
        // SAFETY: null, or a handle that the caller owns.
        let Ok(pending) = (unsafe { handle::get(pending, "pending") }) else { return };
        let on_gone = callback.map(|callback| OnGone { callback, user_data });
        let mut state = pending.0.lock();
        if state.is_gone {
            drop(state);
            return on_gone.into_iter().for_each(OnGone::call);
        }
        let before = std::mem::replace(&mut state.on_gone, on_gone);
        drop(state);
        drop(before);
    });
}
