//! VMs that are made by a thread of their own, so that no run waits for them: in the place of others, and spare workers.

use std::sync::Arc;

use super::pool::{PoolInner, PoolState};
use super::seat::PooledVm;

impl PoolInner {
    /// Has a thread of its own close a VM and create another in its place, so that no run pays for either.
    pub(super) fn retire(self: &Arc<Self>, pooled: PooledVm) {
        let mut state = self.lock();
        state.retired += 1;
        let ordered = self.order(&mut state, Some(pooled));
        state.total -= usize::from(ordered.is_err());
        // A spare one may take its place, or another may be made.
        if ordered.is_err() || self.has_workers() {
            self.announce(state, false);
        } else {
            drop(state);
        }
        drop(ordered);
    }

    /// Has a worker made that is ready for anyone, where there is none and none is being made. Where no other may be, it takes the place of one
    /// that waits for its tenant.
    pub(super) fn provide_spare(self: &Arc<Self>, state: &mut PoolState) {
        if !self.has_workers() || state.replacing > 0 || state.idle.has_spare() {
            return;
        }
        if state.total < self.most() {
            if self.order(state, None).is_ok() {
                state.total += 1;
            }
        } else if let Some(worn) = state.idle.take_worn() {
            match self.order(state, Some(worn)) {
                Ok(()) => state.retired += 1,
                Err(worn) => worn.into_iter().for_each(|worn| state.idle.push(worn)),
            }
        }
    }

    /// Orders a VM of the replacing thread, in the place of another, if any: that comes back where there is no such thread.
    fn order(
        self: &Arc<Self>,
        state: &mut PoolState,
        pooled: Option<PooledVm>,
    ) -> Result<(), Option<PooledVm>> {
        if state.replacer.is_none() {
            let (sender, receiver) = crossbeam_channel::unbounded::<Option<PooledVm>>();
            let pool = Arc::downgrade(self);
            let replace = move || {
                while let Ok(pooled) = receiver.recv() {
                    // To close a large heap takes long, so the replacement comes first. Not when several VMs are to
                    // be closed: only one large heap may exist beside the replacements.
                    let is_only = receiver.is_empty();
                    let Some(pool) = pool.upgrade() else { return };
                    let is_retired = pooled.is_some();
                    if is_only {
                        pool.replace(is_retired);
                        drop(pooled);
                    } else {
                        drop(pooled);
                        pool.replace(is_retired);
                    }
                }
            };
            if std::thread::Builder::new().name("perilune-replace".into()).spawn(replace).is_ok() {
                state.replacer = Some(sender);
            }
        }
        let Some(replacer) = &state.replacer else { return Err(pooled) };
        // This can't fail: the receiver lives as long as the sender in this state.
        let _ = replacer.send(pooled);
        state.replacing += 1;
        Ok(())
    }

    /// Creates a VM that was ordered, unless the one in whose place it is to be was the extra VM of a nested run.
    fn replace(&self, is_retired: bool) {
        let is_needed = self.lock().total <= self.most();
        let replacement = if is_needed { self.new_vm().ok() } else { None };
        let mut state = self.lock();
        state.replacing -= 1;
        match replacement {
            Some(pooled) => {
                state.rebuilt += u64::from(is_retired);
                state.idle.push(pooled);
            }
            // The next run that needs the missing VM tries again.
            None => state.total -= 1,
        }
        self.announce(state, false);
    }
}
