//! The WHATWG `application/x-www-form-urlencoded` parser (<https://url.spec.whatwg.org/#urlencoded-parsing>), but to
//! bytes: the crates that have it replace what is not UTF-8, and a script gets exactly what was sent.

/// How many parameters `input` has.
pub(crate) fn count(input: &[u8]) -> usize {
    // One begins at each byte that is no `&` and has none before it.
    let mut before = b'&';
    input.iter().filter(|&&byte| std::mem::replace(&mut before, byte) == b'&' && byte != b'&').count()
}

/// The decoded pairs, in order, each lent from `scratch` until the next.
pub(crate) fn each(input: &[u8], scratch: &mut Vec<u8>, mut pair: impl FnMut(&[u8], &[u8])) {
    for sequence in input.split(|&byte| byte == b'&') {
        if sequence.is_empty() {
            continue;
        }
        let cut = sequence.iter().position(|&byte| byte == b'=').unwrap_or(sequence.len());
        let (key, value) = (&sequence[..cut], sequence.get(cut + 1..).unwrap_or_default());
        scratch.clear();
        decode(key, scratch);
        let end_of_key = scratch.len();
        decode(value, scratch);
        let (key, value) = scratch.split_at(end_of_key);
        pair(key, value);
    }
}

fn decode(input: &[u8], out: &mut Vec<u8>) {
    let mut rest = input;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        out.push(match byte {
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
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}
