"""The API as users write it, for type checkers only: see tests/run. A line that must be an error is ignored by its code, and an ignore
that is not needed is an error itself."""

from collections import OrderedDict
from datetime import datetime
from typing import Any, Dict, List, Mapping, Optional, Tuple, Union

from typing_extensions import assert_type

import perilune

engine = perilune.Engine(pool_size=4, timeout=5.0, memory="64MiB", output=1 << 20, queue=1, host_calls=10)
script = engine.compile("return 1", name="one")
assert_type(engine, perilune.Engine)
assert_type(perilune.Engine(isolation="process"), perilune.Engine)
perilune.Engine(isolation="processes")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
assert_type(script, perilune.Script)
assert_type(engine.compile(b"return 1"), perilune.Script)
assert_type((script.name, script.version, script.hash, script.source), Tuple[str, int, str, str])
assert_type(script.engine, perilune.Engine)
assert_type(engine.limits, Mapping[str, Union[int, float]])
assert_type(perilune.__version__, str)

trace = script.run("a=1", {"lines": [1, 2]}, config=b"{}", meta=OrderedDict(a=1), seed=7, timeout=1, memory="1MiB", output=5)
assert_type(trace, perilune.Trace)
assert_type(script.run(get={"n": 1, "on": True, "text": "x"}, form="a=1"), perilune.Trace)
assert_type((trace.status, trace.ok, trace.id, trace.duration, trace.duration_ns), Tuple[str, bool, int, int, int])
assert_type((trace.stdout, trace.stdout_bytes, trace.stderr, trace.stderr_bytes), Tuple[str, bytes, str, bytes])
assert_type((trace.stdout_truncated, trace.stderr_truncated), Tuple[bool, bool])
assert_type((trace.script, trace.version, trace.executed_at), Tuple[str, int, datetime])
assert_type(trace.value, Any)
assert_type(trace.to_dict(), Dict[str, Any])
assert_type(trace.to_json(), str)
assert_type(trace.error, Optional[perilune.ScriptError])
assert_type(trace.response, Optional[perilune.Response])
assert_type(trace.usage.memory_bytes, int)
if trace.error:
    assert_type((trace.error.kind, trace.error.script, trace.error.line), Tuple[str, Optional[str], Optional[int]])
if trace.response:
    assert_type((trace.response.content, trace.response.headers), Tuple[bytes, List[Tuple[str, str]]])

script.run(qeury="a=1")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
script.run(post=[1])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
engine.run("one", get={"a": 1}, seed=1)
engine.run("one", tiemout=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
engine.run("one", timeout="1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@engine.function
def stock(sku: str) -> Dict[str, int]:
    return {sku: 1}


@engine.function(name="left")
def how_many(sku: str, /) -> int:
    return 1


assert_type(stock("a"), Dict[str, int])
assert_type(how_many("a"), int)
engine.function("length", len)
engine.function("stock")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
engine.module("money", "return {}")

engine.scripts["shop/greet"] = "return 1"
engine.scripts["shop/again"] = script
engine.scripts["shop/greet"] = 1  # type: ignore[assignment]  # pyright: ignore[reportArgumentType]
assert_type(engine.scripts["shop/greet"], perilune.Script)
assert_type([name for name in engine.scripts], List[str])
assert_type(engine.scripts.get("gone"), Optional[perilune.Script])
assert_type(engine.scripts.load_dir("scripts").loaded, List[str])
del engine.scripts["shop/greet"]

for outcome in script.run_batch([{"get": {"n": 1}}, perilune.Script.request("a=1")], progress=lambda done, total: print(done / total)):
    assert_type(outcome, Union[perilune.Trace, perilune.Error])
    if isinstance(outcome, perilune.Trace):
        assert_type(outcome.value, Any)
    else:
        assert_type(outcome, perilune.Error)
values = [outcome.value for outcome in script.run_batch([{}], progress=True) if isinstance(outcome, perilune.Trace)]


async def answer() -> str:
    first = await script.run_async(get={"n": 1}, timeout=1)
    second = await engine.run_async("shop/greet", post=b"{}")
    assert_type((first, second), Tuple[perilune.Trace, perilune.Trace])
    return first.stdout


def changed(report: perilune.Report) -> None:
    for file, error in report.failed:
        assert_type((file, error), Tuple[str, perilune.Error])


with engine.watch("scripts", changed) as watch:
    assert_type(watch, perilune.Watch)

for diagnostic in engine.check("x ="):
    assert_type((diagnostic.severity, diagnostic.line, diagnostic.column, diagnostic.message), Tuple[str, int, int, str])

try:
    script.run(post="{").raise_for_status()
except perilune.PayloadError as error:
    assert_type((error.part, error.line, error.column, error.char), Tuple[str, int, int, int])
except perilune.CompileError as error:
    assert_type((error.script, error.line, error.reason), Tuple[str, int, str])
except perilune.RunError as error:
    assert_type((error.kind, error.trace), Tuple[str, Optional[perilune.Trace]])
except perilune.ScriptNotFound as error:
    assert_type(error.name, str)
assert_type(engine.metrics(), Dict[str, Any])
assert_type(engine.prometheus(), str)
