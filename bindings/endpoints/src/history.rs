//! The last traces of each script, as they were answered.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
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
    /// Those of each script, the oldest first.
    scripts: HashMap<Arc<str>, VecDeque<Kept>>,
    /// All, the oldest first, and some that are gone.
    all: VecDeque<Came>,
    came: u64,
    kept: usize,
    bytes: usize,
}

/// When a trace came, and whose it is.
struct Came {
    number: u64,
    at: Instant,
    script: Arc<str>,
}

impl History {
    pub(crate) fn add(&mut self, script: &Arc<str>, id: u64, json: Bytes, now: Instant) {
        self.came += 1;
        let kept = Kept { id, json, number: self.came };
        self.bytes += kept.size();
        self.kept += 1;
        self.all.push_back(Came { number: self.came, at: now, script: Arc::clone(script) });
        let own = match self.scripts.get_mut(script) {
            Some(own) => own,
            None => self.scripts.entry(Arc::clone(script)).or_default(),
        };
        own.push_back(kept);
        if own.len() > OF_ONE
            && let Some(oldest) = own.pop_front()
        {
            self.bytes -= oldest.size();
            self.kept -= 1;
        }
        if self.all.len() > 2 * self.kept + OF_ONE {
            self.all.retain(|came| is_kept(&self.scripts, came));
        }
        self.forget(now);
    }

    /// One of them.
    pub(crate) fn get(&mut self, script: &str, id: u64, now: Instant) -> Option<Kept> {
        self.forget(now);
        self.scripts.get(script)?.iter().find(|kept| kept.id == id).cloned()
    }

    /// All of a script, newest first.
    pub(crate) fn list(&mut self, script: &str, now: Instant) -> Vec<Kept> {
        self.forget(now);
        self.scripts.get(script).into_iter().flatten().rev().cloned().collect()
    }

    fn forget(&mut self, now: Instant) {
        while let Some(oldest) = self.all.front()
            && (self.bytes > BYTES || now.saturating_duration_since(oldest.at) > KEPT)
        {
            if is_kept(&self.scripts, oldest)
                && let Some(own) = self.scripts.get_mut(&oldest.script)
            {
                let kept = own.pop_front();
                self.bytes -= kept.as_ref().map_or(0, Kept::size);
                self.kept -= 1;
                if own.is_empty() {
                    self.scripts.remove(&oldest.script);
                }
            }
            self.all.pop_front();
        }
    }
}

/// Those of a script go in the order in which they came, so all from its oldest on are kept.
fn is_kept(scripts: &HashMap<Arc<str>, VecDeque<Kept>>, came: &Came) -> bool {
    scripts.get(&came.script).and_then(VecDeque::front).is_some_and(|oldest| oldest.number <= came.number)
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
