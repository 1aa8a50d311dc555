//! Which names a source declares, assigns and uses as globals. By its tokens: whatever is declared anywhere in it counts
//! as declared everywhere, and nothing depends on blocks being closed.

use super::blocks::{Blocks, Open};
use super::lexer::{Kind, Lexer, Token};

/// How a value is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How<'s> {
    /// `x(…)`
    Call,
    /// `x.key`, `x:key()`; `None` for `x[…]`.
    Index(Option<&'s [u8]>),
    /// `x.key = …`
    Set,
    /// Anything else.
    Value,
}

/// A use of a global.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Use<'s> {
    pub(crate) name: &'s [u8],
    pub(crate) line: u32,
    pub(crate) how: How<'s>,
    /// For an index by name: the line of that name, and how its value is used.
    pub(crate) member: Option<(u32, How<'s>)>,
    /// It is only asked whether there is such a thing.
    pub(crate) is_test: bool,
}

/// Takes what is found.
pub(crate) trait Sink<'s> {
    /// A local, a parameter, or a global that is assigned.
    fn declared(&mut self, name: &'s [u8]);
    fn used(&mut self, found: Use<'s>);
}

/// Reads `source`, which has at most [`super::lexer::MAX_SOURCE`] bytes.
pub(crate) fn scan<'s, S: Sink<'s>>(source: &'s [u8], sink: &mut S) {
    let mut lexer = Lexer::new(source);
    let nothing = Token { kind: Kind::Eof, start: 0, end: 0, line: 0 };
    let next = lexer.next();
    let mut scanner = Scanner {
        source,
        lexer,
        sink,
        previous: nothing,
        current: nothing,
        next,
        blocks: Blocks::default(),
        in_targets: false,
        type_call: u32::MAX,
    };
    scanner.run();
}

/// The methods begin at `current` and leave there the last token that is theirs.
struct Scanner<'s, 'a, S> {
    source: &'s [u8],
    lexer: Lexer<'s>,
    sink: &'a mut S,
    previous: Token,
    current: Token,
    next: Token,
    blocks: Blocks,
    /// In what may be the left side of an assignment.
    in_targets: bool,
    /// Where the last `type(` ends.
    type_call: u32,
}

impl<'s, S: Sink<'s>> Scanner<'s, '_, S> {
    fn run(&mut self) {
        while self.next.kind != Kind::Eof {
            self.advance();
            match self.current.kind {
                Kind::Name => self.name(),
                Kind::Local => self.bindings(),
                Kind::For => self.bindings(),
                Kind::Function => self.function(),
                Kind::DoubleColon => self.skip_type(),
                Kind::Byte(b'.' | b':') if self.next.kind == Kind::Name => self.advance(),
                // `f<<T>>()` names types.
                Kind::Byte(b'<') if self.is_next(b'<') && self.current.touches(&self.next) => {
                    self.skip_angles();
                }
                Kind::Byte(b'=' | b'(') | Kind::Return | Kind::If | Kind::Until => self.in_targets = false,
                _ => {}
            }
        }
    }

    fn advance(&mut self) {
        self.previous = self.current;
        self.current = self.next;
        self.next = self.lexer.next();
        self.blocks.step(self.previous.kind, &self.current);
    }

    fn is_next(&self, byte: u8) -> bool {
        self.next.kind == Kind::Byte(byte)
    }

    fn text(&self) -> &'s [u8] {
        self.current.text(self.source)
    }

    fn declare(&mut self) {
        self.sink.declared(self.text());
    }

    /// A name where a statement or an expression can be.
    fn name(&mut self) {
        let before = self.previous;
        let begins = before.kind.ends_statement() && self.blocks.in_block();
        match self.text() {
            b"const" if begins && self.next.kind == Kind::Name => return self.bindings(),
            b"type" if begins && self.next.kind == Kind::Name => return self.type_alias(),
            b"type" | b"typeof" if self.is_next(b'(') => self.type_call = self.next.end,
            b"_G" if self.is_next(b'.') => {
                self.advance();
                if self.next.kind != Kind::Name {
                    return;
                }
                self.advance();
            }
            _ => {}
        }
        let is_target = begins || self.in_targets && before.kind == Kind::Byte(b',');
        self.in_targets = is_target;
        match self.next.kind {
            Kind::Byte(b'=') if self.blocks.innermost() == Some(Open::Brace) => return,
            Kind::Byte(b'=') | Kind::CompoundAssign => return self.declare(),
            Kind::Byte(b',') if is_target => return self.declare(),
            _ => {}
        }
        let after_test =
            matches!(before.kind, Kind::Not | Kind::And | Kind::Or | Kind::Equal | Kind::NotEqual)
                || before.end == self.type_call;
        let (name, line) = (self.text(), self.current.line);
        let (how, is_named) = self.how(is_target);
        let member = is_named.then(|| (self.current.line, self.how(is_target).0));
        let last = member.map_or(how, |(_, how)| how);
        let before_test =
            matches!(self.next.kind, Kind::And | Kind::Or | Kind::Then | Kind::Equal | Kind::NotEqual);
        let is_test = last == How::Value && (after_test || before_test);
        self.sink.used(Use { name, line, how, member, is_test });
    }

    /// How the value at `current` is used; at an index by name, goes there and says so.
    fn how(&mut self, is_target: bool) -> (How<'s>, bool) {
        match self.next.kind {
            Kind::Byte(b'(' | b'{') | Kind::Text => (How::Call, false),
            Kind::Byte(b'[') => (How::Index(None), false),
            Kind::Byte(b'.' | b':') => {
                self.advance();
                if self.next.kind != Kind::Name {
                    return (How::Value, false);
                }
                self.advance();
                (How::Index(Some(self.text())), true)
            }
            Kind::Byte(b'=') | Kind::CompoundAssign => (How::Set, false),
            Kind::Byte(b',') if is_target => (How::Set, false),
            _ => (How::Value, false),
        }
    }

    /// At `local`, `const` or `for`: the names that follow, and their types.
    fn bindings(&mut self) {
        self.in_targets = false;
        while self.next.kind == Kind::Name {
            self.advance();
            self.declare();
            self.annotation();
            if !self.is_next(b',') {
                return;
            }
            self.advance();
        }
    }

    fn function(&mut self) {
        self.in_targets = false;
        if self.next.kind == Kind::Name {
            self.advance();
            let (name, line) = (self.text(), self.current.line);
            let mut path = None;
            while matches!(self.next.kind, Kind::Byte(b'.' | b':')) {
                self.advance();
                if self.next.kind == Kind::Name {
                    self.advance();
                    path = path.or(Some((self.text(), self.current.line)));
                }
            }
            match path {
                None => self.declare(),
                Some((key, _)) if name == b"_G" => self.sink.declared(key),
                Some((key, key_line)) => self.sink.used(Use {
                    name,
                    line,
                    how: How::Index(Some(key)),
                    member: Some((key_line, How::Set)),
                    is_test: false,
                }),
            }
        }
        if self.is_next(b'<') {
            self.skip_angles();
        }
        if self.is_next(b'(') {
            self.advance();
            while matches!(self.next.kind, Kind::Name | Kind::Dots | Kind::Byte(b',')) {
                self.advance();
                if self.current.kind == Kind::Name {
                    self.declare();
                }
                self.annotation();
            }
            if self.is_next(b')') {
                self.advance();
                self.annotation();
            }
        }
    }

    /// At `type` or a name before an alias.
    fn type_alias(&mut self) {
        self.advance();
        if self.is_next(b'<') {
            self.skip_angles();
        }
        if self.is_next(b'=') {
            self.advance();
            self.skip_type();
        }
    }

    /// Past `: type`, if there is one.
    fn annotation(&mut self) {
        if self.is_next(b':') {
            self.advance();
            self.skip_type();
        }
    }

    /// Past the type behind `current`.
    fn skip_type(&mut self) {
        loop {
            match self.next.kind {
                Kind::Byte(b'|' | b'&') | Kind::Dots => {
                    self.advance();
                    continue;
                }
                Kind::Name => {
                    self.advance();
                    let is_typeof = self.text() == b"typeof";
                    while self.is_next(b'.') {
                        self.advance();
                        if self.next.kind == Kind::Name {
                            self.advance();
                        }
                    }
                    if is_typeof && self.is_next(b'(') {
                        self.skip_brackets();
                    }
                    if self.is_next(b'<') {
                        self.skip_angles();
                    }
                    if self.next.kind == Kind::Dots {
                        self.advance();
                    }
                }
                Kind::Nil | Kind::True | Kind::False | Kind::Text => self.advance(),
                Kind::Byte(b'<') => {
                    self.skip_angles();
                    continue;
                }
                Kind::Byte(b'(' | b'{') => self.skip_brackets(),
                _ => break,
            }
            while self.is_next(b'?') {
                self.advance();
            }
            match self.next.kind {
                Kind::Arrow => self.advance(),
                Kind::Byte(b'|' | b'&') => {}
                _ => break,
            }
        }
        // So that a statement can follow.
        self.current.kind = Kind::Name;
    }

    /// From before an opening bracket to its closing one.
    fn skip_brackets(&mut self) {
        let mut depth = 0_usize;
        loop {
            match self.next.kind {
                Kind::Byte(b'(' | b'{' | b'[') => depth += 1,
                Kind::Byte(b')' | b'}' | b']') => depth = depth.saturating_sub(1),
                Kind::Eof => return,
                _ => {}
            }
            self.advance();
            if depth == 0 {
                return;
            }
        }
    }

    /// From before or at a `<` to its `>`.
    fn skip_angles(&mut self) {
        let mut depth = usize::from(self.current.kind == Kind::Byte(b'<'));
        loop {
            match self.next.kind {
                Kind::Byte(b'<') => depth += 1,
                Kind::Byte(b'>') => depth = depth.saturating_sub(1),
                Kind::Eof | Kind::Local | Kind::Function | Kind::End | Kind::Return => return,
                _ => {}
            }
            self.advance();
            if depth == 0 {
                self.current.kind = Kind::Name;
                return;
            }
        }
    }
}
