//! Answers: status, headers, body.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode};
use perilune::{Error, PayloadError, Response};

use crate::text::quoted;

pub(crate) const NOT_FOUND: &str = "Not found";

/// What is sent back. The length of the body is the server's to tell: none with status 204 and 304, else that of [`body`](Self::body).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// 200 to 599.
    pub status: u16,
    /// Names, in lower case, and values, to the byte. A name may be there several times: a line for each.
    pub headers: Vec<(Cow<'static, str>, Cow<'static, [u8]>)>,
    /// Shared with the traces that are kept, so that cloning it copies nothing.
    pub body: Bytes,
    /// Whether the connection is to be closed behind it: the rest of the request's body is not read, or there is none.
    pub close: bool,
    /// The id of the run that it is of, which its trace has; None where no run was made.
    pub run_id: Option<u64>,
}

impl Answer {
    fn new(status: u16, content_type: impl Into<Cow<'static, str>>, body: impl Into<Bytes>) -> Self {
        let content_type = match content_type.into() {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        };
        let headers = vec![(Cow::Borrowed("content-type"), content_type)];
        Self { status, headers, body: body.into(), close: false, run_id: None }
    }

    pub(crate) fn json(status: u16, json: impl Into<Bytes>) -> Self {
        Self::new(status, "application/json", json)
    }

    pub(crate) fn text(content_type: &'static str, text: String) -> Self {
        Self::new(200, content_type, text)
    }

    /// `{"detail":…}`.
    pub(crate) fn detail(status: u16, detail: &str) -> Self {
        let mut json = br#"{"detail":"#.to_vec();
        quoted(&mut json, detail);
        json.push(b'}');
        Self::json(status, json)
    }

    pub(crate) fn not_found() -> Self {
        Self::detail(404, NOT_FOUND)
    }

    pub(crate) fn method_not_allowed(method: &str, allowed: &[&str]) -> Self {
        let detail = format!("Method \"{method}\" not allowed.");
        Self::detail(405, &detail).with("allow", allowed.join(", ").into_bytes())
    }

    /// For what is worth another try, after some seconds.
    pub(crate) fn retry_after(self, seconds: u64) -> Self {
        self.with("retry-after", seconds.to_string().into_bytes())
    }

    /// Status 503, to be asked again after a second: for what keeps a host from a run, beside its engine.
    #[must_use]
    pub fn unavailable(detail: &str) -> Self {
        Self::detail(503, detail).retry_after(1)
    }

    pub(crate) fn size_exceeded(limit: usize) -> Self {
        Self::detail(413, &PayloadError::TooLarge { limit }.to_string())
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<Cow<'static, [u8]>>) -> Self {
        self.headers.push((Cow::Borrowed(name), value.into()));
        self
    }
}

/// What keeps an engine from a run.
impl From<Error> for Answer {
    fn from(error: Error) -> Self {
        match error {
            Error::Payload(PayloadError::TooLarge { limit }) => Self::size_exceeded(limit),
            Error::Payload(error) => Self::detail(400, &error.to_string()),
            // It was there when the request came.
            Error::NotFound => Self::not_found(),
            error => Self::unavailable(&error.to_string()),
        }
    }
}

/// What a script asked for.
impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        let Response { status, content_type, content, headers, .. } = response;
        if status < 200 {
            return Self::detail(502, &format!("The script set status {status}, which can't be sent."));
        }
        let mut answer = match status {
            204 | 205 | 304 => Self { headers: Vec::new(), ..Self::new(status, "", Bytes::new()) },
            _ => Self::new(status, content_type, content),
        };
        for (mut name, value) in headers {
            name.make_ascii_lowercase();
            if !is_of_the_connection(&name) {
                answer.headers.push((Cow::Owned(name), Cow::Owned(value)));
            }
        }
        answer
    }
}

/// Whether a header is the server's own.
fn is_of_the_connection(name: &str) -> bool {
    let own = [
        "connection",
        "content-length",
        "content-type",
        "date",
        "http2-settings",
        "keep-alive",
        "server",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    own.contains(&name) || name.starts_with("proxy-")
}

impl From<Answer> for http::Response<Bytes> {
    fn from(answer: Answer) -> Self {
        let mut response = Self::new(answer.body);
        // An engine lets no script set what is refused here.
        *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
        for (name, value) in answer.headers {
            let value = match value {
                Cow::Borrowed(value) => HeaderValue::from_bytes(value),
                Cow::Owned(value) => HeaderValue::from_maybe_shared(Bytes::from(value)),
            };
            if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), value) {
                response.headers_mut().append(name, value);
            }
        }
        response
    }
}
