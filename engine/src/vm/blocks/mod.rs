//! Where a VM's memory comes from.
//!
//! On Linux, blocks below 128 KiB come from an arena of the VM's own, and larger ones are mapped one by one: what is free
//! can be given back a page at a time, and how much that is is known. `malloc` keeps what is freed for later, in places
//! that later blocks do not fit into: a heap of 256 MiB grew to 541. Elsewhere it is `malloc`'s all the same.

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
