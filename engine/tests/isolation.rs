//! Runs on a pool of one VM see nothing of each other.

mod common;

use std::time::Duration;

use perilune::{Request, RunLimits, Status};

const ENDLESS: &str = "while true do end";

/// What one run does (however it ends), and an expression that the next run finds true if it sees nothing of it.
const CASES: &[(&str, &str)] = &[
    ("x = 1 _G.y = 2 rawset(_G, 'z', 3)", "x == nil and _G.y == nil and rawget(_G, 'z') == nil"),
    (
        "print = nil string = nil _G.math = 1",
        "type(print) == 'function' and type(string) == 'table' and type(math) == 'table'",
    ),
    ("tostring = function() return 'mine' end", "tostring(1) == '1'"),
    (
        "pcall(function() string.mine = 1 end) pcall(rawset, string, 'mine', 1)",
        "string.mine == nil and ('').mine == nil",
    ),
    ("pcall(function() getmetatable('').__index.mine = 1 end)", "('').mine == nil"),
    (
        "pcall(function() getmetatable('').__add = function() end end)",
        "not pcall(function() return 'a' + 'b' end)",
    ),
    ("pcall(setmetatable, string, {__index = function() return 1 end})", "string.mine == nil"),
    ("pcall(setmetatable, _G, nil) pcall(setmetatable, _G, {})", "mine == nil and type(print) == 'function'"),
    (
        "pcall(table.clear, table) pcall(table.clear, string) pcall(table.insert, math, 1)",
        "table.insert ~= nil and string.rep ~= nil and math[1] == nil",
    ),
    (
        "for _, t in {json, math, os, io, debug, coroutine, bit32, utf8, buffer, vector} do pcall(function() t.mine = 1 end) end",
        "json.mine == nil and math.mine == nil and os.mine == nil and io.mine == nil and debug.mine == nil",
    ),
    (
        "for _, t in {io.stdout, io.stderr} do pcall(function() t.write = 1 end) pcall(rawset, t, 'mine', 1) end",
        "type(io.stdout.write) == 'function' and io.stderr.mine == nil",
    ),
    (
        "math.randomseed(1)",
        "(function() math.randomseed(1) local a = math.random(2^50) math.randomseed(1) return a == math.random(2^50) end)()",
    ),
    (
        "GET.x = 1 POST.x = 1 rawset(ARGS, 'x', 1)",
        "GET.x == nil and POST.x == nil and ARGS.x == nil and rawget(ARGS, 'x') == nil",
    ),
    (
        "pcall(function() CONFIG.x = 1 end) pcall(function() META.x = 1 end) pcall(rawset, CONFIG, 'x', 1)",
        "CONFIG.x == nil and META.x == nil",
    ),
    (
        "CONFIG = {x = 1} META = 2 ARGS = 3 GET = 4 POST = 5",
        "next(CONFIG) == nil and next(META) == nil and ARGS.GET == GET and next(POST) == nil",
    ),
    (
        "local t = json.array() pcall(function() getmetatable(t).x = 1 end) pcall(function() getmetatable(t).__index = {a = 1} end)",
        "json.array().a == nil and (getmetatable(json.array()) or {}).x == nil",
    ),
    ("pcall(function() getmetatable(json.null).__tostring = error end)", "tostring(json.null) == 'null'"),
    (
        "pcall(function() getmetatable(vector.zero).x = 1 end)",
        "pcall(function() return vector.one.mine end) == false",
    ),
    ("c = coroutine.wrap(function() coroutine.yield(1) end) c()", "c == nil"),
    ("error('boom')", "true"),
    ("error(setmetatable({}, {__tostring = function() return 'x' end}))", "true"),
    ("coroutine.yield()", "true"),
    ("local function f() return 1 + f() end f()", "true"),
    (ENDLESS, "x == nil"),
    (
        "require('shared').list.x = 1 require('shared').y = 2",
        "require('shared').list.x == nil and require('shared').y == nil",
    ),
    (
        "pcall(function() host.echo = 1 end) pcall(rawset, host, 'x', 1) host = {echo = 1}",
        "host.echo(1) == 1 and host.x == nil",
    ),
    ("host.echo({1, {2}}) host.echo(string.rep('x', 1000))", "host.echo({3})[1] == 3"),
    ("set_response{status = 500, content = 'secret'}", "true"),
    (
        "set_response = nil require = nil warn = nil",
        "type(set_response) == 'function' and type(require) == 'function'",
    ),
    (
        "local function f(n) return n == 0 and error('deep') or 1 + f(n - 1) end pcall(f, 1000)",
        "select(2, pcall(error, 'x', 0)) == 'x'",
    ),
    (
        "local t = table.create(100000, 'x') t = nil x = coroutine.running()",
        "coroutine.running() == nil and x == nil",
    ),
    (
        "for c in string.gmatch('abc', '.') do it = c break end",
        "it == nil and string.match('abc', 'b') == 'b'",
    ),
    (
        "local raw table.sort({2, 1}, function(a, b) raw = debug.info(2, 'f') return a < b end) keep = raw",
        "keep == nil",
    ),
    (
        "if seen then return end seen = {} xpcall(function() _G[nil] = 1 end, function() for n = 0, 9 do local f = debug.info(n, 'f') if f and not seen[f] then seen[f] = true pcall(f, string, 'a', 'b') end end end)",
        "string.a == nil and type(string.rep) == 'function'",
    ),
    ("x = string.rep('x', 64 * 2^20)", "x == nil"),
    ("x = string.rep('x', 64 * 2^20)", "#string.rep('y', 2^20) == 2^20"),
    ("x = {} for i = 1, 1e9 do x[i] = {} end", "x == nil and #string.rep('y', 2^20) == 2^20"),
    ("io.write(string.rep('x', 2^21)) warn(string.rep('x', 2^21))", "true"),
    ("return print", "true"),
    ("local function f() end x = debug.info(f, 'f') y = debug.traceback()", "x == nil and y == nil"),
    ("setmetatable(_G, {__index = function() return 1 end})", "undefined == nil"),
    (
        "pcall(json.array, _G) pcall(json.array, ARGS) pcall(json.array, string) json = nil",
        "select('#', pcall(json.array, _G)) == 2 and not pcall(json.array, _G) and not pcall(json.array, ARGS) and not pcall(json.array, math)",
    ),
    ("local m = setmetatable({}, {__mode = 'k'}) m[string] = 1 table.freeze(m)", "m == nil"),
];

/// Each on one VM: whatever one run does, everything that the next one reads is as it was.
#[test]
fn a_run_sees_nothing_of_an_earlier_one() {
    let engine = common::builder().pool_size(1).memory(4 << 20).timeout(Duration::from_millis(500)).build();
    engine.module("shared", "return { list = {} }").expect("it compiles");
    engine.function("echo", |call| call.value(0)).expect("a name");
    let observers: Vec<_> = CASES
        .iter()
        .map(|(_, is_clean)| {
            let source = format!("return ({is_clean}) == true");
            (is_clean, engine.compile("observer", source).expect("it compiles"))
        })
        .collect();
    let stopped = RunLimits { timeout: Some(Duration::from_millis(5)), ..RunLimits::default() };
    for (before, _) in CASES {
        let mutator = engine.compile("mutator", before).expect("it compiles");
        let limits = if *before == ENDLESS { stopped } else { RunLimits::default() };
        let request = Request::new().query("q=1").json(r#"{"b":[1]}"#).limits(limits);
        for (is_clean, observer) in &observers {
            mutator.run(&request).expect("it runs");
            let trace = observer.run(&Request::new()).expect("it runs");
            let seen = format!("{before}\nthen {is_clean}: {}", trace.stderr_text());
            assert_eq!(trace.value.as_deref(), Some("true"), "{seen}");
            assert!(trace.stdout.is_empty() && trace.stderr.is_empty() && trace.response.is_none(), "{seen}");
            assert!(!trace.stdout_truncated && !trace.stderr_truncated, "{seen}");
        }
    }
}

#[test]
fn one_script_run_twice_starts_afresh() {
    let engine = common::builder().pool_size(1).build();
    let source = "
        local seen = count
        count = (count or 0) + 1
        local function f() return count end
        GET.n = f()
        return { seen == nil, count, ARGS.n, POST.a or 'none' }
    ";
    let script = engine.compile("twice", source).expect("it compiles");
    for _ in 0..3 {
        let trace = script.run(&Request::new().json(r#"{"a":1}"#)).expect("it runs");
        assert_eq!(trace.value.as_deref(), Some("[true,1,1,1]"));
        let trace = script.run(&Request::new()).expect("it runs");
        assert_eq!(trace.value.as_deref(), Some(r#"[true,1,1,"none"]"#));
    }
}

#[test]
fn shadowing_in_one_run_does_not_reach_the_same_script_in_the_next() {
    let engine = common::builder().pool_size(1).build();
    let source = "
        if GET.shadow then math = { floor = function() return 'mine' end } end
        return math.floor(1.5)
    ";
    let script = engine.compile("shadow", source).expect("it compiles");
    for _ in 0..3 {
        let shadowed = script.run(&Request::new().query("shadow")).expect("it runs");
        assert_eq!(shadowed.value.as_deref(), Some("\"mine\""));
        let plain = script.run(&Request::new()).expect("it runs");
        assert_eq!(plain.value.as_deref(), Some("1"));
    }
}

#[test]
fn a_refused_request_leaves_nothing_behind() {
    let engine = common::builder().pool_size(1).build();
    let script = engine.compile("test", "return {GET, POST, CONFIG, META}").expect("it compiles");
    for bad in ["{\"a\":", "[1]", "{\"a\":1} x"] {
        assert!(script.run(&Request::new().query("q=1").json(bad).config("{\"c\":1}")).is_err());
        assert!(
            script
                .run(&Request::new().query("q=1").json("{\"b\":1}").config(bad.trim_start_matches("[1]")))
                .is_err()
        );
        let trace = script.run(&Request::new()).expect("it runs");
        assert_eq!(trace.value.as_deref(), Some("[{},{},{},{}]"));
    }
}

#[test]
fn addresses_tell_nothing_of_an_earlier_run() {
    let engine = common::builder().pool_size(1).build();
    let script = engine.compile("test", "return tostring(print), tostring(string)").expect("it compiles");
    let mut seen = std::collections::HashSet::new();
    for _ in 0..8 {
        let trace = script.run(&Request::new()).expect("it runs");
        assert_eq!(trace.status, Status::Success);
        assert!(seen.insert(trace.value), "an address of what all runs share shows the same twice");
    }
}

/// A VM marks strings with the number of the run that has paid for them, in 16 bits.
#[test]
fn memory_tells_nothing_of_a_run_65_535_runs_ago() {
    let engine = common::builder().pool_size(1).build();
    let constant = "x".repeat(100_000);
    let source = format!("local c = '{constant}' local made = string.sub('y' .. c, 2) return #made");
    let guess = engine.compile("guess", source).expect("it compiles");
    let hello = engine.compile("hello", "return 1").expect("it compiles");
    let memory = || guess.run(&Request::new()).expect("it runs").usage.memory_bytes;
    memory();
    let usual = memory();
    for between in 65_532..65_537 {
        for _ in 0..between {
            hello.run(&Request::new()).expect("it runs");
        }
        let found = memory();
        assert!(found >= usual / 2 + 100_000, "{found} bytes, {between} runs after one of {usual}");
    }
}

/// What a run may leave behind without being stopped for it: garbage of all kinds, and things that grew.
const LEFTOVERS: &[&str] = &[
    "",
    "for i = 1, GET.n do local x = buffer.create(1000) end",
    "for i = 1, GET.n do local x = { i } end",
    "for i = 1, GET.n do local x = { [i .. 'x'] = i } end",
    "for i = 1, GET.n do local x = function() return i end end",
    "for i = 1, GET.n do local x = 'made by the run before: ' .. i end",
    "local t = {} for i = 1, GET.n * 50 do t[i] = 'many strings at once ' .. i end",
    "local t = {} for i = 1, GET.n do t[i] = coroutine.create(function() end) end",
    "local function deep(n) if n > 0 then return 1 + deep(n - 1) end return 0 end deep(GET.n * 50)",
    "x = string.rep('x', GET.n * 1000) y = x:upper()",
    "json.decode('[' .. string.rep('{\"a\":[1,2]},', GET.n) .. '0]')",
    "local co = coroutine.wrap(function(...) coroutine.yield(...) end) co(table.unpack(table.create(GET.n * 10, 1)))",
];

/// What a run tells of the memory that it runs in.
const TELLERS: &[(&str, &str)] = &[
    (
        "when its first collection comes",
        "local w = setmetatable({}, {__mode = 'v'}) w[1] = {} local n = 0
         while w[1] do local x = buffer.create(64) n += 1 end return n",
    ),
    (
        "when its second collection comes",
        "local w = setmetatable({}, {__mode = 'v'})
         local function until_gone() w[1] = {} local n = 0 while w[1] do local x = {n} n += 1 end return n end
         return until_gone() * 2^24 + until_gone()",
    ),
    (
        "when it comes beside strings that were there before",
        "local w = setmetatable({}, {__mode = 'v'}) w[1] = {} local n = 0
         while w[1] do local x = 'many strings at once ' .. n n += 1 end return n",
    ),
    (
        "how much fits",
        "local t, n = {}, 0 pcall(function() while true do t[n] = buffer.create(1000) n += 1 end end) t = nil return n",
    ),
    (
        "how much fits in small pieces",
        "local t = nil local n = 0 pcall(function() while true do t = {t} n += 1 end end) t = nil return n",
    ),
    (
        "how many strings fit",
        "local t, n = {}, 0 pcall(function() while true do t[n] = 'kept ' .. n n += 1 end end) t = nil return n",
    ),
];

/// A run's collections and the end of its memory depend on the run alone, to the byte.
#[test]
fn what_a_run_takes_tells_nothing_of_earlier_runs() {
    let mut told = Vec::new();
    for (what, teller) in TELLERS {
        let engine = common::builder().pool_size(1).memory(4 << 20).build();
        let teller = engine.compile("teller", teller).expect("it compiles");
        let mut expected = None;
        for (at, leftover) in LEFTOVERS.iter().cycle().take(4 * LEFTOVERS.len()).enumerate() {
            let before = engine.compile("before", leftover).expect("it compiles");
            for round in 0..3 {
                let query = format!("n={}", 7 + 13 * (at + round) % 97);
                let trace = before.run(&Request::new().query(&query)).expect("it runs");
                assert_eq!(trace.status, Status::Success, "{leftover}: {}", trace.stderr_text());
            }
            let trace = teller.run(&Request::new()).expect("it runs");
            assert_eq!(trace.status, Status::Success, "{what}: {}", trace.stderr_text());
            let value = trace.value.expect("a number");
            if *expected.get_or_insert_with(|| value.clone()) != value {
                told.push(format!(
                    "{what}: {value} and not {} after {leftover}",
                    expected.clone().unwrap_or_default()
                ));
            }
        }
    }
    assert!(told.is_empty(), "{}", told.join("\n"));
}

/// Guards against an order that is the same in all runs of a VM: of tables as keys, it would say where earlier runs left
/// room. Copies of what runs share had it.
#[test]
fn the_order_of_keys_is_each_runs_own() {
    let engine = common::builder().pool_size(1).build();
    for table in ["{}", "{a = 1}", "_G", "ARGS", "GET", "table.clone(math)", "json.array()"] {
        let source = format!(
            "local t, keys = {table}, {{}}
            for i = 1, 16 do t[i + 0.5] = true end
            for key in pairs(t) do if type(key) == 'number' then table.insert(keys, key) end end
            return table.concat(keys, ' ')"
        );
        let script = engine.compile("order", source).expect("it compiles");
        let order = || script.run(&Request::new()).expect("it runs").value;
        let first = order();
        assert!(first.is_some() && (0..8).any(|_| order() != first), "{table}: always {first:?}");
    }
}
