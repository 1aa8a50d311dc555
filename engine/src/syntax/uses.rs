//! Which globals a source sets and uses.

use std::collections::HashSet;

use perilune_luau::syntax::Kind;

use super::parsed::Parsed;

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
    /// Where the name is.
    pub(crate) at: u32,
    pub(crate) how: How<'s>,
    /// For an index by name: where that name is, and how its value is used.
    pub(crate) member: Option<(u32, How<'s>)>,
    /// The script only tests whether it exists.
    pub(crate) is_test: bool,
}

/// The globals of a source.
#[derive(Default)]
pub(crate) struct Globals<'s> {
    /// Globals that it sets, anywhere in it.
    pub(crate) set: HashSet<&'s [u8]>,
    /// Uses of globals, in the order of the source.
    pub(crate) uses: Vec<Use<'s>>,
    /// It may set others: `_G` is used as a table like any other, or `require` as a value.
    pub(crate) sets_others: bool,
    /// The modules that it requires, and where.
    pub(crate) required: Vec<(&'s [u8], u32)>,
}

impl<'s> Globals<'s> {
    pub(crate) fn new(source: &Parsed<'s>) -> Self {
        let mut globals = Self::default();
        for global in source.of_kind(Kind::Global) {
            globals.add(source, global);
        }
        globals
    }

    fn add(&mut self, source: &Parsed<'s>, global: usize) {
        let (mut node, (mut name, mut at)) = (global, source.name(global));
        let parent = source.parent(global);
        if name == b"_G" {
            match source.kind(parent) {
                Kind::Field => (node, (name, at)) = (parent, source.name(parent)),
                // Read by a computed key.
                Kind::Index
                    if source.is_first(global) && source.kind(source.parent(parent)) != Kind::Targets =>
                {
                    return;
                }
                _ => {
                    self.sets_others = true;
                    return;
                }
            }
        }
        let (how, indexed) = how(source, node);
        if how == How::Set {
            self.set.insert(name);
            return;
        }
        if name == b"require" && !self.require(source, node) {
            self.sets_others = true;
        }
        let member = indexed.map(|indexed| (source.name(indexed).1, self::how(source, indexed).0));
        let (last, last_how) = (indexed.unwrap_or(node), member.map_or(how, |(_, how)| how));
        let is_test = last_how == How::Value && is_test(source, last);
        self.uses.push(Use { name, at, how, member, is_test });
    }

    /// Whether a module is required by a name that shows.
    fn require(&mut self, source: &Parsed<'s>, node: usize) -> bool {
        let call = source.parent(node);
        if source.kind(call) != Kind::Call || !source.is_first(node) {
            return false;
        }
        let module = source.children(call).nth(1);
        let Some((module, name)) = module.and_then(|module| Some((module, source.string(module)?))) else {
            return false;
        };
        self.required.push((name, source.begin(module)));
        true
    }
}

/// How the value of a node is used, and the node that is its index by name.
fn how<'s>(source: &Parsed<'s>, node: usize) -> (How<'s>, Option<usize>) {
    let parent = source.parent(node);
    match source.kind(parent) {
        Kind::Call if source.is_first(node) => (How::Call, None),
        Kind::Field | Kind::Method => (How::Index(Some(source.name(parent).0)), Some(parent)),
        Kind::Index if source.is_first(node) => (How::Index(None), None),
        // `x += 1` reads it.
        Kind::Targets if source.kind(source.parent(parent)) != Kind::CompoundAssign => (How::Set, None),
        _ => (How::Value, None),
    }
}

/// Whether a value is only tested for existence.
fn is_test(source: &Parsed<'_>, node: usize) -> bool {
    let parent = source.parent(node);
    match source.kind(parent) {
        Kind::Not | Kind::And | Kind::Or | Kind::Equal | Kind::Repeat => true,
        Kind::If | Kind::While | Kind::IfElse => source.is_first(node),
        Kind::Call => {
            let called = source.children(parent).next().map(|called| source.text(called));
            matches!(called, Some(b"type" | b"typeof"))
        }
        _ => false,
    }
}
