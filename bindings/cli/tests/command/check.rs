//! `perilune check`.

use crate::{FOLDER, VIEW, command, finish, perilune};

#[test]
fn check_looks_at_every_file() {
    let done = perilune(&["check", "view.lua", "empty.lua", "endless.lua"]);
    assert_eq!((done.code, done.stdout.as_str(), done.stderr.as_str()), (Some(0), "", ""));
    let done = finish(command(&["check", "-"]), VIEW.as_bytes());
    assert_eq!((done.code, done.stdout.as_str(), done.stderr.as_str()), (Some(0), "", ""));

    let absolute = FOLDER.join("latin.lua").to_str().expect("UTF-8").to_owned();
    let done = perilune(&[
        "check",
        "unfinished.lua",
        "view.lua",
        "missing.lua",
        "./unclosed.lua",
        &absolute,
        "empty.lua",
    ]);
    assert_eq!((done.code, done.stdout.as_str()), (Some(2), ""), "{done:?}");
    let expected = [
        "unfinished.lua:3: Expected identifier when parsing expression, got '='",
        "perilune: can't read missing.lua: ",
        "./unclosed.lua:1: Expected 'end'",
        &format!("{absolute}:2: the source is not UTF-8"),
    ];
    assert_eq!(done.stderr.lines().count(), expected.len(), "{done:?}");
    for (line, start) in done.stderr.lines().zip(expected) {
        assert!(line.starts_with(start), "{line}");
    }
}

#[test]
fn check_tells_every_error_and_warns_where_there_is_none() {
    let done = perilune(&["check", "doubtful.lua"]);
    let warnings = "\
doubtful.lua:2: warning: prnt is not there: did you mean print?
doubtful.lua:3: warning: math.type is not in Luau: all numbers are doubles; use x % 1 == 0
";
    assert_eq!((done.code, done.stdout.as_str(), done.stderr.as_str()), (Some(0), "", warnings));
    let done = perilune(&["check", "--deny-warnings", "doubtful.lua"]);
    assert_eq!((done.code, done.stderr.as_str()), (Some(1), warnings));
    let done = perilune(&["check", "--deny-warnings", "empty.lua"]);
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""));
    let done = perilune(&["check", "--deny-warnings", "doubtful.lua", "broken.lua", "doubtful.lua"]);
    assert_eq!(done.code, Some(2));
    let done = perilune(&["check", "--format", "json", "broken.lua", "doubtful.lua"]);
    let objects: Vec<serde_json::Value> =
        done.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let places = objects.iter().map(|object| {
        (
            object["file"].as_str(),
            object["line"].as_u64(),
            object["column"].as_u64(),
            object["severity"].as_str(),
        )
    });
    let expected = [
        (Some("broken.lua"), Some(2), Some(7), Some("error")),
        (Some("broken.lua"), Some(6), Some(3), Some("error")),
        (Some("doubtful.lua"), Some(2), Some(16), Some("warning")),
        (Some("doubtful.lua"), Some(3), Some(8), Some("warning")),
    ];
    assert_eq!((done.code, done.stderr.as_str()), (Some(2), ""));
    assert_eq!(Vec::from_iter(places), expected);
    assert_eq!(objects[2]["message"], "prnt is not there: did you mean print?");
    let done = perilune(&["check", "broken.lua", "doubtful.lua"]);
    let errors = "\
broken.lua:2: Expected identifier when parsing expression, got '='
broken.lua:6: Incomplete statement: expected assignment or a function call (Luau has no goto: use continue, break or a \
                  function)
";
    assert_eq!((done.code, done.stdout.as_str()), (Some(2), ""), "{done:?}");
    assert_eq!(done.stderr, [errors, warnings].concat());
    let done = finish(command(&["check", "-"]), b"prnt(1)");
    assert_eq!(
        (done.code, done.stderr.as_str()),
        (Some(0), "stdin:1: warning: prnt is not there: did you mean print?\n")
    );
}
