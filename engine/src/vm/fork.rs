//! The generation of the process: how many forks lie between it and the first. A child of `fork()` has none of its parent's
//! threads, so whatever has threads compares its generation with the current one, for one atomic load.

use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

static GENERATION: AtomicU64 = AtomicU64::new(0);

/// How many forks lie between the process that first asked and this one.
pub(crate) fn generation() -> u64 {
    GENERATION.load(Relaxed)
}

/// Counts forks from now on.
pub(crate) fn count_forks() {
    static COUNTING: Once = Once::new();
    COUNTING.call_once(|| {
        #[cfg(unix)]
        {
            extern "C" fn in_child() {
                GENERATION.fetch_add(1, Relaxed);
            }
            // SAFETY: the handler only adds to an atomic, which is allowed after a fork. Should registering it fail,
            // for lack of memory, a forked child finds the watchdog of its parent missing.
            unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
        }
    });
}

#[cfg(all(test, unix))]
mod tests {
    use std::time::Duration;

    use crate::{Engine, Request, RunLimits, Script, Status};

    /// Whether timeouts, the pool, its threads and new engines work.
    fn works(engine: &Engine, endless: &Script, hello: &Script) -> bool {
        let status = |script: &Script| script.run(&Request::new()).map(|trace| trace.status);
        let fresh = Engine::builder().pool_size(1).timeout(Duration::from_millis(20)).build();
        let later = fresh.compile("later", "while true do end").expect("it compiles");
        let submitted = |script: &Script| script.submit(Request::new()).wait().map(|trace| trace.status);
        (0..3).all(|_| submitted(endless) == Ok(Status::Timeout) && submitted(hello) == Ok(Status::Success))
            && (0..3).all(|_| status(endless) == Ok(Status::Timeout) && status(hello) == Ok(Status::Success))
            && engine.compile("new", "return 1").is_ok_and(|script| status(&script) == Ok(Status::Success))
            && status(&later) == Ok(Status::Timeout)
    }

    #[test]
    fn an_engine_that_ran_works_in_parent_and_child_of_a_fork() {
        let engine = Engine::builder().pool_size(1).build();
        let limits = RunLimits { timeout: Some(Duration::from_millis(20)), ..RunLimits::default() };
        let endless =
            engine.compile("endless", "while true do end").expect("it compiles").with_limits(limits);
        let hello = engine.compile("hello", "print('Hello')").expect("it compiles");
        assert!(works(&engine, &endless, &hello));
        // SAFETY: the child uses only this engine, which no other thread is inside of, and leaves by `_exit`.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let worked = works(&engine, &endless, &hello);
            drop((endless, hello, engine));
            // SAFETY: nothing else is to be done in the child.
            unsafe { libc::_exit(if worked { 0 } else { 1 }) };
        }
        assert!(child > 0, "fork failed");
        assert!(works(&engine, &endless, &hello));
        let mut status = 0;
        // SAFETY: the child is this process's, and the place for its status is valid.
        let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
        assert_eq!((waited, status), (child, 0), "the child did not work");
    }
}
