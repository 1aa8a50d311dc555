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
import json
import re
from itertools import takewhile
from time import monotonic
from typing import Any, Awaitable, Callable, Dict, Iterable, List, Mapping, MutableMapping, NamedTuple, Optional, Tuple

from . import _native
from ._access import Answer, Keys, KeysOf, Links, Public, Rate
from ._engine import Engine, Script
from ._errors import Error, PayloadError
from ._history import History
from ._paths import Target, escaped, target_of
from ._payload import MultipartError, meta, multipart, split, without_secrets
from ._request import Request
from ._trace import Response

__all__ = ["endpoints", "metrics"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = Iterable[Tuple[bytes, bytes]]

NOT_FOUND = "Not found"
DROPPED = 8 * 1024 * 1024
"""More than the limit of a body that is still read, and dropped: clients may hear of the limit only when they have sent all."""
SMALL = 16 * 1024
"""Bytes of a body that is read at once."""
PATIENCE = 0.02
"""Seconds that a run takes before it is worth the while to look whether its client has gone."""
CONNECTION = re.compile(
    b"connection|content-length|content-type|date|http2-settings|keep-alive|server|te|trailer|transfer-encoding|upgrade|proxy-.*"
)
"""The server's own headers."""
ALLOWED = {
    "run": ("GET", "POST"), "public": ("GET", "POST"), "list": ("GET",), "script": ("GET",), "traces": ("GET",), "trace": ("GET",),
    "reset_link": ("POST",),
}  # fmt: skip


class Gone(Exception):
    """The client has gone: nobody waits for an answer."""


def size_exceeded(limit: int) -> Answer:
    return Answer(413, f"Request size limit exceeded ({limit}).")


# json.dumps would make one each time.
encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def dumps(value: object) -> bytes:
    return encode(value).encode("utf-8", "replace")


class Payload(NamedTuple):
    """A body without keys, and the key that it had."""

    post: Optional[bytes] = None
    form: Optional[bytes] = None
    key: bytes = b""


NO_PAYLOAD = Payload()


def description_of(source: str) -> str:
    """The comment that a source begins with. A stranger wrote it: nothing here may take more than linear time."""
    text = source.lstrip()
    block = re.match(r"--\[(=*)\[", text)
    if block:
        end = text.find(f"]{block[1]}]", block.end())
        if end >= 0:
            return text[block.end() : end].strip()
    lines: List[str] = []
    for line in text.split("\n"):
        line = line.strip()
        if not line.startswith("--"):
            break
        lines.append(line[3:] if line.startswith("-- ") else line[2:])
    return "\n".join(lines).strip()


async def respond(send: Send, status: int, headers: Headers, body: bytes = b"", type: bytes = b"application/json") -> None:
    if status in (204, 304):
        head = [*headers]
    elif status == 205:
        head, body = [*headers, (b"content-length", b"0")], b""
    else:
        head = [(b"content-type", type), (b"content-length", b"%d" % len(body)), *headers]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": b"" if status in (204, 304) else body})


async def respond_as(send: Send, response: Response) -> None:
    """What a script asked for."""
    if response.status < 200:
        raise Answer(502, f"The script set status {response.status}, which can't be sent.")
    named = [(name.lower().encode(), value.encode()) for name, value in response.headers]
    headers = [header for header in named if not CONNECTION.fullmatch(header[0])]
    await respond(send, response.status, headers, response.content, response.content_type.encode())


def token_of(authorization: bytes) -> bytes:
    words = authorization.split()
    return words[1] if len(words) == 2 else b""


async def body_of(receive: Receive, headers: Mapping[bytes, bytes], limit: int) -> bytes:
    """The bytes of a body. Beyond the limit none are kept."""
    given = headers.get(b"content-length", b"0")
    length = int(given) if given.isdigit() and len(given) < 20 else 0
    if length > limit + DROPPED:
        raise size_exceeded(limit)
    chunks: List[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        chunk: bytes = message.get("body", b"")
        more = message.get("more_body", False)
        size += len(chunk)
        if size <= limit:
            chunks.append(chunk)
        elif size <= limit + DROPPED and more:
            chunks.clear()
        else:
            raise size_exceeded(limit)
    if size < length:
        # As uvicorn with httptools has it of requests that offer an upgrade.
        raise Answer(400, "The body ended early.")
    return b"".join(chunks)


class Waiting:
    """A client that waits for its run to end."""

    __slots__ = ("began", "cancel", "context", "receive", "task")

    def __init__(self, began: float, receive: Receive, cancel: _native.Cancel) -> None:
        self.began = began
        self.receive = receive
        self.cancel = cancel
        self.context = contextvars.copy_context()
        self.task: Optional[asyncio.Task[None]] = None

    async def until_gone(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass
        self.cancel.cancel()


class Watch:
    """Ends the runs of a loop whose clients have gone. Nearly all end before it looks: one timer is for all of them."""

    def __init__(self, loop: Optional[asyncio.AbstractEventLoop]) -> None:
        self.loop = loop
        self._new: Dict[Waiting, None] = {}  # the oldest first
        self._is_timed = False

    def begin(self, receive: Receive, cancel: _native.Cancel) -> Waiting:
        waiting = Waiting(monotonic(), receive, cancel)
        self._new[waiting] = None
        if not self._is_timed:
            self._look_later()
        return waiting

    def end(self, waiting: Waiting) -> None:
        self._new.pop(waiting, None)
        if waiting.task:
            waiting.task.cancel()

    def _look_later(self) -> None:
        assert self.loop
        self._is_timed = True
        self.loop.call_later(PATIENCE, self._look)

    def _look(self) -> None:
        since = monotonic() - PATIENCE
        for waiting in [*takewhile(lambda waiting: waiting.began <= since, self._new)]:
            del self._new[waiting]
            # Who wraps what it receives by looks at its own request's variables.
            waiting.task = waiting.context.run(asyncio.ensure_future, waiting.until_gone())
        self._is_timed = False
        if self._new:
            self._look_later()


class Endpoints:
    """What all requests of an app share."""

    def __init__(self, engine: Engine, keys: KeysOf, public: Public, rate: Optional[float]) -> None:
        if not isinstance(engine, Engine):
            raise TypeError("engine: pass an Engine")
        self._scripts = engine.scripts
        self._watch = Watch(None)
        self._keys = Keys(keys)
        self._links = Links(public)
        self._rate = None if rate is None else Rate(rate)
        self._history = History()
        limits = engine.limits
        self._size, self._parameters = int(limits["request"]), int(limits["parameters"])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await other(scope, receive, send)
            return
        try:
            await self._handle(scope, receive, send)
        except Answer as answer:
            await respond(send, answer.status, answer.headers, dumps({"detail": str(answer)}))
        except MultipartError as error:
            await respond(send, 400, (), dumps({"detail": f"Multipart form parse error - {error}"}))
        except PayloadError as error:
            status = 413 if str(error).startswith("Request size limit exceeded") else 400
            await respond(send, status, (), dumps({"detail": str(error)}))
        except Error as error:
            await respond(send, 503, [(b"retry-after", b"1")], dumps({"detail": str(error)}))
        except Gone:
            pass

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        target = target_of(scope)
        if target is None:
            raise Answer(404, NOT_FOUND)
        kind, instance, name = target.kind, target.instance, target.name
        method: str = scope["method"]
        # Servers may add the trailers of a body to the list.
        all_headers = tuple(scope["headers"])
        headers: Dict[bytes, bytes] = dict(all_headers)
        query, secrets = split(scope.get("query_string", b""))
        is_post = method == "POST" and kind in ("run", "public")

        payload = None if is_post else NO_PAYLOAD
        if kind != "public":
            key = (
                headers.get(b"x-api-key", b"").strip()
                or secrets.get(b"api_key")
                or secrets.get(b"apikey")
                or token_of(headers.get(b"authorization", b""))
            )
            if not key and is_post:
                try:
                    payload = await self._payload(receive, headers)
                    key = payload.key
                except (Answer, MultipartError):
                    pass  # What can't be read has no key.
            if not key:
                raise Answer(403, "You do not have permission to perform this action.")
            self._keys.assert_one(instance, key)

        full = f"{instance}/{name}"
        script = None if kind == "list" else self._scripts.get(full)
        if script is None and kind != "public" and not self._is_known(instance):
            raise Answer(404, "Instance was not found.")
        if method not in ALLOWED[kind]:
            raise Answer(405, f'Method "{method}" not allowed.', [(b"allow", ", ".join(ALLOWED[kind]).encode())])
        if kind == "list":
            await respond(send, 200, (), self._list(target))
        elif script is None or (kind == "public" and not self._links.is_of(full, target.id)):
            raise Answer(404, NOT_FOUND)
        elif kind in ("run", "public"):
            if self._rate:
                self._rate.take(instance)
            if payload is None:
                payload = await self._payload(receive, headers)
            about = meta(all_headers)
            about["PATH_INFO"] = target.path
            about["REQUEST_METHOD"] = method
            about["REMOTE_ADDR"] = (scope.get("client") or ("",))[0]
            about["executed_by"] = "webhook"
            about["executor"] = name
            about["instance"] = instance
            cancel = _native.Cancel()
            given = Request(query, None, payload.post, payload.form, None, dumps(about), None, None, cancel)
            await self._run(script, full, given, cancel, receive, send)
        else:
            await respond(send, 200, (), self._show(target, script, full))

    def _show(self, target: Target, script: Script, full: str) -> bytes:
        traces = f"{target.base}{escaped(target.name)}/traces/"
        if target.kind == "traces":
            objects = self._history.list(full, lambda id: f"{traces}{id}/")
            return b'{"next":null,"prev":null,"objects":[%b]}' % b",".join(objects)
        if target.kind == "trace":
            id = target.id
            found = self._history.get(full, int(id), f"{traces}{id}/") if re.fullmatch("[1-9][0-9]{0,15}", id) else None
            if found is None:
                raise Answer(404, NOT_FOUND)
            return found
        if target.kind == "reset_link":
            if self._links.get(full) is None:
                raise Answer(404, NOT_FOUND)
            self._links.reset(full)
        return dumps(self._describe(target, target.name, script))

    def _is_known(self, instance: str) -> bool:
        return any(name.startswith(f"{instance}/") for name in self._scripts)

    async def _payload(self, receive: Receive, headers: Mapping[bytes, bytes]) -> Payload:
        body = await body_of(receive, headers, self._size)
        if not body:
            return NO_PAYLOAD
        type = headers.get(b"content-type", b"").decode("latin-1")
        if len(body) <= SMALL:
            return self._read(body, type)
        # A stranger may have made it so that it takes long: others go on meanwhile.
        return await asyncio.get_running_loop().run_in_executor(None, self._read, body, type)

    def _read(self, body: bytes, type: str) -> Payload:
        media = type.partition(";")[0].strip().lower()
        if media in ("application/json", "text/plain"):
            post, key = without_secrets(body)
            return Payload(post=post, key=key)
        if media == "multipart/form-data":
            body = multipart(type, body, self._parameters)
        elif media != "application/x-www-form-urlencoded":
            raise Answer(415, f'Unsupported media type "{type}" in request.')
        form, secrets = split(body)
        return Payload(form=form, key=secrets.get(b"_api_key", b""))

    async def _run(self, script: Script, full: str, given: Request, cancel: _native.Cancel, receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        watch = self._watch
        if watch.loop is not loop:
            watch = self._watch = Watch(loop)
        waiting = watch.begin(receive, cancel)
        try:
            trace = await script._begin(given)
        except BaseException:
            cancel.cancel()
            raise
        finally:
            watch.end(waiting)
        text = trace._json_bytes
        self._history.add(full, trace.id, text)
        response = trace.response
        if trace.status == "queue_timeout":
            await respond(send, 503, [(b"retry-after", b"1")], text)
        elif response:
            await respond_as(send, response)
        else:
            await respond(send, 200, (), text)

    def _describe(self, target: Target, name: str, script: Script) -> Dict[str, Any]:
        base = target.base
        own = f"{base}{escaped(name)}/"
        link = self._links.get(f"{target.instance}/{name}")
        return {
            "name": name,
            "description": description_of(script.source),
            "script": script.version,
            "public": link is not None,
            "public_link": link,
            "links": {
                "self": own,
                "run": f"{own}run/",
                "reset-link": f"{own}reset_link/",
                "script": own,
                "public-link": None if link is None else f"{base}p/{link}/{escaped(name)}/",
                "traces": f"{own}traces/",
            },
        }

    def _list(self, target: Target) -> bytes:
        own = f"{target.instance}/"
        objects: List[Dict[str, Any]] = []
        for full in self._scripts:
            # It may be gone by now.
            script = self._scripts.get(full) if full.startswith(own) else None
            if script is not None:
                objects.append(self._describe(target, full[len(own) :], script))
        return dumps({"next": None, "prev": None, "objects": objects})


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


def endpoints(engine: Engine, *, keys: KeysOf, public: Public = (), rate: Optional[float] = None) -> App:
    """Serves the scripts of an engine, `INSTANCE/NAME`, as Syncano's Script Endpoints.

    :param keys: the keys of all instances; or a mapping of each instance to its own
    :param public: scripts that need no key, as `INSTANCE/NAME`; or a mapping of them to links of 40 hex digits, which are filled in where
        they are None
    :param rate: runs a second of one instance
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
        path = path[len(root) :] if path.startswith(root + "/") else path
        if path not in ("/metrics", "/healthz"):
            await respond(send, 404, (), dumps({"detail": NOT_FOUND}))
        elif scope["method"] not in ("GET", "HEAD"):
            await respond(send, 405, [(b"allow", b"GET, HEAD")], dumps({"detail": f'Method "{scope["method"]}" not allowed.'}))
        elif path == "/healthz":
            await respond(send, 200, (), b'{"status":"ok"}')
        else:
            await respond(send, 200, (), engine.prometheus().encode(), b"text/plain; version=0.0.4; charset=utf-8")

    return app
