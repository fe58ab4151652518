"""An opening that a run has tried equals a network built again with it, and what `scenario --open` there says."""

from __future__ import annotations

from contextlib import suppress
from functools import cache

import numpy as np
import pandas as pd
import pytest
import shapely
from numpy.typing import NDArray

import analysis.planning.openings as openings
from analysis.planning.openings import GAIN_MIN, NO_ROAD, SHARED, try_openings
from gis.queries.edits import Open, apply_edits
from layers.crs import WGS84, project
from layers.errors import PlaceError
from network.build import FIELDS, Network
from network.changes import change, grow_trees
from network.edits import new_checkpoint
from network.openings import opening_at_crossing, roads_near
from network.points import Points
from network.routing import compile_router
from tests.borders import random_network

CITY = 20_000.0
SPLIT_MIN = 0.01
"""A network built again splits the links that a new connector joins: half a thousandth a piece, twenty at the most."""


def minutes_across(network: Network, city_people: float) -> NDArray[np.float64]:
    """Return minutes from each settlement to the nearest city of the other side over the whole network.

    A tree per settlement.
    """
    table = network.settlements
    router = compile_router(network, "road")
    side, node = table["side"].to_numpy(dtype=object), table["node"].to_numpy(np.int64)
    city = (table["population"].to_numpy(float) >= city_people) & (node >= 0)
    out = np.full(len(table), np.inf)
    for row in np.flatnonzero(node >= 0):
        there = np.flatnonzero(city & (side != side[row]))
        if len(there):
            out[row] = router.table(node[[row]], node[there], FIELDS["actual"]).min()
    return out


@cache
def network_of(seed: int) -> Network:
    return random_network(seed)


def places_of(network: Network) -> pd.DataFrame:
    spots = network.settlements.head(6)
    return pd.DataFrame({"place": spots["name"].tolist(), "lon": spots.geometry.x, "lat": spots.geometry.y})


@pytest.mark.parametrize("seed", range(12))
def test_a_tried_opening_is_the_network_built_with_it(seed: int) -> None:
    network = network_of(seed)
    places = places_of(network)
    tried = try_openings(network, places, city_people=CITY, wait_min=10.0)
    before = minutes_across(network, CITY)
    people = network.settlements["population"].to_numpy(float)
    for k, row in enumerate(tried.itertuples()):
        try:
            built = apply_edits(network, [Open(row.lon, row.lat, "road", 10.0)])[0]
        except PlaceError:
            assert row.note == NO_ROAD
            assert np.isnan([row.people_gaining, row.gain_min, row.place_before_min, row.place_after_min]).all()
            continue
        new = built.checkpoints.set_index("checkpoint_id").loc["new-1"]
        # A crossing of roads that hang on nothing else is called an island where it stands in the table.
        assert row.joined_by == ("crossing" if new["joined_by"] == "island" else new["joined_by"])
        assert row.wait_min == new["wait_min"]
        for column in ("connector_a_km", "connector_b_km"):
            np.testing.assert_allclose(getattr(row, column), float(new[column]))
        others = built.checkpoints["crossings"].drop(built.checkpoints.index[-1]).explode()
        assert row.note == (SHARED if new["crossings"] and others.isin(new["crossings"]).any() else "")
        after = minutes_across(built, CITY)
        both = np.isfinite(before) & np.isfinite(after)
        gain = np.zeros(len(before))
        gain[both] = before[both] - after[both]
        gains = gain > GAIN_MIN
        np.testing.assert_allclose(row.people_gaining, people[gains].sum())
        if people[gains].sum() > 0:
            np.testing.assert_allclose(row.gain_min, np.average(gain[gains], weights=people[gains]), atol=SPLIT_MIN)
        np.testing.assert_allclose(row.place_before_min, np.where(np.isfinite(before[k]), before[k], np.nan), rtol=1e-9)
        np.testing.assert_allclose(
            row.place_after_min, np.where(np.isfinite(after[k]), after[k], np.nan), atol=SPLIT_MIN
        )


@pytest.mark.parametrize("seed", range(12))
def test_trees_of_open_and_tried_crossings_alone_give_the_minutes_of_all(seed: int) -> None:
    network = network_of(seed)
    router = compile_router(network, "road")
    table = network.settlements
    node = table["node"].to_numpy(np.int64)
    points = Points.at_nodes(router.positions(node), table["side"].to_numpy(dtype=object))
    every = grow_trees(network, "road", router, points, node)
    road = network.crossings[network.crossings["mode"] == "road"]
    found = []
    for lon, lat in zip(road.geometry.x, road.geometry.y, strict=True):
        with suppress(PlaceError):
            found += [opening_at_crossing(network, new_checkpoint(network, lon, lat, wait_min=10.0))]
    found = [opening for opening in found if opening]
    few = grow_trees(
        network, "road", router, points, node, crossings={c for opening in found for c in opening.crossings}
    )
    assert len(few.overlay.posts) <= len(every.overlay.posts)
    targets = np.flatnonzero(node >= 0)
    for openings_made in ([], *([opening] for opening in found)):
        plain, quick = (change(trees, openings=openings_made).to_nearest(targets) for trees in (every, few))
        np.testing.assert_array_equal(plain, quick)
    nothing = grow_trees(network, "road", router, points, node, crossings=())
    passable = network.links["crossing"] & np.isfinite(network.links[FIELDS["actual"]])
    assert set(nothing.overlay.gates["crossing_id"]) <= set(network.links.loc[passable, "crossing_id"])


@pytest.mark.parametrize("seed", range(12))
def test_where_roads_are_said_to_be_far_nothing_is_modelled(seed: int) -> None:
    network = network_of(seed)
    line = shapely.line_merge(network.base.border.line)
    spots = shapely.line_interpolate_point(line, np.linspace(0.02, 0.98, 8), normalized=True)
    lonlat = shapely.get_coordinates(project(spots, network.crs, WGS84))
    for (lon, lat), near in zip(lonlat, roads_near(network, lonlat), strict=True):
        if not near:
            with pytest.raises(PlaceError):
                apply_edits(network, [Open(lon, lat, "road", 10.0)])


def test_what_is_far_from_roads_or_at_a_crossing_needs_no_second_build(monkeypatch: pytest.MonkeyPatch) -> None:
    network = network_of(0)
    at = network.crossings[network.crossings["mode"] == "road"].iloc[:1]
    monkeypatch.setattr(openings, "joinable_of", lambda _: pytest.fail("built again"))
    spots = pd.DataFrame({"place": "x", "lon": at.geometry.x, "lat": at.geometry.y})
    assert try_openings(network, spots, city_people=CITY)["joined_by"].tolist() == ["crossing"]
