"""The command: what it takes, prints and exits with is the same as of the Rust command `perilune`, which doesn't serve."""

from __future__ import annotations

import argparse
import difflib
import json as _json
import os
import re
import signal
import socket
from typing import IO, Any, Callable, Dict, Iterable, List, NamedTuple, NoReturn, Optional, Sequence, Tuple

from . import _bench, _native
from ._engine import Engine, Script
from ._errors import CompileError, Error, PayloadError
from ._request import Request

NOT_A_SUCCESS = 1
"""Exit code of a run whose status is not success; its trace was printed."""
REFUSED = 2
"""Exit code when there is no trace: usage, an unreadable file, a compile error, a bad payload."""

LARGEST = (1 << 64) - 1
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


class Refused(Exception):
    """Why there is no trace; its text is for stderr."""


def usage(reason: str) -> Refused:
    return Refused(f"perilune: {reason}; see --help")


class Input(NamedTuple):
    """Where a script or a JSON text comes from."""

    file: Optional[str] = None
    text: Optional[bytes] = None

    @property
    def is_stdin(self) -> bool:
        return self.file is None and self.text is None

    def read(self) -> bytes:
        if self.text is not None:
            return self.text
        try:
            with open(0 if self.file is None else self.file, "rb", closefd=self.file is not None) as file:
                return file.read()
        except OSError as error:
            raise Refused(f"perilune: can't read {self.path}: {reason_of(error)}") from None

    @property
    def path(self) -> str:
        """What users know it by."""
        return "stdin" if self.file is None else os.fsencode(self.file).decode("utf-8", "replace")

    @property
    def name(self) -> str:
        """What errors and traces call the script."""
        return os.path.splitext(os.path.basename(self.path))[0]


def reason_of(error: OSError) -> str:
    return f"{error.strerror} (os error {error.errno})"


def text_of(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise usage("invalid UTF-8 was detected in one or more arguments") from None
    return text


def script(text: str) -> Input:
    return Input() if text == "-" else Input(file=text)


def json(text: str) -> Input:
    if text == "@":
        raise ValueError("a file's name must follow the @")
    if text.startswith("@"):
        return Input(file=text[1:])
    return Input() if text == "-" else Input(text=text_of(text).encode())


def pair(text: str) -> Tuple[str, str]:
    key, separator, value = text_of(text).partition("=")
    if not separator:
        raise ValueError(f"a = must stand between key and value, as in {text}=1")
    return key, value


def format_(text: str) -> str:
    if text not in ("text", "json"):
        raise ValueError("give text or json")
    return text


def whole(text: str) -> int:
    if not re.fullmatch(r"\+?[0-9]{1,30}", text) or int(text) > LARGEST:
        raise ValueError(f"give a whole number from 0 to {LARGEST}")
    return int(text)


def size(text: str) -> int:
    return _native.parse_bytes(text_of(text))


def positive(text: str, what: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0
    if not 0 < number <= LARGEST:
        raise ValueError(f"give a number of {what}")
    return number


def seconds(text: str) -> float:
    return positive(text, "seconds above 0, such as 0.5 or 10")


def rate(text: str) -> float:
    return positive(text, "runs a second above 0")


def port(text: str) -> int:
    if not re.fullmatch("[0-9]{1,5}", text) or int(text) > 65535:
        raise ValueError("give a port from 0 to 65535")
    return int(text)


def key(text: str) -> Input:
    if not text.strip("@"):
        raise ValueError("give a key, or @ and the name of a file with one in each line")
    return Input(file=text[1:]) if text.startswith("@") else Input(text=text_of(text).encode())


def public(text: str) -> str:
    if not re.fullmatch("[^/]+/[^/]+", text_of(text)):
        raise ValueError("give an instance and a name, as in moonbase/hello")
    return text


class Take(argparse.Action):
    """Reads a value, or several of an argument, and says what is wrong with it in the words of the Rust command."""

    def __init__(self, option_strings: Sequence[str], dest: str, *, read: Callable[[str], Any], **rest: Any) -> None:
        super().__init__(option_strings, dest, **rest)
        self.read = read

    @property
    def label(self) -> str:
        return " ".join([*self.option_strings, str(self.metavar)]) + ("..." if self.nargs == "+" else "")

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option: Optional[str] = None) -> None:
        before = getattr(namespace, self.dest)
        if self.nargs == "+":
            values = tuple(map(self.value, values))
        else:
            values = self.value(values)
        # What may be given again and again has an empty default.
        if isinstance(before, tuple):
            values = (*before, values)
        elif before is not None:
            raise usage(f"the argument '{self.label}' cannot be used multiple times")
        setattr(namespace, self.dest, values)

    def value(self, text: str) -> Any:
        if not text and not self.option_strings:
            raise usage(f"a value is required for '{self.label}' but none was supplied")
        try:
            return self.read(text)
        except (ValueError, Error) as error:
            raise usage(f"invalid value '{text}' for '{self.label}': {error}") from None


class Parser(argparse.ArgumentParser):
    takes: Dict[str, Take]

    def __init__(self, **rest: Any) -> None:
        super().__init__(allow_abbrev=False, add_help=False, formatter_class=argparse.RawDescriptionHelpFormatter, **rest)
        self.add_argument("-h", "--help", action="help", help="Print help")
        self.takes = {}

    def take(self, name: str, metavar: str, read: Callable[[str], Any], help: str, **rest: Any) -> None:
        action = self.add_argument(name, metavar=metavar, action=Take, read=read, help=help, **rest)
        assert isinstance(action, Take)
        self.takes[name] = action

    def error(self, message: str) -> NoReturn:
        required = re.fullmatch("the following arguments are required: (.*)", message, re.DOTALL)
        if required:
            labels = " ".join(take.label for take in self.takes.values() if take.required and not take.option_strings)
            raise usage(f"the following required arguments were not provided: {labels}")
        bare = re.fullmatch("argument (--[a-z]+): expected one argument", message)
        if bare:
            raise usage(f"a value is required for '{self.takes[bare[1]].label}' but none was supplied")
        raise usage(message)

    def _print_message(self, message: str, file: Optional[Any] = None) -> None:
        show(message)


def parser() -> Tuple[Parser, Dict[str, Parser]]:
    top = Parser(
        prog="python -m perilune",
        description="Runs untrusted Luau scripts: a script and a request in, a trace out",
    )
    top.add_argument("-V", "--version", action="version", version=f"perilune {_native.version}", help="Print version")
    commands = top.add_subparsers(dest="command", metavar="<COMMAND>", title="Commands")

    def add(name: str, about: str, codes: str) -> Parser:
        made: Parser = commands.add_parser(name, help=about, description=about, epilog=f"Exit code: {codes}")
        return made

    run = add(
        "run",
        "Runs a script once and prints its trace, as one line of JSON or indented on a terminal",
        "0 success; 1 any other status, the trace is still printed; 2 usage, an unreadable\n"
        "file, a compile error or a bad payload: one line on stderr and nothing on stdout.",
    )
    check = add(
        "check",
        "Compiles scripts without running them: a line FILE:LINE: REASON on stderr for each error;\n"
        "where there is none, a line FILE:LINE: warning: … for what may not be there, or differs\n"
        "from other Luas",
        "0 all compile, whatever the warnings; 1 with --deny-warnings, there are some;\n"
        "2 some don't compile, or can't be read.",
    )
    check.take("files", "<FILE>", script, "The scripts; - is stdin", nargs="+")
    check.take(
        "--format", "<FORMAT>", format_,
        "text: lines on stderr; json: objects on stdout, one a line, with file, line, column, severity\nand message [default: text]",
    )
    check.add_argument("--deny-warnings", action="store_true", help="Fail where there are warnings")
    bench = add(
        "bench",
        "Runs a script over and over, on one thread, and prints a histogram of its latency",
        "0 all runs succeeded; 1 some did not, stderr says how many and why; 2 as for run.",
    )
    for made in (run, bench):
        made.take(
            "file", "<FILE|->", script,
            "The script; - is stdin. Errors and traces call it by its file name without the extension (hello for hello.lua), or stdin",
        )  # fmt: skip
        made.take("--query", "<QUERY>", text_of, "The query as in a URL, without its ?")
        made.take(
            "--get", "<K=V>", pair,
            "A parameter of the query, as it is: nothing in it is decoded. Can be repeated, and comes after those of --query; of one key "
            "the last value counts",
            default=(),
        )  # fmt: skip
        made.take("--post", "<JSON|@FILE|->", json, "The body: a JSON object, @FILE to read it from a file, or - for stdin")
        made.take("--form", "<FORM>", text_of, "The body: an urlencoded form, such as a=1&b=2")
        made.take("--config", "<JSON|@FILE|->", json, "The script's settings, CONFIG: given as for --post")
        made.take("--meta", "<JSON|@FILE|->", json, "What the host knows of the request, META: given as for --post")
        made.take("--seed", "<N>", whole, "Makes math.random repeat")
        limits(made)
        made.take("--module", "<NAME=FILE>", pair, "A module that the script can require by this name; can be repeated", default=())
    bench.take("--seconds", "<S>", seconds, "How long to measure [default: 3]")
    serve = add(
        "serve",
        "Serves the scripts DIR/INSTANCE/NAME.lua over HTTP, as Syncano's Script Endpoints, and keeps\n"
        "them as the files are; a line FILE:LINE: REASON on stderr for each that does not compile",
        "0 it was told to end, by SIGINT or SIGTERM; 2 usage, or it can't serve: one line on stderr.",
    )
    serve.take("directory", "<DIR>", text_of, "The folder of the scripts, with a folder for each instance")
    serve.take(
        "--key", "<KEY|@FILE>", key, "A key that requests must have, or @FILE to read them from a file, one in each line; can be repeated",
        default=(),
    )  # fmt: skip
    serve.take("--host", "<HOST>", text_of, "The address to listen at [default: 127.0.0.1]")
    serve.take("--port", "<PORT>", port, "The port to listen at; 0 takes a free one [default: 8080]")
    serve.take(
        "--public", "<INSTANCE/NAME>", public, "A script that can be run without a key, at its public link; can be repeated", default=()
    )
    serve.take("--rate", "<N>", rate, "Runs a second of each instance [default: no limit]")
    serve.take("--metrics-port", "<PORT>", port, "Serves /metrics and /healthz at this port, without a key")
    limits(serve)
    return top, {"run": run, "check": check, "bench": bench, "serve": serve}


def limits(made: Parser) -> None:
    made.take("--timeout", "<MS>", whole, "Wall clock for one run, in milliseconds [default: 30000]")
    made.take("--memory", "<BYTES>", size, "Memory for one run: a number, or one with KiB, MiB or GiB behind it [default: 64MiB]")
    made.take("--output", "<BYTES>", size, "Captured stdout and stderr, each [default: 512KiB]")


def similar(what: str, given: str, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(given, known, n=1)
    return f"; tip: a similar {what} exists: '{found[0]}'" if found else ""


def parse(argv: List[str]) -> argparse.Namespace:
    top, commands = parser()
    if argv[:1] == ["help"]:
        argv = [*argv[1:2], "--help"]
    if not argv:
        raise usage(f"'perilune' requires a subcommand but one was not provided [subcommands: {', '.join(commands)}, help]")
    if not argv[0].startswith("-") and argv[0] not in commands:
        raise usage(f"unrecognized subcommand '{text_of(argv[0])}'{similar('subcommand', argv[0], commands)}")
    arguments, unknown = top.parse_known_args(argv)
    if unknown:
        known = commands[argv[0]].takes if argv[0] in commands else ()
        name = text_of(unknown[0]).partition("=")[0]
        raise usage(f"unexpected argument '{name}' found" + similar("argument", name, (option for option in known if option[0] == "-")))
    return arguments


def prepare(arguments: argparse.Namespace) -> Tuple[Script, Request]:
    """Reads all that the arguments name, and compiles the script in an engine of its own."""
    post, config, meta = arguments.post, arguments.config, arguments.meta
    if post is not None and arguments.form is not None:
        raise usage("the argument '--post <JSON|@FILE|->' cannot be used with '--form <FORM>'")
    at_most_one_stdin(given for given in (arguments.file, post, config, meta) if given is not None)

    # An engine's limits, unlike a run's, can be above the default.
    engine = engine_of(arguments, pool_size=1)
    for name, path in arguments.module:
        source = Input(file=path).read()
        try:
            engine.module(name, source)
        except CompileError as error:
            raise Refused(f"{path}:{error.line}: {error.reason}") from None
    source = arguments.file.read()
    try:
        compiled = engine.compile(source, name=arguments.file.name)
    except CompileError as error:
        raise Refused(f"{arguments.file.path}:{error.line}: {error.reason}") from None
    request = Script.request(
        with_pairs(arguments.query or "", arguments.get),
        post and post.read(),
        form=arguments.form,
        config=config and config.read(),
        meta=meta and meta.read(),
        seed=arguments.seed,
    )
    return compiled, request


def engine_of(arguments: argparse.Namespace, pool_size: Optional[int] = None) -> Engine:
    timeout = None if arguments.timeout is None else arguments.timeout / 1000
    return Engine(pool_size=pool_size, timeout=timeout, memory=arguments.memory, output=arguments.output)


def at_most_one_stdin(inputs: Iterable[Input]) -> None:
    """Refuses what would read stdin twice, before anybody waits for it."""
    if sum(given.is_stdin for given in inputs) > 1:
        raise Refused("perilune: stdin can be read once: give - in one place, files in the others")


def with_pairs(query: str, pairs: Iterable[Tuple[str, str]]) -> str:
    """The query with `pairs` behind it, escaped as far as decoding would change them. No key has a `=`."""
    escapes = str.maketrans({c: f"%{ord(c):02X}" for c in "%&+"})
    return "&".join([*([query] if query else []), *(f"{key.translate(escapes)}={value.translate(escapes)}" for key, value in pairs)])


def run(arguments: argparse.Namespace) -> int:
    compiled, request = prepare(arguments)
    trace = compiled._run(None, None, request)
    text = trace.to_json()
    show((indent(text) if os.isatty(1) else text) + "\n")
    return 0 if trace.ok else NOT_A_SUCCESS


def check(arguments: argparse.Namespace) -> int:
    """Looks at every file, whatever comes of those before it."""
    at_most_one_stdin(arguments.files)
    engine = Engine()
    code = 0
    for file in arguments.files:
        try:
            source = file.read()
        except Refused as refused:
            complain(str(refused))
            code = REFUSED
            continue
        for found in engine.check(source, name=file.name):
            warning = found.severity == "warning"
            if arguments.format == "json":
                show(_json.dumps({"file": file.path, **found._asdict()}, ensure_ascii=False, sort_keys=True) + "\n")
            else:
                complain(f"{file.path}:{found.line}: {'warning: ' if warning else ''}{found.message}")
            code = max(code, REFUSED if not warning else NOT_A_SUCCESS if arguments.deny_warnings else 0)
    return code


def bench(arguments: argparse.Namespace) -> int:
    compiled, request = prepare(arguments)
    time = 3.0 if arguments.seconds is None else arguments.seconds
    path = arguments.file.path
    warm = _bench.measure(compiled, request, min(_bench.WARM_UP, time), "warming up")
    # A script that fails now and then can be measured all the same; how long it takes to always fail misleads.
    if warm.failed == warm.runs:
        complain(f"{path}: {warm.failures()}; nothing was measured")
        return NOT_A_SUCCESS
    measured = _bench.measure(compiled, request, time, "measuring")
    show(measured.report(path))
    if measured.failed:
        complain(f"{path}: {measured.failures()}")
        return NOT_A_SUCCESS
    return 0


def serve(arguments: argparse.Namespace) -> int:
    if not arguments.key:
        raise usage("the following required arguments were not provided: --key <KEY|@FILE>")
    try:
        from . import _serve, asgi
    except ImportError:
        raise Refused("perilune: serve needs uvicorn and python-multipart: pip install 'perilune[asgi]'") from None
    keys = [line for given in arguments.key for line in given.read().decode("utf-8-sig", "replace").split("\n")]
    keys = [key.strip() for key in keys if key.strip()]
    if not keys:
        raise Refused(f"perilune: no key in {arguments.key[0].path}: write one in each line")
    directory: str = arguments.directory
    if not os.path.isdir(directory):
        raise Refused(f"perilune: can't read {directory}: it is no folder")

    engine = engine_of(arguments)
    path = os.path.join(directory, ".public_links.json")
    try:
        public = _serve.Links(path, arguments.public) if arguments.public else ()
        app = asgi.endpoints(engine, keys=keys, public=public, rate=arguments.rate)
    except (OSError, ValueError, TypeError) as error:
        reason = reason_of(error) if isinstance(error, OSError) else str(error)
        raise Refused(f"perilune: can't read the public links in {path}: {reason}") from None

    host = arguments.host or "127.0.0.1"
    listeners: List[socket.socket] = []
    for number in (8080 if arguments.port is None else arguments.port, arguments.metrics_port):
        try:
            listeners += [] if number is None else [_serve.listen(host, number)]
        except OSError as error:
            raise Refused(f"perilune: can't listen on {host}:{number}: {reason_of(error)}") from None
    _serve.serve(engine, directory, app, listeners, show, complain)
    return 0


def indent(json: str) -> str:
    """Indents one line of JSON for a terminal. Keys keep their order and numbers their digits. Control characters, which JSON allows
    from U+007F on, are escaped: a terminal would obey them."""
    out: List[str] = []
    depth = 0
    for token in re.findall(r'"(?:[^"\\]|\\.)*"|\{\}|\[\]|[{}\[\],:]|[^"{}\[\],:]+', json):
        if token in ("{", "["):
            depth += 1
            out.append(token + "\n" + "  " * depth)
        elif token in ("}", "]"):
            depth -= 1
            out.append("\n" + "  " * depth + token)
        elif token == ",":
            out.append(",\n" + "  " * depth)
        elif token == ":":
            out.append(": ")
        else:
            out.append(CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", token))
    return "".join(out)


def write(fd: int, text: str) -> None:
    # Not sys.stdout: what it can't write it tries again at exit, and complains.
    stream: IO[bytes]
    with open(fd, "wb", closefd=False) as stream:
        stream.write(text.encode("utf-8", "replace"))


def show(text: str) -> None:
    """Writes to stdout. A reader that has gone, as `head` does, wants no more: that is no error."""
    try:
        write(1, text)
    except BrokenPipeError:
        pass
    except OSError as error:
        raise Refused(f"perilune: can't write to stdout: {reason_of(error)}") from None


def complain(reason: str) -> None:
    """One line on stderr, whatever a path or a script put into it. Nobody is left to tell when that fails."""
    try:
        write(2, CONTROL.sub(" ", reason) + "\n")
    except OSError:
        pass


def main(argv: List[str]) -> int:
    # Ctrl-C ends it at once, with no traceback of Python's.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        arguments = parse(argv)
        return {"run": run, "check": check, "bench": bench, "serve": serve}[arguments.command](arguments)
    except Refused as refused:
        complain(str(refused))
    except PayloadError as error:
        complain(f"perilune: {'POST: ' if error.part == 'body' else ''}{error}")
    except Error as error:
        complain(f"perilune: {error}")
    return REFUSED
