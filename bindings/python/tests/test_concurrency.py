"""asyncio, threads, signals, forks, the end of the process."""

import asyncio
import copy
import gc
import multiprocessing
import os
import pickle
import sys
import threading
import time
import weakref
from functools import partial
from typing import Any, List

import pytest

import perilune
import perilune.asgi
from conftest import Child
from perilune import _native
from perilune._completions import Completions

pytestmark = pytest.mark.usefixtures("isolation")


def test_a_thousand_at_once() -> None:
    engine = perilune.Engine(pool_size=4, queue=60)
    script = engine.compile("local n = 0 for i = 1, 1000 do n += i end return GET.n + n")

    async def main() -> List[Any]:
        traces = await asyncio.gather(*(script.run_async(get={"n": n}) for n in range(1000)))
        return [trace.value for trace in traces]

    assert asyncio.run(main()) == [n + 500500 for n in range(1000)]


def test_the_loop_goes_on(engine: perilune.Engine) -> None:
    """A run waits in a host function until the loop has done something: were the loop blocked, neither would end."""
    seen = threading.Event()
    engine.function("wait", lambda: seen.wait(60))
    script = engine.compile("return host.wait()")

    async def main() -> Any:
        run = asyncio.ensure_future(script.run_async())
        await asyncio.sleep(0)
        seen.set()
        return (await run).value

    assert asyncio.run(main()) is True


def test_cancelling_the_task_cancels_the_run() -> None:
    engine = perilune.Engine(pool_size=1, queue=60)
    began = threading.Event()
    engine.function("begin", began.set)
    endless = engine.compile("host.begin() while true do pcall(function() while true do end end) end")
    engine.scripts["next"] = "return 1"

    errors: List[Any] = []

    async def main() -> Any:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: errors.append(context))
        runs = asyncio.ensure_future(endless.run_async())
        await asyncio.get_running_loop().run_in_executor(None, began.wait)
        waits = asyncio.ensure_future(engine.run_async("next"))
        await asyncio.sleep(0)
        waits.cancel()
        runs.cancel()
        outcomes = await asyncio.gather(runs, waits, return_exceptions=True)
        return [type(outcome) for outcome in outcomes], (await engine.run_async("next")).value

    assert asyncio.run(main()) == ([asyncio.CancelledError, asyncio.CancelledError], 1)
    assert engine.metrics()["runs"]["cancelled"] == 2
    assert not errors


def test_a_coroutine_that_is_closed_ends_its_run(engine: perilune.Engine) -> None:
    began = threading.Event()
    engine.function("begin", began.set)
    script = engine.compile("host.begin() while true do end")

    async def main() -> None:
        run = script.run_async()
        run.send(None)
        began.wait(60)
        run.close()
        while engine.metrics()["vms"]["in_use"]:
            await asyncio.sleep(0)

    asyncio.run(main())
    assert engine.metrics()["runs"]["cancelled"] == 1


def test_timeouts_of_asyncio(engine: perilune.Engine) -> None:
    endless = engine.compile("while true do end")

    async def main() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(endless.run_async(), 0.02)
        while engine.metrics()["vms"]["in_use"]:
            await asyncio.sleep(0)

    asyncio.run(main())
    assert engine.metrics()["runs"]["cancelled"] == 1


def test_errors_of_async_runs(engine: perilune.Engine) -> None:
    async def main() -> None:
        with pytest.raises(perilune.PayloadError):
            await engine.compile("return 1").run_async(post="no JSON")
        with pytest.raises(perilune.ScriptNotFound):
            await engine.run_async("none")
        engine.function("fail", lambda: 1 / 0)
        trace = await engine.compile("host.fail()").run_async()
        with pytest.raises(perilune.RunError) as raised:
            trace.raise_for_status()
        assert isinstance(raised.value.__cause__, ZeroDivisionError)

    asyncio.run(main())


def test_a_loop_that_is_closed_while_runs_go_on(engine: perilune.Engine) -> None:
    release = threading.Event()
    engine.function("wait", lambda: release.wait(60))
    script = engine.compile("return host.wait()")
    loop = asyncio.new_event_loop()
    task = loop.create_task(script.run_async())
    loop.run_until_complete(asyncio.sleep(0))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        loop.run_until_complete(task)
    loop.close()
    release.set()
    while engine.metrics()["runs"]["cancelled"] + engine.metrics()["runs"]["success"] == 0:
        pass
    assert script.engine.compile("return 2").run().value == 2


def left() -> Any:
    """What runs may leave behind: objects of the library, files, exceptions of host functions."""
    gc.collect()
    errors = sum(isinstance(one, ZeroDivisionError) for one in gc.get_objects())
    return _native.live_objects(), len(os.listdir("/dev/fd")), errors


@pytest.mark.parametrize("is_closed", [True, False])
@pytest.mark.parametrize("has_ended", [True, False])
@pytest.mark.parametrize("is_asked", [True, False])
def test_a_loop_that_never_hears_how_its_run_ended(
    engine: perilune.Engine, isolation: str, is_closed: bool, has_ended: bool, is_asked: bool
) -> None:
    release = threading.Event()
    engine.function("fail", lambda: release.wait(60) and 1 / 0)
    engine.scripts["a/fails"] = "host.fail()"
    script = engine.scripts["a/fails"]
    app = perilune.asgi.endpoints(engine, keys="key")
    # Workers have files: those of both tenants, and the spare one.
    for tenant in (None, "a"):
        engine.compile("return 1").run(tenant=tenant)
    deadline = time.monotonic() + 10
    while isolation == "process" and engine.metrics()["vms"]["ready"] < 3:
        assert time.monotonic() < deadline
    before = left()

    def begin() -> None:
        if is_asked:
            path = b"/v1.1/instances/a/endpoints/scripts/fails/run/"
            exchange = app._ask("GET", path, b"api_key=key", "", "", [])
            completions = Completions.of(asyncio.get_running_loop())
            assert completions
            completions.begin(partial(exchange.submit, None))
        else:
            script._begin(script.request())

    def end() -> None:
        ended = engine.metrics()["runs"]["failure"]
        release.set()
        while engine.metrics()["runs"]["failure"] == ended:
            pass

    loop = asyncio.new_event_loop()
    loop.call_soon(begin)
    loop.run_until_complete(asyncio.sleep(0))
    if has_ended:
        end()
    if is_closed:
        loop.close()
    del loop
    if not has_ended:
        end()
    deadline = time.monotonic() + 10
    while left() != before and time.monotonic() < deadline:
        pass  # The count is made a moment before the run is handed over.
    assert left() == before


def test_a_loop_for_each_thread() -> None:
    engine = perilune.Engine(pool_size=2, queue=60)
    script = engine.compile("return GET.n")
    values: List[Any] = []
    # Workers have files, so that both begin before these are counted.
    engine.function("meet", threading.Barrier(2, timeout=60).wait)
    assert all(outcome.ok for outcome in engine.compile("host.meet()").run_batch([{}, {}]))
    before = left()

    async def some(thread: int) -> Any:
        traces = await asyncio.gather(*(script.run_async(get={"n": f"{thread} {n}"}) for n in range(100)))
        return [trace.value for trace in traces]

    def loops(thread: int) -> None:
        for _ in range(10):
            values.append(asyncio.run(some(thread)) == [f"{thread} {n}" for n in range(100)])

    threads = [threading.Thread(target=loops, args=(thread,)) for thread in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert values == [True] * 40
    assert left()[1] == before[1]


def test_a_loop_that_can_not_watch_files(engine: perilune.Engine) -> None:
    def refuse(*arguments: Any) -> None:
        raise NotImplementedError

    engine.scripts["a/seven"] = "return 7"
    app = perilune.asgi.endpoints(engine, keys="key")
    sent: List[Any] = []

    async def receive() -> Any:
        await asyncio.sleep(60)

    async def send(message: Any) -> None:
        sent.append(message)

    async def main() -> None:
        assert (await engine.compile("return 7").run_async()).value == 7
        path = "/v1.1/instances/a/endpoints/scripts/seven/run/"
        await app({"type": "http", "method": "GET", "path": path, "headers": [(b"x-api-key", b"key")]}, receive, send)
        assert sent[0]["status"] == 200 and b'"value":7' in sent[1]["body"]
        with pytest.raises(perilune.PayloadError):
            await engine.compile("return 1").run_async(post="no JSON")
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(engine.compile("while true do end").run_async(), 0.02)
        while engine.metrics()["vms"]["in_use"]:
            await asyncio.sleep(0)

    loop: Any = asyncio.new_event_loop()
    loop.add_reader = refuse
    loop.run_until_complete(main())
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()
    assert engine.metrics()["runs"]["cancelled"] == 1


def test_clients_that_go_and_clients_that_stay(engine: perilune.Engine) -> None:
    """One timer is for all that wait, also for those that come while it runs; of those that got their answer nothing is left."""
    engine.scripts["a/endless"] = "while true do end"
    engine.scripts["a/nap"] = "host.nap() return 1"
    engine.function("nap", lambda: time.sleep(0.1))
    app = perilune.asgi.endpoints(engine, keys="key")
    statuses: List[int] = []

    async def ask(name: str, is_gone: bool) -> None:
        async def receive() -> Any:
            await asyncio.sleep(0 if is_gone else 60)
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            statuses.append(message.get("status", 0))

        path = f"/v1.1/instances/a/endpoints/scripts/{name}/run/"
        scope = {"type": "http", "method": "GET", "path": path, "headers": [(b"x-api-key", b"key")]}
        await app(scope, receive, send)

    async def main() -> None:
        tasks = asyncio.all_tasks()
        first = asyncio.ensure_future(ask("endless", True))
        await asyncio.sleep(0.01)
        await asyncio.gather(first, ask("endless", True))
        await ask("nap", False)
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == tasks

    asyncio.run(asyncio.wait_for(main(), 20))
    assert engine.metrics()["runs"]["cancelled"] == 2
    assert statuses == [200, 0] * 3


def test_batches(engine: perilune.Engine) -> None:
    script = engine.compile("if GET.n == '5' then error('five') end return GET.n * 2")
    requests: List[Any] = [{"get": {"n": n}} for n in range(100)]
    requests[7] = {"post": "no JSON"}
    requests[8] = script.request(get={"n": 1000})
    told: List[Any] = []
    traces = script.run_batch(requests, progress=lambda done, total: told.append((done, total)))
    assert [trace.value if isinstance(trace, perilune.Trace) else None for trace in traces[:10]] == [
        0, 2, 4, 6, 8, None, 12, None, 2000, 18,
    ]  # fmt: skip
    assert isinstance(traces[7], perilune.PayloadError) and not traces[7].ok
    assert told[-1] == (100, 100)
    assert script.run_batch([]) == []
    assert len(script.run_batch(requests, progress=True)) == 100
    with pytest.raises(TypeError, match="unexpected keyword argument 'x'"):
        script.run_batch([{"x": 1}])
    with pytest.raises(ZeroDivisionError):
        script.run_batch(requests, progress=lambda done, total: 1 // 0)


INTERRUPTED = """
    import os, signal, sys, threading, time
    import perilune
    # Python has none where it was started with the signal ignored, as nohup does.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    engine = perilune.Engine(pool_size=1, timeout=60, queue=60)
    {setup}
    def interrupt():
        began.wait()
        global sent
        sent = time.monotonic()
        os.kill(os.getpid(), signal.SIGINT)
    began = threading.Event()
    engine.function("begin", began.set)
    threading.Thread(target=interrupt, daemon=True).start()
    try:
        {run}
    except KeyboardInterrupt:
        print(time.monotonic() - sent)
    runs = engine.metrics()["runs"]
    assert runs["cancelled"] > 0 and runs["timeout"] == runs["queue_timeout"] == runs["failure"] == 0, runs
    assert engine.compile("return 1").run().value == 1
"""


@pytest.mark.parametrize(
    "setup, run",
    [
        ("", "engine.compile('host.begin() while true do pcall(function() while true do end end) end').run()"),
        ("", "engine.compile('host.begin() while true do end').run(get={'a': 1}, timeout=50)"),
        ("script = engine.compile('host.begin() while true do end')", "script.run_batch([{}] * 50)"),
        ("script = engine.compile('host.begin() for i = 1, 10000 do end')", "script.run_batch([{}] * 200_000)"),
    ],
)
def test_ctrl_c_ends_a_run(child: Child, setup: str, run: str) -> None:
    done = child(INTERRUPTED.format(setup=setup, run=run))
    # It is looked for every few milliseconds, and the run would go on for a minute, or until the batch is through.
    assert 0 <= float(done.stdout) < 5


def test_a_signal_handler_may_run_scripts(child: Child) -> None:
    child(
        """
        import os, signal, threading, perilune
        engine = perilune.Engine(pool_size=1, queue=0, timeout=60, host_calls=10**9)
        began, values = threading.Event(), []
        engine.function("begin", began.set)
        engine.function("is_done", lambda: bool(values))
        signal.signal(signal.SIGUSR1, lambda *_: values.append(engine.compile("return 7").run().value))
        threading.Thread(target=lambda: began.wait() and os.kill(os.getpid(), signal.SIGUSR1)).start()
        trace = engine.compile("host.begin() repeat until host.is_done() return 1").run()
        assert (trace.value, values) == (1, [7]), (trace, values)
        """
    )


def run_in_child(script: Any) -> Any:
    return script.run(get={"n": 20}).value


def scale(n: Any) -> float:
    return 10 * float(n)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(method: str) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip("not on this system")
    engine = perilune.Engine(pool_size=1, timeout=5)
    engine.function("scale", scale)
    engine.module("util", "return { one = 1 }")
    script = engine.compile("return host.scale(GET.n) + require('util').one", name="scaled")
    assert script.run(get={"n": 1}).value == 11
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.map(run_in_child, [script] * 4) == [201] * 4


def test_prefork(child: Child) -> None:
    """As gunicorn and Celery do: an engine of the parent's, used there before the fork and in the children after it."""
    child(
        """
        import asyncio, os, perilune
        engine = perilune.Engine(pool_size=2)
        engine.scripts["hello"] = "print('Hello', GET.n) return GET.n"
        assert engine.run("hello", "n=0").value == "0"
        loop = asyncio.new_event_loop()
        loop.run_until_complete(engine.run_async("hello", "n=0"))
        children = []
        for n in range(4):
            pid = os.fork()
            if pid == 0:
                ok = engine.run("hello", get={"n": n}).value == str(n)
                ok = ok and asyncio.run(engine.run_async("hello", "n=a")).value == "a"
                ok = ok and all(loop.run_until_complete(engine.run_async("hello", "n=b")).ok for _ in range(500))
                ok = ok and engine.compile("while true do end").run(timeout=0.01).status == "timeout"
                os._exit(0 if ok else 1)
            children.append(pid)
        # What wakes the child's loop must not be heard by this one.
        loop.run_until_complete(asyncio.sleep(0.2))
        assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children] == [0] * 4
        assert engine.run("hello", "n=9").value == "9"
        """
        if sys.version_info >= (3, 9)
        else ""
    )


def sent(what: Any, to: Any) -> Any:
    """What another process has of it: `to` works there."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(to, (pickle.dumps(what),))


def received(pickled: bytes) -> Any:
    first, second = pickle.loads(pickled), pickle.loads(pickled)
    assert first is second
    return (first.name, first.run().value, dict(first.engine.limits), first.engine.run("a/b").value)


def received_in_turn(pickled: bytes) -> Any:
    old, new = pickle.loads(pickled)
    engine = pickle.loads(new)
    return pickle.loads(old) is engine, engine.run("a/b").value


def test_pickling() -> None:
    engine = perilune.Engine(pool_size=1, timeout=2, memory="8MiB")
    engine.scripts["a/b"] = "return 1"
    engine.module("util", "return 2")
    engine.function("scale", scale)
    script = engine.compile("return host.scale(require('util'))", name="c")
    assert sent(script, received) == ("c", 20, dict(engine.limits), 1)
    old = pickle.dumps(engine)
    engine.scripts["a/b"] = "return 3"
    assert sent((old, pickle.dumps(engine)), received_in_turn) == (True, 3)
    assert pickle.loads(old) is engine and copy.deepcopy({"engine": engine})["engine"] is engine
    with pytest.raises(TypeError, match="to_dict"):
        pickle.dumps(script.run())
    engine.function("local", lambda: None)
    with pytest.raises(Exception, match="lambda"):
        pickle.dumps(engine)


def run_named(engine: perilune.Engine) -> Any:
    again = pickle.loads(pickle.dumps(engine))
    return engine.run("a").value, again is engine


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="not on this system")
def test_a_fork_gets_what_it_is_sent_and_not_what_it_had() -> None:
    engine = perilune.Engine(pool_size=1)
    engine.scripts["a"] = "return 1"
    pickle.dumps(engine)
    with multiprocessing.get_context("fork").Pool(1) as pool:
        engine.scripts["a"] = "return 2"
        assert pool.apply(run_named, (engine,)) == (2, True)
        engine.scripts["a"] = "return 3"
        assert pool.apply(run_named, (engine,)) == (3, True)


@pytest.mark.parametrize("error", ["return +", "raise"])
def test_errors_can_be_pickled(engine: perilune.Engine, error: str) -> None:
    with pytest.raises(perilune.Error) as raised:
        engine.compile("return +" if error == "return +" else "error('x')").run().raise_for_status()
    copy = pickle.loads(pickle.dumps(raised.value))
    assert (type(copy), str(copy)) == (type(raised.value), str(raised.value))


@pytest.mark.parametrize(
    "program",
    [
        # Runs on the engine's threads.
        "asyncio.run(begin(endless))",
        # In host functions, on threads that hold or want the GIL.
        "engine.function('spin', lambda: sum(range(1000)))\n"
        "asyncio.run(begin(busy))",
        # On daemon threads.
        "threading.Thread(target=endless.run, daemon=True).start()\n"
        "threading.Thread(target=busy.run, daemon=True).start()",
        # A watch.
        "engine.watch(tempfile.mkdtemp(), print)",
    ],
)
def test_a_process_may_end_at_any_time(child: Child, program: str) -> None:
    for _ in range(5):
        child(
            "import asyncio, tempfile, threading, perilune\n"
            "engine = perilune.Engine(pool_size=2, timeout=60)\n"
            "engine.function('spin', lambda: None)\n"
            "endless = engine.compile('while true do end')\n"
            "busy = engine.compile('while true do pcall(host.spin) end')\n"
            "async def begin(script):\n"
            "    for _ in range(10): script._begin(script.request())\n"
            f"{program}\n"
        )


def test_watches(tmp_path: Any) -> None:
    engine = perilune.Engine(pool_size=1)
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "price.lua").write_text("return 1")
    (tmp_path / "broken.lua").write_text("return +")
    changed = threading.Event()
    reports: List[perilune.Report] = []

    def tell(report: perilune.Report) -> None:
        reports.append(report)
        if len(reports) > 1:
            changed.set()

    with engine.watch(tmp_path, tell):
        assert reports[0].loaded == ["shop/price"]
        (path, error), = reports[0].failed
        assert path.endswith("broken.lua") and isinstance(error, perilune.CompileError)
        assert engine.run("shop/price").value == 1
        (tmp_path / "shop" / "price.lua").write_text("return 2")
        assert changed.wait(60)
        assert engine.run("shop/price").value == 2
    assert not engine._watches
    with pytest.raises(perilune.Error):
        engine.watch(tmp_path / "none")
    assert engine.scripts.load_dir(tmp_path).loaded == []


def test_a_watch_that_uses_its_engine_goes_with_it(tmp_path: Any) -> None:
    engine = perilune.Engine(pool_size=1)
    engine.watch(tmp_path, lambda report: print(engine.metrics(), report))
    script = engine.compile("return 1")
    gone = weakref.ref(script)
    engine.function("keep", lambda: script)
    del engine, script
    gc.collect()
    assert gone() is None


def memory() -> int:
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_nothing_leaks(isolation: str) -> None:
    # They take longer in workers.
    runs = 10_000 if isolation == "none" else 2_000
    engine = perilune.Engine(pool_size=2, queue=60)
    engine.function("pick", lambda value: {"a": [value, b"\xff", None]})
    script = engine.compile("print('Hello') local v = host.pick(GET) return v.a[1]", name="leaks")
    failing = engine.compile("pcall(host.pick) host.pick()")

    def some(runs: int) -> None:
        for n in range(runs):
            script.run(get={"n": n}, post={"a": 1}).value
            failing.run().error
            script.run(query="n=1", post=b"{}").stdout

    async def asyncs(runs: int) -> None:
        await asyncio.gather(*(script.run_async(get={"n": n}) for n in range(runs)))

    def all_kinds(runs: int) -> None:
        some(runs)
        # Small ones: what many threads keep of the heap after a large one settles late.
        for _ in range(runs // 500):
            script.run_batch([{"get": {"n": n}} for n in range(500)])
        asyncio.run(asyncs(runs // 10))

    all_kinds(runs)
    gc.collect()
    rss, objects, live = memory(), len(gc.get_objects()), _native.live_objects()
    for _ in range(3):
        all_kinds(runs)
    gc.collect()
    assert _native.live_objects() == live
    assert abs(len(gc.get_objects()) - objects) < 100
    assert memory() - rss < 8 << 10, "KiB"
