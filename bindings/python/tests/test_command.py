"""The command: every option, every exit code, and what stands on stdout and stderr. The Rust command's tests, engine/tests/command.rs,
have the same cases with the same texts; `serve` is tested with the endpoints."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Union

import pytest

import perilune
from perilune._bench import Measured, time
from perilune._cli import indent

# Returns those of the request's tables that hold something.
VIEW = b"""
    local seen = {}
    for name, part in { get = GET, post = POST, config = CONFIG, meta = META } do
        seen[name] = if next(part) then part else nil
    end
    return seen"""

FILES = {
    "view.lua": VIEW,
    "hello.v2.lua": b"print('Hello', ARGS.monster) warn('low') return 1",
    "fails.lua": b"print('so far')\nerror('boom\\nand more')",
    "endless.lua": b"while true do end",
    "moody.lua": b"if math.random() < 0.1 then error('moody') end",
    "random.lua": b"return math.random(1, 2^40)",
    "keeps.lua": b"local s = string.rep('x', 100 * 2^20) return #s",
    "prints.lua": b"print(string.rep('x', 700 * 1024))",
    "empty.lua": b"",
    "requires.lua": b"return require('util').name .. require('a/b')",
    "util.lua": b"return {name = 'util'}",
    "letter.lua": b"return 'b'",
    "unfinished.lua": b"local a = 1\n\nlocal b = = 2\n",
    "unclosed.lua": b"while true do",
    "broken.lua": b"function a()\n  x = = 1\nend\n\nfunction b()\n  goto done\nend\nprnt(1)",
    "doubtful.lua": b"local n = 1\nif n == 1 then prnt(n) end\nreturn math.type(n)",
    "latin.lua": b"-- one\nprint('\xe9')",
    "nul.lua": b"print('\0')",
    "body.json": b'{"n": 1}',
    "latin.json": b'{"a": "\xe9"}',
}

Arguments = List[Union[str, bytes]]
LARGEST = str((1 << 64) - 1)


class Done(NamedTuple):
    code: int
    stdout: str
    stderr: str


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("command")
    (folder / "folder.lua").mkdir()
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    return folder


class Command:
    """The command, run in the folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *arguments: Union[str, bytes], stdin: bytes = b"", **streams: Any) -> Done:
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
        done = subprocess.run([sys.executable, "-m", "perilune", *arguments], cwd=self.folder, input=stdin, **pipes)
        return Done(done.returncode, (done.stdout or b"").decode(), (done.stderr or b"").decode())

    def trace(self, *arguments: Union[str, bytes], code: int = 0, stdin: bytes = b"") -> Any:
        """The trace of a run that printed one, on one line, and nothing else."""
        done = self(*arguments, stdin=stdin)
        assert (done.code, done.stderr) == (code, ""), done
        assert done.stdout.endswith("\n") and done.stdout.count("\n") == 1, done
        return json.loads(done.stdout)


@pytest.fixture
def command(folder: Path) -> Command:
    return Command(folder)


def refused(done: Done) -> str:
    """The one line of a command that was refused."""
    assert (done.code, done.stdout) == (2, ""), done
    assert done.stderr.endswith("\n") and done.stderr.count("\n") == 1, done
    return done.stderr[:-1]


@pytest.mark.parametrize(
    "options, stdin, expected",
    [
        ([], b"", {}),
        (["--query", "a=%20+&b=%zz&flag"], b"", {"get": {"a": "  ", "b": "%zz", "flag": ""}}),
        (["--get", "a=1", "--get", "b=x=%20+&y;ü", "--get", "=", "--get", "a=2"], b"", {"get": {"a": "2", "b": "x=%20+&y;ü", "": ""}}),
        (
            ["--get", "a&+%3D=1", "--query", "a=q&b=q", "--get=-b=2", "--get", "b=get"],
            b"",
            {"get": {"a&+%3D": "1", "a": "q", "b": "get", "-b": "2"}},
        ),
        (["--post", '{"a": [1, null]}'], b"", {"post": {"a": [1, None]}}),
        (["--post", "@body.json"], b"", {"post": {"n": 1}}),
        (["--post", "-"], b'{"in": 1}', {"post": {"in": 1}}),
        (["--post", "-"], b"", {}),
        (["--post", ""], b"", {}),
        (["--form", "a=1&b=%26"], b"", {"post": {"a": "1", "b": "&"}}),
        (["--form", "@body.json"], b"", {"post": {"@body.json": ""}}),
        (["--config", '{"c": 1}', "--meta", '{"m": true}'], b"", {"config": {"c": 1}, "meta": {"m": True}}),
        (["--config", "@body.json", "--meta", "-"], b'{"in": 1}', {"config": {"n": 1}, "meta": {"in": 1}}),
        (["--config", "-", "--meta", "@body.json"], b'{"in": 1}', {"config": {"in": 1}, "meta": {"n": 1}}),
    ],
)
def test_a_script_sees_what_the_options_say(command: Command, options: List[str], stdin: bytes, expected: Any) -> None:
    for arguments in (["run", *options, "view.lua"], ["run", "view.lua", *options]):
        assert command.trace(*arguments, stdin=stdin)["result"]["value"] == expected


def test_a_script_requires_the_modules_that_are_given(command: Command) -> None:
    trace = command.trace("run", "requires.lua", "--module", "util=util.lua", "--module", "a/b=letter.lua")
    assert trace["result"]["value"] == "utilb"
    trace = command.trace("run", "requires.lua", code=1)
    assert trace["error"]["message"] == "requires:1: there is no module 'util': the host registered none"


def test_a_trace_is_one_line_with_the_seeds_keys_first(command: Command) -> None:
    trace = command.trace("run", "hello.v2.lua", "--get", "monster=Manticore")
    assert list(trace)[:5] == ["status", "duration", "result", "executed_at", "id"]
    assert trace["result"] == {"stderr": "low\n", "stdout": "Hello\tManticore\n", "value": 1}
    assert (trace["script"], trace["id"]) == ("hello.v2", 1)


def test_a_script_from_stdin_is_called_so(command: Command) -> None:
    trace = command.trace("run", "-", "--post", '{"n": 2}', code=1, stdin=b"print(POST.n)\nerror('no')")
    assert (trace["script"], trace["error"]["message"], trace["result"]["stdout"]) == ("stdin", "stdin:2: no", "2\n")


@pytest.mark.parametrize(
    "arguments, status, message",
    [
        (["fails.lua"], "failure", "fails:2: boom\nand more"),
        (["endless.lua", "--timeout", "20"], "timeout", "the run did not end within its timeout of 20 ms"),
        (["endless.lua", "--timeout", "1001"], "timeout", "the run did not end within its timeout of 1001 ms"),
        (["keeps.lua"], "memory_limit", "the run needed more memory than its limit of 67108864 bytes"),
        (["keeps.lua", "--memory", "1MiB"], "memory_limit", "the run needed more memory than its limit of 1048576 bytes"),
        (["empty.lua", "--timeout", "0"], "timeout", "the run did not end within its timeout of 0 ms"),
        (["view.lua", "--memory", "0"], "memory_limit", "the run needed more memory than its limit of 0 bytes"),
    ],
)
def test_another_status_exits_with_1_and_its_trace(command: Command, arguments: List[str], status: str, message: str) -> None:
    trace = command.trace("run", *arguments, code=1)
    assert (trace["status"], trace["error"]["message"]) == (status, message)


def test_limits_can_be_above_the_default(command: Command) -> None:
    assert command.trace("run", "keeps.lua", "--memory", "256MiB")["result"]["value"] == 100 << 20
    options = ["--timeout", LARGEST, "--memory", LARGEST, "--output", LARGEST]
    assert command.trace("run", "empty.lua", *options)["result"] == {"stderr": "", "stdout": ""}
    for options, length in ([], 512 << 10), (["--output", "1 MiB"], (700 << 10) + 1), (["--output", "10"], 10):
        result = command.trace("run", "prints.lua", *options)["result"]
        assert (len(result["stdout"]), result.get("stdout_truncated", False)) == (length, "1 MiB" not in options)


def test_a_seed_repeats_the_numbers(command: Command) -> None:
    first, again, other = (command.trace("run", "random.lua", "--seed", seed)["result"]["value"] for seed in ("7", "7", LARGEST))
    assert first == again != other


TWICE = "perilune: stdin can be read once: give - in one place, files in the others"
WHOLE = f"give a whole number from 0 to {LARGEST}; see --help"


# A text that ends in … is compared to that point: what follows is the system's, or the parser's of the arguments.
@pytest.mark.parametrize(
    "arguments, expected",
    [
        # Usage.
        (
            [],
            "perilune: 'perilune' requires a subcommand but one was not provided [subcommands: run, check, bench, serve, help]; see --help",
        ),
        (["frob"], "perilune: unrecognized subcommand 'frob'; see --help"),
        (["runn"], "perilune: unrecognized subcommand 'runn'; tip: a similar subcommand exists: 'run'; see --help"),
        (["-x"], "perilune: unexpected argument '-x' found; see --help"),
        (["run"], "perilune: the following required arguments were not provided: <FILE|->; see --help"),
        (["check"], "perilune: the following required arguments were not provided: <FILE>...; see --help"),
        (["bench"], "perilune: the following required arguments were not provided: <FILE|->; see --help"),
        (["run", ""], "perilune: a value is required for '<FILE|->' but none was supplied; see --help"),
        (["check", "", "view.lua"], "perilune: a value is required for '<FILE>...' but none was supplied; see --help"),
        (["run", "view.lua", "empty.lua"], "perilune: unexpected argument 'empty.lua' found; see --help"),
        (
            ["run", "view.lua", "--pst", "{}"],
            "perilune: unexpected argument '--pst' found; tip: a similar argument exists: '--post'; see --help",
        ),
        (["run", "view.lua", "--see", "1"], "perilune: unexpected argument '--see' found; tip: a similar argument exists: '--seed'; see --help"),
        (["run", "view.lua", "--seconds\n\nUsage: 1"], "perilune: unexpected argument '--seconds…"),
        (["run", "view.lua", "--seed", "1", "--seed", "2"], "perilune: the argument '--seed <N>' cannot be used multiple times; see --help"),
        (["run", "view.lua", "--query=", "--query="], "perilune: the argument '--query <QUERY>' cannot be used multiple times; see --help"),
        (
            ["run", "view.lua", "--post", "{}", "--form", "a"],
            "perilune: the argument '--post <JSON|@FILE|->' cannot be used with '--form <FORM>'; see --help",
        ),
        (
            ["run", "view.lua", "--get", "monster"],
            "perilune: invalid value 'monster' for '--get <K=V>': a = must stand between key and value, as in monster=1; see --help",
        ),
        (["run", "view.lua", "--get"], "perilune: a value is required for '--get <K=V>' but none was supplied; see --help"),
        (["run", "view.lua", "--get", "--post"], "perilune: a value is required for '--get <K=V>' but none was supplied; see --help"),
        (["run", "view.lua", "--seed", "-1"], f"perilune: invalid value '-1' for '--seed <N>': {WHOLE}"),
        (["run", "view.lua", "--seed", "18446744073709551616"], f"perilune: invalid value '18446744073709551616' for '--seed <N>': {WHOLE}"),
        (["run", "view.lua", "--timeout", "1s"], f"perilune: invalid value '1s' for '--timeout <MS>': {WHOLE}"),
        (["run", "view.lua", "--timeout="], f"perilune: invalid value '' for '--timeout <MS>': {WHOLE}"),
        (
            ["run", "view.lua", "--memory", "64 parsecs"],
            "perilune: invalid value '64 parsecs' for '--memory <BYTES>': \"64 parsecs\" is not a size in bytes: give a whole number, or one "
            "with KiB, MiB or GiB behind it; see --help",
        ),
        (["run", "view.lua", "--memory", "99999999999GiB"], "perilune: invalid value '99999999999GiB' for '--memory…"),
        (["run", "view.lua", "--output", "-1"], "perilune: invalid value '-1' for '--output <BYTES>': \"-1\" is…"),
        (
            ["run", "view.lua", "--post", "@"],
            "perilune: invalid value '@' for '--post <JSON|@FILE|->': a file's name must follow the @; see --help",
        ),
        (
            ["bench", "view.lua", "--seconds", "0"],
            "perilune: invalid value '0' for '--seconds <S>': give a number of seconds above 0, such as 0.5 or 10; see --help",
        ),
        (["bench", "view.lua", "--seconds", "-1"], "perilune: invalid value '-1' for '--seconds <S>': give…"),
        (["bench", "view.lua", "--seconds", "nan"], "perilune: invalid value 'nan' for '--seconds <S>': give…"),
        (["bench", "view.lua", "--seconds", "1e99"], "perilune: invalid value '1e99' for '--seconds <S>': give…"),
        (["run", "-", "--post", "-"], TWICE),
        (["run", "-", "--config", "-"], TWICE),
        (["bench", "-", "--meta", "-"], TWICE),
        (["run", "missing.lua", "--post", "-", "--meta", "-"], TWICE),
        (["check", "-", "empty.lua", "-"], TWICE),
        # Files.
        (["run", "missing.lua"], "perilune: can't read missing.lua: No such file or directory (os error 2)"),
        (["run", "missing\n\x1b[31m.lua"], "perilune: can't read missing  [31m.lua: …"),
        (["bench", "missing.lua"], "perilune: can't read missing.lua: …"),
        (["check", "missing.lua"], "perilune: can't read missing.lua: …"),
        (["run", "-5"], "perilune: can't read -5: …"),
        (["run", "folder.lua"], "perilune: can't read folder.lua: …"),
        (["run", "view.lua", "--post", "@missing.json"], "perilune: can't read missing.json: …"),
        (["run", "view.lua", "--config", "@folder.lua"], "perilune: can't read folder.lua: …"),
        (["run", "view.lua", "--module", "util=nowhere.lua"], "perilune: can't read nowhere.lua: …"),
        (["run", "view.lua", "--module", "util"], "perilune: invalid value 'util' for '--module <NAME=FILE>': a = must…"),
        # Scripts.
        (["run", "unfinished.lua"], "unfinished.lua:3: Expected identifier when parsing expression, got '='"),
        (["bench", "./unfinished.lua"], "./unfinished.lua:3: Expected identifier when parsing expression, got '='"),
        (["run", "view.lua", "--module", "util=unfinished.lua"], "unfinished.lua:3: Expected identifier when parsing expression, got '='"),
        (["run", "latin.lua"], "latin.lua:2: the source is not UTF-8"),
        (["run", "nul.lua"], "nul.lua:1: the source has a NUL byte"),
        # Payloads.
        (["run", "view.lua", "--post", "[1]"], "perilune: POST: JSON parse error - Expecting object: line 1 column 1 (char 0)"),
        (["run", "view.lua", "--post", "nonsense"], "perilune: POST: JSON parse error - …"),
        (["run", "view.lua", "--post", "@latin.json"], "perilune: POST: JSON parse error - …"),
        (["run", "view.lua", "--config", "{"], "perilune: CONFIG: JSON parse error - …"),
        (["run", "view.lua", "--meta", '{\n"a" 1}'], "perilune: META: JSON parse error - …"),
        (["bench", "view.lua", "--post", "{"], "perilune: POST: JSON parse error - …"),
        (["run", "view.lua", "--post", "@-"], "perilune: can't read -: …"),
        (["run", "view.lua", *["--get", "a=" + "x" * (64 << 10)] * 9], "perilune: Request size limit exceeded (524288)."),
        # Bytes that are not UTF-8.
        (["run", "view.lua", "--query", b"a=\xfe"], "perilune: invalid UTF-8 was detected in one or more arguments; see --help"),
        (["run", "view.lua", "--post", b"\xfe"], "perilune: invalid UTF-8 was detected in one or more arguments; see --help"),
    ],
)
def test_what_can_not_be_run_is_one_line(command: Command, arguments: Arguments, expected: str) -> None:
    line = refused(command(*arguments))
    if expected.endswith("…"):
        assert line.startswith(expected[:-1])
    else:
        assert line == expected


def test_check_looks_at_every_file(command: Command, folder: Path) -> None:
    assert command("check", "view.lua", "empty.lua", "endless.lua") == (0, "", "")
    assert command("check", "-", stdin=VIEW) == (0, "", "")

    absolute = str(folder / "latin.lua")
    done = command("check", "unfinished.lua", "view.lua", "missing.lua", "./unclosed.lua", absolute, "empty.lua")
    assert (done.code, done.stdout) == (2, "")
    expected = [
        "unfinished.lua:3: Expected identifier when parsing expression, got '='",
        "perilune: can't read missing.lua: ",
        "./unclosed.lua:1: Expected 'end'",
        f"{absolute}:2: the source is not UTF-8",
    ]
    lines = done.stderr.splitlines()
    assert len(lines) == len(expected) and all(map(str.startswith, lines, expected)), lines


def test_check_tells_every_error_and_warns_where_there_is_none(command: Command) -> None:
    warnings = (
        "doubtful.lua:2: warning: prnt is not there: did you mean print?\n"
        "doubtful.lua:3: warning: math.type is not in Luau: all numbers are doubles; use x % 1 == 0\n"
    )
    assert command("check", "doubtful.lua") == (0, "", warnings)
    errors = (
        "broken.lua:2: Expected identifier when parsing expression, got '='\n"
        "broken.lua:6: Incomplete statement: expected assignment or a function call (Luau has no goto: use continue, break or a function)\n"
    )
    assert command("check", "broken.lua", "doubtful.lua") == (2, "", errors + warnings)
    assert command("check", "-", stdin=b"prnt(1)") == (0, "", "stdin:1: warning: prnt is not there: did you mean print?\n")
    assert command("check", "--deny-warnings", "doubtful.lua") == (1, "", warnings)
    assert command("check", "--deny-warnings", "doubtful.lua", "broken.lua") == (2, "", warnings + errors)
    done = command("check", "--format=json", "broken.lua", "doubtful.lua")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.code, done.stderr) == (2, "")
    assert [(one["file"], one["line"], one["column"], one["severity"]) for one in found] == [
        ("broken.lua", 2, 7, "error"), ("broken.lua", 6, 3, "error"), ("doubtful.lua", 2, 16, "warning"), ("doubtful.lua", 3, 8, "warning"),
    ]
    assert found[2]["message"] == "prnt is not there: did you mean print?"


def test_bench_prints_a_histogram(command: Command) -> None:
    done = command("bench", "hello.v2.lua", "--get", "monster=Manticore", "--seconds", "0.01")
    # No progress either: stderr is no terminal.
    assert (done.code, done.stderr) == (0, ""), done
    assert done.stdout.startswith("hello.v2.lua: ")
    assert " runs per second on one thread\n" in done.stdout
    assert f"  {'#' * 40}  " in done.stdout
    tail = [line.split() for line in done.stdout.splitlines()[-5:]]
    assert [line[0] for line in tail] == ["p50", "p90", "p99", "p99.9", "max"]
    assert all(line[2] in ("ns", "µs", "ms", "s") for line in tail)


def test_bench_says_which_runs_failed(command: Command) -> None:
    done = command("bench", "fails.lua", "--seconds", "0.01")
    count, _, rest = done.stderr.partition(" runs did not succeed, the first with ")
    failed, _, runs = count.replace("fails.lua: ", "").partition(" of ")
    assert (done.code, done.stdout, rest) == (1, "", "failure: fails:2: boom; nothing was measured\n")
    assert failed == runs

    done = command("bench", "endless.lua", "--timeout", "5", "--seconds", "0.01")
    assert (done.code, done.stdout) == (1, "")
    assert done.stderr.endswith("the first with timeout: the run did not end within its timeout of 5 ms; nothing was measured\n")

    # A script that fails now and then is measured.
    done = command("bench", "moody.lua", "--seconds", "0.3")
    assert done.code == 1
    assert "p99.9" in done.stdout
    assert done.stderr.endswith(" did not succeed, the first with failure: moody:1: moody\n")
    assert done.stderr.count("\n") == 1


RUN = ["--query", "--get", "--post", "--form", "--config", "--meta", "--seed", "--timeout", "--memory", "--output", "<FILE|->", "Exit code"]


@pytest.mark.parametrize(
    "arguments, parts",
    [
        (["--version"], [f"perilune {perilune.__version__}\n"]),
        (["--help"], ["run", "check", "bench", "serve"]),
        (["help"], ["run", "check", "bench", "serve"]),
        (["serve", "--help"], ["--key", "--host", "--port", "--public", "--rate", "--metrics-port", "--timeout", "--memory", "--output"]),
        (["help", "run"], RUN),
        (["run", "--help"], RUN),
        (["bench", "--help"], [*RUN, "--seconds"]),
        (["check", "-h"], ["<FILE>", "FILE:LINE: REASON", "FILE:LINE: warning: ", "Exit code: 0 all compile"]),
    ],
)
def test_help_and_version_go_to_stdout(command: Command, arguments: List[str], parts: List[str]) -> None:
    done = command(*arguments)
    assert (done.code, done.stderr) == (0, "")
    for part in parts:
        assert part in done.stdout


@pytest.mark.parametrize(
    "arguments, code",
    [
        (["run", "prints.lua"], 0),
        (["run", "fails.lua"], 1),
        (["run", "missing.lua"], 2),
        (["bench", "empty.lua", "--seconds", "0.01"], 0),
        (["run", "--help"], 0),
    ],
)
def test_a_reader_that_has_gone_is_no_error(command: Command, arguments: List[str], code: int) -> None:
    """As in `perilune … | head`."""
    for stream in ("stdout", "stderr"):
        reader, writer = os.pipe()
        os.close(reader)
        streams: Dict[str, Any] = {stream: writer}
        done = command(*arguments, **streams)
        os.close(writer)
        assert done.code == code
        if stream == "stdout":
            assert done.stderr.count("\n") == (code == 2), done


def test_a_full_disk_is_told(command: Command) -> None:
    with open("/dev/full", "wb") as full:
        assert refused(command("run", "empty.lua", stdout=full)).startswith("perilune: can't write to stdout: ")


def test_a_files_name_need_not_be_utf8(command: Command, folder: Path) -> None:
    name = b"m\xfen.lua"
    (folder / os.fsdecode(name)).write_bytes(b"error('x')")
    assert command.trace("run", name, code=1)["error"]["message"] == "m\ufffdn:1: x"


def test_a_terminal_gets_lines(command: Command) -> None:
    ours, theirs = pty.openpty()
    done = command("run", "hello.v2.lua", stdout=theirs)
    text = os.read(ours, 4096).decode()
    os.close(ours)
    os.close(theirs)
    assert (done.code, text.splitlines()[:2]) == (0, ["{", '  "status": "success",'])
    assert json.loads(text)["script"] == "hello.v2"


@pytest.mark.parametrize(
    "text, indented",
    [
        ("{}", "{}"),
        ("[]", "[]"),
        ('"a"', '"a"'),
        ('{"z":1,"a":{}}', '{\n  "z": 1,\n  "a": {}\n}'),
        ("[1e300,-0.0,[true,null]]", "[\n  1e300,\n  -0.0,\n  [\n    true,\n    null\n  ]\n]"),
        ('["\x7f\x9b31m"]', '[\n  "\\u007f\\u009b31m"\n]'),
        # What looks like a token in a string is none; a quote and a backslash may be escaped in it.
        ('{"{,:\\"[":"}]\\\\","ü":[""]}', '{\n  "{,:\\"[": "}]\\\\",\n  "ü": [\n    ""\n  ]\n}'),
    ],
)
def test_every_token_stays_and_lines_are_broken(text: str, indented: str) -> None:
    assert indent(text) == indented


def measured(latencies: List[int], elapsed: Optional[int] = None) -> Measured:
    made = Measured()
    for latency in latencies:
        made.add(latency)
    made.elapsed = made.elapsed if elapsed is None else elapsed
    return made


def test_a_report_has_rate_rows_and_percentiles() -> None:
    # 98 runs from 1.01 to 1.98 µs, and two slow ones.
    report = measured([*(1_000 + 10 * n for n in range(1, 99)), 2_000, 3_000_000], 2_000_000_000).report("moon.lua")
    lines = report.splitlines()
    assert lines[0] == "moon.lua: 100 runs in 2.00 s, 50 runs per second on one thread"
    assert lines[2].split()[:3] == ["to", "1.11", "µs"]
    assert "#" * 30 in lines[2]
    assert lines[12] == f"  to   3.00 ms  {'#' * 4:<40}  1"
    tail = ["p50     1.50 µs", "p90     1.90 µs", "p99     2.00 µs", "p99.9   3.00 ms", "max     3.00 ms"]
    assert [line.strip() for line in lines[14:]] == tail


@pytest.mark.parametrize("latencies", [[0], [5], [7_777], [1, 3_600_000_000_000], [n * n for n in range(5_000)]])
def test_every_run_is_in_one_row(latencies: List[int]) -> None:
    rows = measured(latencies).rows()
    assert sum(runs for _, runs in rows) == len(latencies)
    assert rows[0][1] > 0
    assert rows == sorted(rows)


@pytest.mark.parametrize(
    "nanoseconds, text",
    [
        (0, "0 ns"),
        (999, "999 ns"),
        (1_000, "1.00 µs"),
        (12_345, "12.35 µs"),
        (1_500_000, "1.50 ms"),
        (61_000_000_000, "61.00 s"),
    ],
)
def test_times_have_units(nanoseconds: int, text: str) -> None:
    assert time(nanoseconds) == text
