"""The house: imports point downwards, no circle, no print, every public function explained, no long file."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import networkx as nx
import pytest

ROOT = Path(__file__).resolve().parents[1]
FLOORS = {"layers": 1, "network": 2, "analysis": 3, "maps": 4, "gis": 5}
FORBIDDEN = {"maps": {"layers", "network", "analysis"}}
"""Floors that a package may not know although they lie below it: maps see tables alone."""
LIBRARY = ("layers", "network", "analysis", "maps")
MAX_LINES = 400
COMMANDS = {"layers.sources.make_snapshot"}
"""Modules that are run from a command line and may say so."""

MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in FLOORS
    for path in sorted((ROOT / package).rglob("*.py"))
}


def tree_of(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


def for_types_only(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def imported(module: str, *, at_import: bool) -> Iterator[str]:
    """Yield what a module of ours imports of ours; with `at_import` only what runs when it is imported."""
    waiting: list[ast.AST] = [tree_of(module)]
    package = module if MODULES[module].name == "__init__.py" else module.rpartition(".")[0]
    while waiting:
        node = waiting.pop()
        for child in ast.iter_child_nodes(node):
            if at_import and (
                isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
                or (isinstance(child, ast.stmt) and for_types_only(child))
            ):
                continue
            waiting.append(child)
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".")
                base = ".".join([*parts[: len(parts) - node.level + 1], *([base] if base else [])])
            # `from package import module` imports the module, `from module import name` does not.
            names = [f"{base}.{a.name}" if f"{base}.{a.name}" in MODULES else base for a in node.names]
        else:
            continue
        yield from (name for name in names if name.split(".")[0] in FLOORS)


def test_the_modules_are_found() -> None:
    assert {name.split(".")[0] for name in MODULES} == set(FLOORS)
    assert "layers.regions" in set(imported("network.border", at_import=True))
    assert "network.connectors" in set(imported("network.routing", at_import=False))


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_downwards(module: str) -> None:
    own = module.split(".")[0]
    for name in imported(module, at_import=False):
        other = name.split(".")[0]
        assert FLOORS[other] <= FLOORS[own], f"{module} imports {name}, which lies above it"
        assert other not in FORBIDDEN.get(own, ()), f"{module} imports {name}: {own} see tables alone"


def test_imports_run_in_no_circle() -> None:
    graph = nx.DiGraph(
        (module, name) for module in MODULES for name in imported(module, at_import=True) if name != module
    )
    assert list(nx.simple_cycles(graph)) == []


def test_nor_with_the_imports_inside_functions_and_for_types() -> None:
    graph = nx.DiGraph(
        (module, name) for module in MODULES for name in imported(module, at_import=False) if name != module
    )
    assert list(nx.simple_cycles(graph)) == []


@pytest.mark.parametrize("module", [m for m in MODULES if m.split(".")[0] in LIBRARY and m not in COMMANDS])
def test_a_library_floor_prints_nothing(module: str) -> None:
    calls = [n for n in ast.walk(tree_of(module)) if isinstance(n, ast.Call)]
    printed = [n.lineno for n in calls if isinstance(n.func, ast.Name) and n.func.id == "print"]
    assert printed == []


def public(node: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """Yield the public functions, classes and methods of a module or class."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If | ast.Try):
            yield from public(child)
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not child.name.startswith(
            "_"
        ):
            yield child
            if isinstance(child, ast.ClassDef):
                yield from public(child)


@pytest.mark.parametrize("module", MODULES)
def test_what_is_public_is_explained(module: str) -> None:
    tree = tree_of(module)
    assert ast.get_docstring(tree), f"{module} has no docstring"
    assert [n.name for n in public(tree) if not ast.get_docstring(n)] == []


@pytest.mark.parametrize("module", MODULES)
def test_a_file_is_one_idea(module: str) -> None:
    assert len(MODULES[module].read_text(encoding="utf-8").splitlines()) < MAX_LINES


DIALECT = {"told", "said", "asked", "how", "shut", "mine"}
"""Words that name nothing: notes, reasons, queries, options, closed things and one's own rows have names of their
own."""


@pytest.mark.parametrize("module", MODULES)
def test_names_are_the_plain_words_of_the_field(module: str) -> None:
    names = {
        node.id if isinstance(node, ast.Name) else node.arg
        for node in ast.walk(tree_of(module))
        if isinstance(node, ast.Name | ast.arg)
    }
    assert not names & DIALECT
