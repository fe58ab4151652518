"""The border line of the packaged snapshot and the regions drawn to it: on plain drawings, and packed."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from pyproj import Geod

from layers.crs import WGS84, fit_equal_area, project
from layers.io import read_layer
from layers.regions import border_line
from layers.sources.make_line import drawn_to_line, shared_line, simplified, with_line
from layers.sources.snapshot import read_snapshot

GEOD = Geod(ellps="WGS84")
WAVE = [(60 + 0.02 * np.sin(3 * y), 50 + y / 10) for y in range(21)]
"""The true line, from south to north."""
WEST = shapely.Polygon([*WAVE, (58, 52), (58, 50)])
EAST = shapely.Polygon([*WAVE, (62, 52), (62, 50)])
COARSE = [(60.05, 50), (60.05, 51), (59.96, 51), (59.96, 52)]
"""The line of the generalised regions."""


def coarse_regions() -> gpd.GeoDataFrame:
    south, north = shapely.box(58, 50, 60.05, 51), shapely.box(58, 51, 59.96, 52)
    east = shapely.Polygon([*COARSE, (62, 52), (62, 50)])
    table = {"region": ["A-1", "A-2", "B-1"], "country": ["A", "A", "B"]}
    return gpd.GeoDataFrame(table, geometry=[south, north, east], crs=WGS84)


def drawn(sea: shapely.Geometry | None = None) -> gpd.GeoDataFrame:
    line = shapely.LineString(WAVE)
    water = sea if sea is not None else shapely.Polygon()
    return drawn_to_line(coarse_regions(), {"A": WEST, "B": EAST}, line, line, water, {})


def test_the_shared_line_is_what_two_outlines_have_in_common() -> None:
    line = shared_line(WEST, EAST)
    assert shapely.equals_exact(shapely.normalize(line), shapely.normalize(shapely.LineString(WAVE)), 1e-7)


def test_a_simplified_line_is_nowhere_further_off_and_keeps_its_ends() -> None:
    fine = shapely.LineString([(x, 50 + 0.004 * np.sin(40 * x)) for x in np.linspace(60, 62, 2001)])
    coarse = simplified(fine, 100.0)
    crs = fit_equal_area(fine)
    assert shapely.get_num_coordinates(coarse) < shapely.get_num_coordinates(fine) / 5
    away = shapely.hausdorff_distance(project(fine, WGS84, crs), project(coarse, WGS84, crs), densify=0.01)
    assert away <= 100.5
    assert np.allclose([coarse.coords[0], coarse.coords[-1]], [fine.coords[0], fine.coords[-1]], atol=1e-9)


@pytest.mark.parametrize("turned", [False, True])
def test_a_country_takes_the_simplified_line(turned: bool) -> None:
    line = shapely.LineString(WAVE[::-1] if turned else WAVE)
    new = shapely.LineString([line.coords[0], line.coords[-1]])
    for country, west in ((WEST, True), (EAST, False)):
        x, far = WAVE[0][0], 58 if west else 62
        expected = shapely.Polygon([(x, 50), WAVE[-1], (far, 52), (far, 50)])
        assert shapely.equals(with_line(country, line, new), expected)


def test_regions_meet_at_the_line_vertex_by_vertex_and_nowhere_overlap() -> None:
    new = drawn()
    border = border_line(new.assign(name=new["region"]), ("A", "B"))
    exact = GEOD.geometry_length(shapely.LineString(WAVE)) / 1000
    assert border["length_km"].sum() == pytest.approx(exact, rel=1e-5)
    assert sorted(border["region_a"]) == ["A-1", "A-2"]
    west = shapely.union_all(new.geometry.to_numpy()[:2])
    assert shapely.area(shapely.symmetric_difference(west, WEST)) < 1e-4
    assert shapely.area(shapely.intersection(west, new.geometry.iloc[2])) == 0
    # Inland nothing has moved, and ground that changes hands goes to the region that is nearest.
    assert shapely.contains_xy(new.geometry.iloc[0], 59, 50.99)
    assert shapely.contains_xy(new.geometry.iloc[1], 59, 51.01)


def test_the_sea_is_no_region_and_no_border() -> None:
    sea = shapely.box(59.9, 49.9, 60.2, 50.3)
    regions = coarse_regions()
    regions.geometry = shapely.difference(regions.geometry.to_numpy(), sea)
    line = shapely.LineString(WAVE)
    new = drawn_to_line(regions, {"A": WEST, "B": EAST}, line, line, sea, {})
    border = border_line(new.assign(name=new["region"]), ("A", "B"))
    dry = GEOD.geometry_length(shapely.difference(line, sea)) / 1000
    assert border["length_km"].sum() == pytest.approx(dry, rel=1e-4)
    assert shapely.area(shapely.intersection(shapely.union_all(new.geometry.to_numpy()), sea)) < 1e-4


def test_a_region_that_is_known_exactly_stands_before_the_nearest() -> None:
    line = shapely.LineString(WAVE)
    exact = shapely.Polygon([*WAVE[:6], (59.5, 50.5), (59.5, 50)])
    known = {"A-1": exact, "A-2": shapely.difference(WEST, exact)}
    new = drawn_to_line(coarse_regions(), {"A": WEST, "B": EAST}, line, line, shapely.Polygon(), known)
    border = border_line(new.assign(name=new["region"]), ("A", "B")).set_index("region_a")["length_km"]
    south = GEOD.geometry_length(shapely.LineString(WAVE[:6])) / 1000
    assert border["A-1"] == pytest.approx(south, rel=1e-4)


# Kilometres of OpenStreetMap's line in full, summed by pyproj over the segments that two time zones of
# timezonefinder-data 3.2026.3 share: all of the line between Russia and Kazakhstan, by zones that are regions there.
# Astrakhan's and Atyrau's are 54.3 km longer, in the sea.
ZONES_KM = {
    ("RU-AST", "KZ-23"): 510.6 - 54.3, ("RU-AST", "KZ-27"): 78.9, ("RU-VGG", "KZ-27"): 245.5,
    ("RU-SAR", "KZ-27"): 586.0, ("RU-ORE", "KZ-27"): 719.5, ("RU-ORE", "KZ-15"): 1021.5,
}  # fmt: skip
# Novosibirsk's zone runs along the line for 9 km as a strip of less than 100 m, which the simplified line has not.
SIDES_KM = {"RU-OMS": 1029.0, "RU-NVS RU-ALT RU-AL": 320.7 + 1374.2, "RU-ORE RU-CHE RU-KGN RU-TYU": 3654.7}


def test_the_packaged_border_is_as_long_as_the_line_in_full_but_for_what_simplifying_takes() -> None:
    border = border_line(read_layer("regions")[0], ("RU", "KZ"))
    ours = border.set_index(["region_a", "region_b"])["length_km"]
    for pair, full in ZONES_KM.items():
        assert 0.965 * full < ours[pair] < full + 1
    for names, full in SIDES_KM.items():
        assert 0.965 * full < ours[ours.index.get_level_values(0).isin(names.split())].sum() < full + 1
    assert 0.985 * (7799.5 - 54.3) < ours.sum() < 7799.5 - 54.3


def test_the_packaged_border_is_one_line_of_land_rivers_and_lakes_and_the_sea_part_begins_where_it_ends() -> None:
    border = border_line(read_layer("regions")[0], ("RU", "KZ"))
    whole = shapely.line_merge(shapely.union_all(border.geometry.to_numpy()))
    assert whole.geom_type == "LineString"
    sea = read_snapshot("sea_line").geometry.iloc[0]
    assert GEOD.geometry_length(sea) / 1000 == pytest.approx(54.3, abs=0.5)
    assert shapely.distance(whole, sea) < 1e-3
    assert shapely.length(shapely.intersection(whole, shapely.buffer(sea, 1e-4))) < 1e-2


def test_no_two_packaged_regions_overlap() -> None:
    shapes = read_layer("regions")[0].geometry.to_numpy()
    i, j = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    shared = shapely.area(shapely.intersection(shapes[i[i < j]], shapes[j[i < j]]))
    assert shared.max() < 1e-9
