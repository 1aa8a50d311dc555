//! Messages between a host and its worker, which take turns: one writes a message while the other waits for it.
//!
//! Who waits spins at first, since to be woken costs more than most runs, and then sleeps: a worker on the word that says whose turn it is
//! (a futex), and its host until a byte comes through a socket, which tells also that the worker has ended. A worker whose host has ended is
//! ended by the system, and by its thread that hears of it.

use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicU32};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{SendFlags, send};
use rustix::thread::futex;

use super::shared::{PIECE, Shared, Side, Stream};

/// How long a host spins when it had to wake its worker: the system takes longer for that than for most else.
const SPIN_FOR_SLEEPER: Duration = Duration::from_micros(100);

/// A side spins for a shorter time after it waited for longer than is worth it, since the other one may need this very processor: at the least
/// for this part of the time.
const LEAST_SPIN: u32 = 16;

/// Turns of the loop between two looks at the clock.
const LOOK_EVERY: u32 = 64;

/// In a piece's length: others follow.
const MORE: u32 = 1 << 31;

/// Sends some bytes. A host may not have told the system that a closed stream is no reason to end it.
pub(super) fn tell(stream: &UnixStream, bytes: &[u8]) -> Result<(), Silence> {
    match send(stream, bytes, SendFlags::NOSIGNAL) {
        // Where it is full, there is something to wake by already.
        Ok(_) | Err(Errno::AGAIN | Errno::INTR) => Ok(()),
        Err(_) => Err(Silence::Gone),
    }
}

/// One side's end of a channel.
pub(crate) struct Channel {
    shared: Shared,
    side: Side,
    /// Bytes come through it to wake who sleeps; it is closed with the process.
    waker: UnixStream,
    /// For how long this side spins at most.
    spin: Duration,
    /// By what that is divided now.
    divisor: AtomicU32,
    /// The worker slept, and was woken for what is waited for.
    has_woken: AtomicBool,
}

/// Why there is no message.
#[derive(Debug)]
pub(crate) enum Silence {
    /// It did not come in time.
    Late,
    /// The other process has ended.
    Gone,
    /// What came is none: it is too long, or not what can come.
    NoMessage,
}

impl Channel {
    /// Who waits spins for `spin` at most.
    pub(super) fn new(shared: Shared, side: Side, waker: UnixStream, spin: Duration) -> io::Result<Self> {
        waker.set_nonblocking(true)?;
        if side == Side::Host {
            // The worker says the first word.
            shared.head().turn.0.store(Side::Worker as u32, SeqCst);
        }
        Ok(Self { shared, side, waker, spin, divisor: AtomicU32::new(1), has_woken: AtomicBool::new(false) })
    }

    /// What a worker's run writes is kept in what both share.
    pub(crate) fn keep(&self, stream: Stream, at: usize, bytes: &[u8], is_truncated: bool) {
        self.shared.keep(stream, at, bytes, is_truncated);
    }

    /// Forgets what is known of a run: to be called by the host before another.
    pub(super) fn forget_run(&self) {
        self.shared.forget_run();
    }

    /// Tells the host that a run has begun, by the last digits of its number, and that it has written nothing.
    pub(crate) fn begin(&self, number: u64) {
        self.shared.forget_run();
        self.shared.head().begun.0.store(number as u32, Release);
    }

    /// Whether the worker has told so. It is not to be believed: this decides only who is to blame for its end.
    pub(super) fn has_begun(&self, number: u64) -> bool {
        self.shared.head().begun.0.load(Acquire) == number as u32
    }

    /// What was kept of a stream, at most so many bytes, and whether there was more.
    pub(super) fn kept(&self, stream: Stream, most: usize) -> (Vec<u8>, bool) {
        self.shared.kept(stream, most)
    }

    /// Writes over all that both sides share.
    #[cfg(feature = "faults")]
    pub(super) fn scribble(&self, byte: u8) {
        self.shared.scribble(byte);
    }

    /// Gives the turn with a message of a length that is none.
    #[cfg(feature = "faults")]
    pub(super) fn forge_length(&self, length: u32) {
        self.shared.head().length.0.store(length, Relaxed);
        let _ = self.give_turn();
        let _ = self.wait_for_turn(None);
    }

    fn other(&self) -> Side {
        match self.side {
            Side::Host => Side::Worker,
            Side::Worker => Side::Host,
        }
    }

    /// Sends a message, and gives the turn to the other side, which takes one that is long in pieces, until then or never.
    pub(crate) fn send(&self, message: &[u8], until: Option<Instant>) -> Result<(), Silence> {
        let mut rest = message;
        loop {
            let (piece, behind) = rest.split_at(rest.len().min(PIECE));
            self.shared.write(self.side, piece);
            let more = if behind.is_empty() { 0 } else { MORE };
            self.shared.head().length.0.store(piece.len() as u32 | more, Relaxed);
            self.give_turn()?;
            if behind.is_empty() {
                return Ok(());
            }
            // The other side copies it, and gives the turn back.
            self.wait_for_turn(until)?;
            rest = behind;
        }
    }

    /// Waits until a message has come, and appends it to `message`, which it may make at most `limit` bytes long. Who was too impatient goes on
    /// with the same one.
    pub(crate) fn receive(
        &self,
        message: &mut Vec<u8>,
        limit: usize,
        until: Option<Instant>,
    ) -> Result<(), Silence> {
        loop {
            self.wait_for_turn(until)?;
            let length = self.shared.head().length.0.load(Relaxed);
            let bytes = (length & !MORE) as usize;
            if bytes > PIECE || message.len() + bytes > limit {
                return Err(Silence::NoMessage);
            }
            self.shared.read(self.other(), bytes, message);
            if length & MORE == 0 {
                return Ok(());
            }
            self.give_turn()?;
        }
    }

    /// Fails where the other side slept, and has ended since.
    fn give_turn(&self) -> Result<(), Silence> {
        let (head, other) = (self.shared.head(), self.other());
        // Each side stores one of these words and then loads the other's, all in one total order: either this sees that the other sleeps, or
        // that sees its turn before it does.
        head.turn.0.store(other as u32, SeqCst);
        if head.sleeps[other as usize].0.swap(0, SeqCst) == 0 {
            return Ok(());
        }
        match other {
            Side::Host => tell(&self.waker, &[1]),
            Side::Worker => {
                self.has_woken.store(true, Relaxed);
                // It fails for addresses that are none.
                let _ = futex::wake(&head.turn.0, futex::Flags::empty(), 1);
                Ok(())
            }
        }
    }

    fn has_turn(&self) -> bool {
        self.shared.head().turn.0.load(Acquire) == self.side as u32
    }

    fn wait_for_turn(&self, until: Option<Instant>) -> Result<(), Silence> {
        let Some(since) = self.spin_to_turn() else { return Ok(()) };
        loop {
            let head = self.shared.head();
            let sleeps = &head.sleeps[self.side as usize].0;
            sleeps.store(1, SeqCst);
            if head.turn.0.load(SeqCst) == self.side as u32 {
                sleeps.store(0, Relaxed);
                return Ok(());
            }
            match self.side {
                // Whatever wakes it, it looks.
                Side::Worker => {
                    let _ = futex::wait(&head.turn.0, futex::Flags::empty(), self.other() as u32, None);
                }
                Side::Host => self.sleep(until)?,
            }
            if self.has_turn() {
                let divisor = self.divisor.load(Relaxed);
                let is_worth_it = since.elapsed() < 2 * self.spin;
                self.divisor.store(if is_worth_it { 1 } else { (divisor * 2).min(LEAST_SPIN) }, Relaxed);
                return Ok(());
            }
        }
    }

    /// Spins for as long as is worth it, and returns since when, where the turn has not come.
    fn spin_to_turn(&self) -> Option<Instant> {
        let divisor = self.divisor.load(Relaxed);
        let has_woken = self.has_woken.swap(false, Relaxed);
        let spin = if has_woken && !self.spin.is_zero() { SPIN_FOR_SLEEPER } else { self.spin / divisor };
        let mut spun_since = None::<Instant>;
        loop {
            for _ in 0..LOOK_EVERY {
                if self.has_turn() {
                    return None;
                }
                std::hint::spin_loop();
            }
            let now = Instant::now();
            let since = *spun_since.get_or_insert(now);
            if now.duration_since(since) >= spin {
                return Some(since);
            }
        }
    }

    /// Sleeps until the worker gives a sign, or is late.
    fn sleep(&self, until: Option<Instant>) -> Result<(), Silence> {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Err(Silence::Late);
        }
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        let mut waited = [PollFd::new(&self.waker, PollFlags::IN)];
        match poll(&mut waited, left.as_ref()) {
            Ok(0) if self.has_turn() => Ok(()),
            Ok(0) => Err(Silence::Late),
            Ok(_) => self.drain(),
            Err(Errno::INTR) => Ok(()),
            Err(_) => Err(Silence::Gone),
        }
    }

    /// Takes what woke this side. What the other one wrote before it ended counts.
    fn drain(&self) -> Result<(), Silence> {
        let mut bytes = [0; 64];
        match (&self.waker).read(&mut bytes) {
            Ok(0) if self.has_turn() => Ok(()),
            Ok(0) => Err(Silence::Gone),
            Ok(_) => Ok(()),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                Ok(())
            }
            Err(_) if self.has_turn() => Ok(()),
            Err(_) => Err(Silence::Gone),
        }
    }
}
