"""The Processing provider: installed where QGIS looks, and run by real QGIS on a small study."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import pytest

from gis.queries.plugin import NAME, install_plugin, plugins_folder
from layers.errors import OutputError
from tests.gis.conftest import ROOT, call, shell
from tests.gis.grid import write_grid

if TYPE_CHECKING:
    from pathlib import Path

TOWNS = ("Town 59.7 49.7", "Town 60.3 49.7")


def test_it_goes_where_qgis_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    assert plugins_folder() == tmp_path / "QGIS/QGIS3/profiles/default/python/plugins"
    assert call("qgis-plugin", cwd=tmp_path).stdout.strip().endswith(NAME)
    done = call("qgis-plugin", "--install", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    made = plugins_folder() / NAME
    assert {"metadata.txt", "__init__.py", "executable.json", "runner.py"} <= {p.name for p in made.iterdir()}
    assert json.loads((made / "executable.json").read_text())[0] == sys.executable
    assert call("qgis-plugin", "--install", cwd=tmp_path).returncode == 0


def test_another_plugin_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / "metadata.txt").write_text("[general]\nname=Other\n")
    with pytest.raises(OutputError, match="another plugin's"):
        install_plugin(tmp_path)


def test_progress_as_json_lines(tmp_path: Path) -> None:
    study = write_grid(tmp_path / "study")
    done = shell("--json-progress", "scenario", study, "--close", "south", "--out", "sc", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    stages = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    # A stage that a study has no use for (flags of cells) is passed over.
    numbers = [s["number"] for s in stages]
    assert numbers == sorted(set(numbers))
    assert (numbers[0], numbers[-1]) == (1, stages[0]["of"])


@pytest.mark.qgis
def test_algorithms_in_qgis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = str(write_grid(tmp_path / "study"))
    program = tmp_path / "borderlink"
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m gis.cli "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("BORDERLINK", str(program))
    install_plugin(tmp_path / "plugins")
    towns = pd.Series(TOWNS)
    points = tmp_path / "own.gpkg"
    own = gpd.GeoSeries.from_xy([60.0, 60.0], [49.9, 50.3], crs=4326).to_crs(32641)
    gpd.GeoDataFrame(geometry=own).to_file(points)
    common = {"MODE": 0, "NETWORK": 0, "STUDY": study}
    jobs: list[Any] = [
        ["borderlink:route", {"FROM": towns[0], "TO": towns[1], **common, "OUTPUT": str(tmp_path / "way.gpkg")}, None],
        [
            "borderlink:isochrone",
            {"PLACES": towns[0], "MINUTES": "30,60", **common, "OUTPUT": str(tmp_path / "iso.gpkg")},
            None,
        ],
        ["borderlink:matrix", {"FROM": "; ".join(towns), **common, "OUTPUT": str(tmp_path / "m.csv")}, None],
        ["borderlink:scenario", {"STUDY": study, "CLOSE": "south", "OUT": str(tmp_path / "sc")}, None],
        ["borderlink:route", {"FROM": "Nowhere", "TO": towns[1], **common, "OUTPUT": str(tmp_path / "no.gpkg")}, None],
        ["borderlink:run", {"STUDY": study, "OUT": str(tmp_path / "cancelled")}, 2.0],
        ["borderlink:run", {"STUDY": study, "PERMUTATIONS": 99, "OUT": str(tmp_path / "run")}, None],
        [
            "borderlink:compare",
            {"FIRST": str(tmp_path / "run"), "SECOND": str(tmp_path / "run"), "OUT": str(tmp_path / "cmp")},
            None,
        ],
        [
            "borderlink:sites",
            {
                "STUDY": study,
                "COUNT": 1,
                "CANDIDATES": [],
                "POINTS": str(points),
                "DRAWS": 5,
                "LANGUAGE": 1,
                "OUT": str(tmp_path / "sites"),
            },
            None,
        ],
    ]
    (tmp_path / "jobs.json").write_text(json.dumps(jobs), encoding="utf-8")
    done = subprocess.run(
        [
            "/usr/bin/python3",
            ROOT / "tests" / "clients" / "run_algorithms.py",
            tmp_path / "plugins",
            tmp_path / "jobs.json",
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )
    if done.returncode == 77:
        pytest.skip("no PyQGIS with Processing (Debian: python3-qgis qgis-providers)")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout.splitlines()[-1])
    names = ("compare", "isochrone", "matrix", "route", "run", "scenario", "sites")
    assert facts["algorithms"] == [f"borderlink:{n}" for n in names]
    route, isochrone, matrix, scenario, wrong, cancelled, run, compare, sites = facts["jobs"]
    assert route["features"] >= 2, route
    assert isochrone["features"] == 2, isochrone
    assert len(pd.read_csv(tmp_path / "m.csv")) == 4, matrix
    assert (tmp_path / "sc" / "scenario.qgz").is_file(), scenario
    assert max(scenario["steps"]) > 50
    assert any(text.endswith("layername=cells_change") for text in scenario["loaded"])
    assert "no settlement named 'Nowhere'" in wrong["error"]
    assert "Cancelled" in cancelled["error"]
    assert not [p for p in (tmp_path / "cancelled").rglob("*") if p.is_file()]
    for job, folder, project, layer in (
        (run, "run", "border", "places"),
        (compare, "cmp", "compare", "posts_compared"),
        (sites, "sites", "sites", "sites"),
    ):
        assert "error" not in job, job
        assert {f"{project}.qgz", "map.html", "report.html"} <= {p.name for p in (tmp_path / folder).iterdir()}
        assert any(text.endswith(f"layername={layer}") for text in job["loaded"]), job
    tried = gpd.read_file(tmp_path / "sites" / "sites.gpkg", layer="sites")
    assert len(tried) == 2
