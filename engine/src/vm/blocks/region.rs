//! A region: reserved address space from which blocks are cut.
//!
//! A page has 64 units, and a word of bits per page says which of them are in use. Above the words is a binary tree. Each
//! node has the longest gap of its part of the region and the gaps at its two ends, so the first gap that is long enough
//! is found in one walk down. This bookkeeping lies apart from the blocks: free memory need not be resident, and a write
//! past the end of a block would not reach it.

use std::alloc::{self, Layout};
use std::ptr::NonNull;

use super::large::LARGE;
use super::map;

/// Units of a page.
pub(super) const UNITS: usize = u64::BITS as usize;

/// Gaps of this many units count as equally long, since all blocks are shorter.
pub(super) const LONG: usize = 1 << 11;

/// Changes that are at most this many pages apart are applied to the tree together.
const NEAR: usize = 4;

/// How many pages of all regions hold memory.
#[derive(Debug, Default)]
pub(super) struct Pages {
    /// Pages with at least a part of a block.
    pub(super) busy: usize,
    /// Free pages that were not returned to the system.
    pub(super) idle: usize,
}

/// The free units at the start, in the longest gap and at the end of a part of the region. Each is stored as what it lacks to
/// the whole part, so that zeroed memory is the tree of an empty region.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Gaps {
    first: u16,
    longest: u16,
    last: u16,
}

impl Gaps {
    /// Of one page.
    fn from_word(word: u64) -> Self {
        let missing = |gap: u32| (u64::BITS - gap) as u16;
        let (mut longest, mut gaps) = (0, !word);
        while gaps != 0 {
            gaps >>= gaps.trailing_zeros();
            let gap = gaps.trailing_ones();
            longest = longest.max(gap);
            gaps = gaps.checked_shr(gap).unwrap_or(0);
        }
        Self {
            first: missing(word.trailing_zeros()),
            longest: missing(longest),
            last: missing(word.leading_zeros()),
        }
    }

    /// Of two parts of `units` each.
    fn join(left: Self, right: Self, units: usize) -> Self {
        let is_long = units >= LONG;
        // By how much the whole can be longer than a part.
        let more = if is_long { 0 } else { units as u16 };
        let end = |outer: u16, inner: u16| match outer {
            0 if is_long => 0,
            0 => inner,
            missing => missing + more,
        };
        let across = left.last + right.first;
        let across = if is_long { across.saturating_sub(LONG as u16) } else { across };
        Self {
            first: end(left.first, right.first),
            longest: across.min(left.longest.min(right.longest) + more),
            last: end(right.last, left.last),
        }
    }
}

/// A zeroed slice, whose pages cost nothing until they are used; `None` when there is no memory.
///
/// # Safety
/// Zeros are a `T`.
unsafe fn zeroed<T>(length: usize) -> Option<Box<[T]>> {
    let layout = Layout::array::<T>(length).ok().filter(|layout| layout.size() > 0)?;
    // SAFETY: the size is not 0. A box of a slice has just this layout, and zeros are its contents.
    unsafe {
        let memory = NonNull::new(alloc::alloc_zeroed(layout).cast::<T>())?;
        Some(Box::from_raw(std::ptr::slice_from_raw_parts_mut(memory.as_ptr(), length)))
    }
}

/// The region. In its methods, `first` and `units` are a range of units inside of it.
#[derive(Debug)]
pub(super) struct Region {
    base: NonNull<u8>,
    /// Bytes of a unit, as a power of two.
    shift: u32,
    /// For each page, a bit per unit that is in use.
    words: Box<[u64]>,
    /// Node 1 is the root; below node `n` are `2n` and `2n + 1`; the last half are the pages.
    nodes: Box<[Gaps]>,
    /// A bit for each page: free, but it may hold memory.
    idle: Box<[u64]>,
    /// The first and last page whose nodes are not up to date with the words. Blocks side by side are often allocated and
    /// freed together, and then the tree is updated once.
    stale: Option<(usize, usize)>,
}

impl Region {
    /// `pages` is a power of two, from 64 on.
    pub(super) fn new(pages: usize, shift: u32) -> Option<Self> {
        // SAFETY: zeros are numbers, and gaps.
        let (words, nodes, idle) =
            unsafe { (zeroed::<u64>(pages)?, zeroed::<Gaps>(2 * pages)?, zeroed::<u64>(pages / 64)?) };
        let base = map::reserve(pages.checked_mul(UNITS << shift)?)?;
        Some(Self { base, shift, words, nodes, idle, stale: None })
    }

    fn pages(&self) -> usize {
        self.words.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.pages() * (UNITS << self.shift)
    }

    /// Where a unit is.
    pub(super) fn address(&self, unit: usize) -> NonNull<u8> {
        debug_assert!(unit < self.pages() * UNITS);
        // SAFETY: the unit is inside of the mapping.
        unsafe { self.base.add(unit << self.shift) }
    }

    /// Which unit is at an address, if it is in this region.
    pub(super) fn unit(&self, address: *mut u8) -> Option<usize> {
        let offset = (address as usize).wrapping_sub(self.base.as_ptr() as usize);
        (offset < self.bytes()).then(|| offset >> self.shift)
    }

    /// The first unit of the first gap of at least `units`.
    pub(super) fn find(&mut self, units: usize) -> Option<usize> {
        self.refresh();
        let mut size = self.pages() * UNITS;
        if size.min(LONG) - usize::from(self.nodes[1].longest) < units {
            return None;
        }
        let (mut node, mut start) = (1, 0);
        while node < self.pages() {
            size /= 2;
            let part = size.min(LONG);
            let (left, right) = (self.nodes[2 * node], self.nodes[2 * node + 1]);
            let (last, first) = (part - usize::from(left.last), part - usize::from(right.first));
            node *= 2;
            if part - usize::from(left.longest) >= units {
                continue;
            }
            if last + first >= units {
                return Some(start + size - last);
            }
            node += 1;
            start += size;
        }
        let mut gaps = !self.words[node - self.pages()];
        loop {
            let skipped = gaps.trailing_zeros();
            gaps >>= skipped;
            start += skipped as usize;
            let gap = gaps.trailing_ones();
            if gap as usize >= units {
                return Some(start);
            }
            // The node said that there is a long one: this was not the last.
            gaps >>= gap;
            start += gap as usize;
        }
    }

    /// How many units are free from `first` on, at most `most`.
    pub(super) fn gap(&self, first: usize, most: usize) -> usize {
        let most = most.min(self.pages() * UNITS - first);
        let mut taken = masks(first, most).map(|(page, mask)| (page, self.words[page] & mask));
        let end = taken.find(|(_, taken)| *taken != 0);
        end.map_or(most, |(page, taken)| page * UNITS + taken.trailing_zeros() as usize - first)
    }

    pub(super) fn is_free(&self, first: usize, units: usize) -> bool {
        first + units <= self.pages() * UNITS
            && masks(first, units).all(|(page, mask)| self.words[page] & mask == 0)
    }

    /// Marks free units as in use.
    pub(super) fn claim(&mut self, first: usize, units: usize, pages: &mut Pages) {
        for (page, mask) in masks(first, units) {
            let word = &mut self.words[page];
            debug_assert_eq!(*word & mask, 0, "what is taken is taken again");
            if *word == 0 {
                pages.busy += 1;
                let (idle, bit) = (&mut self.idle[page / 64], 1 << (page % 64));
                pages.idle -= usize::from(*idle & bit != 0);
                *idle &= !bit;
            }
            *word |= mask;
        }
        self.touch(first / UNITS, (first + units - 1) / UNITS);
    }

    /// Marks units in use as free.
    pub(super) fn release(&mut self, first: usize, units: usize, pages: &mut Pages) {
        for (page, mask) in masks(first, units) {
            let word = &mut self.words[page];
            debug_assert_eq!(*word & mask, mask, "what is free is freed again");
            *word &= !mask;
            if *word == 0 {
                pages.busy -= 1;
                pages.idle += 1;
                self.idle[page / 64] |= 1 << (page % 64);
            }
        }
        self.touch(first / UNITS, (first + units - 1) / UNITS);
    }

    /// Notes that the words of these pages have changed.
    fn touch(&mut self, mut first: usize, mut last: usize) {
        if let Some((from, to)) = self.stale {
            if first <= to + NEAR && from <= last + NEAR {
                (first, last) = (first.min(from), last.max(to));
            } else {
                self.refresh();
            }
        }
        self.stale = Some((first, last));
    }

    /// Updates the nodes of changed pages, and those above them.
    fn refresh(&mut self) {
        let Some((first, last)) = self.stale.take() else { return };
        let pages = self.pages();
        for page in first..=last {
            self.nodes[pages + page] = Gaps::from_word(self.words[page]);
        }
        let (mut first, mut last, mut units) = ((pages + first) / 2, (pages + last) / 2, UNITS);
        while first > 0 {
            let mut is_same = true;
            for node in first..=last {
                let below = &self.nodes[2 * node..2 * node + 2];
                let gaps = Gaps::join(below[0], below[1], units);
                is_same &= gaps == self.nodes[node];
                self.nodes[node] = gaps;
            }
            if is_same {
                break;
            }
            (first, last, units) = (first / 2, last / 2, units * 2);
        }
    }

    /// Returns free pages to the system, those at the end first, until at most `keep` of all regions are left.
    pub(super) fn purge(&mut self, keep: usize, pages: &mut Pages) {
        for at in (0..self.idle.len()).rev() {
            while self.idle[at] != 0 && pages.idle > keep {
                let above = self.idle[at].leading_zeros() as usize;
                let run = (self.idle[at] << above).leading_ones() as usize;
                let first = 64 - above - run;
                // SAFETY: in pages of this mapping that are idle, no unit is taken.
                let dropped = unsafe {
                    map::purge(self.address((64 * at + first) * UNITS).as_ptr(), run * (UNITS << self.shift))
                };
                if !dropped {
                    return;
                }
                self.idle[at] &= !(u64::MAX >> (64 - run) << first);
                pages.idle -= run;
            }
        }
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: the mapping is this region's, and its blocks go with the arena.
        unsafe { map::free(self.base.as_ptr(), self.bytes()) };
    }
}

/// For each page that has some of the units: its number, and which.
fn masks(first: usize, units: usize) -> impl Iterator<Item = (usize, u64)> {
    let end = first + units;
    (first / UNITS..end.div_ceil(UNITS)).map(move |page| {
        let from = first.saturating_sub(page * UNITS);
        let to = (end - page * UNITS).min(UNITS);
        (page, u64::MAX << from & u64::MAX >> (UNITS - to))
    })
}

const _: () = assert!(LARGE / 64 <= LONG, "a block is as long as a gap whose length is not known");
