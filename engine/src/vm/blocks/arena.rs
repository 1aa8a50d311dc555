//! An arena for blocks below 128 KiB: a first-fit allocator over regions of address space.

use std::ptr;

use super::region::{Pages, Region, UNITS};

/// Pages of the first region: 1 MiB of 4 KiB each.
const PAGES: usize = 256;

/// Pages of a bump span, which is claimed from a region at once.
const SPAN_PAGES: usize = 32;

/// Units of the largest block that is small.
const SMALL: usize = 4 * UNITS;

/// The arena. Dropping it unmaps all of its blocks.
#[derive(Debug)]
pub(super) struct Arena {
    /// Bytes of a unit, as a power of two. With pages of 4 KiB a unit is 64 bytes.
    shift: u32,
    /// Each is as large as all before it together, unless the system has less address space left.
    regions: Vec<Region>,
    span: BumpSpan,
    /// Bytes of the blocks.
    used: usize,
    pages: Pages,
}

/// Units that are claimed from a region but are in no block yet. Small blocks are cut from its start (bump allocation).
#[derive(Debug, Default)]
struct BumpSpan {
    region: usize,
    first: usize,
    units: usize,
}

impl BumpSpan {
    fn cut(&mut self, units: usize) {
        self.first += units;
        self.units -= units;
    }
}

impl Arena {
    pub(super) fn new(page: usize) -> Self {
        Self {
            shift: (page / UNITS).ilog2(),
            regions: Vec::new(),
            span: BumpSpan::default(),
            used: 0,
            pages: Pages::default(),
        }
    }

    fn page(&self) -> usize {
        UNITS << self.shift
    }

    /// The units of a block of `size` bytes.
    fn units(&self, size: usize) -> usize {
        (size + (1 << self.shift) - 1) >> self.shift
    }

    /// Bytes that a block of `size` bytes takes, rounded up.
    pub(super) fn footprint(&self, size: usize) -> usize {
        self.units(size) << self.shift
    }

    /// Free bytes in pages that also hold blocks.
    pub(super) fn slack(&self) -> usize {
        self.pages.busy * self.page() - self.used
    }

    /// Bytes of free pages that were not returned to the system.
    pub(super) fn idle(&self) -> usize {
        self.pages.idle * self.page()
    }

    /// Returns free pages to the system until at most `keep` bytes of them are left.
    pub(super) fn purge(&mut self, keep: usize) {
        self.end_span();
        let keep = keep / self.page();
        for region in self.regions.iter_mut().rev() {
            region.purge(keep, &mut self.pages);
        }
    }

    /// Null when there is no memory. `size` is not 0.
    pub(super) fn allocate(&mut self, size: usize) -> *mut u8 {
        let units = self.units(size);
        let found = if units > SMALL {
            self.find(units).inspect(|&(region, first)| {
                self.regions[region].claim(first, units, &mut self.pages);
            })
        } else {
            self.cut(units)
        };
        let Some((region, first)) = found else { return ptr::null_mut() };
        self.used += units << self.shift;
        self.regions[region].address(first).as_ptr()
    }

    /// Cuts `units` from the start of the span, or of a new one.
    fn cut(&mut self, units: usize) -> Option<(usize, usize)> {
        if units > self.span.units {
            self.end_span();
            let (at, first) = self.find(units)?;
            let region = &mut self.regions[at];
            let gap = region.gap(first, SPAN_PAGES * UNITS);
            region.claim(first, gap, &mut self.pages);
            self.span = BumpSpan { region: at, first, units: gap };
        }
        let found = (self.span.region, self.span.first);
        self.span.cut(units);
        Some(found)
    }

    /// Releases the rest of the span.
    fn end_span(&mut self) {
        let BumpSpan { region, first, units } = std::mem::take(&mut self.span);
        if units > 0 {
            self.regions[region].release(first, units, &mut self.pages);
        }
    }

    /// The first gap of at least `units`: its region and first unit.
    fn find(&mut self, units: usize) -> Option<(usize, usize)> {
        let search = |regions: &mut Vec<Region>| {
            let mut regions = regions.iter_mut().enumerate();
            regions.find_map(|(at, region)| Some((at, region.find(units)?)))
        };
        let found = search(&mut self.regions);
        if found.is_some() {
            return found;
        }
        self.end_span();
        search(&mut self.regions).or_else(|| Some((self.grow(units)?, 0)))
    }

    /// Adds a region that can hold `units`; returns its index.
    fn grow(&mut self, units: usize) -> Option<usize> {
        self.regions.try_reserve(1).ok()?;
        let least = units.div_ceil(UNITS).next_power_of_two().max(PAGES);
        let mut pages = least << self.regions.len().saturating_sub(1);
        let region = loop {
            match Region::new(pages, self.shift) {
                Some(region) => break region,
                None if pages > least => pages /= 2,
                None => return None,
            }
        };
        self.regions.push(region);
        Some(self.regions.len() - 1)
    }

    /// Null when there is no memory: the block is then as it was. It stays where it is if it can.
    ///
    /// # Safety
    /// The block is one of `old` bytes from here, and not used after this unless it is returned; `new` is not 0.
    pub(super) unsafe fn resize(&mut self, block: *mut u8, old: usize, new: usize) -> *mut u8 {
        let (from, to) = (self.units(old), self.units(new));
        let (region, first) = self.locate(block);
        if to <= from {
            if to < from {
                self.regions[region].release(first + to, from - to, &mut self.pages);
                self.used -= (from - to) << self.shift;
            }
            return block;
        }
        let (end, more) = (first + from, to - from);
        let is_before_span = region == self.span.region && end == self.span.first;
        if is_before_span && more <= self.span.units {
            self.span.cut(more);
            self.used += more << self.shift;
            return block;
        }
        if self.regions[region].is_free(end, more) {
            self.regions[region].claim(end, more, &mut self.pages);
            self.used += more << self.shift;
            return block;
        }
        let moved = self.allocate(new);
        if !moved.is_null() {
            // SAFETY: both are blocks of at least `old` bytes, and the new one was free.
            unsafe {
                ptr::copy_nonoverlapping(block, moved, old);
                self.free(block, old);
            }
        }
        moved
    }

    /// # Safety
    /// The block is one of `size` bytes from here, and not used after this.
    pub(super) unsafe fn free(&mut self, block: *mut u8, size: usize) {
        let units = self.units(size);
        let (region, first) = self.locate(block);
        self.regions[region].release(first, units, &mut self.pages);
        self.used -= units << self.shift;
    }

    /// The region that has a block, and its first unit there.
    fn locate(&self, block: *mut u8) -> (usize, usize) {
        let mut regions = self.regions.iter().enumerate().rev();
        regions.find_map(|(at, region)| Some((at, region.unit(block)?))).expect("a block of this arena")
    }
}

#[cfg(test)]
mod tests {
    use super::super::map;
    use super::*;

    struct TestBlock {
        at: *mut u8,
        size: usize,
        seed: u8,
    }

    impl TestBlock {
        fn fill(&self) {
            for index in 0..self.size {
                // SAFETY: inside of the block.
                unsafe { self.at.add(index).write(self.byte(index)) };
            }
        }

        fn byte(&self, index: usize) -> u8 {
            self.seed.wrapping_add((index / 7) as u8)
        }

        /// Its first `size` bytes are as they were filled.
        fn check(&self, size: usize) {
            for index in 0..size {
                // SAFETY: inside of the block.
                assert_eq!(unsafe { self.at.add(index).read() }, self.byte(index), "byte {index} of {size}");
            }
        }
    }

    /// What the blocks take, and the pages that they are in.
    fn expect(arena: &Arena, blocks: &[TestBlock]) {
        let (mut used, mut pages, mut ends) = (0, Vec::new(), Vec::new());
        // Pages are the regions': where a test has larger ones than the system, a region may begin within one of those.
        let pages_of = |start: usize, end: usize| {
            let region = arena.locate(start as *mut u8).0;
            let unit = |at: usize| arena.regions[region].unit(at as *mut u8).expect("in one region");
            (unit(start) / UNITS..=unit(end - 1) / UNITS).map(move |page| (region, page))
        };
        for block in blocks {
            let (start, taken) = (block.at as usize, arena.footprint(block.size));
            assert!(start.is_multiple_of(16) && taken >= block.size);
            used += taken;
            pages.extend(pages_of(start, start + taken));
            ends.push((start, start + taken));
        }
        if arena.span.units > 0 {
            let start = arena.regions[arena.span.region].address(arena.span.first).as_ptr() as usize;
            let end = start + (arena.span.units << arena.shift);
            pages.extend(pages_of(start, end));
            ends.push((start, end));
        }
        ends.sort_unstable();
        assert!(ends.windows(2).all(|pair| pair[0].1 <= pair[1].0), "blocks overlap");
        pages.sort_unstable();
        pages.dedup();
        assert_eq!((arena.used, arena.pages.busy), (used, pages.len()));
    }

    /// Pages of the regions that hold memory, by the system's count.
    fn resident(arena: &Arena) -> usize {
        let mut resident = vec![0_u8; 1 << 16];
        let mut count = 0;
        for region in &arena.regions {
            let bytes = region.bytes();
            assert!(bytes / map::page() <= resident.len());
            let (start, flags) = (region.address(0).as_ptr().cast(), resident.as_mut_ptr());
            // SAFETY: the mapping is the region's, and there is a byte for each page of it.
            assert_eq!(unsafe { libc::mincore(start, bytes, flags) }, 0);
            count += resident[..bytes / map::page()].iter().filter(|page| **page & 1 == 1).count();
        }
        count
    }

    #[test]
    fn blocks_keep_their_contents_and_are_counted_whatever_comes_and_goes() {
        for (seed, largest, page) in [
            (1, 2000, 4096),
            (2, 20_000, 4096),
            (3, (128 << 10) - 1, 4096),
            (4, 64, 4096),
            (5, 100_000, 1 << 16),
        ] {
            let page = page.max(map::page());
            let mut random = fastrand::Rng::with_seed(seed);
            let mut arena = Arena::new(page);
            let mut blocks: Vec<TestBlock> = Vec::new();
            for step in 0..3000 {
                // Grows, then shrinks, so that there are many holes.
                let grows = if step / 500 % 2 == 0 { 6 } else { 3 };
                match random.usize(..10) {
                    choice if choice < grows || blocks.is_empty() => {
                        let size = random.usize(1..=largest);
                        let block = TestBlock { at: arena.allocate(size), size, seed: random.u8(..) };
                        block.fill();
                        blocks.push(block);
                    }
                    9 => {
                        let at = random.usize(..blocks.len());
                        let block = &mut blocks[at];
                        let (old, size) = (block.size, random.usize(1..=largest));
                        // SAFETY: the block is one of `old` bytes.
                        block.at = unsafe { arena.resize(block.at, old, size) };
                        block.check(old.min(size));
                        block.size = size;
                        block.fill();
                    }
                    _ => {
                        let block = blocks.swap_remove(random.usize(..blocks.len()));
                        block.check(block.size);
                        // SAFETY: the block is one of this size.
                        unsafe { arena.free(block.at, block.size) };
                    }
                }
                if step % 200 == 0 {
                    arena.purge(random.usize(..4 * page));
                    assert!(arena.idle() < 4 * page);
                }
                if step % 100 == 0 {
                    expect(&arena, &blocks);
                    // No page holds memory that is not counted.
                    assert!(resident(&arena) * map::page() <= (arena.pages.busy + arena.pages.idle) * page);
                }
            }
            for block in blocks.drain(..) {
                block.check(block.size);
                // SAFETY: the block is one of this size.
                unsafe { arena.free(block.at, block.size) };
            }
            expect(&arena, &blocks);
            arena.purge(0);
            assert_eq!((arena.slack(), arena.idle(), resident(&arena)), (0, 0, 0));
        }
    }

    #[test]
    fn a_hole_is_used_again_and_a_block_grows_where_it_is() {
        let mut arena = Arena::new(map::page());
        let blocks: Vec<_> = (0..100).map(|_| arena.allocate(5000)).collect();
        // SAFETY: blocks of these sizes, none used after it was given back.
        unsafe {
            for at in [40, 41, 42, 7, 8] {
                arena.free(blocks[at], 5000);
            }
            arena.end_span();
            assert_eq!(arena.allocate(10_000), blocks[7]);
            assert_eq!(arena.allocate(10_001), blocks[40]);
            assert_eq!(arena.resize(blocks[40], 10_001, 15_000), blocks[40]);
            assert_ne!(arena.resize(blocks[40], 15_000, 15_200), blocks[40]);
            arena.end_span();
            assert_eq!(arena.allocate(4000), blocks[40]);
        }
    }

    /// In a process of its own, since its address space ends.
    #[test]
    fn where_the_system_has_no_memory_there_is_no_block() {
        let mut arena = Arena::new(map::page());
        let first = arena.allocate(1000);
        // SAFETY: the child calls nothing but the arena and the system, and ends without the parent's cleaning up.
        unsafe {
            let child = libc::fork();
            if child == 0 {
                let none = libc::rlimit { rlim_cur: 1 << 20, rlim_max: 1 << 20 };
                libc::setrlimit(libc::RLIMIT_AS, &raw const none);
                let mut blocks = 1;
                while !arena.allocate(100_000).is_null() && blocks < 100 {
                    blocks += 1;
                }
                let moved = arena.resize(first, 1000, 120_000);
                arena.free(first, 1000);
                let again = arena.allocate(1000);
                libc::_exit(i32::from(blocks != 11 || !moved.is_null() || again != first));
            }
            let mut status = 0;
            assert_eq!(libc::waitpid(child, &raw mut status, 0), child);
            assert_eq!(status, 0);
        }
    }
}
