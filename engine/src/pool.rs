//! The VMs of an engine: lent one run at a time, made when first needed, replaced when a run ended badly.
//!
//! A stack of idle VMs under one uncontended lock. What was weighed against it: a lock-free queue
//! (`crossbeam::queue::ArrayQueue`) costs the same, but hands out the VM that rested longest, so that one caller on a
//! pool of eight walks through eight cold VMs and loads its script into each; a VM per thread (as `regex-automata`'s
//! pool keeps one for its owner) saves one lock and needs a second way for every other thread.

use std::cell::Cell;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use parking_lot::{Condvar, Mutex};

use crate::error::Error;
use crate::vm::{Vm, fork};
use crate::watchdog::{Watchdog, Watched};

/// A VM and the watch over it.
pub(crate) struct Member {
    pub(crate) vm: Vm,
    pub(crate) watched: Arc<Watched>,
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

struct Shared {
    size: usize,
    state: Mutex<State>,
    returned: Condvar,
    watchdog: Watchdog,
}

#[derive(Default)]
struct State {
    idle: Vec<Member>,
    /// VMs that exist, idle or lent.
    made: usize,
    waiting: usize,
    /// Where VMs go to be closed and replaced; the thread behind it is started by the first.
    retired: Option<Sender<Member>>,
}

thread_local! {
    /// How many host functions this thread is in, inside each other.
    static NESTING: Cell<u32> = const { Cell::new(0) };
}

/// How many runs may be inside each other.
const MAX_NESTING: u32 = 8;

/// A host function under way on this thread: a run that it begins must not wait for the VM that waits for it.
pub(crate) struct Nesting(());

impl Nesting {
    pub(crate) fn enter() -> Self {
        NESTING.set(NESTING.get() + 1);
        Self(())
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

    /// Lends a VM, and says how long that took to wait for. A run inside a host function waits for none: where all are
    /// lent, it gets one of its own, which goes when it ends.
    pub(crate) fn checkout(&self, patience: Duration) -> Result<(Lent<'_>, Duration), Refused> {
        let nesting = NESTING.get();
        if nesting >= MAX_NESTING {
            return Err(Refused::Failed(Error::Nested { limit: MAX_NESTING }));
        }
        let shared = self.here();
        let lend = |member| Lent { shared, member: Some(member) };
        let mut began = None;
        let mut state = shared.state.lock();
        loop {
            if let Some(member) = state.idle.pop() {
                drop(state);
                return Ok((lend(member), began.map_or(Duration::ZERO, |began: Instant| began.elapsed())));
            }
            if state.made < shared.size || nesting > 0 {
                state.made += 1;
                drop(state);
                return match shared.make() {
                    Ok(member) => Ok((lend(member), began.map_or(Duration::ZERO, |began| began.elapsed()))),
                    Err(error) => {
                        shared.forget_one();
                        Err(Refused::Failed(error))
                    }
                };
            }
            let waited = began.get_or_insert_with(Instant::now).elapsed();
            let Some(left) = patience.checked_sub(waited).filter(|left| !left.is_zero()) else {
                return Err(Refused::Timeout);
            };
            state.waiting += 1;
            shared.returned.wait_for(&mut state, left);
            state.waiting -= 1;
        }
    }
}

impl Generation {
    fn new(size: usize) -> Self {
        let shared =
            Shared { size, state: Mutex::default(), returned: Condvar::new(), watchdog: Watchdog::new() };
        Self { number: fork::generation(), shared: Arc::new(shared), next: OnceLock::new() }
    }
}

impl Drop for Generation {
    fn drop(&mut self) {
        // Another process's VMs are left alone: closing them could wait for ever for a thread that is not here.
        if self.number != fork::generation() {
            std::mem::forget(Arc::clone(&self.shared));
        }
    }
}

impl Shared {
    fn make(&self) -> Result<Member, Error> {
        let vm = Vm::new()?;
        let watched = self.watchdog.watch(vm.interrupt())?;
        Ok(Member { vm, watched })
    }

    fn put_back(&self, member: Member) {
        let mut state = self.state.lock();
        if state.made > self.size {
            state.made -= 1;
            drop(state);
            return drop(member);
        }
        state.idle.push(member);
        let waiting = state.waiting > 0;
        drop(state);
        if waiting {
            self.returned.notify_one();
        }
    }

    /// Closes a VM and makes another in its place, on a thread for that: neither is a run's to pay.
    fn retire(self: &Arc<Self>, member: Member) {
        let mut state = self.state.lock();
        if state.retired.is_none() {
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
                state.retired = Some(sender);
            }
        }
        match &state.retired {
            Some(retired) => {
                // The receiver lives as long as the sender in this state: this can't fail.
                let _ = retired.send(member);
            }
            None => {
                state.made -= 1;
                drop(state);
                drop(member);
                self.returned.notify_one();
            }
        }
    }

    /// Puts a new VM in the place of one that is gone, unless it was one more than there should be.
    fn replace(&self) {
        if !self.forget_spare() {
            match self.make() {
                Ok(member) => self.put_back(member),
                Err(_) => self.forget_one(),
            }
        }
    }

    /// If there are more VMs than there should be, one fewer is.
    fn forget_spare(&self) -> bool {
        let mut state = self.state.lock();
        let is_spare = state.made > self.size;
        state.made -= usize::from(is_spare);
        is_spare
    }

    /// A VM is gone that could not be replaced: the next run that needs one tries again.
    fn forget_one(&self) {
        self.state.lock().made -= 1;
        self.returned.notify_one();
    }
}

/// A lent VM; it goes back when this is dropped, or is replaced when its run ended badly.
pub(crate) struct Lent<'a> {
    shared: &'a Arc<Shared>,
    member: Option<Member>,
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
                self.shared.put_back(member);
            } else {
                self.shared.retire(member);
            }
        }
    }
}
