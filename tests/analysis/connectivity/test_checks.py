"""What looks wrong in a network: hand-made cases of each check, and nothing in a sound one."""

from __future__ import annotations

import geopandas as gpd
import h3
import numpy as np
import pandas as pd
import pytest
import shapely

from analysis.connectivity.checks import ABROAD, CELLS, LONG, TOWNS, check_notes, network_checks
from layers.crs import GEOD, WGS84
from network.build import Network
from network.routing import compile_router
from tests.borders import PLAIN, Land, checkpoints_of, edges_of, network_of, regions_of, settlements_of

TOWNS_AT = [(-60.0, 0.0), (-60.0, 20.0), (-60.0, 60.0), (60.0, 0.0)]


def network(*, line: list[tuple[float, float]] | None = None, way_round: float = -200.0) -> Network:
    """Return towns of side a at t = 0, 20 and 60.

    The first two lie 20 km apart and are joined far round, at s = `way_round`.
    """
    nodes = [*TOWNS_AT, (way_round, 0.0), (way_round, 20.0)]
    ends = [(0, 3), (0, 4), (4, 5), (5, 1), (1, 2)]
    roads = edges_of(PLAIN, nodes, ends)
    land = Land(
        regions_of(PLAIN, line or [(0.0, -150.0), (0.0, 150.0)], ("RU", "KZ")),
        roads,
        roads.iloc[:0],
        checkpoints_of(PLAIN, [(0.0, 0.0)]),
        settlements_of(PLAIN, TOWNS_AT, ["RU", "RU", "RU", "KZ"], population=10_000),
        ("RU", "KZ"),
    )
    return network_of(land)


def checked(built: Network, minutes: list[float], cells: gpd.GeoDataFrame | None = None) -> pd.DataFrame:
    towns = built.settlements.assign(time_to_checkpoint_min=minutes)
    none = gpd.GeoDataFrame(
        {c: [] for c in ("cell", "side", "lon", "lat", "near", "time_to_checkpoint_min")},
        geometry=gpd.GeoSeries([], crs=WGS84),
    )
    return network_checks(built, compile_router(built, "road"), none if cells is None else cells, towns)


def direct(a: int, b: int) -> float:
    xy = PLAIN.lonlat(*np.array(TOWNS_AT, float).T)
    return float(GEOD.inv(*xy[a], *xy[b])[2]) / 1000


def test_minutes_of_neighbouring_towns_differ_by_the_walk_at_the_most() -> None:
    built = network()
    walk = direct(0, 1) * 1.3 / 50 * 60
    found = checked(built, [0.0, walk + 1, walk + 2, 0.0])
    rows = found[found["check"] == TOWNS]
    assert rows[["place", "to_place"]].to_numpy().tolist() == [["Town 0", "Town 1"]]
    assert rows["value"].tolist() == [pytest.approx(walk + 1)]
    assert rows["allowed"].tolist() == [pytest.approx(walk)]
    # Town 3 lies across the line, and nobody's minutes are held against an unknown.
    assert TOWNS not in set(checked(built, [0.0, walk - 1, np.nan, 500.0])["check"])


def test_ways_far_too_long_are_told_and_others_are_not() -> None:
    found = checked(network(), [0.0] * 4)
    rows = found[found["check"] == LONG].set_index(["place", "to_place"])
    # 140 + 20 + 140 km for 20; 340 for 60; the town across is straight.
    assert rows["value"][("Town 0", "Town 1")] == pytest.approx(300 / 20, rel=0.02)
    assert set(rows.index) == {("Town 0", "Town 1"), ("Town 0", "Town 2"), ("Town 1", "Town 3"), ("Town 2", "Town 3")}
    near = checked(network(way_round=-70.0), [0.0] * 4)
    assert LONG not in set(near["check"])


def test_a_way_longer_than_any_near_place_may_be_is_followed_on() -> None:
    found = checked(network(way_round=-300.0), [0.0] * 4)
    value = found[found["check"] == LONG].set_index(["place", "to_place"])["value"]
    # 240 + 20 + 240 km for 20; a way that is no detour has 375 km at the most.
    assert value[("Town 0", "Town 1")] == pytest.approx(500 / 20, rel=0.03)


def test_links_through_the_neighbour_are_told() -> None:
    bay = [(0.0, -150.0), (0.0, 2.0), (-90.0, 2.0), (-90.0, 18.0), (0.0, 18.0), (0.0, 150.0)]
    built = network(way_round=-62.0, line=bay)
    found = checked(built, [0.0] * 4)
    (row,) = found[found["check"] == ABROAD].itertuples()
    assert row.value == pytest.approx(16, rel=0.05)
    assert (row.place, row.to_place) == ("Town 0", "Town 1")


def test_cells_of_one_side_beside_each_other() -> None:
    here = h3.latlng_to_cell(50.0, 59.0, 4)
    ring = h3.grid_ring(here, 1)[:2]
    ids = [here, *ring]
    at = np.array([h3.cell_to_latlng(c)[::-1] for c in ids])
    cells = gpd.GeoDataFrame(
        {
            "cell": ids,
            "side": ["a", "a", "b"],
            "lon": at[:, 0],
            "lat": at[:, 1],
            "near": ["A", "B", "C"],
            "time_to_checkpoint_min": [10.0, 500.0, 900.0],
        },
        geometry=shapely.points(at),
        crs=WGS84,
    )
    found = checked(network(), [0.0] * 4, cells)
    rows = found[found["check"] == CELLS]
    assert rows[["place", "to_place", "value"]].to_numpy().tolist() == [["A", "B", 490.0]]


def test_the_notes_count_and_name_the_worst() -> None:
    (note,) = check_notes(checked(network(), [0.0] * 4))
    assert note.count("×") == 1
    assert "Town 0–Town 1: 15" in note.replace("15.0", "15")
    assert check_notes(checked(network(way_round=-70.0), [0.0] * 4)) == []
