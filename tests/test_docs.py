"""The documents hold: the tutorial runs, the README's files and commands are true."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gis.study import load_study

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).resolve().parents[1]


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
