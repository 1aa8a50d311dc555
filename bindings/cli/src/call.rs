//! From arguments to a script and its request.

use std::fmt::Write;

use perilune::{CompileError, Engine, Error, Part, PayloadError, Request, Script};

use crate::args::{Input, Pair, RunArguments};
use crate::{ERROR, complain};

/// Why there is no trace; its text is for stderr.
pub(crate) enum Refused {
    /// The script at this path does not compile.
    Compile(String, CompileError),
    Other(String),
}

impl Refused {
    /// Tells it as the one line of stderr.
    pub(crate) fn tell(&self) {
        match self {
            // Compilers' form, which editors read; the path leads to the file where the script's name does not.
            Self::Compile(path, error) => complain(ERROR, &format!("{path}:{}", error.line), &error.reason),
            Self::Other(reason) => complain(ERROR, "perilune", reason),
        }
    }
}

impl From<String> for Refused {
    fn from(reason: String) -> Self {
        Self::Other(reason)
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Other(match error {
            Error::Payload(PayloadError::Json { part: Part::Body, .. }) => format!("POST: {error}"),
            _ => error.to_string(),
        })
    }
}

/// Reads all that the arguments name, and compiles the script in an engine of its own.
pub(crate) fn prepare(arguments: &RunArguments) -> Result<(Script, Request<'static>), Refused> {
    let RunArguments { query, get, post, form, config, meta, seed, limits, module, file } = arguments;
    at_most_one_stdin([Some(file), post.as_ref(), config.as_ref(), meta.as_ref()].into_iter().flatten())?;

    let engine = limits.engine().pool_size(1).build();
    for (name, path) in module {
        let input = Input::File(path.into());
        let source = input.read()?;
        engine.module(name, source).map_err(|error| Refused::Compile(path.clone(), error))?;
    }
    let script = compile(&engine, file)?;

    let query = with_pairs(query, get);
    let read = |input: &Option<Input>| input.as_ref().map(|input| input.read().map(Vec::from)).transpose();
    let (post, config, meta) = (read(post)?, read(config)?, read(meta)?);
    let mut request = Request::new().query(&query).config(config).meta(meta);
    if let Some(post) = post {
        request = request.json(post);
    }
    if let Some(form) = form {
        request = request.form(form);
    }
    if let Some(seed) = *seed {
        request = request.seed(seed);
    }
    Ok((script, request.into_owned()))
}

fn compile(engine: &Engine, input: &Input) -> Result<Script, Refused> {
    engine
        .compile(&input.name(), input.read()?)
        .map_err(|error| Refused::Compile(input.path().into_owned(), error))
}

/// Refuses what would read stdin twice, before anybody waits for it.
pub(crate) fn at_most_one_stdin<'a>(inputs: impl IntoIterator<Item = &'a Input>) -> Result<(), Refused> {
    if inputs.into_iter().filter(|input| **input == Input::Stdin).count() > 1 {
        return Err(Refused::Other(
            "stdin can be read once: give - in one place, files in the others".to_owned(),
        ));
    }
    Ok(())
}

/// The query with `pairs` behind it, escaped as far as decoding would change them. No key has a `=`.
fn with_pairs(query: &str, pairs: &[Pair]) -> String {
    let mut query = query.to_owned();
    for (key, value) in pairs {
        if !query.is_empty() {
            query.push('&');
        }
        escape(key, &mut query);
        query.push('=');
        escape(value, &mut query);
    }
    query
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '%' | '&' | '+' => _ = write!(out, "%{:02X}", u32::from(c)),
            _ => out.push(c),
        }
    }
}
