//! Where runs are made: in this process, or in others.

use std::path::PathBuf;
use std::time::Duration;

use crate::model::limits::Limits;
use crate::process::settings::Start;

/// Where an engine makes its runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Isolation {
    /// In the process of the host: the cheapest. What keeps scripts from it is Luau's VM.
    #[default]
    InProcess,
    /// In worker processes, which can do nothing but compute: a fault in the VM, or a script that goes on where nothing can stop it, costs one
    /// run. Scripts, traces and host functions stay as they are; host functions are called in this process.
    Process(Workers),
}

/// The worker processes of an engine: as many as it has VMs, a spare one that takes the place of any other at once, and one that compiles and
/// checks sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workers {
    program: Option<PathBuf>,
    max_runs: Option<u64>,
    max_age: Option<Duration>,
    backoff: Duration,
    spin: Option<Duration>,
    requires_sandbox: bool,
}

impl Default for Workers {
    fn default() -> Self {
        Self {
            program: None,
            max_runs: None,
            max_age: None,
            backoff: Duration::from_secs(1),
            spin: None,
            requires_sandbox: false,
        }
    }
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

    /// Has each worker replaced after so many runs, at least 1; without limit where nothing else is set.
    #[must_use]
    pub fn max_runs(mut self, runs: u64) -> Self {
        self.max_runs = Some(runs);
        self
    }

    /// Has no run begin in a worker that was started longer ago than this; without limit where nothing else is set. An idle engine replaces
    /// none: one that is too old is found when the next run is to begin.
    #[must_use]
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    /// For how long a source is refused that ended three workers in a row, at first; each time that it ends one more, the time doubles, up
    /// to an hour. 1 s where nothing else is set; none for zero. A run that is refused is `crashed`, and takes no worker.
    #[must_use]
    pub fn backoff(mut self, first: Duration) -> Self {
        self.backoff = first;
        self
    }

    /// How long a worker and its host wait for each other without sleeping, which takes a processor but no time to wake up: less after each time
    /// that it was in vain. Where nothing is set, 20 µs, and nothing on a machine with one processor.
    #[must_use]
    pub fn spin(mut self, time: Duration) -> Self {
        self.spin = Some(time);
        self
    }

    /// Has the engine fail where a part of the [`Sandbox`](crate::Sandbox) is missing, since the system does not have it. Where nothing is
    /// set, workers do without it.
    #[must_use]
    pub fn require_sandbox(mut self, requires: bool) -> Self {
        self.requires_sandbox = requires;
        self
    }

    pub(super) fn first_backoff(&self) -> Duration {
        self.backoff
    }
}

impl Isolation {
    /// How workers for runs within `limits` are started, if there are any.
    pub(super) fn start(self, limits: &Limits) -> Option<Start> {
        let Self::Process(workers) = self else { return None };
        // What the system calls this very program, also when its file was replaced.
        let program = workers.program.unwrap_or_else(|| "/proc/self/exe".into());
        // Workers begin elsewhere.
        let program = std::path::absolute(&program).unwrap_or(program);
        Some(Start {
            program,
            memory: limits.memory,
            output: limits.output,
            max_runs: workers.max_runs,
            max_age: workers.max_age,
            spin: workers.spin.unwrap_or_else(spin),
            requires_sandbox: workers.requires_sandbox,
        })
    }
}

/// On one processor, who spins keeps the other from what it waits for.
fn spin() -> Duration {
    let has_several = std::thread::available_parallelism().is_ok_and(|processors| processors.get() > 1);
    if has_several { Duration::from_micros(20) } else { Duration::ZERO }
}
