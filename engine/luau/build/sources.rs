//! Where the sources of Luau are.
//!
//! `luau0-src` knows its own folder, and tells nobody. But a panic tells the file that it is in, wherever Cargo put that: in
//! the registry, in a vendored folder, in a checkout of git, or beside us. Only who remaps paths in build scripts has to
//! say where it is. Asking `cargo metadata` would need the network or a lock file, which a dependency's build has not.

use std::env;
use std::panic::{catch_unwind, set_hook, take_hook};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Names the folder `luau` of `luau0-src` where the panic can't.
const VARIABLE: &str = "PERILUNE_LUAU_SOURCES";

/// What the folder has that is looked for.
const LANDMARK: &str = "VM/src/lvmexecute.cpp";

pub(crate) fn find() -> PathBuf {
    println!("cargo:rerun-if-env-changed={VARIABLE}");
    if let Some(folder) = env::var_os(VARIABLE).map(PathBuf::from) {
        assert!(
            folder.join(LANDMARK).exists(),
            "{VARIABLE}: {} is not there",
            folder.join(LANDMARK).display()
        );
        return folder;
    }
    let file = panicking_file();
    // `…/src/lib.rs`, from the workspace's root if it is a member: that is above us, or above where is built.
    let package = Path::new(&file).parent().and_then(Path::parent).unwrap_or(Path::new(""));
    let here = env::current_dir().unwrap_or_default();
    let out = env::var_os("OUT_DIR").map(PathBuf::from).unwrap_or_default();
    here.ancestors()
        .chain(out.ancestors())
        .map(|root| root.join(package).join("luau"))
        .find(|folder| folder.join(LANDMARK).exists())
        .unwrap_or_else(|| {
            panic!(
                "the sources of luau0-src are not where it was compiled ({file}); where paths are remapped, name its folder `luau` by {VARIABLE}"
            )
        })
}

/// The file of `luau0-src` in which it refuses an impossible size of vectors.
fn panicking_file() -> String {
    static FILE: Mutex<String> = Mutex::new(String::new());
    let hook = take_hook();
    set_hook(Box::new(|panic| {
        let file = panic.location().map(|location| location.file().to_owned());
        *FILE.lock().expect("nobody else has it") = file.unwrap_or_default();
    }));
    let refused = catch_unwind(|| {
        luau0_src::Build::new().set_vector_size(0);
    });
    set_hook(hook);
    assert!(refused.is_err(), "luau0-src takes vectors of no size: its folder can't be learnt from it");
    FILE.lock().expect("nobody else has it").clone()
}
