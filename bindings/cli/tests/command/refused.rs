//! What can't be run, and what is said of it.

use crate::{command, finish, perilune, refused};

#[test]
fn what_can_not_be_run_is_one_line() {
    let twice = "perilune: stdin can be read once: give - in one place, files in the others";
    // A case that ends in … is compared to that point: what follows is the system's.
    let cases: &[(&[&str], &str)] = &[
        // Usage.
        (
            &[],
            "perilune: 'perilune' requires a subcommand but one was not provided [subcommands: run, check, bench, serve, \
             completions, help]; see --help",
        ),
        (&["frob"], "perilune: unrecognized subcommand 'frob'; see --help"),
        (&["run"], "perilune: the following required arguments were not provided: <FILE|->; see --help"),
        (&["check"], "perilune: the following required arguments were not provided: <FILE>...; see --help"),
        (&["bench"], "perilune: the following required arguments were not provided: <FILE|->; see --help"),
        (
            &["completions", "tcsh"],
            "perilune: invalid value 'tcsh' for '<SHELL>' [possible values: bash, elvish, fish, powershell, zsh]; \
             tip: a similar value exists: 'zsh'; see --help",
        ),
        (&["run", ""], "perilune: a value is required for '<FILE|->' but none was supplied; see --help"),
        (&["run", "view.lua", "empty.lua"], "perilune: unexpected argument 'empty.lua' found; see --help"),
        (
            &["run", "view.lua", "--pst", "{}"],
            "perilune: unexpected argument '--pst' found; tip: a similar argument exists: '--post'; see --help",
        ),
        (&["run", "view.lua", "--seconds\n\nUsage: 1"], "perilune: unexpected argument '--seconds…"),
        (
            &["run", "view.lua", "--seed", "1", "--seed", "2"],
            "perilune: the argument '--seed <N>' cannot be used multiple times; see --help",
        ),
        (
            &["run", "view.lua", "--post", "{}", "--form", "a"],
            "perilune: the argument '--post <JSON|@FILE|->' cannot be used with '--form <FORM>'; see --help",
        ),
        (
            &["run", "view.lua", "--get", "monster"],
            "perilune: invalid value 'monster' for '--get <K=V>': a = must stand between key and value, as in \
             monster=1; see --help",
        ),
        (
            &["run", "view.lua", "--get"],
            "perilune: a value is required for '--get <K=V>' but none was supplied; see --help",
        ),
        (
            &["run", "view.lua", "--seed", "-1"],
            "perilune: invalid value '-1' for '--seed <N>': give a whole number from 0 to 18446744073709551615; see \
             --help",
        ),
        (
            &["run", "view.lua", "--timeout", "1s"],
            "perilune: invalid value '1s' for '--timeout <MS>': give a whole number from 0 to \
             18446744073709551615; see --help",
        ),
        (
            &["run", "view.lua", "--memory", "64 parsecs"],
            "perilune: invalid value '64 parsecs' for '--memory <BYTES>': \"64 parsecs\" is not a size in bytes: \
             give a whole number, or one with KiB, MiB or GiB behind it; see --help",
        ),
        (
            &["run", "view.lua", "--memory", "99999999999GiB"],
            "perilune: invalid value '99999999999GiB' for '--memory…",
        ),
        (
            &["run", "view.lua", "--output", "-1"],
            "perilune: invalid value '-1' for '--output <BYTES>': \"-1\" is…",
        ),
        (
            &["run", "view.lua", "--post", "@"],
            "perilune: invalid value '@' for '--post <JSON|@FILE|->': a file's name must follow the @; see --help",
        ),
        (
            &["bench", "view.lua", "--seconds", "0"],
            "perilune: invalid value '0' for '--seconds <S>': give a number of seconds above 0, such as 0.5 or 10; \
             see --help",
        ),
        (
            &["bench", "view.lua", "--seconds", "-1"],
            "perilune: invalid value '-1' for '--seconds <S>': give…",
        ),
        (
            &["bench", "view.lua", "--seconds", "nan"],
            "perilune: invalid value 'nan' for '--seconds <S>': give…",
        ),
        (
            &["bench", "view.lua", "--seconds", "1e99"],
            "perilune: invalid value '1e99' for '--seconds <S>': give…",
        ),
        (&["run", "-", "--post", "-"], twice),
        (&["run", "-", "--config", "-"], twice),
        (&["bench", "-", "--meta", "-"], twice),
        (&["run", "missing.lua", "--post", "-", "--meta", "-"], twice),
        (&["check", "-", "empty.lua", "-"], twice),
        // Files.
        (&["run", "missing.lua"], "perilune: can't read missing.lua: …"),
        (&["run", "missing\n\u{1b}[31m.lua"], "perilune: can't read missing  [31m.lua: …"),
        (&["bench", "missing.lua"], "perilune: can't read missing.lua: …"),
        (&["check", "missing.lua"], "perilune: can't read missing.lua: …"),
        (&["run", "folder.lua"], "perilune: can't read folder.lua: …"),
        (&["run", "view.lua", "--post", "@missing.json"], "perilune: can't read missing.json: …"),
        (&["run", "view.lua", "--config", "@folder.lua"], "perilune: can't read folder.lua: …"),
        // Scripts.
        (
            &["run", "unfinished.lua"],
            "unfinished.lua:3: Expected identifier when parsing expression, got '='",
        ),
        (
            &["bench", "./unfinished.lua"],
            "./unfinished.lua:3: Expected identifier when parsing expression, got '='",
        ),
        (&["run", "latin.lua"], "latin.lua:2: the source is not UTF-8"),
        (&["run", "nul.lua"], "nul.lua:1: the source has a NUL byte"),
        // Payloads.
        (
            &["run", "view.lua", "--post", "[1]"],
            "perilune: POST: JSON parse error - Expecting object: line 1 column 1 (char 0)",
        ),
        (&["run", "view.lua", "--post", "nonsense"], "perilune: POST: JSON parse error - …"),
        (&["run", "view.lua", "--post", "@latin.json"], "perilune: POST: JSON parse error - …"),
        (&["run", "view.lua", "--config", "{"], "perilune: CONFIG: JSON parse error - …"),
        (&["run", "view.lua", "--meta", "{\n\"a\" 1}"], "perilune: META: JSON parse error - …"),
        (&["bench", "view.lua", "--post", "{"], "perilune: POST: JSON parse error - …"),
        (&["run", "view.lua", "--post", "@-"], "perilune: can't read -: …"),
    ];
    for (arguments, expected) in cases {
        let done = perilune(arguments);
        let line = refused(&done);
        match expected.strip_suffix('…') {
            Some(start) => assert!(line.starts_with(start), "{arguments:?}: {line}"),
            None => assert_eq!(line, *expected, "{arguments:?}"),
        }
    }

    let large = format!("a={}", "x".repeat(64 << 10));
    let many = [&["run", "view.lua"][..], &["--get", &large].repeat(9)].concat();
    assert_eq!(refused(&perilune(&many)), "perilune: Request size limit exceeded (524288).");
    let done = finish(command(&["run", "-"]), b"local = 1");
    assert!(refused(&done).starts_with("stdin:1: "), "{done:?}");
}
