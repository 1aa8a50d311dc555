//! Asking the host now and then whether a run is to go on.

use std::cell::Cell;
use std::fmt;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::pool::Nesting;
use crate::watchdog::{Deadline, Guard};

/// The shortest period: each costs a wake-up of the watchdog.
const SHORTEST: Duration = Duration::from_millis(1);

/// A question to the host, asked about every period while the run of a request waits for a VM and while it runs, on the thread that
/// makes it: so a host sees to signals that came meanwhile. `Break` ends the run as
/// [`Status::Cancelled`](crate::Status::Cancelled), and so does a panic. Clones are the same question.
///
/// It is not asked while a host function is under way, while a submitted run waits for its turn, nor in a run that is over
/// before the period is. It may begin other runs, also of the same engine; the run's time goes on meanwhile.
///
/// ```
/// use std::ops::ControlFlow;
/// use std::time::Duration;
///
/// use perilune::{Engine, Poll, Request, Status};
///
/// let script = Engine::new().compile("endless", "while true do end")?;
/// let poll = Poll::new(Duration::from_millis(5), || ControlFlow::Break(()));
/// assert_eq!(script.run(&Request::new().poll(&poll))?.status, Status::Cancelled);
/// # Ok::<(), perilune::Error>(())
/// ```
#[derive(Clone)]
pub struct Poll {
    pub(crate) period: Duration,
    function: Arc<dyn Fn() -> ControlFlow<()> + Send + Sync>,
}

impl Poll {
    /// Asks `function` about every `period`, a millisecond at least.
    pub fn new(period: Duration, function: impl Fn() -> ControlFlow<()> + Send + Sync + 'static) -> Self {
        Self { period: period.max(SHORTEST), function: Arc::new(function) }
    }

    /// Asks the host, who may begin other runs. A panic is a no.
    pub(crate) fn says_stop(&self) -> bool {
        let _nesting = Nesting::enter();
        catch_unwind(AssertUnwindSafe(|| (self.function)().is_break())).unwrap_or(true)
    }
}

impl fmt::Debug for Poll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Poll").field("period", &self.period).finish_non_exhaustive()
    }
}

/// The asking during one run, on its thread.
pub(crate) struct Polling<'a> {
    poll: &'a Poll,
    watch: &'a Guard<'a>,
    /// The run's.
    deadline: Deadline,
    due: Cell<Deadline>,
    is_over: Cell<bool>,
}

impl<'a> Polling<'a> {
    /// `watch` wakes the run at `due` first.
    pub(crate) fn new(poll: &'a Poll, watch: &'a Guard<'a>, deadline: Deadline, due: Deadline) -> Self {
        Self { poll, watch, deadline, due: Cell::new(due), is_over: Cell::new(false) }
    }

    /// Asks, if it is time.
    pub(crate) fn look(&self) {
        if self.is_over() || !self.due.get().passed(Instant::now()) {
            return;
        }
        if self.poll.says_stop() {
            self.is_over.set(true);
            return;
        }
        self.due.set(Deadline::after(Instant::now(), self.poll.period));
        self.watch.renew(self.deadline.min(self.due.get()));
    }

    /// The host said to stop.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over.get()
    }
}
