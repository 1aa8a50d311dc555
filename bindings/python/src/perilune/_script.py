"""A compiled script."""

from __future__ import annotations

import asyncio
import contextvars
import json
import weakref
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, List, Mapping, Optional, Tuple, TypedDict, Union

from . import _native
from ._errors import Error
from ._trace import Trace

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._engine import Engine

Text = Union[str, bytes, bytearray, memoryview]
"""A text that is at hand: as str, or its bytes."""
Json = Union[Text, Mapping[str, Any]]
"""A JSON object: as a mapping, or as text that is one."""

# PERILUNE_LIMIT_* of perilune.h
TIMEOUT_NS, QUEUE_NS, MEMORY, OUTPUT, VALUE, HOST_CALLS, REQUEST, PARAMETERS, SOURCE = range(1, 10)


def nanoseconds(seconds: float, name: str) -> int:
    """Seconds as the library takes them."""
    if not seconds >= 0:
        raise ValueError(f"{name}: {seconds!r} is no time in seconds")
    return min(round(seconds * 1e9), (1 << 64) - 1) if seconds < 1e11 else (1 << 64) - 1


def size(bytes: Union[int, str], name: str) -> int:
    """A size in bytes, or as people write it."""
    if isinstance(bytes, str):
        try:
            return _native.parse_bytes(bytes)
        except Error as error:
            raise ValueError(f"{name}: {error}") from None
    if not isinstance(bytes, int):
        raise TypeError(f"{name}: pass an int, or a text such as '64MiB', not {type(bytes).__name__}")
    if bytes < 0:
        raise ValueError(f"{name}: {bytes} is no size in bytes")
    return bytes


def json_text(value: Optional[Json], name: str) -> Optional[Text]:
    if value is None or isinstance(value, (str, bytes, bytearray, memoryview)):
        return value
    if not isinstance(value, Mapping):
        raise TypeError(f"{name}: pass a mapping, or JSON as str or bytes, not {type(value).__name__}")
    try:
        # A mapping that is no dict is unknown to json.
        return json.dumps(dict(value), allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name}: {error}") from None
    except RecursionError:
        raise ValueError(f"{name}: it is nested too deep") from None


def params_of(get: Optional[Mapping[str, Any]]) -> Optional[Dict[str, str]]:
    if get is None:
        return None
    params: Dict[str, str] = {}
    for key, value in get.items():
        if isinstance(value, (bool, float, int)):
            value = json.dumps(value)
        elif not isinstance(value, str):
            raise TypeError(f"get: {key!r} must be str or a number, not {type(value).__name__}")
        params[key] = value
    return params


class RunOptions(TypedDict, total=False):
    """What a run may be given beside its query and body. Limits only lower the engine's."""

    get: Optional[Mapping[str, Any]]
    """Parameters in place of a query: str, or numbers."""
    form: Optional[Text]
    """The body, an urlencoded form."""
    config: Optional[Json]
    """The host's settings, ``CONFIG``."""
    meta: Optional[Json]
    """What the host knows of the request, ``META``."""
    seed: Optional[int]
    """Makes ``math.random`` repeat: 0 to 2^64 - 1."""
    timeout: Optional[float]
    """Seconds."""
    memory: Union[int, str, None]
    """Bytes, or text such as ``"32MiB"``."""
    output: Union[int, str, None]
    """Bytes of stdout and stderr, each."""


class Request(_native.Request):
    """A request: see `Script.request`."""

    __slots__ = ()


def request(
    query: Union[Text, Request, None],
    post: Optional[Json],
    cancel: Optional[_native.Cancel] = None,
    *,
    get: Optional[Mapping[str, Any]] = None,
    form: Optional[Text] = None,
    config: Optional[Json] = None,
    meta: Optional[Json] = None,
    seed: Optional[int] = None,
    timeout: Optional[float] = None,
    memory: Union[int, str, None] = None,
    output: Union[int, str, None] = None,
) -> Request:
    """The request of a run's parameters."""
    if isinstance(query, Request):
        raise TypeError("a request that is made already goes alone, to run or in run_batch")
    if query is not None and get is not None:
        raise TypeError("pass query or get, not both")
    if post is not None and form is not None:
        raise TypeError("pass post or form, not both")
    limits: Dict[int, int] = {}
    if timeout is not None:
        limits[TIMEOUT_NS] = nanoseconds(timeout, "timeout")
    if memory is not None:
        limits[MEMORY] = size(memory, "memory")
    if output is not None:
        limits[OUTPUT] = size(output, "output")
    return Request(
        query, params_of(get), json_text(post, "post"), form, json_text(config, "config"), json_text(meta, "meta"),
        seed, limits, cancel,
    )  # fmt: skip


class Completions(_native.Completions):
    """Where the runs of one event loop end. The loop keeps it, as what reads its file, until the loop is closed or gone."""

    __slots__ = ("__weakref__", "_loop", "_new", "_under_way")
    _loop: asyncio.AbstractEventLoop
    _new: List[Tuple[Script, Request, asyncio.Future[Trace]]]
    _under_way: int

    def __new__(cls, loop: asyncio.AbstractEventLoop) -> Completions:
        self = super().__new__(cls)
        self._loop = loop
        self._new = []
        self._under_way = 0
        # Not in the context of who came first: it would stay as long as the loop.
        contextvars.Context().run(loop.add_reader, self.fileno(), self._take)
        return self

    @staticmethod
    def of(loop: asyncio.AbstractEventLoop) -> Optional[Completions]:
        """Those of a loop, which it may get now; None where it can't watch files (Windows' proactor)."""
        known = _completions.get(loop)
        completions = known() if known else None
        if completions is None:
            try:
                completions = Completions(loop)
            except NotImplementedError:
                return None
            _completions[loop] = weakref.ref(completions)
        return completions

    def begin(self, script: Script, given: Request) -> asyncio.Future[Trace]:
        future: asyncio.Future[Trace] = self._loop.create_future()
        self._new.append((script, given, future))
        if not self._under_way:
            self._submit()
        elif len(self._new) == 1:
            # Those that come until then go with it: each that comes alone has to wake a thread.
            self._loop.call_soon(self._submit)
        return future

    def _submit(self) -> None:
        new, self._new = self._new, []
        for script, given, future in new:
            try:
                script._submit(given, self, future)
                self._under_way += 1
            except Exception as error:
                settle(future, error)

    def _take(self) -> None:
        ended = self.take()
        self._under_way -= len(ended)
        for future, outcome in ended:
            settle(future, outcome)


def settle(future: asyncio.Future[Trace], outcome: Union[Trace, Exception]) -> None:
    if future.done():
        return  # It was cancelled.
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)


_completions: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, weakref.ref[Completions]] = weakref.WeakKeyDictionary()


def after_fork() -> None:
    """What the parent's threads write to is not this process's."""
    _completions.clear()


class Script(_native.Script):
    """A script that can be run, from any thread and by many at once. `Engine.compile` makes one.

    It has a `name`, a `version` (counted from 1 for named scripts), the `source`, and its SHA-256 as `hash`.
    """

    __slots__ = ("_engine", "__weakref__")
    _engine: Engine

    def __new__(cls, engine: Engine, how: str, name: str, source: Union[str, bytes] = "", /) -> Script:
        self = super().__new__(cls, engine, how, name, source)
        self._engine = engine
        return self

    @property
    def engine(self) -> Engine:
        """The engine that it belongs to."""
        return self._engine

    def run(
        self,
        query: Union[Text, Request, None] = None,
        post: Optional[Json] = None,
        **options: Unpack[RunOptions],
    ) -> Trace:
        """Runs it: what comes of it is in the trace, errors of the script included.

        :param query: the raw query, without the ``?``; or pass ``get=``; or, alone, what `request` made
        :param post: the body: a mapping, or a JSON object as str or bytes; or pass ``form=``
        :param options: see `RunOptions`
        :raises PayloadError: the request can't be given to a script

        >>> import perilune
        >>> script = perilune.Engine().compile("return GET.a, POST.n + 1, CONFIG.currency")
        >>> script.run(query="a=1", post=b'{"n": 1}', config={"currency": "EUR"}).value
        ['1', 2, 'EUR']
        """
        if not options and (post is None or type(post) is bytes):
            if isinstance(query, str) or query is None:
                return self._run(query, post, None)
            if isinstance(query, Request) and post is None:
                return self._run(None, None, query)
        return self._run(None, None, request(query, post, **options))

    async def run_async(
        self, query: Optional[Text] = None, post: Optional[Json] = None, **options: Unpack[RunOptions]
    ) -> Trace:
        """Runs it on the engine's own threads: `run` for asyncio. Cancelling the task cancels the run.

        >>> import asyncio, perilune
        >>> script = perilune.Engine().compile("return 7")
        >>> asyncio.run(script.run_async()).value
        7
        """
        cancel = _native.Cancel()
        future = self._begin(request(query, post, cancel, **options))
        try:
            return await future
        except BaseException:
            # Also when the coroutine is closed. After the end of the run this does nothing.
            cancel.cancel()
            raise

    def _begin(self, given: Request) -> asyncio.Future[Trace]:
        """Runs it on the engine's own threads. The run goes on when the future is cancelled."""
        loop = asyncio.get_running_loop()
        completions = Completions.of(loop)
        if completions is None:
            return loop.run_in_executor(None, self._run, None, None, given)
        return completions.begin(self, given)

    def run_batch(
        self,
        requests: Iterable[Union[Mapping[str, Any], Request]],
        *,
        progress: Union[bool, Callable[[int, int], object]] = False,
    ) -> List[Union[Trace, Error]]:
        """Runs it once for each request, on as many threads as the engine has VMs, and returns what came of them in their order: a
        trace, or the `Error` that kept a run from beginning. What one run does changes no other's result.

        :param requests: a mapping of the parameters of `run` each, or what `request` makes
        :param progress: True for a progress bar (with tqdm, where it is installed), or a function of (done, total)

        >>> import perilune
        >>> script = perilune.Engine().compile("return 2 * GET.n")
        >>> traces = script.run_batch([{"get": {"n": 1}}, {"post": "no JSON"}, {"get": {"n": 3}}])
        >>> [trace.value if trace.ok else str(trace) for trace in traces]
        [2, 'JSON parse error - Expecting object: line 1 column 1 (char 0)', 6]
        """
        made: List[Request] = []
        for one in requests:
            if not isinstance(one, (Request, Mapping)):
                raise TypeError(f"requests[{len(made)}]: pass a mapping or a Request, not {type(one).__name__}")
            made.append(one if isinstance(one, Request) else self.request(**one))
        if not progress:
            return self._run_batch(made, None)
        if callable(progress):
            tell = progress
            return self._run_batch(made, lambda done: tell(done, len(made)))
        try:
            from tqdm.auto import tqdm
        except ImportError:
            return self._run_batch(made, None)
        with tqdm(total=len(made), unit="run") as bar:
            return self._run_batch(made, lambda done: bar.update(max(0, done - bar.n)))

    @staticmethod
    def request(
        query: Optional[Text] = None, post: Optional[Json] = None, **options: Unpack[RunOptions]
    ) -> Request:
        """A request made once for many runs, or for `run_batch`: the parameters are those of `run`."""
        return request(query, post, **options)

    def __reduce__(self) -> Tuple[object, ...]:
        return _restore, (self._engine, self.name, self.source)

    def __repr__(self) -> str:
        return f"<perilune.Script {self.name} version {self.version}>"


def _restore(engine: Engine, name: str, source: str) -> Script:
    """A script that was sent to this process: compiled once for all times that it comes."""
    return engine._again(name, source)
