"""What keeps a run from beginning."""

from __future__ import annotations

from typing import Literal


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


def make(code: str, message: str, reason: str, subject: str, line: int, column: int, char: int) -> Exception:
    """The exception of one of the library's errors, by the name of its code."""
    if code == "compile_error":
        return CompileError(message, subject, line, reason)
    if code == "payload_error":
        return PayloadError(message, subject, line, column, char)
    if code == "not_found":
        return ScriptNotFound()
    return Error(message)
