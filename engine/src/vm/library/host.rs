//! `host.NAME(…)`: calls of host functions.
//!
//! While a host function runs, nothing may raise a Lua error: that is a C++ exception, which would unwind through code that
//! knows nothing of Luau, and which `catch_unwind` can't catch. So arguments are read by functions of Luau's API that neither
//! allocate in the VM nor convert, and the result is pushed after the host function has returned.

use std::cell::Cell;
use std::ffi::{CStr, c_int};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use mlua::ffi::{self, lua_State};

use super::super::control::Control;
use super::super::host::Calls;
use super::super::job::Run;
use super::super::names::KeyNames;
use super::super::sink::number_text;
use super::super::waits::{of_host, of_panic};
use super::super::walk::{WorkCounter, next};
use super::super::{encode, fault, marks};
use super::{bytes, push_bytes};
use crate::model::cancel::CancelHandle;
use crate::model::deadline::Deadline;
use crate::model::function::{self, Arguments as _, Begun, HostError, HostFunction};
use crate::model::json::MAX_DEPTH;
use crate::model::nesting::Nesting;
use crate::model::request::RequestData;
use crate::model::value::Value;

/// Values between two safepoints.
const SAFEPOINT_EVERY: u32 = 64;

/// Bytes that a [`Value`] is charged with, beside those of a string.
pub(crate) const VALUE_SIZE: usize = 64;

/// How many coroutines of a script may have been left at once, one waiting for the other; beyond, the thread waits.
const DEEPEST: usize = 150;

/// The beginning of the error of one call too many.
pub(in super::super) const TOO_MANY: &str = "too many calls of host functions";

/// What Luau calls for host functions.
pub(in super::super) static CALLS: Calls = Calls { now: call, later: call_later, answered };

/// Calls the function whose number is the upvalue.
unsafe extern "C-unwind" fn call(state: *mut lua_State) -> c_int {
    // SAFETY: called by Luau with its state, in a run: `prepare` made this closure for its functions. All that is
    // borrowed here is released when an error unwinds.
    unsafe {
        let result = with_function(state, |_, function, arguments| function.call(arguments));
        finish(state, result);
    }
    1
}

/// As [`call`], for a function that may answer later: the run's coroutine is left until there is an answer. Where it can't be left, this thread waits.
unsafe extern "C-unwind" fn call_later(state: *mut lua_State) -> c_int {
    // SAFETY: as in `call`. Where this leaves the coroutine, nothing is borrowed any more.
    unsafe {
        let control = Control::from_state(&state);
        // Luau bounds how deep its own coroutines wait for each other by the C calls between them, of which those that were left have none.
        let may_leave = !control.waits.root.get().is_null()
            && control.waits.waiting.borrow().len() < DEEPEST
            && perilune_luau::perilune_may_break(state) != 0;
        let result = with_function(state, |name, function, arguments| {
            if !may_leave {
                return function.call(arguments).map(Some);
            }
            match function.begin(arguments) {
                Begun::Answered(answer) => answer.map(Some),
                // An argument could not be kept.
                Begun::Waits(_) if arguments.is_out_of_memory.get() => Err(HostError::new("")),
                Begun::Waits(waiting) => control.waits.first_poll(name, waiting).transpose(),
            }
        });
        match result {
            Ok(None) => {
                control.waits.left.borrow_mut().push(state);
                return ffi::lua_break(state);
            }
            Ok(Some(value)) => finish(state, Ok(value)),
            Err(error) => finish(state, Err(error)),
        }
    }
    1
}

/// Goes on after [`call_later`] has left the coroutine.
unsafe extern "C-unwind" fn answered(state: *mut lua_State, _: c_int) -> c_int {
    // SAFETY: Luau calls this in the frame of `call_later`, in the same run.
    unsafe {
        match Control::from_state(&state).waits.answer.take() {
            Some(answer) => finish(state, answer.map_err(Some)),
            None => fault::raise_over(state),
        }
    }
    1
}

/// Has `act` call the function whose number is the upvalue. The error is what is to be raised, `None` for a lack of memory.
///
/// # Safety
/// As [`call`].
#[inline(always)]
unsafe fn with_function<T>(
    state: *mut lua_State,
    act: impl FnOnce(&Arc<str>, &dyn HostFunction, &StackArguments<'_>) -> Result<T, HostError>,
) -> Result<T, Option<HostError>> {
    // SAFETY: by this function's contract.
    unsafe {
        let control = Control::from_state(&state);
        control.safepoint(state);
        let Some(run) = control.run.get().as_ref() else { fault::raise(state, "there is no run".to_owned()) };
        let calls = control.host_calls.get();
        if calls >= run.job.limits.host_calls {
            control.too_many_host_calls.set(true);
            fault::raise(state, format!("{TOO_MANY}: the limit is {}", run.job.limits.host_calls));
        }
        control.host_calls.set(calls + 1);

        let environment = control.host.environment();
        let number = ffi::lua_tonumber(state, ffi::lua_upvalueindex(1)) as i32;
        let function = match run.job.functions {
            Some(own) if number < 0 => own.list.get((-1 - number) as usize),
            _ => environment.functions.list.get(number as usize),
        };
        let Some((name, function)) = function else {
            fault::raise(state, "the host has no such function any more".to_owned())
        };
        // A call with a colon has `host` as its first argument.
        if ffi::lua_type(state, 1) == ffi::LUA_TTABLE && ffi::lua_topointer(state, 1) == control.host.table()
        {
            fault::raise(state, format!("host takes a dot, not a colon: host.{name}(…), not host:{name}(…)"));
        }
        let count = ffi::lua_gettop(state);
        let arguments = StackArguments {
            name,
            state,
            control,
            run,
            count,
            charged: Cell::new(0),
            is_out_of_memory: Cell::new(false),
        };
        let _nesting = Nesting::enter();
        // A panic of the host function may leave the host's state broken, but not the VM, which it did not touch.
        match catch_unwind(AssertUnwindSafe(|| act(name, &**function, &arguments))) {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(_)) if arguments.is_out_of_memory.get() => Err(None),
            Ok(Err(error)) => Err(Some(of_host(name, error))),
            Err(panic) => Err(Some(of_panic(name, &*panic))),
        }
    }
}

/// Pushes what a call came to, or raises it.
///
/// # Safety
/// At a call of a function that holds nothing.
#[inline(always)]
unsafe fn finish(state: *mut lua_State, result: Result<Value, Option<HostError>>) {
    // SAFETY: by this function's contract.
    unsafe {
        let control = Control::from_state(&state);
        match result {
            Ok(value) => push(state, control, &value),
            Err(Some(error)) => fault::raise_of_host(state, error),
            Err(None) => fault::raise_out_of_memory(state),
        }
        control.safepoint(state);
    }
}

/// Pushes the result of a host function.
unsafe fn push(state: *mut lua_State, control: &Control, value: &Value) {
    // SAFETY: at a call; the metatable of arrays stays below what is pushed.
    unsafe {
        match value {
            Value::Null => ffi::lua_pushnil(state),
            Value::Bool(flag) => ffi::lua_pushboolean(state, (*flag).into()),
            Value::Number(number) => ffi::lua_pushnumber(state, *number),
            Value::String(text) => {
                control.make_room(state, text.len());
                push_bytes(state, text);
            }
            Value::Array(_) | Value::Object(_) => {
                ffi::lua_rawcheckstack(state, 4 * MAX_DEPTH as c_int);
                marks::push_array_metatable(state);
                let array = ffi::lua_gettop(state);
                Pusher { state, control, array, values: 0 }.push(value, 0);
            }
        }
    }
}

struct Pusher<'a> {
    state: *mut lua_State,
    control: &'a Control,
    /// Stack index of the metatable that marks arrays.
    array: c_int,
    values: u32,
}

impl Pusher<'_> {
    unsafe fn push(&mut self, value: &Value, depth: u32) {
        let state = self.state;
        self.values += 1;
        // SAFETY: at a call, with room for what `MAX_DEPTH` tables in each other push.
        unsafe {
            if self.values.is_multiple_of(SAFEPOINT_EVERY) {
                self.control.safepoint(state);
            }
            match value {
                Value::Null if depth > 0 => marks::push_null(state),
                Value::Array(elements) => {
                    self.open(depth, elements.len(), 0);
                    for (element, index) in elements.iter().zip(1..) {
                        self.push(element, depth + 1);
                        ffi::lua_rawseti_(state, -2, index);
                    }
                    ffi::lua_pushvalue(state, self.array);
                    ffi::lua_setmetatable(state, -2);
                }
                Value::Object(members) => {
                    self.open(depth, 0, members.len());
                    for (key, member) in members {
                        push_bytes(state, key);
                        self.push(member, depth + 1);
                        ffi::lua_rawset(state, -3);
                    }
                }
                plain => push(state, self.control, plain),
            }
        }
    }

    unsafe fn open(&self, depth: u32, elements: usize, members: usize) {
        // SAFETY: as in `push`.
        unsafe {
            if depth >= MAX_DEPTH {
                let message = format!("the host's result is nested deeper than {MAX_DEPTH} levels");
                fault::raise_of_host(self.state, HostError::new(message));
            }
            // A value has 16 bytes in an array, and 40 among members.
            self.control.make_room(self.state, elements * 16 + members * 64);
            let size = |count: usize| c_int::try_from(count).unwrap_or(c_int::MAX);
            ffi::lua_createtable(self.state, size(elements), size(members));
        }
    }
}

/// The arguments of a call under way, and the run that it is part of. Nothing here raises a Lua error.
struct StackArguments<'a> {
    name: &'a str,
    state: *mut lua_State,
    control: &'a Control,
    run: &'a Run<'a>,
    count: c_int,
    /// Bytes charged to the run for values that were read.
    charged: Cell<usize>,
    /// An argument could not be read within the memory limit.
    is_out_of_memory: Cell<bool>,
}

impl Drop for StackArguments<'_> {
    fn drop(&mut self) {
        self.control.heap.release(self.charged.get());
    }
}

impl StackArguments<'_> {
    /// The stack index of an argument; for a missing one, an index beyond the top.
    fn stack_index(&self, index: usize) -> c_int {
        if index < self.len() { index as c_int + 1 } else { self.count + 1 }
    }

    fn type_of(&self, index: usize) -> c_int {
        // SAFETY: at the call of `call`, as for all methods here: `Call` can't outlive it, nor leave its thread. An
        // index beyond the top is LUA_TNONE, and between two methods the arguments are the top.
        unsafe { ffi::lua_type(self.state, self.stack_index(index)) }
    }

    /// Makes room on the stack for tables as deep as they may be.
    fn reserve(&self) -> Result<(), String> {
        // SAFETY: as above; this one reports a lack of memory and does not raise it.
        match unsafe { ffi::lua_checkstack(self.state, 4 * (MAX_DEPTH as c_int + 2)) } {
            0 => self.out_of_memory(),
            _ => Ok(()),
        }
    }

    /// # Safety
    /// There is a value at the index. `parents` are the addresses of the tables that it is in.
    unsafe fn read(&self, index: c_int, parents: &mut Vec<usize>) -> Result<Value, String> {
        let state = self.state;
        // SAFETY: by this function's contract; each key and value is popped again.
        unsafe {
            let kind = ffi::lua_type(state, index);
            let length = if kind == ffi::LUA_TSTRING { ffi::lua_objlen(state, index) } else { 0 };
            self.charge(VALUE_SIZE + length)?;
            match kind {
                ffi::LUA_TNIL => Ok(Value::Null),
                ffi::LUA_TBOOLEAN => Ok(Value::Bool(ffi::lua_toboolean(state, index) != 0)),
                ffi::LUA_TNUMBER => Ok(Value::Number(ffi::lua_tonumber(state, index))),
                ffi::LUA_TSTRING => Ok(Value::String(bytes(&state, index).to_vec())),
                ffi::LUA_TLIGHTUSERDATA if marks::is_null(state, index) => Ok(Value::Null),
                ffi::LUA_TTABLE => {
                    let address = ffi::lua_topointer(state, index) as usize;
                    if parents.contains(&address) {
                        return Err(" holds itself".to_owned());
                    }
                    if parents.len() >= MAX_DEPTH as usize {
                        return Err(format!(" is nested deeper than {MAX_DEPTH} levels"));
                    }
                    if parents.is_empty() {
                        self.reserve()?;
                    }
                    parents.push(address);
                    let mut work = WorkCounter::new(self.control);
                    let length = encode::array_length(state, index, &mut work);
                    let value = match length.map_err(|error| error.describe(""))? {
                        Some(length) => self.read_array(index, length, parents)?,
                        None => self.read_object(index, parents)?,
                    };
                    parents.pop();
                    Ok(value)
                }
                other => {
                    let name = CStr::from_ptr(ffi::lua_typename(state, other)).to_string_lossy();
                    Err(format!(" is or holds a {name}, which is no value"))
                }
            }
        }
    }

    unsafe fn read_array(
        &self,
        index: c_int,
        length: c_int,
        parents: &mut Vec<usize>,
    ) -> Result<Value, String> {
        let mut elements = Vec::new();
        for at in 1..=length {
            // SAFETY: as in `read`.
            unsafe {
                ffi::lua_rawgeti_(self.state, index, at);
                elements.push(self.read(ffi::lua_gettop(self.state), parents)?);
                ffi::lua_pop(self.state, 1);
            }
        }
        Ok(Value::Array(elements))
    }

    unsafe fn read_object(&self, index: c_int, parents: &mut Vec<usize>) -> Result<Value, String> {
        let (mut members, mut at) = (Vec::new(), 0);
        let mut work = WorkCounter::new(self.control);
        let mut names = KeyNames::default();
        // SAFETY: as in `read`.
        unsafe {
            while next(self.state, index, &mut at, &mut work).map_err(|error| error.describe(""))? {
                let value = ffi::lua_gettop(self.state);
                let key = match ffi::lua_type(self.state, value - 1) {
                    ffi::LUA_TSTRING => {
                        let key = bytes(&self.state, value - 1);
                        names.text(key);
                        key.to_vec()
                    }
                    ffi::LUA_TNUMBER => {
                        names.numbers = true;
                        number_text(ffi::lua_tonumber(self.state, value - 1))
                            .map_err(|error| error.describe(""))?
                    }
                    other => {
                        let name = CStr::from_ptr(ffi::lua_typename(self.state, other)).to_string_lossy();
                        return Err(format!(" has a key that is a {name}"));
                    }
                };
                self.charge(VALUE_SIZE + key.len())?;
                members.push((key, self.read(value, parents)?));
                ffi::lua_pop(self.state, 2);
            }
            names.check(self.state, index, &mut work).map_err(|error| error.describe(""))?;
        }
        Ok(Value::Object(members))
    }

    fn out_of_memory<T>(&self) -> Result<T, String> {
        self.is_out_of_memory.set(true);
        Err(format!(": {}", fault::OUT_OF_MEMORY))
    }

    fn charge(&self, size: usize) -> Result<(), String> {
        // SAFETY: as above: a function of the library is at a safepoint.
        unsafe { self.control.make_room(self.state, size) };
        if !self.control.heap.charge(size) {
            return self.out_of_memory();
        }
        self.charged.set(self.charged.get() + size);
        if self.control.should_stop() { Err(": the run is past its deadline".to_owned()) } else { Ok(()) }
    }
}

impl function::Arguments for StackArguments<'_> {
    fn name(&self) -> &str {
        self.name
    }

    fn len(&self) -> usize {
        self.count as usize
    }

    fn is_null(&self, index: usize) -> bool {
        match self.type_of(index) {
            ffi::LUA_TNONE | ffi::LUA_TNIL => true,
            // SAFETY: as above, and there is a value.
            ffi::LUA_TLIGHTUSERDATA => unsafe { marks::is_null(self.state, self.stack_index(index)) },
            _ => false,
        }
    }

    fn number(&self, index: usize) -> Option<f64> {
        // SAFETY: as above; a number is not converted.
        (self.type_of(index) == ffi::LUA_TNUMBER)
            .then(|| unsafe { ffi::lua_tonumber(self.state, self.stack_index(index)) })
    }

    fn boolean(&self, index: usize) -> Option<bool> {
        // SAFETY: as above.
        (self.type_of(index) == ffi::LUA_TBOOLEAN)
            .then(|| unsafe { ffi::lua_toboolean(self.state, self.stack_index(index)) } != 0)
    }

    fn bytes(&self, index: usize) -> Option<&[u8]> {
        // SAFETY: as above; a string is not converted, and stays at its place while the call is under way.
        (self.type_of(index) == ffi::LUA_TSTRING)
            .then(|| unsafe { bytes(&self.state, self.stack_index(index)) })
    }

    /// The name of an argument's type.
    fn kind(&self, index: usize) -> &'static str {
        match self.type_of(index) {
            ffi::LUA_TNONE => "nothing",
            ffi::LUA_TLIGHTUSERDATA if self.is_null(index) => "json.null",
            // SAFETY: as above; the name is static.
            kind => unsafe {
                CStr::from_ptr(ffi::lua_typename(self.state, kind)).to_str().unwrap_or("value")
            },
        }
    }

    fn value(&self, index: usize) -> Result<Value, String> {
        if self.type_of(index) == ffi::LUA_TNONE {
            return Ok(Value::Null);
        }
        // SAFETY: as above; what a refusal left on the stack is taken off.
        unsafe {
            let value = self.read(self.stack_index(index), &mut Vec::new());
            ffi::lua_settop(self.state, self.count);
            value
        }
    }

    fn json(&self, index: usize) -> Result<Vec<u8>, String> {
        if self.type_of(index) == ffi::LUA_TNONE {
            return Ok(b"null".to_vec());
        }
        self.reserve()?;
        // SAFETY: as above; the stack has room for what writing pushes, which is all that could raise in it.
        unsafe {
            let mut sink = encode::JsonSink::charged(self.control, self.state);
            let written = encode::write(self.state, self.stack_index(index), &mut sink);
            ffi::lua_settop(self.state, self.count);
            match written {
                Ok(()) => Ok(sink.bytes().to_vec()),
                Err(encode::EncodeError::Memory) => self.out_of_memory(),
                Err(refused) => Err(refused.describe("")),
            }
        }
    }

    fn run_id(&self) -> u64 {
        self.run.id()
    }

    fn script(&self) -> &Arc<str> {
        &self.run.job.compiled.name
    }

    fn deadline(&self) -> Deadline {
        self.run.job.deadline
    }

    fn cancels(&self) -> Vec<CancelHandle> {
        self.run.job.cancels().cloned().collect()
    }

    fn is_cancelled(&self) -> bool {
        self.control.is_cancelled()
    }

    fn data(&self) -> Option<&RequestData> {
        self.run.job.request.data.as_ref()
    }
}
