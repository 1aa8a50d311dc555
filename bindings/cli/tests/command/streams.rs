//! What goes to stdout and stderr, and what becomes of it there: help, completions, colours, readers that are gone.

use crate::{command, finish, perilune};

#[test]
fn help_and_version_go_to_stdout() {
    let run = [
        "--query",
        "--get",
        "--post",
        "--form",
        "--config",
        "--meta",
        "--seed",
        "--timeout",
        "--memory",
        "--output",
        "<FILE|->",
        "Exit code",
    ];
    let cases: &[(&[&str], &[&str])] = &[
        (&["--version"], &[concat!("perilune ", env!("CARGO_PKG_VERSION"), "\n")]),
        (&["--help"], &["run", "check", "bench", "serve", "completions"]),
        (&["run", "--help"], &run),
        (&["bench", "--help"], &[&run[..], &["--seconds"]].concat()),
        (
            &["check", "-h"],
            &["<FILE>...", "FILE:LINE: REASON", "FILE:LINE: warning: ", "Exit code: 0 all compile"],
        ),
    ];
    for (arguments, parts) in cases {
        let done = perilune(arguments);
        assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""), "{arguments:?}");
        for part in *parts {
            assert!(done.stdout.contains(part), "{part} is not in {}", done.stdout);
        }
    }
}

#[test]
fn completions_know_the_options() {
    for (shell, parts) in [
        ("bash", ["complete -F _perilune", "--deny-warnings"]),
        ("zsh", ["#compdef perilune", "--deny-warnings"]),
        ("fish", ["complete -c perilune", "-l deny-warnings"]),
    ] {
        let done = perilune(&["completions", shell]);
        assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""), "{shell}");
        for part in parts {
            assert!(done.stdout.contains(part), "{part} is not what {shell} gets: {}", done.stdout);
        }
    }
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    let cases: &[(&[&str], &str)] = &[
        (&["run", "missing.lua"], "\x1b[1m\x1b[31mperilune:\x1b[0m can't read missing.lua: "),
        (&["check", "unclosed.lua"], "\x1b[1m\x1b[31munclosed.lua:1:\x1b[0m Expected"),
        (&["check", "doubtful.lua"], "\x1b[1m\x1b[33mdoubtful.lua:2: warning:\x1b[0m prnt is"),
        (&["--help"], "\x1b["),
    ];
    for (arguments, start) in cases {
        // What a terminal switches on by itself.
        let colours = |variables: &[(&str, &str)]| {
            let mut command = command(arguments);
            command.envs(variables.iter().copied());
            let done = finish(command, b"");
            done.stdout + &done.stderr
        };
        let told = colours(&[("CLICOLOR_FORCE", "1")]);
        assert!(told.contains(start), "{arguments:?}: {told:?}");
        for variables in [&[][..], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]] {
            assert!(!colours(variables).contains('\x1b'), "{arguments:?} {variables:?}");
        }
    }
}

/// As in `perilune … | head`.
#[test]
fn a_reader_that_has_gone_is_no_error() {
    let cases: &[(&[&str], i32)] = &[
        (&["run", "prints.lua"], 0),
        (&["run", "fails.lua"], 1),
        (&["run", "missing.lua"], 2),
        (&["bench", "empty.lua", "--seconds", "0.01"], 0),
        (&["run", "--help"], 0),
    ];
    for (arguments, code) in cases {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = command(arguments);
        command.stdout(writer);
        let done = finish(command, b"");
        assert_eq!(done.code, Some(*code), "{arguments:?}: {done:?}");
        assert_eq!(done.stderr.lines().count(), usize::from(*code == 2), "{arguments:?}: {done:?}");

        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = self::command(arguments);
        command.stderr(writer);
        assert_eq!(finish(command, b"").code, Some(*code), "{arguments:?}");
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::ffi::OsStr;
    use std::fs::{self, File};
    use std::os::unix::ffi::OsStrExt;

    use crate::{FOLDER, command, command_of, finish, refused, trace};

    #[test]
    fn a_terminal_gets_lines_and_colours() {
        let source = "print('\\127\\194\\155') return { 1 }";
        let plain = finish(command(&["run", "-"]), source.as_bytes()).stdout;
        assert!(plain.contains("\u{7f}\u{9b}"), "{plain}");
        fs::write(FOLDER.join("c1.lua"), source).expect("a file");

        // `script`, of util-linux, runs a command on a terminal of its own.
        let perilune = command(&[""; 0]);
        let line = format!("'{}' run c1.lua; '{0}' run gone.lua", perilune.get_program().display());
        let mut script = command_of("script", &["-qec", &line, "/dev/null"]);
        script.env("TERM", "xterm");
        let told = finish(script, b"").stdout;
        assert!(told.starts_with("{\r\n  \"status\": \"success\",\r\n"), "{told}");
        assert!(told.contains(r#""stdout": "\u007f\u009b\n","#), "{told}");
        assert!(told.contains("\x1b[1m\x1b[31mperilune:\x1b[0m can't read gone.lua: "), "{told}");
    }

    #[test]
    fn a_full_disk_is_told() {
        let mut command = command(&["run", "empty.lua"]);
        command.stdout(File::options().write(true).open("/dev/full").expect("it is there"));
        let done = finish(command, b"");
        assert!(refused(&done).starts_with("perilune: can't write to stdout: "), "{done:?}");
    }

    #[test]
    fn names_and_arguments_need_not_be_utf8() {
        let name = OsStr::from_bytes(b"m\xfen.lua");
        fs::write(FOLDER.join(name), "error('x')").expect("a file");
        let trace = trace(&finish(command(&[OsStr::new("run"), name]), b""), 1);
        assert_eq!(trace["error"]["message"], "m\u{fffd}n:1: x");

        let query = OsStr::from_bytes(b"a=\xfe");
        let arguments = [OsStr::new("run"), OsStr::new("view.lua"), OsStr::new("--query"), query];
        let done = finish(command(&arguments), b"");
        assert_eq!(
            refused(&done),
            "perilune: invalid UTF-8 was detected in one or more arguments; see --help"
        );
    }
}
