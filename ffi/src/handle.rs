//! Every pointer that crosses the boundary is turned into something of Rust's here, and nowhere else.

use std::mem::MaybeUninit;
use std::slice;

use crate::failure::Failure;
use crate::live;
use crate::slice::perilune_slice;

/// A type that C knows by name only: nothing of it is ever made. A pointer to it is one to `Inner`: made by a box where C owns
/// it, or into another object where C borrows it.
pub(crate) trait Handle {
    type Inner;
}

/// Hands an object to C, which has to free it.
pub(crate) fn into_raw<T: Handle>(inner: T::Inner) -> *mut T {
    box_into_raw(Box::new(inner))
}

/// The same of one that is where it stays already.
pub(crate) fn box_into_raw<T: Handle>(inner: Box<T::Inner>) -> *mut T {
    live::add(1);
    Box::into_raw(inner).cast()
}

/// Hands an object to C by way of an output, if there is one.
///
/// # Safety
/// `out` is null, or can be written to.
pub(crate) unsafe fn give<T: Handle>(out: *mut *mut T, inner: T::Inner) {
    if !out.is_null() {
        // SAFETY: by this function's contract.
        unsafe { out.write(into_raw(inner)) };
    }
}

/// Frees an object where it is: to take it first would move all of it.
///
/// # Safety
/// As [`take`].
pub(crate) unsafe fn free<T: Handle>(handle: *mut T) {
    if !handle.is_null() {
        live::add(-1);
        // SAFETY: by this function's contract.
        drop(unsafe { Box::from_raw(handle.cast::<T::Inner>()) });
    }
}

/// Takes an object back from C.
///
/// # Safety
/// `handle` is null, or came from [`into_raw`] and is not used again.
pub(crate) unsafe fn take<T: Handle>(handle: *mut T) -> Option<T::Inner> {
    if handle.is_null() {
        return None;
    }
    live::add(-1);
    // SAFETY: by this function's contract.
    Some(*unsafe { Box::from_raw(handle.cast::<T::Inner>()) })
}

/// Lends a part of an object to C, for as long as that object lives and stays as it is.
pub(crate) fn lend<T: Handle>(inner: &T::Inner) -> *const T {
    (&raw const *inner).cast()
}

/// Lends an object to C for one call, which may change it.
pub(crate) fn lend_mut<T: Handle>(inner: &mut T::Inner) -> *mut T {
    (&raw mut *inner).cast()
}

/// # Safety
/// `handle` is null, or an object that C owns or borrows and that nobody changes meanwhile.
pub(crate) unsafe fn get<'a, T: Handle>(handle: *const T, what: &str) -> Result<&'a T::Inner, Failure> {
    // SAFETY: by this function's contract.
    unsafe { handle.cast::<T::Inner>().as_ref() }.ok_or_else(|| Failure::null(what))
}

/// # Safety
/// `handle` is null, or an object that C owns and that nobody else uses meanwhile.
pub(crate) unsafe fn get_mut<'a, T: Handle>(handle: *mut T, what: &str) -> Result<&'a mut T::Inner, Failure> {
    // SAFETY: by this function's contract.
    unsafe { handle.cast::<T::Inner>().as_mut() }.ok_or_else(|| Failure::null(what))
}

/// The bytes of a slice; a null pointer is none, and its length must be 0 then.
///
/// # Safety
/// The slice's pointer is null, or has as many bytes as it says, which nobody changes during the call.
#[inline(always)]
pub(crate) unsafe fn bytes<'a>(slice: perilune_slice, what: &str) -> Result<Option<&'a [u8]>, Failure> {
    let perilune_slice { data, len } = slice;
    if data.is_null() {
        return if len == 0 { Ok(None) } else { Err(Failure::null(what)) };
    }
    if len > isize::MAX as usize {
        return Err(Failure::argument(format!("{what}: no object has {len} bytes")));
    }
    // SAFETY: by this function's contract.
    Ok(Some(unsafe { slice::from_raw_parts(data.cast(), len) }))
}

/// The text of a slice, which must be there.
///
/// # Safety
/// As [`bytes`].
pub(crate) unsafe fn text<'a>(slice: perilune_slice, what: &str) -> Result<&'a str, Failure> {
    // SAFETY: by this function's contract.
    let bytes = unsafe { bytes(slice, what) }?.ok_or_else(|| Failure::null(what))?;
    std::str::from_utf8(bytes).map_err(|error| {
        Failure::argument(format!("{what} is not UTF-8 from byte {} on", error.valid_up_to()))
    })
}

/// Elements at `data`; with `len` 0, a null pointer is allowed.
///
/// # Safety
/// `data` is null, or has `len` elements that nobody changes during the call.
pub(crate) unsafe fn array<'a, T>(data: *const T, len: usize, what: &str) -> Result<&'a [T], Failure> {
    match (data.is_null(), len) {
        (_, 0) => Ok(&[]),
        (true, _) => Err(Failure::null(what)),
        (false, len) if len > isize::MAX as usize / size_of::<T>().max(1) => {
            Err(Failure::argument(format!("{what}: no array has {len} elements")))
        }
        // SAFETY: by this function's contract.
        (false, len) => Ok(unsafe { slice::from_raw_parts(data, len) }),
    }
}

/// Writes to an output, if there is one.
///
/// # Safety
/// `out` is null, or can be written to.
pub(crate) unsafe fn set<T>(out: *mut T, value: T) {
    if !out.is_null() {
        // SAFETY: by this function's contract.
        unsafe { out.write(value) };
    }
}

/// An output that must be there.
pub(crate) fn required<T>(out: *mut T, what: &str) -> Result<*mut T, Failure> {
    if out.is_null() { Err(Failure::null(what)) } else { Ok(out) }
}

/// Writes a struct that starts with its size in bytes, as its caller knows it: what a shorter one has no room for is left
/// out, what a longer one has beyond ours becomes zero.
///
/// # Safety
/// `out` is null, or starts with its size and can be written to that far. `T` is `repr(C)` and has no padding; its first
/// field is the size.
#[inline]
pub(crate) unsafe fn set_sized<T>(out: *mut T, value: T, least: usize, what: &str) -> Result<(), Failure> {
    let out = required(out, what)?;
    let ours = size_of::<T>();
    // SAFETY: by this function's contract.
    unsafe {
        let size = out.cast::<usize>().read();
        check_size(size, least, what)?;
        if size >= ours {
            // In place: each run of a host comes by here.
            out.write(value);
            if size > ours {
                out.cast::<u8>().add(ours).write_bytes(0, size - ours);
            }
        } else {
            out.cast::<u8>().copy_from((&raw const value).cast::<u8>(), size);
        }
        out.cast::<usize>().write(size);
    }
    Ok(())
}

/// Reads a struct that starts with its size, as [`set_sized`] writes it: what a shorter one does not have is zero.
///
/// # Safety
/// `from` is null, or starts with its size and can be read that far. `T` may be all zero.
pub(crate) unsafe fn get_sized<T: Copy>(from: *const T, least: usize, what: &str) -> Result<T, Failure> {
    let size = from.cast::<usize>();
    // SAFETY: by this function's contract.
    let size = *unsafe { size.as_ref() }.ok_or_else(|| Failure::null(what))?;
    check_size(size, least, what)?;
    let mut read = MaybeUninit::<T>::zeroed();
    // SAFETY: as above; no more is read than there is of either.
    unsafe {
        read.as_mut_ptr().cast::<u8>().copy_from(from.cast(), size.min(size_of::<T>()));
        Ok(read.assume_init())
    }
}

/// A struct's size, as its user set it, must be one that there was.
fn check_size(size: usize, least: usize, what: &str) -> Result<(), Failure> {
    // A megabyte is a size that was never set.
    if (least..=1 << 20).contains(&size) {
        return Ok(());
    }
    Err(Failure::argument(format!("{what}: its size says {size} bytes: set it to sizeof before the call")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A view as a later version has it.
    #[repr(C)]
    struct Later {
        size: usize,
        first: u64,
        second: u64,
    }

    /// As a program was compiled with it.
    #[repr(C)]
    #[derive(Debug, PartialEq)]
    struct Known<const BEYOND: usize> {
        size: usize,
        first: u64,
        beyond: [u64; BEYOND],
    }

    fn fill<const BEYOND: usize>(size: usize) -> Result<Known<BEYOND>, Failure> {
        let mut known = Known { size, first: 7, beyond: [7; BEYOND] };
        let least = size_of::<Known<0>>();
        let later = Later { size: size_of::<Later>(), first: 1, second: 2 };
        // SAFETY: it starts with its size, and has no padding.
        unsafe { set_sized((&raw mut known).cast(), later, least, "view") }.map(|()| known)
    }

    #[test]
    fn a_struct_is_filled_as_far_as_it_was_known() {
        let size = |words: usize| 8 * words;
        // Compiled with an older header: what follows in memory is not touched.
        let older = fill::<1>(size(2)).map_err(|failure| failure.text());
        assert_eq!(older, Ok(Known { size: size(2), first: 1, beyond: [7] }));
        let same = fill::<1>(size(3)).map_err(|failure| failure.text());
        assert_eq!(same, Ok(Known { size: size(3), first: 1, beyond: [2] }));
        let newer = fill::<2>(size(4)).map_err(|failure| failure.text());
        assert_eq!(newer, Ok(Known { size: size(4), first: 1, beyond: [2, 0] }));
        for wrong in [0, 8, 15, (1 << 20) + 1, usize::MAX] {
            assert!(fill::<1>(wrong).is_err(), "{wrong}");
        }
    }
}
