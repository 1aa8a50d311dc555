//! Luau is exactly one: a dependent's lock file can't choose another.

use std::path::Path;

/// What the engine is written for, and whose manifest asks for it: its sources are edited (`luau/build/edits.rs`), and its
/// repairs switched on by name (`vm/flags.rs`).
const PINNED: &[(&str, &str, &str)] = &[
    ("mlua", "0.12.2", "Cargo.toml"),
    ("mlua-sys", "0.13.0", "luau/Cargo.toml"),
    ("luau0-src", "0.22.0+luau740", "luau/Cargo.toml"),
];

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The line of a manifest that says which version of `name` is asked for.
fn requirement<'a>(manifest: &'a str, name: &str) -> &'a str {
    let names = |line: &&str| line.split(['=', '.', ' ']).next() == Some(name);
    manifest.lines().find(names).unwrap_or_else(|| panic!("the manifest does not name {name}"))
}

#[test]
fn no_other_luau_than_the_one_this_is_written_for_can_be_chosen() {
    let (workspace, lock) = (read("../Cargo.toml"), read("../Cargo.lock"));
    for (name, version, manifest) in PINNED {
        // Build metadata is no part of a requirement.
        let number = version.split('+').next().unwrap_or(version);
        let asked = requirement(&workspace, name);
        assert!(asked.contains(&format!("\"={number}\"")), "{name} is not pinned to {number}: {asked}");
        assert!(
            requirement(&read(manifest), name).contains("workspace = true"),
            "{manifest} asks for another {name}"
        );
        assert!(
            lock.contains(&format!("name = \"{name}\"\nversion = \"{version}\"\n")),
            "the lock file has another {name} than {version}"
        );
    }
}
