//! Texts of JSON, of forms, of paths and of headers.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};

/// Appends a text as a string of JSON.
pub(crate) fn quoted(json: &mut Vec<u8>, text: &str) {
    if is_plain(text.as_bytes()) {
        quoted_plain(json, text.as_bytes());
    } else {
        serde_json::to_writer(json, text).expect("a vector takes all");
    }
}

/// Appends a header's value as a string of JSON: a character for each byte, as HTTP has it.
pub(crate) fn quoted_latin_1(json: &mut Vec<u8>, bytes: &[u8]) {
    if is_plain(bytes) {
        quoted_plain(json, bytes);
    } else {
        quoted(json, &latin_1(bytes));
    }
}

/// Whether a text is itself in JSON and in any encoding. No byte ends the loop, so that it looks at many at once.
fn is_plain(bytes: &[u8]) -> bool {
    let is_odd = |byte: u8| !(b' '..0x80).contains(&byte) || byte == b'"' || byte == b'\\';
    !bytes.iter().fold(false, |odd, &byte| odd | is_odd(byte))
}

fn quoted_plain(json: &mut Vec<u8>, text: &[u8]) {
    json.push(b'"');
    json.extend_from_slice(text);
    json.push(b'"');
}

/// A text with a character for each byte.
pub(crate) fn latin_1(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.is_ascii() => Cow::Borrowed(text),
        _ => Cow::Owned(bytes.iter().copied().map(char::from).collect()),
    }
}

/// The value of a parameter of a form or query, decoded.
pub(crate) fn decoded(value: &[u8]) -> Vec<u8> {
    let spaced: Vec<u8> = value.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect();
    percent_decode(&spaced).collect()
}

/// A part of a path as text; `None` where it is no UTF-8.
pub(crate) fn decoded_path(path: &[u8]) -> Option<Cow<'_, str>> {
    match memchr::memchr(b'%', path) {
        None => std::str::from_utf8(path).ok().map(Cow::Borrowed),
        Some(_) => percent_decode(path).decode_utf8().ok(),
    }
}

/// What stands in a path as it is: letters, digits and these.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// A name as a segment of a path.
pub(crate) fn escaped(name: &str) -> impl std::fmt::Display {
    utf8_percent_encode(name, PLAIN)
}

/// Bytes without the white space that may stand around the value of a header.
pub(crate) fn trimmed(value: &[u8]) -> &[u8] {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let from = value.iter().position(|byte| !is_space(byte)).unwrap_or(value.len());
    let to = value.iter().rposition(|byte| !is_space(byte)).map_or(from, |at| at + 1);
    &value[from..to]
}
