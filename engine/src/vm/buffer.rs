//! Scratch memory of the library's functions. It comes from the VM's blocks, and is charged to the run as objects are.

use std::ptr;

use mlua::ffi::lua_State;

use super::control::Control;

/// The run's memory limit has no room for more.
pub(super) struct OutOfMemory;

/// A block of scratch memory, freed on drop.
pub(super) struct Scratch<'a> {
    control: &'a Control,
    start: *mut u8,
    size: usize,
}

impl<'a> Scratch<'a> {
    /// Without memory.
    pub(super) fn empty(control: &'a Control) -> Self {
        Self { control, start: ptr::null_mut(), size: 0 }
    }

    /// `size` zeroed bytes. Makes a collection first if they would not fit.
    ///
    /// # Safety
    /// `state` is at a call in the VM of `control`.
    pub(super) unsafe fn zeroed(
        control: &'a Control,
        state: *mut lua_State,
        size: usize,
    ) -> Result<Self, OutOfMemory> {
        let mut scratch = Self::empty(control);
        // SAFETY: by this function's contract; all of the scratch is written.
        unsafe {
            scratch.resize(state, size)?;
            scratch.start.write_bytes(0, scratch.size);
        }
        Ok(scratch)
    }

    /// Makes it larger; the added bytes are not initialised. Makes a collection first if they would not fit.
    ///
    /// # Safety
    /// As [`zeroed`](Self::zeroed).
    unsafe fn resize(&mut self, state: *mut lua_State, size: usize) -> Result<(), OutOfMemory> {
        // SAFETY: by this function's contract; the scratch is one of that size from this heap, and nobody else's.
        let start = unsafe {
            self.control.make_room(state, size - self.size);
            self.control.heap.resize_scratch(self.start, self.size, size)
        };
        if start.is_null() {
            return Err(OutOfMemory);
        }
        (self.start, self.size) = (start, size);
        Ok(())
    }

    /// The memory as numbers.
    pub(super) fn as_words(&mut self) -> &mut [u64] {
        if self.start.is_null() {
            return &mut [];
        }
        // SAFETY: made by `zeroed`, so all of it is written; blocks are aligned for any number.
        unsafe { std::slice::from_raw_parts_mut(self.start.cast(), self.size / size_of::<u64>()) }
    }
}

impl Drop for Scratch<'_> {
    fn drop(&mut self) {
        // SAFETY: the scratch is one of that size from this heap, and not used after this.
        unsafe { self.control.heap.resize_scratch(self.start, self.size, 0) };
    }
}

/// A growing sequence of bytes in scratch memory.
pub(super) struct Buffer<'a> {
    scratch: Scratch<'a>,
    state: *mut lua_State,
    length: usize,
}

impl<'a> Buffer<'a> {
    /// # Safety
    /// `state` is at a call in the VM of `control`, and stays there while the buffer lives: growing may collect.
    pub(super) unsafe fn new(control: &'a Control, state: *mut lua_State) -> Self {
        Self { scratch: Scratch::empty(control), state, length: 0 }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        if self.length == 0 {
            return &[];
        }
        // SAFETY: so many bytes of the scratch were written.
        unsafe { std::slice::from_raw_parts(self.scratch.start, self.length) }
    }

    pub(super) fn clear(&mut self) {
        self.length = 0;
    }

    pub(super) fn put(&mut self, piece: &[u8]) -> Result<(), OutOfMemory> {
        let length = self.length + piece.len();
        if length > self.scratch.size {
            let size = length.max(2 * self.scratch.size).max(64);
            // SAFETY: at a call, as `new` asks.
            unsafe { self.scratch.resize(self.state, size)? };
        }
        // SAFETY: there is room behind what is written, and `piece` is none of this buffer's, which is borrowed.
        unsafe { ptr::copy_nonoverlapping(piece.as_ptr(), self.scratch.start.add(self.length), piece.len()) };
        self.length = length;
        Ok(())
    }
}
