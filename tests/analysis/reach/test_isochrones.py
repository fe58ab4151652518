"""Isochrones: by hand, against networkx over random borders, nested, whole, never over a closed border."""

from __future__ import annotations

import doctest
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from numpy.typing import NDArray

import analysis.reach.contours
from analysis.reach.accessibility import Targets, travel_times
from analysis.reach.isochrones import isochrones, node_minutes
from analysis.reach.opportunities import within_minutes
from analysis.reach.places import checkpoint_places, cities
from layers.crs import GEOD, WGS84, project
from layers.errors import LayerError, NetworkError, PlaceError
from network.build import FIELDS, NETWORKS, Network
from network.connectors import CONNECTOR_KPH, DETOUR
from network.edits import set_open, set_wait
from network.routing import Router, compile_router
from network.topology import along
from tests.analysis.helpers import PLAIN, TRUNK_KPH, at_settlements, case, cheapest, drawn_land, network_of, walk
from tests.borders import random_land, shuffled

WALK = DETOUR / CONNECTOR_KPH * 60
"""Minutes per kilometre over open ground."""
SEEDS = range(4)
CELL = 4.0
BENT = 1 / np.cos(np.radians(26.565 / 2))
"""Sixteen directions make a way longer than the straight one by this at the most."""


def test_the_examples_run() -> None:
    failed, tried = doctest.testmod(analysis.reach.contours)
    assert (failed, tried > 0) == (0, True)


def test_ground_is_walked_from_cell_to_cell() -> None:
    """A knight's move needs both cells that it passes between; one minute per cell."""
    seeds = np.full((2, 3), np.inf)
    seeds[0, 0] = 0.0

    def last(mask: list[list[int]]) -> float:
        return float(analysis.reach.contours.spread(seeds, np.array(mask, bool), 1000.0, 0.001, 1e6, 60.0)[1, 2])

    assert last([[1, 1, 1], [1, 1, 1]]) == pytest.approx(np.sqrt(5))
    assert last([[1, 1, 0], [0, 1, 1]]) == pytest.approx(np.sqrt(5))
    assert last([[1, 1, 0], [0, 0, 1]]) == pytest.approx(1 + np.sqrt(2))
    assert last([[1, 0, 1], [1, 0, 1]]) == np.inf
    assert last([[1, 0, 0], [0, 0, 1]]) == np.inf
    assert analysis.reach.contours.spread(seeds, np.ones((2, 3), bool), 1000.0, 0.001, 1500.0, 60.0)[0, 2] == np.inf


def town(network: Network, row: int) -> pd.DataFrame:
    """Return one settlement as a place."""
    table = network.settlements.iloc[[row]]
    return pd.DataFrame({"place": "here", "side": table["side"].to_numpy(), "node": table["node"].to_numpy()})


def projected(found: gpd.GeoDataFrame, network: Network) -> gpd.GeoDataFrame:
    """Return the polygons in the equal-area projection, with the key of each row."""
    return found.to_crs(network.crs).set_index(["network", "minutes"])


def kite_km2(minutes: float) -> float:
    """Return the ground within minutes of a place on an endless straight road: a disk between two tangent points.

    The points of the road are D = V·T away, the disk's radius is r = T/w; from each point two tangents, triangles of
    r·√(D² − r²) together; of the disk remain two sectors of π − 2φ each, cos φ = r/D.
    """
    far, radius = TRUNK_KPH * minutes / 60, minutes / WALK
    phi = np.arccos(radius / far)
    return float(2 * radius * np.sqrt(far**2 - radius**2) + radius**2 * (np.pi - 2 * phi))


INLAND = [(-150.0, -140.0), (-150.0, 0.0), (-150.0, 140.0), (100.0, 140.0)]


def inland(**columns: object) -> Network:
    """Return a town in the middle of a straight road 150 km from the border, which the road's end crosses."""
    land = drawn_land(INLAND, [(0, 1), (1, 2), (2, 3)], [(0.0, 140.0)], [INLAND[1], INLAND[3]], **columns)
    return network_of(land)


def test_a_straight_road_by_hand() -> None:
    network = inland()
    router = compile_router(network, "road")
    found = isochrones(router, town(network, 0), minutes=[30, 60], cell_km=1.0, off_road_km=100.0)
    for row in found.itertuples():
        exact = kite_km2(row.minutes)
        # A cell's middle may be off by half a cell on either hand of the outline.
        edge = 2 * np.hypot(TRUNK_KPH * row.minutes / 60, row.minutes / WALK) * 2
        assert abs(row.area_km2 - exact) < edge * 0.5
        assert row.area_b_km2 == 0
        assert row.area_a_km2 == row.area_km2
        geodesic = sum(abs(GEOD.geometry_area_perimeter(part)[0]) for part in shapely.get_parts(row.geometry))
        assert geodesic / 1e6 == pytest.approx(row.area_km2, rel=1e-3)


def has(found: gpd.GeoDataFrame, s: float, t: float, minutes: float, network: str = "open") -> bool:
    row = found[(found["minutes"] == minutes) & (found["network"] == network)].geometry.iloc[0]
    return bool(shapely.contains(row, shapely.points(PLAIN.lonlat(s, t))[0]))


def test_a_road_ends_where_the_minutes_end_between_its_nodes() -> None:
    network = inland()
    found = isochrones(compile_router(network, "road"), town(network, 0), minutes=[45], networks=["open"])
    reach = TRUNK_KPH * 0.75
    for sign in (-1, 1):
        assert has(found, -150.0, sign * (reach - 2), 45)
        assert not has(found, -150.0, sign * (reach + 2), 45)
    ground = 45 / WALK
    assert ground > 15
    # Off the road by the limit of 15 km, no further.
    assert has(found, -150.0 + 13.0, 0.0, 45)
    assert not has(found, -150.0 + 17.0, 0.0, 45)


def test_a_one_way_road_is_driven_its_own_way() -> None:
    network = inland(oneway=[True, True, False])
    router = compile_router(network, "road")
    tables: dict[str, gpd.GeoDataFrame] = {}
    ways = ("from", "to")
    for direction in ways:
        tables[direction] = isochrones(
            router, town(network, 0), minutes=[60], networks=["open"], direction=direction, off_road_km=100.0
        )
    reach, ground = TRUNK_KPH, 60 / WALK
    assert ground + 4 < reach - 4
    # Southwards to the place, northwards away from it.
    for direction, ahead in (("from", 1), ("to", -1)):
        assert has(tables[direction], -150.0, ahead * (reach - 4), 60)
        assert not has(tables[direction], -150.0, -ahead * (ground + 4), 60)
        assert has(tables[direction], -150.0, -ahead * (ground - 4), 60)


def test_a_far_settlement_is_no_island() -> None:
    """Fifty kilometres off the road at the end of a connector: the ground along the connector belongs to it."""
    network = network_of(
        drawn_land(INLAND, [(0, 1), (1, 2), (2, 3)], [(0.0, 140.0)], [INLAND[1], INLAND[3], (-100.0, 0.0)])
    )
    found = isochrones(
        compile_router(network, "road"), town(network, 0), minutes=[100], networks=["open"], off_road_km=8.0
    )
    assert found["people_a"].tolist() == [2000]
    assert found.geom_type.tolist() == ["Polygon"]
    assert all(has(found, s, 0.0, 100) for s in (-135.0, -125.0, -115.0, -100.0))
    assert not has(found, -125.0, 12.0, 100)


CROSS = [(-60.0, 0.0), (60.0, 0.0)]


def crossing(wait: float = 30.0, *, is_open: bool = True) -> Network:
    return network_of(
        drawn_land(CROSS, [(0, 1)], [(0.0, 0.0)], CROSS, waits=[wait], population=[1000, 5000], is_open=[is_open])
    )


def test_the_wait_shortens_what_lies_beyond() -> None:
    network = crossing()
    found = isochrones(compile_router(network, "road"), town(network, 0), minutes=[90], off_road_km=5.0)
    beyond = (TRUNK_KPH * 1.5 - 60, TRUNK_KPH * 1.0 - 60)
    assert beyond[0] > 60 > beyond[1] + 4
    for name in ("borderless", "open"):
        assert has(found, 56.0, 0.0, 90, name)
    assert has(found, beyond[1] - 2, 0.0, 90, "actual")
    assert not has(found, beyond[1] + 2, 0.0, 90, "actual")
    at = found.set_index("network")
    assert at.loc["open", ["people_a", "people_b", "people"]].tolist() == [1000, 5000, 6000]
    assert at.loc["actual", ["people_a", "people_b", "people"]].tolist() == [1000, 0, 1000]
    assert at.loc["open", "area_a_km2"] == at.loc["actual", "area_a_km2"]
    assert at.loc["open", "area_b_km2"] > at.loc["actual", "area_b_km2"] > 0


@pytest.mark.parametrize("wait", [0.0, 30.0])
def test_nothing_leaks_over_a_closed_border(wait: float) -> None:
    """The road runs up to the line, and the ground beyond is a kilometre away."""
    network = crossing(wait, is_open=False)
    found = isochrones(compile_router(network, "road"), town(network, 0), minutes=[60, 240], off_road_km=50.0)
    shut = found[found["network"] != "borderless"]
    assert (shut["area_b_km2"] == 0).all()
    assert (found[found["network"] == "borderless"]["area_b_km2"] > 100).all()
    assert not any(has(found, 0.3, 0.0, 240, n) for n in ("open", "actual"))
    # The road is driven to the line, though it can't be passed.
    assert has(found, -1.5, 0.0, 60, "actual")


def test_a_road_of_the_data_without_any_checkpoint_is_driven_to_the_line() -> None:
    """Nothing splits this link at the border: its two halves belong to two countries all the same."""
    nodes = [(-60.0, 0.0), (60.0, 0.0), (-60.0, 100.0), (60.0, 100.0)]
    network = network_of(drawn_land(nodes, [(0, 1), (0, 2), (2, 3), (1, 3)], [(0.0, 100.0)], nodes[:2]))
    assert (network.links["crossing"] & (network.links["kind"] != "gate")).sum() == 1
    found = isochrones(compile_router(network, "road"), town(network, 0), minutes=[45], off_road_km=3.0)
    for name in NETWORKS:
        assert has(found, -3.0, 0.0, 45, name)
    assert has(found, 1.5, 0.0, 45, "borderless")
    assert not any(has(found, s, 0.0, 45, "open") for s in (0.5, 1.5, 3.0))
    assert found.set_index("network").loc["actual", "area_b_km2"] == 0


def test_a_wait_in_transit_is_charged_where_the_network_says_so() -> None:
    nodes = [(-50.0, 100.0), (50.0, 100.0), (50.0, -100.0), (-50.0, -100.0)]
    land = drawn_land(
        nodes, [(0, 1), (1, 2), (2, 3)], [(0.0, 100.0), (0.0, -100.0)], [nodes[0], nodes[3]], waits=[300.0, 300.0]
    )
    network = network_of(land)
    free, charged = (
        isochrones(compile_router(n, "road"), town(n, 0), minutes=[300], networks=["actual"], cell_km=CELL)
        for n in (network_of(land, domestic_wait=()), network)
    )
    assert has(free, *nodes[3], 300, "actual")
    assert not has(charged, *nodes[3], 300, "actual")
    assert free["people"].tolist() == [2000]
    assert charged["people"].tolist() == [1000]


def test_a_checkpoint_has_two_doors() -> None:
    network = crossing(400.0)
    router = compile_router(network, "road")
    posts = checkpoint_places(network, router)
    assert len(posts) == 2
    found = isochrones(router, posts, minutes=[30], networks=["actual"])
    assert found["place"].tolist() == ["c0"]
    assert found["area_a_km2"][0] == pytest.approx(found["area_b_km2"][0], rel=0.05)
    assert found["area_b_km2"][0] > 500
    alone = isochrones(router, posts[posts["side"] == "a"], minutes=[30], networks=["actual"])
    assert alone["area_b_km2"][0] == 0
    assert alone["area_a_km2"][0] == pytest.approx(found["area_a_km2"][0], rel=0.01)


def biggest(network: Network, router: Router, count: int = 1) -> pd.DataFrame:
    """Return the largest settlements that the router reaches."""
    table = cities(network, people=1)
    table = table[router.positions(table["node"].to_numpy()) >= 0]
    return table.sort_values("weight", ascending=False).head(count)


@pytest.mark.parametrize("seed", SEEDS)
def test_less_time_and_more_border_lie_within(seed: int) -> None:
    one = case(seed)
    limits = [45.0, 90.0, 180.0]
    found = isochrones(one.router, biggest(one.network, one.router), minutes=limits, cell_km=CELL)
    assert found.is_valid.all()
    assert set(found.geom_type) <= {"Polygon", "MultiPolygon"}
    at = projected(found, one.network)

    # Straight edges bend by centimetres on the way to degrees and back: a strip of half a metre along the outline.
    def inside(small: tuple[str, float], large: tuple[str, float]) -> bool:
        a, b = at.geometry[small], at.geometry[large]
        return bool(shapely.area(shapely.difference(a, b)) <= 0.5 * shapely.length(a))

    for name in NETWORKS:
        assert inside((name, 45.0), (name, 90.0))
        assert inside((name, 90.0), (name, 180.0))
    for limit in limits:
        assert inside(("actual", limit), ("open", limit))
        assert inside(("open", limit), ("borderless", limit))
    ground = found.set_index(["network", "minutes"])
    assert (ground["area_km2"].unstack("minutes").diff(axis=1).iloc[:, 1:] > 0).all(axis=None)
    drawn = np.array(at.geometry)
    assert (np.abs(shapely.area(drawn) - at["area_km2"].to_numpy() * 1e6) <= 0.5 * shapely.length(drawn)).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_each_side_stays_within_its_land(seed: int) -> None:
    one = case(seed)
    found = isochrones(one.router, biggest(one.network, one.router), minutes=[180], cell_km=CELL)
    both = shapely.union_all(list(one.network.base.border.sides.values()))
    for polygon, a, b in zip(
        found.to_crs(one.network.crs).geometry, found["area_a_km2"], found["area_b_km2"], strict=True
    ):
        assert shapely.area(shapely.difference(polygon, both)) <= shapely.length(polygon)
        for side, told in (("a", a), ("b", b)):
            own = shapely.area(shapely.intersection(polygon, one.network.base.border.sides[side])) / 1e6
            assert own == pytest.approx(told, rel=1e-4, abs=0.5)


def on_the_roads(
    network: Network, place: pd.DataFrame, name: str
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.object_]]:
    """Return places every 200 m along the links, minutes from a place by networkx, and the side each lies on."""
    side = network.nodes["side"].to_numpy()
    home = place["side"].iloc[0]
    reach: dict[object, float] = {}
    for field, own in ((FIELDS[name], False), (FIELDS["open" if name == "actual" else name], True)):
        graph = cheapest(network, "road", field)
        found = walk(graph, [place["node"].iloc[0]], list(graph))[0]
        reach |= {n: m for n, m in zip(graph, found, strict=True) if (side[n] == home) == own}
    xy, minutes, sides = [], [], []
    inf = float("inf")
    for link in network.links.query(
        "mode == 'road' and kind not in ('gate', 'line') and kind != 'transfer'"
    ).itertuples():
        share = np.linspace(0, 1, 2 + int(link.length_m / 200))
        where = along(np.repeat(np.array([link.geometry], dtype=object), len(share)), share)
        at = shapely.get_coordinates(project(shapely.points(where), WGS84, network.crs))
        ahead = reach.get(link.u, inf) + share * link.time_min
        back = np.full(len(share), inf) if link.oneway else reach.get(link.v, inf) + (1 - share) * link.time_min
        own = np.where(shapely.contains_xy(network.base.border.sides["a"], *at.T), "a", "b")
        if not np.isfinite(getattr(link, FIELDS[name])):
            # Closed: each half as far as the line.
            ahead[np.cumsum(own != side[link.u]) > 0] = inf
            back[np.cumsum((own != side[link.v])[::-1])[::-1] > 0] = inf
        xy.append(at)
        minutes.append(np.minimum(ahead, back))
        sides.append(own if link.crossing else np.full(len(share), side[link.u]))
    nodes = network.nodes.loc[list(reach)]  # type: ignore[index]
    xy.append(nodes[["px", "py"]].to_numpy(float))
    return np.vstack(xy), np.concatenate([*minutes, list(reach.values())]), np.concatenate([*sides, nodes["side"]])


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("seed", range(2))
def test_no_ground_is_nearer_than_by_the_best_way_and_all_roads_are_in(seed: int, name: str) -> None:
    one = case(seed)
    place = biggest(one.network, one.router)
    limit = 120.0
    found = isochrones(one.router, place, minutes=[limit], networks=[name], cell_km=CELL, off_road_km=40.0)
    polygon = found.to_crs(one.network.crs).geometry.iloc[0]
    xy, minutes, sides = on_the_roads(one.network, place, name)
    rng = np.random.default_rng(seed)
    west, south, east, north = polygon.bounds
    spots = np.column_stack([rng.uniform(west, east, 1500), rng.uniform(south, north, 1500)])
    inside = shapely.contains_xy(polygon, *spots.T)
    seen = 0
    for side in ("a", "b"):
        mine = (sides == side) & (minutes <= limit + 60)
        here = spots[inside & shapely.contains_xy(one.network.base.border.sides[side], *spots.T)]
        if not len(here):
            continue
        best = np.full(len(here), np.inf)
        for k in range(0, len(here), 200):
            away = np.hypot(*(here[k : k + 200, None] - xy[mine][None]).transpose(2, 0, 1)) / 1000
            best[k : k + 200] = (minutes[mine] + away * WALK).min(axis=1)
        # A road fills its cell, and a level line runs between two middles: two cells at the most.
        assert best.max() <= limit + 2 * CELL * np.sqrt(2) * WALK
        seen += len(here)
    assert seen > 100
    # Whatever road is reached well before the limit, clear of the border, is in.
    edge = shapely.distance(shapely.points(xy), one.network.base.border.line) / 1000
    own = np.where(shapely.contains_xy(one.network.base.border.sides["a"], *xy.T), "a", "b") == sides
    land = shapely.buffer(shapely.union_all(list(one.network.base.border.sides.values())), -2 * CELL * 1000)
    clear = (minutes <= limit - CELL * WALK) & (edge > 2 * CELL) & own & shapely.contains_xy(land, *xy.T)
    assert clear.sum() > 50
    assert shapely.contains_xy(polygon, *xy[clear].T).all()


def test_ground_spreads_in_all_directions_alike() -> None:
    """A place at the end of its road in convex land: a half disk within what sixteen directions allow."""
    nodes = [(-150.0, 0.0), (-150.0, 140.0), (100.0, 140.0)]
    network = network_of(drawn_land(nodes, [(0, 1), (1, 2)], [(0.0, 140.0)], [nodes[0], nodes[2]]))
    found = isochrones(
        compile_router(network, "road"), town(network, 0), minutes=[60], networks=["open"], off_road_km=60.0
    )
    radius = 60 / WALK
    for angle in np.radians(np.arange(180, 361, 7.5)):
        s, t = np.cos(angle), np.sin(angle)
        assert has(found, -150 + s * (radius / BENT - 1.5), t * (radius / BENT - 1.5), 60)
        assert not has(found, -150 + s * (radius + 2), t * (radius + 2), 60)


@pytest.mark.parametrize("seed", SEEDS)
def test_people_are_those_of_the_travel_times(seed: int) -> None:
    one = case(seed)
    place = biggest(one.network, one.router)
    found = isochrones(one.router, place, minutes=[60, 120], cell_km=8.0).set_index(["network", "minutes"])
    points, targets = at_settlements(one.network, one.router), Targets.of(one.network, one.router)
    times = travel_times(one.router, points, targets)
    row = int(np.flatnonzero(one.network.settlements["node"] == place["node"].iloc[0])[0])
    back = isochrones(one.router, place, minutes=[60, 120], cell_km=8.0, direction="to")
    for where, column in (("own", place["side"].iloc[0]), ("cross", "b" if place["side"].iloc[0] == "a" else "a")):
        table = within_minutes(times, points.side, targets, limits_min=[60, 120], where=where)  # type: ignore[arg-type]
        for name in NETWORKS:
            for limit in (60, 120):
                told = found.loc[(name, limit), f"people_{column}"]
                assert told == table[f"people_within_{limit}min_{where}_{name}"][row]
    assert (back["direction"] == "to").all()
    assert (back["people"] == back["people_a"] + back["people_b"]).all()


@pytest.mark.parametrize("seed", [1, 3])
def test_the_time_to_a_place_is_the_time_from_it_backwards(seed: int) -> None:
    one = case(seed)
    place = biggest(one.network, one.router)
    for name in ("borderless", "open"):
        to = node_minutes(one.router, place, name, direction="to")
        graph = cheapest(one.network, "road", FIELDS[name])
        expected = walk(graph, one.router.nodes.tolist(), [place["node"].iloc[0]])[:, 0]
        assert (np.isinf(to) == np.isinf(expected)).all()
        known = np.isfinite(to)
        assert to[known] == pytest.approx(expected[known], rel=1e-9)


@pytest.mark.parametrize("seed", [2])
def test_another_order_of_the_ground_changes_nothing(seed: int) -> None:
    tables = []
    for land in (random_land(seed), shuffled(random_land(seed), 5)):
        network = network_of(land)
        router = compile_router(network, "road")
        tables.append(isochrones(router, biggest(network, router, 2), minutes=[60, 120], cell_km=CELL))
    old, new = tables
    columns = ["place", "network", "minutes", "people_a", "people_b"]
    pd.testing.assert_frame_equal(old[columns], new[columns])
    assert new["area_km2"].to_numpy() == pytest.approx(old["area_km2"].to_numpy(), rel=1e-6)


@pytest.mark.parametrize("seed", SEEDS)
def test_closing_and_waiting_never_reach_further(seed: int) -> None:
    one = case(seed)
    place, options = biggest(one.network, one.router), {"minutes": [150], "networks": ["actual"], "cell_km": CELL}
    before = isochrones(one.router, place, **options)["area_km2"][0]
    ids = one.network.checkpoints.query("open and mode == 'road'")["checkpoint_id"].tolist()
    shut = isochrones(compile_router(set_open(one.network, ids, False), "road"), place, **options)
    slow = one.network
    for checkpoint in ids:
        slow = set_wait(slow, checkpoint, 1000.0)
    waited = isochrones(compile_router(slow, "road"), place, **options)
    other = "area_b_km2" if place["side"].iloc[0] == "a" else "area_a_km2"
    assert shut["area_km2"][0] <= before * (1 + 1e-9)
    assert shut[other][0] == 0
    assert waited[other][0] == 0
    # A wait at home is not charged, a closed way through the neighbour is lost.
    assert waited["area_km2"][0] >= shut["area_km2"][0] * (1 - 1e-9)


def test_a_train_is_left_at_stations_alone() -> None:
    one = case(1)
    rail = compile_router(one.network, "rail")
    stations = one.network.settlements[one.network.settlements["station_km"].notna()]
    assert len(stations)
    place = pd.DataFrame({"place": "x", "side": stations["side"], "node": stations["node"]}).head(1)
    found = isochrones(rail, place, minutes=[400], networks=["borderless"], cell_km=CELL, off_road_km=6.0)
    polygon = found.to_crs(one.network.crs).geometry.iloc[0]
    reached = node_minutes(rail, place, "borderless")[rail.positions(stations["node"].to_numpy())] <= 400
    at = one.network.nodes[["px", "py"]].to_numpy(float)[stations["node"].to_numpy()[reached]]
    assert shapely.area(shapely.difference(polygon, shapely.buffer(shapely.multipoints(at), 6000 + 2000 * CELL))) == 0
    # Every part holds a station.
    assert len(shapely.get_parts(polygon)) <= reached.sum()


def test_several_places_at_once_are_each_alone() -> None:
    one = case(2)
    places = biggest(one.network, one.router, 3)
    options = {"minutes": [60], "networks": ["open"], "cell_km": CELL}
    every = isochrones(one.router, places, **options)
    assert every["place"].tolist() == places["place"].tolist()
    for k in range(3):
        single = isochrones(one.router, places.iloc[[k]], **options)
        assert single["area_km2"][0] == every["area_km2"][k]
    assert isochrones(one.router, places.iloc[:0]).empty


def test_what_cannot_be_is_refused() -> None:
    network = crossing()
    router = compile_router(network, "road")
    place = town(network, 0)
    with pytest.raises(NetworkError, match=r"minutes \[0\].*networks \['free'\].*direction 'via'.*cell_km -1"):
        isochrones(router, place, minutes=[0], networks=["free"], direction="via", cell_km=-1)  # type: ignore[arg-type]
    with pytest.raises(LayerError, match=r"cells of 0\.001 km: allowed are at most"):
        isochrones(router, place, cell_km=0.001)
    far = network_of(drawn_land(CROSS, [(0, 1)], [(0.0, 0.0)], [*CROSS, (-60.0, 148.0)]))
    with pytest.raises(PlaceError, match="'here' does not join the network by road"):
        isochrones(compile_router(far, "road"), town(far, 2))


def test_a_network_in_metres_that_lie_is_refused() -> None:
    from pyproj import CRS

    from layers.errors import CRSError

    network = crossing()
    router = compile_router(network, "road")
    wrong = replace(router, network=replace(network, crs=CRS.from_epsg(3857)))
    with pytest.raises(CRSError, match="areas can't be measured"):
        isochrones(wrong, town(network, 0))
