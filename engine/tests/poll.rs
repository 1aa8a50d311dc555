//! A host that is asked while a run is under way.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc;
use std::thread::{self, ThreadId};
use std::time::Duration;

use perilune::{Engine, Poll, Request, Status};

const PERIOD: Duration = Duration::from_millis(1);

/// A request that is asked and goes on, but for the `last` time; and how often it was asked.
fn stops_at(last: usize) -> (Request<'static>, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let poll = Poll::new(PERIOD, move || {
        if counter.fetch_add(1, SeqCst) + 1 == last {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    (Request::new().poll(&poll), asked)
}

#[test]
fn a_run_ends_when_the_host_says_so() {
    let scripts = [
        "while true do end",
        "while true do pcall(function() while true do end end) end",
        "local co = coroutine.wrap(function() while true do end end) while true do co() end",
        "while true do string.rep('x', 100000):gsub('x', 'yy') end",
        "while true do local t = {} for i = 1, 1000 do t[i] = -i end table.sort(t, function(a, b) return a < b end) end",
        "while true do ('x'):rep(100000):find(('x'):rep(1000) .. 'y', 1, true) end",
        "while true do json.decode(json.encode(table.create(1000, 'x'))) end",
    ];
    let engine = Engine::builder().pool_size(1).build();
    for source in scripts {
        let script = engine.compile("script", source).expect("it compiles");
        let (request, asked) = stops_at(3);
        let trace = script.run(&request).expect("it runs");
        assert_eq!(trace.status, Status::Cancelled, "{source}");
        assert_eq!(asked.load(SeqCst), 3, "asked after it said so: {source}");
        let trace =
            engine.compile("next", "return 1").expect("it compiles").run(&Request::new()).expect("it runs");
        assert_eq!(trace.value.as_deref(), Some("1"), "after {source}");
    }
}

#[test]
fn the_deadline_holds_while_the_host_says_to_go_on() {
    let script =
        Engine::builder().timeout(Duration::from_millis(30)).build().compile("script", "while true do end");
    let (request, asked) = stops_at(usize::MAX);
    let trace = script.expect("it compiles").run(&request).expect("it runs");
    assert_eq!(trace.status, Status::Timeout);
    assert!(asked.load(SeqCst) > 0);
}

#[test]
fn a_run_that_is_over_before_the_period_is_not_asked() {
    let script = Engine::new().compile("script", "return 1").expect("it compiles");
    let request = Request::new().poll(&Poll::new(Duration::from_secs(3600), || unreachable!("too early")));
    assert_eq!(script.run(&request).expect("it runs").status, Status::Success);
}

#[test]
fn it_is_asked_on_the_thread_that_makes_the_run() {
    let script = Engine::new().compile("script", "while true do end").expect("it compiles");
    let (sender, receiver) = mpsc::channel::<ThreadId>();
    let poll = Poll::new(PERIOD, move || {
        sender.send(thread::current().id()).expect("somebody listens");
        ControlFlow::Break(())
    });
    let request = Request::new().poll(&poll);
    script.run(&request).expect("it runs");
    assert_eq!(receiver.recv(), Ok(thread::current().id()));
    assert_eq!(
        script.engine().submit(&script, request.clone()).wait().expect("it runs").status,
        Status::Cancelled
    );
    assert_ne!(receiver.recv(), Ok(thread::current().id()));
    let batch = script.engine().run_batch(&script, &[request]);
    assert_eq!(batch[0].as_ref().expect("it runs").status, Status::Cancelled);
}

#[test]
fn it_is_asked_while_it_waits_for_a_vm() {
    let engine = Engine::builder().pool_size(1).build();
    let (began, has_begun) = mpsc::channel();
    let (end, ends) = mpsc::channel::<()>();
    let ends = std::sync::Mutex::new(ends);
    engine
        .function("wait", move |_| {
            began.send(()).expect("somebody listens");
            ends.lock().expect("one at a time").recv().expect("somebody tells");
            Ok(())
        })
        .expect("the name is one");
    let holds = engine.compile("holds", "host.wait()").expect("it compiles");
    let ticket = engine.submit(&holds, Request::new());
    has_begun.recv().expect("it begins");

    let waits = engine.compile("waits", "return 1").expect("it compiles");
    let (request, asked) = stops_at(3);
    let trace = waits.run(&request).expect("it has a trace");
    assert_eq!(trace.status, Status::Cancelled);
    assert!(trace.usage.queued >= 3 * PERIOD);
    assert_eq!(asked.load(SeqCst), 3);

    end.send(()).expect("somebody waits");
    assert_eq!(ticket.wait().expect("it runs").status, Status::Success);
    assert_eq!(waits.run(&Request::new()).expect("it runs").status, Status::Success);
}

#[test]
fn a_panic_ends_the_run_and_nothing_else() {
    let script = Engine::new().compile("script", "while true do end").expect("it compiles");
    let request = Request::new().poll(&Poll::new(PERIOD, || panic!("the host has a bug")));
    assert_eq!(script.run(&request).expect("it runs").status, Status::Cancelled);
}

#[test]
fn it_may_begin_runs_of_the_same_engine() {
    let engine = Engine::builder().pool_size(1).queue(Duration::ZERO).build();
    let script = engine.compile("script", "while true do end").expect("it compiles");
    let other = engine.compile("other", "return 7").expect("it compiles");
    let (sender, values) = mpsc::channel();
    let poll = Poll::new(PERIOD, move || {
        let trace = other.run(&Request::new()).expect("it runs");
        sender.send(trace.value).expect("somebody listens");
        ControlFlow::Break(())
    });
    assert_eq!(script.run(&Request::new().poll(&poll)).expect("it runs").status, Status::Cancelled);
    assert_eq!(values.recv().expect("it was asked").as_deref(), Some("7"));
}

#[test]
fn it_is_not_asked_while_a_host_function_is_under_way() {
    let engine = Engine::new();
    let (request, asked) = stops_at(1);
    let seen = Arc::clone(&asked);
    engine
        .function("slow", move |_| {
            // The watchdog has asked the VM to look by the time that a second run was ended by it.
            let other =
                Engine::builder().timeout(5 * PERIOD).build().compile("other", "while true do end")?;
            other.run(&Request::new())?;
            Ok(seen.load(SeqCst) as u32)
        })
        .expect("the name is one");
    let script = engine.compile("script", "print(host.slow()) while true do end").expect("it compiles");
    let trace = script.run(&request).expect("it runs");
    assert_eq!((trace.status, asked.load(SeqCst)), (Status::Cancelled, 1));
}
