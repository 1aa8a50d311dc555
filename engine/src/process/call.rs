//! A run that a worker makes, as its host knows it, and the host functions that it calls.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use super::wire::{Malformed, Reader, Writer};
use super::{ARGUMENT_KINDS, to_worker};
use crate::model::cancel::CancelHandle;
use crate::model::deadline::Deadline;
use crate::model::function::Arguments;
use crate::model::nesting::Nesting;
use crate::model::trace::Cause;
use crate::model::value::Value;
use crate::registry::environment::Environment;
use crate::vm::job::Job;
use crate::vm::{VALUE_SIZE, panic_text};

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
        let arguments = reader.list(1, values, |reader| Argument::read(reader, &mut values))?;
        reader.end()?;
        let id = self.id();
        let arguments = ReadArguments { name, arguments, id, run: self };
        let result = {
            let _nesting = Nesting::enter();
            catch_unwind(AssertUnwindSafe(|| function(&arguments)))
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

/// An argument of a call, as the worker tells it.
struct Argument {
    kind: &'static str,
    is_null: bool,
    /// What it is, or why it is no value.
    value: Result<Value, String>,
    /// Why it is no JSON, where it is none.
    no_json: Option<String>,
}

impl Argument {
    /// With at most so many values in it, which are taken off.
    fn read(reader: &mut Reader<'_>, values: &mut usize) -> Result<Self, Malformed> {
        let kind = ARGUMENT_KINDS.get(usize::from(reader.byte()?)).ok_or(Malformed)?;
        let value = match reader.byte()? {
            0 => Ok(reader.value(0, values)?),
            1 => Err(reader.text()?.to_owned()),
            _ => return Err(Malformed),
        };
        let no_json = reader.optional(|reader| reader.text().map(str::to_owned))?;
        Ok(Self { kind, is_null: matches!(*kind, "nothing" | "json.null" | "nil"), value, no_json })
    }
}

struct ReadArguments<'r, 'a> {
    name: &'r str,
    arguments: Vec<Argument>,
    id: u64,
    run: &'r RunOfWorker<'a>,
}

impl ReadArguments<'_, '_> {
    fn get(&self, index: usize) -> Option<&Value> {
        self.arguments.get(index)?.value.as_ref().ok()
    }
}

impl Arguments for ReadArguments<'_, '_> {
    fn name(&self) -> &str {
        self.name
    }

    fn len(&self) -> usize {
        self.arguments.len()
    }

    fn kind(&self, index: usize) -> &'static str {
        self.arguments.get(index).map_or("nothing", |argument| argument.kind)
    }

    fn is_null(&self, index: usize) -> bool {
        self.arguments.get(index).is_none_or(|argument| argument.is_null)
    }

    fn number(&self, index: usize) -> Option<f64> {
        self.get(index)?.as_f64()
    }

    fn boolean(&self, index: usize) -> Option<bool> {
        if let Value::Bool(flag) = self.get(index)? { Some(*flag) } else { None }
    }

    fn bytes(&self, index: usize) -> Option<&[u8]> {
        self.get(index)?.as_bytes()
    }

    fn value(&self, index: usize) -> Result<Value, String> {
        self.arguments.get(index).map_or(Ok(Value::Null), |argument| argument.value.clone())
    }

    fn json(&self, index: usize) -> Result<Vec<u8>, String> {
        match self.arguments.get(index) {
            Some(Argument { no_json: Some(reason), .. }) => Err(reason.clone()),
            _ => serde_json::to_vec(&self.value(index)?).map_err(|error| format!(": {error}")),
        }
    }

    fn run_id(&self) -> u64 {
        self.id
    }

    fn script(&self) -> &str {
        &self.run.job.compiled.name
    }

    fn remaining(&self) -> Duration {
        self.run.job.deadline.left(Instant::now())
    }

    fn is_cancelled(&self) -> bool {
        self.run.is_over()
    }
}
