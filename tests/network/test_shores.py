"""Ways round water beside the shortest way from corner to corner, and what connectors make of them."""

from __future__ import annotations

import itertools

import networkx as nx
import numpy as np
import pytest
import shapely

from layers.checkpoints import with_waits
from layers.crs import WGS84, project
from network.abroad import Border
from network.build import build_network
from network.joining import DETOUR
from network.shores import _cut, goes_round, way_round
from tests.borders import PLAIN, ground_of
from tests.network.test_joining import land_of, metres

SIDES = {"a": shapely.box(-1e6, -1e6, 0, 1e6), "b": shapely.box(0, -1e6, 1e6, 1e6)}


def border(*lakes: shapely.Geometry) -> Border:
    return Border(shapely.LineString([(0, -1e6), (0, 1e6)]), SIDES, 1.0, shapely.multipolygons(list(lakes)))


def shortest(lakes: list[shapely.Geometry], one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return the length of the shortest way outside of convex lakes: from corner to corner."""
    corners = [one, other, *(tuple(xy) for lake in lakes for xy in shapely.get_coordinates(lake)[:-1])]
    inner = shapely.union_all(shapely.buffer(lakes, -1e-3))
    graph = nx.Graph()
    for p, q in itertools.combinations(corners, 2):
        line = shapely.LineString([p, q])
        if not shapely.intersects(line, inner):
            graph.add_edge(p, q, weight=line.length)
    return float(nx.shortest_path_length(graph, one, other, weight="weight"))


def test_the_way_round_a_square_lake_passes_two_corners() -> None:
    lake = shapely.box(-30_000, 0, -20_000, 10_000)
    line = shapely.LineString([(-40_000, 4_000), (-10_000, 4_000)])
    exact = 2 * np.hypot(10_000, 4_000) + 10_000
    way = way_round(border(lake), line, 1.3)
    assert way is not None
    assert exact <= shapely.length(way) <= exact + 200
    assert shapely.length(shapely.intersection(way, lake)) == 0
    ends = shapely.get_coordinates(way)[[0, -1]]
    np.testing.assert_array_equal(ends, shapely.get_coordinates(line))
    assert way_round(border(lake), line, 1.05) is None


def test_lakes_that_a_line_crosses_are_gone_round_by_the_shorter_side_of_each() -> None:
    lake = shapely.box(-30_000, 0, -20_000, 10_000)
    line = shapely.LineString([(-42_000, 2_000), (-12_000, 2_000)])
    # Along three sides: 2 + 10 + 2 km in place of 10, of 30 km in all.
    assert goes_round(border(lake), np.array([line]), 34 / 30 + 1e-6).tolist() == [True]
    assert goes_round(border(lake), np.array([line]), 34 / 30 - 1e-6).tolist() == [False]
    two = border(lake, shapely.box(-19_000, -1_000, -15_000, 30_000))
    # The second costs 3 + 4 + 3 km in place of 4.
    assert goes_round(two, np.array([line]), 40 / 30 + 1e-6).tolist() == [True]
    assert goes_round(two, np.array([line]), 40 / 30 - 1e-6).tolist() == [False]


@pytest.mark.parametrize("seed", range(10))
def test_hulls_are_cut_as_shapely_cuts_them(seed: int) -> None:
    rng = np.random.default_rng(seed)
    hulls = shapely.convex_hull(shapely.multipoints(rng.normal(0, 5_000, (12, 9, 2))))
    hull = rng.integers(12, size=300)
    ends = rng.normal(0, 8_000, (300, 2, 2))
    left, straight = _cut(hulls, hull, ends)
    along = ends[:, 1] - ends[:, 0]
    along *= 1e6 / np.hypot(*along.T)[:, None]
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    begin, end = ends[:, 0] - along, ends[:, 1] + along
    halves = shapely.polygons(np.stack([begin, end, end + across, begin + across], axis=1))
    chord = shapely.length(shapely.intersection(hulls[hull], shapely.linestrings(np.stack([begin, end], axis=1))))
    expected = shapely.length(shapely.intersection(hulls[hull], halves)) - chord
    np.testing.assert_allclose(left, expected, atol=1e-3)
    within = shapely.length(shapely.intersection(hulls[hull], shapely.linestrings(ends)))
    np.testing.assert_allclose(straight, within, atol=1e-3)
    assert 20 < (chord == 0).sum() < 200


def test_no_lake_is_gone_round_by_the_border_line() -> None:
    lake = shapely.box(-30_000, 0, -20_000, 10_000)
    near = shapely.LineString([(-40_000, 2_000), (-3_000, 2_000)])
    far = shapely.LineString([(-40_000, 2_000), (-5_000, 2_000)])
    # 4 km more: as far as the line, or not.
    assert goes_round(border(lake), np.array([near, far]), 1.3).tolist() == [False, True]


def test_there_is_no_way_off_an_island() -> None:
    middle = shapely.Point(-50_000, 0)
    ring = shapely.difference(middle.buffer(3_000), middle.buffer(500))
    line = shapely.LineString([(-50_000, 0), (-44_000, 0)])
    assert way_round(border(ring), line, 5.0) is None
    assert way_round(border(ring), shapely.reverse(line), 5.0) is None


def test_a_way_over_dry_ground_is_the_line_itself() -> None:
    line = shapely.LineString([(-50_000, 0), (-44_000, 0)])
    way = way_round(border(shapely.box(-50_000, 100, -44_000, 200)), line, 1.0)
    assert way is not None
    assert shapely.equals_exact(way, line, 0.0)


@pytest.mark.parametrize("seed", range(25))
def test_what_is_found_is_dry_and_little_longer_than_the_shortest(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lakes: list[shapely.Geometry] = []
    for _ in range(8):
        middle = shapely.Point(rng.uniform(-55_000, -5_000), rng.normal(0, 6_000))
        lake = shapely.convex_hull(
            shapely.multipoints(shapely.get_coordinates(middle) + rng.uniform(-5_000, 5_000, (6, 2)))
        )
        # Ends on land, and water that a way of 60 m fits between.
        if shapely.distance(shapely.multipoints([(-60_000, 0), (0, 0)]), lake) < 200:
            continue
        if all(shapely.distance(lake, other) > 200 for other in lakes):
            lakes.append(lake)
    line = shapely.LineString([(-60_000, 0), (0, 0)])
    best = shortest(lakes, (-60_000, 0), (0, 0))
    way = way_round(border(*lakes), line, 3.0)
    assert way is not None
    assert shapely.length(shapely.intersection(way, shapely.union_all(lakes))) <= 10.0
    assert best - 1e-6 <= shapely.length(way) <= 1.1 * best + 500
    assert (way_round(border(*lakes), line, 1.0) is None) == bool(shapely.intersects(line, shapely.union_all(lakes)))


def lake_of(west: float, south: float, east: float, north: float) -> shapely.Geometry:
    """Return a lake in km of the plane, in the projection of the land."""
    shape = shapely.Polygon(PLAIN.lonlat(np.array([west, east, east, west]), np.array([south, south, north, north])))
    return shapely.multipolygons([project(np.array([shape]), WGS84, ground_of(land_of([])).crs)[0]])


@pytest.mark.parametrize(("half", "joined"), [(1.0, True), (20.0, False)])
def test_a_town_behind_a_lake_joins_the_road_if_its_connector_is_as_long_as_the_way_round(
    half: float, joined: bool
) -> None:
    # Town 10 km west of the road, a lake of 2 km from west to east between them.
    land, water = land_of([(-70.0, 50.0)]), lake_of(-66.0, 50 - half, -64.0, 50 + half)
    base = ground_of(land, water=water).base
    network = build_network(base, with_waits(land.checkpoints), land.settlements)
    town = int(network.settlements["node"].iloc[0])
    rows = np.flatnonzero(((network.links["kind"] == "connector") & (network.links["u"] == town)).to_numpy())
    lines = network.tables.projected(rows)
    assert (shapely.length(shapely.intersection(lines, water)) < 1.0).all()
    straight = network.settlements["snap_km"].iloc[0]
    assert (straight == pytest.approx(10.0, rel=1e-2)) == joined
    if joined:
        (line,), (length,) = lines, network.links["length_m"].iloc[rows]
        assert length == pytest.approx(DETOUR * 1000 * straight, rel=1e-6)
        # It is drawn round the lake, and no longer than it is said to be.
        assert len(shapely.get_coordinates(line)) > 2
        assert 1000 * straight < shapely.length(line) < length


@pytest.mark.parametrize(("west", "east", "road"), [(-15.0, -3.0, (-5.0, -100.0)), (-40.0, 10.0, (-60.0, -50.0))])
def test_no_way_round_leads_abroad(west: float, east: float, road: tuple[float, float]) -> None:
    # A road 50 km to the south behind a lake, another 55 km to the west; the second lake's near end lies abroad.
    land, water = land_of([(-5.0, -50.0)]), lake_of(west, -60.0, east, -55.0)
    network = build_network(ground_of(land, water=water).base, with_waits(land.checkpoints), land.settlements)
    assert network.settlements["snap_km"].iloc[0] == pytest.approx(metres((-5.0, -50.0), road) / 1000, rel=1e-2)
