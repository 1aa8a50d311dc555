//! One run, from a request to a trace.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::script::Script;
use super::span::{Span, WaitingSpan};
use crate::model::cancel::{self, CancelHandle};
use crate::model::deadline::Deadline;
use crate::model::error::Error;
use crate::model::limits::Limits;
use crate::model::request::Request;
use crate::model::trace::{ErrorKind, ScriptError, Status, Trace};
use crate::pool::counters::Recorder;
use crate::pool::pool::{Checkout, CheckoutError};
use crate::vm::job::Job;

impl Script {
    /// Runs it: what comes of it is in the trace, errors of the script included. 32 KiB of stack are enough to call this, on a
    /// fiber, too: where the thread's own stack has less than 1 MiB left, the run is on one of its VM's.
    ///
    /// # Errors
    /// Only what keeps the run from beginning: a request that can't be given to a script, or a failing system.
    pub fn run(&self, request: &Request<'_>) -> Result<Trace, Error> {
        Execution::new(self, request, None)?.run()
    }

    /// Runs it where this future is polled, by any executor: while a host function of [`Engine::async_function`](crate::Engine::async_function)
    /// has not answered, the run takes no thread, and its deadline or cancel handle ends it at once. Dropped, it ends there; that costs its VM, as a
    /// timeout does. Nothing is begun before the first poll.
    ///
    /// Between two such calls it computes on the executor's thread. [`submit`](Self::submit) makes runs on the engine's own. Its waker may be called by the
    /// thread that sees to deadlines: it must not block, as no waker should.
    ///
    /// ```
    /// use perilune::{Engine, Request};
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// let engine = Engine::new();
    /// engine.async_function("fetch", |call| async move {
    ///     tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    ///     Ok(format!("got {}", call.text(0)?))
    /// })?;
    /// let script = engine.compile("fetch", "return host.fetch('/a')")?;
    /// let trace = script.run_async(&Request::new()).await?;
    /// assert_eq!(trace.value.as_deref(), Some("\"got /a\""));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn run_async(&self, request: &Request<'_>) -> Result<Trace, Error> {
        let execution = Execution::new(self, request, None)?;
        let mut trace = self.blank_trace();
        if execution.ends_early(Duration::ZERO, &mut trace) {
            return Ok(trace);
        }
        let (limits, tenant) = (&execution.limits, request.tenant.as_deref());
        let cancels: Vec<_> = request.cancel.iter().collect();
        match self.engine.pool.checkout_waiting(limits.queue, tenant, &cancels).await {
            Ok((checkout, queued)) if self.may_wait() => {
                execution.run_in_waiting(checkout, queued, &mut trace).await?;
            }
            Ok((checkout, queued)) => execution.run_in(checkout, queued, &mut trace)?,
            Err(error) => execution.not_checked_out(error, &mut trace)?,
        }
        Ok(trace)
    }

    /// Whether a run may wait for a host function.
    pub(super) fn may_wait(&self) -> bool {
        self.functions.as_ref().is_some_and(|own| own.may_wait)
            || self.engine.environment.current().functions.may_wait
    }

    /// As [`run`](Self::run), for the C ABI, whose traces are behind pointers: it fills a [`blank_trace`](Self::blank_trace) in place,
    /// since what was written just now is the dearest to move.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    #[doc(hidden)]
    pub fn run_into(&self, request: &Request<'_>, trace: &mut Trace) -> Result<(), Error> {
        Execution::new(self, request, None)?.run_into(trace)
    }

    /// The trace of a run that has not begun, for one call of [`run_into`](Self::run_into).
    #[doc(hidden)]
    #[must_use]
    #[inline]
    pub fn blank_trace(&self) -> Trace {
        Trace::new(Arc::clone(&self.compiled.name), self.compiled.version)
    }
}

/// One run of a script, whose request was checked against its limits.
pub(crate) struct Execution<'a> {
    pub(super) script: &'a Script,
    pub(super) request: &'a Request<'a>,
    /// A handle that cancels it, beside the request's own: a batch's or a ticket's.
    pub(super) cancel: Option<&'a CancelHandle>,
    pub(super) limits: Limits,
}

impl<'a> Execution<'a> {
    /// # Errors
    /// The request is over the limits.
    pub(crate) fn new(
        script: &'a Script,
        request: &'a Request<'a>,
        cancel: Option<&'a CancelHandle>,
    ) -> Result<Self, Error> {
        let limits = script.engine.limits.lowered_by(&script.limits).lowered_by(&request.limits);
        request.check(&limits)?;
        Ok(Self { script, request, cancel, limits })
    }

    pub(crate) fn run(&self) -> Result<Trace, Error> {
        let mut trace = self.script.blank_trace();
        self.run_into(&mut trace)?;
        Ok(trace)
    }

    /// Runs it in the first VM that is free.
    fn run_into(&self, trace: &mut Trace) -> Result<(), Error> {
        if self.ends_early(Duration::ZERO, trace) {
            return Ok(());
        }
        let (request, pool) = (self.request, &self.script.engine.pool);
        match pool.checkout(self.limits.queue, request.poll.as_ref(), request.tenant.as_deref()) {
            Ok((checkout, queued)) => self.run_in(checkout, queued, trace),
            Err(error) => self.not_checked_out(error, trace),
        }
    }

    /// Runs it in a VM that was checked out.
    pub(crate) fn run_in(
        &self,
        mut checkout: Checkout<'_>,
        queued: Duration,
        trace: &mut Trace,
    ) -> Result<(), Error> {
        // Checked before the run, since a run that is stopped costs its VM.
        if self.ends_early(queued, trace) {
            return Ok(());
        }
        let span = Span::enter(self.script);
        self.begin(queued, trace);
        let began = Instant::now();
        let deadline = Deadline::after(began, self.limits.timeout);

        let (pooled, watchdog) = checkout.parts();
        let dropped = pooled.seat.run(watchdog, self.job(deadline), began, trace)?;
        self.ended(&mut pooled.recorder, dropped, trace);
        span.end(trace);
        Ok(())
    }

    /// As [`run_in`](Self::run_in), where the run may wait.
    pub(super) async fn run_in_waiting(
        &self,
        mut checkout: Checkout<'_>,
        queued: Duration,
        trace: &mut Trace,
    ) -> Result<(), Error> {
        if self.ends_early(queued, trace) {
            return Ok(());
        }
        let span = WaitingSpan::new(self.script);
        self.begin(queued, trace);
        let began = Instant::now();
        let deadline = Deadline::after(began, self.limits.timeout);
        let (pooled, watchdog) = checkout.parts();
        let dropped = {
            let tally = self.script.engine.pool.tally();
            let mut parked = None;
            let mut run = pin!(pooled.seat.run_waiting(watchdog, self.job(deadline), began, trace));
            poll_fn(|context| {
                parked = None;
                let polled = span.within(|| run.as_mut().poll(context));
                if polled.is_pending() {
                    parked = Some(tally.park());
                }
                polled
            })
            .await?
        };
        if !trace.usage.waited.is_zero() {
            pooled.recorder.count_wait(trace.usage.waited);
        }
        self.ended(&mut pooled.recorder, dropped, trace);
        span.end(trace);
        Ok(())
    }

    fn job(&self, deadline: Deadline) -> Job<'_> {
        let script = self.script;
        Job {
            compiled: &script.compiled,
            functions: script.functions.as_deref(),
            environment: &script.engine.environment,
            runs: &script.engine.runs,
            request: self.request,
            cancel: self.cancel,
            limits: &self.limits,
            deadline,
            polling: None,
        }
    }

    /// Counts a run that a VM has made.
    fn ended(&self, recorder: &mut Recorder, dropped: u64, trace: &Trace) {
        recorder.count(trace, dropped);
        if let Some(backoff) = &self.script.engine.backoff {
            backoff.ended(&self.script.compiled.hash, trace.status == Status::Crashed);
        }
    }

    /// Fills in the trace of a run that got no VM; an error where that is the engine's fault.
    pub(crate) fn not_checked_out(&self, error: CheckoutError, trace: &mut Trace) -> Result<(), Error> {
        match error {
            CheckoutError::Failed(error) => return Err(error),
            CheckoutError::Cancelled(waited) => self.cancelled(waited, trace),
            CheckoutError::Timeout => {
                let message = format!("no VM came free within {} ms", self.limits.queue.as_millis());
                self.never_ran(ErrorKind::QueueTimeout, message, self.limits.queue, trace);
            }
            CheckoutError::Full => {
                let message = format!("{} runs wait for a VM already", self.script.engine.backlog);
                self.never_ran(ErrorKind::QueueTimeout, message, Duration::ZERO, trace);
            }
        }
        Ok(())
    }

    /// Whether it is over before it begins, which the trace then tells.
    fn ends_early(&self, queued: Duration, trace: &mut Trace) -> bool {
        if self.request.cancel.as_ref().into_iter().chain(self.cancel).any(CancelHandle::is_cancelled) {
            self.cancelled(queued, trace);
            return true;
        }
        let compiled = &self.script.compiled;
        let backoff = self.script.engine.backoff.as_ref();
        if let Some(refusal) = backoff.and_then(|backoff| backoff.refusal(&compiled.hash)) {
            self.never_ran(
                ErrorKind::Crashed,
                format!("{} did not run: {refusal}", compiled.name),
                queued,
                trace,
            );
            return true;
        }
        false
    }

    /// Fills in the trace of a run that was cancelled before it began.
    pub(crate) fn cancelled(&self, queued: Duration, trace: &mut Trace) {
        self.never_ran(ErrorKind::Cancelled, cancel::MESSAGE.to_owned(), queued, trace);
    }

    /// Fills in the trace of a run that ended before it began.
    fn never_ran(&self, kind: ErrorKind, message: String, queued: Duration, trace: &mut Trace) {
        let span = Span::enter(self.script);
        self.begin(queued, trace);
        trace.id = self.script.engine.next_run();
        trace.status = kind.status();
        trace.stderr = format!("{message}\n").into_bytes();
        trace.error = Some(Box::new(ScriptError::new(kind, message)));
        self.script.engine.pool.tally().count_without_vm(trace);
        span.end(trace);
    }

    /// Fills in what is known before the run.
    fn begin(&self, queued: Duration, trace: &mut Trace) {
        trace.executed_at = SystemTime::now();
        trace.usage.queued = queued;
    }
}
