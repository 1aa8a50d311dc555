"""Starts the hosts: each test is asked of all."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Tuple

import pytest

HERE = Path(__file__).resolve().parent
TABLE = json.loads((HERE / "cases.json").read_text())

TARGET = Path(os.environ.get("CARGO_TARGET_DIR", HERE.parents[1] / "target"))

COMMANDS = {
    # Cargo's examples of perilune-cli: what `perilune serve` serves by, with what it has no flags for.
    "rust": [str(TARGET / "debug" / "examples" / "host")],
    "python": [sys.executable, str(HERE / "hosts" / "host.py")],
    "node": ["node", str(HERE / "hosts" / "host.mjs")],
}


class Host:
    """A host in a process of its own, which says where it listens in its first line."""

    def __init__(self, command: List[str]) -> None:
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=HERE)
        assert self.process.stdout
        self.url = self.process.stdout.readline().strip()
        assert self.url.startswith("http://127.0.0.1:"), f"{command} says {self.url!r}"
        self.port = int(self.url.rpartition(":")[2])

    def ended(self) -> None:
        assert self.process.wait(20) == 0, "it must end well when it is told to"


def eventually(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.02)


@pytest.fixture(scope="session")
def hosts() -> Iterator[Any]:
    """Hosts by their language and what the table says of them, started when they are first asked for."""
    running: Dict[Tuple[str, str], Host] = {}

    def get(language: str, name: str = "usual") -> Host:
        if (language, name) not in running:
            settings = json.dumps({"scripts": str(HERE / "scripts"), **TABLE["hosts"][name]})
            running[language, name] = Host([*COMMANDS[language], settings])
        return running[language, name]

    yield get
    # All of them, also when one does not end well.
    for host in running.values():
        host.process.terminate()
    for host in running.values():
        host.ended()


@pytest.fixture(params=[*COMMANDS])
def language(request: Any) -> str:
    return str(request.param)
