//! The host's functions, as a worker has them: each asks the host to call it.

use std::fmt;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;

use crate::model::arguments::Argument;
use crate::model::cancel::CancelHandle;
use crate::model::function::{Arguments, HostError, HostFunction};
use crate::model::value::Value;
use crate::process::channel::Channel;
#[cfg(feature = "faults")]
use crate::process::faults;
use crate::process::wire::{Malformed, Reader, Writer};
use crate::process::{ARGUMENT_KINDS, to_host, to_worker};
use crate::registry::functions::Functions;

/// The most bytes of a message that a host sends.
pub(super) const MOST: usize = usize::MAX;

/// The run that is under way, as it is cancelled from another thread.
#[derive(Default)]
pub(super) struct Current {
    /// Of runs, counted by the host.
    pub(super) number: u64,
    pub(super) handle: Option<CancelHandle>,
    /// The host cancelled all up to this one, which may not have begun.
    pub(super) cancelled: u64,
}

/// Functions that call those of the host.
pub(super) fn stubs(
    channel: &Arc<Channel>,
    current: &Arc<Mutex<Current>>,
    reader: &mut Reader<'_>,
    list: u8,
) -> Result<Functions, Malformed> {
    let names = reader.list(8, usize::MAX, |reader| reader.text().map(Arc::<str>::from))?;
    let named = |(index, name): (usize, Arc<str>)| {
        #[cfg(feature = "faults")]
        if &*name == "fault" {
            return (name, faults::function(channel));
        }
        (name, stub(channel, current, list, index))
    };
    Ok(Functions::new(names.into_iter().enumerate().map(named).collect()))
}

fn stub(
    channel: &Arc<Channel>,
    current: &Arc<Mutex<Current>>,
    list: u8,
    index: usize,
) -> Arc<dyn HostFunction> {
    let (channel, current) = (Arc::clone(channel), Arc::clone(current));
    Arc::new(move |arguments: &dyn Arguments| {
        let mut call = Writer::default();
        call.byte(to_host::CALL);
        call.byte(list);
        call.number(index as u64);
        call.number(arguments.len() as u64);
        for index in 0..arguments.len() {
            let Argument { kind, value, no_json } = Argument::keep(arguments, index);
            call.byte(ARGUMENT_KINDS.iter().position(|known| *known == kind).unwrap_or_default() as u8);
            match value {
                Ok(value) => {
                    call.byte(0);
                    call.value(&value, 0);
                }
                Err(reason) => {
                    call.byte(1);
                    call.bytes(reason.as_bytes());
                }
            }
            call.optional(no_json, |call, reason| call.bytes(reason.as_bytes()));
        }
        let mut reply = Vec::new();
        let replied = channel.send(&call.0, None).and_then(|()| channel.receive(&mut reply, MOST, None));
        match replied.ok().and_then(|()| returned(&reply).ok()) {
            // The run ends when this returns, as it does where the host has the VM.
            Some((result, is_late, is_cancelled)) => {
                if is_late {
                    std::thread::sleep(arguments.deadline().left(Instant::now()));
                }
                if is_cancelled && let Some(handle) = &current.lock().handle {
                    handle.cancel();
                }
                result.unwrap_or_else(|panic| resume_unwind(Box::new(panic)))
            }
            // There is nobody to go on for.
            None => std::process::exit(0),
        }
    })
}

/// What a host function returned, or the text of its panic, of which the VM tells as of one of its own.
type Returned = Result<Result<Value, HostError>, String>;

/// Reads that, and whether the run is past its deadline, and whether it was cancelled.
fn returned(reply: &[u8]) -> Result<(Returned, bool, bool), Malformed> {
    let mut reader = Reader(reply);
    let result = match reader.byte()? {
        to_worker::VALUE => Ok(Ok(reader.value(0, &mut MOST.clone())?)),
        to_worker::ERROR => {
            let message = reader.text()?;
            let cause = Remote(reader.number()?);
            Ok(Err(HostError::new(message).with_cause(cause)))
        }
        to_worker::PANIC => Err(reader.text()?.to_owned()),
        _ => return Err(Malformed),
    };
    let (is_late, is_cancelled) = (reader.byte()? != 0, reader.byte()? != 0);
    reader.end()?;
    Ok((result, is_late, is_cancelled))
}

/// The cause of an error, which the host has kept under this number.
#[derive(Debug)]
pub(super) struct Remote(pub(super) u64);

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the host's error {}", self.0)
    }
}

impl std::error::Error for Remote {}
