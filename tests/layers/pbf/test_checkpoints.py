"""Posts clustered, paired and joined with facts; distances by hand (0.01° of latitude is 1.11 km)."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from layers.crs import WGS84
from layers.osm.posts import checkpoints_from_posts
from layers.regions import border_line, with_sides
from layers.schema import validate

KM = 1 / 111.2
# Side a (RU) lies west of 60° E, side b (KZ) east of it; each has a southern and a northern region.
CELLS = {
    "RU-S": shapely.box(57, 48, 60, 50),
    "RU-N": shapely.box(57, 50, 60, 52),
    "KZ-S": shapely.box(60, 48, 63, 50),
    "KZ-N": shapely.box(60, 50, 63, 52),
}
WIDE = KM / 0.643
"""Degrees of longitude in a kilometre at 50° N."""


@pytest.fixture(scope="module")
def ground() -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    frame = {"region": list(CELLS), "name": list(CELLS), "country": [c[:2] for c in CELLS]}
    regions = validate(gpd.GeoDataFrame(frame, geometry=list(CELLS.values()), crs=WGS84), "regions", "test")
    return border_line(regions, ("RU", "KZ")), with_sides(regions, ("RU", "KZ"))


def posts(*rows: dict[str, Any]) -> gpd.GeoDataFrame:
    """Return posts `e` km east of the border and `n` km north of 50.1° N."""
    table = []
    for i, row in enumerate(rows, 1):
        base = {"osm_id": i, "object": "node", "what": "border_control", "mode": "road", "open": True, "name": ""}
        base |= dict.fromkeys(("name_ru", "name_kk", "names", "operator", "opening_hours", "hours"), "")
        table.append({**base, **row})
    frame = pd.DataFrame(table)
    points = shapely.points(60 + frame.pop("e") * WIDE, 50.1 + frame.pop("n") * KM)
    return gpd.GeoDataFrame(frame, geometry=points, crs=WGS84)


def facts(*rows: dict[str, Any]) -> gpd.GeoDataFrame:
    table = pd.DataFrame([{"mode": "road", "source": "registry", "regime": "bilateral", **row} for row in rows])
    points = shapely.points(60 + table.pop("e") * WIDE, 50.1 + table.pop("n") * KM)
    return validate(gpd.GeoDataFrame(table, geometry=points, crs=WGS84), "checkpoints", "test")


def test_controls_near_each_other_are_one_post_and_both_sides_one_checkpoint(ground: Any) -> None:
    given = posts(
        {"e": -3, "n": 0, "name": "West"},
        {"e": -3, "n": 1, "name": "West"},
        {"e": -3, "n": 2},
        {"e": 2, "n": 0, "name": "East", "hours": "08:00-20:00"},
        {"e": -3, "n": 20, "name": "Other"},
    )
    got, report = checkpoints_from_posts(given, *ground)
    assert got["name"].tolist() == ["West – East", "Other"]
    assert got["checkpoint_id"].tolist() == ["road-osm1", "road-osm5"]
    assert got[["region_a", "region_b"]].to_numpy().tolist() == [["RU-N", "KZ-N"], ["RU-N", ""]]
    assert got["hours"].tolist() == ["08:00-20:00", "24/7"]
    assert got.geometry.x[0] == pytest.approx(60 - 0.5 * WIDE, abs=1e-9)
    assert got.geometry.y[0] == pytest.approx(50.1 + 0.5 * KM, abs=1e-9)
    assert report["pairs"] == 1
    assert report["without_partner"] == ["road-osm5"]


def test_each_post_has_one_partner_and_the_nearest_pair_comes_first(ground: Any) -> None:
    given = posts({"e": -3, "n": 0}, {"e": -3, "n": 6}, {"e": 3, "n": 5}, {"e": 3, "n": -4}, {"e": 3, "n": 60})
    got, report = checkpoints_from_posts(given, *ground)
    # 2–3 are 6.1 km apart, 1–4 are 7.2; 5 is 54 km from the next.
    assert got["name"].tolist() == ["Post 1", "Post 2", "Post 5"]
    assert report["pairs"] == 2
    assert got.geometry.y.tolist()[:2] == pytest.approx([50.1 - 2 * KM, 50.1 + 5.5 * KM])


def test_posts_are_paired_along_the_road(ground: Any) -> None:
    given = posts({"e": -3, "n": 0}, {"e": 3, "n": 4}, {"e": 3, "n": -6})
    places = {1: (-3, 0), 2: (3, 4), 3: (3, -6)}
    xy = {k: (60 + e * WIDE, 50.1 + n * KM) for k, (e, n) in places.items()}

    def road(*ends: tuple[int, int]) -> gpd.GeoDataFrame:
        lines = [shapely.LineString([xy[u], xy[v]]) for u, v in ends]
        table = {"u": [u for u, _ in ends], "v": [v for _, v in ends]}
        return validate(gpd.GeoDataFrame(table, geometry=lines, crs=WGS84), "roads", "test")

    # The nearer post of the other side lies on no road that leads there.
    got, _ = checkpoints_from_posts(given, *ground, roads=road((1, 3)))
    assert got.geometry.y.tolist() == pytest.approx([50.1 - 3 * KM, 50.1 + 4 * KM])
    got, _ = checkpoints_from_posts(given, *ground)
    assert got.geometry.y.tolist() == pytest.approx([50.1 + 2 * KM, 50.1 - 6 * KM])


def test_posts_in_the_middle_of_a_road_are_paired_along_it(ground: Any) -> None:
    """In the steppe the next junction is far: posts stand on a piece, not at its ends."""
    given = posts({"e": -3, "n": 0}, {"e": 3, "n": 0}, {"e": 3, "n": -4})
    ends = [(60 + e * WIDE, 50.1 + n * KM) for e, n in ((-40, 0), (40, 0))]
    other = [(60 + 3 * WIDE, 50.1 - 4 * KM), (60 + 3 * WIDE, 50.1 - 40 * KM)]
    lines = [shapely.LineString(ends), shapely.LineString(other)]
    table = {"u": [1, 3], "v": [2, 4]}
    road = validate(gpd.GeoDataFrame(table, geometry=lines, crs=WGS84), "roads", "test")
    got, report = checkpoints_from_posts(given, *ground, roads=road)
    assert report["pairs"] == 1
    assert report["without_partner"] == ["road-osm3"]
    assert got["checkpoint_id"].tolist() == ["road-osm1", "road-osm3"]
    assert got.geometry.x[0] == pytest.approx(60, abs=1e-9)


def test_what_is_no_border_post_is_left_out_and_counted(ground: Any) -> None:
    given = posts(
        {"e": -3, "n": 0},
        {"e": -80, "n": 0, "name": "Airport"},
        {"e": -600, "n": 0},
        {"e": 3, "n": 9, "what": "customs"},
        {"e": -3, "n": 1, "what": "customs", "name": "Hall"},
    )
    got, report = checkpoints_from_posts(given, *ground)
    assert got["checkpoint_id"].tolist() == ["road-osm1"]
    assert {k: report[k] for k in ("posts_outside", "posts_inland", "customs_alone")} == {
        "posts_outside": 1,
        "posts_inland": 1,
        "customs_alone": 1,
    }


def test_a_checkpoint_with_one_closed_post_is_closed(ground: Any) -> None:
    got, _ = checkpoints_from_posts(posts({"e": -3, "n": 0}, {"e": 3, "n": 0, "open": False}), *ground)
    assert got["open"].tolist() == [False]


def test_facts_join_by_name_distance_and_region(ground: Any) -> None:
    given = posts(
        {"e": -3, "n": 0, "name": "Павловка"},
        {"e": 3, "n": 0, "name": "Нурлы"},
        {"e": -3, "n": -40, "name": "Pavlovka", "names": "Павловка"},
        {"e": 3, "n": 100, "name": "Far"},
    )
    # Two Pavlovkas: one in each region; the southern fact lies nearer to the northern post than its own.
    known = facts(
        {
            "checkpoint_id": "north",
            "name": "Pavlovka N",
            "names": "Павловка",
            "region_a": "RU-N",
            "e": 0,
            "n": 20,
            "wait_min": 45.0,
        },
        {
            "checkpoint_id": "south",
            "name": "Pavlovka S",
            "names": "павловка",
            "region_a": "RU-S",
            "e": 0,
            "n": -15,
            "open": False,
        },
        {"checkpoint_id": "far", "name": "Far", "region_b": "KZ-N", "e": 0, "n": 40},
        {"checkpoint_id": "rail", "mode": "rail", "name": "Far", "e": 3, "n": 100},
    )
    got, report = checkpoints_from_posts(given, *ground, known, as_of="2025-11-20")
    assert report["facts_by_name"] == 2
    assert report["facts_alone"] == ["far", "rail"]
    assert report["namesakes_refused"] == ["north, road-osm3", "south, road-osm1", "far, road-osm4"]
    assert report["status_differs"] == ["south"]
    table = got.set_index("checkpoint_id")
    assert sorted(table.index) == ["far", "north", "rail", "road-osm4", "south"]
    # The place is OpenStreetMap's, the rest the fact's.
    assert table.geometry["north"].y == pytest.approx(50.1)
    assert table.geometry["south"].y == pytest.approx(50.1 - 40 * KM)
    assert table["open"].to_dict() == {"far": True, "north": True, "rail": True, "road-osm4": True, "south": False}
    assert table.loc["north", ["control_wait_min", "regime", "source", "as_of"]].tolist() == [
        45,
        "bilateral",
        "registry; place: OpenStreetMap",
        "2025-11-20",
    ]


def test_a_checkpoint_without_a_name_takes_the_nearest_fact_of_its_regions(ground: Any) -> None:
    given = posts({"e": -3, "n": 0}, {"e": 3, "n": 0})
    known = facts(
        {"checkpoint_id": "near", "name": "Near", "region_a": "RU-S", "e": 0, "n": 1},
        {"checkpoint_id": "right", "name": "Right", "region_a": "RU-N", "e": 0, "n": 6},
        {"checkpoint_id": "off", "name": "Off", "region_a": "RU-N", "e": 0, "n": 30},
    )
    got, report = checkpoints_from_posts(given, *ground, known)
    assert report["facts_without_name"] == 1
    assert report["facts_alone"] == ["near", "off"]
    assert got.set_index("checkpoint_id").geometry["right"].y == pytest.approx(50.1)


def test_a_railway_over_the_line_is_called_by_its_stations(ground: Any) -> None:
    table = {
        "osm_id": [1, 2, 3, 4, 5],
        "object": "node",
        "kind": ["border", "border", "station", "halt", "border"],
        "name": ["", "", "Ozinki", "Semiglavy Mar", ""],
        "names": "",
    }
    e, n = [0, 0.1, -9, 12, -100], [0, 0.2, 3, 0, 0]
    points = [shapely.Point(60 + x * WIDE, 50.1 + y * KM) for x, y in zip(e, n, strict=True)]
    stations = gpd.GeoDataFrame(table, geometry=points, crs=WGS84)
    got, report = checkpoints_from_posts(posts({"e": -3, "n": 50}), *ground, stations=stations)
    rail = got[got["mode"] == "rail"]
    assert rail[["checkpoint_id", "name", "region_a", "region_b"]].to_numpy().tolist() == [
        ["rail-osm1", "Ozinki – Semiglavy Mar", "RU-N", "KZ-N"]
    ]
    assert rail.geometry.iloc[0].x == pytest.approx(60 + 0.05 * WIDE)
    assert report["rail"] == 1


def test_no_post_at_all_is_an_empty_layer(ground: Any) -> None:
    got, report = checkpoints_from_posts(posts({"e": -900, "n": 0}), *ground)
    assert got.empty
    assert report["posts_outside"] == 1


def test_the_order_of_the_posts_does_not_matter(ground: Any) -> None:
    given = posts(
        {"e": -3, "n": 0, "name": "A"}, {"e": -3, "n": 1, "name": "B"}, {"e": 3, "n": 0}, {"e": 3, "n": 9, "name": "C"}
    )
    first, _ = checkpoints_from_posts(given, *ground)
    second, _ = checkpoints_from_posts(given.iloc[::-1], *ground)
    assert first.equals(second)
