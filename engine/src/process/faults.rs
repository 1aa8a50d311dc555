//! What goes wrong in a worker on purpose, so that tests see what comes of it: only with the feature `faults`.

use std::hint::black_box;
use std::process;
use std::ptr::without_provenance_mut;
use std::sync::Arc;

use super::channel::Channel;
use super::to_host;
use super::wire::Writer;
use crate::model::function::{Arguments, HostError, HostFunction};

/// The text in a source that ends the worker that compiles it.
pub(crate) const IN_SOURCE: &[u8] = b"--!fault";

/// A host function that commits the fault that its first argument names. It returns only where nothing came of that.
pub(crate) fn function(channel: &Arc<Channel>) -> Arc<dyn HostFunction> {
    let channel = Arc::clone(channel);
    Arc::new(move |arguments: &dyn Arguments| {
        let name = arguments.bytes(0).unwrap_or_default().to_vec();
        commit(&String::from_utf8_lossy(&name), &channel);
        Err(HostError::new("nothing came of this fault"))
    })
}

fn commit(name: &str, channel: &Channel) {
    // SAFETY: none of it is sound, which is what it is for: this process is to end, or to do what its host does not expect.
    unsafe {
        match name {
            "write" => without_provenance_mut::<u8>(8).write_volatile(1),
            "jump" => {
                let nowhere = std::mem::transmute::<*mut (), extern "C" fn()>(without_provenance_mut(16));
                nowhere();
            }
            "loop" => loop {
                std::hint::spin_loop();
            },
            "stack" => _ = black_box(descend(0)),
            "abort" => process::abort(),
            "exit" => process::exit(7),
            "memory" => loop {
                std::mem::forget(black_box(Vec::<u8>::with_capacity(64 << 20)));
            },
            "open" => _ = libc::open(c"/etc/passwd".as_ptr(), libc::O_RDONLY),
            "socket" => _ = libc::socket(libc::AF_INET, libc::SOCK_STREAM, 0),
            "fork" => _ = libc::fork(),
            "thread" => _ = std::thread::Builder::new().spawn(|| {}),
            "exec" => _ = libc::execve(c"/bin/true".as_ptr(), std::ptr::null(), std::ptr::null()),
            "ptrace" => _ = libc::ptrace(libc::PTRACE_ATTACH, 1, 0, 0),
            "kill" => _ = libc::kill(1, libc::SIGKILL),
            "close" => _ = libc::close(0),
            "code" => {
                let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
                let access = libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC;
                libc::mmap(std::ptr::null_mut(), 4096, access, flags, -1, 0);
            }
            "scribble" => channel.scribble(0xAA),
            "forged length" => channel.forge_length(u32::MAX),
            "forged count" => {
                let mut answer = Writer::default();
                answer.byte(to_host::TRACE);
                (0..8).for_each(|_| answer.number(u64::MAX >> 1));
                let _ = channel.send(&answer.0, None);
                // What else it said would be read instead.
                loop {
                    std::hint::spin_loop();
                }
            }
            "scribble after" => {
                let mut answer = Writer::default();
                answer.byte(to_host::CALL);
                answer.bytes(&[0; 1 << 17]);
                let _ = channel.send(&answer.0, None);
                (0..=u8::MAX).for_each(|byte| channel.scribble(byte));
                process::exit(9);
            }
            _ => {}
        }
    }
}

#[allow(unconditional_recursion, reason = "it is to overflow the stack")]
fn descend(depth: usize) -> usize {
    let here = black_box([depth; 64]);
    descend(depth + 1) + here[depth % 64]
}
