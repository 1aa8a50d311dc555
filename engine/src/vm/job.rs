//! A run as the VM is given it, and what came of it so far.

use std::cell::{Cell, RefCell};
use std::ffi::CStr;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use crate::compile::compiled::Compiled;
use crate::model::cancel::CancelHandle;
use crate::model::deadline::Deadline;
use crate::model::error::PayloadError;
use crate::model::limits::Limits;
use crate::model::poll::Polling;
use crate::model::request::Request;
use crate::registry::environment::CurrentEnvironment;
use crate::registry::functions::Functions;

/// What Luau calls the entry of a run.
pub(super) const NAME: &CStr = c"perilune";

/// What a run is given.
pub(crate) struct Job<'a> {
    pub(crate) compiled: &'a Compiled,
    /// Host functions of the script's own.
    pub(crate) functions: Option<&'a Functions>,
    /// What the host gave to all scripts.
    pub(crate) environment: &'a CurrentEnvironment,
    /// Numbers the runs.
    pub(crate) runs: &'a AtomicU64,
    pub(crate) request: &'a Request<'a>,
    /// What cancels it beside the request's own handle.
    pub(crate) cancel: Option<&'a CancelHandle>,
    pub(crate) limits: &'a Limits,
    pub(crate) deadline: Deadline,
    /// What it calls from time to time.
    pub(crate) polling: Option<&'a Polling<'a>>,
}

impl<'a> Job<'a> {
    /// What can cancel the run.
    pub(super) fn cancels(&self) -> impl Iterator<Item = &'a CancelHandle> {
        self.request.cancel.as_ref().into_iter().chain(self.cancel)
    }
}

/// A run under way: what it was given, and what came of it.
pub(super) struct Run<'a> {
    pub(super) job: &'a Job<'a>,
    pub(super) payload: RefCell<Option<PayloadError>>,
    /// What it returned, as JSON; the error says why that can't be.
    pub(super) value: RefCell<Option<Result<String, String>>>,
    /// The entry was called: it can't be again.
    pub(super) entered: Cell<bool>,
    id: Cell<Option<u64>>,
}

impl<'a> Run<'a> {
    pub(super) fn new(job: &'a Job<'a>) -> Self {
        Self {
            job,
            payload: RefCell::default(),
            value: RefCell::default(),
            entered: Cell::new(false),
            id: Cell::new(None),
        }
    }

    /// Its number, taken when it is first asked for: a request that is refused has none.
    pub(super) fn id(&self) -> u64 {
        self.id.get().unwrap_or_else(|| {
            let id = self.job.runs.fetch_add(1, Relaxed) + 1;
            self.id.set(Some(id));
            id
        })
    }
}
