//! Many runs of one script in a worker, several in a message, so that neither side waits for the other after each.
//!
//! While a worker makes the runs of one message, its host writes the next one and reads what came of the one before. A worker answers after
//! [`ANSWER_AFTER`] at the latest, so that each run is ended at its deadline all the same. Runs of which nothing was heard when their worker
//! ended are made anew, but for the one that was under way: since none of them calls a host function, nobody has seen them yet.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::call::{GRACE, LOOK};
use super::channel::Silence;
use super::settings::{OneOf, Wanted};
use super::wire::{Malformed, Reader, Writer};
use super::worker::Worker;
use super::{to_host, to_worker};
use crate::model::cancel::CancelHandle;
use crate::vm::job::Job;

/// The most runs of a message.
const MOST: usize = 16;

/// Bytes after which a message has no more runs, and a worker answers.
pub(crate) const ENOUGH: usize = 64 << 10;

/// How long a worker makes runs before it answers.
pub(crate) const ANSWER_AFTER: Duration = Duration::from_micros(200);

/// The runs of one message.
struct Message<'a> {
    writer: Writer,
    /// The number of the first.
    first: u64,
    runs: Vec<OneOf<'a>>,
    /// How many of them have ended.
    ended: usize,
    /// When the worker was last told to go on.
    since: Instant,
}

impl Worker {
    /// Makes runs of a script that calls no host functions, until no more are wanted or this worker can make no more. They have all from `job`
    /// but the request and the limits.
    pub(crate) fn run_many<'a>(&mut self, job: &Job<'_>, wanted: &mut impl Wanted<'a>) {
        let mut next = self.next_message(job, wanted);
        let mut sent = next.as_mut().map_or(Ok(()), |message| self.send(message));
        while let Some(mut now) = next.take() {
            next = self.next_message(job, wanted);
            let heard = sent.and_then(|()| self.hear(job, &mut now, wanted));
            sent = match (&mut next, &heard) {
                (Some(next), Ok(heard)) if heard.count == now.runs.len() - now.ended => self.send(next),
                _ => Err(Silence::Gone),
            };
            let read = heard.and_then(|heard| Ok(self.read_ended(&mut now, &heard, wanted)?));
            if let Err(silence) = read {
                self.lose(job, &mut now, &silence, wanted);
                sent = Err(silence);
            }
            for run in now.runs.iter().skip(now.ended) {
                wanted.not_made(run.index);
            }
            if sent.is_err() {
                break;
            }
        }
        if let Some(unsent) = next {
            // What the worker knows is no longer what was written down.
            self.forget_told();
            unsent.runs.iter().for_each(|run| wanted.not_made(run.index));
        }
    }

    fn next_message<'a>(&mut self, job: &Job<'_>, wanted: &mut impl Wanted<'a>) -> Option<Message<'a>> {
        if !self.is_sound() {
            return None;
        }
        let first = wanted.next()?;
        self.runs += 1;
        let (number, timeout) = (self.runs, first.limits.timeout);
        let mut writer = self.head(to_worker::RUNS, job);
        let count = writer.0.len();
        writer.number(0);
        let mut runs = Vec::with_capacity(MOST);
        let mut one = Some(first);
        while let Some(run) = one {
            if run.limits.timeout == timeout {
                writer.limits(&run.limits);
                writer.request(run.request);
                runs.push(run);
            } else {
                wanted.not_made(run.index);
            }
            self.runs = number + runs.len() as u64 - 1;
            let is_full = runs.len() >= MOST || writer.0.len() >= ENOUGH || !self.is_sound();
            one = if is_full { None } else { wanted.next() };
        }
        writer.put_number(count, runs.len() as u64);
        Some(Message { writer, first: number, runs, ended: 0, since: Instant::now() })
    }

    fn send(&self, message: &mut Message<'_>) -> Result<(), Silence> {
        self.channel.forget_run();
        message.since = Instant::now();
        self.channel.send(&message.writer.0, message.kill_at())
    }

    /// Waits for the last answer to a message, and reads those before it.
    fn hear<'a>(
        &mut self,
        job: &Job<'_>,
        now: &mut Message<'a>,
        wanted: &mut impl Wanted<'a>,
    ) -> Result<Heard, Silence> {
        let ender = |worker: &Self| Arc::new(worker.ender(now.first + now.runs.len() as u64 - 1));
        let _registration = job.cancel.map(|cancel| cancel.register(ender(self)));
        let mut kill_at = now.kill_at();
        let mut answer = Vec::new();
        loop {
            let look = job.cancel.map(|_| Instant::now() + LOOK);
            let until = [kill_at, look].into_iter().flatten().min();
            match self.channel.receive(&mut answer, most(now), until) {
                Ok(()) => {}
                Err(Silence::Late) if kill_at.is_none_or(|kill_at| Instant::now() < kill_at) => {
                    if job.cancel.is_some_and(CancelHandle::is_cancelled) {
                        let soon = Instant::now() + GRACE;
                        kill_at = Some(kill_at.map_or(soon, |kill_at| kill_at.min(soon)));
                    }
                    continue;
                }
                Err(silence) => return Err(silence),
            }
            let heard = Heard::new(std::mem::take(&mut answer))?;
            if heard.is_last {
                return Ok(heard);
            }
            self.read_ended(now, &heard, wanted)?;
            now.since = Instant::now();
            kill_at = now.kill_at();
            self.channel.send(&[to_worker::GO], kill_at)?;
        }
    }

    /// Reads what came of some runs.
    fn read_ended<'a>(
        &mut self,
        now: &mut Message<'a>,
        heard: &Heard,
        wanted: &mut impl Wanted<'a>,
    ) -> Result<(), Malformed> {
        let mut reader = Reader(heard.answer.get(HEARD..).unwrap_or_default());
        for _ in 0..heard.count {
            let run = now.runs.get(now.ended).ok_or(Malformed)?;
            let mut one = Reader(reader.bytes()?);
            let mut trace = wanted.blank_trace();
            let kind = one.byte()?;
            let (ended, _) = self.ended(kind, &mut one, &mut trace, &run.limits)?;
            now.ended += 1;
            wanted.ended(run.index, ended.map(|dropped| (trace, dropped)));
        }
        reader.end()
    }

    /// Ends a worker that did not answer. The run that was under way has come to that end.
    fn lose<'a>(
        &mut self,
        job: &Job<'_>,
        now: &mut Message<'a>,
        silence: &Silence,
        wanted: &mut impl Wanted<'a>,
    ) {
        let is_begun = |nth: &usize| self.channel.has_begun(now.first + *nth as u64);
        let begun = (now.ended..now.runs.len()).find(is_begun);
        // One that ended before it began any has none to blame.
        let blamed = match silence {
            Silence::Gone => begun,
            Silence::Late | Silence::NoMessage => begun.or(Some(now.ended)),
        };
        let Some(run) = blamed.filter(|nth| *nth < now.runs.len()).map(|nth| now.runs.remove(nth)) else {
            self.kill();
            return;
        };
        let mut trace = wanted.blank_trace();
        let is_over = job.cancel.is_some_and(CancelHandle::is_cancelled);
        self.silenced(&run.limits, is_over, silence, &mut trace);
        trace.duration = now.since.elapsed();
        wanted.ended(run.index, Ok((trace, 0)));
    }
}

/// An answer: what came of some runs.
struct Heard {
    answer: Vec<u8>,
    /// Whether the worker waits for the next message, and not for a word to go on.
    is_last: bool,
    count: usize,
}

/// Bytes before the runs of an answer.
const HEARD: usize = 10;

impl Heard {
    fn new(answer: Vec<u8>) -> Result<Self, Malformed> {
        let mut reader = Reader(&answer);
        if reader.byte()? != to_host::ENDED {
            return Err(Malformed);
        }
        let (is_last, count) = (reader.byte()? != 0, reader.small()?);
        // Each answer before the last tells of a run, so that they come to an end.
        if count == 0 && !is_last {
            return Err(Malformed);
        }
        Ok(Self { answer, is_last, count })
    }
}

impl Writer {
    /// The begin of an answer, of which [`end_answer`](Self::end_answer) knows the rest.
    pub(crate) fn begin_answer(&mut self) {
        self.0.clear();
        self.byte(to_host::ENDED);
        self.byte(0);
        self.number(0);
    }

    pub(crate) fn end_answer(&mut self, count: u64, is_last: bool) {
        if let Some(last) = self.0.get_mut(1) {
            *last = is_last.into();
        }
        self.put_number(2, count);
    }
}

/// The most bytes that an answer has.
fn most(now: &Message<'_>) -> usize {
    let one = |run: &OneOf<'_>| super::worker::most(&run.limits);
    now.runs.iter().map(one).max().unwrap_or_default().saturating_add(ENOUGH)
}

impl Message<'_> {
    /// When the worker is killed that has said nothing since now.
    fn kill_at(&self) -> Option<Instant> {
        let timeout = self.runs.first()?.limits.timeout;
        self.since.checked_add(timeout)?.checked_add(GRACE + ANSWER_AFTER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_tells_of_a_run_or_is_the_last() {
        let heard = |count, is_last| {
            let mut answer = Writer::default();
            answer.begin_answer();
            answer.end_answer(count, is_last);
            Heard::new(answer.0).map(|heard| (heard.count, heard.is_last))
        };
        assert_eq!(heard(1, false), Ok((1, false)));
        assert_eq!(heard(0, true), Ok((0, true)));
        assert_eq!(heard(0, false), Err(Malformed));
    }
}
