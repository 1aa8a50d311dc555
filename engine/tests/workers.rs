//! Which worker makes a run, when workers are replaced, and what there is to be said of one that ended.

mod common;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use common::children::{children, computed, has_ended, kill, wait_until};
use common::workers;
use perilune::{Engine, EngineBuilder, ErrorKind, Isolation, Request, Script, Status, Workers};

/// The tests look at all workers of this process.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn builder(workers: Workers) -> EngineBuilder {
    Engine::builder().isolation(Isolation::Process(workers))
}

/// An engine whose function `kills` ends all of its workers, and the counter of its calls.
fn killing(builder: EngineBuilder) -> (Engine, Arc<AtomicU64>) {
    let (engine, calls) = (builder.build(), Arc::new(AtomicU64::new(0)));
    let called = Arc::clone(&calls);
    let kills = move |_: &perilune::Call<'_>| {
        called.fetch_add(1, Relaxed);
        children().into_iter().for_each(kill);
        Ok(())
    };
    engine.function("kills", kills).expect("a name");
    (engine, calls)
}

fn is_at_rest(engine: &Engine) -> bool {
    let vms = engine.metrics().vms;
    vms.ready > 0 && vms.in_use == 0 && vms.retired == vms.rebuilt
}

/// A script that computes for long enough to be seen from without.
fn computes(engine: &Engine) -> Script {
    let source = "local began = os.clock() while os.clock() - began < 0.1 do end";
    engine.compile("computes", source).expect("it compiles")
}

/// The worker that makes the run of a request.
fn worker_of(script: &Script, request: &Request<'_>) -> u32 {
    // Workers compute as they start.
    wait_until("workers are ready", || is_at_rest(&script.engine()));
    let before: Vec<_> = children().into_iter().map(|id| (id, computed(id))).collect();
    assert!(script.run(request).expect("it runs").ok());
    let took = |&(id, before): &(u32, u64)| computed(id).saturating_sub(before);
    let (id, _) = before.iter().copied().max_by_key(took).expect("there are workers");
    assert!(took(&before[before.iter().position(|(other, _)| *other == id).expect("it is one")]) >= 2);
    id
}

#[test]
fn a_worker_serves_one_tenant() {
    let _alone = alone();
    for pool_size in [1, 2] {
        let script = computes(&builder(workers()).pool_size(pool_size).build());
        let of = |tenant: Option<&'static str>| worker_of(&script, &Request::new().tenant(tenant));
        let mut served = Vec::new();
        for tenant in [Some("acme"), None, Some(""), Some("acme\0"), Some("b")] {
            let worker = of(tenant);
            assert!(!served.contains(&worker), "{tenant:?} has another's worker");
            assert_eq!(of(tenant), worker, "{tenant:?} comes back");
            served.push(worker);
        }
        // As many are kept warm as there may be runs at once.
        let (kept, gone) = (&served[served.len() - pool_size..], &served[..served.len() - pool_size - 1]);
        wait_until("the others are gone", || gone.iter().all(|id| !children().contains(id)));
        assert!(kept.iter().all(|id| children().contains(id) && !has_ended(*id)));
        if pool_size == 2 {
            assert_eq!(of(Some("acme\0")), served[3]);
        }
    }
}

#[test]
fn submitted_runs_and_batches_have_their_tenants_workers() {
    let _alone = alone();
    let script = computes(&builder(workers()).pool_size(1).build());
    let of = |tenant: &'static str| worker_of(&script, &Request::new().tenant(tenant));
    let first = of("a");
    script.submit(Request::new().tenant("a")).wait().expect("it runs");
    script.run_batch(&[Request::new().tenant("a")]).pop().expect("one").expect("it runs");
    assert_eq!(of("a"), first);
    for run in [
        |script: &Script| drop(script.submit(Request::new().tenant("b")).wait().expect("it runs")),
        |script: &Script| drop(script.run_batch(&[Request::new().tenant("c")])),
    ] {
        let before = of("a");
        run(&script);
        wait_until("workers are ready", || is_at_rest(&script.engine()));
        assert_ne!(of("a"), before, "another's run was in it, or took its place");
    }
}

#[test]
fn workers_are_replaced_after_as_many_runs_or_as_long_as_is_said() {
    let _alone = alone();
    for (workers, changes) in [
        (workers().max_runs(2), [false, true, false, true]),
        (workers().max_runs(0), [true; 4]),
        (workers().max_age(Duration::ZERO), [true; 4]),
        (workers().max_age(Duration::from_secs(3600)).max_runs(100), [false; 4]),
    ] {
        let engine = builder(workers.clone()).pool_size(1).build();
        let script = computes(&engine);
        if changes == [true; 4] {
            // Not all of these are replaced ahead of time.
            let mut seen = BTreeSet::new();
            for _ in 0..4 {
                wait_until("workers are ready", || is_at_rest(&engine));
                let before = children();
                assert!(script.run(&Request::new()).expect("it runs").ok());
                wait_until("it is replaced", || !before.is_subset(&children()));
                seen.extend(before);
            }
            assert!(seen.len() >= 4, "{workers:?}: {seen:?}");
            continue;
        }
        let mut last = worker_of(&script, &Request::new());
        for (nth, changes) in changes.into_iter().enumerate() {
            let next = worker_of(&script, &Request::new());
            assert_eq!(next != last, changes, "{workers:?}, run {}", nth + 2);
            last = next;
        }
    }
}

#[test]
fn a_batch_gives_no_worker_more_runs_than_it_may_have() {
    let _alone = alone();
    for (most, replaced) in [(1, 40), (3, 13), (7, 5)] {
        let engine = builder(workers().max_runs(most)).pool_size(1).build();
        let script = engine.compile("test", "return 1").expect("it compiles");
        let traces = script.run_batch(&vec![Request::new(); 40]);
        assert!(traces.into_iter().all(|trace| trace.expect("it runs").ok()));
        let vms = engine.metrics().vms;
        assert!(vms.retired >= replaced, "at most {most} runs each: {vms:?}");
    }
}

#[test]
fn what_a_run_wrote_is_told_though_its_worker_ended() {
    let _alone = alone();
    let (engine, _) = killing(builder(workers()).pool_size(1).output(1000));
    let ended = "the worker of test ended: signal 9\n";
    for (source, stdout, stderr, is_truncated) in [
        (
            "print('a', 1) io.stderr:write('b') host.kills()",
            "a\t1\n".to_owned(),
            format!("b\n{ended}"),
            false,
        ),
        (
            "print('before') print(('x'):rep(2000)) host.kills()",
            format!("before\n{}", "x".repeat(993)),
            ended.to_owned(),
            true,
        ),
        ("io.write(('x'):rep(999), '\u{e4}') host.kills()", "x".repeat(999), ended.to_owned(), true),
        // Nothing of the runs before.
        ("host.kills()", String::new(), ended.to_owned(), false),
        ("pcall(error, 'x') warn('w') host.kills()", String::new(), format!("w\n{ended}"), false),
    ] {
        let trace =
            engine.compile("test", source).expect("it compiles").run(&Request::new()).expect("it runs");
        assert_eq!(trace.status, Status::Crashed, "{source}");
        assert_eq!(
            (trace.stdout_text().into_owned(), trace.stderr_text().into_owned()),
            (stdout, stderr),
            "{source}"
        );
        assert_eq!((trace.stdout_truncated, trace.stderr_truncated), (is_truncated, false), "{source}");
    }
    let script = engine.compile("test", "print(('x'):rep(20)) host.kills()").expect("it compiles");
    let limits = perilune::RunLimits { output: Some(5), ..Default::default() };
    let trace = script.run(&Request::new().limits(limits)).expect("it runs");
    assert_eq!((&*trace.stdout, trace.stdout_truncated), (&b"xxxxx"[..], true));
}

#[test]
fn a_source_that_ends_worker_after_worker_is_refused_for_a_time_that_doubles() {
    let _alone = alone();
    let first = Duration::from_millis(1500);
    let (engine, calls) = killing(builder(workers().backoff(first)).pool_size(1));
    let source = "if GET.kills then host.kills() end";
    let script = engine.compile("test", source).expect("it compiles");
    let request = Request::new().query("kills=1");
    let crashes = |script: &Script| {
        let trace = script.run(&request).expect("it runs");
        assert_eq!(trace.status, Status::Crashed, "{trace:?}");
        trace
    };
    for _ in 0..2 {
        crashes(&script);
        crashes(&script);
        // A run that comes to its end begins the count anew.
        assert!(script.run(&Request::new()).expect("it runs").ok());
    }
    for _ in 0..3 {
        crashes(&script);
    }
    let refused = |script: &Script, at_most: Duration| {
        let before = calls.load(Relaxed);
        let trace = crashes(script);
        assert_eq!(calls.load(Relaxed), before, "it ran");
        let error = trace.error.expect("it says why");
        assert_eq!(error.kind, ErrorKind::Crashed);
        let text = &error.message;
        let left =
            text.split("for another ").nth(1).and_then(|left| left.split(' ').next()?.parse::<u64>().ok());
        let left = Duration::from_millis(left.unwrap_or_else(|| panic!("{text}")));
        assert!(left <= at_most + Duration::from_millis(1), "{text}");
        (text.split(',').next().expect("a first part").to_owned(), left)
    };
    assert_eq!(refused(&script, first).0, "test did not run: it ended 3 workers in a row");
    // Whatever it is called, and however it is run; other sources go on.
    let again = engine.compile("other", source).expect("a source that compiles is no reason");
    assert_eq!(refused(&again, first).0, "other did not run: it ended 3 workers in a row");
    let submitted = script.submit(Request::new()).wait().expect("it ends");
    assert_eq!(submitted.status, Status::Crashed);
    assert!(
        engine.compile("test", "return 1").expect("it compiles").run(&Request::new()).expect("it runs").ok()
    );
    let ended = calls.load(Relaxed);
    wait_until("it may run again", || {
        crashes(&script);
        calls.load(Relaxed) > ended
    });
    let (text, left) = refused(&script, first * 2);
    assert_eq!(text, "test did not run: it ended 4 workers in a row");
    assert!(left > first, "the time did not double: {left:?}");

    let (engine, calls) = killing(builder(workers().backoff(Duration::ZERO)).pool_size(1));
    let script = engine.compile("test", source).expect("it compiles");
    for _ in 0..5 {
        crashes(&script);
    }
    assert_eq!(calls.load(Relaxed), 5, "nothing is refused");
}

#[test]
fn a_sandbox_that_is_not_whole_is_an_error_where_it_is_required() {
    let _alone = alone();
    let missing =
        builder(workers()).build().sandbox().expect("workers start").expect("they have one").missing();
    let required = builder(workers().require_sandbox(true)).build();
    match (missing, required.sandbox()) {
        (None, Ok(Some(sandbox))) => assert!(sandbox.parts().iter().all(|(_, part)| part.is_ok())),
        (Some(missing), Err(error)) => assert!(error.to_string().contains(&missing), "{error}"),
        (missing, sandbox) => panic!("{missing:?}, {sandbox:?}"),
    }
}

#[test]
fn sources_are_checked_in_a_worker() {
    let _alone = alone();
    let engine = builder(workers()).build();
    assert!(children().is_empty());
    let found = engine.check("a", "prnt(1)\nfoo = = 1");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(!children().is_empty(), "it was checked in this process");
    // What is no source is not shown to it.
    assert!(engine.check("a", b"\xff")[0].message.contains("not UTF-8"));
    children().into_iter().for_each(kill);
    assert_eq!(engine.check("a", "prnt(1)").len(), 1, "another one does it");
}

#[test]
fn a_spare_worker_stands_ready() {
    let _alone = alone();
    let (engine, _) = killing(builder(workers()).pool_size(1));
    let script = engine.compile("test", "return 1").expect("it compiles");
    wait_until("one is ready before the first run", || engine.metrics().vms.ready == 1);
    assert!(script.run(&Request::new()).expect("it runs").ok());
    wait_until("another is ready beside the one that runs", || engine.metrics().vms.ready == 2);
    let compiler_and_both = children();
    assert_eq!(compiler_and_both.len(), 3);
    assert!(script.run(&Request::new()).expect("it runs").ok());
    assert_eq!(children(), compiler_and_both, "nothing was replaced");
    drop((script, engine));
    wait_until("they go with the engine", || children().is_empty());
}

/// Requests of which some can't be given to a script, some fail and some end as they are not to.
fn mixed() -> Vec<Request<'static>> {
    (0..500)
        .map(|n| match n % 50 {
            7 => Request::new().json("{").into_owned(),
            13 => Request::new().query("what=error"),
            21 => Request::new().query("what=timeout"),
            29 => Request::new().query("what=memory"),
            31 => Request::new().query("what=large"),
            35 => Request::new().query("what=slow"),
            41 => Request::new().query("x".repeat(600_000).as_str()).into_owned(),
            43 => Request::new().json(&format!("{{\"a\":\"{}\"}}", "x".repeat(100_000))).into_owned(),
            _ => Request::new().param("n", n.to_string()).into_owned(),
        })
        .collect()
}

const MIXED: &str = "
local what = GET.what
print(GET.n)
if what == 'error' then error('no') end
if what == 'timeout' then while true do end end
if what == 'memory' then local t = {} while true do t[#t + 1] = {} end end
if what == 'large' then io.write(('x'):rep(300000)) end
if what == 'slow' then local began = os.clock() while os.clock() - began < 0.005 do end end
return { n = GET.n, a = POST.a }";

#[test]
fn a_batch_comes_to_the_same_as_here() {
    let _alone = alone();
    let requests = mixed();
    let results = [builder(workers()), Engine::builder()].map(|builder| {
        let engine = builder.pool_size(2).timeout(Duration::from_millis(100)).memory(2 << 20).build();
        let (done, most) = (AtomicU64::new(0), requests.len());
        let script = engine.compile("test", MIXED).expect("it compiles");
        let counts = |_, of| {
            assert_eq!(of, most);
            done.fetch_add(1, Relaxed);
        };
        let results = script.batch().progress(counts).run(&requests);
        assert_eq!(done.load(Relaxed), requests.len() as u64);
        let runs = engine.metrics().runs;
        let ids: BTreeSet<_> = results.iter().flatten().map(|trace| trace.id).collect();
        assert_eq!(ids.len(), results.iter().flatten().count(), "ids are unique");
        let told = results.into_iter().map(|result| {
            result.map(|trace| {
                let error = trace.error.map(|error| (error.kind, error.message, error.line, error.traceback));
                (trace.status, trace.stdout, trace.stderr, trace.value, error, trace.script, trace.version)
            })
        });
        (told.collect::<Vec<_>>(), runs)
    });
    let [(in_workers, runs), (here, runs_here)] = results;
    for (nth, (in_worker, here)) in in_workers.iter().zip(&here).enumerate() {
        assert_eq!(in_worker, here, "run {nth}");
    }
    assert_eq!(in_workers.len(), here.len());
    assert_eq!(runs, runs_here);
    assert!(runs.timeout == 10 && runs.memory_limit == 10 && runs.failure == 10, "{runs:?}");
}

#[test]
fn of_a_batch_whose_workers_are_killed_no_run_is_lost() {
    let _alone = alone();
    let engine = builder(workers()).pool_size(2).build();
    let source = "local s = 0 for i = 1, 2000 do s = s + i end print(GET.n) return GET.n";
    let script = engine.compile("test", source).expect("it compiles");
    let requests: Vec<_> = (0..3000).map(|n| Request::new().param("n", n.to_string()).into_owned()).collect();
    let done = AtomicU64::new(0);
    let results = script
        .batch()
        .progress(|_, _| {
            if done.fetch_add(1, Relaxed) % 200 == 199 {
                children().into_iter().for_each(kill);
            }
        })
        .run(&requests);
    assert_eq!(done.load(Relaxed), 3000);
    let mut crashed = 0;
    for (nth, result) in results.into_iter().enumerate() {
        let trace = result.expect("it runs");
        if trace.status == Status::Crashed {
            crashed += 1;
            assert_eq!(trace.error.expect("it says why").message, "the worker of test ended: signal 9");
            continue;
        }
        assert_eq!(trace.value, Some(format!("\"{nth}\"")));
        assert_eq!(trace.stdout_text(), format!("{nth}\n"));
    }
    // Each time at most the run under way in each of the workers.
    assert!(crashed <= 2 * 15, "{crashed}");
}

#[test]
fn a_batch_that_is_cancelled_ends() {
    let _alone = alone();
    let engine = builder(workers()).pool_size(2).build();
    let script = engine.compile("test", "if GET.n == '100' then while true do end end").expect("it compiles");
    let requests: Vec<_> = (0..300).map(|n| Request::new().param("n", n.to_string()).into_owned()).collect();
    for _ in 0..5 {
        let cancel = perilune::CancelHandle::new();
        let done = AtomicU64::new(0);
        let results = std::thread::scope(|threads| {
            let run = || {
                let counts = |_, _| {
                    done.fetch_add(1, Relaxed);
                };
                script.batch().cancel(&cancel).progress(counts).run(&requests)
            };
            let results = threads.spawn(run);
            wait_until("some have ended", || done.load(Relaxed) >= 50);
            cancel.cancel();
            results.join().expect("no panic")
        });
        let statuses = results.into_iter().map(|result| result.expect("it ends").status).collect::<Vec<_>>();
        assert_eq!(statuses.len(), 300);
        assert!(
            statuses.iter().all(|status| matches!(status, Status::Success | Status::Cancelled)),
            "{statuses:?}"
        );
        assert_eq!(statuses[100], Status::Cancelled);
        assert!(statuses.iter().filter(|status| **status == Status::Success).count() >= 50);
    }
    assert!(script.run(&Request::new()).expect("it runs").ok());
}
