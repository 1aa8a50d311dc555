//! The command `perilune`: runs, checks, measures and serves scripts.

mod args;
mod bench;
mod call;
mod indent;
mod serve;

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::process::ExitCode;

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use clap::{CommandFactory, Parser};
use clap_complete::Shell;
use perilune::{Diagnostic, Engine, Severity};

use args::{Arguments, Command, Format, Input, RunArguments};
use call::Refused;

/// Exit code of a run whose status is not success; its trace was printed.
const NOT_A_SUCCESS: u8 = 1;

/// Exit code of a check that denies warnings, and found nothing else.
const WARNED: u8 = 1;

/// Exit code when there is no trace: usage, an unreadable file, a compile error, a bad payload.
const REFUSED: u8 = 2;

/// What leads a line of stderr where the terminal has colours.
const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();

fn main() -> ExitCode {
    perilune::worker::init();
    let done = match Arguments::try_parse() {
        Ok(arguments) => match arguments.command {
            Command::Run(run) => self::run(&run),
            Command::Check { files, format, deny_warnings } => check(&files, format, deny_warnings),
            Command::Bench(bench) => bench::bench(&bench),
            Command::Serve(arguments) => serve::serve(&arguments),
            Command::Completions { shell } => completions(shell),
        },
        Err(error) if error.use_stderr() => Err(Refused::Other(args::one_line(&error))),
        Err(help) => {
            let text = help.render();
            let has_colours = AutoStream::choice(&io::stdout()) != ColorChoice::Never;
            let text = if has_colours { text.ansi().to_string() } else { text.to_string() };
            print(&text).map(|()| ExitCode::SUCCESS)
        }
    };
    done.unwrap_or_else(|refused| {
        refused.tell();
        ExitCode::from(REFUSED)
    })
}

fn run(arguments: &RunArguments) -> Result<ExitCode, Refused> {
    let (script, request) = call::prepare(arguments)?;
    let trace = script.run(&request)?;
    let mut json = trace.to_json();
    if io::stdout().is_terminal() {
        json = indent::indent(&json);
    }
    json.push('\n');
    print(&json)?;
    Ok(if trace.ok() { ExitCode::SUCCESS } else { ExitCode::from(NOT_A_SUCCESS) })
}

/// Looks at every file, whatever comes of those before it.
fn check(files: &[Input], format: Format, deny_warnings: bool) -> Result<ExitCode, Refused> {
    call::at_most_one_stdin(files)?;
    let engine = Engine::new();
    let mut code = 0;
    for file in files {
        match file.read() {
            Ok(source) => {
                for found in engine.check(&file.name(), source) {
                    // The path leads to the file where the script's name does not.
                    let path = file.path();
                    match format {
                        Format::Text => tell(&path, &found),
                        Format::Json => print(&format!("{}\n", json(&path, &found)))?,
                    }
                    code = code.max(match found.severity {
                        Severity::Error => REFUSED,
                        _ if deny_warnings => WARNED,
                        _ => 0,
                    });
                }
            }
            Err(reason) => {
                Refused::from(reason).tell();
                code = REFUSED;
            }
        }
    }
    Ok(ExitCode::from(code))
}

fn tell(path: &str, found: &Diagnostic) {
    let place = format!("{path}:{}", found.line);
    match found.severity {
        Severity::Error => complain(ERROR, &place, &found.message),
        _ => complain(WARNING, &format!("{place}: warning"), &found.message),
    }
}

fn json(path: &str, found: &Diagnostic) -> serde_json::Value {
    let severity = if found.severity == Severity::Error { "error" } else { "warning" };
    serde_json::json!({
        "file": path,
        "line": found.line,
        "column": found.column,
        "severity": severity,
        "message": found.message,
    })
}

fn completions(shell: Shell) -> Result<ExitCode, Refused> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "perilune", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}

/// Writes to stdout. A reader that has gone, as `head` does, wants no more: that is no error.
fn print(text: &str) -> Result<(), Refused> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Refused::Other(format!("can't write to stdout: {error}")))
        }
        _ => Ok(()),
    }
}

/// One line on stderr, `SUBJECT: REASON`, whatever a path or a script put into it. Nobody is left to tell when that fails.
fn complain(style: Style, subject: &str, reason: &str) {
    let [subject, reason] = [subject, reason].map(|text| text.replace(char::is_control, " "));
    let _ = writeln!(anstream::stderr(), "{style}{subject}:{style:#} {reason}");
}
