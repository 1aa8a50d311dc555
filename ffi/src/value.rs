//! Values that cross between a host and its scripts.

use std::ptr;

use perilune::Value;

use crate::error::perilune_error;
use crate::failure::Failure;
use crate::guard;
use crate::handle::{self, Handle};
use crate::slice::perilune_slice;
use crate::status::*;
use crate::text::Text;

/// A value of a host function: as JSON, but strings are any bytes. One that is owned is freed by the caller, or given away
/// to a call that says so; one that is lent lives as long as what it is a part of.
pub struct perilune_value {
    _private: [u8; 0],
}

impl Handle for perilune_value {
    type Inner = Value;
}

/// How deep arrays and objects may nest: values, JSON and what scripts return.
pub const PERILUNE_MAX_DEPTH: usize = 128;

/// The largest integer that scripts have as a number, 2^53; one that is further from zero is a string of its digits.
pub const PERILUNE_MAX_EXACT: i64 = 9007199254740992;

// cbindgen writes what stands here.
const _: () =
    assert!(PERILUNE_MAX_DEPTH == Value::MAX_DEPTH && PERILUNE_MAX_EXACT.unsigned_abs() == Value::MAX_EXACT);

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(elements) => 1 + elements.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.iter().map(|(_, member)| depth(member)).max().unwrap_or(0),
        _ => 0,
    }
}

/// Makes null, which the caller frees. NULL only after a bug.
#[unsafe(no_mangle)]
pub extern "C" fn perilune_value_new_null() -> *mut perilune_value {
    guard::infallible(ptr::null_mut(), || handle::into_raw(Value::Null))
}

/// Makes a boolean, which the caller frees. NULL only after a bug.
#[unsafe(no_mangle)]
pub extern "C" fn perilune_value_new_boolean(boolean: bool) -> *mut perilune_value {
    guard::infallible(ptr::null_mut(), || handle::into_raw(Value::Bool(boolean)))
}

/// Makes a number, which the caller frees. NULL only after a bug.
#[unsafe(no_mangle)]
pub extern "C" fn perilune_value_new_number(number: f64) -> *mut perilune_value {
    guard::infallible(ptr::null_mut(), || handle::into_raw(Value::Number(number)))
}

/// Makes of an integer what scripts know it as, which the caller frees: a number up to +-PERILUNE_MAX_EXACT, where a double has it exactly, and
/// a string of its digits beyond. NULL only after a bug.
#[unsafe(no_mangle)]
pub extern "C" fn perilune_value_new_int64(integer: i64) -> *mut perilune_value {
    guard::infallible(ptr::null_mut(), || handle::into_raw(Value::from(integer)))
}

/// As perilune_value_new_int64.
#[unsafe(no_mangle)]
pub extern "C" fn perilune_value_new_uint64(integer: u64) -> *mut perilune_value {
    guard::infallible(ptr::null_mut(), || handle::into_raw(Value::from(integer)))
}

/// Makes a string, which the caller frees. NULL for a slice that is NULL but has a length.
///
/// @param string  any bytes, copied
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_value_new_string(string: perilune_slice) -> *mut perilune_value {
    guard::infallible(ptr::null_mut(), || {
        // SAFETY: as the header says.
        match unsafe { handle::bytes(string, "string") } {
            Ok(bytes) => handle::into_raw(Value::from(bytes.unwrap_or_default())),
            Err(_) => ptr::null_mut(),
        }
    })
}

/// Makes an empty array, which the caller frees. NULL only after a bug.
#[unsafe(no_mangle)]
pub extern "C" fn perilune_value_new_array() -> *mut perilune_value {
    guard::infallible(ptr::null_mut(), || handle::into_raw(Value::Array(Vec::new())))
}

/// Makes an empty object, which the caller frees. NULL only after a bug.
#[unsafe(no_mangle)]
pub extern "C" fn perilune_value_new_object() -> *mut perilune_value {
    guard::infallible(ptr::null_mut(), || handle::into_raw(Value::Object(Vec::new())))
}

/// Frees a value that is owned. NULL is nothing to free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_value_free(value: *mut perilune_value) {
    // SAFETY: it was made here, and the caller does not use it again.
    guard::infallible((), || unsafe { handle::free(value) });
}

/// Takes what is put into `container`, and refuses what would nest too deep in it.
///
/// # Safety
/// The pointers are null, or what the header says.
unsafe fn take_element(
    container: *const perilune_value,
    element: *mut perilune_value,
) -> Result<Value, Failure> {
    if ptr::eq(container, element) && !element.is_null() {
        // Freeing it here would free what the caller still has.
        return Err(Failure::argument("element: a value can't be put into itself"));
    }
    // SAFETY: by this function's contract.
    let element = unsafe { handle::take(element) }.ok_or_else(|| Failure::null("element"))?;
    if depth(&element) >= PERILUNE_MAX_DEPTH {
        return Err(Failure::argument(format!(
            "element: values nest {PERILUNE_MAX_DEPTH} levels deep at most"
        )));
    }
    Ok(element)
}

/// Adds an element to the end of an array.
///
/// @param array    one that is owned
/// @param element  one that is owned: given away, also when this fails (but for an array put into itself)
/// @param error    where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_value_push(
    array: *mut perilune_value,
    element: *mut perilune_value,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    let body = || unsafe {
        let element = take_element(array, element)?;
        match handle::get_mut(array, "array")? {
            Value::Array(elements) => elements.push(element),
            _ => return Err(Failure::argument("array: the value is no array")),
        }
        Ok(())
    };
    // SAFETY: `error` is null or can be written to.
    unsafe { guard::fallible(error, body) }
}

/// Adds a member to an object; of a repeated key the last counts.
///
/// @param object  one that is owned
/// @param key     any bytes, copied
/// @param member  one that is owned: given away, also when this fails (but for an object put into itself)
/// @param error   where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_value_set(
    object: *mut perilune_value,
    key: perilune_slice,
    member: *mut perilune_value,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    let body = || unsafe {
        let member = take_element(object, member)?;
        let key = handle::bytes(key, "key")?.ok_or_else(|| Failure::null("key"))?;
        match handle::get_mut(object, "object")? {
            Value::Object(members) => members.push((key.to_vec(), member)),
            _ => return Err(Failure::argument("object: the value is no object")),
        }
        Ok(())
    };
    // SAFETY: `error` is null or can be written to.
    unsafe { guard::fallible(error, body) }
}

/// What a value is. NULL is PERILUNE_TYPE_NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_value_type(value: *const perilune_value) -> perilune_type {
    guard::infallible(PERILUNE_TYPE_NULL, || {
        // SAFETY: null, or a value that the caller owns or was lent.
        match unsafe { handle::get(value, "value") } {
            Err(_) | Ok(Value::Null) => PERILUNE_TYPE_NULL,
            Ok(Value::Bool(_)) => PERILUNE_TYPE_BOOLEAN,
            Ok(Value::Number(_)) => PERILUNE_TYPE_NUMBER,
            Ok(Value::String(_)) => PERILUNE_TYPE_STRING,
            Ok(Value::Array(_)) => PERILUNE_TYPE_ARRAY,
            Ok(Value::Object(_)) => PERILUNE_TYPE_OBJECT,
        }
    })
}

/// Whether it is true; anything that is no boolean is not, and so is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_value_boolean(value: *const perilune_value) -> bool {
    // SAFETY: as above.
    guard::infallible(false, || matches!(unsafe { handle::get(value, "value") }, Ok(Value::Bool(true))))
}

/// The number; 0 for anything else, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_value_number(value: *const perilune_value) -> f64 {
    guard::infallible(0.0, || {
        // SAFETY: as above.
        unsafe { handle::get(value, "value") }.ok().and_then(Value::as_f64).unwrap_or(0.0)
    })
}

/// The bytes of a string, not ended by a NUL byte; "" for anything else, and for NULL. Lent as long as the value lives and is
/// not changed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_value_string(value: *const perilune_value) -> perilune_slice {
    guard::infallible(Text::EMPTY, || {
        // SAFETY: as above.
        let bytes = unsafe { handle::get(value, "value") }.ok().and_then(Value::as_bytes);
        perilune_slice::of(bytes.unwrap_or_default())
    })
}

/// How many elements or members there are; 0 for anything that is no array or object, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_value_len(value: *const perilune_value) -> usize {
    // SAFETY: as above.
    guard::infallible(0, || match unsafe { handle::get(value, "value") } {
        Ok(Value::Array(elements)) => elements.len(),
        Ok(Value::Object(members)) => members.len(),
        _ => 0,
    })
}

/// An element of an array, or the value of a member of an object, in no order. NULL where there is none, and for NULL. Lent as
/// long as the value lives and is not changed.
///
/// @param index  from 0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_value_at(
    value: *const perilune_value,
    index: usize,
) -> *const perilune_value {
    // SAFETY: as above.
    guard::infallible(ptr::null(), || match unsafe { handle::get(value, "value") } {
        Ok(Value::Array(elements)) => elements.get(index).map_or(ptr::null(), handle::lend),
        Ok(Value::Object(members)) => {
            members.get(index).map_or(ptr::null(), |(_, member)| handle::lend(member))
        }
        _ => ptr::null(),
    })
}

/// The key of a member of an object, of which perilune_value_at is the value; any bytes, not ended by a NUL byte. NULL where there
/// is none, and for NULL. Lent as long as the value lives and is not changed.
///
/// @param index  from 0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_value_key(value: *const perilune_value, index: usize) -> perilune_slice {
    // SAFETY: as above.
    guard::infallible(perilune_slice::NONE, || match unsafe { handle::get(value, "value") } {
        Ok(Value::Object(members)) => perilune_slice::maybe(members.get(index).map(|(key, _)| &**key)),
        _ => perilune_slice::NONE,
    })
}

/// The member of an object that has a key. NULL where there is none, and for NULL. Lent as long as the value lives and is not
/// changed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_value_get(
    value: *const perilune_value,
    key: perilune_slice,
) -> *const perilune_value {
    guard::infallible(ptr::null(), || {
        // SAFETY: as above, and the key is as the header says.
        unsafe {
            match (handle::get(value, "value"), handle::bytes(key, "key")) {
                (Ok(value), Ok(Some(key))) => value.get(key).map_or(ptr::null(), handle::lend),
                _ => ptr::null(),
            }
        }
    })
}
