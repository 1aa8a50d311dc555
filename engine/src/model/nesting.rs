//! Nested runs: those that begin inside of another run's host function or poll, on its thread.

use std::cell::Cell;

thread_local! {
    /// How many host functions and polls this thread is in, inside each other.
    static NESTING: Cell<u32> = const { Cell::new(0) };
}

/// How deep runs may nest.
pub(crate) const MAX_NESTING: u32 = 8;

/// A host function or a poll under way on this thread: a run that it begins must not wait for the VM that waits for it.
pub(crate) struct Nesting(());

impl Nesting {
    pub(crate) fn enter() -> Self {
        NESTING.set(NESTING.get() + 1);
        Self(())
    }

    /// How many host functions and polls this thread is in.
    pub(crate) fn depth() -> u32 {
        NESTING.get()
    }
}

impl Drop for Nesting {
    fn drop(&mut self) {
        NESTING.set(NESTING.get() - 1);
    }
}
