"""Who may ask for which script, and how often."""

from __future__ import annotations

import math
import re
import secrets
from hashlib import sha256
from hmac import compare_digest
from time import monotonic
from typing import Dict, Iterable, List, Mapping, MutableMapping, NoReturn, Optional, Tuple, Union, cast

KeysOf = Union[str, Iterable[str], Mapping[str, Union[str, Iterable[str]]]]
Public = Union[Iterable[str], MutableMapping[str, Optional[str]]]


class Answer(Exception):
    """An answer that ends a request early."""

    def __init__(self, status: int, detail: str, headers: Iterable[Tuple[bytes, bytes]] = ()) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = headers


def digest(key: bytes) -> bytes:
    return sha256(key).digest()


class Keys:
    """Who may ask."""

    def __init__(self, keys: KeysOf) -> None:
        self._all: Optional[List[bytes]] = None
        self._of: Dict[str, List[bytes]] = {}
        if isinstance(keys, Mapping):
            own = cast("Mapping[str, Union[str, Iterable[str]]]", keys)
            self._of = {instance: self._digests(of_it) for instance, of_it in own.items()}
            if not self._of:
                self._refuse()
        else:
            self._all = self._digests(keys)

    @staticmethod
    def _refuse() -> NoReturn:
        raise TypeError("keys: pass a key, an iterable of keys, or a mapping of instances to their keys; none may be empty")

    def _digests(self, keys: Union[str, Iterable[str]]) -> List[bytes]:
        if not isinstance(keys, Iterable):
            self._refuse()
        all = [keys] if isinstance(keys, str) else [*keys]
        digests = [digest(key.encode()) for key in all if isinstance(key, str) and key]
        if not digests or len(digests) < len(all):
            self._refuse()
        return digests

    def assert_one(self, instance: str, key: bytes) -> None:
        """Takes as long whichever key it is."""
        asked = digest(key)
        is_one = False
        for known in self._of.get(instance, ()) if self._all is None else self._all:
            is_one = compare_digest(asked, known) or is_one
        if not is_one:
            raise Answer(403, "No such API Key.")


class Links:
    """The scripts that need no key, and their links."""

    def __init__(self, scripts: Public) -> None:
        wrong = TypeError("public: pass an iterable of INSTANCE/NAME, or a mapping of them to links of 40 hex digits")
        if isinstance(scripts, (str, bytes)) or not isinstance(scripts, Iterable):
            raise wrong
        self._links: MutableMapping[str, Optional[str]] = scripts if isinstance(scripts, MutableMapping) else dict.fromkeys(scripts)
        for name, link in [*self._links.items()]:
            if not isinstance(name, str) or not re.fullmatch("[^/]+/[^/]+", name):
                raise wrong
            if not link:
                self.reset(name)
            elif not isinstance(link, str) or not re.fullmatch("[0-9a-f]{40}", link):
                raise wrong

    def get(self, script: str) -> Optional[str]:
        return self._links[script] or self.reset(script) if script in self._links else None

    def reset(self, script: str) -> str:
        link = secrets.token_hex(20)
        self._links[script] = link
        return link

    def is_of(self, script: str, link: str) -> bool:
        own = self.get(script)
        return own is not None and compare_digest(digest(own.encode()), digest(link.encode()))


class Rate:
    """So many runs a second of each instance, and as many at once."""

    def __init__(self, rate: float) -> None:
        if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not rate > 0:
            raise TypeError("rate: pass a number of runs a second above 0")
        self._rate = rate
        self._most = max(1, rate)
        self._of: Dict[str, Tuple[float, float]] = {}

    def take(self, instance: str) -> None:
        now = monotonic()
        tokens, at = self._of.get(instance, (self._most, now))
        tokens = min(self._most, tokens + (now - at) * self._rate)
        self._of[instance] = tokens - 1 if tokens >= 1 else tokens, now
        if tokens < 1:
            wait = max(1, math.ceil(min(1e9, (1 - tokens) / self._rate)))
            raise Answer(429, "Request was throttled.", [(b"retry-after", b"%d" % wait)])
