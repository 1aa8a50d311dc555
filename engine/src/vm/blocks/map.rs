//! Memory from the system, in whole pages.

use std::ptr::{self, NonNull};

/// Bytes of a page.
pub(super) fn page() -> usize {
    // SAFETY: it only asks.
    let bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(bytes).ok().filter(|bytes| bytes.is_power_of_two()).unwrap_or(4096)
}

fn some(mapping: *mut libc::c_void) -> Option<NonNull<u8>> {
    if mapping == libc::MAP_FAILED { None } else { NonNull::new(mapping.cast()) }
}

fn map(size: usize, flags: libc::c_int) -> Option<NonNull<u8>> {
    let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: a new mapping of no file, where the system likes it: it touches no other.
    some(unsafe { libc::mmap(ptr::null_mut(), size, access, kind | flags, -1, 0) })
}

/// Zeroed memory. `None` when there is none.
pub(super) fn allocate(size: usize) -> Option<NonNull<u8>> {
    map(size, 0)
}

/// Address space. A page of it is resident from when it is touched until [`purge`].
pub(super) fn reserve(size: usize) -> Option<NonNull<u8>> {
    let space = map(size, libc::MAP_NORESERVE)?;
    // SAFETY: the mapping is ours. Were it refused, the system has no huge pages.
    unsafe { libc::madvise(space.as_ptr().cast(), size, libc::MADV_NOHUGEPAGE) };
    Some(space)
}

/// # Safety
/// The block is a mapping of ours of `old` bytes, and not used after this unless it is returned.
pub(super) unsafe fn resize(block: *mut u8, old: usize, new: usize) -> Option<NonNull<u8>> {
    // SAFETY: by this function's contract.
    some(unsafe { libc::mremap(block.cast(), old, new, libc::MREMAP_MAYMOVE) })
}

/// Returns the memory of pages to the system; their contents are lost. `false` if the system refuses, as for a process that has
/// locked all of its memory.
///
/// # Safety
/// The pages are ours, and nothing in them is used.
pub(super) unsafe fn purge(pages: *mut u8, size: usize) -> bool {
    // SAFETY: by this function's contract.
    unsafe { libc::madvise(pages.cast(), size, libc::MADV_DONTNEED) == 0 }
}

/// # Safety
/// The block is a mapping of ours of `size` bytes, and not used after this.
pub(super) unsafe fn free(block: *mut u8, size: usize) {
    // SAFETY: by this function's contract.
    unsafe { libc::munmap(block.cast(), size) };
}
