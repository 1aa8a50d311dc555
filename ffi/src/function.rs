//! Functions of the host that scripts call.

use std::ffi::c_void;

use perilune::{Begun, Call, HostError, Script, Value};

use crate::call::{Context, perilune_call};
use crate::callback::{UserData, perilune_destroy};
use crate::engine::perilune_engine;
use crate::error::perilune_error;
use crate::failure::Failure;
use crate::guard;
use crate::handle;
use crate::script::perilune_script;
use crate::slice::perilune_slice;
use crate::status::*;

/// A function of the host that scripts call as host.NAME(...). It is called on the threads that make runs, on several at once.
/// What it sets last by perilune_call_return_* is what the script gets, nil if it sets nothing; by perilune_call_fail, the script
/// gets a Lua error. It must return as usual: neither a C++ exception nor longjmp may leave it.
pub type perilune_function = Option<unsafe extern "C" fn(call: *mut perilune_call, user_data: *mut c_void)>;

/// The host's function as one of Rust's.
fn wrap(
    function: unsafe extern "C" fn(*mut perilune_call, *mut c_void),
    user_data: UserData,
) -> impl Fn(&Call<'_>) -> Result<Value, HostError> + Send + Sync + 'static {
    move |call| {
        // Whole, and not the pointer in it alone: it is what may go to other threads.
        let user_data: &UserData = &user_data;
        // SAFETY: the header says what a host's function must be; it goes with its user data.
        Context::answer(call, |call| unsafe { function(call, user_data.pointer) })
    }
}

/// As [`wrap`], for one that may answer later.
fn wrap_async(
    function: unsafe extern "C" fn(*mut perilune_call, *mut c_void),
    user_data: UserData,
) -> impl Fn(&Call<'_>) -> Begun + Send + Sync + 'static {
    move |call| {
        let user_data: &UserData = &user_data;
        // SAFETY: as in `wrap`.
        Context::begin(call, |call| unsafe { function(call, user_data.pointer) })
    }
}

/// Gives all scripts a function of the host, host.NAME(...), from their next run on; one of the same name is replaced. A run that
/// has begun goes on with those that it began with.
///
/// @param name       letters, digits and _
/// @param function   what scripts call, on several threads at once
/// @param user_data  handed to the function, and at last to destroy
/// @param destroy    called once when the function will not be called any more, also when this call fails; NULL for nothing
/// @param error      where an error goes, if not NULL; the caller frees it
/// @return           PERILUNE_OK, or PERILUNE_NAME_ERROR
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_engine_function(
    engine: *const perilune_engine,
    name: perilune_slice,
    function: perilune_function,
    user_data: *mut c_void,
    destroy: perilune_destroy,
    error: *mut *mut perilune_error,
) -> perilune_code {
    let user_data = UserData::new(user_data, destroy);
    // SAFETY: as the header says.
    let body = || unsafe {
        let engine = handle::get(engine, "engine")?;
        let name = handle::text(name, "name")?;
        let function = function.ok_or_else(|| Failure::null("function"))?;
        engine.function(name, wrap(function, user_data))?;
        Ok(())
    };
    // SAFETY: as above.
    unsafe { guard::fallible(error, body) }
}

/// Gives runs of this handle a function of their own, beside the engine's and before one of the same name: see
/// perilune_engine_function.
///
/// @param name       letters, digits and _
/// @param user_data  handed to the function, and at last to destroy
/// @param destroy    called once when the function will not be called any more, also when this call fails; NULL for nothing
/// @param error      where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_script_function(
    script: *mut perilune_script,
    name: perilune_slice,
    function: perilune_function,
    user_data: *mut c_void,
    destroy: perilune_destroy,
    error: *mut *mut perilune_error,
) -> perilune_code {
    let user_data = UserData::new(user_data, destroy);
    // SAFETY: as the header says.
    let body = || unsafe {
        let script = handle::get_mut(script, "script")?;
        let name = handle::text(name, "name")?;
        let function = function.ok_or_else(|| Failure::null("function"))?;
        *script = Script::clone(script).with_function(name, wrap(function, user_data))?;
        Ok(())
    };
    // SAFETY: as above.
    unsafe { guard::fallible(error, body) }
}

/// As perilune_engine_function, for a function that may answer after it has returned: see perilune_call_defer. While it has not, a run of
/// perilune_script_submit takes no thread, and its timeout or cancel handle ends it at once. The thread waits where Luau can't leave what
/// calls the function: inside a comparator of table.sort, a function of string.gsub, a metamethod, or a module that is being loaded; and for all
/// other runs.
///
/// @param name       letters, digits and _
/// @param function   what scripts call, on several threads at once
/// @param user_data  handed to the function, and at last to destroy
/// @param destroy    called once when the function will not be called any more, also when this call fails; NULL for nothing
/// @param error      where an error goes, if not NULL; the caller frees it
/// @return           PERILUNE_OK, or PERILUNE_NAME_ERROR
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_engine_async_function(
    engine: *const perilune_engine,
    name: perilune_slice,
    function: perilune_function,
    user_data: *mut c_void,
    destroy: perilune_destroy,
    error: *mut *mut perilune_error,
) -> perilune_code {
    let user_data = UserData::new(user_data, destroy);
    // SAFETY: as the header says.
    let body = || unsafe {
        let engine = handle::get(engine, "engine")?;
        let name = handle::text(name, "name")?;
        let function = function.ok_or_else(|| Failure::null("function"))?;
        engine.function_begins(name, wrap_async(function, user_data))?;
        Ok(())
    };
    // SAFETY: as above.
    unsafe { guard::fallible(error, body) }
}

/// As perilune_script_function, for a function that may answer later: see perilune_engine_async_function.
///
/// @param name       letters, digits and _
/// @param user_data  handed to the function, and at last to destroy
/// @param destroy    called once when the function will not be called any more, also when this call fails; NULL for nothing
/// @param error      where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_script_async_function(
    script: *mut perilune_script,
    name: perilune_slice,
    function: perilune_function,
    user_data: *mut c_void,
    destroy: perilune_destroy,
    error: *mut *mut perilune_error,
) -> perilune_code {
    let user_data = UserData::new(user_data, destroy);
    // SAFETY: as the header says.
    let body = || unsafe {
        let script = handle::get_mut(script, "script")?;
        let name = handle::text(name, "name")?;
        let function = function.ok_or_else(|| Failure::null("function"))?;
        *script = Script::clone(script).with_function_begins(name, wrap_async(function, user_data))?;
        Ok(())
    };
    // SAFETY: as above.
    unsafe { guard::fallible(error, body) }
}
