//! Findings: uses of names that do not exist, and the hint for each.

use std::collections::{HashMap, HashSet};

use super::elsewhere::ELSEWHERE;
use super::names::{GLOBALS, HOST, LIBRARIES};
use super::parsed::{Parsed, Places};
use super::typo;
use super::uses::{Globals, How, Use};

/// The most findings of one source.
const MOST: usize = 64;

/// A use of a name that does not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Where the name is.
    pub(crate) at: u32,
    pub(crate) line: u32,
    pub(crate) name: Box<str>,
    /// `name` is a library, and has no such member.
    pub(crate) member: Option<Box<str>>,
    used: Used,
    /// The script only tests whether it exists.
    pub(crate) is_test: bool,
    /// It looks like a typo of a name that exists.
    pub(crate) is_typo: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Used {
    Call,
    /// The key, if it is a name.
    Index(Option<Box<str>>),
    Value,
}

/// The findings of `source`, in its order: those with a name that may be meant instead, or all of them. Most sources have none.
pub(crate) fn findings(source: &Parsed<'_>, globals: &Globals<'_>, of_all: bool) -> Vec<Finding> {
    let mut places = Places::new(source.code());
    let mut classes = HashMap::new();
    // The library can't be changed: this is another table of that name, or an error of its own.
    let is_patch = |used: &&Use<'_>| matches!(used.member, Some((_, How::Set)));
    let patched: HashSet<_> = globals.uses.iter().filter(is_patch).map(|used| used.name).collect();
    let mut findings = Vec::new();
    for used in &globals.uses {
        if globals.set.contains(used.name) {
            continue;
        }
        let class = *classes.entry(used.name).or_insert_with(|| NameClass::from_name(used.name));
        let is_absent = match (class, used.how) {
            (NameClass::Library(members), How::Index(Some(member))) => {
                !holds(members, member) && !patched.contains(used.name)
            }
            (NameClass::Library(_) | NameClass::There, _) => false,
            (NameClass::Meant { .. }, _) => true,
            (NameClass::Unknown, _) => of_all,
        };
        if is_absent {
            findings.push(used.finding(class, &mut places));
        }
        if findings.len() == MOST {
            break;
        }
    }
    findings
}

impl Finding {
    /// Whether an error is one that using nil in this way raises. The VM may have named what was called.
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

    fn path(&self) -> String {
        match &self.member {
            Some(member) => format!("{}.{member}", self.name),
            None => self.name.to_string(),
        }
    }

    /// `ARG is not there: did you mean ARGS?` The source has names of its own, one of which may be meant.
    pub(crate) fn hint<'o>(&self, own: impl Iterator<Item = &'o str>) -> String {
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
            None => near_global(name.as_bytes())
                .or_else(|| nearest(name.as_bytes(), own, typo::strict))
                .map(str::to_owned),
        };
        match meant {
            Some(meant) => format!("{name} is not there: did you mean {meant}?"),
            None => format!("{name} is not there"),
        }
    }
}

/// The hint for a method that strings do not have: the error itself names it.
pub(crate) fn missing_method(reason: &str) -> Option<String> {
    let name = reason.strip_prefix("attempt to call missing method '")?.strip_suffix("' of string")?;
    if let Some(advice) = elsewhere(format!("string.{name}").as_bytes()) {
        return Some(format!("string.{name} {advice}"));
    }
    near_member("string", name).map(|meant| format!("did you mean {meant}?"))
}

/// The hint for adding texts, which joins them in other languages.
pub(super) fn adding(reason: &str) -> Option<String> {
    let of = reason.strip_prefix("attempt to perform arithmetic (add) on ")?;
    matches!(of, "string" | "string and number" | "number and string")
        .then(|| "texts are joined with ..".to_owned())
}

/// The hint for writing to a read-only table: the library's, or the host's.
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

/// The hint for a host function that does not exist: `functions` are those that do.
pub(super) fn missing_function(reason: &str, named: &str, functions: &[&str]) -> Option<String> {
    let name = match reason.strip_prefix("attempt to call missing method '") {
        Some(rest) if named == "host" => rest.strip_suffix("' of table")?,
        None if reason == "attempt to call a nil value" => named.strip_prefix("host.")?,
        _ => return None,
    };
    Some(no_function(name, functions))
}

/// The message on a function that `host` does not have.
pub(crate) fn no_function(name: &str, functions: &[&str]) -> String {
    let meant = match nearest(name.as_bytes(), functions.iter().copied(), typo::lenient) {
        Some(meant) => format!("did you mean host.{meant}?"),
        None => registered(functions),
    };
    format!("host.{name} is not there: {meant}")
}

/// The message on a module that does not exist.
pub(crate) fn no_module(name: &str, modules: &[&str]) -> String {
    let meant = match nearest(name.as_bytes(), modules.iter().copied(), typo::lenient) {
        Some(meant) => format!("did you mean '{meant}'?"),
        None => registered(modules),
    };
    format!("there is no module '{name}': {meant}")
}

/// The registered names, sorted, for a message.
fn registered(names: &[&str]) -> String {
    /// Names shown.
    const SHOWN: usize = 10;
    match names.len() {
        0 => "the host registered none".to_owned(),
        more if more > SHOWN => format!("the host registered {}, …", names[..SHOWN].join(", ")),
        _ => format!("the host registered {}", names.join(", ")),
    }
}

/// Whether the library of this name has such a member; `None` when there is no such library.
pub(crate) fn is_member(library: &[u8], name: &[u8]) -> Option<bool> {
    members(library).map(|members| holds(members, name))
}

/// What to write instead of a name of another Lua: the rest of a sentence.
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

/// What a name is, as a global.
#[derive(Clone, Copy)]
enum NameClass {
    Library(&'static [&'static str]),
    There,
    /// It does not exist, but another name may be meant.
    Meant {
        is_typo: bool,
    },
    /// It does not exist, and no known name is like it.
    Unknown,
}

impl NameClass {
    fn from_name(name: &[u8]) -> Self {
        if let Some(members) = members(name) {
            Self::Library(members)
        } else if holds(GLOBALS, name) || holds(HOST, name) {
            Self::There
        } else if elsewhere(name).is_some() {
            Self::Meant { is_typo: false }
        } else if near_global(name).is_some() {
            Self::Meant { is_typo: true }
        } else {
            Self::Unknown
        }
    }
}

impl Use<'_> {
    fn finding(self, class: NameClass, places: &mut Places<'_>) -> Finding {
        let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned().into_boxed_str();
        let of = |how: How<'_>| match how {
            How::Call => Used::Call,
            How::Index(key) => Used::Index(key.map(text)),
            How::Set | How::Value => Used::Value,
        };
        let (at, used, member) = match (class, self.how, self.member) {
            (NameClass::Library(_), How::Index(Some(member)), Some((at, how))) => {
                (at, of(how), Some(text(member)))
            }
            _ => (self.at, of(self.how), None),
        };
        let is_typo = matches!(class, NameClass::Library(_) | NameClass::Meant { is_typo: true });
        let line = places.at(at).0;
        // `at` stays the place of the whole name, for the column.
        Finding { at: self.at, line, name: text(self.name), member, used, is_test: self.is_test, is_typo }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Binary search needs them sorted.
    #[test]
    fn the_lists_are_in_order() {
        assert!(GLOBALS.is_sorted() && HOST.is_sorted());
        assert!(LIBRARIES.is_sorted() && LIBRARIES.iter().all(|(_, members)| members.is_sorted()));
        assert!(ELSEWHERE.is_sorted());
    }
}
