//! No two files of the sources need each other: each can be read when those that it uses were.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Which files each file uses, by their names in the crate. What its tests use does not count.
fn uses() -> BTreeMap<String, Vec<String>> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = fs::read_dir(sources).expect("the sources are there").map(|entry| {
        let path = entry.expect("it can be read").path();
        let text = fs::read_to_string(&path).expect("it can be read");
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
        let of_crate = lines.flat_map(|line| line.split("crate::").skip(1));
        let names = of_crate.map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next());
        let name = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
        (name, names.flatten().map(str::to_owned).collect())
    });
    files.collect()
}

/// Goes on from the last file of `way`, and fails where that leads to one that the way came by.
fn descend(uses: &BTreeMap<String, Vec<String>>, way: &mut Vec<String>, done: &mut Vec<String>) {
    let last = way.last().cloned().expect("a way begins somewhere");
    for next in uses.get(&last).into_iter().flatten() {
        if let Some(start) = way.iter().position(|file| file == next) {
            let circle = way[start..].join(".rs uses ");
            panic!("a circle: {circle}.rs uses {next}.rs");
        }
        if !done.contains(next) {
            way.push(next.clone());
            descend(uses, way, done);
            way.pop();
        }
    }
    done.push(last);
}

#[test]
fn no_circle_of_files() {
    let uses = uses();
    let edges: usize = uses.values().map(Vec::len).sum();
    assert!(uses.len() > 20 && edges > 100, "the sources were not found");
    let mut done = Vec::new();
    for file in uses.keys() {
        descend(&uses, &mut vec![file.clone()], &mut done);
    }
}
