//! `set_response{…}`: the HTTP response that the host is to send. Limits as in Syncano's codebox.

use std::ffi::{CStr, c_int};

use mlua::ffi::{self, lua_State};

use super::super::control::Control;
use super::super::{encode, fault, walk};
use super::{beginning, bytes};
use crate::model::response::{
    MAX_HEADER_NAME, MAX_HEADER_VALUE, MAX_HEADERS, MAX_HEADERS_SIZE, MAX_TYPE, Response, has_control,
    is_header_name, is_media_type,
};

const FIELDS: [&str; 4] = ["status", "content_type", "content", "headers"];

/// `set_response{status =, content_type =, content =, headers =}`: the last call wins.
pub(in super::super) unsafe extern "C-unwind" fn set_response(state: *mut lua_State) -> c_int {
    // SAFETY: called by Luau with its state, whose stack has room for what is pushed here.
    unsafe {
        let control = Control::from_state(&state);
        control.safepoint(state);
        ffi::luaL_checktype(state, 1, ffi::LUA_TTABLE);
        ffi::lua_settop(state, 1);
        let limit = control.run.get().as_ref().map_or(0, |run| run.job.limits.value);
        match read(state, control, limit) {
            Ok(response) => *control.response.borrow_mut() = Some(Box::new(response)),
            Err(FieldError::Text(text)) => fault::raise(state, format!("set_response: {text}")),
            Err(FieldError::Content(encode::EncodeError::Late)) => fault::raise_over(state),
            Err(FieldError::Content(encode::EncodeError::Memory)) => fault::raise_out_of_memory(state),
            Err(FieldError::Content(refused)) => {
                fault::raise(state, refused.describe("set_response: content"))
            }
        }
    }
    0
}

enum FieldError {
    Text(String),
    Content(encode::EncodeError),
}

impl From<String> for FieldError {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// Reads the table at 1.
unsafe fn read(state: *mut lua_State, control: &Control, limit: usize) -> Result<Response, FieldError> {
    // SAFETY: as in `set_response`; each value is popped again.
    unsafe {
        check_fields(state)?;

        let status = match ffi::lua_rawgetfield(state, 1, c"status".as_ptr()) {
            ffi::LUA_TNIL => 200.0,
            ffi::LUA_TNUMBER => ffi::lua_tonumber(state, -1),
            _ => return Err(format!("status must be a number, not {}", kind(state)).into()),
        };
        if status.fract() != 0.0 || !(100.0..=599.0).contains(&status) {
            return Err(format!("status must be a whole number from 100 to 599, not {status}").into());
        }
        ffi::lua_pop(state, 1);

        let (content, mut content_type) = match ffi::lua_rawgetfield(state, 1, c"content".as_ptr()) {
            ffi::LUA_TNIL => (Vec::new(), "text/plain; charset=utf-8".to_owned()),
            ffi::LUA_TSTRING | ffi::LUA_TNUMBER => {
                let content = bytes(&state, -1);
                if content.len() > limit {
                    return Err(format!("content is larger than {limit} bytes").into());
                }
                (content.to_vec(), "text/plain; charset=utf-8".to_owned())
            }
            ffi::LUA_TTABLE => {
                let mut sink = encode::JsonSink::bounded(limit);
                encode::write(state, ffi::lua_gettop(state), &mut sink).map_err(FieldError::Content)?;
                (sink.bytes().to_vec(), "application/json".to_owned())
            }
            _ => {
                return Err(
                    format!("content must be a string, a number or a table, not {}", kind(state)).into()
                );
            }
        };
        ffi::lua_settop(state, 1);

        match ffi::lua_rawgetfield(state, 1, c"content_type".as_ptr()) {
            ffi::LUA_TNIL => {}
            ffi::LUA_TSTRING => content_type = media_type(bytes(&state, -1))?,
            _ => return Err(format!("content_type must be a string, not {}", kind(state)).into()),
        }
        ffi::lua_pop(state, 1);

        let headers = match ffi::lua_rawgetfield(state, 1, c"headers".as_ptr()) {
            ffi::LUA_TNIL => Vec::new(),
            ffi::LUA_TTABLE => headers(state, control)?,
            _ => return Err(format!("headers must be a table, not {}", kind(state)).into()),
        };
        ffi::lua_settop(state, 1);
        Ok(Response { status: status as u16, content_type, content, headers })
    }
}

/// Fails for an unknown field: a misspelt one would otherwise be ignored.
unsafe fn check_fields(state: *mut lua_State) -> Result<(), String> {
    let mut at = 0;
    // SAFETY: as in `read`.
    unsafe {
        loop {
            at = ffi::lua_rawiter(state, 1, at);
            if at < 0 {
                return Ok(());
            }
            ffi::lua_pop(state, 1);
            let name = (ffi::lua_type(state, -1) == ffi::LUA_TSTRING).then(|| bytes(&state, -1));
            if !name.is_some_and(|name| FIELDS.iter().any(|field| field.as_bytes() == name)) {
                let what = match name {
                    Some(name) => format!("there is no field '{}'", shown(name)),
                    None => format!("a field has a name, not a {}", kind(state)),
                };
                return Err(format!("{what}: it takes {}", FIELDS.join(", ")));
            }
            ffi::lua_pop(state, 1);
        }
    }
}

fn media_type(text: &[u8]) -> Result<String, String> {
    if text.len() > MAX_TYPE {
        return Err(format!("content_type is longer than {MAX_TYPE} characters"));
    }
    if !is_media_type(text) {
        return Err(format!("content_type must be printable characters with a /, not '{}'", shown(text)));
    }
    Ok(String::from_utf8_lossy(text).into_owned())
}

/// Reads the table on the top of the stack.
unsafe fn headers(state: *mut lua_State, control: &Control) -> Result<Vec<(String, Vec<u8>)>, String> {
    let (mut headers, mut at) = (HeaderLines::default(), 0);
    // SAFETY: as in `read`; what a refusal leaves on the stack goes with the error that it becomes.
    unsafe {
        let table = ffi::lua_gettop(state);
        loop {
            at = ffi::lua_rawiter(state, table, at);
            if at < 0 {
                break;
            }
            control.safepoint(state);
            if ffi::lua_type(state, -2) != ffi::LUA_TSTRING {
                ffi::lua_pop(state, 1);
                return Err(format!("the name of a header must be a string, not {}", kind(state)));
            }
            let name = bytes(&state, -2);
            if !is_header_name(name) {
                let limits = format!("1 to {MAX_HEADER_NAME} letters, digits and marks such as -");
                return Err(format!("the name of a header is {limits}, not '{}'", shown(name)));
            }
            let name = String::from_utf8_lossy(name).into_owned();
            if ffi::lua_type(state, -1) == ffi::LUA_TTABLE {
                let lines = ffi::lua_gettop(state);
                let mut work = walk::WorkCounter::new(control);
                let length = match encode::array_length(state, lines, &mut work) {
                    Ok(None) if is_empty(state, lines) => Some(0),
                    Ok(length) => length,
                    Err(encode::EncodeError::Late) => fault::raise_over(state),
                    Err(_) => None,
                };
                let Some(length) = length else {
                    return Err(format!(
                        "header {name} must be a list from 1 on, without holes and other keys"
                    ));
                };
                for line in 1..=length {
                    ffi::lua_rawgeti_(state, lines, line);
                    headers.add(state, &name)?;
                    ffi::lua_pop(state, 1);
                }
            } else {
                headers.add(state, &name)?;
            }
            ffi::lua_pop(state, 2);
        }
    }
    // The lines of one name stay in the order of its list.
    headers.lines.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(headers.lines)
}

/// # Safety
/// There is a table at the index, and two stack slots are free.
unsafe fn is_empty(state: *mut lua_State, index: c_int) -> bool {
    // SAFETY: by this function's contract; what was found is popped again.
    unsafe {
        let found = ffi::lua_rawiter(state, index, 0) >= 0;
        if found {
            ffi::lua_pop(state, 2);
        }
        !found
    }
}

/// The header lines of a response, as they are read.
#[derive(Default)]
struct HeaderLines {
    lines: Vec<(String, Vec<u8>)>,
    /// Names and values of all, in bytes.
    size: usize,
}

impl HeaderLines {
    /// Adds a line whose value is on the top of the stack.
    unsafe fn add(&mut self, state: *mut lua_State, name: &str) -> Result<(), String> {
        // SAFETY: as in `read`.
        let value = unsafe {
            match ffi::lua_type(state, -1) {
                ffi::LUA_TSTRING | ffi::LUA_TNUMBER => bytes(&state, -1),
                _ => {
                    return Err(format!(
                        "header {name} must be a string or a number, or a list of these, not {}",
                        kind(state)
                    ));
                }
            }
        };
        if value.len() > MAX_HEADER_VALUE {
            return Err(format!("header {name} is longer than {MAX_HEADER_VALUE} bytes"));
        }
        if has_control(value) {
            return Err(format!("header {name} has a control character"));
        }
        self.size += name.len() + value.len();
        self.lines.push((name.to_owned(), value.to_vec()));
        if self.lines.len() > MAX_HEADERS {
            return Err(format!("there are more than {MAX_HEADERS} headers"));
        }
        if self.size > MAX_HEADERS_SIZE {
            return Err(format!("the headers have more than {MAX_HEADERS_SIZE} bytes in all"));
        }
        Ok(())
    }
}

/// The name of the type of the value on the top of the stack.
unsafe fn kind(state: *mut lua_State) -> String {
    // SAFETY: as in `read`; the name is static.
    unsafe { CStr::from_ptr(ffi::luaL_typename(state, -1)).to_string_lossy().into_owned() }
}

fn shown(text: &[u8]) -> String {
    String::from_utf8_lossy(beginning(text, 64)).escape_debug().to_string()
}
