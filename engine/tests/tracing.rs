//! A run as a span of `tracing`.
#![cfg(feature = "tracing")]

mod common;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use perilune::{Request, RunLimits, Status};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use tracing_core::span::Current;

/// Keeps the fields of all spans, and how often they were entered and left.
#[derive(Clone, Default)]
struct Spans(Arc<Mutex<Vec<Span>>>);

thread_local! {
    /// The spans that this thread is in, innermost last.
    static CURRENT: RefCell<Vec<(Id, &'static Metadata<'static>)>> = const { RefCell::new(Vec::new()) };
}

#[derive(Default)]
struct Span {
    name: String,
    metadata: Option<&'static Metadata<'static>>,
    /// The place of the span that it is below.
    parent: Option<usize>,
    fields: BTreeMap<String, String>,
    entered: u32,
    left: u32,
    is_closed: bool,
}

impl Spans {
    fn with<T>(&self, id: &Id, change: impl FnOnce(&mut Span) -> T) -> T {
        change(&mut self.0.lock().expect("no panic")[id.into_u64() as usize - 1])
    }
}

impl Visit for Span {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.fields.insert(field.name().into(), format!("{value:?}"));
    }
}

impl Subscriber for Spans {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let metadata = attributes.metadata();
        let current = || CURRENT.with_borrow(|current| current.last().map(|(id, _)| id.clone()));
        let parent = attributes.parent().cloned().or_else(|| attributes.is_contextual().then(current)?);
        let mut span = Span {
            parent: parent.map(|id| id.into_u64() as usize - 1),
            metadata: Some(metadata),
            name: format!("{} {} {}", metadata.level(), metadata.target(), metadata.name()),
            ..Span::default()
        };
        attributes.record(&mut span);
        let mut spans = self.0.lock().expect("no panic");
        spans.push(span);
        Id::from_u64(spans.len() as u64)
    }

    fn record(&self, id: &Id, values: &Record<'_>) {
        self.with(id, |span| values.record(span));
    }

    fn enter(&self, id: &Id) {
        let metadata = self.with(id, |span| {
            span.entered += 1;
            span.metadata
        });
        let entered = (id.clone(), metadata.expect("it was made"));
        CURRENT.with_borrow_mut(|current| current.push(entered));
    }

    fn exit(&self, id: &Id) {
        self.with(id, |span| span.left += 1);
        CURRENT.with_borrow_mut(|current| current.pop());
    }

    fn current_span(&self) -> Current {
        CURRENT.with_borrow(|current| match current.last() {
            Some((id, metadata)) => Current::new(id.clone(), metadata),
            None => Current::none(),
        })
    }

    fn try_close(&self, id: Id) -> bool {
        self.with(&id, |span| span.is_closed = true);
        true
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}
}

/// What `tracing` remembers of who listens is the process's: these tests go one by one.
static ONE_BY_ONE: Mutex<()> = Mutex::new(());

/// A test's turn. The span of a run is known to `tracing` by then: who meets it first asks only its own thread who listens.
fn turn() -> MutexGuard<'static, ()> {
    let turn = ONE_BY_ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let script = common::builder().pool_size(1).build().compile("first", "").expect("it compiles");
    let first = || script.run(&Request::new()).expect("it runs");
    assert!(tracing::subscriber::with_default(Spans::default(), first).ok());
    turn
}

#[test]
fn each_run_is_a_span_with_how_it_ended() {
    let _turn = turn();
    let spans = Spans::default();
    let engine = common::builder().pool_size(1).build();
    engine.scripts().put("shop/price", "return 1").expect("it compiles");
    engine.scripts().put("shop/price", "return POST.n + 1").expect("it compiles");
    let timed = RunLimits { timeout: Some(Duration::from_millis(5)), ..RunLimits::default() };
    let traces = tracing::subscriber::with_default(spans.clone(), || {
        let run = |name: &str, request: &Request<'_>| engine.run(name, request);
        let good = run("shop/price", &Request::new().json(r#"{"n":1}"#)).expect("it runs");
        let bad = run("shop/price", &Request::new()).expect("it runs");
        engine.scripts().put("endless", "while true do end").expect("it compiles");
        let slow = run("endless", &Request::new().limits(timed)).expect("it runs");
        run("shop/price", &Request::new().json("[")).expect_err("no JSON");
        run("missing", &Request::new()).expect_err("not found");
        [good, bad, slow]
    });
    assert_eq!(
        traces.each_ref().map(|trace| trace.status),
        [Status::Success, Status::Failure, Status::Timeout]
    );
    let spans = spans.0.lock().expect("no panic");
    assert_eq!(spans.len(), 4, "one for each run that began");
    for (span, trace) in spans.iter().zip(&traces) {
        let expected = [
            ("duration_ns", trace.duration.as_nanos().to_string()),
            ("id", trace.id.to_string()),
            ("script", format!("{:?}", &*trace.script)),
            ("status", format!("{:?}", trace.status.as_str())),
            ("version", trace.version.to_string()),
        ];
        let fields: Vec<_> = span.fields.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        assert_eq!(fields, expected);
    }
    for span in &*spans {
        assert_eq!(
            (span.name.as_str(), span.entered, span.left, span.is_closed),
            ("INFO perilune run", 1, 1, true)
        );
    }
    assert_eq!(spans[3].fields.len(), 2, "a request that can't be given to a script ends it with no status");
}

#[test]
fn a_run_that_got_no_vm_is_a_span_too() {
    let _turn = turn();
    let spans = Spans::default();
    let engine = common::builder().pool_size(1).queue(Duration::ZERO).build();
    let cancel = perilune::CancelHandle::new();
    let endless = engine.compile("endless", "while true do end").expect("it compiles");
    std::thread::scope(|threads| {
        threads.spawn(|| endless.run(&Request::new().cancel(&cancel)));
        while engine.metrics().vms.in_use == 0 {
            std::thread::yield_now();
        }
        let run = || endless.run(&Request::new()).expect("it waited");
        let trace = tracing::subscriber::with_default(spans.clone(), run);
        cancel.cancel();
        assert_eq!(trace.status, Status::QueueTimeout);
    });
    let spans = spans.0.lock().expect("no panic");
    assert_eq!(spans.len(), 1);
    assert_eq!(spans[0].fields["status"], r#""queue_timeout""#);
}

/// Guards against spans of runs on the engine's threads that belong to nothing, or are seen by nobody.
#[test]
fn a_run_that_was_handed_over_is_below_the_span_that_it_was_handed_over_in() {
    let _turn = turn();
    let spans = Spans::default();
    let engine = common::builder().pool_size(2).build();
    let held = common::builder().pool_size(1).queue(Duration::ZERO).build();
    let script = engine.compile("quick", "return 1").expect("it compiles");
    let late = held.compile("late", "return 1").expect("it compiles");
    let endless = held.compile("endless", "while true do end").expect("it compiles");
    let cancel = perilune::CancelHandle::new();
    std::thread::scope(|threads| {
        threads.spawn(|| endless.run(&Request::new().cancel(&cancel)));
        while held.metrics().vms.in_use == 0 {
            std::thread::yield_now();
        }
        tracing::subscriber::with_default(spans.clone(), || {
            let outer = tracing::info_span!("outer");
            let (ticket, traces, refused) = outer.in_scope(|| {
                let requests = vec![Request::new(); 8];
                (script.submit(Request::new()), script.run_batch(&requests), late.submit(Request::new()))
            });
            drop(outer);
            assert!(ticket.wait().expect("it runs").ok() && traces.iter().flatten().count() == 8);
            assert_eq!(refused.wait().expect("a trace").status, Status::QueueTimeout);
            assert!(script.submit(Request::new()).wait().expect("it runs").ok(), "in no span");
        });
        cancel.cancel();
    });
    let spans = spans.0.lock().expect("no panic");
    let below = |parent: Option<usize>| spans.iter().filter(|span| span.parent == parent).count();
    assert_eq!((spans.len(), below(Some(0)), below(None)), (12, 10, 2));
    assert!(spans[0].name.ends_with("outer") && spans.iter().all(|span| span.entered == span.left));
}
