//! Numbers of JSON, to the nearest double.

use super::{JsonBuilder, JsonReader, MAX_EXACT, PIECE, ReadError};

/// As many decimal digits always fit an u64.
const DIGITS: usize = 19;

/// Numbers of more bytes are shortened before Rust's parser reads them.
const LONGEST_NUMBER: usize = 1024;

/// Digits that decide which double is nearest: the number halfway between two doubles has at most 767. Of the digits beyond, it
/// only matters whether one is not zero.
const SIGNIFICANT: usize = 800;

/// An exponent so large that no number of digits in a text can make up for it.
const FAR: i64 = 1 << 56;

impl<B: JsonBuilder> JsonReader<'_, B> {
    /// Reads digits and appends them to `number`, which is correct up to [`DIGITS`] digits; returns how many there were.
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

    /// A number, of which the minus or first digit comes next. Most numbers have few digits, and one exact operation gives the
    /// nearest double.
    pub(super) fn number(&mut self) -> Result<(), ReadError<B::Error>> {
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
                // A longer exponent is out of range in any case.
                1..DIGITS => exponent += if down { -(power.cast_signed()) } else { power.cast_signed() },
                _ => exponent = i64::MAX,
            }
        }
        if digits <= DIGITS && mantissa <= MAX_EXACT && exponent.unsigned_abs() < POWERS.len() as u64 {
            let power = POWERS[exponent.unsigned_abs() as usize];
            // Both operands are exact, so IEEE 754 rounds the result of one operation to the nearest double.
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

    /// A text of bounded length with the same nearest double as the number from `start` to here. Rust's parser has no safepoints,
    /// so it must not get a long one.
    fn shorten(&mut self, start: usize) -> Result<String, ReadError<B::Error>> {
        let text = self.text;
        let (mut digits, mut is_more, mut is_fraction) = (String::new(), false, false);
        // `exponent` is that of the last digit in `digits`; `written` is the one in the text.
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
