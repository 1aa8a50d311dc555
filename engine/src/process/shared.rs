//! Memory that a host and its worker share: a head of two words, and room for one piece of a message in each direction.
//!
//! The worker is hostile: it may write here at any time. So nothing here is ever a reference to what the other side can change: words are
//! atomics, and bytes are copied out once, before anyone looks at them. The file is sealed, so that nobody can make it shorter, and a
//! copy never meets a page that is gone.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::ptr::{self, NonNull};
use std::sync::atomic::AtomicU32;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// Bytes of a piece.
pub(super) const PIECE: usize = 256 << 10;

/// Before the pieces: a page for the words.
const HEAD: usize = 4096;

const LENGTH: usize = HEAD + 2 * PIECE;

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
}

#[repr(C, align(128))]
pub(super) struct Line(pub(super) AtomicU32);

/// The mapping. It goes with the last side's.
pub(super) struct Shared {
    at: NonNull<u8>,
}

// SAFETY: what it points to is reached by atomics, and by copies that the turns keep apart; what a hostile side does in between changes
// bytes, and no reference to them exists.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Shared {
    /// New memory, and the file that another process maps it by.
    pub(super) fn new() -> io::Result<(Self, OwnedFd)> {
        let file = memfd_create("perilune", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        ftruncate(&file, LENGTH as u64)?;
        fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
        Ok((Self::map(&file)?, file))
    }

    /// Maps the memory of a file that [`new`](Self::new) made.
    pub(super) fn map(file: impl AsFd) -> io::Result<Self> {
        // SAFETY: a new mapping at no particular address, of a file of this length that can't be made shorter.
        let at = unsafe {
            mmap(
                ptr::null_mut(),
                LENGTH,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::SHARED,
                file.as_fd(),
                0,
            )
        }?;
        NonNull::new(at.cast()).map(|at| Self { at }).ok_or_else(|| io::Error::other("mapped at null"))
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
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: it was mapped here with this length, and nothing that it lent lives longer.
        let _ = unsafe { munmap(self.at.as_ptr().cast(), LENGTH) };
    }
}
