"""The engine, its scripts, which are nothing without it, and their names."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import json
import os
import threading
import uuid
import weakref
from functools import partial
from typing import (
    TYPE_CHECKING, Any, Callable, Dict, Iterable, Iterator, List, Literal, Mapping, MutableMapping, NamedTuple, Optional, Set, Tuple,
    TypeVar, Union, cast, overload,
)  # fmt: skip

from . import _native
from ._command import command
from ._completions import Completions
from ._directory import Report, Watch
from ._errors import Error, ScriptNotFound
from ._request import Json, Request, RunOptions, Size, Text, limits_of, nanoseconds, request
from ._trace import Trace

if TYPE_CHECKING:
    from typing_extensions import Unpack

Function = TypeVar("Function", bound=Callable[..., Any])
Isolation = Literal["none", "process"]
Settings = Tuple[int, int, int, Dict[str, int], Optional[Tuple[int, ...]]]


class Diagnostic(NamedTuple):
    """What `Engine.check` says of one line."""

    severity: str
    """`error` or `warning`."""
    line: int
    """From 1."""
    column: int
    """Where in that line, in characters from 1."""
    message: str
    """What is wrong there."""


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
        return completions.begin(partial(self._submit, given, self._engine._context()))

    def run_batch(
        self,
        requests: Iterable[Union[Mapping[str, Any], Request]],
        *,
        progress: Union[bool, Callable[[int, int], object]] = False,
    ) -> List[Union[Trace, Error]]:
        """Runs it once for each request, on as many threads as the engine has, and returns what came of them in their order: a
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
        return self._engine._again, (self.name, self.source)

    def __repr__(self) -> str:
        return f"<perilune.Script {self.name} version {self.version}>"


class Scripts(MutableMapping[str, Script]):
    """The named scripts of an engine, as a mapping: a source that is set is compiled, and serves from then on.

    >>> import perilune
    >>> engine = perilune.Engine()
    >>> engine.scripts["shop/greet"] = "return 'Hello ' .. ARGS.name"
    >>> engine.run("shop/greet", get={"name": "Ada"}).value
    'Hello Ada'
    >>> engine.scripts["shop/greet"].version, list(engine.scripts)
    (1, ['shop/greet'])
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __getitem__(self, name: str) -> Script:
        try:
            return Script(self._engine, "get", name)
        except (ScriptNotFound, TypeError, UnicodeEncodeError):
            # What can't be a name is none.
            raise ScriptNotFound(name) from None

    def __setitem__(self, name: str, source: Union[str, bytes, Script]) -> None:
        Script(self._engine, "put", name, source.source if isinstance(source, Script) else source)

    def __delitem__(self, name: str) -> None:
        try:
            self._engine._remove(name)
        except ScriptNotFound:
            raise ScriptNotFound(name) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._engine._names())

    def __len__(self) -> int:
        return len(self._engine._names())

    def load_dir(self, path: Union[str, os.PathLike[str]]) -> Report:
        """Lets the `*.lua` files of a directory serve: `PATH/NAME.lua` as `NAME`, `PATH/INSTANCE/NAME.lua` as `INSTANCE/NAME`."""
        return Report(*self._engine._load_dir(os.fspath(path)))


class Engine(_native.Engine):
    """Runs scripts. Make one for a process and share it.

    :param pool_size: how many VMs, and so how many runs at once, with those that wait; as many as the machine has threads, if not given
    :param threads: how many threads make the runs of `run_async` and `run_batch`; as many as there are VMs, up to 64, if not given. A run of
        `run_async` that waits for a coroutine takes none, so that VMs may be thousands
    :param timeout: seconds of one run; 30
    :param memory: bytes that the heap of a run's VM may grow by, or text such as ``"64MiB"``; 64 MiB
    :param output: bytes of stdout and stderr each; 512 KiB
    :param queue: seconds that a run waits for a VM; 5
    :param value: bytes of the returned value as JSON; 512 KiB
    :param host_calls: calls of host functions in one run; 10,000
    :param request: bytes of query, body, config and meta together; 512 KiB
    :param parameters: parameters in the query; 1,000
    :param source: bytes of a source; 1 MiB
    :param backlog: runs of `run_async` that may wait for a VM; 10,000
    :param isolation: ``"process"`` has runs made in worker processes that can do nothing but compute; ``"none"`` in this process, as
        where it is not given
    :param worker_max_runs: runs after which a worker process is replaced
    :param worker_max_age: seconds after which no run begins in one
    :param worker_backoff: seconds for which a source is refused that ended three workers in a row, twice as long after each that it ends
        then; 1
    :param worker_spin: seconds for which a worker and this process wait for each other without sleeping; 20e-6
    :param require_sandbox: whether the engine can't be made where a part of the workers' sandbox is missing (see `sandbox`)
    :raises Error: the program of the workers, which is installed with the package, is not there

    It can be pickled: what arrives in another process is an engine with the same settings, sources and host functions (which are sent by
    reference), the same one however often it comes.

    >>> import perilune
    >>> engine = perilune.Engine(pool_size=4, timeout=5.0, memory="64MiB")
    >>> engine.compile("print('Hello', ARGS.monster)", name="hello").run(query="monster=Manticore").stdout
    'Hello\\tManticore\\n'
    """

    _settings: Settings
    _functions: Dict[str, Callable[..., Any]]
    _has_coroutines: bool
    _modules: Dict[str, Union[str, bytes]]
    _watches: Set[Watch]
    _sent: Dict[str, int]
    _was_sent: bool
    _restored: weakref.WeakValueDictionary[Tuple[str, str], Script]
    _key: str

    def __new__(
        cls,
        *,
        pool_size: Optional[int] = None,
        threads: Optional[int] = None,
        timeout: Optional[float] = None,
        memory: Optional[Size] = None,
        output: Optional[Size] = None,
        queue: Optional[float] = None,
        value: Optional[Size] = None,
        host_calls: Optional[int] = None,
        request: Optional[Size] = None,
        parameters: Optional[int] = None,
        source: Optional[Size] = None,
        backlog: Optional[int] = None,
        isolation: Optional[Isolation] = None,
        worker_max_runs: Optional[int] = None,
        worker_max_age: Optional[float] = None,
        worker_backoff: Optional[float] = None,
        worker_spin: Optional[float] = None,
        require_sandbox: bool = False,
    ) -> Engine:
        if pool_size is not None and pool_size < 1:
            raise ValueError(f"pool_size: an engine has at least 1 VM, not {pool_size}")
        if threads is not None and threads < 1:
            raise ValueError(f"threads: an engine has at least 1, not {threads}")
        if backlog is not None and backlog < 0:
            raise ValueError(f"backlog: {backlog} runs can't wait")
        if isolation not in (None, "none", "process"):
            raise ValueError(f"isolation: pass 'none' or 'process', not {isolation!r}")
        limits = limits_of(
            timeout, queue, memory=memory, output=output, value=value, host_calls=host_calls, request=request,
            parameters=parameters, source=source,
        )  # fmt: skip
        if worker_max_runs is not None and worker_max_runs < 1:
            raise ValueError(f"worker_max_runs: a worker makes at least 1 run, not {worker_max_runs}")
        workers = [] if worker_max_runs is None else [1, worker_max_runs]
        # By the numbers of PERILUNE_WORKER_*.
        for number, name, seconds in (
            (2, "worker_max_age", worker_max_age), (3, "worker_backoff", worker_backoff), (4, "worker_spin", worker_spin),
        ):  # fmt: skip
            if seconds is not None:
                workers += [number, nanoseconds(seconds, name)]
        if require_sandbox:
            workers += [5, 1]
        if workers and isolation != "process":
            raise ValueError("worker_* and require_sandbox are for isolation='process'")
        options = tuple(workers) if isolation == "process" else None
        return cls._with(pool_size or 0, threads or 0, -1 if backlog is None else backlog, limits, options)

    @classmethod
    def _with(
        cls, pool_size: int, threads: int, backlog: int, limits: Dict[str, int], workers: Optional[Tuple[int, ...]]
    ) -> Engine:
        # Each process that is sent the engine looks for a program of its own.
        program = None if workers is None else os.fsencode(command())
        self = _native.Engine.__new__(cls, pool_size, threads, backlog, limits, program, workers or ())
        self._settings = (pool_size, threads, backlog, limits, workers)
        self._functions = {}
        self._has_coroutines = False
        self._modules = {}
        self._watches = set()
        self._sent = {}
        self._was_sent = False
        self._restored = weakref.WeakValueDictionary()
        self._key = uuid.uuid4().hex
        return self

    def compile(self, source: Union[str, bytes], *, name: str = "script") -> Script:
        """Compiles a script. Its name shows in errors and traces.

        :raises CompileError: it does not compile, or is too long
        """
        return Script(self, "compile", name, source)

    @property
    def scripts(self) -> Scripts:
        """The named scripts."""
        return Scripts(self)

    def run(
        self,
        name: str,
        query: Union[Text, Request, None] = None,
        post: Optional[Json] = None,
        **options: Unpack[RunOptions],
    ) -> Trace:
        """Runs the script that serves under a name: `Script.run`, whose parameters it takes.

        :raises ScriptNotFound: there is none
        """
        return self.scripts[name].run(query, post, **options)

    async def run_async(
        self,
        name: str,
        query: Optional[Text] = None,
        post: Optional[Json] = None,
        **options: Unpack[RunOptions],
    ) -> Trace:
        """`run` for asyncio: see `Script.run_async`."""
        return await self.scripts[name].run_async(query, post, **options)

    @overload
    def function(self, function: Function, /) -> Function: ...
    @overload
    def function(self, /, *, name: str) -> Callable[[Function], Function]: ...
    @overload
    def function(self, name: str, function: Function, /) -> Function: ...

    def function(self, *args: Any, name: Optional[str] = None) -> Any:
        """Gives scripts a function of the host, `host.NAME(…)`, from their next run on. A decorator, or called with a name and a function.

        What it raises is a Lua error with the exception's type and text; when the script does not catch it, the exception is the
        `__cause__` of `RunError`. It is called on the threads that make runs.

        An ``async def`` function runs as a task on the event loop of `run_async`'s caller, in his context (`contextvars`). Until it has ended, the
        run takes no thread; when the run ends before, the task is cancelled. Runs that have no loop (`run`, `run_batch`) get a Lua error in its
        place.

        >>> import perilune
        >>> engine = perilune.Engine()
        >>> @engine.function
        ... def lookup(key):
        ...     return {"a": 1}[key]
        >>> engine.compile("return host.lookup('a'), (pcall(host.lookup, 'b'))").run().value
        [1, False]
        """
        if len(args) == 2:
            name, function = args
        elif len(args) == 1 and callable(args[0]):
            (function,) = args
            name = name or getattr(function, "__name__", None)
            if name is None:
                raise TypeError("the function has no name: pass one, as in function('lookup', …)")
        elif not args and name is not None:
            return partial(self.function, name)
        else:
            raise TypeError("function takes a function, or a name and a function")
        if not callable(function):
            raise TypeError(f"{name}: a host function must be callable, not {type(function).__name__}")
        is_coroutine = inspect.iscoroutinefunction(function)
        self._has_coroutines |= is_coroutine
        self._function(cast(str, name), function, is_coroutine)
        self._functions[cast(str, name)] = function
        return function

    def _context(self) -> Optional[contextvars.Context]:
        """Where coroutines of the host begin that a run calls, if there can be any."""
        return contextvars.copy_context() if self._has_coroutines else None

    def module(self, name: str, source: Union[str, bytes]) -> None:
        """Gives scripts a module, `require "NAME"`, from their next run on.

        :raises CompileError: it does not compile, or is too long
        """
        self._module(name, source)
        self._modules[name] = source

    def watch(
        self, path: Union[str, os.PathLike[str]], on_change: Optional[Callable[[Report], None]] = None
    ) -> Watch:
        """Loads a directory as `scripts.load_dir` does, and keeps the scripts as the files are: an edit is live in about 0.1 s, a broken
        one changes nothing. It lasts as long as the engine, or until it is closed.

        :param on_change: told of the first load and of each change, on a thread of its own
        """

        def tell(report: _native.Report) -> None:
            if on_change is not None:
                on_change(Report(*report))

        watch = Watch(self, os.fspath(path), tell)
        watch._open = self._watches
        self._watches.add(watch)
        return watch

    def check(self, source: Union[str, bytes], *, name: str = "script") -> List[Diagnostic]:
        """What is wrong with a source, and what may do something else than its author expects, line by line. Runs nothing.

        >>> import perilune
        >>> perilune.Engine().check("prnt('Hello')")
        [Diagnostic(severity='warning', line=1, column=1, message='prnt is not there: did you mean print?')]
        """
        return [Diagnostic(*found) for found in self._check(name, source)]

    def metrics(self) -> Dict[str, Any]:
        """What the engine counted until now, in this process."""
        metrics: Dict[str, Any] = json.loads(self._metrics(False))
        return metrics

    def prometheus(self) -> str:
        """The same in Prometheus' text form, to be served as ``text/plain; version=0.0.4``."""
        return self._metrics(True)

    def sandbox(self) -> Optional[Dict[str, Optional[str]]]:
        """What keeps the engine's workers from the system, beside their VMs: each part with why it is missing, or None where it is in place.
        None where there are no workers."""
        missing = self._sandbox()
        return None if missing is None else dict(zip(("system_calls", "files", "namespaces", "resources"), missing))

    @property
    def limits(self) -> Mapping[str, Union[int, float]]:
        """The ceilings of every run: seconds, and bytes or counts."""
        return self._limits()

    def _again(self, name: str, source: str) -> Script:
        """A script that was sent to this process: compiled once for all times that it comes."""
        script = self._restored.get((name, source))
        if script is None:
            script = self._restored[name, source] = self.compile(source, name=name)
        return script

    def __reduce__(self) -> Tuple[object, ...]:
        # A fork has the engine, too, and what it is sent later is not what it has.
        key = self._key if self._was_sent else f"{self._key}-{os.getpid()}"
        with _lock:
            _arrived[key] = self
        named: Dict[str, Tuple[int, str]] = {}
        for name in self.scripts:
            script = self.scripts.get(name)
            # It may be gone by now.
            if script is not None:
                # One that is sent on keeps the number that it came with.
                named[name] = max(script.version, self._sent.get(name, 0)), script.source
        return _restore, (key, self._settings, dict(self._functions), dict(self._modules), named)

    def __repr__(self) -> str:
        limits = self.limits
        return f"<perilune.Engine timeout={limits['timeout']}, memory={limits['memory']}, {len(self.scripts)} named scripts>"


_arrived: weakref.WeakValueDictionary[str, Engine] = weakref.WeakValueDictionary()
_lock = threading.Lock()


def after_fork() -> None:
    """Nothing has arrived in this process, and nobody has the lock."""
    global _lock
    _lock = threading.Lock()
    _arrived.clear()


def _restore(
    key: str,
    settings: Settings,
    functions: Dict[str, Callable[..., Any]],
    modules: Dict[str, Union[str, bytes]],
    named: Dict[str, Tuple[int, str]],
) -> Engine:
    """An engine that was sent to this process: the one that is here, brought up to date, or a new one."""
    with _lock:
        engine = _arrived.get(key)
        if engine is not None and not engine._was_sent:
            # It never left.
            return engine
        if engine is None:
            engine = Engine._with(*settings)
            engine._key = key
            engine._was_sent = True
            _arrived[key] = engine
        for name, function in functions.items():
            if engine._functions.get(name) is not function:
                engine.function(name, function)
        for name, source in modules.items():
            if engine._modules.get(name) != source:
                engine.module(name, source)
        for name, (version, text) in named.items():
            # What was sent earlier may arrive later.
            if engine._sent.get(name, 0) < version:
                engine.scripts[name] = text
                engine._sent[name] = version
    return engine
