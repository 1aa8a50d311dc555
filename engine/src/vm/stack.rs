//! The native stack of a run, since a script can nest C calls deeply, whatever the host's thread has left.
//!
//! A run stays on its thread's stack if that has enough room, which is found by a comparison. It has not on a small thread, nor on
//! a fiber: that runs on a stack which the host made itself and the system does not know, so the stack pointer is outside of the
//! thread's own stack. There the run is on a stack of its VM, which is kept for later runs: to map and unmap one takes ten times as
//! long as a short run.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{self, NonNull};

use crate::model::error::Error;

/// Bytes of the guard pages below a stack, which turn an overflow into a fault: a multiple of any page size.
const GUARD: usize = 64 << 10;

thread_local! {
    /// The bounds of this thread's own stack. They are cached, since for the main thread the system reads them from a file.
    static OWN: Range<usize> = own().unwrap_or_default();
}

/// Whether this runs on the thread's own stack, with at least `bytes` left.
fn has_left(bytes: usize) -> bool {
    let here = psm::stack_pointer().addr();
    OWN.with(|own| own.contains(&here) && here - own.start >= bytes)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn own() -> Option<Range<usize>> {
    let mut attributes = std::mem::MaybeUninit::uninit();
    let (mut low, mut size) = (ptr::null_mut(), 0);
    // SAFETY: the attributes are initialised where this succeeds, and destroyed once then.
    unsafe {
        if libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) != 0 {
            return None;
        }
        let code = libc::pthread_attr_getstack(attributes.as_ptr(), &raw mut low, &raw mut size);
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
        (code == 0).then_some(low.addr()..low.addr() + size)
    }
}

#[cfg(target_os = "macos")]
fn own() -> Option<Range<usize>> {
    // SAFETY: it asks about the thread that it runs on.
    let (high, size) = unsafe {
        let thread = libc::pthread_self();
        (libc::pthread_get_stackaddr_np(thread).addr(), libc::pthread_get_stacksize_np(thread))
    };
    Some(high - size..high)
}

/// On other systems the bounds are not known, and each run is on its VM's stack.
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "macos")))]
fn own() -> Option<Range<usize>> {
    None
}

/// The system has no memory for a stack.
#[derive(Debug)]
pub(crate) struct NoMemory;

impl From<NoMemory> for Error {
    fn from(NoMemory: NoMemory) -> Self {
        Self::Internal("the system gives no memory for a stack".to_owned())
    }
}

/// A stack, made when it is first needed.
#[derive(Default)]
pub(crate) struct Stack(Option<Mapping>);

impl Stack {
    /// Calls where at least `bytes` are left: here, or on this stack, which is then twice as large. A panic is handed back.
    ///
    /// # Errors
    /// The system gives no memory.
    pub(crate) fn with_room<R>(
        &mut self,
        bytes: usize,
        call: impl FnOnce() -> R,
    ) -> Result<std::thread::Result<R>, NoMemory> {
        if has_left(bytes) {
            return Ok(catch_unwind(AssertUnwindSafe(call)));
        }
        let mapping = match &mut self.0 {
            Some(mapping) => mapping,
            none => none.insert(Mapping::new(2 * bytes)?),
        };
        Ok(mapping.call(call))
    }
}

/// A guard, and a stack above it.
struct Mapping {
    low: NonNull<u8>,
    size: usize,
}

// SAFETY: memory that is reached only through this value; what lies in it is of the call under way, which borrows it.
unsafe impl Send for Mapping {}

impl Mapping {
    fn new(size: usize) -> Result<Self, NoMemory> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a new mapping of no file, where the system likes it: it touches no other.
        let low = unsafe { libc::mmap(ptr::null_mut(), GUARD + size, libc::PROT_NONE, flags, -1, 0) };
        if low == libc::MAP_FAILED {
            return Err(NoMemory);
        }
        let mapping = Self { low: NonNull::new(low.cast()).ok_or(NoMemory)?, size };
        // SAFETY: the mapping is this one, and as long as both together.
        unsafe {
            if libc::mprotect(mapping.base().cast(), size, libc::PROT_READ | libc::PROT_WRITE) != 0 {
                return Err(NoMemory);
            }
            // A stack is touched at one end: a huge page would be memory for all of it.
            #[cfg(target_os = "linux")]
            libc::madvise(mapping.base().cast(), size, libc::MADV_NOHUGEPAGE);
        }
        Ok(mapping)
    }

    fn base(&self) -> *mut u8 {
        // SAFETY: the guard is a part of the mapping.
        unsafe { self.low.as_ptr().add(GUARD) }
    }

    /// A panic can't unwind from one stack to another, so it is handed back.
    fn call<R>(&mut self, call: impl FnOnce() -> R) -> std::thread::Result<R> {
        // SAFETY: base and size are multiples of a page, and nobody else is on this stack, which is borrowed for the call;
        // nothing unwinds out of it: a panic is caught, and no C++ exception leaves what is called here.
        unsafe { psm::on_stack(self.base(), self.size, || catch_unwind(AssertUnwindSafe(call))) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the mapping is this one's, and nobody is on it.
        unsafe { libc::munmap(self.low.as_ptr().cast(), GUARD + self.size) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_has_the_room_that_it_asked_for_whoever_calls() {
        let small = std::thread::Builder::new().stack_size(128 << 10).spawn(|| {
            assert!(has_left(16 << 10) && !has_left(256 << 10));
            // Stands for a fiber: a stack that is not the thread's, far from its end.
            stacker::grow(1 << 20, || assert!(!has_left(16 << 10)));
            let mut stack = Stack::default();
            let sum = || {
                let ours = std::hint::black_box([1u8; 512 << 10]);
                ours.iter().map(|&byte| usize::from(byte)).sum::<usize>()
            };
            for _ in 0..2 {
                let sum = stack.with_room(1 << 20, sum).expect("a stack").expect("no panic");
                assert_eq!(sum, 512 << 10);
            }
            let place = stack.0.as_ref().map(Mapping::base);
            let panic = stack
                .with_room(1 << 20, || panic!("of the call"))
                .expect("a stack")
                .expect_err("it panicked");
            assert_eq!(panic.downcast_ref(), Some(&"of the call"));
            assert_eq!(stack.0.as_ref().map(Mapping::base), place, "it is kept");
        });
        small.expect("a thread").join().expect("no panic");
    }
}
