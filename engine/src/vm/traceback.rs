//! Describes an error that a script did not catch, and formats tracebacks; the VM may have no memory left for that.

use std::borrow::Cow;
use std::ffi::{CStr, c_char, c_int};
use std::fmt::Write as _;
use std::mem::MaybeUninit;

use mlua::ffi::{self, lua_State};

use super::access::{check_bytes, push_bytes};
use super::control::Control;
use super::fault::{MESSAGE, text};
use super::uncaught::{Fault, RaisedHostError};
use super::{encode, job};
use crate::syntax::hints::{Raised, named};

/// The longest description of why a `__tostring` failed, in bytes.
const REASON: usize = 512;

/// The longest name of a function shown, in bytes: a script's own may have a megabyte.
const NAME: usize = 100;

/// Calls shown at each end of a long chain.
const SHOWN: c_int = 12;

/// The host function's error that an error with this text is. When a script raised it again, Luau put positions before it.
fn find_host_error(control: &Control, text: &str) -> Option<RaisedHostError> {
    let is_it = |raised: &&RaisedHostError| text.strip_suffix(raised.text.as_str()).is_some_and(is_places);
    control.host_errors.borrow().iter().rev().find(is_it).cloned()
}

/// Whether a text is nothing but positions, such as `hello:3: hello:7: `.
fn is_places(mut text: &str) -> bool {
    while !text.is_empty() {
        let place = text.split_once(": ").and_then(|(place, rest)| Some((place.rsplit_once(':')?.1, rest)));
        match place {
            Some((line, rest)) if line.parse::<u32>().is_ok() => text = rest,
            _ => return false,
        }
    }
    true
}

/// The message handler of a run's protected call: records the fault while the call stack of the error still exists.
pub(super) unsafe extern "C-unwind" fn handle_error(state: *mut lua_State) -> c_int {
    // SAFETY: Luau calls this with the error value as the only argument.
    unsafe {
        let control = Control::from_state(&state);
        let message = message(state);
        let mut fault = Fault { message, ..Fault::default() };
        let innermost = trace(state, &mut fault);
        if ffi::lua_type(state, 1) == ffi::LUA_TSTRING {
            fault.host = find_host_error(control, &fault.message);
        }
        if fault.host.is_none()
            && let Some(hint) = innermost.and_then(|level| hint(state, level, &fault.message))
        {
            // The hint repeats the name.
            if let Some((at, _)) = named(&fault.message) {
                fault.message.truncate(at);
            }
            let _ = write!(fault.message, " ({hint})");
        }
        *control.error.borrow_mut() = Some(fault);
        ffi::lua_settop(state, 1);
    }
    1
}

/// The text of the error value at index 1. Its `__tostring` is code of the script and may fail in any way; the traceback must
/// be recorded all the same.
///
/// # Safety
/// The error value is at index 1, with four free stack slots.
unsafe fn message(state: *mut lua_State) -> String {
    // SAFETY: by this function's contract; the strings are on the stack while they are copied. The name of the
    // metamethod is one that Luau keeps, so nothing here is allocated outside of the protected call.
    unsafe {
        if ffi::lua_isstring(state, 1) != 0
            || ffi::luaL_getmetafield(state, 1, c"__tostring".as_ptr()) == ffi::LUA_TNIL
        {
            return plain(state, 1, MESSAGE);
        }
        ffi::lua_pushvalue(state, 1);
        let status = ffi::lua_pcall(state, 1, 1, 0);
        let fails = match (status, ffi::lua_type(state, -1)) {
            (ffi::LUA_OK, ffi::LUA_TSTRING) => return text(state, -1, MESSAGE),
            (ffi::LUA_OK, other) => format!("returned no string: its type is {}", type_name(state, other)),
            _ => format!("failed: {}", plain(state, -1, REASON)),
        };
        format!("{} (its __tostring {fails})", plain(state, 1, MESSAGE))
    }
}

/// The text of the value at `index`, without calling code of the script.
///
/// # Safety
/// There is a value at `index`.
unsafe fn plain(state: *mut lua_State, index: c_int, limit: usize) -> String {
    // SAFETY: by this function's contract.
    unsafe {
        match ffi::lua_type(state, index) {
            ffi::LUA_TSTRING | ffi::LUA_TNUMBER => text(state, index, limit),
            ffi::LUA_TTABLE => match encode::describe(state, ffi::lua_absindex(state, index)) {
                Some(json) => format!("error value is a table: {json}"),
                None => "error value is a table".to_owned(),
            },
            other => format!("error value is a {}", type_name(state, other)),
        }
    }
}

fn type_name(state: *mut lua_State, number: c_int) -> Cow<'static, str> {
    // SAFETY: any number has a name, which is static.
    unsafe { CStr::from_ptr(ffi::lua_typename(state, number)) }.to_string_lossy()
}

/// Fills in the chain of calls, and the place of the innermost one in a script, whose level is returned.
///
/// # Safety
/// `state` is the thread that failed, at the call of the handler.
unsafe fn trace(state: *mut lua_State, fault: &mut Fault) -> Option<c_int> {
    // SAFETY: by this function's contract.
    unsafe {
        // Level 0 is the handler.
        let (first, last) = (1, outermost(state));
        fault.traceback = calls(state, first, last);
        let (level, call) = (first..=last)
            .filter_map(|level| Some((level, StackFrame::at(state, level)?)))
            .find(|(_, call)| call.line.is_some())?;
        // The message names the line better where it was raised elsewhere: in a coroutine, or with a level.
        fault.line = line_in(&fault.message, &call.script).or(call.line);
        fault.script = Some(call.script);
        Some(level)
    }
}

/// A hint at what the author may have meant. Globals are those that the function at `level` sees.
///
/// # Safety
/// As [`trace`], and the call at `level` is one of a script.
unsafe fn hint(state: *mut lua_State, level: c_int, message: &str) -> Option<String> {
    let raised = Raised::parse(message)?;
    // SAFETY: by this function's contract; the run outlives its calls. The names are constants of code that is loaded:
    // pushing them takes no memory.
    unsafe {
        let control = Control::from_state(&state);
        let run = control.run.get().as_ref()?;
        let script = &run.job.compiled;
        let environment = control.host.environment();
        let hints = match environment.modules.get(raised.script) {
            Some(module) if *script.name != *raised.script => &module.hints,
            _ if *script.name == *raised.script => &script.hints,
            _ => return None,
        };
        let top = ffi::lua_gettop(state);
        let mut info = MaybeUninit::<ffi::lua_Debug>::zeroed();
        if ffi::lua_getinfo(state, level, c"f".as_ptr(), info.as_mut_ptr()) == 0 {
            return None;
        }
        ffi::lua_getfenv(state, -1);
        let globals = top + 2;
        let is_hosts =
            push_field(state, globals, "host") && ffi::lua_topointer(state, -1) == control.host.table();
        ffi::lua_settop(state, globals);
        let functions = if is_hosts { control.host.functions(run) } else { Vec::new() };
        let functions: Vec<&str> = functions.iter().map(|name| &**name).collect();
        let functions = is_hosts.then_some(&*functions);
        let hint = hints.explain(&raised, functions, |name, member| {
            let is_absent = !push_field(state, globals, name)
                && !push_field(state, ffi::LUA_GLOBALSINDEX, name)
                || member.is_some_and(|member| {
                    // A table of the script's own may have members that are not in it.
                    ffi::lua_istable(state, -1) != 0
                        && ffi::lua_getmetatable(state, -1) == 0
                        && !push_field(state, ffi::lua_gettop(state), member)
                });
            ffi::lua_settop(state, globals);
            is_absent
        });
        ffi::lua_settop(state, top);
        hint
    }
}

/// Pushes the value of a table under `name`, unless it is nil; returns whether it did.
///
/// # Safety
/// There is a table at `index`, and two free stack slots.
unsafe fn push_field(state: *mut lua_State, index: c_int, name: &str) -> bool {
    // SAFETY: by this function's contract.
    unsafe {
        push_bytes(state, name.as_bytes());
        let is_there = ffi::lua_rawget(state, index) != ffi::LUA_TNIL;
        if !is_there {
            ffi::lua_pop(state, 1);
        }
        is_there
    }
}

/// The chain of calls from level `first` to `last`, a line each. Of a long chain only both ends are shown.
///
/// # Safety
/// `state` is a live thread.
unsafe fn calls(state: *mut lua_State, first: c_int, last: c_int) -> String {
    let mut text = String::new();
    // A script may ask for any level.
    if first > last {
        return text;
    }
    let is_long = last - first > 2 * SHOWN;
    for level in first..=last {
        if is_long && level >= first + SHOWN && level <= last - SHOWN {
            if level == first + SHOWN {
                let _ = write!(text, "\n… ({} calls)", last - first + 1 - 2 * SHOWN);
            }
            continue;
        }
        // SAFETY: by this function's contract.
        let Some(call) = (unsafe { StackFrame::at(state, level) }) else { break };
        if !text.is_empty() {
            text.push('\n');
        }
        let _ = write!(text, "{call}");
    }
    text
}

/// The level of the outermost call that is not our own.
///
/// # Safety
/// `state` is a live thread.
unsafe fn outermost(state: *mut lua_State) -> c_int {
    // SAFETY: by this function's contract.
    let (control, depth) = unsafe { (Control::from_state(&state), ffi::lua_stackdepth(state)) };
    // A run's entry is, and the `xpcall` around that of a run which may wait.
    let own = if state == control.main.get() {
        1
    } else if state == control.waits.root.get() {
        2
    } else {
        0
    };
    depth - 1 - own
}

/// `debug.traceback([thread,] [message [, level]])`.
pub(super) unsafe extern "C-unwind" fn traceback(state: *mut lua_State) -> c_int {
    // SAFETY: called by Luau with its state.
    unsafe {
        let thread = ffi::lua_tothread(state, 1);
        let (of, message) = if thread.is_null() { (state, 1) } else { (thread, 2) };
        // Of the thread that calls, level 0 is this function.
        let is_own = of == state;
        let level = ffi::luaL_optinteger_(state, message + 1, is_own.into()).max(0);
        let text = calls(of, level, outermost(of));
        if ffi::lua_isnoneornil(state, message) != 0 {
            push_bytes(state, text.as_bytes());
            return 1;
        }
        let length = check_bytes(&state, message).len();
        Control::from_state(&state).make_room(state, length + text.len() + 2);
        ffi::lua_pushvalue(state, message);
        push_bytes(state, format!("\n{text}").as_bytes());
        ffi::lua_concat(state, 2);
    }
    1
}

/// 3, of `hello:3: boom` in `hello`.
fn line_in(message: &str, script: &str) -> Option<u32> {
    let (line, _) = message.strip_prefix(script)?.strip_prefix(':')?.split_once(':')?;
    line.parse().ok()
}

/// The debug names of our functions that call the main function of a source.
const BEGIN: [&CStr; 2] = [job::NAME, c"require"];

/// Whether the call at `level` is of one of [`BEGIN`].
///
/// # Safety
/// `state` is a live thread.
unsafe fn begins(state: *mut lua_State, level: c_int) -> bool {
    let mut info = MaybeUninit::<ffi::lua_Debug>::zeroed();
    // SAFETY: as in `StackFrame::at`.
    unsafe {
        if ffi::lua_getinfo(state, level, c"sn".as_ptr(), info.as_mut_ptr()) == 0 {
            return false;
        }
        let info = info.assume_init_ref();
        is_c(info) && !info.name.is_null() && BEGIN.contains(&CStr::from_ptr(info.name))
    }
}

/// # Safety
/// Luau filled in the fields of `s`.
unsafe fn is_c(info: &ffi::lua_Debug) -> bool {
    // SAFETY: by this function's contract.
    unsafe { CStr::from_ptr(info.what) == c"C" }
}

/// One line of a traceback.
struct StackFrame {
    script: String,
    line: Option<u32>,
    function: Option<String>,
    is_main: bool,
}

impl StackFrame {
    /// # Safety
    /// `state` is a live thread.
    unsafe fn at(state: *mut lua_State, level: c_int) -> Option<Self> {
        let mut info = MaybeUninit::<ffi::lua_Debug>::zeroed();
        // SAFETY: zeroes are valid for every field; Luau fills in those of `s`, `l` and `n`, whose pointers are to
        // strings that the call keeps alive, or into `info` itself.
        unsafe {
            if ffi::lua_getinfo(state, level, c"sln".as_ptr(), info.as_mut_ptr()) == 0 {
                return None;
            }
            let info = info.assume_init_ref();
            let text = |pointer: *const c_char| {
                (!pointer.is_null()).then(|| {
                    // Never more than is shown: the search for the end stops there, too.
                    let length = libc::strnlen(pointer, MESSAGE);
                    let bytes = std::slice::from_raw_parts(pointer.cast(), length);
                    String::from_utf8_lossy(bytes).into_owned()
                })
            };
            let is_c = is_c(info);
            let function = text(info.name).filter(|name| !name.is_empty());
            Some(Self {
                script: text(info.short_src).unwrap_or_default(),
                line: u32::try_from(info.currentline).ok().filter(|line| *line > 0 && !is_c),
                is_main: function.is_none() && !is_c && begins(state, level + 1),
                function: function.map(|mut name| {
                    name.truncate(name.floor_char_boundary(NAME));
                    name
                }),
            })
        }
    }
}

impl std::fmt::Display for StackFrame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.script)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        match &self.function {
            Some(name) => write!(f, ": in function '{name}'"),
            None if self.is_main => f.write_str(": in the main part"),
            None => f.write_str(": in a function"),
        }
    }
}
