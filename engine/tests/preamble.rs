//! A byte order mark and a `#!` line before a source: passed over wherever one comes in, and lines count all the same.

mod common;

use std::fs;

use common::run_in;
use perilune::{Request, Severity};
use tempfile::TempDir;

/// What may stand before the code, and the line that code behind it is on.
const PREAMBLES: &[(&str, u32)] = &[
    ("", 1),
    ("\u{feff}", 1),
    ("#!/usr/bin/env perilune\n", 2),
    ("\u{feff}#!/usr/bin/env perilune\n", 2),
    ("#!/usr/bin/env perilune\r\n", 2),
    ("#!goto x = = \"'[[ --[[\n", 2),
    ("\u{feff}#!\n\n", 3),
    ("#!\n--!strict\n", 3),
];

#[test]
fn a_script_begins_behind_it() {
    let engine = common::builder().build();
    for (before, line) in PREAMBLES {
        let script = engine.compile("test", format!("{before}error('boom')")).expect("it compiles");
        let error = script.run(&Request::new()).expect("it runs").error.expect("an error");
        assert_eq!((error.message, error.line), (format!("test:{line}: boom"), Some(*line)), "{before:?}");
        // What a host hashes and shows is what the author wrote.
        assert_eq!(script.source(), format!("{before}error('boom')"));

        let error = engine.compile("test", format!("{before}x = = 1")).expect_err("it does not compile");
        assert_eq!(error.line, *line, "{before:?}");
        let trace = run_in(&engine, &format!("{before}prnt()"), &Request::new());
        let message = trace.error.expect("an error").message;
        assert!(message.ends_with("did you mean print?)"), "{message}");
    }
    for whole in ["\u{feff}", "#!", "#!/usr/bin/lua", "\u{feff}#!/usr/bin/lua"] {
        assert_eq!(run_in(&engine, whole, &Request::new()).error, None, "{whole:?}");
    }
}

#[test]
fn it_stands_before_all_and_nowhere_else() {
    for source in [
        " \u{feff}x = 1",
        "\u{feff}\u{feff}x = 1",
        "x = 1\u{feff}",
        "\n#!lua",
        " #!lua",
        "#!lua\n#!lua",
        "#lua",
    ] {
        assert!(common::builder().build().compile("test", source).is_err(), "{source:?}");
    }
    let error = common::builder().build().compile("test", b"\xff\xfex\0=\0").expect_err("UTF-16");
    assert_eq!(error.reason, "the source is not UTF-8");
}

#[test]
fn check_reads_on_behind_it() {
    let engine = common::builder().build();
    for (before, line) in PREAMBLES {
        let lines = |source: &str| -> Vec<_> {
            let found = engine.check("test", format!("{before}{source}"));
            found.iter().map(|found| (found.line, found.severity)).collect()
        };
        assert_eq!(lines("print(1)"), [], "{before:?}");
        assert_eq!(lines("prnt(1)"), [(*line, Severity::Warning)], "{before:?}");
        assert_eq!(
            lines("x = = 1\nx = 2\nx = = 3\n"),
            [(*line, Severity::Error), (line + 2, Severity::Error)],
            "{before:?}"
        );
    }
}

#[test]
fn modules_and_files_have_it_too() {
    let engine = common::builder().build();
    for (before, line) in PREAMBLES {
        engine.module("late", format!("{before}return function() error('boom') end")).expect("it compiles");
        let trace = run_in(&engine, &format!("{before}require('late')()"), &Request::new());
        assert_eq!(trace.error.expect("an error").message, format!("late:{line}: boom"), "{before:?}");

        let directory = TempDir::new().expect("a directory");
        fs::write(directory.path().join("file.lua"), format!("{before}return 'served'")).expect("a file");
        let report = engine.scripts().load_dir(directory.path()).expect("it is read");
        assert!(report.failed.is_empty(), "{before:?}: {:?}", report.failed);
        let trace = engine.run("file", &Request::new()).expect("it runs");
        assert_eq!(trace.value.as_deref(), Some("\"served\""));
    }
}
