//! Cancelling runs from any thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use parking_lot::Mutex;

/// The message of a cancelled run's error.
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
    inner: Arc<CancelInner>,
}

#[derive(Default)]
struct CancelInner {
    is_cancelled: AtomicBool,
    targets: Mutex<Vec<Arc<dyn CancelTarget>>>,
}

/// What a handle cancels: a run in a VM, or one that waits for a VM.
pub(crate) trait CancelTarget: Send + Sync {
    /// The handle was cancelled.
    fn on_cancel(&self);
}

impl CancelHandle {
    /// A handle for no run yet: see [`Request::cancel`](crate::Request::cancel).
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends the runs. Returns at once; a run ends at its next safepoint, which is microseconds away.
    pub fn cancel(&self) {
        self.inner.is_cancelled.store(true, SeqCst);
        // Not under the lock: a target may call the host's code.
        let targets = self.inner.targets.lock().clone();
        for target in targets {
            target.on_cancel();
        }
    }

    /// Whether [`cancel`](Self::cancel) was called.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.inner.is_cancelled.load(SeqCst)
    }

    /// Has `target` called when this is cancelled, until the registration is dropped.
    pub(crate) fn register(&self, target: Arc<dyn CancelTarget>) -> Registration {
        self.inner.targets.lock().push(Arc::clone(&target));
        // If `cancel` ran before the registration, it did not call the target.
        if self.is_cancelled() {
            target.on_cancel();
        }
        Registration { handle: self.clone(), target }
    }
}

impl std::fmt::Debug for CancelHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CancelHandle").field("is_cancelled", &self.is_cancelled()).finish()
    }
}

/// The registration of a target with a handle; dropping it ends it.
pub(crate) struct Registration {
    handle: CancelHandle,
    target: Arc<dyn CancelTarget>,
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut targets = self.handle.inner.targets.lock();
        if let Some(at) = targets.iter().position(|other| Arc::ptr_eq(other, &self.target)) {
            targets.swap_remove(at);
        }
    }
}
