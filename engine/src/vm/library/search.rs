//! Plain search, for `string.find` and `string.split`: in linear time, with a safepoint at least every megabyte.

use std::cell::OnceCell;
use std::hash::{BuildHasher, Hasher, RandomState};

use memchr::memmem::Finder;
use mlua::ffi::lua_State;

use super::super::control::Control;

/// Bytes that a search goes through between two safepoints.
const SEARCHED: usize = 1 << 20;

/// The longest text for which a [`Finder`] is prepared, in bytes: that takes 5 ms, without a safepoint.
const SOUGHT: usize = 1 << 20;

/// A search for a text, in pieces with a safepoint before each. In the worst case it takes 3 ns per byte. `memchr` prepares a
/// search in time in the length of the text, without a safepoint. So a long text is searched for by a rolling hash instead
/// (Rabin and Karp).
pub(super) struct PlainSearch<'a> {
    control: &'a Control,
    state: *mut lua_State,
    text: &'a [u8],
    finder: OnceCell<Finder<'a>>,
    rolling: OnceCell<Rolling>,
}

impl<'a> PlainSearch<'a> {
    /// # Safety
    /// `state` is at a call in the VM of `control`, and stays there while this lives.
    pub(super) unsafe fn new(control: &'a Control, state: *mut lua_State, text: &'a [u8]) -> Self {
        Self { control, state, text, finder: OnceCell::new(), rolling: OnceCell::new() }
    }

    /// Where the text is next in `subject`, from `start` on.
    pub(super) fn next(&self, subject: &[u8], start: usize) -> Option<usize> {
        // A text longer than the rest needs no preparation.
        let rest = subject.get(start..).filter(|rest| rest.len() >= self.text.len())?;
        let at = if self.text.len() > SOUGHT { self.long(rest) } else { self.short(rest) };
        at.map(|at| start + at)
    }

    fn short(&self, subject: &[u8]) -> Option<usize> {
        let length = self.text.len();
        let mut start = 0;
        while subject.len() - start >= length {
            self.safepoint();
            let finder = self.finder.get_or_init(|| Finder::new(self.text));
            let end = subject.len().min(start + SEARCHED + length);
            if let Some(at) = finder.find(subject.get(start..end)?) {
                return Some(start + at);
            }
            if end == subject.len() {
                break;
            }
            start = (end + 1 - length.max(1)).max(start + 1);
        }
        None
    }

    fn long(&self, subject: &[u8]) -> Option<usize> {
        let rolling = self.rolling.get_or_init(|| Rolling::new(self.text, || self.safepoint()));
        let mut hash = 0;
        for (at, &byte) in subject.iter().enumerate() {
            if at % SEARCHED == 0 {
                self.safepoint();
            }
            let leaves = at.checked_sub(self.text.len()).and_then(|first| subject.get(first));
            hash = rolling.step(hash, leaves.copied(), byte);
            let begin = (at + 1).checked_sub(self.text.len());
            if let Some(begin) = begin.filter(|_| hash == rolling.text)
                && self.is_at(subject.get(begin..)?)
            {
                return Some(begin);
            }
        }
        None
    }

    /// Whether a subject begins with the text, since equal hashes do not prove it.
    fn is_at(&self, subject: &[u8]) -> bool {
        self.text.chunks(SEARCHED).zip(subject.chunks(SEARCHED)).all(|(expected, found)| {
            self.safepoint();
            found.starts_with(expected)
        })
    }

    fn safepoint(&self) {
        // SAFETY: as `new` asks.
        unsafe { self.control.safepoint(self.state) };
    }
}

/// A rolling hash of as many bytes as a text has: a polynomial at a random point, modulo a prime.
struct Rolling {
    place: u64,
    /// The factor of the first byte of a window.
    first: u64,
    text: u64,
}

impl Rolling {
    const PRIME: u64 = (1 << 61) - 1;

    fn new(text: &[u8], safepoint: impl Fn()) -> Self {
        let place = RandomState::new().build_hasher().finish() % (Self::PRIME - 1) + 1;
        let mut rolling = Self { place, first: 1, text: 0 };
        for (at, &byte) in text.iter().enumerate() {
            if at % SEARCHED == 0 {
                safepoint();
            }
            rolling.text = rolling.step(rolling.text, None, byte);
            if at > 0 {
                rolling.first = Self::product(rolling.first, place);
            }
        }
        rolling
    }

    fn step(&self, hash: u64, leaves: Option<u8>, enters: u8) -> u64 {
        let left = leaves.map_or(0, |byte| Self::product(self.first, u64::from(byte) + 1));
        let rest = Self::below_prime(hash + Self::PRIME - left);
        Self::below_prime(Self::product(rest, self.place) + u64::from(enters) + 1)
    }

    fn product(a: u64, b: u64) -> u64 {
        // The prime is 2^61 - 1, and so the bits from 61 on are added to those from 0 on.
        let product = u128::from(a) * u128::from(b);
        Self::below_prime((product as u64 & Self::PRIME) + (product >> 61) as u64)
    }

    /// Of a number below twice the prime.
    fn below_prime(number: u64) -> u64 {
        number.checked_sub(Self::PRIME).unwrap_or(number)
    }
}
