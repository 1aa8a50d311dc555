//! Checking a VM out without a thread that waits for it.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use super::pool::{Checkout, CheckoutError, Pool, PoolInner};
use super::seat::PooledVm;
use super::tasks::TaskKey;
use crate::model::cancel::{CancelHandle, CancelTarget};
use crate::model::nesting::Nesting;
use crate::vm::interrupt::wake;

impl Pool {
    /// As [`checkout`](Self::checkout), for a task: it waits in the queue of submitted runs, whatever the backlog is.
    pub(crate) async fn checkout_waiting(
        &self,
        patience: Duration,
        tenant: Option<&[u8]>,
        cancels: &[&CancelHandle],
    ) -> Result<(Checkout<'_>, Duration), CheckoutError> {
        // Inside a host function nobody waits.
        if Nesting::depth() > 0 {
            return self.checkout(patience, None, tenant);
        }
        let inner = self.here();
        if let Some(pooled) = inner.free_vm(tenant)? {
            return Ok((Checkout::new(inner, pooled), Duration::ZERO));
        }
        let since = Instant::now();
        let lending = Arc::new(Lending::default());
        let wakes = |handle: &&CancelHandle| handle.register(Arc::clone(&lending) as Arc<dyn CancelTarget>);
        let _registrations: Vec<_> = cancels.iter().map(wakes).collect();
        let lent = Arc::clone(&lending);
        let comes = Box::new(move |with: Result<(Checkout<'_>, Duration), CheckoutError>| lent.come(with));
        let task = self.submit(patience, None, tenant.map(Arc::from), comes);
        let _left = Left { lending: &lending, pool: self, inner, task };
        poll_fn(|context| {
            let mut state = lending.lock();
            match std::mem::take(&mut *state) {
                Lent::Came(came) => Poll::Ready(came),
                _ if cancels.iter().any(|handle| handle.is_cancelled()) => {
                    Poll::Ready(Err(CheckoutError::Cancelled(since.elapsed())))
                }
                _ => {
                    *state = Lent::Awaited(Some(context.waker().clone()));
                    Poll::Pending
                }
            }
        })
        .await
        .map(|(pooled, queued)| (Checkout::new(inner, pooled), queued))
    }
}

impl PoolInner {
    /// A VM that is free at once, if there is one for new callers.
    fn free_vm(self: &Arc<Self>, tenant: Option<&[u8]>) -> Result<Option<PooledVm>, CheckoutError> {
        let mut state = self.lock();
        let is_free = self.lendable(&state) > state.reserved();
        let found = self.find(&mut state, tenant, is_free, false);
        drop(state);
        found.map(|found| self.obtain(found, tenant)).transpose()
    }
}

/// A VM that a task awaits.
#[derive(Default)]
struct Lending(Mutex<Lent>);

enum Lent {
    /// By a task that is to be woken.
    Awaited(Option<Waker>),
    Came(Result<(PooledVm, Duration), CheckoutError>),
    /// The task is gone.
    Left,
}

impl Default for Lent {
    fn default() -> Self {
        Self::Awaited(None)
    }
}

impl Lending {
    fn lock(&self) -> MutexGuard<'_, Lent> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands the VM over, or why there is none; where nobody awaits it, it returns to the pool.
    fn come(&self, with: Result<(Checkout<'_>, Duration), CheckoutError>) {
        let mut state = self.lock();
        if matches!(*state, Lent::Left) {
            drop(state);
            return drop(with);
        }
        let came = with.map(|(checkout, queued)| (checkout.into_vm(), queued));
        let before = std::mem::replace(&mut *state, Lent::Came(came));
        drop(state);
        if let Lent::Awaited(waker) = before {
            wake(waker);
        }
    }
}

impl CancelTarget for Lending {
    fn on_cancel(&self) {
        let waker = if let Lent::Awaited(waker) = &mut *self.lock() { waker.take() } else { None };
        wake(waker);
    }
}

/// Marks that the task is gone, when this is dropped.
struct Left<'a> {
    lending: &'a Lending,
    pool: &'a Pool,
    inner: &'a Arc<PoolInner>,
    task: Option<TaskKey>,
}

impl Drop for Left<'_> {
    fn drop(&mut self) {
        let before = std::mem::replace(&mut *self.lending.lock(), Lent::Left);
        if let Some(task) = &self.task {
            self.pool.forget(task);
        }
        if let Lent::Came(Ok((pooled, _))) = before {
            drop(Checkout::new(self.inner, pooled));
        }
    }
}
