//! Runs in processes of their own: a second wall behind the VM's. What of it a host has stands at [`Isolation`](crate::Isolation).
//!
//! | file | what |
//! | --- | --- |
//! | [`shared`] | memory that two processes share |
//! | [`channel`] | messages through it, in turns |
//! | [`wire`] | what stands in messages |
//! | [`settings`] | how workers are to be, and which runs are wanted of one |
//! | [`starter`] | what starts workers, on a thread of its own |
//! | [`worker`] | a worker, as its host has it: started, asked, killed |
//! | [`call`] | one of its runs, and the host functions that this calls |
//! | [`compiler`] | what is asked of the worker that compiles and checks |
//! | [`many`] | many of its runs, several in a message |
//! | [`sandbox`], [`walls`] | what a worker gives up before its first source, and what a host is told of it |
//! | `faults` | what goes wrong in a worker on purpose, for tests |
//! | `elsewhere` | what there is where the system is not Linux |
//!
//! What a worker does is in `engine/guest.rs`: the same VM as in the host.

mod call;
pub(crate) mod channel;
mod compiler;
#[cfg(feature = "faults")]
pub(crate) mod faults;
pub(crate) mod many;
pub(crate) mod sandbox;
pub(crate) mod settings;
pub(crate) mod shared;
pub(crate) mod starter;
mod walls;
pub(crate) mod wire;
pub(crate) mod worker;

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use channel::Channel;
use shared::{Shared, Side};

/// The first argument of a worker's process. The number counts changes of what is said between the two.
pub(crate) const ARGUMENT: &str = "--perilune-worker=2";

/// What the first byte of a message to a worker says that it is.
pub(crate) mod to_worker {
    /// A name and a source to be compiled.
    pub(crate) const COMPILE: u8 = 0;
    /// A run.
    pub(crate) const RUN: u8 = 1;
    /// Several runs of one script, which calls no host functions.
    pub(crate) const RUNS: u8 = 6;
    /// The next of them.
    pub(crate) const GO: u8 = 7;
    /// What there is for scripts, and a name and a source to be checked.
    pub(crate) const CHECK: u8 = 5;
    /// What a host function returned: a value.
    pub(crate) const VALUE: u8 = 2;
    /// It failed: a message, and the number of its cause.
    pub(crate) const ERROR: u8 = 3;
    /// It panicked: a message.
    pub(crate) const PANIC: u8 = 4;
}

/// What the first byte of a message to a host says that it is.
pub(crate) mod to_host {
    /// The worker's version; it waits for its first message.
    pub(crate) const HELLO: u8 = 0;
    pub(crate) const COMPILED: u8 = 1;
    /// A line and a reason.
    pub(crate) const NOT_COMPILED: u8 = 2;
    pub(crate) const TRACE: u8 = 3;
    /// The part of the request that is no JSON, why, and where.
    pub(crate) const REFUSED: u8 = 4;
    /// The worker's engine failed: a text.
    pub(crate) const FAILED: u8 = 5;
    /// A call of a host function.
    pub(crate) const CALL: u8 = 6;
    /// What came of some of several runs.
    pub(crate) const ENDED: u8 = 8;
    /// What was found in a source.
    pub(crate) const CHECKED: u8 = 7;
}

/// What an argument of a host function can be, as a worker numbers it.
pub(crate) const ARGUMENT_KINDS: [&str; 12] = [
    "nothing",
    "json.null",
    "nil",
    "boolean",
    "number",
    "string",
    "table",
    "function",
    "userdata",
    "thread",
    "buffer",
    "vector",
];

/// The most that is kept of a stream, in bytes, for when its worker ends before its run.
const KEPT: usize = 16 << 20;

/// The ends of a worker, of which the host keeps the one and hands the other to the process.
pub(crate) struct Ends {
    pub(crate) channel: Channel,
    pub(crate) control: UnixStream,
    /// The worker's standard input, output and error stream.
    pub(crate) theirs: [OwnedFd; 3],
}

impl Ends {
    /// For runs that write at most so many bytes to each stream, and a host that spins for so long.
    pub(crate) fn new(output: usize, spin: Duration) -> io::Result<Self> {
        let (shared, file) = Shared::new(output.min(KEPT))?;
        let (waker, their_waker) = UnixStream::pair()?;
        let (control, their_control) = UnixStream::pair()?;
        let channel = Channel::new(shared, Side::Host, waker, spin)?;
        Ok(Self { channel, control, theirs: [their_waker.into(), their_control.into(), file] })
    }
}

/// The ends that a worker's process has as its standard streams.
pub(crate) fn ends_of_worker(output: usize, spin: Duration) -> io::Result<(Channel, UnixStream)> {
    let own = |fd: &dyn AsFd| fd.as_fd().try_clone_to_owned();
    let (waker, control) = (own(&io::stdin())?.into(), own(&io::stdout())?.into());
    let shared = Shared::map(io::stderr(), output.min(KEPT))?;
    // What is said by mistake is said to nobody.
    let nothing = std::fs::File::options().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&nothing)?;
    rustix::stdio::dup2_stdout(&nothing)?;
    rustix::stdio::dup2_stderr(&nothing)?;
    Ok((Channel::new(shared, Side::Worker, waker, spin)?, control))
}
