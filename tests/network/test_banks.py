"""On which bank a straightened road runs, on drawn rivers and lakes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import CRS

from network.abroad import Border
from network.banks import courses
from network.joining import DETOUR, ConnectorLimits, near_by
from network.topology import Tables

SIDES = {"a": shapely.box(-1e6, -1e6, 0, 1e6), "b": shapely.box(0, -1e6, 1e6, 1e6)}
EDGE = shapely.LineString([(0, -1e6), (0, 1e6)])
RIVER = shapely.Polygon([(-100_000, 0), (-80_000, 0), (-70_000, 3_000), (-50_000, 3_000), (-40_000, 0), (-20_000, 0),
                         (-20_000, 1_000), (-40_000, 1_000), (-50_000, 4_000), (-70_000, 4_000), (-80_000, 1_000),
                         (-100_000, 1_000)])  # fmt: skip
"""A river that bends north in its middle, 1 km wide."""


def tables(u: tuple[float, float], v: tuple[float, float], length_m: float, factor: float = 1.0) -> Tables:
    nodes = pd.DataFrame([u, v], columns=["px", "py"])
    links = pd.DataFrame({"u": [0], "v": [1], "mode": "road", "length_m": length_m, "length_factor": factor})
    return Tables(nodes, links, CRS(6933))


def border(u: tuple[float, float], v: tuple[float, float], length_m: float, factor: float = 1.0) -> Border:
    water = shapely.multipolygons([RIVER])
    known = Border(EDGE, SIDES, 1.0, water)
    return replace(known, courses=courses(tables(u, v, length_m, factor), ["road"], water))


def joins(known: Border, place: tuple[float, float], spot: tuple[float, float]) -> bool:
    return known.banks.joins(shapely.LineString([place, spot]), DETOUR)


NORTH = (-85_000.0, 5_000.0), (-35_000.0, 5_000.0)
SOUTH = (-85_000.0, -500.0), (-35_000.0, -500.0)


def test_a_course_is_as_wide_as_its_length_allows() -> None:
    found = courses(tables(*NORTH, 52_000.0), ["road"], shapely.multipolygons([RIVER]))
    off = np.sqrt(52_000.0**2 - 50_000.0**2) / 2
    np.testing.assert_allclose(shapely.get_coordinates(found), [NORTH[0], (-60_000, 5_000 + off), NORTH[1]])
    # The same by a factor that is not yet in the length.
    assert shapely.equals_exact(
        found, courses(tables(*NORTH, 50_000.0, 1.04), ["road"], shapely.multipolygons([RIVER])), 1e-6
    )


def test_links_of_exact_lines_far_from_water_or_of_other_modes_have_none() -> None:
    water = shapely.multipolygons([RIVER])
    assert courses(tables(*NORTH, 50_000.1), ["road"], water) is None
    assert courses(tables((-85_000, 90_000), (-35_000, 90_000), 52_000.0), ["road"], water) is None
    assert courses(tables(*NORTH, 52_000.0), ["rail"], water) is None
    assert courses(tables(*NORTH, 52_000.0), ["road"], None) is None


def test_a_road_drawn_beyond_the_bend_is_reached_from_its_own_bank_alone() -> None:
    # Both ends lie south of the river; where it bends, the straight line runs along its southern bank.
    known = border((-85_000.0, -500.0), (-35_000.0, -500.0), 52_000.0)
    assert joins(known, (-60_000.0, 2_000.0), (-60_000.0, -500.0))
    assert not joins(known, (-60_000.0, 6_000.0), (-60_000.0, -500.0))


def test_a_road_drawn_through_the_river_is_on_the_bank_of_its_ends() -> None:
    # The chord between ends in the north cuts the bend: what it is drawn over says nothing.
    ends = (-85_000.0, 1_500.0), (-35_000.0, 1_500.0)
    known = border(*ends, 53_000.0)
    assert joins(known, (-60_000.0, 6_000.0), (-60_000.0, 1_500.0))
    assert not joins(known, (-60_000.0, -3_000.0), (-60_000.0, 1_500.0))


def test_a_road_with_ends_on_both_banks_has_a_bridge_for_both() -> None:
    known = border((-85_000.0, -500.0), (-35_000.0, 5_000.0), 53_000.0)
    spot = (-60_000.0, 2_250.0)
    assert joins(known, (-60_000.0, 6_000.0), spot)
    assert joins(known, (-60_000.0, -3_000.0), spot)


def test_a_line_that_is_no_courses_end_joins_none() -> None:
    known = border(*NORTH, 52_000.0)
    assert not joins(known, (-60_000.0, -3_000.0), (-60_000.0, 20_000.0))
    assert not joins(Border(EDGE, SIDES, 1.0, shapely.multipolygons([RIVER])), (-60_000.0, 0.0), (-60_000.0, 5_000.0))


@pytest.mark.parametrize(("place", "near"), [((-60_000.0, 6_000.0), [0]), ((-90_000.0, -3_000.0), [1])])
def test_a_place_joins_the_road_of_its_bank(place: tuple[float, float], near: list[int]) -> None:
    ends = (-85_000.0, 1_500.0), (-35_000.0, 1_500.0)
    known = border(*ends, 53_000.0)
    roads = np.array([shapely.LineString(ends), shapely.LineString([(-85_000.0, -20_000.0), (-35_000.0, -20_000.0)])])
    limits = ConnectorLimits(reach_more_km=0.0, reach_ratio=1.0)
    _, thing = near_by(np.array([shapely.Point(place)]), roads, known, "a", 100.0, limits)
    assert thing.tolist() == near


def test_behind_all_that_water_keeps_from_a_place_it_joins_what_is_dry() -> None:
    known = Border(EDGE, SIDES, 1.0, shapely.multipolygons([shapely.box(-1e5, 0, -1e4, 1_000)]))
    city = [shapely.Point(-60_000.0 + 100 * k, 2_000.0) for k in range(30)]
    things = np.array([*city, shapely.Point(-60_000.0, -40_000.0)])
    limits = ConnectorLimits(candidates=20, reach_more_km=1.0)
    _, thing = near_by(np.array([shapely.Point(-60_000.0, -1_000.0)]), things, known, "a", 100.0, limits)
    assert thing.tolist() == [30]
    alone = near_by(np.array([shapely.Point(-60_000.0, -1_000.0)]), things[:30], known, "a", 100.0, limits)
    assert not len(alone[1])
