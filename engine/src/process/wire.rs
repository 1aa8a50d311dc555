//! What stands in messages: numbers, bytes and what is made of them. A reader trusts nothing that it reads.

use std::convert::Infallible;
use std::time::Duration;

use crate::model::json::{self, MAX_DEPTH, Nothing};
use crate::model::limits::Limits;
use crate::model::request::{Body, PartBytes, Query, Request};
use crate::model::response::{MAX_HEADERS, Response};
use crate::model::trace::{ErrorKind, ScriptError, Trace};
use crate::model::value::Value;

/// The message is none that the other side can have sent in good faith.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Writes a message.
#[derive(Default)]
pub(crate) struct Writer(pub(crate) Vec<u8>);

impl Writer {
    pub(crate) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    pub(crate) fn number(&mut self, number: u64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    /// Writes a number over the one at a place.
    pub(crate) fn put_number(&mut self, at: usize, number: u64) {
        if let Some(room) = self.0.get_mut(at..at + size_of::<u64>()) {
            room.copy_from_slice(&number.to_le_bytes());
        }
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn optional<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.byte(value.is_some().into());
        if let Some(value) = value {
            write(self, value);
        }
    }

    /// As many names as there are.
    pub(crate) fn names<'a>(&mut self, names: impl ExactSizeIterator<Item = &'a str>) {
        self.number(names.len() as u64);
        names.for_each(|name| self.bytes(name.as_bytes()));
    }

    fn duration(&mut self, duration: Duration) {
        self.number(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX));
    }

    pub(crate) fn limits(&mut self, limits: &Limits) {
        self.duration(limits.timeout);
        self.number(limits.memory as u64);
        self.number(limits.output as u64);
        self.number(limits.value as u64);
        self.number(limits.host_calls);
    }

    /// All but what stays with the host: limits, cancel handle and poll.
    pub(crate) fn request(&mut self, request: &Request<'_>) {
        match &request.query {
            Query::Raw(raw) => {
                self.byte(0);
                self.bytes(raw);
            }
            Query::Pairs(pairs) => {
                self.byte(1);
                self.number(pairs.len() as u64);
                for (key, value) in pairs.iter() {
                    self.bytes(key);
                    self.bytes(value);
                }
            }
        }
        match &request.body {
            Body::None => self.byte(0),
            Body::Json(body) => {
                self.byte(1);
                self.bytes(body);
            }
            Body::Form(body) => {
                self.byte(2);
                self.bytes(body);
            }
        }
        for part in [&request.config, &request.meta] {
            self.optional(part.as_ref(), |writer, part| writer.bytes(part));
        }
        self.optional(request.seed, Self::number);
    }

    /// What is nested too deeply is cut off one level too late: that it is too deep is seen where it comes in.
    pub(crate) fn value(&mut self, value: &Value, depth: u32) {
        match value {
            Value::Array(_) | Value::Object(_) if depth > MAX_DEPTH => self.byte(0),
            Value::Null => self.byte(0),
            Value::Bool(flag) => self.byte(1 + u8::from(*flag)),
            Value::Number(number) => {
                self.byte(3);
                self.number(number.to_bits());
            }
            Value::String(text) => {
                self.byte(4);
                self.bytes(text);
            }
            Value::Array(elements) => {
                self.byte(5);
                self.number(elements.len() as u64);
                elements.iter().for_each(|element| self.value(element, depth + 1));
            }
            Value::Object(members) => {
                self.byte(6);
                self.number(members.len() as u64);
                for (key, value) in members {
                    self.bytes(key);
                    self.value(value, depth + 1);
                }
            }
        }
    }

    /// What a worker knows of a run. `cause` is the number of the host's error behind the run's.
    pub(crate) fn trace(&mut self, trace: &Trace, dropped: u64, cause: Option<u64>) {
        self.duration(trace.duration);
        self.number(dropped);
        self.number(trace.usage.memory_bytes as u64);
        self.bytes(&trace.stdout);
        self.bytes(&trace.stderr);
        self.byte(trace.stdout_truncated.into());
        self.byte(trace.stderr_truncated.into());
        self.optional(trace.value.as_ref(), |writer, value| writer.bytes(value.as_bytes()));
        self.optional(trace.response.as_ref(), |writer, response| {
            writer.number(response.status.into());
            writer.bytes(response.content_type.as_bytes());
            writer.bytes(&response.content);
            writer.number(response.headers.len() as u64);
            for (name, value) in &response.headers {
                writer.bytes(name.as_bytes());
                writer.bytes(value);
            }
        });
        self.optional(trace.error.as_ref(), |writer, error| {
            writer.byte(KINDS.iter().position(|kind| *kind == error.kind).unwrap_or_default() as u8);
            writer.bytes(error.message.as_bytes());
            writer.optional(error.script.as_ref(), |writer, script| writer.bytes(script.as_bytes()));
            writer.optional(error.line, |writer, line| writer.number(line.into()));
            writer.bytes(error.traceback.as_bytes());
            writer.optional(cause, Self::number);
        });
    }
}

/// The kinds of errors that a worker tells of, as they are numbered.
const KINDS: [ErrorKind; 7] = [
    ErrorKind::Runtime,
    ErrorKind::Value,
    ErrorKind::HostCalls,
    ErrorKind::Host,
    ErrorKind::Timeout,
    ErrorKind::MemoryLimit,
    ErrorKind::Cancelled,
];

/// Reads a message.
pub(crate) struct Reader<'m>(pub(crate) &'m [u8]);

impl<'m> Reader<'m> {
    pub(crate) fn byte(&mut self) -> Result<u8, Malformed> {
        let (byte, rest) = self.0.split_first().ok_or(Malformed)?;
        self.0 = rest;
        Ok(*byte)
    }

    fn flag(&mut self) -> Result<bool, Malformed> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed),
        }
    }

    pub(crate) fn number(&mut self) -> Result<u64, Malformed> {
        let (number, rest) = self.0.split_first_chunk().ok_or(Malformed)?;
        self.0 = rest;
        Ok(u64::from_le_bytes(*number))
    }

    pub(crate) fn small<T: TryFrom<u64>>(&mut self) -> Result<T, Malformed> {
        T::try_from(self.number()?).map_err(|_| Malformed)
    }

    pub(crate) fn bytes(&mut self) -> Result<&'m [u8], Malformed> {
        let length = self.small()?;
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(Malformed)?;
        self.0 = rest;
        Ok(bytes)
    }

    pub(crate) fn text(&mut self) -> Result<&'m str, Malformed> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Malformed)
    }

    pub(crate) fn optional<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Option<T>, Malformed> {
        if self.flag()? { read(self).map(Some) } else { Ok(None) }
    }

    /// A list of at most so many of what takes at least `size` bytes each: no number makes it larger than the message is.
    pub(crate) fn list<T>(
        &mut self,
        size: usize,
        most: usize,
        mut read: impl FnMut(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, Malformed> {
        let count: usize = self.small()?;
        if count > most.min(self.0.len() / size) {
            return Err(Malformed);
        }
        (0..count).map(|_| read(self)).collect()
    }

    /// Nothing stands behind what was read.
    pub(crate) fn end(&self) -> Result<(), Malformed> {
        if self.0.is_empty() { Ok(()) } else { Err(Malformed) }
    }

    fn duration(&mut self) -> Result<Duration, Malformed> {
        self.number().map(Duration::from_nanos)
    }

    /// Limits of a run, the rest of which are the host's to hold.
    pub(crate) fn limits(&mut self) -> Result<Limits, Malformed> {
        Ok(Limits {
            timeout: self.duration()?,
            memory: self.small()?,
            output: self.small()?,
            value: self.small()?,
            host_calls: self.number()?,
            ..Limits::default()
        })
    }

    pub(crate) fn request(&mut self) -> Result<Request<'m>, Malformed> {
        let mut request = Request::new();
        request.query = match self.byte()? {
            0 => Query::Raw(PartBytes::Borrowed(self.bytes()?)),
            1 => {
                let pair = |reader: &mut Self| {
                    Ok((PartBytes::Borrowed(reader.bytes()?), PartBytes::Borrowed(reader.bytes()?)))
                };
                Query::Pairs(self.list(16, usize::MAX, pair)?.into())
            }
            _ => return Err(Malformed),
        };
        request.body = match self.byte()? {
            0 => Body::None,
            1 => Body::Json(PartBytes::Borrowed(self.bytes()?)),
            2 => Body::Form(PartBytes::Borrowed(self.bytes()?)),
            _ => return Err(Malformed),
        };
        request.config = self.optional(|reader| reader.bytes().map(PartBytes::Borrowed))?;
        request.meta = self.optional(|reader| reader.bytes().map(PartBytes::Borrowed))?;
        request.seed = self.optional(Self::number)?;
        Ok(request)
    }

    /// With at most so many others in it, which are taken off: one takes more room than it had in the message.
    pub(crate) fn value(&mut self, depth: u32, left: &mut usize) -> Result<Value, Malformed> {
        *left = left.checked_sub(1).ok_or(Malformed)?;
        let below = || if depth <= MAX_DEPTH { Ok(depth + 1) } else { Err(Malformed) };
        Ok(match self.byte()? {
            0 => Value::Null,
            1 => Value::Bool(false),
            2 => Value::Bool(true),
            3 => Value::Number(f64::from_bits(self.number()?)),
            4 => Value::String(self.bytes()?.to_vec()),
            5 => {
                let below = below()?;
                Value::Array(self.list(1, *left, |reader| reader.value(below, left))?)
            }
            6 => {
                let below = below()?;
                let most = *left;
                let member = |reader: &mut Self| Ok((reader.bytes()?.to_vec(), reader.value(below, left)?));
                Value::Object(self.list(9, most, member)?)
            }
            _ => return Err(Malformed),
        })
    }

    /// Fills in what a worker tells of a run that has `limits`, and returns the bytes that it dropped, and the number of the error's cause.
    pub(crate) fn trace(
        &mut self,
        trace: &mut Trace,
        limits: &Limits,
    ) -> Result<(u64, Option<u64>), Malformed> {
        trace.duration = self.duration()?;
        let dropped = self.number()?;
        trace.usage.memory_bytes = self.small()?;
        trace.stdout = self.at_most(limits.output)?.to_vec();
        // An uncaught error stands behind what the limit allows.
        trace.stderr = self.at_most(limits.output.saturating_add(ERROR))?.to_vec();
        trace.stdout_truncated = self.flag()?;
        trace.stderr_truncated = self.flag()?;
        trace.value = self.optional(|reader| {
            let value = reader.text()?;
            // Who embeds it does not look at it again.
            json::read(value.as_bytes(), &mut Nothing(|| Ok::<(), Infallible>(()))).map_err(|_| Malformed)?;
            if value.len() > limits.value { Err(Malformed) } else { Ok(value.to_owned()) }
        })?;
        trace.response = self.optional(|reader| {
            let (status, content_type) = (reader.small()?, reader.text()?.to_owned());
            let content = reader.at_most(limits.value)?.to_vec();
            let line = |reader: &mut Self| Ok((reader.text()?.to_owned(), reader.bytes()?.to_vec()));
            let headers = reader.list(16, MAX_HEADERS, line)?;
            let response = Response { status, content_type, content, headers };
            if response.is_of_a_script(limits.value) { Ok(Box::new(response)) } else { Err(Malformed) }
        })?;
        let mut cause = None;
        trace.error = self.optional(|reader| {
            let kind = *KINDS.get(usize::from(reader.byte()?)).ok_or(Malformed)?;
            let mut error = ScriptError::new(kind, reader.text()?);
            error.script = reader.optional(|reader| reader.text().map(str::to_owned))?;
            error.line = reader.optional(Self::small)?;
            error.traceback = reader.text()?.to_owned();
            cause = reader.optional(Self::number)?;
            Ok(Box::new(error))
        })?;
        trace.status =
            trace.error.as_ref().map_or(crate::model::trace::Status::Success, |error| error.kind.status());
        Ok((dropped, cause))
    }

    fn at_most(&mut self, limit: usize) -> Result<&'m [u8], Malformed> {
        let bytes = self.bytes()?;
        if bytes.len() > limit { Err(Malformed) } else { Ok(bytes) }
    }
}

/// What an uncaught error takes at most on stderr, with its traceback.
const ERROR: usize = 64 << 10;

/// What no honest worker sends, which the public API can't have one send.
#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn trace() -> Trace {
        let mut trace = Trace::new(Arc::from("test"), 1);
        (trace.stdout, trace.value) = (b"out".to_vec(), Some("[1]".to_owned()));
        let mut response = Response::new(201, "text/html", "<b>");
        response.headers = vec![("x-a".to_owned(), b"1".to_vec()), ("x-a".to_owned(), b"2".to_vec())];
        trace.response = Some(Box::new(response));
        let mut error = ScriptError::new(ErrorKind::Host, "no");
        (error.script, error.line) = (Some("test".to_owned()), Some(7));
        (trace.status, trace.error) = (error.kind.status(), Some(Box::new(error)));
        trace
    }

    fn read(message: &[u8], limits: &Limits) -> Result<Trace, Malformed> {
        let (mut reader, mut read) = (Reader(message), Trace::new(Arc::from("test"), 1));
        reader.trace(&mut read, limits)?;
        reader.end().map(|()| read)
    }

    fn written(trace: &Trace) -> Vec<u8> {
        let mut message = Writer::default();
        message.trace(trace, 0, None);
        message.0
    }

    #[test]
    fn a_trace_is_read_as_it_was_written_and_not_otherwise() {
        let (whole, limits) = (written(&trace()), Limits::default());
        assert_eq!(read(&whole, &limits), Ok(trace()));
        for length in 0..whole.len() {
            assert_eq!(read(&whole[..length], &limits), Err(Malformed), "{length} bytes");
        }
        assert_eq!(read(&[&whole[..], b"x"].concat(), &limits), Err(Malformed));
        // Whatever a byte becomes, what is read is within the limits.
        for at in 0..whole.len() {
            for byte in 0..=255 {
                let mut broken = whole.clone();
                broken[at] = byte;
                if let Ok(read) = read(&broken, &limits) {
                    assert!(read.response.is_none_or(|response| response.is_of_a_script(limits.value)));
                }
            }
        }
    }

    #[test]
    fn what_is_over_a_limit_is_refused() {
        let limits = Limits { output: 3, value: 3, ..Limits::default() };
        assert_eq!(read(&written(&trace()), &limits), Ok(trace()));
        type Change = fn(&mut Trace);
        let changes: [Change; 7] = [
            |trace| trace.stdout.push(b'!'),
            |trace| trace.stderr = vec![b'x'; 4 + ERROR],
            |trace| trace.value = Some("[12]".to_owned()),
            |trace| trace.value = Some("[1".to_owned()),
            |trace| trace.response = Some(Box::new(Response::new(99, "a/b", ""))),
            |trace| trace.response = Some(Box::new(Response::new(200, "a/b", "four"))),
            |trace| {
                let mut response = Response::new(200, "a/b", "");
                response.headers = vec![("set-cookie".to_owned(), b"a\r\nb: c".to_vec())];
                trace.response = Some(Box::new(response));
            },
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let mut changed = trace();
            change(&mut changed);
            assert_eq!(read(&written(&changed), &limits), Err(Malformed), "change {number}");
        }
    }

    #[test]
    fn values_are_no_more_and_no_deeper_than_they_may_be() {
        let nulls = |count: usize| {
            let mut message = Writer::default();
            message.value(&Value::Array(vec![Value::Null; count]), 0);
            message.0
        };
        for (count, most, is_read) in [(9, 10, true), (10, 10, false), (1 << 20, 10, false)] {
            assert_eq!(Reader(&nulls(count)).value(0, &mut { most }).is_ok(), is_read, "{count} of {most}");
        }
        // An array of one in an array of one, and so on.
        let nested = |depth| [5, 1, 0, 0, 0, 0, 0, 0, 0].repeat(depth);
        let most = 1 << 20;
        assert!(Reader(&[&nested(128)[..], &[0]].concat()).value(0, &mut { most }).is_ok());
        assert_eq!(Reader(&nested(100_000)).value(0, &mut { most }), Err(Malformed));
    }
}
