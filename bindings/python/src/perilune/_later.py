"""Coroutines of the host that scripts call: they run on the event loop of the one who has the run made."""

from __future__ import annotations

import asyncio
import contextvars
from typing import Any, Callable, Coroutine, Optional, Set, Tuple

from . import _native

_tasks: Set[asyncio.Task[None]] = set()
"""An event loop keeps its tasks weakly."""


def begin(
    future: asyncio.Future[Any],
    context: Optional[contextvars.Context],
    function: Callable[..., Coroutine[Any, Any, object]],
    arguments: Tuple[object, ...],
    answer: _native.Answer,
) -> None:
    """Has the loop of a run's future run a coroutine. Called on a thread of the engine's."""
    loop = future.get_loop()
    loop.call_soon_threadsafe(_start, loop, function, arguments, answer, context=context)


def _start(
    loop: asyncio.AbstractEventLoop,
    function: Callable[..., Coroutine[Any, Any, object]],
    arguments: Tuple[object, ...],
    answer: _native.Answer,
) -> None:
    task = loop.create_task(_run(function, arguments, answer))
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)

    def cancel() -> None:
        try:
            loop.call_soon_threadsafe(task.cancel)
        except RuntimeError:
            pass  # The loop is closed, and its tasks are over.

    answer.on_gone(cancel)


async def _run(
    function: Callable[..., Coroutine[Any, Any, object]], arguments: Tuple[object, ...], answer: _native.Answer
) -> None:
    try:
        answer.give(await function(*arguments))
    except Exception as error:
        answer.fail(error)
    except BaseException as error:
        # The loop sees to it, as to that of any task.
        answer.fail(error)
        raise
