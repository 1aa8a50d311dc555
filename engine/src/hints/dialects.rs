//! What a syntax error owes to another Lua or another language, and what to write instead. By the tokens of the error's
//! line, whatever strings and comments hold.

use super::lexer::{Kind, Lexer, MAX_SOURCE, Token};
use super::typo;

/// Words that begin a statement, and those of blocks: often mistyped.
const KEYWORDS: &[&str] = &[
    "break", "else", "elseif", "end", "for", "function", "local", "repeat", "return", "then", "until",
    "while",
];

const GOTO: &str = "Luau has no goto: use continue, break or a function";
const LABEL: &str = "Luau has no labels and no goto: use continue, break or a function";
const SHIFT_LEFT: &str = "Luau has no << operator: use bit32.lshift(a, n)";
const COMMENT: &str = "a comment begins with --";

/// The hint for an error that Luau's compiler reports at a line.
pub(crate) fn explain_syntax(source: &[u8], line: u32, reason: &str) -> Option<String> {
    if source.len() > MAX_SOURCE {
        return None;
    }
    let place = Place::of(source, line);
    let hint = match reason.rsplit_once("got ") {
        Some((_, "<eof>")) => return else_if(source, reason).map(str::to_owned),
        Some((_, got)) => place.unexpected(reason, got.trim_matches('\'')),
        None if reason.starts_with("Incomplete statement") => return place.incomplete(),
        None if reason == "Malformed number" => place.number(),
        None => None,
    };
    hint.map(str::to_owned)
}

/// The tokens of a line, with one before and two behind them.
struct Place<'s> {
    source: &'s [u8],
    tokens: Vec<Token>,
}

impl<'s> Place<'s> {
    fn of(source: &'s [u8], line: u32) -> Self {
        let mut lexer = Lexer::new(source);
        let mut tokens = vec![Token { kind: Kind::Eof, start: 0, end: 0, line: 0 }];
        let mut behind = 2;
        while behind > 0 {
            let token = lexer.next();
            if token.line < line {
                tokens.clear();
            }
            tokens.push(token);
            if token.line > line || token.kind == Kind::Eof {
                behind -= 1;
            }
        }
        Self { source, tokens }
    }

    fn text(&self, token: &Token) -> &'s [u8] {
        token.text(self.source)
    }

    /// Whether there are tokens of these kinds one behind the other.
    fn has<const N: usize>(&self, kinds: [Kind; N]) -> bool {
        self.tokens.windows(N).any(|tokens| tokens.iter().map(|token| token.kind).eq(kinds))
    }

    /// Whether two operators of one byte stand close together.
    fn has_pair(&self, first: u8, second: u8) -> bool {
        self.tokens.windows(2).any(|pair| {
            pair[0].kind == Kind::Byte(first)
                && pair[1].kind == Kind::Byte(second)
                && pair[0].touches(&pair[1])
        })
    }

    /// At a token that can't stand where it does.
    fn unexpected(&self, reason: &str, got: &str) -> Option<&'static str> {
        let at = self.tokens.iter().position(|token| self.text(token) == got.as_bytes());
        let before = at.and_then(|at| self.tokens.get(at.checked_sub(1)?));
        let is_before = |kind: Kind| before.is_some_and(|token| token.kind == kind);
        let lacks = |what: &str| reason.starts_with(&format!("Expected '{what}' when parsing"));
        // Types have operators of their own; `a << 2` is taken for the beginning of one.
        if reason.starts_with("Expected type") {
            return self.has_pair(b'<', b'<').then_some(SHIFT_LEFT);
        }
        Some(match got {
            "::" if self.has_label() => LABEL,
            "&" => "Luau has no & operator: use bit32.band(a, b)",
            "|" => "Luau has no | operator: use bit32.bor(a, b)",
            "~" if before.is_some_and(|token| token.kind.ends_operand()) => {
                "Luau has no ~ operator: use bit32.bxor(a, b)"
            }
            "~" => "Luau has no ~ operator: use bit32.bnot(a)",
            "<" if self.attribute(b"const") => {
                "Luau has no <const>: use a plain local, or const in place of local"
            }
            "<" if self.attribute(b"close") => {
                "Luau has no <close>: call a function that closes, after pcall"
            }
            "<" if self.has_pair(b'<', b'<') => SHIFT_LEFT,
            ">" if self.has_pair(b'>', b'>') => "Luau has no >> operator: use bit32.rshift(a, n)",
            ">" if self.has_pair(b'<', b'>') => "not equal is ~=",
            ">" | "=" if self.has_pair(b'=', b'>') => "Luau has no =>: write function(x) return … end",
            "+" if self.has_pair(b'+', b'+') => "Luau has no ++: use += 1",
            "//" => COMMENT,
            "/" | "*" if self.has_pair(b'/', b'*') => COMMENT,
            "?" if self.has_pair(b'?', b'?') => "Luau has no ??: use or, or if a ~= nil then a else b",
            "?" => "Luau has no ?: operator: use if a then b else c",
            "=" if is_before(Kind::Equal) => "equal is ==",
            "=" if is_before(Kind::Byte(b':')) => "= assigns",
            "=" if lacks("then") || lacks("do") => "= assigns; equal is ==",
            "{" if lacks("then") || lacks("do") || is_before(Kind::Byte(b')')) => {
                "a block has no braces, and ends with end"
            }
            "." | ":" if lacks("(") && self.has_local_method() => {
                "the name of a local function is one word: leave out local"
            }
            _ if got.starts_with('.') && before.is_some_and(|token| self.is_hexadecimal(token)) => {
                "Luau has no hexadecimal fractions"
            }
            _ => return None,
        })
    }

    fn attribute(&self, name: &[u8]) -> bool {
        self.tokens.windows(3).any(|tokens| {
            tokens[0].kind == Kind::Byte(b'<')
                && self.text(&tokens[1]) == name
                && tokens[2].kind == Kind::Byte(b'>')
        })
    }

    /// `::name::`, and not `x :: T`.
    fn has_label(&self) -> bool {
        self.tokens.windows(4).any(|tokens| {
            let [before, begin, name, end] = tokens else { return false };
            [begin.kind, name.kind, end.kind] == [Kind::DoubleColon, Kind::Name, Kind::DoubleColon]
                && begin.touches(name)
                && name.touches(end)
                && (!before.touches(begin) || before.kind == Kind::Eof)
        })
    }

    /// `local function a.b(`
    fn has_local_method(&self) -> bool {
        let is_it = |tokens: &[Token]| {
            let kinds: Vec<Kind> = tokens.iter().map(|token| token.kind).collect();
            kinds.starts_with(&[Kind::Local, Kind::Function, Kind::Name])
                && matches!(kinds[3..], [Kind::Byte(b'.' | b':'), Kind::Name, Kind::Byte(b'(' | b'.' | b':')])
        };
        self.tokens.windows(6).any(is_it)
    }

    fn is_hexadecimal(&self, token: &Token) -> bool {
        token.kind == Kind::Number && self.text(token).get(1).is_some_and(|byte| matches!(byte, b'x' | b'X'))
    }

    /// A statement that is none.
    fn incomplete(&self) -> Option<String> {
        for tokens in self.tokens.windows(3) {
            let [before, token, next] = tokens else { continue };
            if token.kind != Kind::Name || !before.kind.ends_statement() {
                continue;
            }
            match self.text(token) {
                b"goto" if next.kind == Kind::Name => return Some(GOTO.to_owned()),
                name @ (b"var" | b"let") if next.kind == Kind::Name => {
                    return Some(format!(
                        "a variable is declared with local, not {}",
                        String::from_utf8_lossy(name)
                    ));
                }
                b"elif" | b"elsif" => return Some("did you mean elseif?".to_owned()),
                _ => {}
            }
            let behind = &self.source[token.end as usize..];
            if behind.starts_with(b"--") && (next.line > token.line || next.kind == Kind::Eof) {
                return Some("-- begins a comment; to subtract one, use -= 1".to_owned());
            }
            let continues = matches!(
                next.kind,
                Kind::Byte(b'=' | b'.' | b':' | b',' | b'(' | b'[' | b'{')
                    | Kind::CompoundAssign
                    | Kind::Text
            );
            if !continues && let Some(keyword) = near_keyword(self.text(token)) {
                return Some(format!("did you mean {keyword}?"));
            }
        }
        if self.has_pair(b'+', b'+') {
            Some("Luau has no ++: use += 1".to_owned())
        } else if self.has([Kind::FloorDivide, Kind::Name, Kind::Name]) {
            Some(COMMENT.to_owned())
        } else if self.has_pair(b'?', b'?') {
            Some("Luau has no ??: use or, or if a ~= nil then a else b".to_owned())
        } else {
            None
        }
    }

    fn number(&self) -> Option<&'static str> {
        let numbers = self.tokens.iter().filter(|token| token.kind == Kind::Number);
        numbers.map(|token| self.text(token)).find_map(|number| {
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
fn else_if(source: &[u8], reason: &str) -> Option<&'static str> {
    let (_, opener) = reason.split_once("(to close 'else' at ")?;
    let is_same_line = opener.starts_with("column");
    let line = opener.strip_prefix("line ").and_then(|line| line.split(')').next()?.parse().ok());
    let mut lexer = Lexer::new(source);
    let mut before = lexer.next();
    loop {
        let token = lexer.next();
        let is_pair = before.kind == Kind::Else && token.kind == Kind::If && before.line == token.line;
        if is_pair && (is_same_line || Some(token.line) == line) {
            return Some("else if begins an if of its own, with an end of its own: use elseif");
        }
        if token.kind == Kind::Eof {
            return None;
        }
        before = token;
    }
}

fn near_keyword(name: &[u8]) -> Option<&'static str> {
    let near = |keyword: &&'static str| {
        let distance = typo::distance(name, keyword.as_bytes(), |longer| if longer < 6 { 1 } else { 2 })?;
        Some((distance, *keyword))
    };
    KEYWORDS.iter().filter_map(near).min_by_key(|(distance, _)| *distance).map(|(_, keyword)| keyword)
}
