//! Programs written for Lua 5.1 and 5.4, in `scripts/compat`: what runs here unchanged, what differs, what is refused.
//!
//! A program begins with what it is: its Lua and what becomes of it here, what it uses, and what to write instead
//! where it does not run unchanged. It ends with what the real Lua prints, and, where that is different, with what it
//! prints and raises here. A program of the same name in `scripts/compat/instead` is a port: it prints here what the
//! original prints there.
//!
//! To write those ends and the table of `COMPATIBILITY.md` anew, after a review of what changed:
//! `cargo test -p perilune --test compat -- --ignored`. What the real Luas print is asked of `lua5.1` and `lua5.4`
//! (Debian's packages of these names); without them it stays as it is.

mod common;

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::engine;
use perilune::Request;

const REGENERATE: &str = "to write it anew: cargo test -p perilune --test compat -- --ignored";

/// Time zone of the real Luas: not UTC, so that code that depends on it is seen to.
const TIME_ZONE: &str = "CET-1CEST,M3.5.0,M10.5.0/3";

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Runs,
    Differs,
    Refused,
}

impl Outcome {
    const ALL: [(Self, &str); 3] =
        [(Self::Runs, "runs"), (Self::Differs, "differs"), (Self::Refused, "refused")];
}

struct Program {
    name: String,
    /// `5.1` or `5.4`.
    lua: String,
    outcome: Outcome,
    /// What differs or is refused.
    why: String,
    uses: String,
    /// What to write instead, unless it runs.
    instead: String,
    /// The file without its end.
    code: String,
    /// What the real Lua prints, and what is printed and raised here if that is different.
    prints: String,
    here: Option<Here>,
}

/// What became of a program here.
#[derive(Debug, PartialEq, Eq)]
struct Here {
    prints: String,
    raises: Option<String>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts/compat")
}

/// The names of the Lua files of a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries =
        fs::read_dir(folder).expect("the folder is there").map(|entry| entry.expect("an entry").path());
    let files = entries.filter(|path| path.extension().is_some_and(|extension| extension == "lua"));
    let mut names: Vec<String> =
        files.map(|path| path.file_stem().expect("a name").to_str().expect("text").to_owned()).collect();
    names.sort_unstable();
    names
}

fn programs() -> Vec<Program> {
    names(&folder()).into_iter().map(read).collect()
}

const PRINTS: &str = "\n-- prints:\n";
const PRINTS_HERE: &str = "\n-- prints here:\n";
const RAISES_HERE: &str = "\n-- raises here:\n";

fn read(name: String) -> Program {
    let text = fs::read_to_string(folder().join(format!("{name}.lua"))).expect("the program can be read");
    let mut lines = text.lines();
    let mut line = |begin: &str| {
        let line = lines.next().unwrap_or_default();
        line.strip_prefix(begin)
            .unwrap_or_else(|| panic!("{name}: {begin:?} expected, not {line:?}"))
            .to_owned()
    };
    let first = line("-- lua: ");
    let (lua, what) = first.split_once(" | ").unwrap_or_else(|| panic!("{name}: {first}"));
    let (outcome, why) = what.split_once(": ").unwrap_or((what, ""));
    let (outcome, _) = *Outcome::ALL
        .iter()
        .find(|(_, word)| *word == outcome)
        .unwrap_or_else(|| panic!("{name}: what is {outcome:?}?"));
    assert_eq!(outcome == Outcome::Runs, why.is_empty(), "{name}: say what differs, and only that");
    let uses = line("-- uses: ");
    let instead = if outcome == Outcome::Runs { String::new() } else { line("-- instead: ") };

    let section = |begin: &str| {
        let (_, rest) = text.split_once(begin)?;
        let lines = rest.lines().map_while(|line| line.strip_prefix("--> "));
        Some(lines.flat_map(|line| [line, "\n"]).collect::<String>())
    };
    let here = [PRINTS_HERE, RAISES_HERE].iter().any(|begin| text.contains(begin)).then(|| Here {
        prints: section(PRINTS_HERE).unwrap_or_default(),
        raises: section(RAISES_HERE).map(|message| message.trim_end().to_owned()),
    });
    Program {
        lua: lua.to_owned(),
        outcome,
        why: why.to_owned(),
        uses,
        instead,
        code: text.split(PRINTS).next().unwrap_or_default().to_owned(),
        prints: section(PRINTS).unwrap_or_default(),
        here,
        name,
    }
}

/// Runs a source under its file's name, which messages of the real Lua begin with too.
fn run(name: &str, source: &str) -> Here {
    let script = match engine().compile(&format!("{name}.lua"), source) {
        Ok(script) => script,
        Err(error) => return Here { prints: String::new(), raises: Some(error.to_string()) },
    };
    let trace = script.run(&Request::new()).expect("it runs");
    Here { prints: trace.stdout_text().into_owned(), raises: trace.error.map(|error| error.message) }
}

impl Program {
    fn file(&self) -> PathBuf {
        folder().join(format!("{}.lua", self.name))
    }

    fn port(&self) -> PathBuf {
        folder().join("instead").join(format!("{}.lua", self.name))
    }

    /// Which of the three it is, by what became of it.
    fn outcome_of(&self, here: &Here) -> Outcome {
        match here {
            Here { raises: Some(_), .. } => Outcome::Refused,
            Here { prints, .. } if *prints != self.prints => Outcome::Differs,
            Here { .. } => Outcome::Runs,
        }
    }

    /// What the real Lua prints; `None` when it is not installed.
    fn print_there(&self) -> Option<String> {
        let output = Command::new(format!("lua{}", self.lua))
            .arg(format!("{}.lua", self.name))
            .current_dir(folder())
            .env("TZ", TIME_ZONE)
            .stdin(Stdio::null())
            .output();
        let output = match output {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            output => output.unwrap_or_else(|error| panic!("lua{}: {error}", self.lua)),
        };
        assert!(output.status.success(), "{}: {}", self.name, String::from_utf8_lossy(&output.stderr));
        Some(String::from_utf8(output.stdout).expect("it prints text"))
    }

    /// The file with its end.
    fn text(&self) -> String {
        let comment = |text: &str| text.lines().flat_map(|line| ["--> ", line, "\n"]).collect::<String>();
        let mut text = format!("{}{PRINTS}{}", self.code, comment(&self.prints));
        if let Some(Here { prints, raises }) = &self.here {
            if !prints.is_empty() || raises.is_none() {
                text += &format!("{PRINTS_HERE}{}", comment(prints));
            }
            if let Some(raises) = raises {
                text += &format!("{RAISES_HERE}{}", comment(raises));
            }
        }
        text
    }
}

#[test]
fn every_program_does_what_it_is_pinned_to() {
    let mut wrong = String::new();
    for program in programs() {
        let here = run(&program.name, &program.code);
        let found = program.outcome_of(&here);
        if found != program.outcome {
            let _ = writeln!(
                wrong,
                "{}: {:?} expected, {found:?} found: {here:?}",
                program.name, program.outcome
            );
        } else if found != Outcome::Runs && program.here.as_ref() != Some(&here) {
            let _ = writeln!(
                wrong,
                "{}: {:?} expected, {here:?} found; {REGENERATE}",
                program.name, program.here
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_port_prints_what_the_original_prints_in_its_lua() {
    let programs = programs();
    for name in names(&folder().join("instead")) {
        let program = programs.iter().find(|program| program.name == name);
        let Some(program) = program else { panic!("instead/{name}.lua: there is no {name}.lua") };
        assert_ne!(program.outcome, Outcome::Runs, "{name} needs no port");
        let source = fs::read_to_string(program.port()).expect("the port can be read");
        let expected = Here { prints: program.prints.clone(), raises: None };
        assert_eq!(run(&name, &source), expected, "instead/{name}.lua");
    }
    for program in programs.iter().filter(|program| program.outcome == Outcome::Refused) {
        assert!(program.port().exists(), "{}: refused, but there is no port", program.name);
    }
}

#[test]
fn the_corpus_is_large_enough_and_of_both_luas() {
    let programs = programs();
    for lua in ["5.1", "5.4"] {
        let count = programs.iter().filter(|program| program.lua == lua).count();
        assert!(count >= 30, "{count} programs of Lua {lua}");
    }
    for program in &programs {
        assert!(["5.1", "5.4"].contains(&&*program.lua), "{}: {}", program.name, program.lua);
        assert!(!program.prints.is_empty(), "{} prints nothing; {REGENERATE}", program.name);
        let is_text = program.prints.chars().all(|char| !char.is_control() || "\n\t".contains(char));
        assert!(is_text, "{}: {:?}", program.name, program.prints);
    }
}

const TABLE_BEGINS: &str = "<!-- The rest is written by engine/tests/compat.rs. -->\n";

/// Plain text as Markdown in a table.
fn escape(text: &str) -> String {
    let backslash = |char| if "\\|<*_~[`".contains(char) { "\\" } else { "" };
    text.chars().flat_map(|char| backslash(char).chars().chain([char])).collect()
}

/// The generated part of `COMPATIBILITY.md`.
fn table(mut programs: Vec<Program>) -> String {
    programs.sort_by(|a, b| (&a.lua, a.outcome, &a.name).cmp(&(&b.lua, b.outcome, &b.name)));
    let mut text = String::new();
    for lua in ["5.1", "5.4"] {
        let of_this: Vec<_> = programs.iter().filter(|program| program.lua == lua).collect();
        let count = |outcome| of_this.iter().filter(|program| program.outcome == outcome).count();
        let _ = writeln!(
            text,
            "\n## Lua {lua}\nOf {} programs, {} run unchanged, {} print something else, {} are refused.\n",
            of_this.len(),
            count(Outcome::Runs),
            count(Outcome::Differs),
            count(Outcome::Refused),
        );
        text += "| program | uses | here | write instead |\n| --- | --- | --- | --- |\n";
        for program in of_this {
            let name = &program.name;
            let here = match program.outcome {
                Outcome::Runs => "runs unchanged".to_owned(),
                Outcome::Differs => format!("**differs**: {}", escape(&program.why)),
                Outcome::Refused => format!("**refused**: {}", escape(&program.why)),
            };
            let mut instead = escape(&program.instead);
            if program.port().exists() {
                let _ = write!(instead, " ([port](tests/scripts/compat/instead/{name}.lua))");
            }
            let uses = escape(&program.uses);
            let _ =
                writeln!(text, "| [{name}](tests/scripts/compat/{name}.lua) | {uses} | {here} | {instead} |");
        }
    }
    text
}

/// `COMPATIBILITY.md`, before the generated part and the generated part.
fn document() -> (PathBuf, String, String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("COMPATIBILITY.md");
    let text = fs::read_to_string(&path).expect("COMPATIBILITY.md can be read");
    let (before, after) = text.split_once(TABLE_BEGINS).expect("it has the table");
    (path, before.to_owned(), after.to_owned())
}

#[test]
fn the_table_is_in_step_with_the_corpus() {
    let (_, _, written) = document();
    assert!(written == table(programs()), "COMPATIBILITY.md is out of step; {REGENERATE}");
}

#[test]
#[ignore = "writes files"]
fn regenerate() {
    let mut programs = programs();
    for program in &mut programs {
        if let Some(prints) = program.print_there() {
            program.prints = prints;
        }
        let here = run(&program.name, &program.code);
        program.here = (program.outcome_of(&here) != Outcome::Runs).then_some(here);
        fs::write(program.file(), program.text()).expect("the program can be written");
    }
    let (path, before, _) = document();
    fs::write(path, before + TABLE_BEGINS + &table(programs)).expect("COMPATIBILITY.md can be written");
}
