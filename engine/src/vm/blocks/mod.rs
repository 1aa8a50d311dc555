//! The block allocator of a VM.
//!
//! On Linux, blocks below 128 KiB come from an arena of the VM's own, and larger ones are mapped one by one. So free
//! pages can be returned to the system, and the slack in the others is known. `malloc` keeps freed memory in holes that later
//! blocks may not fit into: a heap of 256 MiB grew to 541. On other systems blocks are `malloc`'s nevertheless.

#[cfg(target_os = "linux")]
mod arena;
pub(super) mod large;
#[cfg(not(target_os = "linux"))]
mod malloc;
#[cfg(target_os = "linux")]
mod map;
#[cfg(target_os = "linux")]
mod paged;
#[cfg(target_os = "linux")]
mod region;

#[cfg(not(target_os = "linux"))]
pub(super) use self::malloc::Blocks;
#[cfg(target_os = "linux")]
pub(super) use self::paged::Blocks;
