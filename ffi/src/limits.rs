//! The limits of an engine, a script and a request, by their numbers.

use std::time::Duration;

use perilune::{Limits, RunLimits};

use crate::failure::Failure;
use crate::status::*;
use crate::time::ns;

/// What there is to know of a limit.
pub(crate) struct Limit {
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    get: fn(&Limits) -> u64,
    set: fn(&mut Limits, u64),
    /// None of what only an engine has.
    set_run: Option<fn(&mut RunLimits, u64)>,
}

/// In the order of their numbers, which begin with 1.
pub(crate) const LIMITS: [Limit; 9] = [
    Limit {
        name: "timeout",
        unit: "ns",
        get: |limits| ns(limits.timeout),
        set: |limits, value| limits.timeout = Duration::from_nanos(value),
        set_run: Some(|limits, value| limits.timeout = Some(Duration::from_nanos(value))),
    },
    Limit {
        name: "queue",
        unit: "ns",
        get: |limits| ns(limits.queue),
        set: |limits, value| limits.queue = Duration::from_nanos(value),
        set_run: Some(|limits, value| limits.queue = Some(Duration::from_nanos(value))),
    },
    Limit {
        name: "memory",
        unit: "bytes",
        get: |limits| limits.memory as u64,
        set: |limits, value| limits.memory = size(value),
        set_run: Some(|limits, value| limits.memory = Some(size(value))),
    },
    Limit {
        name: "output",
        unit: "bytes",
        get: |limits| limits.output as u64,
        set: |limits, value| limits.output = size(value),
        set_run: Some(|limits, value| limits.output = Some(size(value))),
    },
    Limit {
        name: "value",
        unit: "bytes",
        get: |limits| limits.value as u64,
        set: |limits, value| limits.value = size(value),
        set_run: Some(|limits, value| limits.value = Some(size(value))),
    },
    Limit {
        name: "host_calls",
        unit: "",
        get: |limits| limits.host_calls,
        set: |limits, value| limits.host_calls = value,
        set_run: Some(|limits, value| limits.host_calls = Some(value)),
    },
    Limit {
        name: "request",
        unit: "bytes",
        get: |limits| limits.request as u64,
        set: |limits, value| limits.request = size(value),
        set_run: None,
    },
    Limit {
        name: "parameters",
        unit: "",
        get: |limits| limits.parameters as u64,
        set: |limits, value| limits.parameters = size(value),
        set_run: None,
    },
    Limit {
        name: "source",
        unit: "bytes",
        get: |limits| limits.source as u64,
        set: |limits, value| limits.source = size(value),
        set_run: None,
    },
];

// The place in the table is the number.
const _: () = {
    assert!(PERILUNE_LIMIT_TIMEOUT_NS == 1 && PERILUNE_LIMIT_QUEUE_NS == 2 && PERILUNE_LIMIT_MEMORY == 3);
    assert!(PERILUNE_LIMIT_OUTPUT == 4 && PERILUNE_LIMIT_VALUE == 5 && PERILUNE_LIMIT_HOST_CALLS == 6);
    assert!(PERILUNE_LIMIT_REQUEST == 7 && PERILUNE_LIMIT_PARAMETERS == 8 && PERILUNE_LIMIT_SOURCE == 9);
};

fn of(number: perilune_limit) -> Option<&'static Limit> {
    const { &LIMITS }.get(usize::try_from(number).ok()?.checked_sub(1)?)
}

fn required(number: perilune_limit) -> Result<&'static Limit, Failure> {
    of(number).ok_or_else(|| Failure::argument(format!("limit: there is none with the number {number}")))
}

/// Sets one of an engine's limits.
pub(crate) fn set_limit(limits: &mut Limits, number: perilune_limit, value: u64) -> Result<(), Failure> {
    (required(number)?.set)(limits, value);
    Ok(())
}

/// One of an engine's limits.
pub(crate) fn limit(limits: &Limits, number: perilune_limit) -> Option<u64> {
    of(number).map(|limit| (limit.get)(limits))
}

/// Sets one of the limits that a script or a request can have.
pub(crate) fn set_run_limit(
    limits: &mut RunLimits,
    number: perilune_limit,
    value: u64,
) -> Result<(), Failure> {
    match required(number)?.set_run {
        Some(set) => set(limits, value),
        None => return Err(Failure::argument(format!("limit: number {number} is an engine's only"))),
    }
    Ok(())
}

/// What no address space can hold is no limit.
fn size(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}
