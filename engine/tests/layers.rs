//! The engine's rooms: each uses only those below it, and no files need each other in a circle.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// From top to bottom.
const ROOMS: [&str; 8] = ["engine", "pool", "process", "vm", "registry", "compile", "syntax", "model"];

/// What holds the data of a VM, below the functions that work on it.
const VM_DATA: [&str; 12] = [
    "access",
    "blocks",
    "heap",
    "host",
    "interrupt",
    "job",
    "loaded",
    "marks",
    "random",
    "slots",
    "stack",
    "uncaught",
];

/// The path of a module from the crate's root.
type Module = Vec<String>;

/// Files by the module that each is, relative to the sources' folder.
fn files(folder: &Path, module: &Module, found: &mut BTreeMap<Module, PathBuf>) {
    for entry in fs::read_dir(folder).expect("the sources are there") {
        let path = entry.expect("it can be read").path();
        let name = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
        let inner = || module.iter().cloned().chain([name.clone()]).collect();
        if path.is_dir() {
            if name != "bin" {
                files(&path, &inner(), found);
            }
        } else if name == "mod" || name == "lib" {
            found.insert(module.clone(), path);
        } else {
            found.insert(inner(), path);
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Reads a path, with all that its braces hold, from the beginning of a text; what is behind it is returned.
fn read<'t>(mut rest: &'t str, mut path: Vec<&'t str>, found: &mut Vec<Vec<&'t str>>) -> &'t str {
    loop {
        rest = rest.trim_start();
        if let Some(inside) = rest.strip_prefix('{') {
            rest = inside;
            while !rest.starts_with('}') {
                rest = read(rest, path.clone(), found);
                rest = &rest[rest.find([',', '}']).expect("braces are closed")..];
                rest = rest.trim_start_matches(',').trim_start();
            }
            return &rest[1..];
        }
        let (word, behind) = rest.split_at(rest.find(|c| !is_word(c)).unwrap_or(rest.len()));
        path.push(word);
        match behind.strip_prefix("::") {
            Some(next) => rest = next,
            None => {
                found.push(path);
                return behind;
            }
        }
    }
}

/// All paths in a source that begin at the crate, a module around it, or one of its `children`.
fn paths<'t>(code: &'t str, children: &BTreeSet<&str>) -> Vec<Vec<&'t str>> {
    let (mut found, mut rest) = (Vec::new(), code);
    while let Some(begin) = rest.find(is_word) {
        let is_first = !rest[..begin].ends_with("::");
        let word = rest[begin..].split(|c| !is_word(c)).next().unwrap_or_default();
        let behind = &rest[begin + word.len()..];
        let is_ours = matches!(word, "crate" | "super" | "self") || children.contains(word);
        rest = if is_first && is_ours && behind.starts_with("::") {
            read(&rest[begin..], Vec::new(), &mut found)
        } else {
            behind
        };
    }
    found
}

/// The module of ours that is the longest beginning of a path.
fn resolve(path: &[&str], from: &Module, files: &BTreeMap<Module, PathBuf>) -> Option<Module> {
    let mut at = from.clone();
    let mut rest = path;
    while let [first, others @ ..] = rest {
        match *first {
            "crate" => at.clear(),
            "super" => drop(at.pop()?),
            "self" => {}
            _ => break,
        }
        rest = others;
    }
    for name in rest {
        at.push((*name).to_owned());
        if !files.contains_key(&at) {
            at.pop();
            break;
        }
    }
    Some(at)
}

/// Which files each file uses. What its tests use does not count.
fn uses() -> BTreeMap<String, BTreeSet<String>> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = BTreeMap::new();
    files(&sources, &Module::new(), &mut found);
    let name =
        |path: &Path| path.strip_prefix(&sources).expect("it is in there").to_string_lossy().into_owned();
    let mut uses = BTreeMap::new();
    for (module, path) in &found {
        let text = fs::read_to_string(path).expect("it can be read");
        let text = text.split("\nmod tests {").next().unwrap_or_default();
        let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
        let code = lines.collect::<Vec<_>>().join("\n");
        // Who may see a thing is no use of it.
        let code = code.replace("(in crate::", "(").replace("(in super::", "(").replace("(super::", "(");
        let children =
            found.keys().filter(|other| other.len() == module.len() + 1 && other.starts_with(module));
        let children = children.filter_map(|child| child.last().map(String::as_str)).collect();
        let used = paths(&code, &children);
        let used = used.iter().filter_map(|path| resolve(path, module, &found));
        uses.insert(
            name(path),
            used.filter(|other| other != module).map(|other| name(&found[&other])).collect(),
        );
    }
    uses
}

/// The room of a file, counted from the top; the crate's root is above all.
fn floor(file: &str) -> usize {
    let Some((room, _)) = file.split_once('/') else { return 0 };
    1 + ROOMS.iter().position(|other| *other == room).unwrap_or_else(|| panic!("{room}/ is no room"))
}

#[test]
fn a_room_uses_only_those_below_it() {
    let uses = uses();
    let edges: usize = uses.values().map(BTreeSet::len).sum();
    assert!(uses.len() > 80 && edges > 300, "{} files with {edges} uses: sources were missed", uses.len());
    let is_data = |file: &str| {
        let name = file.strip_prefix("vm/").unwrap_or_default().split(['/', '.']).next();
        name.is_some_and(|name| VM_DATA.contains(&name))
    };
    for (file, used) in &uses {
        for other in used {
            assert!(floor(file) <= floor(other), "{file} uses {other}, which is in a room above");
            let is_up = is_data(file) && other.starts_with("vm/") && !is_data(other);
            assert!(!is_up, "{file} holds data of a VM and uses {other}, which works on it");
        }
    }
}

/// Goes on from the last file of `way`, and fails where that leads to one that the way came by.
fn descend<'u>(
    uses: &'u BTreeMap<String, BTreeSet<String>>,
    way: &mut Vec<&'u str>,
    done: &mut BTreeSet<&'u str>,
) {
    let last = *way.last().expect("a way begins somewhere");
    for next in &uses[last] {
        if let Some(start) = way.iter().position(|file| file == next) {
            panic!("a circle: {} uses {next}", way[start..].join(" uses "));
        }
        if !done.contains(next.as_str()) {
            way.push(next);
            descend(uses, way, done);
            way.pop();
        }
    }
    done.insert(last);
}

#[test]
fn no_circle_of_files() {
    let uses = uses();
    let mut done = BTreeSet::new();
    for file in uses.keys() {
        descend(&uses, &mut vec![file], &mut done);
    }
}
