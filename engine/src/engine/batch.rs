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
    /// Runs it once for each request, on as many threads as its engine has ([`EngineBuilder::threads`](crate::EngineBuilder::threads)), and returns
    /// the results in the order of the requests. What one run does changes no other's result.
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
    pub(super) script: &'a Script,
    pub(super) cancel: Option<CancelHandle>,
    pub(super) progress: Option<Box<dyn Fn(usize, usize) + Sync + 'a>>,
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

    /// Runs the script once for each request, on as many threads as the engine has, and returns the results in
    /// the order of the requests. What one run does changes no other's result. Inside a host function or a poll it is one thread.
    #[must_use]
    pub fn run(&self, requests: &[Request<'_>]) -> Vec<Result<Trace, Error>> {
        let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let origin = Origin::here();
        let work = || {
            let mut share = Share {
                batch: self,
                requests,
                next: &next,
                done: &done,
                origin: &origin,
                results: Vec::new(),
                singly: Vec::new(),
            };
            loop {
                let goes_on = if share.may_be_many() { share.run_many() } else { share.run_next() };
                while let Some(index) = share.singly.pop() {
                    share.run_one(index);
                }
                if !goes_on {
                    return share.results;
                }
            }
        };
        // Inside a host function, other threads would wait for the VM that waits for them.
        let threads = if Nesting::depth() > 0 { 1 } else { self.script.engine.pool.threads() };
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

/// What one thread runs of a batch.
pub(super) struct Share<'b, 'a> {
    pub(super) batch: &'b Batch<'a>,
    pub(super) requests: &'b [Request<'b>],
    next: &'b AtomicUsize,
    done: &'b AtomicUsize,
    pub(super) origin: &'b Origin,
    results: Vec<(usize, Result<Trace, Error>)>,
    /// Runs that are to be made one by one.
    pub(super) singly: Vec<usize>,
}

impl<'b, 'a> Share<'b, 'a> {
    /// The index of a request that nobody has run.
    pub(super) fn claim(&self) -> Option<usize> {
        let index = self.next.fetch_add(1, Relaxed);
        (index < self.requests.len()).then_some(index)
    }

    /// The run of a request.
    pub(super) fn execution(&self, index: usize) -> Result<Execution<'b>, Error> {
        Execution::new(self.batch.script, &self.requests[index], self.batch.cancel.as_ref())
    }

    fn run_one(&mut self, index: usize) {
        let result = self.origin.within(|| self.execution(index)?.run());
        self.push(index, result);
    }

    /// Makes the next run, if one is left.
    fn run_next(&mut self) -> bool {
        let index = self.claim();
        index.map(|index| self.run_one(index)).is_some()
    }

    pub(super) fn push(&mut self, index: usize, result: Result<Trace, Error>) {
        self.results.push((index, result));
        if let Some(progress) = &self.batch.progress {
            progress(self.done.fetch_add(1, Relaxed) + 1, self.requests.len());
        }
    }
}

impl std::fmt::Debug for Batch<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batch").field("script", self.script).finish_non_exhaustive()
    }
}
