//! What a host's function answers.

use perilune::{HostError, Value};

use crate::handle;
use crate::slice::perilune_slice;

pub(crate) type Answer = Result<Value, HostError>;

/// What a JSON text of the host's says.
///
/// # Safety
/// The slice's pointer is null, or has as many bytes as it says.
pub(crate) unsafe fn of_json(json: perilune_slice) -> Answer {
    // SAFETY: by this function's contract.
    match unsafe { handle::bytes(json, "the host's JSON") } {
        Ok(json) => Value::from_json(json.unwrap_or_default())
            .map_err(|error| HostError::new(format!("the host's JSON can't be read: {error}"))),
        Err(failure) => Err(HostError::new(failure.text())),
    }
}

/// The host's error with a message.
///
/// # Safety
/// As [`of_json`].
pub(crate) unsafe fn of_message(message: perilune_slice) -> HostError {
    // SAFETY: by this function's contract.
    match unsafe { handle::bytes(message, "the host's message") } {
        Ok(text) => HostError::new(String::from_utf8_lossy(text.unwrap_or_default())),
        Err(failure) => HostError::new(failure.text()),
    }
}
