"""Words of other worlds in own layers, and what is refused with its row."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely

from layers.crs import WGS84
from layers.errors import LayerError
from layers.own.columns import understood
from layers.own.oneway import directions
from layers.own.shapes import placed
from layers.schema import validate


def roads(n: int, **columns: Any) -> gpd.GeoDataFrame:
    """Return n links one behind the other, each a degree long."""
    lines = [shapely.LineString([(60 + i, 50), (61 + i, 50)]) for i in range(n)]
    return gpd.GeoDataFrame(columns, geometry=lines, crs=WGS84)


def read(frame: gpd.GeoDataFrame, layer: str = "roads", **options: Any) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Return an own layer as `read_layer` makes it, and its notes."""
    there, notes = placed(frame, layer, "own.gpkg")
    known, more = understood(there, layer, "own.gpkg", **options)
    return validate(known, layer, "own.gpkg"), notes + more


@pytest.mark.parametrize(
    ("given", "right"),
    [
        (["yes", "no", "-1", None], [1, 0, -1, 0]),
        ([1, 0, -1], [1, 0, -1]),
        ([1.0, np.nan, -1.0], [1, 0, -1]),
        (["B", "F", "T", ""], [0, 1, -1, 0]),
        (["FT", "TF", "B", "N", None], [1, -1, 0, 2, 0]),
        (["ft", "", "Tf"], [1, 0, -1]),
        (["True", "False"], [1, 0]),
        (["Y", "N"], [1, 0]),
        (["да", "нет"], [1, 0]),
        (["[True, False]", "False"], [1, 0]),
        ([[False, True], False], [1, 0]),
        (["reversible", "yes"], [0, 1]),
        (["T", "F"], [9, 9]),
        (["sometimes", "no"], [9, 0]),
    ],
)
def test_one_way_of_each_world(given: list[Any], right: list[int]) -> None:
    assert directions(roads(len(given), oneway=given)["oneway"]).tolist() == right


def test_a_link_against_its_drawing_is_turned_round() -> None:
    frame, notes = read(roads(3, oneway=["B", "F", "T"], u=[1, 2, 3], v=[2, 3, 4]))
    assert frame["oneway"].tolist() == [False, True, True]
    assert frame[["u", "v"]].to_numpy().tolist() == [[1, 2], [2, 3], [4, 3]]
    assert shapely.get_coordinates(frame.geometry[2])[0].tolist() == [63.0, 50.0]
    assert any("1 rows are one-way against their drawing" in n for n in notes)


def test_true_or_against_is_refused_with_a_way_out() -> None:
    with pytest.raises(LayerError, match=r"column 'oneway' holds 'T' \(row 1\), 'F' \(row 2\).*values = "):
        read(roads(2, oneway=["T", "F"]))
    frame, _ = read(roads(2, oneway=["T", "F"]), values={"oneway": {"T": "yes", "F": "no"}})
    assert frame["oneway"].tolist() == [True, False]


def test_numbers_that_mean_nobody_knows_are_counted() -> None:
    frame, notes = read(roads(6, kind="primary", maxspeed_kph=[0, -1, -9999, 999, 90, None]))
    assert frame["maxspeed_kph"].tolist() == pytest.approx([np.nan] * 4 + [90, np.nan], nan_ok=True)
    assert notes == ["roads (own.gpkg): 4 values of maxspeed_kph are -9999, -1, 0: taken as not known"]


def test_limits_as_openstreetmap_writes_them() -> None:
    frame, notes = read(roads(5, kind="primary", maxspeed_kph=["90", "50 mph", "RU:urban", "['60', '90']", "signals"]))
    assert frame["maxspeed_kph"].tolist() == pytest.approx([90, 80.47, 60, 75, np.nan], nan_ok=True)
    assert "1 values of maxspeed_kph are no number ('signals')" in notes[0]


def test_people_written_with_spaces_commas_and_signs() -> None:
    towns = gpd.GeoDataFrame(
        {"name": list("ABCDE"), "country": "ru", "population": ["1 200", "12 500", "-99", None, "7"]},
        geometry=shapely.points(60 + np.arange(5), 50),
        crs=WGS84,
    )
    frame, _ = read(towns, "settlements")
    assert frame["population"].tolist() == [1200, 12500, 0, 0, 7]
    assert set(frame["country"]) == {"RU"}
    frame, _ = read(towns.assign(population=["1,200", "12,500", "1,000,000", "", "7"]), "settlements")
    assert frame["population"].tolist() == [1200, 12500, 1_000_000, 0, 7]


def test_a_comma_that_may_mean_two_things_is_refused() -> None:
    with pytest.raises(LayerError, match=r"column 'duration_min' holds '1,200' \(row 1\)"):
        read(roads(1, duration_min=["1,200"]))


@pytest.mark.parametrize(
    ("given", "right"),
    [
        (["Primary", "TRUNK", " secondary "], ["primary", "trunk", "secondary"]),
        (["['primary', 'secondary']", "primary;secondary", "trunk|primary"], ["primary", "primary", "trunk"]),
        ([["primary", "secondary"], ["trunk"], "tertiary"], ["primary", "trunk", "tertiary"]),
        ([None, "", "primary"], ["trunk", "trunk", "primary"]),
        (["Primary Link", "trunk-link", "highway=primary"], ["primary_link", "trunk_link", "primary"]),
        (["highway: residential", "primary, secondary"], ["residential", "primary"]),
        (["tertiary/secondary", "farm road"], ["tertiary", "farm road"]),
    ],
)
def test_classes_in_any_case_or_as_lists(given: list[Any], right: list[str]) -> None:
    assert read(roads(len(given), kind=given))[0]["kind"].tolist() == right


def test_a_map_of_values_whatever_the_case() -> None:
    words = {"kind": {"Автомагистраль": "motorway", "тропа": "track", "канал": "path"}}
    frame, notes = read(roads(3, kind=["автомагистраль", "Тропа", "primary"]), values=words)
    assert frame["kind"].tolist() == ["motorway", "track", "primary"]
    assert notes == ["roads (own.gpkg): no row says 'канал' in kind, for which the study has a value"]
    with pytest.raises(LayerError, match="values are given for the column 'klass'"):
        read(roads(1, kind=["primary"]), values={"klass": {"a": "b"}})


def test_what_nothing_drives_on_is_left_out() -> None:
    frame, notes = read(roads(4, kind=["primary", "footway", "Steps", "footway"]))
    assert len(frame) == 1
    assert notes == ["roads (own.gpkg): left out, for nothing of the study runs on them: 2 footway, 1 steps"]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"maxspeed_kph": [90, 500]}, r"maxspeed_kph.*500\.0 \(row 2\)"),
        ({"length_m": [1, "long"]}, r"'length_m' holds 'long' \(row 2\)"),
        ({"toll": ["no", "no"], "truck": ["no", "maybe"]}, r"'truck' holds 'maybe' \(row 2\): allowed are yes and no"),
        ({"season": ["", "Monsoon"]}, r"'season'.*'monsoon' \(row 2\)"),
    ],
)
def test_a_refusal_names_layer_file_row_and_column(columns: dict[str, Any], said: str) -> None:
    with pytest.raises(LayerError, match=rf"layer roads \(own\.gpkg\).*{said}"):
        read(roads(2, **columns))


def test_numbers_for_names_keep_no_decimals() -> None:
    posts = gpd.GeoDataFrame(
        {
            "checkpoint_id": [7.0, 8.0],
            "name": "A",
            "mode": ["Road", "RAIL"],
            "open": ["да", "нет"],
            "wait_min": [-1, 30],
            "vehicles": ["Car, truck", None],
        },
        geometry=shapely.points([60, 61], 50),
        crs=WGS84,
    )
    frame, _ = read(posts, "checkpoints")
    assert frame["checkpoint_id"].tolist() == ["7", "8"]
    assert frame["mode"].tolist() == ["road", "rail"]
    assert frame["open"].tolist() == [True, False]
    assert frame["control_wait_min"].tolist() == pytest.approx([np.nan, 30], nan_ok=True)
    assert frame["vehicles"].tolist() == ["car|truck", ""]


def test_lengths_that_nobody_knows_are_measured() -> None:
    frame, _ = read(roads(2, length_m=[0, 80_000]))
    assert frame["length_m"].tolist() == pytest.approx([71_696, 80_000], rel=1e-3)


def test_settlements_whose_ids_are_texts_are_numbered() -> None:
    table = {"settlement_id": ["A-1", "A-2"], "name": "A", "country": "RU"}
    frame, notes = read(gpd.GeoDataFrame(table, geometry=shapely.points([60, 61], 50), crs=WGS84), "settlements")
    assert frame["settlement_id"].tolist() == [0, 1]
    assert "settlement_id holds texts ('A-1')" in notes[0]


def test_rows_without_a_class_are_counted() -> None:
    assert read(roads(3, kind=[None, "primary", ""]))[1] == ["roads (own.gpkg): 2 rows have no kind: trunk is assumed"]


def test_directions_in_words() -> None:
    given = ["Forward", "both", "Two-way", "along", "both directions"]
    assert read(roads(5, oneway=given))[0]["oneway"].tolist() == [True, False, False, True, False]
    frame, notes = read(roads(1, kind="primary", oneway=["backward"]))
    assert frame["oneway"].tolist() == [True]
    assert "turned round" in notes[0]


@pytest.mark.parametrize(
    ("given", "right"),
    [
        (["Open", "closed "], [True, False]),
        (["открыт", "Закрыт"], [True, False]),
        (["действует", "не действует"], [True, False]),
        (["yes", "нет"], [True, False]),
    ],
)
def test_open_and_closed_in_words(given: list[str], right: list[bool]) -> None:
    points = gpd.GeoDataFrame(
        {"mode": "road", "name": "P", "open": given}, geometry=[shapely.Point(60, 49.7)] * 2, crs=4326
    )
    assert read(points, "checkpoints")[0]["open"].tolist() == right
    with pytest.raises(LayerError, match="planned"):
        read(points.assign(open="planned"), "checkpoints")
