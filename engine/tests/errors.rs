//! The errors of the crate as error types: what a host prints that goes along their sources.

use std::error::Error as StdError;

use perilune::{Engine, Error, HostError, Request};

/// As `anyhow` and its like print an error: each text of the chain, outermost first.
fn chain(error: &(dyn StdError + 'static)) -> Vec<String> {
    std::iter::successors(Some(error), |&error| error.source()).map(ToString::to_string).collect()
}

/// Guards against a text that is printed twice, by an error and by the one inside.
#[test]
fn no_error_says_what_its_source_says() {
    let engine = Engine::builder().request(100).parameters(1).build();
    engine
        .function("fail", |_| {
            Err::<(), _>(HostError::new("told").with_cause(std::io::Error::other("hidden")))
        })
        .expect("a name");
    let script = engine.compile("test", "return 'x'").expect("it compiles");
    let failing = engine.compile("test", "host.fail()").expect("it compiles");
    let run = |request: &Request<'_>| script.run(request).expect_err("it is refused");
    let trace = script.run(&Request::new()).expect("it runs");
    let failed = failing.run(&Request::new()).expect("it runs");
    let name = engine.function("a b", |_| Ok(1.0)).expect_err("no name");
    let missing = engine.scripts().load_dir("/nowhere/at/all").expect_err("no directory");
    let errors: Vec<(Box<dyn StdError>, &[&str])> = vec![
        (Box::new(Error::from(engine.compile("test", "x = ").expect_err("no Lua"))), &["test:1: "]),
        (Box::new(engine.compile("test", "x = ").expect_err("no Lua")), &["test:1: "]),
        (Box::new(run(&Request::new().json("["))), &["JSON parse error"]),
        (Box::new(run(&Request::new().json("{}").config("{"))), &["CONFIG: JSON parse error"]),
        (Box::new(run(&Request::new().query("a=1&b=2"))), &["Request parameter limit exceeded (1)."]),
        (Box::new(run(&Request::new().json(&"x".repeat(101)))), &["Request size limit exceeded (100)."]),
        (Box::new(engine.run("missing", &Request::new()).expect_err("none")), &["Not found"]),
        (Box::new(name), &["\"a b\": "]),
        (Box::new(missing), &["/nowhere/at/all: "]),
        (Box::new(Error::Internal("no thread".to_owned())), &["internal error: no thread"]),
        (
            Box::new(trace.value_as::<u8>().expect_err("a text")),
            &["the value does not fit the type", "invalid type: string \"x\""],
        ),
        (
            Box::new(failed.value_as::<Option<u8>>().expect_err("it failed")),
            &["the run ended with host: test:1: host.fail: told", "hidden"],
        ),
        (failed.error.expect("it failed"), &["test:1: host.fail: told", "hidden"]),
    ];
    for (error, texts) in errors {
        let chain = chain(&*error);
        assert_eq!(chain.len(), texts.len(), "{chain:?}");
        for (text, expected) in chain.iter().zip(texts) {
            assert!(text.starts_with(expected), "{chain:?}");
        }
    }
}
