//! A worker, as its host has it.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::call::{GRACE, RunOfWorker};
use super::channel::{Channel, Silence, tell};
use super::sandbox::Sandbox;
use super::settings::Start;
use super::shared::Stream;
use super::starter::Starter;
use super::wire::{Malformed, Reader, Writer};
use super::{ARGUMENT, Ends, to_host, to_worker};
use crate::model::cancel::{self, CancelTarget};
use crate::model::deadline::Deadline;
use crate::model::error::{Error, Part, PayloadError, Position};
use crate::model::limits::Limits;
use crate::model::poll::Poll;
use crate::model::trace::{ErrorKind, ScriptError, Trace};
use crate::registry::environment::Environment;
use crate::vm::STACK;
use crate::vm::job::Job;
use crate::vm::stack::Stack;

/// How long a worker may take to start.
const START: Duration = Duration::from_secs(10);

/// How often one is started anew that somebody killed before it could say a word.
const STARTS: u32 = 5;

/// Scripts that a worker is let to keep.
const SCRIPTS: usize = 256;

/// Bytes that a message has beside what limits are for.
pub(super) const BESIDE: usize = 1 << 20;

/// A process that runs scripts, one at a time.
pub(crate) struct Worker {
    starter: Arc<Starter>,
    started: Instant,
    child: Child,
    pub(super) channel: Channel,
    control: Arc<UnixStream>,
    /// The number of its latest run.
    pub(super) runs: u64,
    sandbox: Sandbox,
    /// The scripts that it has.
    scripts: HashSet<u64>,
    /// The ids of the functions that it was told of, the engine's and the script's.
    told: (u64, u64),
    environment: Arc<Environment>,
    is_sound: bool,
    has_replaced: bool,
    /// For runs from where there is little.
    stack: Stack,
}

/// What ends a run of a worker from other threads.
pub(super) struct Ender {
    control: Arc<UnixStream>,
    /// The last of its runs that is over.
    number: u64,
}

impl CancelTarget for Ender {
    fn on_cancel(&self) {
        // Where it is gone, so is its run.
        let _ = tell(&self.control, &self.number.to_le_bytes());
    }
}

impl Worker {
    /// # Errors
    /// The system can't start it, or it is not a worker of this version.
    pub(crate) fn start(starter: &Arc<Starter>) -> Result<Self, Error> {
        let mut tries = 1..STARTS;
        loop {
            let mut is_killed = false;
            let started = Self::start_once(starter, &mut is_killed);
            if started.is_ok() || !is_killed || tries.next().is_none() {
                return started;
            }
        }
    }

    /// Starts one, and says where there is none whether somebody killed it.
    fn start_once(starter: &Arc<Starter>, is_killed: &mut bool) -> Result<Self, Error> {
        let start = &starter.start;
        let failed = |reason: String| {
            Error::Internal(format!("can't start a worker, {}: {reason}", start.program.display()))
        };
        let Ends { channel, control, theirs: [stdin, stdout, stderr] } =
            Ends::new(start.output, start.spin).map_err(|error| failed(error.to_string()))?;
        control.set_nonblocking(true).map_err(|error| failed(error.to_string()))?;
        let mut command = Command::new(&start.program);
        command
            .arg(ARGUMENT)
            .args([start.memory, start.output, start.spin.as_micros() as usize].map(|it| it.to_string()))
            .env_clear()
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::from(stdin))
            .stdout(Stdio::from(stdout))
            .stderr(Stdio::from(stderr));
        let child = starter.spawn(command).map_err(|error| failed(error.to_string()))?;
        let mut worker = Self {
            starter: Arc::clone(starter),
            started: Instant::now(),
            child,
            channel,
            control: Arc::new(control),
            runs: 0,
            sandbox: Sandbox::none(),
            scripts: HashSet::new(),
            told: (0, 0),
            environment: Arc::default(),
            is_sound: true,
            has_replaced: false,
            stack: Stack::default(),
        };
        let mut message = Vec::new();
        let hello = worker.channel.receive(&mut message, BESIDE, Some(Instant::now() + START));
        let is_gone = matches!(hello, Err(Silence::Gone));
        let mut reader = Reader(&message);
        let version = hello.ok().and_then(|()| {
            let version = (reader.byte() == Ok(to_host::HELLO)).then(|| reader.text().ok())??;
            Some((version, Sandbox::read(&mut reader)))
        });
        match version {
            Some((env!("CARGO_PKG_VERSION"), Ok(sandbox))) => {
                if let Some(missing) = sandbox.missing().filter(|_| start.requires_sandbox) {
                    return Err(failed(format!("its sandbox is not whole, as is required: {missing}")));
                }
                worker.sandbox = sandbox;
                Ok(worker)
            }
            Some((other, _)) => {
                let own = env!("CARGO_PKG_VERSION");
                Err(failed(format!("it is of version {other}, and this of {own}")))
            }
            None => {
                let end = worker.kill();
                *is_killed = is_gone && end.is_some_and(|end| end.signal() == Some(libc::SIGKILL));
                Err(failed(format!("it does not answer as a worker ({})", told(end))))
            }
        }
    }

    /// What keeps it from the system.
    pub(crate) fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// Whether it replaced its VM after its last run; said once.
    pub(crate) fn has_replaced(&mut self) -> bool {
        std::mem::take(&mut self.has_replaced)
    }

    /// Whether it may have another run.
    pub(crate) fn is_sound(&self) -> bool {
        let Start { max_runs, max_age, .. } = &self.starter.start;
        self.is_sound
            && max_runs.is_none_or(|runs| self.runs < runs.max(1))
            && max_age.is_none_or(|age| self.started.elapsed() < age)
    }

    /// Runs a script to its end or its limits, or to the worker's, and returns the bytes of output that were past their limit.
    ///
    /// # Errors
    /// The request is not valid JSON, or the worker's engine failed.
    pub(crate) fn run(
        &mut self,
        job: &Job<'_>,
        poll: Option<&Poll>,
        trace: &mut Trace,
    ) -> Result<u64, Error> {
        let began = Instant::now();
        self.runs += 1;
        let mut run = RunOfWorker {
            job,
            calls: 0,
            id: None,
            causes: Vec::new(),
            is_cancelled: false,
            kill_at: began.checked_add(job.limits.timeout).and_then(|end| end.checked_add(GRACE)),
            due: poll.map_or(Deadline::NEVER, |poll| poll.due(began)),
        };
        let mut ended = self.attempt(&mut run, poll, trace)?;
        // One that ended while it had nothing to do is replaced: that was no run's fault.
        // What it says of that is not believed where it called the host.
        let is_unbegun = run.calls == 0 && !self.channel.has_begun(self.runs);
        if matches!(ended, Err(Silence::Gone)) && is_unbegun && !run.is_over() {
            let runs = self.runs;
            *self = Self::start(&Arc::clone(&self.starter))?;
            self.runs = runs;
            ended = self.attempt(&mut run, poll, trace)?;
        }
        let end = match ended {
            Ok(ended) => ended?,
            Err(silence) => {
                self.silenced(job.limits, run.is_over(), &silence, trace);
                trace.duration = began.elapsed();
                0
            }
        };
        trace.id = run.id();
        trace.usage.host_calls = run.calls;
        Ok(end)
    }

    /// Has the worker make a run, which is an error where it failed, and silence where it did not come to an end.
    fn attempt(
        &mut self,
        run: &mut RunOfWorker<'_>,
        poll: Option<&Poll>,
        trace: &mut Trace,
    ) -> Result<Result<Result<u64, Error>, Silence>, Error> {
        self.channel.forget_run();
        let mut message = self.head(to_worker::RUN, run.job);
        message.limits(run.job.limits);
        message.request(run.job.request);
        let sent = self.channel.send(&message.0, run.kill_at);
        let registrations: Vec<_> =
            run.job.cancels().map(|cancel| cancel.register(Arc::new(self.ender(self.runs)))).collect();
        // Host functions have the stack that they have where the VM is here.
        let mut stack = std::mem::take(&mut self.stack);
        let ended = stack.with_room(STACK, || sent.and_then(|()| self.converse(run, poll, trace)));
        self.stack = stack;
        drop(registrations);
        let panicked = |_| Error::Internal("a function of the library panicked".to_owned());
        let ended = ended.map_err(Error::from).and_then(|ended| ended.map_err(panicked));
        if ended.is_err() {
            // It is in the midst of a run.
            self.kill();
        }
        ended
    }

    /// Ends a worker that did not answer, and tells why in the trace of its run.
    pub(super) fn silenced(
        &mut self,
        limits: &Limits,
        is_cancelled: bool,
        silence: &Silence,
        trace: &mut Trace,
    ) {
        // The system takes long to end a process with much memory. Whoever replaces this worker waits for that, and not the run.
        self.signal();
        let (kind, message) = match silence {
            _ if is_cancelled => (ErrorKind::Cancelled, cancel::MESSAGE.to_owned()),
            Silence::Late => {
                let timeout = limits.timeout.as_millis();
                (ErrorKind::Timeout, format!("the run did not end within its timeout of {timeout} ms"))
            }
            Silence::Gone => {
                (ErrorKind::Crashed, format!("the worker of {} ended: {}", trace.script, told(self.kill())))
            }
            Silence::NoMessage => {
                (ErrorKind::Crashed, format!("the worker of {} sent what is no answer", trace.script))
            }
        };
        self.keep_output(limits.output, &message, trace);
        trace.status = kind.status();
        trace.error = Some(Box::new(ScriptError::new(kind, message)));
    }

    /// Tells what a run had written when its worker ended, and why that was.
    fn keep_output(&self, most: usize, message: &str, trace: &mut Trace) {
        let kept = |stream| self.channel.kept(stream, most);
        (trace.stdout, trace.stdout_truncated) = kept(Stream::Stdout);
        (trace.stderr, trace.stderr_truncated) = kept(Stream::Stderr);
        if !trace.stderr.is_empty() && !trace.stderr.ends_with(b"\n") {
            trace.stderr.push(b'\n');
        }
        trace.stderr.extend_from_slice(format!("{message}\n").as_bytes());
    }

    /// What ends the runs that it has, up to that number.
    pub(super) fn ender(&self, number: u64) -> Ender {
        Ender { control: Arc::clone(&self.control), number }
    }

    /// Forgets what the worker was told of functions and modules, so that it is told again.
    pub(super) fn forget_told(&mut self) {
        self.told.0 = u64::MAX;
    }

    /// What begins a message about runs: which is the first, of which script, and what there is for it.
    pub(super) fn head(&mut self, kind: u8, job: &Job<'_>) -> Writer {
        let mut message = Writer(Vec::with_capacity(512));
        message.byte(kind);
        message.number(self.runs);
        let compiled = job.compiled;
        let is_known = self.scripts.contains(&compiled.id);
        let forgets = !is_known && self.scripts.len() >= SCRIPTS;
        if forgets {
            self.scripts.clear();
        }
        message.byte(forgets.into());
        message.number(compiled.id);
        message.optional((!is_known).then_some(compiled), |message, compiled| {
            message.bytes(compiled.name.as_bytes());
            message.bytes(compiled.hints.source().as_bytes());
        });
        self.scripts.insert(compiled.id);
        let told = (job.environment.id(), job.functions.map_or(0, |own| own.id));
        let is_news = self.told != told;
        if is_news {
            self.environment = job.environment.current();
            self.told = (self.environment.id, told.1);
        }
        message.optional(is_news.then_some(&*self.environment), |message, environment| {
            message.names(environment.functions.list.iter().map(|(name, _)| &**name));
            message.modules(environment);
            let own = job.functions.map_or(&[][..], |own| &own.list);
            message.names(own.iter().map(|(name, _)| &**name));
        });
        message
    }

    /// Answers to a run that has begun until it ends.
    fn converse(
        &mut self,
        run: &mut RunOfWorker<'_>,
        poll: Option<&Poll>,
        trace: &mut Trace,
    ) -> Result<Result<u64, Error>, Silence> {
        let limits = run.job.limits;
        let most = most(limits);
        let mut answer = Vec::new();
        loop {
            match self.channel.receive(&mut answer, most, run.until()) {
                Ok(()) => {}
                Err(Silence::Late) => {
                    self.look(run, poll)?;
                    continue;
                }
                Err(silence) => return Err(silence),
            }
            let mut reader = Reader(&answer);
            match reader.byte()? {
                to_host::CALL => {
                    let mut reply = run.call(&self.environment, reader)?;
                    // The worker's clock is a little behind, and a cancel may be on its way.
                    reply.byte(run.job.deadline.has_passed(Instant::now()).into());
                    reply.byte(run.is_over().into());
                    run.called();
                    self.channel.send(&reply.0, run.kill_at)?;
                    answer.clear();
                }
                kind => {
                    let (ended, cause) = self.ended(kind, &mut reader, trace, limits)?;
                    if let (Some(error), Some(cause)) = (&mut trace.error, cause) {
                        error.cause = run.causes.get(cause as usize).cloned().flatten();
                    }
                    return Ok(ended);
                }
            }
        }
    }

    /// Reads what came of a run, and the number of the cause of its error.
    pub(super) fn ended(
        &mut self,
        kind: u8,
        reader: &mut Reader<'_>,
        trace: &mut Trace,
        limits: &Limits,
    ) -> Result<(Result<u64, Error>, Option<u64>), Malformed> {
        let ended = match kind {
            to_host::TRACE => {
                self.has_replaced |= reader.byte()? != 0;
                let (dropped, cause) = reader.trace(trace, limits)?;
                (Ok(dropped), cause)
            }
            to_host::REFUSED => (Err(Error::Payload(refused(reader)?)), None),
            to_host::FAILED => {
                self.is_sound = false;
                (Err(Error::Internal(reader.text()?.to_owned())), None)
            }
            _ => return Err(Malformed),
        };
        reader.end()?;
        Ok(ended)
    }

    /// Sees to what is due while a worker runs.
    fn look(&self, run: &mut RunOfWorker<'_>, poll: Option<&Poll>) -> Result<(), Silence> {
        let now = Instant::now();
        if run.kill_at.is_some_and(|kill_at| now >= kill_at) {
            return Err(Silence::Late);
        }
        if let Some(poll) = poll.filter(|_| run.due.has_passed(now)) {
            run.due = match poll.call() {
                ControlFlow::Continue(()) => poll.due(Instant::now()),
                ControlFlow::Break(()) => {
                    run.is_cancelled = true;
                    self.ender(self.runs).on_cancel();
                    Deadline::NEVER
                }
            };
        }
        if run.is_over() {
            let soon = Instant::now() + GRACE;
            run.kill_at = Some(run.kill_at.map_or(soon, |kill_at| kill_at.min(soon)));
        }
        Ok(())
    }

    /// Ends the process, and returns how it ended. One that is gone by itself has its end already, which this does not change: streams are closed
    /// later.
    pub(super) fn kill(&mut self) -> Option<ExitStatus> {
        self.signal();
        self.child.wait().ok()
    }

    /// Has the process end.
    fn signal(&mut self) {
        self.is_sound = false;
        let _ = self.child.kill();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The most bytes of what a worker says of a run, or of one of its calls.
pub(super) fn most(limits: &Limits) -> usize {
    BESIDE
        .saturating_add(limits.output.saturating_mul(2))
        .saturating_add(limits.value.saturating_mul(2))
        .saturating_add(limits.memory)
}

/// How a process ended, in words.
fn told(end: Option<ExitStatus>) -> String {
    let Some(end) = end else { return "nobody knows how".to_owned() };
    match (end.signal(), end.code()) {
        (Some(signal), _) => format!("signal {signal}"),
        (None, Some(code)) => format!("exit code {code}"),
        (None, None) => "nobody knows how".to_owned(),
    }
}

fn refused(reader: &mut Reader<'_>) -> Result<PayloadError, Malformed> {
    let part = match reader.byte()? {
        0 => Part::Body,
        1 => Part::Config,
        2 => Part::Meta,
        _ => return Err(Malformed),
    };
    let reason = reader.text()?.to_owned();
    let position = Position { line: reader.small()?, column: reader.small()?, char: reader.small()? };
    Ok(PayloadError::Json { part, reason, position })
}

impl From<Malformed> for Silence {
    fn from(Malformed: Malformed) -> Self {
        Self::NoMessage
    }
}
