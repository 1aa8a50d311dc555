"""What a run hands back, and its error for those who want it raised."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from . import _native
from ._errors import Error

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_UNREAD = object()


class ScriptError(NamedTuple):
    """The error that ended a run."""

    kind: str
    """`runtime`, `value`, `host_calls`, `host`, or the status."""
    message: str
    """Its text."""
    script: Optional[str]
    """The script in which it was raised; None when none was running."""
    line: Optional[int]
    """The line there, from 1."""
    traceback: str
    """The chain of calls, innermost first, a line each."""


class Response(NamedTuple):
    """The HTTP response that a script asked for, safe to send as it is."""

    status: int
    """100 to 599."""
    content_type: str
    """The media type."""
    content: bytes
    """The body."""
    headers: List[Tuple[str, str]]
    """A pair for each line, in the order of the names: a name for which the script gave a list has several."""


class Usage(NamedTuple):
    """What a run used."""

    memory_bytes: int
    """The highest known growth of the VM's heap."""
    host_calls: int
    """Calls of host functions."""
    queued_ns: int
    """Waiting for a VM."""
    waited_ns: int
    """Waiting for host functions that are coroutines, where the run took no thread meanwhile."""


class Trace(_native.Trace):
    """What a run hands back. A field is made when it is read.

    >>> import perilune
    >>> trace = perilune.Engine().compile("print('Hello', ARGS.monster) return 1, {}").run(get={"monster": "Manticore"})
    >>> trace.status, trace.stdout, trace.value
    ('success', 'Hello\\tManticore\\n', [1, {}])

    `status` is `success`, `failure`, `timeout`, `memory_limit`, `cancelled`, `queue_timeout` or `crashed`; `ok` says whether it is the
    first.
    `stdout` and `stderr` are text, in which what is not UTF-8 is U+FFFD; `stdout_bytes` and `stderr_bytes` are to the byte.
    `duration` is in milliseconds, rounded down; `duration_ns` in nanoseconds. `id` counts 1, 2, 3 … per engine.
    """

    __slots__ = ("_value",)
    _value: Any

    @property
    def value(self) -> Any:
        """What the script returned, from JSON: None for nothing, the value for one, a list for several."""
        value = getattr(self, "_value", _UNREAD)
        if value is _UNREAD:
            text = self._value_json
            value = self._value = None if text is None else json.loads(text)
        return value

    @property
    def error(self) -> Optional[ScriptError]:
        """The error that ended the run; None after a success."""
        details = self._details
        if not details["error_kind"]:
            return None
        return ScriptError(
            details["error_kind"],
            details["error_message"],
            details["error_script"],
            details["error_line"] or None,
            details["error_traceback"],
        )

    @property
    def response(self) -> Optional[Response]:
        """What the script gave to `set_response`."""
        response = self._response
        return None if response is None else Response(*response)

    @property
    def usage(self) -> Usage:
        """What the run used."""
        details = self._details
        return Usage(details["memory_bytes"], details["host_calls"], details["queued_ns"], details["waited_ns"])

    @property
    def executed_at(self) -> datetime:
        """When the run began, in UTC, to the microsecond."""
        return _EPOCH + timedelta(microseconds=self._details["executed_at_ns"] // 1000)

    @property
    def script(self) -> str:
        """The name of the script that ran."""
        name: str = self._details["script"]
        return name

    @property
    def version(self) -> int:
        """The version of that script."""
        version: int = self._details["version"]
        return version

    @property
    def stdout_truncated(self) -> bool:
        """Whether output past the limit was dropped."""
        return bool(self._details["stdout_truncated"])

    @property
    def stderr_truncated(self) -> bool:
        """Whether output past the limit was dropped; the uncaught error never is."""
        return bool(self._details["stderr_truncated"])

    def raise_for_status(self) -> None:
        """Raises `RunError` when the run did not succeed.

        >>> import perilune
        >>> trace = perilune.Engine().compile("error('no luck')", name="try").run()
        >>> try:
        ...     trace.raise_for_status()
        ... except perilune.RunError as error:
        ...     print(error, error.kind, error.line)
        try:1: no luck runtime 1
        """
        error = self.error
        if error is not None:
            raise RunError(error.message, error.kind, error.script, error.line, error.traceback, self) from self._cause

    def to_dict(self) -> Dict[str, Any]:
        """The trace as Syncano's clients know it: `status`, `duration`, `result`, `executed_at`, `id` and more. `to_json()` is its
        text."""
        trace: Dict[str, Any] = json.loads(self.to_json())
        return trace

    def __reduce__(self) -> Tuple[object, ...]:
        raise TypeError("a trace stays in its process: send what you need of it, or all as to_dict()")

    def __repr__(self) -> str:
        return f"<perilune.Trace {self.id} of {self.script}: {self.status}, {self.duration_ns / 1e6:.3f} ms>"


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
