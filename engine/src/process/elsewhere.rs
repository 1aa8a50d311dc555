//! Systems on which there are no workers.

#[path = "walls.rs"]
pub(crate) mod sandbox;

#[path = "settings.rs"]
pub(crate) mod settings;

pub(crate) mod starter {
    use super::settings::Start;

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
    use super::settings::Wanted;
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

        pub(crate) fn run_many<'a>(&mut self, _: &Job<'_>, _: &mut impl Wanted<'a>) {
            match self.0 {}
        }

        pub(crate) fn run(&mut self, _: &Job<'_>, _: Option<&Poll>, _: &mut Trace) -> Result<u64, Error> {
            match self.0 {}
        }
    }
}
