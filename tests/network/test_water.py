"""Water: no straight way leads over it, and without it everything is as it was."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import shapely

from analysis.reach.isochrones import isochrones
from layers.checkpoints import with_waits
from layers.crs import WGS84, project
from network.abroad import Border
from network.build import Network, build_network
from network.routing import compile_router
from network.store import load_network, save_network
from tests.borders import Land, ground_of, random_land

SEEDS = range(12)


def network_of(land: Land, water: shapely.Geometry | None) -> Network:
    base = ground_of(land, water=water).base
    return build_network(base, with_waits(land.checkpoints), land.settlements)


def lakes_of(land: Land, seed: int) -> shapely.Geometry:
    """Return some round lakes between the places of a land, in its projection."""
    rng = np.random.default_rng(seed)
    crs = ground_of(land).crs
    places = shapely.get_coordinates(project(land.settlements.geometry.to_numpy(), WGS84, crs))
    roads = shapely.union_all(project(land.roads.geometry.to_numpy(), WGS84, crs))
    middle = places + rng.normal(0, 12_000, places.shape)
    # Some lie on roads, which have bridges there.
    lakes = shapely.buffer(shapely.points(middle), rng.uniform(500, 6_000, len(middle)))
    assert shapely.intersects(roads, lakes).any()
    return shapely.multipolygons(list(shapely.get_parts(shapely.union_all(lakes))))


def connectors(network: Network) -> tuple[pd.DataFrame, np.ndarray]:
    rows = np.flatnonzero((network.links["kind"] == "connector").to_numpy())
    return network.links.iloc[rows], network.tables.projected(rows)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_connector_crosses_water(seed: int) -> None:
    land = random_land(seed)
    water = lakes_of(land, seed)
    network = network_of(land, water)
    _, lines = connectors(network)
    # What stands in a lake leaves it by twice the way to the shore at the most.
    ends = shapely.get_point(np.concatenate([lines, shapely.reverse(lines)]), 0).reshape(2, -1)
    shore = shapely.boundary(water)
    inside = shapely.within(ends, water)
    free = np.where(inside, 2 * shapely.distance(ends, shore), 0.0).max(axis=0, initial=0.0)
    wet = shapely.length(shapely.intersection(lines, water))
    assert (wet <= free + 10.0 + 1e-6).all()
    assert len(lines)


@pytest.mark.parametrize("seed", SEEDS)
def test_water_where_nothing_is_changes_nothing(seed: int) -> None:
    land = random_land(seed)
    ground = ground_of(land)
    far = shapely.multipolygons(
        [shapely.buffer(shapely.Point(shapely.bounds(ground.base.border.line)[0] - 9e6, 0), 1e5)]
    )
    dry, wet = network_of(land, None), network_of(land, far)
    pd.testing.assert_frame_equal(dry.links.drop(columns="geometry"), wet.links.drop(columns="geometry"))
    pd.testing.assert_frame_equal(dry.nodes, wet.nodes)


def square(west: float, south: float, east: float, north: float) -> shapely.Geometry:
    return shapely.multipolygons([shapely.box(west, south, east, north)])


def border(water: shapely.Geometry | None) -> Border:
    sides = {"a": shapely.box(-100_000, -100_000, 0, 100_000), "b": shapely.box(0, -100_000, 100_000, 100_000)}
    return Border(shapely.LineString([(0, -100_000), (0, 100_000)]), sides, 1.0, water)


def test_a_line_over_a_lake_leads_over_water_and_one_along_it_does_not() -> None:
    edge = border(square(-30_000, 0, -20_000, 10_000))
    points = np.array([shapely.Point(-40_000, 5_000), shapely.Point(-40_000, 20_000)])
    over, along = (
        shapely.LineString([(-40_000, 5_000), (-10_000, 5_000)]),
        shapely.LineString([(-40_000, 20_000), (-10_000, 20_000)]),
    )
    lines = np.array([over, along])
    assert edge.wet_m(lines).tolist() == [10_000.0, 0.0]
    assert edge.over_water(points, lines).tolist() == [True, False]
    assert border(None).over_water(points, lines).tolist() == [False, False]


def test_a_place_in_a_lake_leaves_it_by_the_near_shore() -> None:
    edge = border(square(-30_000, 0, -20_000, 10_000))
    point = shapely.Point(-29_900, 5_000)
    near, far = shapely.LineString([point, (-31_000, 5_000)]), shapely.LineString([point, (-19_000, 5_000)])
    points = np.array([point, point])
    assert edge.ashore_m(points).tolist() == [100.0, 100.0]
    assert edge.over_water(points, np.array([near, far])).tolist() == [False, True]


def test_dry_ground_is_what_lakes_leave() -> None:
    edge = border(square(-30_000, 0, -20_000, 10_000))
    assert shapely.area(edge.dry(edge.sides["a"])) == pytest.approx(100_000 * 200_000 - 1e8)
    assert edge.dry(edge.sides["b"]) is edge.sides["b"]


@pytest.mark.parametrize("seed", range(4))
def test_isochrones_lie_on_land(seed: int) -> None:
    land = random_land(seed)
    water = lakes_of(land, seed)
    network = network_of(land, water)
    router = compile_router(network, "road")
    joined = network.settlements[network.settlements["snap_km"].notna()].head(1)
    doors = pd.DataFrame({"place": "x", "node": joined["node"], "side": joined["side"]})
    found = isochrones(router, doors, minutes=[60.0, 180.0], cell_km=1.0)
    shapes = project(found.geometry.to_numpy(), WGS84, network.crs)
    assert shapely.area(shapely.intersection(shapes, water)).max() < 1e-3 * max(shapely.area(shapes).max(), 1.0)


def test_a_kept_network_knows_its_water(tmp_path: object) -> None:
    land = random_land(3)
    water = lakes_of(land, 3)
    network = network_of(land, water)
    save_network(network, f"{tmp_path}/kept")
    back = load_network(f"{tmp_path}/kept").base.border
    assert back.water is not None
    assert shapely.equals_exact(back.water, water, 0.0)
