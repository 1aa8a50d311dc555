//! Runs on the engine's own threads: the caller goes on, and gets the result by a callback, a wait or a future.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use super::execute::Execution;
use super::script::Script;
use super::span::Origin;
use crate::model::cancel::{CancelHandle, CancelTarget, Registration};
use crate::model::error::Error;
use crate::model::limits::Limits;
use crate::model::request::Request;
use crate::model::trace::Trace;
use crate::pool::pool::{Checkout, CheckoutError};
use crate::pool::seat::PooledVm;

impl Script {
    /// Has a run made on the engine's own threads, as soon as there is a VM.
    pub fn submit(&self, request: Request<'static>) -> Ticket {
        Ticket::submit(self, request)
    }

    /// Has a run made on the engine's own threads, as soon as there is a VM, and then has `callback` called: on such a
    /// thread, which others wait for, or on the caller's, when the run can't begin. It must not block. The request's
    /// [`CancelHandle`](crate::CancelHandle) ends it, also while it waits.
    pub fn submit_with(
        &self,
        request: Request<'static>,
        callback: impl FnOnce(Result<Trace, Error>) + Send + 'static,
    ) {
        submit(self, request, None, Box::new(callback));
    }
}

/// The callback that gets the result.
pub(crate) type Completion = Box<dyn FnOnce(Result<Trace, Error>) + Send>;

/// A run that was handed to [`Script::submit`]: wait for it, or await it. Dropping this neither
/// waits nor cancels.
///
/// ```
/// use perilune::{Engine, Request};
///
/// let engine = Engine::new();
/// let script = engine.compile("hello", "return 'Hello ' .. GET.monster")?;
/// let ticket = script.submit(Request::new().query("monster=Manticore"));
/// assert_eq!(ticket.wait()?.value.as_deref(), Some("\"Hello Manticore\""));
/// # Ok::<(), perilune::Error>(())
/// ```
#[must_use = "without it there is no way to the result; `submit_with` calls back"]
pub struct Ticket {
    inner: Arc<TicketInner>,
    cancel: CancelHandle,
}

#[derive(Default)]
struct TicketInner {
    state: Mutex<TicketState>,
    done: Condvar,
}

/// What a ticket waits for.
enum TicketState {
    /// The run has not ended; the waker of the task that awaits it.
    Pending(Option<Waker>),
    Ready(Result<Trace, Error>),
    /// The result was handed out.
    Taken,
}

impl Default for TicketState {
    fn default() -> Self {
        Self::Pending(None)
    }
}

impl TicketState {
    /// Takes the result, if there is one.
    ///
    /// # Panics
    /// It was taken before.
    fn take(&mut self) -> Option<Result<Trace, Error>> {
        match std::mem::replace(self, Self::Taken) {
            Self::Ready(result) => Some(result),
            Self::Taken => panic!(
                "a Ticket is ready once: it was polled, or waited for, after it had handed out its result"
            ),
            pending => {
                *self = pending;
                None
            }
        }
    }
}

impl TicketInner {
    /// A poisoned lock is used all the same: the state is consistent even when [`TicketState::take`] panics.
    fn lock(&self) -> MutexGuard<'_, TicketState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket {
    pub(crate) fn submit(script: &Script, request: Request<'static>) -> Self {
        let ticket = Self { inner: Arc::default(), cancel: CancelHandle::new() };
        let inner = Arc::clone(&ticket.inner);
        let complete = move |result| {
            let before = std::mem::replace(&mut *inner.lock(), TicketState::Ready(result));
            inner.done.notify_all();
            if let TicketState::Pending(Some(waker)) = before {
                waker.wake();
            }
        };
        submit(script, request, Some(&ticket.cancel), Box::new(complete));
        ticket
    }

    /// Waits for the run to end.
    ///
    /// # Errors
    /// Those of [`Script::run`].
    ///
    /// # Panics
    /// The ticket was polled, and was ready then.
    pub fn wait(self) -> Result<Trace, Error> {
        let mut state = self.inner.lock();
        loop {
            match state.take() {
                Some(result) => return result,
                None => state = self.inner.done.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// Whether the run has ended.
    #[must_use]
    pub fn is_done(&self) -> bool {
        !matches!(*self.inner.lock(), TicketState::Pending(_))
    }

    /// Ends the run: at once where it waits for a VM, at its next safepoint where it runs.
    pub fn cancel(&self) {
        self.cancel.cancel();
    }
}

/// Polled again after it was ready, it panics.
impl Future for Ticket {
    type Output = Result<Trace, Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.inner.lock();
        match state.take() {
            Some(result) => Poll::Ready(result),
            None => {
                *state = TicketState::Pending(Some(context.waker().clone()));
                Poll::Pending
            }
        }
    }
}

impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ticket").field("is_done", &self.is_done()).finish_non_exhaustive()
    }
}

/// Has a runner run the script and call `callback` with the result. When the run can't begin, `callback` is called here.
pub(crate) fn submit(
    script: &Script,
    request: Request<'static>,
    cancel: Option<&CancelHandle>,
    callback: Completion,
) {
    let engine = &*script.engine;
    let limits = match Execution::new(script, &request, cancel) {
        Ok(execution) => execution.limits,
        Err(error) => return callback(Err(error)),
    };
    let tenant = request.tenant.as_deref().map(Arc::from);
    let handles: Vec<CancelHandle> = request.cancel.iter().chain(cancel).cloned().collect();
    let submission = Arc::new(Submission {
        waiting: Mutex::new(Some(Waiting {
            script: script.clone(),
            request,
            cancel: cancel.cloned(),
            limits,
            callback,
            submitted: Instant::now(),
            origin: Origin::here(),
            registrations: Vec::new(),
        })),
    });
    for handle in handles {
        let one = Arc::new(CancelSubmission(Arc::downgrade(&submission)));
        let registration = handle.register(one);
        if let Some(waiting) = &mut *submission.lock() {
            waiting.registrations.push(registration);
        }
    }
    engine.pool.submit(
        limits.queue,
        Some(engine.backlog),
        tenant,
        Box::new(move |with| submission.run(with)),
    );
}

/// A run that waits for a VM, until it has one or is cancelled.
struct Submission {
    waiting: Mutex<Option<Waiting>>,
}

struct Waiting {
    script: Script,
    request: Request<'static>,
    cancel: Option<CancelHandle>,
    limits: Limits,
    callback: Completion,
    submitted: Instant,
    origin: Origin,
    /// With the handles that can cancel it. They refer to the submission weakly, so there is no cycle.
    registrations: Vec<Registration>,
}

impl Waiting {
    fn execution(&self) -> Execution<'_> {
        let Self { script, request, cancel, limits, .. } = self;
        Execution { script, request, cancel: cancel.as_ref(), limits: *limits }
    }
}

impl Waiting {
    /// Makes a run that may wait, in a VM that was checked out, and calls back.
    async fn run_waiting(self, pooled: PooledVm, queued: Duration) {
        let result = {
            let execution = self.execution();
            let checkout = self.script.engine.pool.for_runner(pooled);
            let mut run = pin!(async {
                let mut trace = self.script.blank_trace();
                execution.run_in_waiting(checkout, queued, &mut trace).await?;
                Ok(trace)
            });
            let polled = poll_fn(|context| {
                // A panic is no reason not to call back; it is not polled again then.
                let poll = || self.origin.within(|| run.as_mut().poll(context));
                catch_unwind(AssertUnwindSafe(poll)).unwrap_or_else(|_| Poll::Ready(Err(panicked())))
            });
            polled.await
        };
        (self.callback)(result);
    }
}

fn panicked() -> Error {
    Error::Internal("the run panicked".to_owned())
}

impl Submission {
    fn lock(&self) -> MutexGuard<'_, Option<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, with: Result<(Checkout<'_>, Duration), CheckoutError>) {
        // It was cancelled meanwhile: the VM returns to the pool unused.
        let Some(mut waiting) = self.lock().take() else { return };
        waiting.registrations.clear();
        let with = match with {
            Ok((checkout, queued)) if waiting.script.may_wait() => {
                let pool = &Arc::clone(&waiting.script.engine).pool;
                return pool.drive(Box::pin(waiting.run_waiting(checkout.into_vm(), queued)));
            }
            with => with,
        };
        let run = || {
            let mut trace = waiting.script.blank_trace();
            match with {
                Ok((checkout, queued)) => waiting.execution().run_in(checkout, queued, &mut trace),
                Err(error) => waiting.execution().not_checked_out(error, &mut trace),
            }?;
            Ok(trace)
        };
        // The callback must be called even if the host's code in a run (such as a tracing subscriber) panics.
        let result = catch_unwind(AssertUnwindSafe(|| waiting.origin.within(run)));
        (waiting.callback)(result.unwrap_or_else(|_| Err(panicked())));
    }
}

struct CancelSubmission(Weak<Submission>);

impl CancelTarget for CancelSubmission {
    fn on_cancel(&self) {
        let Some(submission) = self.0.upgrade() else { return };
        let Some(mut waiting) = submission.lock().take() else { return };
        waiting.registrations.clear();
        let complete = || {
            let mut trace = waiting.script.blank_trace();
            waiting.origin.within(|| waiting.execution().cancelled(waiting.submitted.elapsed(), &mut trace));
            (waiting.callback)(Ok(trace));
        };
        // A panic of the callback must not reach the thread that cancels, which has other targets to call.
        let _ = catch_unwind(AssertUnwindSafe(complete));
    }
}
