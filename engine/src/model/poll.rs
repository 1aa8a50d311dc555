//! Polls: calls of the host from time to time while a run is under way.

use std::fmt;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::model::deadline::Deadline;
use crate::model::nesting::Nesting;

/// The shortest period: with a shorter one, a run could spend all of its time in the host.
const SHORTEST: Duration = Duration::from_millis(1);

/// A callback of the host, called about every period while the run of a request waits for a VM and while it runs, on the thread
/// that makes the run; `Break` ends the run as [`cancelled`](crate::Status::Cancelled), and so does a panic. It is for a host that
/// has to see to something meanwhile, such as the signals of the language that it serves. Clones share the callback.
///
/// A run that is shorter than the period does not poll, nor does one that is in a host function, or in the queue
/// of [`Script::submit`](crate::Script::submit) or [`run_async`](crate::Script::run_async), where it has no thread yet. The time that the
/// callback takes counts towards the run's timeout, or its wait. It may begin runs, as a host function may. In a batch it ends its own request's run, and no other.
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
    /// Calls `callback` about every `period`, which is at least a millisecond.
    pub fn new(period: Duration, callback: impl Fn() -> ControlFlow<()> + Send + Sync + 'static) -> Self {
        Self { period: period.max(SHORTEST), callback: Arc::new(callback) }
    }

    /// When it is due next after a call at `now`.
    pub(crate) fn due(&self, now: Instant) -> Deadline {
        Deadline::after(now, self.period)
    }

    /// Calls the host. A panic ends the run, too: it can't unwind further, as there may be C++ frames above.
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

/// The polling of one run that has a VM. One thread at a time uses it.
pub(crate) struct Polling<'a> {
    poll: &'a Poll,
    due: AtomicU64,
    /// When the run must end.
    deadline: Deadline,
    /// Has the interrupt of the run's VM armed at this time, instead of the time set before.
    wake_at: &'a (dyn Fn(Deadline) + Sync),
    is_over: AtomicBool,
}

impl<'a> Polling<'a> {
    /// `wake_at` has the interrupt armed at a time; the caller has done so for the first call, which is `due`.
    pub(crate) fn new(
        poll: &'a Poll,
        due: Deadline,
        deadline: Deadline,
        wake_at: &'a (dyn Fn(Deadline) + Sync),
    ) -> Self {
        Self { poll, due: due.as_nanos().into(), deadline, wake_at, is_over: AtomicBool::new(false) }
    }

    /// Calls the host if that is due at `now`, on the thread that runs the VM; returns whether it was.
    pub(crate) fn poll(&self, now: Instant) -> bool {
        if !Deadline::at(self.due.load(Relaxed)).has_passed(now) {
            return false;
        }
        let due = match self.poll.call() {
            ControlFlow::Continue(()) => self.poll.due(Instant::now()),
            ControlFlow::Break(()) => {
                self.is_over.store(true, Relaxed);
                Deadline::NEVER
            }
        };
        self.due.store(due.as_nanos(), Relaxed);
        (self.wake_at)(due.min(self.deadline));
        true
    }

    /// Whether the host ended the run. This is a flag and not a cancel handle: registering with one would be most of what a poll
    /// costs a short run.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Relaxed)
    }
}
