"""What several tests need."""

import subprocess
import sys
import textwrap
from typing import Callable

import pytest

import perilune

Child = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def engine() -> perilune.Engine:
    return perilune.Engine(pool_size=2)


@pytest.fixture
def child() -> Child:
    """Runs a program in a Python of its own, which must not crash; what it says on stderr is told when it does."""

    def run(source: str, *arguments: str, code: int = 0) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            [sys.executable, "-X", "faulthandler", "-c", textwrap.dedent(source), *arguments],
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == code, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return run
