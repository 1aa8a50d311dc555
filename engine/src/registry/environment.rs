//! The environment of an engine: the functions and modules that the host registered for all scripts.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Acquire, Ordering::Release};

use parking_lot::RwLock;

use super::functions::{Functions, next_id};
use crate::compile::compiled::Compiled;

/// The functions and modules at one time. It never changes, and a run uses one from its beginning to its end.
#[derive(Clone)]
pub(crate) struct Environment {
    pub(crate) id: u64,
    pub(crate) functions: Functions,
    pub(crate) modules: HashMap<Arc<str>, Arc<Compiled>>,
}

impl Default for Environment {
    fn default() -> Self {
        Self { id: 0, functions: Functions::none(), modules: HashMap::new() }
    }
}

/// The current environment of an engine. Each change replaces it as a whole.
#[derive(Default)]
pub(crate) struct CurrentEnvironment {
    /// The id of `current`: a run compares it with that of its VM, and takes no lock when they are the same.
    id: AtomicU64,
    current: RwLock<Arc<Environment>>,
}

impl CurrentEnvironment {
    pub(crate) fn id(&self) -> u64 {
        self.id.load(Acquire)
    }

    pub(crate) fn current(&self) -> Arc<Environment> {
        Arc::clone(&self.current.read())
    }

    /// Replaces the environment by a copy with `change` applied.
    pub(crate) fn change<E>(&self, change: impl FnOnce(&mut Environment) -> Result<(), E>) -> Result<(), E> {
        let mut current = self.current.write();
        let mut next = Environment::clone(&current);
        let changed = change(&mut next);
        if changed.is_ok() {
            next.id = next_id();
            self.id.store(next.id, Release);
            let replaced = std::mem::replace(&mut *current, Arc::new(next));
            drop(current);
            // Dropped without the lock: destructors of host functions are the host's code.
            drop(replaced);
        }
        changed
    }
}
