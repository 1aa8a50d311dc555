//! The VMs of an engine: lent one run at a time, made when first needed, replaced when a run ended badly.
//!
//! A stack of idle VMs under one uncontended lock. What was weighed against it: a lock-free queue
//! (`crossbeam::queue::ArrayQueue`) costs the same, but hands out the VM that rested longest, so that one caller on a
//! pool of eight walks through eight cold VMs and loads its script into each; a VM per thread (as `regex-automata`'s
//! pool keeps one for its owner) saves one lock and needs a second way for every other thread.

use std::cell::Cell;
use std::collections::BinaryHeap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;

use crate::model::error::Error;
use crate::model::poll::Poll;
use crate::pool::counters::{Recorder, Tally};
use crate::pool::metrics::Vms;
use crate::pool::watchdog::{Deadline, Watchdog, Watched};
use crate::vm::{Vm, fork};

/// A VM, the watch over it, and what counts its runs.
pub(crate) struct Member {
    pub(crate) vm: Vm,
    pub(crate) watched: Arc<Watched>,
    pub(crate) recorder: Recorder,
}

/// The pool of an engine: one per process that the engine lives in.
pub(crate) struct Pool {
    size: usize,
    first: Generation,
}

/// The VMs of one process. After a fork the child has a generation of its own: its parent's watchdog does not run in
/// it, and that one's locks may be held by threads that are not there.
struct Generation {
    number: u64,
    shared: Arc<Shared>,
    next: OnceLock<Box<Self>>,
}

/// The locks are the standard library's, for the reason that [`watchdog`](crate::pool::watchdog) gives.
struct Shared {
    size: usize,
    state: Mutex<State>,
    /// For callers that wait for a VM.
    returned: Condvar,
    /// For workers: there may be a task, and a VM for it.
    task: Condvar,
    watchdog: Watchdog,
    tally: Tally,
}

#[derive(Default)]
struct State {
    idle: Vec<Member>,
    /// VMs that exist, idle, lent or being replaced.
    made: usize,
    replacing: usize,
    waiting: usize,
    /// Callers that have waited for [`STARVING`]: a VM that comes back is not for others to take.
    starving: usize,
    /// A task has waited for so long.
    task_starves: bool,
    /// What waits for a VM without a thread of its own, the first to expire on top.
    tasks: BinaryHeap<Task>,
    workers: usize,
    workers_idle: usize,
    /// Of the idle ones: those that rest until somebody's time is up.
    workers_watching: usize,
    /// An idle one was told that there is something to do, and is not here yet.
    worker_woken: bool,
    /// The engine is gone.
    ended: bool,
    /// Where VMs go to be closed and replaced; the thread behind it is started by the first.
    replacer: Option<Sender<Member>>,
    /// How many were retired, and how many of those replaced.
    retired: u64,
    rebuilt: u64,
}

/// How long it may take until it is somebody's turn. Until then a VM goes to whoever comes first, which is fastest: to wake
/// a thread takes longer than a short run.
const STARVING: Duration = Duration::from_millis(10);

impl State {
    /// VMs that are not for whoever comes first.
    fn reserved(&self) -> usize {
        self.starving + usize::from(self.task_starves && self.workers_idle > 0)
    }
}

/// What is done with a VM, or without one: it is called once, on a thread of the pool's.
pub(crate) type Work = Box<dyn FnOnce(Result<(Lent<'_>, Duration), Refused>) + Send>;

/// Work that waits for a VM.
struct Task {
    submitted: Instant,
    expires: Instant,
    work: Work,
}

impl PartialEq for Task {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Task {}

impl PartialOrd for Task {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// The earliest to expire is the greatest: a heap has that on top. Of two that expire together, the one that came first.
impl Ord for Task {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (other.expires, other.submitted).cmp(&(self.expires, self.submitted))
    }
}

thread_local! {
    /// How many host functions and polls this thread is in, inside each other.
    static NESTING: Cell<u32> = const { Cell::new(0) };
}

/// How many runs may be inside each other.
const MAX_NESTING: u32 = 8;

/// A host function or a poll under way on this thread: a run that it begins must not wait for the VM that waits for it.
pub(crate) struct Nesting(());

impl Nesting {
    pub(crate) fn enter() -> Self {
        NESTING.set(NESTING.get() + 1);
        Self(())
    }

    /// Whether this thread is in a host function or a poll.
    pub(crate) fn is_any() -> bool {
        NESTING.get() > 0
    }
}

impl Drop for Nesting {
    fn drop(&mut self) {
        NESTING.set(NESTING.get() - 1);
    }
}

/// Why no VM was lent.
pub(crate) enum Refused {
    /// None came free in time.
    Timeout,
    /// Too many wait already.
    Full,
    /// Its poll said so, after this time.
    Cancelled(Duration),
    /// None could be made.
    Failed(Error),
}

impl Pool {
    pub(crate) fn new(size: usize) -> Self {
        fork::count_forks();
        let size = size.max(1);
        Self { size, first: Generation::new(size) }
    }

    /// The VMs of this process.
    fn here(&self) -> &Arc<Shared> {
        let mut generation = &self.first;
        while generation.number != fork::generation() {
            generation = generation.next.get_or_init(|| Box::new(Generation::new(self.size)));
        }
        &generation.shared
    }

    /// What is counted in this process.
    pub(crate) fn tally(&self) -> &Tally {
        &self.here().tally
    }

    /// How the VMs are now.
    pub(crate) fn vms(&self) -> Vms {
        let state = self.here().lock();
        Vms {
            ready: state.idle.len() as u64,
            in_use: (state.made - state.idle.len() - state.replacing) as u64,
            retired: state.retired,
            rebuilt: state.rebuilt,
        }
    }

    /// Lends a VM, and says how long that took to wait for; meanwhile it polls. A run inside a host function waits for
    /// none: where all are lent, it gets one of its own, which goes when it ends.
    pub(crate) fn checkout(
        &self,
        patience: Duration,
        poll: Option<&Poll>,
    ) -> Result<(Lent<'_>, Duration), Refused> {
        let nesting = NESTING.get();
        if nesting >= MAX_NESTING {
            return Err(Refused::Failed(Error::Nested { limit: MAX_NESTING }));
        }
        let shared = self.here();
        let (mut began, mut is_starving) = (None::<Instant>, false);
        let mut due = Deadline::NEVER;
        let mut state = shared.lock();
        let result = loop {
            let is_free = is_starving || nesting > 0 || state.idle.len() > state.reserved();
            if is_free && let Some(member) = state.idle.pop() {
                break Ok(Some(member));
            }
            if state.made < shared.size || nesting > 0 {
                state.made += 1;
                break Ok(None);
            }
            let now = Instant::now();
            let first = *began.get_or_insert_with(|| {
                due = poll.map_or(due, |poll| poll.due(now));
                now
            });
            let waited = now.saturating_duration_since(first);
            let Some(left) = patience.checked_sub(waited).filter(|left| !left.is_zero()) else {
                break Err(Refused::Timeout);
            };
            if !is_starving && waited >= STARVING {
                is_starving = true;
                state.starving += 1;
                continue;
            }
            if let Some(poll) = poll.filter(|_| due.passed(now)) {
                // It may take long, or run scripts itself: a VM that comes back meanwhile is for others.
                state.starving -= usize::from(std::mem::take(&mut is_starving));
                drop(state);
                let said = poll.call();
                due = poll.due(Instant::now());
                state = shared.lock();
                if said.is_break() {
                    break Err(Refused::Cancelled(waited));
                }
                continue;
            }
            let time = if is_starving { left } else { left.min(STARVING) };
            let time = time.min(due.left(now));
            state.waiting += 1;
            state = shared.returned.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner).0;
            state.waiting -= 1;
        };
        state.starving -= usize::from(is_starving);
        drop(state);
        let member = match result? {
            Some(member) => member,
            None => shared.make().map_err(|error| {
                shared.forget_one();
                Refused::Failed(error)
            })?,
        };
        let waited = began.map_or(Duration::ZERO, |began| began.elapsed());
        Ok((Lent { shared, member: Some(member), is_workers: false }, waited))
    }

    /// Has a thread of the pool's do `work` as soon as there is a VM, or when there is none in time. With `capacity`
    /// tasks waiting already, beside those that there are VMs for, it is refused at once.
    pub(crate) fn submit(&self, patience: Duration, capacity: usize, work: Work) {
        let shared = self.here();
        let submitted = Instant::now();
        // What is too far away is a year.
        let expires = submitted + patience.min(Duration::from_secs(365 * 24 * 3600));
        let mut state = shared.lock();
        let free = state.idle.len() + shared.size.saturating_sub(state.made);
        if state.tasks.len() >= capacity.saturating_add(free) {
            drop(state);
            return work(Err(Refused::Full));
        }
        // One more than there are VMs: while all run, somebody must see that time is up for those that wait.
        if state.workers_idle <= state.tasks.len() && state.workers <= shared.size {
            let worker = Arc::clone(shared);
            let spawned =
                std::thread::Builder::new().name("perilune-run".into()).spawn(move || worker.work());
            match spawned {
                Ok(_) => state.workers += 1,
                Err(error) if state.workers == 0 => {
                    drop(state);
                    return work(Err(Refused::Failed(Error::Internal(format!(
                        "no thread to run on: {error}"
                    )))));
                }
                // Those that there are will come to it.
                Err(_) => {}
            }
        }
        let is_first = state.tasks.peek().is_none_or(|first| expires < first.expires);
        state.tasks.push(Task { submitted, expires, work });
        shared.wake_worker(state, is_first);
    }

    /// How many VMs there may be.
    pub(crate) fn size(&self) -> usize {
        self.size
    }
}

impl Generation {
    fn new(size: usize) -> Self {
        let shared = Shared {
            size,
            state: Mutex::default(),
            returned: Condvar::new(),
            task: Condvar::new(),
            watchdog: Watchdog::new(),
            tally: Tally::new(),
        };
        Self { number: fork::generation(), shared: Arc::new(shared), next: OnceLock::new() }
    }
}

impl Drop for Generation {
    fn drop(&mut self) {
        if self.number == fork::generation() {
            self.shared.lock().ended = true;
            self.shared.task.notify_all();
        } else {
            // Another process's VMs are left alone: closing them could wait for ever for a thread that is not here.
            std::mem::forget(Arc::clone(&self.shared));
        }
    }
}

impl Shared {
    /// Nothing panics while it holds the lock, but for lack of memory; what it guards is whole at any time.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a worker does, until the engine is gone.
    fn work(self: &Arc<Self>) {
        let mut state = self.lock();
        while !state.ended {
            let now = Instant::now();
            let Some(expires) = state.tasks.peek().map(|task| task.expires) else {
                state.task_starves = false;
                state = self.rest(state, None);
                continue;
            };
            let starves = state.tasks.peek().map_or(now, |task| task.submitted + STARVING);
            state.task_starves = starves <= now;
            let is_free = state.task_starves || state.idle.len() > state.starving;
            let member = if is_free { state.idle.pop() } else { None };
            let is_made = member.is_none() && state.made < self.size;
            if member.is_none() && !is_made && expires > now {
                // Meanwhile one may come whose time is up sooner, or a VM for which nobody is woken: its worker is still
                // telling what came of a run.
                let until = expires.min(if state.task_starves { now + STARVING } else { starves });
                state = self.rest(state, Some(until - now));
                continue;
            }
            state.task_starves = false;
            state.made += usize::from(is_made);
            let task = state.tasks.pop().expect("it was looked at, under this lock");
            self.wake_worker(state, false);
            let lent = |member| {
                (Lent { shared: self, member: Some(member), is_workers: true }, task.submitted.elapsed())
            };
            let with = match member {
                Some(member) => Ok(lent(member)),
                None if is_made => self.make().map(lent).map_err(|error| {
                    self.forget_one();
                    Refused::Failed(error)
                }),
                None => Err(Refused::Timeout),
            };
            // The end of it is the host's code; a panic in that is not this thread's.
            let _ = catch_unwind(AssertUnwindSafe(|| (task.work)(with)));
            state = self.lock();
        }
        state.workers -= 1;
    }

    /// Waits until there may be something to do, or for so long.
    fn rest<'a>(&self, mut state: MutexGuard<'a, State>, time: Option<Duration>) -> MutexGuard<'a, State> {
        state.workers_idle += 1;
        state.workers_watching += usize::from(time.is_some());
        let mut state = match time {
            None => self.task.wait(state).unwrap_or_else(PoisonError::into_inner),
            Some(time) => self.task.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner).0,
        };
        state.workers_idle -= 1;
        state.workers_watching -= usize::from(time.is_some());
        state.worker_woken = false;
        state
    }

    /// Wakes a worker, if there is a VM for it, or somebody must see when time is up. One at a time: that is a call of
    /// the kernel, which costs as much as a short run, and who was woken looks at all that waits, and wakes the next.
    fn wake_worker(&self, mut state: MutexGuard<'_, State>, is_first_to_expire: bool) {
        let is_free = !state.idle.is_empty() || state.made < self.size;
        let is_needed = is_free || is_first_to_expire || state.workers_watching == 0;
        let can_wake = state.workers_idle > 0 && !state.worker_woken;
        let wakes = is_needed && can_wake && !state.tasks.is_empty();
        state.worker_woken |= wakes;
        drop(state);
        if wakes {
            self.task.notify_one();
        }
    }

    fn make(&self) -> Result<Member, Error> {
        let vm = Vm::new()?;
        let watched = self.watchdog.watch(vm.interrupt())?;
        Ok(Member { vm, watched, recorder: self.tally.recorder() })
    }

    fn put_back(&self, member: Member, is_workers: bool) {
        let mut state = self.lock();
        if state.made > self.size {
            state.made -= 1;
            drop(state);
            return drop(member);
        }
        state.idle.push(member);
        self.announce(state, is_workers);
    }

    /// Tells whoever waits that a VM is there, or may be made. To its own a worker comes itself, when it has told what
    /// came of its run.
    fn announce(&self, state: MutexGuard<'_, State>, is_workers: bool) {
        let (waiting, starving) = (state.waiting > 0, state.reserved() > 0);
        if is_workers {
            drop(state);
        } else {
            self.wake_worker(state, false);
        }
        match (waiting, starving) {
            (false, _) => {}
            // One that it is not for yet would sleep on.
            (true, true) => self.returned.notify_all(),
            (true, false) => self.returned.notify_one(),
        }
    }

    /// Closes a VM and makes another in its place, on a thread for that: neither is a run's to pay.
    fn retire(self: &Arc<Self>, member: Member) {
        let mut state = self.lock();
        state.retired += 1;
        if state.replacer.is_none() {
            let (sender, receiver) = crossbeam_channel::unbounded::<Member>();
            let pool = Arc::downgrade(self);
            let replace = move || {
                while let Ok(member) = receiver.recv() {
                    // Closing a large heap takes long, so its successor comes first; but only beside one such heap.
                    let is_only = receiver.is_empty();
                    let Some(pool) = pool.upgrade() else { return };
                    if is_only {
                        pool.replace();
                        drop(member);
                    } else {
                        drop(member);
                        pool.replace();
                    }
                }
            };
            if std::thread::Builder::new().name("perilune-replace".into()).spawn(replace).is_ok() {
                state.replacer = Some(sender);
            }
        }
        match &state.replacer {
            Some(replacer) => {
                // The receiver lives as long as the sender in this state: this can't fail.
                let _ = replacer.send(member);
                state.replacing += 1;
            }
            None => {
                state.made -= 1;
                self.announce(state, false);
                drop(member);
            }
        }
    }

    /// Puts a new VM in the place of one that was retired, unless that was one more than there should be.
    fn replace(&self) {
        let is_needed = self.lock().made <= self.size;
        let made = if is_needed { self.make().ok() } else { None };
        let mut state = self.lock();
        state.replacing -= 1;
        match made {
            Some(member) => {
                state.rebuilt += 1;
                state.idle.push(member);
            }
            // Where one is missing, the next run that needs one tries again.
            None => state.made -= 1,
        }
        self.announce(state, false);
    }

    /// A VM is gone, or could not be made.
    fn forget_one(&self) {
        let mut state = self.lock();
        state.made -= 1;
        self.announce(state, false);
    }
}

/// A lent VM; it goes back when this is dropped, or is replaced when its run ended badly.
pub(crate) struct Lent<'a> {
    shared: &'a Arc<Shared>,
    member: Option<Member>,
    /// Lent to a worker, who looks for the next task itself.
    is_workers: bool,
}

impl Lent<'_> {
    /// The VM, and the watchdog over it.
    pub(crate) fn parts(&mut self) -> (&mut Member, &Watchdog) {
        (self.member.as_mut().expect("only drop takes it"), &self.shared.watchdog)
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        if let Some(member) = self.member.take() {
            if member.vm.is_sound() {
                self.shared.put_back(member, self.is_workers);
            } else {
                self.shared.retire(member);
            }
        }
    }
}
