//! The last traces of each script, as they were answered.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use bytes::Bytes;
use memchr::memmem;

use crate::text::quoted;

const OF_ONE: usize = 100;
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
const BYTES: usize = 64 << 20;

/// What keeping a trace takes beside its JSON, about.
const BESIDE: usize = 160;

/// Bytes of a result that are shown in a list.
const SHOWN: usize = 16 << 10;

#[derive(Clone)]
pub(crate) struct Kept {
    id: u64,
    json: Bytes,
    /// Counts all traces that were kept.
    number: u64,
}

impl Kept {
    fn size(&self) -> usize {
        self.json.len() + BESIDE
    }

    /// Appends it as JSON, with a link to it below `traces`.
    pub(crate) fn whole(&self, json: &mut Vec<u8>, traces: &str) {
        self.linked(json, &[&self.json], traces);
    }

    /// The same for a list, where a long result is not shown.
    pub(crate) fn listed(&self, json: &mut Vec<u8>, traces: &str) {
        let shown = br#"{"__error__":"Result is too big to show in trace."}"#;
        match long_result(&self.json) {
            Some((before, behind)) => self.linked(json, &[before, shown, behind], traces),
            None => self.whole(json, traces),
        }
    }

    fn linked(&self, json: &mut Vec<u8>, pieces: &[&[u8]], traces: &str) {
        for piece in pieces {
            json.extend_from_slice(piece);
        }
        // Its last brace.
        json.pop();
        json.extend_from_slice(br#","links":{"self":"#);
        quoted(json, &format!("{traces}{}/", self.id));
        json.extend_from_slice(b"}}");
    }
}

#[derive(Default)]
pub(crate) struct History {
    scripts: HashMap<Arc<str>, Own>,
    /// All, the oldest first, and some that are gone.
    all: VecDeque<Came>,
    came: u64,
    kept: usize,
    bytes: usize,
}

/// The traces of a script, the oldest first.
struct Own {
    kept: VecDeque<Kept>,
    shared: Arc<Oldest>,
}

impl Own {
    fn new(script: &Arc<str>) -> Self {
        let shared = Arc::new(Oldest { script: Arc::clone(script), number: AtomicU64::new(0) });
        Self { kept: VecDeque::new(), shared }
    }

    /// Removes the oldest, and returns its size.
    fn remove(&mut self) -> usize {
        let removed = self.kept.pop_front();
        let oldest = self.kept.front().map_or(u64::MAX, |kept| kept.number);
        self.shared.number.store(oldest, Relaxed);
        removed.as_ref().map_or(0, Kept::size)
    }
}

/// A script, and the number of its oldest trace: all that came before it are gone.
struct Oldest {
    script: Arc<str>,
    number: AtomicU64,
}

/// When a trace came, and whose it is.
struct Came {
    number: u64,
    at: Instant,
    own: Arc<Oldest>,
}

impl Came {
    fn is_kept(&self) -> bool {
        self.number >= self.own.number.load(Relaxed)
    }
}

impl History {
    pub(crate) fn add(&mut self, script: &Arc<str>, id: u64, json: Bytes, now: Instant) {
        self.came += 1;
        let kept = Kept { id, json, number: self.came };
        self.bytes += kept.size();
        self.kept += 1;
        let own = match self.scripts.get_mut(script) {
            Some(own) => own,
            None => self.scripts.entry(Arc::clone(script)).or_insert_with(|| Own::new(script)),
        };
        own.kept.push_back(kept);
        self.all.push_back(Came { number: self.came, at: now, own: Arc::clone(&own.shared) });
        if own.kept.len() > OF_ONE {
            self.bytes -= own.remove();
            self.kept -= 1;
        }
        if self.all.len() > 2 * self.kept + OF_ONE {
            self.all.retain(Came::is_kept);
        }
        self.forget(now);
    }

    /// One of them.
    pub(crate) fn get(&mut self, script: &str, id: u64, now: Instant) -> Option<Kept> {
        self.forget(now);
        self.scripts.get(script)?.kept.iter().find(|kept| kept.id == id).cloned()
    }

    /// All of a script, newest first.
    pub(crate) fn list(&mut self, script: &str, now: Instant) -> Vec<Kept> {
        self.forget(now);
        self.scripts.get(script).into_iter().flat_map(|own| own.kept.iter().rev()).cloned().collect()
    }

    fn forget(&mut self, now: Instant) {
        while let Some(oldest) = self.all.front()
            && (self.bytes > BYTES || now.saturating_duration_since(oldest.at) > KEPT)
        {
            if oldest.is_kept()
                && let Some(own) = self.scripts.get_mut(&oldest.own.script)
            {
                self.bytes -= own.remove();
                self.kept -= 1;
                if own.kept.is_empty() {
                    self.scripts.remove(&oldest.own.script);
                }
            }
            self.all.pop_front();
        }
    }
}

/// What stands before and behind a result that is too long to be shown. No text in a trace can be taken for these keys: its quotes
/// are escaped. A returned value can, and stands between the first of the one and the last of the other.
fn long_result(json: &[u8]) -> Option<(&[u8], &[u8])> {
    const KEY: &[u8] = br#","result":"#;
    if json.len() <= SHOWN {
        return None;
    }
    let begin = memmem::find(json, KEY)? + KEY.len();
    let end = memmem::rfind(json, br#","executed_at":""#)?;
    (end.checked_sub(begin)? > SHOWN).then(|| (&json[..begin], &json[end..]))
}
