"""What each package names as public can be had from it, is documented, and is what its list says."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
STUBS = sorted(
    p for p in ROOT.glob("*/**/__init__.pyi") if p.parts[len(ROOT.parts)] in ("layers", "network", "analysis", "maps")
)


def package_of(stub: Path) -> str:
    return ".".join(stub.parent.relative_to(ROOT).parts)


@pytest.mark.parametrize("stub", STUBS, ids=package_of)
def test_public_names_are_there_and_documented(stub: Path) -> None:
    package = import_module(package_of(stub))
    tree = ast.parse(stub.read_text(encoding="utf-8"))
    names = [a.name for node in tree.body if isinstance(node, ast.ImportFrom) for a in node.names]
    listed = next(ast.literal_eval(n.value) for n in tree.body if isinstance(n, ast.Assign))
    assert sorted({*names, *listed} - {"DISTRIBUTION"}) == sorted(package.__all__)
    for name in package.__all__:
        thing = getattr(package, name)
        assert not inspect.ismodule(thing), f"{name}: a module of that name hides what it names"
        assert inspect.getdoc(thing), name


def test_chapters_of_the_analysis_name_what_is_public() -> None:
    chapters = {p.parent.name for p in ROOT.glob("analysis/*/__init__.py")}
    assert chapters == {package_of(s).split(".")[1] for s in STUBS if s.parent.parent.name == "analysis"}


def test_naming_is_no_loading() -> None:
    code = "import sys, analysis.reach, network, layers, maps; print('pandas' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


def test_a_way_waits_for_no_library_that_it_does_not_use() -> None:
    heavy = "('pandera', 'rasterio', 'matplotlib', 'esda', 'libpysal', 'folium', 'networkx', 'h3')"
    code = f"import sys, gis.inputs, gis.queries.route; print([m for m in {heavy} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
