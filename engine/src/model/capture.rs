//! The captured stdout and stderr of a run: bounded buffers that never cut a UTF-8 character in two.

/// Where a captured stream is kept, too, for when this process ends before its run does.
pub(crate) trait Keeper {
    /// Keeps `bytes` at this place, and nothing behind them.
    fn keep(&self, at: usize, bytes: &[u8], is_truncated: bool);
}

/// One captured stream.
#[derive(Default)]
pub(crate) struct CapturedOutput {
    bytes: Vec<u8>,
    limit: usize,
    truncated: bool,
    /// Bytes past the limit.
    dropped: u64,
    keeper: Option<Box<dyn Keeper>>,
}

/// Bytes of capacity that a buffer keeps between runs.
const RETAINED: usize = 16 * 1024;

impl CapturedOutput {
    /// Empties the buffer for the next run.
    pub(crate) fn reset(&mut self, limit: usize) {
        self.bytes.clear();
        self.bytes.shrink_to(RETAINED);
        self.limit = limit;
        self.truncated = false;
        self.dropped = 0;
        self.keep(0);
    }

    /// Has it kept elsewhere, too.
    pub(crate) fn keep_in(&mut self, keeper: Box<dyn Keeper>) {
        self.keeper = Some(keeper);
    }

    /// Keeps what is new since it had so many bytes.
    #[inline]
    fn keep(&self, from: usize) {
        if let Some(keeper) = &self.keeper {
            let from = from.min(self.bytes.len());
            keeper.keep(from, &self.bytes[from..], self.truncated);
        }
    }

    /// Appends what fits; once something was dropped, everything after it is.
    pub(crate) fn write(&mut self, piece: &[u8]) {
        if self.truncated {
            self.dropped = self.dropped.saturating_add(piece.len() as u64);
            return;
        }
        let before = self.bytes.len();
        let room = self.limit - before;
        if piece.len() <= room {
            self.bytes.extend_from_slice(piece);
        } else {
            self.bytes.extend_from_slice(&piece[..room]);
            self.truncated = true;
            let dropped = &piece[room..];
            let split = split_character(&self.bytes, dropped);
            self.dropped = (split + dropped.len()) as u64;
            self.bytes.truncate(self.bytes.len() - split);
        }
        self.keep(before);
    }

    /// Appends past the limit: for the text of an uncaught error, whose own size is bounded.
    pub(crate) fn write_reserved(&mut self, text: &str) {
        if !self.bytes.is_empty() && !self.bytes.ends_with(b"\n") {
            self.bytes.push(b'\n');
        }
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// How many bytes were dropped.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Whether something was dropped.
    pub(crate) fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// What was captured, in a vector without spare capacity.
    pub(crate) fn to_vec(&self) -> Vec<u8> {
        self.bytes.as_slice().to_vec()
    }
}

/// How many bytes at the end of `kept` are the start of a character that goes on in `dropped`.
pub(crate) fn split_character(kept: &[u8], dropped: &[u8]) -> usize {
    let tail = &kept[kept.len().saturating_sub(3)..];
    for (back, &byte) in tail.iter().rev().enumerate() {
        let length = match byte {
            0x80..=0xBF => continue,
            0xC2..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF4 => 4,
            _ => return 0,
        };
        let here = back + 1;
        let missing = usize::saturating_sub(length, here);
        let continues = missing > 0
            && !dropped.is_empty()
            && dropped.iter().take(missing).all(|byte| (0x80..=0xBF).contains(byte));
        return if continues { here } else { 0 };
    }
    0
}
