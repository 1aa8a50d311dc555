//! JSON for people.

use std::fmt::Write;

/// Indents one line of JSON for a terminal. Keys keep their order and numbers their digits, which a detour through a
/// value in memory would change. Control characters, which JSON allows from U+007F on, are escaped: a terminal would
/// obey them.
pub(crate) fn indent(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0;
    let mut chars = json.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                out.push(c);
                while let Some(c) = chars.next() {
                    if c.is_control() {
                        let _ = write!(out, "\\u{:04x}", u32::from(c));
                        continue;
                    }
                    out.push(c);
                    match c {
                        '\\' => out.extend(chars.next()),
                        '"' => break,
                        _ => {}
                    }
                }
            }
            '{' | '[' => {
                out.push(c);
                match chars.next_if(|next| matches!(next, '}' | ']')) {
                    Some(end) => out.push(end),
                    None => {
                        depth += 1;
                        new_line(&mut out, depth);
                    }
                }
            }
            '}' | ']' => {
                depth -= 1;
                new_line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            _ => out.push(c),
        }
    }
    out
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use super::indent;

    #[test]
    fn every_token_stays_and_lines_are_broken() {
        let cases = [
            ("{}", "{}"),
            ("[]", "[]"),
            (r#""a""#, r#""a""#),
            (r#"{"z":1,"a":{}}"#, "{\n  \"z\": 1,\n  \"a\": {}\n}"),
            ("[1e300,-0.0,[true,null]]", "[\n  1e300,\n  -0.0,\n  [\n    true,\n    null\n  ]\n]"),
            ("[\"\u{7f}\u{9b}31m\"]", "[\n  \"\\u007f\\u009b31m\"\n]"),
            // What looks like a token in a string is none; a quote and a backslash may be escaped in it.
            (r#"{"{,:\"[":"}]\\","ü":[""]}"#, "{\n  \"{,:\\\"[\": \"}]\\\\\",\n  \"ü\": [\n    \"\"\n  ]\n}"),
        ];
        for (json, indented) in cases {
            assert_eq!(indent(json), indented, "{json}");
        }
    }
}
