"""Measuring: against pyproj itself and against hand-made shapes."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from pyproj import CRS, Geod

from layers.crs import (
    WGS84,
    areas_km2,
    fit_equal_area,
    geodesic_m,
    line_lengths_m,
    lines_between,
    project,
    require_equal_area,
)
from layers.errors import CRSError
from layers.io import read_layer
from layers.regions import border_line, study_crs

GEOD = Geod(ellps="WGS84")
KM = 1000.0


def square(lon: float, lat: float, side: float = 2.0) -> shapely.Polygon:
    return shapely.box(lon, lat, lon + side, lat + side)


def true_area_km2(polygon: shapely.Polygon) -> float:
    # A side along a parallel is no geodesic: short steps keep it on the parallel.
    return abs(GEOD.geometry_area_perimeter(shapely.segmentize(polygon, 0.01))[0]) / 1e6


def test_lengths_are_those_of_pyproj() -> None:
    rng = np.random.default_rng(1)
    lines = [
        shapely.LineString(np.column_stack([rng.uniform(-179, 179, n), rng.uniform(-80, 80, n)])) for n in (2, 3, 9)
    ]
    lines += [shapely.MultiLineString([lines[0], lines[2]]), shapely.LineString()]
    expected = [GEOD.geometry_length(line) for line in lines[:3]]
    expected += [expected[0] + expected[2], 0.0]
    assert line_lengths_m(np.array(lines, dtype=object)) == pytest.approx(expected, rel=1e-12)
    assert line_lengths_m(lines[1])[0] == pytest.approx(expected[1], rel=1e-12)


def test_no_lines_have_no_length() -> None:
    assert line_lengths_m(np.array([], dtype=object)).tolist() == []
    assert line_lengths_m(np.array([shapely.LineString()] * 2, dtype=object)).tolist() == [0.0, 0.0]


def test_one_point_against_many() -> None:
    lon = np.array([60.0, 61.0, 62.0])
    assert geodesic_m(60, 50, lon, 50).tolist() == [GEOD.inv(60, 50, x, 50)[2] for x in lon]


def test_lines_between_joins_row_by_row() -> None:
    lines = lines_between(np.array([[0.0, 1], [2, 3]]), np.array([[4.0, 5], [6, 7]]))
    assert [list(line.coords) for line in lines] == [[(0, 1), (4, 5)], [(2, 3), (6, 7)]]


BORDERS = {
    "east-west": shapely.LineString([(47, 49), (55, 51), (62, 54), (70, 55), (82, 50)]),
    "equator": shapely.LineString([(16, -4), (18, 0), (17, 3.5)]),
    "on the equator": shapely.LineString([(25, 0.1), (30, -0.2)]),
    "southern": shapely.LineString([(-70, -22), (-70, -38), (-72, -52)]),
    "short": shapely.LineString([(19.0, 64.0), (19.2, 64.3)]),
    "northern tropics": shapely.LineString([(-1, 0.5), (1, 11)]),
}


@pytest.mark.parametrize("name", BORDERS)
def test_areas_in_the_fitted_projection_are_those_of_the_ellipsoid(name: str) -> None:
    line = BORDERS[name]
    crs = fit_equal_area(line)
    x, y = line.coords[0]
    polygons = [square(x, y), square(x - 3, y - 1, 1.0), square(*line.coords[-1], 0.3)]
    expected = [true_area_km2(p) for p in polygons]
    assert areas_km2(np.array(polygons, dtype=object), crs) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("code", [3857, 32641, 4326, 28413])
def test_other_projections_are_refused_for_areas(code: int) -> None:
    crs = CRS.from_epsg(code)
    with pytest.raises(CRSError, match=r"areas can't be measured in .*equal-area"):
        areas_km2(square(60, 50), crs)


@pytest.mark.parametrize("code", [6933, 3035, 5070])
def test_equal_area_projections_are_taken(code: int) -> None:
    require_equal_area(CRS.from_epsg(code))


def test_russia_kazakhstan_is_albers_with_the_known_parallels() -> None:
    regions, _ = read_layer("regions")
    crs = study_crs(border_line(regions, ("RU", "KZ")))
    operation = crs.coordinate_operation
    assert operation is not None
    assert operation.method_name == "Albers Equal Area"
    values = {p.name: p.value for p in operation.params}
    assert values["Latitude of 1st standard parallel"] == 49.5
    assert values["Latitude of 2nd standard parallel"] == 54.5
    assert values["Longitude of false origin"] == 67.0


def test_distances_over_the_belt_are_true_to_four_parts_in_a_thousand() -> None:
    regions, _ = read_layer("regions")
    border = border_line(regions, ("RU", "KZ"))
    crs = study_crs(border)
    rng = np.random.default_rng(7)
    # Places of the belt made without the projection: from points of the line 0–100 km off in any direction.
    lines = shapely.get_parts(border.geometry.to_numpy())
    at = shapely.line_interpolate_point(rng.choice(lines, 600), rng.random(600), normalized=True)
    lon, lat, _ = GEOD.fwd(*shapely.get_coordinates(at).T, rng.uniform(0, 360, 600), rng.uniform(0, 100 * KM, 600))
    for reach in (30 * KM, 200 * KM):
        lon2, lat2, _ = GEOD.fwd(lon, lat, rng.uniform(0, 360, 600), np.full(600, reach))
        a, b = (shapely.get_coordinates(project(shapely.points(*p), WGS84, crs)) for p in ((lon, lat), (lon2, lat2)))
        inside = shapely.dwithin(shapely.points(lon2, lat2), shapely.union_all(lines), 0.9)
        measured = np.linalg.norm(a - b, axis=1)[inside]
        assert len(measured) > 200
        assert np.abs(measured / reach - 1).max() < 0.004


def test_a_projected_shape_comes_back() -> None:
    crs = fit_equal_area(BORDERS["southern"])
    shape = square(-71, -40)
    back = project(project(shape, WGS84, crs), crs, WGS84)
    assert shapely.get_coordinates(back) == pytest.approx(shapely.get_coordinates(shape), abs=1e-9)
