//! Hints for syntax errors that come from habits of another Lua or another language. They are found by the tokens of the
//! error's line, so the contents of strings and comments do not matter.

use perilune_luau::syntax;

use super::parsed::{MAX_SOURCE, preamble};
use super::typo;

/// Words that begin a statement, and those of blocks: often mistyped.
const KEYWORDS: &[&str] = &[
    "break", "else", "elseif", "end", "for", "function", "local", "repeat", "return", "then", "until",
    "while",
];

const COMPARISONS: &[&str] = &["==", "~=", "<=", ">="];

const GOTO: &str = "Luau has no goto: use continue, break or a function";
const LABEL: &str = "Luau has no labels and no goto: use continue, break or a function";
const SHIFT_LEFT: &str = "Luau has no << operator: use bit32.lshift(a, n)";
const COMMENT: &str = "a comment begins with --";

/// The tokens of a source that does not compile.
pub(crate) struct Dialects<'s> {
    code: &'s [u8],
    tokens: Vec<Token<'s>>,
}

impl<'s> Dialects<'s> {
    pub(crate) fn new(source: &'s [u8]) -> Self {
        // A longer one has no hints.
        let code = if source.len() > MAX_SOURCE { b"" } else { &source[preamble(source)..] };
        Self { code, tokens: tokens(code) }
    }

    /// The reason of an error, with a hint if there is one.
    pub(crate) fn describe(&self, line: u32, reason: String) -> String {
        match self.explain(line, &reason) {
            Some(hint) => format!("{reason} ({hint})"),
            None => reason,
        }
    }

    fn explain(&self, line: u32, reason: &str) -> Option<String> {
        let place = Place::new(self.code, &self.tokens, line);
        let hint = match reason.rsplit_once("got ") {
            Some((_, "<eof>")) => else_if(&self.tokens, reason),
            Some((_, got)) => place.unexpected(reason, got.trim_matches('\'')),
            None if reason.starts_with("Incomplete statement") => return place.incomplete(),
            None if reason == "Malformed number" => place.number(),
            None => None,
        };
        hint.map(str::to_owned)
    }
}

/// A token. Its text says what kind it is.
#[derive(Debug, Clone, Copy, Default)]
struct Token<'s> {
    text: &'s [u8],
    end: u32,
    line: u32,
}

impl Token<'_> {
    fn is(&self, text: &str) -> bool {
        self.text == text.as_bytes()
    }

    fn is_one_of(&self, texts: &[&str]) -> bool {
        texts.iter().any(|text| self.is(text))
    }

    fn is_eof(&self) -> bool {
        self.text.is_empty()
    }

    fn is_number(&self) -> bool {
        matches!(self.text, [b'0'..=b'9', ..] | [b'.', b'0'..=b'9', ..])
    }

    fn is_word(&self) -> bool {
        self.text.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
    }

    fn is_name(&self) -> bool {
        self.is_word() && !self.is_one_of(RESERVED)
    }

    fn is_string(&self) -> bool {
        matches!(self.text, [b'"' | b'\'' | b'`', ..] | [b'[', b'[' | b'=', ..])
    }

    /// Whether `next` stands right behind it.
    fn touches(&self, next: &Self) -> bool {
        self.end as usize + next.text.len() == next.end as usize
    }

    /// Whether an operand ends with it, so that no other can follow.
    fn ends_operand(&self) -> bool {
        self.is_name()
            || self.is_number()
            || self.is_string()
            || self.text.ends_with(b"`")
            || self.is_one_of(&["...", "end", "false", "nil", "true", ")", "]", "}"])
    }

    /// Whether a statement can begin after it. (A `?` ends a type.)
    fn ends_statement(&self) -> bool {
        self.ends_operand()
            || self.is_eof()
            || self.is_one_of(&["break", "do", "else", "repeat", "then", ";", "?"])
    }
}

/// The reserved words, which can't be names.
const RESERVED: &[&str] = &[
    "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "if", "in", "local", "nil",
    "not", "or", "repeat", "return", "then", "true", "until", "while",
];

/// All tokens of a source, the last of them empty. None where there is no memory.
fn tokens(code: &[u8]) -> Vec<Token<'_>> {
    let tokens = syntax::tokens(code).unwrap_or_default().into_iter();
    tokens
        .map(|token| Token {
            text: &code[token.begin as usize..token.end as usize],
            end: token.end,
            line: token.line,
        })
        .collect()
}

/// The tokens of a line, with one before and two behind them.
struct Place<'s> {
    code: &'s [u8],
    tokens: Vec<Token<'s>>,
}

impl<'s> Place<'s> {
    fn new(code: &'s [u8], all: &[Token<'s>], line: u32) -> Self {
        let begin = all.partition_point(|token| token.line < line);
        let end = all.partition_point(|token| token.line <= line).saturating_add(2).min(all.len());
        let before = begin.checked_sub(1).map_or(Token::default(), |before| all[before]);
        let mut tokens = vec![before];
        tokens.extend(all.get(begin..end).unwrap_or_default());
        Self { code, tokens }
    }

    /// Whether two operators of one byte stand close together.
    fn has_pair(&self, first: u8, second: u8) -> bool {
        self.tokens
            .windows(2)
            .any(|pair| pair[0].text == [first] && pair[1].text == [second] && pair[0].touches(&pair[1]))
    }

    /// At an unexpected token.
    fn unexpected(&self, reason: &str, got: &str) -> Option<&'static str> {
        let at = self.tokens.iter().position(|token| token.is(got));
        let before = at.and_then(|at| self.tokens.get(at.checked_sub(1)?));
        let is_before = |text: &str| before.is_some_and(|token| token.is(text));
        let lacks = |what: &str| reason.starts_with(&format!("Expected '{what}' when parsing"));
        // Types have operators of their own; `a << 2` is taken for the beginning of one.
        if reason.starts_with("Expected type") {
            return self.has_pair(b'<', b'<').then_some(SHIFT_LEFT);
        }
        Some(match got {
            "::" if self.has_label() => LABEL,
            "&" => "Luau has no & operator: use bit32.band(a, b)",
            "|" => "Luau has no | operator: use bit32.bor(a, b)",
            "~" if before.is_some_and(Token::ends_operand) => "Luau has no ~ operator: use bit32.bxor(a, b)",
            "~" => "Luau has no ~ operator: use bit32.bnot(a)",
            "<" if self.attribute("const") => {
                "Luau has no <const>: use a plain local, or const in place of local"
            }
            "<" if self.attribute("close") => "Luau has no <close>: call a function that closes, after pcall",
            "<" if self.has_pair(b'<', b'<') => SHIFT_LEFT,
            ">" if self.has_pair(b'>', b'>') => "Luau has no >> operator: use bit32.rshift(a, n)",
            ">" if self.has_pair(b'<', b'>') => "not equal is ~=",
            ">" | "=" if self.has_pair(b'=', b'>') => "Luau has no =>: write function(x) return … end",
            "+" if self.has_pair(b'+', b'+') => "Luau has no ++: use += 1",
            "//" => COMMENT,
            "/" | "*" if self.has_pair(b'/', b'*') => COMMENT,
            "?" if self.has_pair(b'?', b'?') => "Luau has no ??: use or, or if a ~= nil then a else b",
            "?" => "Luau has no ?: operator: use if a then b else c",
            "=" if is_before("==") => "equal is ==",
            "=" if is_before(":") => "= assigns",
            "=" if lacks("then") || lacks("do") => "= assigns; equal is ==",
            "{" if lacks("then") || lacks("do") || is_before(")") => {
                "a block has no braces, and ends with end"
            }
            "." | ":" if lacks("(") && self.has_local_method() => {
                "the name of a local function is one word: leave out local"
            }
            _ if got.starts_with('.') && before.is_some_and(is_hexadecimal) => {
                "Luau has no hexadecimal fractions"
            }
            _ => return None,
        })
    }

    fn attribute(&self, name: &str) -> bool {
        self.tokens.windows(3).any(|tokens| tokens[0].is("<") && tokens[1].is(name) && tokens[2].is(">"))
    }

    /// `::name::`, and not `x :: T`.
    fn has_label(&self) -> bool {
        self.tokens.windows(4).any(|tokens| {
            let [before, begin, name, end] = tokens else { return false };
            begin.is("::")
                && name.is_name()
                && end.is("::")
                && begin.touches(name)
                && name.touches(end)
                && (!before.touches(begin) || before.is_eof())
        })
    }

    /// `local function a.b(`
    fn has_local_method(&self) -> bool {
        self.tokens.windows(6).any(|tokens| {
            let [local, function, name, dot, method, open] = tokens else { return false };
            local.is("local")
                && function.is("function")
                && name.is_name()
                && dot.is_one_of(&[".", ":"])
                && method.is_name()
                && open.is_one_of(&["(", ".", ":"])
        })
    }

    /// At an incomplete statement.
    fn incomplete(&self) -> Option<String> {
        for tokens in self.tokens.windows(3) {
            let [before, token, next] = tokens else { continue };
            if !token.is_name() || !before.ends_statement() {
                continue;
            }
            match token.text {
                b"goto" if next.is_name() => return Some(GOTO.to_owned()),
                name @ (b"var" | b"let") if next.is_name() => {
                    return Some(format!(
                        "a variable is declared with local, not {}",
                        String::from_utf8_lossy(name)
                    ));
                }
                b"elif" | b"elsif" => return Some("did you mean elseif?".to_owned()),
                _ => {}
            }
            let behind = &self.code[token.end as usize..];
            if behind.starts_with(b"--") && (next.line > token.line || next.is_eof()) {
                return Some("-- begins a comment; to subtract one, use -= 1".to_owned());
            }
            let continues = next.is_string()
                || next.is_one_of(&["=", ".", ":", ",", "(", "[", "{"])
                || next.text.len() > 1 && next.text.ends_with(b"=") && !next.is_one_of(COMPARISONS);
            if !continues && let Some(keyword) = near_keyword(token.text) {
                return Some(format!("did you mean {keyword}?"));
            }
        }
        if self.has_pair(b'+', b'+') {
            Some("Luau has no ++: use += 1".to_owned())
        } else if self.tokens.windows(3).any(|of| of[0].is("//") && of[1].is_name() && of[2].is_name()) {
            Some(COMMENT.to_owned())
        } else if self.has_pair(b'?', b'?') {
            Some("Luau has no ??: use or, or if a ~= nil then a else b".to_owned())
        } else {
            None
        }
    }

    fn number(&self) -> Option<&'static str> {
        let numbers = self.tokens.iter().filter(|token| token.is_number());
        numbers.map(|token| token.text).find_map(|number| {
            let is_hexadecimal = matches!(number, [b'0', b'x' | b'X', ..]);
            if number.windows(2).any(|pair| pair == b"..") {
                Some("a number needs a space before ..")
            } else if is_hexadecimal && number.iter().any(|byte| matches!(byte, b'p' | b'P')) {
                Some("Luau has no hexadecimal exponents")
            } else if number.iter().any(|byte| matches!(byte, b'l' | b'L' | b'u' | b'U' | b'i')) {
                Some("Luau has no integer suffixes: all numbers are doubles")
            } else {
                None
            }
        })
    }
}

/// `else if` where `elseif` was meant, by an `else` that is not closed.
fn else_if(tokens: &[Token<'_>], reason: &str) -> Option<&'static str> {
    let (_, opener) = reason.split_once("(to close 'else' at ")?;
    let is_same_line = opener.starts_with("column");
    let line = opener.strip_prefix("line ").and_then(|line| line.split(')').next()?.parse().ok());
    let is_pair = |pair: &[Token<'_>]| {
        let line_fits = is_same_line || Some(pair[1].line) == line;
        pair[0].is("else") && pair[1].is("if") && pair[0].line == pair[1].line && line_fits
    };
    tokens
        .windows(2)
        .any(is_pair)
        .then_some("else if begins an if of its own, with an end of its own: use elseif")
}

fn is_hexadecimal(token: &Token<'_>) -> bool {
    matches!(token.text, [b'0', b'x' | b'X', ..])
}

fn near_keyword(name: &[u8]) -> Option<&'static str> {
    let near = |keyword: &&'static str| {
        let distance = typo::distance(name, keyword.as_bytes(), |longer| if longer < 6 { 1 } else { 2 })?;
        Some((distance, *keyword))
    };
    KEYWORDS.iter().filter_map(near).min_by_key(|(distance, _)| *distance).map(|(_, keyword)| keyword)
}
