//! Why a call did nothing, in Rust: `perilune_error` is one that C owns.

use std::path::Path;

use perilune::{CompileError, Error, Part, PayloadError};

use crate::status::*;
use crate::text::Text;

/// What an error says.
#[derive(Clone)]
pub(crate) struct Failure {
    pub(crate) code: perilune_code,
    pub(crate) message: Text,
    pub(crate) reason: Option<Text>,
    pub(crate) subject: Option<Text>,
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) offset: usize,
}

impl Failure {
    fn new(code: perilune_code, message: impl Into<Vec<u8>>) -> Self {
        let message = Text::new(message);
        Self { code, message, reason: None, subject: None, line: 0, column: 0, offset: 0 }
    }

    pub(crate) fn argument(message: impl Into<Vec<u8>>) -> Self {
        Self::new(PERILUNE_INVALID_ARGUMENT, message)
    }

    pub(crate) fn null(what: &str) -> Self {
        Self::argument(format!("{what} is NULL"))
    }

    /// What the system did not give.
    pub(crate) fn internal(message: impl Into<Vec<u8>>) -> Self {
        Self::new(PERILUNE_INTERNAL, message)
    }

    pub(crate) fn panic(text: &str) -> Self {
        Self::new(PERILUNE_PANIC, format!("a bug in perilune: {text}"))
    }

    /// The same about a file.
    pub(crate) fn in_file(mut self, path: &Path) -> Self {
        self.subject = Some(Text::new(path.to_string_lossy().into_owned()));
        self
    }

    /// What it says, for where there is no place for an error.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(self.message.bytes()).into_owned()
    }

    fn about(mut self, subject: &str, reason: &str) -> Self {
        self.subject = Some(Text::new(subject));
        self.reason = Some(Text::new(reason));
        self
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::Compile(error) => error.into(),
            Error::Payload(error) => error.into(),
            Error::Name { name, reason } => Self::new(PERILUNE_NAME_ERROR, text).about(&name, &reason),
            Error::Nested { .. } => Self::new(PERILUNE_NESTED, text),
            Error::NotFound => Self::new(PERILUNE_NOT_FOUND, text),
            Error::File { path, reason } => {
                Self::new(PERILUNE_FILE_ERROR, text).about(&path.to_string_lossy(), &reason)
            }
            // What is not known here is still told.
            _ => Self::new(PERILUNE_INTERNAL, text),
        }
    }
}

impl From<CompileError> for Failure {
    fn from(error: CompileError) -> Self {
        let failure = Self::new(PERILUNE_COMPILE_ERROR, error.to_string());
        Self { line: error.line as usize, ..failure.about(&error.script, &error.reason) }
    }
}

impl From<PayloadError> for Failure {
    fn from(error: PayloadError) -> Self {
        let failure = Self::new(PERILUNE_PAYLOAD_ERROR, error.to_string());
        let PayloadError::Json { part, reason, position } = error else { return failure };
        let part = match part {
            Part::Config => "config",
            Part::Meta => "meta",
            _ => "body",
        };
        let failure = failure.about(part, &reason);
        Self { line: position.line, column: position.column, offset: position.char, ..failure }
    }
}
