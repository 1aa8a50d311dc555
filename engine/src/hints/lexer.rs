//! Luau's tokens, read as its own lexer reads them: source that does not compile too. Takes one look at each byte, and
//! takes nothing for granted: whatever the source, it comes to its end.

use memchr::{memchr, memchr2};

/// The longest source that is read, in bytes: places in it are 32 bits.
pub(crate) const MAX_SOURCE: usize = u32::MAX as usize;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Eof,
    Name,
    Number,
    /// `"…"`, `'…'`, `[[…]]`, and `` `…` `` without an expression in it.
    Text,
    /// `` `…{ ``.
    TextBegin,
    /// `}…{`.
    TextMiddle,
    /// ``}…` ``.
    TextEnd,
    /// `@name`, `@[`.
    Attribute,
    /// What is no token: an unfinished string, a character that no Lua has.
    Broken,
    /// An operator or a bracket of one byte.
    Byte(u8),
    Concat,
    Dots,
    Equal,
    NotEqual,
    LessEqual,
    GreaterEqual,
    FloorDivide,
    DoubleColon,
    Arrow,
    /// `+=` and its like.
    CompoundAssign,
    And,
    Break,
    Do,
    Else,
    Elseif,
    End,
    False,
    For,
    Function,
    If,
    In,
    Local,
    Nil,
    Not,
    Or,
    Repeat,
    Return,
    Then,
    True,
    Until,
    While,
}

impl Kind {
    fn of_word(word: &[u8]) -> Self {
        match word {
            b"and" => Self::And,
            b"break" => Self::Break,
            b"do" => Self::Do,
            b"else" => Self::Else,
            b"elseif" => Self::Elseif,
            b"end" => Self::End,
            b"false" => Self::False,
            b"for" => Self::For,
            b"function" => Self::Function,
            b"if" => Self::If,
            b"in" => Self::In,
            b"local" => Self::Local,
            b"nil" => Self::Nil,
            b"not" => Self::Not,
            b"or" => Self::Or,
            b"repeat" => Self::Repeat,
            b"return" => Self::Return,
            b"then" => Self::Then,
            b"true" => Self::True,
            b"until" => Self::Until,
            b"while" => Self::While,
            _ => Self::Name,
        }
    }

    /// Whether an operand ends with it, so that no other can follow.
    pub(crate) fn ends_operand(self) -> bool {
        matches!(
            self,
            Self::Name
                | Self::Number
                | Self::Text
                | Self::TextEnd
                | Self::Dots
                | Self::End
                | Self::False
                | Self::Nil
                | Self::True
                | Self::Byte(b')' | b']' | b'}')
        )
    }

    /// Whether a statement can begin after it. (A `?` ends a type.)
    pub(crate) fn ends_statement(self) -> bool {
        self.ends_operand()
            || matches!(
                self,
                Self::Eof
                    | Self::Break
                    | Self::Do
                    | Self::Else
                    | Self::Repeat
                    | Self::Then
                    | Self::Byte(b';' | b'?')
            )
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    /// Bytes of the source, from 0.
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// Of its beginning, from 1.
    pub(crate) line: u32,
}

impl Token {
    pub(crate) fn text<'s>(&self, source: &'s [u8]) -> &'s [u8] {
        &source[self.start as usize..self.end as usize]
    }

    /// Whether `next` stands right behind it.
    pub(crate) fn touches(&self, next: &Self) -> bool {
        self.end == next.start
    }
}

/// The bytes before a source's code: a byte order mark, and a first line for Unix that begins with `#!`, without its
/// end.
pub(crate) fn preamble(source: &[u8]) -> usize {
    let mark = if source.starts_with("\u{feff}".as_bytes()) { 3 } else { 0 };
    let text = &source[mark..];
    if text.starts_with(b"#!") { mark + memchr(b'\n', text).unwrap_or(text.len()) } else { mark }
}

pub(crate) struct Lexer<'s> {
    source: &'s [u8],
    at: usize,
    line: u32,
    /// Of the braces that are open, from the outermost one of an interpolated string on: which are of such a string.
    braces: Vec<bool>,
}

impl<'s> Lexer<'s> {
    /// `source` has at most [`MAX_SOURCE`] bytes.
    pub(crate) fn new(source: &'s [u8]) -> Self {
        Self { source, at: preamble(source), line: 1, braces: Vec::new() }
    }

    /// All tokens, [`Kind::Eof`] last.
    pub(crate) fn tokens(source: &'s [u8]) -> Vec<Token> {
        let mut lexer = Self::new(source);
        let mut tokens = Vec::new();
        loop {
            let token = lexer.next();
            tokens.push(token);
            if token.kind == Kind::Eof {
                return tokens;
            }
        }
    }

    /// The next token; at the end [`Kind::Eof`], again and again.
    pub(crate) fn next(&mut self) -> Token {
        self.skip_to_token();
        let (start, line) = (self.at, self.line);
        let kind = self.kind();
        Token { kind, start: start as u32, end: self.at as u32, line }
    }

    fn peek(&self, ahead: usize) -> u8 {
        // A NUL byte is no part of a token, and so tells the end as well.
        self.source.get(self.at + ahead).copied().unwrap_or(0)
    }

    /// Past spaces and comments.
    fn skip_to_token(&mut self) {
        while let Some(&byte) = self.source.get(self.at) {
            match byte {
                b'\n' => self.line += 1,
                b' ' | b'\t' | b'\r' | 0x0b | 0x0c => {}
                b'-' if self.peek(1) == b'-' => {
                    self.at += 2;
                    if self.peek(0) == b'['
                        && let Some(level) = self.long_bracket()
                    {
                        self.skip_long(level);
                    } else {
                        let rest = &self.source[self.at..];
                        self.at += memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
                    }
                    continue;
                }
                _ => return,
            }
            self.at += 1;
        }
    }

    /// At a bracket: past it and the `=` behind it, to a second bracket. `None`: there is none.
    fn long_bracket(&mut self) -> Option<usize> {
        let bracket = self.peek(0);
        self.at += 1;
        let begin = self.at;
        while self.peek(0) == b'=' {
            self.at += 1;
        }
        (self.peek(0) == bracket).then_some(self.at - begin)
    }

    /// From the second bracket to behind the closing ones; whether there were any.
    fn skip_long(&mut self, level: usize) -> bool {
        let begin = self.at;
        let mut closed = false;
        while !closed {
            let rest = &self.source[self.at..];
            let Some(bracket) = memchr(b']', rest) else {
                self.at = self.source.len();
                break;
            };
            self.at += bracket;
            if self.long_bracket() == Some(level) {
                self.at += 1;
                closed = true;
            }
        }
        self.count_lines(begin);
        closed
    }

    fn count_lines(&mut self, from: usize) {
        self.line += memchr::memchr_iter(b'\n', &self.source[from..self.at]).count() as u32;
    }

    fn kind(&mut self) -> Kind {
        let Some(&byte) = self.source.get(self.at) else { return Kind::Eof };
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                let begin = self.at;
                self.skip_word();
                let word = &self.source[begin..self.at];
                // The keywords have 2 to 8 letters, the first of them a to w.
                if matches!(word.len(), 2..=8) && byte.is_ascii_lowercase() {
                    Kind::of_word(word)
                } else {
                    Kind::Name
                }
            }
            b'0'..=b'9' => self.number(),
            b'"' | b'\'' => self.quoted(byte),
            b'[' => {
                let begin = self.at;
                match self.long_bracket() {
                    Some(level) if self.skip_long(level) => Kind::Text,
                    None if self.at == begin + 1 => Kind::Byte(b'['),
                    _ => Kind::Broken,
                }
            }
            b'`' => {
                self.at += 1;
                self.interpolated(Kind::TextBegin, Kind::Text)
            }
            b'{' => {
                if !self.braces.is_empty() {
                    self.braces.push(false);
                }
                self.bytes(1, Kind::Byte(b'{'))
            }
            b'}' => {
                self.at += 1;
                if self.braces.pop() == Some(true) {
                    return self.interpolated(Kind::TextMiddle, Kind::TextEnd);
                }
                Kind::Byte(b'}')
            }
            b'@' => {
                self.at += 1;
                if self.peek(0) == b'[' {
                    self.at += 1;
                } else {
                    self.skip_word();
                }
                Kind::Attribute
            }
            0x80.. => {
                self.at += 1;
                while matches!(self.peek(0), 0x80..=0xbf) {
                    self.at += 1;
                }
                Kind::Broken
            }
            _ => self.symbol(byte),
        }
    }

    fn bytes(&mut self, count: usize, kind: Kind) -> Kind {
        self.at += count;
        kind
    }

    fn symbol(&mut self, byte: u8) -> Kind {
        match (byte, self.peek(1), self.peek(2)) {
            (b'.', b'0'..=b'9', _) => {
                self.at += 1;
                self.number()
            }
            (b'.', b'.', b'.') => self.bytes(3, Kind::Dots),
            (b'.', b'.', b'=') | (b'/', b'/', b'=') => self.bytes(3, Kind::CompoundAssign),
            (b'.', b'.', _) => self.bytes(2, Kind::Concat),
            (b'/', b'/', _) => self.bytes(2, Kind::FloorDivide),
            (b'-', b'>', _) => self.bytes(2, Kind::Arrow),
            (b':', b':', _) => self.bytes(2, Kind::DoubleColon),
            (b'=', b'=', _) => self.bytes(2, Kind::Equal),
            (b'~', b'=', _) => self.bytes(2, Kind::NotEqual),
            (b'<', b'=', _) => self.bytes(2, Kind::LessEqual),
            (b'>', b'=', _) => self.bytes(2, Kind::GreaterEqual),
            (b'+' | b'-' | b'*' | b'/' | b'%' | b'^', b'=', _) => self.bytes(2, Kind::CompoundAssign),
            _ => self.bytes(1, Kind::Byte(byte)),
        }
    }

    fn skip_word(&mut self) {
        let rest = &self.source[self.at..];
        let is_end = |byte: &u8| !byte.is_ascii_alphanumeric() && *byte != b'_';
        self.at += rest.iter().position(is_end).unwrap_or(rest.len());
    }

    /// At a digit.
    fn number(&mut self) -> Kind {
        while matches!(self.peek(0), b'0'..=b'9' | b'.' | b'_') {
            self.at += 1;
        }
        if matches!(self.peek(0), b'e' | b'E') {
            self.at += 1;
            if matches!(self.peek(0), b'+' | b'-') {
                self.at += 1;
            }
        }
        self.skip_word();
        Kind::Number
    }

    fn quoted(&mut self, delimiter: u8) -> Kind {
        self.at += 1;
        loop {
            match self.peek(0) {
                0 | b'\r' | b'\n' => return Kind::Broken,
                b'\\' => self.escape(),
                byte => {
                    self.at += 1;
                    if byte == delimiter {
                        return Kind::Text;
                    }
                }
            }
        }
    }

    /// At a backslash in a string.
    fn escape(&mut self) {
        let begin = self.at;
        self.at += 1;
        match self.peek(0) {
            b'\r' => self.at += if self.peek(1) == b'\n' { 2 } else { 1 },
            b'z' => {
                self.at += 1;
                while matches!(self.peek(0), b' ' | b'\t'..=b'\r') {
                    self.at += 1;
                }
            }
            0 => {}
            _ => self.at += 1,
        }
        self.count_lines(begin);
    }

    /// In an interpolated string, behind the character that began or continued it.
    fn interpolated(&mut self, open: Kind, closed: Kind) -> Kind {
        loop {
            match self.peek(0) {
                0 | b'\r' | b'\n' => return Kind::Broken,
                b'`' => return self.bytes(1, closed),
                b'\\' if self.peek(1) == b'u' && self.peek(2) == b'{' => self.at += 3,
                b'\\' => self.escape(),
                b'{' => {
                    self.braces.push(true);
                    if self.peek(1) == b'{' {
                        return self.bytes(2, Kind::Broken);
                    }
                    return self.bytes(1, open);
                }
                _ => self.at += 1,
            }
        }
    }
}
