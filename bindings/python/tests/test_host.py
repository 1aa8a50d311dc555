"""Functions of the host."""

import datetime
import decimal
import gc
import threading
import weakref
from typing import Any, Callable, Dict, List

import pytest

import perilune
from conftest import Child

pytestmark = pytest.mark.usefixtures("isolation")


@pytest.mark.parametrize(
    "lua, seen",
    [
        ("nil", None),
        ("json.null", None),
        ("true", True),
        ("3", 3),
        ("2.5", 2.5),
        ("2^53", 2**53),
        ("1e300", 1e300),
        ("'text'", "text"),
        ("'\\255\\0'", b"\xff\x00"),
        ("''", ""),
        ("{1, 2, {}}", [1, 2, {}]),
        ("json.array({})", []),
        ("json.decode('[]')", []),
        ("{}", {}),
        ("{ a = json.null, ['\\255'] = 1 }", {"a": None, b"\xff": 1}),
    ],
)
def test_arguments(engine: perilune.Engine, lua: str, seen: Any) -> None:
    got: List[Any] = []
    engine.function("see", lambda *arguments: got.extend(arguments))
    engine.compile(f"host.see({lua}, 'last')").run().raise_for_status()
    assert got == [seen, "last"]
    assert type(got[0]) is type(seen)


@pytest.mark.parametrize(
    "value, lua",
    [
        (None, "v == nil"),
        (True, "v == true"),
        (7, "v == 7"),
        (-(2**53), "v == -2^53"),
        (2**53 + 1, "v == '9007199254740993'"),
        (-(2**63), "v == '-9223372036854775808'"),
        (2**64 - 1, "v == '18446744073709551615'"),
        (0.5, "v == 0.5"),
        (0.9424502837770503, "v == 0.9424502837770503 and json.encode(v) == '0.9424502837770503'"),
        (-0.0, "1 / v == -math.huge"),
        (float("inf"), "v == math.huge"),
        ("Mañana", "v == 'Mañana'"),
        (b"\xff\x00", "v == '\\255\\0'"),
        ([], "json.encode(v) == '[]'"),
        ({}, "json.encode(v) == '{}'"),
        ((1, [2, None]), "json.encode(v) == '[1,[2,null]]'"),
        ({"a": {"b": [True]}, 1: "x", b"\xff": 2}, "v.a.b[1] == true and v['1'] == 'x' and v['\\255'] == 2"),
    ],
)
def test_results(engine: perilune.Engine, value: Any, lua: str) -> None:
    engine.function("get", lambda: value)
    assert engine.compile(f"local v = host.get() return {lua}").run().value is True


def test_floats_keep_their_bits(engine: perilune.Engine) -> None:
    numbers = [0.9424502837770503, 9007199254740991.0, 5e-324, 1.7976931348623157e308, 0.1, -0.0, 2.0**60]
    got: List[Any] = []
    engine.function("see", lambda value, each: got.append([*value, each]))
    trace = engine.compile("host.see(POST.v, POST.v[6]) return POST.v").run(post={"v": numbers})
    for found in (trace.value, got[0][:-1]):
        assert [float(number).hex() for number in found] == [number.hex() for number in numbers]
    assert repr(got[0][-1]) == "-0.0"


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value, text",
    [
        (decimal.Decimal(1), "TypeError: <class 'decimal.Decimal'> can't be given to a script"),
        (datetime.datetime.now(), "TypeError: <class 'datetime.datetime'> can't be given"),
        ({1.5: 1}, "TypeError: a key must be str, bytes or int, not 1.5"),
        ({True: 1}, "TypeError: a key must be"),
        (2**64, "OverflowError: an integer of more than 64 bits"),
        (-(2**63) - 1, "OverflowError: an integer of more than 64 bits"),
        ("\ud800", "UnicodeEncodeError: "),
        (nested(200), "ValueError: a value is nested deeper than 128 levels"),
        ({1, 2}, "TypeError: <class 'set'> can't"),
    ],
)
def test_results_that_are_refused(engine: perilune.Engine, value: Any, text: str) -> None:
    engine.function("get", lambda: value)
    trace = engine.compile("host.get()", name="try").run()
    assert trace.error is not None and trace.error.message.startswith(f"try:1: host.get: {text}"), trace.error


def test_depth_both_ways(engine: perilune.Engine) -> None:
    engine.function("get", lambda: nested(128))
    got: List[Any] = []
    engine.function("see", got.append)
    trace = engine.compile("local v = host.get() host.see(v)").run()
    trace.raise_for_status()
    assert got == [nested(128)]


def test_what_a_function_raises_is_the_cause(engine: perilune.Engine) -> None:
    @engine.function
    def lookup(key: str) -> Any:
        empty: Dict[str, Any] = {}
        return empty[key]

    trace = engine.compile("host.lookup('b')", name="try").run()
    assert trace.error is not None
    assert (trace.error.kind, trace.error.message, trace.error.line) == ("host", "try:1: host.lookup: KeyError: 'b'", 1)
    with pytest.raises(perilune.RunError) as raised:
        trace.raise_for_status()
    assert isinstance(raised.value.__cause__, KeyError) and raised.value.__cause__.__traceback__ is not None


@pytest.mark.parametrize(
    "source",
    ["pcall(host.fail) error('other')", "pcall(host.fail) return 1 + nil", "pcall(host.fail) while true do end"],
)
def test_what_was_caught_is_no_cause(engine: perilune.Engine, source: str) -> None:
    engine.function("fail", lambda: 1 / 0)
    with pytest.raises(perilune.RunError) as raised:
        engine.compile(source).run(timeout=0.05).raise_for_status()
    assert raised.value.__cause__ is None and raised.value.kind != "host"


def test_arguments_that_can_not_cross(engine: perilune.Engine) -> None:
    engine.function("see", lambda value: None)
    for lua in ("print", "coroutine.create(print)", "{ f = print }", "(function() local t = {} t.t = t return t end)()"):
        trace = engine.compile(f"host.see({lua})").run()
        assert trace.error is not None and "argument #1" in trace.error.message, lua


def test_registering(engine: perilune.Engine) -> None:
    assert engine.function(len) is len
    engine.function("size", len)
    def three() -> int:
        return 3

    named = engine.function(name="third")(three)
    assert named() == 3
    assert engine.compile("return host.len('ab'), host.size('abc'), host.third()").run().value == [2, 3, 3]
    engine.function("size", lambda value: -1)
    assert engine.compile("return host.size('abc')").run().value == -1

    wrong: List[Callable[[], Any]] = [
        lambda: engine.function("no name", len),
        lambda: engine.function("x", 1),  # type: ignore[call-overload]
        lambda: engine.function(),  # type: ignore[call-overload]
    ]
    for register in wrong:
        with pytest.raises((TypeError, perilune.Error)):
            register()


def test_a_function_may_run_other_scripts() -> None:
    engine = perilune.Engine(pool_size=1, queue=0)
    engine.scripts["inner"] = "return ARGS.n * 2"
    engine.function("inner", lambda n: engine.run("inner", get={"n": n}).value)
    assert engine.compile("return host.inner(21)").run().value == 42


def test_an_engine_in_a_cycle_is_collected() -> None:
    engine = perilune.Engine(pool_size=1)
    script = engine.compile("return host.self()")
    engine.function("self", lambda: str(engine) and script.name)
    assert script.run().value == "script"
    gone = weakref.ref(script)
    del engine, script
    gc.collect()
    assert gone() is None


def test_what_python_code_does_while_a_value_is_read(engine: perilune.Engine) -> None:
    """It may change the very thing that is read."""
    value: Dict[Any, Any] = {}

    class Key(int):
        def __str__(self) -> str:
            value.clear()
            return "not this"

        __repr__ = __str__

        def __hash__(self) -> int:
            return 5

    @engine.function
    def get() -> Any:
        value[Key(5)] = [1.5, "abc" * 50, ["z" * 100]]
        return value

    assert engine.compile("return host.get()['5'][1]").run().value == 1.5


def test_a_function_that_is_replaced_while_it_is_called(engine: perilune.Engine) -> None:
    class Function:
        def __init__(self) -> None:
            self.pad = ["x" * 50]

        def __call__(self, *arguments: Any) -> int:
            return len(arguments)

    class Replaces:
        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            engine.function("f", Function())

    engine.function("f", Function())
    script = engine.compile("local t = {} for i = 1, 50 do t[i] = { i } end for i = 1, 200 do host.f(t, t, t) end")
    before = gc.get_threshold()
    gc.set_threshold(1, 1, 1)
    try:
        for _ in range(50):
            Replaces()
            script.run().raise_for_status()
    finally:
        gc.set_threshold(*before)


def test_a_cause_does_not_keep_the_frames_that_have_the_trace(engine: perilune.Engine) -> None:
    class Big: ...

    gone: List[Any] = []
    engine.function("fail", lambda: 1 / 0)
    script = engine.compile("host.fail()")

    def handler() -> str:
        big = Big()
        gone.append(weakref.ref(big))
        trace = script.run()
        return trace.status

    for _ in range(10):
        assert handler() == "failure"
    gc.collect()
    assert [big() for big in gone] == [None] * 10


class Meta(type):
    __name__ = property(lambda cls: 5)


class Odd(Exception, metaclass=Meta): ...


@pytest.mark.parametrize(
    "error, text",
    [
        (OSError("no file /tmp/\udcff"), "OSError: no file /tmp/\\udcff"),
        (Odd("text"), "Exception: text"),
        (KeyError(), "KeyError"),
        (ValueError("a\0b"), "ValueError: a\0b"),
    ],
)
def test_texts_of_exceptions(engine: perilune.Engine, error: Exception, text: str) -> None:
    def fail() -> None:
        raise error

    engine.function("fail", fail)
    trace = engine.compile("host.fail()", name="try").run()
    assert trace.error is not None and trace.error.message == f"try:1: host.fail: {text}"
    with pytest.raises(perilune.RunError) as raised:
        trace.raise_for_status()
    assert raised.value.__cause__ is error or "\0" in text


def test_functions_run_without_each_others_lock(engine: perilune.Engine) -> None:
    """Two runs are inside a host function at one time: neither the GIL nor a VM is kept from the other."""
    meet = threading.Barrier(2, timeout=60)
    engine.function("meet", lambda: meet.wait() >= 0)
    script = engine.compile("return host.meet()")
    traces: List[perilune.Trace] = []
    threads = [threading.Thread(target=lambda: traces.append(script.run())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [trace.value for trace in traces] == [True, True]


def test_a_function_is_called_on_the_thread_of_its_run(engine: perilune.Engine) -> None:
    threads: List[int] = []
    engine.function("see", lambda: threads.append(threading.get_ident()))
    engine.compile("host.see() host.see()").run().raise_for_status()
    assert threads == [threading.get_ident()] * 2


class Quit(SystemExit): ...


@pytest.mark.parametrize("is_main", [True, False])
def test_exit_ends_a_run_soon_and_is_not_kept(engine: perilune.Engine, is_main: bool) -> None:
    kept: List[Any] = []

    def leave() -> None:
        error = Quit()
        kept.append(weakref.ref(error))
        raise error

    engine.function("exit", leave)
    script = engine.compile("pcall(host.exit) while true do end")
    raised: List[str] = []

    def run() -> None:
        try:
            script.run()
        except Quit:
            raised.append("Quit")

    if is_main:
        run()
    else:
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    gc.collect()
    assert (raised, [error() for error in kept]) == (["Quit"], [None])
    assert engine.metrics()["runs"]["cancelled"] == 1


def test_exit_in_a_function_ends_the_run_and_the_program(child: Child) -> None:
    child(
        """
        import sys, perilune
        engine = perilune.Engine()
        engine.function("exit", lambda: sys.exit(7))
        engine.compile("while true do pcall(host.exit) end").run()
        print("not reached")
        """,
        code=7,
    )
