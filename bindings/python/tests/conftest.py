"""What several tests need."""

import subprocess
import sys
import textwrap
from typing import Any, Callable, Dict

import pytest

import perilune

Child = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(params=["none", "process"])
def isolation(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where engines have their runs made that do not say it."""
    mode: str = request.param
    monkeypatch.setitem(defaults(perilune.Engine), "isolation", mode)
    return mode


def defaults(engine: Any) -> Dict[str, Any]:
    found: Dict[str, Any] = engine.__new__.__kwdefaults__
    return found


@pytest.fixture
def engine() -> perilune.Engine:
    return perilune.Engine(pool_size=2)


@pytest.fixture
def child(isolation: str) -> Child:
    """Runs a program in a Python of its own, which must not crash; what it says on stderr is told when it does."""
    set_up = f"import perilune; perilune.Engine.__new__.__kwdefaults__['isolation'] = {isolation!r}\n"

    def run(source: str, *arguments: str, code: int = 0) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            [sys.executable, "-X", "faulthandler", "-c", set_up + textwrap.dedent(source), *arguments],
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == code, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return run
