//! Finds two keys of a table that would become the same name of a JSON object.
//!
//! Two keys that are UTF-8 strings can't clash, so most objects need no check. A number clashes with the string that is its
//! text, and two strings that are not UTF-8 clash if they differ in invalid bytes alone.

use std::ffi::c_int;
use std::hash::{BuildHasher, Hasher, RandomState};

use mlua::ffi::{self, lua_State};

use super::access;
use super::buffer::Scratch;
use super::sink::{EncodeError, number_text};
use super::walk::{BYTES, PIECE, SAFEPOINT_EVERY, WorkCounter, next};

/// What replaces bytes that are not UTF-8.
pub(super) const REPLACEMENT: &str = "\u{fffd}";

/// The longest text of a number, in bytes.
const LONGEST: usize = 32;

/// Which kinds of keys a table has.
#[derive(Default)]
pub(super) struct KeyNames {
    /// A key is a number.
    pub(super) numbers: bool,
    /// A key is a string that could be the text of a number.
    numerals: bool,
    /// A key is not UTF-8.
    pub(super) replaced: bool,
}

impl KeyNames {
    /// Notes a key that is a string.
    pub(super) fn text(&mut self, key: &[u8]) {
        self.numerals |= is_numeral(key);
    }

    /// Refuses the table at `index`, all of whose keys were seen, if two of them would be one name.
    ///
    /// # Safety
    /// As [`next`], with two stack slots more. Raises nothing.
    pub(super) unsafe fn check(
        &self,
        state: *mut lua_State,
        index: c_int,
        work: &mut WorkCounter<'_>,
    ) -> Result<(), EncodeError> {
        // SAFETY: by this function's contract.
        unsafe {
            if self.numbers && self.numerals {
                check_numerals(state, index, work)?;
            }
            if self.replaced {
                check_replaced(state, index, work)?;
            }
        }
        Ok(())
    }
}

fn is_numeral(key: &[u8]) -> bool {
    matches!(key.first(), Some(b'-' | b'0'..=b'9')) && key.len() <= LONGEST
}

fn clash(name: &[u8]) -> EncodeError {
    let shown = String::from_utf8_lossy(access::beginning(name, 64));
    EncodeError::unsupported(format!("two of its keys would be the name '{}'", shown.escape_debug()))
}

/// Calls `check` with the key of each entry of the table at `index` that is a string, and where the iteration was before it.
///
/// # Safety
/// As [`KeyNames::check`].
unsafe fn each_text<'a>(
    state: *mut lua_State,
    index: c_int,
    work: &mut WorkCounter<'a>,
    mut check: impl FnMut(&[u8], c_int, &mut WorkCounter<'a>) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    let mut at = 0;
    // SAFETY: by this function's contract; key and value are popped again, and until then the key stays where it is.
    unsafe {
        while next(state, index, &mut at, work)? {
            ffi::lua_pop(state, 1);
            let checked = match ffi::lua_type(state, -1) {
                ffi::LUA_TSTRING => check(access::bytes(&state, -1), at - 1, work),
                _ => Ok(()),
            };
            ffi::lua_pop(state, 1);
            checked?;
        }
    }
    Ok(())
}

unsafe fn check_numerals(
    state: *mut lua_State,
    index: c_int,
    work: &mut WorkCounter<'_>,
) -> Result<(), EncodeError> {
    // SAFETY: as in `KeyNames::check`; a number is pushed and looked up without an allocation.
    unsafe {
        each_text(state, index, work, |key, _, work| {
            let number = std::str::from_utf8(key).ok().and_then(|text| text.parse::<f64>().ok());
            let Some(number) = number.filter(|number| is_numeral(key) && number.is_finite()) else {
                return Ok(());
            };
            if number_text(number)? != key {
                return Ok(());
            }
            // A script can choose numbers whose hashes collide, which makes a look-up slow.
            work.spend(SAFEPOINT_EVERY)?;
            ffi::lua_pushnumber(state, number);
            let found = ffi::lua_rawget(state, index);
            ffi::lua_pop(state, 1);
            if found == ffi::LUA_TNIL { Ok(()) } else { Err(clash(key)) }
        })
    }
}

/// Puts all names with a replacement character into a hash table, which has a random seed, is allocated once in its final size
/// and is charged to the run.
unsafe fn check_replaced(
    state: *mut lua_State,
    index: c_int,
    work: &mut WorkCounter<'_>,
) -> Result<(), EncodeError> {
    // SAFETY: as in `KeyNames::check`.
    unsafe {
        let mut count = 0;
        each_text(state, index, work, |key, _, work| {
            count += usize::from(has_replacement(key));
            work.spend(key.len() / BYTES)
        })?;
        let places = (2 * count).next_power_of_two();
        let scratch = Scratch::zeroed(work.control, state, places * size_of::<u64>());
        let Ok(mut scratch) = scratch else { return Err(EncodeError::Memory) };
        // An entry is 32 bits of the name's hash, and the position of its key in the iteration, plus one; 0 is a free place.
        let table = scratch.as_words();
        let seed = RandomState::new();
        each_text(state, index, work, |key, at, work| {
            if !has_replacement(key) {
                return Ok(());
            }
            let mut hasher = seed.build_hasher();
            for (passed, byte) in shown(key).enumerate() {
                hasher.write_u8(byte);
                if passed % PIECE == PIECE - 1 {
                    work.spend(SAFEPOINT_EVERY)?;
                }
            }
            let hash = hasher.finish();
            let entry = hash >> 32 << 32 | u64::from(at.cast_unsigned() + 1);
            let mut place = hash as usize;
            loop {
                place %= places;
                match table.get_mut(place) {
                    None => return Ok(()),
                    Some(free) if *free == 0 => {
                        *free = entry;
                        return Ok(());
                    }
                    Some(&mut other) if other >> 32 == entry >> 32 => {
                        ffi::lua_rawiter(state, index, (other as u32 - 1).cast_signed());
                        let is_same = shown(access::bytes(&state, -2)).eq(shown(key));
                        ffi::lua_pop(state, 2);
                        if is_same {
                            return Err(clash(key));
                        }
                    }
                    Some(_) => {}
                }
                place += 1;
            }
        })
    }
}

/// The bytes of a key's name in JSON.
fn shown(key: &[u8]) -> impl Iterator<Item = u8> {
    key.utf8_chunks().flat_map(|chunk| {
        chunk.valid().bytes().chain(if chunk.invalid().is_empty() { "" } else { REPLACEMENT }.bytes())
    })
}

fn has_replacement(key: &[u8]) -> bool {
    std::str::from_utf8(key).is_err() || memchr::memmem::find(key, REPLACEMENT.as_bytes()).is_some()
}
