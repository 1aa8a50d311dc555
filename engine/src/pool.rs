//! The VMs of an engine: lent one run at a time, made when first needed, replaced when a run ended badly.
//!
//! A stack of idle VMs under one uncontended lock. What was weighed against it: a lock-free queue
//! (`crossbeam::queue::ArrayQueue`) costs the same, but hands out the VM that rested longest, so that one caller on a
//! pool of eight walks through eight cold VMs and loads its script into each; a VM per thread (as `regex-automata`'s
//! pool keeps one for its owner) saves one lock and needs a second way for every other thread.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use parking_lot::{Condvar, Mutex};

use crate::counters::{Recorder, Tally};
use crate::error::Error;
use crate::metrics::Vms;
use crate::vm::{Vm, fork};
use crate::watchdog::{Watchdog, Watched};

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

struct Shared {
    size: usize,
    state: Mutex<State>,
    returned: Condvar,
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
    /// Where VMs go to be closed and replaced; the thread behind it is started by the first.
    replacer: Option<Sender<Member>>,
    /// How many were retired, and how many of those replaced.
    retired: u64,
    rebuilt: u64,
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

    /// What is counted in this process.
    pub(crate) fn tally(&self) -> &Tally {
        &self.here().tally
    }

    /// How the VMs are now.
    pub(crate) fn vms(&self) -> Vms {
        let state = self.here().state.lock();
        Vms {
            ready: state.idle.len() as u64,
            in_use: (state.made - state.idle.len() - state.replacing) as u64,
            retired: state.retired,
            rebuilt: state.rebuilt,
        }
    }

    /// Lends a VM, and says how long that took to wait for.
    pub(crate) fn checkout(&self, patience: Duration) -> Result<(Lent<'_>, Duration), Refused> {
        let shared = self.here();
        let lend = |member| Lent { shared, member: Some(member) };
        let mut began = None;
        let mut state = shared.state.lock();
        loop {
            if let Some(member) = state.idle.pop() {
                drop(state);
                return Ok((lend(member), began.map_or(Duration::ZERO, |began: Instant| began.elapsed())));
            }
            if state.made < shared.size {
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
        let shared = Shared {
            size,
            state: Mutex::default(),
            returned: Condvar::new(),
            watchdog: Watchdog::new(),
            tally: Tally::new(),
        };
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
        Ok(Member { vm, watched, recorder: self.tally.recorder() })
    }

    fn put_back(&self, member: Member) {
        let mut state = self.state.lock();
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
        state.retired += 1;
        if state.replacer.is_none() {
            let (sender, receiver) = crossbeam_channel::unbounded::<Member>();
            let pool = Arc::downgrade(self);
            let replace = move || {
                for member in receiver {
                    drop(member);
                    let Some(pool) = pool.upgrade() else { return };
                    pool.replace(pool.make());
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
                drop(state);
                drop(member);
                self.returned.notify_one();
            }
        }
    }

    /// Takes in what was made in place of a retired VM.
    fn replace(&self, made: Result<Member, Error>) {
        let mut state = self.state.lock();
        state.replacing -= 1;
        match made {
            Ok(member) => {
                state.rebuilt += 1;
                state.idle.push(member);
            }
            // The next run that needs one tries again.
            Err(_) => state.made -= 1,
        }
        drop(state);
        self.returned.notify_one();
    }

    /// A VM could not be made: the next run that needs one tries again.
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
