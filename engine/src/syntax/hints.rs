//! Hints for authors at runtime errors: which existing name may have been meant. [`Engine::check`](crate::Engine::check)
//! shows the same findings.
//!
//! Findings are made from the stored source when an error first needs them. At each compilation, they would take a quarter
//! of its time.

use std::sync::OnceLock;

use super::findings::{self, Finding};
use super::parsed::Parsed;
use super::uses::Globals;

/// The longest source that is searched while a run waits, in bytes: it takes 10 ms.
const LONGEST: usize = 512 << 10;

/// The most findings that are named with one error.
const TOLD: usize = 2;

/// A compiled source, and its findings.
pub(crate) struct Hints {
    source: Box<[u8]>,
    findings: OnceLock<Vec<Finding>>,
}

/// The message of an error of Luau's, taken apart: script, line and text.
pub(crate) struct Raised<'a> {
    pub(crate) script: &'a str,
    line: u32,
    reason: &'a str,
    /// The name of what was called or written to, by the VM: `host.echo` of `… (field 'host.echo')`.
    named: Option<&'a str>,
}

impl<'a> Raised<'a> {
    /// Parses `hello:3: attempt to …`. An error that was raised again has several positions; the innermost counts.
    pub(crate) fn parse(message: &'a str) -> Option<Self> {
        let begin =
            [": attempt to ", ": invalid argument #"].into_iter().find_map(|text| message.find(text))?;
        let (place, reason) = (&message[..begin], &message[begin + 2..]);
        let (script, line) = place.rsplit_once(':')?;
        let script = script.rsplit_once(": ").map_or(script, |(_, inner)| inner);
        let (reason, named) = match named(reason) {
            Some((at, named)) => (&reason[..at], Some(named)),
            None => (reason, None),
        };
        Some(Self { script, line: line.parse().ok()?, reason, named })
    }
}

/// Where in an error's message the VM's words begin on what was called or written to, and the name in them.
pub(crate) fn named(message: &str) -> Option<(usize, &str)> {
    let at = message.rfind(" (")?;
    let words = message[at + 2..].strip_suffix("')")?;
    let (kind, name) = words.split_once(" '")?;
    matches!(kind, "global" | "field" | "method").then_some((at, name))
}

impl Hints {
    pub(crate) fn new(source: &[u8]) -> Self {
        Self { source: source.into(), findings: OnceLock::new() }
    }

    pub(crate) fn source(&self) -> &str {
        std::str::from_utf8(&self.source).expect("what is not UTF-8 was refused")
    }

    /// What may be behind an error of this script. `functions` are those in `host`, unless that is the script's own;
    /// `is_absent` says of a global, or a member of it, whether it is nil.
    pub(crate) fn explain(
        &self,
        raised: &Raised<'_>,
        functions: Option<&[&str]>,
        mut is_absent: impl FnMut(&str, Option<&str>) -> bool,
    ) -> Option<String> {
        let hint = findings::missing_method(raised.reason)
            .or_else(|| findings::adding(raised.reason))
            .or_else(|| findings::writing(raised.reason, raised.named?))
            .or_else(|| findings::missing_function(raised.reason, raised.named?, functions?));
        if hint.is_some() {
            return hint;
        }
        if self.source.len() > LONGEST {
            return None;
        }
        let findings = self.findings.get_or_init(|| {
            let source = Parsed::new(&self.source);
            source
                .map(|source| findings::findings(&source, &Globals::new(&source), false))
                .unwrap_or_default()
        });
        let mut told = Vec::new();
        for finding in findings
            .iter()
            .filter(|finding| finding.line == raised.line && finding.fits(raised.reason, raised.named))
        {
            let hint = finding.hint(std::iter::empty());
            if told.len() < TOLD
                && !told.contains(&hint)
                && is_absent(&finding.name, finding.member.as_deref())
            {
                told.push(hint);
            }
        }
        (!told.is_empty()).then(|| told.join("; "))
    }
}
