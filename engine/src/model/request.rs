//! The request of a run: what the host hands to it.

use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::model::cancel::CancelHandle;
use crate::model::error::PayloadError;
use crate::model::limits::{Limits, RunLimits};
use crate::model::poll::Poll;
use crate::model::urlencoded;

/// One request: the query, the body and what the host adds. It borrows what is passed by reference and
/// owns the rest; nothing is parsed before the run. Clones share what a request owns, so that no payload is copied.
///
/// ```
/// use perilune::Request;
/// let request = Request::new().query("monster=Manticore").json(r#"{"n": 1}"#).config(r#"{"currency": "EUR"}"#);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Request<'a> {
    pub(crate) query: Query<'a>,
    pub(crate) body: Body<'a>,
    pub(crate) config: Option<PartBytes<'a>>,
    pub(crate) meta: Option<PartBytes<'a>>,
    pub(crate) seed: Option<u64>,
    pub(crate) limits: RunLimits,
    pub(crate) cancel: Option<CancelHandle>,
    pub(crate) poll: Option<Poll>,
    pub(crate) tenant: Option<PartBytes<'a>>,
    pub(crate) data: Option<RequestData>,
}

/// What the host's functions see of a request.
#[derive(Clone)]
pub(crate) struct RequestData(pub(crate) Arc<dyn Any + Send + Sync>);

impl fmt::Debug for RequestData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RequestData")
    }
}

/// Where `GET` comes from.
#[derive(Debug, Clone)]
pub(crate) enum Query<'a> {
    Raw(PartBytes<'a>),
    Pairs(Arc<Vec<Pair<'a>>>),
}

/// A part of a request: a reference to bytes, an owned `Vec<u8>`, or an `Option` of one, where `None` is an absent part.
pub trait IntoPart<'a> {
    /// The bytes.
    fn into_part(self) -> Option<Cow<'a, [u8]>>;
}

impl<'a, B: AsRef<[u8]> + ?Sized> IntoPart<'a> for &'a B {
    fn into_part(self) -> Option<Cow<'a, [u8]>> {
        Some(Cow::Borrowed(self.as_ref()))
    }
}

impl<'a> IntoPart<'a> for Vec<u8> {
    fn into_part(self) -> Option<Cow<'a, [u8]>> {
        Some(Cow::Owned(self))
    }
}

impl<'a, P: IntoPart<'a>> IntoPart<'a> for Option<P> {
    fn into_part(self) -> Option<Cow<'a, [u8]>> {
        self.and_then(P::into_part)
    }
}

/// A key and a value, decoded.
type Pair<'a> = (PartBytes<'a>, PartBytes<'a>);

impl Default for Query<'_> {
    fn default() -> Self {
        Self::Raw(PartBytes::default())
    }
}

/// Where `POST` comes from.
#[derive(Debug, Clone, Default)]
pub(crate) enum Body<'a> {
    #[default]
    None,
    Json(PartBytes<'a>),
    Form(PartBytes<'a>),
}

/// Bytes that a request borrows, or shares with its clones.
#[derive(Debug, Clone)]
pub(crate) enum PartBytes<'a> {
    Borrowed(&'a [u8]),
    Shared(Arc<Vec<u8>>),
}

impl Default for PartBytes<'_> {
    fn default() -> Self {
        Self::Borrowed(b"")
    }
}

impl Deref for PartBytes<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }
}

impl<'a> From<Cow<'a, str>> for PartBytes<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        match text {
            Cow::Borrowed(text) => Self::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Self::Shared(Arc::new(text.into_bytes())),
        }
    }
}

impl<'a> PartBytes<'a> {
    fn from_part(part: impl IntoPart<'a>) -> Option<Self> {
        Some(match part.into_part()? {
            Cow::Borrowed(bytes) => Self::Borrowed(bytes),
            Cow::Owned(bytes) => Self::Shared(Arc::new(bytes)),
        })
    }

    fn into_owned(self) -> PartBytes<'static> {
        PartBytes::Shared(match self {
            Self::Borrowed(bytes) => Arc::new(bytes.to_vec()),
            Self::Shared(bytes) => bytes,
        })
    }
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
        self.query = Query::Raw(PartBytes::from_part(query).unwrap_or_default());
        self
    }

    /// Adds one parameter that is decoded already. Replaces a raw [`query`](Self::query); a repeated key keeps its
    /// last value.
    #[must_use]
    pub fn param(mut self, key: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, str>>) -> Self {
        let pair = (key.into().into(), value.into().into());
        match &mut self.query {
            Query::Pairs(pairs) => Arc::make_mut(pairs).push(pair),
            Query::Raw(_) => self.query = Query::Pairs(Arc::new(vec![pair])),
        }
        self
    }

    /// The body, a JSON object. No bytes at all are no body.
    #[must_use]
    pub fn json(mut self, body: impl IntoPart<'a>) -> Self {
        self.body = PartBytes::from_part(body).map_or(Body::None, Body::Json);
        self
    }

    /// The body, an urlencoded form.
    #[must_use]
    pub fn form(mut self, body: impl IntoPart<'a>) -> Self {
        self.body = PartBytes::from_part(body).map_or(Body::None, Body::Form);
        self
    }

    /// The host's settings for the script, as JSON text, or none.
    #[must_use]
    pub fn config(mut self, config: impl IntoPart<'a>) -> Self {
        self.config = PartBytes::from_part(config);
        self
    }

    /// What the host knows of the request, as JSON text, or nothing.
    #[must_use]
    pub fn meta(mut self, meta: impl IntoPart<'a>) -> Self {
        self.meta = PartBytes::from_part(meta);
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

    /// The limits that were set.
    #[must_use]
    pub fn run_limits(&self) -> RunLimits {
        self.limits
    }

    /// Has the handle, or none, end this request's run.
    #[must_use]
    pub fn cancel<'h>(mut self, handle: impl Into<Option<&'h CancelHandle>>) -> Self {
        self.cancel = handle.into().cloned();
        self
    }

    /// What host functions have of this request by [`Call::data`](crate::Call::data): who the caller is, say, or a connection. Scripts see nothing of it.
    #[must_use]
    pub fn data(mut self, data: Arc<dyn Any + Send + Sync>) -> Self {
        self.data = Some(RequestData(data));
        self
    }

    /// Has the host polled, or not, while this request's run is under way.
    #[must_use]
    pub fn poll<'p>(mut self, poll: impl Into<Option<&'p Poll>>) -> Self {
        self.poll = poll.into().cloned();
        self
    }

    /// For whom the run is. Worker processes ([`Isolation::Process`](crate::Isolation)) serve one tenant only, of whom there is nothing left to
    /// see for another's run, whatever his script's code could do; runs without a tenant share theirs. Where runs are in this process, it
    /// changes nothing.
    #[must_use]
    pub fn tenant(mut self, tenant: impl IntoPart<'a>) -> Self {
        self.tenant = PartBytes::from_part(tenant);
        self
    }

    /// The same request, owning all that it borrowed.
    #[must_use]
    pub fn into_owned(self) -> Request<'static> {
        let own = PartBytes::into_owned;
        Request {
            query: match self.query {
                Query::Raw(raw) => Query::Raw(own(raw)),
                Query::Pairs(pairs) => {
                    let pairs = Arc::unwrap_or_clone(pairs).into_iter();
                    Query::Pairs(Arc::new(pairs.map(|(k, v)| (own(k), own(v))).collect()))
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
            tenant: self.tenant.map(own),
            data: self.data,
        }
    }

    /// Refuses what is over the limits, before a VM is taken for it.
    pub(crate) fn check(&self, limits: &Limits) -> Result<(), PayloadError> {
        let (query, has_too_many) = match &self.query {
            Query::Raw(raw) => (raw.len(), urlencoded::has_more_than(limits.parameters, raw)),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_what_is_owned() {
        let text = String::from("{\"n\":1}");
        let owned = Request::new().param("a", "1").json(&text).config(&text).meta(&text).into_owned();
        let parts = |request: &Request<'static>| {
            let Query::Pairs(pairs) = &request.query else { unreachable!("it has parameters") };
            let Body::Json(body) = &request.body else { unreachable!("it has a body") };
            let beside = [&request.config, &request.meta].map(|part| part.as_deref().map(<[u8]>::as_ptr));
            (pairs[0].1.as_ptr(), body.as_ptr(), beside)
        };
        let clone = owned.clone();
        assert_eq!(parts(&clone), parts(&owned));
        assert_eq!(parts(&clone.param("b", "2").into_owned()), parts(&owned));
        assert_ne!(parts(&owned.clone().json(&text).into_owned()).1, parts(&owned).1);
    }
}
