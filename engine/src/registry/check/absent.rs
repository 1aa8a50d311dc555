//! Warnings of names that a source uses and nothing sets.

use std::collections::HashSet;
use std::sync::Arc;

use perilune_luau::syntax::Kind;

use crate::registry::environment::Environment;
use crate::syntax::findings::{Finding, findings, no_function, no_module};
use crate::syntax::parsed::Parsed;
use crate::syntax::uses::{Globals, How};

/// Places in a source and the warning for each. Names that it tests before it uses them are left out; where globals may be set out
/// of sight, only typos are reported.
pub(super) fn absent(
    source: &Parsed<'_>,
    globals: &Globals<'_>,
    environment: &Environment,
) -> Vec<(u32, String)> {
    let modules = Modules::required(globals, environment);
    let findings = findings(source, globals, true);
    let name = |finding: &Finding| (finding.name.clone(), finding.member.clone());
    let tested: HashSet<_> = findings.iter().filter(|finding| finding.is_test).map(name).collect();
    let own = Vec::from_iter(own_names(source, globals));
    let mut found = Vec::new();
    for finding in &findings {
        let is_set = finding.member.is_none() && modules.set.contains(&*finding.name);
        let is_sure = finding.is_typo || !modules.set_others;
        if is_sure && !is_set && !tested.contains(&name(finding)) {
            found.push((finding.at, finding.hint(own.iter().copied())));
        }
    }
    found.extend(functions(globals, environment));
    found.extend(modules.unknown);
    found
}

/// The names of a source's locals and globals, one of which may have been meant.
fn own_names<'s>(source: &Parsed<'s>, globals: &Globals<'s>) -> HashSet<&'s str> {
    let locals = source.of_kind(Kind::Binding).map(|binding| source.text(binding));
    let names = locals.chain(globals.set.iter().copied());
    names.filter_map(|name| std::str::from_utf8(name).ok()).collect()
}

/// Functions that `host` does not have. Where the engine has none at all, they may be the script's own.
fn functions(globals: &Globals<'_>, environment: &Environment) -> Vec<(u32, String)> {
    let known: Vec<&str> = environment.functions.list.iter().map(|(name, _)| &**name).collect();
    if known.is_empty() || globals.set.contains(&b"host"[..]) {
        return Vec::new();
    }
    let of_host = globals.uses.iter().filter(|used| used.name == b"host");
    let named = of_host.filter_map(|used| match (used.how, used.member) {
        (How::Index(Some(name)), Some((_, how))) if how != How::Set => {
            Some((used, std::str::from_utf8(name).ok()?))
        }
        _ => None,
    });
    let unknown: Vec<_> = named.filter(|(_, name)| !environment.functions.contains(name)).collect();
    let tested: HashSet<&str> =
        unknown.iter().filter(|(used, _)| used.is_test).map(|(_, name)| *name).collect();
    let sure = unknown.into_iter().filter(|(_, name)| !tested.contains(name));
    sure.map(|(used, name)| (used.at, no_function(name, &known))).collect()
}

/// The modules that a source requires, directly or through others.
#[derive(Default)]
struct Modules {
    /// Globals that they set.
    set: HashSet<Box<str>>,
    /// They, or the source, may set others.
    set_others: bool,
    /// Those that are not there.
    unknown: Vec<(u32, String)>,
}

impl Modules {
    /// Of the modules that a source requires, and that those require.
    fn required(globals: &Globals<'_>, environment: &Environment) -> Self {
        let mut modules = Self { set_others: globals.sets_others, ..Self::default() };
        let mut seen = HashSet::new();
        let mut pending = Vec::new();
        let mut names: Vec<&str> = environment.modules.keys().map(|name| &**name).collect();
        names.sort_unstable();
        for (name, at) in &globals.required {
            let name = String::from_utf8_lossy(name);
            match environment.modules.get(&*name) {
                Some(module) => pending.push(Arc::clone(module)),
                None => {
                    modules.set_others = true;
                    if !names.is_empty() {
                        modules.unknown.push((*at, no_module(&name, &names)));
                    }
                }
            }
        }
        while let Some(module) = pending.pop() {
            if !seen.insert(Arc::clone(&module.name)) {
                continue;
            }
            let Some(source) = Parsed::new(module.hints.source().as_bytes()) else {
                modules.set_others = true;
                continue;
            };
            let globals = Globals::new(&source);
            modules.set_others |= globals.sets_others;
            let set = globals.set.iter().map(|name| String::from_utf8_lossy(name).into());
            modules.set.extend(set);
            for (name, _) in globals.required {
                match environment.modules.get(&*String::from_utf8_lossy(name)) {
                    Some(module) => pending.push(Arc::clone(module)),
                    None => modules.set_others = true,
                }
            }
        }
        modules
    }
}
