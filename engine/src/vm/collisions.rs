//! Texts of strangers whose strings hash alike.
//!
//! Luau keeps all strings in one hash table, and the keys of a table in another, by a hash without a seed: strings that
//! hash alike can be made by the thousand, and each new one is compared with all before. 34,000 of them, half a
//! megabyte of JSON, took 3.3 s. So strings that come from outside are counted by their hash, and too many alike are
//! refused; of any others, the fullest bucket holds a few more than the average.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use mlua::ffi::{self, lua_State};

use super::library::push_bytes;

/// Buckets that strings are counted in; as many bits of the hash must be the same to meet in one.
const BUCKETS: usize = 4096;

/// Strings of one text that are not looked at: all alike, they take a millisecond.
const UNCOUNTED: u32 = 512;

/// Strings that may meet in a bucket, beside those that an even spread puts there.
const ALIKE: u32 = 64;

/// Too many strings hash alike.
#[derive(Debug)]
pub(super) struct Colliding;

/// Counts the strings of one text.
pub(super) struct Collisions {
    strings: Cell<u32>,
    buckets: RefCell<Box<[u32; BUCKETS]>>,
}

impl Default for Collisions {
    fn default() -> Self {
        Self { strings: Cell::new(0), buckets: RefCell::new(Box::new([0; BUCKETS])) }
    }
}

impl Collisions {
    /// Begins another text.
    pub(super) fn begin(&self) {
        if self.strings.replace(0) > UNCOUNTED {
            self.buckets.borrow_mut().fill(0);
        }
    }

    /// Pushes a string.
    ///
    /// # Safety
    /// `state` is at a call in the VM that this belongs to, with a free stack slot.
    #[inline]
    pub(super) unsafe fn push(&self, state: *mut lua_State, text: &[u8]) -> Result<(), Colliding> {
        let strings = self.strings.get() + 1;
        self.strings.set(strings);
        // SAFETY: by this function's contract.
        unsafe {
            if strings > UNCOUNTED {
                return self.push_counted(state, text);
            }
            push_bytes(state, text);
        }
        Ok(())
    }

    unsafe fn push_counted(&self, state: *mut lua_State, text: &[u8]) -> Result<(), Colliding> {
        // SAFETY: as in `push`.
        unsafe {
            let before = ffi::lua_totalbytes(state, -1);
            push_bytes(state, text);
            // One that is there already is found and not made; a text may repeat it as often as it likes.
            if ffi::lua_totalbytes(state, -1) == before {
                return Ok(());
            }
            count(&mut self.buckets.borrow_mut(), hash(text), self.strings.get())
                .inspect_err(|_| ffi::lua_pop(state, 1))
        }
    }
}

/// Counts one of so many strings.
fn count(buckets: &mut [u32; BUCKETS], hash: u32, strings: u32) -> Result<(), Colliding> {
    let bucket = &mut buckets[hash as usize % BUCKETS];
    *bucket += 1;
    if *bucket > ALIKE + strings / BUCKETS as u32 * 2 { Err(Colliding) } else { Ok(()) }
}

/// A source up to this length compiles in some 40 ms, whatever is in it; in bytes.
const SHORT: usize = 16 << 10;

/// Refuses a source that would take the compiler long: it keeps names and strings in hash tables, too, by FNV-1a.
/// 75,000 names made for that, 680 KB, took 40 s.
pub(super) fn check_source(source: &[u8]) -> Result<(), Colliding> {
    if source.len() <= SHORT {
        return Ok(());
    }
    let (mut low, mut high) = (Box::new([0; BUCKETS]), Box::new([0; BUCKETS]));
    let (seed, mut seen) = (RandomState::new(), HashSet::new());
    let (mut rest, mut text) = (source, Vec::new());
    while !rest.is_empty() {
        text.clear();
        rest = take_text(rest, &mut text);
        if !text.is_empty() && seen.insert(seed.hash_one(&text)) {
            let fnv = text
                .iter()
                .fold(0x811C_9DC5_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
            // One kind of the compiler's tables goes by the low bits, the other by the high ones of this product.
            let spread = u64::from(fnv).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 52;
            count(&mut low, fnv, seen.len() as u32)?;
            count(&mut high, spread as u32, seen.len() as u32)?;
        }
    }
    Ok(())
}

/// Takes a name, number or string, or else one byte, off the beginning of a source. What is in comments is taken too.
fn take_text<'a>(source: &'a [u8], text: &mut Vec<u8>) -> &'a [u8] {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    match source[0] {
        quote @ (b'"' | b'\'' | b'`') => {
            let mut rest = &source[1..];
            while let Some((&byte, tail)) = rest.split_first() {
                rest = tail;
                match byte {
                    b'\n' => break,
                    b'\\' => rest = take_escape(rest, text),
                    _ if byte == quote => break,
                    _ => text.push(byte),
                }
            }
            rest
        }
        first if is_name(&first) => {
            let end = source.iter().position(|byte| !is_name(byte)).unwrap_or(source.len());
            text.extend_from_slice(&source[..end]);
            &source[end..]
        }
        _ => &source[1..],
    }
}

/// Takes what follows a backslash off the beginning of `rest`.
fn take_escape<'a>(rest: &'a [u8], text: &mut Vec<u8>) -> &'a [u8] {
    let number = |digits: &[u8], radix| {
        std::str::from_utf8(digits).ok().and_then(|digits| u32::from_str_radix(digits, radix).ok())
    };
    match rest {
        [b'x', high, low, tail @ ..] => {
            text.extend(number(&[*high, *low], 16).map(|byte| byte as u8));
            tail
        }
        [b'u', b'{', tail @ ..] => {
            let end = tail.iter().take(8).position(|&byte| byte == b'}').unwrap_or(0);
            let character = number(&tail[..end], 16).and_then(char::from_u32);
            text.extend(character.map(String::from).unwrap_or_default().bytes());
            tail.get(end + 1..).unwrap_or_default()
        }
        [b'0'..=b'9', ..] => {
            let end =
                rest.iter().take(3).position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len().min(3));
            text.extend(number(&rest[..end], 10).map(|byte| byte as u8));
            &rest[end..]
        }
        [b'z', tail @ ..] => tail.trim_ascii_start(),
        [letter, tail @ ..] => {
            text.push(match letter {
                b'a' => 7,
                b'b' => 8,
                b't' => 9,
                b'n' => 10,
                b'v' => 11,
                b'f' => 12,
                b'r' => 13,
                other => *other,
            });
            tail
        }
        [] => rest,
    }
}

/// Refuses strings of bytecode that a VM would take long to load.
pub(super) fn check_strings<'a>(strings: impl Iterator<Item = &'a [u8]>) -> Result<(), Colliding> {
    let mut buckets = Box::new([0; BUCKETS]);
    strings.zip(1..).try_for_each(|(text, number)| count(&mut buckets, hash(text), number))
}

/// Luau's hash of a string (`luaS_hash` in `lstring.cpp`). A test below holds it against the linked one.
fn hash(text: &[u8]) -> u32 {
    let mut h = text.len() as u32;
    let (mut a, mut b) = (0_u32, 0_u32);
    let mut rest = text;
    while rest.len() >= 32 {
        let word = |at: usize| u32::from_le_bytes([rest[at], rest[at + 1], rest[at + 2], rest[at + 3]]);
        a = a.wrapping_add(word(0));
        b = b.wrapping_add(word(4));
        h = h.wrapping_add(word(8));
        a = (a ^ h).wrapping_sub(h.rotate_right(14));
        b = (b ^ a).wrapping_sub(a.rotate_right(11));
        h = (h ^ b).wrapping_sub(b.rotate_right(25));
        rest = &rest[12..];
    }
    for &byte in rest.iter().rev() {
        h ^= (h << 5).wrapping_add(h >> 2).wrapping_add(byte.into());
    }
    h
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In a table with room, a key's place is its hash: were the linked Luau's another than ours, the two would differ.
    #[test]
    fn the_hash_is_that_of_the_linked_luau() {
        // SAFETY: a fresh state, used here alone.
        unsafe {
            let state = ffi::luaL_newstate();
            for length in [0, 1, 2, 11, 12, 31, 32, 33, 43, 44, 45, 100, 1000] {
                let text: Vec<u8> = (0..length).map(|at| (at * 37 % 251) as u8).collect();
                ffi::lua_createtable(state, 0, 1 << 16);
                push_bytes(state, &text);
                ffi::lua_pushboolean(state, 1);
                ffi::lua_rawset(state, -3);
                let place = ffi::lua_rawiter(state, -1, 0);
                assert_eq!(place - 1, (hash(&text) & 0xFFFF) as i32, "{length} bytes");
                ffi::lua_settop(state, 0);
            }
            ffi::lua_close(state);
        }
    }

    #[test]
    fn only_strings_that_hash_alike_are_refused() {
        let blocks: Vec<Vec<&str>> = COLLIDING.lines().map(|line| line.split(' ').collect()).collect();
        let texts = blocks[1].iter().flat_map(|b| blocks[0].iter().map(move |a| format!("{b}{a}")));
        let alike: Vec<String> = texts.take(4000).collect();
        assert!(alike.iter().all(|text| hash(text.as_bytes()) == hash(alike[0].as_bytes())));
        let plain: Vec<String> = (0..4000).map(|n| format!("plain {n}")).collect();
        for (texts, collide) in [(alike, true), (plain, false)] {
            assert_eq!(check_strings(texts.iter().map(String::as_bytes)).is_err(), collide);
        }
    }

    #[test]
    fn texts_of_a_source_are_what_the_compiler_makes_of_them() {
        for (source, texts) in [
            ("local ab_1 = 12", &["local", "ab_1", "12"][..]),
            (r#"x = "a\n\65\x41\u{41}\z  b\"c" .. 'd"e'"#, &["x", "a\nAAAb\"c", "d\"e"]),
            ("`in {x} out`", &["in {x} out"]),
            ("\"open\nnext", &["open", "next"]),
            ("\"\\", &[]),
            ("\"\\u{", &[]),
            ("\"\\x4", &["x4"]),
        ] {
            let (mut rest, mut found) = (source.as_bytes(), Vec::new());
            while !rest.is_empty() {
                let mut text = Vec::new();
                rest = take_text(rest, &mut text);
                found.extend((!text.is_empty()).then(|| String::from_utf8_lossy(&text).into_owned()));
            }
            assert_eq!(found, texts, "{source}");
        }
    }

    /// Two lists of five letters: any of the second with any of the first behind it hashes to the same.
    const COLLIDING: &str = include_str!("../../tests/scripts/colliding.txt");
}
