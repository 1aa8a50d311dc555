"""One run: what goes in, what comes out."""

import datetime
import decimal
import json
from collections import OrderedDict, UserDict
from typing import Any

import pytest

import perilune

pytestmark = pytest.mark.usefixtures("isolation")


def test_a_trace_has_all_fields(engine: perilune.Engine) -> None:
    source = """
        print("Hello", ARGS.monster)
        warn("careful")
        set_response{ status = 201, content_type = "text/plain", content = "made \\255", headers = { ["X-A"] = { "b", "a" }, ["W"] = 1 } }
        return POST.n + 1
    """
    before = datetime.datetime.now(datetime.timezone.utc)
    trace = engine.compile(source, name="hello").run(query="monster=Manticore", post=b'{"n": 1}')
    assert (trace.status, trace.ok, trace.id, trace.script, trace.version) == ("success", True, 1, "hello", 1)
    assert (trace.stdout, trace.stdout_bytes) == ("Hello\tManticore\n", b"Hello\tManticore\n")
    assert (trace.stderr, trace.stderr_bytes) == ("careful\n", b"careful\n")
    assert (trace.stdout_truncated, trace.stderr_truncated) == (False, False)
    assert trace.value == 2
    assert trace.response == (201, "text/plain", b"made \xff", [("W", "1"), ("X-A", "b"), ("X-A", "a")])
    assert trace.to_dict()["result"]["response"]["headers"] == {"W": "1", "X-A": ["b", "a"]}
    assert trace.error is None
    assert trace.duration_ns > 0 and trace.duration == trace.duration_ns // 1_000_000
    assert before - datetime.timedelta(milliseconds=1) <= trace.executed_at <= before + datetime.timedelta(minutes=1)
    assert trace.usage.memory_bytes > 0 and trace.usage.host_calls == 0 and trace.usage.queued_ns >= 0
    trace.raise_for_status()
    assert trace.to_dict() == json.loads(trace.to_json())
    assert list(trace.to_dict())[:5] == ["status", "duration", "result", "executed_at", "id"]
    assert repr(trace).startswith("<perilune.Trace 1 of hello: success, ")
    with pytest.raises(TypeError):
        perilune.Trace()


@pytest.mark.parametrize(
    "given, seen",
    [
        ({"query": "a=1&b=%20"}, {"GET": {"a": "1", "b": " "}, "POST": {}}),
        ({"query": b"a=\xff"}, {"GET": {"a": "\ufffd"}, "POST": {}}),
        ({"get": {"a": "1&b", "n": 2, "f": 0.5, "t": True}}, {"GET": {"a": "1&b", "n": "2", "f": "0.5", "t": "true"}, "POST": {}}),
        ({"post": {"n": [1, 2.5, None, {"x": []}]}}, {"GET": {}, "POST": {"n": [1, 2.5, None, {"x": []}]}}),
        ({"post": OrderedDict(n=1)}, {"GET": {}, "POST": {"n": 1}}),
        ({"post": UserDict(n=1)}, {"GET": {}, "POST": {"n": 1}}),
        ({"post": '{"n": 1}'}, {"GET": {}, "POST": {"n": 1}}),
        ({"post": bytearray(b'{"n": 1}')}, {"GET": {}, "POST": {"n": 1}}),
        ({"post": memoryview(b'{"n": 1}')}, {"GET": {}, "POST": {"n": 1}}),
        ({"post": b""}, {"GET": {}, "POST": {}}),
        ({"post": {"n": 2**53 + 1}}, {"GET": {}, "POST": {"n": str(2**53 + 1)}}),
        ({"form": "a=1"}, {"GET": {}, "POST": {"a": "1"}}),
        ({"post": {"text": "Mañana \U0001f319"}}, {"GET": {}, "POST": {"text": "Mañana \U0001f319"}}),
    ],
)
def test_requests(engine: perilune.Engine, given: Any, seen: Any) -> None:
    assert engine.compile("return { GET = GET, POST = POST }").run(**given).value == seen


def test_a_request_that_is_made_once(engine: perilune.Engine) -> None:
    script = engine.compile("return GET.a")
    request = script.request(get={"a": 1})
    assert [script.run(request).value, script.run(request).value] == ["1", "1"]
    with pytest.raises(TypeError, match="goes alone, to run or in run_batch"):
        script.run(request, b"{}")
    with pytest.raises(TypeError, match="goes alone, to run or in run_batch"):
        script.run(request, timeout=1)
    with pytest.raises(TypeError, match=r"requests\[1\]: pass a mapping or a Request, not NoneType"):
        script.run_batch([request, None])  # type: ignore[list-item]


def test_config_meta_and_seed(engine: perilune.Engine) -> None:
    script = engine.compile("return CONFIG.a, META.b, math.random(1e9)")
    first = script.run(config={"a": 1}, meta='{"b": 2}', seed=7)
    assert first.value[:2] == [1, 2]
    assert first.value == script.run(config={"a": 1}, meta='{"b": 2}', seed=7).value


@pytest.mark.parametrize(
    "given, error, text",
    [
        ({"post": "no JSON"}, perilune.PayloadError, "JSON parse error - Expecting object: line 1 column 1 (char 0)"),
        ({"post": "[1]"}, perilune.PayloadError, "JSON parse error - Expecting object: line 1 column 1 (char 0)"),
        ({"config": "{"}, perilune.PayloadError, "CONFIG: JSON parse error"),
        ({"post": b'{"a": "' + b"x" * 600_000 + b'"}'}, perilune.PayloadError, "Request size limit exceeded (524288)."),
        ({"post": {"n": float("nan")}}, ValueError, "post: "),
        ({"post": {"n": decimal.Decimal(1)}}, TypeError, "post: Object of type Decimal is not JSON serializable"),
        ({"post": {"n": datetime.date.today()}}, TypeError, "post: Object of type date is not JSON serializable"),
        ({"post": [1]}, TypeError, "post: pass a mapping, or JSON as str or bytes, not list"),
        ({"post": 1}, TypeError, "post: pass a mapping"),
        ({"query": 1}, TypeError, "a text must be str, bytes or a buffer, not <class 'int'>"),
        ({"query": "\ud800"}, UnicodeEncodeError, "surrogates not allowed"),
        ({"get": {"a": None}}, TypeError, "get: 'a' must be str or a number, not NoneType"),
        ({"get": {"a": "1"}, "query": "b"}, TypeError, "pass query or get, not both"),
        ({"post": "{}", "form": "b"}, TypeError, "pass post or form, not both"),
        ({"seed": -1}, OverflowError, "can't convert negative"),
        ({"timeout": -1}, ValueError, "timeout: -1 is no time in seconds"),
        ({"timeout": float("nan")}, ValueError, "timeout: nan is no time in seconds"),
        ({"memory": "64 parsecs"}, ValueError, "memory: \"64 parsecs\" is not a size in bytes"),
        ({"memory": 1e6}, TypeError, "memory: pass an int"),
        ({"query": {"a": 1}}, TypeError, "a text must be str, bytes or a buffer, not <class 'dict'>"),
        ({"query": [97]}, TypeError, "a text must be str, bytes or a buffer, not <class 'list'>"),
        ({"memory": -1}, ValueError, "memory: -1 is no size in bytes"),
        ({"tiemout": 1}, TypeError, "unexpected keyword argument 'tiemout'"),
    ],
)
def test_requests_that_are_refused(engine: perilune.Engine, given: Any, error: Any, text: str) -> None:
    with pytest.raises(error) as raised:
        engine.compile("return 1").run(**given)
    assert text in str(raised.value)


def test_a_payload_error_says_where(engine: perilune.Engine) -> None:
    with pytest.raises(perilune.PayloadError) as raised:
        engine.compile("return 1").run(meta='{"a":\n  1 2}')
    error = raised.value
    assert (error.part, error.line, error.column, error.char) == ("meta", 2, 5, 10)


def test_a_compile_error_says_where(engine: perilune.Engine) -> None:
    with pytest.raises(perilune.CompileError) as raised:
        engine.compile("local a = 1\nreturn +", name="sum")
    assert (raised.value.script, raised.value.line) == ("sum", 2)
    assert str(raised.value) == f"sum:2: {raised.value.reason}"


@pytest.mark.parametrize(
    "source, limits, status, kind, text",
    [
        ("error('no luck')", {}, "failure", "runtime", "try:1: no luck"),
        ("return print", {}, "failure", "value", "can't be JSON: it is a function"),
        ("while true do end", {"timeout": 0.01}, "timeout", "timeout", "within its timeout of 10 ms"),
        ("local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end", {"memory": "4MiB"}, "memory_limit", "memory_limit", "limit of 4194304 bytes"),
    ],
)
def test_statuses(engine: perilune.Engine, source: str, limits: Any, status: str, kind: str, text: str) -> None:
    trace = engine.compile(source, name="try").run(**limits)
    assert (trace.status, trace.ok) == (status, False)
    assert trace.error is not None and trace.error.kind == kind
    # Of the limit that was given: the engine's own would end it too, later.
    assert text in trace.error.message
    with pytest.raises(perilune.RunError) as raised:
        trace.raise_for_status()
    assert (str(raised.value), raised.value.kind, raised.value.trace) == (trace.error.message, kind, trace)


def test_output_is_cut_at_its_limit(engine: perilune.Engine) -> None:
    trace = engine.compile("print(('x'):rep(1000))").run(output=10)
    assert (trace.stdout, trace.stdout_truncated, trace.status) == ("x" * 10, True, "success")


def test_limits_of_an_engine() -> None:
    engine = perilune.Engine(
        pool_size=1, timeout=1.5, memory="8MiB", output="1KiB", queue=0.5, value=100, host_calls=3, request="2KiB",
        parameters=4, source=200, backlog=5,
    )  # fmt: skip
    assert engine.limits == {
        "timeout": 1.5, "queue": 0.5, "memory": 8 << 20, "output": 1024, "value": 100, "host_calls": 3, "request": 2048,
        "parameters": 4, "source": 200,
    }  # fmt: skip
    with pytest.raises(perilune.CompileError):
        engine.compile("-" * 201)
    for wrong in ({"pool_size": 0}, {"pool_size": -1}, {"backlog": -1}, {"timeout": -1}, {"memory": "lots"}):
        with pytest.raises((ValueError, perilune.Error)):
            perilune.Engine(**wrong)


def test_named_scripts(engine: perilune.Engine) -> None:
    scripts = engine.scripts
    scripts["shop/price"] = "return 1"
    scripts["shop/price"] = "return 2"
    scripts["a"] = b"return 3"
    assert (engine.run("shop/price").value, engine.run("shop/price").version) == (2, 2)
    assert (list(scripts), len(scripts), "a" in scripts, "b" in scripts) == (["a", "shop/price"], 2, True, False)
    assert 5 not in scripts  # type: ignore[comparison-overlap]
    assert scripts.get("\ud800") is None
    assert (scripts["a"].name, scripts["a"].source, len(scripts["a"].hash)) == ("a", "return 3", 64)
    with pytest.raises(perilune.CompileError):
        scripts["a"] = "return +"
    assert engine.run("a", query="x=1").value == 3
    del scripts["a"]
    for use in (lambda: scripts["a"], lambda: engine.run("a"), lambda: scripts.__delitem__("a")):
        with pytest.raises(perilune.ScriptNotFound, match="Not found: 'a'"):
            use()


def test_modules_check_and_metrics(engine: perilune.Engine) -> None:
    engine.module("util", "return { double = function(n) return 2 * n end }")
    assert engine.compile("return require('util').double(4)").run().value == 8
    with pytest.raises(perilune.CompileError):
        engine.module("util", "return +")
    reason = "Expected identifier when parsing expression, got 'return'"
    assert [tuple(d) for d in engine.check("local x = \nreturn 1")] == [("error", 2, 1, reason)]
    (warned,) = engine.check("prnt(1)")
    assert (warned.severity, warned.line, warned.message) == ("warning", 1, "prnt is not there: did you mean print?")
    metrics = engine.metrics()
    assert (metrics["runs"]["success"], metrics["compiles"]["failed"]) == (1, 1)
    assert 'perilune_runs_total{status="success"} 1' in engine.prometheus()
