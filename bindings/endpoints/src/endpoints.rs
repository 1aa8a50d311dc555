//! From a request to an answer.

use std::time::Instant;

use bytes::Bytes;
use parking_lot::Mutex;
use perilune::{Engine, Error, Request, Script, Status, Trace};

use crate::answer::Answer;
use crate::body::{Asked, Body, Payload, Wanted};
use crate::describe::{describe, traces_of};
use crate::head::{Head, Known};
use crate::history::History;
use crate::keys::Keys;
use crate::links::{self, Links};
use crate::meta::meta;
use crate::rate::Rate;
use crate::secrets::cut_form;
use crate::setup::{Setup, SetupError};
use crate::target::{Kind, Target};

/// The Script Endpoints of an engine's scripts: see the [crate] for how they are asked. One is for all threads of a host.
pub struct Endpoints {
    engine: Engine,
    keys: Keys,
    links: Links,
    rate: Option<Rate>,
    history: Mutex<History>,
}

/// What is to be done next for a request.
#[derive(Debug)]
#[must_use]
#[allow(clippy::large_enum_variant, reason = "most of them are runs, and each is moved but once")]
pub enum Step {
    /// Send it: that was all.
    Answer(Answer),
    /// Read the body into it, and go on with [`Endpoints::read`].
    Body(Box<Body>),
    /// Make the run, and go on with [`Endpoints::answer`].
    Run(Run),
    /// Store the link where it outlives the process, if links are to, and go on with [`Endpoints::reset`].
    Reset(Reset),
}

/// A run to be made: by [`Script::run`], or by [`Script::submit`] and on other threads.
#[derive(Debug)]
pub struct Run {
    /// The version that serves now.
    pub script: Script,
    /// It has no [`CancelHandle`](perilune::CancelHandle) yet: give it one, and cancel that when the client is gone.
    pub request: Request<'static>,
}

/// Another link for a public script, which does not count yet.
#[derive(Debug)]
pub struct Reset {
    script: Script,
    base: String,
    link: String,
}

impl Reset {
    /// The script, as `INSTANCE/NAME`.
    #[must_use]
    pub fn script(&self) -> &str {
        self.script.name()
    }

    /// Its link to be.
    #[must_use]
    pub fn link(&self) -> &str {
        &self.link
    }
}

/// An answer that ends a request early.
type Early<T> = Result<T, Answer>;

impl Endpoints {
    /// Endpoints to be made to measure: at least a key has to be set.
    pub fn setup(engine: &Engine) -> Setup {
        Setup::new(engine)
    }

    pub(crate) fn new(engine: Engine, keys: Keys, links: Links, rate: Option<Rate>) -> Self {
        Self { engine, keys, links, rate, history: Mutex::default() }
    }

    /// The engine whose scripts these are.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The public scripts and their links, by name: to be stored by a host whose links outlive it.
    #[must_use]
    pub fn links(&self) -> Vec<(String, String)> {
        self.links.all()
    }

    /// Makes a script public, as [`Setup::public`] does, and returns its link. One that is public already gets this one.
    ///
    /// # Errors
    /// The name or link is none.
    pub fn publish(&self, script: &str, link: Option<&str>) -> Result<String, SetupError> {
        self.links.publish(script, link)
    }

    /// Has a script need a key again.
    pub fn unpublish(&self, script: &str) {
        self.links.unpublish(script);
    }

    /// Begins with a request. `headers` are names, in any case, and values; they are gone through several times.
    pub fn ask<'h, H>(&self, head: &Head<'_>, headers: H, now: Instant) -> Step
    where
        H: IntoIterator<Item = (&'h [u8], &'h [u8])>,
        H::IntoIter: Clone,
    {
        self.asked(head, headers.into_iter(), now).unwrap_or_else(Step::Answer)
    }

    fn asked<'h>(
        &self,
        head: &Head<'_>,
        headers: impl Iterator<Item = (&'h [u8], &'h [u8])> + Clone,
        now: Instant,
    ) -> Early<Step> {
        let target = Target::of(head.path, head.mount).ok_or_else(Answer::not_found)?;
        let known = Known::of(headers.clone());
        let (query, secrets) = cut_form(head.query.into());
        let has_body = head.method == "POST" && matches!(target.kind, Kind::Run | Kind::Public);

        let key = match target.kind {
            Kind::Public => None,
            _ => Some(known.key(&secrets)),
        };
        let full = target.full();
        let wanted = match key {
            // It may be in the body.
            Some(b"") if has_body => Wanted::Locked { instance: target.instance.to_string(), full },
            Some(b"") => return Err(no_key()),
            key => {
                if let Some(key) = key {
                    self.assert_key(&target.instance, key)?;
                }
                match self.script(target.kind, &target.instance, &full, &target.id, head.method)? {
                    Some(script) if matches!(target.kind, Kind::Run | Kind::Public) => {
                        self.take(&target.instance, now)?;
                        Wanted::Found(script)
                    }
                    script => return self.told(&target, script, now),
                }
            }
        };
        let sees_meta = !matches!(&wanted, Wanted::Found(script) if !script.sees_meta());
        let meta = sees_meta.then(|| meta(head, headers, &target));
        let asked = Asked { query: query.into_owned(), meta };
        match wanted {
            Wanted::Found(script) if !has_body || known.length == Some(0) => {
                let request = asked.request(&script, Payload::None);
                Ok(Step::Run(Run { script, request }))
            }
            wanted => {
                let limits = self.engine.limits();
                let body = Box::new(Body::new(asked, wanted, limits, known.length, known.content_type));
                Ok(if body.is_hopeless() { self.read(body, now) } else { Step::Body(body) })
            }
        }
    }

    /// Goes on with a request whose body has ended: where it should, where no more was wanted of it, or too early. Takes time by its
    /// length, at most some milliseconds per MiB.
    pub fn read(&self, body: Box<Body>, now: Instant) -> Step {
        let close = !body.is_read();
        let answer_or_run = self.read_or(*body, now);
        answer_or_run.map_or_else(|answer| Step::Answer(Answer { close, ..answer }), Step::Run)
    }

    fn read_or(&self, mut body: Body, now: Instant) -> Early<Run> {
        let read = body.read();
        let Body { mut asked, wanted, .. } = body;
        let (script, payload) = match wanted {
            Wanted::Found(script) => (script, read?.0),
            Wanted::Locked { instance, full } => {
                // What can't be read has no key.
                let (payload, found) = read.map_err(|_| no_key())?;
                if found.in_body.is_empty() {
                    return Err(no_key());
                }
                self.assert_key(&instance, &found.in_body)?;
                let script = self.script(Kind::Run, &instance, &full, "", "POST")?;
                self.take(&instance, now)?;
                let script = script.ok_or_else(Answer::not_found)?;
                asked.meta = asked.meta.filter(|_| script.sees_meta());
                (script, payload)
            }
        };
        let request = asked.request(&script, payload);
        Ok(Run { script, request })
    }

    /// Answers with what came of a [`Run`], and keeps its trace.
    #[must_use]
    pub fn answer(&self, result: Result<Trace, Error>, now: Instant) -> Answer {
        let mut trace = match result {
            Ok(trace) => trace,
            Err(error) => return error.into(),
        };
        let json = Bytes::from(trace.to_json().into_bytes().into_boxed_slice());
        self.history.lock().add(&trace.script, trace.id, json.clone(), now);
        let answer = match (trace.status, trace.response.take()) {
            (Status::QueueTimeout, _) => Answer::json(503, json).retry_after(1),
            (_, Some(response)) => (*response).into(),
            (_, None) => Answer::json(200, json),
        };
        Answer { run_id: Some(trace.id), ..answer }
    }

    /// Answers with the script whose link was stored: from now on it counts. Where it could not be stored, all stays as it was.
    ///
    /// Two that come at once are to be stored and answered one after the other.
    #[must_use]
    pub fn reset(&self, reset: Reset, stored: Result<(), String>) -> Answer {
        let Reset { script, base, link } = reset;
        if let Err(reason) = stored {
            return Answer::unavailable(&reason);
        }
        if !self.links.reset(script.name(), link.clone()) {
            return Answer::not_found();
        }
        let mut json = Vec::new();
        describe(&mut json, &base, &script, Some(&link));
        Answer::json(200, json)
    }

    fn assert_key(&self, instance: &str, key: &[u8]) -> Early<()> {
        let is_one = self.keys.is_one(instance, key);
        is_one.then_some(()).ok_or_else(|| Answer::detail(403, "No such API Key."))
    }

    /// The script that is asked for, if one is; `id` is the link of a public one.
    fn script(
        &self,
        kind: Kind,
        instance: &str,
        full: &str,
        id: &str,
        method: &str,
    ) -> Early<Option<Script>> {
        let scripts = self.engine.scripts();
        let script = if kind == Kind::List { None } else { scripts.get(full) };
        if script.is_none() && kind != Kind::Public && !scripts.has_instance(instance) {
            return Err(Answer::detail(404, "Instance was not found."));
        }
        if !kind.methods().contains(&method) {
            return Err(Answer::method_not_allowed(method, kind.methods()));
        }
        let is_found = match kind {
            Kind::List => true,
            Kind::Public => script.is_some() && self.links.is_of(full, id),
            _ => script.is_some(),
        };
        if is_found { Ok(script) } else { Err(Answer::not_found()) }
    }

    fn take(&self, instance: &str, now: Instant) -> Early<()> {
        let Some(rate) = &self.rate else { return Ok(()) };
        rate.take(instance, now)
            .map_err(|seconds| Answer::detail(429, "Request was throttled.").retry_after(seconds))
    }

    /// What is answered to all but runs.
    fn told(&self, target: &Target<'_>, script: Option<Script>, now: Instant) -> Early<Step> {
        let base = target.base();
        let Some(script) = script else {
            let mut page = Page::new();
            for script in self.engine.scripts().list_in(&target.instance) {
                let link = self.links.get(script.name());
                page.add(|json| describe(json, &base, &script, link.as_deref()));
            }
            return Ok(Step::Answer(page.answer()));
        };
        let traces = || traces_of(&base, &target.name);
        match target.kind {
            Kind::Traces => {
                let kept = self.history.lock().list(script.name(), now);
                let (mut page, traces) = (Page::new(), traces());
                for trace in kept {
                    page.add(|json| trace.listed(json, &traces));
                }
                Ok(Step::Answer(page.answer()))
            }
            Kind::Trace => {
                let id = Some(&*target.id).filter(|id| !id.starts_with(['0', '+']));
                let id = id.and_then(|id| id.parse().ok()).ok_or_else(Answer::not_found)?;
                let kept = self.history.lock().get(script.name(), id, now);
                let mut json = Vec::new();
                kept.ok_or_else(Answer::not_found)?.whole(&mut json, &traces());
                Ok(Step::Answer(Answer::json(200, json)))
            }
            Kind::ResetLink => {
                self.links.get(script.name()).ok_or_else(Answer::not_found)?;
                let link = links::random().map_err(|error| Answer::unavailable(&error.to_string()))?;
                Ok(Step::Reset(Reset { script, base, link }))
            }
            Kind::Script | Kind::List | Kind::Run | Kind::Public => {
                let mut json = Vec::new();
                describe(&mut json, &base, &script, self.links.get(script.name()).as_deref());
                Ok(Step::Answer(Answer::json(200, json)))
            }
        }
    }
}

impl std::fmt::Debug for Endpoints {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoints").field("engine", &self.engine).finish_non_exhaustive()
    }
}

fn no_key() -> Answer {
    Answer::detail(403, "You do not have permission to perform this action.")
}

/// A list, as it is answered.
struct Page(Vec<u8>);

impl Page {
    const BEGIN: &[u8] = br#"{"next":null,"prev":null,"objects":["#;

    fn new() -> Self {
        Self(Self::BEGIN.to_vec())
    }

    fn add(&mut self, object: impl FnOnce(&mut Vec<u8>)) {
        if self.0.len() > Self::BEGIN.len() {
            self.0.push(b',');
        }
        object(&mut self.0);
    }

    fn answer(mut self) -> Answer {
        self.0.extend_from_slice(b"]}");
        Answer::json(200, self.0)
    }
}
