//! Builds Luau from the sources of the crate `luau0-src`, with [edits](edits), into one static library.
//!
//! Nothing of upstream is in this repository: a copy is made in `OUT_DIR` at each build, and an edit whose text is not
//! there exactly once fails it. So a newer Luau is never built half edited.

#![allow(clippy::print_stdout, reason = "so a build script speaks to Cargo")]

mod edits;
mod sources;

use std::path::{Path, PathBuf};
use std::{env, fs};

/// The parts of Luau that are built: what makes bytecode, what runs it, and what `mlua::Lua` wants in the same program.
const PARTS: [&str; 8] = ["Ast", "Bytecode", "Common", "Compiler", "Config", "Custom", "Require", "VM"];

/// What the parser is reached through.
const BRIDGE: &str = "src/syntax.rs";

fn main() {
    for path in ["build", "cpp", BRIDGE] {
        println!("cargo:rerun-if-changed={path}");
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("Cargo sets it")).join("luau");
    if out.exists() {
        fs::remove_dir_all(&out).expect("a copy that this script made can be removed");
    }
    let sources = sources::find();
    for part in PARTS {
        copy(&sources.join(part), &out.join(part));
    }
    apply(&out);
    compile(&out);
}

fn apply(luau: &Path) {
    for edit in edits::EDITS {
        let file = luau.join(edit.file);
        let text = fs::read_to_string(&file).unwrap_or_default();
        let found = text.matches(edit.find).count();
        assert!(
            found == 1,
            "an edit for Luau {} does not fit the sources that luau0-src brings: {} has this text {found} times and not once. \
             Take the version of luau0-src that perilune-luau asks for, or write the edit anew (build/edits.rs).\n{}",
            edits::VERSION,
            edit.file,
            edit.find,
        );
        fs::write(&file, text.replacen(edit.find, edit.put, 1)).expect("the copy can be written");
    }
}

fn compile(luau: &Path) {
    let cpp = Path::new("cpp");
    let mut build: cc::Build = cxx_build::bridge(BRIDGE);
    build
        .std("c++17")
        .warnings(false)
        // As mlua-sys declares the API.
        .define("LUA_API", "extern \"C\"")
        .define("LUACODE_API", "extern \"C\"")
        .define("LUAI_MAXCSTACK", "1000000")
        .define("LUA_VECTOR_SIZE", "3")
        // A failed assertion would end the host.
        .define("NDEBUG", None)
        // The square root is then one instruction.
        .flag_if_supported("-fno-math-errno")
        .include(cpp)
        .files(["names.cpp", "perilune.cpp", "syntax.cpp"].map(|file| cpp.join(file)));
    for part in PARTS {
        for folder in ["include", "src"] {
            let folder = luau.join(part).join(folder);
            if folder.exists() {
                build.include(&folder);
            }
        }
        let mut files: Vec<PathBuf> = fs::read_dir(luau.join(part).join("src"))
            .expect("each part has sources")
            .map(|entry| entry.expect("a folder that was made just now can be read").path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "cpp"))
            .collect();
        // In an order that does not depend on the file system: builds are then alike.
        files.sort();
        build.files(files);
    }
    // Whole, since mlua-sys refers to it and may come behind it on the linker's command line.
    build.link_lib_modifier("+whole-archive");
    build.compile("perilune_luau");
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("OUT_DIR can be written");
    for entry in fs::read_dir(from).unwrap_or_else(|error| panic!("{}: {error}", from.display())) {
        let entry = entry.expect("the sources can be read");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            // Not `fs::copy`, which takes over that a file is read-only.
            fs::write(&target, fs::read(entry.path()).expect("the sources can be read"))
                .expect("OUT_DIR can be written");
        }
    }
}
