"""What the packages import is what the distribution declares.

An environment of a developer holds more than that of a user.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
OURS = ("gis", "layers", "network", "analysis", "maps")
HOST = {"qgis", "processing", "PyQt5", "osgeo", "jupyter_server"}
"""What QGIS brings along where its plugins run, and a notebook's server, which is asked only where it runs."""

BROUGHT = {"affine": "rasterio", "starlette": "fastapi", "markupsafe": "jinja2"}
"""Names that are part of what a declared one offers."""


def imported(package: str) -> dict[str, str]:
    """Return every top-level name that a package imports, in functions too, and a file that does."""
    found: dict[str, str] = {}
    for file in sorted((ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
                names = [node.module]
            for name in names:
                found.setdefault(name.partition(".")[0], str(file.relative_to(ROOT)))
    return found


@pytest.mark.parametrize("package", OURS)
def test_whatever_is_imported_is_declared(package: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = {k: v for k, v in project["optional-dependencies"].items() if k not in ("test", "docs")}
    declared = {
        re.split(r"[\[<>=!~; ]", text)[0].lower().replace("_", "-")
        for text in [*project["dependencies"], *(t for rows in extras.values() for t in rows)]
    }
    held = packages_distributions()
    for name, file in imported(package).items():
        if name in sys.stdlib_module_names or name in (*OURS, "borderlink") or name in HOST:
            continue
        distributions = {d.lower().replace("_", "-") for d in held.get(name, [name])}
        distributions |= {BROUGHT[name]} if name in BROUGHT else set()
        assert distributions & declared, (
            f"{file} imports {name}, of {', '.join(sorted(distributions))}: not declared in pyproject.toml"
        )
