"""Where a new checkpoint may stand, in a plane with a lake on the line."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import shapely

from layers.crs import WGS84, project
from layers.errors import PlaceError
from network.build import Network
from network.spots import offshore_m, refuse_spot
from tests.borders import random_network


def in_a_lake(network: Network, km: float) -> tuple[Network, np.ndarray]:
    """Return the network with a square of some kilometres of water on the line, far from crossings, and its middle."""
    line = network.base.border.line
    ways = shapely.buffer(project(shapely.union_all(network.crossings.geometry.to_numpy()), WGS84, network.crs), 20_000)
    spot = shapely.get_point(shapely.segmentize(shapely.get_parts(shapely.difference(line, ways))[0], 1000.0), 1)
    half = km * 500
    lake = shapely.box(spot.x - half, spot.y - half, spot.x + half, spot.y + half)
    base = replace(network.base, border=replace(network.base.border, water=shapely.multipolygons([lake])))
    return replace(network, base=base), shapely.get_coordinates(project(spot, network.crs, WGS84))


def test_out_in_a_lake_nothing_stands() -> None:
    dry = random_network(0)
    wet, middle = in_a_lake(dry, 6.0)
    refuse_spot(dry, *middle[0])
    assert offshore_m(dry, middle).tolist() == [0.0]
    assert offshore_m(wet, middle) == pytest.approx([3000.0], abs=0.01)
    with pytest.raises(PlaceError, match=r"in the water, 3\.00 km from the shore: allowed is a place on land"):
        refuse_spot(wet, *middle[0])


def test_a_river_of_a_kilometre_is_bridged() -> None:
    wet, middle = in_a_lake(random_network(0), 0.98)
    refuse_spot(wet, *middle[0])
    with pytest.raises(PlaceError, match=r"0\.55 km from the shore"):
        refuse_spot(in_a_lake(random_network(0), 1.1)[0], *middle[0])


def test_a_road_over_the_water_may_have_a_post() -> None:
    network = random_network(0)
    spot = network.crossings.geometry.iloc[0]
    point = project(spot, WGS84, network.crs)
    lake = shapely.buffer(point, 5000)
    base = replace(network.base, border=replace(network.base.border, water=shapely.multipolygons([lake])))
    wet = replace(network, base=base)
    refuse_spot(wet, spot.x, spot.y)
    beside = project(shapely.Point(point.x, point.y + 1100), network.crs, WGS84)
    assert offshore_m(wet, np.array([[spot.x, spot.y], [beside.x, beside.y]]))[0] == 0.0
