//! How many objects C has to free.

use std::cell::Cell;
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering::Relaxed};

use crossbeam_utils::CachePadded;

/// All threads but the first so many share the last.
const SHARDS: usize = 64;

static LIVE: [CachePadded<AtomicIsize>; SHARDS] = [const { CachePadded::new(AtomicIsize::new(0)) }; SHARDS];

pub(crate) fn add(count: isize) {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static SHARD: Cell<usize> = const { Cell::new(SHARDS) };
    }
    // Gone in a thread that is ending.
    let shard = SHARD.try_with(|shard| {
        if shard.get() == SHARDS {
            shard.set(NEXT.fetch_add(1, Relaxed).min(SHARDS - 1));
        }
        shard.get()
    });
    match shard {
        // Nobody else writes to it, and a locked instruction would be twice what is left of this.
        Ok(own) if own < SHARDS - 1 => LIVE[own].store(LIVE[own].load(Relaxed) + count, Relaxed),
        _ => drop(LIVE[SHARDS - 1].fetch_add(count, Relaxed)),
    }
}

/// What one thread made and another freed is one more here and one less there.
pub(crate) fn count() -> usize {
    LIVE.iter().map(|shard| shard.load(Relaxed)).sum::<isize>().try_into().unwrap_or(0)
}
