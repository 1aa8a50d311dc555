"""Runs in worker processes: what is not as in this process. `test_run`, `test_host` and `test_concurrency` are in both."""

import asyncio
import gc
import os
import pickle
import signal
import sys
import time
from pathlib import Path
from typing import Any, Dict, List

import pytest

import perilune
import perilune.asgi
from conftest import Child
from perilune import _command
from perilune._engine import Isolation
from test_asgi import ask

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="workers are for Linux")


@pytest.fixture
def isolation() -> Isolation:
    """Of children, too."""
    return "process"


@pytest.fixture
def engine(isolation: Isolation) -> perilune.Engine:
    return perilune.Engine(pool_size=1, isolation=isolation)


def workers() -> List[int]:
    """The workers of this process."""
    found: List[int] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command, status = (process / "cmdline").read_bytes(), (process / "status").read_text()
        except OSError:
            continue  # It ended just now.
        if b"--perilune-worker" in command and f"PPid:\t{os.getpid()}\n" in status:
            found.append(int(process.name))
    return found


def kill_workers() -> None:
    for pid in workers():
        os.kill(pid, signal.SIGKILL)


def test_a_run_whose_worker_is_killed(engine: perilune.Engine) -> None:
    engine.function("kill", kill_workers)
    script = engine.compile("host.kill() while true do end", name="bad")
    engine.scripts["good"] = "return 7"
    for count in (1, 2):
        trace = script.run()
        assert (trace.status, trace.ok) == ("crashed", False)
        assert trace.error is not None
        assert (trace.error.kind, trace.error.message) == ("crashed", "the worker of bad ended: signal 9")
        with pytest.raises(perilune.RunError, match="signal 9") as raised:
            trace.raise_for_status()
        assert raised.value.kind == "crashed"
        assert engine.run("good").value == 7
        assert engine.metrics()["runs"]["crashed"] == count
    assert 'perilune_runs_total{status="crashed"} 2' in engine.prometheus()


def test_workers_that_are_killed_between_runs(engine: perilune.Engine) -> None:
    script = engine.compile("return 7")
    assert script.run().value == 7
    kill_workers()
    # A worker that was not asleep yet takes a run with it.
    assert script.run().status in ("success", "crashed")
    assert script.run().value == 7


def test_what_an_engine_has_workers_for_is_what_it_says() -> None:
    # Those of other tests may end meanwhile.
    gc.collect()
    before = {*workers()}
    for engine in (perilune.Engine(), perilune.Engine(isolation=None), perilune.Engine(isolation="none")):
        assert engine.compile("return 7").run().value == 7
    assert not {*workers()} - before
    engine = perilune.Engine(pool_size=1, isolation="process")
    again = pickle.loads(pickle.dumps(engine))
    assert again is engine
    assert engine.compile("return 7").run().value == 7
    assert len({*workers()} - before) in (2, 3), "one runs, one compiles, and one is spare"
    del engine, again
    # One may be on its way still.
    deadline = time.monotonic() + 10
    while {*workers()} - before:
        assert time.monotonic() < deadline


def test_workers_are_as_is_said() -> None:
    engine = perilune.Engine(
        isolation="process", pool_size=1, worker_max_runs=1, worker_max_age=3600, worker_backoff=0, worker_spin=0.0
    )
    for again in (engine, pickle.loads(pickle.dumps(engine))):
        script = again.compile("return GET.a")
        for tenant in ("acme", b"acme", None):
            assert script.run(get={"a": 1}, tenant=tenant).value == "1"
        assert again.metrics()["vms"]["retired"] >= 3
        parts = again.sandbox()
        assert parts is not None and list(parts) == ["system_calls", "files", "namespaces", "resources"]
        assert parts["system_calls"] is None and all(part is None or part for part in parts.values())
        whole = not any(parts.values())
    assert perilune.Engine().sandbox() is None
    if whole:
        assert perilune.Engine(isolation="process", require_sandbox=True).sandbox() == parts
    else:
        with pytest.raises(perilune.Error, match="its sandbox is not whole"):
            perilune.Engine(isolation="process", require_sandbox=True)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"worker_max_runs": 0}, "worker_max_runs: a worker makes at least 1 run, not 0"),
        ({"worker_max_age": -1}, "worker_max_age: -1 is no time in seconds"),
        ({"worker_spin": 1, "isolation": "none"}, "are for isolation='process'"),
    ],
)
def test_workers_that_can_not_be(wrong: Dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        perilune.Engine(**{"isolation": "process", **wrong})


@pytest.mark.parametrize("wrong", ["", "processes", b"process", True, 1])
def test_an_isolation_that_is_none(wrong: Any) -> None:
    with pytest.raises(ValueError, match=f"isolation: pass 'none' or 'process', not {wrong!r}"):
        perilune.Engine(isolation=wrong)


def test_a_program_that_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(_command, "places", lambda: [tmp_path])
    perilune.Engine(isolation="none")
    with pytest.raises(perilune.Error, match=f"the command perilune is in none of {tmp_path}: install the package anew"):
        perilune.Engine(isolation="process")


def test_an_engine_that_was_sent_has_workers(child: Child) -> None:
    pickled = pickle.dumps(perilune.Engine(isolation="process").compile("return host.workers()"))
    done = child(
        """
        import pickle, sys
        sys.path.insert(0, sys.argv[2])
        script = pickle.loads(bytes.fromhex(sys.argv[1]))
        from test_isolation import workers
        script.engine.function("workers", lambda: len(workers()))
        print(script.run().value)
        """,
        pickled.hex(),
        str(Path(__file__).parent),
    )
    assert int(done.stdout) in (2, 3)


def retired_at_rest(engine: perilune.Engine) -> Any:
    """How many workers of an engine of one were replaced, once there is the one that was used last and a spare one."""
    deadline = time.monotonic() + 10
    while engine.metrics()["vms"]["ready"] < 2:
        assert time.monotonic() < deadline
    return engine.metrics()["vms"]["retired"]


def test_a_worker_serves_one_tenant(engine: perilune.Engine) -> None:
    script = engine.compile("return 1")
    for replaced, tenant in enumerate(("acme", b"other", None, "", "acme")):
        assert script.run(tenant=tenant).ok
        assert retired_at_rest(engine) == replaced
        assert asyncio.run(script.run_async(tenant=tenant)).ok
        assert all(outcome.ok for outcome in script.run_batch([{"tenant": tenant}] * 2))
        assert retired_at_rest(engine) == replaced, f"{tenant!r} comes back"


def test_endpoints_run_for_the_instance_of_their_script(engine: perilune.Engine) -> None:
    names = ("i/a", "i/b", "other/a", "i/a")
    for name in names:
        engine.scripts[name] = "return 1"
    app = perilune.asgi.endpoints(engine, keys="k")
    for replaced, name in zip((0, 0, 1, 2), names):
        instance, script = name.split("/")
        for body in (b"", b"{}"):
            answer = asyncio.run(ask(app, f"/v1.1/instances/{instance}/endpoints/scripts/{script}/run/", body=body))
            assert answer.json()["status"] == "success"
            assert retired_at_rest(engine) == replaced


def test_children_of_a_fork_have_workers_of_their_own(child: Child) -> None:
    child(
        """
        import os, sys
        sys.path.insert(0, sys.argv[1])
        from test_isolation import kill_workers, workers
        engine = perilune.Engine(pool_size=1, isolation="process")
        engine.function("workers", workers)
        engine.function("kill", kill_workers)
        script = engine.compile("return host.workers()")
        own = script.run().value
        pid = os.fork()
        if pid == 0:
            theirs = script.run().value
            ok = bool(theirs) and not {*own} & {*theirs}
            ok = ok and engine.compile("host.kill()").run().status == "crashed"
            os._exit(0 if ok and script.run().ok else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert {*own} <= {*script.run().value}
        """,
        str(Path(__file__).parent),
    )
