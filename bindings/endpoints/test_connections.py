"""What is asked byte by byte."""

import re
import socket
import subprocess
from typing import Any

import pytest
from conftest import Host, eventually

PATH = "/v1.1/instances/moonbase/endpoints/scripts"


def ask(host: Host, text: str) -> str:
    """All that comes back until the host closes."""
    with socket.create_connection(("127.0.0.1", host.port), timeout=30) as client:
        client.sendall(text.encode())
        got = b""
        while chunk := client.recv(65536):
            got += chunk
        return got.decode()


@pytest.mark.parametrize("key, status", [("", "403"), ("X-API-KEY: wrong\r\n", "403"), ("X-API-KEY: moon-key\r\n", "200")])
def test_trailers_are_no_headers(hosts: Any, language: str, key: str, status: str) -> None:
    head = f"POST {PATH}/meta/run/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n{key}\r\n"
    trailer = "wrong" if status == "200" else "moon-key"
    told = ask(hosts(language), f"{head}0\r\nX-Remote-User: root\r\nX-API-KEY: {trailer}\r\n\r\n")
    assert told.startswith(f"HTTP/1.1 {status} "), told
    assert "REMOTE_USER" not in told and "root" not in told


def test_a_body_behind_an_upgrade_is_no_request(hosts: Any, language: str) -> None:
    inner = f"GET {PATH}/hello/run/?monster=Smuggled HTTP/1.1\r\nHost: a\r\nX-API-KEY: moon-key\r\n\r\n"
    head = f"POST {PATH}/echo/run/ HTTP/1.1\r\nHost: a\r\nX-API-KEY: moon-key\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n"
    told = ask(hosts(language), f"{head}Content-Type: text/plain\r\nContent-Length: {len(inner)}\r\n\r\n{inner}")
    assert told.startswith("HTTP/1.1 400 ") and "JSON parse error" in told and told.count("HTTP/1.1") == 1


def test_runs_end_when_a_client_that_asked_for_several_has_gone(hosts: Any, language: str) -> None:
    # Their timeout is 30 s.
    host = hosts(language, "tenants")

    def in_use() -> int:
        told = ask(host, "GET /internal/metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        found = re.search(r"perilune_vms_in_use ([0-9]+)", told)
        assert found, told
        return int(found[1])

    with socket.create_connection(("127.0.0.1", host.port)) as client:
        client.sendall(f"GET {PATH}/endless/run/ HTTP/1.1\r\nHost: a\r\nX-API-KEY: moon-key\r\n\r\n".encode() * 2)
        eventually(lambda: in_use() > 0)
    eventually(lambda: in_use() == 0)


def test_http_2_for_clients_that_know_it(hosts: Any) -> None:
    url = f"{hosts('rust').url}{PATH}/meta/run/"
    told = subprocess.run(
        ["curl", "-s", "--http2-prior-knowledge", "-w", "%{http_version}", "-H", "X-API-KEY: moon-key", "--json", "{}", url],
        capture_output=True, text=True, check=True, timeout=30,
    ).stdout  # fmt: skip
    assert told.endswith("2") and f'"HTTP_HOST":"127.0.0.1:{hosts("rust").port}"' in told, told
