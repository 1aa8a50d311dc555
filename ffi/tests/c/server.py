"""Talks to ffi/examples/server.c over a socket, and ends it by both signals."""

import json
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading

KEY = "moon-key"
BASE = b"/v1.1/instances/moonbase/endpoints/scripts/"
RUN = BASE + b"hello/run/"


def exchange(port, request, close=False):
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        # In two pieces: a request need not come at once.
        half = len(request) // 2
        connection.sendall(request[:half])
        connection.sendall(request[half:])
        if close:
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]) if head else 0, body


def asked(method, target, key=KEY, headers=b"", body=b""):
    return b"%s %s HTTP/1.1\r\nHost: x\r\nX-Api-Key: %s\r\n%s\r\n%s" % (method, target, key.encode(), headers, body)


def get(target):
    return asked(b"GET", target)


def post(body, type=b"application/json", length=None):
    headers = b"content-type: %s\r\nContent-Length: %d\r\n" % (type, len(body) if length is None else length)
    return asked(b"POST", RUN, headers=headers, body=body)


NOT_HTTP = {"detail": "This is not HTTP."}
NOT_FOUND = {"detail": "Not found"}
BODY_LIMIT = {"detail": "Request size limit exceeded (524288)."}
CASES = [
    (get(RUN + b"?monster=Manticore"), 200, "Hello\tManticore\n"),
    (get(RUN), 200, "Hello\tnobody\n"),
    (post(b'{"monster":"Sphinx"}'), 200, "Hello\tSphinx\n"),
    (post(b"monster=Hydra", b"application/x-www-form-urlencoded"), 200, "Hello\tHydra\n"),
    (post(b'{"monster":"' + b"x" * 100000 + b'"}'), 200, "Hello\t" + "x" * 100000 + "\n"),
    (post(b""), 200, "Hello\tnobody\n"),
    (post(b"nonsense"), 400, {"detail": "JSON parse error - Expecting object: line 1 column 1 (char 0)"}),
    (post(b"x", b"image/png"), 415, {"detail": 'Unsupported media type "image/png" in request.'}),
    (post(b"x" * 600000), 413, BODY_LIMIT),
    (post(b"", length=10**18), 413, BODY_LIMIT),
    (asked(b"GET", RUN, key="wrong"), 403, {"detail": "No such API Key."}),
    (asked(b"PUT", RUN), 405, {"detail": 'Method "PUT" not allowed.'}),
    (get(b"/"), 404, NOT_FOUND),
    (get(BASE + b"none/run/"), 404, NOT_FOUND),
    (asked(b"POST", BASE + b"hello/reset_link/"), 404, NOT_FOUND),
    (asked(b"POST", RUN, headers=b"Transfer-Encoding: chunked\r\n"), 501, {"detail": "A body needs its Content-Length."}),
    (asked(b"POST", RUN, headers=b"Content-Length: -1\r\n"), 400, NOT_HTTP),
    (asked(b"POST", RUN, headers=b"Content-Length: 1x\r\n"), 400, NOT_HTTP),
    (asked(b"GET", RUN, headers=b"no colon\r\n"), 400, NOT_HTTP),
    (asked(b"GET", RUN, headers=b"a: b\r\n" * 100), 400, NOT_HTTP),
    (b"GET /run\r\n\r\n", 400, NOT_HTTP),
    (b"\r\n\r\n", 400, NOT_HTTP),
    (b"GET /run?" + b"x" * 20000, 431, {"detail": "The header is too large."}),
]


def check(port):
    for request, status, expected in CASES:
        got, body = exchange(port, request)
        assert got == status, (request[:200], got, body[:200])
        body = json.loads(body)
        if isinstance(expected, str):
            assert body["status"] == "success" and body["result"]["stdout"] == expected, body
        else:
            assert body == expected, (request[:200], body)
    # A list, and the traces of those runs.
    assert json.loads(exchange(port, get(BASE))[1])["objects"][0]["name"] == "hello"
    assert len(json.loads(exchange(port, get(BASE + b"hello/traces/"))[1])["objects"]) > 5
    assert exchange(port, asked(b"HEAD", RUN)) == (405, b"")
    # A client that goes in the middle is none of the others' trouble.
    assert exchange(port, b"GET /ru", close=True) == (0, b"")
    early = exchange(port, post(b"{", length=10), close=True)
    assert early == (400, b'{"detail":"The body ended early."}'), early

    wrong = []

    def many():
        for _ in range(50):
            if exchange(port, get(RUN + b"?monster=Manticore"))[0] != 200:
                wrong.append(1)

    threads = [threading.Thread(target=many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def serve(check, end, *arguments):
    server = subprocess.Popen([sys.argv[1], "0", KEY, *arguments], stdout=subprocess.PIPE, text=True)
    try:
        port = int(server.stdout.readline().split(":")[2].split("/")[0])
        check(port)
        # One that is open when it ends is closed, and nothing of it is left.
        with socket.create_connection(("127.0.0.1", port), timeout=30) as idle:
            idle.sendall(post(b"{", length=10))
            server.send_signal(end)
            assert server.wait(timeout=30) == 0
    finally:
        server.kill()


def check_folder(port):
    body = json.loads(exchange(port, get(BASE + b"own/run/"))[1])
    assert body["result"]["value"] == 7, body


for signal_number in (signal.SIGINT, signal.SIGTERM):
    serve(check, signal_number)
with tempfile.TemporaryDirectory() as folder:
    script = pathlib.Path(folder, "moonbase", "own.lua")
    script.parent.mkdir()
    script.write_text("return 7")
    serve(check_folder, signal.SIGTERM, folder)
