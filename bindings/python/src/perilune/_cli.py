"""`python -m perilune serve`: what it takes, prints and exits with, as long as the command itself does not serve."""

from __future__ import annotations

import argparse
import difflib
import os
import re
import signal
import socket
from typing import IO, Any, Callable, Dict, Iterable, List, NamedTuple, NoReturn, Optional, Sequence, Tuple

from . import _native
from ._engine import Engine
from ._errors import Error

REFUSED = 2
"""Exit code of usage, and when it can't serve."""

LARGEST = (1 << 64) - 1
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


class Refused(Exception):
    """Why it can't serve; its text is for stderr."""


def usage(reason: str) -> Refused:
    return Refused(f"perilune: {reason}; see --help")


class Input(NamedTuple):
    """Where keys come from."""

    file: Optional[str] = None
    text: Optional[bytes] = None

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


def reason_of(error: OSError) -> str:
    return f"{error.strerror} (os error {error.errno})"


def text_of(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise usage("invalid UTF-8 was detected in one or more arguments") from None
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
    return top, {"serve": serve}


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


def engine_of(arguments: argparse.Namespace) -> Engine:
    timeout = None if arguments.timeout is None else arguments.timeout / 1000
    return Engine(timeout=timeout, memory=arguments.memory, output=arguments.output)


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
        return serve(arguments)
    except Refused as refused:
        complain(str(refused))
    except Error as error:
        complain(f"perilune: {error}")
    return REFUSED
