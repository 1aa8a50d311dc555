//! The limits of an engine, a script and a request, by their numbers.

use std::time::Duration;

use perilune::{Limits, RunLimits};

use crate::failure::Failure;
use crate::status::*;
use crate::time::ns;

/// Sets one of an engine's limits.
pub(crate) fn set_limit(limits: &mut Limits, limit: perilune_limit, value: u64) -> Result<(), Failure> {
    match limit {
        PERILUNE_LIMIT_TIMEOUT_NS => limits.timeout = Duration::from_nanos(value),
        PERILUNE_LIMIT_QUEUE_NS => limits.queue = Duration::from_nanos(value),
        PERILUNE_LIMIT_MEMORY => limits.memory = size(value),
        PERILUNE_LIMIT_OUTPUT => limits.output = size(value),
        PERILUNE_LIMIT_VALUE => limits.value = size(value),
        PERILUNE_LIMIT_HOST_CALLS => limits.host_calls = value,
        PERILUNE_LIMIT_REQUEST => limits.request = size(value),
        PERILUNE_LIMIT_PARAMETERS => limits.parameters = size(value),
        PERILUNE_LIMIT_SOURCE => limits.source = size(value),
        other => return Err(unknown(other)),
    }
    Ok(())
}

/// One of an engine's limits.
pub(crate) fn limit(limits: &Limits, limit: perilune_limit) -> Option<u64> {
    Some(match limit {
        PERILUNE_LIMIT_TIMEOUT_NS => ns(limits.timeout),
        PERILUNE_LIMIT_QUEUE_NS => ns(limits.queue),
        PERILUNE_LIMIT_MEMORY => limits.memory as u64,
        PERILUNE_LIMIT_OUTPUT => limits.output as u64,
        PERILUNE_LIMIT_VALUE => limits.value as u64,
        PERILUNE_LIMIT_HOST_CALLS => limits.host_calls,
        PERILUNE_LIMIT_REQUEST => limits.request as u64,
        PERILUNE_LIMIT_PARAMETERS => limits.parameters as u64,
        PERILUNE_LIMIT_SOURCE => limits.source as u64,
        _ => return None,
    })
}

/// Sets one of the limits that a script or a request can have.
pub(crate) fn set_run_limit(
    limits: &mut RunLimits,
    limit: perilune_limit,
    value: u64,
) -> Result<(), Failure> {
    match limit {
        PERILUNE_LIMIT_TIMEOUT_NS => limits.timeout = Some(Duration::from_nanos(value)),
        PERILUNE_LIMIT_QUEUE_NS => limits.queue = Some(Duration::from_nanos(value)),
        PERILUNE_LIMIT_MEMORY => limits.memory = Some(size(value)),
        PERILUNE_LIMIT_OUTPUT => limits.output = Some(size(value)),
        PERILUNE_LIMIT_VALUE => limits.value = Some(size(value)),
        PERILUNE_LIMIT_HOST_CALLS => limits.host_calls = Some(value),
        PERILUNE_LIMIT_REQUEST | PERILUNE_LIMIT_PARAMETERS | PERILUNE_LIMIT_SOURCE => {
            return Err(Failure::argument(format!("limit: number {limit} is an engine's only")));
        }
        other => return Err(unknown(other)),
    }
    Ok(())
}

fn unknown(limit: perilune_limit) -> Failure {
    Failure::argument(format!("limit: there is none with the number {limit}"))
}

/// What no address space can hold is no limit.
fn size(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}
