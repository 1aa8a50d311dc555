//! The VM's allocator, and the accounting of a run's memory.
//!
//! There are two counts, for two guarantees. The memory of a *run* is the bytes of the objects that it allocated. Past a
//! soft limit (the alarm), a full collection is made at the next safepoint; past the cap, an allocation is refused. This
//! count depends on the run alone, so that no run can find out what an earlier one left behind. The memory of the
//! *process* is the pages and blocks committed to the VM, which a script can fragment. It has a cap of its own: the
//! limit, and what pages take beyond the objects in them ([`page_overhead`]).
//!
//! Luau's collector never starts by itself. A full collection of an idle VM takes 5 µs, one of 57 MiB takes 14 ms.

use std::cell::{Cell, RefCell};
use std::ffi::{c_int, c_void};
use std::ptr;

use mlua::ffi::lua_State;
use perilune_luau::Meter;

use super::blocks::Blocks;
use super::blocks::large::LARGE;

/// Slack (free bytes in pages that also hold blocks) that is tolerated. Slack beyond this counts as committed.
const MAX_SLACK: usize = 12 << 20;

/// Bytes of free pages that are kept for later blocks even when memory is short.
const MAX_IDLE: usize = 4 << 20;

/// Bytes of free pages that a VM keeps from run to run.
const IDLE_BETWEEN_RUNS: usize = 1 << 20;

/// Bytes of garbage that an idle VM may hold before it is tidied: that of some hundreds of short runs.
const IDLE_GARBAGE: usize = 1 << 20;

/// The reserve: bytes of the memory limit that can be used only after an allocation was refused, until the next collection.
/// They are for reporting the error, or for a script that caught it and goes on. Of a small limit it is an eighth.
const RESERVE: usize = 64 << 10;

/// What Luau calls before a run's objects exceed the alarm: whether `more` bytes may be allocated.
pub(super) type Alarm = unsafe extern "C" fn(state: *mut lua_State, more: usize) -> c_int;

/// Byte counts of one VM. All in bytes.
#[derive(Debug)]
pub(super) struct Heap {
    blocks: RefCell<Blocks>,
    /// The VM, once it is created.
    state: Cell<*mut lua_State>,
    meter: Cell<*mut Meter>,
    /// Bytes of pages and blocks that hold memory for the VM, and what was [`charge`](Self::charge)d.
    committed: Cell<usize>,
    /// Slack beyond [`MAX_SLACK`].
    excess_slack: Cell<usize>,
    /// The cap of `committed` and `excess_slack` together.
    max_committed: Cell<usize>,
    /// What the base takes of `committed`.
    base_committed: Cell<usize>,
    /// The base, in bytes of objects: what there is with no run in the VM, which is the library and the loaded scripts.
    base: Cell<usize>,
    /// The count that the run's growth is relative to: at its beginning what there was then, and the base once a collection
    /// has freed the garbage of earlier runs.
    start: Cell<usize>,
    /// The highest known growth of the run.
    peak: Cell<usize>,
    limit: Cell<usize>,
    soft: Cell<usize>,
    cap: Cell<usize>,
    is_reserve_open: Cell<bool>,
    /// A collection is due at the next safepoint.
    is_collection_due: Cell<bool>,
    /// A collection is under way, in which no allocation is refused. The collector allocates to shrink tables, and an error
    /// would be raised where nothing catches it: between runs, and below a host function.
    pub(super) is_collecting: Cell<bool>,
    /// An allocation was refused since [`Heap::begin`].
    pub(super) has_refused: Cell<bool>,
    /// Allocations until one is refused, for tests of what a failure leaves behind.
    #[cfg(test)]
    pub(super) fail_after: Cell<Option<usize>>,
}

/// While this lives, strings are charged to no run. It restores the number of the run.
struct BaseLoad<'a>(&'a Heap, u16);

impl Drop for BaseLoad<'_> {
    fn drop(&mut self) {
        self.0.with_meter(|meter| meter.run = self.1);
    }
}

impl Heap {
    /// Without limits, for building the VM.
    pub(super) fn unlimited() -> Self {
        Self {
            blocks: RefCell::default(),
            state: Cell::new(ptr::null_mut()),
            meter: Cell::new(ptr::null_mut()),
            committed: Cell::new(0),
            excess_slack: Cell::new(0),
            max_committed: Cell::new(usize::MAX),
            base_committed: Cell::new(0),
            base: Cell::new(0),
            start: Cell::new(0),
            peak: Cell::new(0),
            limit: Cell::new(usize::MAX),
            soft: Cell::new(usize::MAX),
            cap: Cell::new(usize::MAX),
            is_reserve_open: Cell::new(false),
            is_collection_due: Cell::new(false),
            is_collecting: Cell::new(false),
            has_refused: Cell::new(false),
            #[cfg(test)]
            fail_after: Cell::new(None),
        }
    }

    /// From here on objects are counted, and Luau calls `on_alarm` before they exceed the alarm.
    ///
    /// # Safety
    /// `state` is the VM whose allocator this is, and is live as long as anything is asked of this.
    pub(super) unsafe fn connect(&self, state: *mut lua_State, on_alarm: Alarm) {
        // SAFETY: by this function's contract.
        self.meter.set(unsafe { perilune_luau::perilune_meter(state) });
        self.state.set(state);
        self.with_meter(|meter| meter.on_alarm = Some(on_alarm));
    }

    /// `change` must call nothing of the VM.
    fn with_meter<T>(&self, change: impl FnOnce(&mut Meter) -> T) -> T {
        // SAFETY: connected to a live VM, on its thread; nobody else has a reference, and Luau touches it only when called.
        change(unsafe { &mut *self.meter.get() })
    }

    /// Bytes of all objects, and of what is counted beside them.
    fn allocated(&self) -> usize {
        // SAFETY: connected to a live VM, whose number this is.
        self.with_meter(|meter| unsafe { *meter.objects }.wrapping_add(meter.extra))
    }

    /// Counts `new` bytes beside the objects, instead of `old`.
    fn count(&self, old: usize, new: usize) {
        self.with_meter(|meter| meter.extra = meter.extra.wrapping_add(new).wrapping_sub(old));
        self.set_alarm();
    }

    /// Makes what there is now the base. A full collection must have been made just before.
    ///
    /// # Safety
    /// As [`trim_stack`](Self::trim_stack).
    pub(super) unsafe fn set_base(&self) {
        // SAFETY: by this function's contract.
        unsafe { self.trim_stack() };
        self.base.set(self.allocated());
        self.base_committed.set(self.committed.get());
    }

    /// Calls `load`, and adds what it allocates to the base instead of to the run. `replaced` bytes of the base become garbage
    /// by it. Returns the result of `load`, and how many bytes it allocated.
    pub(super) fn load_into_base<T>(&self, replaced: usize, load: impl FnOnce() -> T) -> (T, usize) {
        let (taken, committed) = (self.allocated(), self.committed.get());
        let run = self.with_meter(|meter| std::mem::take(&mut meter.run));
        let restore = BaseLoad(self, run);
        let loaded = load();
        drop(restore);
        let bytes = self.allocated().saturating_sub(taken);
        self.base.set((self.base.get() + bytes).saturating_sub(replaced));
        for count in [&self.start, &self.soft, &self.cap] {
            count.set(count.get().saturating_add(bytes));
        }
        let more = self.committed.get().saturating_sub(committed);
        self.base_committed.set(self.base_committed.get() + more);
        self.max_committed.set(self.max_committed.get().saturating_add(more));
        self.set_alarm();
        (loaded, bytes)
    }

    /// A run with this limit begins.
    pub(super) fn begin(&self, limit: usize) {
        self.has_refused.set(false);
        self.is_collection_due.set(false);
        self.limit.set(limit);
        self.start.set(self.allocated());
        self.peak.set(0);
        self.soft.set(self.start.get().saturating_add(soft_growth(0, limit)));
        self.is_reserve_open.set(false);
        self.set_cap();
        self.max_committed
            .set(self.base_committed.get().saturating_add(limit).saturating_add(page_overhead(limit)));
        self.with_meter(|meter| meter.run = meter.run.saturating_add(1));
    }

    /// Whether the run was the last that has a number of its own: by the number of an earlier one, the next would be told what that one made.
    pub(super) fn is_used_up(&self) -> bool {
        self.with_meter(|meter| meter.run == u16::MAX)
    }

    /// The highest known growth of the run. It is observed at the end of the run, at collections, and at the alarm.
    pub(super) fn peak_growth(&self) -> usize {
        self.observe(0);
        self.peak.get()
    }

    fn observe(&self, more: usize) {
        let growth = self.allocated().saturating_add(more).saturating_sub(self.start.get());
        self.peak.set(self.peak.get().max(growth));
    }

    /// A full collection begins.
    pub(super) fn begin_collection(&self) {
        self.observe(0);
        self.is_collection_due.set(false);
        self.is_collecting.set(true);
    }

    /// A full collection was made. The next one is due when as much again was allocated, or when the limit is near.
    pub(super) fn end_collection(&self) {
        self.is_collecting.set(false);
        // What was there before the run is freed now, or is part of the base.
        self.with_meter(|meter| meter.extra = meter.extra.wrapping_sub(std::mem::take(&mut meter.touched)));
        self.start.set(self.base.get());
        let growth = self.allocated().saturating_sub(self.base.get());
        self.soft.set(self.base.get().saturating_add(soft_growth(growth, self.limit.get())));
        // The reserve stays open while live data reaches into it: a register may still hold what the script released.
        if growth <= self.limit.get() - 2 * self.reserve() {
            self.is_reserve_open.set(false);
        }
        self.set_cap();
    }

    /// Whether a collection is due.
    pub(super) fn is_collection_due(&self) -> bool {
        self.is_collection_due.get()
    }

    /// Makes a collection due; returns whether none was.
    pub(super) fn make_collection_due(&self) -> bool {
        let is_new = !self.is_collection_due.replace(true);
        self.set_alarm();
        is_new
    }

    /// Whether `more` bytes still fit under the cap.
    pub(super) fn has_room(&self, more: usize) -> bool {
        #[cfg(test)]
        if self.fail_after.get() == Some(0) {
            return false;
        }
        self.allocated().saturating_add(more) <= self.cap.get()
    }

    /// Whether `more` bytes may be committed.
    fn can_commit(&self, more: usize) -> bool {
        #[cfg(test)]
        if let Some(left) = self.fail_after.get() {
            self.fail_after.set(Some(left.saturating_sub(1)));
            if left == 0 {
                return false;
            }
        }
        self.committed.get() + self.excess_slack.get() + more <= self.max_committed.get()
    }

    fn reserve(&self) -> usize {
        RESERVE.min(self.limit.get() / 8)
    }

    fn set_cap(&self) {
        let reserve = if self.is_reserve_open.get() { 0 } else { self.reserve() };
        self.cap.set(self.start.get().saturating_add(self.limit.get() - reserve));
        self.set_alarm();
    }

    fn set_alarm(&self) {
        let alarm =
            if self.is_collection_due.get() { self.cap.get() } else { self.soft.get().min(self.cap.get()) };
        // `extra` may be negative.
        self.with_meter(|meter| meter.alarm = alarm.saturating_sub_signed(meter.extra.cast_signed()));
    }

    /// Notes that an allocation is refused, and opens the reserve until the next collection.
    fn refuse(&self) {
        self.has_refused.set(true);
        self.is_reserve_open.set(true);
        self.set_cap();
    }

    /// Whether there is more garbage than an idle VM may hold.
    pub(super) fn is_untidy(&self) -> bool {
        self.committed.get() > self.base_committed.get().saturating_add(IDLE_GARBAGE)
    }

    /// Charges memory outside of the VM's heap to the run; `false`, and nothing is charged, when it is over the cap.
    #[must_use]
    pub(super) fn charge(&self, bytes: usize) -> bool {
        let fits = self.has_room(bytes);
        if fits {
            self.count(0, bytes);
            self.observe(0);
            self.recommit(0, bytes, &mut self.blocks.borrow_mut());
        } else {
            self.has_refused.set(true);
        }
        fits
    }

    /// Luau's allocator (`lua_Alloc`). `should_stop` returns whether the run must end.
    ///
    /// # Safety
    /// `block` came from here with `old` bytes, or is null with `old` 0.
    #[inline]
    pub(super) unsafe fn allocate(
        &self,
        block: *mut c_void,
        old: usize,
        new: usize,
        should_stop: impl FnOnce() -> bool,
        request_collection: impl FnOnce(),
    ) -> *mut c_void {
        let mut blocks = self.blocks.borrow_mut();
        let had = if block.is_null() || old == 0 { 0 } else { blocks.footprint(old) };
        if new == 0 {
            if had > 0 {
                // SAFETY: allocated below with this size.
                unsafe { blocks.free(block.cast(), old) };
                self.recommit(had, 0, &mut blocks);
            }
            return ptr::null_mut();
        }
        let needed = blocks.footprint(new);
        if needed > had && !self.is_collecting.get() {
            if !self.can_commit(needed - had) {
                self.refuse();
                request_collection();
                return ptr::null_mut();
            }
            // One instruction can allocate a large block without passing a safepoint, and many such in a row would outlive the
            // deadline.
            if new >= LARGE && should_stop() {
                self.refuse();
                return ptr::null_mut();
            }
        }
        // SAFETY: by this function's contract, `block` came from here with `old` bytes; neither size is 0 where it counts.
        let result =
            unsafe { if had == 0 { blocks.allocate(new) } else { blocks.resize(block.cast(), old, new) } };
        if result.is_null() {
            self.refuse();
            return ptr::null_mut();
        }
        self.recommit(had, needed, &mut blocks);
        result.cast()
    }

    /// Whether the run may allocate `more` bytes beyond the alarm. The caller makes a collection due.
    pub(super) fn may_take(&self, more: usize) -> bool {
        let fits = self.has_room(more);
        if fits {
            self.observe(more);
        } else {
            self.refuse();
        }
        fits
    }

    /// Resizes a block of scratch memory; from 0 bytes it is allocated, to 0 bytes freed. Returns null, and leaves the block as it
    /// was, when that would be over the cap, or when the system has no memory.
    ///
    /// # Safety
    /// The block is one of `old` bytes from here, or null with 0, and not used after this unless it is returned.
    pub(super) unsafe fn resize_scratch(&self, block: *mut u8, old: usize, new: usize) -> *mut u8 {
        let mut blocks = self.blocks.borrow_mut();
        let had = if old == 0 { 0 } else { blocks.footprint(old) };
        if new == 0 {
            if old > 0 {
                self.count(old, 0);
                // SAFETY: by this function's contract.
                unsafe { blocks.free(block, old) };
                self.recommit(had, 0, &mut blocks);
            }
            return ptr::null_mut();
        }
        let needed = blocks.footprint(new);
        let fits = new <= old || self.has_room(new - old) && self.can_commit(needed.saturating_sub(had));
        let result = if !fits {
            ptr::null_mut()
        } else if old == 0 {
            // SAFETY: the new size is not 0.
            unsafe { blocks.allocate(new) }
        } else {
            // SAFETY: by this function's contract; neither size is 0.
            unsafe { blocks.resize(block, old, new) }
        };
        if result.is_null() {
            self.has_refused.set(true);
            return result;
        }
        self.count(old, new);
        self.observe(0);
        self.recommit(had, needed, &mut blocks);
        result
    }

    /// Takes back a [`charge`](Self::charge).
    pub(super) fn release(&self, bytes: usize) {
        self.count(bytes, 0);
        self.committed.set(self.committed.get() - bytes);
    }

    /// Counts a block of `new` bytes instead of one of `old`.
    #[inline]
    fn recommit(&self, old: usize, new: usize, blocks: &mut Blocks) {
        let committed = self.committed.get() + new - old;
        self.committed.set(committed);
        self.excess_slack.set(blocks.slack().saturating_sub(MAX_SLACK));
        // Freed memory only moves from blocks to idle pages. So checking here, where memory is committed, is enough.
        let idle = blocks.idle();
        if new > old
            && idle > MAX_IDLE
            && committed + blocks.slack() + idle
                > self.max_committed.get().saturating_add(MAX_SLACK - MAX_IDLE)
        {
            blocks.purge(MAX_IDLE / 2);
        }
    }

    /// Shrinks the main thread's Lua stack to its initial size. If it stayed as an earlier run left it, a run could find
    /// out how deep that one was.
    ///
    /// # Safety
    /// The VM is at a call of its main thread, or idle, with 20 values on the stack at most.
    pub(super) unsafe fn trim_stack(&self) {
        let is_collecting = self.is_collecting.replace(true);
        // SAFETY: by this function's contract; nothing is refused meanwhile, and so nothing raises.
        unsafe { perilune_luau::perilune_trim(self.state.get()) };
        self.is_collecting.set(is_collecting);
    }

    /// Returns free pages to the system that an idle VM does not need.
    pub(super) fn release_idle(&self) {
        let mut blocks = self.blocks.borrow_mut();
        if blocks.idle() > IDLE_BETWEEN_RUNS {
            blocks.purge(IDLE_BETWEEN_RUNS);
        }
    }
}

/// What pages may take beyond the objects of a run: for garbage of earlier runs, partly filled pages and rounding.
fn page_overhead(limit: usize) -> usize {
    IDLE_GARBAGE + (1 << 20) + limit / 16
}

/// How many bytes over the base the heap may grow to before the next full collection, when `live` bytes over the base were
/// alive after the last one.
///
/// While at most a quarter of the limit is alive, the heap grows to at most half of the limit: a single operation of the VM
/// can't collect before it allocates, and so has the other half. Beyond that it grows by a quarter of what is left of the
/// limit; with less, collections would follow each other closely.
fn soft_growth(live: usize, limit: usize) -> usize {
    if live <= limit / 4 {
        live.saturating_mul(2).max(IDLE_GARBAGE).min(limit / 2)
    } else {
        live + (limit.saturating_sub(live) / 4).max(4096)
    }
}
