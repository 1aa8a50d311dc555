//! A run as a span of `tracing`. Without that feature, the functions here do nothing.

use super::script::Script;
use crate::model::trace::Trace;

/// The tracing context in which a run was submitted: its span becomes a child of the span that was current there, and goes to
/// the same subscriber.
#[derive(Clone)]
pub(crate) struct Origin {
    #[cfg(feature = "tracing")]
    current: tracing::Span,
    #[cfg(feature = "tracing")]
    dispatch: tracing::Dispatch,
}

#[cfg(feature = "tracing")]
impl Origin {
    pub(crate) fn here() -> Self {
        Self {
            current: tracing::Span::current(),
            dispatch: tracing::dispatcher::get_default(tracing::Dispatch::clone),
        }
    }

    /// Calls `work` on this thread within that context.
    pub(crate) fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        tracing::dispatcher::with_default(&self.dispatch, || self.current.in_scope(work))
    }
}

#[cfg(not(feature = "tracing"))]
impl Origin {
    pub(crate) fn here() -> Self {
        Self {}
    }

    pub(crate) fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        work()
    }
}

/// The span of one run, entered until it is dropped.
pub(crate) struct Span {
    #[cfg(feature = "tracing")]
    entered: tracing::span::EnteredSpan,
}

/// The span of one run that may wait, entered while it does not.
pub(crate) struct WaitingSpan {
    #[cfg(feature = "tracing")]
    span: tracing::Span,
}

#[cfg(feature = "tracing")]
impl Span {
    pub(crate) fn enter(script: &Script) -> Self {
        Self { entered: WaitingSpan::new(script).span.entered() }
    }

    /// Whether anyone sees the spans of runs.
    pub(crate) fn is_seen() -> bool {
        tracing::enabled!(target: "perilune", tracing::Level::INFO)
    }

    /// Records how the run ended.
    pub(crate) fn end(&self, trace: &Trace) {
        record(&self.entered, trace);
    }
}

#[cfg(feature = "tracing")]
impl WaitingSpan {
    pub(crate) fn new(script: &Script) -> Self {
        use tracing::field::Empty;
        let span = tracing::info_span!(
            target: "perilune",
            "run",
            script = script.name(),
            version = script.version(),
            id = Empty,
            status = Empty,
            duration_ns = Empty,
        );
        Self { span }
    }

    /// Goes on with the run.
    pub(crate) fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        self.span.in_scope(work)
    }

    /// Records how the run ended.
    pub(crate) fn end(&self, trace: &Trace) {
        record(&self.span, trace);
    }
}

#[cfg(feature = "tracing")]
fn record(span: &tracing::Span, trace: &Trace) {
    span.record("id", trace.id);
    span.record("status", trace.status.as_str());
    span.record("duration_ns", u64::try_from(trace.duration.as_nanos()).unwrap_or(u64::MAX));
}

#[cfg(not(feature = "tracing"))]
impl Span {
    pub(crate) fn enter(_: &Script) -> Self {
        Self {}
    }

    pub(crate) fn is_seen() -> bool {
        false
    }

    pub(crate) fn end(&self, _: &Trace) {}
}

#[cfg(not(feature = "tracing"))]
impl WaitingSpan {
    pub(crate) fn new(_: &Script) -> Self {
        Self {}
    }

    pub(crate) fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        work()
    }

    pub(crate) fn end(&self, _: &Trace) {}
}
