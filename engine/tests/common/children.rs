//! The processes that a test has started: its workers.

use std::collections::BTreeSet;
use std::io::ErrorKind::NotFound;
use std::time::{Duration, Instant};
use std::{fs, process};

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};

/// The processes that this one has started and that were not waited for, which is a process of one test.
pub(crate) fn children() -> BTreeSet<u32> {
    let own = process::id().to_string();
    let stat_of = |entry: fs::DirEntry| match fs::read_to_string(entry.path().join("stat")) {
        Err(error) if error.kind() == NotFound => None,
        stat => stat.ok(),
    };
    let all = fs::read_dir("/proc").expect("a list of processes").flatten().filter_map(stat_of);
    all.filter_map(|stat| {
        let (before, behind) = stat.rsplit_once(')')?;
        let parent = behind.split_whitespace().nth(1)?;
        let id = before.split_whitespace().next()?.parse().ok()?;
        (parent == own).then_some(id)
    })
    .collect()
}

pub(crate) fn has_ended(id: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_none_or(|(_, behind)| behind.trim_start().starts_with('Z'))
}

/// Kills a process, unless it has ended.
pub(crate) fn kill(id: u32) {
    let id = Pid::from_raw(id as i32).expect("an id");
    match kill_process(id, Signal::KILL) {
        Ok(()) | Err(Errno::SRCH) => {}
        Err(error) => panic!("{error}"),
    }
}

/// How long a process has computed, in ticks of the system's clock.
pub(crate) fn computed(id: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let times = stat.rsplit_once(')').map(|(_, behind)| behind.split_whitespace().skip(11).take(2));
    times.into_iter().flatten().filter_map(|ticks| ticks.parse::<u64>().ok()).sum()
}

/// Waits for what comes soon, and fails if it does not come at all.
#[track_caller]
pub(crate) fn wait_until(what: &str, comes: impl Fn() -> bool) {
    let began = Instant::now();
    while !comes() {
        assert!(began.elapsed() < Duration::from_secs(60), "it does not come: {what}");
        std::thread::yield_now();
    }
}
