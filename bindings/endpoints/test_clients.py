"""Clients that Syncano's users have: curl, and Syncano's own libraries for Python and JavaScript."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, List

import pytest
from conftest import HERE

CLIENTS = Path(sys.prefix).parent / "clients"
SCRIPTS = ["bytes", "echo", "endless", "fails", "hello", "long", "meta", "p", "respond"]
BOOM = "moonbase/fails:2: boom\nstack traceback:\n\t[C]: in function 'error'\n\tmoonbase/fails:2: in the main part\n"


def run(command: List[str], **environment: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env={**os.environ, **environment})
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def traced(stdout: str, stderr: str = "", status: str = "success") -> List[Any]:
    return [status, {"stderr": stderr, "stdout": stdout}, True, True]


FOUND = {
    "hello": ["hello", 1, True, 40],
    "run": [*traced("Hello\tnil\n"), None],
    "run with a payload": [*traced("Hello\tManticore\n"), None],
    "types": {"stderr": "", "stdout": "", "value": {"get": {}, "post": {"n": 1, "list": [1, {"a": None}], "text": "é"}}},
    "fails": [*traced("so far\n", BOOM, "failure"), None],
    "list": SCRIPTS,
    "another link": True,
}


def check(found: Any, further: Any) -> None:
    trace = found.pop("trace")
    assert trace[:4] == traced("so far\n", BOOM, "failure") and "/fails/traces/" in trace[4]
    assert found.pop("traces")[0] == "so far\n"
    assert found == {**FOUND, **further}


def test_syncano_for_python(hosts: Any, language: str) -> None:
    client = [sys.executable, "-W", "ignore", str(HERE / "clients" / "client.py"), hosts(language).url, "moon-key"]
    further = {
        "run by the manager": FOUND["run with a payload"],
        "responds": {"moon": "full"},
        "gone": "gone not found.",
        "wrong key": ["SyncanoRequestError", 403, "No such API Key."],
    }
    check(json.loads(run(client, PYTHONPATH=str(CLIENTS / "python"))), further)


def test_syncano_for_javascript(hosts: Any, language: str) -> None:
    client = ["node", str(HERE / "clients" / "client.mjs"), str(CLIENTS / "node"), hosts(language).url, "moon-key"]
    greeted = FOUND["run with a payload"]
    further = {
        "run of an object": greeted,
        "run public": greeted,
        "run public by the manager": greeted,
        "gone": [404, "Not found"],
        "wrong key": [403, "No such API Key."],
    }
    check(json.loads(run(client)), further)


@pytest.mark.parametrize(
    "arguments",
    [
        ["-X", "POST", "-H", "X-API-KEY: moon-key", "-H", "Content-type: application/json", "-d", '{"monster":"Manticore"}'],
        ["-X", "POST", "-H", "X-API-KEY: moon-key", "-d", "monster=Manticore"],
        ["-X", "POST", "-H", "X-API-KEY: moon-key", "-F", "monster=Manticore"],
        ["-X", "POST", "-H", "X-API-KEY: moon-key", "-H", "Content-type: application/json", "-d", '{"payload":{"monster":"Manticore"}}'],
        ["-H", "Authorization: token moon-key", "-G", "-d", "monster=Manticore"],
        ["-G", "-d", "api_key=moon-key", "--data-urlencode", 'payload={"monster":"Manticore"}'],
        ["-H", "X-API-KEY: moon-key", "-H", "Expect: 100-continue", "-d", f"monster=Manticore&x={'x' * 100_000}"],
        ["-H", "X-API-KEY: moon-key", "-H", "Transfer-Encoding: chunked", "-d", "monster=Manticore"],
        ["-H", "X-API-KEY: moon-key", "--http1.0", "-d", "monster=Manticore"],
    ],
    ids=["seed", "form", "multipart", "payload", "query", "query-payload", "continue", "chunked", "http1.0"],
)
def test_curl(hosts: Any, language: str, arguments: List[str]) -> None:
    url = f"{hosts(language).url}/v1.1/instances/moonbase/endpoints/scripts/hello/run/"
    trace = json.loads(run(["curl", "-sS", "--max-time", "30", *arguments, url]))
    assert (trace["status"], trace["result"]["stdout"]) == ("success", "Hello\tManticore\n")
