"""What belongs to armies and border guards: in an extract that holds it, and in no output of a run."""

from __future__ import annotations

import json
import re
import zipfile
from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
import shapely

import gis
from tests.gis.grid import LATS, LONS
from tests.gis.osm_grid import OsmGrid
from tests.maps.pages import packed

if TYPE_CHECKING:
    from pathlib import Path

HIDDEN = "Zqxhidden"
"""What stands in the name of everything that must not come out."""


WAYS: list[int] = []
"""Ids of such ways."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run of an extract full of such objects, with a border zone of ten kilometres."""
    home, grid = tmp_path_factory.mktemp("privacy"), OsmGrid()
    for lat in LATS:
        for lon in LONS:
            grid.node(lon, lat, place="town", name=f"Town {lon} {lat}", population="20000")
    for lat in (49.7, 50.1):
        grid.node(60.0, lat, barrier="border_control", name=f"Post {lat}")
    hidden = {"name": HIDDEN}
    a, b, c = grid.at[59.7, 49.9], grid.node(59.8, 49.95), grid.node(59.85, 50.0)
    first = len(grid.ways)
    grid.way([a, b], highway="primary", military="yes", **hidden)
    grid.way([b, c], highway="secondary", access="military", **hidden)
    grid.way([a, c], highway="track", access="border_guard", ref=HIDDEN, **hidden)
    grid.way([a, b], railway="rail", usage="military", **hidden)
    grid.node(59.75, 49.92, place="village", military="base", population="5000", **hidden)
    grid.node(59.9, 49.8, barrier="border_control", military="checkpoint", **hidden)
    grid.node(59.95, 49.75, military="bunker", **hidden)
    grid.node(59.93, 49.74, man_made="watchtower", **hidden)
    ring = [grid.node(x, y) for x, y in ((59.86, 49.82), (59.9, 49.82), (59.9, 49.86))]
    grid.way([*ring, ring[0]], landuse="military", military="training_area", **hidden)
    grid.way([*ring, ring[0]], boundary="border_zone", **hidden)
    WAYS.extend(1000 + n for n in range(first, len(grid.ways)))
    zone = gpd.GeoDataFrame({"name": [HIDDEN]}, geometry=[shapely.box(59.86, 49.6, 60.14, 50.4)], crs=4326)
    zone.to_file(home / "zone.gpkg", layer="zone")
    study = grid.write(home, own=("regions",), more='[border_zone]\npath = "zone.gpkg"\n')
    gis.solve(study).write(home / "out")
    return home / "out"


def test_no_output_holds_them(folder: Path) -> None:
    files = [p for p in folder.rglob("*") if p.is_file()]
    assert {p.suffix for p in files} >= {".gpkg", ".qgz", ".html", ".csv", ".tif", ".json"}
    for path in files:
        content = zipfile.ZipFile(path).read("border.qgs") if path.suffix == ".qgz" else path.read_bytes()
        assert HIDDEN.encode() not in content, path
    _config, drawn = packed((folder / "map.html").read_text(encoding="utf-8"))
    assert HIDDEN not in json.dumps(drawn, ensure_ascii=False)
    roads = pyogrio.read_dataframe(folder / "border.gpkg", layer="roads")
    assert not set(re.findall(r"\d+", " ".join(roads["osm_ids"].fillna("")))) & {str(n) for n in WAYS}
    names = pyogrio.read_dataframe(folder / "border.gpkg", layer="settlements")["name"]
    assert names.str.startswith("Town").sum() == len(LONS) * len(LATS)
    posts = pyogrio.read_dataframe(folder / "border.gpkg", layer="checkpoints")
    assert sorted(posts["name"]) == ["Post 49.7", "Post 50.1"]


def test_what_lies_in_the_border_zone_is_marked(folder: Path) -> None:
    cells = pd.read_csv(folder / "tables" / "cells.csv")
    assert {"permit needed"} <= set(cells["permit"].dropna())
    assert cells["permit"].isna().any()
