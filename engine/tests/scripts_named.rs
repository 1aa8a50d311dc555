//! Scripts by name: versions, names, and changes while runs go on.

mod common;

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

use perilune::{Engine, Error, Request, Status};

fn engine() -> Engine {
    common::builder().pool_size(2).build()
}

/// What the script of a name returns, and the version that the trace tells.
#[track_caller]
fn run(engine: &Engine, name: &str) -> (String, u64) {
    let trace = engine.run(name, &Request::new()).expect("it runs");
    assert_eq!(trace.status, Status::Success, "{}", trace.stderr_text());
    assert_eq!(&*trace.script, name);
    (trace.value.expect("a value"), trace.version)
}

fn names(scripts: &[perilune::Script]) -> Vec<&str> {
    scripts.iter().map(perilune::Script::name).collect()
}

#[test]
fn what_is_put_serves_until_it_is_replaced_or_removed() {
    let engine = engine();
    let scripts = engine.scripts();
    assert_eq!(engine.run("price", &Request::new()).expect_err("nothing serves"), Error::NotFound);
    assert_eq!(Error::NotFound.to_string(), "Not found");
    assert!(scripts.get("price").is_none());
    assert!(scripts.remove("price").is_none());

    let first = scripts.put("price", "return 1").expect("it compiles");
    assert_eq!((first.name(), first.version()), ("price", 1));
    assert_eq!(run(&engine, "price"), ("1".into(), 1));

    let second = engine.clone().scripts().put("price", "return 2").expect("it compiles");
    assert_eq!(second.version(), 2);
    assert_eq!(run(&engine, "price"), ("2".into(), 2));
    assert_eq!(scripts.get("price").expect("it serves").version(), 2);
    let old = first.run(&Request::new()).expect("it runs");
    assert_eq!((old.value.as_deref(), old.version), (Some("1"), 1), "a script in hand stays as it is");

    assert_eq!(scripts.remove("price").expect("it served").version(), 2);
    assert_eq!(engine.run("price", &Request::new()).expect_err("nothing serves"), Error::NotFound);
    assert!(scripts.list().is_empty());
}

#[test]
fn a_put_that_fails_changes_nothing() {
    let engine = common::builder().pool_size(1).source(100).build();
    let scripts = engine.scripts();
    scripts.put("shop/price", "return 1").expect("it compiles");
    let too_long = "-".repeat(101);
    for (source, error) in [
        ("return 1\n+", "shop/price:2: "),
        (&too_long, "shop/price:1: the source has 101 bytes, over the limit of 100"),
        ("x = 1 \0", "shop/price:1: the source has a NUL byte"),
    ] {
        let told = scripts.put("shop/price", source).expect_err("it does not compile").to_string();
        assert!(told.starts_with(error), "{told}");
        assert_eq!(run(&engine, "shop/price"), ("1".into(), 1));
        assert!(scripts.put("shop/new", source).is_err());
        assert!(scripts.get("shop/new").is_none());
    }
    assert_eq!(scripts.put("shop/price", "return 2").expect("it compiles").version(), 2);
}

#[test]
fn the_same_source_is_the_same_version() {
    let scripts = engine().scripts();
    let first = scripts.put("one", "return 1").expect("it compiles");
    // As `printf 'return 1' | sha256sum` has it.
    assert_eq!(first.hash(), "486d9affb60dbb0063b03d8e23a6ccf6364ce203dc3a9f56f20e750eb41ecade");
    assert_eq!(scripts.put("one", "return 1").expect("it compiles").version(), 1);
    let other = scripts.put("one", "return 2").expect("it compiles");
    assert_ne!(other.hash(), first.hash());
    let back = scripts.put("one", "return 1").expect("it compiles");
    assert_eq!((back.version(), back.hash()), (3, first.hash()), "what served before is a new version again");
    let elsewhere = scripts.put("two", "return 1").expect("it compiles");
    assert_eq!((elsewhere.version(), elsewhere.hash()), (1, first.hash()));
    assert_eq!(engine().compile("three", "return 1").expect("it compiles").hash(), first.hash());
}

#[test]
fn a_version_is_never_two_sources() {
    let scripts = engine().scripts();
    for version in 1..=3 {
        assert_eq!(
            scripts.put("often", format!("return {version}")).expect("it compiles").version(),
            version
        );
    }
    scripts.remove("often");
    assert_eq!(scripts.put("often", "return 3").expect("it compiles").version(), 4);
    scripts.remove("often");
    assert_eq!(scripts.put("never seen", "").expect("it compiles").version(), 1);
    // More removals than are remembered.
    for n in 0..5000 {
        let name = format!("once/{n}");
        scripts.put(&name, "").expect("it compiles");
        scripts.remove(&name);
    }
    assert!(scripts.put("often", "return 5").expect("it compiles").version() > 4);
}

#[test]
fn names_are_checked() {
    let engine = engine();
    let longest = "n".repeat(250);
    for name in ["a", "a/b", "ünïcödé", "with space", "a.b-c_d:e", "..", &longest] {
        engine.scripts().put(name, "return 1").unwrap_or_else(|error| panic!("{name:?}: {error}"));
        assert_eq!(run(&engine, name), ("1".into(), 1));
    }
    let too_long = "n".repeat(251);
    let empty = "the script's name is empty or has an empty part: name it NAME or INSTANCE/NAME";
    let slashes = "the script's name has more than one `/`: name it NAME or INSTANCE/NAME";
    let control = "the script's name has a control character";
    for (name, reason) in [
        ("", empty),
        ("/", empty),
        ("a/", empty),
        ("/a", empty),
        ("a/b/c", slashes),
        ("//", slashes),
        ("a\0b", control),
        ("a\n", control),
        ("a\u{85}", control),
        (&too_long, "the script's name is longer than 250 bytes"),
    ] {
        let error = engine.scripts().put(name, "return 1").expect_err(name);
        assert_eq!((error.script.as_str(), error.line, error.reason.as_str()), (name, 1, reason));
        assert_eq!(engine.run(name, &Request::new()).expect_err(name), Error::NotFound);
    }
}

#[test]
fn an_instance_is_a_namespace() {
    let engine = engine();
    let scripts = engine.scripts();
    for (name, source) in [("b/x", "return 'b'"), ("x", "return ''"), ("a/x", "return 'a'"), ("a/w", "")] {
        scripts.put(name, source).expect("it compiles");
    }
    assert_eq!(run(&engine, "a/x").0, r#""a""#);
    assert_eq!(run(&engine, "b/x").0, r#""b""#);
    assert_eq!(run(&engine, "x").0, r#""""#);
    assert_eq!(names(&scripts.list()), ["a/w", "a/x", "b/x", "x"]);
    for (instance, expected) in
        [("a", vec!["a/w", "a/x"]), ("b", vec!["b/x"]), ("", vec!["x"]), ("x", vec![]), ("a/x", vec![])]
    {
        assert_eq!(names(&scripts.list_in(instance)), expected, "in {instance:?}");
        assert_eq!(scripts.has_instance(instance), !expected.is_empty(), "in {instance:?}");
    }
    scripts.remove("a/x");
    assert_eq!(names(&scripts.list_in("a")), ["a/w"]);
    // Another version is no other script, nor is one that does not compile.
    scripts.put("a/w", "return 2").expect("it compiles");
    scripts.put("c/x", "return +").expect_err("it does not compile");
    assert_eq!(["a", "b", "c"].map(|instance| scripts.has_instance(instance)), [true, true, false]);
    assert!(scripts.remove("a/w").is_some() && scripts.remove("a/w").is_none());
    assert_eq!(["a", "b", ""].map(|instance| scripts.has_instance(instance)), [false, true, true]);
    assert_eq!(run(&engine, "b/x").0, r#""b""#);
}

/// The source of a version, which returns its number from a constant, a global, a function and a table.
fn source_of(version: u64) -> String {
    format!(
        "local n = {version} g = {version} local function f() return {version} end local t = {{ {version} }}
         for i = 1, 20 do n = n + 0 end
         return {{ n, g, f(), t[1] }}"
    )
}

#[test]
fn under_load_no_run_sees_half_of_a_change_and_none_fails() {
    const THREADS: u64 = 2;
    let engine = engine();
    let scripts = engine.scripts();
    scripts.put("shop/hot", source_of(1)).expect("it compiles");
    let (start, done, runs) = (Barrier::new(THREADS as usize + 1), AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|threads| {
        let reader = || {
            threads.spawn(|| {
                start.wait();
                let mut last = 0;
                while !done.load(SeqCst) {
                    let (value, version) = run(&engine, "shop/hot");
                    assert_eq!(value, format!("[{version},{version},{version},{version}]"));
                    assert!(version >= last, "version {version} after {last}");
                    last = version;
                    runs.fetch_add(1, SeqCst);
                }
            })
        };
        let readers: Vec<_> = (0..THREADS).map(|_| reader()).collect();
        // Ends the readers also when this thread panics.
        struct Done<'a>(&'a AtomicBool);
        impl Drop for Done<'_> {
            fn drop(&mut self) {
                self.0.store(true, SeqCst);
            }
        }
        let _done = Done(&done);
        start.wait();
        let mut version = 1;
        while (version < 500 || runs.load(SeqCst) < 1000)
            && !readers.iter().any(|reader| reader.is_finished())
        {
            version += 1;
            let put = scripts.put("shop/hot", source_of(version)).expect("it compiles");
            assert_eq!(put.version(), version);
            assert!(scripts.put("shop/hot", "return {").is_err());
            assert!(scripts.get("shop/hot").expect("it serves").version() == version);
        }
    });
}

#[test]
fn two_threads_that_put_and_remove_leave_a_true_registry() {
    let engine = engine();
    std::thread::scope(|threads| {
        for thread in 0..2 {
            let scripts = engine.scripts();
            threads.spawn(move || {
                for n in 0..300 {
                    let script = scripts.put("both", format!("return {}", n % 3)).expect("it compiles");
                    assert!(script.version() >= 1);
                    if n % 10 == thread {
                        scripts.remove("both");
                    }
                    scripts.put(&format!("own/{thread}"), format!("return {n}")).expect("it compiles");
                }
            });
        }
    });
    let scripts = engine.scripts();
    assert_eq!(names(&scripts.list_in("own")), ["own/0", "own/1"]);
    scripts.remove("both");
    assert!(scripts.has_instance("own") && !scripts.has_instance(""));
    for name in ["own/0", "own/1"] {
        assert_eq!(run(&engine, name), ("299".into(), 300));
    }
}

#[test]
fn two_puts_of_one_source_at_once_are_one_version() {
    const ROUNDS: u64 = 300;
    let engine = engine();
    let together = Barrier::new(2);
    let put = || {
        let mut versions = Vec::new();
        for round in 0..ROUNDS {
            together.wait();
            versions
                .push(engine.scripts().put("same", format!("return {round}")).map(|script| script.version()));
        }
        versions
    };
    std::thread::scope(|threads| {
        for thread in [threads.spawn(put), threads.spawn(put)] {
            assert!(thread.join().expect("no panic").into_iter().eq((1..=ROUNDS).map(Ok)));
        }
    });
}

#[test]
fn ten_thousand_scripts_serve_and_are_replaced() {
    const SCRIPTS: usize = 10_000;
    let name = |n: usize| format!("i{}/s{n}", n % 100);
    let engine = engine();
    let scripts = engine.scripts();
    for n in 0..SCRIPTS {
        scripts.put(&name(n), format!("return {n}")).expect("it compiles");
    }
    std::thread::scope(|threads| {
        for thread in 0..2 {
            let engine = &engine;
            threads.spawn(move || {
                for n in (0..SCRIPTS).map(|n| (n * 7919 + thread * 5000) % SCRIPTS) {
                    assert_eq!(run(engine, &name(n)), (n.to_string(), 1));
                }
            });
        }
    });
    for n in 0..SCRIPTS {
        assert_eq!(scripts.put(&name(n), format!("return -{n}")).expect("it compiles").version(), 2);
    }
    assert_eq!(run(&engine, &name(4321)), ("-4321".into(), 2));
    let list = scripts.list();
    assert_eq!(list.len(), SCRIPTS);
    assert!(list.is_sorted_by(|a, b| a.name() < b.name()));
    assert!(list.iter().all(|script| script.version() == 2));
    assert_eq!(scripts.list_in("i7").len(), SCRIPTS / 100);
}
