"""Script Endpoints as an ASGI app, for asyncio: what they answer is fixed by `bindings/endpoints/README.md` of the repository.

>>> import perilune, perilune.asgi
>>> engine = perilune.Engine()
>>> engine.scripts["moonbase/hello"] = "print('Hello', ARGS.monster)"
>>> app = perilune.asgi.endpoints(engine, keys="key-of-the-moonbase")

Served by any ASGI server, or mounted in any app, `app` answers `POST /v1.1/instances/moonbase/endpoints/scripts/hello/run/`.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from functools import partial
from itertools import takewhile
from time import monotonic
from typing import Any, Awaitable, Callable, Dict, Iterable, Iterator, Mapping, MutableMapping, Optional, Tuple, Union, cast
from urllib.parse import quote

from . import _native
from ._completions import Completions
from ._engine import Engine

__all__ = ["Endpoints", "endpoints", "metrics"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
KeysOf = Union[str, Iterable[str], Mapping[str, Union[str, Iterable[str]]]]
Public = Union[Iterable[str], MutableMapping[str, Optional[str]]]

SMALL = 16 * 1024
"""Bytes of a body that is read at once. Of longer ones a stranger may have made one that takes long: others go on meanwhile."""
PATIENCE = 0.02
"""Seconds that a run takes before it is worth the while to look whether its client has gone."""


class Watch:
    """Ends the runs of a loop whose clients have gone. Nearly all end before it looks: one timer is for all of them."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._new: Dict[_native.Exchange, Tuple[float, Receive, contextvars.Context]] = {}  # the oldest first
        self._watched: Dict[_native.Exchange, asyncio.Task[None]] = {}
        self._is_timed = False

    def begin(self, exchange: _native.Exchange, receive: Receive) -> None:
        self._new[exchange] = monotonic(), receive, contextvars.copy_context()
        if not self._is_timed:
            self._look_later()

    def end(self, exchange: _native.Exchange) -> None:
        if self._new.pop(exchange, None) is None:
            self._watched.pop(exchange).cancel()

    def _look_later(self) -> None:
        self._is_timed = True
        self.loop.call_later(PATIENCE, self._look)

    def _look(self) -> None:
        since = monotonic() - PATIENCE
        for exchange, (_, receive, context) in [*takewhile(lambda new: new[1][0] <= since, self._new.items())]:
            del self._new[exchange]
            # Who wraps what it receives by looks at its own request's variables.
            self._watched[exchange] = context.run(asyncio.ensure_future, cancel_when_gone(exchange, receive))
        self._is_timed = False
        if self._new:
            self._look_later()


async def cancel_when_gone(exchange: _native.Exchange, receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    exchange.cancel()


class Endpoints(_native.Endpoints):
    """An ASGI app: `endpoints` makes one."""

    _stored: Optional[MutableMapping[str, Optional[str]]]
    _storing: threading.Lock
    _watch: Optional[Watch]
    _engine: Engine

    def __new__(cls, engine: Engine, keys: KeysOf, public: Public, rate: Optional[float]) -> Endpoints:
        given = [*links_of(public)]
        self = super().__new__(cls, engine, [*keys_of(keys)], given, rate)
        self._engine = engine
        self._stored = public if isinstance(public, MutableMapping) else None
        self._storing = threading.Lock()
        self._watch = None
        links = self.links
        for script, link in given:
            if link is None:
                self._store(script, links[script])
        return self

    def _store(self, script: str, link: str) -> None:
        if self._stored is not None:
            self._stored[script] = link

    @property
    def links(self) -> Dict[str, str]:
        """The public scripts and their links as they are now."""
        return dict(self._links())

    def publish(self, script: str, link: Optional[str] = None) -> str:
        """Makes a script public from now on, or gives one that is so another link: this one of 40 hex digits, or a random one, which is
        returned."""
        self._publish(script, link)
        return link or self.links[script]

    def unpublish(self, script: str) -> None:
        """Has a script need a key again, from now on."""
        self._unpublish(script)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await other(scope, receive, send)
            return
        raw, client = scope.get("raw_path"), scope.get("client")
        exchange = self._ask(
            scope["method"],
            quote(scope["path"]) if raw is None else raw,
            scope.get("query_string", b""),
            scope.get("root_path", ""),
            client[0] if client else "",
            [*scope["headers"]],
        )
        step = exchange.step
        if step == _native.STEP_BODY:
            if not await self._read(exchange, receive):
                return
            step = exchange.step
        if step == _native.STEP_RUN:
            await self._run(exchange, receive)
        elif step == _native.STEP_RESET:
            self._reset(exchange)
        await respond(exchange, scope, send)

    @staticmethod
    async def _read(exchange: _native.Exchange, receive: Receive) -> bool:
        """Whether somebody waits for an answer."""
        size = 0
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return False
            chunk: bytes = message.get("body", b"")
            size += len(chunk)
            more = exchange.push(chunk) and message.get("more_body", False)
        if size <= SMALL:
            exchange.read()
        else:
            await asyncio.get_running_loop().run_in_executor(None, exchange.read)
        return True

    async def _run(self, exchange: _native.Exchange, receive: Receive) -> None:
        loop = asyncio.get_running_loop()
        watch = self._watch
        if watch is None or watch.loop is not loop:
            watch = self._watch = Watch(loop)
        completions = Completions.of(loop)
        watch.begin(exchange, receive)
        try:
            if completions:
                await completions.begin(partial(exchange.submit, self._engine._context()))
            else:
                await loop.run_in_executor(None, exchange.run)
        except BaseException:
            exchange.cancel()
            raise
        finally:
            watch.end(exchange)

    def _reset(self, exchange: _native.Exchange) -> None:
        # Of two threads, who stores last is to be the last who goes on.
        with self._storing:
            try:
                self._store(*exchange.link())
            except Exception as error:
                exchange.stored(str(error) or type(error).__name__)
            else:
                exchange.stored(None)


def keys_of(keys: KeysOf) -> Iterator[Tuple[Optional[str], str]]:
    """Each with the instance that it is of, or None for all."""
    of = cast("Mapping[Optional[str], Union[str, Iterable[str]]]", keys if isinstance(keys, Mapping) else {None: keys})
    for instance, own in of.items():
        for key in (own,) if isinstance(own, str) or not isinstance(own, Iterable) else own:
            if not isinstance(key, str):
                raise TypeError("keys: pass a key, an iterable of keys, or a mapping of instances to their keys")
            yield instance, key


def links_of(public: Public) -> Iterator[Tuple[str, Optional[str]]]:
    """Scripts, each with its link, or None for a random one."""
    if isinstance(public, (str, bytes)) or not isinstance(public, Iterable):
        raise TypeError("public: pass an iterable of INSTANCE/NAME, or a mapping of them to links of 40 hex digits")
    of = cast("Mapping[str, Optional[str]]", public if isinstance(public, Mapping) else dict.fromkeys(public))
    for script, link in of.items():
        yield script, link or None


async def respond(exchange: _native.Exchange, scope: Scope, send: Send) -> None:
    status, headers, body, close = exchange.answer()
    if status not in (204, 304):
        headers.append((b"content-length", b"%d" % len(body)))
    # HTTP/2 has no such header.
    if close and scope.get("http_version", "1.1").startswith("1"):
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def other(scope: Scope, receive: Receive, send: Send) -> None:
    """What is no request of HTTP's."""
    if scope["type"] == "lifespan":
        for event in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{event}.complete"})
    elif scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1000})
    else:
        raise ValueError(f"{scope['type']}: there is nothing of this protocol here")


def endpoints(engine: Engine, *, keys: KeysOf, public: Public = (), rate: Optional[float] = None) -> Endpoints:
    """Serves the scripts of an engine, `INSTANCE/NAME`, as Syncano's Script Endpoints.

    :param keys: the keys of all instances; or a mapping of each instance to its own
    :param public: scripts that need no key, as `INSTANCE/NAME`; or a mapping of them to links of 40 hex digits, which is read now, filled
        in where they are None, and written to when a client has a link reset: what that raises, the client is told, and the link stays
    :param rate: runs a second of one instance
    :raises TypeError: there is no key or an empty one, or a name, a link or the rate is none
    """
    return Endpoints(engine, keys, public, rate)


def metrics(engine: Engine) -> App:
    """The numbers to watch, `/metrics` and `/healthz`: for whom, is the host's to decide."""
    if not isinstance(engine, Engine):
        raise TypeError("engine: pass an Engine")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await other(scope, receive, send)
            return
        root: str = scope.get("root_path", "").rstrip("/")
        path: str = scope["path"]
        below = path[len(root) :] if path.startswith(root + "/") else path
        await respond(engine._ask_metrics(scope["method"], below), scope, send)

    return app
