//! Errors before a run, which have no trace.

use std::fmt;
use std::path::PathBuf;

/// Why a script was not compiled or a run not begun.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The script does not compile.
    Compile(CompileError),
    /// The request can't be given to a script.
    Payload(PayloadError),
    /// A host function can't have the name that it was given. The text is `"NAME": reason`.
    Name {
        /// Which.
        name: String,
        /// Why not.
        reason: String,
    },
    /// A run was begun inside too many others: each began in a host function or a poll of the one before.
    Nested {
        /// How many may be inside each other.
        limit: u32,
    },
    /// No script serves under the name that was asked for.
    NotFound,
    /// A file or directory of scripts can't be read or watched. The text is `PATH: reason`.
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The engine itself failed: the system gave no memory or thread, or a bug. The VM concerned is retired.
    Internal(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compile(error) => error.fmt(f),
            Self::Payload(error) => error.fmt(f),
            Self::Name { name, reason } => write!(f, "{name:?}: {reason}"),
            Self::Nested { limit } => {
                write!(f, "a run began inside {limit} others, which is as deep as runs may nest")
            }
            Self::NotFound => f.write_str("Not found"),
            Self::File { path, reason } => write!(f, "{}: {reason}", path.display()),
            Self::Internal(reason) => write!(f, "internal error: {reason}"),
        }
    }
}

impl std::error::Error for Error {
    /// The text of what it holds is its own, so the chain goes on behind that.
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Compile(error) => error.source(),
            Self::Payload(error) => error.source(),
            Self::NotFound
            | Self::File { .. }
            | Self::Name { .. }
            | Self::Nested { .. }
            | Self::Internal(_) => None,
        }
    }
}

impl From<CompileError> for Error {
    fn from(error: CompileError) -> Self {
        Self::Compile(error)
    }
}

impl From<PayloadError> for Error {
    fn from(error: PayloadError) -> Self {
        Self::Payload(error)
    }
}

/// A script that does not compile. Its text is `NAME:LINE: reason`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CompileError {
    /// The script's name, as given.
    pub script: String,
    /// Line of the source, from 1.
    pub line: u32,
    /// What is wrong there.
    pub reason: String,
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.script, self.line, self.reason)
    }
}

impl std::error::Error for CompileError {}

/// The part of a request that a [`PayloadError`] is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// The body, which becomes `POST`.
    Body,
    /// The host's settings, which become `CONFIG`.
    Config,
    /// What the host knows of the request, which becomes `META`.
    Meta,
}

/// Where in a JSON text something is wrong, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
    /// From 0, in the whole text.
    pub char: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} column {} (char {})", self.line, self.column, self.char)
    }
}

/// A request that can't be given to a script.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PayloadError {
    /// A part is not JSON, or the body is not an object.
    Json {
        /// Which part.
        part: Part,
        /// What is wrong.
        reason: String,
        /// Where.
        position: Position,
    },
    /// Query, body, config and meta together are over the limit.
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The query has more parameters than the limit.
    TooManyParameters {
        /// The limit.
        limit: usize,
    },
}

impl fmt::Display for PayloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json { part, reason, position } => {
                match part {
                    Part::Body => {}
                    Part::Config => f.write_str("CONFIG: ")?,
                    Part::Meta => f.write_str("META: ")?,
                }
                write!(f, "JSON parse error - {reason}: {position}")
            }
            Self::TooLarge { limit } => write!(f, "Request size limit exceeded ({limit})."),
            Self::TooManyParameters { limit } => write!(f, "Request parameter limit exceeded ({limit})."),
        }
    }
}

impl std::error::Error for PayloadError {}
