"""`python -m perilune serve`: a folder's scripts as Script Endpoints."""

from __future__ import annotations

import json
import os
import signal
import socket
import tempfile
from typing import Any, Callable, Dict, Iterable, List, Optional

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from . import asgi
from ._engine import Engine, Report
from ._errors import CompileError

HEAD = 64 * 1024
"""Bytes of a request's line and headers, as h11 has it: httptools has no limit."""
GRACE = 1
"""Seconds in which requests under way may end when the server is told to."""


class Links(Dict[str, Optional[str]]):
    """Public links by their scripts' names, kept in a file: they outlive the process."""

    def __init__(self, path: str, scripts: Iterable[str]) -> None:
        self._path = path
        self._stored: Dict[str, str] = {}
        try:
            with open(path, encoding="utf-8") as file:
                self._stored = json.load(file)
        except FileNotFoundError:
            pass
        if not isinstance(self._stored, dict):
            raise ValueError("it is no JSON object")
        super().__init__({script: self._stored.get(script) for script in scripts})

    def __setitem__(self, script: str, link: Optional[str]) -> None:
        super().__setitem__(script, link)
        # Those of scripts that aren't public now stay: they may be again.
        self._stored = {**self._stored, **{name: link for name, link in self.items() if link}}
        descriptor, path = tempfile.mkstemp(prefix=f"{os.path.basename(self._path)}.", dir=os.path.dirname(self._path))
        try:
            with open(descriptor, "w", encoding="utf-8") as file:
                json.dump(self._stored, file, indent=2, sort_keys=True)
                file.write("\n")
            os.replace(path, self._path)
        except BaseException:
            os.unlink(path)
            raise


def listen(host: str, port: int) -> socket.socket:
    """:raises OSError: it can't"""
    family, type, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    # Without the protocol, asyncio would not know that small packets may be sent at once.
    listener = socket.socket(family, type, proto)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except BaseException:
        listener.close()
        raise
    return listener


def url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Protocol(HttpToolsProtocol):
    """uvicorn's own, in which nothing can grow without an end before the app is asked."""

    _head = 0
    """Bytes of this request's line and headers."""
    _unread = 0
    """Bytes of which the parser has told nothing yet: the beginning of a header."""

    def _read(self, head: int = 0) -> None:
        self._unread = 0
        self._head += head
        if self._head > HEAD:
            raise ValueError("the head is too large")

    def on_message_begin(self) -> None:
        self._head = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._read(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._read(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._read()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._read()
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._read()
        super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        self._unread += len(data)
        super().data_received(data)
        # One read has at most 256 KiB, and may end in a header.
        if self._unread > HEAD and not self.transport.is_closing():
            self.send_400_response("Invalid HTTP request received.")


def serve(
    engine: Engine, directory: str, app: asgi.App, listeners: List[socket.socket],
    show: Callable[[str], None], complain: Callable[[str], None],
) -> None:  # fmt: skip
    """Serves until it is told to end, by SIGINT or SIGTERM; on the second listener, if there is one, the numbers to watch."""

    def tell(report: Report) -> None:
        for path, error in report.failed:
            complain(f"{path}:{error.line}: {error.reason}" if isinstance(error, CompileError) else f"{path}: {error}")

    served = {listener.getsockname()[1]: app for listener, app in zip(listeners, (app, asgi.metrics(engine)))}

    async def by_port(scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        await served[scope["server"][1]](scope, receive, send)

    # What stands in X-Forwarded-For is anybody's word.
    config = uvicorn.Config(
        by_port, http=Protocol, ws="none", lifespan="off", proxy_headers=False, server_header=False, access_log=False,
        log_level="error", timeout_graceful_shutdown=GRACE,
    )  # fmt: skip
    server = uvicorn.Server(config)

    def stop(*_: Any) -> None:
        server.should_exit = True

    # uvicorn handles them while it serves, and then repeats them to these.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    with engine.watch(directory, tell):
        show(f"Serving {directory} on {url(listeners[0])}\n")
        for listener in listeners[1:]:
            show(f"Metrics on {url(listener)}/metrics\n")
        server.run(sockets=listeners)
