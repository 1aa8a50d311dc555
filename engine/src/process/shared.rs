//! Memory that a host and its worker share: a head of some words, room for one piece of a message in each direction, and what a run has
//! written so far, for when the worker ends before it.
//!
//! The worker is hostile: it may write here at any time. So nothing here is ever a reference to what the other side can change: words are
//! atomics, and bytes are copied out once, before anyone looks at them. The file is sealed, so that nobody can make it shorter, and a
//! copy never meets a page that is gone.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::ptr::{self, NonNull};
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// Bytes of a piece.
pub(super) const PIECE: usize = 256 << 10;

/// Before the pieces: a page for the words.
const HEAD: usize = 4096;

/// In the length of what a stream has written: there was more.
const TRUNCATED: u32 = 1 << 31;

/// The streams of a run, as their output is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stream {
    Stdout = 0,
    Stderr = 1,
}

/// The two sides. Each writes pieces of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Host = 0,
    Worker = 1,
}

/// The words. Each is on a cache line of its own.
#[repr(C)]
pub(super) struct Head {
    /// Whose turn it is: [`Side`] as a number.
    pub(super) turn: Line,
    /// Whether the side, host first, sleeps until its turn comes.
    pub(super) sleeps: [Line; 2],
    /// Bytes of the piece that was written last, with [`MORE`](super::channel::MORE) where others follow.
    pub(super) length: Line,
    /// The worker's latest run that began, by its number.
    pub(super) begun: Line,
    /// Bytes that the run has written to its streams, with [`TRUNCATED`] where there were more.
    written: [Line; 2],
}

#[repr(C, align(128))]
pub(super) struct Line(pub(super) AtomicU32);

/// The mapping. It goes with the last side's.
pub(super) struct Shared {
    at: NonNull<u8>,
    /// Bytes that are kept of a stream.
    output: usize,
}

// SAFETY: what it points to is reached by atomics, and by copies that the turns keep apart; what a hostile side does in between changes
// bytes, and no reference to them exists.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Shared {
    /// New memory that keeps so many bytes of each stream, and the file that another process maps it by.
    pub(super) fn new(output: usize) -> io::Result<(Self, OwnedFd)> {
        let file = memfd_create("perilune", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        ftruncate(&file, length(output)? as u64)?;
        fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
        Ok((Self::map(&file, output)?, file))
    }

    /// Maps the memory of a file that [`new`](Self::new) made.
    pub(super) fn map(file: impl AsFd, output: usize) -> io::Result<Self> {
        let length = length(output)?;
        // SAFETY: a new mapping at no particular address, of a file of this length that can't be made shorter.
        let at = unsafe {
            mmap(
                ptr::null_mut(),
                length,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::SHARED,
                file.as_fd(),
                0,
            )
        }?;
        NonNull::new(at.cast())
            .map(|at| Self { at, output })
            .ok_or_else(|| io::Error::other("mapped at null"))
    }

    pub(super) fn head(&self) -> &Head {
        const { assert!(size_of::<Head>() <= HEAD) }
        // SAFETY: the mapping begins with it, is aligned to a page, and lives as long as this; it has nothing but atomics.
        unsafe { self.at.cast::<Head>().as_ref() }
    }

    fn piece(&self, side: Side) -> NonNull<u8> {
        // SAFETY: both pieces are within the mapping.
        unsafe { self.at.add(HEAD + side as usize * PIECE) }
    }

    /// Writes a piece of at most [`PIECE`] bytes as `side`, whose turn it is.
    pub(super) fn write(&self, side: Side, piece: &[u8]) {
        assert!(piece.len() <= PIECE, "a piece is no longer than its room");
        // SAFETY: it fits, as was just seen, and the source is no part of the mapping.
        unsafe { ptr::copy_nonoverlapping(piece.as_ptr(), self.piece(side).as_ptr(), piece.len()) };
    }

    /// Appends a copy of the first bytes, at most [`PIECE`], of what `side` wrote.
    pub(super) fn read(&self, side: Side, length: usize, into: &mut Vec<u8>) {
        let length = length.min(PIECE);
        into.reserve(length);
        // SAFETY: within the mapping, and into room that was just reserved and is no part of it. The other side may write meanwhile: then these
        // are some bytes or others, as all of them are that it writes.
        unsafe {
            ptr::copy_nonoverlapping(self.piece(side).as_ptr(), into.as_mut_ptr().add(into.len()), length);
            into.set_len(into.len() + length);
        }
    }

    /// Writes over all of it.
    #[cfg(feature = "faults")]
    pub(super) fn scribble(&self, byte: u8) {
        let length = HEAD + 2 * (PIECE + self.output);
        // SAFETY: within the mapping, of whose bytes nobody relies on any.
        unsafe { self.at.as_ptr().write_bytes(byte, length) };
    }

    fn stream(&self, stream: Stream) -> NonNull<u8> {
        // SAFETY: what both streams wrote is within the mapping, behind the pieces.
        unsafe { self.at.add(HEAD + 2 * PIECE + stream as usize * self.output) }
    }

    /// Keeps what a stream has written at a place, and nothing behind that, as far as there is room.
    pub(crate) fn keep(&self, stream: Stream, at: usize, bytes: &[u8], is_truncated: bool) {
        let at = at.min(self.output);
        let kept = bytes.len().min(self.output - at);
        // SAFETY: it fits, as was just seen, and the source is no part of the mapping.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), self.stream(stream).add(at).as_ptr(), kept) };
        let is_truncated = is_truncated || kept < bytes.len();
        let length = (at + kept) as u32 | if is_truncated { TRUNCATED } else { 0 };
        self.head().written[stream as usize].0.store(length, Release);
    }

    /// Forgets what is known of a run.
    pub(super) fn forget_run(&self) {
        self.head().begun.0.store(0, Relaxed);
        for written in &self.head().written {
            written.0.store(0, Relaxed);
        }
    }

    /// A copy of what was kept, at most so many bytes, and whether there was more.
    pub(super) fn kept(&self, stream: Stream, most: usize) -> (Vec<u8>, bool) {
        let length = self.head().written[stream as usize].0.load(Acquire);
        let whole = (length & !TRUNCATED) as usize;
        let kept = whole.min(most).min(self.output);
        let mut bytes = Vec::with_capacity(kept);
        // SAFETY: as in `read`.
        unsafe {
            ptr::copy_nonoverlapping(self.stream(stream).as_ptr(), bytes.as_mut_ptr(), kept);
            bytes.set_len(kept);
        }
        (bytes, length & TRUNCATED != 0 || kept < whole)
    }
}

/// Bytes of a mapping.
fn length(output: usize) -> io::Result<usize> {
    let length = output.checked_mul(2).and_then(|both| both.checked_add(HEAD + 2 * PIECE));
    length.ok_or_else(|| io::Error::other("the limit of output is too large to be shared"))
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: it was mapped here with this length, and nothing that it lent lives longer.
        let _ = length(self.output).map(|length| unsafe { munmap(self.at.as_ptr().cast(), length) });
    }
}
