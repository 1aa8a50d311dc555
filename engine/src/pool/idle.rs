//! The VMs that nobody uses, and which of them the next run gets.
//!
//! Where VMs are in this process, it is the one that was used last. A worker process serves one tenant, and nobody but him until it is
//! replaced: the next run gets one of its tenant's, or a spare one, which has served nobody.

use std::sync::Arc;

use super::seat::PooledVm;

#[derive(Default)]
pub(super) struct Idle(Vec<PooledVm>);

impl Idle {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn push(&mut self, vm: PooledVm) {
        self.0.push(vm);
    }

    /// The one that was used last.
    pub(super) fn pop(&mut self) -> Option<PooledVm> {
        self.0.pop()
    }

    /// A worker for a run of `tenant`: the one of his that was used last, or a spare one, which is his from now on.
    pub(super) fn take(&mut self, tenant: Option<&[u8]>) -> Option<PooledVm> {
        let serves = |vm: &PooledVm| vm.tenant.as_ref().is_some_and(|served| served.as_deref() == tenant);
        let of_tenant = self.0.iter().rposition(|vm| serves(vm) && vm.seat.is_sound());
        let mut vm = self.0.remove(of_tenant.or_else(|| self.spare())?);
        vm.tenant.get_or_insert_with(|| tenant.map(Arc::from));
        Some(vm)
    }

    /// A worker to be replaced by a spare one: one that may have no run any more, or the one that was not used for the longest time.
    pub(super) fn take_worn(&mut self) -> Option<PooledVm> {
        let worn = self.0.iter().position(|vm| !vm.seat.is_sound());
        let used = || self.0.iter().position(|vm| vm.tenant.is_some());
        worn.or_else(used).map(|index| self.0.remove(index))
    }

    pub(super) fn has_spare(&self) -> bool {
        self.spare().is_some()
    }

    fn spare(&self) -> Option<usize> {
        self.0.iter().position(|vm| vm.tenant.is_none() && vm.seat.is_sound())
    }
}
