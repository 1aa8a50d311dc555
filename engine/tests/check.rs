//! `Engine::check`: every error that stands for itself and none that does not, and what it warns of.

mod common;

use std::fs;
use std::path::Path;

use common::engine;
use perilune::{Diagnostic, Engine, Severity};

fn errors(source: &str) -> Vec<Diagnostic> {
    let found = engine().check("test", source);
    found.into_iter().filter(|found| found.severity == Severity::Error).collect()
}

fn lines(source: &str) -> Vec<u32> {
    errors(source).iter().map(|found| found.line).collect()
}

/// Sources, and the lines of the errors that are told.
const ERRORS: &[(&str, &[u32])] = &[
    ("", &[]),
    ("print(1)", &[]),
    ("x = = 1", &[1]),
    ("x = = 1\ny = = 2\nz = 3\nw = = 4", &[1, 2, 4]),
    ("local a = = 1\nlocal function f()\n  return = 1\nend\nlocal b = = 1", &[1, 3]),
    ("local a = = 1\nlocal function f()\n  x = = 1\nend\nlocal b = = 1", &[1, 3, 5]),
    ("function a()\n  x = = 1\nend\n\nfunction b()\n  y = = 1\nend", &[2, 6]),
    ("function a()\n  x = = 1\n  y = = 1\nend", &[2]),
    ("if a then\n  x = = 1\nelse\n  y = = 1\nend", &[2]),
    ("repeat\n  x = = 1\nuntil y\nfor i = 1, 2 do\n  z = = 1\nend", &[2, 5]),
    ("while a do\n  local x = \nend\nlocal y = = 1", &[3, 4]),
    ("f(function()\n  x = = 1\nend)\ng(function()\n  y = = 1\nend)", &[2, 5]),
    ("return {\n  a = function()\n    x = = 1\n  end,\n  b = function()\n    y = = 1\n  end,\n}", &[3]),
    ("print('a\nprint('b')\nprint('c", &[1, 3]),
    ("f(1, 2\nlocal x = 1\nlocal y = = 2", &[2, 3]),
    ("local t = { 1, 2\nlocal x = 1\nlocal y = 1\nlocal z = = 2", &[2, 4]),
    ("print \"x\")\ny = 1\nz = = 1", &[1, 3]),
    ("a.b.c\nlocal x = 1\ngoto done", &[1, 3]),
    ("if a the\n  b()\nend\nlocal x = = 1", &[1, 4]),
    // Blocks that are not closed, or closed twice: nothing that follows is sure.
    ("function a()\n  if x then\nend\nfunction b()\nend", &[5]),
    ("function a()\nend\nend\nx = = 1", &[3]),
    ("if a then\n  x()\nend end\nlocal y = = 1", &[3]),
    ("break\nx = = 1", &[1, 2]),
    ("fucntion a()\n  return 1\nend\nlocal x = = 1", &[1]),
    ("x = [[\ny = = 1", &[1]),
    ("--[[\ny = = 1", &[1]),
    // Only where the other begins a line.
    ("x = = 1 y = = 2", &[1]),
    ("  x = = 1\n y = 2\nz = = 3", &[1, 3]),
];

#[test]
fn every_independent_error_is_reported() {
    for (source, expected) in ERRORS {
        assert_eq!(lines(source), *expected, "{source}\n{:?}", errors(source));
    }
}

#[test]
fn the_first_error_is_the_one_of_compile_and_they_come_in_order() {
    for (source, expected) in ERRORS {
        let found = errors(source);
        let first = engine().compile("test", source).err().map(|error| (error.line, error.reason));
        assert_eq!(found.first().map(|found| (found.line, found.message.clone())), first, "{source}");
        assert!(expected.is_sorted() && found.is_sorted_by_key(|found| found.line), "{source}");
    }
}

#[test]
fn what_is_checked_before_compiling_is_reported_alone() {
    let small = common::builder().source(10).build();
    let text = |engine: &Engine, source: &[u8]| {
        engine.check("a", source).iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(text(&small, b"x = 1 y = = 2"), ["a:1: the source has 13 bytes, over the limit of 10"]);
    assert_eq!(text(engine(), b"x = = 1\ny = '\xff'"), ["a:2: the source is not UTF-8"]);
    assert_eq!(text(engine(), b"x = = 1\n\0"), ["a:2: the source has a NUL byte"]);
    assert_eq!(engine().check(&"n".repeat(300), "x = = 1").len(), 1);
}

#[test]
fn a_source_with_many_errors_comes_to_an_end() {
    assert_eq!(lines(&"x = = 1\n".repeat(20)), Vec::from_iter(1..=20));
    // The parser gives up, and of what it found nothing but the first is sure.
    assert_eq!(lines(&"x = = 1\n".repeat(2000)), [1]);
    assert_eq!(errors(&"x = (".repeat(2000)).len(), 1);
}

/// The scripts of the repository that compile.
fn scripts() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut scripts = Vec::new();
    for folder in ["examples", "tests/scripts/compat", "tests/scripts/compat/instead"] {
        for entry in fs::read_dir(root.join(folder)).expect("the folder is there") {
            let path = entry.expect("an entry").path();
            if path.extension().is_some_and(|extension| extension == "lua") {
                let source = fs::read_to_string(&path).expect("it is text");
                if engine().compile("test", &source).is_ok() {
                    scripts.push((path.display().to_string(), source));
                }
            }
        }
    }
    assert!(scripts.len() > 100, "{}", scripts.len());
    scripts.sort();
    scripts
}

/// Words and other characters: where they begin and end.
fn pieces(source: &str) -> Vec<(usize, usize)> {
    let bytes = source.as_bytes();
    let is_word = |at: usize| bytes[at].is_ascii_alphanumeric() || bytes[at] == b'_';
    let mut pieces = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let begin = at;
        at += 1;
        while is_word(begin) && at < bytes.len() && is_word(at) {
            at += 1;
        }
        if bytes[begin].is_ascii_graphic() {
            pieces.push((begin, at));
        }
    }
    pieces
}

/// What is put into sources to break them.
const BREAKS: &[&str] = &[
    "(", ")", "{", "}", "[", "end", "do", "function", "if", "then", "=", "\"", "local", "return", ",",
    "else", "[[", "until", "repeat", "elseif", "for", "while", "5", "x", "+", "`", ":", ".", "--[[", "break",
    "in", "and",
];

/// As its lines are, and with nothing at their beginnings.
fn layouts(source: &str) -> [String; 2] {
    let flat: Vec<&str> = source.lines().map(str::trim_start).collect();
    [source.to_owned(), flat.join("\n")]
}

#[test]
fn a_script_that_is_broken_in_one_place_has_one_error_but_for_one_in_200() {
    let (mut broken, mut wrong) = (0, Vec::new());
    for (path, source) in scripts() {
        // Counted for each script, so that what is tried of one does not depend on the others.
        let mut step = 0;
        for source in layouts(&source) {
            for (at, (begin, end)) in pieces(&source).into_iter().enumerate() {
                // A part of all places, another one in each script.
                step += 1;
                if step % 37 != 0 {
                    continue;
                }
                let (before, behind) = (&source[..begin], &source[end..]);
                let put = BREAKS[(at / 3) % BREAKS.len()];
                for broken_source in [
                    format!("{before}{behind}"),
                    format!("{before} {put} {behind}"),
                    format!("{before} {put} {}", &source[begin..]),
                ] {
                    let found = errors(&broken_source);
                    broken += usize::from(!found.is_empty());
                    let is_broken = engine().compile("test", &broken_source).is_err();
                    assert_eq!(is_broken, !found.is_empty(), "{path} at {begin}, {put}\n{broken_source}");
                    if found.len() > 1 {
                        wrong.push(format!("{path} at {begin}, {put}: {found:?}"));
                    }
                }
            }
        }
    }
    assert!(broken > 2000, "{broken} were broken");
    assert!(wrong.len() * 200 <= broken, "{} of {broken}\n{}", wrong.len(), wrong.join("\n"));
}

/// Lines with one error each, which stand for themselves.
const FAULTS: &[&str] = &[
    "local fault = = 1",
    "fault fault",
    "fault = (1 + 2",
    "fault = 1 + * 2",
    "fault(1, 2",
    "print(\"fault)",
    "local x <const> = 1",
    "fault.a.b",
    "fault = { 1, 2",
    "return = 1",
    "goto fault",
    "fault(1))",
];

#[test]
fn two_functions_that_are_broken_have_two_errors_unless_the_first_ends_early() {
    let (mut count, mut both) = (0, 0);
    for (path, source) in scripts() {
        let lines: Vec<&str> = source.lines().collect();
        // Functions at the outside that have lines of their own.
        let begins = lines.iter().enumerate().filter(|(at, line)| {
            let is_function = line.starts_with("local function ") || line.starts_with("function ");
            is_function
                && !line.contains(" end")
                && lines.get(at + 1).is_some_and(|next| next.starts_with([' ', '\t']))
        });
        let begins: Vec<usize> = begins.map(|(at, _)| at).collect();
        for pair in begins.windows(2) {
            let (first, second) = (FAULTS[count % FAULTS.len()], FAULTS[(count / 3 + 5) % FAULTS.len()]);
            count += 1;
            let mut broken: Vec<String> = Vec::new();
            for (at, line) in lines.iter().enumerate() {
                broken.push((*line).to_owned());
                let indentation: String = lines.get(at + 1).map_or(String::new(), |next| {
                    next.chars().take_while(|char| char.is_whitespace()).collect()
                });
                if at == pair[0] {
                    broken.push(format!("{indentation}{first}"));
                } else if at == pair[1] {
                    broken.push(format!("{indentation}{second}"));
                }
            }
            let broken = broken.join("\n");
            let found = errors(&broken);
            // Where a bracket is open, the error is on the next line.
            let expected = [pair[0] as u32 + 2, pair[1] as u32 + 3];
            let is_there = |(found, line): (&Diagnostic, u32)| (line..=line + 1).contains(&found.line);
            assert!(
                (1..=2).contains(&found.len()) && found.iter().zip(expected).all(is_there),
                "{path}: {first} / {second} in {expected:?}: {found:?}\n{broken}"
            );
            // Behind a `return` that is not the last statement, the parser ends at the function's `end`.
            assert!(found.len() == 2 || first.starts_with("return"), "{path}: {first}: {found:?}\n{broken}");
            both += found.len() / 2;
        }
    }
    assert!(both > 30 && both * 10 > count * 9, "{both} of {count}");
}

/// Names that the sources below use as their own.
const OWN: &str = "local a, b, f, g, mt, n, t, x, y = ... ";

/// Sources that compile, and the warnings.
const WARNINGS: &[(&str, &[&str])] = &[
    ("prnt(1)", &["1: prnt is not there: did you mean print?"]),
    ("local x = ARG.monster", &["1: ARG is not there: did you mean ARGS?"]),
    ("return\njson.enc0de({})", &["2: json.enc0de is not there: did you mean json.encode?"]),
    ("string.trim('x')", &["1: string.trim is not there"]),
    ("print(math.type(1))", &["1: math.type is not in Luau: all numbers are doubles; use x % 1 == 0"]),
    (
        "local least = math.maxinteger",
        &["1: math.maxinteger is not in Luau: all numbers are doubles; use math.huge, or 2^53"],
    ),
    (
        "os.exit()\nload('x')",
        &[
            "1: os.exit is not there: use return at the end of the script, or error",
            "2: load is not there: no code is made at run time; keep functions in a table",
        ],
    ),
    ("require 'prelude' prnt(split('a b'))", &["1: prnt is not there: did you mean print?"]),
    (
        "require 'prelude' print(math.type(1))",
        &["1: math.type is not in Luau: all numbers are doubles; use x % 1 == 0"],
    ),
    (
        "table.unpack = table.unpack or unpack",
        &[
            "1: table.unpack can't be set: table is the library's, and read-only; use a local function, or a copy: local table = table.clone(table)",
        ],
    ),
    (
        "\nfunction string.split(s, sep) end",
        &[
            "2: string.split can't be set: string is the library's, and read-only; use a local function, or a copy: local string = table.clone(string)",
        ],
    ),
    (
        "function string:trim() end",
        &[
            "1: string.trim can't be set: string is the library's, and read-only; use a local function, or a copy: local string = table.clone(string)",
        ],
    ),
    (
        "if not string.trim then string.trim = f end",
        &[
            "1: string.trim can't be set: string is the library's, and read-only; use a local function, or a copy: local string = table.clone(string)",
        ],
    ),
    (
        "if table.unpack then table.unpack = f end",
        &[
            "1: table.unpack can't be set: table is the library's, and read-only; use a local function, or a copy: local table = table.clone(table)",
        ],
    ),
    (
        "math.random += 1",
        &[
            "1: math.random can't be set: math is the library's, and read-only; use a local function, or a copy: local math = table.clone(math)",
        ],
    ),
    (
        "local util = require 'util' json.pretty = util.pretty",
        &[
            "1: json.pretty can't be set: json is the library's, and read-only; use a local function, or a copy: local json = table.clone(json)",
        ],
    ),
    ("undefined_name(1)", &["1: undefined_name is not there"]),
    ("sleep(1)", &["1: sleep is not there"]),
    ("local total = 1\nreturn totla", &["2: totla is not there: did you mean total?"]),
    ("count += 1", &["1: count is not there"]),
    ("do local inner = 1 end\nprint(inner)", &["2: inner is not there"]),
    ("local inner = inner", &["1: inner is not there"]),
    ("local function f() return missing.x end", &["1: missing is not there"]),
    ("x = `{missing}`", &["1: missing is not there"]),
    ("x = {missing, [missing] = missing}", &["1: missing is not there"]),
    ("_G.missing()", &["1: missing is not there"]),
    ("if missing == nil then other() end", &["1: other is not there"]),
    ("prnt(1) prnt(2)", &["1: prnt is not there: did you mean print?"]),
    (
        "x = 9007199254740993",
        &["1: 9007199254740993 is beyond 2^53, up to which Luau's numbers hold every integer"],
    ),
    (
        "x = 9_223_372_036_854_775_807",
        &["1: 9223372036854775807 is beyond 2^53, up to which Luau's numbers hold every integer"],
    ),
    (
        "hash = 0xcbf29ce484222325",
        &["1: 0xcbf29ce484222325 is beyond 2^53, up to which Luau's numbers hold every integer"],
    ),
    ("print(3 / 1)", &["1: 3 / 1 prints as 3 in Luau, as 3.0 in Lua 5.3 and 5.4"]),
    ("print('x', 2^10)", &["1: 2^10 prints as 1024 in Luau, as 1024.0 in Lua 5.3 and 5.4"]),
    ("x = tostring(10 / 2)", &["1: 10 / 2 prints as 5 in Luau, as 5.0 in Lua 5.3 and 5.4"]),
    ("io.write(1.0)", &["1: 1.0 prints as 1 in Luau, as 1.0 in Lua 5.3 and 5.4"]),
    ("x = 'a' .. 6 / 2", &["1: 6 / 2 prints as 3 in Luau, as 3.0 in Lua 5.3 and 5.4"]),
    ("x = 6 / 2 .. 'a'", &["1: 6 / 2 prints as 3 in Luau, as 3.0 in Lua 5.3 and 5.4"]),
    ("x = 1e3 .. 'a'", &["1: 1e3 prints as 1000 in Luau, as 1000.0 in Lua 5.3 and 5.4"]),
    (
        "string.rep('x', 3, ',')",
        &["1: string.rep has no separator in Luau, and leaves it out: use table.concat"],
    ),
    (
        "x = ('x'):rep(3, ',')",
        &["1: string.rep has no separator in Luau, and leaves it out: use table.concat"],
    ),
    (
        "string.format('%s %d', 'a', n / 2)",
        &["1: string.format cuts a fraction off for %d in Luau; in Lua 5.3 and 5.4 it is an error"],
    ),
    (
        "x = ('%5d%%'):format(2.5)",
        &["1: string.format cuts a fraction off for %d in Luau; in Lua 5.3 and 5.4 it is an error"],
    ),
    ("string.format('%s', nil)", &["1: string.format takes no nil for %s in Luau: use %*, or tostring"]),
    (
        "string.format('%d%s', 1, true)",
        &["1: string.format takes no true for %s in Luau: use %*, or tostring"],
    ),
    ("setmetatable(t, {__gc = f})", &["1: __gc is never called in Luau: close with a call"]),
    ("mt.__close = f", &["1: __close is never called in Luau: close with a call, after pcall"]),
    (
        "function mt.__pairs(t) end",
        &["1: __pairs is never called in Luau: use __iter, and a loop over the object itself"],
    ),
    ("local _ENV = {}", &["1: _ENV is a name like any other in Luau: globals are fields of _G"]),
    ("_ENV.x = 1", &["1: _ENV is not in Luau: globals are fields of _G"]),
    (
        "x = os.time{year = 2026, month = 1, day = 1}",
        &["1: os.time reads its table as UTC here, not in the local time zone"],
    ),
    (
        "x = os.time({year = 2026, month = 1, day = 1})",
        &["1: os.time reads its table as UTC here, not in the local time zone"],
    ),
];

#[test]
fn what_may_do_something_else_is_warned_of() {
    for (source, expected) in WARNINGS {
        let found = engine().check("test", format!("{OWN}{source}"));
        let text: Vec<String> =
            found.iter().map(|found| format!("{}: {}", found.line, found.message)).collect();
        assert_eq!(text, *expected, "{source}");
        assert!(found.iter().all(|found| found.severity == Severity::Warning), "{source}");
    }
}

/// Sources without a warning.
const NO_WARNINGS: &[&str] = &[
    // Asked for before it is used.
    "local unpack = table.unpack or unpack",
    "local compile = loadstring or load",
    "if setfenv then setfenv(1, {}) end",
    "if type(math.type) == 'function' then print(math.type(1)) end",
    "local kind = math.type and math.type(1) or 'float'",
    "if not jit then print(1) end",
    "if bit ~= nil then print(bit.band(1, 3)) end",
    // The script's own.
    "local function prnt() end prnt()",
    "function prnt() end prnt()",
    "local json = {} json.enc0de({})",
    "local string = {rep = f} string.rep('x', 3, ',')",
    "local print = f print(3 / 1)",
    "local t = {print = f} t.print(3 / 1)",
    "local os = {time = f} os.time{}",
    "local t = {} t.math.type(1)",
    "local x: prnt = 1 type ARG = {Get: number}",
    "local x = 1 :: prnt local y = f<<ARG>>(x) function g<prnt>(x: prnt, ...: ARG): (Get, Post) end",
    "function later() early() end function early() later() end",
    "_G.made = 1 print(made)",
    "function _G.made() end made()",
    "if missing then missing() end",
    "print(type(missing) == 'nil' and missing)",
    "for k, v in _G[x] do print(k, v) end",
    "local x: typeof(missing) = 1 type function t() return missing end",
    // Set where it does not show.
    "require 'prelude' sleep(1)",
    "local load = require missing(load)",
    "setmetatable(_G, {}) sleep(1)",
    "require 'prelude' print(split('a b'), round(1.5), null)",
    "for name, f in string do _G[name] = f end print(split('a b'))",
    "rawset(_G, 'load', print) load(1)",
    // In strings and comments.
    "local s = 'prnt(1) __gc = 1 9007199254740993' -- prnt(1) math.type(1)",
    "local s = [[ os.time{} ]] --[[ string.rep('x', 3, ',') ]]",
    // Numbers that are the same everywhere.
    "x = 9007199254740992",
    "x = 0x1FFFFFFFFFFFFF",
    "x = 18446744073709551616",
    "x = 1e300",
    "print(7 / 2)",
    "print(a / b)",
    "print(3 // 1)",
    "print(2.5, 1e-3)",
    "print(string.format('%.1f', 6 / 2))",
    "print((3 / 1))",
    "x = 3 / 1 + 1",
    "x = 3 / 1",
    "print(#{} / 1, 3 * 6 / 2)",
    "x = n * 6 / 2 .. 'a'",
    // Formats that fit.
    "string.format('%d', math.floor(n / 2))",
    "string.format('%d', n // 2)",
    "string.format('%d', n / 2 - n / 2 % 1)",
    "string.format('%d', 25)",
    "string.format('%s', x)",
    "string.format('%*', nil)",
    "string.format('%%d %s', 'x', 1 / 2)",
    "string.format(f, nil)",
    "string.rep('x', 3)",
    "string.rep('x', f(1, 2))",
    "string.rep('x', (function() local a, b = 1, 2 return a end)())",
    "t:rep(3, ',')",
    // Not the library, or not set.
    "local string = table.clone(string) function string.trim() end string.x = 1",
    "json = {} json.pretty = f",
    "local t = {} t.string.trim = f function t.string.split() end",
    "local t = {string = {trim = f}, table = 1}",
    "if string.rep == x then f() end",
    "local f = function(string) string.x = 1 end",
    "if not table.unpack then table.unpack = unpack end",
    // Only read.
    "local f = mt.__gc if mt.__gc == nil then f() end",
    "os.time()",
    "os.time(t)",
    "local t = {os.date('*t')}",
];

#[test]
fn nothing_is_warned_of_what_is_as_it_should_be() {
    for source in NO_WARNINGS {
        let found = engine().check("test", format!("{OWN}{source}"));
        assert!(found.is_empty(), "{source}\n{found:?}");
    }
    for (path, source) in scripts().into_iter().filter(|(path, _)| path.contains("examples")) {
        assert_eq!(engine().check("test", &source), [], "{path}");
    }
}

#[test]
fn warnings_are_in_order_bounded_and_only_for_what_compiles() {
    assert_eq!(engine().check("test", "prnt(1)\nx = = 1").len(), 1);
    let many: String = (0..300).map(|n| format!("x = 9007199254740993 + {n}\n")).collect();
    let found = engine().check("test", &many);
    assert!(found.len() == 100 && found.is_sorted_by_key(|found| found.line), "{}", found.len());
}

#[test]
fn a_diagnostic_is_a_line_that_editors_read() {
    let text = |source| engine().check("shop/price", source)[0].to_string();
    assert_eq!(text("x = = 1"), "shop/price:1: Expected identifier when parsing expression, got '='");
    assert_eq!(text("prnt(1)"), "shop/price:1: warning: prnt is not there: did you mean print?");
}

/// Sources, and where the first that is found is.
const COLUMNS: &[(&str, (u32, u32))] = &[
    ("x = = 1", (1, 5)),
    ("local x = 1\n  é = 1", (2, 3)),
    ("x = 'é' = 1", (1, 9)),
    ("\u{feff}x = = 1", (1, 5)),
    ("#!/usr/bin/perilune\nx = = 1", (2, 5)),
    ("\u{feff}#!x\n\nx = = 1", (3, 5)),
    ("x = (\n\n  ", (3, 3)),
    ("  \tbreak", (1, 4)),
    ("prnt(1)", (1, 1)),
    ("\u{feff}prnt(1)", (1, 1)),
    ("print('é', prnt(1))", (1, 12)),
    ("print(1,\n\tjson.enc0de(2))", (2, 2)),
    ("print(_G.prnt)", (1, 10)),
    ("local s = 'é' x = 9007199254740993", (1, 19)),
];

#[test]
fn a_column_is_that_of_the_source_in_characters() {
    for (source, expected) in COLUMNS {
        let found = &engine().check("test", source)[0];
        assert_eq!((found.line, found.column), *expected, "{source}\n{found:?}");
    }
}

#[test]
fn functions_and_modules_of_the_engine_are_known() {
    let text = |engine: &Engine, source: &str| {
        engine.check("a", source).iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let source = "host.ehco(1) require 'mony' host.log(2) sleep(3)";
    let other = common::builder().build();
    assert!(text(&other, source).is_empty(), "an engine without any knows none");

    let engine = common::builder().build();
    engine.function("echo", |call| call.value(0)).expect("a name");
    for (name, module) in [
        ("money", "function euro(n) return n end require 'more'"),
        ("more", "_G.cent = 1"),
        ("dark", "for name in GET do _G[name] = 1 end"),
    ] {
        engine.module(name, module).expect("it compiles");
    }
    assert_eq!(
        text(&engine, source),
        [
            "a:1: warning: host.ehco is not there: did you mean host.echo?",
            "a:1: warning: there is no module 'mony': did you mean 'money'?",
            "a:1: warning: host.log is not there: the host registered echo",
        ]
    );
    let lines = |source: &str| text(&engine, source).len();
    assert_eq!(text(&engine, "require 'money' euro(cent) dollar()"), ["a:1: warning: dollar is not there"]);
    for source in [
        "require 'dark' dollar()",
        "if host.log then host.log(1) end",
        "host.echo(1)",
        "local host = {} host.log(1)",
        "host = {} host.log(1)",
        "local f = host.echo",
    ] {
        assert_eq!(lines(source), 0, "{source}");
    }
}

/// Guards against a parser that runs over the end of its stack: whoever calls, and whatever the source.
#[test]
fn deep_and_huge_sources_are_checked_on_any_stack() {
    let sources = [
        format!("x = {}1{}", "(".repeat(50_000), ")".repeat(50_000)),
        format!("x = {}1{}", "{".repeat(50_000), "}".repeat(50_000)),
        format!("x = {}", "-".repeat(3) + &"not ".repeat(100_000)),
        "if x then ".repeat(50_000),
        format!("x = 1{}", " + 1".repeat(200_000)),
        format!("x = 1{}", " .. 1".repeat(200_000)),
        format!("x = t{}", ".a".repeat(200_000)),
        format!("x = f{}", "()".repeat(200_000)),
        format!("x = {}", "`{".repeat(50_000)),
        format!("type T = {}", "{".repeat(50_000)),
        "function f() ".repeat(50_000),
        "x = = 1 ".repeat(100_000),
        "prnt() ".repeat(100_000),
    ];
    let check = || {
        for source in &sources {
            let found = engine().check("test", source);
            assert!((1..=100).contains(&found.len()), "{}", &source[..20]);
        }
    };
    std::thread::scope(|threads| {
        let small = std::thread::Builder::new().stack_size(128 << 10).spawn_scoped(threads, check);
        small.expect("a thread").join().expect("no panic");
    });
}
