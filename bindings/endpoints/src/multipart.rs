//! Multipart bodies, as forms.

use std::convert::Infallible;
use std::future::Future;

use bytes::Bytes;
use futures_util::{FutureExt, stream};
use multer::{Multipart, parse_boundary};

use crate::secrets::{Found, Secret};

/// A body of at most so many parts as a form without its secrets, and those: fields, and those of files with the files' content, to
/// the byte. A part without a name is passed over.
///
/// # Errors
/// Why it is none.
pub(crate) fn form(content_type: &[u8], body: Vec<u8>, most: usize) -> Result<(Vec<u8>, Found), String> {
    let content_type = std::str::from_utf8(content_type).map_err(|_| "the content type is no text")?;
    let boundary = parse_boundary(content_type).map_err(|error| error.to_string())?;
    if boundary.is_empty() {
        return Err("the content type has no boundary".to_owned());
    }
    let (mut form, mut found) = (Vec::with_capacity(body.len()), Found::default());
    let all = stream::iter([Ok::<_, Infallible>(Bytes::from(body))]);
    let mut parts = Multipart::new(all, boundary);
    let mut count = 0;
    while let Some(part) = now(parts.next_field())? {
        count += 1;
        if count > most {
            return Err(format!("more than {most} parts"));
        }
        // Without any, the parser takes the next part for them.
        if part.headers().is_empty() {
            return Err("a part has no headers".to_owned());
        }
        let name = part.name().map(str::to_owned);
        let content = now(part.bytes())?;
        let Some(name) = name else { continue };
        if let Some(secret) = Secret::of(name.bytes()) {
            found.note(secret, content.to_vec());
            continue;
        }
        if !form.is_empty() {
            form.push(b'&');
        }
        escape(&mut form, name.as_bytes(), b"%&+=");
        form.push(b'=');
        escape(&mut form, &content, b"%&+");
    }
    Ok((form, found))
}

/// What a future of the parser's has at once: all that it waits for is there.
fn now<T>(future: impl Future<Output = multer::Result<T>>) -> Result<T, String> {
    match future.now_or_never() {
        Some(ready) => ready.map_err(|error| error.to_string()),
        None => Err("the body ends before its last boundary".to_owned()),
    }
}

/// Appends a text to a form. Only what a form has a meaning for is escaped, as the form is what counts towards the limit.
fn escape(form: &mut Vec<u8>, text: &[u8], special: &[u8]) {
    for &byte in text {
        if special.contains(&byte) {
            let digit = |value: u8| b"0123456789abcdef"[usize::from(value)];
            form.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte & 15)]);
        } else {
            form.push(byte);
        }
    }
}
