//! The pool of an engine's VMs. A VM is checked out for one run, created when it is first needed, and replaced after
//! a run that was stopped.
//!
//! Idle VMs are a stack (last in, first out) under one lock. A lock-free queue (`crossbeam::queue::ArrayQueue`) costs
//! the same, but hands out the VM that was idle longest: one caller on a pool of eight would use all eight in turn,
//! find each cold, and load its script into each. A VM per thread, as in `regex-automata`'s pool, saves the lock but
//! needs a second path for all other threads.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;

use super::counters::{Recorder, Tally};
use super::metrics::Vms;
use super::seat::Seat;
use super::tasks::{STARVING, Tasks};
use super::watchdog::Watchdog;
use crate::compile::compiled::Compiled;
use crate::model::deadline::Deadline;
use crate::model::error::Error;
use crate::model::nesting::{MAX_NESTING, Nesting};
use crate::model::poll::Poll;
use crate::process::sandbox::Sandbox;
use crate::process::worker::{Start, Worker};
use crate::vm::fork;

/// A VM, here or in a worker, and the counters of its runs.
pub(crate) struct PooledVm {
    pub(crate) seat: Seat,
    pub(crate) recorder: Recorder,
}

/// The pool of an engine. After a `fork()` each process uses its own [`Generation`] of it.
pub(crate) struct Pool {
    size: usize,
    /// How workers are started, where it has such.
    start: Option<Start>,
    first: Generation,
}

/// The VMs of one process. A child of `fork()` starts a new generation: the parent's watchdog thread does not run in
/// the child, and the parent's locks may be held by threads that do not exist there.
struct Generation {
    number: u64,
    inner: Arc<PoolInner>,
    next: OnceLock<Box<Self>>,
}

/// What callers, runners and the replacing thread share. [`watchdog`](crate::pool::watchdog) says why the locks are
/// the standard library's.
pub(super) struct PoolInner {
    pub(super) size: usize,
    start: Option<Start>,
    /// The worker that compiles, and makes no runs: those that are under way keep nobody from compiling.
    compiler: Mutex<Option<Worker>>,
    state: Mutex<PoolState>,
    /// Signalled to callers that wait for a VM.
    returned: Condvar,
    /// Signalled to runners when there may be a task and a VM for it.
    pub(super) task: Condvar,
    watchdog: Watchdog,
    tally: Tally,
}

#[derive(Default)]
pub(super) struct PoolState {
    pub(super) idle: Vec<PooledVm>,
    /// VMs that exist: idle, checked out or being replaced.
    pub(super) total: usize,
    replacing: usize,
    waiting: usize,
    /// Callers that have waited for [`STARVING`]: the next VMs that come back are reserved for them.
    pub(super) starving: usize,
    /// Submitted runs that wait for a VM.
    pub(super) tasks: Tasks<TaskFn>,
    /// Sends VMs to the thread that closes and replaces them, which the first of them starts.
    replacer: Option<Sender<PooledVm>>,
    /// How many VMs were retired, and how many of those were replaced.
    retired: u64,
    rebuilt: u64,
}

impl PoolState {
    /// Idle VMs that new callers must leave to those that wait.
    fn reserved(&self) -> usize {
        self.starving + self.tasks.reserved()
    }
}

/// The code of a task. A runner calls it once: with a VM and the time it waited for that, or with why there is none.
pub(crate) type TaskFn = Box<dyn FnOnce(Result<(Checkout<'_>, Duration), CheckoutError>) + Send>;

/// Why no VM was checked out.
pub(crate) enum CheckoutError {
    /// None came free within the queue limit.
    Timeout,
    /// The backlog is full.
    Full,
    /// The request's poll ended the wait, after this time.
    Cancelled(Duration),
    /// A new VM could not be created.
    Failed(Error),
}

impl Pool {
    pub(crate) fn new(size: usize, start: Option<Start>) -> Self {
        fork::count_forks();
        let size = size.max(1);
        let first = Generation::new(size, start.clone());
        Self { size, start, first }
    }

    /// Has a source compiled by a worker, without a result: the error is a line and a reason.
    pub(crate) fn compile(&self, compiled: &Compiled) -> Result<(), (u32, String)> {
        // What ended the first one may have been somebody else.
        for _ in 0..2 {
            match self.with_compiler(|worker| worker.compile(compiled)) {
                Ok(Some(None)) => {}
                Ok(Some(Some(result))) => return result,
                Ok(None) => return Ok(()),
                Err(error) => return Err((1, error.to_string())),
            }
        }
        Err((1, "the compiler crashed".to_owned()))
    }

    /// What keeps workers from the system, if there are any.
    pub(crate) fn sandbox(&self) -> Result<Option<Sandbox>, Error> {
        self.with_compiler(|worker| worker.sandbox().clone())
    }

    fn with_compiler<T>(&self, act: impl FnOnce(&mut Worker) -> T) -> Result<Option<T>, Error> {
        let inner = self.here();
        let Some(start) = &inner.start else { return Ok(None) };
        let mut compiler = inner.compiler.lock().unwrap_or_else(PoisonError::into_inner);
        let worker = match &mut *compiler {
            Some(worker) if worker.is_sound() => worker,
            none => {
                // One that was killed goes first: there is one at a time.
                *none = None;
                none.insert(Worker::start(start)?)
            }
        };
        Ok(Some(act(worker)))
    }

    /// Whether runs are in processes of their own.
    pub(crate) fn has_workers(&self) -> bool {
        self.start.is_some()
    }

    /// The VMs of this process.
    pub(super) fn here(&self) -> &Arc<PoolInner> {
        let mut generation = &self.first;
        while generation.number != fork::generation() {
            generation =
                generation.next.get_or_init(|| Box::new(Generation::new(self.size, self.start.clone())));
        }
        &generation.inner
    }

    /// The counters of this process.
    pub(crate) fn tally(&self) -> &Tally {
        &self.here().tally
    }

    /// How many VMs are in which state now.
    pub(crate) fn vms(&self) -> Vms {
        let state = self.here().lock();
        Vms {
            ready: state.idle.len() as u64,
            in_use: (state.total - state.idle.len() - state.replacing) as u64,
            retired: state.retired,
            rebuilt: state.rebuilt,
        }
    }

    /// Checks out a VM, and returns it with the time that the caller waited for it; while it waits, `poll` is called.
    /// A run inside a host function never waits, since it could wait for its own caller: when all VMs are checked out,
    /// it gets an extra one, which is closed when the run ends.
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
            if state.total < inner.size || nesting > 0 {
                state.total += 1;
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
                // A poll may take long, or run scripts itself: meanwhile no VM is reserved for this caller.
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
        Ok((Checkout { inner, pooled: Some(pooled), is_for_runner: false }, waited))
    }

    /// How many VMs there may be, beside the extra ones of nested runs.
    pub(crate) fn size(&self) -> usize {
        self.size
    }
}

impl Generation {
    fn new(size: usize, start: Option<Start>) -> Self {
        let inner = PoolInner {
            size,
            start,
            compiler: Mutex::default(),
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
            // These are VMs of the parent process. Closing them could wait for ever for a thread that is not here.
            std::mem::forget(Arc::clone(&self.inner));
        }
    }
}

impl PoolInner {
    /// A poisoned lock is used all the same: the state is consistent at every point where a panic could happen.
    pub(super) fn lock(&self) -> MutexGuard<'_, PoolState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes a runner if there is a VM for it, or if some task's time could run out unseen.
    pub(super) fn wake_runner(&self, mut state: MutexGuard<'_, PoolState>, is_first_to_expire: bool) {
        let is_free = !state.idle.is_empty() || state.total < self.size;
        let wakes = state.tasks.must_wake(is_free, is_first_to_expire);
        drop(state);
        if wakes {
            self.task.notify_one();
        }
    }

    pub(super) fn new_vm(&self) -> Result<PooledVm, Error> {
        let seat = Seat::new(&self.watchdog, self.start.as_ref())?;
        Ok(PooledVm { seat, recorder: self.tally.recorder() })
    }

    fn put_back(&self, mut pooled: PooledVm, is_for_runner: bool) {
        let has_replaced = pooled.seat.has_replaced();
        let mut state = self.lock();
        state.retired += u64::from(has_replaced);
        state.rebuilt += u64::from(has_replaced);
        if state.total > self.size {
            state.total -= 1;
            drop(state);
            return drop(pooled);
        }
        state.idle.push(pooled);
        self.announce(state, is_for_runner);
    }

    /// Wakes whoever waits, after a VM became idle or may be created. A runner that returns its own VM looks for the next
    /// task itself, so none is woken for that VM.
    fn announce(&self, state: MutexGuard<'_, PoolState>, is_for_runner: bool) {
        let (waiting, starving) = (state.waiting > 0, state.reserved() > 0);
        if is_for_runner {
            drop(state);
        } else {
            self.wake_runner(state, false);
        }
        match (waiting, starving) {
            (false, _) => {}
            // One of them alone might be a caller for which the VM is not reserved, which would sleep on.
            (true, true) => self.returned.notify_all(),
            (true, false) => self.returned.notify_one(),
        }
    }

    /// Has a thread of its own close a VM and create another in its place, so that no run pays for either.
    fn retire(self: &Arc<Self>, pooled: PooledVm) {
        let mut state = self.lock();
        state.retired += 1;
        if state.replacer.is_none() {
            let (sender, receiver) = crossbeam_channel::unbounded::<PooledVm>();
            let pool = Arc::downgrade(self);
            let replace = move || {
                while let Ok(pooled) = receiver.recv() {
                    // To close a large heap takes long, so the replacement comes first. Not when several VMs are to
                    // be closed: only one large heap may exist beside the replacements.
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
                // This can't fail: the receiver lives as long as the sender in this state.
                let _ = replacer.send(pooled);
                state.replacing += 1;
            }
            None => {
                state.total -= 1;
                self.announce(state, false);
                drop(pooled);
            }
        }
    }

    /// Creates a VM in the place of a retired one, unless that one was the extra VM of a nested run.
    fn replace(&self) {
        let is_needed = self.lock().total <= self.size;
        let replacement = if is_needed { self.new_vm().ok() } else { None };
        let mut state = self.lock();
        state.replacing -= 1;
        match replacement {
            Some(pooled) => {
                state.rebuilt += 1;
                state.idle.push(pooled);
            }
            // The next run that needs the missing VM tries again.
            None => state.total -= 1,
        }
        self.announce(state, false);
    }

    /// A VM is gone, or could not be created.
    pub(super) fn forget_one(&self) {
        let mut state = self.lock();
        state.total -= 1;
        self.announce(state, false);
    }
}

/// A checked-out VM. On drop it returns to the pool, or is replaced when its run was stopped.
pub(crate) struct Checkout<'a> {
    inner: &'a Arc<PoolInner>,
    pooled: Option<PooledVm>,
    /// The holder is a runner, which looks for the next task itself.
    is_for_runner: bool,
}

impl<'a> Checkout<'a> {
    pub(super) fn for_runner(inner: &'a Arc<PoolInner>, pooled: PooledVm) -> Self {
        Self { inner, pooled: Some(pooled), is_for_runner: true }
    }

    /// The VM, and the watchdog over it.
    pub(crate) fn parts(&mut self) -> (&mut PooledVm, &Watchdog) {
        (self.pooled.as_mut().expect("only drop takes it"), &self.inner.watchdog)
    }
}

impl Drop for Checkout<'_> {
    fn drop(&mut self) {
        if let Some(pooled) = self.pooled.take() {
            if pooled.seat.is_sound() {
                self.inner.put_back(pooled, self.is_for_runner);
            } else {
                self.inner.retire(pooled);
            }
        }
    }
}
