//! Many runs at once: batches, and runs on the engine's own threads.

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, mpsc};
use std::task::{Context, Poll, Wake};
use std::time::Duration;

use perilune::{
    CancelHandle, Engine, Error, PayloadError, Request, RunLimits, Script, Status, Ticket, Trace, Value,
};

fn doubling(engine: &Engine) -> Script {
    engine.compile("double", "if GET.n == '7' then error('seven') end return 2 * GET.n").expect("it compiles")
}

fn numbered(count: usize) -> Vec<Request<'static>> {
    (0..count).map(|n| Request::new().param("n", n.to_string())).collect()
}

fn assert_doubled(n: usize, result: &Result<Trace, Error>) {
    let trace = result.as_ref().expect("it runs");
    if n == 7 {
        assert_eq!(trace.status, Status::Failure);
    } else {
        assert_eq!(trace.value.as_deref(), Some(&*(2 * n).to_string()), "{}", trace.stderr_text());
    }
}

/// A script that runs until it is let go, one that says that it runs, and what lets go.
fn occupied(engine: &Engine) -> (Script, Arc<Barrier>, Arc<Barrier>) {
    let (entered, leave) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let (enter, left) = (Arc::clone(&entered), Arc::clone(&leave));
    engine
        .function("hold", move |_| {
            enter.wait();
            left.wait();
            Ok(())
        })
        .expect("a name");
    (engine.compile("held", "host.hold() return 'held'").expect("it compiles"), entered, leave)
}

#[test]
fn a_batch_returns_in_order_and_one_failure_fails_no_other() {
    for vms in [1, 3] {
        let engine = common::builder().pool_size(vms).build();
        let script = doubling(&engine);
        for count in [0, 1, 2, 100] {
            let results = script.run_batch(&numbered(count));
            assert_eq!(results.len(), count);
            results.iter().enumerate().for_each(|(n, result)| assert_doubled(n, result));
        }
        let mut requests = numbered(5);
        requests[3] = Request::new().json("[");
        let results = script.run_batch(&requests);
        assert!(matches!(results[3], Err(Error::Payload(PayloadError::Json { .. }))));
        assert_doubled(4, &results[4]);
    }
}

#[test]
fn a_batch_tells_its_progress() {
    let engine = common::builder().pool_size(2).build();
    let script = doubling(&engine);
    let (calls, last) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let progress = |done: usize, of: usize| {
        assert!((1..=of).contains(&done) && of == 50);
        calls.fetch_add(1, SeqCst);
        last.fetch_max(done, SeqCst);
    };
    let results = script.batch().progress(progress).run(&numbered(50));
    assert_eq!((results.len(), calls.load(SeqCst), last.load(SeqCst)), (50, 50, 50));
}

#[test]
fn a_cancelled_batch_ends_what_runs_and_what_has_not_begun() {
    // With one VM, the run that ends is told of before the endless one behind it ends.
    for size in [1, 2] {
        let engine = common::builder().pool_size(size).build();
        let endless =
            engine.compile("endless", "if GET.n ~= '0' then while true do end end").expect("it compiles");
        let cancel = CancelHandle::new();
        let progress = |_, _| cancel.cancel();
        let results = endless.batch().cancel(&cancel).progress(progress).run(&numbered(20));
        let statuses: Vec<Status> =
            results.iter().map(|result| result.as_ref().expect("it runs").status).collect();
        assert_eq!(statuses[0], Status::Success);
        assert!(statuses[1..].iter().all(|status| *status == Status::Cancelled), "{size}: {statuses:?}");
        // What had not begun costs no VM.
        let retired = engine.metrics().vms.retired;
        assert!(retired <= size as u64, "{retired} VMs were retired");
    }
}

#[test]
fn a_progress_callback_that_panics_panics_the_caller_and_nothing_else() {
    let engine = common::builder().pool_size(2).build();
    let script = doubling(&engine);
    let batch = script.batch().progress(|_, _| panic!("the host's"));
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| batch.run(&numbered(10))));
    assert!(caught.is_err());
    assert_doubled(1, &script.run_batch(&numbered(2))[1]);
}

#[test]
fn tickets_are_waited_for_in_any_order() {
    let engine = common::builder().pool_size(2).build();
    let script = doubling(&engine);
    let tickets: Vec<_> = numbered(200).into_iter().map(|request| script.submit(request)).collect();
    for (n, ticket) in tickets.into_iter().enumerate().rev() {
        assert_doubled(n, &ticket.wait());
    }
}

#[test]
fn callbacks_are_called_once_each_on_threads_of_the_engines() {
    let engine = common::builder().pool_size(2).build();
    let script = doubling(&engine);
    let (sender, receiver) = mpsc::channel();
    for (n, request) in numbered(200).into_iter().enumerate() {
        let sender = sender.clone();
        script.submit_with(request, move |result| {
            sender
                .send((n, result, std::thread::current().name().map(str::to_owned)))
                .expect("it is received");
        });
    }
    drop((sender, script, engine));
    // Runs that wait keep the engine alive; when all are done, nothing does.
    let mut results: Vec<_> = receiver.iter().collect();
    results.sort_by_key(|(n, ..)| *n);
    assert_eq!(results.len(), 200);
    for (n, result, thread) in &results {
        assert_doubled(*n, result);
        assert_eq!(thread.as_deref(), Some("perilune-run"));
    }
}

#[test]
fn a_request_that_is_refused_calls_back_too() {
    let engine = common::builder().pool_size(1).request(100).build();
    let script = doubling(&engine);
    let large = "x".repeat(200);
    let submit = |request: Request<'_>| script.submit(request.into_owned()).wait();
    assert!(matches!(
        submit(Request::new().query(&large)),
        Err(Error::Payload(PayloadError::TooLarge { .. }))
    ));
    assert!(matches!(submit(Request::new().json("[")), Err(Error::Payload(PayloadError::Json { .. }))));
}

#[test]
fn a_callback_that_panics_harms_nobody() {
    let engine = common::builder().pool_size(1).build();
    let script = doubling(&engine);
    for request in numbered(5) {
        script.submit_with(request, |_| panic!("the host's"));
    }
    assert_doubled(4, &script.submit(numbered(5).remove(4)).wait());
}

#[test]
fn a_callback_that_panics_keeps_a_cancel_from_nobody() {
    let engine = common::builder().pool_size(1).build();
    let (held, entered, leave) = occupied(&engine);
    let running = held.submit(Request::new());
    entered.wait();
    let cancel = CancelHandle::new();
    let (sender, receiver) = mpsc::channel();
    for _ in 0..3 {
        let sender = sender.clone();
        held.submit_with(Request::new().cancel(&cancel), move |result| {
            sender.send(result.expect("a trace").status).expect("it is received");
            panic!("the host's");
        });
    }
    cancel.cancel();
    assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [Status::Cancelled; 3]);
    leave.wait();
    assert_eq!(running.wait().expect("it runs").status, Status::Success);
}

#[test]
fn with_all_vms_busy_time_is_up_for_those_that_wait_shortest_first() {
    let engine = common::builder().pool_size(1).build();
    let (held, entered, leave) = occupied(&engine);
    let running = held.submit(Request::new());
    entered.wait();
    let quick = engine.compile("quick", "return 1").expect("it compiles");
    let (sender, receiver) = mpsc::channel();
    let scripts = [("long", 3600 * 1000), ("second", 500), ("first", 20)].map(|(name, queue)| {
        let limits = RunLimits { queue: Some(Duration::from_millis(queue)), ..RunLimits::default() };
        engine.compile(name, "return 1").expect("it compiles").with_limits(limits)
    });
    for script in &scripts {
        let sender = sender.clone();
        script.submit_with(Request::new(), move |result| {
            sender.send(result.expect("a trace")).expect("it is received");
        });
    }
    for name in ["first", "second"] {
        let trace = receiver.recv().expect("it ends");
        assert_eq!((trace.status, &*trace.script), (Status::QueueTimeout, name));
        assert!(trace.usage.queued >= Duration::from_millis(20));
    }
    assert!(!running.is_done());
    leave.wait();
    assert_eq!(running.wait().expect("it runs").value.as_deref(), Some("\"held\""));
    // A `queue` of the engine's, 5 s, is less than an hour.
    let trace = receiver.recv().expect("it ends");
    assert_eq!((trace.status, &*trace.script), (Status::Success, "long"));
    assert!(trace.usage.queued > Duration::ZERO && trace.to_json().contains("queued_ns"));
    assert_eq!(quick.submit(Request::new()).wait().expect("it runs").status, Status::Success);
}

#[test]
fn with_no_patience_a_run_is_made_where_a_vm_is_free_at_once() {
    let engine = common::builder().pool_size(1).queue(Duration::ZERO).build();
    let (held, entered, leave) = occupied(&engine);
    let quick = engine.compile("quick", "return 1").expect("it compiles");
    assert_eq!(quick.submit(Request::new()).wait().expect("it runs").status, Status::Success);
    let running = held.submit(Request::new());
    entered.wait();
    assert_eq!(quick.submit(Request::new()).wait().expect("a trace").status, Status::QueueTimeout);
    leave.wait();
    assert_eq!(running.wait().expect("it runs").status, Status::Success);
}

#[test]
fn beyond_the_backlog_a_run_ends_at_once() {
    let engine = common::builder().pool_size(1).backlog(2).build();
    let (held, entered, leave) = occupied(&engine);
    let quick = engine.compile("quick", "return 1").expect("it compiles");
    let running = held.submit(Request::new());
    entered.wait();
    let waiting = [quick.submit(Request::new()), quick.submit(Request::new())];
    let beyond = quick.submit(Request::new());
    assert!(beyond.is_done());
    let trace = beyond.wait().expect("a trace");
    assert_eq!((trace.status, trace.usage.queued), (Status::QueueTimeout, Duration::ZERO));
    assert_eq!(trace.stderr_text(), "2 runs wait for a VM already\n");
    leave.wait();
    assert_eq!(running.wait().expect("it runs").status, Status::Success);
    for ticket in waiting {
        assert_eq!(ticket.wait().expect("it runs").status, Status::Success);
    }
}

#[test]
fn a_ticket_is_cancelled_while_it_waits_and_while_it_runs() {
    let engine = common::builder().pool_size(1).build();
    let (held, entered, leave) = occupied(&engine);
    let running = held.submit(Request::new());
    entered.wait();
    let handle = CancelHandle::new();
    let waiting = held.submit(Request::new());
    let other = held.submit(Request::new().cancel(&handle));
    waiting.cancel();
    assert!(waiting.is_done(), "it needs no VM for that");
    handle.cancel();
    assert!(other.is_done());
    for ticket in [waiting, other] {
        let trace = ticket.wait().expect("a trace");
        assert_eq!(
            (trace.status, trace.error.expect("an error").message.as_str()),
            (Status::Cancelled, "the run was cancelled")
        );
    }
    running.cancel();
    leave.wait();
    assert_eq!(running.wait().expect("it runs").status, Status::Cancelled);
    // Cancelled before it is submitted.
    assert_eq!(
        held.submit(Request::new().cancel(&handle)).wait().expect("a trace").status,
        Status::Cancelled
    );
}

/// Counts how often it was woken.
struct Woken(AtomicUsize, std::thread::Thread);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
        self.1.unpark();
    }
}

#[test]
fn a_ticket_can_be_awaited() {
    let engine = common::builder().pool_size(1).build();
    let (held, entered, leave) = occupied(&engine);
    let mut ticket = pin!(held.submit(Request::new()));
    let woken = Arc::new(Woken(AtomicUsize::new(0), std::thread::current()));
    let waker = Arc::clone(&woken).into();
    let mut context = Context::from_waker(&waker);
    entered.wait();
    assert!(ticket.as_mut().poll(&mut context).is_pending());
    leave.wait();
    let result = loop {
        match ticket.as_mut().poll(&mut context) {
            Poll::Ready(result) => break result,
            Poll::Pending => std::thread::park(),
        }
    };
    assert_eq!(result.expect("it runs").value.as_deref(), Some("\"held\""));
    assert!(woken.0.load(SeqCst) <= 1);
}

/// Guards against a ticket that is waited for without end: its result went to somebody else.
#[test]
fn a_ticket_that_is_used_after_it_was_ready_panics() {
    let engine = common::builder().pool_size(1).build();
    let quick = engine.compile("quick", "return 1").expect("it compiles");
    let mut context = Context::from_waker(std::task::Waker::noop());
    let ready = |context: &mut Context<'_>| {
        let mut ticket = Box::pin(quick.submit(Request::new()));
        while ticket.as_mut().poll(context).is_pending() {
            std::thread::yield_now();
        }
        assert!(ticket.is_done());
        ticket
    };
    let mut ticket = ready(&mut context);
    let again = catch_unwind(AssertUnwindSafe(|| ticket.as_mut().poll(&mut context).is_pending()));
    let waited = std::pin::Pin::into_inner(ready(&mut context));
    let waited = catch_unwind(AssertUnwindSafe(|| waited.wait().is_ok()));
    for panic in [again.expect_err("it was ready"), waited.expect_err("it was ready")] {
        let text = panic.downcast_ref::<&str>().copied().unwrap_or_default();
        assert!(text.contains("after it had handed out its result"), "{text}");
    }
}

/// Few threads are woken for many runs: whatever they were at, somebody must see when time is up, and take a VM that is free.
#[test]
fn all_that_waits_is_seen_whatever_came_before() {
    let queue = Duration::from_millis(2);
    let engine = common::builder().pool_size(2).queue(queue).build();
    let quick = engine.compile("quick", "return 1").expect("it compiles");
    let endless = engine.compile("endless", "while true do end").expect("it compiles");
    let (mut ran, mut ran_on) = (0, 0);
    for round in 0..100 {
        let quick_ones: Vec<_> = (0..round % 7).map(|_| quick.submit(Request::new())).collect();
        if round % 2 == 0 {
            std::thread::sleep(Duration::from_micros(100));
        }
        let endless_ones: Vec<_> = (0..2).map(|_| endless.submit(Request::new())).collect();
        let waiting: Vec<_> = (0..4).map(|_| quick.submit(Request::new())).collect();
        // How many ran; the others waited as long as they may. The endless ones run for 30 s, if nothing ends them.
        let run = |tickets: Vec<Ticket>| -> usize {
            let mut successes = 0;
            for ticket in tickets {
                let trace = ticket.wait().expect("a trace");
                match trace.status {
                    Status::Success => assert_eq!(trace.value.as_deref(), Some("1")),
                    status => assert_eq!(status, Status::QueueTimeout),
                }
                let waited = trace.usage.queued;
                assert!(waited < Duration::from_secs(15), "time was up {waited:?} ago");
                assert!(trace.status == Status::Success || waited >= queue, "{waited:?}");
                successes += usize::from(trace.status == Status::Success);
            }
            successes
        };
        ran += run(quick_ones);
        let ran_beside = run(waiting);
        let mut held = 0;
        for ticket in endless_ones {
            ticket.cancel();
            match ticket.wait().expect("a trace").status {
                Status::Cancelled => held += 1,
                status => assert_eq!(status, Status::QueueTimeout),
            }
        }
        // They came first, so nothing ran beside two.
        assert!(held < 2 || ran_beside == 0, "{ran_beside} ran without a VM");
        (ran, ran_on) = (ran + ran_beside, ran_on + held);
    }
    assert!(ran > 0 && ran_on > 0, "{ran} came to their end, {ran_on} were to be cancelled");
}

#[test]
fn direct_runs_and_submitted_ones_share_the_vms() {
    let engine = common::builder().pool_size(2).queue(Duration::from_secs(60)).build();
    let script = doubling(&engine);
    let tickets: Vec<_> = numbered(500).into_iter().map(|request| script.submit(request)).collect();
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                for (n, request) in numbered(200).iter().enumerate() {
                    assert_doubled(n, &script.run(request));
                }
            });
        }
    });
    for (n, ticket) in tickets.into_iter().enumerate() {
        assert_doubled(n, &ticket.wait());
    }
}

/// Guards against counting what there is a VM for as waiting: without a backlog, nothing ran.
#[test]
fn what_has_a_vm_does_not_count_as_waiting() {
    let engine = common::builder().pool_size(1).backlog(0).build();
    let (held, entered, leave) = occupied(&engine);
    let running = held.submit(Request::new());
    assert!(!running.is_done(), "it was refused");
    entered.wait();
    assert_eq!(held.submit(Request::new()).wait().expect("a trace").status, Status::QueueTimeout);
    leave.wait();
    assert_eq!(running.wait().expect("it runs").status, Status::Success);
}

/// Guards against threads of a batch that wait for the VM of the run that waits for the batch.
#[test]
fn a_batch_inside_a_host_function_needs_no_vm_of_the_pool() {
    let engine = common::builder().pool_size(2).queue(Duration::ZERO).build();
    let (held, entered, leave) = occupied(&engine);
    let busy = held.clone();
    let other = std::thread::spawn(move || busy.run(&Request::new()));
    entered.wait();
    // Slow enough that a second thread would come to the second run.
    let slow = engine.compile("slow", "return host.slow()").expect("it compiles");
    let slow = slow.with_function("slow", |_| {
        std::thread::sleep(Duration::from_millis(100));
        Ok(())
    });
    let slow = slow.expect("a name");
    let outer = engine.compile("outer", "return host.batch()").expect("it compiles");
    let outer = outer.with_function("batch", move |_| {
        let results = slow.run_batch(&numbered(2));
        Ok(Value::array(results.iter().map(|result| match result {
            Ok(trace) => trace.status.as_str().to_owned(),
            Err(error) => error.to_string(),
        })))
    });
    let trace = outer.expect("a name").run(&Request::new()).expect("it runs");
    assert_eq!(trace.value.as_deref(), Some(r#"["success","success"]"#));
    leave.wait();
    assert_eq!(other.join().expect("no panic").expect("it runs").status, Status::Success);
}

/// Guards against a VM that nobody takes while the thread that gave it back is in the host's code.
#[test]
fn a_slow_callback_keeps_no_other_run_waiting() {
    let engine = common::builder().pool_size(1).queue(Duration::from_secs(60)).build();
    let (held, entered, leave) = occupied(&engine);
    let (tell, told) = std::sync::mpsc::channel();
    let (ended, was_told) = std::sync::mpsc::channel();
    held.submit_with(Request::new(), move |_| {
        ended.send(told.recv_timeout(Duration::from_secs(20)).is_ok()).expect("it is waited for");
    });
    entered.wait();
    let next = doubling(&engine).submit(numbered(1).remove(0));
    // So long that it is looked after less often.
    std::thread::sleep(Duration::from_millis(50));
    leave.wait();
    assert_doubled(0, &next.wait());
    tell.send(()).ok();
    assert!(was_told.recv().expect("the callback ends"), "the run waited for the callback");
}
