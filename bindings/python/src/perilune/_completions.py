"""Runs on the engine's own threads, and the event loops that wait for them."""

from __future__ import annotations

import asyncio
import contextvars
import weakref
from typing import Any, Callable, List, Optional, Tuple

from . import _native


Submit = Callable[["Completions", "asyncio.Future[Any]"], None]
"""Hands a run to the engine: what comes of it goes to the completions, with the future."""


class Completions(_native.Completions):
    """Where the runs of one event loop end. The loop keeps it, as what reads its file, until the loop is closed or gone."""

    __slots__ = ("__weakref__", "_loop", "_new", "_under_way")
    _loop: asyncio.AbstractEventLoop
    _new: List[Tuple[Submit, asyncio.Future[Any]]]
    _under_way: int

    def __new__(cls, loop: asyncio.AbstractEventLoop) -> Completions:
        self = super().__new__(cls)
        self._loop = loop
        self._new = []
        self._under_way = 0
        # Not in the context of who came first: it would stay as long as the loop.
        contextvars.Context().run(loop.add_reader, self.fileno(), self._take)
        return self

    @staticmethod
    def of(loop: asyncio.AbstractEventLoop) -> Optional[Completions]:
        """Those of a loop, which it may get now; None where it can't watch files (Windows' proactor)."""
        known = _completions.get(loop)
        completions = known() if known else None
        if completions is None:
            try:
                completions = Completions(loop)
            except NotImplementedError:
                return None
            _completions[loop] = weakref.ref(completions)
        return completions

    def begin(self, submit: Submit) -> asyncio.Future[Any]:
        """Submits a run, now or with others very soon."""
        future: asyncio.Future[Any] = self._loop.create_future()
        self._new.append((submit, future))
        if not self._under_way:
            self._submit()
        elif len(self._new) == 1:
            # Those that come until then go with it: each that comes alone has to wake a thread.
            self._loop.call_soon(self._submit)
        return future

    def _submit(self) -> None:
        new, self._new = self._new, []
        for submit, future in new:
            try:
                submit(self, future)
                self._under_way += 1
            except Exception as error:
                settle(future, error)

    def _take(self) -> None:
        ended = self.take()
        self._under_way -= len(ended)
        for future, outcome in ended:
            settle(future, outcome)


def settle(future: asyncio.Future[Any], outcome: object) -> None:
    if future.done():
        return  # It was cancelled.
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)


_completions: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, weakref.ref[Completions]] = weakref.WeakKeyDictionary()


def after_fork() -> None:
    """What the parent's threads write to is not this process's."""
    _completions.clear()
