//! Which blocks and brackets are open at a token; of code that does not compile too, as well as can be told.

use super::lexer::{Kind, Token};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Open {
    Parenthesis,
    Bracket,
    Brace,
    /// An expression in an interpolated string.
    Text,
    Function,
    Do,
    /// `for` and `while`, from there to their `end`.
    Loop {
        has_do: bool,
    },
    If,
    /// `if` as a value, up to its `else`: it has no `end`.
    IfValue,
    Repeat,
}

impl Open {
    /// Whether statements can stand directly in it.
    fn is_block(self) -> bool {
        matches!(self, Self::Function | Self::Do | Self::Loop { .. } | Self::If | Self::Repeat)
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Opened {
    pub(crate) open: Open,
    /// The byte of the source at which it was opened; its innermost branch, for an `if`.
    pub(crate) at: u32,
    pub(crate) branch: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Blocks {
    open: Vec<Opened>,
    /// A block was ended that was not open.
    pub(crate) is_broken: bool,
    /// A bracket was closed that was not open.
    pub(crate) is_stray: bool,
    /// The last `then` or `else` was of an `if` that is a value.
    after_value: bool,
}

impl Blocks {
    /// From the outside to the inside.
    pub(crate) fn open(&self) -> &[Opened] {
        &self.open
    }

    pub(crate) fn innermost(&self) -> Option<Open> {
        self.open.last().map(|opened| opened.open)
    }

    /// Whether the innermost of what is open is a block, or nothing is.
    pub(crate) fn in_block(&self) -> bool {
        self.innermost().is_none_or(Open::is_block)
    }

    /// Goes past a token.
    pub(crate) fn step(&mut self, previous: Kind, token: &Token) {
        let at = token.start;
        match token.kind {
            Kind::Byte(b'(') => self.push(Open::Parenthesis, at),
            Kind::Byte(b'[') => self.push(Open::Bracket, at),
            Kind::Byte(b'{') => self.push(Open::Brace, at),
            Kind::TextBegin => self.push(Open::Text, at),
            Kind::Byte(b')') => self.is_stray |= !self.close(Open::Parenthesis),
            Kind::Byte(b']') => self.is_stray |= !self.close(Open::Bracket),
            Kind::Byte(b'}') => self.is_stray |= !self.close(Open::Brace),
            Kind::TextEnd => self.is_stray |= !self.close(Open::Text),
            Kind::Function | Kind::If if self.begins_statement(previous) => {
                self.leave_expressions(0);
                self.push(if token.kind == Kind::If { Open::If } else { Open::Function }, at);
            }
            Kind::Function => self.push(Open::Function, at),
            Kind::If => self.push(if self.is_value(previous) { Open::IfValue } else { Open::If }, at),
            Kind::Then => {
                self.after_value = self.innermost() == Some(Open::IfValue);
                self.branch(at);
            }
            Kind::Elseif => self.is_broken |= !matches!(self.innermost(), Some(Open::If | Open::IfValue)),
            Kind::Else => {
                self.after_value = self.innermost() == Some(Open::IfValue);
                if self.after_value {
                    self.open.pop();
                } else {
                    self.is_broken |= self.innermost() != Some(Open::If);
                    self.branch(at);
                }
            }
            Kind::Do => match self.open.last_mut() {
                Some(Opened { open: Open::Loop { has_do }, .. }) if !*has_do => *has_do = true,
                _ => self.push(Open::Do, at),
            },
            Kind::For | Kind::While => {
                self.leave_expressions(0);
                self.push(Open::Loop { has_do: false }, at);
            }
            Kind::Repeat => {
                self.leave_expressions(0);
                self.push(Open::Repeat, at);
            }
            Kind::Local | Kind::Return | Kind::Break => self.leave_expressions(0),
            Kind::End => {
                self.leave_expressions(0);
                let closed = self.open.pop().map(|opened| opened.open);
                self.is_broken |= matches!(closed, None | Some(Open::Repeat));
            }
            Kind::Until => {
                self.leave_expressions(0);
                self.is_broken |= !self.close(Open::Repeat);
            }
            _ => {}
        }
    }

    /// Whether an `if` behind `previous` is a value.
    fn is_value(&self, previous: Kind) -> bool {
        !self.in_block()
            || !previous.ends_statement()
            || matches!(previous, Kind::Then | Kind::Else) && self.after_value
    }

    fn push(&mut self, open: Open, at: u32) {
        self.open.push(Opened { open, at, branch: at });
    }

    fn branch(&mut self, at: u32) {
        if let Some(Opened { open: Open::If, branch, .. }) = self.open.last_mut() {
            *branch = at;
        }
    }

    /// Whether that was the innermost.
    fn close(&mut self, open: Open) -> bool {
        let is_innermost = self.innermost() == Some(open);
        if is_innermost {
            self.open.pop();
        }
        is_innermost
    }

    /// Whether a `function` or `if` behind `previous` can't be a value, though brackets are open.
    pub(crate) fn begins_statement(&self, previous: Kind) -> bool {
        !self.in_block() && previous.ends_operand()
    }

    /// At what only begins or ends a statement: brackets that are still open were never closed. Those count that were
    /// opened at `from` or behind it.
    pub(crate) fn leave_expressions(&mut self, from: u32) {
        while !self.in_block() && self.open.last().is_some_and(|opened| opened.at >= from) {
            self.open.pop();
        }
    }
}
