//! What a host gave to all scripts of an engine: functions and modules.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Acquire, Ordering::Release};

use parking_lot::RwLock;

use super::functions::{Functions, next_id};
use crate::compile::compiled::Compiled;

/// Functions and modules as they were at one time: a run sees one of these from its beginning to its end.
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

/// The environment of an engine, replaced as a whole by each registration.
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

    /// Replaces the environment by what `change` makes of it.
    pub(crate) fn change<E>(&self, change: impl FnOnce(&mut Environment) -> Result<(), E>) -> Result<(), E> {
        let mut current = self.current.write();
        let mut next = Environment::clone(&current);
        let changed = change(&mut next);
        if changed.is_ok() {
            next.id = next_id();
            self.id.store(next.id, Release);
            let replaced = std::mem::replace(&mut *current, Arc::new(next));
            drop(current);
            // With it go functions of the host's, whose destructors may take locks of the host's.
            drop(replaced);
        }
        changed
    }
}
