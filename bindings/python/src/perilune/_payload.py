"""What a request's query, body and headers are to a script: secrets are cut out of the text, and the rest stays as it came."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any, Callable, Dict, Iterable, List, NoReturn, Optional, Tuple
from urllib.parse import unquote_to_bytes

try:
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import MultipartParser, parse_options_header
except ImportError:
    raise ImportError("perilune.asgi needs python-multipart: pip install 'perilune[asgi]'") from None

SECRETS = frozenset((b"api_key", b"apikey", b"_api_key", b"user_key", b"_user_key"))
"""Parameters that carry keys."""
HIDDEN = frozenset(("HTTP_AUTHORIZATION", "HTTP_PROXY_AUTHORIZATION", "HTTP_COOKIE", "HTTP_X_API_KEY", "HTTP_X_USER_KEY"))
"""Headers that carry keys, as META would call them."""


class MultipartError(Exception):
    """Why a multipart body can't be read."""


def decoded(text: bytes) -> bytes:
    """A name or value of a form."""
    return unquote_to_bytes(text.replace(b"+", b" "))


def split(raw: bytes) -> Tuple[bytes, Dict[bytes, bytes]]:
    """A query or form without the parameters that carry keys, and those."""
    secrets: Dict[bytes, bytes] = {}
    # Nearly none has any: every name of a secret ends so, unless it is escaped.
    if b"key" not in raw and b"%" not in raw:
        return raw, secrets
    kept: List[bytes] = []
    for pair in raw.split(b"&"):
        name, _, value = pair.partition(b"=")
        name = decoded(name)
        if name in SECRETS:
            secrets[name] = decoded(value)
        else:
            kept.append(pair)
    return b"&".join(kept), secrets


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


# What numbers are, nobody asks: as floats they can have any length.
_decode = json.JSONDecoder(parse_int=float, parse_constant=_no_constant).raw_decode
_space = re.compile(r"[ \t\n\r]*")


def _skip(text: str, at: int) -> int:
    found = _space.match(text, at)
    return found.end() if found else at


def _expect(text: str, at: int, character: str) -> int:
    if text[at : at + 1] != character:
        raise ValueError(f"no {character} at {at}")
    return at + 1


def _cut(text: str) -> Tuple[str, Any]:
    """The text of a JSON object without its members that carry keys; and its `_api_key`."""
    at = _expect(text, _skip(text, 0), "{")
    head, key = text[:at], None
    kept: List[str] = []
    first = _skip(text, at)
    if text[first : first + 1] != "}":
        while True:
            begin = at
            at = _skip(text, at)
            _expect(text, at, '"')
            name, at = _decode(text, at)
            value, at = _decode(text, _skip(text, _expect(text, _skip(text, at), ":")))
            at = _skip(text, at)
            # A name may hold half a surrogate pair.
            if name.encode("utf-8", "replace") not in SECRETS:
                kept.append(text[begin:at])
            elif name == "_api_key":
                key = value
            if text[at : at + 1] != ",":
                _expect(text, at, "}")
                break
            at += 1
    return f"{head}{','.join(kept)}{text[at:]}", key


def without_secrets(body: bytes) -> Tuple[bytes, bytes]:
    """A JSON object without its members that carry keys, all others as they came; and `_api_key`, if that is a string. What is no
    object, or can't be followed, is handed on as it came: the engine refuses it, and says why."""
    if b"key" not in body and b"\\u" not in body:
        return body, b""
    try:
        text, key = _cut(body.decode())
    except (ValueError, RecursionError):
        return body, b""
    return text.encode(), key.encode("utf-8", "replace") if isinstance(key, str) else b""


_escapes = re.compile(b"[%&+=]")


def _escaped(text: bytes) -> bytes:
    # Only what a form has a meaning for: it must not outgrow the limit.
    return _escapes.sub(lambda found: b"%%%02x" % found[0][0], text)


def multipart(type: str, body: bytes, most: int) -> bytes:
    """A multipart body of at most so many parts as a form: fields, and those of files with the files' content, to the byte.

    :raises MultipartError: it is none
    """
    options = parse_options_header(type)[1]
    boundary = options.get(b"boundary")
    if not boundary:
        raise MultipartError("the content type has no boundary")
    pairs: List[bytes] = []
    parts = 0
    header, value, content = bytearray(), bytearray(), bytearray()
    name: Optional[bytes] = None
    is_complete = False

    def part_begin() -> None:
        nonlocal parts, name
        parts += 1
        if parts > most:
            raise MultipartError(f"more than {most} parts")
        name = None
        content.clear()

    def header_end() -> None:
        nonlocal name
        if bytes(header).lower() == b"content-disposition":
            name = parse_options_header(bytes(value))[1].get(b"name")
        header.clear()
        value.clear()

    def part_end() -> None:
        if name is not None:
            pairs.append(b"%b=%b" % (_escaped(name), _escaped(bytes(content))))

    def end() -> None:
        nonlocal is_complete
        is_complete = True

    def into(text: bytearray) -> Callable[[bytes, int, int], None]:
        return lambda data, start, end: text.extend(data[start:end])

    callbacks: Any = {
        "on_part_begin": part_begin,
        "on_header_field": into(header),
        "on_header_value": into(value),
        "on_header_end": header_end,
        "on_part_data": into(content),
        "on_part_end": part_end,
        "on_end": end,
    }
    try:
        MultipartParser(boundary, callbacks).write(body)
    except FormParserError as error:
        raise MultipartError(str(error)) from None
    if not is_complete:
        raise MultipartError("the body ends before its last boundary")
    return b"&".join(pairs)


def _variable(header: bytes) -> str:
    return "HTTP_" + header.decode("latin-1").upper().replace("-", "_")


_common_variable = lru_cache(200)(_variable)


def without_keys(url: bytes) -> bytes:
    path, mark, query = url.partition(b"?")
    return path + mark + split(query)[0]


def meta(headers: Iterable[Tuple[bytes, bytes]]) -> Dict[str, str]:
    """META of a request's headers; of a repeated one all values."""
    found: Dict[str, str] = {}
    for name, value in headers:
        # Strangers choose them: what is kept has a bound.
        key = _common_variable(name) if len(name) <= 40 else _variable(name)
        if key not in HIDDEN:
            # httptools leaves the space behind it.
            text = (without_keys(value) if key == "HTTP_REFERER" else value).decode("latin-1").rstrip(" \t")
            found[key] = f"{found[key]}, {text}" if key in found else text
    return found
