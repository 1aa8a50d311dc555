"""The command that serves a folder, `perilune serve`. Set PERILUNE_COMMAND to test another binary than Cargo's."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional

import pytest
from conftest import HERE, TARGET, eventually

COMMAND = [os.environ.get("PERILUNE_COMMAND", str(TARGET / "debug" / "perilune")), "serve"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(HERE / "scripts", tmp_path / "scripts")
    return tmp_path / "scripts"


class Server:
    def __init__(self, folder: Path, *flags: str) -> None:
        command = [*COMMAND, str(folder), "--port", "0", *flags]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.lines = [self.line() for _ in range(1 + ("--isolation" in flags) + ("--metrics-port" in flags))]
        self.url = self.lines[0].rpartition(" on ")[2]

    def line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().rstrip("\n")

    def ask(self, path: str, body: Optional[Dict[str, Any]] = None, key: Optional[str] = "a-key") -> Any:
        return json.loads(self.text(path, body, key))

    def text(self, path: str, body: Optional[Dict[str, Any]] = None, key: Optional[str] = "a-key") -> str:
        url = path if path.startswith("http") else f"{self.url}/v1.1/instances/{path}"
        headers = {"Content-Type": "application/json", **({"X-API-KEY": key} if key else {})}
        request = urllib.request.Request(url, None if body is None else json.dumps(body).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            return error.read().decode()

    def end(self, by: signal.Signals = signal.SIGTERM) -> str:
        """What it said on stderr."""
        self.process.send_signal(by)
        stdout, stderr = self.process.communicate(timeout=20)
        assert (self.process.returncode, stdout) == (0, ""), stderr
        return stderr


@pytest.fixture
def serve(folder: Path) -> Iterator[Callable[..., Server]]:
    servers: List[Server] = []

    def start(*flags: str) -> Server:
        servers.append(Server(folder, *flags))
        return servers[-1]

    yield start
    for server in servers:
        server.process.kill()
        server.process.communicate()


def test_a_folder_is_served(serve: Any, folder: Path, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("\ufeffkey-1\r\n\n key-2 \n")
    (folder / "moonbase" / "broken.lua").write_text("local a = 1\nb = = 2\n")
    server = serve("--key", "a-key", "--key", f"@{keys}", "--metrics-port", "0")
    assert re.fullmatch(rf"Serving {folder} on http://127\.0\.0\.1:[0-9]+", server.lines[0])
    assert re.fullmatch(r"Metrics on http://127\.0\.0\.1:[0-9]+/metrics", server.lines[1])
    for key in ("a-key", "key-1", "key-2"):
        trace = server.ask("moonbase/endpoints/scripts/hello/run/", {"monster": "Manticore"}, key)
        assert trace["result"]["stdout"] == "Hello\tManticore\n"
    assert server.ask("moonbase/endpoints/scripts/hello/run/", key=" key-2 ")["status"] == "success", "a header has no spaces around it"
    assert server.ask("moonbase/endpoints/scripts/hello/run/", key="key") == {"detail": "No such API Key."}

    numbers = server.lines[1].rpartition(" on ")[2]
    assert 'perilune_runs_total{status="success"} 4' in server.text(numbers, key=None)
    assert server.ask(numbers.replace("metrics", "healthz"), key=None) == {"status": "ok"}
    assert server.ask(f"{server.url}/metrics") == {"detail": "Not found"}

    # An edit is live, and a broken one changes nothing.
    (folder / "moonbase" / "hello.lua").write_text("return 'edited'")
    eventually(lambda: server.ask("moonbase/endpoints/scripts/hello/run/")["result"].get("value") == "edited")
    (folder / "seabase" / "dive.lua").write_text("return +")
    (folder / "seabase" / "float.lua").write_text("return 'dry'")
    eventually(lambda: server.ask("seabase/endpoints/scripts/float/run/").get("status") == "success")
    assert server.ask("seabase/endpoints/scripts/dive/run/")["result"]["value"] == "deep"

    told = server.end().splitlines()
    assert told[0] == f"{folder}/moonbase/broken.lua:2: Expected identifier when parsing expression, got '='"
    assert any(line.startswith(f"{folder}/seabase/dive.lua:1: ") for line in told)


def test_runs_in_workers(serve: Any) -> None:
    server = serve("--key", "a-key", "--isolation", "process", "--metrics-port", "0")
    assert re.fullmatch(r"Workers: the sandbox (is whole|lacks .+)", server.lines[1])
    assert server.lines[2].startswith("Metrics on ")
    assert server.ask("moonbase/endpoints/scripts/hello/run/", {"monster": "Manticore"})["result"]["stdout"] == "Hello\tManticore\n"
    assert server.end() == ""


def test_public_links_outlive_the_process(serve: Any, folder: Path) -> None:
    flags = ("--key", "a-key", "--public", "moonbase/hello", "--public", "seabase/dive")
    file = folder / ".public_links.json"
    server = serve(*flags)
    assert file.stat().st_mode & 0o777 == 0o600
    links = json.loads(file.read_text())
    assert sorted(links) == ["moonbase/hello", "seabase/dive"]
    assert server.ask(f"moonbase/endpoints/scripts/p/{links['moonbase/hello']}/hello/", key=None)["status"] == "success"
    reset = server.ask("moonbase/endpoints/scripts/hello/reset_link/", {})["public_link"]
    assert reset != links["moonbase/hello"]
    # Nor is a link changed that could not be kept: it would be back after a restart.
    file.rename(folder / "kept")
    file.mkdir()
    refused = server.ask("moonbase/endpoints/scripts/hello/reset_link/", {})
    assert refused["detail"].startswith(f"The public links can't be kept in {file}: ")
    assert server.ask("moonbase/endpoints/scripts/hello/")["public_link"] == reset
    file.rmdir()
    (folder / "kept").rename(file)
    assert server.end() == ""

    server = serve(*flags[:-2])
    assert server.ask("moonbase/endpoints/scripts/hello/")["public_link"] == reset
    assert server.ask(f"seabase/endpoints/scripts/p/{links['seabase/dive']}/dive/", key=None) == {"detail": "Not found"}
    server.end()
    server = serve(*flags)
    assert server.ask(f"seabase/endpoints/scripts/p/{links['seabase/dive']}/dive/", key=None)["status"] == "success"
    assert json.loads(file.read_text()) == {**links, "moonbase/hello": reset}
    assert sorted(path.name for path in folder.iterdir()) == [".public_links.json", "moonbase", "seabase"]


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_while_a_script_spins(serve: Any, by: signal.Signals) -> None:
    server = serve("--key", "a-key", "--metrics-port", "0")
    with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))) as spinning:
        spinning.sendall(b"GET /v1.1/instances/moonbase/endpoints/scripts/endless/run/ HTTP/1.1\r\nHost: a\r\nX-API-KEY: a-key\r\n\r\n")
        # Asked behind it, so that it is under way.
        eventually(lambda: "perilune_vms_in_use 1" in server.text(server.lines[1].rpartition(" on ")[2]))
        assert server.end(by) == ""


@pytest.mark.parametrize("kind", ["line", "header", "headers", "trailers"])
def test_a_head_has_an_end(serve: Any, kind: str) -> None:
    server = serve("--key", "a-key")
    path = "/v1.1/instances/moonbase/endpoints/scripts/hello/run/"
    begin = f"POST {path} HTTP/1.1\r\nHost: a\r\nX-API-KEY: a-key\r\n"
    begin, more = {
        "line": (f"GET {path}?", "x" * 1000),
        "header": (begin + "X: ", "x" * 1000),
        "headers": (begin, f"X: {'x' * 1000}\r\n"),
        "trailers": (begin + "Transfer-Encoding: chunked\r\n\r\n0\r\n", f"X: {'x' * 1000}\r\n"),
    }[kind]
    with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=30) as client:
        with pytest.raises(ConnectionError):
            client.sendall(begin.encode())
            for _ in range(100_000):
                client.sendall(more.encode())
    assert server.ask("moonbase/endpoints/scripts/hello/run/")["status"] == "success"


def test_limits_and_rate(serve: Any, folder: Path) -> None:
    (folder / "moonbase" / "loud.lua").write_text("print(('x'):rep(2000))")
    (folder / "moonbase" / "large.lua").write_text("return #('x'):rep(40 * 2^20)")
    server = serve("--key", "a-key", "--timeout", "50", "--memory", "32MiB", "--output", "1KiB")
    trace = server.ask("moonbase/endpoints/scripts/endless/run/")
    assert (trace["status"], trace["duration"] < 5000) == ("timeout", True)
    result = server.ask("moonbase/endpoints/scripts/loud/run/")["result"]
    assert (len(result["stdout"]), result["stdout_truncated"]) == (1024, True)
    assert server.ask("moonbase/endpoints/scripts/large/run/")["status"] == "memory_limit"
    server.end()
    server = serve("--key", "a-key", "--rate", "0.001")
    assert server.ask("moonbase/endpoints/scripts/hello/run/")["status"] == "success"
    assert server.ask("moonbase/endpoints/scripts/hello/run/") == {"detail": "Request was throttled."}


def test_links_are_read_where_a_script_is_public(serve: Any, folder: Path) -> None:
    (folder / ".public_links.json").write_text("[]")
    assert serve("--key", "a-key").end() == ""


def test_what_it_refuses(folder: Path) -> None:
    (folder / "empty").write_text("\n \n")
    broken = folder.parent / "broken"
    broken.mkdir()
    (broken / ".public_links.json").write_text("[]")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        cases = [
            ([str(folder)], "perilune: the following required arguments were not provided: --key <KEY|@FILE>; see --help"),
            (["--key", "k"], "perilune: the following required arguments were not provided: <DIR>; see --help"),
            ([str(folder), "--key", ""], "perilune: invalid value '' for '--key <KEY|@FILE>': give a key, or @ and the name of a file with one in each line; see --help"),
            ([str(folder), "--key", " "], "perilune: invalid value ' ' for '--key <KEY|@FILE>': give a key, or @ and the name of a file with one in each line; see --help"),
            ([str(folder), "--key", "@gone"], "perilune: can't read gone: No such file or directory (os error 2)"),
            ([str(folder), "--key", f"@{folder}/empty"], f"perilune: no key in {folder}/empty: write one in each line"),
            ([f"{folder}/gone", "--key", "k"], f"perilune: can't read {folder}/gone: it is no folder"),
            ([f"{folder}/empty", "--key", "k"], f"perilune: can't read {folder}/empty: it is no folder"),
            ([str(folder), "--key", "k", "--port", "70000"], "perilune: invalid value '70000' for '--port <PORT>': give a port from 0 to 65535; see --help"),
            ([str(folder), "--key", "k", "--rate", "0"], "perilune: the rate is not a number of runs a second above 0"),
            ([str(folder), "--key", "k", "--public", "hello"], "perilune: \"hello\" is not a public script's INSTANCE/NAME"),
            ([str(folder), "--key", "k", "--host", "", "--port", str(port)], f"perilune: can't listen on 127.0.0.1:{port}: Address already in use (os error 98)"),
            ([str(folder), "--key", "k", "--port", "0", "--metrics-port", str(port)], f"perilune: can't listen on 127.0.0.1:{port}: Address already in use (os error 98)"),
            ([str(broken), "--key", "k", "--public", "a/b"], f"perilune: can't read the public links in {broken}/.public_links.json: it is no JSON object"),
        ]  # fmt: skip
        for flags, text in cases:
            done = subprocess.run([*COMMAND, *flags], capture_output=True, text=True, timeout=30)
            assert (done.returncode, done.stdout, done.stderr) == (2, "", text + "\n"), flags
