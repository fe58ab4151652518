"""Columns that files call otherwise than the schema, and those that nothing reads."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from layers.crs import WGS84
from layers.errors import LayerError
from layers.io import Source, read_layer
from layers.own.columns import understood
from layers.own.shapes import placed

POSTS = [shapely.Point(60, 50), shapely.Point(60, 51)]


def roads(**columns: object) -> gpd.GeoDataFrame:
    lines = [shapely.LineString([(60 + i, 50), (61 + i, 50)]) for i in range(2)]
    return gpd.GeoDataFrame(columns, geometry=lines, crs=WGS84)


def known(frame: gpd.GeoDataFrame, layer: str = "roads", where: str = "own.gpkg") -> tuple[gpd.GeoDataFrame, list[str]]:
    return understood(placed(frame, layer, where)[0], layer, where)


@pytest.mark.parametrize("name", ["highway", "fclass", "HIGHWAY", "Kind"])
def test_a_class_by_the_names_of_exports(name: str) -> None:
    frame, notes = known(roads(**{name: ["primary", "track"]}))
    assert frame["kind"].tolist() == ["primary", "track"]
    assert [f"column {name!r} is read as kind" in text for text in notes] == ([True] if name != "Kind" else [])


def test_the_schemas_own_name_stands_before_others() -> None:
    frame, notes = known(roads(kind="trunk", highway="track", maxspeed=["50 mph", "60"]))
    assert frame["kind"].tolist() == ["trunk", "trunk"]
    assert frame["maxspeed_kph"].tolist() == pytest.approx([80.47, 60])
    assert [("maxspeed" in text, "highway" in text) for text in notes] == [(True, False)]


def test_roads_without_a_class_say_what_is_assumed() -> None:
    (note,) = known(roads())[1]
    assert "no column kind" in note and "trunk" in note and "2 rows" in note


def test_a_slip_of_the_pen_is_named_and_a_foreign_column_is_not() -> None:
    notes = known(roads(kind=["primary", "trunk"], maxspeed_kmh=60, lanes=2, comment="a"))[1]
    assert len(notes) == 1 and "'maxspeed_kmh' is not read" in notes[0] and "maxspeed_kph" in notes[0]


def test_a_shapefile_cuts_names_to_ten_letters(tmp_path: Path) -> None:
    posts = gpd.GeoDataFrame(
        {"checkpoint_id": ["007", "x-2"], "mode": "road", "name": ["A", "B"], "control_wait_min": [5.0, 7.0]},
        geometry=POSTS,
        crs=WGS84,
    )
    with pytest.warns(Warning):
        posts.to_file(tmp_path / "posts.shp")
    frame, about = read_layer("checkpoints", Source(str(tmp_path / "posts.shp")))
    assert frame["checkpoint_id"].tolist() == ["007", "x-2"]
    assert frame["control_wait_min"].tolist() == [5.0, 7.0]
    assert sum("is read as" in note for note in about["notes"]) == 2
    # Elsewhere the short name is another column.
    short = gpd.GeoDataFrame({"checkpoint": ["a", "b"], "mode": "road", "name": "A"}, geometry=POSTS, crs=WGS84)
    assert "checkpoint_id" not in known(short, "checkpoints")[0]


def test_a_cut_name_that_is_another_columns_is_that_column(tmp_path: Path) -> None:
    # population and population_date are cut to the same letters.
    towns = gpd.GeoDataFrame({"name": ["A", "B"], "country": "KZ", "population": [5, 6]}, geometry=POSTS, crs=WGS84)
    towns.to_file(tmp_path / "towns.shp")
    frame, _ = read_layer("settlements", Source(str(tmp_path / "towns.shp")))
    assert frame["population"].tolist() == [5, 6] and frame["population_date"].tolist() == ["", ""]


def test_a_settlement_that_stands_there_already_has_no_people_of_its_own() -> None:
    towns = gpd.GeoDataFrame(
        {"name": ["A", "B", "A", "A"], "country": "KZ", "population": [5, 6, 5, 9]},
        geometry=[*POSTS, POSTS[0], POSTS[1]],
        crs=WGS84,
    )
    frame, notes = known(towns, "settlements")
    assert frame["population"].tolist() == [5, 6, 9]  # of one name elsewhere, and of another name there: both stay
    assert len(notes) == 1 and "row 3" in notes[0]


@pytest.mark.parametrize(
    ("columns", "right"),
    [
        ({"mode": ["road", "car"]}, "'car' (row 2): allowed are road, rail, river"),
        ({"mode": "road", "control_wait_min": [-5.0, 3.0]}, "-5.0 (row 1): allowed are numbers from 0 to 10,000"),
        ({"mode": "road", "checkpoint_id": ["a b", "c"]}, "'a b' (row 1): allowed are texts without blanks, each once"),
        ({"mode": "road", "vehicles": ["car", "tank"]}, "'tank' (row 2): allowed are car, truck, bus"),
    ],
)
def test_what_does_not_fit_is_said_with_what_is_allowed(columns: dict[str, object], right: str, tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame({"name": ["A", "B"], **columns}, geometry=POSTS, crs=WGS84)
    frame.to_parquet(tmp_path / "posts.parquet")
    with pytest.raises(LayerError) as refusal:
        read_layer("checkpoints", Source(str(tmp_path / "posts.parquet")))
    assert right in str(refusal.value) and "posts.parquet" in str(refusal.value)
    assert "fails" not in str(refusal.value)
