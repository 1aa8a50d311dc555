"""The README's code, as it stands there."""

import pickle
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

import pytest

import perilune

TEXT = (Path(__file__).resolve().parent.parent / "README.md").read_text()
# Those whose code is run as it is.
PLAIN = ["Three lines", "Errors", "Host functions", "Named scripts", "asyncio", "Functions that wait", "Many at once", "A second wall", "Processes"]
SECTIONS = dict(re.findall(r"(?ms)^##+ (.*?)\n(.*?)(?=^##|\Z)", TEXT))


def blocks(section: str, language: str) -> List[str]:
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```$", SECTIONS[section])


def run(section: str) -> Dict[str, Any]:
    """What a section's code leaves behind."""
    names: Dict[str, Any] = {"__name__": "readme"}
    (block,) = blocks(section, "python")
    exec(compile(block, f"README.md, {section}", "exec"), names)
    return names


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("section", PLAIN)
def test_its_assertions_hold(section: str) -> None:
    run(section)


def test_all_of_its_code_is_tested() -> None:
    assert {name for name in SECTIONS if blocks(name, "python")} == {*PLAIN, "FastAPI", "Flask", "Django", "Celery", "Script Endpoints", "Beside Django"}
    # The installation is tested with the packaging.
    assert {name for name in SECTIONS if blocks(name, "sh")} == {"Install", "The command", "Script Endpoints"}


def test_the_command() -> None:
    (block,) = blocks("The command", "sh")
    script = block.replace("python -m", f"{sys.executable} -m")
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert '"stdout":"Hello\\tManticore\\n"' in done.stdout and "p99.9" in done.stdout


# Path and body of a request; status, type and body of its answer.
ANSWERS = [
    ("/run/greet?name=Ada", b"", 200, "text/plain", "Hello Ada"),
    ("/run/greet", b'{"name": "Bo"}', 200, "text/plain", "Hello Bo"),
    ("/run/greet", b"{", 400, None, "JSON parse error - "),
    ("/run/gone", b"", 404, None, "Not found"),
    ("/run/fails", b"", 200, "application/json", '{"status":"failure"'),
]


def check(engine: perilune.Engine, ask: Any) -> None:
    engine.scripts["fails"] = "error('x')"
    for path, body, status, content_type, start in ANSWERS:
        answer = ask(path, body)
        assert answer[0] == status, (path, answer)
        assert answer[1].startswith(content_type or ""), (path, answer)
        assert answer[2].startswith(start), (path, answer)


def test_fastapi() -> None:
    import asyncio

    import httpx

    names = run("FastAPI")

    async def request(path: str, body: bytes) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(names["app"]), base_url="http://here") as client:
            return await client.request("POST" if body else "GET", path, content=body)

    def ask(path: str, body: bytes) -> Any:
        answer = asyncio.run(request(path, body))
        return answer.status_code, answer.headers.get("content-type", ""), answer.text

    check(names["engine"], ask)


def test_flask() -> None:
    names = run("Flask")
    client = names["app"].test_client()

    def ask(path: str, body: bytes) -> Any:
        answer = client.open(path, method="POST" if body else "GET", data=body)
        return answer.status_code, answer.content_type, answer.text

    check(names["engine"], ask)


def with_django() -> None:
    from django.conf import settings

    if not settings.configured:
        settings.configure(ROOT_URLCONF=())


def test_django() -> None:
    from django.test import RequestFactory

    with_django()
    names = run("Django")
    requests = RequestFactory()

    def ask(path: str, body: bytes) -> Any:
        request = requests.generic("POST" if body else "GET", path, body)
        answer = names["run"](request, path.partition("?")[0][len("/run/") :])
        return answer.status_code, answer["content-type"], answer.content.decode()

    check(names["engine"], ask)


@pytest.mark.parametrize("section, app", [("Script Endpoints", "app"), ("Beside Django", "application")])
def test_script_endpoints(section: str, app: str) -> None:
    import asyncio

    import httpx
    with_django()
    names = run(section)
    path = "/v1.1/instances/moonbase/endpoints/scripts/hello/run/"

    async def ask() -> List[httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(names[app]), base_url="http://here") as client:
            return [
                await client.post(path, json={"monster": "Manticore"}, headers={"X-API-KEY": "my-key"}),
                await client.get(path),
                await client.get("/internal/healthz" if app == "app" else "/elsewhere"),
            ]

    ran, refused, other = asyncio.run(ask())
    assert (ran.status_code, ran.json()["result"]["stdout"]) == (200, "Hello\tManticore\n")
    assert refused.status_code == 403
    assert other.status_code == (200 if app == "app" else 404)


def test_a_folder_is_served() -> None:
    serve, curl = blocks("Script Endpoints", "sh")
    serve = serve.replace("python -m", f"exec {sys.executable} -m").replace("--key", "--port 0 --key")
    with subprocess.Popen(["bash", "-euc", serve], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            url = server.stdout.readline().rpartition(" on ")[2].strip()
            done = subprocess.run(["bash", "-euc", curl.replace("http://127.0.0.1:8080", url)], capture_output=True, text=True)
        finally:
            server.terminate()
    assert (server.returncode, done.returncode) == (0, 0), done.stderr
    assert '"stdout":"Hello\\tManticore\\n"' in done.stdout


def test_celery() -> None:
    names = run("Celery")
    done = names["run"].apply(args=["double", {"n": 21}]).get()
    assert done["result"]["value"] == 42


def test_a_lambda_can_not_be_sent() -> None:
    engine = perilune.Engine()
    engine.function("one", lambda: 1)
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(engine)
