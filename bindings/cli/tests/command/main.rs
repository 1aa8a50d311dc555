//! The command: every option, every exit code, and what stands on stdout and stderr. Set `PERILUNE_COMMAND` to have the suite test another
//! binary than Cargo's, such as the one that a package of another language installed.

mod bench;
mod check;
mod refused;
mod run;
mod streams;

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use serde_json::Value;

/// Returns those of the request's tables that hold something.
const VIEW: &str = "
    local seen = {}
    for name, part in { get = GET, post = POST, config = CONFIG, meta = META } do
        seen[name] = if next(part) then part else nil
    end
    return seen";

const FILES: &[(&str, &[u8])] = &[
    ("view.lua", VIEW.as_bytes()),
    ("hello.v2.lua", b"print('Hello', ARGS.monster) warn('low') return 1"),
    ("fails.lua", b"print('so far')\nerror('boom\\nand more')"),
    ("endless.lua", b"while true do end"),
    ("moody.lua", b"if math.random() < 0.1 then error('moody') end"),
    ("random.lua", b"return math.random(1, 2^40)"),
    ("keeps.lua", b"local s = string.rep('x', 100 * 2^20) return #s"),
    ("prints.lua", b"print(string.rep('x', 700 * 1024))"),
    ("empty.lua", b""),
    ("requires.lua", b"return require('util').name .. require('a/b')"),
    ("util.lua", b"return {name = 'util'}"),
    ("letter.lua", b"return 'b'"),
    ("unfinished.lua", b"local a = 1\n\nlocal b = = 2\n"),
    ("unclosed.lua", b"while true do"),
    ("broken.lua", b"function a()\n  x = = 1\nend\n\nfunction b()\n  goto done\nend\nprnt(1)"),
    ("doubtful.lua", b"local n = 1\nif n == 1 then prnt(n) end\nreturn math.type(n)"),
    ("marked.lua", b"\xef\xbb\xbf#!/usr/bin/env -S perilune run\nreturn require('marked') .. '!'"),
    ("mark.lua", b"\xef\xbb\xbfreturn 'mark'"),
    ("latin.lua", b"-- one\nprint('\xe9')"),
    ("nul.lua", b"print('\0')"),
    ("body.json", br#"{"n": 1}"#),
    ("latin.json", b"{\"a\": \"\xe9\"}"),
];

/// The folder that the command runs in.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("command");
    fs::create_dir_all(folder.join("folder.lua")).expect("a folder");
    for (name, content) in FILES {
        fs::write(folder.join(name), content).expect("a file");
    }
    folder
});

#[derive(Debug)]
struct Done {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn command(arguments: &[impl AsRef<OsStr>]) -> Command {
    let own = || env!("CARGO_BIN_EXE_perilune").into();
    command_of(std::env::var_os("PERILUNE_COMMAND").unwrap_or_else(own), arguments)
}

fn command_of(program: impl AsRef<OsStr>, arguments: &[impl AsRef<OsStr>]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(&*FOLDER).env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[track_caller]
fn finish(mut command: Command, stdin: &[u8]) -> Done {
    let mut child = command.spawn().expect("it starts");
    // One that was refused its arguments does not read.
    let _ = child.stdin.take().expect("a pipe").write_all(stdin);
    let output = child.wait_with_output().expect("it ends");
    Done {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

#[track_caller]
fn perilune(arguments: &[&str]) -> Done {
    finish(command(arguments), b"")
}

/// The trace of a run that printed one, on one line, and nothing else.
#[track_caller]
fn trace(done: &Done, code: i32) -> Value {
    assert_eq!((done.code, done.stderr.as_str()), (Some(code), ""), "{done:?}");
    assert!(done.stdout.ends_with('\n') && done.stdout.lines().count() == 1, "{done:?}");
    serde_json::from_str(&done.stdout).expect("JSON")
}

/// The one line of a command that was refused.
#[track_caller]
fn refused(done: &Done) -> &str {
    assert_eq!((done.code, done.stdout.as_str()), (Some(2), ""), "{done:?}");
    assert!(done.stderr.ends_with('\n') && done.stderr.lines().count() == 1, "{done:?}");
    done.stderr.trim_end()
}
