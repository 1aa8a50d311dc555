//! Where runs are made: in this process, or in others.

use std::path::PathBuf;

use crate::process::worker::Start;

/// Where an engine makes its runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Isolation {
    /// In the process of the host: the cheapest. What keeps scripts from it is Luau's VM.
    #[default]
    InProcess,
    /// In worker processes, as many as the engine has VMs and one that compiles, which can do nothing but compute: a fault in the VM, or a script that goes on where
    /// nothing can stop it, costs one run. Scripts, traces and host functions stay as they are; host functions are called in this process.
    Process(Workers),
}

/// The worker processes of an engine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Workers {
    program: Option<PathBuf>,
}

impl Workers {
    /// This process's own program, which is to call [`worker::init`](crate::worker::init) at the beginning of its `main`.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Another program that does so, such as the command `perilune`, of the version of this library.
    #[must_use]
    pub fn program(mut self, path: impl Into<PathBuf>) -> Self {
        self.program = Some(path.into());
        self
    }
}

impl Isolation {
    /// How workers for runs of so many bytes are started, if there are any.
    pub(super) fn start(self, memory: usize) -> Option<Start> {
        let Self::Process(Workers { program }) = self else { return None };
        // What the system calls this very program, also when its file was replaced.
        let program = program.unwrap_or_else(|| "/proc/self/exe".into());
        // Workers begin elsewhere.
        let program = std::path::absolute(&program).unwrap_or(program);
        Some(Start { program, memory })
    }
}
