"""What keeps a run from beginning, and the error of a run for those who want it raised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Optional

if TYPE_CHECKING:
    from ._trace import Trace

# PERILUNE_COMPILE_ERROR and the like of perilune.h
COMPILE, PAYLOAD, NOT_FOUND = 2, 3, 4


class Error(Exception):
    """Anything that Perilune raises."""

    ok: Literal[False] = False
    """So that what a batch gives back can be asked alike: a trace's `ok` is true after a success."""


class CompileError(Error):
    """A source that does not compile: its text is `NAME:LINE: reason`.

    >>> import perilune
    >>> try:
    ...     perilune.Engine().compile("return +", name="sum")
    ... except perilune.CompileError as error:
    ...     print(error, "|", error.line)
    sum:1: Expected identifier when parsing expression, got '+' | 1
    """

    def __init__(self, message: str, script: str = "", line: int = 0, reason: str = "") -> None:
        super().__init__(message)
        self.script = script
        """The name it was compiled with."""
        self.line = line
        """The line, from 1."""
        self.reason = reason
        """What is wrong there."""

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (str(self), self.script, self.line, self.reason)


class PayloadError(Error, ValueError):
    """A request that can't be given to a script: no JSON, no object, or too large. Its text is that of Syncano's API."""

    def __init__(self, message: str, part: str = "", line: int = 0, column: int = 0, char: int = 0) -> None:
        super().__init__(message)
        self.part = part
        """Which part is not JSON: `body`, `config` or `meta`; empty for others."""
        self.line = line
        """The line, from 1; 0 where there is no place."""
        self.column = column
        """The character in the line, from 1."""
        self.char = char
        """The character in the whole text, from 0."""

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (str(self), self.part, self.line, self.column, self.char)


class ScriptNotFound(Error, KeyError):
    """No script serves under the name."""

    def __init__(self, name: str = "") -> None:
        super().__init__("Not found")
        self.name = name
        """Which."""

    def __str__(self) -> str:
        return f"Not found: {self.name!r}" if self.name else "Not found"

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.name,)


class RunError(Error):
    """A run that did not succeed, raised by `Trace.raise_for_status`. Its text is that of the error in the script; what a host
    function raised, and the script did not catch, is its `__cause__`."""

    def __init__(self, message: str, kind: str, script: Optional[str], line: Optional[int], traceback: str, trace: Optional[Trace]) -> None:
        super().__init__(message)
        self.kind = kind
        """`runtime`, `value`, `host_calls`, `host`, or the status."""
        self.script = script
        """The script in which it was raised."""
        self.line = line
        """The line there, from 1."""
        self.traceback = traceback
        """The chain of calls in the script, innermost first."""
        self.trace = trace
        """The trace, in the process of the run."""

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (str(self), self.kind, self.script, self.line, self.traceback, None)


def make(code: int, message: str, reason: str, subject: str, line: int, column: int, char: int) -> Exception:
    """The exception of one of the library's errors."""
    if code == COMPILE:
        return CompileError(message, subject, line, reason)
    if code == PAYLOAD:
        return PayloadError(message, subject, line, column, char)
    if code == NOT_FOUND:
        return ScriptNotFound()
    return Error(message)
