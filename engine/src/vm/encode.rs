//! Lua values to JSON, straight from the VM's stack to bytes. Tables are read raw: no code of the script runs.

use std::ffi::{CStr, c_int};
use std::io;

use mlua::ffi::{self, lua_State};

use super::buffer::{Buffer, OutOfMemory};
use super::control::Control;
use super::library::{self, json};
use super::names::{self, Names};
use crate::model::json::{MAX_DEPTH, integer};

/// Work between two looks at the deadline: a unit is a slot of a table that was passed, or [`BYTES`] of a string.
pub(super) const LOOK_EVERY: usize = 4096;

/// Bytes of a string that take about as long as a slot of a table.
pub(super) const BYTES: usize = 16;

/// The longest description of an error value, in bytes.
const DESCRIPTION: usize = 1024;

/// How much of a string is written between two looks at the deadline, in bytes.
pub(super) const PIECE: usize = LOOK_EVERY * BYTES;

/// Why a value did not become JSON.
pub(super) enum Refused {
    /// There is no JSON for it: what, and where in it, innermost place first.
    Value { reason: String, path: Vec<String> },
    /// Its JSON is longer than this, in bytes.
    TooLarge(usize),
    /// It does not fit into the memory limit.
    Memory,
    /// The run is past its deadline.
    Late,
}

impl Refused {
    pub(super) fn value(reason: impl Into<String>) -> Self {
        Self::Value { reason: reason.into(), path: Vec::new() }
    }

    /// The refusal as a sentence about `what`, which has a path behind it where the trouble is deeper.
    pub(super) fn describe(self, what: &str) -> String {
        match self {
            Self::Value { reason, path } => {
                format!("{what}{} can't be JSON: {reason}", path.into_iter().rev().collect::<String>())
            }
            Self::TooLarge(limit) => format!("{what} is larger than {limit} bytes as JSON"),
            Self::Memory => super::fault::OUT_OF_MEMORY.to_owned(),
            Self::Late => "the run is past its deadline".to_owned(),
        }
    }
}

/// JSON being written, up to a limit.
pub(super) struct Sink<'a> {
    bytes: Bytes<'a>,
    refused: Option<Refused>,
}

enum Bytes<'a> {
    /// Up to so many bytes, which the host's memory holds.
    Bounded(Vec<u8>, usize),
    /// As many as the VM's memory limit leaves.
    Charged(Buffer<'a>),
}

impl<'a> Sink<'a> {
    /// For at most `limit` bytes.
    pub(super) fn bounded(limit: usize) -> Self {
        Self { bytes: Bytes::Bounded(Vec::new(), limit), refused: None }
    }

    /// For as much as the VM's memory limit leaves.
    ///
    /// # Safety
    /// As [`Buffer::new`].
    pub(super) unsafe fn charged(control: &'a Control, state: *mut lua_State) -> Self {
        // SAFETY: by this function's contract.
        Self { bytes: Bytes::Charged(unsafe { Buffer::new(control, state) }), refused: None }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Bounded(bytes, _) => bytes,
            Bytes::Charged(buffer) => buffer.bytes(),
        }
    }

    pub(super) fn into_string(self) -> String {
        let bytes = match self.bytes {
            Bytes::Bounded(bytes, _) => bytes,
            Bytes::Charged(buffer) => buffer.bytes().to_vec(),
        };
        // It was written as UTF-8.
        String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }

    fn number(&mut self, number: f64) -> Result<(), Refused> {
        if let Some(integer) = integer(number) {
            self.json(&integer)
        } else if number.is_finite() {
            self.json(&number)
        } else {
            Err(Refused::value(if number.is_nan() { "it is NaN" } else { "it is infinite" }))
        }
    }

    /// An integer or float, as `serde_json` writes it.
    fn json<T: serde::Serialize>(&mut self, number: &T) -> Result<(), Refused> {
        serde_json::to_writer(&mut *self, number)
            .map_err(|error| self.refused.take().unwrap_or_else(|| Refused::value(error.to_string())))
    }

    /// Text inside of quotes.
    fn escaped(&mut self, text: &str) -> Result<(), Refused> {
        let mut rest = text.as_bytes();
        while let Some((plain, &[code, ref after @ ..])) = rest
            .iter()
            .position(|&byte| byte < b' ' || byte == b'"' || byte == b'\\')
            .and_then(|at| rest.split_at_checked(at))
        {
            self.put(plain)?;
            let short = match code {
                b'\n' => b'n',
                b'\t' => b't',
                b'\r' => b'r',
                0x08 => b'b',
                0x0C => b'f',
                b'"' | b'\\' => code,
                _ => 0,
            };
            if short == 0 {
                // Below a space: the first digit is 0 or 1.
                let digit = match code & 15 {
                    digit @ ..10 => b'0' + digit,
                    letter => b'a' + letter - 10,
                };
                self.put(&[b'\\', b'u', b'0', b'0', b'0' + (code >> 4), digit])?;
            } else {
                self.put(&[b'\\', short])?;
            }
            rest = after;
        }
        self.put(rest)
    }

    fn put(&mut self, piece: &[u8]) -> Result<(), Refused> {
        match &mut self.bytes {
            Bytes::Bounded(bytes, limit) if bytes.len() + piece.len() > *limit => {
                Err(Refused::TooLarge(*limit))
            }
            Bytes::Bounded(bytes, _) => {
                bytes.extend_from_slice(piece);
                Ok(())
            }
            Bytes::Charged(buffer) => buffer.put(piece).map_err(|OutOfMemory| Refused::Memory),
        }
    }
}

impl io::Write for Sink<'_> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.put(piece).map(|()| piece.len()).map_err(|refused| {
            self.refused = Some(refused);
            io::ErrorKind::Other.into()
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes the value at `index`; `nil` is `null`.
///
/// # Safety
/// `state` is at a call in a VM of ours, and `index` is absolute.
pub(super) unsafe fn write(state: *mut lua_State, index: c_int, sink: &mut Sink<'_>) -> Result<(), Refused> {
    // SAFETY: by this function's contract.
    unsafe { Encoder::new(state, sink).value(index) }
}

/// Writes the values from `first` to `last` as an array.
///
/// # Safety
/// As [`write`].
pub(super) unsafe fn write_list(
    state: *mut lua_State,
    first: c_int,
    last: c_int,
    sink: &mut Sink<'_>,
) -> Result<(), Refused> {
    // SAFETY: by this function's contract.
    let mut encoder = unsafe { Encoder::new(state, sink) };
    for index in first..=last {
        encoder.sink.put(if index == first { b"[" } else { b"," })?;
        // SAFETY: as above.
        unsafe { encoder.value(index) }
            .map_err(|refused| within(refused, || format!("[{}]", index - first + 1)))?;
    }
    sink.put(b"]")
}

/// The value at `index` as a short JSON text, if it can be one.
///
/// # Safety
/// As [`write`].
pub(super) unsafe fn describe(state: *mut lua_State, index: c_int) -> Option<String> {
    let mut sink = Sink::bounded(DESCRIPTION);
    // SAFETY: by this function's contract.
    unsafe { write(state, index, &mut sink) }.ok()?;
    Some(sink.into_string())
}

/// A number as the key of an object. A table has one zero.
pub(super) fn number_text(number: f64) -> Result<Vec<u8>, Refused> {
    let mut sink = Sink::bounded(DESCRIPTION);
    sink.number(number + 0.0)?;
    Ok(sink.bytes().to_vec())
}

/// Work done so far, for looking at the deadline once in a while.
pub(super) struct Work<'a> {
    pub(super) control: &'a Control,
    spent: usize,
}

impl<'a> Work<'a> {
    pub(super) fn new(control: &'a Control) -> Self {
        Self { control, spent: 0 }
    }

    pub(super) fn spend(&mut self, units: usize) -> Result<(), Refused> {
        self.spent += units;
        if self.spent >= LOOK_EVERY {
            self.spent = 0;
            if self.control.should_stop() {
                return Err(Refused::Late);
            }
        }
        Ok(())
    }
}

/// Pushes the key and value of the entry of a table behind `at`, which is 0 at first, and moves it there; or returns
/// `false`, with nothing pushed. Counts the empty slots between, of which a table can have millions.
///
/// # Safety
/// As [`write`], there is a table at the index, and two stack slots are free. Raises nothing.
pub(super) unsafe fn next(
    state: *mut lua_State,
    index: c_int,
    at: &mut c_int,
    work: &mut Work<'_>,
) -> Result<bool, Refused> {
    // SAFETY: by this function's contract.
    let found = unsafe { ffi::lua_rawiter(state, index, *at) };
    if found < 0 {
        // How many empty slots came after the last entry is not told.
        work.spend(LOOK_EVERY)?;
        return Ok(false);
    }
    let passed = found - std::mem::replace(at, found);
    if let Err(refused) = work.spend(passed as usize) {
        // SAFETY: the entry was pushed.
        unsafe { ffi::lua_pop(state, 2) };
        return Err(refused);
    }
    Ok(true)
}

/// How an error tells of a table that can only be an array.
const MARKED: &str = "it is an array, by json.array or from JSON,";

/// `Some(n)` for a table whose keys are exactly 1…n, or that is marked as an array: it may have holes then, up to twice as many
/// as entries, and no other keys.
///
/// # Safety
/// As [`write`], and there is a table at the index. With four free stack slots nothing raises.
pub(super) unsafe fn array_length(
    state: *mut lua_State,
    index: c_int,
    work: &mut Work<'_>,
) -> Result<Option<c_int>, Refused> {
    // SAFETY: by this function's contract; each key and value is popped again.
    unsafe {
        ffi::lua_rawcheckstack(state, 4);
        let is_marked = json::is_array(state, index);
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
                return Err(Refused::value(format!("{MARKED} and has the key {place}")));
            }
            ffi::lua_pop(state, 2);
            if !is_index {
                return Ok(None);
            }
            keys += 1.0;
            last = f64::max(last, key);
        }
        if is_marked && last > 3.0 * keys {
            return Err(Refused::value(format!("{MARKED} and has only {keys} of its {last} elements")));
        }
        Ok((is_marked || keys > 0.0 && keys == length).then_some(last as c_int))
    }
}

/// How an error shows the key at `index`. A number is not converted in the VM, which could raise.
///
/// # Safety
/// As [`write`].
unsafe fn place(state: *mut lua_State, index: c_int) -> String {
    // SAFETY: by this function's contract.
    unsafe {
        match ffi::lua_type(state, index) {
            ffi::LUA_TSTRING => {
                let key = library::bytes(state, index);
                format!(".{}", String::from_utf8_lossy(library::beginning(key, 64)))
            }
            ffi::LUA_TNUMBER => format!("[{}]", ffi::lua_tonumber(state, index)),
            other => format!("[{}]", CStr::from_ptr(ffi::lua_typename(state, other)).to_string_lossy()),
        }
    }
}

struct Encoder<'a, 's> {
    state: *mut lua_State,
    sink: &'a mut Sink<'s>,
    /// Addresses of the tables that hold the value being written.
    parents: Vec<usize>,
    work: Work<'a>,
}

impl<'a, 's> Encoder<'a, 's> {
    /// # Safety
    /// As [`write`].
    unsafe fn new(state: *mut lua_State, sink: &'a mut Sink<'s>) -> Self {
        // SAFETY: by this function's contract.
        let work = Work::new(unsafe { Control::of(state) });
        Self { state, sink, parents: Vec::new(), work }
    }

    /// # Safety
    /// `index` is an absolute index of `state`, as for the functions below.
    unsafe fn value(&mut self, index: c_int) -> Result<(), Refused> {
        let state = self.state;
        // SAFETY: by this function's contract; a string stays on the stack while it is written.
        unsafe {
            match ffi::lua_type(state, index) {
                ffi::LUA_TNIL => self.sink.put(b"null"),
                ffi::LUA_TBOOLEAN => {
                    self.sink.put(if ffi::lua_toboolean(state, index) != 0 { b"true" } else { b"false" })
                }
                ffi::LUA_TNUMBER => self.sink.number(ffi::lua_tonumber(state, index)),
                ffi::LUA_TSTRING => self.string(library::bytes(state, index)).map(drop),
                ffi::LUA_TTABLE => self.table(index),
                ffi::LUA_TLIGHTUSERDATA if json::is_null(state, index) => self.sink.put(b"null"),
                other => {
                    let name = CStr::from_ptr(ffi::lua_typename(state, other)).to_string_lossy();
                    Err(Refused::value(format!("it is a {name}")))
                }
            }
        }
    }

    /// Returns whether something in it was not UTF-8.
    fn string(&mut self, mut rest: &[u8]) -> Result<bool, Refused> {
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

    unsafe fn table(&mut self, index: c_int) -> Result<(), Refused> {
        // SAFETY: there is a table at the index.
        let (address, length) = unsafe {
            (ffi::lua_topointer(self.state, index) as usize, array_length(self.state, index, &mut self.work)?)
        };
        if self.parents.contains(&address) {
            return Err(Refused::value("it holds itself"));
        }
        if self.parents.len() >= MAX_DEPTH as usize {
            return Err(Refused::value(format!("it is nested deeper than {MAX_DEPTH} levels")));
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

    unsafe fn array(&mut self, index: c_int, length: c_int) -> Result<(), Refused> {
        self.sink.put(b"[")?;
        for at in 1..=length {
            if at > 1 {
                self.sink.put(b",")?;
            }
            // SAFETY: there is a table at the index; the value is popped again.
            unsafe {
                ffi::lua_rawgeti_(self.state, index, at);
                let element = ffi::lua_gettop(self.state);
                self.value(element).map_err(|refused| within(refused, || format!("[{at}]")))?;
                ffi::lua_pop(self.state, 1);
            }
            self.work.spend(1)?;
        }
        self.sink.put(b"]")
    }

    unsafe fn object(&mut self, index: c_int) -> Result<(), Refused> {
        self.sink.put(b"{")?;
        let (mut at, mut first) = (0, true);
        let mut names = Names::default();
        // SAFETY: there is a table at the index; key and value are popped again.
        unsafe {
            while next(self.state, index, &mut at, &mut self.work)? {
                if !std::mem::replace(&mut first, false) {
                    self.sink.put(b",")?;
                }
                let value = ffi::lua_gettop(self.state);
                self.key(value - 1, &mut names)?;
                self.sink.put(b":")?;
                self.value(value).map_err(|refused| within(refused, || place(self.state, value - 1)))?;
                ffi::lua_pop(self.state, 2);
            }
            names.check(self.state, index, &mut self.work)?;
        }
        self.sink.put(b"}")
    }

    unsafe fn key(&mut self, index: c_int, names: &mut Names) -> Result<(), Refused> {
        // SAFETY: there is a key at the index.
        unsafe {
            match ffi::lua_type(self.state, index) {
                ffi::LUA_TSTRING => {
                    let key = library::bytes(self.state, index);
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
                    Err(Refused::value(format!("it has a key that is a {name}")))
                }
            }
        }
    }
}

/// Where the first piece of a string ends: not inside a character.
fn piece_end(bytes: &[u8]) -> usize {
    if bytes.len() <= PIECE {
        return bytes.len();
    }
    // A character has at most three bytes that go on; what has more is none.
    (0..4).map(|back| PIECE - back).find(|&end| !matches!(bytes.get(end), Some(0x80..=0xBF))).unwrap_or(PIECE)
}

/// Says in which place of its table the refused value is.
fn within(refused: Refused, place: impl FnOnce() -> String) -> Refused {
    match refused {
        Refused::Value { reason, mut path } => {
            path.push(place());
            Refused::Value { reason, path }
        }
        other => other,
    }
}
