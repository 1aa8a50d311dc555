"""Script Endpoints: what the table of bindings/endpoints doesn't ask."""

import asyncio
import json
import random
import threading
from contextvars import ContextVar
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

import pytest

import perilune
import perilune.asgi
from perilune import _history
from perilune._history import History
from perilune._payload import MultipartError, multipart, without_secrets

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
    engine.scripts["i/a"] = "return POST.n"
    links: Dict[str, Optional[str]] = {"i/a": None}
    app = perilune.asgi.endpoints(engine, keys="k", public=links)
    first = links["i/a"]
    assert first is not None and len(first) == 40
    answer = asyncio.run(ask(app, f"{BASE}a/reset_link/", method="POST"))
    assert answer.json()["public_link"] == links["i/a"] != first
    assert asyncio.run(ask(app, f"{BASE}p/{links['i/a']}/a/", key=None, body=b'{"n": 2}')).json()["result"]["value"] == 2


@pytest.mark.parametrize(
    "options",
    [{"keys": ""}, {"keys": []}, {"keys": 1}, {"keys": {}}, {"keys": {"i": []}}, {"keys": [b"k"]}, {"keys": b"k"}, {"keys": "k", "rate": 0},
     {"keys": "k", "rate": float("nan")}, {"keys": "k", "public": ["a"]}, {"keys": "k", "public": "i/a"}, {"keys": "k", "public": {"i/a": "x"}}, {"keys": "k", "public": 1}],
)  # fmt: skip
def test_wrong_options_say_what_to_pass(engine: perilune.Engine, options: Dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="^(keys|public|rate): pass "):
        perilune.asgi.endpoints(engine, **options)
    with pytest.raises(TypeError, match="^engine: pass an Engine$"):
        perilune.asgi.endpoints("engine", keys="k")  # type: ignore[arg-type]


def test_only_its_own_members_that_carry_keys_are_cut_out_of_json() -> None:
    chance = random.Random(1)
    names = ['"a"', '"api_key"', '"_api_key"', '"user_key"', '"k\\"\\\\"', '"\\u0061pikey"', '"\\ud800"']
    values = ["1", "12345678901234567890", '"}, \\"key\\": [\\""', '[{"api_key":[]}]', '{ "_api_key" : {} }', "null", '""', "1e999", '"é"']
    for size in range(2000):
        members = [f"{chance.choice(names)} : {chance.choice(values)}" for _ in range(size % 5)]
        text = f" {{{' , '.join(members)}}}\n"
        expected = json.loads(text)
        for name in ("api_key", "apikey", "_api_key", "user_key", "_user_key"):
            expected.pop(name, None)
        left, key = without_secrets(text.encode())
        assert json.loads(left) == expected, text
        assert key in (b"", *(value[1:-1].replace('\\"', '"').encode() for value in values))


@pytest.mark.parametrize("value", ["[" * 100_000, "9" * 100_000, "NaN", "{,}", '"\n"', "01", "1 2", '{"api_key": ' * 5000])
def test_what_is_cut_out_must_be_json_too(engine: perilune.Engine, value: str) -> None:
    engine.scripts["i/a"] = "return POST"
    app = perilune.asgi.endpoints(engine, keys="k")
    answer = asyncio.run(ask(app, f"{BASE}a/run/", body=f'{{"api_key": {value}}}'.encode()))
    if value.isdigit() and not value.startswith("0"):
        assert answer.json()["result"]["value"] in ({}, [])
    else:
        assert (answer.status, answer.json()["detail"][:18]) == (400, "JSON parse error -")


@pytest.mark.parametrize(
    "source, description",
    [
        ("\n  -- One\n--two\n\n-- no more\nreturn 1", "One\ntwo"),
        ("--[==[ A\n]] B ]==] return 1", "A\n]] B"),
        ("return 1 -- no", ""),
        (" " * 900_000 + "return 1", ""),
        ("--" + "\t" * 900_000 + "\n--x", "x"),
        ("--[" + "=" * 900_000, "[" + "=" * 900_000),
    ],
    ids=["lines", "block", "none", "spaces", "tabs", "open"],
)
def test_a_description_is_the_comment_that_a_source_begins_with(engine: perilune.Engine, source: str, description: str) -> None:
    engine.scripts["i/a"] = source
    app = perilune.asgi.endpoints(engine, keys="k")
    assert asyncio.run(ask(app, f"{BASE}a/")).json()["description"] == description


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


def test_what_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(_history, "monotonic", lambda: now)
    history = History()

    def text(size: int) -> bytes:
        return b'{"status":"success","result":{"stdout":"%b"},"executed_at":"","id":0}' % (b"x" * size)

    def ids(script: str) -> List[int]:
        return [int(json.loads(trace)["links"]["self"]) for trace in history.list(script, str)]

    for id in range(1, 102):
        history.add("i/a", id, text(1))
    assert ids("i/a") == [*range(101, 1, -1)]
    assert history.get("i/a", 1, "") is None and history.get("i/b", 2, "") is None
    history.add("i/b", 102, text(1))
    for id in range(103, 136):
        history.add("i/c", id, text(2 << 20))
    assert (ids("i/a"), ids("i/b"), ids("i/c")) == ([], [], [*range(135, 104, -1)])

    history = History()
    history.add("i/a", 1, text(1))
    now = 23 * 3600.0
    history.add("i/a", 2, text(1))
    now = 24 * 3600.0
    assert ids("i/a") == [2, 1]
    now += 1
    assert ids("i/a") == [2]
    now += 24 * 3600
    assert history.get("i/a", 2, "") is None and ids("i/a") == []


def test_a_multipart_body_has_as_many_parts_as_a_query_has_parameters() -> None:
    def parts(count: int) -> bytes:
        return b"--X\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n" * count + b"--X--\r\n"

    assert multipart("multipart/form-data; boundary=X", parts(3), 3) == b"a=1&a=1&a=1"
    with pytest.raises(MultipartError, match="^more than 3 parts$"):
        multipart("multipart/form-data; boundary=X", parts(4), 3)


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


def test_what_takes_long_to_read_is_read_beside_the_loop(engine: perilune.Engine) -> None:
    app = perilune.asgi.endpoints(engine, keys="k")
    body = json.dumps({**{f"a{n}": n for n in range(20_000)}, "_api_key": "wrong"}).encode()
    passes = 0

    async def go() -> Answer:
        async def count() -> None:
            nonlocal passes
            while True:
                await asyncio.sleep(0)
                passes += 1

        counting = asyncio.ensure_future(count())
        answer = await ask(app, f"{BASE}a/run/", key=None, body=body)
        counting.cancel()
        return answer

    assert asyncio.run(go()).json() == {"detail": "No such API Key."}
    # Read on the loop, it would have come by a few times at most.
    assert passes > 20


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
