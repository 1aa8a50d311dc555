"""What a run is given: a request, made of what Python has."""

from __future__ import annotations

import json
from typing import Any, Dict, Mapping, Optional, TypedDict, Union

from . import _native
from ._errors import Error

Text = Union[str, bytes, bytearray, memoryview]
"""A text that is at hand: as str, or its bytes."""
Json = Union[Text, Mapping[str, Any]]
"""A JSON object: as a mapping, or as text that is one."""
Size = Union[int, str]
"""Bytes, or text such as ``"32MiB"``."""


def nanoseconds(seconds: float, name: str) -> int:
    """Seconds as the library takes them."""
    if not seconds >= 0:
        raise ValueError(f"{name}: {seconds!r} is no time in seconds")
    return min(round(seconds * 1e9), (1 << 64) - 1) if seconds < 1e11 else (1 << 64) - 1


def size(bytes: Size, name: str) -> int:
    """A size in bytes, or as people write it."""
    if isinstance(bytes, str):
        try:
            return _native.parse_bytes(bytes)
        except Error as error:
            raise ValueError(f"{name}: {error}") from None
    if not isinstance(bytes, int):
        raise TypeError(f"{name}: pass an int, or a text such as '64MiB', not {type(bytes).__name__}")
    if bytes < 0:
        raise ValueError(f"{name}: {bytes} is no size in bytes")
    return bytes


def limits_of(timeout: Optional[float], queue: Optional[float] = None, **sizes: Optional[Size]) -> Dict[str, int]:
    """Limits as the library takes them: what is None is not set."""
    limits: Dict[str, int] = {}
    for name, seconds in (("timeout", timeout), ("queue", queue)):
        if seconds is not None:
            limits[name] = nanoseconds(seconds, name)
    for name, given in sizes.items():
        if given is not None:
            limits[name] = size(given, name)
    return limits


def json_text(value: Optional[Json], name: str) -> Optional[Text]:
    if value is None or isinstance(value, (str, bytes, bytearray, memoryview)):
        return value
    if not isinstance(value, Mapping):
        raise TypeError(f"{name}: pass a mapping, or JSON as str or bytes, not {type(value).__name__}")
    try:
        # A mapping that is no dict is unknown to json.
        return json.dumps(dict(value), allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name}: {error}") from None
    except RecursionError:
        raise ValueError(f"{name}: it is nested too deep") from None


def params_of(get: Optional[Mapping[str, Any]]) -> Optional[Dict[str, str]]:
    if get is None:
        return None
    params: Dict[str, str] = {}
    for key, value in get.items():
        if isinstance(value, (bool, float, int)):
            value = json.dumps(value)
        elif not isinstance(value, str):
            raise TypeError(f"get: {key!r} must be str or a number, not {type(value).__name__}")
        params[key] = value
    return params


class RunOptions(TypedDict, total=False):
    """What a run may be given beside its query and body. Limits only lower the engine's."""

    get: Optional[Mapping[str, Any]]
    """Parameters in place of a query: str, or numbers."""
    form: Optional[Text]
    """The body, an urlencoded form."""
    config: Optional[Json]
    """The host's settings, ``CONFIG``."""
    meta: Optional[Json]
    """What the host knows of the request, ``META``."""
    seed: Optional[int]
    """Makes ``math.random`` repeat: 0 to 2^64 - 1."""
    timeout: Optional[float]
    """Seconds."""
    memory: Optional[Size]
    """Bytes, or text such as ``"32MiB"``."""
    output: Optional[Size]
    """Bytes of stdout and stderr, each."""
    tenant: Optional[Text]
    """For whom the run is: a worker process serves one tenant only, and runs without one share theirs."""


class Request(_native.Request):
    """A request: see `Script.request`."""

    __slots__ = ()


def request(
    query: Union[Text, Request, None],
    post: Optional[Json],
    cancel: Optional[_native.Cancel] = None,
    *,
    get: Optional[Mapping[str, Any]] = None,
    form: Optional[Text] = None,
    config: Optional[Json] = None,
    meta: Optional[Json] = None,
    seed: Optional[int] = None,
    timeout: Optional[float] = None,
    memory: Optional[Size] = None,
    output: Optional[Size] = None,
    tenant: Optional[Text] = None,
) -> Request:
    """The request of a run's parameters."""
    if isinstance(query, Request):
        raise TypeError("a request that is made already goes alone, to run or in run_batch")
    if query is not None and get is not None:
        raise TypeError("pass query or get, not both")
    if post is not None and form is not None:
        raise TypeError("pass post or form, not both")
    limits = None
    if timeout is not None or memory is not None or output is not None:
        limits = limits_of(timeout, memory=memory, output=output)
    return Request(
        query, params_of(get), json_text(post, "post"), form, json_text(config, "config"), json_text(meta, "meta"),
        seed, limits, cancel, tenant,
    )  # fmt: skip
