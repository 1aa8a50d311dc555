//! Reads JSON text (RFC 8259): one grammar for every place where JSON comes in, whatever its values become.
//!
//! A reader of our own, for four reasons: numbers are exact at less cost than with `serde_json`'s `float_roundtrip`; half
//! a surrogate pair is U+FFFD and no error; a look at the deadline is possible anywhere; and no feature that a host's
//! other crates switch on in `serde_json` (`arbitrary_precision`) changes what a script sees.

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

/// Values between two looks at the deadline.
const SAFEPOINT_EVERY: u32 = 64;

/// Bytes between two looks, where there are few values in them.
const PIECE: usize = 64 << 10;

/// Decimal digits that an u64 holds, whatever they are.
const DIGITS: usize = 19;

/// Longer numbers are shortened before they are read, in bytes.
const LONGEST_NUMBER: usize = 1024;

/// Digits that tell between which two doubles a number is: halfway between two, it has at most 767. Of those beyond it only counts
/// whether one is not zero.
const SIGNIFICANT: usize = 800;

/// An exponent that no count of digits comes near.
const FAR: i64 = 1 << 56;

/// Why a text did not become a value.
#[derive(Debug)]
pub(crate) enum ReadError<S> {
    /// It is no JSON, or nested too deeply: why, and at which byte.
    Syntax { reason: &'static str, at: usize },
    /// Whoever makes the values wants no more.
    Builder(S),
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Container {
    Array,
    Object,
}

/// Makes values, on a stack: a value goes on its top, and into the table below it with [`element`](Self::element) or
/// [`member`](Self::member).
pub(crate) trait JsonBuilder {
    /// Why it may want no more.
    type Error;

    fn null(&mut self);
    fn boolean(&mut self, flag: bool);
    fn number(&mut self, number: f64);
    /// A string of UTF-8: a value, or the key of the member to come.
    fn string(&mut self, text: &[u8]);
    /// A piece of a string that comes in several.
    fn piece(&mut self, text: &[u8]) -> Result<(), Self::Error>;
    /// The pieces were all of the string.
    fn pieces(&mut self);
    /// An empty array or object.
    fn open(&mut self, kind: Container);
    /// The value on the top is an element of the array below, at this index from 1.
    fn element(&mut self, index: usize);
    /// The value on the top, with the key below it, is a member of the object below.
    fn member(&mut self);
    /// The array or object on the top has all it will have.
    fn close(&mut self, kind: Container);
    /// Called once in a while.
    fn safepoint(&mut self) -> Result<(), Self::Error>;
}

/// Reads the one value that `text` holds. What a refused text leaves on the builder's stack is the caller's to remove.
pub(crate) fn read<B: JsonBuilder>(text: &[u8], build: &mut B) -> Result<(), ReadError<B::Error>> {
    let mut reader = JsonReader { text, at: 0, build, values: 0, last_safepoint: 0 };
    reader.value(0)?;
    match reader.space()? {
        None => Ok(()),
        Some(_) => reader.refuse("trailing characters"),
    }
}

/// The place of a byte of `text`, in characters.
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
    /// Where the last look was.
    last_safepoint: usize,
}

impl<B: JsonBuilder> JsonReader<'_, B> {
    fn refuse<T>(&self, reason: &'static str) -> Result<T, ReadError<B::Error>> {
        Err(ReadError::Syntax { reason, at: self.at })
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// A look, if the last one is many bytes ago.
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

    /// What comes after white space.
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

    /// Refuses what is no UTF-8 from `start` to here.
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

    /// Goes to the next byte of a string that is not itself: a quote, backslash or control character. `high` becomes true
    /// where bytes beyond ASCII were passed.
    fn skip_plain(&mut self, high: &mut bool) -> Option<u8> {
        const ONES: u64 = u64::MAX / 0xFF;
        const HIGHS: u64 = ONES << 7;
        let mut seen = 0;
        loop {
            let rest = &self.text[self.at..];
            if let Some(eight) = rest.first_chunk() {
                let word = u64::from_le_bytes(*eight);
                // In each byte that is zero after the `^`, or below a space, the highest bit is set; and only above such a
                // byte may others be wrong.
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

    /// Goes past digits and appends them to a number, which is right as long as it has at most [`DIGITS`].
    fn digits(&mut self, number: &mut u64) -> Result<usize, ReadError<B::Error>> {
        let mut count = self.some_digits(number);
        while count > 0 && count.is_multiple_of(PIECE) {
            self.safepoint()?;
            match self.some_digits(number) {
                0 => break,
                more => count += more,
            }
        }
        Ok(count)
    }

    /// [`digits`](Self::digits), but at most a [`PIECE`] of them.
    #[inline]
    fn some_digits(&mut self, number: &mut u64) -> usize {
        let rest = &self.text[self.at..];
        let mut count = 0;
        for &byte in rest.get(..PIECE).unwrap_or(rest) {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                break;
            }
            *number = number.wrapping_mul(10).wrapping_add(u64::from(digit));
            count += 1;
        }
        self.at += count;
        count
    }

    /// A number, of which the minus or first digit comes next. Most have few digits, and are exact with one operation.
    fn number(&mut self) -> Result<(), ReadError<B::Error>> {
        let start = self.at;
        let negative = self.peek() == Some(b'-');
        self.at += usize::from(negative);
        let (first, mut mantissa) = (self.peek(), 0);
        let mut digits = self.digits(&mut mantissa)?;
        if digits == 0 || first == Some(b'0') && digits > 1 {
            self.at = start + usize::from(negative) + digits.min(1);
            return self.invalid();
        }
        let is_integer = !matches!(self.peek(), Some(b'.' | b'e' | b'E'));
        let mut exponent = 0_i64;
        if self.peek() == Some(b'.') {
            self.at += 1;
            let decimals = self.digits(&mut mantissa)?;
            if decimals == 0 {
                return self.invalid();
            }
            digits += decimals;
            exponent = -(decimals as i64);
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            let down = self.peek() == Some(b'-');
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            let mut power = 0;
            match self.digits(&mut power)? {
                0 => return self.invalid(),
                // What does not fit here is far out of range below.
                1..DIGITS => exponent += if down { -(power.cast_signed()) } else { power.cast_signed() },
                _ => exponent = i64::MAX,
            }
        }
        if digits <= DIGITS && mantissa <= MAX_EXACT && exponent.unsigned_abs() < POWERS.len() as u64 {
            let power = POWERS[exponent.unsigned_abs() as usize];
            // Both are exact, and so the nearest double is what IEEE 754 has one operation give.
            let number = if exponent < 0 { mantissa as f64 / power } else { mantissa as f64 * power };
            self.build.number(if negative { -number } else { number });
            return Ok(());
        }
        self.safepoint()?;
        let shortened;
        let text = if self.at - start > LONGEST_NUMBER {
            shortened = self.shorten(start)?;
            &shortened
        } else {
            str::from_utf8(&self.text[start..self.at]).unwrap_or_default()
        };
        if is_integer
            && digits <= DIGITS + 1
            && let Ok(integer) = text.parse::<i128>()
            && (i64::MIN.into()..=u64::MAX.into()).contains(&integer)
        {
            self.build.string(text.as_bytes());
            return Ok(());
        }
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => {
                self.build.number(number);
                Ok(())
            }
            _ => {
                self.at = start;
                self.refuse("number out of range")
            }
        }
    }

    /// A number that is the same double as the one from `start` to here, in a text of bounded length: Rust's parser takes it at
    /// once.
    fn shorten(&mut self, start: usize) -> Result<String, ReadError<B::Error>> {
        let text = self.text;
        let (mut digits, mut is_more, mut is_fraction) = (String::new(), false, false);
        // Of the last digit that is kept; and what the text says of it.
        let (mut exponent, mut written, mut is_exponent, mut is_down) = (0_i64, 0_i64, false, false);
        for piece in text[start..self.at].chunks(PIECE) {
            self.build.safepoint().map_err(ReadError::Builder)?;
            for &byte in piece {
                match byte {
                    b'.' => is_fraction = true,
                    b'e' | b'E' => is_exponent = true,
                    b'-' if is_exponent => is_down = true,
                    b'0'..=b'9' if is_exponent => {
                        // No text is so long that its digits make up for that much.
                        written = (written * 10 + i64::from(byte - b'0')).min(FAR);
                    }
                    b'0' if digits.is_empty() => exponent -= i64::from(is_fraction),
                    b'0'..=b'9' if digits.len() < SIGNIFICANT => {
                        digits.push(byte.into());
                        exponent -= i64::from(is_fraction);
                    }
                    b'0'..=b'9' => {
                        is_more |= byte != b'0';
                        exponent += i64::from(!is_fraction);
                    }
                    // The signs of the number and of its exponent.
                    _ => {}
                }
            }
        }
        if is_more {
            digits.push('1');
            exponent -= 1;
        }
        let sign = if text.get(start) == Some(&b'-') { "-" } else { "" };
        Ok(format!("{sign}0{digits}e{}", exponent + if is_down { -written } else { written }))
    }

    fn invalid(&self) -> Result<(), ReadError<B::Error>> {
        self.refuse(if self.at < self.text.len() { "invalid number" } else { "EOF while parsing a value" })
    }
}

/// The powers of ten that a double holds exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

fn hexadecimal(digits: &[u8; 4]) -> Option<u16> {
    digits.iter().try_fold(0, |unit, &byte| Some(unit << 4 | char::from(byte).to_digit(16)? as u16))
}
