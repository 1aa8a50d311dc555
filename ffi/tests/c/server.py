"""Talks to ffi/examples/server.c over a socket, and ends it by both signals."""

import json
import signal
import socket
import subprocess
import sys
import threading


def exchange(port, request, close=False):
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        # In two pieces: a request need not come at once.
        half = len(request) // 2
        connection.sendall(request[:half])
        connection.sendall(request[half:])
        if close:
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        while True:
            try:
                piece = connection.recv(65536)
            except ConnectionResetError:
                break
            if not piece:
                break
            answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]) if head else 0, body


def get(target):
    return b"GET " + target + b" HTTP/1.1\r\nHost: x\r\n\r\n"


def post(target, body, length=None):
    length = len(body) if length is None else length
    return b"POST %s HTTP/1.1\r\nHost: x\r\ncontent-length: %d\r\n\r\n%s" % (target, length, body)


NOT_JSON = {"detail": "JSON parse error - Expecting object: line 1 column 1 (char 0)"}
CASES = [
    (get(b"/run?monster=Manticore"), 200, '{"hello":"Manticore"}'),
    (get(b"/run"), 200, '{"hello":"nobody"}'),
    (post(b"/run", b'{"monster":"Sphinx"}'), 200, '{"hello":"Sphinx"}'),
    (post(b"/run?monster=Query", b'{"monster":"Sphinx"}'), 200, '{"hello":"Query"}'),
    (post(b"/run", b"nonsense"), 400, NOT_JSON),
    (post(b"/run", b"["), 400, NOT_JSON),
    (get(b"/"), 404, {"detail": "Not found"}),
    (get(b"/running"), 404, {"detail": "Not found"}),
    (get(b""), 404, {"detail": "Not found"}),
    (b"PUT /run HTTP/1.1\r\n\r\n", 400, {"detail": "Only GET and POST are known."}),
    (b"GET /run\r\n\r\n", 400, {"detail": "Only GET and POST are known."}),
    (b"\r\n\r\n", 400, {"detail": "Only GET and POST are known."}),
    (b"GET /run?" + b"x" * 9000, 431, {"detail": "The header is too large."}),
    (post(b"/run", b"", 70000), 413, {"detail": "The body is too large."}),
    (post(b"/run", b"", 10**30), 413, {"detail": "The body is too large."}),
    (b"POST /run HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 413, {"detail": "The body is too large."}),
]


def check(port):
    for request, status, expected in CASES:
        got, body = exchange(port, request)
        body = json.loads(body)
        if isinstance(expected, str):
            assert body["status"] == "success", body
            assert expected in json.dumps(body, separators=(",", ":")), body
        else:
            assert body == expected, (request, body)
        assert got == status, (request, got)
    # A client that goes in the middle is none of the others' trouble.
    assert exchange(port, b"GET /ru", close=True) == (0, b"")

    wrong = []

    def many():
        for _ in range(50):
            if exchange(port, get(b"/run?monster=Manticore"))[0] != 200:
                wrong.append(1)

    threads = [threading.Thread(target=many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


for end in (signal.SIGINT, signal.SIGTERM):
    server = subprocess.Popen([sys.argv[1], "0"], stdout=subprocess.PIPE, text=True)
    try:
        port = int(server.stdout.readline().split(":")[2].split("/")[0])
        check(port)
        # One that is open when it ends is closed, and nothing of it is left.
        with socket.create_connection(("127.0.0.1", port), timeout=30) as idle:
            idle.sendall(b"GET /run")
            server.send_signal(end)
            assert server.wait(timeout=30) == 0
    finally:
        server.kill()
