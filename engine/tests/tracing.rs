//! A run as a span of `tracing`.
#![cfg(feature = "tracing")]

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use perilune::{Engine, Request, RunLimits, Status};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Keeps the fields of all spans, and how often they were entered and left.
#[derive(Clone, Default)]
struct Spans(Arc<Mutex<Vec<Span>>>);

#[derive(Default)]
struct Span {
    name: String,
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
        let mut span = Span {
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
        self.with(id, |span| span.entered += 1);
    }

    fn exit(&self, id: &Id) {
        self.with(id, |span| span.left += 1);
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

#[test]
fn each_run_is_a_span_with_how_it_ended() {
    let _alone = ONE_BY_ONE.lock();
    let spans = Spans::default();
    let engine = Engine::builder().pool_size(1).build();
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
    let _alone = ONE_BY_ONE.lock();
    let spans = Spans::default();
    let engine = Engine::builder().pool_size(1).queue(Duration::ZERO).build();
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
