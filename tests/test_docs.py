"""The documents hold: the tutorial runs, the README's files and commands are true."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from gis.study import load_study

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.slow
def test_the_tutorial_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8"), re.S)
    assert len(blocks) > 5
    names: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, "docs/tutorial.md", "exec"), names)
    assert (tmp_path / "my_map.html").stat().st_size > 100_000
    assert names["after"].time_min + names["after"].wait_min > names["path"].time_min + names["path"].wait_min


def test_the_readmes_study_is_valid(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (toml,) = re.findall(r"```toml\n(.*?)```", text, re.S)
    file = tmp_path / "study.toml"
    file.write_text(toml)
    assert load_study(file).waits == {"road multilateral": 90}


def test_the_example_studies_are_valid_and_the_readme_names_them() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    files = sorted((ROOT / "docs" / "studies").glob("*.toml"))
    assert len(files) >= 2
    for file in files:
        study = load_study(file)
        assert study.osm.pbf and study.source("roads").path == "osm"
        assert f"borderlink run docs/studies/{file.name}" in text


def test_the_packaged_study_states_its_defaults() -> None:
    """What stands in it is what a study takes that leaves it out."""
    from gis.study import Study

    text = (ROOT / "gis" / "data" / "russia-kazakhstan.toml").read_text(encoding="utf-8")
    bare = Study.model_validate({"sides": ["RU", "KZ"]}).model_dump(mode="json")
    stated = tomllib.loads(text)
    for section, values in stated.items():
        if isinstance(values, dict):
            for key, value in values.items():
                default = bare[section][key]
                assert value == (default["path"] if section == "layers" else default), f"{section}.{key}"
    told = set(bare) - {"title", "sides"}
    assert told <= set(stated)


def test_every_link_in_the_documents_leads_somewhere() -> None:
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "benchmarks" / "README.md"]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_versions_agree() -> None:
    import gis

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == gis.__version__
    assert f"version: {gis.__version__}" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def _site_pages() -> Any:
    spec = importlib.util.spec_from_file_location("site_pages", ROOT / "docs" / "site_pages.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_public_name_stands_once_in_the_reference(tmp_path: Path) -> None:
    _site_pages().write(tmp_path)
    pages = {p.stem: p.read_text(encoding="utf-8") for p in (tmp_path / "api").glob("*.rst")}
    shown = [
        f"{module}.{name}"
        for text in pages.values()
        for module, names in re.findall(r"\.\. automodule:: (\S+)\n   :members: (.*)", text)
        for name in names.split(", ")
    ]
    assert len(shown) == len(set(shown)) > 200
    for package in ("gis", "maps", "network", "layers", "analysis.reach", "analysis.statistics", "analysis.trips"):
        held = importlib.import_module(package)
        for name in held.__all__:
            value = getattr(held, name)
            if inspect.isfunction(value) or inspect.isclass(value):
                assert f"{value.__module__}.{value.__qualname__}" in shown, f"{package}.{name}"


def test_the_pages_of_the_reference_that_stay_the_same_are_not_written_again(tmp_path: Path) -> None:
    pages = _site_pages()
    pages.write(tmp_path)
    (tmp_path / "api" / "gone.rst").write_text("of a package that is no more")
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*") if p.is_file() and p.stem != "gone"}
    pages.write(tmp_path)
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*") if p.is_file()} == before


def test_the_cells_of_every_notebook_are_python() -> None:
    files = [p for p in sorted((ROOT / "docs" / "notebooks").glob("*.md")) if p.stem != "index"]
    listed = (ROOT / "docs" / "notebooks" / "index.md").read_text(encoding="utf-8")
    assert files
    for file in files:
        cells = re.findall(r"```\{code-cell\}[^\n]*\n(.*?)```", file.read_text(encoding="utf-8"), re.S)
        assert len(cells) > 3
        for cell in cells:
            compile(cell, file.name, "exec")
        assert f"({file.name})" in listed and f"\n{file.stem}\n" in listed


def test_every_page_of_the_guide_is_in_its_contents() -> None:
    contents = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^(?:.*<)?([\w/-]+)>?$", contents, re.M))
    assert {p.stem for p in (ROOT / "docs").glob("*.md")} - {"index"} <= listed
