//! Blocks of memory from the system.
//!
//! Large ones are mapped one by one, so that what is given back is gone: `malloc` keeps them for later, in places that
//! later ones do not fit into. But a fresh mapping is paid for page by page as it is written to, which made scripts that
//! work on large strings three times as slow: so a few that were given back are kept for the next.

use std::alloc::{self, Layout};
use std::cell::RefCell;
use std::ptr;

/// What makes a block large, in bytes: its memory is the larger part of what it costs.
pub(super) const LARGE: usize = 128 << 10;

/// Luau asks for no stricter alignment than that of its largest scalar.
const ALIGN: usize = 16;

/// Bytes from which a block is mapped.
const MAPPED: usize = if cfg!(target_os = "linux") { LARGE } else { usize::MAX };

/// Mappings kept, and their bytes together: no part of what is counted.
const KEPT: usize = 8;
const KEPT_BYTES: usize = 8 << 20;

/// The blocks of one VM.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    kept: RefCell<Vec<Mapping>>,
}

/// A mapping that nobody uses.
#[derive(Debug)]
struct Mapping {
    block: *mut u8,
    /// As it was asked for.
    size: usize,
}

impl Blocks {
    /// Null when there is no memory.
    ///
    /// # Safety
    /// The size is not 0.
    pub(super) unsafe fn take(&self, size: usize) -> *mut u8 {
        if size < MAPPED {
            // SAFETY: by this function's contract.
            return unsafe { alloc::alloc(layout(size)) };
        }
        let mut kept = self.kept.borrow_mut();
        let is_near = |kept: &Mapping| kept.size / 2 <= size && size / 2 <= kept.size;
        let nearest =
            (0..kept.len()).filter(|&at| is_near(&kept[at])).min_by_key(|&at| kept[at].size.abs_diff(size));
        match nearest.map(|at| kept.swap_remove(at)) {
            // SAFETY: nobody uses the mapping; a new one touches no other.
            Some(near) => unsafe {
                let resized = map::resize(near.block, near.size, size);
                if resized.is_null() {
                    map::give_back(near.block, near.size);
                }
                resized
            },
            // SAFETY: as above.
            None => unsafe { map::take(size) },
        }
    }

    /// # Safety
    /// The block is one of `old` bytes from here; the new size is not 0.
    pub(super) unsafe fn resize(&self, block: *mut u8, old: usize, new: usize) -> *mut u8 {
        // SAFETY: by this function's contract: each kind of block goes back to where it came from.
        unsafe {
            match (old >= MAPPED, new >= MAPPED) {
                (false, false) => alloc::realloc(block, layout(old), new),
                (true, true) => map::resize(block, old, new),
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
    pub(super) unsafe fn give_back(&self, block: *mut u8, size: usize) {
        if size < MAPPED {
            // SAFETY: by this function's contract.
            return unsafe { alloc::dealloc(block, layout(size)) };
        }
        if size > KEPT_BYTES / 2 {
            // SAFETY: as above.
            return unsafe { map::give_back(block, size) };
        }
        self.kept.borrow_mut().push(Mapping { block, size });
        self.trim(KEPT_BYTES);
    }

    /// Gives back what was kept longest, until no more than so many bytes are.
    pub(super) fn trim(&self, bytes: usize) {
        let mut kept = self.kept.borrow_mut();
        while kept.len() > KEPT || kept.iter().map(|mapping| mapping.size).sum::<usize>() > bytes {
            let oldest = kept.remove(0);
            // SAFETY: nobody uses it.
            unsafe { map::give_back(oldest.block, oldest.size) };
        }
    }
}

impl Drop for Blocks {
    fn drop(&mut self) {
        self.trim(0);
    }
}

fn layout(size: usize) -> Layout {
    // Luau's sizes come from `int` and bounded `size_t` arithmetic, far below `isize::MAX`; were one not, the smallest
    // layout would make `alloc` hand out too little, so it must not be reached with a wrong size.
    Layout::from_size_align(size, ALIGN).unwrap_or_else(|_| alloc::handle_alloc_error(Layout::new::<u8>()))
}

#[cfg(target_os = "linux")]
mod map {
    use std::ptr;

    fn or_null(mapping: *mut libc::c_void) -> *mut u8 {
        if mapping == libc::MAP_FAILED { ptr::null_mut() } else { mapping.cast() }
    }

    pub(super) unsafe fn take(size: usize) -> *mut u8 {
        let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: a new mapping of no file, where the system likes it.
        or_null(unsafe { libc::mmap(ptr::null_mut(), size, access, kind, -1, 0) })
    }

    pub(super) unsafe fn resize(block: *mut u8, old: usize, new: usize) -> *mut u8 {
        // SAFETY: the block is a mapping of ours of `old` bytes.
        or_null(unsafe { libc::mremap(block.cast(), old, new, libc::MREMAP_MAYMOVE) })
    }

    pub(super) unsafe fn give_back(block: *mut u8, size: usize) {
        // SAFETY: the block is a mapping of ours of `size` bytes.
        unsafe { libc::munmap(block.cast(), size) };
    }
}

/// Never called: no block is as large as `MAPPED`.
#[cfg(not(target_os = "linux"))]
mod map {
    pub(super) unsafe fn take(_: usize) -> *mut u8 {
        std::ptr::null_mut()
    }

    pub(super) unsafe fn resize(_: *mut u8, _: usize, _: usize) -> *mut u8 {
        std::ptr::null_mut()
    }

    pub(super) unsafe fn give_back(_: *mut u8, _: usize) {}
}
