//! The HTTP response that a script asked its host to send.

use serde::ser::{Serialize, SerializeMap, Serializer};

pub(crate) const MAX_TYPE: usize = 255;
/// Lines: each of a list counts.
pub(crate) const MAX_HEADERS: usize = 50;
pub(crate) const MAX_HEADER_NAME: usize = 127;
pub(crate) const MAX_HEADER_VALUE: usize = 4096;
/// Names and values of all headers.
pub(crate) const MAX_HEADERS_SIZE: usize = 8 * 1024;

pub(crate) fn is_media_type(text: &[u8]) -> bool {
    text.iter().all(|byte| (b' '..=b'~').contains(byte)) && text.contains(&b'/')
}

pub(crate) fn is_header_name(name: &[u8]) -> bool {
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !name.is_empty() && name.len() <= MAX_HEADER_NAME && name.iter().all(is_token)
}

pub(crate) fn has_control(value: &[u8]) -> bool {
    value.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t')
}

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
    /// At most 50 lines, in the order of their names: a token of at most 127 bytes, and at most 4,096 bytes without
    /// control characters; 8 KiB in all. A name for which the script gave a list has a line for each text of it, in its order:
    /// send all of them (`append`, not `insert`).
    pub headers: Vec<(String, Vec<u8>)>,
}

impl Response {
    /// A response without headers. It is not held to the limits that a script's is.
    pub fn new(status: u16, content_type: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        Self { status, content_type: content_type.into(), content: content.into(), headers: Vec::new() }
    }

    /// Whether a script can have made it, with such a limit for its content.
    pub(crate) fn is_of_a_script(&self, limit: usize) -> bool {
        let Self { status, content_type, content, headers } = self;
        let sizes = headers.iter().map(|(name, value)| name.len() + value.len());
        let is_line = |(name, value): &(String, Vec<u8>)| {
            is_header_name(name.as_bytes()) && value.len() <= MAX_HEADER_VALUE && !has_control(value)
        };
        (100..=599).contains(status)
            && content_type.len() <= MAX_TYPE
            && is_media_type(content_type.as_bytes())
            && content.len() <= limit
            && headers.len() <= MAX_HEADERS
            && sizes.sum::<usize>() <= MAX_HEADERS_SIZE
            && headers.iter().all(is_line)
            && headers.is_sorted_by(|(one, _), (other, _)| one <= other)
    }
}

/// `{"status":…,"content_type":…,"content":…,"headers":{…}}`; what is not UTF-8 becomes U+FFFD. A header of one line is a text, one
/// of several an array of texts.
impl Serialize for Response {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("status", &self.status)?;
        map.serialize_entry("content_type", &self.content_type)?;
        map.serialize_entry("content", &*String::from_utf8_lossy(&self.content))?;
        map.serialize_entry("headers", &HeadersAsMap(&self.headers))?;
        map.end()
    }
}

struct HeadersAsMap<'a>(&'a [(String, Vec<u8>)]);

impl Serialize for HeadersAsMap<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for lines in self.0.chunk_by(|(one, _), (other, _)| one == other) {
            let text = |line: &'_ (String, Vec<u8>)| String::from_utf8_lossy(&line.1).into_owned();
            match lines {
                [line] => map.serialize_entry(&line.0, &text(line))?,
                _ => map.serialize_entry(&lines[0].0, &lines.iter().map(text).collect::<Vec<_>>())?,
            }
        }
        map.end()
    }
}
