"""Pages of the site that are made from the tree.

A reference page per floor and chapter, and those that other folders hold.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

FLOORS = ("gis", "maps", "analysis", "network", "layers")
"""Top floor first: who starts, starts there."""
APART = ("analysis", "gis.queries", "gis.settings", "layers.osm", "layers.sources")
"""Packages with a page of their own, those inside them too; all else stands on the page of its floor."""
CHAPTERS = ("connectivity", "reach", "trips", "closures", "statistics", "levels", "planning")
WITHOUT = ("gis.cli", "gis.commands", "gis.face", "layers.sources.make_snapshot", "layers.house")
"""Not for import: the command line, what makes data, what the house needs for itself."""
INCLUDED = {
    "readme": "README.md",
    "contributing": "CONTRIBUTING.md",
    "changelog": "CHANGELOG.md",
    "benchmarks": "benchmarks/README.md",
}
"""Pages by name, and the file that each includes."""


def write(folder: Path) -> None:
    """Write all pages afresh; a page that stays as it was is not touched, so that a second build is quick."""
    pages = {f"{name}.md": f"```{{include}} ../../{file}\n```\n" for name, file in INCLUDED.items()}
    names = [page for floor in FLOORS for page in _pages(floor)]
    pages |= {f"api/{name}.rst": _page(name, [n for n in names if n != name]) for name in names}
    pages["api/index.rst"] = _index(names)
    folder.mkdir(parents=True, exist_ok=True)
    for old in [p for p in folder.rglob("*") if p.is_file() and str(p.relative_to(folder)) not in pages]:
        old.unlink()
    for name, text in pages.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8", newline="\n")


def _pages(floor: str) -> Iterator[str]:
    """Return the packages of a floor that have a page of their own, the floor itself first."""
    yield floor
    found = [n for n, is_package in _modules(floor) if is_package and any(_within(n, a) for a in APART)]
    place = {f"analysis.{chapter}": k for k, chapter in enumerate(CHAPTERS)}
    yield from sorted(found, key=lambda n: (place.get(".".join(n.split(".")[:2]), len(place)), n))


def _within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def _modules(package: str) -> Iterator[tuple[str, bool]]:
    """Return all modules of a package by name, and whether each is a package, without those that begin with a bar."""
    path = importlib.import_module(package).__path__
    for found in pkgutil.walk_packages(path, f"{package}."):
        if not any(part.startswith("_") for part in found.name.split(".")):
            yield found.name, found.ispkg


def _page(name: str, others: list[str]) -> str:
    """Return the page of a package.

    What it hands on, then the modules behind it; all of its modules where it has no list.
    """
    package = importlib.import_module(name)
    listed = [n for n in getattr(package, "__all__", ()) if not n.startswith("_")]
    homes = [_home(package, n) for n in listed]
    parts = [_heading(name, "="), f".. automodule:: {name}\n"]
    if listed:
        parts += [".. currentmodule:: None\n", _summary([h for h in homes if h])]
    modules = {m: _public(m) for m, _ in _modules(name) if not _elsewhere(m, name, others)}
    for module, names in modules.items():
        shown = [n for n in names if f"{module}.{n}" in homes] if listed else names
        if shown:
            parts += [_heading(module.removeprefix(f"{name}."), "-"), f".. currentmodule:: {module}\n"]
            parts += [f".. automodule:: {module}\n   :members: {', '.join(shown)}\n"]
    if not listed and (own := _public(name)):
        parts += [f".. currentmodule:: {name}\n", *(f".. auto{_kind(package, n)}:: {n}\n" for n in own)]
    return "\n".join(parts)


def _elsewhere(module: str, page: str, others: list[str]) -> bool:
    """Return whether a module stands on another page, or on none."""
    return any(_within(module, w) for w in (*WITHOUT, *(o for o in others if _within(o, page))))


def _home(package: ModuleType, name: str) -> str:
    """Return the name under which something that a package hands on is documented, or nothing for values."""
    found = getattr(package, name)
    return f"{found.__module__}.{found.__qualname__}" if hasattr(found, "__qualname__") else ""


def _public(module: str) -> list[str]:
    """Return the public functions and classes that a module defines, in its order."""
    held = importlib.import_module(module)
    return [
        name
        for name, value in vars(held).items()
        if not name.startswith("_")
        and (inspect.isfunction(value) or inspect.isclass(value))
        and value.__module__ == module
        and value.__doc__
    ]


def _kind(module: ModuleType, name: str) -> str:
    return "class" if inspect.isclass(getattr(module, name)) else "function"


def _summary(names: list[str]) -> str:
    rows = "\n".join(f"   ~{n}" for n in names)
    return f".. autosummary::\n   :nosignatures:\n\n{rows}\n"


def _heading(text: str, line: str) -> str:
    return f"{text}\n{line * len(text)}\n"


def _index(names: list[str]) -> str:
    """Return the first page of the reference: floors and chapters, each with its sentence."""
    rows = []
    for name in names:
        about = (importlib.import_module(name).__doc__ or "").strip().splitlines()
        rows.append(f":doc:`{name}`\n   {about[0] if about else ''}\n")
    toctree = "\n".join(f"   {n}" for n in names)
    return (
        f"{_heading('Reference', '=')}\n"
        "Five packages, one floor above the other; a notebook may enter on any of them. ``import borderlink`` is "
        "``import gis``.\n\n" + "\n".join(rows) + f"\n.. toctree::\n   :hidden:\n\n{toctree}\n"
    )
