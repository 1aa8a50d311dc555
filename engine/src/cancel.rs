//! Ending runs from outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use parking_lot::Mutex;

use crate::vm::Interrupt;

/// Ends the runs of the requests that it was given to, from any thread: before they begin, or while they run. Their
/// status is then [`Status::Cancelled`](crate::Status::Cancelled). Clones are the same handle; it can't be taken back.
///
/// ```
/// use perilune::{CancelHandle, Engine, Request, Status};
///
/// let script = Engine::new().compile("endless", "while true do end").unwrap();
/// let cancel = CancelHandle::new();
/// let request = Request::new().cancel(&cancel);
/// let trace = std::thread::scope(|scope| {
///     let run = scope.spawn(|| script.run(&request).unwrap());
///     cancel.cancel();
///     run.join().unwrap()
/// });
/// assert_eq!(trace.status, Status::Cancelled);
/// ```
#[derive(Clone, Default)]
pub struct CancelHandle {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    cancelled: AtomicBool,
    running: Mutex<Vec<Arc<Interrupt>>>,
}

impl CancelHandle {
    /// A handle for no run yet: see [`Request::cancel`](crate::Request::cancel).
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends the runs. Returns at once; a run ends at its next safe point, which is microseconds away.
    pub fn cancel(&self) {
        self.shared.cancelled.store(true, SeqCst);
        for interrupt in &*self.shared.running.lock() {
            interrupt.ask();
        }
    }

    /// Whether [`cancel`](Self::cancel) was called.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.shared.cancelled.load(SeqCst)
    }

    /// Has the VM behind `interrupt` asked to look when this is cancelled, until what is returned is dropped.
    pub(crate) fn enlist(&self, interrupt: Arc<Interrupt>) -> Enlisted<'_> {
        self.shared.running.lock().push(Arc::clone(&interrupt));
        // Cancelled before it was enlisted: nobody else asks.
        if self.is_cancelled() {
            interrupt.ask();
        }
        Enlisted { handle: self, interrupt }
    }
}

impl std::fmt::Debug for CancelHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CancelHandle").field("is_cancelled", &self.is_cancelled()).finish()
    }
}

/// A run that can be cancelled.
pub(crate) struct Enlisted<'a> {
    handle: &'a CancelHandle,
    interrupt: Arc<Interrupt>,
}

impl Drop for Enlisted<'_> {
    fn drop(&mut self) {
        let mut running = self.handle.shared.running.lock();
        if let Some(at) = running.iter().position(|other| Arc::ptr_eq(other, &self.interrupt)) {
            running.swap_remove(at);
        }
    }
}
