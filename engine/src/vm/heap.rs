//! The VM's allocator, and the count of what a run takes.
//!
//! Two counts, since two things must hold. What a *run* takes is counted by objects, from where it began: past a soft
//! limit a full collection is made at the next safepoint, past the cap an allocation is has_refused. It depends on the run
//! alone, so that no run can tell what an earlier one left. What the *process* holds is counted by pages and blocks, which a
//! script can have full of holes, and is capped by itself: at the limit and what pages take beside it ([`page_overhead`]).
//!
//! Luau's own collector never runs by itself. A full collection of an idle VM takes 5 µs, of 57 MiB 14 ms.

use std::cell::{Cell, RefCell};
use std::ffi::{c_int, c_void};
use std::ptr;

use mlua::ffi::lua_State;
use perilune_luau::Meter;

use super::blocks::Blocks;
use super::blocks::large::LARGE;

/// What may be free in pages that are not, in bytes. More of it counts as committed.
const MAX_SLACK: usize = 12 << 20;

/// Free pages that are kept for later blocks where memory is short, in bytes.
const MAX_IDLE: usize = 4 << 20;

/// Free pages that a VM keeps from run to run, in bytes.
const IDLE_BETWEEN_RUNS: usize = 1 << 20;

/// Garbage that an idle VM may hold before it is collected, in bytes: some hundreds of short runs.
const IDLE_GARBAGE: usize = 1 << 20;

/// What is kept of the memory limit, in bytes, for what follows a refusal until the next collection: the telling of
/// the error, or the going on of a script that caught it. Of a small limit an eighth.
const RESERVE: usize = 64 << 10;

/// What Luau asks when a run takes more than the alarm is set to: whether so many bytes more may be taken.
pub(super) type Alarm = unsafe extern "C" fn(state: *mut lua_State, more: usize) -> c_int;

/// Byte counts of one VM. All in bytes.
#[derive(Debug)]
pub(super) struct Heap {
    blocks: RefCell<Blocks>,
    /// The VM, once it is made.
    state: Cell<*mut lua_State>,
    meter: Cell<*mut Meter>,
    /// Pages and blocks taken from the system, and what is [`charge`](Self::charge)d.
    committed: Cell<usize>,
    /// What is wasted beyond [`MAX_SLACK`].
    excess_slack: Cell<usize>,
    /// What may be committed.
    max_committed: Cell<usize>,
    /// What is committed with no run in the VM: library and loaded scripts.
    base_committed: Cell<usize>,
    /// The same by objects.
    base: Cell<usize>,
    /// From what the run's growth is counted: what there was when it began, and the base once garbage of earlier runs was
    /// collected.
    start: Cell<usize>,
    /// The highest known growth of the run.
    peak: Cell<usize>,
    limit: Cell<usize>,
    soft: Cell<usize>,
    cap: Cell<usize>,
    is_reserve_open: Cell<bool>,
    /// A collection is due at the next safe point.
    is_collection_due: Cell<bool>,
    /// A collection is under way: nothing is has_refused. It allocates to make tables smaller, and would raise where nobody
    /// catches: between runs, and below a host's function.
    pub(super) is_collecting: Cell<bool>,
    /// An allocation was refused since [`Heap::begin`].
    pub(super) has_refused: Cell<bool>,
    /// Allocations until one is refused, for tests of what a failure leaves behind.
    #[cfg(test)]
    pub(super) fail_after: Cell<Option<usize>>,
}

/// Of the run that is counted: strings made meanwhile are nobody's.
struct BaseLoad<'a>(&'a Heap, u16);

impl Drop for BaseLoad<'_> {
    fn drop(&mut self) {
        self.0.with_meter(|meter| meter.run = self.1);
    }
}

impl Heap {
    /// No limits: for building the VM.
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

    /// From here on, objects are counted; Luau calls `on_alarm` when a run takes more than the alarm is set to.
    ///
    /// # Safety
    /// `state` is the VM whose allocator this is, and is live as long as anything is asked of this.
    pub(super) unsafe fn connect(&self, state: *mut lua_State, on_alarm: Alarm) {
        // SAFETY: by this function's contract.
        self.meter.set(unsafe { perilune_luau::perilune_meter(state) });
        self.state.set(state);
        self.with_meter(|meter| meter.on_alarm = Some(on_alarm));
    }

    /// The closure calls nothing of the VM.
    fn with_meter<T>(&self, change: impl FnOnce(&mut Meter) -> T) -> T {
        // SAFETY: connected to a live VM, on its thread; nobody else has a reference, and Luau touches it only when called.
        change(unsafe { &mut *self.meter.get() })
    }

    /// Bytes of objects, and what counts with them.
    fn allocated(&self) -> usize {
        // SAFETY: connected to a live VM, whose number this is.
        self.with_meter(|meter| unsafe { *meter.objects }.wrapping_add(meter.extra))
    }

    /// Counts `new` bytes beside the objects, in place of `old`.
    fn count(&self, old: usize, new: usize) {
        self.with_meter(|meter| meter.extra = meter.extra.wrapping_add(new).wrapping_sub(old));
        self.set_alarm();
    }

    /// Takes what there is now as the base that runs grow from. A full collection was made just now.
    ///
    /// # Safety
    /// As [`trim_stack`](Self::trim_stack).
    pub(super) unsafe fn set_base(&self) {
        // SAFETY: by this function's contract.
        unsafe { self.trim_stack() };
        self.base.set(self.allocated());
        self.base_committed.set(self.committed.get());
    }

    /// Runs what loads something into the VM for good, which is none of the run's. `replaced` is what becomes garbage by
    /// it. Returns what `load` did, and how many bytes it took.
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
        self.with_meter(|meter| meter.run = meter.run.wrapping_add(1).max(1));
    }

    /// The highest growth of the run that is known: at its end, and where memory was asked for.
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

    /// A full collection was made: the next is due when as much again was taken, or when the limit nears.
    pub(super) fn end_collection(&self) {
        self.is_collecting.set(false);
        // What was there before the run is gone, or part of the base.
        self.with_meter(|meter| meter.extra = meter.extra.wrapping_sub(std::mem::take(&mut meter.touched)));
        self.start.set(self.base.get());
        let growth = self.allocated().saturating_sub(self.base.get());
        self.soft.set(self.base.get().saturating_add(soft_growth(growth, self.limit.get())));
        // Not while what is alive reaches into it: a register of the script may still hold what it let go of.
        if growth <= self.limit.get() - 2 * self.reserve() {
            self.is_reserve_open.set(false);
        }
        self.set_cap();
    }

    /// Whether a collection is due.
    pub(super) fn is_collection_due(&self) -> bool {
        self.is_collection_due.get()
    }

    /// A collection is due; returns whether that is new.
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

    /// Whether that many bytes more may be committed.
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
        let kept = if self.is_reserve_open.get() { 0 } else { self.reserve() };
        self.cap.set(self.start.get().saturating_add(self.limit.get() - kept));
        self.set_alarm();
    }

    fn set_alarm(&self) {
        let alarm =
            if self.is_collection_due.get() { self.cap.get() } else { self.soft.get().min(self.cap.get()) };
        // What counts beside may be less than nothing.
        self.with_meter(|meter| meter.alarm = alarm.saturating_sub_signed(meter.extra.cast_signed()));
    }

    /// An allocation is has_refused. From now until the next collection, the whole limit may be used.
    fn refuse(&self) {
        self.has_refused.set(true);
        self.is_reserve_open.set(true);
        self.set_cap();
    }

    /// Whether there is more garbage than an idle VM may hold.
    pub(super) fn is_untidy(&self) -> bool {
        self.committed.get() > self.base_committed.get().saturating_add(IDLE_GARBAGE)
    }

    /// Counts memory outside the VM's heap that a script makes us hold; `false` when it is over the cap.
    #[must_use]
    pub(super) fn charge(&self, bytes: usize) -> bool {
        let fits = self.has_room(bytes);
        if fits {
            self.count(0, bytes);
            self.observe(0);
            self.commit(bytes, &mut self.blocks.borrow_mut());
        } else {
            self.has_refused.set(true);
        }
        fits
    }

    /// As Luau's allocator is to; `should_stop` says whether the run must end.
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
                self.decommit(had, &blocks);
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
            // A single instruction of a script, at which nothing looks, can take this much: were there many in a row, they
            // would outlive the deadline together.
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
        if needed >= had {
            self.commit(needed - had, &mut blocks);
        } else {
            self.decommit(had - needed, &blocks);
        }
        result.cast()
    }

    /// A run takes more than the alarm is set to: whether so many bytes more may be taken. A collection is due then.
    pub(super) fn may_take(&self, more: usize) -> bool {
        let fits = self.has_room(more);
        if fits {
            self.observe(more);
        } else {
            self.refuse();
        }
        fits
    }

    /// Makes a block of work space larger, or another size: from 0 bytes it is taken, to 0 it is given back. Null when it is over
    /// the cap, or the system has no memory: the block is then as it was.
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
                self.decommit(had, &blocks);
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
        if needed >= had {
            self.commit(needed - had, &mut blocks);
        } else {
            self.decommit(had - needed, &blocks);
        }
        result
    }

    /// Gives back what was [`charge`](Self::charge)d.
    pub(super) fn release(&self, bytes: usize) {
        self.count(bytes, 0);
        self.committed.set(self.committed.get() - bytes);
    }

    fn commit(&self, bytes: usize, blocks: &mut Blocks) {
        let committed = self.committed.get() + bytes;
        self.committed.set(committed);
        self.update_slack(blocks);
        // What is freed adds to the idle pages what it takes from the rest: so to look here is enough.
        let idle = blocks.idle();
        if idle > MAX_IDLE
            && committed + blocks.slack() + idle
                > self.max_committed.get().saturating_add(MAX_SLACK - MAX_IDLE)
        {
            blocks.purge(MAX_IDLE / 2);
        }
    }

    fn decommit(&self, bytes: usize, blocks: &Blocks) {
        self.committed.set(self.committed.get() - bytes);
        self.update_slack(blocks);
    }

    fn update_slack(&self, blocks: &Blocks) {
        self.excess_slack.set(blocks.slack().saturating_sub(MAX_SLACK));
    }

    /// Makes the main thread's stack as large as it is for every run to begin with: how far an earlier one had it grow is
    /// nothing to know.
    ///
    /// # Safety
    /// The VM is at a call of its main thread, or idle, with 20 values on the stack at most.
    pub(super) unsafe fn trim_stack(&self) {
        let is_collecting = self.is_collecting.replace(true);
        // SAFETY: by this function's contract; nothing is refused meanwhile, and so nothing raises.
        unsafe { perilune_luau::perilune_trim(self.state.get()) };
        self.is_collecting.set(is_collecting);
    }

    /// Gives back what an idle VM need not hold.
    pub(super) fn release_idle(&self) {
        let mut blocks = self.blocks.borrow_mut();
        if blocks.idle() > IDLE_BETWEEN_RUNS {
            blocks.purge(IDLE_BETWEEN_RUNS);
        }
    }
}

/// What pages may take beside the objects in them: garbage of earlier runs, pages of each size that are begun, and what is
/// rounded up.
fn page_overhead(limit: usize) -> usize {
    IDLE_GARBAGE + (1 << 20) + limit / 16
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
