"""What the load is compared with: hello by nothing but the framework, Starlette, or by an ASGI app of its own."""

import json
import signal
import socket
import sys

import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route


async def hello(request):
    return JSONResponse({"hello": request.query_params.get("monster")})


async def asgi(scope, receive, send):
    body = json.dumps({"hello": "Manticore"}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


signal.signal(signal.SIGTERM, lambda *_: None)
listener = socket.socket(proto=socket.IPPROTO_TCP)
listener.bind(("127.0.0.1", 0))
listener.listen(2048)
print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
app = Starlette(routes=[Route("/hello", hello)]) if sys.argv[1] == "starlette" else asgi
uvicorn.Server(uvicorn.Config(app, http=sys.argv[2], lifespan="off", access_log=False, log_level="error")).run(sockets=[listener])
