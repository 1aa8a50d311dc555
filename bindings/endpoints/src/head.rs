//! What stands before a request's body.

use crate::secrets::Found;
use crate::text::trimmed;

/// What a request's head says beside its headers: all as it came, nothing decoded.
#[derive(Debug, Clone, Copy, Default)]
pub struct Head<'a> {
    /// `GET`, `POST`, …
    pub method: &'a str,
    /// The path, without the query; a scheme and host before it are passed over.
    pub path: &'a [u8],
    /// What stands behind the first `?`, without it.
    pub query: &'a [u8],
    /// The path that the endpoints are mounted below, which `path` may have in front or not; empty at the root. Links begin with it.
    pub mount: &'a str,
    /// The client's address; empty where it has none, as behind a Unix socket.
    pub address: &'a str,
}

impl<'a> Head<'a> {
    /// Of a request's line: `target` is path and query.
    #[must_use]
    pub fn new(method: &'a str, target: &'a [u8]) -> Self {
        let end = memchr::memchr(b'?', target).unwrap_or(target.len());
        let query = target.get(end + 1..).unwrap_or_default();
        Self { method, path: &target[..end], query, mount: "", address: "" }
    }
}

/// The headers that are looked at. Of a repeated one it is the last.
#[derive(Default)]
pub(crate) struct Known<'h> {
    pub(crate) api_key: &'h [u8],
    pub(crate) authorization: &'h [u8],
    pub(crate) content_type: &'h [u8],
    /// The bytes of the body, where they were told before.
    pub(crate) length: Option<u64>,
}

impl<'h> Known<'h> {
    pub(crate) fn of(headers: impl Iterator<Item = (&'h [u8], &'h [u8])>) -> Self {
        let mut known = Self::default();
        let mut is_chunked = false;
        for (name, value) in headers {
            // The length tells nearly all apart.
            let is = |text: &str| name.eq_ignore_ascii_case(text.as_bytes());
            match name.len() {
                9 if is("x-api-key") => known.api_key = trimmed(value),
                12 if is("content-type") => known.content_type = trimmed(value),
                13 if is("authorization") => known.authorization = value,
                14 if is("content-length") => {
                    known.length =
                        std::str::from_utf8(trimmed(value)).ok().and_then(|text| text.parse().ok());
                }
                17 if is("transfer-encoding") => is_chunked = true,
                _ => {}
            }
        }
        if is_chunked {
            known.length = None;
        }
        known
    }

    /// The key that a request has outside of its body; empty where it has none.
    pub(crate) fn key<'k>(&self, query: &'k Found) -> &'k [u8]
    where
        'h: 'k,
    {
        [self.api_key, &query.api_key, &query.apikey, token_of(self.authorization)]
            .into_iter()
            .find(|key| !key.is_empty())
            .unwrap_or_default()
    }
}

/// The second of two words.
fn token_of(authorization: &[u8]) -> &[u8] {
    let mut words = authorization.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty());
    match (words.next(), words.next(), words.next()) {
        (Some(_), Some(token), None) => token,
        _ => b"",
    }
}
