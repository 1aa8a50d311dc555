//! The WHATWG `application/x-www-form-urlencoded` parser (<https://url.spec.whatwg.org/#urlencoded-parsing>), but to
//! bytes: the crates that have it replace what is not UTF-8, and a script gets exactly what was sent.

/// An upper bound of the parameters in `input`: empty ones count, too, which [`each`] skips.
pub(crate) fn max_parameters(input: &[u8]) -> usize {
    if input.is_empty() { 0 } else { 1 + memchr::memchr_iter(b'&', input).count() }
}

/// Whether `input` has more than `limit` parameters.
pub(crate) fn has_more_than(limit: usize, input: &[u8]) -> bool {
    max_parameters(input) > limit
        && input.split(|&byte| byte == b'&').filter(|pair| !pair.is_empty()).count() > limit
}

/// Calls `pair` with each decoded key and value, in order.
pub(crate) fn each(input: &[u8], mut pair: impl FnMut(&[u8], &[u8])) {
    let (mut key_buffer, mut value_buffer) = (Vec::new(), Vec::new());
    let mut rest = input;
    while !rest.is_empty() {
        let end = memchr::memchr(b'&', rest).unwrap_or(rest.len());
        let sequence = &rest[..end];
        rest = rest.get(end + 1..).unwrap_or_default();
        if sequence.is_empty() {
            continue;
        }
        let cut = memchr::memchr(b'=', sequence).unwrap_or(sequence.len());
        let (key, value) = (&sequence[..cut], sequence.get(cut + 1..).unwrap_or_default());
        pair(decoded(key, &mut key_buffer), decoded(value, &mut value_buffer));
    }
}

/// `input` decoded; the buffer is used only where that changes something.
fn decoded<'a>(input: &'a [u8], buffer: &'a mut Vec<u8>) -> &'a [u8] {
    let Some(first) = memchr::memchr2(b'%', b'+', input) else { return input };
    buffer.clear();
    buffer.extend_from_slice(&input[..first]);
    let mut rest = &input[first..];
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        buffer.push(match byte {
            b'+' => b' ',
            b'%' => match tail {
                [high, low, after @ ..] => match (hex(*high), hex(*low)) {
                    (Some(high), Some(low)) => {
                        rest = after;
                        high << 4 | low
                    }
                    _ => b'%',
                },
                _ => b'%',
            },
            other => other,
        });
    }
    buffer
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}
