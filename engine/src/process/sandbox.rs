//! What a worker's process gives up before its first source: from then on it computes, and speaks with its host.
//!
//! The order matters. Namespaces and the file system are given up by one thread, and those that it starts afterwards have given them up as
//! well; system calls are given up by all threads at once, when there are no more to be started.

use std::collections::BTreeMap;
use std::fmt::Display;

use landlock::{ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetStatus, Scope};
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, Signal, set_dumpable_behavior, set_parent_process_death_signal,
    setrlimit,
};
use rustix::thread::{UnshareFlags, set_no_new_privs, unshare_unsafe};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    apply_filter_all_threads,
};

pub use super::walls::Sandbox;
use super::wire::{Malformed, Reader, Writer};

impl Sandbox {
    /// What a worker has before it says what.
    pub(crate) fn none() -> Self {
        let none = || Err("it has not begun".to_owned());
        Self { system_calls: none(), files: none(), namespaces: none(), resources: none() }
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        for (_, wall) in self.parts() {
            writer.optional(wall.as_ref().err(), |writer, reason| writer.bytes(reason.as_bytes()));
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut wall =
            || reader.optional(|reader| reader.text().map(str::to_owned)).map(|it| it.map_or(Ok(()), Err));
        Ok(Self { system_calls: wall()?, files: wall()?, namespaces: wall()?, resources: wall()? })
    }
}

fn said<T, E: Display>(result: Result<T, E>) -> Result<(), String> {
    result.map(drop).map_err(|error| error.to_string())
}

/// Gives up what one thread does for those that it starts: to be called before there are others. `memory` is what a run may take, in bytes.
pub(crate) fn before_threads(memory: usize) -> Sandbox {
    // A fault ends the process at once, and by its own signal, so that the host is told what it was.
    for signal in [libc::SIGSEGV, libc::SIGBUS] {
        // SAFETY: the default action is no function that could do wrong.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    let resources = bounds(memory);
    let privileges = said(set_no_new_privs(true));
    // SAFETY: nothing in this process relies on the users and networks that it was started with, nor has it other threads.
    let namespaces = said(unsafe { unshare_unsafe(UnshareFlags::NEWUSER | UnshareFlags::NEWNET) });
    // The system forgets it where a process gets other rights, as just now.
    let dies = || said(set_parent_process_death_signal(Some(Signal::KILL)));
    let resources = resources.and_then(|()| dies());
    let files = privileges.and_then(|()| no_files());
    Sandbox { system_calls: Ok(()), files, namespaces, resources }
}

/// Gives up the rest, when all threads run.
pub(crate) fn after_threads(sandbox: Sandbox) -> Sandbox {
    let resources = sandbox.resources.and_then(|()| to(Resource::Nproc, 0));
    Sandbox { resources, system_calls: no_system_calls(), ..sandbox }
}

fn no_files() -> Result<(), String> {
    let abi = ABI::V6;
    let ruleset = Ruleset::default()
        .handle_access(AccessFs::from_all(abi))
        .and_then(|ruleset| ruleset.handle_access(AccessNet::from_all(abi)))
        .and_then(|ruleset| ruleset.scope(Scope::from_all(abi)))
        .and_then(Ruleset::create);
    let status =
        ruleset.and_then(landlock::RulesetCreated::restrict_self).map_err(|error| error.to_string())?;
    match status.ruleset {
        RulesetStatus::NotEnforced => Err("the kernel has no Landlock".to_owned()),
        _ => Ok(()),
    }
}

/// Beside what is mapped and what a run may take: its scratch memory, and that of the compiler.
const BESIDE: u64 = 1 << 30;

fn to(resource: Resource, most: u64) -> Result<(), String> {
    said(setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) }))
}

fn bounds(memory: usize) -> Result<(), String> {
    let pages = std::fs::read_to_string("/proc/self/statm").map_err(|error| error.to_string())?;
    let pages = pages.split(' ').next().and_then(|pages| pages.parse::<u64>().ok()).unwrap_or_default();
    let mapped = pages.saturating_mul(rustix::param::page_size() as u64);
    to(Resource::As, mapped.saturating_add(memory as u64).saturating_add(BESIDE))?;
    to(Resource::Core, 0)?;
    to(Resource::Fsize, 0)?;
    // Those that are open have numbers below it, and others get none.
    let open = std::fs::read_dir("/proc/self/fd").map_err(|error| error.to_string())?;
    let numbers = open.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u64>().ok());
    to(Resource::Nofile, numbers.max().unwrap_or_default())?;
    said(set_dumpable_behavior(DumpableBehavior::NotDumpable))
}

/// What computing needs, speaking through what is open, and the begin and end of a thread, which may be under way still.
const ALLOWED: &[i64] = &[
    libc::SYS_brk,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_futex,
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_gettid,
    libc::SYS_madvise,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_ppoll,
    libc::SYS_read,
    libc::SYS_recvfrom,
    libc::SYS_restart_syscall,
    libc::SYS_rseq,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_set_robust_list,
    libc::SYS_sigaltstack,
    libc::SYS_write,
    libc::SYS_sendto,
];

/// Calls of which an argument, by its number, has none of these bits: memory is never to be run.
const WITHOUT: &[(i64, u8, u64)] = &[
    (libc::SYS_mmap, 2, libc::PROT_EXEC as u64),
    (libc::SYS_mprotect, 2, libc::PROT_EXEC as u64),
    // A thread is named by it, and nothing else is done.
    (libc::SYS_prctl, 0, !(libc::PR_SET_NAME as u64) & 0xFFFF_FFFF),
];

fn no_system_calls() -> Result<(), String> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = ALLOWED.iter().map(|call| (*call, Vec::new())).collect();
    for (call, argument, bits) in WITHOUT {
        let condition =
            SeccompCondition::new(*argument, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(*bits), 0);
        let rule = condition.and_then(|condition| SeccompRule::new(vec![condition]));
        rules.insert(*call, vec![rule.map_err(|error| error.to_string())?]);
    }
    // To abort is to send oneself this signal, and no other.
    let own = [(0, u64::from(std::process::id())), (2, libc::SIGABRT as u64)].map(|(argument, value)| {
        SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value)
    });
    let own: Result<Vec<_>, _> = own.into_iter().collect();
    let rule = own.and_then(SeccompRule::new);
    rules.insert(libc::SYS_tgkill, vec![rule.map_err(|error| error.to_string())?]);
    let target =
        std::env::consts::ARCH.try_into().map_err(|error: seccompiler::BackendError| error.to_string())?;
    let filter = SeccompFilter::new(rules, SeccompAction::KillProcess, SeccompAction::Allow, target)
        .and_then(BpfProgram::try_from)
        .map_err(|error| error.to_string())?;
    said(apply_filter_all_threads(&filter))
}
