"""What `borderlink check` says before a run."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from gis import load_study, prepare
from gis.queries.check import check_study
from layers.crs import WGS84
from tests.gis.conftest import call
from tests.gis.grid import LATS, LONS, grid_layers, grid_roads, write_grid


def said(table: pd.DataFrame, layer: str, about: str) -> str:
    return " | ".join(table[(table["layer"] == layer) & (table["about"] == about)]["what"])


def test_a_study_in_order(tmp_path: Path) -> None:
    found = check_study(load_study(write_grid(tmp_path)))
    assert not found.refused
    table = found.table
    assert said(table, "regions", "in it").startswith("4 regions (2 of RU, 2 of KZ); 111.2 km of border")
    assert "38 links" in said(table, "roads", "in it")
    assert "24 settlements (people: KZ 222,000, RU 78,000)" in said(table, "settlements", "in it")
    assert "2 checkpoints (2 by road; 2 open)" in said(table, "checkpoints", "in it")
    assert said(table, "railways", "left out") == "the study does without"
    assert not set(table["about"]) & {"would be mended", "assumed", "understood"}


def test_everything_that_is_odd_is_said_at_once(tmp_path: Path) -> None:
    whole = [shapely.LineString([(x, y) for x in LONS]) for y in LATS]
    whole += [shapely.LineString([(x, y) for y in LATS]) for x in LONS]
    posts = grid_layers()["checkpoints"].assign(wait_min=[None, -1])
    towns = grid_layers()["settlements"]
    towns.loc[0, "country"] = "Russia"
    kinds = ["primary"] * 9 + ["Тракт"]
    study = write_grid(tmp_path, roads=grid_roads(whole, kind=kinds), checkpoints=posts, settlements=towns)
    done = call("check", study, "--out", "checked", cwd=tmp_path)
    assert done.returncode == 2
    table = pd.read_csv(tmp_path / "checked" / "check.csv")
    assert "'RUSSIA' (row 1)" in said(table, "settlements", "refused")
    assert "12 × an end on the inside of another line" in said(table, "roads", "would be mended")
    assert "'тракт'" in said(table, "roads", "assumed")
    assert "the waits of 2 of 2" in said(table, "checkpoints", "assumed")
    places = json.loads((tmp_path / "checked" / "check.geojson").read_text(encoding="utf-8"))["features"]
    assert len(places) == 20
    assert len(gpd.read_file(tmp_path / "checked" / "check.geojson")) == 20
    assert "refused" in done.stdout
    assert "Traceback" not in done.stderr


def test_places_and_regions_that_cannot_be_used(tmp_path: Path) -> None:
    study = write_grid(tmp_path, more='[reach.layers]\nhospital = { path = "h.csv", weight = "beds" }')
    (tmp_path / "h.csv").write_text("beds,lon,lat\nmany,59.5,49.9\n")
    table = check_study(load_study(study)).table
    assert "column 'beds' holds 'many' (line 2)" in said(table, "places and indicators", "refused")
    lost = grid_layers()["regions"].iloc[:2]
    found = check_study(load_study(write_grid(tmp_path / "b", regions=lost)))
    assert "KZ" in said(found.table, "regions", "refused")
    assert "38 links" in said(found.table, "roads", "in it")


def test_an_extract_is_known_by_its_header(tmp_path: Path) -> None:
    study = write_grid(tmp_path, sources={"roads": '"osm"'}, more='[osm]\npbf = ["net.osm.pbf"]')
    found = check_study(load_study(study))
    assert "net.osm.pbf" in said(found.table, "osm", "refused")
    (tmp_path / "net.osm.pbf").write_bytes(b"no extract")
    assert "net.osm.pbf" in said(check_study(load_study(study)).table, "osm", "refused")
    assert "--deep" in said(found.table, "roads", "not looked at")


def test_deep_is_what_a_run_reads(tmp_path: Path) -> None:
    study = write_grid(tmp_path)
    table = check_study(load_study(study), deep=True).table
    assert "38 links" in said(table, "roads", "in it")
    (tmp_path / "roads.gpkg").unlink()
    assert "roads.gpkg" in said(check_study(load_study(study), deep=True).table, "study", "refused")


@pytest.mark.parametrize("posts", ["one", "one per mode"])
def test_a_run_with_one_post_says_no_nan(tmp_path: Path, posts: str) -> None:
    """Where a post is the only one of its mode, closing it leaves nothing whose minutes could be told."""
    table = grid_layers()["checkpoints"]
    layers = {"checkpoints": table.iloc[:1]}
    if posts == "one per mode":
        track = gpd.GeoDataFrame(
            {"kind": ["main"]}, geometry=[shapely.LineString([(59.1, 50.1), (60.9, 50.1)])], crs=WGS84
        )
        track.to_file(tmp_path / "track.gpkg")
        layers = {"checkpoints": table.assign(mode=["road", "rail"])}
    sources = {"railways": '"track.gpkg"'} if posts == "one per mode" else {}
    study = write_grid(tmp_path, sources=sources, **layers)
    done = call("run", study, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    for line in (*result["findings"], *result["warnings"], *done.stdout.splitlines()):
        assert "nan" not in line.split() and "+nan" not in line and "(nan" not in line, line
    assert any("South (100\u00a0%)" in line for line in result["findings"])


def test_regions_that_overlap_are_said_before_a_run_and_in_it(tmp_path: Path) -> None:
    regions = grid_layers()["regions"]
    # The north of the west reaches over all of its south, as a city that is not cut out of its region does.
    regions.loc[regions["name"] == "B", "geometry"] = shapely.box(59, 49.5, 60, 50.5)
    study = load_study(write_grid(tmp_path, regions=regions))
    assert "regions overlap: A and B over" in said(check_study(study).table, "regions", "understood")
    assert sum("regions overlap: A and B over" in line for line in prepare(study).warnings) == 1
