//! A worker, from within: it compiles and runs what its host sends, in a VM as the host's, until the host is gone.

use std::collections::HashMap;
use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::stubs::{Current, MOST, Remote, stubs};
use crate::compile::compiled::Compiled;
use crate::model::cancel::CancelHandle;
use crate::model::capture::Keeper;
use crate::model::deadline::Deadline;
use crate::model::error::{Error, Part, PayloadError};
use crate::model::limits::Limits;
use crate::model::request::Request;
use crate::model::trace::Trace;
use crate::pool::watchdog::{Watchdog, Watched};
use crate::process::channel::Channel;
#[cfg(feature = "faults")]
use crate::process::faults;
use crate::process::many::{ANSWER_AFTER, ENOUGH};
use crate::process::sandbox::{self, Sandbox};
use crate::process::shared::Stream;
use crate::process::wire::{Malformed, Reader, Writer};
use crate::process::{ARGUMENT, ends_of_worker, to_host, to_worker};
use crate::registry::check::{Diagnostic, Severity, check};
use crate::registry::environment::{CurrentEnvironment, Environment};
use crate::registry::functions::Functions;
use crate::vm::Vm;
use crate::vm::job::Job;

/// Becomes a worker, if that is what this process was started for, and returns only where it was not: to be called at the beginning of `main`
/// by a program that has [`Isolation::Process`](crate::Isolation) with itself as the worker's program.
///
/// ```no_run
/// perilune::worker::init();
/// // What the program does.
/// ```
pub fn init() {
    if std::env::args_os().nth(1).is_some_and(|argument| argument == ARGUMENT) {
        // Its host knows by the end of the process.
        std::process::exit(if serve().is_ok() { 0 } else { 2 });
    }
}

fn serve() -> io::Result<()> {
    let argument = |index| std::env::args().nth(index).and_then(|number| number.parse::<usize>().ok());
    let (Some(memory), Some(output), Some(spin)) = (argument(2), argument(3), argument(4)) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let (channel, control) = ends_of_worker(output, Duration::from_micros(spin as u64))?;
    let sandbox = sandbox::before_threads(memory);
    let current = Arc::new(Mutex::new(Current::default()));
    let heard = Arc::clone(&current);
    std::thread::Builder::new()
        .name("perilune-control".into())
        .stack_size(64 << 10)
        .spawn(move || listen(control, &heard))?;
    let mut guest = Guest::new(Arc::new(channel), current).map_err(io::Error::other)?;
    guest.warm_up().map_err(io::Error::other)?;
    guest.hello(sandbox::after_threads(sandbox))?;
    let mut message = Vec::new();
    loop {
        message.clear();
        // The host is gone where there is none.
        if guest.channel.receive(&mut message, MOST, None).is_err() {
            return Ok(());
        }
        let Ok(answer) = guest.answer(&message) else { return Err(io::ErrorKind::InvalidData.into()) };
        if guest.channel.send(&answer.0, None).is_err() {
            return Ok(());
        }
        // Now that nobody waits for it.
        let _ = guest.vm();
    }
}

/// Hears which runs are cancelled, and ends the process when the host is gone.
fn listen(mut control: UnixStream, current: &Mutex<Current>) {
    let mut number = [0; 8];
    while control.read_exact(&mut number).is_ok() {
        let mut current = current.lock();
        current.cancelled = u64::from_le_bytes(number);
        if current.number <= current.cancelled
            && let Some(handle) = &current.handle
        {
            handle.cancel();
        }
    }
    std::process::exit(0);
}

/// Where the output of a run is kept, which its host has when this process ends before the run.
struct KeptStream {
    channel: Arc<Channel>,
    stream: Stream,
}

impl Keeper for KeptStream {
    fn keep(&self, at: usize, bytes: &[u8], is_truncated: bool) {
        self.channel.keep(self.stream, at, bytes, is_truncated);
    }
}

struct Guest {
    channel: Arc<Channel>,
    current: Arc<Mutex<Current>>,
    watchdog: Watchdog,
    /// `None` while it is made anew.
    vm: Option<(Vm, Arc<Watched>)>,
    scripts: HashMap<u64, Arc<Compiled>>,
    environment: CurrentEnvironment,
    /// Those of the script alone.
    functions: Option<Functions>,
    runs: AtomicU64,
}

impl Guest {
    fn new(channel: Arc<Channel>, current: Arc<Mutex<Current>>) -> Result<Self, Error> {
        let mut guest = Self {
            channel,
            current,
            watchdog: Watchdog::new(),
            vm: None,
            scripts: HashMap::new(),
            environment: CurrentEnvironment::default(),
            functions: None,
            runs: AtomicU64::new(0),
        };
        guest.vm()?;
        Ok(guest)
    }

    fn vm(&mut self) -> Result<&mut (Vm, Arc<Watched>), Error> {
        if self.vm.as_ref().is_some_and(|(vm, _)| !vm.is_sound()) {
            self.vm = None;
        }
        if self.vm.is_none() {
            let vm = Vm::new()?;
            vm.keep_output([Stream::Stdout, Stream::Stderr].map(|stream| {
                let channel = Arc::clone(&self.channel);
                Box::new(KeptStream { channel, stream }) as Box<dyn Keeper>
            }));
            let watched = self.watchdog.watch(vm.interrupt())?;
            self.vm = Some((vm, watched));
        }
        self.vm.as_mut().ok_or_else(no_vm)
    }

    /// Compiles and runs once what does nothing: the first time, the system is asked what it does not answer later, such as how long this
    /// thread's stack is.
    fn warm_up(&mut self) -> Result<(), Error> {
        let compiled = Compiled::new("", b"", &Limits::default())?;
        let (request, limits) = (Request::new(), Limits::default());
        let mut trace = Trace::new(Arc::clone(&compiled.name), 1);
        let (vm, _) = self.vm.as_mut().ok_or_else(no_vm)?;
        let job = Job {
            compiled: &compiled,
            functions: None,
            environment: &self.environment,
            runs: &self.runs,
            request: &request,
            cancel: None,
            limits: &limits,
            deadline: Deadline::NEVER,
            polling: None,
        };
        vm.run(&job, &mut trace).map(drop)
    }

    fn hello(&self, sandbox: Sandbox) -> io::Result<()> {
        let mut hello = Writer::default();
        hello.byte(to_host::HELLO);
        hello.bytes(env!("CARGO_PKG_VERSION").as_bytes());
        sandbox.write(&mut hello);
        self.channel.send(&hello.0, None).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    fn answer(&mut self, message: &[u8]) -> Result<Writer, Malformed> {
        let mut reader = Reader(message);
        match reader.byte()? {
            to_worker::COMPILE => Self::compile(reader),
            to_worker::RUN => self.run(reader),
            to_worker::RUNS => self.run_many(reader),
            to_worker::CHECK => self.check(reader),
            _ => Err(Malformed),
        }
    }

    fn compile(mut reader: Reader<'_>) -> Result<Writer, Malformed> {
        let compiled = compiled(&mut reader)?;
        reader.end()?;
        let mut answer = Writer::default();
        match compiled {
            Ok(_) => answer.byte(to_host::COMPILED),
            Err((line, reason)) => {
                answer.byte(to_host::NOT_COMPILED);
                answer.number(line.into());
                answer.bytes(reason.as_bytes());
            }
        }
        Ok(answer)
    }

    /// Says what is to be said of a source, given the names that there are for scripts.
    fn check(&self, mut reader: Reader<'_>) -> Result<Writer, Malformed> {
        let mut environment = Environment {
            functions: stubs(&self.channel, &self.current, &mut reader, 0)?,
            ..Environment::default()
        };
        let module =
            |reader: &mut Reader<'_>| Ok(Compiled::without_bytecode(reader.text()?, reader.bytes()?));
        let modules = reader.list(16, usize::MAX, module)?.into_iter().map(Arc::new);
        environment.modules = modules.map(|module| (Arc::clone(&module.name), module)).collect();
        let (name, source) = (reader.text()?, reader.bytes()?);
        reader.end()?;
        let mut answer = Writer::default();
        answer.byte(to_host::CHECKED);
        let found = check(name, source, &any_source(), &environment);
        answer.number(found.len() as u64);
        for Diagnostic { script: _, line, column, severity, message } in found {
            answer.number(line.into());
            answer.number(column.into());
            answer.byte((severity == Severity::Error).into());
            answer.bytes(message.as_bytes());
        }
        Ok(answer)
    }

    /// Makes a run.
    fn run(&mut self, mut reader: Reader<'_>) -> Result<Writer, Malformed> {
        let (number, script) = self.head(&mut reader)?;
        let (limits, request) = (reader.limits()?, reader.request()?);
        reader.end()?;
        let mut answer = Writer::default();
        self.run_one(number, script.as_ref(), &limits, &request, &mut answer);
        Ok(answer)
    }

    /// Makes several runs, of which it tells as they end, and returns what is left to be told.
    fn run_many(&mut self, mut reader: Reader<'_>) -> Result<Writer, Malformed> {
        let (first, script) = self.head(&mut reader)?;
        let mut answer = Writer::default();
        answer.begin_answer();
        let (mut count, mut since) = (0, Instant::now());
        let runs = reader.number()?;
        for nth in 0..runs {
            let (limits, request) = (reader.limits()?, reader.request()?);
            // The host tells of those that are cancelled before they begin.
            if self.current.lock().cancelled >= first + nth {
                break;
            }
            let at = answer.0.len();
            answer.number(0);
            let now = self.run_one(first + nth, script.as_ref(), &limits, &request, &mut answer);
            answer.put_number(at, (answer.0.len() - at - size_of::<u64>()) as u64);
            count += 1;
            let Some(now) = now else { break };
            let is_last = nth + 1 == runs;
            if !is_last && (now.duration_since(since) >= ANSWER_AFTER || answer.0.len() >= ENOUGH) {
                answer.end_answer(count, false);
                if self.channel.send(&answer.0, None).is_err() {
                    std::process::exit(0);
                }
                let mut go = Vec::new();
                if self.channel.receive(&mut go, 1, None).is_err() {
                    std::process::exit(0);
                }
                answer.begin_answer();
                (count, since) = (0, Instant::now());
            }
        }
        answer.end_answer(count, true);
        Ok(answer)
    }

    /// Reads what there is for runs: the number of the first, and the script or why it does not compile.
    fn head(&mut self, reader: &mut Reader<'_>) -> Result<(u64, Result<Arc<Compiled>, String>), Malformed> {
        let number = reader.number()?;
        self.channel.begin(number);
        if reader.byte()? != 0 {
            self.scripts.clear();
        }
        let id = reader.number()?;
        let script = match reader.optional(compiled)? {
            Some(Err((_, reason))) => Err(reason),
            Some(Ok(compiled)) => {
                self.scripts.insert(id, Arc::clone(&compiled));
                Ok(compiled)
            }
            None => Ok(Arc::clone(self.scripts.get(&id).ok_or(Malformed)?)),
        };
        if let Some(told) = reader.optional(|reader| self.environment(reader))? {
            self.functions = told;
        }
        Ok((number, script))
    }

    /// Makes a run, appends what came of it, and returns when it ended; `None` where this worker can't make another.
    fn run_one(
        &mut self,
        number: u64,
        script: Result<&Arc<Compiled>, &String>,
        limits: &Limits,
        request: &Request<'_>,
        answer: &mut Writer,
    ) -> Option<Instant> {
        self.channel.begin(number);
        let cancel = CancelHandle::new();
        {
            let mut current = self.current.lock();
            (current.number, current.handle) = (number, Some(cancel.clone()));
            if current.cancelled >= number {
                cancel.cancel();
            }
        }
        let vm = self.vm().map(drop).map_err(|error| error.to_string());
        let (compiled, (vm, watched)) = match (script, vm, &mut self.vm) {
            (Ok(compiled), Ok(()), Some(vm)) => (compiled, vm),
            (Err(reason), ..) => return failed(answer, reason),
            (_, Err(reason), _) => return failed(answer, &reason),
            (.., None) => return failed(answer, &no_vm().to_string()),
        };
        let began = Instant::now();
        let deadline = Deadline::after(began, limits.timeout);
        let watch = self.watchdog.guard(watched, deadline);
        let job = Job {
            compiled,
            functions: self.functions.as_ref(),
            environment: &self.environment,
            runs: &self.runs,
            request,
            cancel: Some(&cancel),
            limits,
            deadline,
            polling: None,
        };
        let mut trace = Trace::new(Arc::clone(&compiled.name), 1);
        let end = vm.run(&job, &mut trace);
        drop(watch);
        self.current.lock().handle = None;
        match end {
            Ok(end) => {
                trace.duration = end.at.duration_since(began);
                answer.byte(to_host::TRACE);
                answer.byte((!vm.is_sound()).into());
                let cause = trace.error.as_ref().and_then(|error| error.cause.as_ref());
                let cause =
                    cause.and_then(|cause| cause.downcast_ref::<Remote>()).map(|Remote(number)| *number);
                answer.trace(&trace, end.dropped, cause);
                Some(end.at)
            }
            Err(Error::Payload(PayloadError::Json { part, reason, position })) => {
                answer.byte(to_host::REFUSED);
                answer.byte(match part {
                    Part::Body => 0,
                    Part::Config => 1,
                    Part::Meta => 2,
                });
                answer.bytes(reason.as_bytes());
                for number in [position.line, position.column, position.char] {
                    answer.number(number as u64);
                }
                Some(Instant::now())
            }
            Err(error) => failed(answer, &error.to_string()),
        }
    }

    /// Takes over what the host registered, and returns the script's own functions.
    fn environment(&self, reader: &mut Reader<'_>) -> Result<Option<Functions>, Malformed> {
        let shared = stubs(&self.channel, &self.current, reader, 0)?;
        let modules = reader.list(16, usize::MAX, compiled)?;
        let own = stubs(&self.channel, &self.current, reader, 1)?;
        let changed = self.environment.change(|environment| {
            environment.functions = shared;
            environment.modules =
                modules.into_iter().flatten().map(|module| (Arc::clone(&module.name), module)).collect();
            Ok::<_, Malformed>(())
        });
        changed?;
        Ok((!own.list.is_empty()).then_some(own))
    }
}

fn no_vm() -> Error {
    Error::Internal("there is no VM".to_owned())
}

/// Tells that this worker can make no runs.
fn failed<T>(answer: &mut Writer, reason: &str) -> Option<T> {
    answer.byte(to_host::FAILED);
    answer.bytes(reason.as_bytes());
    None
}

/// What the host has held to its own limits.
fn any_source() -> Limits {
    Limits { source: usize::MAX, ..Limits::default() }
}

/// A name and a source, compiled.
fn compiled(reader: &mut Reader<'_>) -> Result<Result<Arc<Compiled>, (u32, String)>, Malformed> {
    let (name, source) = (reader.text()?, reader.bytes()?);
    #[cfg(feature = "faults")]
    if source.starts_with(faults::IN_SOURCE) {
        std::process::abort();
    }
    let compiled = Compiled::new(name, source, &any_source());
    Ok(compiled.map(Arc::new).map_err(|error| (error.line, error.reason)))
}
