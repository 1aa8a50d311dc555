//! Lua patterns, as Lua 5.1's manual defines them (§5.4.1), over bytes.
//!
//! Luau's own matcher looks at the interrupt once per item of the pattern, and one item can take as long as the subject
//! times the class: `[^%s%p]*` over 24 MiB half a second. This one counts its work and asks to be allowed more.

/// Captures that a pattern may have.
pub(super) const MAX_CAPTURES: usize = 32;

/// How deep items may nest or alternatives stack up: each level is a stack frame.
const MAX_DEPTH: u32 = 200;

/// Bytes looked at between two questions whether to go on: some 50 µs.
const WORK: usize = 64 * 1024;

/// Why a match was given up.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The pattern is wrong.
    Pattern(String),
    /// The run is past its deadline.
    Late,
}

impl Stop {
    fn pattern(what: impl Into<String>) -> Self {
        Self::Pattern(what.into())
    }
}

/// What a capture holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Capture {
    /// `()`: an offset into the subject.
    Position(usize),
    /// A range of the subject.
    Range(usize, usize),
    /// Begun at this offset and not closed yet.
    Open(usize),
}

/// A match under way.
pub(super) struct Matcher<'a, F> {
    subject: &'a [u8],
    pattern: &'a [u8],
    captures: [Capture; MAX_CAPTURES],
    level: usize,
    depth: u32,
    work: usize,
    is_late: F,
}

impl<'a, F: FnMut() -> bool> Matcher<'a, F> {
    /// A matcher of `pattern`, without its anchor. `is_late` is asked from time to time.
    pub(super) fn new(subject: &'a [u8], pattern: &'a [u8], is_late: F) -> Self {
        Self {
            subject,
            pattern,
            captures: [Capture::Open(0); MAX_CAPTURES],
            level: 0,
            depth: 0,
            work: 0,
            is_late,
        }
    }

    /// The end of the match that begins exactly at `start`, if there is one.
    pub(super) fn at(&mut self, start: usize) -> Result<Option<usize>, Stop> {
        (self.level, self.depth) = (0, 0);
        self.item(start, 0)
    }

    /// The first match at or after `start`: where it begins and ends.
    pub(super) fn from(&mut self, start: usize) -> Result<Option<(usize, usize)>, Stop> {
        for begin in start..=self.subject.len() {
            if let Some(end) = self.at(begin)? {
                return Ok(Some((begin, end)));
            }
        }
        Ok(None)
    }

    /// The captures of the last match.
    pub(super) fn captures(&self) -> &[Capture] {
        &self.captures[..self.level]
    }

    fn spend(&mut self, bytes: usize) -> Result<(), Stop> {
        self.work += bytes;
        if self.work >= WORK {
            self.work = 0;
            if (self.is_late)() {
                return Err(Stop::Late);
            }
        }
        Ok(())
    }

    /// Matches the pattern from `p` on at `s`.
    fn item(&mut self, s: usize, p: usize) -> Result<Option<usize>, Stop> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Stop::pattern("pattern too complex"));
        }
        let result = self.items(s, p);
        self.depth -= 1;
        result
    }

    fn items(&mut self, mut s: usize, mut p: usize) -> Result<Option<usize>, Stop> {
        loop {
            self.spend(1)?;
            let Some(&byte) = self.pattern.get(p) else {
                let is_open = self.captures().iter().any(|capture| matches!(capture, Capture::Open(_)));
                return if is_open { Err(Stop::pattern("unfinished capture")) } else { Ok(Some(s)) };
            };
            match (byte, self.pattern.get(p + 1)) {
                (b'(', Some(b')')) => return self.capture(s, p + 2, Capture::Position(s)),
                (b'(', _) => return self.capture(s, p + 1, Capture::Open(s)),
                (b')', _) => return self.close(s, p + 1),
                (b'$', None) => return Ok((s == self.subject.len()).then_some(s)),
                (b'%', Some(b'b')) => {
                    let Some(end) = self.balance(s, p + 2)? else { return Ok(None) };
                    (s, p) = (end, p + 4);
                    continue;
                }
                (b'%', Some(b'f')) => {
                    p += 2;
                    if self.pattern.get(p) != Some(&b'[') {
                        return Err(Stop::pattern("missing '[' after '%f' in pattern"));
                    }
                    let end = self.class_end(p)?;
                    let before = if s == 0 { 0 } else { self.subject[s - 1] };
                    let here = self.subject.get(s).copied().unwrap_or(0);
                    if self.in_set(before, p, end)? || !self.in_set(here, p, end)? {
                        return Ok(None);
                    }
                    p = end;
                    continue;
                }
                (b'%', Some(digit @ b'0'..=b'9')) => {
                    let Some(end) = self.repeat(s, *digit)? else { return Ok(None) };
                    (s, p) = (end, p + 2);
                    continue;
                }
                _ => {}
            }
            let end = self.class_end(p)?;
            match self.pattern.get(end) {
                Some(b'?') => {
                    if self.single(s, p, end)?
                        && let Some(matched) = self.item(s + 1, end + 1)?
                    {
                        return Ok(Some(matched));
                    }
                    p = end + 1;
                }
                Some(b'+') => {
                    return if self.single(s, p, end)? { self.most(s + 1, p, end) } else { Ok(None) };
                }
                Some(b'*') => return self.most(s, p, end),
                Some(b'-') => return self.least(s, p, end),
                _ => {
                    if !self.single(s, p, end)? {
                        return Ok(None);
                    }
                    (s, p) = (s + 1, end);
                }
            }
        }
    }

    /// As many as match of the class at `p`, then the rest of the pattern.
    fn most(&mut self, s: usize, p: usize, end: usize) -> Result<Option<usize>, Stop> {
        let mut count = 0;
        while self.single(s + count, p, end)? {
            count += 1;
        }
        loop {
            if let Some(matched) = self.item(s + count, end + 1)? {
                return Ok(Some(matched));
            }
            if count == 0 {
                return Ok(None);
            }
            count -= 1;
        }
    }

    /// As few as match of the class at `p`, then the rest of the pattern.
    fn least(&mut self, mut s: usize, p: usize, end: usize) -> Result<Option<usize>, Stop> {
        loop {
            if let Some(matched) = self.item(s, end + 1)? {
                return Ok(Some(matched));
            }
            if !self.single(s, p, end)? {
                return Ok(None);
            }
            s += 1;
        }
    }

    fn capture(&mut self, s: usize, p: usize, capture: Capture) -> Result<Option<usize>, Stop> {
        if self.level >= MAX_CAPTURES {
            return Err(Stop::pattern("too many captures"));
        }
        self.captures[self.level] = capture;
        self.level += 1;
        let matched = self.item(s, p)?;
        if matched.is_none() {
            self.level -= 1;
        }
        Ok(matched)
    }

    fn close(&mut self, s: usize, p: usize) -> Result<Option<usize>, Stop> {
        let open = self.captures().iter().rposition(|capture| matches!(capture, Capture::Open(_)));
        let Some(index) = open else { return Err(Stop::pattern("invalid pattern capture")) };
        let Capture::Open(start) = self.captures[index] else { unreachable!("just found open") };
        self.captures[index] = Capture::Range(start, s);
        let matched = self.item(s, p)?;
        if matched.is_none() {
            self.captures[index] = Capture::Open(start);
        }
        Ok(matched)
    }

    /// `%1` to `%9`: what the capture holds, again.
    fn repeat(&mut self, s: usize, digit: u8) -> Result<Option<usize>, Stop> {
        let index = usize::from(digit).wrapping_sub(usize::from(b'1'));
        let Some(&Capture::Range(start, end)) = self.captures().get(index) else {
            return Err(Stop::pattern(format!("invalid capture index %{}", char::from(digit))));
        };
        self.spend(end - start)?;
        Ok(self.subject[s..].starts_with(&self.subject[start..end]).then(|| s + end - start))
    }

    /// `%bxy`: the end of the balanced run that begins at `s`.
    fn balance(&mut self, s: usize, p: usize) -> Result<Option<usize>, Stop> {
        let &[open, close] = self.pattern.get(p..p + 2).unwrap_or_default() else {
            return Err(Stop::pattern("malformed pattern (missing arguments to '%b')"));
        };
        if self.subject.get(s) != Some(&open) {
            return Ok(None);
        }
        let mut depth = 1_usize;
        for at in s + 1..self.subject.len() {
            self.spend(1)?;
            if self.subject[at] == close {
                depth -= 1;
                if depth == 0 {
                    return Ok(Some(at + 1));
                }
            } else if self.subject[at] == open {
                depth += 1;
            }
        }
        Ok(None)
    }

    /// The end of the single-character class that begins at `p`.
    fn class_end(&mut self, p: usize) -> Result<usize, Stop> {
        match self.pattern[p] {
            b'%' if p + 1 >= self.pattern.len() => Err(Stop::pattern("malformed pattern (ends with '%')")),
            b'%' => Ok(p + 2),
            b'[' => {
                let mut at = p + 1;
                if self.pattern.get(at) == Some(&b'^') {
                    at += 1;
                }
                // A `]` that comes first stands for itself.
                loop {
                    match self.pattern.get(at) {
                        None => return Err(Stop::pattern("malformed pattern (missing ']')")),
                        Some(b'%') => at += 2,
                        Some(_) => at += 1,
                    }
                    if self.pattern.get(at) == Some(&b']') {
                        self.spend(at - p)?;
                        return Ok(at + 1);
                    }
                }
            }
            _ => Ok(p + 1),
        }
    }

    /// Whether the byte at `s` is in the class from `p` to `end`.
    fn single(&mut self, s: usize, p: usize, end: usize) -> Result<bool, Stop> {
        self.spend(end - p)?;
        let Some(&byte) = self.subject.get(s) else { return Ok(false) };
        Ok(match self.pattern[p] {
            b'.' => true,
            b'%' => in_class(byte, self.pattern[p + 1]),
            b'[' => return self.in_set(byte, p, end),
            literal => literal == byte,
        })
    }

    /// Whether `byte` is in the set `[…]` from `p` to `end`.
    fn in_set(&mut self, byte: u8, p: usize, end: usize) -> Result<bool, Stop> {
        self.spend(end - p)?;
        let set = &self.pattern[p + 1..end - 1];
        let (set, inside) = match set {
            [b'^', rest @ ..] => (rest, false),
            set => (set, true),
        };
        let mut rest = set;
        loop {
            rest = match rest {
                [] => return Ok(!inside),
                [b'%', class, rest @ ..] => {
                    if in_class(byte, *class) {
                        return Ok(inside);
                    }
                    rest
                }
                [low, b'-', high, rest @ ..] => {
                    if (*low..=*high).contains(&byte) {
                        return Ok(inside);
                    }
                    rest
                }
                [literal, rest @ ..] => {
                    if *literal == byte {
                        return Ok(inside);
                    }
                    rest
                }
            };
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
