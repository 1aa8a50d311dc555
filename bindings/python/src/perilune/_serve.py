"""`python -m perilune serve`: a folder's scripts as Script Endpoints."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import tempfile
from types import FrameType
from typing import Callable, Dict, Iterable, List, Optional, cast

import uvicorn

from . import asgi
from ._directory import Report
from ._engine import Engine
from ._errors import CompileError, Error

GRACE = 1
"""Seconds in which requests under way may end when the server is told to."""


class Links(Dict[str, Optional[str]]):
    """Public links by their scripts' names, kept in a file: they outlive the process."""

    def __init__(self, path: str, scripts: Iterable[str]) -> None:
        self._path = path
        stored = self._stored()
        super().__init__({script: stored.get(script) for script in scripts})

    def _stored(self) -> Dict[str, str]:
        try:
            with open(self._path, encoding="utf-8") as file:
                stored = json.load(file)
        except FileNotFoundError:
            return {}
        except RecursionError:
            stored = None
        if not isinstance(stored, dict):
            raise ValueError("it is no JSON object")
        return cast("Dict[str, str]", stored)

    def __setitem__(self, script: str, link: Optional[str]) -> None:
        try:
            # Others in the file stay: those of scripts that aren't public now may be again, and other processes write, too.
            self._write({**self._stored(), script: link or ""})
        except (OSError, ValueError) as error:
            raise Error(f"The public links can't be kept in {self._path}: {error}") from None
        super().__setitem__(script, link)

    def _write(self, links: Dict[str, str]) -> None:
        descriptor, path = tempfile.mkstemp(prefix=f"{os.path.basename(self._path)}.", dir=os.path.dirname(self._path))
        try:
            with open(descriptor, "w", encoding="utf-8") as file:
                json.dump(links, file, indent=2, sort_keys=True)
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


class Server(uvicorn.Server):
    def handle_exit(self, sig: int, frame: Optional[FrameType]) -> None:
        # Requests that are cut off then are no errors.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        super().handle_exit(sig, frame)


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

    # httptools has no limit for a head, takes trailers for headers, and loses the body of a request that offers an upgrade. What stands in
    # X-Forwarded-For is anybody's word.
    config = uvicorn.Config(
        by_port, http="h11", ws="none", lifespan="off", proxy_headers=False, server_header=False, access_log=False,
        log_level="error", timeout_graceful_shutdown=GRACE,
    )  # fmt: skip
    server = Server(config)
    # It tells of each body that is malformed; so does the answer.
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)
    # uvicorn handles them so while it serves, and then repeats them to who did before.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, server.handle_exit)
    with engine.watch(directory, tell):
        show(f"Serving {directory} on {url(listeners[0])}\n")
        for listener in listeners[1:]:
            show(f"Metrics on {url(listener)}/metrics\n")
        server.run(sockets=listeners)
