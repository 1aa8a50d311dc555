"""The state of the extension is the process's: a subinterpreter must not get at it, whether it has a GIL of its own or not."""

import subprocess
import sys

import pytest

BEFORE_3_13 = """
import {first}
import _xxsubinterpreters
try:
    _xxsubinterpreters.run_string(_xxsubinterpreters.create(), "import perilune")
except Exception as error:
    print(error)
"""
FROM_3_13 = """
import {first}
import _interpreters
for kind in ("isolated", "legacy"):
    print(_interpreters.run_string(_interpreters.create(kind), "import perilune").msg)
"""


@pytest.mark.parametrize("first", ["perilune", "sys"])
def test_a_subinterpreter_is_refused(first: str) -> None:
    program = (FROM_3_13 if sys.version_info >= (3, 13) else BEFORE_3_13).format(first=first)
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    refusals = ("can't be used in a subinterpreter", "does not support loading in subinterpreters")
    lines = said.splitlines()
    assert lines and all(any(refusal in line for refusal in refusals) for line in lines), said
