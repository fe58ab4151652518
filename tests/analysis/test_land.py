"""Cells cut by water: shares by hand, centres on land, nobody lost."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from analysis.land import on_land
from layers.crs import WGS84, project
from network.abroad import Border
from tests.borders import ground_of, random_land

CRS = ground_of(random_land(0)).crs
X, Y = shapely.get_coordinates(ground_of(random_land(0)).base.border.line)[0]


def box(west: float, south: float, east: float, north: float) -> shapely.Geometry:
    """Return a rectangle in km, in the projection."""
    return shapely.box(X + 1000 * west, Y + 1000 * south, X + 1000 * east, Y + 1000 * north)


def cells_of(*shapes: shapely.Geometry, people: tuple[int, ...]) -> gpd.GeoDataFrame:
    lonlat = project(np.array(shapes), CRS, WGS84)
    centre = shapely.get_coordinates(project(shapely.centroid(np.array(shapes)), CRS, WGS84))
    return gpd.GeoDataFrame(
        {"cell": [str(k) for k in range(len(shapes))], "population": people, "lon": centre[:, 0], "lat": centre[:, 1]},
        geometry=lonlat,
        crs=WGS84,
    )


def border_with(*lakes: shapely.Geometry) -> Border:
    return Border(shapely.LineString(), {}, 1.0, shapely.multipolygons(list(lakes)) if lakes else None)


def test_without_water_cells_are_as_they_were() -> None:
    cells = cells_of(box(0, 0, 10, 10), people=(5,))
    assert on_land(cells, border_with(), CRS) is cells


def test_a_cell_half_in_a_lake_is_cut_and_one_with_a_pond_is_drawn_whole() -> None:
    cells = cells_of(box(0, 0, 10, 10), box(10, 0, 20, 10), box(20, 0, 30, 10), people=(5, 0, 0))
    lakes = border_with(box(4, -5, 9, 15), box(12, 2, 12.5, 3))
    found = on_land(cells, lakes, CRS)
    np.testing.assert_allclose(found["land_share"], [0.5, 0.995, 1.0], atol=1e-6)
    flat = project(found.geometry.to_numpy(), WGS84, CRS)
    np.testing.assert_allclose(shapely.area(flat) / 1e6, [50, 100, 100], rtol=1e-6)
    assert found.geometry.iloc[1].equals(cells.geometry.iloc[1])
    # The centre (5, 5) lay in the water; the nearest land is 1 km to the west.
    spot = project(shapely.points(found[["lon", "lat"]].to_numpy(float)), WGS84, CRS)
    np.testing.assert_allclose(shapely.get_coordinates(spot)[0], [X + 4000, Y + 5000], atol=0.5)
    np.testing.assert_array_equal(found[["lon", "lat"]].iloc[1:], cells[["lon", "lat"]].iloc[1:])


def test_a_cell_that_a_river_parts_has_its_centre_where_most_people_live() -> None:
    cells = cells_of(box(0, 0, 10, 10), people=(12,))
    river = border_with(box(6, -5, 7, 15))
    towns = project(
        np.array([shapely.Point(X + 1000 * x, Y + 1000 * y) for x, y in ((8, 2), (9, 9), (2, 2))]), CRS, WGS84
    )
    many, few = (gpd.GeoDataFrame({"population": p}, geometry=towns, crs=WGS84) for p in ([8, 1, 3], [1, 1, 10]))
    found = on_land(cells, river, CRS, homes=many)
    spot = project(shapely.points(found[["lon", "lat"]].to_numpy(float)), WGS84, CRS)
    # From the centre (5, 5) the nearest of the eastern bank.
    np.testing.assert_allclose(shapely.get_coordinates(spot)[0], [X + 7000, Y + 5000], atol=0.5)
    for homes in (few, None):
        np.testing.assert_array_equal(on_land(cells, river, CRS, homes=homes)[["lon", "lat"]], cells[["lon", "lat"]])


@pytest.mark.parametrize("people", [0, 7])
def test_a_cell_of_water_vanishes_unless_somebody_lives_there(people: int) -> None:
    cells = cells_of(box(0, 0, 10, 10), box(10, 0, 20, 10), people=(people, 3))
    found = on_land(cells, border_with(box(-5, -5, 10, 15)), CRS)
    assert found["population"].tolist() == ([3] if not people else [people, 3])
    assert found.geometry.is_valid.all()
    assert not found.geometry.is_empty.any()


def test_shares_are_those_of_shapes_over_random_lakes() -> None:
    rng = np.random.default_rng(5)
    shapes = [box(10 * i, 10 * j, 10 * i + 10, 10 * j + 10) for i in range(5) for j in range(5)]
    lakes = shapely.get_parts(
        shapely.union_all(shapely.buffer(shapely.points(np.array([X, Y]) + rng.uniform(0, 50_000, (20, 2))), 3_000))
    )
    found = on_land(cells_of(*shapes, people=(0,) * 25), border_with(*lakes), CRS)
    land = shapely.area(shapely.difference(np.array(shapes), shapely.union_all(lakes))) / 1e8
    np.testing.assert_allclose(found["land_share"], land[land >= 0.01], atol=1e-6)
    spots = project(shapely.points(found[["lon", "lat"]].to_numpy(float)), WGS84, CRS)
    assert (
        shapely.distance(spots, shapely.boundary(shapely.union_all(lakes)))[
            shapely.within(spots, shapely.union_all(lakes))
        ]
        < 0.5
    ).all()
