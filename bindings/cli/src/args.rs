//! What the command takes.

use std::borrow::Cow;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use clap::builder::{PathBufValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use perilune::{Engine, EngineBuilder, Isolation, Workers};

/// Runs untrusted Luau scripts: a script and a request in, a trace out
#[derive(Parser)]
#[command(name = "perilune", version, arg_required_else_help = false)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What a check prints.
#[derive(Clone, Copy, clap::ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Runs a script once and prints its trace, as one line of JSON or indented on a terminal
    #[command(after_help = "\
Exit code: 0 success; 1 any other status, the trace is still printed; 2 usage, an unreadable file, a compile error \
or a bad payload: one line on stderr and nothing on stdout.")]
    Run(RunArguments),
    /// Compiles scripts without running them: a line FILE:LINE: REASON on stderr for each error; where there is none, a
    /// line FILE:LINE: warning: … for what may not be there, or differs from other Luas
    #[command(
        after_help = "Exit code: 0 all compile, whatever the warnings; 1 with --deny-warnings, there are some; 2 some don't compile, or can't be read."
    )]
    Check {
        /// The scripts; - is stdin
        #[arg(value_name = "FILE", required = true, value_parser = script())]
        files: Vec<Input>,
        /// text: lines on stderr; json: objects on stdout, one a line, with file, line, column, severity and message
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
        /// Fail where there are warnings
        #[arg(long)]
        deny_warnings: bool,
    },
    /// Runs a script over and over, on one thread, and prints a histogram of its latency
    #[command(after_help = "\
Exit code: 0 all runs succeeded; 1 some did not, stderr says how many and why; 2 as for run.")]
    Bench(BenchArguments),
    /// Serves the scripts DIR/INSTANCE/NAME.lua over HTTP, as Syncano's Script Endpoints, and keeps them as the files are; a line
    /// FILE:LINE: REASON on stderr for each that does not compile
    #[command(after_help = "\
Exit code: 0 it was told to end, by SIGINT or SIGTERM; 2 usage, or it can't serve: one line on stderr.")]
    Serve(ServeArguments),
    /// Prints a script that has a shell complete the command: source it, or put it where the shell looks for such
    Completions {
        #[arg(value_name = "SHELL")]
        shell: Shell,
    },
}

#[derive(Args)]
#[command(allow_negative_numbers = true)]
pub(crate) struct RunArguments {
    /// The query as in a URL, without its ?
    #[arg(long, value_name = "QUERY", default_value = "", hide_default_value = true)]
    pub(crate) query: String,

    /// A parameter of the query, as it is: nothing in it is decoded. Can be repeated, and comes after those of --query;
    /// of one key the last value counts
    #[arg(long, value_name = "K=V", value_parser = pair)]
    pub(crate) get: Vec<Pair>,

    /// The body: a JSON object, @FILE to read it from a file, or - for stdin
    #[arg(long, value_name = "JSON|@FILE|-", value_parser = json, conflicts_with = "form")]
    pub(crate) post: Option<Input>,

    /// The body: an urlencoded form, such as a=1&b=2
    #[arg(long, value_name = "FORM")]
    pub(crate) form: Option<String>,

    /// The script's settings, CONFIG: given as for --post
    #[arg(long, value_name = "JSON|@FILE|-", value_parser = json)]
    pub(crate) config: Option<Input>,

    /// What the host knows of the request, META: given as for --post
    #[arg(long, value_name = "JSON|@FILE|-", value_parser = json)]
    pub(crate) meta: Option<Input>,

    /// Makes math.random repeat
    #[arg(long, value_name = "N", value_parser = whole)]
    pub(crate) seed: Option<u64>,

    #[command(flatten)]
    pub(crate) limits: LimitArguments,

    /// A module that the script can require by this name; can be repeated
    #[arg(long, value_name = "NAME=FILE", value_parser = pair)]
    pub(crate) module: Vec<Pair>,

    /// The script; - is stdin. Errors and traces call it by its file name without the extension (hello for hello.lua),
    /// or stdin
    #[arg(value_name = "FILE|-", value_parser = script())]
    pub(crate) file: Input,
}

#[derive(Args)]
pub(crate) struct LimitArguments {
    /// Wall clock for one run, in milliseconds [default: 30000]
    #[arg(long, value_name = "MS", value_parser = whole)]
    timeout: Option<u64>,

    /// Memory for one run: a number, or one with KiB, MiB or GiB behind it [default: 64MiB]
    #[arg(long, value_name = "BYTES", value_parser = perilune::parse_bytes)]
    memory: Option<usize>,

    /// Captured stdout and stderr, each [default: 512KiB]
    #[arg(long, value_name = "BYTES", value_parser = perilune::parse_bytes)]
    output: Option<usize>,

    /// Where runs are made: in this process, or in worker processes that can do nothing but compute
    #[arg(long, value_name = "WHERE", value_enum, default_value = "none")]
    isolation: IsolationArgument,
}

#[derive(Clone, Copy, ValueEnum)]
enum IsolationArgument {
    None,
    Process,
}

impl LimitArguments {
    /// An engine with these limits, which can be above the default where a run's can't.
    pub(crate) fn engine(&self) -> EngineBuilder {
        let mut engine = Engine::builder();
        if let IsolationArgument::Process = self.isolation {
            engine = engine.isolation(Isolation::Process(Workers::new()));
        }
        if let Some(milliseconds) = self.timeout {
            engine = engine.timeout(Duration::from_millis(milliseconds));
        }
        if let Some(bytes) = self.memory {
            engine = engine.memory(bytes);
        }
        if let Some(bytes) = self.output {
            engine = engine.output(bytes);
        }
        engine
    }
}

#[derive(Args)]
pub(crate) struct BenchArguments {
    #[command(flatten)]
    pub(crate) run: RunArguments,

    /// How long to measure
    #[arg(long, value_name = "S", default_value = "3", value_parser = seconds)]
    pub(crate) seconds: Duration,
}

#[derive(Args)]
#[command(allow_negative_numbers = true)]
pub(crate) struct ServeArguments {
    /// A key that requests must have, or @FILE to read them from a file, one in each line; can be repeated
    #[arg(long, value_name = "KEY|@FILE", required = true, value_parser = key)]
    pub(crate) key: Vec<Input>,

    /// The address to listen at
    #[arg(long, value_name = "HOST", default_value = "127.0.0.1")]
    pub(crate) host: String,

    /// The port to listen at; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value = "8080", value_parser = port)]
    pub(crate) port: u16,

    /// A script that can be run without a key, at its public link; can be repeated
    #[arg(long, value_name = "INSTANCE/NAME")]
    pub(crate) public: Vec<String>,

    /// Runs a second of each instance [default: no limit]
    #[arg(long, value_name = "N")]
    pub(crate) rate: Option<f64>,

    /// Serves /metrics and /healthz at this port, without a key
    #[arg(long, value_name = "PORT", value_parser = port)]
    pub(crate) metrics_port: Option<u16>,

    #[command(flatten)]
    pub(crate) limits: LimitArguments,

    /// The folder of the scripts, with a folder for each instance
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
}

/// A key and its value.
pub(crate) type Pair = (String, String);

/// Where a script or a JSON text comes from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Input {
    Text(String),
    File(PathBuf),
    Stdin,
}

impl Input {
    pub(crate) fn read(&self) -> Result<Cow<'_, [u8]>, String> {
        match self {
            Self::Text(text) => Ok(text.as_bytes().into()),
            Self::File(path) => match fs::read(path) {
                Ok(bytes) => Ok(bytes.into()),
                Err(error) => Err(format!("can't read {}: {error}", path.display())),
            },
            Self::Stdin => {
                let mut bytes = Vec::new();
                io::stdin().read_to_end(&mut bytes).map_err(|error| format!("can't read stdin: {error}"))?;
                Ok(bytes.into())
            }
        }
    }

    /// What users know it by.
    pub(crate) fn path(&self) -> Cow<'_, str> {
        match self {
            Self::File(path) => path.to_string_lossy(),
            Self::Text(_) | Self::Stdin => "stdin".into(),
        }
    }

    /// What errors and traces call the script.
    pub(crate) fn name(&self) -> String {
        Path::new(&*self.path()).file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }
}

fn script() -> impl TypedValueParser<Value = Input> {
    PathBufValueParser::new()
        .map(|path| if path == Path::new("-") { Input::Stdin } else { Input::File(path) })
}

fn json(text: &str) -> Result<Input, String> {
    match text.strip_prefix('@') {
        Some("") => Err("a file's name must follow the @".to_owned()),
        Some(path) => Ok(Input::File(path.into())),
        None if text == "-" => Ok(Input::Stdin),
        None => Ok(Input::Text(text.to_owned())),
    }
}

fn pair(text: &str) -> Result<Pair, String> {
    match text.split_once('=') {
        Some((key, value)) => Ok((key.to_owned(), value.to_owned())),
        None => Err(format!("a = must stand between key and value, as in {text}=1")),
    }
}

fn whole(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("give a whole number from 0 to {}", u64::MAX))
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse().map(Duration::try_from_secs_f64) {
        Ok(Ok(duration)) if !duration.is_zero() => Ok(duration),
        _ => Err("give a number of seconds above 0, such as 0.5 or 10".to_owned()),
    }
}

fn key(text: &str) -> Result<Input, String> {
    match text.strip_prefix('@') {
        _ if text.trim().trim_start_matches('@').trim().is_empty() => {
            Err("give a key, or @ and the name of a file with one in each line".to_owned())
        }
        Some(path) => Ok(Input::File(path.into())),
        None => Ok(Input::Text(text.to_owned())),
    }
}

fn port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| "give a port from 0 to 65535".to_owned())
}

/// What clap says, on one line and without the usage.
pub(crate) fn one_line(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let paragraphs: Vec<String> = text
        .trim_start_matches("error: ")
        .split("\n\n")
        .filter(|text| !text.starts_with("Usage:") && !text.starts_with("For more information"))
        .map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    format!("{}; see --help", paragraphs.join("; "))
}
