"""Perilune runs untrusted Luau scripts inside your backend, at microsecond cost: a script and a request in, a trace out.

>>> import perilune
>>> engine = perilune.Engine()
>>> script = engine.compile("print('Hello', ARGS.monster)", name="hello")
>>> trace = script.run(query="monster=Manticore")
>>> trace.stdout
'Hello\\tManticore\\n'
"""

import atexit
import os
import threading

from . import _completions, _engine, _later, _native
from ._directory import Report, Watch
from ._engine import Diagnostic, Engine, Script, Scripts
from ._errors import CompileError, Error, PayloadError, ScriptNotFound, make
from ._request import Request, RunOptions
from ._trace import Response, RunError, ScriptError, Trace, Usage

__version__ = _native.version

__all__ = [
    "CompileError",
    "Diagnostic",
    "Engine",
    "Error",
    "PayloadError",
    "Report",
    "Request",
    "Response",
    "RunError",
    "RunOptions",
    "Script",
    "ScriptError",
    "ScriptNotFound",
    "Scripts",
    "Trace",
    "Usage",
    "Watch",
]

_native.setup(Trace, make, _later.begin, threading.main_thread().ident or 0)
atexit.register(_native.end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_native.after_fork)
    os.register_at_fork(after_in_child=_engine.after_fork)
    os.register_at_fork(after_in_child=_completions.after_fork)
