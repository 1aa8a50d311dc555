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

use super::counters::Tally;
use super::idle::Idle;
use super::metrics::Vms;
use super::seat::{PooledVm, Seat};
use super::tasks::{STARVING, Tasks};
use super::watchdog::Watchdog;
use crate::model::deadline::Deadline;
use crate::model::error::Error;
use crate::model::nesting::{MAX_NESTING, Nesting};
use crate::model::poll::Poll;
use crate::process::sandbox::Sandbox;
use crate::process::settings::Start;
use crate::process::starter::Starter;
use crate::process::worker::Worker;
use crate::vm::fork;

/// The pool of an engine. After a `fork()` each process uses its own [`Generation`] of it.
pub(crate) struct Pool {
    size: usize,
    /// How many threads make submitted runs.
    threads: usize,
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
    pub(super) threads: usize,
    starter: Option<Arc<Starter>>,
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
    pub(super) idle: Idle,
    /// VMs that exist: idle, checked out or being replaced.
    pub(super) total: usize,
    pub(super) replacing: usize,
    waiting: usize,
    /// Callers that have waited for [`STARVING`]: the next VMs that come back are reserved for them.
    pub(super) starving: usize,
    /// Submitted runs that wait for a VM.
    pub(super) tasks: Tasks<TaskFn, Resumed>,
    /// Sends VMs to the thread that closes and replaces them, which the first of them starts. Without one, a VM is made beside the others.
    pub(super) replacer: Option<Sender<Option<PooledVm>>>,
    /// How many VMs were retired, and how many of those were replaced.
    pub(super) retired: u64,
    pub(super) rebuilt: u64,
}

impl PoolState {
    /// Idle VMs that new callers must leave to those that wait.
    pub(super) fn reserved(&self) -> usize {
        self.starving + self.tasks.reserved()
    }

    fn in_use(&self) -> usize {
        self.total - self.idle.len() - self.replacing
    }
}

/// What a run is to have.
pub(super) enum Found {
    Vm(PooledVm),
    /// One that is to be made.
    New,
    /// One that is to be made when this one is closed.
    Instead(PooledVm),
}

/// The code of a task. A runner calls it once: with a VM and the time it waited for that, or with why there is none.
pub(crate) type TaskFn = Box<dyn FnOnce(Result<(Checkout<'_>, Duration), CheckoutError>) + Send>;

/// What goes on with a run that was woken. A runner calls it once.
pub(super) type Resumed = Box<dyn FnOnce() + Send>;

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
    pub(crate) fn new(size: usize, threads: usize, start: Option<Start>) -> Self {
        fork::count_forks();
        let (size, threads) = (size.max(1), threads.max(1));
        let first = Generation::new(size, threads, start.clone());
        Self { size, threads, start, first }
    }

    /// What a worker comes to that compiles or checks a source; `None` where the source ended it.
    ///
    /// # Errors
    /// No worker can be started.
    pub(crate) fn ask_compiler<T>(&self, ask: impl Fn(&mut Worker) -> Option<T>) -> Result<Option<T>, Error> {
        // What ended the first one may have been somebody else.
        for _ in 0..2 {
            if let Some(Some(answer)) = self.with_compiler(&ask)? {
                return Ok(Some(answer));
            }
        }
        Ok(None)
    }

    /// What keeps workers from the system, if there are any.
    pub(crate) fn sandbox(&self) -> Result<Option<Sandbox>, Error> {
        self.with_compiler(|worker| worker.sandbox().clone())
    }

    fn with_compiler<T>(&self, act: impl FnOnce(&mut Worker) -> T) -> Result<Option<T>, Error> {
        let inner = self.here();
        let Some(starter) = &inner.starter else { return Ok(None) };
        inner.provide_spare(&mut inner.lock());
        let mut compiler = inner.compiler.lock().unwrap_or_else(PoisonError::into_inner);
        let worker = match &mut *compiler {
            Some(worker) if worker.is_sound() => worker,
            none => {
                // One that was killed goes first: there is one at a time.
                *none = None;
                none.insert(Worker::start(starter)?)
            }
        };
        Ok(Some(act(worker)))
    }

    /// The VMs of this process.
    pub(super) fn here(&self) -> &Arc<PoolInner> {
        let mut generation = &self.first;
        while generation.number != fork::generation() {
            generation = generation
                .next
                .get_or_init(|| Box::new(Generation::new(self.size, self.threads, self.start.clone())));
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
            in_use: state.in_use() as u64,
            parked: 0,
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
        tenant: Option<&[u8]>,
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
            let is_free = is_starving || nesting > 0 || inner.lendable(&state) > state.reserved();
            if let Some(found) = inner.find(&mut state, tenant, is_free, nesting > 0) {
                break Ok(found);
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
        let pooled = inner.obtain(result?, tenant)?;
        let waited = began.map_or(Duration::ZERO, |began| began.elapsed());
        Ok((Checkout::new(inner, pooled), waited))
    }

    /// How many threads make runs at once.
    pub(crate) fn threads(&self) -> usize {
        self.threads.min(self.size)
    }

    /// A VM that was checked out for a runner.
    pub(crate) fn for_runner(&self, pooled: PooledVm) -> Checkout<'_> {
        Checkout::for_runner(self.here(), pooled)
    }
}

impl Generation {
    fn new(size: usize, threads: usize, start: Option<Start>) -> Self {
        let inner = PoolInner {
            size,
            threads,
            starter: start.map(|start| Arc::new(Starter::new(start))),
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
            let mut state = self.inner.lock();
            state.tasks.end();
            // They go now, with what they hold of the host, also while the thread that replaces them has this.
            let idle = std::mem::take(&mut state.idle);
            drop(state);
            self.inner.task.notify_all();
            drop(idle);
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
        let is_free = self.free(&state) > 0;
        let wakes = state.tasks.must_wake(is_free, is_first_to_expire);
        drop(state);
        if wakes {
            self.task.notify_one();
        }
    }

    pub(super) fn has_workers(&self) -> bool {
        self.starter.is_some()
    }

    /// How many VMs may exist, beside the extra ones of nested runs. One of the workers is a spare.
    pub(super) fn most(&self) -> usize {
        self.size + usize::from(self.has_workers())
    }

    /// How many runs could begin now.
    pub(super) fn free(&self, state: &PoolState) -> usize {
        if self.has_workers() {
            self.size.saturating_sub(state.in_use())
        } else {
            state.idle.len() + self.size.saturating_sub(state.total)
        }
    }

    /// Of these, how many could have a VM that is reserved for others: where VMs are made when there is none, those are idle.
    pub(super) fn lendable(&self, state: &PoolState) -> usize {
        if self.has_workers() { self.free(state) } else { state.idle.len() }
    }

    /// What a run of `tenant` is to have, if there is anything for it now. `is_free` says that not all of that is reserved for others; an extra run
    /// does not wait for another's end.
    pub(super) fn find(
        self: &Arc<Self>,
        state: &mut PoolState,
        tenant: Option<&[u8]>,
        is_free: bool,
        is_extra: bool,
    ) -> Option<Found> {
        let has_workers = self.has_workers();
        // A spare one is not there for one more run at a time.
        if has_workers && !is_extra && (!is_free || self.free(state) == 0) {
            return None;
        }
        let idle = match (is_free, has_workers) {
            (false, _) => None,
            (true, false) => state.idle.pop(),
            (true, true) => state.idle.take(tenant),
        };
        let found = if let Some(vm) = idle {
            Found::Vm(vm)
        } else if state.total < self.most() || is_extra {
            state.total += 1;
            Found::New
        } else if is_free && let Some(worn) = state.idle.take_worn() {
            state.retired += 1;
            Found::Instead(worn)
        } else {
            return None;
        };
        self.provide_spare(state);
        Some(found)
    }

    /// Makes of what was found a VM to be used.
    pub(super) fn obtain(&self, found: Found, tenant: Option<&[u8]>) -> Result<PooledVm, CheckoutError> {
        let is_retired = matches!(found, Found::Instead(_));
        match found {
            Found::Vm(pooled) => return Ok(pooled),
            Found::New => {}
            // It goes before the next one comes.
            Found::Instead(worn) => drop(worn),
        }
        let made = self.new_vm();
        if is_retired && made.is_ok() {
            self.lock().rebuilt += 1;
        }
        match made {
            Ok(pooled) => Ok(PooledVm { tenant: Some(tenant.map(Arc::from)), ..pooled }),
            Err(error) => {
                self.forget_one();
                Err(CheckoutError::Failed(error))
            }
        }
    }

    pub(super) fn new_vm(&self) -> Result<PooledVm, Error> {
        let seat = Seat::new(&self.watchdog, self.starter.as_ref())?;
        Ok(PooledVm { seat, recorder: self.tally.recorder(), tenant: None })
    }

    fn put_back(&self, mut pooled: PooledVm, is_for_runner: bool) {
        let has_replaced = pooled.seat.has_replaced();
        let mut state = self.lock();
        state.retired += u64::from(has_replaced);
        state.rebuilt += u64::from(has_replaced);
        if state.total > self.most() {
            state.total -= 1;
            drop(state);
            return drop(pooled);
        }
        state.idle.push(pooled);
        self.announce(state, is_for_runner);
    }

    /// Wakes whoever waits, after a VM became idle or may be created. A runner that returns its own VM looks for the next
    /// task itself, so none is woken for that VM.
    pub(super) fn announce(&self, state: MutexGuard<'_, PoolState>, is_for_runner: bool) {
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

    /// A VM that comes back when this is dropped.
    pub(super) fn new(inner: &'a Arc<PoolInner>, pooled: PooledVm) -> Self {
        Self { inner, pooled: Some(pooled), is_for_runner: false }
    }

    /// The VM alone, to be checked out once more.
    pub(crate) fn into_vm(mut self) -> PooledVm {
        self.pooled.take().expect("only drop takes it, too")
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
