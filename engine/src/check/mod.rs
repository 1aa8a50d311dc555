//! What an author is told of a source without running it: its syntax errors, and what may silently do something else
//! than meant.

mod differences;
mod errors;

use std::fmt;

use crate::error::CompileError;
use crate::limits::Limits;

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
    /// Whether it compiles all the same.
    pub severity: Severity,
    /// What is wrong there, in one line.
    pub message: String,
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

/// The errors of a source, or its warnings when it has none; in the order of their lines.
pub(crate) fn check(name: &str, source: &[u8], limits: &Limits) -> Vec<Diagnostic> {
    let diagnostic =
        |severity, line, message| Diagnostic { script: name.to_owned(), line, severity, message };
    // A mark is no indentation.
    let source = source.strip_prefix("\u{feff}".as_bytes()).unwrap_or(source);
    let errors = errors::errors(name, source, limits);
    if errors.is_empty() {
        let warnings = differences::differences(source).into_iter();
        return warnings.map(|(line, message)| diagnostic(Severity::Warning, line, message)).collect();
    }
    let errors = errors.into_iter();
    errors.map(|CompileError { line, reason, .. }| diagnostic(Severity::Error, line, reason)).collect()
}
