//! Lua patterns, as Lua 5.1's manual defines them (§5.4.1), over bytes.
//!
//! Luau's own matcher checks the interrupt once per item of the pattern, and one item can take time in the length of the
//! subject times that of the set: `[^%s%p]*` over 24 MiB takes half a second. This matcher counts its work, and calls
//! `is_late` after each bounded amount.
//!
//! The rest of the pattern is a slice, and so is a capture: there is no index that could be out of bounds.

/// Captures that a pattern may have.
pub(super) const MAX_CAPTURES: usize = 32;

/// How deep items may nest or alternatives stack up: each level is a stack frame.
const MAX_DEPTH: u32 = 200;

/// Sets of at most this many bytes are read again for each byte that is compared; longer ones are cached as bits.
const SHORT_SET: usize = 32;

/// How many longer sets are cached.
const MAX_CACHED_SETS: usize = 16;

/// Units of work between two calls of `is_late`: some 50 µs.
const WORK: usize = 64 * 1024;

const UNCLOSED: MatchError = MatchError::Pattern("malformed pattern (missing ']')");

/// Why matching failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MatchError {
    /// The pattern is malformed.
    Pattern(&'static str),
    /// `%0` to `%9`, of a capture that is not there or not closed yet.
    CaptureIndex(u8),
    /// The run is past its deadline.
    Late,
}

/// What a capture holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Capture<'a> {
    /// `()`: an offset into the subject.
    Position(usize),
    /// A piece of the subject.
    Text(&'a [u8]),
    /// Begun at this offset and not closed. Such a pattern may match, but to use the capture is an error.
    Open(usize),
}

/// A single-character pattern: what one byte is compared with.
#[derive(Debug, Clone, Copy)]
enum Class<'a> {
    Any,
    Literal(u8),
    /// `%a` and the like.
    Named(u8),
    /// `[…]`, or `[^…]` where `is_inside` is not set.
    Set {
        members: &'a [u8],
        is_inside: bool,
    },
    /// As `Set`, for a set that is not short. `text` is the rest of the pattern from its first member on.
    LongSet {
        text: &'a [u8],
        is_inside: bool,
    },
}

/// A cached set.
#[derive(Debug, Clone, Copy)]
struct Members {
    /// The length of the rest of the pattern, from its first member on.
    from: usize,
    /// The length of the rest of the pattern behind it.
    rest: usize,
    /// A bit for each byte: those below 128, and the others.
    bits: [u128; 2],
}

/// A matcher of one pattern against one subject.
pub(super) struct Matcher<'a, F> {
    subject: &'a [u8],
    pattern: &'a [u8],
    captures: [Capture<'a>; MAX_CAPTURES],
    level: usize,
    depth: u32,
    work: usize,
    long_sets: Vec<Members>,
    is_late: F,
}

impl<'a, F: FnMut() -> bool> Matcher<'a, F> {
    /// A matcher of `pattern`, without its anchor. `is_late` is called after a bounded amount of work; if it returns true, matching fails.
    pub(super) fn new(subject: &'a [u8], pattern: &'a [u8], is_late: F) -> Self {
        Self {
            subject,
            pattern,
            captures: [Capture::Open(0); MAX_CAPTURES],
            level: 0,
            depth: 0,
            work: 0,
            long_sets: Vec::new(),
            is_late,
        }
    }

    /// The end of the match that begins exactly at `start`, if there is one.
    pub(super) fn at(&mut self, start: usize) -> Result<Option<usize>, MatchError> {
        (self.level, self.depth) = (0, 0);
        self.item(start, self.pattern)
    }

    /// The first match at or after `start`: where it begins and ends.
    pub(super) fn from(&mut self, start: usize) -> Result<Option<(usize, usize)>, MatchError> {
        for begin in start..=self.subject.len() {
            if let Some(end) = self.at(begin)? {
                return Ok(Some((begin, end)));
            }
        }
        Ok(None)
    }

    /// The captures of the last match.
    pub(super) fn captures(&self) -> &[Capture<'a>] {
        self.captures.get(..self.level).unwrap_or_default()
    }

    fn spend(&mut self, bytes: usize) -> Result<(), MatchError> {
        self.work += bytes;
        if self.work >= WORK {
            self.work = 0;
            if (self.is_late)() {
                return Err(MatchError::Late);
            }
        }
        Ok(())
    }

    /// Matches what is left of the pattern at `s`.
    fn item(&mut self, s: usize, pattern: &'a [u8]) -> Result<Option<usize>, MatchError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(MatchError::Pattern("pattern too complex"));
        }
        let result = self.items(s, pattern);
        self.depth -= 1;
        result
    }

    fn items(&mut self, mut s: usize, mut pattern: &'a [u8]) -> Result<Option<usize>, MatchError> {
        loop {
            self.spend(1)?;
            let Some((&first, after)) = pattern.split_first() else { return Ok(Some(s)) };
            match (first, after) {
                (b'(', [b')', rest @ ..]) => return self.capture(s, rest, Capture::Position(s)),
                (b'(', rest) => return self.capture(s, rest, Capture::Open(s)),
                (b')', rest) => return self.close(s, rest),
                (b'$', []) => return Ok((s == self.subject.len()).then_some(s)),
                (b'%', [b'b', rest @ ..]) => {
                    let [open, close, rest @ ..] = rest else {
                        return Err(MatchError::Pattern("malformed pattern (missing arguments to '%b')"));
                    };
                    let Some(end) = self.balance(s, *open, *close)? else { return Ok(None) };
                    (s, pattern) = (end, rest);
                    continue;
                }
                (b'%', [b'f', rest @ ..]) => {
                    let [b'[', set @ ..] = rest else {
                        return Err(MatchError::Pattern("missing '[' after '%f' in pattern"));
                    };
                    let (class, rest) = self.set(set)?;
                    let before = s.checked_sub(1).and_then(|before| self.subject.get(before));
                    let (before, here) =
                        (before.copied().unwrap_or(0), self.subject.get(s).copied().unwrap_or(0));
                    if self.has(class, before)? || !self.has(class, here)? {
                        return Ok(None);
                    }
                    pattern = rest;
                    continue;
                }
                (b'%', [digit @ b'0'..=b'9', rest @ ..]) => {
                    let Some(end) = self.repeat(s, *digit)? else { return Ok(None) };
                    (s, pattern) = (end, rest);
                    continue;
                }
                _ => {}
            }
            let (class, rest) = self.class(first, after)?;
            let is_match = self.single(s, class)?;
            match rest {
                [b'*' | b'?' | b'-', rest @ ..] if !is_match => pattern = rest,
                _ if !is_match => return Ok(None),
                [b'?', rest @ ..] => {
                    if let Some(end) = self.item(s + 1, rest)? {
                        return Ok(Some(end));
                    }
                    pattern = rest;
                }
                [b'+', rest @ ..] => return self.most(s, class, rest, 1),
                [b'*', rest @ ..] => return self.most(s, class, rest, 0),
                [b'-', rest @ ..] => return self.least(s, class, rest),
                rest => (s, pattern) = (s + 1, rest),
            }
        }
    }

    /// As many as match of the class, of which the first does, down to `least`; then the rest of the pattern.
    fn most(
        &mut self,
        s: usize,
        class: Class<'a>,
        rest: &'a [u8],
        least: usize,
    ) -> Result<Option<usize>, MatchError> {
        let mut count = 1;
        while self.single(s + count, class)? {
            count += 1;
        }
        loop {
            if let Some(end) = self.item(s + count, rest)? {
                return Ok(Some(end));
            }
            if count == least {
                return Ok(None);
            }
            count -= 1;
        }
    }

    /// As few as match of the class, then the rest of the pattern.
    fn least(&mut self, mut s: usize, class: Class<'a>, rest: &'a [u8]) -> Result<Option<usize>, MatchError> {
        loop {
            if let Some(end) = self.item(s, rest)? {
                return Ok(Some(end));
            }
            if !self.single(s, class)? {
                return Ok(None);
            }
            s += 1;
        }
    }

    fn capture(
        &mut self,
        s: usize,
        rest: &'a [u8],
        capture: Capture<'a>,
    ) -> Result<Option<usize>, MatchError> {
        let Some(next) = self.captures.get_mut(self.level) else {
            return Err(MatchError::Pattern("too many captures"));
        };
        *next = capture;
        self.level += 1;
        let matched = self.item(s, rest)?;
        if matched.is_none() {
            self.level -= 1;
        }
        Ok(matched)
    }

    fn close(&mut self, s: usize, rest: &'a [u8]) -> Result<Option<usize>, MatchError> {
        let open = self.captures().iter().enumerate().rev().find_map(|(index, capture)| match capture {
            Capture::Open(start) => Some((index, *start)),
            _ => None,
        });
        let Some((index, start)) = open else { return Err(MatchError::Pattern("invalid pattern capture")) };
        self.set_capture(index, Capture::Text(self.subject.get(start..s).unwrap_or_default()));
        let matched = self.item(s, rest)?;
        if matched.is_none() {
            self.set_capture(index, Capture::Open(start));
        }
        Ok(matched)
    }

    fn set_capture(&mut self, index: usize, capture: Capture<'a>) {
        if let Some(slot) = self.captures.get_mut(index) {
            *slot = capture;
        }
    }

    /// `%1` to `%9`: what the capture holds, again.
    fn repeat(&mut self, s: usize, digit: u8) -> Result<Option<usize>, MatchError> {
        let index = usize::from(digit).checked_sub(usize::from(b'1'));
        match index.and_then(|index| self.captures().get(index)) {
            Some(&Capture::Text(text)) => {
                self.spend(text.len())?;
                let is_again = self.subject.get(s..).is_some_and(|rest| rest.starts_with(text));
                Ok(is_again.then_some(s + text.len()))
            }
            Some(Capture::Position(_)) => Ok(None),
            Some(Capture::Open(_)) | None => Err(MatchError::CaptureIndex(digit)),
        }
    }

    /// `%bxy`: the end of the balanced run that begins at `s`.
    fn balance(&mut self, s: usize, open: u8, close: u8) -> Result<Option<usize>, MatchError> {
        let subject = self.subject;
        if subject.get(s) != Some(&open) {
            return Ok(None);
        }
        let mut depth = 1_usize;
        for (at, &byte) in subject.iter().enumerate().skip(s + 1) {
            self.spend(1)?;
            if byte == close {
                depth -= 1;
                if depth == 0 {
                    return Ok(Some(at + 1));
                }
            } else if byte == open {
                depth += 1;
            }
        }
        Ok(None)
    }

    /// The class that begins with `first`, and what comes after it.
    fn class(&mut self, first: u8, after: &'a [u8]) -> Result<(Class<'a>, &'a [u8]), MatchError> {
        match (first, after) {
            (b'%', [class, rest @ ..]) => Ok((Class::Named(*class), rest)),
            (b'%', []) => Err(MatchError::Pattern("malformed pattern (ends with '%')")),
            (b'[', set) => self.set(set),
            (b'.', rest) => Ok((Class::Any, rest)),
            (literal, rest) => Ok((Class::Literal(literal), rest)),
        }
    }

    /// The set after its `[`, and what comes after it.
    fn set(&mut self, set: &'a [u8]) -> Result<(Class<'a>, &'a [u8]), MatchError> {
        let (set, is_inside) = match set {
            [b'^', set @ ..] => (set, false),
            set => (set, true),
        };
        // A `]` that comes first stands for itself.
        let mut at = 0;
        while at < SHORT_SET {
            at += match set.get(at) {
                None => return Err(UNCLOSED),
                Some(b'%') => 2,
                Some(_) => 1,
            };
            if let Some((members, [b']', rest @ ..])) = set.split_at_checked(at) {
                self.spend(at)?;
                return Ok((Class::Set { members, is_inside }, rest));
            }
        }
        let rest = self.long_set(set)?.rest;
        Ok((Class::LongSet { text: set, is_inside }, set.get(set.len() - rest..).unwrap_or_default()))
    }

    /// The set that begins at `text`, from the cache if it is there.
    #[cold]
    fn long_set(&mut self, set: &'a [u8]) -> Result<Members, MatchError> {
        if let Some(known) = self.long_sets.iter().find(|known| known.from == set.len()) {
            return Ok(*known);
        }
        let mut at = 0;
        while at == 0 || set.get(at) != Some(&b']') {
            let length = match set.get(at) {
                None => return Err(UNCLOSED),
                Some(b'%') => 2,
                Some(_) => 1,
            };
            self.spend(length)?;
            at += length;
        }
        let mut members = set.get(..at).unwrap_or_default();
        let (mut bits, mut classes) = ([0; 2], [0; 2]);
        while let Some((member, rest)) = SetItem::first(members) {
            match member {
                SetItem::Class(class) if has_bit(classes, class) => {}
                SetItem::Class(class) => {
                    self.spend(256)?;
                    set_bits(&mut classes, class, class);
                    (0..=u8::MAX)
                        .filter(|&byte| in_class(byte, class))
                        .for_each(|byte| set_bits(&mut bits, byte, byte));
                }
                SetItem::Range(low, high) => set_bits(&mut bits, low, high),
            }
            self.spend(members.len() - rest.len())?;
            members = rest;
        }
        let known = Members { from: set.len(), rest: set.len() - at - 1, bits };
        if self.long_sets.len() < MAX_CACHED_SETS {
            self.long_sets.push(known);
        } else if let Some(place) = self.long_sets.get_mut(set.len() % MAX_CACHED_SETS) {
            *place = known;
        }
        Ok(known)
    }

    /// Whether there is a byte at `s`, of the class.
    fn single(&mut self, s: usize, class: Class<'a>) -> Result<bool, MatchError> {
        match self.subject.get(s) {
            Some(&byte) => self.has(class, byte),
            None => Ok(false),
        }
    }

    fn has(&mut self, class: Class<'a>, byte: u8) -> Result<bool, MatchError> {
        self.spend(1)?;
        Ok(match class {
            Class::Any => true,
            Class::Literal(literal) => literal == byte,
            Class::Named(class) => in_class(byte, class),
            Class::Set { members, is_inside } => {
                self.spend(members.len())?;
                is_member(byte, members) == is_inside
            }
            Class::LongSet { text, is_inside } => has_bit(self.long_set(text)?.bits, byte) == is_inside,
        })
    }
}

/// What a set has between its brackets.
enum SetItem {
    /// `%a` and the like.
    Class(u8),
    /// From the first to the last, which are the same for a byte that stands for itself.
    Range(u8, u8),
}

impl SetItem {
    /// The first of some members, and what comes after it.
    fn first(members: &[u8]) -> Option<(Self, &[u8])> {
        Some(match members {
            [] => return None,
            [b'%', class, rest @ ..] => (Self::Class(*class), rest),
            // Behind a range that ended with a `%`, as in `[+-%%]`: it escapes the bracket.
            [b'%'] => (Self::Range(b']', b']'), &[]),
            [low, b'-', high, rest @ ..] => (Self::Range(*low, *high), rest),
            [literal, rest @ ..] => (Self::Range(*literal, *literal), rest),
        })
    }
}

/// Whether `byte` is one of the members of a set: as [`SetItem`] reads them, but a quarter faster than by calling it.
fn is_member(byte: u8, mut members: &[u8]) -> bool {
    loop {
        let (is_here, rest) = match members {
            [] => return false,
            [b'%', class, rest @ ..] => (in_class(byte, *class), rest),
            [b'%'] => return byte == b']',
            [low, b'-', high, rest @ ..] => ((*low..=*high).contains(&byte), rest),
            [literal, rest @ ..] => (*literal == byte, rest),
        };
        if is_here {
            return true;
        }
        members = rest;
    }
}

fn has_bit([low, high]: [u128; 2], byte: u8) -> bool {
    let half = if byte < 128 { low } else { high };
    half >> (byte % 128) & 1 != 0
}

fn set_bits(bits: &mut [u128; 2], low: u8, high: u8) {
    for (half, first) in bits.iter_mut().zip([0, 128]) {
        // Those from `low` on, and from `high` on.
        let from = |byte: u8| u128::MAX.checked_shl(u32::from(byte.saturating_sub(first))).unwrap_or(0);
        if low <= high && high >= first {
            *half |= from(low) & !high.checked_add(1).map_or(0, from);
        }
    }
}

/// `%a` and the like; an upper-case letter is the complement, anything else itself.
fn in_class(byte: u8, class: u8) -> bool {
    let is_member = match class.to_ascii_lowercase() {
        b'a' => byte.is_ascii_alphabetic(),
        b'c' => byte.is_ascii_control(),
        b'd' => byte.is_ascii_digit(),
        b'g' => byte.is_ascii_graphic(),
        b'l' => byte.is_ascii_lowercase(),
        b'p' => byte.is_ascii_punctuation(),
        b's' => byte.is_ascii_whitespace() || byte == 0x0B,
        b'u' => byte.is_ascii_uppercase(),
        b'w' => byte.is_ascii_alphanumeric(),
        b'x' => byte.is_ascii_hexdigit(),
        b'z' => byte == 0,
        _ => return class == byte,
    };
    is_member != class.is_ascii_uppercase()
}
