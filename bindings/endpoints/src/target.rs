//! What a path is of.

use std::borrow::Cow;

use crate::text::{decoded_path, escaped};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Run,
    Public,
    List,
    Script,
    Traces,
    Trace,
    ResetLink,
}

impl Kind {
    pub(crate) fn methods(self) -> &'static [&'static str] {
        match self {
            Self::Run | Self::Public => &["GET", "POST"],
            Self::List | Self::Script | Self::Traces | Self::Trace => &["GET"],
            Self::ResetLink => &["POST"],
        }
    }
}

/// A path below `…/instances/`, taken apart.
#[derive(Debug, Clone)]
pub(crate) struct Target<'a> {
    pub(crate) kind: Kind,
    /// All of it, decoded.
    pub(crate) path: Cow<'a, str>,
    pub(crate) instance: Cow<'a, str>,
    /// The script's; empty for all of them.
    pub(crate) name: Cow<'a, str>,
    /// A public link, or a trace's number; else empty.
    pub(crate) id: Cow<'a, str>,
    /// What stands in links before `/v1.1`: as it was asked for, or what the host says.
    mount: Cow<'a, str>,
}

impl<'a> Target<'a> {
    /// `mount` is what the endpoints are mounted below, of which `path` may be relieved already.
    pub(crate) fn of(path: &'a [u8], mount: &'a str) -> Option<Self> {
        let path = Some(without_authority(path)).filter(|path| path.starts_with(b"/"))?;
        let whole = decoded_path(path)?;
        let mount = mount.trim_end_matches('/');
        let is_below =
            !mount.is_empty() && whole.strip_prefix(mount).is_some_and(|rest| rest.starts_with('/'));
        let skipped = if is_below { mount.matches('/').count() } else { 0 };

        // Names are decoded one by one: an escaped slash is none. One slash may stand at the end, and one stands before the first.
        let mut segments = path.strip_suffix(b"/").unwrap_or(path).split(|&byte| byte == b'/');
        let mut before = 0;
        for _ in 0..=skipped {
            before += segments.next()?.len() + 1;
        }
        // What has neither an escape nor a NUL is a name as it is.
        let plain = std::str::from_utf8(path).ok().filter(|_| memchr::memchr2(b'%', 0, path).is_none());
        let mut at = before;
        let mut next = || {
            let raw = segments.next()?;
            let place = at..at + raw.len();
            at = place.end + 1;
            Some(match plain {
                Some(path) => path.get(place).filter(|name| !name.is_empty()).map(Cow::Borrowed),
                None => segment(raw),
            })
        };
        for fixed in ["v1.1", "instances"] {
            next()?.filter(|name| name == fixed)?;
        }
        let instance = next()??;
        for fixed in ["endpoints", "scripts"] {
            next()?.filter(|name| name == fixed)?;
        }
        let rest = [next(), next(), next(), next()];
        let none = Cow::Borrowed("");
        let (kind, name, id) = match rest {
            [None, ..] => (Kind::List, none.clone(), none),
            [Some(name), None, ..] => (Kind::Script, name?, none),
            [Some(name), Some(what), None, _] => match &*what? {
                "run" => (Kind::Run, name?, none),
                "traces" => (Kind::Traces, name?, none),
                "reset_link" => (Kind::ResetLink, name?, none),
                _ => return None,
            },
            [Some(first), Some(second), Some(third), None] => match (first?, second?, third?) {
                (name, what, id) if what == "traces" => (Kind::Trace, name, id),
                (what, link, name) if what == "p" => (Kind::Public, name, link),
                _ => return None,
            },
            _ => return None,
        };
        let mount = match std::str::from_utf8(&path[..before - 1]) {
            Ok(asked) if is_below => Cow::Borrowed(asked),
            _ => Cow::Borrowed(mount),
        };
        Some(Self { kind, path: whole, instance, name, id, mount })
    }

    /// The script's name in the engine.
    pub(crate) fn full(&self) -> String {
        [&self.instance, "/", &self.name].concat()
    }

    /// The path of the instance's scripts.
    pub(crate) fn base(&self) -> String {
        format!("{}/v1.1/instances/{}/endpoints/scripts/", self.mount, escaped(&self.instance))
    }
}

/// A path of a request's line that may have the host's name before it, as proxies are asked.
fn without_authority(path: &[u8]) -> &[u8] {
    for scheme in ["http://", "https://"] {
        if let Some((start, rest)) = path.split_at_checked(scheme.len())
            && start.eq_ignore_ascii_case(scheme.as_bytes())
        {
            let authority = rest.iter().position(|&byte| byte == b'/').unwrap_or(rest.len());
            return &rest[authority..];
        }
    }
    path
}

/// A segment as a name; `None` where it can't be one.
fn segment(raw: &[u8]) -> Option<Cow<'_, str>> {
    decoded_path(raw).filter(|name| !name.is_empty() && memchr::memchr2(b'/', 0, name.as_bytes()).is_none())
}
