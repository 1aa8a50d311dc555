//! The VMs of an engine: lent one run at a time, made when first needed, replaced when a run ended badly.
//!
//! A stack of idle VMs under one uncontended lock. What was weighed against it: a lock-free queue
//! (`crossbeam::queue::ArrayQueue`) costs the same, but hands out the VM that rested longest, so that one caller on a
//! pool of eight walks through eight cold VMs and loads its script into each; a VM per thread (as `regex-automata`'s
//! pool keeps one for its owner) saves one lock and needs a second way for every other thread.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;

use super::counters::{Recorder, Tally};
use super::metrics::Vms;
use super::tasks::{STARVING, Tasks};
use super::watchdog::{Watchdog, Watched};
use crate::model::deadline::Deadline;
use crate::model::error::Error;
use crate::model::nesting::{MAX_NESTING, Nesting};
use crate::model::poll::Poll;
use crate::vm::{Vm, fork};

/// A VM, the watch over it, and what counts its runs.
pub(crate) struct PooledVm {
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
    inner: Arc<PoolInner>,
    next: OnceLock<Box<Self>>,
}

/// The locks are the standard library's, for the reason that [`watchdog`](crate::pool::watchdog) gives.
pub(super) struct PoolInner {
    pub(super) size: usize,
    state: Mutex<PoolState>,
    /// For callers that wait for a VM.
    returned: Condvar,
    /// For workers: there may be a task, and a VM for it.
    pub(super) task: Condvar,
    watchdog: Watchdog,
    tally: Tally,
}

#[derive(Default)]
pub(super) struct PoolState {
    pub(super) idle: Vec<PooledVm>,
    /// VMs that exist, idle, lent or being replaced.
    pub(super) made: usize,
    replacing: usize,
    waiting: usize,
    /// Callers that have waited for [`STARVING`]: a VM that comes back is not for others to take.
    pub(super) starving: usize,
    /// What waits for a VM without a thread of its own.
    pub(super) tasks: Tasks<TaskFn>,
    /// Where VMs go to be closed and replaced; the thread behind it is started by the first.
    replacer: Option<Sender<PooledVm>>,
    /// How many were retired, and how many of those replaced.
    retired: u64,
    rebuilt: u64,
}

impl PoolState {
    /// VMs that are not for whoever comes first.
    fn reserved(&self) -> usize {
        self.starving + self.tasks.reserved()
    }
}

/// What is done with a VM, or without one: it is called once, on a thread of the pool's.
pub(crate) type TaskFn = Box<dyn FnOnce(Result<(Checkout<'_>, Duration), CheckoutError>) + Send>;

/// Why no VM was lent.
pub(crate) enum CheckoutError {
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
    pub(super) fn here(&self) -> &Arc<PoolInner> {
        let mut generation = &self.first;
        while generation.number != fork::generation() {
            generation = generation.next.get_or_init(|| Box::new(Generation::new(self.size)));
        }
        &generation.inner
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
    ) -> Result<(Checkout<'_>, Duration), CheckoutError> {
        let nesting = Nesting::depth();
        if nesting >= MAX_NESTING {
            return Err(CheckoutError::Failed(Error::Nested { limit: MAX_NESTING }));
        }
        let inner = self.here();
        let (mut began, mut is_starving) = (None::<Instant>, false);
        let mut due = Deadline::NEVER;
        let mut state = inner.lock();
        let result = loop {
            let is_free = is_starving || nesting > 0 || state.idle.len() > state.reserved();
            if is_free && let Some(pooled) = state.idle.pop() {
                break Ok(Some(pooled));
            }
            if state.made < inner.size || nesting > 0 {
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
                break Err(CheckoutError::Timeout);
            };
            if !is_starving && waited >= STARVING {
                is_starving = true;
                state.starving += 1;
                continue;
            }
            if let Some(poll) = poll.filter(|_| due.has_passed(now)) {
                // It may take long, or run scripts itself: a VM that comes back meanwhile is for others.
                state.starving -= usize::from(std::mem::take(&mut is_starving));
                drop(state);
                let said = poll.call();
                due = poll.due(Instant::now());
                state = inner.lock();
                if said.is_break() {
                    break Err(CheckoutError::Cancelled(waited));
                }
                continue;
            }
            let time = if is_starving { left } else { left.min(STARVING) };
            let time = time.min(due.left(now));
            state.waiting += 1;
            state = inner.returned.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner).0;
            state.waiting -= 1;
        };
        state.starving -= usize::from(is_starving);
        drop(state);
        let pooled = match result? {
            Some(pooled) => pooled,
            None => inner.new_vm().map_err(|error| {
                inner.forget_one();
                CheckoutError::Failed(error)
            })?,
        };
        let waited = began.map_or(Duration::ZERO, |began| began.elapsed());
        Ok((Checkout { inner, pooled: Some(pooled), is_for_worker: false }, waited))
    }

    /// How many VMs there may be.
    pub(crate) fn size(&self) -> usize {
        self.size
    }
}

impl Generation {
    fn new(size: usize) -> Self {
        let inner = PoolInner {
            size,
            state: Mutex::default(),
            returned: Condvar::new(),
            task: Condvar::new(),
            watchdog: Watchdog::new(),
            tally: Tally::new(),
        };
        Self { number: fork::generation(), inner: Arc::new(inner), next: OnceLock::new() }
    }
}

impl Drop for Generation {
    fn drop(&mut self) {
        if self.number == fork::generation() {
            self.inner.lock().tasks.end();
            self.inner.task.notify_all();
        } else {
            // Another process's VMs are left alone: closing them could wait for ever for a thread that is not here.
            std::mem::forget(Arc::clone(&self.inner));
        }
    }
}

impl PoolInner {
    /// Nothing panics while it holds the lock, but for lack of memory; what it guards is whole at any time.
    pub(super) fn lock(&self) -> MutexGuard<'_, PoolState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes a worker, if there is a VM for it, or somebody must see when time is up.
    pub(super) fn wake_worker(&self, mut state: MutexGuard<'_, PoolState>, is_first_to_expire: bool) {
        let is_free = !state.idle.is_empty() || state.made < self.size;
        let wakes = state.tasks.must_wake(is_free, is_first_to_expire);
        drop(state);
        if wakes {
            self.task.notify_one();
        }
    }

    pub(super) fn new_vm(&self) -> Result<PooledVm, Error> {
        let vm = Vm::new()?;
        let watched = self.watchdog.watch(vm.interrupt())?;
        Ok(PooledVm { vm, watched, recorder: self.tally.recorder() })
    }

    fn put_back(&self, pooled: PooledVm, is_for_worker: bool) {
        let mut state = self.lock();
        if state.made > self.size {
            state.made -= 1;
            drop(state);
            return drop(pooled);
        }
        state.idle.push(pooled);
        self.announce(state, is_for_worker);
    }

    /// Tells whoever waits that a VM is there, or may be made. To its own a worker comes itself, when it has told what
    /// came of its run.
    fn announce(&self, state: MutexGuard<'_, PoolState>, is_for_worker: bool) {
        let (waiting, starving) = (state.waiting > 0, state.reserved() > 0);
        if is_for_worker {
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
    fn retire(self: &Arc<Self>, pooled: PooledVm) {
        let mut state = self.lock();
        state.retired += 1;
        if state.replacer.is_none() {
            let (sender, receiver) = crossbeam_channel::unbounded::<PooledVm>();
            let pool = Arc::downgrade(self);
            let replace = move || {
                while let Ok(pooled) = receiver.recv() {
                    // Closing a large heap takes long, so its successor comes first; but only beside one such heap.
                    let is_only = receiver.is_empty();
                    let Some(pool) = pool.upgrade() else { return };
                    if is_only {
                        pool.replace();
                        drop(pooled);
                    } else {
                        drop(pooled);
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
                let _ = replacer.send(pooled);
                state.replacing += 1;
            }
            None => {
                state.made -= 1;
                self.announce(state, false);
                drop(pooled);
            }
        }
    }

    /// Puts a new VM in the place of one that was retired, unless that was one more than there should be.
    fn replace(&self) {
        let is_needed = self.lock().made <= self.size;
        let made = if is_needed { self.new_vm().ok() } else { None };
        let mut state = self.lock();
        state.replacing -= 1;
        match made {
            Some(pooled) => {
                state.rebuilt += 1;
                state.idle.push(pooled);
            }
            // Where one is missing, the next run that needs one tries again.
            None => state.made -= 1,
        }
        self.announce(state, false);
    }

    /// A VM is gone, or could not be made.
    pub(super) fn forget_one(&self) {
        let mut state = self.lock();
        state.made -= 1;
        self.announce(state, false);
    }
}

/// A lent VM; it goes back when this is dropped, or is replaced when its run ended badly.
pub(crate) struct Checkout<'a> {
    inner: &'a Arc<PoolInner>,
    pooled: Option<PooledVm>,
    /// Checkout to a worker, who looks for the next task itself.
    is_for_worker: bool,
}

impl<'a> Checkout<'a> {
    pub(super) fn for_worker(inner: &'a Arc<PoolInner>, pooled: PooledVm) -> Self {
        Self { inner, pooled: Some(pooled), is_for_worker: true }
    }

    /// The VM, and the watchdog over it.
    pub(crate) fn parts(&mut self) -> (&mut PooledVm, &Watchdog) {
        (self.pooled.as_mut().expect("only drop takes it"), &self.inner.watchdog)
    }
}

impl Drop for Checkout<'_> {
    fn drop(&mut self) {
        if let Some(pooled) = self.pooled.take() {
            if pooled.vm.is_sound() {
                self.inner.put_back(pooled, self.is_for_worker);
            } else {
                self.inner.retire(pooled);
            }
        }
    }
}
