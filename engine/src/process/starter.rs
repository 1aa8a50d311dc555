//! How an engine's workers are started, and the thread that starts them.
//!
//! The system ends a worker with the thread that started it ([`sandbox`](super::sandbox) asks for that), so it is one that lives as long as
//! there are workers.

use std::io;
use std::process::{Child, Command};
use std::sync::{Mutex, PoisonError};

use crossbeam_channel::{Sender, bounded, unbounded};

use super::settings::Start;

/// Starts an engine's workers.
pub(crate) struct Starter {
    pub(super) start: Start,
    /// To the thread, which is started for the first worker and ends when this is dropped.
    orders: Mutex<Option<Sender<Order>>>,
}

struct Order {
    command: Command,
    started: Sender<io::Result<Child>>,
}

impl Starter {
    pub(crate) fn new(start: Start) -> Self {
        Self { start, orders: Mutex::default() }
    }

    pub(super) fn spawn(&self, command: Command) -> io::Result<Child> {
        let (started, child) = bounded(1);
        let order = Order { command, started };
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        if orders.is_none() {
            *orders = Some(thread()?);
        }
        let sent = orders.as_ref().is_some_and(|orders| orders.send(order).is_ok());
        drop(orders);
        let child = if sent { child.recv().ok() } else { None };
        child.unwrap_or_else(|| Err(io::Error::other("the thread that starts workers has ended")))
    }
}

fn thread() -> io::Result<Sender<Order>> {
    let (orders, ordered) = unbounded::<Order>();
    let work = move || {
        while let Ok(Order { mut command, started }) = ordered.recv() {
            // Who ordered it waits for it.
            let _ = started.send(command.spawn());
        }
    };
    std::thread::Builder::new().name("perilune-start".into()).stack_size(256 << 10).spawn(work)?;
    Ok(orders)
}
