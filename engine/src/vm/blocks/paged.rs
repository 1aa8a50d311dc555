//! Blocks of whole pages, or of an arena of them.

use std::ptr::{self, NonNull};

use super::arena::Arena;
use super::map;
use crate::vm::heap::LARGE;

/// A VM's blocks. Those that are [`LARGE`] are mapped one by one.
#[derive(Debug)]
pub(in crate::vm) struct Blocks {
    /// Bytes of a page.
    page: usize,
    arena: Arena,
}

impl Default for Blocks {
    fn default() -> Self {
        let page = map::page();
        Self { page, arena: Arena::new(page) }
    }
}

fn or_null(block: Option<NonNull<u8>>) -> *mut u8 {
    block.map_or(ptr::null_mut(), NonNull::as_ptr)
}

impl Blocks {
    /// What a block of `size` bytes takes.
    pub(in crate::vm) fn taken(&self, size: usize) -> usize {
        // A size that has no next multiple is too large for everybody.
        if size >= LARGE {
            size.checked_next_multiple_of(self.page).unwrap_or(usize::MAX)
        } else {
            self.arena.taken(size)
        }
    }

    /// Null when there is no memory.
    ///
    /// # Safety
    /// The size is not 0.
    pub(in crate::vm) unsafe fn take(&mut self, size: usize) -> *mut u8 {
        if size >= LARGE { or_null(map::take(size)) } else { self.arena.take(size) }
    }

    /// Null when there is no memory: the block is then as it was.
    ///
    /// # Safety
    /// The block is one of `old` bytes from here, and not used after this unless it is returned; the new size is not 0.
    pub(in crate::vm) unsafe fn resize(&mut self, block: *mut u8, old: usize, new: usize) -> *mut u8 {
        // SAFETY: by this function's contract: each kind of block goes back to where it came from.
        unsafe {
            match (old >= LARGE, new >= LARGE) {
                (false, false) => self.arena.resize(block, old, new),
                (true, true) => or_null(map::resize(block, old, new)),
                _ => {
                    let moved = self.take(new);
                    if !moved.is_null() {
                        ptr::copy_nonoverlapping(block, moved, old.min(new));
                        self.give_back(block, old);
                    }
                    moved
                }
            }
        }
    }

    /// # Safety
    /// The block is one of `size` bytes from here, and not used after this.
    pub(in crate::vm) unsafe fn give_back(&mut self, block: *mut u8, size: usize) {
        // SAFETY: by this function's contract.
        unsafe { if size >= LARGE { map::give_back(block, size) } else { self.arena.give_back(block, size) } }
    }

    /// Bytes that are free, but in pages with blocks: they can't be given back.
    pub(in crate::vm) fn waste(&self) -> usize {
        self.arena.waste()
    }

    /// Bytes of free pages that the system has not got back.
    pub(in crate::vm) fn idle(&self) -> usize {
        self.arena.idle()
    }

    /// Gives free pages back until no more than `keep` bytes of them are left.
    pub(in crate::vm) fn purge(&mut self, keep: usize) {
        self.arena.purge(keep);
    }
}
