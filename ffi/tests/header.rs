//! `include/perilune.h` says what the sources say, and every export of the sources is as it should be.
//!
//! `PERILUNE_WRITE_HEADER=1 cargo test -p perilune-ffi --test header` writes the header anew.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// The sources in the order of the header.
const SOURCES: [&str; 23] = [
    "version",
    "status",
    "names",
    "error",
    "handle",
    "callback",
    "options",
    "engine",
    "sandbox",
    "script",
    "request",
    "cancel",
    "view",
    "trace",
    "call",
    "pending",
    "function",
    "value",
    "scripts",
    "directory",
    "metrics",
    "endpoints",
    "exchange",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn header() -> String {
    fs::read_to_string(root().join("../include/perilune.h")).expect("the header is there")
}

fn source(name: &str) -> PathBuf {
    root().join("src").join(name).with_extension("rs")
}

/// Every function that C can see, with the file that it is in.
fn exports() -> Vec<(String, syn::ItemFn)> {
    let mut exports = Vec::new();
    for entry in fs::read_dir(root().join("src")).expect("the sources are there") {
        let path = entry.expect("it can be read").path();
        let file = syn::parse_file(&fs::read_to_string(&path).expect("it can be read")).expect("it is Rust");
        let is_export = |item: &syn::ItemFn| item.attrs.iter().any(|a| tokens(a).contains("no_mangle"));
        exports.extend(file.items.into_iter().filter_map(|item| match item {
            syn::Item::Fn(item) if is_export(&item) => Some((path.display().to_string(), item)),
            _ => None,
        }));
    }
    assert!(exports.len() > 100, "the exports were not found");
    exports
}

fn tokens(of: &impl quote::ToTokens) -> String {
    of.to_token_stream().to_string()
}

#[test]
fn the_header_is_that_of_the_sources() {
    let config = cbindgen::Config::from_file(root().join("cbindgen.toml")).expect("it can be read");
    let mut builder = cbindgen::Builder::new().with_config(config);
    for name in SOURCES.iter().chain(&["diagnostics"]) {
        builder = builder.with_src(source(name));
    }
    let mut made = Vec::new();
    builder.generate().expect("a header can be made").write(&mut made);
    let made = String::from_utf8(made).expect("it is UTF-8");
    if env::var_os("PERILUNE_WRITE_HEADER").is_some() {
        fs::write(root().join("../include/perilune.h"), &made).expect("it can be written");
    }
    assert!(made == header(), "include/perilune.h is not that of ffi/src: see the top of {}", file!());
}

#[test]
fn the_header_has_the_version_of_the_package() {
    let version = env!("CARGO_PKG_VERSION");
    assert!(header().contains(&format!("#define PERILUNE_VERSION \"{version}\"\n")));
    let numbers: Vec<u32> = version.split('.').map(|number| number.parse().expect("a number")).collect();
    let number = numbers[0] * 1_000_000 + numbers[1] * 1_000 + numbers[2];
    assert!(header().contains(&format!("#define PERILUNE_VERSION_NUMBER {number}\n")));
    assert_eq!(perilune_ffi::perilune_version_number(), number);
}

#[test]
fn every_export_is_guarded_and_documented_and_in_the_header() {
    let header = header();
    let mut names = BTreeSet::new();
    for (path, item) in exports() {
        let name = item.sig.ident.to_string();
        assert!(name.starts_with("perilune_"), "{path}: {name}");
        assert!(
            header.contains(&format!(" {name}(")) || header.contains(&format!("*{name}(")),
            "{name} is not in the header"
        );
        let abi = item.sig.abi.as_ref().map(tokens).unwrap_or_default();
        assert_eq!(abi, "extern \"C\"", "{path}: {name}");
        let docs = item.attrs.iter().filter(|attribute| attribute.path().is_ident("doc")).count();
        assert!(docs > 0, "{path}: {name} has no documentation");
        // All that happens is in what the last expression calls: a guard, or a function that is nothing but one.
        // One of nothing ends with a semicolon.
        let Some((syn::Stmt::Expr(last, _), before)) = item.block.stmts.split_last() else {
            panic!("{path}: {name}")
        };
        assert_guards(&path, &name, last);
        for statement in before {
            let text = tokens(statement);
            let harmless = text.contains("= || ")
                || text.contains("= | ")
                || text.starts_with("let user_data = UserData :: new (");
            assert!(harmless, "{path}: {name} does something outside of the guard: {text}");
        }
        assert!(names.insert(name.clone()), "{name} is there twice");
    }
}

fn assert_guards(path: &str, name: &str, last: &syn::Expr) {
    let last = match last {
        syn::Expr::Unsafe(block) => match block.block.stmts.last() {
            Some(syn::Stmt::Expr(inner, _)) if block.block.stmts.len() == 1 => tokens(inner),
            _ => panic!("{path}: {name} does more than one thing in its last block"),
        },
        other => tokens(other),
    };
    let guards = [
        "guard :: fallible (",
        "guard :: infallible (",
        "told (",
        "part (",
        "read (",
        "answer (",
        "name (",
        "set_part (",
        "text (",
    ];
    assert!(guards.iter().any(|guard| last.starts_with(guard)), "{path}: {name} is not guarded: {last}");
}
