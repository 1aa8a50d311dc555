//! What goes with a host's callback.

use std::ffi::c_void;

/// Frees what a callback was given as its user data. Called once, when the callback will not be called any more: on any thread, and
/// inside any call of this library, so it must not wait for a lock that is held around such calls. It must return as usual.
pub type perilune_destroy = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// A host's pointer that goes with its callback, and how the host wants it freed.
pub(crate) struct UserData {
    pub(crate) pointer: *mut c_void,
    destroy: perilune_destroy,
}

// SAFETY: the header demands of hosts that what they hand over can be used on any thread, and by several at once where
// that is said of the callback.
unsafe impl Send for UserData {}
// SAFETY: as above.
unsafe impl Sync for UserData {}

impl UserData {
    pub(crate) fn new(pointer: *mut c_void, destroy: perilune_destroy) -> Self {
        Self { pointer, destroy }
    }
}

impl Drop for UserData {
    fn drop(&mut self) {
        if let Some(destroy) = self.destroy {
            // SAFETY: the header says when it is called; this is the only place, and there is no second drop.
            unsafe { destroy(self.pointer) };
        }
    }
}

/// The user data of a run that was submitted, as host functions have it. It is the host's, whose functions may use it on any thread.
pub(crate) struct SubmittedWith(pub(crate) *mut c_void);

// SAFETY: the header demands of hosts that what they hand over can be used on any thread.
unsafe impl Send for SubmittedWith {}
// SAFETY: as above; nothing here looks at what is behind it.
unsafe impl Sync for SubmittedWith {}
