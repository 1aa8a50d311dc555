"""The host of the tests: its argument is JSON of how it is to be."""

import json
import signal
import socket
import sys

import uvicorn

import perilune
import perilune.asgi

settings = json.loads(sys.argv[1])
limits = {name: settings.get(name) for name in ("request", "parameters", "pool_size")}
for name in ("timeout", "queue"):
    limits[name] = settings[f"{name}_ms"] / 1000 if f"{name}_ms" in settings else None
engine = perilune.Engine(**limits)
engine.scripts.load_dir(settings["scripts"])

endpoints = perilune.asgi.endpoints(engine, keys=settings["keys"], public=settings.get("public", ()), rate=settings.get("rate"))
metrics = perilune.asgi.metrics(engine)
prefix = settings.get("prefix", "")


async def app(scope, receive, send):
    """As frameworks mount apps."""
    path = scope.get("path", "")
    if path.startswith("/internal/"):
        await metrics({**scope, "root_path": "/internal"}, receive, send)
    else:
        await endpoints({**scope, "root_path": prefix} if path.startswith(f"{prefix}/") else scope, receive, send)


# What uvicorn was told it tells again when it has ended.
signal.signal(signal.SIGTERM, lambda *_: None)
# asyncio sends small packets at once only where it is told that this is TCP.
listener = socket.socket(proto=socket.IPPROTO_TCP)
listener.bind(("127.0.0.1", 0))
listener.listen(2048)
print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
uvicorn.Server(uvicorn.Config(app, http=settings.get("http", "h11"), access_log=False, log_level="error")).run(sockets=[listener])
