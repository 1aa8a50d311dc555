"""The last traces of each script, as they were answered."""

from __future__ import annotations

import json
from collections import OrderedDict, deque
from time import monotonic
from typing import Callable, Deque, Dict, List, NamedTuple, Optional

OF_ONE = 100
SECONDS = 24 * 60 * 60
BYTES = 64 * 1024 * 1024
RESULT = 16 * 1024
"""What is shown of a result in a list."""

BEFORE_RESULT = b',"result":'
AFTER_RESULT = b',"executed_at":"'


class Kept(NamedTuple):
    """A trace's JSON, and when it came."""

    script: str
    id: int
    at: float
    json: bytes


def linked(trace: bytes, link: str) -> bytes:
    return b'%b,"links":{"self":%b}}' % (trace[:-1], json.dumps(link).encode())


def short(trace: bytes) -> bytes:
    """The same for a list. No text in a trace can be taken for these keys: its quotes are escaped, and a value's are before the last."""
    begin = trace.index(BEFORE_RESULT) + len(BEFORE_RESULT)
    end = trace.rindex(AFTER_RESULT)
    if end - begin <= RESULT:
        return trace
    return trace[:begin] + b'{"__error__":"Result is too big to show in trace."}' + trace[end:]


class History:
    def __init__(self) -> None:
        self._scripts: Dict[str, Deque[Kept]] = {}
        # The oldest first. To find that in a dict, all that were before it would be passed each time.
        self._all: OrderedDict[int, Kept] = OrderedDict()
        self._bytes = 0

    def add(self, script: str, id: int, json: bytes) -> None:
        kept = Kept(script, id, monotonic(), json)
        own = self._scripts.get(script)
        if own is None:
            own = self._scripts[script] = deque()
        own.append(kept)
        self._all[id] = kept
        self._bytes += len(json)
        if len(own) > OF_ONE:
            self._remove(own[0])
        self._forget()

    def get(self, script: str, id: int, link: str) -> Optional[bytes]:
        """One of them, with the link that it has."""
        self._forget()
        kept = self._all.get(id)
        return linked(kept.json, link) if kept and kept.script == script else None

    def list(self, script: str, link: Callable[[int], str]) -> List[bytes]:
        """All of a script, newest first."""
        self._forget()
        return [linked(short(kept.json), link(kept.id)) for kept in reversed(self._scripts.get(script, ()))]

    def _forget(self) -> None:
        since = monotonic() - SECONDS
        while self._all:
            kept = next(iter(self._all.values()))
            if self._bytes <= BYTES and kept.at >= since:
                break
            self._remove(kept)

    def _remove(self, kept: Kept) -> None:
        """The oldest of its script, which the oldest of all is too."""
        own = self._scripts[kept.script]
        own.popleft()
        if not own:
            del self._scripts[kept.script]
        del self._all[kept.id]
        self._bytes -= len(kept.json)
