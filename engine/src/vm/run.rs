//! The protected call of a run: it builds the script's tables, calls the script and encodes what it returned.

use std::ffi::{CStr, c_int};

use mlua::ffi::{self, lua_State};

use super::control::Control;
use super::job::{Job, Run};
use super::library::host;
use super::slots::Slot;
use super::{encode, fault, tables};
use crate::model::error::{Part, PayloadError};
use crate::model::request::Body;

/// The names of [`enter`]'s upvalues from the third on.
pub(super) const NAMES: [&CStr; 6] = [c"GET", c"POST", c"ARGS", c"_G", c"CONFIG", c"META"];
const GLOBALS: c_int = ffi::lua_upvalueindex(1);
const ARGS: c_int = ffi::lua_upvalueindex(2);
const KEY_GET: c_int = ffi::lua_upvalueindex(3);
const KEY_POST: c_int = ffi::lua_upvalueindex(4);
const KEY_ARGS: c_int = ffi::lua_upvalueindex(5);
const KEY_G: c_int = ffi::lua_upvalueindex(6);
const KEY_CONFIG: c_int = ffi::lua_upvalueindex(7);
const KEY_META: c_int = ffi::lua_upvalueindex(8);

/// The function that a run calls, protected. A script that gets hold of it (by `debug.info`) can do nothing with it.
pub(super) unsafe extern "C-unwind" fn enter(state: *mut lua_State) -> c_int {
    // SAFETY: called by `Vm::run` or by a script.
    unsafe {
        let run = begin(&state);
        if prepare(state, run) {
            ffi::lua_call(state, 0, ffi::LUA_MULTRET);
            *run.value.borrow_mut() = value(state, run.job.limits.value);
        }
    }
    0
}

/// As [`enter`], for a run that may wait; [`returned`] does what is left then.
pub(super) unsafe extern "C-unwind" fn enter_waiting(state: *mut lua_State) -> c_int {
    // SAFETY: called by a `Session` or by a script.
    unsafe {
        if prepare(state, begin(&state)) {
            return ffi::lua_callyieldable(state, 0, ffi::LUA_MULTRET);
        }
    }
    0
}

/// What follows on the return of a script that [`enter_waiting`] has called.
pub(super) unsafe extern "C-unwind" fn returned(state: *mut lua_State, _: c_int) -> c_int {
    // SAFETY: Luau calls this in the frame of `enter_waiting`, in the same run.
    unsafe {
        if let Some(run) = Control::from_state(&state).run.get().as_ref() {
            *run.value.borrow_mut() = value(state, run.job.limits.value);
        }
    }
    0
}

/// Makes the coroutine of a run, protected.
pub(super) unsafe extern "C-unwind" fn open(state: *mut lua_State) -> c_int {
    // SAFETY: called by a `Session`, at a call.
    unsafe { ffi::lua_newthread(state) };
    1
}

/// The run that is to begin, or raises where it has begun.
///
/// # Safety
/// At the call of an entry function: `run` of the control points to the run under way, which outlives the call, or is null.
#[inline]
unsafe fn begin<'a>(state: &'a *mut lua_State) -> &'a Run<'a> {
    // SAFETY: by this function's contract.
    unsafe {
        match Control::from_state(state).run.get().as_ref() {
            Some(run) if !run.entered.replace(true) => run,
            _ => ffi::luaL_error(*state, c"this function can't be called".as_ptr()),
        }
    }
}

/// Pushes the function of a run's script, in its `_G`; returns false where the request is refused.
///
/// # Safety
/// At the call of an entry function.
#[inline]
unsafe fn prepare(state: *mut lua_State, run: &Run<'_>) -> bool {
    // SAFETY: by this function's contract.
    unsafe {
        let control = Control::from_state(&state);
        ffi::lua_settop(state, 0);
        let loads = control.push_loaded(state, fault::bytecode(state, run.job.compiled));
        let prepares = control.host.prepare(state, &control.heap, run.job, GLOBALS, &host::CALLS);
        if loads || prepares {
            control.measure_base(state, run.job.limits.memory);
        }
        ffi::lua_clonefunction(state, 1);
        if let Err(error) = push_globals(state, run.job) {
            *run.payload.borrow_mut() = Some(error);
            return false;
        }
        ffi::lua_setfenv(state, 2);
    }
    true
}

/// Pushes the run's `_G`, with its tables in it.
unsafe fn push_globals(state: *mut lua_State, job: &Job<'_>) -> Result<(), PayloadError> {
    // SAFETY: at the call of `enter`, whose stack has room for what is pushed here.
    unsafe {
        ffi::lua_clonetable(state, GLOBALS);
        let globals = ffi::lua_gettop(state);
        ffi::lua_clonetable(state, ARGS);
        let args = globals + 1;

        tables::push_get(state, &job.request.query);
        for table in [args, globals] {
            set(state, table, KEY_GET);
        }
        ffi::lua_pop(state, 1);

        // The most common case, which needs no parser.
        match &job.request.body {
            Body::None => ffi::lua_createtable(state, 0, 0),
            body => tables::push_post(state, body)?,
        }
        for table in [args, globals] {
            set(state, table, KEY_POST);
        }
        ffi::lua_pop(state, 1);

        set(state, globals, KEY_ARGS);
        ffi::lua_pop(state, 1);

        let (request, compiled) = (&job.request, job.compiled);
        for (text, key, part, is_seen) in [
            (&request.config, KEY_CONFIG, Part::Config, compiled.sees_config),
            (&request.meta, KEY_META, Part::Meta, compiled.sees_meta),
        ] {
            let Some(text) = text else { continue };
            if !is_seen {
                tables::check_json(state, text, part)?;
                continue;
            }
            tables::push_json(state, text, part)?;
            set(state, globals, key);
            ffi::lua_pop(state, 1);
        }
        ffi::lua_pushvalue(state, globals);
        set(state, globals, KEY_G);
        ffi::lua_pop(state, 1);
        ffi::lua_setsafeenv(state, globals, 1);
        if !Control::from_state(&state).host.environment().modules.is_empty() {
            ffi::lua_pushvalue(state, globals);
            Control::from_state(&state).slots.set(Slot::Globals, state);
        }
    }
    Ok(())
}

/// Sets the value on the top of the stack in the table at `table`, and leaves it there.
unsafe fn set(state: *mut lua_State, table: c_int, key: c_int) {
    // SAFETY: as in `push_globals`.
    unsafe {
        ffi::lua_pushvalue(state, key);
        ffi::lua_pushvalue(state, -2);
        ffi::lua_rawset(state, table);
    }
}

/// What the script returned (all values from index 2 on) as JSON.
unsafe fn value(state: *mut lua_State, limit: usize) -> Option<Result<String, String>> {
    // SAFETY: at the call of `enter`.
    unsafe {
        let last = ffi::lua_gettop(state);
        if last < 2 {
            return None;
        }
        let mut sink = encode::JsonSink::bounded(limit);
        let written = if last == 2 {
            encode::write(state, 2, &mut sink)
        } else {
            encode::write_list(state, 2, last, &mut sink)
        };
        Some(written.map(|()| sink.into_string()).map_err(|error| error.describe("the returned value")))
    }
}
