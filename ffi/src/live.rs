//! How many objects C has to free.

use std::cell::Cell;
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering::Relaxed};

use crossbeam_utils::CachePadded;

/// Threads that run at once should not write to one cache line.
const SHARDS: usize = 16;

static LIVE: [CachePadded<AtomicIsize>; SHARDS] = [const { CachePadded::new(AtomicIsize::new(0)) }; SHARDS];

pub(crate) fn add(count: isize) {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static SHARD: Cell<usize> = const { Cell::new(SHARDS) };
    }
    // Gone in a thread that is ending: any shard will do.
    let shard = SHARD
        .try_with(|shard| {
            if shard.get() == SHARDS {
                shard.set(NEXT.fetch_add(1, Relaxed) % SHARDS);
            }
            shard.get()
        })
        .unwrap_or(0);
    LIVE[shard].fetch_add(count, Relaxed);
}

pub(crate) fn count() -> usize {
    LIVE.iter().map(|shard| shard.load(Relaxed)).sum::<isize>().try_into().unwrap_or(0)
}
