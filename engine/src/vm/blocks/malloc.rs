//! Blocks of the process's allocator.

use std::alloc::{self, Layout};

/// Luau asks for no stricter alignment than that of its largest scalar.
const ALIGN: usize = 16;

/// A VM's blocks. Their slack is not known.
#[derive(Debug, Default)]
pub(in crate::vm) struct Blocks;

fn layout(size: usize) -> Layout {
    // Luau's sizes come from `int` and bounded `size_t` arithmetic, far below `isize::MAX`; were one not, the
    // smallest layout would make `alloc` hand out too little, so it must not be reached with a wrong size.
    Layout::from_size_align(size, ALIGN).unwrap_or_else(|_| alloc::handle_alloc_error(Layout::new::<u8>()))
}

impl Blocks {
    /// Bytes that a block of `size` bytes takes.
    pub(in crate::vm) fn footprint(&self, size: usize) -> usize {
        size
    }

    /// Null when there is no memory.
    ///
    /// # Safety
    /// The size is not 0.
    pub(in crate::vm) unsafe fn allocate(&mut self, size: usize) -> *mut u8 {
        // SAFETY: by this function's contract.
        unsafe { alloc::alloc(layout(size)) }
    }

    /// Null when there is no memory: the block is then as it was.
    ///
    /// # Safety
    /// The block is one of `old` bytes from here, and not used after this unless it is returned; the new size is not 0.
    pub(in crate::vm) unsafe fn resize(&mut self, block: *mut u8, old: usize, new: usize) -> *mut u8 {
        // SAFETY: by this function's contract.
        unsafe { alloc::realloc(block, layout(old), new) }
    }

    /// # Safety
    /// The block is one of `size` bytes from here, and not used after this.
    pub(in crate::vm) unsafe fn free(&mut self, block: *mut u8, size: usize) {
        // SAFETY: by this function's contract.
        unsafe { alloc::dealloc(block, layout(size)) }
    }

    /// Not known.
    pub(in crate::vm) fn slack(&self) -> usize {
        0
    }

    /// Not known.
    pub(in crate::vm) fn idle(&self) -> usize {
        0
    }

    pub(in crate::vm) fn purge(&mut self, _keep: usize) {}
}
