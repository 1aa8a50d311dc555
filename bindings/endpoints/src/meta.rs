//! `META`: what is known of a request, as JSON.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::head::Head;
use crate::secrets::cut_form;
use crate::target::Target;
use crate::text::{quoted, quoted_latin_1, trimmed};

/// Headers that carry keys, as their variables are called behind `HTTP_`.
const HIDDEN: [&str; 5] = ["AUTHORIZATION", "PROXY_AUTHORIZATION", "COOKIE", "X_API_KEY", "X_USER_KEY"];

const PREFIX: &[u8] = b"HTTP_";

/// A byte of a header's name in that of its variable.
fn upper(byte: &u8) -> u8 {
    if *byte == b'-' { b'_' } else { byte.to_ascii_uppercase() }
}

fn is(name: &[u8], variable: &str) -> bool {
    name.len() == variable.len() && name.iter().map(upper).eq(variable.bytes())
}

fn by_variable(one: &[u8], other: &[u8]) -> Ordering {
    // Most differ in length.
    let by_letters = || one.iter().map(upper).cmp(other.iter().map(upper));
    one.len().cmp(&other.len()).then_with(by_letters)
}

pub(crate) fn meta<'h>(
    head: &Head<'_>,
    headers: impl Iterator<Item = (&'h [u8], &'h [u8])>,
    target: &Target<'_>,
) -> Vec<u8> {
    // In HTTP/2, names with a colon are of the request's line, and one of those is what is a header elsewhere.
    let named = headers.filter_map(|(name, value)| match name {
        b":authority" => Some((&b"host"[..], value)),
        [b':', ..] => None,
        _ => Some((name, value)),
    });
    let mut shown = Vec::with_capacity(16);
    shown.extend(named.filter(|(name, _)| !HIDDEN.iter().any(|variable| is(name, variable))));
    // In the order in which they came, of those with one name.
    shown.sort_by(|(one, _), (other, _)| by_variable(one, other));

    let mut json = Vec::with_capacity(1024);
    json.push(b'{');
    let mut variable = PREFIX.to_vec();
    for lines in shown.chunk_by(|(one, _), (other, _)| by_variable(one, other).is_eq()) {
        let (name, first) = lines[0];
        variable.truncate(PREFIX.len());
        variable.extend(name.iter().map(upper));
        quoted_latin_1(&mut json, &variable);
        json.push(b':');
        let shown =
            |value| if is(name, "REFERER") { without_keys(trimmed(value)) } else { trimmed(value).into() };
        match lines {
            [_] => quoted_latin_1(&mut json, &shown(first)),
            _ => {
                let values: Vec<_> = lines.iter().map(|&(_, value)| shown(value)).collect();
                quoted_latin_1(&mut json, &values.join(&b", "[..]));
            }
        }
        json.push(b',');
    }
    let known = [
        ("PATH_INFO", &*target.path),
        ("REQUEST_METHOD", head.method),
        ("REMOTE_ADDR", head.address),
        ("executed_by", "webhook"),
        ("executor", &*target.name),
        ("instance", &*target.instance),
    ];
    for (name, value) in known {
        if !value.is_empty() {
            json.push(b'"');
            json.extend_from_slice(name.as_bytes());
            json.extend_from_slice(b"\":");
            quoted(&mut json, value);
            json.push(b',');
        }
    }
    // There is one behind the last.
    json.pop();
    json.push(b'}');
    json
}

/// An address without the keys in its query.
fn without_keys(url: &[u8]) -> Cow<'_, [u8]> {
    let Some(mark) = memchr::memchr(b'?', url) else { return url.into() };
    let (before, query) = url.split_at(mark + 1);
    match cut_form(query.into()).0 {
        Cow::Borrowed(_) => url.into(),
        Cow::Owned(query) => [before, &query].concat().into(),
    }
}
