//! What keeps an engine's workers from the system.

use perilune::Sandbox;

use crate::engine::perilune_engine;
use crate::error::perilune_error;
use crate::guard;
use crate::handle::{self, Handle};
use crate::slice::perilune_slice;
use crate::status::*;
use crate::text::Text;

/// What keeps workers from the system, as one of them told it.
pub struct perilune_sandbox {
    _private: [u8; 0],
}

impl Handle for perilune_sandbox {
    type Inner = Missing;
}

/// Why each part is missing, in the order of their numbers.
pub(crate) struct Missing([Option<Text>; 4]);

impl Missing {
    fn of(sandbox: &Sandbox) -> Self {
        Self(sandbox.parts().map(|(_, part)| part.as_ref().err().map(|reason| Text::new(reason.as_str()))))
    }
}

/// What keeps the engine's workers from the system, beside their VMs. It may start one.
///
/// @param sandbox  set to it, which the caller frees; to NULL where the engine has no workers
/// @param error    where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_engine_sandbox(
    engine: *const perilune_engine,
    sandbox: *mut *mut perilune_sandbox,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    let body = || unsafe {
        let engine = handle::get(engine, "engine")?;
        let sandbox = handle::required(sandbox, "sandbox")?;
        match engine.sandbox()? {
            Some(told) => handle::give(sandbox, Missing::of(&told)),
            None => *sandbox = std::ptr::null_mut(),
        }
        Ok(())
    };
    // SAFETY: `error` is null or can be written to.
    unsafe { guard::fallible(error, body) }
}

/// Frees it. NULL is nothing to free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_sandbox_free(sandbox: *mut perilune_sandbox) {
    // SAFETY: it was made here, and the caller does not use it again.
    guard::infallible((), || unsafe { handle::free(sandbox) });
}

/// Why a part is missing, ended by a NUL byte, which the length does not count; its data is NULL where the part is in place. Lent until the
/// sandbox is freed. NULL has NULL, and so has a part that is none.
///
/// @param part  one of PERILUNE_SANDBOX_*
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_sandbox_missing(
    sandbox: *const perilune_sandbox,
    part: perilune_sandbox_part,
) -> perilune_slice {
    guard::infallible(perilune_slice::NONE, || {
        // SAFETY: null, or a sandbox that the caller owns.
        let sandbox = unsafe { handle::get(sandbox, "sandbox") };
        let part = usize::try_from(part).ok().and_then(|part| part.checked_sub(1));
        let reason = sandbox.ok().zip(part).and_then(|(Missing(parts), part)| parts.get(part)?.as_ref());
        reason.map_or(perilune_slice::NONE, Text::lend)
    })
}
