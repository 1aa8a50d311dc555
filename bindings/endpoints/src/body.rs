//! Bodies: taking them in, and what they are to a script.

use perilune::{Limits, Request, Script};

use crate::answer::Answer;
use crate::multipart;
use crate::secrets::{Found, cut_form, cut_json};
use crate::text::latin_1;

/// More than the limit that is still read, and dropped: clients may hear of the limit only when they have sent all.
pub(crate) const DROPPED: u64 = 8 << 20;

/// A request that waits for its body.
#[derive(Debug)]
pub struct Body {
    pub(crate) asked: Asked,
    pub(crate) wanted: Wanted,
    limit: usize,
    parameters: usize,
    /// What the request's head said.
    length: Option<u64>,
    content_type: Vec<u8>,
    /// Empty from where there are too many.
    kept: Vec<u8>,
    came: u64,
    broke_off: bool,
}

/// What a request has beside its body, without its secrets.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) query: Vec<u8>,
    /// None for a script that can't see it.
    pub(crate) meta: Option<Vec<u8>>,
}

impl Asked {
    /// The request of a run of `script`, whose instance is its tenant.
    pub(crate) fn request(self, script: &Script, payload: Payload) -> Request<'static> {
        let (instance, _) = script.name().split_once('/').unwrap_or_default();
        let mut request = Request::new().query(self.query).tenant(instance.as_bytes().to_vec());
        if let Some(meta) = self.meta {
            request = request.meta(meta);
        }
        match payload {
            Payload::None => request,
            Payload::Json(body) => request.json(body),
            Payload::Form(body) => request.form(body),
        }
    }
}

/// Which script is to run.
#[derive(Debug)]
pub(crate) enum Wanted {
    /// This one: there was a key for it, or it needs none.
    Found(Script),
    /// That of this name in the engine, for who has a key of the instance in the body.
    Locked { instance: String, full: String },
}

/// A body without its secrets.
#[derive(Debug)]
pub(crate) enum Payload {
    None,
    Json(Vec<u8>),
    Form(Vec<u8>),
}

impl Body {
    pub(crate) fn new(
        asked: Asked,
        wanted: Wanted,
        limits: &Limits,
        length: Option<u64>,
        content_type: &[u8],
    ) -> Self {
        Self {
            asked,
            wanted,
            limit: limits.request,
            parameters: limits.parameters,
            length,
            content_type: content_type.to_owned(),
            kept: Vec::new(),
            came: 0,
            broke_off: false,
        }
    }

    /// How many bytes are read at most. Those beyond the limit for requests are dropped, for the client to hear of it.
    #[must_use]
    pub fn most(&self) -> u64 {
        self.limit as u64 + DROPPED
    }

    /// Whether it is said to be longer than is read of any.
    pub(crate) fn is_hopeless(&self) -> bool {
        self.length.is_some_and(|length| length > self.most())
    }

    /// Whether all of it came that was to come.
    pub(crate) fn is_read(&self) -> bool {
        self.came <= self.most() && !self.is_short()
    }

    fn is_short(&self) -> bool {
        self.broke_off || self.length.is_some_and(|length| length > self.came)
    }

    /// Takes the next bytes, and says whether more are wanted. Where not, the body ends here, whatever the client sends.
    pub fn push(&mut self, bytes: &[u8]) -> bool {
        if self.kept.is_empty() && self.came == 0 {
            let told = self.length.and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
            self.kept.reserve_exact(bytes.len().max(told).min(self.limit));
        }
        self.came = self.came.saturating_add(bytes.len() as u64);
        if self.came <= self.limit as u64 {
            self.kept.extend_from_slice(bytes);
        } else {
            self.kept = Vec::new();
        }
        self.came <= self.most()
    }

    /// Notes that it ended where it should not, as the server tells of one in chunks. One that is shorter than it was said to be needs
    /// no such note.
    pub fn break_off(&mut self) {
        self.broke_off = true;
    }

    /// What it is to a script, and the secrets in it.
    pub(crate) fn read(&mut self) -> Result<(Payload, Found), Answer> {
        if self.came > self.limit as u64 || self.is_hopeless() {
            return Err(Answer::size_exceeded(self.limit));
        }
        if self.is_short() {
            return Err(Answer::detail(400, "The body ended early."));
        }
        let mut body = std::mem::take(&mut self.kept);
        if body.is_empty() {
            return Ok((Payload::None, Found::default()));
        }
        let content_type = latin_1(&self.content_type);
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        match media_type.to_ascii_lowercase().as_str() {
            "application/json" | "text/plain" => {
                let found = cut_json(&mut body);
                Ok((Payload::Json(body), found))
            }
            "application/x-www-form-urlencoded" => {
                let (form, found) = cut_form(body.into());
                Ok((Payload::Form(form.into_owned()), found))
            }
            "multipart/form-data" => match multipart::form(&self.content_type, body, self.parameters) {
                Ok((form, found)) => Ok((Payload::Form(form), found)),
                Err(reason) => Err(Answer::detail(400, &format!("Multipart form parse error - {reason}"))),
            },
            _ => {
                let detail = format!("Unsupported media type \"{content_type}\" in request.");
                Err(Answer::detail(415, &detail))
            }
        }
    }
}
