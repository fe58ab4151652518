"""The folders of a run and of a scenario: rasters, GeoPackage and project, as their clients read them."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import rasterio

import gis
from gis.clock import Clock
from gis.outputs import write_scenario
from gis.queries.plans import Plan
from gis.rasters import across_surfaces, run_rasters, scenario_rasters
from gis.settings.chapters import DecayPart
from gis.states import State
from layers.folders import fresh_folder
from tests.gis.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from gis.measures import Measures
    from gis.rasters import Values

QGIS_PYTHON = "/usr/bin/python3"


def values(small: gis.Result, measures: Measures) -> Values:
    """Return the values under the rasters of a state."""
    city, potential = across_surfaces(small.prepared, measures)
    return city.minutes, None if potential is None else potential.minutes


@pytest.fixture(scope="module")
def scenario(small: gis.Result, tmp_path_factory: pytest.TempPathFactory) -> tuple[gis.Comparison, Path]:
    open_now = small.layers["checkpoints"].query("open")["checkpoint_id"]
    close = gis.Close(str(open_now.iloc[0]))
    found = gis.compare(small, small.network.edit(close))
    out = tmp_path_factory.mktemp("scenario") / "sc"
    with fresh_folder(out, "scenario.json") as folder:
        states, under = (State.of(found.before), found.after), values(small, found.before)
        write_scenario(
            folder, small.prepared, states, under, found.tables, found.edits, Clock(None), plan=Plan((close,))
        )
    return found, out


def opened(path: Path) -> dict[str, object]:
    """Return what QGIS says of a project."""
    script = ROOT / "tests" / "clients" / "open_project.py"
    done = subprocess.run([QGIS_PYTHON, script, path], capture_output=True, text=True, check=False, timeout=180)
    if done.returncode == 77:
        pytest.skip("no PyQGIS (Debian: python3-qgis qgis-providers)")
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(json.loads(done.stdout))


def test_a_run_has_its_rasters_with_units(small_run: Path) -> None:
    units = {"travel_time": "min", "city_across": "min", "potential_across": "person-equivalents"}
    for name, unit in units.items():
        with rasterio.open(small_run / f"{name}.tif") as raster:
            assert raster.units == (unit,)
            assert raster.nodata == -9999
            assert raster.descriptions[0]
            assert raster.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
            assert np.isfinite(raster.read(1, masked=True).compressed()).any()
        assert (small_run / f"{name}.qml").is_file()


def test_closing_a_post_makes_nothing_nearer_and_no_potential_larger(
    small: gis.Result, scenario: tuple[gis.Comparison, Path]
) -> None:
    found, _ = scenario
    before, after = values(small, found.before), across_surfaces(small.prepared, found.after)
    rasters = {r.style.key: r.surface.minutes for r in scenario_rasters(before, after)}
    potential, minutes = rasters["potential_change"], rasters["city_across_change"]
    assert np.nanmax(potential) <= 1e-6
    assert np.nanmin(potential) < -1
    assert np.nanmin(minutes) >= -1e-6
    nothing = scenario_rasters(before, across_surfaces(small.prepared, found.before))
    assert all(np.nanmax(np.abs(r.surface.minutes)) == 0 for r in nothing)


def test_no_raster_of_potential_for_a_decay_without_a_half_life(small: gis.Result) -> None:
    study = small.study.with_analysis(decay=DecayPart(name="power", exponent=1.5, from_min=10))
    keys = [
        r.style.key
        for r in run_rasters(small.measures, across_surfaces(replace(small.prepared, study=study), small.measures))
    ]
    assert keys == ["travel_time", "city_across"]


@pytest.mark.qgis
def test_the_project_of_a_run_opens(small_run: Path) -> None:
    facts = opened(small_run / "border.qgz")
    names = {str(layer["name"]) for layer in facts["layers"]}  # type: ignore[attr-defined]
    assert {"Travel time to the nearest city across the border", "Potential across the border"} <= names


@pytest.mark.qgis
def test_the_project_of_a_scenario_opens(scenario: tuple[gis.Comparison, Path]) -> None:
    facts = opened(scenario[1] / "scenario.qgz")
    names = {str(layer["name"]) for layer in facts["layers"]}  # type: ignore[attr-defined]
    assert {
        "After: checkpoints",
        "Change: cross-border potential",
        "Change: minutes to the nearest city across",
    } <= names


@pytest.mark.skipif(not importlib.util.find_spec("osgeo_utils"), reason="no validator: pip install gdal-utils")
def test_the_geopackages_are_valid(small_run: Path, scenario: tuple[gis.Comparison, Path]) -> None:
    spec = importlib.util.find_spec("osgeo_utils.samples.validate_gpkg")
    assert spec is not None
    for path in (small_run / "border.gpkg", scenario[1] / "scenario.gpkg"):
        done = subprocess.run(
            [sys.executable, str(spec.origin), "-k", str(path)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout
