//! The boundary: no panic crosses it. Every export is one call of a function of this file, which a test checks.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::failure::Failure;
use crate::handle::{self, Handle};
use crate::status::{PERILUNE_OK, perilune_code};

/// Does what can fail: its code, and where there is a place for it, why. What it worked on may be half done after a
/// panic; all that is shared in the engine is whole then, and what was the call's own is gone with it.
///
/// # Safety
/// `error` is null, or can be written to.
pub(crate) unsafe fn fallible<E: Handle<Inner = Failure>>(
    error: *mut *mut E,
    body: impl FnOnce() -> Result<(), Failure>,
) -> perilune_code {
    let failure = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => return PERILUNE_OK,
        Ok(Err(failure)) => failure,
        Err(panic) => Failure::panic(text(&*panic)),
    };
    let code = failure.code;
    // SAFETY: by this function's contract.
    unsafe { handle::give(error, failure) };
    code
}

/// Does what can't fail; `fallback` is for a bug.
pub(crate) fn infallible<T>(fallback: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(fallback)
}

fn text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no text")
}

#[cfg(test)]
mod tests {
    use std::ptr;

    use super::*;
    use crate::error::{perilune_error, perilune_error_message};
    use crate::status::PERILUNE_PANIC;

    #[test]
    fn a_panic_is_a_code_and_a_message() {
        let mut error: *mut perilune_error = ptr::null_mut();
        // SAFETY: the place for the error is on this stack.
        let code = unsafe { fallible(&mut error, || panic!("who would have thought")) };
        assert_eq!(code, PERILUNE_PANIC);
        // SAFETY: the error was made just now.
        let message = unsafe { crate::handle::bytes(perilune_error_message(error), "message") };
        let message = message.ok().flatten();
        assert_eq!(message, Some(&b"a bug in perilune: who would have thought"[..]));
        // SAFETY: it is not used again.
        unsafe { crate::error::perilune_error_free(error) };
        assert_eq!(
            // SAFETY: no place for an error is allowed.
            unsafe { fallible(ptr::null_mut::<*mut perilune_error>(), || panic!("{}", 1)) },
            PERILUNE_PANIC
        );
        assert_eq!(infallible(7, || panic!("again")), 7);
    }
}
