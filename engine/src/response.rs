//! The HTTP response that a script asked its host to send.

use serde::ser::{Serialize, SerializeMap, Serializer};

/// What a script gave to `set_response`, the last time that it called it. Safe to send as it is: see the limits below.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Response {
    /// The status code, 100 to 599; 200 where the script gave none.
    pub status: u16,
    /// The media type: at most 255 printable ASCII characters with a `/`. Where the script gave none:
    /// `application/json` for content that was a table, else `text/plain; charset=utf-8`.
    pub content_type: String,
    /// The body, to the byte; at most [`Limits::value`](crate::Limits::value).
    pub content: Vec<u8>,
    /// At most 50 headers, in the order of their names: a token of at most 127 bytes, and at most 4,096 bytes without
    /// control characters; 8 KiB in all.
    pub headers: Vec<(String, Vec<u8>)>,
}

/// `{"status":…,"content_type":…,"content":…,"headers":{…}}`; what is not UTF-8 becomes U+FFFD.
impl Serialize for Response {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("status", &self.status)?;
        map.serialize_entry("content_type", &self.content_type)?;
        map.serialize_entry("content", &*String::from_utf8_lossy(&self.content))?;
        map.serialize_entry("headers", &Headers(&self.headers))?;
        map.end()
    }
}

struct Headers<'a>(&'a [(String, Vec<u8>)]);

impl Serialize for Headers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, String::from_utf8_lossy(value))))
    }
}
