//! Warnings of code that does something else here than in Lua 5.3 or 5.4, or than its author seems to mean. Only where the
//! source leaves no doubt: a global that it sets anywhere counts as its own.

use perilune_luau::syntax::Kind;

use crate::model::json::MAX_EXACT;
use crate::syntax::findings::is_member;
use crate::syntax::parsed::Parsed;
use crate::syntax::uses::Globals;

/// Metamethods that are not called here.
const NEVER_CALLED: &[(&[u8], &str)] = &[
    (b"__close", "__close is never called in Luau: close with a call, after pcall"),
    (b"__gc", "__gc is never called in Luau: close with a call"),
    (b"__pairs", "__pairs is never called in Luau: use __iter, and a loop over the object itself"),
];

/// Places in a source and the warning for each.
pub(super) fn differences(source: &Parsed<'_>, globals: &Globals<'_>) -> Vec<(u32, String)> {
    let mut checker = Checker { source, globals, found: Vec::new() };
    for node in source.nodes() {
        match source.kind(node) {
            Kind::Number => checker.number(node),
            Kind::Call => checker.call(node),
            Kind::Concat => source.children(node).for_each(|operand| checker.shown(operand)),
            Kind::Targets => source.children(node).for_each(|target| checker.target(target)),
            Kind::Key => checker.metamethod(node),
            Kind::Binding => checker.environment(node),
            _ => {}
        }
    }
    checker.found
}

struct Checker<'p, 's> {
    source: &'p Parsed<'s>,
    globals: &'p Globals<'s>,
    found: Vec<(u32, String)>,
}

impl<'s> Checker<'_, 's> {
    fn warn(&mut self, node: usize, message: impl Into<String>) {
        self.found.push((self.source.begin(node), message.into()));
    }

    fn shown_text(&self, node: usize) -> String {
        String::from_utf8_lossy(self.source.text(node)).into_owned()
    }

    /// The name of a global that is not the script's own.
    fn global(&self, node: usize) -> Option<&'s [u8]> {
        let name = self.source.text(node);
        let is_global = self.source.kind(node) == Kind::Global && !self.globals.set.contains(name);
        is_global.then_some(name)
    }

    /// The same, and a name behind a dot.
    fn path(&self, node: usize) -> Option<(&'s [u8], &'s [u8])> {
        if !matches!(self.source.kind(node), Kind::Field | Kind::Method) {
            return None;
        }
        Some((self.global(self.source.children(node).next()?)?, self.source.name(node).0))
    }

    fn call(&mut self, call: usize) {
        let source = self.source;
        let mut children = source.children(call);
        let Some(called) = children.next() else { return };
        let arguments: Vec<usize> = children.collect();
        let of_text = source.children(called).next().and_then(|group| {
            let text = source.children(group).next()?;
            (source.kind(group) == Kind::Group && source.kind(text) == Kind::String).then_some(text)
        });
        match (source.kind(called), of_text) {
            (Kind::Method, Some(text)) => match source.name(called).0 {
                b"rep" => self.repeat(called, &arguments, 2),
                b"format" => self.format(called, text, &arguments),
                _ => {}
            },
            (Kind::Global, _) => {
                if matches!(self.global(called), Some(b"print" | b"tostring")) {
                    arguments.into_iter().for_each(|argument| self.shown(argument));
                }
            }
            (Kind::Field, _) => match (self.path(called), &arguments[..]) {
                (Some((b"io", b"write")), _) => {
                    arguments.into_iter().for_each(|argument| self.shown(argument));
                }
                (Some((b"os", b"time")), [table, ..]) if source.kind(*table) == Kind::Table => {
                    self.warn(called, "os.time reads its table as UTC here, not in the local time zone");
                }
                (Some((b"string", b"rep")), _) => self.repeat(called, &arguments, 3),
                (Some((b"string", b"format")), [format, rest @ ..])
                    if source.kind(*format) == Kind::String =>
                {
                    self.format(called, *format, rest);
                }
                _ => {}
            },
            _ => {}
        }
    }

    /// What an assignment or a function's statement sets.
    fn target(&mut self, target: usize) {
        self.metamethod(target);
        self.environment(target);
        let Some((name, member)) = self.path(target) else { return };
        let Some(is_there) = is_member(name, member) else { return };
        // `if not table.unpack then table.unpack = unpack end` does nothing.
        if is_there && self.is_guarded_by_test(target) {
            return;
        }
        let (name, member) = (String::from_utf8_lossy(name), String::from_utf8_lossy(member));
        self.warn(
            target,
            format!("{name}.{member} can't be set: {name} is the library's, and read-only; use a local function, or a copy: local {name} = table.clone({name})"),
        );
    }

    /// Whether the statement that sets something is directly in an `if not …` of the same.
    fn is_guarded_by_test(&self, target: usize) -> bool {
        let source = self.source;
        let block = source.parent(source.parent(source.parent(target)));
        let asking = source.parent(block);
        let condition = source.children(asking).next();
        source.kind(asking) == Kind::If
            && condition.is_some_and(|condition| {
                let asked = source.children(condition).next();
                source.kind(condition) == Kind::Not
                    && asked.is_some_and(|asked| source.text(asked) == source.text(target))
            })
    }

    fn metamethod(&mut self, node: usize) {
        if !matches!(self.source.kind(node), Kind::Key | Kind::Field | Kind::Method) {
            return;
        }
        let name = self.source.name(node).0;
        if let Some((_, message)) = NEVER_CALLED.iter().find(|(known, _)| *known == name) {
            self.warn(node, *message);
        }
    }

    /// A new name.
    fn environment(&mut self, node: usize) {
        if self.source.text(node) == b"_ENV" {
            self.warn(node, "_ENV is a name like any other in Luau: globals are fields of _G");
        }
    }

    /// A number of which text is made.
    fn shown(&mut self, node: usize) {
        let source = self.source;
        let value = |node: Option<usize>| {
            let node = node.filter(|node| source.kind(*node) == Kind::Number)?;
            std::str::from_utf8(source.text(node)).ok()?.parse::<f64>().ok()
        };
        let mut operands = source.children(node);
        let mut both = || value(operands.next()).zip(value(operands.next()));
        let result = match source.kind(node) {
            Kind::Number if source.text(node).iter().any(|byte| matches!(byte, b'.' | b'e' | b'E')) => {
                value(Some(node))
            }
            Kind::Divide => both().map(|(a, b)| a / b),
            Kind::Power => both().map(|(a, b)| a.powf(b)),
            _ => None,
        };
        if let Some(result) = result
            && result.fract() == 0.0
            && result.abs() < 1e15
        {
            let text = self.shown_text(node);
            self.warn(node, format!("{text} prints as {result} in Luau, as {result}.0 in Lua 5.3 and 5.4"));
        }
    }

    fn repeat(&mut self, called: usize, arguments: &[usize], parameters: usize) {
        if arguments.len() == parameters {
            self.warn(called, "string.rep has no separator in Luau, and leaves it out: use table.concat");
        }
    }

    /// A format, and what is to be put into it.
    fn format(&mut self, called: usize, format: usize, arguments: &[usize]) {
        let conversions = conversions(self.source.text(format));
        for (conversion, &argument) in conversions.into_iter().zip(arguments) {
            match (conversion, self.source.kind(argument)) {
                (b's', Kind::Nil | Kind::Bool) => {
                    let text = self.shown_text(argument);
                    self.warn(
                        called,
                        format!("string.format takes no {text} for %s in Luau: use %*, or tostring"),
                    );
                }
                (b'd' | b'i', _) if self.may_have_fraction(argument) => {
                    self.warn(
                        called,
                        "string.format cuts a fraction off for %d in Luau; in Lua 5.3 and 5.4 it is an error",
                    );
                }
                _ => {}
            }
        }
    }

    /// Whether it is a number with a fraction, or one value divided by another.
    fn may_have_fraction(&self, node: usize) -> bool {
        let is_value = |node| {
            matches!(
                self.source.kind(node),
                Kind::Number | Kind::Global | Kind::Local | Kind::Field | Kind::Index | Kind::Call
            )
        };
        match self.source.kind(node) {
            Kind::Number => {
                self.source.text(node).contains(&b'.') && {
                    let text = String::from_utf8_lossy(self.source.text(node));
                    text.parse::<f64>().is_ok_and(|number| number.fract() != 0.0)
                }
            }
            Kind::Divide => self.source.children(node).all(is_value),
            _ => false,
        }
    }

    fn number(&mut self, node: usize) {
        let text: String = self.shown_text(node).replace('_', "");
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
            self.warn(node, format!("{text} is beyond 2^53, up to which Luau's numbers hold every integer"));
        }
    }
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
