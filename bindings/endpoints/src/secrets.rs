//! Parameters that carry keys: cut out of queries, forms and bodies, in which all else stays as it came.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use memchr::memmem;
use percent_encoding::percent_decode;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::text::decoded;

/// A parameter that carries a key.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Secret {
    /// `api_key`: counts in a query.
    ApiKey,
    /// `apikey`: counts in a query, behind the other.
    Apikey,
    /// `_api_key`: counts in a body.
    InBody,
    /// `user_key`, `_user_key`: those of Syncano's users, of whom there are none here.
    User,
}

impl Secret {
    pub(crate) fn of(name: impl Iterator<Item = u8> + Clone) -> Option<Self> {
        let is = |text: &str| name.clone().eq(text.bytes());
        match () {
            () if is("api_key") => Some(Self::ApiKey),
            () if is("apikey") => Some(Self::Apikey),
            () if is("_api_key") => Some(Self::InBody),
            () if is("user_key") || is("_user_key") => Some(Self::User),
            () => None,
        }
    }
}

/// The keys that were cut out; empty where there are none. Of a repeated one it is the last.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) api_key: Vec<u8>,
    pub(crate) apikey: Vec<u8>,
    pub(crate) in_body: Vec<u8>,
}

impl Found {
    pub(crate) fn note(&mut self, secret: Secret, key: Vec<u8>) {
        match secret {
            Secret::ApiKey => self.api_key = key,
            Secret::Apikey => self.apikey = key,
            Secret::InBody => self.in_body = key,
            Secret::User => {}
        }
    }
}

/// Whether there can be a secret in a text: the names of all end so, unless they are escaped.
fn can_have_one(text: &[u8], has_escape: impl FnOnce() -> bool) -> bool {
    memmem::find(text, b"key").is_some() || has_escape()
}

/// A query or form without its secrets, and those.
pub(crate) fn cut_form(raw: Cow<'_, [u8]>) -> (Cow<'_, [u8]>, Found) {
    let mut found = Found::default();
    if !can_have_one(&raw, || memchr::memchr(b'%', &raw).is_some()) {
        return (raw, found);
    }
    let mut is_kept = |pair: &&[u8]| {
        let cut = memchr::memchr(b'=', pair).unwrap_or(pair.len());
        let secret = Secret::of(percent_decode(&pair[..cut]));
        if let Some(secret) = secret {
            found.note(secret, decoded(pair.get(cut + 1..).unwrap_or_default()));
        }
        secret.is_none()
    };
    let pairs = || raw.split(|&byte| byte == b'&');
    let kept: Vec<&[u8]> = pairs().filter(&mut is_kept).collect();
    if kept.len() == pairs().count() {
        return (raw, found);
    }
    (Cow::Owned(kept.join(&b'&')), found)
}

/// Overwrites the members of a JSON object that are secrets with spaces, and returns those. Nothing nested is touched, nor a body
/// that is no object, or no JSON: that is the engine's to refuse.
pub(crate) fn cut_json(body: &mut [u8]) -> Found {
    if !can_have_one(body, || memmem::find(body, b"\\u").is_some()) {
        return Found::default();
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let Ok((cut, found)) = reader.deserialize_map(Members { body }) else { return Found::default() };
    if reader.end().is_err() {
        return Found::default();
    }
    // Lines stay, so that what is told of a place is right.
    for at in cut.into_iter().flatten() {
        if body[at] != b'\n' {
            body[at] = b' ';
        }
    }
    found
}

/// Where the secrets of an object are, each with the comma before it; and the secrets.
struct Members<'b> {
    body: &'b [u8],
}

impl<'b> Visitor<'b> for Members<'b> {
    type Value = (Vec<Range<usize>>, Found);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'b>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let (mut cut, mut found) = (Vec::new(), Found::default());
        let brace = memchr::memchr(b'{', self.body).ok_or_else(|| A::Error::custom("no brace"))?;
        let mut end = brace + 1;
        let mut is_first = true;
        while let Some(secret) = members.next_key_seed(Name)? {
            let value: &RawValue = members.next_value()?;
            let from = end;
            // It is a part of the body.
            end = value.get().as_ptr().addr() - self.body.as_ptr().addr() + value.get().len();
            if let Some(secret) = secret {
                cut.push(from..end);
                found.note(
                    secret,
                    serde_json::from_str::<String>(value.get()).unwrap_or_default().into_bytes(),
                );
            } else {
                // Where all before it were secrets, nothing stands before its comma.
                if is_first
                    && from > brace + 1
                    && let Some(comma) = memchr::memchr(b',', &self.body[from..end])
                {
                    cut.push(from + comma..from + comma + 1);
                }
                is_first = false;
            }
        }
        Ok((cut, found))
    }
}

/// Reads the name of a member as bytes: it may have half a surrogate pair, which the engine takes.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Option<Secret>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_bytes(self)
    }
}

impl Visitor<'_> for Name {
    type Value = Option<Secret>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_bytes<E: Error>(self, name: &[u8]) -> Result<Self::Value, E> {
        Ok(Secret::of(name.iter().copied()))
    }
}
