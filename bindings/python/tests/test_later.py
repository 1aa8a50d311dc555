"""Host functions that are coroutines: they run on the caller's loop, and the run takes no thread meanwhile."""

import asyncio
import contextvars
import threading
from typing import Any, List, Tuple

import pytest

import perilune

user: contextvars.ContextVar[str] = contextvars.ContextVar("user")


def test_many_runs_wait_at_the_same_time_on_one_thread() -> None:
    runs = 200
    engine = perilune.Engine(pool_size=runs, threads=1)

    async def main() -> List[perilune.Trace]:
        everyone = asyncio.Event()
        waiting = 0

        @engine.function
        async def wait(n: int) -> int:
            nonlocal waiting
            waiting += 1
            if waiting == runs:
                everyone.set()
            await everyone.wait()
            return n

        script = engine.compile("return host.wait(tonumber(GET.n)), host.wait(0)")
        return await asyncio.gather(*(script.run_async(get={"n": n}) for n in range(runs)))

    traces = asyncio.run(asyncio.wait_for(main(), 60))
    assert [trace.value for trace in traces] == [[n, 0] for n in range(runs)]
    # The last one may be answered before it began to wait.
    assert all(trace.usage.waited_ns <= trace.duration_ns for trace in traces) and traces[0].usage.waited_ns > 0
    metrics = engine.metrics()
    assert metrics["vms"]["parked"] == 0 and metrics["wait_duration"]["count"] >= runs - 1


def test_it_runs_on_the_loop_of_the_caller_in_his_context() -> None:
    engine = perilune.Engine(pool_size=8)
    told: List[Tuple[str, int, object]] = []

    @engine.function
    async def who() -> str:
        await asyncio.sleep(0)
        told.append((user.get(), threading.get_ident(), asyncio.get_running_loop()))
        return user.get()

    script = engine.compile("return host.who()")

    async def one(name: str) -> object:
        user.set(name)
        return (await script.run_async()).value

    async def main() -> None:
        told.clear()
        names = [str(n) for n in range(20)]
        assert await asyncio.gather(*map(one, names)) == names
        assert {(thread, loop) for _, thread, loop in told} == {(threading.get_ident(), asyncio.get_running_loop())}

    asyncio.run(main())
    # Another loop, later.
    asyncio.run(main())


def test_what_it_raises_is_a_lua_error_and_the_cause() -> None:
    engine = perilune.Engine(pool_size=1)
    raised = KeyError("b")

    @engine.function
    async def fail() -> None:
        raise raised

    @engine.function
    async def strange() -> object:
        return object()

    async def main() -> None:
        caught = await engine.compile("return select(2, pcall(host.fail))").run_async()
        assert caught.value == "host.fail: KeyError: 'b'"
        trace = await engine.compile("host.fail()", name="x").run_async()
        with pytest.raises(perilune.RunError) as error:
            trace.raise_for_status()
        assert (str(error.value), error.value.__cause__) == ("x:1: host.fail: KeyError: 'b'", raised)
        trace = await engine.compile("host.strange()").run_async()
        assert trace.error is not None and "host.strange: TypeError" in trace.error.message
        await_nothing: Any = await engine.compile("return pcall(host.fail, function() end)").run_async()
        assert "is no value" in str(await_nothing.value)

    asyncio.run(main())


def test_without_a_loop_it_is_an_error() -> None:
    engine = perilune.Engine(pool_size=1)

    @engine.function
    async def later() -> int:
        return 1

    script = engine.compile("return select(2, pcall(host.later))")
    message = "host.later: the function is async, and waits for an event loop: use run_async"
    assert script.run().value == message
    (of_batch,) = script.run_batch([{}])
    assert isinstance(of_batch, perilune.Trace) and of_batch.value == message


@pytest.mark.parametrize("how", ["timeout", "cancel"])
def test_a_run_that_ends_cancels_its_task(how: str) -> None:
    engine = perilune.Engine(pool_size=2, threads=1)

    async def main() -> None:
        begun, ended = asyncio.Event(), asyncio.Event()

        @engine.function
        async def never() -> None:
            begun.set()
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                ended.set()

        script = engine.compile("host.never()")
        if how == "timeout":
            assert (await script.run_async(timeout=0.02)).status == "timeout"
        else:
            task = asyncio.ensure_future(script.run_async())
            await begun.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        await asyncio.wait_for(ended.wait(), 60)
        assert (await engine.compile("return 1").run_async()).value == 1

    asyncio.run(main())
    assert engine.metrics()["vms"]["parked"] == 0


def test_a_loop_that_is_closed_leaves_no_run() -> None:
    engine = perilune.Engine(pool_size=4, threads=1, timeout=60)

    async def main() -> None:
        begun = asyncio.Event()

        @engine.function
        async def never() -> None:
            begun.set()
            await asyncio.get_running_loop().create_future()

        task = asyncio.ensure_future(engine.compile("host.never()").run_async())
        await begun.wait()
        # `asyncio.run` cancels it.
        assert not task.done()

    asyncio.run(main())
    while engine.metrics()["vms"]["in_use"]:
        threading.Event().wait(0.001)
    assert engine.compile("return 1").run().value == 1


def test_threads_are_at_least_one() -> None:
    for threads in (0, -1):
        with pytest.raises(ValueError, match="threads"):
            perilune.Engine(threads=threads)
