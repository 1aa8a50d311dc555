//! Random numbers of a VM. Luau's own state belongs to the VM, so one run's `randomseed` would affect the next.

use std::cell::{Cell, RefCell};

use fastrand::Rng;

/// The random state of the run under way.
pub(super) struct Random {
    seed: Cell<Option<u64>>,
    /// The script's generator, seeded when it is first used.
    rng: RefCell<Option<Rng>>,
    /// The generator of secrets, such as hash keys.
    secrets: RefCell<Rng>,
}

impl Random {
    /// # Errors
    /// The system has no entropy.
    pub(super) fn new() -> Result<Self, getrandom::Error> {
        let secrets = RefCell::new(Rng::with_seed(getrandom::u64()?));
        Ok(Self { seed: Cell::new(None), rng: RefCell::new(None), secrets })
    }

    /// Resets what belongs to one run.
    pub(super) fn begin(&self, seed: Option<u64>) {
        self.seed.set(seed);
        *self.rng.borrow_mut() = None;
    }

    /// Seeds the script's generator.
    pub(super) fn restart(&self, seed: u64) {
        *self.rng.borrow_mut() = Some(Rng::with_seed(seed));
    }

    /// A secret number: a key of hashes, or to hide addresses.
    pub(super) fn secret(&self) -> u64 {
        self.secrets.borrow_mut().u64(..)
    }

    pub(super) fn with<T>(&self, draw: impl FnOnce(&mut Rng) -> T) -> T {
        // Each run's seed comes from the system, so it can't be predicted from another run, nor after a fork.
        let seed = || self.seed.get().or_else(|| getrandom::u64().ok()).unwrap_or_else(|| self.secret());
        draw(self.rng.borrow_mut().get_or_insert_with(|| Rng::with_seed(seed())))
    }
}
