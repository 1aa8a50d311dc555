//! What the worker is asked that compiles and checks sources, and makes no runs.

use std::time::{Duration, Instant};

use super::channel::Silence;
use super::wire::{Malformed, Reader, Writer};
use super::worker::{BESIDE, Worker};
use super::{to_host, to_worker};
use crate::compile::compiled::Compiled;
use crate::registry::check::{Diagnostic, Severity};
use crate::registry::environment::Environment;

/// How long it may take to compile.
const COMPILE: Duration = Duration::from_secs(30);

impl Worker {
    /// Has a source compiled: the error is a line and a reason. There is no answer from one that was ended before it was asked, or by the
    /// source.
    pub(crate) fn compile(&mut self, compiled: &Compiled) -> Option<Result<(), (u32, String)>> {
        let mut message = Writer::default();
        message.byte(to_worker::COMPILE);
        message.bytes(compiled.name.as_bytes());
        message.bytes(compiled.hints.source().as_bytes());
        let read = |reader: &mut Reader<'_>| match reader.byte()? {
            to_host::COMPILED => Ok(Ok(())),
            to_host::NOT_COMPILED => Ok(Err((reader.small()?, reader.text()?.to_owned()))),
            _ => Err(Malformed),
        };
        self.ask(&message, read).map(|result| result.unwrap_or_else(|late| Err((1, late))))
    }

    /// Has a source checked, given what there is for scripts. There is no answer from one that was ended before it was asked, or by the source.
    pub(crate) fn check(
        &mut self,
        name: &str,
        source: &[u8],
        environment: &Environment,
    ) -> Option<Vec<Diagnostic>> {
        let mut message = Writer::default();
        message.byte(to_worker::CHECK);
        message.names(environment.functions.list.iter().map(|(name, _)| &**name));
        message.modules(environment);
        message.bytes(name.as_bytes());
        message.bytes(source);
        let read = |reader: &mut Reader<'_>| {
            if reader.byte()? != to_host::CHECKED {
                return Err(Malformed);
            }
            reader.list(25, usize::MAX, |reader| {
                let (line, column) = (reader.small()?, reader.small()?);
                let severity = if reader.byte()? == 0 { Severity::Warning } else { Severity::Error };
                Ok(Diagnostic {
                    script: name.to_owned(),
                    line,
                    column,
                    severity,
                    message: reader.text()?.to_owned(),
                })
            })
        };
        let late = |message| vec![Diagnostic::first(name, message)];
        self.ask(&message, read).map(|result| result.unwrap_or_else(late))
    }

    /// Asks something of the compiler; the error says that it took too long.
    fn ask<T>(
        &mut self,
        message: &Writer,
        read: impl FnOnce(&mut Reader<'_>) -> Result<T, Malformed>,
    ) -> Option<Result<T, String>> {
        let until = Some(Instant::now() + COMPILE);
        let mut answer = Vec::new();
        let asked = self.channel.send(&message.0, until);
        let answered = asked.and_then(|()| self.channel.receive(&mut answer, BESIDE, until));
        let read = answered.and_then(|()| {
            let mut reader = Reader(&answer);
            let result = read(&mut reader)?;
            reader.end()?;
            Ok(result)
        });
        match read {
            Ok(result) => Some(Ok(result)),
            Err(silence) => {
                self.kill();
                let reason = || format!("it did not compile within {} s", COMPILE.as_secs());
                matches!(silence, Silence::Late).then(|| Err(reason()))
            }
        }
    }
}

impl Writer {
    /// The names and sources of the modules that there are.
    pub(super) fn modules(&mut self, environment: &Environment) {
        self.number(environment.modules.len() as u64);
        for module in environment.modules.values() {
            self.bytes(module.name.as_bytes());
            self.bytes(module.hints.source().as_bytes());
        }
    }
}
