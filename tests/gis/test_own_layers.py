"""Layers of a user's own, as people have them, from the study to an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from gis import build, load_study, prepare
from gis.findings import assumptions
from gis.queries.route import find_route
from layers.crs import GEOD
from tests.gis.grid import grid_lines, grid_roads, write_grid

if TYPE_CHECKING:
    from pathlib import Path

ACROSS_M = GEOD.line_length([59.1, 59.4, 59.7, 60.3, 60.6, 60.9], [49.7] * 6)
"""The way along the southern parallel, by vertices of the roads."""


def test_the_grid_is_what_it_says(tmp_path: Path) -> None:
    found = find_route(write_grid(tmp_path), "59.1,49.7", "60.9,49.7")
    assert found["length_m"] == pytest.approx(ACROSS_M, rel=1e-6)
    assert found["wait_min"] == 30
    assert found["checkpoint_names"] == ["South"]


def test_posts_in_a_russian_spreadsheet_export(tmp_path: Path) -> None:
    study = write_grid(tmp_path, sources={"checkpoints": '"posts.csv"'}, more='[waits]\n"001" = 90\n')
    text = (
        "checkpoint_id;name;mode;Долгота;Широта;wait_min\n001;Пост Южный;road;60,0;49,7;30\n002;NA;road;60,0;50,1;30\n"
    )
    (tmp_path / "posts.csv").write_bytes(text.encode("cp1251"))
    prepared = prepare(load_study(study))
    posts = prepared.layers["checkpoints"]
    assert posts[["checkpoint_id", "name", "control_wait_min"]].to_numpy().tolist() == [
        ["001", "Пост Южный", 90.0],
        ["002", "NA", 30.0],
    ]
    assert any("read as cp1251" in w for w in prepared.warnings)


def test_a_shapefile_of_geofabrik(tmp_path: Path) -> None:
    lines = grid_lines()
    roads = grid_roads(lines, oneway="B", maxspeed=0).rename(columns={"kind": "fclass"})
    roads.loc[0, "oneway"], roads.loc[1, "oneway"], roads.loc[2, "maxspeed"] = "F", "T", 90
    roads.to_file(tmp_path / "gis_osm_roads_free_1.shp", encoding="utf-8")
    source = '{ path = "gis_osm_roads_free_1.shp", columns = { kind = "fclass", maxspeed_kph = "maxspeed" } }'
    study = write_grid(tmp_path, sources={"roads": source})
    layer = prepare(load_study(study)).layers["roads"]
    assert layer["oneway"].tolist() == [True, True, *[False] * (len(lines) - 2)]
    assert layer.geometry[1].coords[0] == (59.7, 49.7)
    assert layer["maxspeed_kph"].dropna().tolist() == [90.0]
    # The second piece of the southern parallel leads west only, so that the way east goes round it.
    assert find_route(study, "59.1,49.7", "59.7,49.7")["length_m"] > 1.5 * find_route(study, "59.7,49.7", "59.4,49.7")["length_m"]  # fmt: skip


def test_classes_that_are_not_known_are_named_with_their_kilometres(tmp_path: Path) -> None:
    kinds = np.where(np.arange(len(grid_lines())) % 2, "Автомагистраль", "Primary")
    study = write_grid(tmp_path, roads=grid_roads(kind=kinds))
    prepared = prepare(load_study(study))
    odd = sum(GEOD.geometry_length(line) for line in grid_lines()[1::2]) / 1000
    (warning,) = [w for w in prepared.warnings if "not known" in w]
    assert f"'автомагистраль' {odd:,.1f} km: 35 km/h is assumed" in warning
    table = assumptions(prepared.study, build(prepared))
    row = table[table["what"].str.contains("автомагистраль")].iloc[0]
    assert (row["value"], row["unit"]) == ("35", "km/h")


def test_a_map_of_values_in_the_study(tmp_path: Path) -> None:
    kinds = np.where(np.arange(len(grid_lines())) % 2, "Автомагистраль", "Primary")
    source = '{ path = "net.gpkg", values = { kind = { "автомагистраль" = "motorway" } } }'
    grid_roads(kind=kinds).to_file(tmp_path / "net.gpkg")
    prepared = prepare(load_study(write_grid(tmp_path, sources={"roads": source})))
    assert set(prepared.layers["roads"]["kind"]) == {"motorway", "primary"}
    assert not [w for w in prepared.warnings if "not known" in w]
