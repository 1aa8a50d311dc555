//! A source, parsed by Luau's own parser.

use std::panic::{AssertUnwindSafe, catch_unwind};

use memchr::memchr;
use perilune_luau::syntax::{self, Kind, SyntaxError, Tree};

/// The longest source that is read, in bytes: places in it are 32 bits.
pub(crate) const MAX_SOURCE: usize = u32::MAX as usize;

/// The bytes before a source's code: a byte order mark, and a first line for Unix that begins with `#!`, without its
/// end.
pub(crate) fn preamble(source: &[u8]) -> usize {
    let mark = if source.starts_with("\u{feff}".as_bytes()) { 3 } else { 0 };
    let text = &source[mark..];
    if text.starts_with(b"#!") { mark + memchr(b'\n', text).unwrap_or(text.len()) } else { mark }
}

/// A source's code and its tree. A node is a number, 0 for the block that holds all; a place is a byte of the code.
pub(crate) struct Parsed<'s> {
    code: &'s [u8],
    tree: Tree,
}

/// Calls Luau's parser or compiler on a stack of its own: the source may come from anyone, and the thread from any host. `None` where
/// the system has no memory for one, which `stacker` tells by a panic.
pub(crate) fn on_its_stack<T>(call: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(|| stacker::grow(syntax::STACK, call))).ok()
}

impl<'s> Parsed<'s> {
    /// `None`: it is too long, or there is no memory.
    pub(crate) fn new(source: &'s [u8]) -> Option<Self> {
        if source.len() > MAX_SOURCE {
            return None;
        }
        let code = &source[preamble(source)..];
        let tree = on_its_stack(|| syntax::parse(code))?.ok()?;
        Some(Self { code, tree })
    }

    pub(crate) fn code(&self) -> &'s [u8] {
        self.code
    }

    pub(crate) fn errors(&self) -> &[SyntaxError] {
        &self.tree.errors
    }

    /// All nodes of a kind, in the order of the source.
    pub(crate) fn of_kind(&self, kind: Kind) -> impl Iterator<Item = usize> {
        (0..self.tree.nodes.len()).filter(move |&node| self.kind(node) == kind)
    }

    pub(crate) fn nodes(&self) -> std::ops::Range<usize> {
        0..self.tree.nodes.len()
    }

    pub(crate) fn kind(&self, node: usize) -> Kind {
        self.tree.nodes[node].kind
    }

    /// The node that contains it.
    pub(crate) fn parent(&self, node: usize) -> usize {
        self.tree.nodes[node].parent as usize
    }

    /// The direct children of a node.
    pub(crate) fn children(&self, node: usize) -> impl Iterator<Item = usize> {
        let within = self.tree.nodes.get(node).map_or(0, |node| node.next as usize);
        let mut next = node + 1;
        std::iter::from_fn(move || {
            let child = (next < within).then_some(next)?;
            next = self.tree.nodes[child].next as usize;
            Some(child)
        })
    }

    /// Whether a node is the first child of its parent: what is called, indexed or tested.
    pub(crate) fn is_first(&self, node: usize) -> bool {
        node == self.parent(node) + 1
    }

    pub(crate) fn begin(&self, node: usize) -> u32 {
        self.tree.nodes[node].begin
    }

    pub(crate) fn text(&self, node: usize) -> &'s [u8] {
        let node = &self.tree.nodes[node];
        self.code.get(node.begin as usize..node.end as usize).unwrap_or_default()
    }

    /// The name that a node is or ends with, and its place.
    pub(crate) fn name(&self, node: usize) -> (&'s [u8], u32) {
        let text = self.text(node);
        let begin = text.iter().rposition(|byte| !is_word(*byte)).map_or(0, |before| before + 1);
        (&text[begin..], self.begin(node) + begin as u32)
    }

    /// What a string in quotes holds, if nothing in it is escaped.
    pub(crate) fn string(&self, node: usize) -> Option<&'s [u8]> {
        let [b'"' | b'\'', text @ .., _] = self.text(node) else { return None };
        (self.kind(node) == Kind::String && !text.contains(&b'\\')).then_some(text)
    }
}

/// Whether it may be part of a name.
pub(crate) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Lines and columns of places. To ask for them in their order is fastest.
pub(crate) struct Places<'s> {
    code: &'s [u8],
    line: u32,
    /// Where it begins.
    begin: usize,
    /// Up to where lines were counted.
    counted: usize,
}

impl<'s> Places<'s> {
    pub(crate) fn new(code: &'s [u8]) -> Self {
        Self { code, line: 1, begin: 0, counted: 0 }
    }

    /// The line of a place, from 1, and the column in characters, from 1.
    pub(crate) fn at(&mut self, place: u32) -> (u32, u32) {
        let place = (place as usize).min(self.code.len());
        if place < self.counted {
            *self = Self::new(self.code);
        }
        for newline in memchr::memchr_iter(b'\n', &self.code[self.counted..place]) {
            self.line += 1;
            self.begin = self.counted + newline + 1;
        }
        self.counted = place;
        let is_begin = |byte: &&u8| !matches!(byte, 0x80..=0xbf);
        let column = 1 + self.code[self.begin..place].iter().filter(is_begin).count();
        (self.line, column as u32)
    }
}
