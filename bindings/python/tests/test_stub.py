"""The stub of the extension says what is in it, and nothing else."""

import ast
from pathlib import Path
from typing import Dict, List, Set

import perilune
from perilune import _native

STUB = Path(perilune.__file__).with_name("_native.pyi")


def members(names: object) -> Set[str]:
    return {name for name in vars(names) if not name.startswith("__")}


def stubbed(body: List[ast.stmt]) -> Set[str]:
    names = {node.name for node in body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    names |= {node.target.id for node in body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)}
    return {name for name in names if not name.startswith("__")}


def classes() -> Dict[str, ast.ClassDef]:
    return {node.name: node for node in ast.parse(STUB.read_text()).body if isinstance(node, ast.ClassDef)}


def test_the_stub_has_the_modules_names() -> None:
    assert stubbed(ast.parse(STUB.read_text()).body) == members(_native)


def test_the_stub_has_the_members_of_each_class() -> None:
    for name, node in classes().items():
        assert stubbed(node.body) == members(getattr(_native, name)), name


def test_what_can_be_made_has_a_constructor_in_the_stub() -> None:
    for name, node in classes().items():
        makes = any(isinstance(child, ast.FunctionDef) and child.name == "__new__" for child in node.body)
        assert makes == ("__new__" in vars(getattr(_native, name))), name
