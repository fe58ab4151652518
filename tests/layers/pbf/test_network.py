"""Roads, railways, settlements and posts out of small PBF files; every figure by hand."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from pandas.testing import assert_frame_equal

from layers.crs import GEOD, WGS84, line_lengths_m
from layers.errors import LayerError
from layers.schema import schemas, validate
from layers.sources.pbf.read import PbfLayers, read_header, read_network
from layers.sources.pbf.ways import short_geodesic_m
from tests.layers.pbf.files import Node, Way, block, header_blob, pieces_of, write_pbf

pytest.importorskip("osmium", reason="osmium (pyosmium) is not installed")

ROAD = {"highway": "primary"}


def line_of(count: int, lon: float = 60.0, lat: float = 50.0, first: int = 1) -> list[Node]:
    """Return nodes 0.01° apart from west to east."""
    return [(first + i, lon + i / 100, lat) for i in range(count)]


def read(tmp_path: Path, nodes: list[Node], ways: list[Way], **options: Any) -> PbfLayers:
    return read_network(write_pbf(tmp_path / "a.osm.pbf", nodes, ways), **options)


def test_ways_part_at_shared_nodes(tmp_path: Path) -> None:
    nodes = [*line_of(5), (10, 60.02, 50.01)]
    got = read(tmp_path, nodes, [(100, [1, 2, 3, 4, 5], ROAD), (101, [3, 10], ROAD)])
    assert pieces_of(got.roads) == [(100, 1, 3), (100, 3, 5), (101, 3, 10)]
    _, _, metres = GEOD.inv(60.0, 50.0, 60.01, 50.0)
    assert got.roads["length_m"].tolist()[:2] == pytest.approx([2 * metres, 2 * metres], rel=1e-7)
    assert shapely.get_coordinates(got.roads.geometry.iloc[1]).tolist() == [[60.02, 50], [60.03, 50], [60.04, 50]]


def test_a_bridge_without_a_shared_node_parts_nothing(tmp_path: Path) -> None:
    nodes = [(1, 60, 50), (2, 60.02, 50), (3, 60.01, 49.99), (4, 60.01, 50.01)]
    got = read(tmp_path, nodes, [(100, [1, 2], ROAD), (101, [3, 4], {**ROAD, "bridge": "yes", "layer": "1"})])
    assert pieces_of(got.roads) == [(100, 1, 2), (101, 3, 4)]
    assert got.roads["bridge"].tolist() == [False, True]
    assert shapely.crosses(*got.roads.geometry)


def test_a_level_crossing_parts_neither_road_nor_railway(tmp_path: Path) -> None:
    nodes = [*line_of(3), (4, 60.01, 50.01), (5, 60.01, 49.99)]
    got = read(tmp_path, nodes, [(100, [1, 2, 3], ROAD), (101, [4, 2, 5], {"railway": "rail"})])
    assert pieces_of(got.roads) == [(100, 1, 3)]
    assert pieces_of(got.railways) == [(101, 4, 5)]


def test_oneway_against_the_drawing_is_turned(tmp_path: Path) -> None:
    ways = [(100, [1, 2, 3], {**ROAD, "oneway": "-1"}), (101, [4, 2], ROAD)]
    got = read(tmp_path, [*line_of(3), (4, 60.01, 50.01)], ways)
    assert pieces_of(got.roads) == [(100, 3, 2), (100, 2, 1), (101, 4, 2)]
    assert got.roads["oneway"].tolist() == [True, True, False]
    assert shapely.get_coordinates(got.roads.geometry.iloc[0]).tolist() == [[60.02, 50], [60.01, 50]]


def test_a_roundabout_is_one_way_and_parts_where_roads_join(tmp_path: Path) -> None:
    ring: list[Node] = [(1, 60, 50), (2, 60.001, 50), (3, 60.001, 50.001), (4, 60, 50.001)]
    roads: list[Node] = [(5, 60.01, 50), (6, 59.99, 50.001)]
    ways = [(100, [1, 2, 3, 4, 1], {**ROAD, "junction": "roundabout"}), (101, [2, 5], ROAD), (102, [4, 6], ROAD)]
    got = read(tmp_path, ring + roads, ways)
    assert pieces_of(got.roads)[:3] == [(100, 1, 2), (100, 2, 4), (100, 4, 1)]
    assert got.roads["oneway"].tolist() == [True, True, True, False, False]


@pytest.mark.parametrize(
    ("tags", "oneway"),
    [
        ({"highway": "motorway"}, True),
        ({"highway": "motorway_link"}, False),
        ({"highway": "motorway", "oneway": "no"}, False),
        ({"highway": "trunk"}, False),
        ({"highway": "trunk", "oneway": "reversible"}, False),
    ],
)
def test_defaults_of_direction(tmp_path: Path, tags: dict[str, str], oneway: bool) -> None:
    assert read(tmp_path, line_of(2), [(100, [1, 2], tags)]).roads["oneway"].tolist() == [oneway]


def test_tags_of_a_road_become_columns(tmp_path: Path) -> None:
    tags = {
        "highway": "tertiary",
        "maxspeed": "40 mph",
        "surface": "gravel",
        "smoothness": "bad",
        "seasonal": "winter",
        "winter_road": "yes",
        "toll": "yes",
        "tunnel": "yes",
        "access": "permit",
        "hgv": "no",
        "name": "Дорога",
        "ref": "A310",
        "maxspeed:hgv": "50",
        "duration": "00:10",
    }
    row = read(tmp_path, line_of(2), [(100, [1, 2], tags)]).roads.iloc[0]
    assert row["maxspeed_kph"] == pytest.approx(64.37, abs=0.01)
    expected = {
        "kind": "tertiary",
        "speed_source": "tagged",
        "surface": "gravel",
        "smoothness": "bad",
        "seasonal": "winter",
        "winter_road": True,
        "ice_road": False,
        "toll": True,
        "bridge": False,
        "tunnel": True,
        "access": "permit",
        "car": True,
        "truck": False,
        "name": "Дорога",
        "ref": "A310",
        "maxspeed_hgv_kph": 50,
        "osm_id": 100,
        "season": "winter",
        "duration_min": 10,
    }
    assert {k: row[k] for k in expected} == expected


@pytest.mark.parametrize(
    ("tags", "kph", "source"),
    [
        ({"maxspeed": "60;80"}, 60, "tagged"),
        ({"maxspeed:forward": "90", "maxspeed:backward": "70"}, 70, "tagged"),
        ({"maxspeed:type": "RU:rural"}, 90, "implicit"),
        ({"source:maxspeed": "KZ:rural"}, 110, "implicit"),
        ({"maxspeed": "none", "maxspeed:type": "KZ:motorway"}, 140, "implicit"),
        ({"maxspeed": "50", "maxspeed:type": "RU:rural"}, 50, "tagged"),
        ({"maxspeed": "signals"}, None, "default"),
        ({}, None, "default"),
    ],
)
def test_the_limit_and_where_it_comes_from(
    tmp_path: Path, tags: dict[str, str], kph: float | None, source: str
) -> None:
    row = read(tmp_path, line_of(2), [(100, [1, 2], {**ROAD, **tags})]).roads.iloc[0]
    assert row["speed_source"] == source
    assert np.isnan(row["maxspeed_kph"]) if kph is None else row["maxspeed_kph"] == kph


def test_roads_that_nobody_may_use_are_counted_by_reason(tmp_path: Path) -> None:
    closed = [{"access": "forestry"}, {"motor_vehicle": "no"}, {"access": "no"}, {"military": "yes"}, {"area": "yes"}]
    kept = [{}, {"access": "no", "motor_vehicle": "yes"}, {"access": "private"}, {"motor_vehicle": "no", "hgv": "yes"}]
    ways = [(100 + i, [1, 2], {**ROAD, **tags}) for i, tags in enumerate(closed + kept)]
    ways.append((200, [1, 2], {"highway": "footway"}))
    got = read(tmp_path, line_of(2), ways)
    assert got.roads["osm_id"].tolist() == [105, 106, 107, 108]
    assert got.roads[["car", "truck"]].to_numpy().tolist() == [[True, True]] * 3 + [[False, True]]
    assert got.roads["no_through"].tolist() == ["", "", "car|truck", ""]
    assert got.report["left_out"] == {
        "roads_access_forestry": 1,
        "roads_access_no": 2,
        "roads_area": 1,
        "roads_military": 1,
    }
    assert got.report["no_through"] == {"private": 1}


def test_ferries_are_roads_unless_for_foot_passengers(tmp_path: Path) -> None:
    ways = [(100, [1, 2], {"route": "ferry"}), (101, [2, 3], {"route": "ferry", "motor_vehicle": "no"})]
    got = read(tmp_path, line_of(3), ways)
    assert got.roads[["osm_id", "kind"]].to_numpy().tolist() == [[100, "ferry"]]


def test_only_the_wanted_kinds_of_road(tmp_path: Path) -> None:
    ways = [(100, [1, 2], ROAD), (101, [2, 3], {"highway": "track"})]
    assert read(tmp_path, line_of(3), ways, road_kinds=["track"]).roads["osm_id"].tolist() == [101]
    with pytest.raises(LayerError, match="'lane': allowed are motorway"):
        read(tmp_path, line_of(3), ways, road_kinds=["lane"])


def test_railways(tmp_path: Path) -> None:
    main = {
        "railway": "rail",
        "usage": "main",
        "gauge": "1520",
        "electrified": "contact_line",
        "voltage": "25000",
        "frequency": "50",
        "maxspeed": "120",
    }
    others = [
        {"railway": "rail", "service": "yard"},
        {"railway": "rail", "service": "crossover"},
        {"railway": "rail"},
        {"railway": "rail", "usage": "military"},
        {"railway": "abandoned"},
        {"railway": "tram"},
    ]
    ways = [(100 + i, [1, 2], tags) for i, tags in enumerate([main, *others])]
    got = read(tmp_path, line_of(2), ways).railways
    assert got["osm_id"].tolist() == [100, 101, 102, 103]
    assert got["kind"].tolist() == ["main", "yard", "crossover", "rail"]
    assert got["through"].tolist() == [True, False, True, True]
    assert got["current"].tolist() == ["25 kV 50 Hz", "", "", ""]
    assert got.loc[0, ["gauge", "electrified", "voltage", "frequency", "maxspeed_kph"]].tolist() == [
        "1520",
        "contact_line",
        "25000",
        "50",
        120.0,
    ]


def test_a_way_with_a_missing_node_is_broken_and_never_joined(tmp_path: Path) -> None:
    nodes = [n for n in line_of(6) if n[0] not in (3, 6)]
    got = read(tmp_path, nodes, [(100, [1, 2, 3, 4, 5, 6], ROAD), (101, [3, 6], ROAD)])
    assert pieces_of(got.roads) == [(100, 1, 2), (100, 4, 5)]
    assert got.report["left_out"] == {"ways_cut": 2, "ways_without_a_piece": 1}


def test_a_node_twice_in_a_row_counts_once(tmp_path: Path) -> None:
    assert pieces_of(read(tmp_path, line_of(3), [(100, [1, 2, 2, 3], ROAD)]).roads) == [(100, 1, 3)]


def test_only_the_area_is_read(tmp_path: Path) -> None:
    nodes = [
        *line_of(10),
        (50, 60.02, 50.0, {"place": "village", "name": "In"}),
        (51, 60.09, 50, {"place": "town", "name": "Out"}),
    ]
    ways = [(100, list(range(1, 11)), ROAD), (101, [9, 10], ROAD)]
    got = read(tmp_path, nodes, ways, area=shapely.box(59.9, 49.9, 60.035, 50.1))
    assert pieces_of(got.roads) == [(100, 1, 4)]
    assert got.settlements["name"].tolist() == ["In"]
    assert got.report["nodes"] == 4
    slanted = shapely.Polygon([(59.9, 49.9), (60.15, 49.9), (59.9, 50.15)])
    inside = [n[0] for n in line_of(10) if shapely.intersects_xy(slanted, n[1], n[2])]
    assert 1 < len(inside) < 10
    assert pieces_of(read(tmp_path, nodes, ways, area=slanted).roads)[0] == (100, 1, max(inside))


@pytest.mark.parametrize("area", [shapely.Point(1, 1), shapely.Polygon(), shapely.box(0, 0, 500_000, 500_000)])
def test_an_area_that_is_none_is_refused(tmp_path: Path, area: shapely.Geometry) -> None:
    with pytest.raises(LayerError, match="allowed is"):
        read(tmp_path, line_of(2), [(100, [1, 2], ROAD)], area=area)


def town(tmp_path: Path, east: int = 8) -> tuple[list[Node], list[Way]]:
    """Return a grid of roads, 12 × 8 nodes, with a village and a post."""
    nodes: list[Node] = [(1 + x + 12 * y, 60 + x / 100, 50 + y / 100) for y in range(east) for x in range(12)]
    nodes += [
        (500, 60.055, 50.02, {"place": "village", "name": "Middle"}),
        (501, 60.11, 50, {"barrier": "border_control"}),
    ]
    rows = [(1000 + y, [1 + x + 12 * y for x in range(12)], {**ROAD, "name": f"Row {y}"}) for y in range(east)]
    columns = [(2000 + x, [1 + x + 12 * y for y in range(east)], {"highway": "track"}) for x in range(12)]
    return nodes, [*rows, *columns]


@pytest.mark.parametrize("turned", [False, True])
def test_one_large_extract_is_its_pieces(tmp_path: Path, turned: bool) -> None:
    nodes, ways = town(tmp_path)
    whole = read_network(write_pbf(tmp_path / "whole.osm.pbf", nodes, ways))
    files = []
    for name, west, east in (("a", 59, 60.045), ("b", 60.035, 61)):
        # An extract has the ways that touch it, and all nodes of these, or only those inside.
        inside = {n[0] for n in nodes if west <= n[1] <= east}
        mine = [w for w in ways if inside & set(w[1])]
        full = {r for w in mine for r in w[1]} if name == "a" else set()
        some = [n for n in nodes if n[0] in inside | full]
        files.append(write_pbf(tmp_path / f"{name}.osm.pbf", some, mine))
    pieces = read_network(files[::-1] if turned else files)
    for layer in ("roads", "settlements", "posts"):
        assert_frame_equal(getattr(pieces, layer), getattr(whole, layer))
    assert pieces.report["left_out"]["objects_in_several_files"] > 0


def test_of_two_versions_the_newer_file_counts(tmp_path: Path) -> None:
    old = write_pbf(tmp_path / "old.osm.pbf", line_of(2), [(100, [1, 2], ROAD)], timestamp="2020-01-01T00:00:00Z")
    moved = [(1, 60.0, 50.5), (2, 60.01, 50.5)]
    new = write_pbf(
        tmp_path / "new.osm.pbf", moved, [(100, [2, 1], {"highway": "trunk"})], timestamp="2024-01-01T00:00:00Z"
    )
    for files in ([old, new], [new, old]):
        got = read_network(files).roads
        assert pieces_of(got) == [(100, 2, 1)]
        assert got["kind"].tolist() == ["trunk"]
        assert got.geometry.iloc[0].bounds[1] == 50.5


def test_a_file_in_no_order_reads_as_one_in_order(tmp_path: Path) -> None:
    nodes, ways = town(tmp_path)
    ordered = read_network(write_pbf(tmp_path / "a.osm.pbf", nodes, ways))
    mixed = read_network(write_pbf(tmp_path / "b.osm.pbf", nodes[::-1], ways[::-1], in_order=False))
    assert not read_header(tmp_path / "b.osm.pbf")["sorted"]
    assert_frame_equal(mixed.roads, ordered.roads)
    assert_frame_equal(mixed.settlements, ordered.settlements)


def test_plain_nodes_and_another_grid_read_as_dense_ones(tmp_path: Path) -> None:
    ways = [(7, [1, 2], {b"highway": b"primary"})]
    path = tmp_path / "a.osm.pbf"
    dense = block([(1, 600_000_000, -500_000_000), (2, 600_100_000, -500_000_000)], ways)
    plain = block([(1, 600_000_000, -500_000_000), (2, 600_100_000, -500_000_000)], ways, dense=False, compress=False)
    grid = block(
        [(1, 60_000_000, -51_000_000), (2, 60_010_000, -51_000_000)], ways, granularity=1000, lat_offset=1_000_000_000
    )
    frames = []
    for content in (dense, plain, grid):
        path.write_bytes(header_blob() + content)
        frames.append(read_network(path).roads)
    assert shapely.get_coordinates(frames[0].geometry).tolist() == [[60, -50], [60.01, -50]]
    assert_frame_equal(frames[0], frames[1])
    assert_frame_equal(frames[0], frames[2])


def test_settlements(tmp_path: Path) -> None:
    nodes: list[Node] = [
        (
            1,
            60,
            50,
            {
                "place": "city",
                "name": "Орал",
                "name:en": "Oral",
                "name:ru": "Уральск",
                "old_name": "Яик;Яицк",
                "population": "350 000 (2023)",
                "capital": "4",
            },
        ),
        (2, 61, 50, {"place": "hamlet", "name": "Lone", "population": "few"}),
        (3, 62, 50, {"place": "village"}),
        (4, 63, 50, {"place": "suburb", "name": "No"}),
        (5, 64, 50, {"place": "town", "name": "Dated", "population": "5000", "population:date": "2021-10"}),
        (6, 65, 50, {"place": "hamlet", "name": "Camp", "military": "base"}),
    ]
    got = read(tmp_path, nodes, [])
    assert got.settlements["settlement_id"].tolist() == [1, 2, 5]
    assert got.settlements["population"].tolist() == [350_000, 0, 5000]
    assert got.settlements["population_date"].tolist() == ["2023", "", "2021-10"]
    assert got.settlements.loc[0, ["names", "capital", "kind"]].tolist() == ["Oral|Уральск|Яик|Яицк", "4", "city"]
    assert got.report["left_out"] == {
        "populations_unreadable": 1,
        "settlements_military": 1,
        "settlements_without_name": 1,
    }


def test_posts_as_nodes_ways_and_areas(tmp_path: Path) -> None:
    control = {"barrier": "border_control"}
    nodes: list[Node] = [
        (1, 60, 50, {**control, "name": "Post", "name:ru": "Пост", "opening_hours": "Mo-Su 08:00-20:00"}),
        (2, 60.1, 50, {"disused:barrier": "border_control"}),
        (3, 60.2, 50, {"office": "government", "government": "customs"}),
        (4, 60.3, 50, {"amenity": "customs"}),
        (5, 60.4, 50, {**control, "military": "checkpoint"}),
        (6, 60.5, 50, {"barrier": "gate"}),
        (7, 60.6, 50, {**control, "disused": "yes"}),
        (11, 61, 50),
        (12, 61.01, 50),
        (13, 61.01, 50.02),
        (14, 61, 50.02),
        (15, 61, 50.01),
    ]
    ways: list[Way] = [
        (100, [11, 12, 13, 14, 15, 11], {"government": "border_control"}),
        (101, [11, 12], {**control, "highway": "primary"}),
        (102, [98, 99], control),
    ]
    got = read(tmp_path, nodes, ways)
    posts = got.posts.set_index(["object", "osm_id"]).sort_index()
    assert posts["open"].to_dict() == {
        ("node", 1): True,
        ("node", 2): False,
        ("node", 3): True,
        ("node", 4): True,
        ("node", 7): False,
        ("way", 100): True,
        ("way", 101): True,
    }
    assert posts["what"].tolist() == ["border_control"] * 2 + ["customs"] * 2 + ["border_control"] * 3
    assert posts.loc[("node", 1), ["name", "name_ru", "names", "hours"]].tolist() == [
        "Post",
        "Пост",
        "Пост",
        "08:00-20:00",
    ]
    # The centroid of the rectangle, whatever its vertices; the middle of the line.
    assert posts.geometry[("way", 100)].coords[0] == pytest.approx((61.005, 50.01))
    assert posts.geometry[("way", 101)].coords[0] == pytest.approx((61.005, 50.0))
    assert got.report["left_out"] == {"places_outside": 1, "posts_military": 1}
    assert got.roads["osm_id"].tolist() == [101]


def test_stations(tmp_path: Path) -> None:
    nodes: list[Node] = [
        (1, 60, 50, {"railway": "station", "name": "Ozinki"}),
        (2, 61, 50, {"railway": "border"}),
        (3, 62, 50, {"railway": "switch"}),
    ]
    got = read(tmp_path, nodes, [])
    assert got.stations[["osm_id", "kind", "name"]].to_numpy().tolist() == [[1, "station", "Ozinki"], [2, "border", ""]]


def test_countries_come_from_the_regions(tmp_path: Path) -> None:
    frame = {"region": ["RU-1", "KZ-1"], "name": ["A", "B"], "country": ["RU", "KZ"]}
    halves = [shapely.box(59, 49, 60.015, 51), shapely.box(60.015, 49, 60.5, 51)]
    regions = validate(gpd.GeoDataFrame(frame, geometry=halves, crs=WGS84), "regions", "test")
    nodes = [*line_of(4), (9, 60.2, 50, {"place": "town", "name": "T"}), (10, 65, 50, {"place": "town", "name": "Far"})]
    got = read(tmp_path, nodes, [(100, [1, 2], ROAD), (101, [4, 3], {"railway": "rail"})], regions=regions)
    assert got.roads["country"].tolist() == ["RU"]
    assert got.railways["country"].tolist() == ["KZ"]
    assert got.settlements["country"].tolist() == ["KZ", ""]


def test_the_layers_fit_the_schema(tmp_path: Path) -> None:
    nodes, ways = town(tmp_path)
    got = read(tmp_path, nodes, [*ways, (3000, [1, 2], {"railway": "rail"})])
    for layer in ("roads", "railways"):
        frame = getattr(got, layer)
        checked = validate(frame, layer, "test")
        assert len(checked) == len(frame)
        # What is driven no tag tells.
        assert set(schemas()[layer].columns) - {"driven_kph"} <= set(frame.columns)
        assert checked["length_m"].to_numpy() == pytest.approx(line_lengths_m(frame.geometry.to_numpy()), rel=1e-7)


def test_a_border_without_any_road_gives_empty_layers(tmp_path: Path) -> None:
    got = read(tmp_path, line_of(2), [])
    assert [len(got.roads), len(got.railways), len(got.posts)] == [0, 0, 0]
    assert set(schemas()["roads"].columns) - {"driven_kph"} <= set(got.roads.columns)


def test_short_lengths_are_geodesic() -> None:
    rng = np.random.default_rng(0)
    lon, lat = rng.uniform(-180, 180, 4000), rng.uniform(-89.9, 89.9, 4000)
    reach = 10 ** rng.uniform(-6, 0, 4000)
    lon2, lat2 = lon + reach * rng.uniform(-1, 1, 4000), np.clip(lat + reach * rng.uniform(-1, 1, 4000), -90, 90)
    _, _, exact = GEOD.inv(lon, lat, lon2, lat2)
    assert short_geodesic_m(lon, lat, lon2, lat2) == pytest.approx(exact, rel=1e-7, abs=1e-7)
    over = short_geodesic_m(np.array([179.99]), np.array([60.0]), np.array([-179.99]), np.array([60.0]))
    assert over == pytest.approx(GEOD.inv(179.99, 60, 180.01, 60)[2], rel=1e-9)


@pytest.mark.slow
def test_memory_follows_the_area_and_not_the_file(tmp_path: Path) -> None:
    blocks = [header_blob(optional=["Sort.Type_then_ID"])]
    rows, columns = 80, 4000
    for y in range(rows):
        nodes = [(1 + y * columns + x, 600_000_000 + 100 * x, 500_000_000 + 10_000 * y) for x in range(columns)]
        blocks.append(block(nodes, []))
    for y in range(rows):
        first = 1 + y * columns
        ways = [(first + x, [first + x, first + x + 1], {b"highway": b"primary"}) for x in range(0, columns - 1, 2)]
        blocks.append(block([], ways))
    path = tmp_path / "large.osm.pbf"
    path.write_bytes(b"".join(blocks))
    peaks, pieces = [], []
    for area in (None, shapely.box(59.9, 49.9, 61, 50.0015)):
        tracemalloc.start()
        pieces.append(len(read_network(path, area).roads))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # Rows lie 0.001° apart: two of eighty are in the area. One block at a time and the cells of the area remain.
    assert pieces == [rows * columns // 2, 2 * columns // 2]
    assert peaks[1] < peaks[0] / 5
