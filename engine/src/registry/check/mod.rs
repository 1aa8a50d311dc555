//! Checks of a source without running it: its syntax errors, or else warnings of what may silently do something else than
//! its author means.

mod absent;
mod differences;
mod errors;

use std::fmt;

use crate::compile::bytecode::shown;
use crate::compile::compiled::{Compiled, validate};
use crate::model::error::CompileError;
use crate::model::limits::Limits;
use crate::registry::environment::Environment;
use crate::syntax::dialects::Dialects;
use crate::syntax::parsed::{Parsed, Places};
use crate::syntax::uses::Globals;

/// The most warnings of one source.
const MOST: usize = 100;

/// How much a [`Diagnostic`] matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// It compiles, and may not do what its author expects.
    Warning,
    /// It does not compile.
    Error,
}

/// What [`Engine::check`](crate::Engine::check) says of one line. Its text is `NAME:LINE: message`, or
/// `NAME:LINE: warning: message`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnostic {
    /// The script's name, as given to [`Engine::check`](crate::Engine::check).
    pub script: String,
    /// Line of the source, from 1.
    pub line: u32,
    /// Where in that line, in characters from 1.
    pub column: u32,
    /// Whether it compiles all the same.
    pub severity: Severity,
    /// What is wrong there, in one line.
    pub message: String,
}

impl Diagnostic {
    /// An error that is of no place in particular.
    pub(crate) fn first(script: &str, message: String) -> Self {
        Self { script: script.to_owned(), line: 1, column: 1, severity: Severity::Error, message }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.script, self.line)?;
        if self.severity == Severity::Warning {
            f.write_str("warning: ")?;
        }
        f.write_str(&self.message)
    }
}

/// A line, a column and the message for them.
type Found = ((u32, u32), String);

/// The errors of a source, or its warnings when it has none; in the order of their places.
pub(crate) fn check(
    name: &str,
    source: &[u8],
    limits: &Limits,
    environment: &Environment,
) -> Vec<Diagnostic> {
    let (severity, found) = match Compiled::new(name, source, limits) {
        Err(error) => (Severity::Error, failure(name, source, limits, error)),
        Ok(_) => (Severity::Warning, warnings(source, environment)),
    };
    let diagnostic =
        |((line, column), message)| Diagnostic { script: name.to_owned(), line, column, severity, message };
    found.into_iter().map(diagnostic).collect()
}

/// The errors of a source; the first of them is the compiler's.
fn failure(name: &str, source: &[u8], limits: &Limits, first: CompileError) -> Vec<Found> {
    let parsed = validate(name, source, limits).ok().and_then(|()| Parsed::new(source));
    let Some(parsed) = parsed.filter(|parsed| !parsed.errors().is_empty()) else {
        // The compiler's own error, of which only the line is known.
        let line = source.split(|byte| *byte == b'\n').nth(first.line as usize - 1).unwrap_or_default();
        let blank = line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        return vec![((first.line, blank as u32 + 1), first.reason)];
    };
    let dialects = Dialects::new(source);
    let mut places = Places::new(parsed.code());
    let reported = errors::errors(&parsed).map(|error| {
        let place = places.at(error.begin);
        (place, dialects.describe(place.0, shown(&error.message)))
    });
    let mut reported = Vec::from_iter(reported);
    reported[0].1 = first.reason;
    reported
}

/// The warnings of a source that compiles. The same text is reported once per line.
fn warnings(source: &[u8], environment: &Environment) -> Vec<Found> {
    let Some(source) = Parsed::new(source) else { return Vec::new() };
    let globals = Globals::new(&source);
    let mut found = absent::absent(&source, &globals, environment);
    found.extend(differences::differences(&source, &globals));
    found.sort();
    let mut places = Places::new(source.code());
    let mut reported: Vec<Found> = Vec::new();
    for (at, message) in found {
        let place = places.at(at);
        let mut on_line = reported.iter().rev().take_while(|(other, _)| other.0 == place.0);
        if !on_line.any(|(_, text)| *text == message) {
            reported.push((place, message));
        }
        if reported.len() == MOST {
            break;
        }
    }
    reported
}
