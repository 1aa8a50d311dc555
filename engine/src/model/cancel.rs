//! Ending runs from outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use parking_lot::Mutex;

/// What the trace of a cancelled run says.
pub(crate) const MESSAGE: &str = "the run was cancelled";

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
    listed: Mutex<Vec<Arc<dyn Cancel>>>,
}

/// What a handle can reach: a VM that runs, or a run that waits for one.
pub(crate) trait Cancel: Send + Sync {
    /// The handle was cancelled.
    fn cancelled(&self);
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
        // Without the lock: what is told may end a run, and that is the host's code.
        let listed = self.shared.listed.lock().clone();
        for other in listed {
            other.cancelled();
        }
    }

    /// Whether [`cancel`](Self::cancel) was called.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.shared.cancelled.load(SeqCst)
    }

    /// Has `one` told when this is cancelled, until what is returned is dropped.
    pub(crate) fn enlist(&self, one: Arc<dyn Cancel>) -> Enlisted {
        self.shared.listed.lock().push(Arc::clone(&one));
        // Cancelled before it was enlisted: nobody else tells it.
        if self.is_cancelled() {
            one.cancelled();
        }
        Enlisted { handle: self.clone(), one }
    }
}

impl std::fmt::Debug for CancelHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CancelHandle").field("is_cancelled", &self.is_cancelled()).finish()
    }
}

/// Something that can be cancelled.
pub(crate) struct Enlisted {
    handle: CancelHandle,
    one: Arc<dyn Cancel>,
}

impl Drop for Enlisted {
    fn drop(&mut self) {
        let mut listed = self.handle.shared.listed.lock();
        if let Some(at) = listed.iter().position(|other| Arc::ptr_eq(other, &self.one)) {
            listed.swap_remove(at);
        }
    }
}
