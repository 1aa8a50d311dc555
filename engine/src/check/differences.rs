//! What compiles here and does something else than in Lua 5.3 or 5.4, or than its author seems to mean. By tokens, and
//! only where they leave no doubt: a name that the source declares anywhere is its own.

use std::collections::HashSet;
use std::ops::Range;

use crate::hints::{Blocks, Finding, Kind, Lexer, MAX_SOURCE, Sink, Token, Use, findings, is_member, scan};
use crate::json::MAX_EXACT;

/// Warnings of one source.
const MOST: usize = 100;

/// Tokens looked at for the arguments of one call.
const MOST_TOKENS: usize = 1000;

/// Metamethods that are not called here.
const NEVER_CALLED: &[(&[u8], &str)] = &[
    (b"__close", "__close is never called in Luau: close with a call, after pcall"),
    (b"__gc", "__gc is never called in Luau: close with a call"),
    (b"__pairs", "__pairs is never called in Luau: use __iter, and a loop over the object itself"),
];

/// Lines and what to say of them, in their order.
pub(super) fn differences(source: &[u8]) -> Vec<(u32, String)> {
    if source.len() > MAX_SOURCE {
        return Vec::new();
    }
    let mut names = Names::default();
    scan(source, &mut names);
    let found = absent(source, names.are_set_elsewhere);
    let mut look = Look { source, tokens: Lexer::tokens(source), declared: names.declared, found };
    for at in 0..look.tokens.len() {
        match look.tokens[at].kind {
            Kind::Number => look.number(at),
            Kind::Name => look.name(at),
            Kind::Text => look.text_method(at),
            _ => {}
        }
    }
    let mut found = look.found;
    found.sort();
    found.dedup();
    found.truncate(MOST);
    found
}

/// Names that are not there, but for those that the source asks for before it uses them. When globals may be set where
/// its tokens do not show it, only what looks like a slip of the pen is sure to be none.
fn absent(source: &[u8], are_set_elsewhere: bool) -> Vec<(u32, String)> {
    let findings = findings(source);
    let name = |finding: &Finding| (finding.name.clone(), finding.member.clone());
    let tested: HashSet<_> = findings.iter().filter(|finding| finding.is_test).map(name).collect();
    let is_sure =
        |finding: &&Finding| !(are_set_elsewhere && finding.member.is_none() && finding.is_of_another_lua());
    let sure = findings.iter().filter(|finding| !tested.contains(&name(finding))).filter(is_sure);
    sure.map(|finding| (finding.line, finding.hint())).collect()
}

#[derive(Default)]
struct Names<'s> {
    declared: HashSet<&'s [u8]>,
    /// A module is required, or `_G` used as a table like any other.
    are_set_elsewhere: bool,
}

impl<'s> Sink<'s> for Names<'s> {
    fn declared(&mut self, name: &'s [u8]) {
        self.declared.insert(name);
    }

    fn used(&mut self, used: Use<'s>) {
        self.are_set_elsewhere |= matches!(used.name, b"require" | b"_G");
    }
}

struct Look<'s> {
    source: &'s [u8],
    tokens: Vec<Token>,
    declared: HashSet<&'s [u8]>,
    found: Vec<(u32, String)>,
}

impl<'s> Look<'s> {
    fn warn(&mut self, at: usize, message: impl Into<String>) {
        self.found.push((self.tokens[at].line, message.into()));
    }

    fn text(&self, at: usize) -> &'s [u8] {
        self.tokens.get(at).map_or(b"", |token| token.text(self.source))
    }

    /// [`Kind::Eof`] before the first token and behind the last.
    fn kind(&self, at: usize) -> Kind {
        self.tokens.get(at).map_or(Kind::Eof, |token| token.kind)
    }

    fn is(&self, at: usize, byte: u8) -> bool {
        self.kind(at) == Kind::Byte(byte)
    }

    fn before(&self, at: usize) -> Kind {
        at.checked_sub(1).map_or(Kind::Eof, |at| self.kind(at))
    }

    fn is_field(&self, at: usize) -> bool {
        matches!(self.before(at), Kind::Byte(b'.' | b':'))
    }

    fn name(&mut self, at: usize) {
        let name = self.text(at);
        self.metamethod(at, name);
        if self.is_field(at) {
            return;
        }
        if self.declared.contains(name) {
            if name == b"_ENV" {
                self.warn(at, "_ENV is a name like any other in Luau: globals are fields of _G");
            }
            return;
        }
        self.library(at, name);
        if matches!(name, b"print" | b"tostring") {
            self.shows(at + 1);
        } else if self.is(at + 1, b'.') && self.kind(at + 2) == Kind::Name {
            match (name, self.text(at + 2)) {
                (b"io", b"write") => self.shows(at + 3),
                (b"os", b"time")
                    if self.is(at + 3, b'{') || self.is(at + 3, b'(') && self.is(at + 4, b'{') =>
                {
                    self.warn(at, "os.time reads its table as UTC here, not in the local time zone");
                }
                (b"string", b"rep") => self.repeat(at + 3, 3),
                (b"string", b"format") => {
                    let arguments = self.arguments(at + 3);
                    if let [format, rest @ ..] = &arguments[..]
                        && format.len() == 1
                    {
                        self.format(format.start, rest);
                    }
                }
                _ => {}
            }
        }
    }

    /// A name that may be a library's, where one of its members is set.
    fn library(&mut self, at: usize, name: &[u8]) {
        let is_set = match (self.kind(at + 1), self.kind(at + 3)) {
            (Kind::Byte(b'.'), Kind::Byte(b'=') | Kind::CompoundAssign) => true,
            (Kind::Byte(b'.' | b':'), Kind::Byte(b'(')) => self.before(at) == Kind::Function,
            _ => false,
        };
        let member = self.text(at + 2);
        let Some(is_there) = is_member(name, member).filter(|_| is_set) else { return };
        // `if not table.unpack then table.unpack = unpack end` does nothing.
        let tested = at.checked_sub(5).map(|at| [at, at + 1, at + 3, at + 4].map(|at| self.text(at)));
        if is_there && tested == Some([b"not", name, member, b"then"]) {
            return;
        }
        let (name, member) = (String::from_utf8_lossy(name), String::from_utf8_lossy(member));
        self.warn(
            at,
            format!("{name}.{member} can't be set: {name} is the library's, and read-only; use a local function, or a copy: local {name} = table.clone({name})"),
        );
    }

    /// `("…"):rep(…)` and `("…"):format(…)`.
    fn text_method(&mut self, at: usize) {
        let is_method = self.before(at) == Kind::Byte(b'(') && self.is(at + 1, b')') && self.is(at + 2, b':');
        match self.text(at + 3) {
            b"rep" if is_method => self.repeat(at + 4, 2),
            b"format" if is_method => {
                let arguments = self.arguments(at + 4);
                self.format(at, &arguments);
            }
            _ => {}
        }
    }

    fn metamethod(&mut self, at: usize, name: &[u8]) {
        let Some((_, message)) = NEVER_CALLED.iter().find(|(known, _)| *known == name) else { return };
        let is_method =
            self.is_field(at) && self.is(at + 1, b'(') && self.kind(at.saturating_sub(3)) == Kind::Function;
        if self.is(at + 1, b'=') || is_method {
            self.warn(at, *message);
        }
    }

    /// What is between the brackets that open at `at`, argument by argument; nothing when that is too much.
    fn arguments(&self, at: usize) -> Vec<Range<usize>> {
        let mut arguments = Vec::new();
        if !self.is(at, b'(') || self.is(at + 1, b')') {
            return arguments;
        }
        let mut blocks = Blocks::default();
        let mut begin = at + 1;
        for now in at..self.tokens.len().min(at + MOST_TOKENS) {
            blocks.step(self.before(now), &self.tokens[now]);
            match (blocks.open().len(), self.kind(now)) {
                (0, _) => {
                    arguments.push(begin..now);
                    return arguments;
                }
                (1, Kind::Byte(b',')) => {
                    arguments.push(begin..now);
                    begin = now + 1;
                }
                _ => {}
            }
        }
        Vec::new()
    }

    /// The arguments that open at `at` are shown as text.
    fn shows(&mut self, at: usize) {
        for argument in self.arguments(at) {
            self.shown(argument);
        }
    }

    /// A number of which text is made.
    fn shown(&mut self, tokens: Range<usize>) {
        let at = tokens.start;
        let value = |at: usize| (self.kind(at) == Kind::Number).then(|| self.text(at)).and_then(number);
        let result = match (tokens.len(), self.kind(at + 1)) {
            (1, _) if self.text(at).iter().any(|byte| matches!(byte, b'.' | b'e' | b'E')) => value(at),
            (3, Kind::Byte(b'/')) => value(at).zip(value(at + 2)).map(|(a, b)| a / b),
            (3, Kind::Byte(b'^')) => value(at).zip(value(at + 2)).map(|(a, b)| a.powf(b)),
            _ => None,
        };
        if let Some(result) = result
            && result.fract() == 0.0
            && result.abs() < 1e15
        {
            let end = self.tokens[tokens.end - 1].end as usize;
            let text = String::from_utf8_lossy(&self.source[self.tokens[at].start as usize..end]);
            self.warn(at, format!("{text} prints as {result} in Luau, as {result}.0 in Lua 5.3 and 5.4"));
        }
    }

    fn repeat(&mut self, at: usize, parameters: usize) {
        if self.arguments(at).len() == parameters {
            self.warn(at, "string.rep has no separator in Luau, and leaves it out: use table.concat");
        }
    }

    /// A format, and what is to be put into it.
    fn format(&mut self, format: usize, arguments: &[Range<usize>]) {
        let conversions = conversions(self.text(format));
        for (conversion, argument) in conversions.into_iter().zip(arguments) {
            let at = argument.start;
            let text = String::from_utf8_lossy(self.text(at));
            match conversion {
                b's' if argument.len() == 1
                    && matches!(self.kind(at), Kind::Nil | Kind::True | Kind::False) =>
                {
                    let message =
                        format!("string.format takes no {text} for %s in Luau: use %*, or tostring");
                    self.warn(at, message);
                }
                b'd' | b'i' if self.may_have_fraction(argument.clone()) => {
                    self.warn(
                        at,
                        "string.format cuts a fraction off for %d in Luau; in Lua 5.3 and 5.4 it is an error",
                    );
                }
                _ => {}
            }
        }
    }

    /// Whether the last thing that is done is a division, or it is a number with a fraction.
    fn may_have_fraction(&self, tokens: Range<usize>) -> bool {
        if tokens.len() == 1 {
            return self.kind(tokens.start) == Kind::Number
                && number(self.text(tokens.start)).is_some_and(|number| number.fract() != 0.0);
        }
        let mut depth = 0_usize;
        let mut divisions = 0;
        for at in tokens {
            match self.kind(at) {
                Kind::Byte(b'(' | b'[' | b'{') => depth += 1,
                Kind::Byte(b')' | b']' | b'}') => depth = depth.saturating_sub(1),
                _ if depth > 0 => {}
                Kind::Byte(b'/') => divisions += 1,
                Kind::Name | Kind::Number | Kind::Byte(b'.' | b':') => {}
                // Anything else may make it whole again, or something else of it.
                _ => return false,
            }
        }
        divisions == 1
    }

    fn number(&mut self, at: usize) {
        let text: Vec<u8> = self.text(at).iter().copied().filter(|byte| *byte != b'_').collect();
        let text = String::from_utf8_lossy(&text);
        let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            Some(digits) => (digits, 16),
            None => (&*text, 10),
        };
        // Beyond 64 bits, a decimal number is a double in every Lua.
        let is_beyond = match u128::from_str_radix(digits, radix) {
            Ok(value) => value > u128::from(MAX_EXACT) && (radix == 16 || value <= i64::MAX as u128),
            Err(_) => radix == 16,
        };
        if is_beyond {
            self.warn(at, format!("{text} is beyond 2^53, up to which Luau's numbers hold every integer"));
        }
        self.concatenated(at);
    }

    /// A number, or a division of two, next to `..`.
    fn concatenated(&mut self, at: usize) {
        let is_pair =
            matches!(self.kind(at + 1), Kind::Byte(b'/' | b'^')) && self.kind(at + 2) == Kind::Number;
        let end = if is_pair { at + 3 } else { at + 1 };
        let (before, behind) = (self.before(at), self.kind(end));
        // An operator that binds the number first.
        let binds = |kind: Kind| {
            matches!(
                kind,
                Kind::Byte(b'+' | b'-' | b'*' | b'/' | b'%' | b'^' | b'#') | Kind::FloorDivide | Kind::Not
            )
        };
        let is_operand = before == Kind::Concat && !binds(behind) || behind == Kind::Concat && !binds(before);
        if is_operand {
            self.shown(at..end);
        }
    }
}

fn number(text: &[u8]) -> Option<f64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// The letters of a format's conversions, in their order.
fn conversions(format: &[u8]) -> Vec<u8> {
    let mut conversions = Vec::new();
    let mut bytes = format.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let is_end = |byte: &u8| !matches!(byte, b'0'..=b'9' | b'-' | b'+' | b' ' | b'#' | b'.');
            match bytes.find(is_end) {
                Some(b'%') | None => {}
                Some(letter) => conversions.push(letter),
            }
        }
    }
    conversions
}
