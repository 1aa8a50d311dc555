//! Scripts by name.

use std::ptr;

use perilune::{Error, Script};

use crate::engine::perilune_engine;
use crate::error::perilune_error;
use crate::failure::Failure;
use crate::guard;
use crate::handle::{self, Handle};
use crate::script::perilune_script;
use crate::slice::perilune_slice;
use crate::status::*;

/// Some scripts, sorted by name.
pub struct perilune_scripts {
    _private: [u8; 0],
}

impl Handle for perilune_scripts {
    type Inner = Vec<Script>;
}

/// Compiles a script and lets it serve under a name, NAME or INSTANCE/NAME. A source that does not compile changes nothing: what
/// served before goes on. The source that serves already keeps its version.
///
/// @param name    UTF-8, 1 to 250 bytes without control characters
/// @param source  Luau source; UTF-8, copied
/// @param script  set to the script, which the caller frees; NULL if it is not wanted
/// @param error   where an error goes, if not NULL; the caller frees it
/// @return        PERILUNE_OK, or PERILUNE_COMPILE_ERROR, also for a name that can't be one
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_engine_put(
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
        handle::give(script, engine.scripts().put(name, source)?);
        Ok(())
    };
    // SAFETY: `error` is null or can be written to.
    unsafe { guard::fallible(error, body) }
}

/// The script that serves under a name now. The handle stays that version, whatever is put under the name later.
///
/// @param name    UTF-8
/// @param script  set to the script, which the caller frees
/// @param error   where an error goes, if not NULL; the caller frees it
/// @return        PERILUNE_OK, or PERILUNE_NOT_FOUND
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_engine_get(
    engine: *const perilune_engine,
    name: perilune_slice,
    script: *mut *mut perilune_script,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    let body = || unsafe {
        let engine = handle::get(engine, "engine")?;
        let name = handle::text(name, "name")?;
        let script = handle::required(script, "script")?;
        handle::give(script, engine.scripts().get(name).ok_or(Failure::from(Error::NotFound))?);
        Ok(())
    };
    // SAFETY: as above.
    unsafe { guard::fallible(error, body) }
}

/// Takes the script of a name out of service. Its runs go on.
///
/// @param name   UTF-8
/// @param error  where an error goes, if not NULL; the caller frees it
/// @return       PERILUNE_OK, or PERILUNE_NOT_FOUND
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_engine_remove(
    engine: *const perilune_engine,
    name: perilune_slice,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    let body = || unsafe {
        let engine = handle::get(engine, "engine")?;
        let name = handle::text(name, "name")?;
        engine.scripts().remove(name).map(drop).ok_or(Failure::from(Error::NotFound))
    };
    // SAFETY: as above.
    unsafe { guard::fallible(error, body) }
}

/// The scripts that serve now, sorted by name.
///
/// @param instance  only those of this instance, "" for those without one; NULL for all
/// @param scripts   set to the list, which the caller frees
/// @param error     where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_engine_list(
    engine: *const perilune_engine,
    instance: perilune_slice,
    scripts: *mut *mut perilune_scripts,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    let body = || unsafe {
        let engine = handle::get(engine, "engine")?;
        let scripts = handle::required(scripts, "scripts")?;
        let list = match handle::bytes(instance, "instance")? {
            None => engine.scripts().list(),
            Some(_) => engine.scripts().list_in(handle::text(instance, "instance")?),
        };
        handle::give(scripts, list);
        Ok(())
    };
    // SAFETY: as above.
    unsafe { guard::fallible(error, body) }
}

/// Frees a list. NULL is nothing to free. The scripts go on serving.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_scripts_free(scripts: *mut perilune_scripts) {
    // SAFETY: it was made here, and the caller does not use it again.
    guard::infallible((), || unsafe { handle::free(scripts) });
}

/// How many scripts are in the list. NULL has 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_scripts_len(scripts: *const perilune_scripts) -> usize {
    // SAFETY: null, or a list that the caller owns.
    guard::infallible(0, || unsafe { handle::get(scripts, "scripts") }.map_or(0, Vec::len))
}

/// One script of the list, lent until the list is freed: perilune_script_clone makes a handle of the caller's own. NULL where there is
/// none, and for NULL.
///
/// @param index  from 0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_scripts_at(
    scripts: *const perilune_scripts,
    index: usize,
) -> *const perilune_script {
    guard::infallible(ptr::null(), || {
        // SAFETY: as above.
        unsafe { handle::get(scripts, "scripts") }
            .ok()
            .and_then(|scripts| scripts.get(index))
            .map_or(ptr::null(), handle::lend)
    })
}
