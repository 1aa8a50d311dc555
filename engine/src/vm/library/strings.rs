//! `string.find`, `match`, `gmatch`, `gsub`, `split` and `utf8.len`: Luau's are not linear, or have no
//! safepoints.

use std::ffi::{CStr, c_int};

use mlua::ffi::{self, lua_State};

use super::super::buffer::{Buffer, OutOfMemory};
use super::super::control::Control;
use super::super::fault;
use super::pattern::{Capture, MatchError, Matcher};
use super::search::PlainSearch;
use super::{bytes, check_bytes, optional_integer, push_bytes};

/// Pieces between two safepoints.
const SAFEPOINT_EVERY: usize = 64;

/// Bytes that `utf8.len` counts between two safepoints.
const UTF8_PIECE: usize = 1 << 20;

/// Escapes of a replacement between two safepoints.
const ESCAPES: usize = 4096;

/// `string.find(s, pattern [, init [, plain]])`.
pub(in super::super) unsafe extern "C-unwind" fn find(state: *mut lua_State) -> c_int {
    // SAFETY: called by Luau with its state, as are all functions here.
    unsafe { search(state, true) }
}

/// `string.match(s, pattern [, init])`.
pub(in super::super) unsafe extern "C-unwind" fn r#match(state: *mut lua_State) -> c_int {
    // SAFETY: as above.
    unsafe { search(state, false) }
}

unsafe fn search(state: *mut lua_State, is_find: bool) -> c_int {
    // SAFETY: as above; subject and pattern stay at 1 and 2.
    unsafe {
        let control = Control::from_state(&state);
        control.safepoint(state);
        let (subject, pattern) = (check_bytes(&state, 1), check_bytes(&state, 2));
        let start = first_offset(optional_integer(state, 3, 1), subject.len());
        if start > subject.len() {
            ffi::lua_pushnil(state);
            return 1;
        }
        if is_find && (ffi::lua_toboolean(state, 4) != 0 || is_plain(pattern)) {
            return match PlainSearch::new(control, state, pattern).next(subject, start) {
                Some(at) => {
                    push_range(state, at, at + pattern.len());
                    2
                }
                None => {
                    ffi::lua_pushnil(state);
                    1
                }
            };
        }
        let (pattern, is_anchored) = unanchored(pattern);
        let mut matcher = Matcher::new(subject, pattern, || control.should_stop_or_polls());
        let found = if is_anchored {
            matcher.at(start).map(|end| end.map(|end| (start, end)))
        } else {
            matcher.from(start)
        };
        match found {
            Err(error) => raise(state, error),
            Ok(None) => {
                ffi::lua_pushnil(state);
                1
            }
            Ok(Some((begin, end))) if is_find => {
                push_range(state, begin, end);
                2 + push_captures(state, matcher.captures(), None)
            }
            Ok(Some((begin, end))) => push_captures(state, matcher.captures(), subject.get(begin..end)),
        }
    }
}

/// `string.gmatch(s, pattern)`: an iterator over all matches.
pub(in super::super) unsafe extern "C-unwind" fn gmatch(state: *mut lua_State) -> c_int {
    // SAFETY: as above.
    unsafe {
        check_bytes(&state, 1);
        check_bytes(&state, 2);
        ffi::lua_settop(state, 2);
        ffi::lua_pushnumber(state, 0.0);
        ffi::lua_pushcclosured(state, gmatch_next, c"gmatch".as_ptr(), 3);
    }
    1
}

/// The iterator: its upvalues are the subject, the pattern and the offset to continue at.
unsafe extern "C-unwind" fn gmatch_next(state: *mut lua_State) -> c_int {
    let (subject_at, pattern_at, next_at) =
        (ffi::lua_upvalueindex(1), ffi::lua_upvalueindex(2), ffi::lua_upvalueindex(3));
    // SAFETY: as above; the upvalues were set by `gmatch`.
    unsafe {
        let control = Control::from_state(&state);
        control.safepoint(state);
        ffi::lua_settop(state, 0);
        let (subject, pattern) = (bytes(&state, subject_at), bytes(&state, pattern_at));
        let start = ffi::lua_tonumber(state, next_at) as usize;
        let mut matcher = Matcher::new(subject, pattern, || control.should_stop_or_polls());
        match matcher.from(start) {
            Err(error) => raise(state, error),
            Ok(None) => 0,
            Ok(Some((begin, end))) => {
                // After an empty match, continue one further, or the same one would be found again.
                let next = if begin == end { end + 1 } else { end };
                ffi::lua_pushnumber(state, next as f64);
                ffi::lua_replace(state, next_at);
                push_captures(state, matcher.captures(), subject.get(begin..end))
            }
        }
    }
}

/// `string.gsub(s, pattern, replacement [, n])`: the string with up to `n` matches replaced, and how many were.
pub(in super::super) unsafe extern "C-unwind" fn gsub(state: *mut lua_State) -> c_int {
    // SAFETY: as above; subject, pattern and replacement stay at 1 to 3.
    unsafe {
        let control = Control::from_state(&state);
        control.safepoint(state);
        let (subject, pattern) = (check_bytes(&state, 1), check_bytes(&state, 2));
        let most = optional_integer(state, 4, c_int::MAX);
        let kind = ffi::lua_type(state, 3);
        if !matches!(kind, ffi::LUA_TNUMBER | ffi::LUA_TSTRING | ffi::LUA_TFUNCTION | ffi::LUA_TTABLE) {
            ffi::luaL_typeerror(state, 3, c"string/function/table".as_ptr());
        }
        ffi::lua_settop(state, 3);
        let (pattern, is_anchored) = unanchored(pattern);
        let mut matcher = Matcher::new(subject, pattern, || control.should_stop_or_polls());
        let mut out = Buffer::new(control, state);
        // What is before `copied` is in the buffer, or was replaced.
        let (mut at, mut copied, mut count) = (0, 0, 0);
        while count < most {
            let found = match matcher.at(at) {
                Ok(found) => found,
                Err(error) => {
                    drop(out);
                    raise(state, error)
                }
            };
            if let Some(end) = found {
                count += 1;
                or_raise(state, out.put(subject.get(copied..at).unwrap_or_default()));
                copied = end;
                let whole = subject.get(at..end).unwrap_or_default();
                replace(state, kind, matcher.captures(), whole, &mut out);
                // The replacement may be a C function, and Luau has no safepoint at calls of these.
                control.safepoint(state);
            }
            at = match found {
                Some(end) if end > at => end,
                _ => at + 1,
            };
            if is_anchored || at > subject.len() {
                break;
            }
        }
        or_raise(state, out.put(subject.get(copied..).unwrap_or_default()));
        control.make_room(state, out.bytes().len());
        push_bytes(state, out.bytes());
        ffi::lua_pushnumber(state, count.into());
    }
    2
}

/// Appends what replaces one match.
unsafe fn replace(
    state: *mut lua_State,
    kind: c_int,
    captures: &[Capture<'_>],
    whole: &[u8],
    out: &mut Buffer<'_>,
) {
    // SAFETY: as in `gsub`: the replacement is at 3.
    unsafe {
        match kind {
            ffi::LUA_TFUNCTION => {
                ffi::lua_pushvalue(state, 3);
                let arguments = push_captures(state, captures, Some(whole));
                ffi::lua_call(state, arguments, 1);
            }
            ffi::LUA_TTABLE => {
                push_capture(state, captures, 0, whole);
                ffi::lua_gettable(state, 3);
            }
            _ => return expand(state, bytes(&state, 3), captures, whole, out),
        }
        if ffi::lua_toboolean(state, -1) == 0 {
            or_raise(state, out.put(whole));
        } else if ffi::lua_isstring(state, -1) != 0 {
            or_raise(state, out.put(bytes(&state, -1)));
        } else {
            let name = CStr::from_ptr(ffi::luaL_typename(state, -1)).to_string_lossy().into_owned();
            fault::raise(state, format!("invalid replacement value (a {name})"));
        }
        ffi::lua_pop(state, 1);
    }
}

/// Appends a replacement text, with `%0` to `%9` and `%%` in it.
unsafe fn expand(
    state: *mut lua_State,
    mut text: &[u8],
    captures: &[Capture<'_>],
    whole: &[u8],
    out: &mut Buffer<'_>,
) {
    let mut escapes = 0;
    // SAFETY: as in `replace`.
    unsafe {
        while let Some((before, [_, escape @ ..])) =
            memchr::memchr(b'%', text).and_then(|at| text.split_at_checked(at))
        {
            or_raise(state, out.put(before));
            text = match escape {
                [b'0', rest @ ..] => {
                    or_raise(state, out.put(whole));
                    rest
                }
                [digit @ b'1'..=b'9', rest @ ..] => {
                    push_capture(state, captures, usize::from(digit - b'1'), whole);
                    or_raise(state, out.put(bytes(&state, -1)));
                    ffi::lua_pop(state, 1);
                    rest
                }
                [b'%', rest @ ..] => {
                    or_raise(state, out.put(b"%"));
                    rest
                }
                _ => fault::raise(state, "invalid use of '%' in replacement string".to_owned()),
            };
            escapes += 1;
            if escapes % ESCAPES == 0 {
                Control::from_state(&state).safepoint(state);
            }
        }
        or_raise(state, out.put(text));
    }
}

/// `string.split(s [, separator])`: the pieces, or the characters when the separator is empty.
pub(in super::super) unsafe extern "C-unwind" fn split(state: *mut lua_State) -> c_int {
    // SAFETY: as above; subject and separator stay at 1 and 2.
    unsafe {
        let control = Control::from_state(&state);
        control.safepoint(state);
        let subject = check_bytes(&state, 1);
        let separator =
            if ffi::lua_isnoneornil(state, 2) != 0 { b",".as_slice() } else { check_bytes(&state, 2) };
        ffi::lua_settop(state, 2);
        ffi::lua_newtable(state);
        let mut count = 0;
        let mut add = |piece: &[u8]| {
            count += 1;
            if count % SAFEPOINT_EVERY == 0 {
                control.safepoint(state);
            }
            push_bytes(state, piece);
            ffi::lua_rawseti_(state, 3, count as c_int);
        };
        if separator.is_empty() {
            subject.chunks(1).for_each(add);
        } else {
            let search = PlainSearch::new(control, state, separator);
            let mut start = 0;
            while let Some(at) = search.next(subject, start) {
                add(subject.get(start..at).unwrap_or_default());
                start = at + separator.len();
            }
            add(subject.get(start..).unwrap_or_default());
        }
    }
    1
}

/// `utf8.len(s [, first [, last]])`: how many characters begin from `first` to `last`, or `nil` and where the first byte
/// is that begins none.
pub(in super::super) unsafe extern "C-unwind" fn utf8_len(state: *mut lua_State) -> c_int {
    // SAFETY: as above; the string stays at 1.
    unsafe {
        let control = Control::from_state(&state);
        let text = check_bytes(&state, 1);
        let offset = |argument, default| {
            let index = i64::from(optional_integer(state, argument, default));
            let length = text.len() as i64;
            // As Luau counts: what is before the first is 0.
            if index >= 0 {
                index - 1
            } else if -index > length {
                -1
            } else {
                length + index
            }
        };
        let (first, last) = (offset(2, 1), offset(3, -1));
        if first < 0 || first > text.len() as i64 {
            ffi::luaL_argerror(state, 2, c"initial position out of string".as_ptr());
        }
        if last >= text.len() as i64 {
            ffi::luaL_argerror(state, 3, c"final position out of string".as_ptr());
        }
        let (mut at, mut count) = (first as usize, 0_usize);
        let end = (last + 1) as usize;
        while at < end {
            control.safepoint(state);
            // A character that begins before the end may go on behind it.
            let stop = text.len().min(end.min(at + UTF8_PIECE) + 3);
            let piece = text.get(at..stop).unwrap_or_default();
            let valid = piece.utf8_chunks().next().map_or("", |chunk| chunk.valid());
            let limit = end.min(at + UTF8_PIECE) - at;
            let inside = valid.get(..valid.ceil_char_boundary(limit)).unwrap_or_default();
            if inside.is_empty() {
                ffi::lua_pushnil(state);
                ffi::lua_pushnumber(state, (at + 1) as f64);
                return 2;
            }
            count += inside.chars().count();
            at += inside.len();
        }
        ffi::lua_pushnumber(state, count as f64);
    }
    1
}

/// The offset that an index stands for: negative from the end; it may be past it.
fn first_offset(index: c_int, length: usize) -> usize {
    let distance = index.unsigned_abs() as usize;
    if index < 0 { length.saturating_sub(distance) } else { distance.saturating_sub(1) }
}

/// Whether a pattern has no character that means something else than itself.
fn is_plain(pattern: &[u8]) -> bool {
    let has = |a, b, c| memchr::memchr3(a, b, c, pattern).is_some();
    !(has(b'^', b'$', b'*') || has(b'+', b'?', b'.') || has(b'(', b'[', b'%') || pattern.contains(&b'-'))
}

fn unanchored(pattern: &[u8]) -> (&[u8], bool) {
    match pattern {
        [b'^', rest @ ..] => (rest, true),
        pattern => (pattern, false),
    }
}

/// Pushes where a match begins and ends, as indices from 1.
unsafe fn push_range(state: *mut lua_State, begin: usize, end: usize) {
    // SAFETY: at a call.
    unsafe {
        ffi::lua_pushnumber(state, (begin + 1) as f64);
        ffi::lua_pushnumber(state, end as f64);
    }
}

/// Pushes the captures, or the whole match if there are none and it is given. Returns how many values that were.
unsafe fn push_captures(state: *mut lua_State, captures: &[Capture<'_>], whole: Option<&[u8]>) -> c_int {
    let count = captures.len().max(whole.is_some().into());
    // SAFETY: at a call.
    unsafe {
        ffi::lua_rawcheckstack(state, count as c_int + 2);
        for index in 0..count {
            push_capture(state, captures, index, whole.unwrap_or_default());
        }
    }
    count as c_int
}

/// Pushes one capture; the first of none is the whole match.
unsafe fn push_capture(state: *mut lua_State, captures: &[Capture<'_>], index: usize, whole: &[u8]) {
    // SAFETY: at a call with a free stack slot.
    unsafe {
        match captures.get(index) {
            Some(Capture::Position(at)) => ffi::lua_pushnumber(state, (at + 1) as f64),
            Some(Capture::Text(text)) => push_piece(state, text),
            Some(Capture::Open(_)) => fault::raise(state, "unfinished capture".to_owned()),
            None if index == 0 => push_piece(state, whole),
            None => fault::raise(state, format!("invalid capture index %{}", index + 1)),
        }
    }
}

unsafe fn push_piece(state: *mut lua_State, piece: &[u8]) {
    // SAFETY: at a call with a free stack slot, which is a safepoint.
    unsafe {
        Control::from_state(&state).make_room(state, piece.len());
        push_bytes(state, piece);
    }
}

unsafe fn raise(state: *mut lua_State, error: MatchError) -> ! {
    // SAFETY: at a call.
    unsafe {
        match error {
            MatchError::Pattern(what) => fault::raise(state, what.to_owned()),
            MatchError::CaptureIndex(digit) => {
                fault::raise(state, format!("invalid capture index %{}", char::from(digit)))
            }
            MatchError::Late => fault::raise_over(state),
        }
    }
}

pub(super) unsafe fn or_raise(state: *mut lua_State, result: Result<(), OutOfMemory>) {
    if result.is_err() {
        // SAFETY: at a call; what the caller holds is dropped as the error unwinds.
        unsafe { fault::raise_out_of_memory(state) }
    }
}
