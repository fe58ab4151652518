"""Layers of a user's own, as people have them, from the study to an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gis import build, load_study, prepare
from gis.findings import assumptions
from gis.queries.route import find_route
from layers.crs import GEOD, WGS84
from layers.errors import LayerError
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


HOSPITALS = gpd.GeoDataFrame(
    {"name": ["А", "Б"], "beds": [100, 200]}, geometry=shapely.points([(59.4, 49.7), (60.6, 50.1)]), crs=WGS84
)
REACH = '[reach.layers]\nhospital = {{ path = "{}", name = "name", weight = "beds" }}'


@pytest.mark.parametrize(
    "frame",
    [
        HOSPITALS,
        HOSPITALS.set_geometry([shapely.MultiPoint([p]) for p in HOSPITALS.geometry]),
        HOSPITALS.set_geometry(shapely.buffer(HOSPITALS.geometry.to_numpy(), 0.001)),
        HOSPITALS.assign(beds=["100", " 2 00"]),
        HOSPITALS.to_crs(32641),
    ],
    ids=["points", "multipoints", "polygons", "text", "projected"],
)
def test_places_of_ones_own_as_people_have_them(tmp_path: Path, frame: gpd.GeoDataFrame) -> None:
    study = write_grid(tmp_path, more=REACH.format("h.gpkg"))
    frame.to_file(tmp_path / "h.gpkg")
    places = prepare(load_study(study)).places["hospital"]
    assert places["beds"].tolist() == [100, 200]
    assert shapely.get_coordinates(places.geometry) == pytest.approx(
        shapely.get_coordinates(HOSPITALS.geometry), abs=1e-3
    )


def test_places_in_a_spreadsheet_export(tmp_path: Path) -> None:
    study = write_grid(tmp_path, more=REACH.format("h.csv"))
    (tmp_path / "h.csv").write_text("name;beds;lon;lat\nА;1 200,5;59,4;49,7\nNA;200;60,6;50,1\n", encoding="utf-8")
    places = prepare(load_study(study)).places["hospital"]
    assert places["beds"].tolist() == [1200.5, 200]
    assert places["name"].tolist() == ["А", "NA"]


def test_a_place_that_cannot_be_used_is_named_before_the_work(tmp_path: Path) -> None:
    study = write_grid(tmp_path, more=REACH.format("h.csv"))
    head = "name;beds;lon;lat\n"
    for rows, said in (
        ("А;100;59,4;49,7\nБ;;60,6;50,1\n", r"layer hospital \(h.csv\): column 'beds' holds '' \(line 3\)"),
        ("А;-5;59,4;49,7\n", r"'-5' \(line 2\)"),
        ("А;1;0;0\n", "layer hospital has nothing within"),
    ):
        (tmp_path / "h.csv").write_text(head + rows, encoding="utf-8")
        with pytest.raises(LayerError, match=said):
            prepare(load_study(study))
    (tmp_path / "h.csv").write_text("name;lon;lat\nА;59;50\n", encoding="utf-8")
    with pytest.raises(LayerError, match=r"layer hospital \(h.csv\) has no column 'beds': it has name"):
        prepare(load_study(study))


def test_indicators_are_checked_before_the_work(tmp_path: Path) -> None:
    study = write_grid(tmp_path)
    study.write_text(study.read_text().replace("[index]", '[index]\nindicators = "i.csv"'))
    head = "region;indicator;value;unit;year;direction;level\n"
    (tmp_path / "i.csv").write_text(f"{head}RU-1;beds;many;n;2022;1;social services\n", encoding="utf-8")
    with pytest.raises(LayerError, match=r"values that are no numbers 'many' \(line 2\)"):
        prepare(load_study(study))
