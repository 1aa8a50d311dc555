//! What the author of a script is told beyond the error itself, and what never: nothing is claimed that is not so.

mod common;

use common::{engine, run, run_in};
use perilune::{ErrorKind, Request};

/// Scripts that fail, the error and the hint.
const HINTS: &[(&str, &str, &str)] = &[
    // Globals that look like another.
    ("ARG.monster()", "attempt to index nil with 'monster'", "ARG is not there: did you mean ARGS?"),
    ("print(ARG.monster)", "attempt to index nil with 'monster'", "ARG is not there: did you mean ARGS?"),
    ("print(ARG[1])", "attempt to index nil with number", "ARG is not there: did you mean ARGS?"),
    ("print(args.x)", "attempt to index nil with 'x'", "args is not there: did you mean ARGS?"),
    ("print(Get.x)", "attempt to index nil with 'x'", "Get is not there: did you mean GET?"),
    ("print(get.x)", "attempt to index nil with 'x'", "get is not there: did you mean GET?"),
    ("Get.x = 1", "attempt to index nil with 'x'", "Get is not there: did you mean GET?"),
    ("prnt('x')", "attempt to call a nil value", "prnt is not there: did you mean print?"),
    ("prnt 'x'", "attempt to call a nil value", "prnt is not there: did you mean print?"),
    ("pritn {}", "attempt to call a nil value", "pritn is not there: did you mean print?"),
    ("Print(1)", "attempt to call a nil value", "Print is not there: did you mean print?"),
    ("_G.prnt(1)", "attempt to call a nil value", "prnt is not there: did you mean print?"),
    ("local t = {a = prnt()}", "attempt to call a nil value", "prnt is not there: did you mean print?"),
    ("tostirng(1)", "attempt to call a nil value", "tostirng is not there: did you mean tostring?"),
    (
        "setmetable({}, {})",
        "attempt to call a nil value",
        "setmetable is not there: did you mean setmetatable?",
    ),
    (
        "set_respones({})",
        "attempt to call a nil value",
        "set_respones is not there: did you mean set_response?",
    ),
    ("sting.rep('x', 2)", "attempt to index nil with 'rep'", "sting is not there: did you mean string?"),
    ("Math.floor(1)", "attempt to index nil with 'floor'", "Math is not there: did you mean math?"),
    ("jsno.encode({})", "attempt to index nil with 'encode'", "jsno is not there: did you mean json?"),
    ("jsno:encode({})", "attempt to index nil with 'encode'", "jsno is not there: did you mean json?"),
    ("function jsno.mine() end", "attempt to index nil with 'mine'", "jsno is not there: did you mean json?"),
    (
        "print(1 + ARG)",
        "attempt to perform arithmetic (add) on number and nil",
        "ARG is not there: did you mean ARGS?",
    ),
    ("print('a' .. ARG)", "attempt to concatenate string with nil", "ARG is not there: did you mean ARGS?"),
    ("print(ARG < 1)", "attempt to compare nil < number", "ARG is not there: did you mean ARGS?"),
    ("print(#ARG)", "attempt to get length of a nil value", "ARG is not there: did you mean ARGS?"),
    ("for _ in ARG do end", "attempt to iterate over a nil value", "ARG is not there: did you mean ARGS?"),
    (
        "for _ in pairs(ARG) do end",
        "invalid argument #1 to 'pairs' (table expected, got nil)",
        "ARG is not there: did you mean ARGS?",
    ),
    // Members of the library.
    ("json.enc0de({})", "attempt to call a nil value", "json.enc0de is not there: did you mean json.encode?"),
    (
        "string.fromat('%d', 1)",
        "attempt to call a nil value",
        "string.fromat is not there: did you mean string.format?",
    ),
    (
        "table.contact({})",
        "attempt to call a nil value",
        "table.contact is not there: did you mean table.concat?",
    ),
    (
        "_G.json.enc0de({})",
        "attempt to call a nil value",
        "json.enc0de is not there: did you mean json.encode?",
    ),
    (
        "print(math.Pi * 2)",
        "attempt to perform arithmetic (mul) on nil and number",
        "math.Pi is not there: did you mean math.pi?",
    ),
    ("string.trim(' x ')", "attempt to call a nil value", "string.trim is not there"),
    ("local s = 'x' s:fromat()", "attempt to call missing method 'fromat' of string", "did you mean format?"),
    (
        "local s = 'x' s:gfind('x')",
        "attempt to call missing method 'gfind' of string",
        "string.gfind is not in Luau: use string.gmatch",
    ),
    // Names of other Luas.
    (
        "print(math.type(1))",
        "attempt to call a nil value",
        "math.type is not in Luau: all numbers are doubles; use x % 1 == 0",
    ),
    (
        "print(math.maxinteger - 1)",
        "attempt to perform arithmetic (sub) on nil and number",
        "math.maxinteger is not in Luau: all numbers are doubles; use math.huge, or 2^53",
    ),
    (
        "os.getenv('HOME')",
        "attempt to call a nil value",
        "os.getenv is not there: the host's settings are in CONFIG",
    ),
    (
        "print(io.read())",
        "attempt to call a nil value",
        "io.read is not there: the request's body is in POST",
    ),
    (
        "io.open('x')",
        "attempt to call a nil value",
        "io.open is not there: a script reaches no files; the host's settings are in CONFIG",
    ),
    (
        "load('return 1')()",
        "attempt to call a nil value",
        "load is not there: no code is made at run time; keep functions in a table",
    ),
    (
        "loadstring('return 1')()",
        "attempt to call a nil value",
        "loadstring is not there: no code is made at run time; keep functions in a table",
    ),
    (
        "dofile('x.lua')",
        "attempt to call a nil value",
        "dofile is not there: code comes from the host only, with require",
    ),
    (
        "setfenv(1, {})",
        "attempt to call a nil value",
        "setfenv is not there: environments can't be changed; use the fields of a table",
    ),
    (
        "collectgarbage('count')",
        "attempt to call a nil value",
        "collectgarbage is not there, and not needed: the engine collects in time",
    ),
    (
        "string.gfind('x', 'x')",
        "attempt to call a nil value",
        "string.gfind is not in Luau: use string.gmatch",
    ),
    ("print(bit.band(1, 3))", "attempt to index nil with 'band'", "bit.band is not there: use bit32.band"),
    (
        "print(cjson.encode({}))",
        "attempt to index nil with 'encode'",
        "cjson.encode is not there: use json.encode",
    ),
    (
        "ngx.say('x')",
        "attempt to index nil with 'say'",
        "ngx is OpenResty's, and not there: use print, ARGS and set_response",
    ),
    ("floor(1.5)", "attempt to call a nil value", "floor is not there: use math.floor"),
    (
        "if null.x then end",
        "attempt to index nil with 'x'",
        "null is not there: use nil, or json.null for JSON",
    ),
    // Texts that are added.
    (
        "local b = 'b' print('a' + b)",
        "attempt to perform arithmetic (add) on string",
        "texts are joined with ..",
    ),
    (
        "print('total: ' + 1)",
        "attempt to perform arithmetic (add) on string and number",
        "texts are joined with ..",
    ),
    (
        "local t = 1 t += 'a'",
        "attempt to perform arithmetic (add) on number and string",
        "texts are joined with ..",
    ),
    // Two of them, of which one was called.
    (
        "print(json.enc0de(1), string.fromat('x'))",
        "attempt to call a nil value",
        "json.enc0de is not there: did you mean json.encode?",
    ),
    (
        "print(#{1}, string.fromat('x'), json.enc0de(1))",
        "attempt to call a nil value",
        "string.fromat is not there: did you mean string.format?",
    ),
    (
        "print(json.enc0de, prnt and 1, prnt('x'))",
        "attempt to call a nil value",
        "prnt is not there: did you mean print?",
    ),
    // What is written to is not the script's.
    (
        "table.unpack = table.unpack or unpack",
        "attempt to modify a readonly table",
        "table is the library's, and read-only: use a local function, or a copy, local table = table.clone(table)",
    ),
    (
        "function string.split(s, sep) end",
        "attempt to modify a readonly table",
        "string is the library's, and read-only: use a local function, or a copy, local string = table.clone(string)",
    ),
    (
        "local s = string s.trim = print",
        "attempt to modify a readonly table",
        "string is the library's, and read-only: use a local function, or a copy, local string = table.clone(string)",
    ),
    (
        "local name = 'floor' math[name] = print",
        "attempt to modify a readonly table",
        "math is the library's, and read-only: use a local function, or a copy, local math = table.clone(math)",
    ),
    (
        "table.clear(json)",
        "attempt to modify a readonly table",
        "json is the library's, and read-only: use a local function, or a copy, local json = table.clone(json)",
    ),
    (
        "table.insert(math, 1)",
        "attempt to modify a readonly table",
        "math is the library's, and read-only: use a local function, or a copy, local math = table.clone(math)",
    ),
    (
        "CONFIG.x = 1",
        "attempt to modify a readonly table",
        "CONFIG is the host's, and read-only: use a table of your own",
    ),
    (
        "META.x = 1",
        "attempt to modify a readonly table",
        "META is the host's, and read-only: use a table of your own",
    ),
    (
        "host.log = print",
        "attempt to modify a readonly table",
        "host is the host's, and read-only: use a table of your own",
    ),
    // Functions that the host has not.
    ("host.ehco(1)", "attempt to call a nil value", "host.ehco is not there: did you mean host.echo?"),
    (
        "print(host.ehco and 1, host.ehco(1))",
        "attempt to call a nil value",
        "host.ehco is not there: did you mean host.echo?",
    ),
    ("_G.host.ehco(1)", "attempt to call a nil value", "host.ehco is not there: did you mean host.echo?"),
    (
        "host:ehco(1)",
        "attempt to call missing method 'ehco' of table",
        "host.ehco is not there: did you mean host.echo?",
    ),
    (
        "host.query('x')",
        "attempt to call a nil value",
        "host.query is not there: the host registered echo, now",
    ),
    // Where the error comes by a detour.
    (
        "local f = function() prnt() end f()",
        "attempt to call a nil value",
        "prnt is not there: did you mean print?",
    ),
    (
        "local _, e = pcall(function() prnt() end) error(e, 0)",
        "attempt to call a nil value",
        "prnt is not there: did you mean print?",
    ),
    // Set by another way than an assignment, and no longer there.
    (
        "rawset(_G, 'prnt', print) rawset(_G, 'prnt', nil) prnt()",
        "attempt to call a nil value",
        "prnt is not there: did you mean print?",
    ),
];

#[test]
fn an_error_of_a_name_that_is_not_there_has_a_hint() {
    let engine = common::builder().pool_size(1).build();
    for name in ["now", "echo"] {
        engine.function(name, |call| call.value(0)).expect("a name");
    }
    let mut wrong = Vec::new();
    for (source, reason, hint) in HINTS {
        let trace = run_in(&engine, &format!("\n\n{source}"), &Request::new());
        let error = trace.error.as_ref().unwrap_or_else(|| panic!("no error in: {source}"));
        let expected = format!("test:3: {reason} ({hint})");
        if error.message != expected || error.line != Some(3) || error.kind != ErrorKind::Runtime {
            wrong.push(format!("{source}\n  {}\n  {expected}", error.message));
        }
        assert!(
            trace.stderr_text().starts_with(&format!("{}\nstack traceback:\n", error.message)),
            "{source}"
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Scripts that fail with an error that has no hint.
const NO_HINTS: &[&str] = &[
    // Names of the script's own, not set where they are used.
    "local prnt prnt()",
    "local function f(prnt) prnt() end f()",
    "local function f(...) local a, prnt, b = ... prnt() end f()",
    "for prnt = 1, 1 do prnt() end",
    "for _, prnt in {{}} do prnt() end",
    "prnt = nil prnt()",
    "a, prnt = 1 prnt()",
    "prnt, a = nil prnt()",
    "_G.prnt = nil prnt()",
    "if false then function prnt() end end prnt()",
    "if false then prnt = print end local function f() prnt() end f()",
    "local function f() prnt() end prnt = nil f()",
    "local load load('x')",
    "local json = {} json.enc0de()",
    "json = {} json.enc0de()",
    "local function f(json) json.enc0de() end f({})",
    "const prnt = nil prnt()",
    "local prnt: any = nil prnt()",
    "local function f(prnt: (number) -> string?, ARG: {x: number}?): any return ARG.x end f()",
    // Fields and methods.
    "local t = {} t.prnt()",
    "local t = {} t:prnt()",
    "local t = {} t.json.enc0de()",
    "local t = {} t.x.ARG.y = 1",
    "local t = {prnt = nil} t.prnt()",
    "GET.ARG.monster()",
    "local t = {} t.string.fromat()",
    // Words in strings and comments.
    "local t = {} t.x() -- prnt()",
    "local t = {} t.x() --[[ prnt() ]]",
    "local t = {} t.x('prnt()', \"prnt()\", [[prnt()]], `prnt()`)",
    // Nothing is like it.
    "undefined_function()",
    "counter()",
    "port.x = 1",
    "x()",
    "fo()",
    // Of another use, or another line.
    "local t = {} if ARG then end t.x()",
    "local t = {} print(ARG, t.x.y)",
    "prnt = print\nlocal t = {}\nt.x() -- ARG",
    "local function f() ARG() end local t = {} t.x.y = f",
    // Really there.
    "rawset(_G, 'prnt', print) local t = {} prnt(t.x.y)",
    "rawset(_G, 'prnt', print) local t = {} prnt(t.x())",
    "rawset(_G, 'json', {enc0de = print}) local t = {} json.enc0de(t.x())",
    "rawset(_G, 'json', setmetatable({}, {__index = function() return print end})) local t = {} json.enc0de(t.x())",
    // Types.
    "local x: ARG = nil x()",
    "type ARG = number local t = {} t.x()",
    "local function f(x: string): ARG return x() end f()",
    "local t = {} t.x(nil :: prnt)",
    // Errors of the script's own.
    "local prnt = 1 error('prnt')",
    "local x print('a' + x)",
    "print('a' - 1)",
    "print({} + 1)",
    "local s = 'x' s:something()",
    "local n = 1 n:fromat()",
    "error({prnt = 1})",
];

#[test]
fn nothing_is_claimed_of_what_is_there_or_is_the_scripts_own() {
    for source in NO_HINTS {
        let trace = run(source);
        let error = trace.error.unwrap_or_else(|| panic!("no error in: {source}"));
        assert_eq!(error.kind, ErrorKind::Runtime, "{source}");
        assert!(
            ["there", "mean", "joined"].iter().all(|word| !error.message.contains(word)),
            "{source}\n{}",
            error.message
        );
    }
}

/// Errors of Luau, and what it says of what was called or written to; with nothing that could be hinted at.
const NAMED: &[(&str, &str)] = &[
    ("sleep(1)", "call a nil value (global 'sleep')"),
    ("_G.sleep(1)", "call a nil value (global 'sleep')"),
    ("local n = 1 x = 5 x(n)", "call a number value (global 'x')"),
    ("local rows = {} rows.map(print)", "call a nil value (field 'map')"),
    ("local rows = {{}} rows[1].map(print)", "call a nil value (field 'map')"),
    ("rows = {} rows.map(print)", "call a nil value (field 'rows.map')"),
    ("a = {b = {}} a.b.c()", "call a nil value (field 'a.b.c')"),
    ("a = {b = {c = {d = {}}}} a.b.c.d.e()", "call a nil value (field 'a.b.c.d.e')"),
    ("local t = {} local function f() t.go() end f()", "call a nil value (field 'go')"),
    ("local t = {go = 5} t:go()", "call a number value (method 'go')"),
    ("local t = {} t:go()", "call missing method 'go' of table"),
    ("t = {} t:go()", "call missing method 'go' of table (global 't')"),
    ("t = {u = {}} t.u:go()", "call missing method 'go' of table (field 't.u')"),
    ("print(1, (sleep(2)), 3)", "call a nil value (global 'sleep')"),
    ("local t = {a = sleep(1)}", "call a nil value (global 'sleep')"),
    ("for _ in sleep() do end", "call a nil value (global 'sleep')"),
    ("while true do if sleep(1) then break end end", "call a nil value (global 'sleep')"),
    ("local f = function() return sleep(1) end f()", "call a nil value (global 'sleep')"),
    ("return sleep(1)", "call a nil value (global 'sleep')"),
    ("coroutine.wrap(function() sleep(1) end)()", "call a nil value (global 'sleep')"),
    ("print(print(1), sleep, math.floor(1.5), wake())", "call a nil value (global 'wake')"),
    ("sleep = setmetatable({}, {__index = print}) sleep()", "call a table value (global 'sleep')"),
    ("local t = table.freeze({}) t.x = 1", "modify a readonly table"),
    ("t = table.freeze({}) t.x = 1", "modify a readonly table (global 't')"),
    ("t = table.freeze({}) rawset(t, 1, 1)", "modify a readonly table (global 't')"),
    ("setmetatable({}, {__newindex = string}).x = 1", "modify a readonly table"),
    ("io.stdout.x = 1", "modify a readonly table"),
    // Of these there is no name, or none that is sure.
    ("local f f()", "call a nil value"),
    ("local function f(g) g() end f()", "call a nil value"),
    ("local f local function g() f() end g()", "call a nil value"),
    ("(GET.x and sleep or wake)()", "call a nil value"),
    ("(sleep or wake)()", "call a nil value"),
    ("local t = {} t[1]()", "call a nil value"),
    ("local t = {} t['a b']()", "call a nil value"),
    ("local t = {} t['a\\nb']()", "call a nil value"),
    ("sleep()()", "call a nil value (global 'sleep')"),
    ("type(1)()", "call a string value"),
    ("('x')()", "call a string value"),
    ("setmetatable({}, {__index = function() return nil end}).x.y()", "index nil with 'y'"),
    ("local t = setmetatable({}, {__call = 5}) t()", "call a table value"),
    ("local t = setmetatable({}, {__add = 5}) t = t + 1", "call a number value"),
    ("pcall(error) (sleep)()", "call a boolean value"),
];

#[test]
fn an_error_names_what_was_called_or_written_to() {
    let mut wrong = Vec::new();
    for (source, reason) in NAMED {
        let message = run(source).error.unwrap_or_else(|| panic!("no error in: {source}")).message;
        // Told to a script that catches it, too.
        let caught = run(&format!("print(select(2, pcall(function() {source}\nend)))"));
        let caught = caught.stdout_text().lines().last().unwrap_or_default().to_owned();
        // Out of a coroutine it has a second place.
        let end = format!("test:1: attempt to {reason}");
        if !message.ends_with(&end) || caught != message {
            wrong.push(format!("{source}\n  {message}\n  {caught}\n  {end}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let name = "n".repeat(90);
    assert!(
        run(&format!("{name}()")).error.expect("an error").message.ends_with(&format!("(global '{name}')"))
    );
    assert!(run(&format!("{name}{name}()")).error.expect("an error").message.ends_with("a nil value"));
    let path = vec!["x"; 200].join(".");
    assert!(
        run(&format!("local y = {{}} y.__index = y x = setmetatable(y, y) y.x = x x.{path}.z()"))
            .error
            .is_some()
    );
}

#[test]
fn a_hint_is_for_errors_that_are_not_caught() {
    let trace = run("print(select(2, pcall(function() prnt() end)))");
    assert_eq!(trace.stdout_text(), "test:1: attempt to call a nil value (global 'prnt')\n");
    assert_eq!(trace.error, None);
}

#[test]
fn an_error_raised_anew_or_in_a_coroutine_keeps_its_hint() {
    for source in [
        "local ok, e = pcall(function() prnt() end)\nerror(e)",
        "local f = coroutine.wrap(function() prnt() end)\nf()",
    ] {
        let error = run(source).error.expect("an error");
        let expected = "test:2: test:1: attempt to call a nil value (prnt is not there: did you mean print?)";
        assert_eq!(error.message, expected, "{source}");
    }
}

#[test]
fn a_scripts_name_may_look_like_the_place_of_an_error() {
    for name in ["a:3", "a: b", "shop/price", "x:1: attempt to call", "", "läd"] {
        let script = engine().compile(name, "prnt()").expect("it compiles");
        let error = script.run(&Request::new()).expect("it runs").error.expect("an error");
        let begin = format!("{name}:1: attempt to call a nil value");
        assert!(error.message.starts_with(&begin), "{name}: {}", error.message);
    }
}

#[test]
fn a_long_script_has_hints_and_a_very_long_one_none() {
    let message = |before: &str| run(&format!("{before}\nprnt()")).error.expect("an error").message;
    assert_eq!(
        message(&"do local x = 1 x = x + 1 end\n".repeat(10_000)),
        "test:10002: attempt to call a nil value (prnt is not there: did you mean print?)"
    );
    assert_eq!(
        message(&format!("local x = [[{}]]", "x".repeat(600 << 10))),
        "test:2: attempt to call a nil value (global 'prnt')"
    );
}

/// Sources that do not compile, and the hint of the first error.
const SYNTAX: &[(&str, &str)] = &[
    ("goto done", "Luau has no goto: use continue, break or a function"),
    (
        "for i = 1, 3 do\n  if i == 2 then goto continue end\nend",
        "Luau has no goto: use continue, break or a function",
    ),
    ("::top::\nx = 1", "Luau has no labels and no goto: use continue, break or a function"),
    ("do x = 1\n::continue:: end", "Luau has no labels and no goto: use continue, break or a function"),
    ("local a = b & c", "Luau has no & operator: use bit32.band(a, b)"),
    ("if flags & 4 == 0 then end", "Luau has no & operator: use bit32.band(a, b)"),
    ("local a = f(b | c)", "Luau has no | operator: use bit32.bor(a, b)"),
    ("return a ~ b", "Luau has no ~ operator: use bit32.bxor(a, b)"),
    ("return ~a", "Luau has no ~ operator: use bit32.bnot(a)"),
    ("local a = 1 << 4", "Luau has no << operator: use bit32.lshift(a, n)"),
    ("local a = b << 4", "Luau has no << operator: use bit32.lshift(a, n)"),
    ("local a = b >> 4", "Luau has no >> operator: use bit32.rshift(a, n)"),
    ("local x <const> = 5", "Luau has no <const>: use a plain local, or const in place of local"),
    ("local x <close> = f()", "Luau has no <close>: call a function that closes, after pcall"),
    ("i++", "Luau has no ++: use += 1"),
    ("local x = i++", "Luau has no ++: use += 1"),
    ("i--", "-- begins a comment; to subtract one, use -= 1"),
    ("i--\nj = 1", "-- begins a comment; to subtract one, use -= 1"),
    ("// a comment", "a comment begins with --"),
    ("x = 1 // a comment", "a comment begins with --"),
    ("/* a comment */", "a comment begins with --"),
    ("x = 1 /* a comment */", "a comment begins with --"),
    ("x = 10LL", "Luau has no integer suffixes: all numbers are doubles"),
    ("x = 0xFFULL", "Luau has no integer suffixes: all numbers are doubles"),
    ("x = 0x1p4", "Luau has no hexadecimal exponents"),
    ("x = 0x1.8", "Luau has no hexadecimal fractions"),
    ("x = 1..'a'", "a number needs a space before .."),
    ("local function a.b() end", "the name of a local function is one word: leave out local"),
    ("local function A:b() end", "the name of a local function is one word: leave out local"),
    ("if x == 1 {", "a block has no braces, and ends with end"),
    ("function f(x) {", "a block has no braces, and ends with end"),
    ("x = y ? a : b", "Luau has no ?: operator: use if a then b else c"),
    ("x = a ?? b", "Luau has no ??: use or, or if a ~= nil then a else b"),
    ("var x = 1", "a variable is declared with local, not var"),
    ("let x = 1", "a variable is declared with local, not let"),
    ("f = x => x", "Luau has no =>: write function(x) return … end"),
    ("f = (x) => x", "Luau has no =>: write function(x) return … end"),
    ("if a === b then end", "equal is =="),
    ("if a <> b then end", "not equal is ~="),
    ("if a = 1 then end", "= assigns; equal is =="),
    ("x := 1", "= assigns"),
    ("if a then elif b then end", "did you mean elseif?"),
    ("if a then elsif b then end", "did you mean elseif?"),
    ("if a then\nelse if b then\nend", "else if begins an if of its own, with an end of its own: use elseif"),
    ("if a then else if b then end", "else if begins an if of its own, with an end of its own: use elseif"),
    ("fucntion f() end", "did you mean function?"),
    ("lcoal x = 1", "did you mean local?"),
    ("retrun 1", "did you mean return?"),
];

fn refused(source: &str) -> String {
    let error = engine().compile("test", source).expect_err(source);
    assert_eq!(error.to_string(), format!("test:{}: {}", error.line, error.reason));
    error.reason
}

#[test]
fn another_luas_syntax_has_a_hint() {
    for (source, hint) in SYNTAX {
        let reason = refused(source);
        assert!(reason.ends_with(&format!(" ({hint})")) && !reason.contains('\n'), "{source}\n{reason}");
    }
}

/// Sources that do not compile for another reason than what they hold besides.
const OTHER_SYNTAX: &[&str] = &[
    "local s = 'a & b' x = = 1",
    "x = = 1 -- goto done",
    "x = = 1 --[[ a & b ]]",
    "local s = [[\ngoto done\n]] x = = 1",
    "local s = `goto done` x = = 1",
    "t.goto.x",
    "t:goto",
    "type A = B & C x = = 1",
    "type A = B | ",
    "local x: A & = 1",
    "local function ftext: string): string end",
    "x = a::any::any",
    "return x :: any :: any",
    "a + 1",
    "a.b.c",
    "5",
    "x = 5 5",
    "x = 1e",
    "x = 'unfinished",
    "f(a = 1)",
    "local x = {1, 2\ny = 3",
    "function f()",
    "if a then\nelse\nif b then\nend",
    "while true\nend",
    "counter",
];

#[test]
fn no_hint_is_given_for_what_is_not_the_fault() {
    for source in OTHER_SYNTAX {
        let reason = refused(source);
        assert!(!reason.ends_with(')'), "{source}\n{reason}");
    }
}

#[test]
fn a_reason_is_one_line_and_not_endless() {
    let reason = refused(&format!("x = 5 [[\r\n\t{}]]", "é".repeat(1000)));
    assert!(reason.starts_with("Expected identifier when parsing expression, got "), "{reason}");
    assert!(!reason.contains(char::is_control) && reason.ends_with("é…") && reason.len() < 600, "{reason}");
}

#[test]
fn luaus_own_hints_stay_alone() {
    for (source, reason) in [
        ("if a != b then end", "Unexpected '!='; did you mean '~='?"),
        ("if a && b then end", "Unexpected '&&'; did you mean 'and'?"),
        ("if a || b then end", "Unexpected '||'; did you mean 'or'?"),
        ("if !a then end", "Unexpected '!'; did you mean 'not'?"),
    ] {
        assert_eq!(refused(source), reason, "{source}");
    }
    engine().compile("test", "local i = 1 i += 1 print(i // 2) const x = 1").expect("all of this is Luau");
}

/// Whatever a source holds, hints neither fail nor hang: pieces of tokens in all orders, and cut off anywhere.
#[test]
fn odd_sources_do_no_harm() {
    const PIECES: &[&str] = &[
        "'",
        "\"",
        "`",
        "{",
        "}",
        "[[",
        "]]",
        "[==[",
        "--",
        "--[[",
        "\\",
        "\n",
        "\r",
        "(",
        ")",
        "<",
        ">>",
        "::",
        "goto ",
        "0x",
        "1..",
        "1e+",
        "é",
        "@",
        "@[",
        "function ",
        "end ",
        "if ",
        "else ",
        "local ",
        "type ",
        "_G.",
        ".",
        ":",
        "-> ",
        "...",
        "x",
        "json.",
        "prnt(",
        "$",
        "\\z \n",
        "\\u{",
        "for ",
        "until ",
        "repeat ",
        "=",
        ",",
        "~",
        "?",
    ];
    let engine = common::builder().build();
    let mut state = 1_u64;
    for _ in 0..3000 {
        let mut source = String::new();
        for _ in 0..12 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            source += PIECES[(state >> 33) as usize % PIECES.len()];
        }
        let found = engine.check("test", &source);
        assert_eq!(
            engine.compile("test", &source).is_err(),
            found.iter().any(|found| found.severity == perilune::Severity::Error),
            "{source}"
        );
        assert!(found.iter().all(|found| !found.message.contains('\n')), "{source}\n{found:?}");
    }
}
