//! Many runs of one script, over all VMs of the pool.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::execute::Execution;
use super::script::Script;
use super::span::Origin;
use crate::model::cancel::CancelHandle;
use crate::model::error::Error;
use crate::model::nesting::Nesting;
use crate::model::request::Request;
use crate::model::trace::Trace;

impl Script {
    /// Runs it once for each request, on as many threads as its engine has VMs, and returns the results in the order of the
    /// requests. What one run does changes no other's result.
    ///
    /// ```
    /// use perilune::{Engine, Request};
    ///
    /// let script = Engine::new().compile("double", "return 2 * GET.n")?;
    /// let requests: Vec<_> = (0..100).map(|n| Request::new().param("n", n.to_string())).collect();
    /// let traces = script.run_batch(&requests);
    /// assert_eq!(traces[21].as_ref().unwrap().value.as_deref(), Some("42"));
    /// # Ok::<(), perilune::Error>(())
    /// ```
    #[must_use]
    pub fn run_batch(&self, requests: &[Request<'_>]) -> Vec<Result<Trace, Error>> {
        self.batch().run(requests)
    }

    /// A batch whose progress can be seen, and that can be cancelled.
    pub fn batch(&self) -> Batch<'_> {
        Batch::new(self)
    }
}

/// A batch to be run: see [`Script::batch`](crate::Script::batch).
#[must_use = "it runs with `run`"]
pub struct Batch<'a> {
    script: &'a Script,
    cancel: Option<CancelHandle>,
    progress: Option<Box<dyn Fn(usize, usize) + Sync + 'a>>,
}

impl<'a> Batch<'a> {
    pub(crate) fn new(script: &'a Script) -> Self {
        Self { script, cancel: None, progress: None }
    }

    /// Has the handle end the whole batch: what runs, and what has not begun, is then `cancelled`.
    pub fn cancel(mut self, handle: &CancelHandle) -> Self {
        self.cancel = Some(handle.clone());
        self
    }

    /// Has `progress` called after each run with how many have ended and how many there are: from several threads, and
    /// not always in order.
    pub fn progress(mut self, progress: impl Fn(usize, usize) + Sync + 'a) -> Self {
        self.progress = Some(Box::new(progress));
        self
    }

    /// Runs the script once for each request, on as many threads as the pool has VMs, and returns the results in
    /// the order of the requests. What one run does changes no other's result. Inside a host function or a poll it is one thread.
    #[must_use]
    pub fn run(&self, requests: &[Request<'_>]) -> Vec<Result<Trace, Error>> {
        let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let origin = Origin::here();
        let work = || {
            let mut results = Vec::new();
            loop {
                let index = next.fetch_add(1, Relaxed);
                let Some(request) = requests.get(index) else { return results };
                let run = || Execution::new(self.script, request, self.cancel.as_ref())?.run();
                results.push((index, origin.within(run)));
                if let Some(progress) = &self.progress {
                    progress(done.fetch_add(1, Relaxed) + 1, requests.len());
                }
            }
        };
        // Inside a host function, other threads would wait for the VM that waits for them.
        let threads = if Nesting::depth() > 0 { 1 } else { self.script.engine.pool.size() };
        let threads = threads.min(requests.len());
        // This thread is one of them. If the system gives no other, it runs them all.
        let mut results = std::thread::scope(|scope| {
            let spawn =
                |_| std::thread::Builder::new().name("perilune-batch".into()).spawn_scoped(scope, work).ok();
            let others: Vec<_> = (1..threads).filter_map(spawn).collect();
            let mut results = work();
            for other in others {
                match other.join() {
                    Ok(more) => results.extend(more),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            results
        });
        results.sort_unstable_by_key(|(index, _)| *index);
        results.into_iter().map(|(_, result)| result).collect()
    }
}

impl std::fmt::Debug for Batch<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batch").field("script", self.script).finish_non_exhaustive()
    }
}
