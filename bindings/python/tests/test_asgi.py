"""Script Endpoints as an ASGI app. What they answer, bindings/endpoints asks of all hosts."""

import asyncio
import gc
import json
import threading
import weakref
from contextvars import ContextVar
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

import pytest

import perilune
import perilune.asgi
from perilune import _native

BASE = "/v1.1/instances/i/endpoints/scripts/"


class Answer:
    def __init__(self, messages: List[Mapping[str, Any]]) -> None:
        self.status = messages[0]["status"]
        self.headers: Dict[bytes, bytes] = dict(messages[0]["headers"])
        self.text = messages[1]["body"].decode()

    def json(self) -> Any:
        return json.loads(self.text)


async def ask(app: perilune.asgi.App, path: str, key: Optional[str] = "k", body: bytes = b"", query: str = "", **scope: Any) -> Answer:
    sent: List[Mapping[str, Any]] = []
    received = asyncio.Event()
    headers = [(b"content-type", b"application/json"), *([(b"x-api-key", key.encode())] if key else [])]
    whole = {
        "type": "http", "method": "POST" if body else "GET", "path": path, "raw_path": path.encode(), "query_string": query.encode(),
        "headers": headers, "client": ("127.0.0.1", 1), **scope,
    }  # fmt: skip

    async def receive() -> Dict[str, Any]:
        if received.is_set():
            await asyncio.Event().wait()  # It stays.
        received.set()
        return {"type": "http.request", "body": body}

    async def send(message: Mapping[str, Any]) -> None:
        sent.append(message)

    await app(whole, receive, send)
    return Answer(sent)


@pytest.fixture
def engine() -> perilune.Engine:
    return perilune.Engine(pool_size=1)


def test_a_mapping_keeps_the_links(engine: perilune.Engine) -> None:
    engine.scripts["i/a"] = engine.scripts["i/b"] = "return POST.n"
    links: Dict[str, Optional[str]] = {"i/a": None, "i/b": "b" * 40}
    app = perilune.asgi.endpoints(engine, keys="k", public=links)
    first = links["i/a"]
    assert first is not None and len(first) == 40 and links["i/b"] == "b" * 40
    answer = asyncio.run(ask(app, f"{BASE}a/reset_link/", method="POST"))
    assert answer.json()["public_link"] == links["i/a"] != first
    assert links == app.links
    assert asyncio.run(ask(app, f"{BASE}p/{links['i/a']}/a/", key=None, body=b'{"n": 2}')).json()["result"]["value"] == 2


@pytest.mark.parametrize("error, reason", [(OSError("the disk is full"), "the disk is full"), (KeyError(), "KeyError")])
def test_a_link_that_is_not_stored_stays(engine: perilune.Engine, error: Exception, reason: str) -> None:
    class Full(Dict[str, Optional[str]]):
        def __setitem__(self, script: str, link: Optional[str]) -> None:
            raise error

    engine.scripts["i/a"] = ""
    app = perilune.asgi.endpoints(engine, keys="k", public=Full({"i/a": "a" * 40}))
    answer = asyncio.run(ask(app, f"{BASE}a/reset_link/", method="POST"))
    assert (answer.status, answer.headers[b"retry-after"], answer.json()) == (503, b"1", {"detail": reason})
    assert app.links == {"i/a": "a" * 40}


def test_scripts_are_made_public_and_private_while_they_serve(engine: perilune.Engine) -> None:
    engine.scripts["i/a"] = "return 1"
    app = perilune.asgi.endpoints(engine, keys="k", public=["i/b"])

    def status(link: str) -> Any:
        return asyncio.run(ask(app, f"{BASE}p/{link}/a/", key=None)).status

    link = app.publish("i/a")
    assert app.links == {"i/a": link, "i/b": app.links["i/b"]} and len(link) == 40
    assert status(link) == 200
    assert app.publish("i/a", "a" * 40) == "a" * 40
    assert (status(link), status("a" * 40)) == (404, 200)
    app.unpublish("i/a")
    app.unpublish("i/none")
    assert status("a" * 40) == 404 and [*app.links] == ["i/b"]
    for wrong in [("a",), ("i/a", "x"), (1,), ("i/a", 1)]:
        with pytest.raises(TypeError):
            app.publish(*wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "options, text",
    [({"keys": ""}, "^give at least one key; none may be empty$"), ({"keys": []}, "^give at "), ({"keys": {}}, "^give at "),
     ({"keys": {"i": []}}, "^give at "), ({"keys": 1}, "^keys: pass "), ({"keys": [b"k"]}, "^keys: pass "), ({"keys": b"k"}, "^keys: pass "),
     ({"keys": {"i": 1}}, "^keys: pass "), ({"keys": "k", "rate": 0}, "^the rate is not "), ({"keys": "k", "rate": float("nan")}, "^the rate is not "),
     ({"keys": "k", "rate": "1"}, "must be real number"), ({"keys": "k", "public": ["a"]}, "^\"a\" is not a public script's INSTANCE/NAME$"),
     ({"keys": "k", "public": {"i/a": "x"}}, "^the public link of i/a is not "), ({"keys": "k", "public": {"i/a": 1}}, "not 'int'$"),
     ({"keys": "k", "public": "i/a"}, "^public: pass "), ({"keys": "k", "public": 1}, "^public: pass ")],
)  # fmt: skip
def test_wrong_options_say_what_is_wrong(engine: perilune.Engine, options: Dict[str, Any], text: str) -> None:
    with pytest.raises(TypeError, match=text):
        perilune.asgi.endpoints(engine, **options)


@pytest.mark.parametrize("make", [lambda engine: perilune.asgi.endpoints(engine, keys="k"), perilune.asgi.metrics])
def test_what_is_no_engine(make: Callable[[Any], perilune.asgi.App]) -> None:
    with pytest.raises(TypeError, match="Engine"):
        make("engine")


def test_what_host_functions_raise_is_not_kept(engine: perilune.Engine) -> None:
    class Raised(Exception):
        pass

    raised: List["weakref.ref[Raised]"] = []

    @engine.function
    def fail() -> None:
        error = Raised("no")
        raised.append(weakref.ref(error))
        raise error

    engine.scripts["i/fails"] = "host.fail()"
    engine.scripts["i/catches"] = "pcall(host.fail) set_response{status=204}"
    app = perilune.asgi.endpoints(engine, keys="k")
    live = _native.live_objects()

    async def go() -> None:
        answers = await asyncio.gather(*(ask(app, f"{BASE}{name}/run/") for name in ("fails", "catches")))
        assert [answer.status for answer in answers] == [200, 204]
        assert "Raised: no" in answers[0].json()["result"]["stderr"]
        gone = asyncio.ensure_future(ask(app, f"{BASE}fails/run/"))
        while len(raised) < 3:
            await asyncio.sleep(0)
        gone.cancel()
        # What its error has of the request goes with the task; what was raised has a frame that has it.
        del gone
        while gc.collect() >= 0 and any(one() for one in raised):
            await asyncio.sleep(0)

    asyncio.run(asyncio.wait_for(go(), 20))
    assert _native.live_objects() == live


def test_a_full_pool_is_503_and_a_client_that_goes_away_ends_its_run() -> None:
    engine = perilune.Engine(pool_size=1, queue=0.001)
    begun = threading.Event()
    engine.function("begun", begun.set)
    engine.scripts["i/spins"] = "host.begun() while true do end"
    app = perilune.asgi.endpoints(engine, keys="k")

    async def go() -> None:
        gone = asyncio.Event()

        async def receive() -> Dict[str, Any]:
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Mapping[str, Any]) -> None:
            pass

        path = f"{BASE}spins/run/"
        scope = {"type": "http", "method": "GET", "path": path, "query_string": b"api_key=k", "headers": []}
        running = asyncio.ensure_future(app(scope, receive, send))
        await asyncio.get_running_loop().run_in_executor(None, begun.wait)
        refused = await ask(app, path)
        assert (refused.status, refused.headers[b"retry-after"], refused.json()["status"]) == (503, b"1", "queue_timeout")
        gone.set()
        # The run would go on for 30 s.
        await asyncio.wait_for(running, 20)
        traces = (await ask(app, f"{BASE}spins/traces/")).json()["objects"]
        assert [trace["status"] for trace in traces] == ["cancelled", "queue_timeout"]

    asyncio.run(go())


def test_what_a_client_sends_is_received_in_its_own_context() -> None:
    engine = perilune.Engine(pool_size=2)
    engine.scripts["i/spins"] = "while true do end"
    app = perilune.asgi.endpoints(engine, keys="k")
    who: ContextVar[str] = ContextVar("who")
    seen: List[Tuple[str, str]] = []

    async def client(name: str) -> None:
        who.set(name)

        async def receive() -> Dict[str, Any]:
            seen.append((name, who.get()))
            return {"type": "http.disconnect"}

        async def send(message: Mapping[str, Any]) -> None:
            pass

        scope = {"type": "http", "method": "GET", "path": f"{BASE}spins/run/", "query_string": b"api_key=k", "headers": []}
        await app(scope, receive, send)

    async def go() -> None:
        await asyncio.gather(client("one"), client("other"))

    asyncio.run(go())
    assert sorted(seen) == [("one", "one"), ("other", "other")]


def test_a_task_that_is_cancelled_ends_its_run(engine: perilune.Engine) -> None:
    begun = threading.Event()
    engine.function("begun", begun.set)
    engine.scripts["i/spins"] = "host.begun() while true do end"
    engine.scripts["i/a"] = ""
    app = perilune.asgi.endpoints(engine, keys="k")

    async def go() -> None:
        running = asyncio.ensure_future(ask(app, f"{BASE}spins/run/"))
        await asyncio.get_running_loop().run_in_executor(None, begun.wait)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        # There is one VM: it is free again long before the 5 s that a run waits for one.
        assert (await ask(app, f"{BASE}a/run/")).status == 200

    asyncio.run(go())


def test_a_full_backlog_is_503() -> None:
    engine = perilune.Engine(pool_size=1, backlog=0)
    begun, go_on = threading.Event(), threading.Event()

    @engine.function
    def waits() -> None:
        begun.set()
        go_on.wait()

    engine.scripts["i/a"] = "host.waits()"
    app = perilune.asgi.endpoints(engine, keys="k")

    async def go() -> Tuple[Answer, Answer]:
        running = asyncio.ensure_future(ask(app, f"{BASE}a/run/"))
        await asyncio.get_running_loop().run_in_executor(None, begun.wait)
        refused = await ask(app, f"{BASE}a/run/")
        go_on.set()
        return await running, refused

    ran, refused = asyncio.run(go())
    assert ran.json()["status"] == "success"
    assert (refused.status, refused.headers[b"retry-after"]) == (503, b"1")
    assert refused.json()["error"]["message"] == "0 runs wait for a VM already"


@pytest.mark.parametrize(
    "scope",
    [
        {"path": "/api" + BASE + "a/run/", "root_path": "/api"},
        {"path": "/api" + BASE + "a/run/", "root_path": "/api/"},
        # As Starlette had it before 0.33: without what it is mounted below.
        {"path": BASE + "a/run/", "root_path": "/api"},
        # As servers do that are told where they are mounted.
        {"path": "/api" + BASE + "a/run/", "root_path": "/api", "raw_path": None},
    ],
)
def test_mounted_below_a_path(engine: perilune.Engine, scope: Dict[str, Any]) -> None:
    engine.scripts["i/a"] = "return META.PATH_INFO"
    app = perilune.asgi.endpoints(engine, keys="k")
    scope = {"raw_path": scope["path"].encode(), **scope}
    assert asyncio.run(ask(app, **scope)).json()["result"]["value"] == scope["path"]
    scope["path"] = scope["path"].replace("run/", "")
    scope["raw_path"] = scope["raw_path"] and scope["path"].encode()
    assert asyncio.run(ask(app, **scope)).json()["links"]["self"] == f"/api{BASE}a/"


def test_trailers_that_a_server_adds_are_no_headers(engine: perilune.Engine) -> None:
    engine.scripts["i/a"] = "return META"
    app = perilune.asgi.endpoints(engine, keys="k")
    headers = [(b"x-api-key", b"k"), (b"x-a", b"1")]
    sent: List[Mapping[str, Any]] = []

    async def receive() -> Dict[str, Any]:
        headers.append((b"x-b", b"2"))
        return {"type": "http.request", "body": b""}

    async def send(message: Mapping[str, Any]) -> None:
        sent.append(message)

    async def go() -> None:
        await app({"type": "http", "method": "POST", "path": f"{BASE}a/run/", "headers": headers}, receive, send)

    asyncio.run(go())
    seen = Answer(sent).json()["result"]["value"]
    assert [name for name in seen if name.startswith("HTTP_")] == ["HTTP_X_A"]


def test_a_body_that_a_server_lost_is_not_taken_for_none(engine: perilune.Engine) -> None:
    engine.scripts["i/a"] = ""
    app = perilune.asgi.endpoints(engine, keys="k")
    headers = [(b"x-api-key", b"k"), (b"content-length", b"5"), (b"upgrade", b"h2c")]
    answer = asyncio.run(ask(app, f"{BASE}a/run/", method="POST", headers=headers))
    assert (answer.status, answer.json()) == (400, {"detail": "The body ended early."})


@pytest.mark.parametrize("version, closes", [("1.1", True), ("2", False)])
def test_a_connection_is_closed_behind_what_is_not_read(engine: perilune.Engine, version: str, closes: bool) -> None:
    engine.scripts["i/a"] = ""
    app = perilune.asgi.endpoints(engine, keys="k")
    headers = [(b"x-api-key", b"k"), (b"content-length", b"99999999")]
    answer = asyncio.run(ask(app, f"{BASE}a/run/", method="POST", headers=headers, http_version=version))
    assert (answer.status, answer.headers.get(b"connection")) == (413, b"close" if closes else None)


def test_headers_are_bytes(engine: perilune.Engine) -> None:
    engine.scripts["i/a"] = "return META.HTTP_X_A"
    app = perilune.asgi.endpoints(engine, keys="k")
    lists = iter([[b"x-api-key", b"k"], [b"x-a", b"\xff"]])
    assert asyncio.run(ask(app, f"{BASE}a/run/", headers=lists)).json()["result"]["value"] == "\xff"
    for wrong in [1, "xa", [b"x"], [b"x", 1], {b"x": b"y"}]:
        with pytest.raises((TypeError, IndexError)):
            asyncio.run(ask(app, f"{BASE}a/run/", headers=[(b"x-api-key", b"k"), wrong]))


@pytest.mark.parametrize("members, beside", [(20_000, 1), (20, 0)])
def test_what_takes_long_to_read_is_read_beside_the_loop(engine: perilune.Engine, members: int, beside: int) -> None:
    app = perilune.asgi.endpoints(engine, keys="k")
    body = json.dumps({**{f"a{n}": n for n in range(members)}, "_api_key": "wrong"}).encode()
    handed_over = 0

    async def go() -> Answer:
        loop: Any = asyncio.get_running_loop()
        run = loop.run_in_executor

        def counted(*arguments: Any) -> Any:
            nonlocal handed_over
            handed_over += 1
            return run(*arguments)

        loop.run_in_executor = counted
        return await ask(app, f"{BASE}a/run/", key=None, body=body)

    assert asyncio.run(go()).json() == {"detail": "No such API Key."}
    assert handed_over == beside


@pytest.mark.parametrize("make", [lambda engine: perilune.asgi.endpoints(engine, keys="k"), perilune.asgi.metrics])
def test_what_is_no_request(engine: perilune.Engine, make: Callable[[perilune.Engine], perilune.asgi.App]) -> None:
    app = make(engine)

    async def talk(type: str, *events: str) -> List[str]:
        left = [*events]
        sent: List[str] = []

        async def receive() -> Dict[str, Any]:
            return {"type": left.pop(0)}

        async def send(message: Mapping[str, Any]) -> None:
            sent.append(message["type"])

        await app({"type": type, "path": "/"}, receive, send)
        return sent

    assert asyncio.run(talk("lifespan", "lifespan.startup", "lifespan.shutdown")) == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert asyncio.run(talk("websocket", "websocket.connect")) == ["websocket.close"]
    with pytest.raises(ValueError, match="^mqtt: "):
        asyncio.run(talk("mqtt"))


def test_numbers_to_watch(engine: perilune.Engine) -> None:
    app = perilune.asgi.metrics(engine)
    answer = asyncio.run(ask(app, "/metrics"))
    assert (answer.status, answer.text) == (200, engine.prometheus())
    assert answer.headers[b"content-type"] == b"text/plain; version=0.0.4; charset=utf-8"
    assert asyncio.run(ask(app, "/internal/healthz", root_path="/internal")).json() == {"status": "ok"}
    assert asyncio.run(ask(app, "/")).status == 404
    assert asyncio.run(ask(app, "/metrics", method="POST")).status == 405
