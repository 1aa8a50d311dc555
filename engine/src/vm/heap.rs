//! The VM's allocator: counts every byte that Luau takes from the system, caps it, and asks for collections in time.
//!
//! Luau's own collector runs by itself only when `GCthreshold` is reached; here it never is. Instead this allocator
//! watches what is really taken (pages and blocks, not objects): past a soft limit it asks for a full collection at
//! the VM's next safe point, past the cap it refuses. A full collection of an idle VM takes 5 µs, of 57 MiB 14 ms.
//!
//! What the process holds for a VM is what is used, what is wasted between blocks, and free pages that were not given back
//! yet. It is at most the cap, [`WASTE`] and [`IDLE`], whatever holes a script makes.

use std::cell::{Cell, RefCell};
use std::ffi::c_void;
use std::ptr;

use super::blocks::Blocks;

/// What makes a block large, in bytes: its memory is the larger part of what it costs.
pub(super) const LARGE: usize = 128 << 10;

/// What may be free in pages that are not, in bytes. More of it counts as used.
const WASTE: usize = 12 << 20;

/// Free pages that are kept for later blocks where memory is short, in bytes.
const IDLE: usize = 4 << 20;

/// Free pages that a VM keeps from run to run, in bytes.
const IDLE_BETWEEN_RUNS: usize = 1 << 20;

/// Garbage that an idle VM may hold before it is collected, in bytes: some hundreds of short runs.
const IDLE_GARBAGE: usize = 1 << 20;

/// What is kept of the memory limit, in bytes, for what follows a refusal until the next collection: the telling of
/// the error, or the going on of a script that caught it. Of a small limit an eighth.
const RESERVE: usize = 64 << 10;

/// Byte counts of one VM. All in bytes.
#[derive(Debug, Default)]
pub(super) struct Heap {
    blocks: RefCell<Blocks>,
    /// Blocks, and what is [`charge`](Self::charge)d.
    used: Cell<usize>,
    /// What is wasted beyond [`WASTE`].
    excess: Cell<usize>,
    peak: Cell<usize>,
    /// What was used when the run began.
    start: Cell<usize>,
    /// What the VM holds with no run in it: library and loaded scripts.
    base: Cell<usize>,
    limit: Cell<usize>,
    soft: Cell<usize>,
    cap: Cell<usize>,
    /// A collection is due at the next safe point.
    pub(super) collect: Cell<bool>,
    /// A collection is under way: nothing is refused. It allocates to make tables smaller, and would raise where nobody
    /// catches: between runs, and below a host's function.
    pub(super) collecting: Cell<bool>,
    /// An allocation was refused since [`Heap::begin`].
    pub(super) refused: Cell<bool>,
    /// Allocations until one is refused, for tests of what a failure leaves behind.
    #[cfg(test)]
    pub(super) fail_after: Cell<Option<usize>>,
}

impl Heap {
    /// No limits: for building the VM.
    pub(super) fn unlimited() -> Self {
        let heap = Self::default();
        heap.limit.set(usize::MAX);
        heap.soft.set(usize::MAX);
        heap.cap.set(usize::MAX);
        heap
    }

    /// Takes what is used now as the base that runs grow from.
    pub(super) fn set_base(&self) {
        self.base.set(self.used.get());
    }

    /// Counts what was loaded for good into the base.
    pub(super) fn raise_base(&self, bytes: usize) {
        self.base.set(self.base.get() + bytes);
        self.cap.set(self.cap.get().saturating_add(bytes));
        self.soft.set(self.soft.get().saturating_add(bytes));
        self.start.set(self.start.get() + bytes);
    }

    /// Counts what was loaded in place of something else of `old` bytes, which is garbage now.
    pub(super) fn rebase(&self, old: usize, new: usize) {
        self.raise_base(new);
        self.base.set(self.base.get().saturating_sub(old));
        self.cap.set(self.cap.get().saturating_sub(old));
        self.soft.set(self.soft.get().saturating_sub(old));
    }

    pub(super) fn used(&self) -> usize {
        self.used.get()
    }

    /// What the limits are about.
    fn weight(&self) -> usize {
        self.used.get() + self.excess.get()
    }

    /// Sets the limit for a run. Returns whether garbage of earlier runs should be collected first.
    pub(super) fn begin(&self, limit: usize) -> bool {
        self.refused.set(false);
        self.limit.set(limit);
        self.close_reserve();
        self.soft.set(self.base.get().saturating_add(soft_growth(0, limit)));
        self.weight() > self.soft.get()
    }

    /// Measures growth from here.
    pub(super) fn mark(&self) {
        self.start.set(self.used.get());
        self.peak.set(self.used.get());
    }

    /// The highest growth since [`mark`](Self::mark), without what was loaded for good.
    pub(super) fn grown(&self) -> usize {
        self.peak.get().saturating_sub(self.start.get())
    }

    /// A full collection was made: the next is due when as much again was allocated, or when the limit nears.
    pub(super) fn collected(&self) {
        self.collect.set(false);
        let growth = self.weight().saturating_sub(self.base.get());
        self.soft.set(self.base.get().saturating_add(soft_growth(growth, self.limit.get())));
        // Not while what is alive reaches into it: a register of the script may still hold what it let go of.
        if growth <= self.limit.get() - 2 * self.reserve() {
            self.close_reserve();
        }
    }

    /// Whether the VM may have `more` bytes.
    fn may_grow(&self, more: usize) -> bool {
        let may = self.has_room(more);
        #[cfg(test)]
        if let Some(left) = self.fail_after.get() {
            self.fail_after.set(Some(left.saturating_sub(1)));
        }
        may
    }

    /// Whether `more` bytes still fit under the cap.
    pub(super) fn has_room(&self, more: usize) -> bool {
        #[cfg(test)]
        if self.fail_after.get() == Some(0) {
            return false;
        }
        self.weight().saturating_add(more) <= self.cap.get()
    }

    fn reserve(&self) -> usize {
        RESERVE.min(self.limit.get() / 8)
    }

    fn close_reserve(&self) {
        self.cap.set(self.base.get().saturating_add(self.limit.get() - self.reserve()));
    }

    /// From now until the next collection, the whole limit may be used.
    pub(super) fn open_reserve(&self) {
        self.cap.set(self.base.get().saturating_add(self.limit.get()));
    }

    /// Whether there is more garbage than an idle VM may hold.
    pub(super) fn is_untidy(&self) -> bool {
        self.used.get() > self.base.get().saturating_add(IDLE_GARBAGE)
    }

    /// Counts memory outside the VM's heap that a script makes us hold; `false` when it is over the cap.
    #[must_use]
    pub(super) fn charge(&self, bytes: usize) -> bool {
        let fits = self.has_room(bytes);
        if fits {
            self.grow(bytes, &mut self.blocks.borrow_mut());
        } else {
            self.refused.set(true);
        }
        fits
    }

    /// Gives back what was [`charge`](Self::charge)d.
    pub(super) fn release(&self, bytes: usize) {
        self.used.set(self.used.get() - bytes);
    }

    fn grow(&self, bytes: usize, blocks: &mut Blocks) {
        let used = self.used.get() + bytes;
        self.used.set(used);
        if used > self.peak.get() {
            self.peak.set(used);
        }
        self.weigh(blocks);
        // What is freed adds to the idle pages what it takes from the rest: so to look here is enough.
        let idle = blocks.idle();
        if idle > IDLE && used + blocks.waste() + idle > self.cap.get().saturating_add(WASTE - IDLE) {
            blocks.purge(IDLE / 2);
        }
    }

    fn shrink(&self, bytes: usize, blocks: &Blocks) {
        self.used.set(self.used.get() - bytes);
        self.weigh(blocks);
    }

    fn weigh(&self, blocks: &Blocks) {
        self.excess.set(blocks.waste().saturating_sub(WASTE));
    }

    /// Gives back what an idle VM need not hold.
    pub(super) fn rest(&self) {
        let mut blocks = self.blocks.borrow_mut();
        if blocks.idle() > IDLE_BETWEEN_RUNS {
            blocks.purge(IDLE_BETWEEN_RUNS);
        }
    }

    /// Whether this allocation put the VM over the soft limit for the first time since the last collection.
    fn due(&self) -> bool {
        self.weight() > self.soft.get() && !self.collect.replace(true)
    }
}

/// How much over the base a heap may grow before the next full collection, when `live` bytes over the base were alive
/// at the last one.
///
/// Up to a quarter of the limit alive: at most to half the limit, so that one operation of the VM, which can't collect
/// before it allocates, has the other half. Beyond: a quarter of what is left, or collections would follow each other.
fn soft_growth(live: usize, limit: usize) -> usize {
    if live <= limit / 4 {
        live.saturating_mul(2).max(IDLE_GARBAGE).min(limit / 2)
    } else {
        live + (limit.saturating_sub(live) / 4).max(4096)
    }
}

/// Luau's allocator. `data` is the VM's [`Control`](super::control::Control).
///
/// # Safety
/// `data` is the pointer given to `lua_newstate`, to a live `Control`; `block` came from here with `old` bytes, or is
/// null with `old` 0.
pub(super) unsafe extern "C" fn allocate(
    data: *mut c_void,
    block: *mut c_void,
    old: usize,
    new: usize,
) -> *mut c_void {
    // SAFETY: by this function's contract.
    let control = unsafe { &*data.cast::<super::control::Control>() };
    let heap = &control.heap;
    let mut blocks = heap.blocks.borrow_mut();
    let had = if block.is_null() || old == 0 { 0 } else { blocks.taken(old) };
    if new == 0 {
        if had > 0 {
            // SAFETY: allocated below with this size.
            unsafe { blocks.give_back(block.cast(), old) };
            heap.shrink(had, &blocks);
        }
        return ptr::null_mut();
    }
    let needed = blocks.taken(new);
    if needed > had && !heap.collecting.get() {
        if !heap.may_grow(needed - had) {
            heap.refused.set(true);
            heap.open_reserve();
            control.request_collection();
            return ptr::null_mut();
        }
        // A single instruction of a script, at which nothing looks, can take this much: were there many in a row, they
        // would outlive the deadline together.
        if new >= LARGE && control.should_stop() {
            return ptr::null_mut();
        }
    }
    // SAFETY: by this function's contract, `block` came from here with `old` bytes; neither size is 0 where it counts.
    let result = unsafe { if had == 0 { blocks.take(new) } else { blocks.resize(block.cast(), old, new) } };
    if result.is_null() {
        heap.refused.set(true);
        return ptr::null_mut();
    }
    if needed >= had {
        heap.grow(needed - had, &mut blocks);
        if heap.due() {
            control.request_collection();
        }
    } else {
        heap.shrink(had - needed, &blocks);
    }
    result.cast()
}
