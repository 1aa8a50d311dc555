//! Systems on which there are no workers.

#[path = "walls.rs"]
pub(crate) mod sandbox;

pub(crate) mod worker {
    use std::convert::Infallible;
    use std::path::PathBuf;

    use super::sandbox::Sandbox;
    use crate::compile::compiled::Compiled;
    use crate::model::error::Error;
    use crate::model::poll::Poll;
    use crate::model::trace::Trace;
    use crate::vm::job::Job;

    #[derive(Debug, Clone)]
    pub(crate) struct Start {
        pub(crate) program: PathBuf,
        pub(crate) memory: usize,
    }

    /// There is none.
    pub(crate) struct Worker(Infallible);

    impl Worker {
        pub(crate) fn start(start: &Start) -> Result<Self, Error> {
            let Start { program, memory: _ } = start;
            Err(Error::Internal(format!(
                "can't start a worker, {}: there are none on this system",
                program.display()
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

        pub(crate) fn run(&mut self, _: &Job<'_>, _: Option<&Poll>, _: &mut Trace) -> Result<u64, Error> {
            match self.0 {}
        }
    }
}
