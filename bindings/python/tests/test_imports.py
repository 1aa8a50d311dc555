"""The modules of the package are layers: none imports another, wherever it does so, that imports it in turn."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Dict, Iterator

import pytest

import perilune


def imported(source: str) -> Iterator[str]:
    """The full names of what a source imports of the package: at its top, in functions and for type checkers alike."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = ".".join(filter(None, ["perilune" if node.level else "", node.module]))
            yield from (f"{module}.{alias.name}" for alias in node.names)


def circle(sources: Dict[str, str]) -> str:
    """A circle of imports, or nothing."""
    graph = {}
    for name, source in sources.items():
        parts = [full.split(".") for full in imported(source)]
        # What is no module of its own is the package's.
        graph[name] = {part[1] if part[1:] and part[1] in sources else "__init__" for part in parts if part[0] == "perilune"}
        if name == "__init__":
            graph[name].discard(name)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return " <- ".join(error.args[1])
    return ""


def test_there_is_no_circle_of_imports() -> None:
    sources = {path.stem: path.read_text() for path in Path(perilune.__file__).parent.glob("*.py")}
    assert {"__init__", "_engine", "asgi"} < set(sources)
    assert not circle({**sources, "_native": ""})


@pytest.mark.parametrize(
    "back",
    [
        "from . import a",
        "from .a import A",
        "from perilune import a",
        "from perilune.a import A",
        "import perilune.a",
        "import perilune",
        "from perilune import A",
        "def f():\n    from .a import A",
        "if TYPE_CHECKING:\n    from .a import A",
    ],
)
def test_a_circle_is_seen(back: str) -> None:
    sources = {"__init__": "from .a import A", "a": "from .b import B", "b": "from .c import C", "c": ""}
    assert not circle(sources)
    assert circle({**sources, "c": back})
