//! Random numbers of a VM: Luau keeps its state in the VM, where one run's `randomseed` would reach the next.

use std::cell::{Cell, RefCell};

use fastrand::Rng;

/// The random state of the run under way.
pub(super) struct Random {
    seed: Cell<Option<u64>>,
    /// What the script draws from; made when it first does.
    rng: RefCell<Option<Rng>>,
    /// For hiding addresses.
    secrets: RefCell<Rng>,
}

impl Random {
    /// # Errors
    /// The system has no entropy.
    pub(super) fn new() -> Result<Self, getrandom::Error> {
        let secrets = RefCell::new(Rng::with_seed(getrandom::u64()?));
        Ok(Self { seed: Cell::new(None), rng: RefCell::new(None), secrets })
    }

    /// Forgets the last run's state.
    pub(super) fn begin(&self, seed: Option<u64>) {
        self.seed.set(seed);
        *self.rng.borrow_mut() = None;
    }

    /// From here on the script draws what follows of `seed`.
    pub(super) fn restart(&self, seed: u64) {
        *self.rng.borrow_mut() = Some(Rng::with_seed(seed));
    }

    /// A number to hide addresses with.
    pub(super) fn secret(&self) -> u64 {
        self.secrets.borrow_mut().u64(..)
    }

    pub(super) fn with<T>(&self, draw: impl FnOnce(&mut Rng) -> T) -> T {
        // Each run's seed comes from the system: after a fork, or from what one run saw, no other's can be told.
        let seed = || self.seed.get().or_else(|| getrandom::u64().ok()).unwrap_or_else(|| self.secret());
        draw(self.rng.borrow_mut().get_or_insert_with(|| Rng::with_seed(seed())))
    }
}
