//! What a run may use: an engine's [`Limits`] are ceilings, a script's and a run's [`RunLimits`] lower them.

use std::time::Duration;

/// One KiB, in bytes.
const KIB: usize = 1024;
/// One MiB, in bytes.
const MIB: usize = 1024 * KIB;

/// The ceilings of an engine. Sizes are bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Wall clock for one run, from the building of its tables to the end of its result.
    pub timeout: Duration,
    /// How long a run may wait for a free VM.
    pub queue: Duration,
    /// Hard cap on what a VM's heap grows by over its base.
    pub memory: usize,
    /// Captured stdout and stderr, each.
    pub output: usize,
    /// The returned value, as JSON; and the content of a response.
    pub value: usize,
    /// Calls of host functions.
    pub host_calls: u64,
    /// Query, body, config and meta together.
    pub request: usize,
    /// Parameters in the query.
    pub parameters: usize,
    /// A script's source.
    pub source: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            queue: Duration::from_secs(5),
            memory: 64 * MIB,
            output: 512 * KIB,
            value: 512 * KIB,
            host_calls: 10_000,
            request: 512 * KIB,
            parameters: 1000,
            source: MIB,
        }
    }
}

impl Limits {
    /// These limits, lowered where `lower` asks for less. What asks for more changes nothing.
    #[must_use]
    pub fn lowered_by(mut self, lower: &RunLimits) -> Self {
        fn min<T: Ord>(ceiling: &mut T, wanted: Option<T>) {
            if let Some(wanted) = wanted
                && wanted < *ceiling
            {
                *ceiling = wanted;
            }
        }
        min(&mut self.timeout, lower.timeout);
        min(&mut self.queue, lower.queue);
        min(&mut self.memory, lower.memory);
        min(&mut self.output, lower.output);
        min(&mut self.value, lower.value);
        min(&mut self.host_calls, lower.host_calls);
        self
    }
}

/// Limits of one script or one run; `None` keeps the engine's. They lower, never raise. Sizes are bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunLimits {
    /// As [`Limits::timeout`].
    pub timeout: Option<Duration>,
    /// As [`Limits::queue`].
    pub queue: Option<Duration>,
    /// As [`Limits::memory`].
    pub memory: Option<usize>,
    /// As [`Limits::output`].
    pub output: Option<usize>,
    /// As [`Limits::value`].
    pub value: Option<usize>,
    /// As [`Limits::host_calls`].
    pub host_calls: Option<u64>,
}

/// Reads a size in bytes: `65536`, `512KiB`, `64 MiB`, `1GiB`; `K`, `M`, `G` and `KB`, `MB`, `GB` mean the same
/// powers of 1,024. Case and spaces do not matter.
///
/// # Errors
/// A text that says what was wrong and what is taken.
///
/// ```
/// assert_eq!(perilune::parse_bytes("64MiB"), Ok(64 << 20));
/// assert!(perilune::parse_bytes("64 parsecs").is_err());
/// ```
pub fn parse_bytes(text: &str) -> Result<usize, String> {
    let refused = || {
        format!("{text:?} is not a size in bytes: give a whole number, or one with KiB, MiB or GiB behind it")
    };
    let trimmed = text.trim();
    let digits = trimmed.len() - trimmed.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = trimmed.split_at(digits);
    let scale = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => KIB,
        "m" | "mb" | "mib" => MIB,
        "g" | "gb" | "gib" => 1024 * MIB,
        _ => return Err(refused()),
    };
    number.parse::<usize>().ok().and_then(|n| n.checked_mul(scale)).ok_or_else(refused)
}
