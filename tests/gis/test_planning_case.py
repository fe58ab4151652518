"""The planner's case of docs/planning.md, executed: from the question to the folder, each number with its spread."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pandas as pd
import pytest

from tests.gis.conftest import ROOT, call

CASE = (ROOT / "docs" / "planning.md").read_text(encoding="utf-8").partition("\n## Many scenarios")[0]


@pytest.mark.slow
def test_which_two_posts_next_and_what_if_mashtakovo_closes(tmp_path: Path) -> None:
    for text in re.findall(r"```toml\n(.*?)```", CASE, re.S):
        (tmp_path / text.split("\n", 1)[0].removeprefix("# ")).write_text(text, encoding="utf-8")
    commands = re.findall(r"^borderlink .*$", CASE, re.M)
    assert [c.split()[1] for c in commands] == ["sites", "scenario"]
    for command in commands:
        done = call(*shlex.split(command)[1:], cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    for name in ("answer.html", "map.html", "scenario.qgz", "scenario.json", "edits.toml"):
        assert (tmp_path / "mashtakovo" / name).exists(), name
    curve = pd.read_csv(tmp_path / "where-next" / "tables" / "sites_curve.csv")
    assert curve["sites"].tolist() == [1, 2]
    assert curve["proven"].all()
    assert (curve["low"] < curve["value"]).all() and (curve["value"] < curve["high"]).all()
    effects = pd.read_csv(tmp_path / "mashtakovo" / "tables" / "effects.csv")
    assert effects[["low", "median", "high"]].notna().all(axis=None)
    hours = effects.set_index("key").loc["hours_per_day"]
    assert hours["change"] < 0
    assert hours["low"] < hours["high"] <= 0
    variants = pd.read_csv(tmp_path / "mashtakovo" / "tables" / "variants.csv")
    assert variants["variant"].unique().tolist() == ["Mashtakovo closed", "The best set of sites"]
    loads = pd.read_csv(tmp_path / "mashtakovo" / "tables" / "loads_change.csv").set_index("checkpoint_id")
    assert loads.loc["road-mashtakovo", "after_share"] == 0
    found = json.loads((tmp_path / "mashtakovo" / "scenario.json").read_text(encoding="utf-8"))["findings"]
    assert any(re.search(r"Users lose .* \(5–95 %: .* to .*\) min per trip of today", line) for line in found)
