//! The VM's allocator, and the count of what a run takes.
//!
//! Two counts, since two things must hold. What a *run* takes is counted by objects, from where it began: past a soft
//! limit a full collection is made at the next safepoint, past the cap an allocation is refused. It depends on the run
//! alone, so that no run can tell what an earlier one left. What the *process* holds is counted by pages and blocks, which a
//! script can have full of holes, and is capped by itself: at the limit and what pages take beside it ([`pages`]).
//!
//! Luau's own collector never runs by itself. A full collection of an idle VM takes 5 µs, of 57 MiB 14 ms.

use std::cell::{Cell, RefCell};
use std::ffi::{c_int, c_void};
use std::ptr;

use mlua::ffi::lua_State;
use perilune_luau::Meter;

use super::blocks::Blocks;
use super::blocks::large::LARGE;

/// What may be free in pages that are not, in bytes. More of it counts as held.
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
    held: Cell<usize>,
    /// What is wasted beyond [`WASTE`].
    excess: Cell<usize>,
    /// What may be held.
    most_held: Cell<usize>,
    /// What is held with no run in the VM: library and loaded scripts.
    base_held: Cell<usize>,
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
    collect: Cell<bool>,
    /// A collection is under way: nothing is refused. It allocates to make tables smaller, and would raise where nobody
    /// catches: between runs, and below a host's function.
    pub(super) collecting: Cell<bool>,
    /// An allocation was refused since [`Heap::begin`].
    pub(super) refused: Cell<bool>,
    /// Allocations until one is refused, for tests of what a failure leaves behind.
    #[cfg(test)]
    pub(super) fail_after: Cell<Option<usize>>,
}

/// Of the run that is counted: strings made meanwhile are nobody's.
struct ForGood<'a>(&'a Heap, u16);

impl Drop for ForGood<'_> {
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
            held: Cell::new(0),
            excess: Cell::new(0),
            most_held: Cell::new(usize::MAX),
            base_held: Cell::new(0),
            base: Cell::new(0),
            start: Cell::new(0),
            peak: Cell::new(0),
            limit: Cell::new(usize::MAX),
            soft: Cell::new(usize::MAX),
            cap: Cell::new(usize::MAX),
            is_reserve_open: Cell::new(false),
            collect: Cell::new(false),
            collecting: Cell::new(false),
            refused: Cell::new(false),
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
    fn taken(&self) -> usize {
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
    /// As [`trim`](Self::trim).
    pub(super) unsafe fn set_base(&self) {
        // SAFETY: by this function's contract.
        unsafe { self.trim() };
        self.base.set(self.taken());
        self.base_held.set(self.held.get());
    }

    /// Runs what loads something into the VM for good, which is none of the run's. `replaced` is what becomes garbage by
    /// it. Returns what `load` did, and how many bytes it took.
    pub(super) fn for_good<T>(&self, replaced: usize, load: impl FnOnce() -> T) -> (T, usize) {
        let (taken, held) = (self.taken(), self.held.get());
        let run = self.with_meter(|meter| std::mem::take(&mut meter.run));
        let restore = ForGood(self, run);
        let loaded = load();
        drop(restore);
        let bytes = self.taken().saturating_sub(taken);
        self.base.set((self.base.get() + bytes).saturating_sub(replaced));
        for count in [&self.start, &self.soft, &self.cap] {
            count.set(count.get().saturating_add(bytes));
        }
        let more = self.held.get().saturating_sub(held);
        self.base_held.set(self.base_held.get() + more);
        self.most_held.set(self.most_held.get().saturating_add(more));
        self.set_alarm();
        (loaded, bytes)
    }

    /// A run with this limit begins.
    pub(super) fn begin(&self, limit: usize) {
        self.refused.set(false);
        self.collect.set(false);
        self.limit.set(limit);
        self.start.set(self.taken());
        self.peak.set(0);
        self.soft.set(self.start.get().saturating_add(soft_growth(0, limit)));
        self.is_reserve_open.set(false);
        self.set_cap();
        self.most_held.set(self.base_held.get().saturating_add(limit).saturating_add(pages(limit)));
        self.with_meter(|meter| meter.run = meter.run.wrapping_add(1).max(1));
    }

    /// The highest growth of the run that is known: at its end, and where memory was asked for.
    pub(super) fn grown(&self) -> usize {
        self.observe(0);
        self.peak.get()
    }

    fn observe(&self, more: usize) {
        let growth = self.taken().saturating_add(more).saturating_sub(self.start.get());
        self.peak.set(self.peak.get().max(growth));
    }

    /// A full collection begins.
    pub(super) fn collects(&self) {
        self.observe(0);
        self.collect.set(false);
        self.collecting.set(true);
    }

    /// A full collection was made: the next is due when as much again was taken, or when the limit nears.
    pub(super) fn collected(&self) {
        self.collecting.set(false);
        // What was there before the run is gone, or part of the base.
        self.with_meter(|meter| meter.extra = meter.extra.wrapping_sub(std::mem::take(&mut meter.touched)));
        self.start.set(self.base.get());
        let growth = self.taken().saturating_sub(self.base.get());
        self.soft.set(self.base.get().saturating_add(soft_growth(growth, self.limit.get())));
        // Not while what is alive reaches into it: a register of the script may still hold what it let go of.
        if growth <= self.limit.get() - 2 * self.reserve() {
            self.is_reserve_open.set(false);
        }
        self.set_cap();
    }

    /// Whether a collection is due.
    pub(super) fn wants_collection(&self) -> bool {
        self.collect.get()
    }

    /// A collection is due; returns whether that is new.
    pub(super) fn want_collection(&self) -> bool {
        let is_new = !self.collect.replace(true);
        self.set_alarm();
        is_new
    }

    /// Whether `more` bytes still fit under the cap.
    pub(super) fn has_room(&self, more: usize) -> bool {
        #[cfg(test)]
        if self.fail_after.get() == Some(0) {
            return false;
        }
        self.taken().saturating_add(more) <= self.cap.get()
    }

    /// Whether that many bytes more may be held.
    fn may_hold(&self, more: usize) -> bool {
        #[cfg(test)]
        if let Some(left) = self.fail_after.get() {
            self.fail_after.set(Some(left.saturating_sub(1)));
            if left == 0 {
                return false;
            }
        }
        self.held.get() + self.excess.get() + more <= self.most_held.get()
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
        let alarm = if self.collect.get() { self.cap.get() } else { self.soft.get().min(self.cap.get()) };
        // What counts beside may be less than nothing.
        self.with_meter(|meter| meter.alarm = alarm.saturating_sub_signed(meter.extra.cast_signed()));
    }

    /// An allocation is refused. From now until the next collection, the whole limit may be used.
    fn refuse(&self) {
        self.refused.set(true);
        self.is_reserve_open.set(true);
        self.set_cap();
    }

    /// Whether there is more garbage than an idle VM may hold.
    pub(super) fn is_untidy(&self) -> bool {
        self.held.get() > self.base_held.get().saturating_add(IDLE_GARBAGE)
    }

    /// Counts memory outside the VM's heap that a script makes us hold; `false` when it is over the cap.
    #[must_use]
    pub(super) fn charge(&self, bytes: usize) -> bool {
        let fits = self.has_room(bytes);
        if fits {
            self.count(0, bytes);
            self.observe(0);
            self.hold(bytes, &mut self.blocks.borrow_mut());
        } else {
            self.refused.set(true);
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
        let had = if block.is_null() || old == 0 { 0 } else { blocks.taken(old) };
        if new == 0 {
            if had > 0 {
                // SAFETY: allocated below with this size.
                unsafe { blocks.give_back(block.cast(), old) };
                self.let_go(had, &blocks);
            }
            return ptr::null_mut();
        }
        let needed = blocks.taken(new);
        if needed > had && !self.collecting.get() {
            if !self.may_hold(needed - had) {
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
            unsafe { if had == 0 { blocks.take(new) } else { blocks.resize(block.cast(), old, new) } };
        if result.is_null() {
            self.refuse();
            return ptr::null_mut();
        }
        if needed >= had {
            self.hold(needed - had, &mut blocks);
        } else {
            self.let_go(had - needed, &blocks);
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
    pub(super) unsafe fn resize_work(&self, block: *mut u8, old: usize, new: usize) -> *mut u8 {
        let mut blocks = self.blocks.borrow_mut();
        let had = if old == 0 { 0 } else { blocks.taken(old) };
        if new == 0 {
            if old > 0 {
                self.count(old, 0);
                // SAFETY: by this function's contract.
                unsafe { blocks.give_back(block, old) };
                self.let_go(had, &blocks);
            }
            return ptr::null_mut();
        }
        let needed = blocks.taken(new);
        let fits = new <= old || self.has_room(new - old) && self.may_hold(needed.saturating_sub(had));
        let result = if !fits {
            ptr::null_mut()
        } else if old == 0 {
            // SAFETY: the new size is not 0.
            unsafe { blocks.take(new) }
        } else {
            // SAFETY: by this function's contract; neither size is 0.
            unsafe { blocks.resize(block, old, new) }
        };
        if result.is_null() {
            self.refused.set(true);
            return result;
        }
        self.count(old, new);
        self.observe(0);
        if needed >= had {
            self.hold(needed - had, &mut blocks);
        } else {
            self.let_go(had - needed, &blocks);
        }
        result
    }

    /// Gives back what was [`charge`](Self::charge)d.
    pub(super) fn release(&self, bytes: usize) {
        self.count(bytes, 0);
        self.held.set(self.held.get() - bytes);
    }

    fn hold(&self, bytes: usize, blocks: &mut Blocks) {
        let held = self.held.get() + bytes;
        self.held.set(held);
        self.weigh(blocks);
        // What is freed adds to the idle pages what it takes from the rest: so to look here is enough.
        let idle = blocks.idle();
        if idle > IDLE && held + blocks.waste() + idle > self.most_held.get().saturating_add(WASTE - IDLE) {
            blocks.purge(IDLE / 2);
        }
    }

    fn let_go(&self, bytes: usize, blocks: &Blocks) {
        self.held.set(self.held.get() - bytes);
        self.weigh(blocks);
    }

    fn weigh(&self, blocks: &Blocks) {
        self.excess.set(blocks.waste().saturating_sub(WASTE));
    }

    /// Makes the main thread's stack as large as it is for every run to begin with: how far an earlier one had it grow is
    /// nothing to know.
    ///
    /// # Safety
    /// The VM is at a call of its main thread, or idle, with 20 values on the stack at most.
    pub(super) unsafe fn trim(&self) {
        let collecting = self.collecting.replace(true);
        // SAFETY: by this function's contract; nothing is refused meanwhile, and so nothing raises.
        unsafe { perilune_luau::perilune_trim(self.state.get()) };
        self.collecting.set(collecting);
    }

    /// Gives back what an idle VM need not hold.
    pub(super) fn rest(&self) {
        let mut blocks = self.blocks.borrow_mut();
        if blocks.idle() > IDLE_BETWEEN_RUNS {
            blocks.purge(IDLE_BETWEEN_RUNS);
        }
    }
}

/// What pages may take beside the objects in them: garbage of earlier runs, pages of each size that are begun, and what is
/// rounded up.
fn pages(limit: usize) -> usize {
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
