"""How far lines lie abroad: by tiles as by whole countries, along a line that winds and on lines of their own."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from network.abroad import TILE_POINTS, Border
from network.abroad import tiled as tiled


def winding(seed: int) -> Border:
    """Return two countries in metres on either side of a line of 3,000 vertices."""
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(0.0, 400_000.0, 3000))
    y = 20_000 * np.sin(x / 30_000 + seed) + 400 * np.cumsum(rng.normal(size=3000))
    edge = np.column_stack([x, y])
    sides = {
        "a": shapely.Polygon([*edge, (x[-1], 400_000.0), (x[0], 400_000.0)]),
        "b": shapely.Polygon([*edge, (x[-1], -400_000.0), (x[0], -400_000.0)]),
    }
    return Border(shapely.LineString(edge), sides)


@pytest.mark.parametrize("seed", range(5))
def test_lines_lie_as_far_abroad_by_tiles_as_by_whole_countries(seed: int) -> None:
    border = winding(seed)
    rng = np.random.default_rng(seed + 100)
    begin = np.column_stack([rng.uniform(0, 400_000, 300), rng.uniform(-60_000, 60_000, 300)])
    lines = shapely.linestrings(np.stack([begin, begin + rng.normal(scale=30_000, size=begin.shape)], axis=1))
    along = shapely.linestrings(np.stack(np.array_split(shapely.get_coordinates(border.line)[:2990], 299)))
    # Where a line passes the border up to a tenth of a metre counts as shared, more at a slant.
    for side, other in (("a", "b"), ("b", "a")):
        want = shapely.length(shapely.difference(shapely.intersection(lines, border.sides[other]), border.sides[side]))
        assert border.abroad_m(lines, side) == pytest.approx(want, abs=5.0)
        assert border.abroad_m(along, side) == pytest.approx(0.0, abs=0.5)
    assert (border.abroad_m(lines, "a") + border.abroad_m(lines, "b")).max() > 10_000


def test_tiles_are_small_and_make_up_the_country() -> None:
    country = winding(1).sides["a"]
    tiles = tiled(country)
    assert max(shapely.get_num_coordinates(tiles)) <= TILE_POINTS
    assert len(tiles) > 10
    assert shapely.area(tiles).sum() == pytest.approx(shapely.area(country), rel=1e-9)
    assert shapely.area(shapely.symmetric_difference(shapely.union_all(tiles), country)) < 1.0


@pytest.mark.parametrize("tolerance_km", [1, 1.0, 0.5])
def test_what_stands_astray_goes_back_free_whatever_number_the_tolerance_is(tolerance_km: float) -> None:
    line = shapely.LineString([(0, 0), (100_000, 0)])
    sides = {"a": shapely.box(0, 0, 100_000, 50_000), "b": shapely.box(0, -50_000, 100_000, 0)}
    border = Border(line, sides, tolerance_km)
    # 3,250.5 m within b: straight home is free, as is twice that; 25 km through b are not.
    points = np.array([shapely.Point(50_000, -3250.5), shapely.Point(50_000, 10_000)])
    free = shapely.linestrings([[(50_000, -3250.5), (50_000, 100)], [(50_000, 10_000), (60_000, 5)]])
    far = shapely.linestrings([[(50_000, -3250.5), (75_000, -3000)], [(50_000, 10_000), (50_000, -1500)]])
    assert border.leads_abroad(points, free, "a").tolist() == [False, False]
    assert border.leads_abroad(points, far, "a").tolist() == [True, True]
