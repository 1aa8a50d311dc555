"""Random and malformed requests: no host fails, hangs, or answers with a 5xx other than 503."""

import asyncio
import json
import random
import re
from typing import Any, Dict, Tuple
from urllib.parse import quote_from_bytes

from conftest import Host

REQUESTS = 10_000
AT_ONCE = 32
# Until then a server that has all it needs has answered: it takes what follows for the rest of the request.
PATIENCE = 0.3

# What is right, and what is less so: the second is taken now and then.
METHODS = ["GET", "POST", "POST"], ["PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT", "QUERY", "get", "X", ""]
INSTANCES = ["moonbase"], ["seabase", "nowhere", "", "..", "%2F", "%zz", "constructor", "__proto__"]
NAMES = ["hello", "echo", "bytes", "meta", "fails", "long"], [
    "gone", "p", "", "..", "%2e%2e", "%00", "%2F", "a%2Fb", "%ff", "%", "h\xe9llo", "x" * 300, "constructor",
]  # fmt: skip
TAILS = ["run/"], [
    "run", "", "traces/", "traces/1/", "traces/x/", "traces/99999999999999999999/", "reset_link/", "run/run/", "walk/", "//",
]  # fmt: skip
QUERIES = ["", "monster=Manticore"], [
    "api_key=moon-key", "apikey=moon-key&a=1", "payload=%7B%22a%22%3A1%7D", "payload=%7B", "%ff=%ff", "a=%", "&&&",
    "&".join(f"a{i}=1" for i in range(1100)), "q=" + "x" * 7000, "\xe9=1", "a=1?b=2#c",
]  # fmt: skip
HEADERS = [
    "X-API-KEY: wrong", "X-API-KEY: \xff", "X-API-KEY:", "Authorization: token moon-key", "Authorization: a b c", "Cookie: a=b", "Host: a b",
    "X-\xe9: 1", "X-Long: " + "x" * 9000, "Expect: 100-continue", "Expect: more", "Connection: keep-alive",
    "Connection: Upgrade\r\nUpgrade: websocket", "Content-Length: 5", "Content-Length: -1", "Content-Length: 99999999999999999999",
    "Transfer-Encoding: chunked", "Transfer-Encoding: gzip", ": x", "no colon", " folded: 1", "X-Forwarded-For: 1.2.3.4", "constructor: 1",
    "__proto__: 1", "Content-Type: application/json",
]  # fmt: skip
VERSIONS = ["HTTP/1.1"], ["HTTP/1.0", "HTTP/2.0", "HTTP/9", ""]

TYPES = {
    "application/json": [
        b'{"monster": "Manticore"}', b'{"_api_key": "moon-key", "n": [1, 2.5, null, {"a": "\\u00e9"}]}', b"[1]", b"null", b'{"a"',
        b"\xef\xbb\xbf{}", b'{"api_key": ' + b"[" * 2000, b'{"api_key": ' + b"9" * 5000 + b"}", b'{"a": "' + b"x" * 5000 + b'"}',
        b'{"\\ud800": 1, "api_key": "\\ud800"}', b'{"a": 1, "api_key": NaN}', b'{"a": 1,}', bytes(range(256)), b"x" * 600_000,
    ],
    "application/x-www-form-urlencoded": [b"a=1&b=%zz&c=%ff&=&&api_key=1", b"&" * 3000, b"monster=Manticore", bytes(range(256))],
    "multipart/form-data; boundary=XX": [
        b'--XX\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--XX--\r\n',
        b'--XX\r\nContent-Disposition: form-data; name="f"; filename="\xff"\r\nContent-Type: a/b\r\n\r\n\x00\xff\r\n--XX--',
        b"--XX\r\nContent-Disposition: form-data; name*=utf-8''a\r\n\r\n1\r\n--XX--",
        b"--XX\r\nContent-Disposition: form-data\r\n\r\n\r\n--XX\r\nX: y\r\n\r\nz", b"--XX\r\n" * 500, b"--XX--", b"a=1",
    ],
}  # fmt: skip
ODD_TYPES = [
    "text/plain", "application/json; charset=utf-8", "multipart/form-data", 'multipart/form-data; boundary="X X"',
    "multipart/form-data; boundary=" + "y" * 300, "multipart/form-data; boundary=", "multipart/form-data; boundary=\xff", "image/png", ";", "",
    "a/b/c", "application/json\xff", "*/*",
]  # fmt: skip


def request(chance: random.Random) -> Tuple[bytes, bool]:
    """One, of parts that are mostly right, and at times with some bytes changed; and whether it must have an answer: its end is where it says."""

    def some(parts: Any, odd: float = 0.1) -> Any:
        right, less = parts
        return chance.choice(less if chance.random() < odd else right)

    method = some(METHODS)
    path = f"/v1.1/instances/{some(INSTANCES)}/endpoints/scripts/{some(NAMES)}/{some(TAILS, 0.2)}"
    if chance.random() < 0.05:
        odd = ["/", "*", "http://a" + path, "//", path.replace("/", "//"), path[:20], "x", path.upper()]
        path = chance.choice([*odd, f"/v1.1/instances/moonbase/endpoints/scripts/p/{'0' * 40}/hello/"])
    query = some(QUERIES, 0.2)
    target = f"{path}?{query}" if query else path
    if chance.random() < 0.05:
        target += quote_from_bytes(chance.randbytes(20)) if chance.random() < 0.5 else chance.randbytes(20).decode("latin-1")

    headers = ["Host: moon"] if chance.random() < 0.98 else []
    if chance.random() < 0.9:
        headers.append("X-API-KEY: moon-key")
    body = b""
    if method not in ("GET", "HEAD") or chance.random() < 0.05:
        type = chance.choice([*TYPES])
        body = chance.choice(TYPES[type])
        if chance.random() < 0.95:
            headers.append(f"Content-Type: {some(([type], ODD_TYPES), 0.2)}")
    more = chance.sample(HEADERS, chance.choice([0, 0, 0, 0, 1, 2]))
    headers += more
    # Node's server hangs up on a CONNECT.
    is_whole = method != "CONNECT" and not any(header.startswith(("Content-Length", "Transfer-Encoding")) for header in more)
    if chance.random() < 0.15:
        headers.append("Transfer-Encoding: chunked")
        cut = chance.randrange(len(body) + 1)
        body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in (body[:cut], body[cut:]) if chunk)
        end = some(([b"0\r\n\r\n"], [b"0\r\nX: y\r\n\r\n", b"", b"zz\r\n"]))
        is_whole = is_whole and end.startswith(b"0")
        body += end
    elif body:
        headers.append(f"Content-Length: {len(body)}")
    headers.append("Connection: close")
    made = f"{method} {target} {some(VERSIONS, 0.05)}\r\n".encode("latin-1")
    made += "".join(f"{header}\r\n" for header in headers).encode("latin-1") + b"\r\n" + body
    if chance.random() < 0.1:
        changed = bytearray(made)
        for _ in range(chance.choice([1, 2, 10])):
            at = min(chance.randrange(len(changed)), chance.randrange(2000))
            changed[at : at + chance.choice([0, 1, 1, 5])] = chance.randbytes(chance.choice([0, 1, 1, 5]))
        made, is_whole = bytes(changed), False
    # A server need not hear all of a long one.
    return made, is_whole and len(made) < 1 << 16


async def answer(port: int, sent: bytes) -> bytes:
    """All that comes back until the server closes, or does not want to hear the rest."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    got = bytearray()

    async def read() -> None:
        while chunk := await reader.read(1 << 16):
            got.extend(chunk)

    reading = asyncio.ensure_future(read())
    try:
        writer.write(sent)
        await asyncio.wait({reading}, timeout=PATIENCE)
        if not reading.done():
            writer.write_eof()
        await asyncio.wait_for(reading, 30)
    except ConnectionError:
        pass
    finally:
        reading.cancel()
        writer.transport.abort()
    return bytes(got)


def wrong(sent: bytes, is_whole: bool, got: bytes) -> str:
    """What is wrong with an answer."""
    head, _, body = re.sub(rb"^(HTTP/1\.1 100 Continue\r\n\r\n)*", b"", got).partition(b"\r\n\r\n")
    if not head:
        return "there is none" if is_whole else ""
    found = re.match(rb"HTTP/1\.[01] ([1-5][0-9][0-9])", head)
    if not found:
        return "it is no answer"
    if found[1] >= b"500" and found[1] != b"503":
        return "it is a failure of the server's"
    length = re.search(rb"(?im)^content-length: ([0-9]+)", head)
    if length and not sent.upper().startswith(b"HEAD"):
        # What stands behind it answers what was taken for a second request.
        body, behind = body[: int(length[1])], body[int(length[1]) :]
        if len(body) < int(length[1]) or behind and not behind.startswith(b"HTTP/1.1 "):
            return "it has another length than it says"
    if b"application/json" in head and not sent.upper().startswith(b"HEAD") and length:
        told = json.loads(body)
        if not isinstance(told, dict) or not ({"detail", "status", "objects", "name", "error"} & set(told)):
            return "it is JSON of nothing known"
    return ""


def test_random_requests(hosts: Any, language: str) -> None:
    host: Host = hosts(language)
    chance = random.Random(8)
    left = [request(chance) for _ in range(REQUESTS)]
    statuses: Dict[bytes, int] = {}

    async def ask() -> None:
        while left:
            sent, is_whole = left.pop()
            got = await answer(host.port, sent)
            statuses[got[9:12]] = statuses.get(got[9:12], 0) + 1
            reason = wrong(sent, is_whole, got)
            assert not reason, f"{reason}: {sent[:3000]!r} got {got[:2000]!r}"

    async def ask_all() -> None:
        await asyncio.gather(*(ask() for _ in range(AT_ONCE)))

    asyncio.run(ask_all())
    assert host.process.poll() is None
    # They do reach what is behind the parser, and most have an end.
    assert statuses.get(b"", 0) < REQUESTS / 50, statuses
    assert all(statuses[status] > REQUESTS / 200 for status in (b"200", b"400", b"403", b"404", b"405", b"413", b"415")), statuses
    good = b"GET /v1.1/instances/moonbase/endpoints/scripts/hello/run/?monster=M HTTP/1.1\r\nHost: a\r\nX-API-KEY: moon-key\r\nConnection: close\r\n\r\n"
    assert b'"stdout":"Hello\\tM\\n"' in asyncio.run(answer(host.port, good))
    metrics = asyncio.run(answer(host.port, b"GET /internal/metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))
    assert b"perilune_vms_in_use 0" in metrics
