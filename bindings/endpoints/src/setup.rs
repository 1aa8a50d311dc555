//! How endpoints are to be.

use std::fmt;

use perilune::Engine;

use crate::endpoints::Endpoints;
use crate::keys::Keys;
use crate::links::Links;
use crate::rate::Rate;

/// Sets up [`Endpoints`].
#[derive(Debug, Clone)]
#[must_use]
pub struct Setup {
    engine: Engine,
    /// Keys, each with the instance that it is of, or of all.
    keys: Vec<(Option<String>, String)>,
    public: Vec<(String, Option<String>)>,
    rate: Option<f64>,
}

impl Setup {
    pub(crate) fn new(engine: &Engine) -> Self {
        Self { engine: engine.clone(), keys: Vec::new(), public: Vec::new(), rate: None }
    }

    /// A key of all instances.
    pub fn key(mut self, key: &str) -> Self {
        self.keys.push((None, key.to_owned()));
        self
    }

    /// A key of one instance.
    pub fn instance_key(mut self, instance: &str, key: &str) -> Self {
        self.keys.push((Some(instance.to_owned()), key.to_owned()));
        self
    }

    /// A script that needs no key, as `INSTANCE/NAME`, with its link of 40 hex digits in lower case; without one it gets a random one.
    pub fn public(mut self, script: &str, link: Option<&str>) -> Self {
        self.public.push((script.to_owned(), link.map(str::to_owned)));
        self
    }

    /// How many runs of one instance there may be in a second, on average, and as many at once, at least 1.
    pub fn rate(mut self, runs: f64) -> Self {
        self.rate = Some(runs);
        self
    }

    /// Makes the endpoints.
    ///
    /// # Errors
    /// What was set up can't be.
    pub fn build(self) -> Result<Endpoints, SetupError> {
        let (mut keys, links) = (Keys::default(), Links::default());
        for (instance, key) in &self.keys {
            keys.add(instance.as_deref(), key)?;
        }
        if keys.is_empty() {
            return Err(SetupError::Keys);
        }
        for (script, link) in &self.public {
            links.publish(script, link.as_deref())?;
        }
        let rate = self.rate.map(Rate::new).transpose()?;
        Ok(Endpoints::new(self.engine, keys, links, rate))
    }
}

/// Why endpoints can't be as they were to be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SetupError {
    /// There is no key, or one is empty.
    Keys,
    /// It is not `INSTANCE/NAME`.
    Public(String),
    /// The link of this script is not 40 hex digits in lower case.
    Link(String),
    /// It is not a number above 0.
    Rate,
    /// The system gave no random bytes for a link.
    Random(getrandom::Error),
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keys => f.write_str("give at least one key; none may be empty"),
            Self::Public(script) => write!(f, "{script:?} is not a public script's INSTANCE/NAME"),
            Self::Link(script) => write!(f, "the public link of {script} is not 40 hex digits in lower case"),
            Self::Rate => f.write_str("the rate is not a number of runs a second above 0"),
            Self::Random(error) => write!(f, "there are no random bytes for a public link: {error}"),
        }
    }
}

impl std::error::Error for SetupError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Random(error) => Some(error),
            Self::Keys | Self::Public(_) | Self::Link(_) | Self::Rate => None,
        }
    }
}
