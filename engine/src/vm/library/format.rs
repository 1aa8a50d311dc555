//! `string.format`: over C's `snprintf`, as Luau's, with a safepoint for each conversion: `%.99f` takes up to 13 µs.

use std::ffi::{CStr, c_char, c_int, c_longlong, c_ulonglong};
use std::iter;
use std::mem::MaybeUninit;

use mlua::ffi::{self, lua_State};

use super::super::buffer::Buffer;
use super::super::control::Control;
use super::strings::or_raise;
use super::{bytes, check_bytes, integer, push_bytes};

/// Flags that a conversion may have.
const MAX_FLAGS: usize = 5;

/// Digits that a width or a precision may have.
const MAX_DIGITS: usize = 2;

/// Bytes of a conversion that is passed to C: a `%`, the options, `ll`, the letter and the final zero.
const MAX_FORM: usize = 1 + MAX_FLAGS + MAX_DIGITS + 1 + MAX_DIGITS + 2 + 1 + 1;

/// The most bytes that C writes for a conversion: 410 for `%-99.99f` of -1e308.
const MAX_ITEM: usize = 512;

/// From this length on, a string is appended as it is, without C and padding, unless there is a precision.
const LONG: usize = 100;

/// Bytes of a string that are quoted between two safepoints.
const QUOTED: usize = 64 << 10;

/// `string.format(format, …)`
pub(in super::super) unsafe extern "C-unwind" fn format(state: *mut lua_State) -> c_int {
    // SAFETY: called by Luau with its state; the format stays at 1, and what it converts behind it.
    unsafe {
        let control = Control::from_state(&state);
        control.safepoint(state);
        let mut rest = check_bytes(&state, 1);
        let last = ffi::lua_gettop(state);
        let mut out = Buffer::new(control, state);
        let mut argument = 1;
        while let Some((text, [_, after @ ..])) =
            memchr::memchr(b'%', rest).and_then(|at| rest.split_at_checked(at))
        {
            or_raise(state, out.put(text));
            if let [b'%', after @ ..] = after {
                or_raise(state, out.put(b"%"));
                rest = after;
                continue;
            }
            argument += 1;
            if argument > last {
                ffi::luaL_error(state, c"missing argument #%d".as_ptr(), argument);
            }
            rest = if let [b'*', after @ ..] = after {
                ffi::luaL_tolstring_(state, argument, std::ptr::null_mut());
                or_raise(state, out.put(bytes(&state, -1)));
                ffi::lua_pop(state, 1);
                after
            } else {
                convert(state, argument, after, &mut out)
            };
            // A `__tostring` may be a C function, and Luau has no safepoint at calls of these.
            control.safepoint(state);
        }
        or_raise(state, out.put(rest));
        control.make_room(state, out.bytes().len());
        push_bytes(state, out.bytes());
    }
    1
}

/// Formats one argument by the conversion at the beginning of the text; returns the rest of the text.
unsafe fn convert<'a>(
    state: *mut lua_State,
    argument: c_int,
    conversion: &'a [u8],
    out: &mut Buffer<'_>,
) -> &'a [u8] {
    let mut item = MaybeUninit::<[u8; MAX_ITEM]>::uninit();
    let to = item.as_mut_ptr().cast();
    // SAFETY: at a call with an argument at the index. C is given the type that the letter asks for, no more room than
    // there is, and strings of Luau, which end with a zero.
    unsafe {
        let Conversion { options, letter, rest } = match Conversion::parse(conversion) {
            Ok(conversion) => conversion,
            Err(wrong) => ffi::luaL_error(state, wrong.as_ptr()),
        };
        let length = match letter {
            b'c' => libc::snprintf(to, MAX_ITEM, form(options, &[letter]).as_ptr(), integer(state, argument)),
            b'd' | b'i' => {
                let number = ffi::luaL_checknumber(state, argument) as c_longlong;
                libc::snprintf(to, MAX_ITEM, form(options, &[b'l', b'l', letter]).as_ptr(), number)
            }
            b'o' | b'u' | b'x' | b'X' => {
                let number = ffi::luaL_checknumber(state, argument);
                let number =
                    if number < 0.0 { number as c_longlong as c_ulonglong } else { number as c_ulonglong };
                libc::snprintf(to, MAX_ITEM, form(options, &[b'l', b'l', letter]).as_ptr(), number)
            }
            b'e' | b'E' | b'f' | b'g' | b'G' => {
                let number = ffi::luaL_checknumber(state, argument);
                libc::snprintf(to, MAX_ITEM, form(options, &[letter]).as_ptr(), number)
            }
            b's' => {
                let text = check_bytes(&state, argument);
                if options.is_empty() || text.len() >= LONG && !options.contains(&b'.') {
                    or_raise(state, out.put(text));
                    return rest;
                }
                libc::snprintf(to, MAX_ITEM, form(options, &[letter]).as_ptr(), text.as_ptr())
            }
            b'q' => {
                quote(state, check_bytes(&state, argument), out);
                return rest;
            }
            b'*' => ffi::luaL_error(state, c"'%%*' does not take a form".as_ptr()),
            _ => ffi::luaL_error(state, c"invalid option '%%%c' to 'format'".as_ptr(), c_int::from(letter)),
        };
        let length = usize::try_from(length).unwrap_or(0).min(MAX_ITEM - 1);
        or_raise(state, out.put(std::slice::from_raw_parts(to.cast(), length)));
        rest
    }
}

/// One conversion, after its `%`.
struct Conversion<'a> {
    /// Flags, width and precision.
    options: &'a [u8],
    /// 0 where the format ends before it.
    letter: u8,
    rest: &'a [u8],
}

impl<'a> Conversion<'a> {
    fn parse(text: &'a [u8]) -> Result<Self, &'static CStr> {
        let digits = |at: usize| {
            let digits = text.iter().skip(at).take(MAX_DIGITS);
            at + digits.take_while(|byte| byte.is_ascii_digit()).count()
        };
        let flags = text.iter().take_while(|byte| b"-+ #0".contains(byte)).count();
        if flags > MAX_FLAGS {
            return Err(c"invalid format (repeated flags)");
        }
        let mut at = digits(flags);
        if text.get(at) == Some(&b'.') {
            at = digits(at + 1);
        }
        if text.get(at).is_some_and(u8::is_ascii_digit) {
            return Err(c"invalid format (width or precision too long)");
        }
        let (options, after) = text.split_at_checked(at).unwrap_or_default();
        let (letter, rest) = after.split_first().unwrap_or((&0, &[]));
        Ok(Self { options, letter: *letter, rest })
    }
}

/// A conversion for C.
fn form(options: &[u8], letters: &[u8]) -> [c_char; MAX_FORM] {
    let mut form = [0; MAX_FORM];
    // The last one stays the zero at the end.
    let places = form.iter_mut().take(MAX_FORM - 1);
    for (place, byte) in places.zip(iter::once(&b'%').chain(options).chain(letters)) {
        *place = *byte as c_char;
    }
    form
}

/// Appends a string as Lua would read it.
unsafe fn quote(state: *mut lua_State, text: &[u8], out: &mut Buffer<'_>) {
    // SAFETY: at a call.
    unsafe {
        or_raise(state, out.put(b"\""));
        for mut piece in text.chunks(QUOTED) {
            while let Some((plain, [byte, rest @ ..])) = piece
                .iter()
                .position(|byte| matches!(byte, b'"' | b'\\' | b'\n' | b'\r' | 0))
                .and_then(|at| piece.split_at_checked(at))
            {
                or_raise(state, out.put(plain));
                or_raise(
                    state,
                    out.put(match byte {
                        b'\r' => b"\\r",
                        0 => b"\\000",
                        b'\n' => b"\\\n",
                        b'"' => b"\\\"",
                        _ => b"\\\\",
                    }),
                );
                piece = rest;
            }
            or_raise(state, out.put(piece));
            Control::from_state(&state).safepoint(state);
        }
        or_raise(state, out.put(b"\""));
    }
}
