//! JSON to Lua values, straight from the text onto the VM's stack.

use std::cell::Cell;
use std::ffi::c_int;
use std::fmt;
use std::io::{self, BufReader, Read};

use mlua::ffi::{self, lua_State};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::collisions::Colliding;
use super::control::Control;
use super::library::json;
use crate::error::Position;
use crate::value::MAX_EXACT;

/// The deepest nesting of arrays and objects, as in the contract.
pub(super) const MAX_DEPTH: u32 = 128;

/// Values between two looks at the deadline.
const LOOK_EVERY: u32 = 64;

/// Room that a table is made with: growing from nothing to four took a tenth of a short run.
const PRESIZED: c_int = 4;

/// The longest text that is read without looks at the deadline between its bytes, in bytes: some 5 ms of white space.
const AT_ONCE: usize = 4 << 20;

/// Bytes of a longer one between two looks.
const PIECE: usize = 64 << 10;

/// Why a text did not become a value.
pub(super) enum Refused {
    /// It is not JSON, or nested too deeply.
    Json { reason: String, position: Position },
    /// The run is past its deadline.
    Late,
}

/// Pushes the value that `text` holds. With `readonly`, every table in it is.
///
/// # Safety
/// `state` is at a call in a VM of ours. Raises a Lua error when memory runs out. On a refusal the stack is as before.
pub(super) unsafe fn push(state: *mut lua_State, text: &[u8], readonly: bool) -> Result<(), Refused> {
    // SAFETY: by this function's contract.
    let (control, top) = unsafe { (Control::of(state), ffi::lua_gettop(state)) };
    // SAFETY: as above; the metatable is made with the VM.
    unsafe {
        ffi::lua_rawcheckstack(state, 4);
        json::push_array_metatable(state);
    }
    control.collisions.begin();
    let decoder =
        Decoder { state, control, array: top + 1, readonly, values: Cell::new(0), late: Cell::new(false) };
    let result = if text.len() <= AT_ONCE {
        match std::str::from_utf8(text) {
            // Checked once, and not for each string in it.
            Ok(text) => decoder.read(serde_json::Deserializer::from_str(text)),
            Err(_) => decoder.read(serde_json::Deserializer::from_slice(text)),
        }
    } else {
        let pieces = BufReader::with_capacity(PIECE, Looking { text, decoder: &decoder });
        decoder.read(serde_json::Deserializer::from_reader(pieces))
    };
    // SAFETY: as above; the value, if there is one, is the last one on the stack.
    unsafe {
        match result {
            Ok(()) => {
                ffi::lua_remove(state, top + 1);
                Ok(())
            }
            Err(error) => {
                ffi::lua_settop(state, top);
                Err(if decoder.late.get() { Refused::Late } else { refused(text, &error) })
            }
        }
    }
}

fn refused(text: &[u8], error: &serde_json::Error) -> Refused {
    let shown = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let reason = shown.strip_suffix(&place).unwrap_or(&shown).to_owned();
    let byte = if error.is_eof() {
        text.len()
    } else {
        // Column 0 is the line break before.
        let lines = text.split_inclusive(|&byte| byte == b'\n').take(error.line().saturating_sub(1));
        (lines.map(<[u8]>::len).sum::<usize>() + error.column()).saturating_sub(1)
    };
    Refused::Json { reason, position: position(text, byte) }
}

/// The place of a byte of `text`, in characters.
pub(super) fn position(text: &[u8], byte: usize) -> Position {
    let before = &text[..byte.min(text.len())];
    let characters = |bytes: &[u8]| bytes.iter().filter(|&&byte| byte & 0xC0 != 0x80).count();
    let line_start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    Position {
        line: 1 + before.iter().filter(|&&byte| byte == b'\n').count(),
        column: 1 + characters(&before[line_start..]),
        char: characters(before),
    }
}

struct Decoder<'a> {
    state: *mut lua_State,
    control: &'a Control,
    /// Stack index of the metatable that marks arrays.
    array: c_int,
    readonly: bool,
    values: Cell<u32>,
    late: Cell<bool>,
}

/// A long text, in pieces: reading ends when the run must.
struct Looking<'a> {
    text: &'a [u8],
    decoder: &'a Decoder<'a>,
}

impl Read for Looking<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.decoder.control.should_stop() {
            self.decoder.late.set(true);
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.text.read(into)
    }
}

impl Decoder<'_> {
    /// Pushes the value that a text holds.
    fn read<'de, R: serde_json::de::Read<'de>>(
        &self,
        mut deserializer: serde_json::Deserializer<R>,
    ) -> Result<(), serde_json::Error> {
        deserializer.disable_recursion_limit();
        Value { decoder: self, depth: 0 }.deserialize(&mut deserializer)?;
        deserializer.end()
    }

    /// One more value is coming. Building a table from keys that collide can take long: look at the deadline.
    fn count<E: serde::de::Error>(&self) -> Result<(), E> {
        let values = self.values.get().wrapping_add(1);
        self.values.set(values);
        if values.is_multiple_of(LOOK_EVERY) && self.control.should_stop() {
            self.late.set(true);
            return Err(E::custom("late"));
        }
        Ok(())
    }

    fn push_string<E: serde::de::Error>(&self, text: &str) -> Result<(), E> {
        // SAFETY: `state` is at a call with room on its stack: see `open`.
        unsafe { self.control.collisions.push(self.state, text.as_bytes()) }
            .map_err(|Colliding| E::custom("too many strings that hash alike"))
    }

    fn push_number(&self, number: f64) {
        // SAFETY: as above.
        unsafe { ffi::lua_pushnumber(self.state, number) };
    }

    /// Begins a table at `depth`, with room on the stack for a key, a value and a metatable.
    fn open<E: serde::de::Error>(&self, depth: u32, elements: c_int, members: c_int) -> Result<(), E> {
        if depth >= MAX_DEPTH {
            return Err(E::custom(format_args!("nested deeper than {MAX_DEPTH} levels")));
        }
        // SAFETY: `state` is at a call.
        unsafe {
            ffi::lua_rawcheckstack(self.state, 4);
            ffi::lua_createtable(self.state, elements, members);
        }
        Ok(())
    }

    fn close(&self, is_array: bool) {
        // SAFETY: the table is the last value on the stack.
        unsafe {
            if is_array {
                ffi::lua_pushvalue(self.state, self.array);
                ffi::lua_setmetatable(self.state, -2);
            }
            if self.readonly {
                ffi::lua_setreadonly(self.state, -1, 1);
            }
        }
    }
}

/// Deserializes one value onto the stack.
#[derive(Clone, Copy)]
struct Value<'a> {
    decoder: &'a Decoder<'a>,
    depth: u32,
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        // SAFETY: `state` is at a call with room on its stack.
        unsafe { json::push_null(self.decoder.state) };
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        // SAFETY: as above.
        unsafe { ffi::lua_pushboolean(self.decoder.state, value.into()) };
        Ok(())
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        if value.unsigned_abs() <= MAX_EXACT {
            self.decoder.push_number(value as f64);
        } else {
            self.decoder.push_string(&value.to_string())?;
        }
        Ok(())
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        if value <= MAX_EXACT {
            self.decoder.push_number(value as f64);
        } else {
            self.decoder.push_string(&value.to_string())?;
        }
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.decoder.push_number(value);
        Ok(())
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<(), E> {
        self.decoder.push_string(value)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Self { decoder, depth } = self;
        decoder.open(depth, PRESIZED, 0)?;
        let mut index = 0;
        while seq.next_element_seed(Value { decoder, depth: depth + 1 })?.is_some() {
            decoder.count()?;
            index += 1;
            // SAFETY: the table and the element are the last values on the stack.
            unsafe { ffi::lua_rawseti_(decoder.state, -2, index) };
        }
        decoder.close(true);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { decoder, depth } = self;
        decoder.open(depth, 0, PRESIZED)?;
        while map.next_key_seed(Key(decoder))?.is_some() {
            decoder.count()?;
            map.next_value_seed(Value { decoder, depth: depth + 1 })?;
            // SAFETY: the table, the key and the value are the last values on the stack.
            unsafe { ffi::lua_rawset(decoder.state, -3) };
        }
        decoder.close(false);
        Ok(())
    }
}

/// Deserializes a key onto the stack.
struct Key<'a>(&'a Decoder<'a>);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<(), E> {
        self.0.push_string(value)
    }
}
