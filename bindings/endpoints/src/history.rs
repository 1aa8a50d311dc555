//! The last traces of each script, as they were answered.

use std::collections::{BTreeMap, HashMap, VecDeque};
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
    script: Arc<str>,
    id: u64,
    at: Instant,
    json: Bytes,
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
    /// All, in the order in which they came.
    all: BTreeMap<u64, Kept>,
    /// Their numbers in `all`, the oldest first.
    scripts: HashMap<Arc<str>, VecDeque<u64>>,
    came: u64,
    bytes: usize,
}

impl History {
    pub(crate) fn add(&mut self, script: &Arc<str>, id: u64, json: Bytes, now: Instant) {
        self.came += 1;
        let kept = Kept { script: Arc::clone(script), id, at: now, json };
        self.bytes += kept.size();
        self.all.insert(self.came, kept);
        let own = match self.scripts.get_mut(script) {
            Some(own) => own,
            None => self.scripts.entry(Arc::clone(script)).or_default(),
        };
        own.push_back(self.came);
        if own.len() > OF_ONE {
            let oldest = own[0];
            self.remove(oldest);
        }
        self.forget(now);
    }

    /// One of them.
    pub(crate) fn get(&mut self, script: &str, id: u64, now: Instant) -> Option<Kept> {
        self.list(script, now).into_iter().find(|kept| kept.id == id)
    }

    /// All of a script, newest first.
    pub(crate) fn list(&mut self, script: &str, now: Instant) -> Vec<Kept> {
        self.forget(now);
        let own = self.scripts.get(script).into_iter().flatten().rev();
        own.filter_map(|number| self.all.get(number)).cloned().collect()
    }

    fn forget(&mut self, now: Instant) {
        while let Some((&number, kept)) = self.all.first_key_value()
            && (self.bytes > BYTES || now.saturating_duration_since(kept.at) > KEPT)
        {
            self.remove(number);
        }
    }

    /// Removes the oldest of a script, which the oldest of all is too.
    fn remove(&mut self, number: u64) {
        let Some(kept) = self.all.remove(&number) else { return };
        self.bytes -= kept.size();
        if let Some(own) = self.scripts.get_mut(&kept.script) {
            own.pop_front();
            if own.is_empty() {
                self.scripts.remove(&kept.script);
            }
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
