//! Systems on which there are no workers.

#[path = "walls.rs"]
pub(crate) mod sandbox;

pub(crate) mod starter {
    use std::path::PathBuf;
    use std::time::Duration;

    #[derive(Debug, Clone)]
    pub(crate) struct Start {
        pub(crate) program: PathBuf,
        pub(crate) memory: usize,
        pub(crate) output: usize,
        pub(crate) max_runs: Option<u64>,
        pub(crate) max_age: Option<Duration>,
        pub(crate) spin: Duration,
        pub(crate) requires_sandbox: bool,
    }

    pub(crate) struct Starter {
        pub(super) start: Start,
    }

    impl Starter {
        pub(crate) fn new(start: Start) -> Self {
            Self { start }
        }
    }
}

pub(crate) mod worker {
    use std::convert::Infallible;
    use std::sync::Arc;

    use super::sandbox::Sandbox;
    use super::starter::Starter;
    use crate::compile::compiled::Compiled;
    use crate::model::error::Error;
    use crate::model::poll::Poll;
    use crate::model::trace::Trace;
    use crate::registry::check::Diagnostic;
    use crate::registry::environment::Environment;
    use crate::vm::job::Job;

    /// There is none.
    pub(crate) struct Worker(Infallible);

    impl Worker {
        pub(crate) fn start(starter: &Arc<Starter>) -> Result<Self, Error> {
            Err(Error::Internal(format!(
                "can't start a worker, {}: there are none on this system",
                starter.start.program.display()
            )))
        }

        pub(crate) fn sandbox(&self) -> &Sandbox {
            match self.0 {}
        }

        pub(crate) fn is_sound(&self) -> bool {
            match self.0 {}
        }

        pub(crate) fn has_replaced(&mut self) -> bool {
            match self.0 {}
        }

        pub(crate) fn compile(&mut self, _: &Compiled) -> Option<Result<(), (u32, String)>> {
            match self.0 {}
        }

        pub(crate) fn check(&mut self, _: &str, _: &[u8], _: &Environment) -> Option<Vec<Diagnostic>> {
            match self.0 {}
        }

        pub(crate) fn run(&mut self, _: &Job<'_>, _: Option<&Poll>, _: &mut Trace) -> Result<u64, Error> {
            match self.0 {}
        }
    }
}
