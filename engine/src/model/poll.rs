//! Calls the host from time to time while a run is under way.

use std::cell::Cell;
use std::fmt;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::model::deadline::Deadline;
use crate::model::nesting::Nesting;

/// The shortest period: a run that called without end would get nowhere.
const SHORTEST: Duration = Duration::from_millis(1);

/// A question to the host, asked about every period while the run of a request waits for a VM and while it runs, on the thread
/// that makes the run; `Break` ends the run as [`cancelled`](crate::Status::Cancelled), and so does a panic. It is for a host that
/// has to see to something meanwhile, such as the signals of the language that it serves. Clones are the same question.
///
/// A run that is shorter than the period does not ask, nor does one that is in a host function, or in the queue
/// of [`Script::submit`](crate::Script::submit), where it has no thread yet. What the answer takes counts towards the run's
/// timeout, or its wait. It may begin runs, as a host function may. In a batch it ends its own request's run, and no other.
///
/// ```
/// use std::ops::ControlFlow;
/// use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
/// use std::time::Duration;
///
/// use perilune::{Engine, Poll, Request, Status};
///
/// /// Set by the handler of a signal.
/// static STOP: AtomicBool = AtomicBool::new(false);
///
/// let script = Engine::new().compile("endless", "while true do end")?;
/// let poll = Poll::new(Duration::from_millis(50), || {
///     if STOP.load(Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
/// });
/// STOP.store(true, Relaxed);
/// assert_eq!(script.run(&Request::new().poll(&poll))?.status, Status::Cancelled);
/// # Ok::<(), perilune::Error>(())
/// ```
#[derive(Clone)]
pub struct Poll {
    period: Duration,
    callback: Arc<dyn Fn() -> ControlFlow<()> + Send + Sync>,
}

impl Poll {
    /// Asks `callback` about every `period`, a millisecond at least.
    pub fn new(period: Duration, callback: impl Fn() -> ControlFlow<()> + Send + Sync + 'static) -> Self {
        Self { period: period.max(SHORTEST), callback: Arc::new(callback) }
    }

    /// When it is to be called, had it been at `now`.
    pub(crate) fn due(&self, now: Instant) -> Deadline {
        Deadline::after(now, self.period)
    }

    /// Calls the host. A panic ends the run, too: there may be frames of C++ between here and who could be told.
    pub(crate) fn call(&self) -> ControlFlow<()> {
        let _nesting = Nesting::enter();
        catch_unwind(AssertUnwindSafe(|| (self.callback)())).unwrap_or(ControlFlow::Break(()))
    }
}

impl fmt::Debug for Poll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Poll").field("period", &self.period).finish_non_exhaustive()
    }
}

/// The calls of one run that has a VM.
pub(crate) struct Polling<'a> {
    poll: &'a Poll,
    due: Cell<Deadline>,
    /// When the run must end.
    deadline: Deadline,
    /// Has the run look again at this time, and no more at what was said before.
    wake_at: &'a dyn Fn(Deadline),
    is_over: Cell<bool>,
}

impl<'a> Polling<'a> {
    /// `wake_at` has the run look at a time; at first that is when the first call is `due`.
    pub(crate) fn new(
        poll: &'a Poll,
        due: Deadline,
        deadline: Deadline,
        wake_at: &'a dyn Fn(Deadline),
    ) -> Self {
        Self { poll, due: Cell::new(due), deadline, wake_at, is_over: Cell::new(false) }
    }

    /// Calls the host if that is due at `now`, on the thread that runs the VM; returns whether it was.
    pub(crate) fn poll(&self, now: Instant) -> bool {
        if !self.due.get().has_passed(now) {
            return false;
        }
        let due = match self.poll.call() {
            ControlFlow::Continue(()) => self.poll.due(Instant::now()),
            ControlFlow::Break(()) => {
                self.is_over.set(true);
                Deadline::NEVER
            }
        };
        self.due.set(due);
        (self.wake_at)(due.min(self.deadline));
        true
    }

    /// Whether the host said to stop. No handle is cancelled for that: making one and listing the run with it would be what most of a
    /// poll costs a run that is too short for one.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over.get()
    }
}
