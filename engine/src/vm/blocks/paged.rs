//! The blocks of a VM on Linux: large ones are mappings of whole pages, small ones come from an arena.

use std::ptr::{self, NonNull};

use super::arena::Arena;
use super::large::LARGE;
use super::map;

/// How many freed mappings are cached for later blocks, and how many bytes of them. The kernel zeroes a fresh mapping page by
/// page as it is written to, which made scripts that work on large strings three times as slow.
const MAX_CACHED: usize = 8;
const MAX_CACHED_BYTES: usize = 8 << 20;

/// A VM's blocks. Those that are [`LARGE`] are mapped one by one.
#[derive(Debug)]
pub(in crate::vm) struct Blocks {
    /// Bytes of a page.
    page: usize,
    arena: Arena,
    cached: Vec<CachedMapping>,
    /// Bytes of all in `cached`.
    cached_bytes: usize,
}

/// An unused mapping, of whole pages.
#[derive(Debug)]
struct CachedMapping {
    block: *mut u8,
    size: usize,
}

impl Default for Blocks {
    fn default() -> Self {
        let page = map::page();
        Self { page, arena: Arena::new(page), cached: Vec::new(), cached_bytes: 0 }
    }
}

fn or_null(block: Option<NonNull<u8>>) -> *mut u8 {
    block.map_or(ptr::null_mut(), NonNull::as_ptr)
}

impl Blocks {
    /// Bytes that a block of `size` bytes takes, rounded up.
    pub(in crate::vm) fn footprint(&self, size: usize) -> usize {
        // A size without a next multiple can't be allocated anyway.
        if size >= LARGE {
            size.checked_next_multiple_of(self.page).unwrap_or(usize::MAX)
        } else {
            self.arena.footprint(size)
        }
    }

    /// Null when there is no memory.
    ///
    /// # Safety
    /// The size is not 0.
    pub(in crate::vm) unsafe fn allocate(&mut self, size: usize) -> *mut u8 {
        if size < LARGE {
            return self.arena.allocate(size);
        }
        let is_near = |cached: &CachedMapping| cached.size / 2 <= size && size / 2 <= cached.size;
        let near = (0..self.cached.len()).filter(|&at| is_near(&self.cached[at]));
        let Some(nearest) = near.min_by_key(|&at| self.cached[at].size.abs_diff(size)) else {
            return or_null(map::allocate(size));
        };
        let CachedMapping { block, size: old } = self.cached.swap_remove(nearest);
        self.cached_bytes -= old;
        // SAFETY: the mapping is of `old` bytes, and nobody uses it.
        unsafe {
            let resized = or_null(map::resize(block, old, size));
            if resized.is_null() {
                map::free(block, old);
            }
            resized
        }
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
                    let moved = self.allocate(new);
                    if !moved.is_null() {
                        ptr::copy_nonoverlapping(block, moved, old.min(new));
                        self.free(block, old);
                    }
                    moved
                }
            }
        }
    }

    /// # Safety
    /// The block is one of `size` bytes from here, and not used after this.
    pub(in crate::vm) unsafe fn free(&mut self, block: *mut u8, size: usize) {
        if size < LARGE {
            // SAFETY: by this function's contract.
            return unsafe { self.arena.free(block, size) };
        }
        let size = self.footprint(size);
        self.cached.push(CachedMapping { block, size });
        self.cached_bytes += size;
        self.evict_cached(MAX_CACHED_BYTES);
    }

    /// Unmaps the oldest cached mappings, until at most `keep` bytes are left.
    fn evict_cached(&mut self, keep: usize) {
        while self.cached.len() > MAX_CACHED || self.cached_bytes > keep {
            let CachedMapping { block, size } = self.cached.remove(0);
            self.cached_bytes -= size;
            // SAFETY: the mapping is of this size, and nobody uses it.
            unsafe { map::free(block, size) };
        }
    }

    /// Free bytes in pages that also hold blocks, so that they can't be returned to the system.
    pub(in crate::vm) fn slack(&self) -> usize {
        self.arena.slack()
    }

    /// Bytes of free pages that were not returned to the system.
    pub(in crate::vm) fn idle(&self) -> usize {
        self.arena.idle() + self.cached_bytes
    }

    /// Returns free pages to the system until at most `keep` bytes of them are left.
    pub(in crate::vm) fn purge(&mut self, keep: usize) {
        self.evict_cached(keep.saturating_sub(self.arena.idle()));
        self.arena.purge(keep - self.cached_bytes.min(keep));
    }
}

impl Drop for Blocks {
    fn drop(&mut self) {
        self.evict_cached(0);
    }
}
