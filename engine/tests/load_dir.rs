//! Named scripts from the files of a directory.

mod common;

use std::fs;
use std::path::Path;

use perilune::{Engine, Error, Report, Script};
use tempfile::TempDir;

/// A directory with these files.
fn directory(files: &[(&str, &str)]) -> TempDir {
    let directory = TempDir::new().expect("a directory");
    for (name, source) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().expect("it has one")).expect("a directory");
        fs::write(path, source).expect("a file");
    }
    directory
}

fn loaded(report: &Report) -> Vec<(&str, u64)> {
    report.loaded.iter().map(|script| (script.name(), script.version())).collect()
}

/// The names of failed files, and the texts of their errors.
fn failed(report: &Report) -> Vec<(String, String)> {
    let name = |path: &Path| path.file_name().expect("a name").to_string_lossy().into_owned();
    report.failed.iter().map(|failed| (name(&failed.path), failed.to_string())).collect()
}

fn serving(engine: &Engine) -> Vec<String> {
    engine.scripts().list().iter().map(Script::name).map(str::to_owned).collect()
}

#[test]
fn files_serve_under_their_names() {
    let directory = directory(&[
        ("hello.lua", "return 1"),
        ("a.b.lua", "return 2"),
        ("empty.lua", ""),
        ("shop/price.lua", "return 3"),
        ("shop/tax.lua", "return 4"),
        ("shop/deep/er.lua", "return 5"),
        (".hidden.lua", "return 6"),
        (".git/hook.lua", "return 7"),
        ("README.md", "return 8"),
        ("old.lua~", "return 9"),
        ("UPPER.LUA", "return 10"),
    ]);
    let engine = common::builder().pool_size(1).build();
    let report = engine.scripts().load_dir(directory.path()).expect("it is read");
    assert_eq!(
        loaded(&report),
        [("a.b", 1), ("empty", 1), ("hello", 1), ("shop/price", 1), ("shop/tax", 1)],
        "sorted by file"
    );
    assert!(report.failed.is_empty() && report.removed.is_empty());
    assert_eq!(serving(&engine), ["a.b", "empty", "hello", "shop/price", "shop/tax"]);
    let trace = engine.run("shop/price", &perilune::Request::new()).expect("it runs");
    assert_eq!(trace.value.as_deref(), Some("3"));

    fs::write(directory.path().join("hello.lua"), "return 11").expect("a file");
    fs::remove_file(directory.path().join("empty.lua")).expect("it was there");
    let again = engine.scripts().load_dir(directory.path()).expect("it is read");
    assert_eq!(loaded(&again), [("hello", 2)], "only what changed");
    assert!(again.removed.is_empty(), "loading removes nothing");
    assert!(engine.scripts().load_dir(directory.path()).expect("it is read").is_empty());
}

#[test]
fn good_files_serve_beside_bad_ones() {
    let directory = directory(&[
        ("good.lua", "return 1"),
        ("broken.lua", "return 1\nreturn +"),
        ("control\u{1}.lua", "return 1"),
        ("fits.lua", &format!("--{}", "x".repeat(998))),
        ("large.lua", &format!("--{}", "x".repeat(999))),
        ("latin.lua", "return 1"),
    ]);
    fs::write(directory.path().join("latin.lua"), b"return '\xe4'").expect("a file");
    let engine = common::builder().pool_size(1).source(1000).build();
    engine.scripts().put("broken", "return 'old'").expect("it compiles");
    let report = engine.scripts().load_dir(directory.path()).expect("it is read");
    assert_eq!(loaded(&report), [("fits", 1), ("good", 1)]);
    let large = directory.path().join("large.lua");
    let failed = failed(&report);
    let expected = [
        ("broken.lua", "broken:2: ".to_owned()),
        ("control\u{1}.lua", "control\u{1}:1: the script's name has a control character".to_owned()),
        (
            "large.lua",
            format!("{}: the file has more than 1000 bytes, the limit of a source", large.display()),
        ),
        ("latin.lua", "latin:1: the source is not UTF-8".to_owned()),
    ];
    assert_eq!(failed.len(), expected.len(), "{failed:?}");
    for ((name, text), (expected_name, expected_text)) in failed.iter().zip(&expected) {
        assert_eq!(name, expected_name);
        assert!(text.starts_with(expected_text), "{text}");
    }
    assert!(matches!(&report.failed[0].error, Error::Compile(error) if error.line == 2));
    assert_eq!(engine.scripts().get("broken").expect("it serves").version(), 1);
}

#[test]
fn a_directory_that_can_not_be_read_is_an_error() {
    let directory = directory(&[("file.lua", "")]);
    let engine = common::builder().pool_size(1).build();
    for name in ["missing", "file.lua", "file.lua/below"] {
        let path = directory.path().join(name);
        match engine.scripts().load_dir(&path) {
            Err(Error::File { path: told, reason }) => {
                assert_eq!(told, path);
                assert!(reason.contains("No such file") || reason.contains("ot a directory"), "{reason}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
    assert!(serving(&engine).is_empty());
}

#[cfg(unix)]
mod unix {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;
    use std::process::Command;

    use super::*;

    #[test]
    fn links_count_when_they_stay_inside() {
        let outside = directory(&[("secret.lua", "return 'secret'"), ("secrets/x.lua", "")]);
        let directory = directory(&[
            ("real.lua", "return 1"),
            (".data/v1/k8s.lua", "return 2"),
            ("shop/x.lua", "return 3"),
        ]);
        let link = |to: &Path, name: &str| symlink(to, directory.path().join(name)).expect("a link");
        link(Path::new("real.lua"), "alias.lua");
        link(Path::new(".data/v1/k8s.lua"), "k8s.lua");
        link(&outside.path().join("secret.lua"), "absolute.lua");
        link(
            &Path::new("..").join(outside.path().file_name().expect("a name")).join("secret.lua"),
            "relative.lua",
        );
        link(Path::new("nowhere.lua"), "dangling.lua");
        link(Path::new("circle.lua"), "circle.lua");
        link(&outside.path().join("secrets"), "secrets");
        link(Path::new("shop"), "alias");
        link(Path::new("shop"), "directory.lua");
        let engine = common::builder().pool_size(1).build();
        let report = engine.scripts().load_dir(directory.path()).expect("it is read");
        assert_eq!(loaded(&report), [("alias", 1), ("k8s", 1), ("real", 1), ("shop/x", 1)]);
        let failed = failed(&report);
        let names: Vec<&str> = failed.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["absolute.lua", "circle.lua", "dangling.lua", "relative.lua"]);
        for (name, text) in &failed {
            let leads_out = text.ends_with("a symlink that leads out of the directory");
            assert_eq!(leads_out, name.starts_with(['a', 'r']), "{text}");
        }
    }

    #[test]
    fn what_is_no_file_with_a_name_is_reported() {
        let directory = directory(&[("good.lua", "return 1")]);
        let _socket = UnixListener::bind(directory.path().join("socket.lua")).expect("a socket");
        let pipe = directory.path().join("pipe.lua");
        assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs").success());
        fs::write(directory.path().join(OsStr::from_bytes(b"\xff.lua")), "return 1").expect("a file");
        let engine = common::builder().pool_size(1).build();
        let report = engine.scripts().load_dir(directory.path()).expect("it is read");
        assert_eq!(loaded(&report), [("good", 1)]);
        let failed = failed(&report);
        assert_eq!(failed.len(), 3, "{failed:?}");
        assert!(failed[0].1.ends_with("pipe.lua: not a regular file"), "{failed:?}");
        assert_eq!(failed[1].0, "socket.lua");
        assert!(failed[2].1.ends_with(": the file's name is not UTF-8"), "{failed:?}");
    }
}
