//! What a host hands to a run.

use std::borrow::Cow;

use crate::model::cancel::CancelHandle;
use crate::model::error::PayloadError;
use crate::model::limits::{Limits, RunLimits};
use crate::model::poll::Poll;
use crate::model::urlencoded;

/// One request: the query, the body and what the host adds. It borrows what it is lent and keeps what it is
/// handed over; nothing is parsed before the run.
///
/// ```
/// use perilune::Request;
/// let request = Request::new().query("monster=Manticore").json(r#"{"n": 1}"#).config(r#"{"currency": "EUR"}"#);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Request<'a> {
    pub(crate) query: Query<'a>,
    pub(crate) body: Body<'a>,
    pub(crate) config: Option<Cow<'a, [u8]>>,
    pub(crate) meta: Option<Cow<'a, [u8]>>,
    pub(crate) seed: Option<u64>,
    pub(crate) limits: RunLimits,
    pub(crate) cancel: Option<CancelHandle>,
    pub(crate) poll: Option<Poll>,
}

/// Where `GET` comes from.
#[derive(Debug, Clone)]
pub(crate) enum Query<'a> {
    Raw(Cow<'a, [u8]>),
    Pairs(Vec<Pair<'a>>),
}

/// A part of a request: whatever is lent as bytes, or a `Vec<u8>` that is handed over.
pub trait IntoPart<'a> {
    /// The bytes.
    fn into_part(self) -> Cow<'a, [u8]>;
}

impl<'a, B: AsRef<[u8]> + ?Sized> IntoPart<'a> for &'a B {
    fn into_part(self) -> Cow<'a, [u8]> {
        Cow::Borrowed(self.as_ref())
    }
}

impl<'a> IntoPart<'a> for Vec<u8> {
    fn into_part(self) -> Cow<'a, [u8]> {
        Cow::Owned(self)
    }
}

/// A key and a value, decoded.
type Pair<'a> = (Cow<'a, [u8]>, Cow<'a, [u8]>);

impl Default for Query<'_> {
    fn default() -> Self {
        Self::Raw(Cow::Borrowed(b""))
    }
}

/// Where `POST` comes from.
#[derive(Debug, Clone, Default)]
pub(crate) enum Body<'a> {
    #[default]
    None,
    Json(Cow<'a, [u8]>),
    Form(Cow<'a, [u8]>),
}

impl<'a> Request<'a> {
    /// A request with nothing in it: `GET`, `POST`, `CONFIG` and `META` are empty tables.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The raw query string, without the `?`. Replaces what [`param`](Self::param) added.
    #[must_use]
    pub fn query(mut self, query: impl IntoPart<'a>) -> Self {
        self.query = Query::Raw(query.into_part());
        self
    }

    /// Adds one parameter that is decoded already. Replaces a raw [`query`](Self::query); a repeated key keeps its
    /// last value.
    #[must_use]
    pub fn param(mut self, key: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, str>>) -> Self {
        let pair = (bytes(key.into()), bytes(value.into()));
        match &mut self.query {
            Query::Pairs(pairs) => pairs.push(pair),
            Query::Raw(_) => self.query = Query::Pairs(vec![pair]),
        }
        self
    }

    /// The body, a JSON object. No bytes at all are no body.
    #[must_use]
    pub fn json(mut self, body: impl IntoPart<'a>) -> Self {
        self.body = Body::Json(body.into_part());
        self
    }

    /// The body, an urlencoded form.
    #[must_use]
    pub fn form(mut self, body: impl IntoPart<'a>) -> Self {
        self.body = Body::Form(body.into_part());
        self
    }

    /// The host's settings for the script, as JSON text.
    #[must_use]
    pub fn config(mut self, config: impl IntoPart<'a>) -> Self {
        self.config = Some(config.into_part());
        self
    }

    /// What the host knows of the request, as JSON text.
    #[must_use]
    pub fn meta(mut self, meta: impl IntoPart<'a>) -> Self {
        self.meta = Some(meta.into_part());
        self
    }

    /// Makes `math.random` repeat: two runs with one seed see the same numbers.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Lowers the limits for this run.
    #[must_use]
    pub fn limits(mut self, limits: RunLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Has the handle end this request's run.
    #[must_use]
    pub fn cancel(mut self, handle: &CancelHandle) -> Self {
        self.cancel = Some(handle.clone());
        self
    }

    /// Has the host asked now and then while this request's run is under way.
    #[must_use]
    pub fn poll(mut self, poll: &Poll) -> Self {
        self.poll = Some(poll.clone());
        self
    }

    /// The same request, owning all that it borrowed.
    #[must_use]
    pub fn into_owned(self) -> Request<'static> {
        fn own(bytes: Cow<'_, [u8]>) -> Cow<'static, [u8]> {
            Cow::Owned(bytes.into_owned())
        }
        Request {
            query: match self.query {
                Query::Raw(raw) => Query::Raw(own(raw)),
                Query::Pairs(pairs) => {
                    Query::Pairs(pairs.into_iter().map(|(k, v)| (own(k), own(v))).collect())
                }
            },
            body: match self.body {
                Body::None => Body::None,
                Body::Json(body) => Body::Json(own(body)),
                Body::Form(body) => Body::Form(own(body)),
            },
            config: self.config.map(own),
            meta: self.meta.map(own),
            seed: self.seed,
            limits: self.limits,
            cancel: self.cancel,
            poll: self.poll,
        }
    }

    /// Refuses what is over the limits, before a VM is taken for it.
    pub(crate) fn check(&self, limits: &Limits) -> Result<(), PayloadError> {
        let (query, has_too_many) = match &self.query {
            Query::Raw(raw) => (raw.len(), urlencoded::is_over(limits.parameters, raw)),
            Query::Pairs(pairs) => {
                (pairs.iter().map(|(k, v)| k.len() + v.len()).sum(), pairs.len() > limits.parameters)
            }
        };
        let body = match &self.body {
            Body::None => 0,
            Body::Json(body) | Body::Form(body) => body.len(),
        };
        let beside = [&self.config, &self.meta].into_iter().flatten().map(|part| part.len()).sum::<usize>();
        if query + body + beside > limits.request {
            return Err(PayloadError::TooLarge { limit: limits.request });
        }
        if has_too_many {
            return Err(PayloadError::TooManyParameters { limit: limits.parameters });
        }
        Ok(())
    }
}

fn bytes(text: Cow<'_, str>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}
