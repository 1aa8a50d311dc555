//! The trace: what a run hands back.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde::ser::{self, SerializeMap, Serializer};
use serde_json::value::RawValue;

use crate::model::response::Response;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Status {
    /// The script came to its end within its limits.
    Success,
    /// An error that the script did not catch, or a result that can't be handed back.
    Failure,
    /// The run was past its deadline, whatever the script did about it.
    Timeout,
    /// The script needed more memory than its limit, and did not catch it.
    MemoryLimit,
    /// The run was cancelled by its [`CancelHandle`](crate::CancelHandle).
    Cancelled,
    /// No VM came free in time; the script did not run.
    QueueTimeout,
    /// The worker process that had the run ended: see [`Isolation::Process`](crate::Isolation).
    Crashed,
}

impl Status {
    /// The name in the trace's JSON: `success`, `failure`, `timeout`, `memory_limit`, `cancelled`, `queue_timeout`, `crashed`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Timeout => "timeout",
            Self::MemoryLimit => "memory_limit",
            Self::Cancelled => "cancelled",
            Self::QueueTimeout => "queue_timeout",
            Self::Crashed => "crashed",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What kind of error ended a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An error raised in the script and not caught.
    Runtime,
    /// The returned value can't be JSON, or is too large.
    Value,
    /// More calls of host functions than the limit.
    HostCalls,
    /// An error of a host function that the script did not catch, or raised again as it was.
    Host,
    /// As [`Status::Timeout`].
    Timeout,
    /// As [`Status::MemoryLimit`].
    MemoryLimit,
    /// As [`Status::Cancelled`].
    Cancelled,
    /// As [`Status::QueueTimeout`].
    QueueTimeout,
    /// As [`Status::Crashed`].
    Crashed,
}

impl ErrorKind {
    /// The name in the trace's JSON: `runtime`, `value`, `host_calls`, `host`, or the status.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Runtime => "runtime",
            Self::Value => "value",
            Self::HostCalls => "host_calls",
            Self::Host => "host",
            Self::Timeout | Self::MemoryLimit | Self::Cancelled | Self::QueueTimeout | Self::Crashed => {
                self.status().as_str()
            }
        }
    }

    /// The status of a run that ended so.
    #[must_use]
    pub fn status(self) -> Status {
        match self {
            Self::Runtime | Self::Value | Self::HostCalls | Self::Host => Status::Failure,
            Self::Timeout => Status::Timeout,
            Self::MemoryLimit => Status::MemoryLimit,
            Self::Cancelled => Status::Cancelled,
            Self::QueueTimeout => Status::QueueTimeout,
            Self::Crashed => Status::Crashed,
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The host's error behind the error of a run.
pub(crate) type Cause = Arc<dyn Error + Send + Sync>;

/// The error that ended a run. As an [`Error`], its text is the message, and its source the cause.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ScriptError {
    /// What kind.
    pub kind: ErrorKind,
    /// Its text, at most 8 KiB. An error value that is not a string is described. Behind an error of a name that is not
    /// there stands what may be meant: `(json.enc0de is not there: did you mean json.encode?)`.
    pub message: String,
    /// The script in which it was raised; `None` when none was running.
    pub script: Option<String>,
    /// The line there, from 1.
    pub line: Option<u32>,
    /// The chain of calls, innermost first, a line each; empty when there is none.
    pub traceback: String,
    /// What the host function failed with, for a kind of [`Host`](ErrorKind::Host): see [`HostError`](crate::HostError). It is
    /// no part of the JSON form.
    pub cause: Option<Arc<dyn Error + Send + Sync>>,
}

impl ScriptError {
    /// An error that no script was running at.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            script: None,
            line: None,
            traceback: String::new(),
            cause: None,
        }
    }
}

/// Causes are compared by identity: they are equal if they are the same `Arc`.
impl PartialEq for ScriptError {
    fn eq(&self, other: &Self) -> bool {
        let Self { kind, message, script, line, traceback, cause } = self;
        let same = match (cause, &other.cause) {
            (Some(cause), Some(others)) => Arc::ptr_eq(cause, others),
            (cause, others) => cause.is_none() && others.is_none(),
        };
        same && (kind, message, script) == (&other.kind, &other.message, &other.script)
            && (line, traceback) == (&other.line, &other.traceback)
    }
}

impl Eq for ScriptError {}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for ScriptError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}

/// Why a run's value could not be read into a type of the host.
#[derive(Debug)]
#[non_exhaustive]
pub enum ValueError {
    /// The run did not succeed: the script returned nothing.
    Failed(Box<ScriptError>),
    /// The value does not fit the type.
    Type(serde_json::Error),
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => write!(f, "the run ended with {}: {error}", error.kind),
            Self::Type(_) => f.write_str("the value does not fit the type"),
        }
    }
}

impl Error for ValueError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(error) => error.source(),
            Self::Type(error) => Some(error),
        }
    }
}

/// What a run used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// Highest known growth of what the VM's objects and the run's scratch memory take, in bytes.
    pub memory_bytes: usize,
    /// Calls of host functions.
    pub host_calls: u64,
    /// Time spent waiting for a VM.
    pub queued: Duration,
    /// Time spent waiting for host functions that answer later, while no thread waited.
    pub waited: Duration,
}

/// What a run hands back. Its JSON form (by [`Serialize`] or [`to_json`](Self::to_json)) begins with the five keys
/// of Syncano's Script Endpoint; other keys appear only when they hold something.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Trace {
    /// 1, 2, 3 … per engine.
    pub id: u64,
    /// How the run ended.
    pub status: Status,
    /// When it began.
    pub executed_at: SystemTime,
    /// From the building of the script's tables to the end of its result.
    pub duration: Duration,
    /// What the script printed, to the byte.
    pub stdout: Vec<u8>,
    /// What the script wrote to stderr, to the byte, and then the uncaught error, if there was one.
    pub stderr: Vec<u8>,
    /// Whether output past the limit was dropped.
    pub stdout_truncated: bool,
    /// Whether output past the limit was dropped; the uncaught error never is.
    pub stderr_truncated: bool,
    /// What the script returned, as JSON text: `None` for nothing, the value for one, an array for several.
    pub value: Option<String>,
    /// What the script gave to `set_response`, however the run ended.
    pub response: Option<Box<Response>>,
    /// The error that ended the run, when the status is not success.
    pub error: Option<Box<ScriptError>>,
    /// Which script ran.
    pub script: Arc<str>,
    /// Which version of it.
    pub version: u64,
    /// What the run used.
    pub usage: Usage,
}

impl Trace {
    /// The trace of a run that has not begun, which says that it succeeded; also for hosts that keep traces in a form of their own, and
    /// set the fields from there.
    #[inline]
    #[must_use]
    pub fn new(script: Arc<str>, version: u64) -> Self {
        Self {
            id: 0,
            status: Status::Success,
            executed_at: SystemTime::UNIX_EPOCH,
            duration: Duration::ZERO,
            stdout: Vec::new(),
            stderr: Vec::new(),
            stdout_truncated: false,
            stderr_truncated: false,
            value: None,
            response: None,
            error: None,
            script,
            version,
            usage: Usage::default(),
        }
    }

    /// Whether the status is success.
    #[must_use]
    pub fn ok(&self) -> bool {
        self.status == Status::Success
    }

    /// [`stdout`](Self::stdout) as text; what is not UTF-8 becomes U+FFFD.
    #[must_use]
    pub fn stdout_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.stdout)
    }

    /// [`stderr`](Self::stderr) as text; what is not UTF-8 becomes U+FFFD.
    #[must_use]
    pub fn stderr_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.stderr)
    }

    /// The returned value in a type of the host's; nothing returned reads as `null`.
    ///
    /// # Errors
    /// The run did not succeed, or the value does not fit the type.
    pub fn value_as<T: DeserializeOwned>(&self) -> Result<T, ValueError> {
        match &self.error {
            Some(error) => Err(ValueError::Failed(error.clone())),
            None => crate::model::value::from_json(self.value.as_deref().unwrap_or("null").as_bytes())
                .map_err(ValueError::Type),
        }
    }

    /// The trace as one line of JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        let value = self.value.as_deref().unwrap_or_default();
        let mut json = Vec::with_capacity(512 + self.stdout.len() + self.stderr.len() + value.len());
        let mut serializer = serde_json::Serializer::with_formatter(&mut json, RawValueFormatter(value));
        let written = self.write(&mut serializer, self.value.as_ref().map(|_| RawValuePlaceholder));
        written.expect("a trace holds text, numbers and JSON only");
        String::from_utf8(json).expect("serde_json writes text")
    }

    /// The JSON form, with `value` in the place of the value.
    fn write<S: Serializer>(&self, serializer: S, value: Option<impl Serialize>) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("status", self.status.as_str())?;
        map.serialize_entry("duration", &whole(self.duration.as_millis()))?;
        map.serialize_entry("result", &ResultPart(self, value))?;
        map.serialize_entry(
            "executed_at",
            &format_args!("{}", humantime::format_rfc3339_micros(self.executed_at)),
        )?;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("duration_ns", &whole(self.duration.as_nanos()))?;
        if let Some(error) = &self.error {
            map.serialize_entry("error", error)?;
        }
        map.serialize_entry("script", &*self.script)?;
        map.serialize_entry("version", &self.version)?;
        map.serialize_entry("usage", &self.usage)?;
        map.end()
    }
}

impl Serialize for Trace {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // What any serializer takes: JSON text that was checked.
        let value = self.value.as_deref().map(serde_json::from_str::<&RawValue>).transpose();
        self.write(serializer, value.map_err(ser::Error::custom)?)
    }
}

/// Where [`RawValueFormatter`] puts the value: an `u128`, which a trace has nowhere else.
struct RawValuePlaceholder;

impl Serialize for RawValuePlaceholder {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u128(0)
    }
}

/// Writes JSON text as it is in place of [`RawValuePlaceholder`], so that the value is not parsed again.
struct RawValueFormatter<'a>(&'a str);

impl serde_json::ser::Formatter for RawValueFormatter<'_> {
    fn write_u128<W: ?Sized + io::Write>(&mut self, writer: &mut W, _: u128) -> io::Result<()> {
        writer.write_all(self.0.as_bytes())
    }
}

/// The nested `result` of the JSON form.
struct ResultPart<'a, V>(&'a Trace, Option<V>);

impl<V: Serialize> Serialize for ResultPart<'_, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(trace, value) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("stderr", &*trace.stderr_text())?;
        map.serialize_entry("stdout", &*trace.stdout_text())?;
        if trace.stdout_truncated {
            map.serialize_entry("stdout_truncated", &true)?;
        }
        if trace.stderr_truncated {
            map.serialize_entry("stderr_truncated", &true)?;
        }
        if let Some(value) = value {
            map.serialize_entry("value", value)?;
        }
        if let Some(response) = &trace.response {
            map.serialize_entry("response", response)?;
        }
        map.end()
    }
}

impl Serialize for ScriptError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("kind", self.kind.as_str())?;
        map.serialize_entry("message", &self.message)?;
        if let Some(script) = &self.script {
            map.serialize_entry("script", script)?;
        }
        if let Some(line) = &self.line {
            map.serialize_entry("line", line)?;
        }
        if !self.traceback.is_empty() {
            map.serialize_entry("traceback", &self.traceback)?;
        }
        map.end()
    }
}

impl Serialize for Usage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("memory_bytes", &self.memory_bytes)?;
        if self.host_calls > 0 {
            map.serialize_entry("host_calls", &self.host_calls)?;
        }
        if !self.queued.is_zero() {
            map.serialize_entry("queued_ns", &whole(self.queued.as_nanos()))?;
        }
        if !self.waited.is_zero() {
            map.serialize_entry("waited_ns", &whole(self.waited.as_nanos()))?;
        }
        map.end()
    }
}

/// A duration in whole units.
fn whole(units: u128) -> u64 {
    u64::try_from(units).unwrap_or(u64::MAX)
}
