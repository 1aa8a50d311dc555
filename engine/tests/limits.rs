//! An engine's limits are ceilings; a script's and a run's lower them. How a run ends is told by what is true, not by
//! what the script makes of it.

mod common;

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use common::{assert_success, run_in};
use perilune::{Engine, ErrorKind, Limits, Request, RunLimits, Status, Trace};

const MIB: usize = 1 << 20;

/// Scripts that would never end, or that try not to be told so.
const ENDLESS: &[&str] = &[
    "while true do end",
    "while true do pcall(function() while true do end end) end",
    "pcall(function() while true do end end) return 'done'",
    "xpcall(function() while true do end end, function() while true do end end) return 'done'",
    "repeat local ok = pcall(error) until false",
    "local c = coroutine.create(function() while true do end end) coroutine.resume(c) return 'done'",
    "local c = coroutine.wrap(function() pcall(function() while true do end end) return 1 end) c() return 'done'",
    "pcall(coroutine.wrap(function() while true do end end)) error('mine')",
    "local ok, e = pcall(function() while true do end end) error(e, 0)",
    "local ok, e = pcall(function() while true do end end) error('not enough memory', 0)",
    "local function f() return pcall(f) end while true do f() end",
    "local t = setmetatable({}, {__index = function(t, k) return t[k + 1] end}) while true do pcall(function() return t[1] end) end",
    "for _ in function() return 1 end do end",
    "string.gsub(string.rep('a', 1e6), '.', function() while true do end end)",
    "local s = string.rep('a', 3e4) while true do pcall(string.find, s, '.-.-.-b') end",
    "table.sort(table.create(100, 1), function() while true do end end)",
    "error(setmetatable({}, {__tostring = function() while true do end end}))",
];

#[test]
fn a_timeout_is_a_timeout_whatever_the_script_does_about_it() {
    let engine = common::builder().pool_size(1).timeout(Duration::from_millis(30)).build();
    for source in ENDLESS {
        let trace = run_in(&engine, source, &Request::new());
        assert_eq!(trace.status, Status::Timeout, "{source}: {:?}", trace.error);
        let error = trace.error.expect("it did not end well");
        assert_eq!(error.kind, ErrorKind::Timeout, "{source}");
        assert_eq!(error.message, "the run did not end within its timeout of 30 ms", "{source}");
        assert_eq!(trace.value, None, "{source}");
        assert!(String::from_utf8_lossy(&trace.stderr).contains(&error.message), "{source}");
        // And the engine goes on.
        assert_eq!(run_in(&engine, "return 1", &Request::new()).value.as_deref(), Some("1"), "{source}");
    }
}

#[test]
fn an_error_that_imitates_a_limit_is_a_failure() {
    let engine = common::builder().pool_size(1).build();
    for source in [
        "error('not enough memory')",
        "error('not enough memory', 0)",
        "error('timeout')",
        "error('the run is past its deadline', 0)",
        "coroutine.wrap(function() error('not enough memory', 0) end)()",
    ] {
        let trace = run_in(&engine, source, &Request::new());
        let error = trace.error.expect("it failed");
        assert_eq!((trace.status, error.kind), (Status::Failure, ErrorKind::Runtime), "{source}");
    }
}

fn memory(bytes: usize) -> Engine {
    common::builder().pool_size(1).memory(bytes).build()
}

/// Scripts that need more than 8 MiB.
const GREEDY: &[&str] = &[
    "return #string.rep('x', 64 * 2^20)",
    "local t = {} for i = 1, 1e9 do t[i] = i end",
    "local t = {} for i = 1, 1e9 do t[i] = {} end",
    "local s = 'x' while true do s ..= s end",
    "return buffer.create(64 * 2^20)",
    "return table.create(1e7, 1)",
    "local t = {} for i = 1, 1e9 do t['k' .. i] = true end",
    "local t = {} while true do table.insert(t, coroutine.create(print)) end",
    "local t = {} while true do table.insert(t, function() return t end) end",
];

#[test]
fn too_much_memory_is_memory_limit() {
    let engine = memory(8 * MIB);
    for source in GREEDY {
        let trace = run_in(&engine, source, &Request::new());
        let error = trace.error.expect("it did not end well");
        assert_eq!(
            (trace.status, error.kind),
            (Status::MemoryLimit, ErrorKind::MemoryLimit),
            "{source}: {}",
            error.message
        );
        assert!(error.message.contains(&(8 * MIB).to_string()), "{}", error.message);
        assert!(String::from_utf8_lossy(&trace.stderr).contains(&error.message), "{source}");
        assert_eq!(run_in(&engine, "return 1", &Request::new()).value.as_deref(), Some("1"));
    }
}

#[test]
fn the_heap_never_grows_past_the_limit() {
    let engine = memory(8 * MIB);
    for source in GREEDY {
        let grown = run_in(&engine, source, &Request::new()).usage.memory_bytes;
        // What is asked for at once is never there.
        let least = if source.contains(" do ") { 4 * MIB } else { 0 };
        assert!((least..=8 * MIB).contains(&grown), "{grown}: {source}");
    }
}

/// Guards against an error that nobody catches: there was no room for the text that memory ran out, where garbage of earlier
/// runs was more than the limit and the run was over before it was collected. That ended the process.
#[test]
fn no_limit_is_so_small_that_the_process_ends() {
    let engine = common::builder().pool_size(1).timeout(Duration::from_millis(500)).build();
    let litter =
        engine.compile("litter", "local t = {} for i = 1, 10000 do t[i] = {} end").expect("it compiles");
    let greedy = "local t = {} while true do t[#t + 1] = {} end";
    let sources = [
        "return 1".to_owned(),
        "error('x')".to_owned(),
        greedy.to_owned(),
        format!("pcall(function() {greedy} end) error('x')"),
        format!("coroutine.wrap(function() {greedy} end)()"),
        format!(
            "xpcall(function() {greedy} end, function() error(1) end) local function f() return 1 + f() end f()"
        ),
    ];
    let scripts: Vec<_> =
        sources.iter().map(|source| engine.compile("s", source.as_str()).expect("it compiles")).collect();
    for memory in [0, 1, 100, 1 << 10, 5000, 64 << 10, 300 << 10] {
        for timeout in [0, 1, 5] {
            for script in &scripts {
                litter.run(&Request::new()).expect("it runs");
                let limits = RunLimits {
                    memory: Some(memory),
                    timeout: Some(Duration::from_millis(timeout)),
                    ..RunLimits::default()
                };
                script.run(&Request::new().limits(limits)).expect("it runs, and ends somehow");
            }
        }
    }
}

#[test]
fn a_script_that_catches_it_and_goes_on_is_a_success() {
    let engine = memory(8 * MIB);
    let mut wrong = Vec::new();
    for greedy in GREEDY {
        let source = format!(
            "local ok = pcall(function() {greedy} end) local t = {{}} for i = 1, 1000 do t[i] = i end return ok, #t"
        );
        let trace = run_in(&engine, &source, &Request::new());
        if trace.value.as_deref() != Some("[false,1000]") {
            wrong.push(format!("{source}: {}", trace.stderr_text()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn handing_on_that_memory_ran_out_is_memory_limit() {
    let engine = memory(8 * MIB);
    for source in [
        "local ok, e = pcall(string.rep, 'x', 64 * 2^20) error(e, 0)",
        "coroutine.wrap(function() return string.rep('x', 64 * 2^20) end)()",
    ] {
        assert_eq!(run_in(&engine, source, &Request::new()).status, Status::MemoryLimit, "{source}");
    }
}

#[test]
fn a_later_error_of_its_own_is_a_failure() {
    let engine = memory(8 * MIB);
    let source = "pcall(string.rep, 'x', 64 * 2^20) error('mine', 0)";
    let trace = run_in(&engine, source, &Request::new());
    assert_eq!((trace.status, trace.error.expect("it failed").message.as_str()), (Status::Failure, "mine"));
}

#[test]
fn garbage_never_fails_live_data_below_half_of_the_limit() {
    let engine = memory(8 * MIB);
    // What is made, and how often for it to be several times the limit.
    let garbage = [
        ("string.rep('x', 65536 + i)", 600),
        ("buffer.create(65536)", 600),
        ("table.create(4096, i)", 600),
        ("{i, {i}, {{i}}}", 60000),
        ("function() return i end", 60000),
        ("coroutine.create(function() return i end)", 30000),
        ("string.rep('y', 2^20) .. i", 30),
        ("json.decode('[1,2,{\"a\":[3]}]')", 20000),
        ("#json.encode(table.create(20000, 1))", 60),
    ];
    let live = ["string.rep('x', 3 * 2^20)", "buffer.create(3 * 2^20)", "table.create(190000, 1)"];
    for live in live {
        for (made, times) in garbage {
            let source = format!(
                "local live, last = {live}, nil for i = 1, {times} do last = {made} end return type(live) ~= 'nil' and last ~= nil"
            );
            let trace = run_in(&engine, &source, &Request::new());
            assert_success(&trace, &source);
        }
    }
}

#[test]
fn output_is_cut_between_characters_never_within_one() {
    for character in ["x", "é", "你", "😀"] {
        for limit in 0..=12 {
            let engine_limit = RunLimits { output: Some(limit), ..RunLimits::default() };
            let fits = limit / character.len() * character.len();
            let whole = format!("for _ = 1, 8 do OUT('{character}') end");
            // Byte by byte: the character is split over as many writes as it has bytes.
            let split = format!(
                "for _ = 1, 8 do for i = 1, #'{character}' do OUT(string.sub('{character}', i, i)) end end"
            );
            let at_once = format!("OUT(string.rep('{character}', 8))");
            for source in [whole, split, at_once] {
                let total = 8 * character.len();
                let out = source.replace("OUT", "io.write");
                let err = source.replace("OUT(", "io.stderr:write(");
                let trace = common::run_with(&out, &Request::new().limits(engine_limit));
                assert_success(&trace, &out);
                let kept = fits.min(total);
                assert_eq!(
                    (trace.stdout.len(), trace.stdout_truncated),
                    (kept, total > limit),
                    "{out} at {limit}"
                );
                assert_eq!(trace.stdout, character.repeat(8).as_bytes()[..kept], "{out} at {limit}");
                let trace = common::run_with(&err, &Request::new().limits(engine_limit));
                assert_eq!(
                    (trace.stderr.len(), trace.stderr_truncated),
                    (kept, total > limit),
                    "{err} at {limit}"
                );
                assert!(!trace.stdout_truncated);
            }
        }
    }
}

#[test]
fn the_run_goes_on_after_its_output_is_full() {
    let engine = common::builder().output(10).build();
    for (source, stdout, truncated) in [
        ("io.write('0123456789') return 1", &b"0123456789"[..], false),
        ("io.write('0123456789') io.write('') return 1", b"0123456789", false),
        ("io.write('0123456789x') return 1", b"0123456789", true),
        ("io.write('01234567', 'xyz', 'a') return 1", b"01234567xy", true),
        ("io.write('012345678é', 'a') return 1", b"012345678", true),
        ("print('0123456789') return 1", b"0123456789", true),
        ("print('012345678') return 1", b"012345678\n", false),
        ("io.write(string.rep('\\255', 20)) return 1", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", true),
        ("io.write('012345678\\xC3', 'x') return 1", b"012345678\xc3", true),
        ("for i = 1, 1e4 do print(i) end return 1", b"1\n2\n3\n4\n5\n", true),
    ] {
        let trace = run_in(&engine, source, &Request::new());
        assert_success(&trace, source);
        assert_eq!((&*trace.stdout, trace.stdout_truncated), (stdout, truncated), "{source}");
        assert_eq!(trace.value.as_deref(), Some("1"), "{source}");
    }
}

#[test]
fn stderr_keeps_room_for_the_error() {
    let engine = common::builder().output(10).timeout(Duration::from_millis(200)).memory(8 * MIB).build();
    for (source, status) in [
        ("io.stderr:write(string.rep('é', 100)) error('boom')", Status::Failure),
        ("warn(string.rep('x', 100)) return print", Status::Failure),
        ("warn(string.rep('x', 100)) while true do end", Status::Timeout),
        ("warn(string.rep('x', 100)) return #string.rep('x', 64 * 2^20)", Status::MemoryLimit),
    ] {
        let trace = run_in(&engine, source, &Request::new());
        assert_eq!(trace.status, status, "{source}");
        assert!(trace.stderr_truncated, "{source}");
        let (text, message) = (trace.stderr_text(), &trace.error.as_ref().expect("it failed").message);
        assert!(text.contains(message) && !text.contains('\u{fffd}'), "{source}: {text}");
    }
}

#[test]
fn output_is_512_kib_by_default() {
    let trace =
        common::run("io.write(string.rep('x', 512 * 1024)) io.stderr:write(string.rep('x', 512 * 1024 + 1))");
    assert_eq!((trace.stdout.len(), trace.stdout_truncated), (512 * 1024, false));
    assert_eq!((trace.stderr.len(), trace.stderr_truncated), (512 * 1024, true));
}

#[test]
fn a_source_has_a_limit() {
    let source = |bytes: usize| format!("return 1{}", " ".repeat(bytes - 8));
    let engine = common::builder().source(100).build();
    for (engine, limit) in [(&engine, 100), (common::engine(), MIB)] {
        assert_eq!(run_in(engine, &source(limit), &Request::new()).value.as_deref(), Some("1"));
        let error = engine.compile("long", source(limit + 1)).expect_err("it is too long");
        assert_eq!((error.script.as_str(), error.line), ("long", 1));
        assert!(error.reason.contains(&limit.to_string()), "{error}");
    }
}

#[test]
fn the_defaults_are_the_contracts() {
    let Limits { timeout, queue, memory, output, value, request, parameters, source, .. } =
        *common::builder().build().limits();
    assert_eq!((timeout, queue), (Duration::from_secs(30), Duration::from_secs(5)));
    assert_eq!((memory, output, value, request), (64 * MIB, 512 * 1024, 512 * 1024, 512 * 1024));
    assert_eq!((parameters, source), (1000, MIB));
}

type IsOver = fn(&Trace) -> bool;

/// A script that goes over one limit of [`SMALL`], and how it then ends.
const OVER: &[(&str, IsOver)] = &[
    ("while true do end", |trace| {
        // That of the limit: the default ends it too, in 30 s.
        let message = trace.error.as_ref().map(|error| &*error.message);
        message == Some("the run did not end within its timeout of 30 ms")
    }),
    ("host.tick() host.tick()", |trace| {
        trace.error.as_ref().is_some_and(|error| error.kind == ErrorKind::HostCalls)
    }),
    ("return #string.rep('x', 16 * 2^20)", |trace| trace.status == Status::MemoryLimit),
    ("io.write('0123456789x')", |trace| trace.stdout == b"0123456789" && trace.stdout_truncated),
    ("return '0123456789'", |trace| trace.error.as_ref().is_some_and(|error| error.kind == ErrorKind::Value)),
];

const SMALL: RunLimits = RunLimits {
    timeout: Some(Duration::from_millis(30)),
    queue: Some(Duration::from_millis(30)),
    memory: Some(8 * MIB),
    output: Some(10),
    value: Some(10),
    host_calls: Some(1),
};

const LARGE: RunLimits = RunLimits {
    timeout: Some(Duration::from_secs(3600)),
    queue: Some(Duration::from_secs(3600)),
    memory: Some(1 << 40),
    output: Some(1 << 40),
    value: Some(1 << 40),
    host_calls: Some(1 << 40),
};

#[test]
fn a_scripts_and_a_runs_limits_lower_and_never_raise() {
    let ceilings = common::builder()
        .timeout(Duration::from_millis(30))
        .queue(Duration::from_millis(30))
        .memory(8 * MIB)
        .output(10)
        .value(10)
        .host_calls(1)
        .build();
    let (wide, none) = (common::builder().build(), RunLimits::default());
    for engine in [&ceilings, &wide] {
        engine.function("tick", |_| Ok(())).expect("a name");
    }
    for (source, is_over) in OVER {
        for (what, engine, of_script, of_run) in [
            ("the engine's", &ceilings, none, none),
            ("the script's", &wide, SMALL, none),
            ("the run's", &wide, none, SMALL),
            ("both", &wide, SMALL, SMALL),
            ("a script can't raise", &ceilings, LARGE, none),
            ("a run can't raise", &ceilings, none, LARGE),
            ("a run can't raise its script's", &wide, SMALL, LARGE),
            ("a script can't raise its run's", &wide, LARGE, SMALL),
        ] {
            let script = engine.compile("test", source).expect("it compiles").with_limits(of_script);
            let trace = script.run(&Request::new().limits(of_run)).expect("it runs");
            assert!(is_over(&trace), "{what}: {source}: {trace:?}");
        }
    }
    // A run's limits are its own: the next one has the engine's.
    let script = wide.compile("test", "io.write('0123456789x') return '0123456789'").expect("it compiles");
    assert!(script.run(&Request::new().limits(SMALL)).expect("it runs").error.is_some());
    let next = script.run(&Request::new()).expect("it runs");
    assert_eq!((next.status, next.stdout_truncated), (Status::Success, false));
}

#[test]
fn no_vm_in_time_is_queue_timeout() {
    let engine = common::builder().pool_size(1).build();
    let busy = engine
        .compile("busy", "while true do end")
        .expect("it compiles")
        .with_limits(RunLimits { timeout: Some(Duration::from_millis(100)), ..RunLimits::default() });
    let waiting = engine.compile("waiting", "print('ran') return 1").expect("it compiles");
    let impatient =
        Request::new().limits(RunLimits { queue: Some(Duration::from_millis(1)), ..RunLimits::default() });
    let done = AtomicBool::new(false);
    let refused = std::thread::scope(|threads| {
        // The only VM is held again and again until somebody was refused, so nothing depends on who comes first.
        threads.spawn(|| {
            while !done.load(SeqCst) {
                busy.run(&Request::new()).expect("it runs");
            }
        });
        let refused = loop {
            let trace = waiting.run(&impatient).expect("a trace, not an error");
            if trace.status == Status::QueueTimeout {
                break trace;
            }
            assert_eq!(trace.status, Status::Success);
        };
        done.store(true, SeqCst);
        refused
    });
    let error = refused.error.as_ref().expect("an error");
    assert_eq!(error.kind, ErrorKind::QueueTimeout);
    assert!(refused.stderr_text().contains(&error.message));
    assert_eq!((&*refused.stdout, refused.value.as_deref(), &*refused.script), (&b""[..], None, "waiting"));
    assert!(refused.usage.queued >= Duration::from_millis(1));
    assert!(refused.id > 0 && refused.to_json().contains("\"queued_ns\":"));
    let next = waiting.run(&Request::new()).expect("it runs");
    assert_eq!((next.status, next.id > refused.id), (Status::Success, true));
}
