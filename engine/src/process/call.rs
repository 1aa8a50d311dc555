//! A run that a worker makes, as its host knows it, and the host functions that it calls.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use super::wire::{Malformed, Reader, Writer};
use super::{ARGUMENT_KINDS, to_worker};
use crate::model::arguments::{Argument, KeptArguments};
use crate::model::cancel::CancelHandle;
use crate::model::deadline::Deadline;
use crate::model::function::{Arguments, panic_text};
use crate::model::nesting::Nesting;
use crate::model::request::RequestData;
use crate::model::trace::Cause;
use crate::model::value::Value;
use crate::registry::environment::Environment;
use crate::vm::VALUE_SIZE;
use crate::vm::job::Job;

/// How long past its deadline a worker has to answer before it is killed. Code that was not optimised needs longer to say where its script was.
pub(super) const GRACE: Duration =
    if cfg!(debug_assertions) { Duration::from_millis(500) } else { Duration::from_millis(10) };

/// How often it is looked whether a run was cancelled whose worker does not hear of it.
pub(super) const LOOK: Duration = Duration::from_millis(50);

/// A run that a worker makes.
pub(super) struct RunOfWorker<'a> {
    pub(super) job: &'a Job<'a>,
    pub(super) calls: u64,
    pub(super) id: Option<u64>,
    /// The causes of the host functions' errors, as they are numbered.
    pub(super) causes: Vec<Option<Cause>>,
    /// The host ended it by its poll.
    pub(super) is_cancelled: bool,
    /// When the worker is killed.
    pub(super) kill_at: Option<Instant>,
    /// When the host is polled.
    pub(super) due: Deadline,
}

impl RunOfWorker<'_> {
    pub(super) fn id(&mut self) -> u64 {
        *self.id.get_or_insert_with(|| self.job.runs.fetch_add(1, Relaxed) + 1)
    }

    /// Whether it was cancelled.
    pub(super) fn is_over(&self) -> bool {
        self.is_cancelled || self.job.cancels().any(CancelHandle::is_cancelled)
    }

    /// When to look next.
    pub(super) fn until(&self) -> Option<Instant> {
        let now = Instant::now();
        let due = (self.due != Deadline::NEVER).then(|| now + self.due.left(now));
        let look = self.job.cancels().next().map(|_| now + LOOK);
        [self.kill_at, due, look].into_iter().flatten().min()
    }

    /// The time that a host function took is not the worker's fault.
    pub(super) fn called(&mut self) {
        let soon = Instant::now() + GRACE;
        self.kill_at = self.kill_at.map(|kill_at| kill_at.max(soon));
    }

    /// Calls a host function, and says what came of it.
    pub(super) fn call(
        &mut self,
        environment: &Environment,
        mut reader: Reader<'_>,
    ) -> Result<Writer, Malformed> {
        self.calls += 1;
        if self.calls > self.job.limits.host_calls {
            return Err(Malformed);
        }
        let list = match (reader.byte()?, self.job.functions) {
            (0, _) => &environment.functions.list,
            (1, Some(own)) => &own.list,
            _ => return Err(Malformed),
        };
        let (name, function) = list.get(reader.small::<usize>()?).ok_or(Malformed)?;
        // As many as the run could pay for.
        let mut values = self.job.limits.memory / VALUE_SIZE + 1;
        let arguments = reader.list(1, values, |reader| read_argument(reader, &mut values))?;
        reader.end()?;
        let id = self.id();
        let arguments = ReadArguments { name, kept: KeptArguments(arguments), id, run: self };
        let result = {
            let _nesting = Nesting::enter();
            catch_unwind(AssertUnwindSafe(|| function.call(&arguments)))
        };
        let mut reply = Writer::default();
        match result {
            Ok(Ok(value)) => {
                reply.byte(to_worker::VALUE);
                reply.value(&value, 0);
            }
            Ok(Err(error)) => {
                reply.byte(to_worker::ERROR);
                reply.bytes(error.message.as_bytes());
                reply.number(self.causes.len() as u64);
                self.causes.push(error.cause);
            }
            Err(panic) => {
                reply.byte(to_worker::PANIC);
                reply.bytes(panic_text(&*panic).as_bytes());
            }
        }
        Ok(reply)
    }
}

/// An argument, with at most so many values in it, which are taken off.
fn read_argument(reader: &mut Reader<'_>, values: &mut usize) -> Result<Argument, Malformed> {
    let kind = ARGUMENT_KINDS.get(usize::from(reader.byte()?)).ok_or(Malformed)?;
    let value = match reader.byte()? {
        0 => Ok(reader.value(0, values)?),
        1 => Err(reader.text()?.to_owned()),
        _ => return Err(Malformed),
    };
    let no_json = reader.optional(|reader| reader.text().map(str::to_owned))?;
    Ok(Argument { kind, value, no_json })
}

struct ReadArguments<'r, 'a> {
    name: &'r str,
    kept: KeptArguments,
    id: u64,
    run: &'r RunOfWorker<'a>,
}

impl Arguments for ReadArguments<'_, '_> {
    fn name(&self) -> &str {
        self.name
    }

    fn len(&self) -> usize {
        self.kept.len()
    }

    fn kind(&self, index: usize) -> &'static str {
        self.kept.kind(index)
    }

    fn is_null(&self, index: usize) -> bool {
        self.kept.is_null(index)
    }

    fn number(&self, index: usize) -> Option<f64> {
        self.kept.number(index)
    }

    fn boolean(&self, index: usize) -> Option<bool> {
        self.kept.boolean(index)
    }

    fn bytes(&self, index: usize) -> Option<&[u8]> {
        self.kept.bytes(index)
    }

    fn value(&self, index: usize) -> Result<Value, String> {
        self.kept.value(index)
    }

    fn json(&self, index: usize) -> Result<Vec<u8>, String> {
        self.kept.json(index)
    }

    fn run_id(&self) -> u64 {
        self.id
    }

    fn script(&self) -> &Arc<str> {
        &self.run.job.compiled.name
    }

    fn deadline(&self) -> Deadline {
        self.run.job.deadline
    }

    fn cancels(&self) -> Vec<CancelHandle> {
        self.run.job.cancels().cloned().collect()
    }

    fn is_cancelled(&self) -> bool {
        self.run.is_over()
    }

    fn data(&self) -> Option<&RequestData> {
        self.run.job.request.data.as_ref()
    }
}
