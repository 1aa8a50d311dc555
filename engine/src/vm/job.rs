//! The inputs of a run, as the VM gets them, and its results so far.

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

/// The debug name of a run's entry function.
pub(super) const NAME: &CStr = c"perilune";

/// The inputs of a run.
pub(crate) struct Job<'a> {
    pub(crate) compiled: &'a Compiled,
    /// Host functions of the script's own.
    pub(crate) functions: Option<&'a Functions>,
    /// What the host registered for all scripts.
    pub(crate) environment: &'a CurrentEnvironment,
    /// How many runs have begun: the source of ids.
    pub(crate) runs: &'a AtomicU64,
    pub(crate) request: &'a Request<'a>,
    /// A handle that cancels it, beside the request's own: a batch's or a ticket's.
    pub(crate) cancel: Option<&'a CancelHandle>,
    pub(crate) limits: &'a Limits,
    pub(crate) deadline: Deadline,
    /// Calls the host's poll.
    pub(crate) polling: Option<&'a Polling<'a>>,
}

impl<'a> Job<'a> {
    /// The handles that can cancel the run.
    pub(crate) fn cancels(&self) -> impl Iterator<Item = &'a CancelHandle> {
        self.request.cancel.as_ref().into_iter().chain(self.cancel)
    }
}

/// A run under way: its inputs, and its results so far.
pub(super) struct Run<'a> {
    pub(super) job: &'a Job<'a>,
    pub(super) payload: RefCell<Option<PayloadError>>,
    /// What the script returned, as JSON, or why that is not possible.
    pub(super) value: RefCell<Option<Result<String, String>>>,
    /// The entry function was called. A script that gets hold of it can't call it again.
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

    /// The id of the run. It is taken at the first call, so that a refused request uses up no id.
    pub(super) fn id(&self) -> u64 {
        self.id.get().unwrap_or_else(|| {
            let id = self.job.runs.fetch_add(1, Relaxed) + 1;
            self.id.set(Some(id));
            id
        })
    }
}
