//! The output of the JSON encoder, and the errors of encoding.

use std::io;

use mlua::ffi::lua_State;

use super::buffer::{Buffer, OutOfMemory};
use super::control::Control;
use super::fault;
use crate::model::json::integer;

/// The longest description of an error value, in bytes.
pub(super) const DESCRIPTION: usize = 1024;

/// Why a value could not be encoded.
pub(super) enum EncodeError {
    /// Something in it has no JSON form: why, and the path to it, innermost key first.
    Unsupported { reason: String, path: Vec<String> },
    /// Its JSON is longer than this, in bytes.
    TooLarge(usize),
    /// It does not fit into the memory limit.
    Memory,
    /// The run is past its deadline.
    Late,
}

impl EncodeError {
    pub(super) fn unsupported(reason: impl Into<String>) -> Self {
        Self::Unsupported { reason: reason.into(), path: Vec::new() }
    }

    /// The error as a sentence about `what`, followed by the path to the value at fault.
    pub(super) fn describe(self, what: &str) -> String {
        match self {
            Self::Unsupported { reason, path } => {
                format!("{what}{} can't be JSON: {reason}", path.into_iter().rev().collect::<String>())
            }
            Self::TooLarge(limit) => format!("{what} is larger than {limit} bytes as JSON"),
            Self::Memory => fault::OUT_OF_MEMORY.to_owned(),
            Self::Late => "the run is past its deadline".to_owned(),
        }
    }
}

/// Bytes of JSON, up to a limit.
pub(super) struct JsonSink<'a> {
    bytes: Storage<'a>,
    error: Option<EncodeError>,
}

enum Storage<'a> {
    /// In the host's memory, up to a limit.
    Bounded(Vec<u8>, usize),
    /// Charged to the run, up to its memory limit.
    Charged(Buffer<'a>),
}

impl<'a> JsonSink<'a> {
    /// For at most `limit` bytes, in the host's memory.
    pub(super) fn bounded(limit: usize) -> Self {
        Self { bytes: Storage::Bounded(Vec::new(), limit), error: None }
    }

    /// For as much as the run's memory limit allows; what is written is charged to the run.
    ///
    /// # Safety
    /// As [`Buffer::new`].
    pub(super) unsafe fn charged(control: &'a Control, state: *mut lua_State) -> Self {
        // SAFETY: by this function's contract.
        Self { bytes: Storage::Charged(unsafe { Buffer::new(control, state) }), error: None }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match &self.bytes {
            Storage::Bounded(bytes, _) => bytes,
            Storage::Charged(buffer) => buffer.bytes(),
        }
    }

    pub(super) fn into_string(self) -> String {
        let bytes = match self.bytes {
            Storage::Bounded(bytes, _) => bytes,
            Storage::Charged(buffer) => buffer.bytes().to_vec(),
        };
        // It was written as UTF-8.
        String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }

    pub(super) fn number(&mut self, number: f64) -> Result<(), EncodeError> {
        if let Some(integer) = integer(number) {
            self.json(&integer)
        } else if number.is_finite() {
            self.json(&number)
        } else {
            Err(EncodeError::unsupported(if number.is_nan() { "it is NaN" } else { "it is infinite" }))
        }
    }

    /// An integer or float, as `serde_json` writes it.
    fn json<T: serde::Serialize>(&mut self, number: &T) -> Result<(), EncodeError> {
        serde_json::to_writer(&mut *self, number)
            .map_err(|error| self.error.take().unwrap_or_else(|| EncodeError::unsupported(error.to_string())))
    }

    /// Text inside of quotes.
    pub(super) fn escaped(&mut self, text: &str) -> Result<(), EncodeError> {
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

    /// Inlined, since most pieces are one byte, and a copy of unknown length costs ten times as much.
    #[inline(always)]
    pub(super) fn put(&mut self, piece: &[u8]) -> Result<(), EncodeError> {
        match &mut self.bytes {
            Storage::Bounded(bytes, limit) if piece.len() <= *limit - bytes.len() => {
                bytes.extend_from_slice(piece);
                Ok(())
            }
            Storage::Bounded(_, limit) => Err(EncodeError::TooLarge(*limit)),
            Storage::Charged(buffer) => buffer.put(piece).map_err(|OutOfMemory| EncodeError::Memory),
        }
    }
}

impl io::Write for JsonSink<'_> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.put(piece).map(|()| piece.len()).map_err(|error| {
            self.error = Some(error);
            io::ErrorKind::Other.into()
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A number as the key of an object. Both zeros are one key in Lua, and so `0` here.
pub(super) fn number_text(number: f64) -> Result<Vec<u8>, EncodeError> {
    let mut sink = JsonSink::bounded(DESCRIPTION);
    sink.number(number + 0.0)?;
    Ok(sink.bytes().to_vec())
}
