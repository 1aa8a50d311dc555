//! Reads JSON text (RFC 8259): one parser for every place where JSON comes in, which hands what it reads to a
//! [`JsonBuilder`].
//!
//! It is not `serde_json` for four reasons. Numbers are exact at less cost than with its `float_roundtrip`. Half a
//! surrogate pair becomes U+FFFD instead of an error. The deadline can be checked anywhere. And no feature that another
//! crate of the host enables in `serde_json` (such as `arbitrary_precision`) changes what a script sees.

mod number;

use crate::model::error::Position;

/// The deepest nesting of arrays and objects, as in the contract.
pub(crate) const MAX_DEPTH: u32 = 128;

/// The largest integer up to which a double holds every one: 2^53.
pub(crate) const MAX_EXACT: u64 = 1 << 53;

/// The integer that a number goes out as. A negative zero has none: it would come back as another number.
pub(crate) fn integer(number: f64) -> Option<i64> {
    let integer = number as i64;
    (integer.unsigned_abs() <= MAX_EXACT && (integer as f64).to_bits() == number.to_bits()).then_some(integer)
}

/// Values between two safepoints.
const SAFEPOINT_EVERY: u32 = 64;

/// Bytes between two safepoints, where they hold few values.
const PIECE: usize = 64 << 10;

/// Why a text could not be read.
#[derive(Debug)]
pub(crate) enum ReadError<S> {
    /// It is not JSON, or nested too deeply: why, and at which byte.
    Syntax { reason: &'static str, at: usize },
    /// The builder failed.
    Builder(S),
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Container {
    Array,
    Object,
}

/// Builds values on a stack. A new value is pushed; [`element`](Self::element) or [`member`](Self::member) pops it into the
/// array or object below it.
pub(crate) trait JsonBuilder {
    /// Why it failed.
    type Error;

    fn null(&mut self);
    fn boolean(&mut self, flag: bool);
    fn number(&mut self, number: f64);
    /// A string of UTF-8: a value, or the key of the member to come.
    fn string(&mut self, text: &[u8]);
    /// A piece of a string that comes in several.
    fn piece(&mut self, text: &[u8]) -> Result<(), Self::Error>;
    /// The string is complete: pushes its pieces as one.
    fn pieces(&mut self);
    /// An empty array or object.
    fn open(&mut self, kind: Container);
    /// The value on the top is an element of the array below, at this index from 1.
    fn element(&mut self, index: usize);
    /// The value on the top, with the key below it, is a member of the object below.
    fn member(&mut self);
    /// The array or object on the top is complete.
    fn close(&mut self, kind: Container);
    /// Called after a bounded amount of work.
    fn safepoint(&mut self) -> Result<(), Self::Error>;
}

/// Builds nothing, for who checks a text only: what it has is called as a safepoint.
pub(crate) struct Nothing<S>(pub(crate) S);

impl<E, S: FnMut() -> Result<(), E>> JsonBuilder for Nothing<S> {
    type Error = E;

    fn null(&mut self) {}
    fn boolean(&mut self, _: bool) {}
    fn number(&mut self, _: f64) {}
    fn string(&mut self, _: &[u8]) {}
    fn piece(&mut self, _: &[u8]) -> Result<(), E> {
        Ok(())
    }
    fn pieces(&mut self) {}
    fn open(&mut self, _: Container) {}
    fn element(&mut self, _: usize) {}
    fn member(&mut self) {}
    fn close(&mut self, _: Container) {}

    fn safepoint(&mut self) -> Result<(), E> {
        (self.0)()
    }
}

/// Reads the one value that `text` holds. On an error, the caller removes what is left on the builder's
/// stack.
pub(crate) fn read<B: JsonBuilder>(text: &[u8], build: &mut B) -> Result<(), ReadError<B::Error>> {
    let mut reader = JsonReader { text, at: 0, build, values: 0, last_safepoint: 0 };
    reader.value(0)?;
    match reader.space()? {
        None => Ok(()),
        Some(_) => reader.refuse("trailing characters"),
    }
}

/// The position of a byte of `text`, in characters.
pub(crate) fn position(text: &[u8], byte: usize) -> Position {
    let before = &text[..byte.min(text.len())];
    let characters = |bytes: &[u8]| bytes.iter().filter(|&&byte| byte & 0xC0 != 0x80).count();
    let line_start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    Position {
        line: 1 + before.iter().filter(|&&byte| byte == b'\n').count(),
        column: 1 + characters(&before[line_start..]),
        char: characters(before),
    }
}

struct JsonReader<'a, B> {
    text: &'a [u8],
    /// The byte that comes next.
    at: usize,
    build: &'a mut B,
    values: u32,
    /// The position of the last safepoint.
    last_safepoint: usize,
}

impl<B: JsonBuilder> JsonReader<'_, B> {
    fn refuse<T>(&self, reason: &'static str) -> Result<T, ReadError<B::Error>> {
        Err(ReadError::Syntax { reason, at: self.at })
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// A safepoint, if the last one is [`PIECE`] bytes ago.
    fn safepoint(&mut self) -> Result<(), ReadError<B::Error>> {
        if self.at - self.last_safepoint >= PIECE {
            self.last_safepoint = self.at;
            self.build.safepoint().map_err(ReadError::Builder)?;
        }
        Ok(())
    }

    /// One more value or key is coming.
    fn count(&mut self) -> Result<(), ReadError<B::Error>> {
        self.values = self.values.wrapping_add(1);
        if self.values.is_multiple_of(SAFEPOINT_EVERY) {
            self.build.safepoint().map_err(ReadError::Builder)?;
        }
        Ok(())
    }

    /// Skips white space; returns the byte behind it.
    fn space(&mut self) -> Result<Option<u8>, ReadError<B::Error>> {
        loop {
            match self.peek() {
                Some(b' ' | b'\n' | b'\t' | b'\r') => {
                    self.at += 1;
                    self.safepoint()?;
                }
                next => return Ok(next),
            }
        }
    }

    fn value(&mut self, depth: u32) -> Result<(), ReadError<B::Error>> {
        match self.space()? {
            Some(b'"') => self.string(),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b'{') => self.table(Container::Object, depth),
            Some(b'[') => self.table(Container::Array, depth),
            Some(b't') => self.word(b"true").map(|()| self.build.boolean(true)),
            Some(b'f') => self.word(b"false").map(|()| self.build.boolean(false)),
            Some(b'n') => self.word(b"null").map(|()| self.build.null()),
            Some(_) => self.refuse("expected value"),
            None => self.refuse("EOF while parsing a value"),
        }
    }

    fn word(&mut self, word: &[u8]) -> Result<(), ReadError<B::Error>> {
        for expected in word {
            match self.peek() {
                Some(found) if found == *expected => self.at += 1,
                Some(_) => return self.refuse("expected ident"),
                None => return self.refuse("EOF while parsing a value"),
            }
        }
        Ok(())
    }

    fn table(&mut self, kind: Container, depth: u32) -> Result<(), ReadError<B::Error>> {
        let (end, unfinished, unseparated) = match kind {
            Container::Array => (b']', "EOF while parsing a list", "expected `,` or `]`"),
            Container::Object => (b'}', "EOF while parsing an object", "expected `,` or `}`"),
        };
        if depth >= MAX_DEPTH {
            const { assert!(MAX_DEPTH == 128) }
            return self.refuse("nested deeper than 128 levels");
        }
        self.build.open(kind);
        self.at += 1;
        let mut next = self.space()?;
        let mut entries = 0;
        while next != Some(end) {
            self.count()?;
            if kind == Container::Object {
                match next {
                    Some(b'"') => self.string()?,
                    Some(_) => return self.refuse("key must be a string"),
                    None => return self.refuse(unfinished),
                }
                match self.space()? {
                    Some(b':') => self.at += 1,
                    Some(_) => return self.refuse("expected `:`"),
                    None => return self.refuse(unfinished),
                }
                self.value(depth + 1)?;
                self.build.member();
            } else {
                if next.is_none() {
                    return self.refuse(unfinished);
                }
                self.value(depth + 1)?;
                entries += 1;
                self.build.element(entries);
            }
            match self.space()? {
                Some(b',') => self.at += 1,
                Some(byte) if byte == end => break,
                Some(_) => return self.refuse(unseparated),
                None => return self.refuse(unfinished),
            }
            next = self.space()?;
            if next == Some(end) {
                return self.refuse("trailing comma");
            }
        }
        self.at += 1;
        self.build.close(kind);
        Ok(())
    }

    /// A string, of which the opening quote comes next.
    fn string(&mut self) -> Result<(), ReadError<B::Error>> {
        self.at += 1;
        let (start, mut plain) = (self.at, self.at);
        let mut high = false;
        loop {
            match self.skip_plain(&mut high) {
                Some(b'"') => break,
                Some(b'\\') => {
                    self.piece(&self.text[plain..self.at])?;
                    self.at += 1;
                    self.escape()?;
                    plain = self.at;
                    self.safepoint()?;
                }
                Some(_) => {
                    return self.refuse("control character (\\u0000-\\u001F) found while parsing a string");
                }
                None => return self.refuse("EOF while parsing a string"),
            }
        }
        if high {
            self.check_characters(start)?;
        }
        let rest = &self.text[plain..self.at];
        if plain == start {
            self.build.string(rest);
        } else {
            self.piece(rest)?;
            self.build.pieces();
        }
        self.at += 1;
        self.safepoint()
    }

    fn piece(&mut self, text: &[u8]) -> Result<(), ReadError<B::Error>> {
        self.build.piece(text).map_err(ReadError::Builder)
    }

    /// Fails if the bytes from `start` to here are not UTF-8.
    fn check_characters(&mut self, start: usize) -> Result<(), ReadError<B::Error>> {
        let (mut at, end) = (start, self.at);
        while at < end {
            let stop = end.min(at + PIECE);
            at += match std::str::from_utf8(&self.text[at..stop]) {
                Ok(piece) => piece.len(),
                // A character that goes on in the next piece.
                Err(error) if error.error_len().is_none() && stop < end => error.valid_up_to(),
                Err(error) => {
                    self.at = at + error.valid_up_to();
                    return self.refuse("invalid UTF-8");
                }
            };
            if at < end {
                self.build.safepoint().map_err(ReadError::Builder)?;
            }
        }
        Ok(())
    }

    /// Skips to the next quote, backslash or control character of a string. `high` becomes true if bytes beyond ASCII were
    /// skipped.
    fn skip_plain(&mut self, high: &mut bool) -> Option<u8> {
        const ONES: u64 = u64::MAX / 0xFF;
        const HIGHS: u64 = ONES << 7;
        let mut seen = 0;
        loop {
            let rest = &self.text[self.at..];
            if let Some(eight) = rest.first_chunk() {
                let word = u64::from_le_bytes(*eight);
                // Eight bytes at once. The highest bit is set in each byte that is zero after the `^` or is below a space. A
                // borrow may set it wrongly in a byte above such a one, so only the lowest set bit is used.
                let (quote, backslash) = (word ^ (ONES * b'"' as u64), word ^ (ONES * b'\\' as u64));
                let stops = ((word.wrapping_sub(ONES * b' ' as u64) & !word)
                    | (quote.wrapping_sub(ONES) & !quote)
                    | (backslash.wrapping_sub(ONES) & !backslash))
                    & HIGHS;
                let plain = stops.trailing_zeros() as usize / 8;
                // What comes after the stop does not count.
                seen |= if plain == 8 { word } else { word & ((1 << (8 * plain)) - 1) };
                self.at += plain;
                if plain < 8 {
                    break;
                }
            } else {
                match rest.first() {
                    None | Some(b'"' | b'\\' | ..b' ') => break,
                    Some(&byte) => seen |= u64::from(byte),
                }
                self.at += 1;
            }
        }
        *high |= seen & HIGHS != 0;
        self.peek()
    }

    /// Appends what the escape means whose backslash was passed.
    fn escape(&mut self) -> Result<(), ReadError<B::Error>> {
        let byte = match self.peek() {
            Some(byte @ (b'"' | b'\\' | b'/')) => byte,
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(b'r') => b'\r',
            Some(b'b') => 0x08,
            Some(b'f') => 0x0C,
            Some(b'u') => return self.unicode(),
            Some(_) => return self.refuse("invalid escape"),
            None => return self.refuse("EOF while parsing a string"),
        };
        self.at += 1;
        self.piece(&[byte])
    }

    /// Appends the character of an escape whose `u` comes next, and of the one behind it where the two are a pair.
    fn unicode(&mut self) -> Result<(), ReadError<B::Error>> {
        let unit = self.unit()?;
        let character = char::from_u32(unit.into()).or_else(|| {
            let (0xD800..0xDC00, Some([b'\\', b'u', digits @ ..])) =
                (unit, self.text[self.at..].first_chunk::<6>())
            else {
                return None;
            };
            let low = hexadecimal(digits).filter(|low| (0xDC00..0xE000).contains(low))?;
            self.at += 6;
            char::decode_utf16([unit, low]).next()?.ok()
        });
        let character = character.unwrap_or(char::REPLACEMENT_CHARACTER);
        self.piece(character.encode_utf8(&mut [0; 4]).as_bytes())
    }

    /// The four digits behind the `u` that comes next.
    fn unit(&mut self) -> Result<u16, ReadError<B::Error>> {
        self.at += 1;
        let digits = &self.text[self.at..];
        if let Some(unit) = digits.first_chunk().and_then(hexadecimal) {
            self.at += 4;
            return Ok(unit);
        }
        self.at += digits.iter().take(4).take_while(|byte| byte.is_ascii_hexdigit()).count();
        self.refuse(if self.at < self.text.len() { "invalid escape" } else { "EOF while parsing a string" })
    }
}

fn hexadecimal(digits: &[u8; 4]) -> Option<u16> {
    digits.iter().try_fold(0, |unit, &byte| Some(unit << 4 | char::from(byte).to_digit(16)? as u16))
}
