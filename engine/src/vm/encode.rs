//! Lua values to JSON, straight from the VM's stack to bytes. Tables are read raw: no code of the script runs.

use std::ffi::{CStr, c_int};

use mlua::ffi::{self, lua_State};

use super::control::Control;
use super::names::{self, KeyNames};
use super::sink::DESCRIPTION;
pub(super) use super::sink::{EncodeError, JsonSink};
use super::walk::{BYTES, PIECE, WorkCounter, next};
use super::{access, marks};
use crate::model::json::MAX_DEPTH;

/// Writes the value at `index`; `nil` is `null`.
///
/// # Safety
/// `state` is at a call in a VM of ours, and `index` is absolute.
pub(super) unsafe fn write(
    state: *mut lua_State,
    index: c_int,
    sink: &mut JsonSink<'_>,
) -> Result<(), EncodeError> {
    // SAFETY: by this function's contract.
    unsafe { Encoder::new(&state, sink).value(index) }
}

/// Writes the values from `first` to `last` as an array.
///
/// # Safety
/// As [`write`].
pub(super) unsafe fn write_list(
    state: *mut lua_State,
    first: c_int,
    last: c_int,
    sink: &mut JsonSink<'_>,
) -> Result<(), EncodeError> {
    // SAFETY: by this function's contract.
    let mut encoder = unsafe { Encoder::new(&state, sink) };
    for index in first..=last {
        encoder.sink.put(if index == first { b"[" } else { b"," })?;
        // SAFETY: as above.
        unsafe { encoder.value(index) }
            .map_err(|error| within(error, || format!("[{}]", index - first + 1)))?;
    }
    sink.put(b"]")
}

/// The value at `index` as a short JSON text, if it can be one.
///
/// # Safety
/// As [`write`].
pub(super) unsafe fn describe(state: *mut lua_State, index: c_int) -> Option<String> {
    let mut sink = JsonSink::bounded(DESCRIPTION);
    // SAFETY: by this function's contract.
    unsafe { write(state, index, &mut sink) }.ok()?;
    Some(sink.into_string())
}

/// How an error message names a table that is marked as an array.
const MARKED: &str = "it is an array, by json.array or from JSON,";

/// `Some(n)` for a table whose keys are exactly 1…n, or that is marked as an array: it may have holes then, up to twice as many
/// as entries, and no other keys.
///
/// # Safety
/// As [`write`], and there is a table at the index. With four free stack slots nothing raises.
pub(super) unsafe fn array_length(
    state: *mut lua_State,
    index: c_int,
    work: &mut WorkCounter<'_>,
) -> Result<Option<c_int>, EncodeError> {
    // SAFETY: by this function's contract; each key and value is popped again.
    unsafe {
        ffi::lua_rawcheckstack(state, 4);
        let is_marked = marks::is_array(state, index);
        let length =
            if is_marked { f64::INFINITY } else { f64::from(ffi::lua_objlen(state, index) as c_int) };
        let (mut keys, mut last, mut at) = (0.0, 0.0, 0);
        while next(state, index, &mut at, work)? {
            let is_number = ffi::lua_type(state, -2) == ffi::LUA_TNUMBER;
            let key = if is_number { ffi::lua_tonumber(state, -2) } else { 0.0 };
            let is_index = key.fract() == 0.0 && key >= 1.0 && key <= length;
            if is_marked && !is_index {
                let place = place(state, ffi::lua_gettop(state) - 1);
                ffi::lua_pop(state, 2);
                return Err(EncodeError::unsupported(format!("{MARKED} and has the key {place}")));
            }
            ffi::lua_pop(state, 2);
            if !is_index {
                return Ok(None);
            }
            keys += 1.0;
            last = f64::max(last, key);
        }
        if is_marked && last > 3.0 * keys {
            return Err(EncodeError::unsupported(format!(
                "{MARKED} and has only {keys} of its {last} elements"
            )));
        }
        Ok((is_marked || keys > 0.0 && keys == length).then_some(last as c_int))
    }
}

/// The key at `index`, for an error message. A number is not converted by Luau, which could raise.
///
/// # Safety
/// As [`write`].
unsafe fn place(state: *mut lua_State, index: c_int) -> String {
    // SAFETY: by this function's contract.
    unsafe {
        match ffi::lua_type(state, index) {
            ffi::LUA_TSTRING => {
                let key = access::bytes(&state, index);
                format!(".{}", String::from_utf8_lossy(access::beginning(key, 64)))
            }
            ffi::LUA_TNUMBER => format!("[{}]", ffi::lua_tonumber(state, index)),
            other => format!("[{}]", CStr::from_ptr(ffi::lua_typename(state, other)).to_string_lossy()),
        }
    }
}

struct Encoder<'a, 's> {
    state: *mut lua_State,
    sink: &'a mut JsonSink<'s>,
    /// Addresses of the tables that hold the value being written.
    parents: Vec<usize>,
    work: WorkCounter<'a>,
}

impl<'a, 's> Encoder<'a, 's> {
    /// # Safety
    /// As [`write`].
    unsafe fn new(state: &'a *mut lua_State, sink: &'a mut JsonSink<'s>) -> Self {
        // SAFETY: by this function's contract.
        let work = WorkCounter::new(unsafe { Control::from_state(state) });
        Self { state: *state, sink, parents: Vec::new(), work }
    }

    /// # Safety
    /// `index` is an absolute index of `state`, as for the functions below.
    unsafe fn value(&mut self, index: c_int) -> Result<(), EncodeError> {
        let state = self.state;
        // SAFETY: by this function's contract; a string stays on the stack while it is written.
        unsafe {
            match ffi::lua_type(state, index) {
                ffi::LUA_TNIL => self.sink.put(b"null"),
                ffi::LUA_TBOOLEAN => {
                    self.sink.put(if ffi::lua_toboolean(state, index) != 0 { b"true" } else { b"false" })
                }
                ffi::LUA_TNUMBER => self.sink.number(ffi::lua_tonumber(state, index)),
                ffi::LUA_TSTRING => self.string(access::bytes(&state, index)).map(drop),
                ffi::LUA_TTABLE => self.table(index),
                ffi::LUA_TLIGHTUSERDATA if marks::is_null(state, index) => self.sink.put(b"null"),
                other => {
                    let name = CStr::from_ptr(ffi::lua_typename(state, other)).to_string_lossy();
                    Err(EncodeError::unsupported(format!("it is a {name}")))
                }
            }
        }
    }

    /// Writes a string; returns whether something in it was not UTF-8.
    fn string(&mut self, mut rest: &[u8]) -> Result<bool, EncodeError> {
        let mut replaced = false;
        self.sink.put(b"\"")?;
        while !rest.is_empty() {
            let (piece, tail) = rest.split_at(piece_end(rest));
            rest = tail;
            match std::str::from_utf8(piece) {
                Ok(text) => self.sink.escaped(text)?,
                Err(_) => {
                    replaced = true;
                    for chunk in piece.utf8_chunks() {
                        self.sink.escaped(chunk.valid())?;
                        if !chunk.invalid().is_empty() {
                            self.sink.put(names::REPLACEMENT.as_bytes())?;
                        }
                    }
                }
            }
            self.work.spend(piece.len() / BYTES)?;
        }
        self.sink.put(b"\"")?;
        Ok(replaced)
    }

    unsafe fn table(&mut self, index: c_int) -> Result<(), EncodeError> {
        // SAFETY: there is a table at the index.
        let (address, length) = unsafe {
            (ffi::lua_topointer(self.state, index) as usize, array_length(self.state, index, &mut self.work)?)
        };
        if self.parents.contains(&address) {
            return Err(EncodeError::unsupported("it holds itself"));
        }
        if self.parents.len() >= MAX_DEPTH as usize {
            return Err(EncodeError::unsupported(format!("it is nested deeper than {MAX_DEPTH} levels")));
        }
        self.parents.push(address);
        // SAFETY: as above; room for a key, a value and the copy of a key.
        unsafe {
            ffi::lua_rawcheckstack(self.state, 4);
            match length {
                Some(length) => self.array(index, length)?,
                None => self.object(index)?,
            }
        }
        self.parents.pop();
        Ok(())
    }

    unsafe fn array(&mut self, index: c_int, length: c_int) -> Result<(), EncodeError> {
        self.sink.put(b"[")?;
        for at in 1..=length {
            if at > 1 {
                self.sink.put(b",")?;
            }
            // SAFETY: there is a table at the index; the value is popped again.
            unsafe {
                ffi::lua_rawgeti_(self.state, index, at);
                let element = ffi::lua_gettop(self.state);
                self.value(element).map_err(|error| within(error, || format!("[{at}]")))?;
                ffi::lua_pop(self.state, 1);
            }
            self.work.spend(1)?;
        }
        self.sink.put(b"]")
    }

    unsafe fn object(&mut self, index: c_int) -> Result<(), EncodeError> {
        self.sink.put(b"{")?;
        let (mut at, mut first) = (0, true);
        let mut names = KeyNames::default();
        // SAFETY: there is a table at the index; key and value are popped again.
        unsafe {
            while next(self.state, index, &mut at, &mut self.work)? {
                if !std::mem::replace(&mut first, false) {
                    self.sink.put(b",")?;
                }
                let value = ffi::lua_gettop(self.state);
                self.key(value - 1, &mut names)?;
                self.sink.put(b":")?;
                self.value(value).map_err(|error| within(error, || place(self.state, value - 1)))?;
                ffi::lua_pop(self.state, 2);
            }
            names.check(self.state, index, &mut self.work)?;
        }
        self.sink.put(b"}")
    }

    unsafe fn key(&mut self, index: c_int, names: &mut KeyNames) -> Result<(), EncodeError> {
        // SAFETY: there is a key at the index.
        unsafe {
            match ffi::lua_type(self.state, index) {
                ffi::LUA_TSTRING => {
                    let state = self.state;
                    let key = access::bytes(&state, index);
                    names.text(key);
                    names.replaced |= self.string(key)?;
                    Ok(())
                }
                ffi::LUA_TNUMBER => {
                    names.numbers = true;
                    self.sink.put(b"\"")?;
                    self.sink.number(ffi::lua_tonumber(self.state, index) + 0.0)?;
                    self.sink.put(b"\"")
                }
                other => {
                    let name = CStr::from_ptr(ffi::lua_typename(self.state, other)).to_string_lossy();
                    Err(EncodeError::unsupported(format!("it has a key that is a {name}")))
                }
            }
        }
    }
}

/// Where the first piece of a string ends, which is not inside of a character.
fn piece_end(bytes: &[u8]) -> usize {
    if bytes.len() <= PIECE {
        return bytes.len();
    }
    // A character has at most three bytes that go on; what has more is none.
    (0..4).map(|back| PIECE - back).find(|&end| !matches!(bytes.get(end), Some(0x80..=0xBF))).unwrap_or(PIECE)
}

/// Adds the key of the value at fault to the error.
fn within(error: EncodeError, place: impl FnOnce() -> String) -> EncodeError {
    match error {
        EncodeError::Unsupported { reason, mut path } => {
            path.push(place());
            EncodeError::Unsupported { reason, path }
        }
        other => other,
    }
}
