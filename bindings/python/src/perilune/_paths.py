"""What the paths of Script Endpoints are of."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Mapping, NamedTuple, Optional
from urllib.parse import quote, unquote_to_bytes

LONG_PATH = 1000
"""Characters of a path, raw and decoded, beyond which it is not worth keeping."""


class Target(NamedTuple):
    """What a path is of."""

    kind: str
    path: str
    """All of it, decoded."""
    base: str
    """The path of the instance's scripts, as in links."""
    instance: str
    name: str = ""
    id: str = ""
    """A public link, or a trace's number."""


def target_of(scope: Mapping[str, Any]) -> Optional[Target]:
    path: str = scope["path"]
    raw: Optional[bytes] = scope.get("raw_path")
    # Strangers choose it: what is kept has a bound.
    read = read_path_again if len(path) + len(raw or b"") <= LONG_PATH else read_path
    return read(scope.get("root_path", ""), path, raw)


def read_path(root: str, given: str, raw: Optional[bytes]) -> Optional[Target]:
    root = root.rstrip("/")
    path = quote(given) if raw is None else raw.decode("latin-1")
    # What it is mounted below may be part of it or not.
    skipped = root.count("/") if root and given.startswith(root + "/") else 0
    parts = path.split("/")
    if parts[-1] == "":
        parts.pop()
    try:
        # One by one: an escaped slash is none.
        names = [unquote_to_bytes(part.encode("latin-1")).decode() for part in parts[skipped + 1 :]]
        decoded = unquote_to_bytes(path.encode("latin-1")).decode()
    except UnicodeDecodeError:
        return None
    if names[:2] != ["v1.1", "instances"] or names[3:5] != ["endpoints", "scripts"] or len(names) > 8:
        return None
    instance, rest = names[2], names[5:]
    if any(name == "" or "/" in name or "\0" in name for name in (instance, *rest)):
        return None
    before = parts[: skipped + 1] if skipped or not root else [root, *parts[1 : skipped + 1]]
    base = f"{'/'.join(before)}/v1.1/instances/{escaped(instance)}/endpoints/scripts/"

    def of(kind: str, name: str = "", id: str = "") -> Target:
        return Target(kind, decoded, base, instance, name, id)

    if not rest:
        return of("list")
    if len(rest) == 1:
        return of("script", rest[0])
    if len(rest) == 2:
        return of(rest[1], rest[0]) if rest[1] in ("run", "traces", "reset_link") else None
    if rest[1] == "traces":
        return of("trace", rest[0], rest[2])
    return of("public", rest[2], rest[1]) if rest[0] == "p" else None


read_path_again = lru_cache(1000)(read_path)


def escaped(name: str) -> str:
    return quote(name, safe="!~*'()")
