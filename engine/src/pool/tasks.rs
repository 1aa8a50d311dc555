//! The scheduler of tasks: which work is next, and which worker is woken for it.
//!
//! A task is a run that waits for a VM without a thread of its own. Workers are threads of the pool's that take the first to
//! expire, once there is a VM for it or its time is up. This file decides; the threads are in `workers`, and the VMs in `pool`.
//! All states are under the pool's lock, and only the methods named here change them:
//!
//! | state | what it says | changed by |
//! | --- | --- | --- |
//! | `waiting` | the tasks, the first to expire on top | who submits: `push`; the worker that does one: `take` |
//! | `is_first_starving` | the first of them has waited for [`STARVING`]: while a worker rests, a VM that comes back is for it | a worker: `peek` says what is so now, `take` ends it |
//! | `workers` | threads that there are | who submits: `add_worker`; a worker at its end: `remove_worker` |
//! | `idle` | workers that rest | the worker itself: `rest`, `wake_up` |
//! | `watching` | of the idle ones, those that rest until somebody's time is up | as `idle` |
//! | `is_one_woken` | an idle one was told that there is something to do, and is not here yet: no other is told | whoever made something to do: `must_wake`; any worker that stops to rest, told or not: `wake_up` |
//! | `has_ended` | the engine is gone, and workers end | the pool, once: `end` |

use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

/// How long it may take until it is somebody's turn. Until then a VM goes to whoever comes first, which is fastest: to wake
/// a thread takes longer than a short run.
pub(super) const STARVING: Duration = Duration::from_millis(10);

/// Work that waits for a VM.
pub(super) struct Task<W> {
    pub(super) submitted: Instant,
    pub(super) expires: Instant,
    pub(super) work: W,
}

impl<W> PartialEq for Task<W> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<W> Eq for Task<W> {}

impl<W> PartialOrd for Task<W> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// The earliest to expire is the greatest: a heap has that on top. Of two that expire together, the one that came first.
impl<W> Ord for Task<W> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (other.expires, other.submitted).cmp(&(self.expires, self.submitted))
    }
}

/// The states above.
pub(super) struct Tasks<W> {
    waiting: BinaryHeap<Task<W>>,
    is_first_starving: bool,
    workers: usize,
    idle: usize,
    watching: usize,
    is_one_woken: bool,
    has_ended: bool,
}

impl<W> Default for Tasks<W> {
    fn default() -> Self {
        Self {
            waiting: BinaryHeap::new(),
            is_first_starving: false,
            workers: 0,
            idle: 0,
            watching: 0,
            is_one_woken: false,
            has_ended: false,
        }
    }
}

/// The first task, as a worker sees it.
pub(super) struct FirstTask {
    pub(super) is_starving: bool,
    pub(super) expires: Instant,
    /// Up to when to rest where there is no VM. Meanwhile one may come whose time is up sooner, or a VM for which nobody is woken: its
    /// worker is still telling what came of a run.
    pub(super) rest_until: Instant,
}

impl<W> Tasks<W> {
    /// How many VMs are kept for tasks.
    pub(super) fn reserved(&self) -> usize {
        usize::from(self.is_first_starving && self.idle > 0)
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether one more worker is of use. There is one more than there are VMs: while all run, somebody must see that time is up
    /// for those that wait.
    pub(super) fn needs_worker(&self, vms: usize) -> bool {
        self.idle <= self.waiting.len() && self.workers <= vms
    }

    pub(super) fn has_workers(&self) -> bool {
        self.workers > 0
    }

    pub(super) fn add_worker(&mut self) {
        self.workers += 1;
    }

    pub(super) fn remove_worker(&mut self) {
        self.workers -= 1;
    }

    /// Returns whether it is the first to expire.
    pub(super) fn push(&mut self, task: Task<W>) -> bool {
        let is_first = self.waiting.peek().is_none_or(|first| task.expires < first.expires);
        self.waiting.push(task);
        is_first
    }

    /// What a worker does next is about this task.
    pub(super) fn peek(&mut self, now: Instant) -> Option<FirstTask> {
        let first = self.waiting.peek().map(|task| {
            let starves_at = task.submitted + STARVING;
            let is_starving = starves_at <= now;
            let rest_until = task.expires.min(if is_starving { now + STARVING } else { starves_at });
            FirstTask { is_starving, expires: task.expires, rest_until }
        });
        self.is_first_starving = first.as_ref().is_some_and(|first| first.is_starving);
        first
    }

    /// The task that [`peek`](Self::peek) was about, under the same lock.
    pub(super) fn take(&mut self) -> Option<Task<W>> {
        self.is_first_starving = false;
        self.waiting.pop()
    }

    /// A worker rests, until it is told or, where it `watches`, until a time.
    pub(super) fn rest(&mut self, watches: bool) {
        self.idle += 1;
        self.watching += usize::from(watches);
    }

    /// It is here again.
    pub(super) fn wake_up(&mut self, watched: bool) {
        self.idle -= 1;
        self.watching -= usize::from(watched);
        self.is_one_woken = false;
    }

    /// Whether to tell a worker now: there is a VM (`is_free`), or somebody must see when time is up. One at a time: that is a
    /// call of the kernel, which costs as much as a short run, and who was woken looks at all that waits, and wakes the next.
    pub(super) fn must_wake(&mut self, is_free: bool, is_first_to_expire: bool) -> bool {
        let is_needed = is_free || is_first_to_expire || self.watching == 0;
        let can_wake = self.idle > 0 && !self.is_one_woken;
        let wakes = is_needed && can_wake && !self.waiting.is_empty();
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
