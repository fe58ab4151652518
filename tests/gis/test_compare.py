"""Two runs side by side: what differs is found, what does not is said to be the same."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pandas as pd
import pytest

import gis
from gis.queries.side_by_side import compare_runs
from layers.errors import OutputError
from tests.borders import random_land
from tests.gis.conftest import call

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run of the same border without its first open checkpoint, and with other waits."""
    folder, land = tmp_path_factory.mktemp("second"), random_land(3)
    lines = [f'sides = ["{land.countries[0]}", "{land.countries[1]}"]', "[layers]"]
    posts = land.checkpoints
    gone = posts[posts["open"].astype(bool)].index[0] if "open" in posts else posts.index[0]
    frames = {name: getattr(land, name) for name in ("regions", "roads", "railways", "settlements")} | {
        "checkpoints": posts.drop(gone)
    }
    for name, frame in frames.items():
        frame.to_file(folder / f"{name}.gpkg", layer=name)
        lines.append(f'{name} = "{name}.gpkg"')
    more = ["[analysis]", "permutations = 99", "half_life_min = 60", "[reach]", "city_people = 20000"]
    (folder / "study.toml").write_text("\n".join([*lines, *more]))
    gis.solve(folder / "study.toml").write(folder / "out")
    return folder / "out"


def test_a_run_beside_itself_differs_in_nothing(small_run: Path, tmp_path: Path) -> None:
    content = compare_runs(small_run, small_run, out=tmp_path / "c")
    assert content["summary"] == ["Nothing differs."]
    for name in ("inputs", "settings", "findings", "posts", "places", "regions", "cells"):
        assert set(pd.read_csv(tmp_path / "c" / "tables" / f"{name}.csv")["change"]) <= {"same"}


def test_what_differs_is_found(small_run: Path, second: Path, tmp_path: Path) -> None:
    done = call("compare", small_run, second, "--out", "c", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    tables = {p.stem: pd.read_csv(p) for p in (tmp_path / "c" / "tables").glob("*.csv")}
    inputs = tables["inputs"].set_index("layer")["change"]
    assert inputs["checkpoints"] == "changed"
    assert (
        inputs["settlements"] == "same" or inputs["settlements"] == "changed"
    )  # the bytes of a GeoPackage hold a time
    settings = tables["settings"].set_index("setting")
    assert settings.loc["analysis.half_life_min", ["before", "after"]].astype(float).tolist() == [120, 60]
    old, new = (pd.read_csv(f / "tables" / "checkpoints.csv") for f in (small_run, second))
    posts = tables["posts"].set_index("checkpoint_id")
    assert set(posts.index[posts["change"] == "gone"]) == set(old["checkpoint_id"]) - set(new["checkpoint_id"]) != set()
    shares = new.set_index("checkpoint_id")["share"]
    pd.testing.assert_series_equal(posts["share_after"].reindex(shares.index), shares, check_names=False)
    cells = tables["cells"]
    assert (cells["change"] == "changed").any()
    change = cells["potential_cross_actual_after"] - cells["potential_cross_actual_before"]
    assert (change - cells["potential_cross_actual_change"]).abs().max() < 1e-3
    findings = tables["findings"]
    for folder, kinds in ((small_run, ("same", "gone")), (second, ("same", "new"))):
        own = json.loads((folder / "run.json").read_text(encoding="utf-8"))["findings"]
        assert set(findings.loc[findings["change"].isin(kinds), "finding"]) == set(own)
    page = (tmp_path / "c" / "report.html").read_text(encoding="utf-8")
    assert "Checkpoints" in page
    assert "In the first run alone, checkpoints: " in done.stdout
    assert (tmp_path / "c" / "map.html").is_file()


def test_only_runs_of_one_border(small_run: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="holds no run"):
        compare_runs(small_run, tmp_path, out=tmp_path / "c")
    assert not (tmp_path / "c").exists()
