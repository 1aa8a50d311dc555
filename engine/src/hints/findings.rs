//! The names of a source that are not there, and what to say of them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::elsewhere::ELSEWHERE;
use super::names::{GLOBALS, HOST, LIBRARIES};
use super::scan::{How, Sink, Use, scan};
use super::typo;

/// Findings kept of one source.
const MOST: usize = 64;

/// Uses noted while a source is read, some of which come to nothing.
const MOST_USES: usize = 256;

/// Different names noted while a source is read. What only comes later is not told of.
const MOST_NAMES: usize = 4096;

/// One name that is not there, on one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) line: u32,
    pub(crate) name: Box<str>,
    /// `name` is a library, and has no such member.
    pub(crate) member: Option<Box<str>>,
    used: Used,
    /// It is only asked whether there is such a thing.
    pub(crate) is_test: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Used {
    Call,
    /// The key, if it is a name.
    Index(Option<Box<str>>),
    Value,
}

/// What `source` names that is not there, in the order of its lines. Most sources have none of it.
pub(crate) fn findings(source: &[u8]) -> Vec<Finding> {
    let mut collector = Collector { names: HashMap::new(), uses: Vec::new() };
    scan(source, &mut collector);
    collector.finish()
}

impl Finding {
    /// Whether an error is one that using nil in this way brings, where the VM may have named what was called.
    pub(crate) fn fits(&self, reason: &str, named: Option<&str>) -> bool {
        let index = reason.strip_prefix("attempt to index nil with ");
        let is_call = reason == "attempt to call a nil value";
        match &self.used {
            Used::Call => is_call && named.is_none_or(|named| named == self.path()),
            Used::Index(None) => index.is_some(),
            Used::Index(Some(key)) => {
                index.and_then(|key| key.strip_prefix('\'')?.strip_suffix('\'')) == Some(&**key)
            }
            Used::Value if is_call || index.is_some() => false,
            Used::Value => match reason.strip_prefix("attempt to ") {
                Some(operation) => operation.split_whitespace().any(|word| word == "nil"),
                None => reason.ends_with("got nil)"),
            },
        }
    }

    /// Whether it is a name that other Luas have, or languages.
    pub(crate) fn is_of_another_lua(&self) -> bool {
        elsewhere(self.name.as_bytes()).is_some()
    }

    fn path(&self) -> String {
        match &self.member {
            Some(member) => format!("{}.{member}", self.name),
            None => self.name.to_string(),
        }
    }

    /// `ARG is not there: did you mean ARGS?`
    pub(crate) fn hint(&self) -> String {
        let name = self.path();
        if let Used::Index(Some(key)) = &self.used
            && let key = format!("{name}.{key}")
            && let Some(advice) = elsewhere(key.as_bytes())
        {
            return format!("{key} {advice}");
        }
        if let Some(advice) = elsewhere(name.as_bytes()) {
            return format!("{name} {advice}");
        }
        let meant = match &self.member {
            Some(member) => near_member(&self.name, member).map(|meant| format!("{}.{meant}", self.name)),
            None => near_global(name.as_bytes()).map(str::to_owned),
        };
        match meant {
            Some(meant) => format!("{name} is not there: did you mean {meant}?"),
            None => format!("{name} is not there"),
        }
    }
}

/// Of a method that strings have not: the error itself names it.
pub(crate) fn missing_method(reason: &str) -> Option<String> {
    let name = reason.strip_prefix("attempt to call missing method '")?.strip_suffix("' of string")?;
    if let Some(advice) = elsewhere(format!("string.{name}").as_bytes()) {
        return Some(format!("string.{name} {advice}"));
    }
    near_member("string", name).map(|meant| format!("did you mean {meant}?"))
}

/// Of texts that are added: in other languages that joins them.
pub(super) fn adding(reason: &str) -> Option<String> {
    let of = reason.strip_prefix("attempt to perform arithmetic (add) on ")?;
    matches!(of, "string" | "string and number" | "number and string")
        .then(|| "texts are joined with ..".to_owned())
}

/// Of a table that all runs share, or that the host gave.
pub(super) fn writing(reason: &str, table: &str) -> Option<String> {
    if reason != "attempt to modify a readonly table" {
        return None;
    }
    if members(table.as_bytes()).is_some() {
        return Some(format!(
            "{table} is the library's, and read-only: use a local function, or a copy, local {table} = table.clone({table})"
        ));
    }
    matches!(table, "CONFIG" | "META" | "host")
        .then(|| format!("{table} is the host's, and read-only: use a table of your own"))
}

/// Of a function that the host has not: `functions` are those that it has.
pub(super) fn missing_function(reason: &str, named: &str, functions: &[&str]) -> Option<String> {
    let name = match reason.strip_prefix("attempt to call missing method '") {
        Some(rest) if named == "host" => rest.strip_suffix("' of table")?,
        None if reason == "attempt to call a nil value" => named.strip_prefix("host.")?,
        _ => return None,
    };
    let meant = match nearest(name.as_bytes(), functions.iter().copied(), typo::lenient) {
        Some(meant) => format!("did you mean host.{meant}?"),
        None => super::registered(functions),
    };
    Some(format!("host.{name} is not there: {meant}"))
}

/// Whether the library of this name has such a member; `None` when there is no such library.
pub(crate) fn is_member(library: &[u8], name: &[u8]) -> Option<bool> {
    members(library).map(|members| holds(members, name))
}

/// The rest of the sentence on a name of another Lua.
fn elsewhere(name: &[u8]) -> Option<&'static str> {
    let at = ELSEWHERE.binary_search_by(|(known, _)| known.as_bytes().cmp(name)).ok()?;
    Some(ELSEWHERE[at].1)
}

fn holds(names: &[&str], name: &[u8]) -> bool {
    names.binary_search_by(|known| known.as_bytes().cmp(name)).is_ok()
}

/// The members of the library that has this name.
fn members(library: &[u8]) -> Option<&'static [&'static str]> {
    let at = LIBRARIES.binary_search_by(|(known, _)| known.as_bytes().cmp(library)).ok()?;
    Some(LIBRARIES[at].1)
}

fn near_member(library: &str, name: &str) -> Option<&'static str> {
    nearest(name.as_bytes(), members(library.as_bytes())?.iter().copied(), typo::lenient)
}

fn near_global(name: &[u8]) -> Option<&'static str> {
    let libraries = LIBRARIES.iter().map(|(library, _)| library);
    nearest(name, GLOBALS.iter().chain(HOST).chain(libraries).copied(), typo::strict)
}

fn nearest<'k>(
    name: &[u8],
    known: impl Iterator<Item = &'k str>,
    tolerance: fn(usize) -> usize,
) -> Option<&'k str> {
    known
        .filter_map(|known| Some((typo::distance(name, known.as_bytes(), tolerance)?, known)))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// What a name tells, as a global.
#[derive(Clone, Copy)]
enum Class {
    Library(&'static [&'static str]),
    /// There is none, but another may be meant.
    Absent,
    /// There is one, or it is a name of the script's own.
    Other,
}

impl Class {
    fn of(name: &[u8]) -> Self {
        if let Some(members) = members(name) {
            Self::Library(members)
        } else if holds(GLOBALS, name) || holds(HOST, name) {
            Self::Other
        } else if elsewhere(name).is_some() || near_global(name).is_some() {
            Self::Absent
        } else {
            Self::Other
        }
    }
}

/// Notes names while a source is read.
struct Collector<'s> {
    names: HashMap<&'s [u8], Name>,
    uses: Vec<Use<'s>>,
}

struct Name {
    class: Class,
    is_declared: bool,
}

impl<'s> Collector<'s> {
    fn name(&mut self, name: &'s [u8]) -> Option<&mut Name> {
        let is_full = self.names.len() >= MOST_NAMES;
        match self.names.entry(name) {
            Entry::Occupied(entry) => Some(entry.into_mut()),
            Entry::Vacant(_) if is_full => None,
            Entry::Vacant(entry) => Some(entry.insert(Name { class: Class::of(name), is_declared: false })),
        }
    }

    fn finish(self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for used in self.uses {
            if let Some(name) = self.names.get(used.name)
                && !name.is_declared
                && findings.len() < MOST
            {
                findings.push(used.finding(name.class));
            }
        }
        findings
    }
}

impl<'s> Sink<'s> for Collector<'s> {
    fn declared(&mut self, name: &'s [u8]) {
        if let Some(name) = self.name(name) {
            name.is_declared = true;
        }
    }

    fn used(&mut self, used: Use<'s>) {
        let Some(name) = self.name(used.name) else { return };
        let is_absent = match (name.class, used.how, used.member) {
            // The library can't be changed: this is another table of that name, or an error of its own.
            (Class::Library(_), How::Index(_), Some((_, How::Set))) => {
                name.is_declared = true;
                false
            }
            (Class::Library(members), How::Index(Some(member)), _) => !holds(members, member),
            (Class::Library(_) | Class::Other, ..) => false,
            (Class::Absent, how, _) => how != How::Set,
        };
        if is_absent && !name.is_declared && self.uses.len() < MOST_USES {
            self.uses.push(used);
        }
    }
}

impl Use<'_> {
    fn finding(self, class: Class) -> Finding {
        let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned().into_boxed_str();
        let of = |how: How<'_>| match how {
            How::Call => Used::Call,
            How::Index(key) => Used::Index(key.map(text)),
            How::Set | How::Value => Used::Value,
        };
        let (line, used, member) = match (class, self.how, self.member) {
            (Class::Library(_), How::Index(Some(member)), Some((line, how))) => {
                (line, of(how), Some(text(member)))
            }
            _ => (self.line, of(self.how), None),
        };
        Finding { line, name: text(self.name), member, used, is_test: self.is_test }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// They are searched by halves.
    #[test]
    fn the_lists_are_in_order() {
        assert!(GLOBALS.is_sorted() && HOST.is_sorted());
        assert!(LIBRARIES.is_sorted() && LIBRARIES.iter().all(|(_, members)| members.is_sorted()));
        assert!(ELSEWHERE.is_sorted());
    }
}
