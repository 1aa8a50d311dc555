//! `Request::poll`: the host sees to its own while a run is under way.

mod common;

use std::ops::ControlFlow::{self, Break, Continue};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::ThreadId;
use std::time::Duration;

use common::{assert_success, run_in};
use perilune::{Call, Engine, Poll, Request, RunLimits, Script, Status, Ticket};

const SHORT: Duration = Duration::from_millis(1);
const LONG: Duration = Duration::from_secs(3600);
const ENDLESS: &str = "while true do end";

fn engine() -> Engine {
    common::builder().pool_size(1).host_calls(u64::MAX).build()
}

/// Counts its calls, and does `then` with the number.
fn counting(
    then: impl Fn(u64) -> ControlFlow<()> + Send + Sync + 'static,
) -> (Arc<AtomicU64>, impl Fn() -> ControlFlow<()> + Clone + Send + Sync + 'static) {
    let (calls, then) = (Arc::new(AtomicU64::new(0)), Arc::new(then));
    let counter = Arc::clone(&calls);
    (calls, move || then(counter.fetch_add(1, SeqCst) + 1))
}

fn break_at(last: u64) -> impl Fn(u64) -> ControlFlow<()> + Send + Sync + 'static {
    move |call| if call < last { Continue(()) } else { Break(()) }
}

/// A run that has the only VM, until something is sent or the sender is gone.
fn occupied(engine: &Engine) -> (Ticket, mpsc::Sender<()>) {
    let ((entered, enter), (release, released)) = (mpsc::channel(), mpsc::channel());
    let released = Mutex::new(released);
    let hold = move |_: &Call<'_>| {
        entered.send(()).expect("it is received");
        let _ = released.lock().expect("no panic").recv();
        Ok(())
    };
    engine.function("hold", hold).expect("a name");
    let script = engine.compile("held", "host.hold()").expect("it compiles");
    let ticket = script.submit(Request::new());
    enter.recv().expect("it runs");
    (ticket, release)
}

fn quick(engine: &Engine) -> Script {
    engine.compile("quick", "return 1").expect("it compiles")
}

#[test]
fn a_poll_ends_a_run_wherever_it_is_and_is_not_called_again() {
    // `begin` has the calls counted from there on, so that they are made by what comes after.
    for source in [
        "host.begin() while true do end",
        "host.begin() while true do pcall(function() while true do end end) end",
        "host.begin() xpcall(error, function() while true do end end) while true do end",
        "host.begin() while true do pcall(coroutine.wrap(function() while true do end end)) end",
        "host.begin() while true do local s = ('x'):rep(1e6) end",
        "local s = ('x'):rep(1e7) host.begin() while true do s:find('y', 1, true) end",
        // One call each, of which no function of the script is a part.
        "local s, p = ('a'):rep(1e5), ('.-'):rep(20) .. 'b' host.begin() s:find(p)",
        "local s, p = ('a'):rep(1e5), ('.-'):rep(20) .. 'b' host.begin() s:gsub(p, '')",
        "local s = ('x'):rep(5e6) host.begin() s:gsub('x', type)",
        "local t = {} for i = 1, 3e5 do t[i] = math.random() end host.begin() table.sort(t)",
        "local t = {} for i = 1, 3e5 do t[i] = i end host.begin()
         table.sort(t, function(a, b) return a > b end)",
    ] {
        let engine = engine();
        let begun = Arc::new(AtomicU64::new(0));
        let begins = Arc::clone(&begun);
        let begin = move |_: &Call<'_>| {
            begins.store(1, SeqCst);
            Ok(())
        };
        engine.function("begin", begin).expect("a name");
        let calls = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&calls);
        let poll = Poll::new(SHORT, move || {
            let counted = begun.load(SeqCst);
            if counter.fetch_add(counted, SeqCst) + counted < 3 { Continue(()) } else { Break(()) }
        });
        let request = Request::new().poll(&poll);
        let trace = run_in(&engine, source, &request);
        assert_eq!(trace.status, Status::Cancelled, "{}\nin: {source}", trace.stderr_text());
        assert_eq!(trace.error.expect("it failed").message, "the run was cancelled", "in: {source}");
        assert_eq!(calls.load(SeqCst), 3, "in: {source}");
        assert_eq!(engine.metrics().vms.retired, 1, "in: {source}");
    }
}

#[test]
fn a_run_goes_on_while_its_poll_says_so() {
    for period in [Duration::ZERO, SHORT, Duration::from_millis(15)] {
        let engine = engine();
        let (calls, poll) = counting(|_| Continue(()));
        engine.function("polls", move |_| Ok(calls.load(SeqCst) as f64)).expect("a name");
        let trace = run_in(
            &engine,
            "while host.polls() < 5 do end return 1",
            &Request::new().poll(&Poll::new(period, poll)),
        );
        assert_success(&trace, "polled");
        assert_eq!((trace.value.as_deref(), engine.metrics().vms.retired), (Some("1"), 0));
    }
}

#[test]
fn a_run_that_is_shorter_than_the_period_does_not_poll() {
    let engine = engine();
    let (calls, poll) = counting(break_at(1));
    let request = Request::new().poll(&Poll::new(LONG, poll));
    // Long enough for a call that is due at once.
    assert_success(&run_in(&engine, "for i = 1, 1e7 do end", &request), "short");
    let (held, release) = occupied(&engine);
    let ticket = quick(&engine).submit(request.clone());
    drop(release);
    for ticket in [held, ticket] {
        assert_success(&ticket.wait().expect("it runs"), "short");
    }
    assert_eq!(calls.load(SeqCst), 0);
}

#[test]
fn a_timeout_ends_a_run_that_polls() {
    let engine = engine();
    for period in [SHORT, LONG] {
        let (calls, poll) = counting(|_| Continue(()));
        let limits = RunLimits { timeout: Some(Duration::from_millis(100)), ..RunLimits::default() };
        let trace = run_in(&engine, ENDLESS, &Request::new().limits(limits).poll(&Poll::new(period, poll)));
        assert_eq!(trace.status, Status::Timeout, "{period:?}");
        assert_eq!(calls.load(SeqCst) > 0, period == SHORT, "{period:?}");
    }
}

#[test]
fn a_poll_that_panics_ends_the_run() {
    let engine = engine();
    let (calls, poll) = counting(|call| if call < 2 { Continue(()) } else { panic!("the host's") });
    let request = Request::new().poll(&Poll::new(SHORT, poll));
    for source in [ENDLESS, "pcall(string.find, ('a'):rep(1e5), ('.-'):rep(20) .. 'b')"] {
        calls.store(0, SeqCst);
        assert_eq!(run_in(&engine, source, &request).status, Status::Cancelled);
        assert_eq!(calls.load(SeqCst), 2);
    }
    let (held, release) = occupied(&engine);
    calls.store(0, SeqCst);
    assert_eq!(run_in(&engine, "return 1", &request).status, Status::Cancelled);
    assert_eq!(calls.load(SeqCst), 2);
    drop(release);
    assert_success(&held.wait().expect("it runs"), "held");
    assert_success(&run_in(&engine, "return 1", &Request::new()), "after all that");
}

#[test]
fn a_run_polls_while_it_waits_for_a_vm() {
    let engine = engine();
    let (held, release) = occupied(&engine);
    let here = std::thread::current().id();
    let (calls, poll) = counting(move |call| {
        assert_eq!(std::thread::current().id(), here);
        break_at(30)(call)
    });
    let trace = run_in(&engine, "return 1", &Request::new().poll(&Poll::new(SHORT, poll)));
    assert_eq!((trace.status, calls.load(SeqCst)), (Status::Cancelled, 30), "{}", trace.stderr_text());
    assert!(!trace.usage.queued.is_zero());
    assert_eq!(engine.metrics().vms.retired, 0);

    let (_, poll) = counting(move |call| {
        if call == 30 {
            release.send(()).expect("it is held");
        }
        Continue(())
    });
    assert_success(&run_in(&engine, "return 1", &Request::new().poll(&Poll::new(SHORT, poll))), "waited");
    assert_success(&held.wait().expect("it runs"), "held");
}

#[test]
fn a_run_that_waits_longest_keeps_no_vm_while_it_polls() {
    let engine = engine();
    let (held, release) = occupied(&engine);
    let (script, held) = (quick(&engine), Mutex::new(Some(held)));
    let status = Arc::new(Mutex::new(None));
    let other = Arc::clone(&status);
    // By the thirtieth call it has waited for so long that the next VM is for nobody else.
    let (_, poll) = counting(move |call| {
        if call == 30 {
            release.send(()).expect("it is held");
            let held = held.lock().expect("no panic").take().expect("once");
            assert_success(&held.wait().expect("it runs"), "held");
            let impatient =
                Request::new().limits(RunLimits { queue: Some(Duration::ZERO), ..RunLimits::default() });
            let trace = std::thread::scope(|scope| scope.spawn(|| script.run(&impatient)).join());
            *other.lock().expect("no panic") = Some(trace.expect("no panic").expect("it runs").status);
        }
        Continue(())
    });
    assert_success(&run_in(&engine, "return 1", &Request::new().poll(&Poll::new(SHORT, poll))), "waited");
    assert_eq!(*status.lock().expect("no panic"), Some(Status::Success));
}

#[test]
fn a_poll_may_run_scripts_of_the_same_engine() {
    for is_waiting in [false, true] {
        let engine = engine();
        let holder = is_waiting.then(|| occupied(&engine));
        let script = quick(&engine);
        let statuses = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&statuses);
        let (_, poll) = counting(move |call| {
            let mut traces = script.run_batch(&[Request::new(), Request::new()]);
            traces.push(script.run(&Request::new()));
            let statuses = traces.into_iter().map(|trace| trace.expect("it runs").status);
            seen.lock().expect("no panic").extend(statuses);
            break_at(2)(call)
        });
        let trace = run_in(&engine, ENDLESS, &Request::new().poll(&Poll::new(SHORT, poll)));
        assert_eq!(trace.status, Status::Cancelled, "{}", trace.stderr_text());
        assert_eq!(*statuses.lock().expect("no panic"), [Status::Success; 6]);
        drop(holder);
    }
}

#[test]
fn a_run_in_a_host_function_does_not_poll() {
    let engine = engine();
    let (calls, poll) = counting(|_| Continue(()));
    let (inner_calls, inner_poll) = counting(break_at(20));
    let inner = engine.compile("inner", ENDLESS).expect("it compiles");
    // Its time is that of twenty periods.
    let function = move |call: &Call<'_>| {
        let before = calls.load(SeqCst);
        inner.run(&Request::new().poll(&Poll::new(SHORT, inner_poll.clone())))?;
        assert_eq!(call.get::<Vec<f64>>(0)?.len(), 100_000);
        Ok((calls.load(SeqCst) - before) as f64)
    };
    let script =
        engine.compile("outer", "local t = table.create(1e5, 1) return host.polls(t)").expect("it compiles");
    let script = script.with_function("polls", function).expect("a name");
    let trace = script.run(&Request::new().poll(&Poll::new(SHORT, poll))).expect("it runs");
    assert_eq!(trace.value.as_deref(), Some("0"), "{}", trace.stderr_text());
    assert_eq!(inner_calls.load(SeqCst), 20);
}

/// Where a run was made, and where it polled.
#[derive(Default)]
struct Threads {
    made: Option<ThreadId>,
    polled: Vec<ThreadId>,
}

#[test]
fn polls_are_called_on_the_thread_that_makes_the_run() {
    let engine = common::builder().pool_size(2).build();
    let runs: Arc<Vec<Mutex<Threads>>> = Arc::new((0..6).map(|_| Mutex::default()).collect());
    let seen = Arc::clone(&runs);
    let made = move |call: &Call<'_>| {
        let run = &seen[call.text(0)?.parse::<usize>()?];
        run.lock().expect("no panic").made = Some(std::thread::current().id());
        Ok(())
    };
    engine.function("made", made).expect("a name");
    let script = engine.compile("polled", "host.made(GET.n) while true do end").expect("it compiles");
    let request = |n: usize| {
        let seen = Arc::clone(&runs);
        let poll = Poll::new(SHORT, move || {
            let mut run = seen[n].lock().expect("no panic");
            run.polled.push(std::thread::current().id());
            if run.made.is_none() || run.polled.len() < 3 { Continue(()) } else { Break(()) }
        });
        Request::new().param("n", n.to_string()).poll(&poll)
    };

    let mut traces = vec![script.run(&request(0).clone()), script.submit(request(1).into_owned()).wait()];
    traces.extend(script.run_batch(&(2..6).map(request).collect::<Vec<_>>()));

    for (trace, run) in traces.into_iter().zip(runs.iter()) {
        assert_eq!(trace.expect("it runs").status, Status::Cancelled);
        let run = run.lock().expect("no panic");
        assert!(run.polled.iter().all(|thread| Some(*thread) == run.made));
    }
    assert_eq!(runs[0].lock().expect("no panic").made, Some(std::thread::current().id()));
}

#[test]
fn a_request_says_that_it_polls() {
    let text = format!("{:?}", Request::new().poll(&Poll::new(Duration::ZERO, || Continue(()))));
    assert!(text.contains("Poll { period: 1ms, .. }"), "{text}");
}
