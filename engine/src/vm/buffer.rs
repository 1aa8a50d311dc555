//! Bytes that a script makes us hold outside the VM's heap, counted as if they were in it.

use mlua::ffi::lua_State;

use super::control::Control;

/// The memory limit has no room for more.
pub(super) struct OutOfMemory;

/// Bytes held by somebody else, counted towards the memory limit while this lives.
pub(super) struct Charge<'a> {
    control: &'a Control,
    bytes: usize,
}

impl<'a> Charge<'a> {
    /// Collects if they would not fit.
    ///
    /// # Safety
    /// `state` is at a call in the VM of `control`.
    pub(super) unsafe fn new(
        control: &'a Control,
        state: *mut lua_State,
        bytes: usize,
    ) -> Result<Self, OutOfMemory> {
        // SAFETY: by this function's contract.
        unsafe { control.make_room(state, bytes) };
        if control.heap.charge(bytes) { Ok(Self { control, bytes }) } else { Err(OutOfMemory) }
    }
}

impl Drop for Charge<'_> {
    fn drop(&mut self) {
        self.control.heap.release(self.bytes);
    }
}

/// A growing run of bytes. What it holds counts towards the memory limit while it lives.
pub(super) struct Buffer<'a> {
    control: &'a Control,
    state: *mut lua_State,
    bytes: Vec<u8>,
    charged: usize,
}

impl<'a> Buffer<'a> {
    /// # Safety
    /// `state` is at a call in the VM of `control`, and stays there while the buffer lives: growing may collect.
    pub(super) unsafe fn new(control: &'a Control, state: *mut lua_State) -> Self {
        Self { control, state, bytes: Vec::new(), charged: 0 }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn put(&mut self, piece: &[u8]) -> Result<(), OutOfMemory> {
        let length = self.bytes.len() + piece.len();
        if length > self.bytes.capacity() {
            let capacity = length.max(2 * self.bytes.capacity()).max(64);
            let more = capacity - self.charged;
            // SAFETY: at a call, as `new` asks.
            unsafe { self.control.make_room(self.state, more) };
            if !self.control.heap.charge(more) {
                return Err(OutOfMemory);
            }
            self.charged = capacity;
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
        self.bytes.extend_from_slice(piece);
        Ok(())
    }
}

impl Drop for Buffer<'_> {
    fn drop(&mut self) {
        self.control.heap.release(self.charged);
    }
}
