from asyncio import Future
from contextvars import Context
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple, Type, Union

from typing_extensions import Self

from . import _errors, _trace

Text = Union[str, bytes, bytearray, memoryview, None]
Report = Tuple[List[str], List[str], List[Tuple[str, _errors.Error]]]
Outcome = Union[_trace.Trace, _errors.Error]

version: str

class Engine:
    def __new__(
        cls,
        pool_size: int,
        threads: int,
        backlog: int,
        limits: Dict[str, int],
        workers: Union[str, bytes, None],
        options: Tuple[int, ...],
        /,
    ) -> Self: ...
    def _function(self, name: str, function: Callable[..., Any], is_coroutine: bool, /) -> None: ...
    def _module(self, name: str, source: Union[str, bytes], /) -> None: ...
    def _remove(self, name: str, /) -> None: ...
    def _names(self) -> List[str]: ...
    def _check(self, name: str, source: Union[str, bytes], /) -> List[Tuple[str, int, int, str]]: ...
    def _metrics(self, prometheus: bool, /) -> str: ...
    def _sandbox(self) -> Optional[Tuple[Optional[str], ...]]: ...
    def _limits(self) -> Dict[str, Union[int, float]]: ...
    def _load_dir(self, path: str, /) -> Report: ...
    def _ask_metrics(self, method: str, path: str, /) -> Exchange: ...

class Script:
    def __new__(cls, engine: Engine, how: str, name: str, source: Union[str, bytes] = ..., /) -> Self: ...
    @property
    def name(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def hash(self) -> str: ...
    @property
    def source(self) -> str: ...
    def _run(self, query: Text, json: Text, request: Optional["Request"], /) -> _trace.Trace: ...
    def _submit(
        self,
        request: "Request",
        context: Optional[Context],
        completions: "Completions",
        future: "Future[_trace.Trace]",
        /,
    ) -> None: ...
    def _run_batch(
        self, requests: Sequence["Request"], progress: Optional[Callable[[int], object]], /
    ) -> List[Outcome]: ...

class Request:
    def __new__(
        cls,
        query: Text,
        params: Optional[Dict[str, str]],
        json: Text,
        form: Text,
        config: Text,
        meta: Text,
        seed: Optional[int],
        limits: Optional[Dict[str, int]],
        cancel: Optional["Cancel"],
        tenant: Text,
        /,
    ) -> Self: ...

class Cancel:
    def __new__(cls) -> Self: ...
    def cancel(self) -> None: ...

class Watch:
    def __new__(cls, engine: Engine, path: str, watcher: Callable[[Report], None], /) -> Self: ...
    def _close(self) -> None: ...

class Answer:
    def give(self, value: object, /) -> None: ...
    def fail(self, exception: BaseException, /) -> None: ...
    def on_gone(self, function: Callable[[], object], /) -> None: ...

class Completions:
    def __new__(cls) -> Self: ...
    def fileno(self) -> int: ...
    def take(self) -> List[Tuple[Future[Any], Optional[Outcome]]]: ...

class Endpoints:
    def __new__(
        cls,
        engine: Engine,
        keys: List[Tuple[Optional[str], str]],
        public: List[Tuple[str, Optional[str]]],
        rate: Optional[float],
        /,
    ) -> Self: ...
    def _ask(
        self,
        method: str,
        path: Union[str, bytes],
        query: bytes,
        mount: str,
        address: str,
        headers: List[Tuple[bytes, bytes]],
        /,
    ) -> Exchange: ...
    def _publish(self, script: str, link: Optional[str], /) -> None: ...
    def _unpublish(self, script: str, /) -> None: ...
    def _links(self) -> List[Tuple[str, str]]: ...

STEP_BODY: int
STEP_RUN: int
STEP_RESET: int

class Exchange:
    @property
    def step(self) -> int:
        """What is to be done next: one of STEP_*, or else `answer`."""

    def push(self, data: bytes, /) -> bool:
        """At STEP_BODY, takes the next bytes, and says whether more are wanted."""

    def read(self) -> None:
        """At STEP_BODY, goes on with a body that has ended."""

    def run(self) -> None:
        """At STEP_RUN, makes the run on this thread."""

    def submit(self, context: Optional[Context], completions: Completions, future: Future[Any], /) -> None:
        """At STEP_RUN, has the run made on the engine's threads; there is no step until the completions give the future back."""

    def cancel(self) -> None:
        """Ends the run, which may not have begun."""

    def link(self) -> Tuple[str, str]:
        """At STEP_RESET, the script and the link that is to be stored."""

    def stored(self, reason: Optional[str], /) -> None:
        """At STEP_RESET, goes on with a link that was stored, or why it was not."""

    def answer(self) -> Tuple[int, List[Tuple[bytes, bytes]], bytes, bool]:
        """Status, headers, body, and whether the connection is to be closed."""

class Trace:
    def __new__(cls, *args: object) -> Self: ...
    @property
    def status(self) -> str: ...
    @property
    def ok(self) -> bool: ...
    @property
    def id(self) -> int: ...
    @property
    def duration(self) -> int: ...
    @property
    def duration_ns(self) -> int: ...
    @property
    def stdout(self) -> str: ...
    @property
    def stdout_bytes(self) -> bytes: ...
    @property
    def stderr(self) -> str: ...
    @property
    def stderr_bytes(self) -> bytes: ...
    @property
    def _value_json(self) -> Optional[str]: ...
    @property
    def _response(self) -> Optional[Tuple[int, str, bytes, List[Tuple[str, str]]]]: ...
    @property
    def _details(self) -> Dict[str, Any]: ...
    @property
    def _cause(self) -> Optional[BaseException]: ...
    def to_json(self) -> str: ...

def setup(
    trace: Type[Trace], make_error: Callable[..., Exception], begin_later: Callable[..., None], main_thread: int, /
) -> None: ...
def after_fork() -> None: ...
def end() -> None: ...
def live_objects() -> int: ...
def parse_bytes(text: str, /) -> int: ...
