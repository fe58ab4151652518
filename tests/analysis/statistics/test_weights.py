"""Weights: against geometry, against geodesics pair by pair, and against places that are built into the network."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from analysis.reach.accessibility import decay
from analysis.statistics.weights import (
    nearest_neighbours,
    network_time,
    polygon_contiguity,
    segment_chain,
    times_between,
)
from analysis.units import border_segments
from layers.crs import GEOD, WGS84
from layers.errors import NetworkError
from network.edits import add_places
from network.routing import compile_router
from tests.analysis.helpers import PLAIN, case, disk, drawn_land, drive_min, network_of
from tests.borders import ROUNDED

SEEDS = range(6)


def squares() -> gpd.GeoDataFrame:
    """Return nine unit squares, 3 × 3, and one far away."""
    boxes = [shapely.box(x, y, x + 1, y + 1) for y in range(3) for x in range(3)] + [shapely.box(9, 9, 10, 10)]
    return gpd.GeoDataFrame({"district": [*"abcdefghi", "far"]}, geometry=boxes, crs=WGS84)


@pytest.mark.parametrize(("rook", "centre", "corner"), [(True, "bdfh", "bd"), (False, "abcdfghi", "bde")])
def test_districts_touch_by_a_line_or_by_a_point(rook: bool, centre: str, corner: str) -> None:
    graph = polygon_contiguity(squares(), "district", rook=rook)
    assert list(graph.unique_ids) == squares()["district"].tolist()
    assert set(graph["e"].index) == set(centre)
    assert set(graph["a"].index) == set(corner)
    assert list(graph.isolates) == ["far"]


def pieces(n: int, *parts: tuple[float, float]) -> gpd.GeoDataFrame:
    """Return border segments of `n` km northwards, of parts that start and end at given km."""
    lines = []
    for start, end in parts:
        lonlat = PLAIN.lonlat(0.0, np.array([start, end]))
        lines.append(shapely.LineString(lonlat))
    border = gpd.GeoDataFrame({"region_a": "A", "region_b": "B"}, geometry=lines, crs=WGS84, index=range(len(lines)))
    return border_segments(border, length_km=n)


def test_a_chain_links_each_segment_to_the_next_and_stops_where_the_border_does() -> None:
    segments = pieces(25, (-150, -50), (0, 75))
    ids = segments["segment_id"].tolist()
    assert len(ids) == 7
    one, two = (segment_chain(segments, steps=k) for k in (1, 2))
    assert list(one.unique_ids) == ids
    near = {i: {j for j in range(7) if abs(i - j) == 1 and (i < 4) == (j < 4)} for i in range(7)}
    wide = {i: {j for j in range(7) if 0 < abs(i - j) <= 2 and (i < 4) == (j < 4)} for i in range(7)}
    for graph, expected in ((one, near), (two, wide)):
        for i, name in enumerate(ids):
            assert set(graph[name].index) == {ids[j] for j in expected[i]}
            assert set(graph[name]) == {1.0}


def test_a_single_segment_is_an_island() -> None:
    graph = segment_chain(pieces(200, (0, 100)))
    assert list(graph.isolates) == ["s0001"]
    with pytest.raises(NetworkError, match="allowed is 1 or more"):
        segment_chain(pieces(25, (0, 100)), steps=0)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_nearest_are_nearest_by_geodesic(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, k = 60, 6
    units = pd.DataFrame(
        {"cell": [f"u{i}" for i in rng.permutation(n)], "lon": rng.uniform(170, 190, n), "lat": rng.uniform(40, 75, n)}
    )
    units["lon"] = (units["lon"] + 180) % 360 - 180  # over the antimeridian
    graph = nearest_neighbours(units, k=k)
    assert list(graph.unique_ids) == units["cell"].tolist()
    away = np.array([[GEOD.inv(a.lon, a.lat, b.lon, b.lat)[2] for b in units.itertuples()] for a in units.itertuples()])
    for i, name in enumerate(units["cell"]):
        expected = [j for j in np.argsort(away[i]) if j != i][:k]
        assert set(graph[name].index) == {units["cell"][j] for j in expected}
    for wrong in (0, n):
        with pytest.raises(NetworkError, match=f"allowed is 1 to {n - 1}"):
            nearest_neighbours(units, k=wrong)


@pytest.mark.parametrize("field", ["borderless_min", "open_min", "actual_min"])
@pytest.mark.parametrize("seed", SEEDS)
def test_times_are_those_of_places_built_into_the_network(seed: int, field: str) -> None:
    """`add_places` splits the links and joins the places by connectors.

    Another way to the same times, one-ways included.
    """
    one = case(seed)
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(one.cells))[:20]
    # Some places twice as close together: several on one link.
    lonlat = one.cells[["lon", "lat"]].to_numpy(float)[rows]
    lonlat = np.concatenate([lonlat, lonlat[:10] + rng.uniform(-0.05, 0.05, (10, 2))])
    side = one.cells["side"].to_numpy(dtype=object)[np.r_[rows, rows[:10]]]
    points = one.router.attach(lonlat, side, limit_km=one.network.limits.settlement_km)
    placed, nodes = add_places(one.network, [tuple(p) for p in lonlat], list(side))
    expected = compile_router(placed, "road").table(nodes, nodes, field)
    np.fill_diagonal(expected, np.inf)
    found = np.full(expected.shape, np.inf)
    i, j, minutes = times_between(one.router, points, field)
    found[i, j] = minutes
    assert (np.isfinite(found) == np.isfinite(expected)).all()
    assert np.isfinite(found).sum() > 100
    # Where a place joins a link is found in the plane: on a piece of the link some metres beside the spot on the whole.
    # Of a link that is split each piece is rounded, and so are connectors: one and a half thousandths at each node that
    # is new.
    off = 3 * ROUNDED * (len(placed.nodes) - len(one.network.nodes))
    assert found[np.isfinite(found)] == pytest.approx(expected[np.isfinite(found)], rel=1e-5, abs=off)
    assert (np.diff(i * len(points) + j) > 0).all()
    near = times_between(one.router, points, field, limit_min=150.0)
    keep = minutes <= 150.0
    assert [a.tolist() for a in near] == [a[keep].tolist() for a in (i, j, minutes)]


@pytest.mark.parametrize("network", ["borderless", "open", "actual"])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_kernel_falls_with_half_of_the_round_trip(seed: int, network: str) -> None:
    one = case(seed)
    ids = one.cells["cell"].tolist()
    graph = network_time(one.router, one.points, ids, network=network, limit_min=200.0)
    n, side = len(ids), one.cells["side"].to_numpy()
    table = {}
    for name in (network, "domestic"):
        table[name] = np.full((n, n), np.inf)
        i, j, minutes = times_between(one.router, one.points, f"{name}_min")
        table[name][i, j] = minutes
    # Trips at home pay the waits of transit alone.
    there = np.where((side[:, None] == side) & (network == "actual"), table["domestic"], table[network])
    half = (there + there.T) / 2
    expected = np.where(half <= 200.0, decay(half), 0.0)
    assert list(graph.unique_ids) == ids
    dense = graph.sparse.toarray()
    assert dense == pytest.approx(expected, rel=1e-12)
    assert (dense == dense.T).all()
    assert set(graph.isolates) == {c for c, row in zip(ids, expected, strict=True) if not row.any()}


def test_a_wait_takes_neighbours_over_the_border_and_no_others() -> None:
    land = drawn_land(
        [(-60, 0), (-20, 0), (20, 0), (60, 0)], [(0, 1), (1, 2), (2, 3)], [(0, 0)], [(-60, 0), (60, 0)], waits=[90.0]
    )
    router = compile_router(network_of(land), "road")
    points = router.attach(
        PLAIN.lonlat(np.array([-50.0, -30.0, 30.0]), 0.0), np.array(["a", "a", "b"], object), limit_km=10.0
    )
    free, real = (network_time(router, points, list("pqr"), network=n).sparse.toarray() for n in ("open", "actual"))
    at_home, across = (drive_min((s, 0), (t, 0)) for s, t in ((-50, -30), (-30, 30)))
    assert free[0, 1] == pytest.approx(2 ** (-at_home / 120), rel=1e-3)
    assert free[1, 2] == pytest.approx(2 ** (-across / 120), rel=1e-3)
    assert real[0, 1] == free[0, 1]
    assert across + 90 > 120
    assert free[0, 2] > 0
    assert real[2].tolist() == [0, 0, 0]


def test_units_that_join_nothing_stay_as_islands() -> None:
    one = case(0)
    lonlat = np.vstack([one.cells[["lon", "lat"]].to_numpy(float)[:5], [[one.cells["lon"].max() + 40, 0.0]]])
    side = np.append(one.cells["side"].to_numpy(dtype=object)[:5], "a")
    points = one.router.attach(lonlat, side, limit_km=50.0)
    assert not points.joined[5]
    graph = network_time(one.router, points, range(6), limit_min=1e4)
    assert list(graph.unique_ids) == list(range(6))
    assert 5 in graph.isolates


def test_what_can_not_be_weighed_is_refused() -> None:
    one = case(0)
    ids = one.cells["cell"].tolist()
    with pytest.raises(NetworkError, match="network 'closed' is unknown: allowed are borderless, open, actual"):
        network_time(one.router, one.points, ids, network="closed")
    with pytest.raises(NetworkError, match="weights up to 0 min: allowed is more than 0"):
        network_time(one.router, one.points, ids, limit_min=0.0)
    with pytest.raises(NetworkError, match="is there twice"):
        network_time(one.router, one.points, [ids[0], *ids[:-1]])
    with pytest.raises(NetworkError, match="is there twice"):
        nearest_neighbours(pd.DataFrame({"cell": disk(1) * 2, "lon": 1.0, "lat": 2.0}))
