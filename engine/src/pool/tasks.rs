//! The scheduler of tasks: which task is next, and which runner is woken for it.
//!
//! A task is a submitted run that waits for a VM; it has no thread of its own. A runner is a thread of the pool that takes
//! the task that expires first, once there is a VM for it or it has expired. This file holds the decisions; the threads
//! are in `runners`, and the VMs in `pool`. All states are under the pool's lock, and only the methods named here change
//! them:
//!
//! | state | what it says | changed by |
//! | --- | --- | --- |
//! | `waiting` | the tasks, the first to expire first | the submitting thread: `push`; the runner that takes one: `take`; who waits no more: `remove` |
//! | `is_first_starving` | the first task has waited for [`STARVING`]: while a runner is idle, the next VM that comes back is reserved for it | a runner: `peek` updates it, `take` clears it |
//! | `runners` | threads that exist | the submitting thread: `add_runner`; a runner at its end: `remove_runner` |
//! | `idle` | runners that sleep | the runner itself: `rest`, `wake_up` |
//! | `watching` | of the idle runners, those that sleep with a timeout, until a task expires or starves | as `idle` |
//! | `is_one_woken` | a runner was woken and does not run yet: no other is woken meanwhile | whoever has a VM or a task: `must_wake`; any runner that wakes up, woken or timed out: `wake_up` |
//! | `resumed` | runs that waited for host functions, have their VMs, and can go on, in the order in which they were woken | whoever wakes one: `resume`; a runner: `take_resumed` |
//! | `is_resumed_next` | the next runner prefers one of those to a task: both take turns where both wait, so that neither kind waits for all of the other | a runner: `take_resumed` clears it, `take` sets it |
//! | `has_ended` | the engine was dropped, and runners end | the pool, once: `end` |

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use super::seat::Tenant;

/// How long a caller or task may wait before VMs are reserved for it. Until then a VM goes to whoever asks first, which
/// gives the most throughput: to wake a thread takes longer than a short run.
pub(super) const STARVING: Duration = Duration::from_millis(10);

/// A submitted run that waits for a VM.
pub(super) struct Task<W> {
    pub(super) submitted: Instant,
    pub(super) expires: Instant,
    /// Whose run it is, where VMs serve one tenant.
    pub(super) tenant: Tenant,
    /// Whether it counts as one that was submitted: others wait in a task of the host's.
    pub(super) is_counted: bool,
    pub(super) work: W,
}

/// When a task expires, when it was submitted, and its number.
pub(super) type TaskKey = (Instant, Instant, u64);

struct Waiting<W> {
    tenant: Tenant,
    is_counted: bool,
    work: W,
}

/// The states above.
pub(super) struct Tasks<W, R> {
    /// By when they expire, then by when they were submitted, then by their number.
    waiting: BTreeMap<TaskKey, Waiting<W>>,
    /// How many of them count as submitted runs.
    counted: usize,
    submitted: u64,
    is_first_starving: bool,
    runners: usize,
    idle: usize,
    watching: usize,
    is_one_woken: bool,
    has_ended: bool,
    resumed: VecDeque<R>,
    is_resumed_next: bool,
}

impl<W, R> Default for Tasks<W, R> {
    fn default() -> Self {
        Self {
            waiting: BTreeMap::new(),
            counted: 0,
            submitted: 0,
            is_first_starving: false,
            runners: 0,
            idle: 0,
            watching: 0,
            is_one_woken: false,
            has_ended: false,
            resumed: VecDeque::new(),
            is_resumed_next: true,
        }
    }
}

/// What a runner needs to know of the first task.
pub(super) struct FirstTask {
    pub(super) is_starving: bool,
    pub(super) expires: Instant,
    /// Until when a runner sleeps when no VM is free. It checks again then, since no runner is woken for a VM whose own
    /// runner still runs a callback.
    pub(super) rest_until: Instant,
    pub(super) tenant: Tenant,
}

impl<W, R> Tasks<W, R> {
    /// How many VMs are reserved for tasks.
    pub(super) fn reserved(&self) -> usize {
        usize::from(self.is_first_starving && self.idle > 0)
    }

    /// How many submitted runs wait.
    pub(super) fn counted(&self) -> usize {
        self.counted
    }

    /// Whether to start one more runner. There may be one more than make runs, so that while all of these do, one runner is
    /// left to expire tasks.
    pub(super) fn needs_runner(&self, most: usize) -> bool {
        self.idle < self.waiting.len() + self.resumed.len() && self.runners <= most
    }

    pub(super) fn has_runners(&self) -> bool {
        self.runners > 0
    }

    pub(super) fn add_runner(&mut self) {
        self.runners += 1;
    }

    pub(super) fn remove_runner(&mut self) {
        self.runners -= 1;
    }

    /// Adds a task.
    pub(super) fn push(&mut self, task: Task<W>) -> TaskKey {
        self.submitted += 1;
        let key = (task.expires, task.submitted, self.submitted);
        let Task { tenant, is_counted, work, .. } = task;
        self.counted += usize::from(is_counted);
        self.waiting.insert(key, Waiting { tenant, is_counted, work });
        key
    }

    /// Whether it is the first to expire.
    pub(super) fn is_first(&self, key: &TaskKey) -> bool {
        self.waiting.first_key_value().is_some_and(|(first, _)| first == key)
    }

    /// Removes a task that still waits.
    pub(super) fn remove(&mut self, key: &TaskKey) -> Option<W> {
        let Waiting { is_counted, work, .. } = self.waiting.remove(key)?;
        self.counted -= usize::from(is_counted);
        Some(work)
    }

    /// The task that a runner is to take next, if there is any.
    pub(super) fn peek(&mut self, now: Instant) -> Option<FirstTask> {
        let first =
            self.waiting.first_key_value().map(|(&(expires, submitted, _), Waiting { tenant, .. })| {
                let starves_at = submitted + STARVING;
                let is_starving = starves_at <= now;
                let rest_until = expires.min(if is_starving { now + STARVING } else { starves_at });
                FirstTask { is_starving, expires, rest_until, tenant: tenant.clone() }
            });
        self.is_first_starving = first.as_ref().is_some_and(|first| first.is_starving);
        first
    }

    /// Removes the task that [`peek`](Self::peek) described, under the same lock.
    pub(super) fn take(&mut self) -> Option<Task<W>> {
        self.is_first_starving = false;
        self.is_resumed_next = true;
        let ((expires, submitted, _), Waiting { tenant, is_counted, work }) = self.waiting.pop_first()?;
        self.counted -= usize::from(is_counted);
        Some(Task { submitted, expires, tenant, is_counted, work })
    }

    /// Adds a run that can go on.
    pub(super) fn resume(&mut self, run: R) {
        self.resumed.push_back(run);
    }

    /// Whether one of those is preferred now.
    pub(super) fn is_resumed_next(&self) -> bool {
        self.is_resumed_next
    }

    /// The one that was woken first.
    pub(super) fn take_resumed(&mut self) -> Option<R> {
        let run = self.resumed.pop_front()?;
        self.is_resumed_next = false;
        Some(run)
    }

    /// A runner goes to sleep until it is woken or, when it `watches`, until its timeout.
    pub(super) fn rest(&mut self, watches: bool) {
        self.idle += 1;
        self.watching += usize::from(watches);
    }

    /// A runner is awake again.
    pub(super) fn wake_up(&mut self, watched: bool) {
        self.idle -= 1;
        self.watching -= usize::from(watched);
        self.is_one_woken = false;
    }

    /// Whether to wake a runner now, because a VM is free (`is_free`), because a task must be expired in time, or because a run can go on. One runner at
    /// a time: to wake one is a system call, which costs as much as a short run, and the one that wakes up wakes the next.
    pub(super) fn must_wake(&mut self, is_free: bool, is_first_to_expire: bool) -> bool {
        let is_needed = is_free || is_first_to_expire || self.watching == 0;
        let can_wake = self.idle > 0 && !self.is_one_woken;
        let wakes = can_wake && (is_needed && !self.waiting.is_empty() || !self.resumed.is_empty());
        self.is_one_woken |= wakes;
        wakes
    }

    pub(super) fn end(&mut self) {
        self.has_ended = true;
    }

    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }
}
