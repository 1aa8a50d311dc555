//! What is told of a script.

use perilune::Script;

use crate::text::{escaped, quoted};

/// A script as JSON. `base` is the path of its instance's scripts.
pub(crate) fn describe(json: &mut Vec<u8>, base: &str, script: &Script, link: Option<&str>) {
    let name = script.name().split_once('/').map_or(script.name(), |(_, name)| name);
    let own = format!("{base}{}/", escaped(name));
    let public = link.map(|link| format!("{base}p/{link}/{}/", escaped(name)));
    let mut member = |before: &str, value: Option<&str>| {
        json.extend_from_slice(before.as_bytes());
        match value {
            Some(text) => quoted(json, text),
            None => json.extend_from_slice(b"null"),
        }
    };
    member(r#"{"name":"#, Some(name));
    member(r#","description":"#, Some(&description(script.source())));
    let is_public = link.is_some();
    let version = script.version();
    member(&format!(r#","script":{version},"public":{is_public},"public_link":"#), link);
    member(r#","links":{"self":"#, Some(&own));
    member(r#","run":"#, Some(&format!("{own}run/")));
    member(r#","reset-link":"#, Some(&format!("{own}reset_link/")));
    member(r#","script":"#, Some(&own));
    member(r#","public-link":"#, public.as_deref());
    member(r#","traces":"#, Some(&traces_of(base, name)));
    json.extend_from_slice(b"}}");
}

/// The path of a script's traces.
pub(crate) fn traces_of(base: &str, name: &str) -> String {
    format!("{base}{}/traces/", escaped(name))
}

/// The comment that a source begins with. A stranger wrote it: nothing here may take more than linear time.
fn description(source: &str) -> String {
    let text = source.strip_prefix('\u{feff}').unwrap_or(source);
    let text = match text.strip_prefix("#!") {
        Some(line) => line.split_once('\n').map_or("", |(_, rest)| rest),
        None => text,
    };
    let text = text.trim_start();
    if let Some(block) = block(text) {
        return block.trim().to_owned();
    }
    let lines = text.lines().map_while(|line| {
        let comment = line.trim().strip_prefix("--")?;
        Some(comment.strip_prefix(' ').unwrap_or(comment))
    });
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}

/// What is in a comment of the form `--[==[ … ]==]`.
fn block(text: &str) -> Option<&str> {
    let open = text.strip_prefix("--[")?;
    let inside = open.trim_start_matches('=');
    let level = &open[..open.len() - inside.len()];
    let inside = inside.strip_prefix('[')?;
    inside.find(&format!("]{level}]")).map(|end| &inside[..end])
}
