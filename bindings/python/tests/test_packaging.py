"""The wheel and the source distribution, built as users get them: `tests/run -m slow`."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any, Iterator, List, Optional, Set

import pytest

import perilune

pytestmark = pytest.mark.slow

HERE = Path(__file__).resolve().parent.parent
ROOT = HERE.parent.parent

# What a user may do first, and what needs most of the interpreter: threads, callbacks, pickles.
SMOKE = """
import asyncio, pickle, perilune, perilune.asgi
engine = perilune.Engine(pool_size=2)
engine.function("double", lambda n: 2 * n)
script = engine.compile("print(GET.a) return host.double(POST.n)", name="smoke")
trace = script.run("a=b", {"n": 21})
assert (trace.status, trace.stdout, trace.value) == ("success", "b\\n", 42), trace.to_json()
assert [trace.value for trace in script.run_batch([{"post": {"n": n}} for n in range(100)])] == [2 * n for n in range(100)]
assert asyncio.run(script.run_async(post={"n": 1})).value == 2
assert [*perilune.asgi.endpoints(engine, keys="key", public=["a/b"]).links] == ["a/b"]
plain = pickle.loads(pickle.dumps(perilune.Engine().compile("return 7")))
assert plain.run().value == 7
try:
    engine.compile("error('no luck')").run().raise_for_status()
except perilune.RunError as error:
    assert error.line == 1
print(perilune.__version__, perilune.__file__)
"""


def output(*command: Any, **rest: Any) -> str:
    done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **rest)
    said: str = done.stdout.decode()
    assert done.returncode == 0, said
    return said


def pip(*arguments: Any, python: Any = sys.executable, **rest: Any) -> str:
    return output(python, "-m", "pip", "--disable-pip-version-check", *arguments, **rest)


def interpreter(minor: int) -> Optional[str]:
    """A CPython of this version on the machine, if there is one. A name on the PATH may be a shim of one that is not there."""
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
    places = [shutil.which(f"python3.{minor}"), *pyenv.glob(f"versions/3.{minor}.*/bin/python3.{minor}")]
    wanted = f"cpython 3.{minor} 0"
    for place in filter(None, places):
        ask = "import sys, sysconfig as s; print(sys.implementation.name, '%d.%d' % sys.version_info[:2], s.get_config_var('Py_GIL_DISABLED') or 0)"
        if subprocess.run([str(place), "-c", ask], capture_output=True, text=True).stdout.strip() == wanted:
            return str(place)
    return None


def installed(python: str, folder: Path, package: Path, **rest: Any) -> str:
    """Installs a package in a new venv there, runs the smoke test out of any checkout, and returns what that said."""
    output(python, "-m", "venv", folder)
    pip("install", "--quiet", package, python=folder / "bin" / "python", cwd=folder, **rest)
    said = output(folder / "bin" / "python", "-c", SMOKE, cwd=folder)
    (folder / "smoke.lua").write_text("return 1")
    for command in ([folder / "bin" / "perilune"], [folder / "bin" / "python", "-m", "perilune"]):
        assert '"value":1' in output(*command, "run", "smoke.lua", cwd=folder)
    return said


def files() -> Set[Path]:
    caches = {"__pycache__", ".pytest_cache", ".mypy_cache"}
    return {path for path in HERE.rglob("*") if not caches & set(path.parts)}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    before = files()
    pip("wheel", "--quiet", "--no-deps", "--wheel-dir", folder, HERE)
    assert files() == before, "it leaves files in the checkout"
    (made,) = folder.iterdir()
    return made


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sdist")
    before = files()
    output(sys.executable, "-m", "build", "--sdist", "--outdir", folder, HERE)
    assert files() == before, "it leaves files in the checkout"
    (made,) = folder.iterdir()
    return made


def test_a_wheel_is_for_all_pythons_and_has_nothing_else(wheel: Path, tmp_path: Path) -> None:
    assert wheel.name.startswith(f"perilune-{perilune.__version__}-cp39-abi3-")
    assert wheel.stat().st_size < 8_000_000
    information = f"perilune-{perilune.__version__}.dist-info"
    command = f"perilune-{perilune.__version__}.data/scripts/perilune"
    sources = {f"perilune/{path.name}" for path in (HERE / "src" / "perilune").iterdir() if path.suffix in (".py", ".pyi", ".typed")}
    about = {f"{information}/{name}" for name in ("METADATA", "RECORD", "WHEEL", "top_level.txt", "licenses/LICENSE")}
    with zipfile.ZipFile(wheel) as archive:
        assert set(archive.namelist()) == {*sources, *about, "perilune/_native.abi3.so", command}
        for name in archive.namelist():
            assert str(ROOT).encode() not in archive.read(name), name
        files = [archive.extract(name, tmp_path) for name in ("perilune/_native.abi3.so", command)]
    module, program = (output("readelf", "--wide", "--section-headers", "--dynamic", "--dyn-syms", file) for file in files)
    exported = {line.split()[-1] for line in module.splitlines() if " GLOBAL " in line and " UND " not in line}
    assert exported == {"PyInit__native"}
    for about_it in (module, program):
        assert ".dynsym" in about_it
        for unwanted in (".symtab", ".debug_info", ".debug_line", "RPATH", "RUNPATH"):
            assert unwanted not in about_it


@pytest.mark.parametrize("minor", range(9, 20))
def test_a_wheel_runs(wheel: Path, minor: int, tmp_path: Path) -> None:
    python = interpreter(minor)
    if python is None:
        pytest.skip(f"there is no CPython 3.{minor} here")
    assert installed(python, tmp_path / "venv", wheel).startswith(f"{perilune.__version__} {tmp_path}")


def test_the_command_is_found_where_a_wheel_has_a_folder_of_its_own(wheel: Path, tmp_path: Path) -> None:
    pip("install", "--quiet", "--no-deps", "--target", tmp_path / "target", wheel)
    pip("install", "--quiet", "--no-deps", "--ignore-installed", "--prefix", tmp_path / "prefix", wheel)
    (packages,) = (tmp_path / "prefix").glob("lib/*/site-packages")
    for folder, command in (tmp_path / "target", tmp_path / "target" / "bin"), (packages, tmp_path / "prefix" / "bin"):
        # The interpreter has another in its own folder.
        (command / "perilune").write_text('#!/bin/sh\necho "$0" "$1"\n')
        said = output(sys.executable, "-m", "perilune", "--version", env={**os.environ, "PYTHONPATH": str(folder)})
        assert said == f"{command}/perilune --version\n"


def test_an_editable_package_has_the_command(tmp_path: Path) -> None:
    output(sys.executable, "-m", "venv", tmp_path)
    before = files()
    try:
        pip("install", "--quiet", "--no-deps", "--editable", HERE, python=tmp_path / "bin" / "python")
        said = output(tmp_path / "bin" / "python", "-m", "perilune", "--version", cwd=tmp_path)
    finally:
        # The extension, which an editable package has in the checkout.
        for made in files() - before:
            made.unlink()
    assert said == f"perilune {perilune.__version__}\n"


def test_an_sdist_installs_by_itself(sdist: Path, tmp_path: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = archive.getnames()
        assert not [name for name in names if "__pycache__" in name or name.endswith((".so", ".egg-info"))]
        assert f"{sdist.name[: -len('.tar.gz')]}/rust/Cargo.lock" in names
    environment = {name: value for name, value in os.environ.items() if name != "CARGO_TARGET_DIR"}
    assert installed(sys.executable, tmp_path / "venv", sdist, env=environment).startswith(f"{perilune.__version__} {tmp_path}")


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    """A directory that is the only one on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    yield folder


@pytest.mark.parametrize("there, said", [([], "perilune: cargo is missing."), (["cargo"], "perilune: a C++ compiler is missing.")])
def test_what_is_missing_is_told(path: Path, there: List[str], said: str) -> None:
    for name in there:
        (path / name).symlink_to(str(shutil.which(name)))
    environment = {name: value for name, value in os.environ.items() if name not in ("CARGO", "CXX")}
    environment["PATH"] = str(path)
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", str(path.parent), str(HERE)],
        env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode != 0
    assert said in done.stdout + done.stderr
