"""Sides and the border line."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from pyproj import CRS, Geod

from layers.crs import WGS84
from layers.errors import LayerError
from layers.io import read_layer
from layers.regions import (
    belt,
    border_axis,
    border_line,
    clip_to_belt,
    region_of,
    side_of,
    study_crs,
    touching,
    with_sides,
)
from layers.schema import validate

GEOD = Geod(ellps="WGS84")
RU_KZ = ("RU", "KZ")


def regions_of(*shapes: tuple[str, shapely.Geometry]) -> gpd.GeoDataFrame:
    count: dict[str, int] = {}
    names = []
    for country, _ in shapes:
        count[country] = count.get(country, 0) + 1
        names.append(f"{country}-{count[country]}")
    table = {"region": names, "name": names, "country": [c for c, _ in shapes]}
    return validate(gpd.GeoDataFrame(table, geometry=[s for _, s in shapes], crs=WGS84), "regions", "test")


def metres(*coordinates: tuple[float, float]) -> float:
    return float(GEOD.geometry_length(shapely.LineString(coordinates)))


LEFT, RIGHT = shapely.box(58, 50, 60, 51), shapely.box(60, 50, 62, 51)
MERIDIAN_KM = metres((60, 50), (60, 51)) / 1000


def test_two_squares_share_their_side() -> None:
    border = border_line(regions_of(("RU", LEFT), ("KZ", RIGHT)), RU_KZ)
    assert border["length_km"].sum() == pytest.approx(MERIDIAN_KM, rel=1e-9)
    assert border[["region_a", "region_b"]].to_numpy().tolist() == [["RU-1", "KZ-1"]]
    assert border.crs == WGS84


def test_one_row_per_pair_of_facing_regions() -> None:
    south, north = shapely.box(58, 50, 60, 50.5), shapely.box(58, 50.5, 60, 51)
    border = border_line(regions_of(("RU", south), ("RU", north), ("KZ", RIGHT)), RU_KZ)
    pairs = sorted(zip(border["region_a"], border["region_b"], border["length_km"], strict=True))
    assert [p[:2] for p in pairs] == [("RU-1", "KZ-1"), ("RU-2", "KZ-1")]
    assert pairs[0][2] == pytest.approx(metres((60, 50), (60, 50.5)) / 1000, rel=1e-9)
    assert pairs[1][2] == pytest.approx(metres((60, 50.5), (60, 51)) / 1000, rel=1e-9)


def test_a_line_drawn_twice_two_hundred_metres_apart_is_still_one_border() -> None:
    gap = 200 / metres((60, 50.5), (61, 50.5))
    border = border_line(regions_of(("RU", LEFT), ("KZ", shapely.box(60 + gap, 50, 62, 51))), RU_KZ)
    # Nothing of what lies within the tolerance round the two corners counts.
    assert border["length_km"].sum() == pytest.approx(MERIDIAN_KM, abs=0.05)


@pytest.mark.parametrize("near_m", [0.0, 20.0], ids=["touching", "20 m apart"])
def test_a_border_drawn_partly_with_a_gap_is_whole(near_m: float) -> None:
    metre = 1 / metres((60, 50.5), (61, 50.5))
    near, far = 60 + near_m * metre, 60 + 300 * metre
    stepped = shapely.Polygon([(near, 50), (near, 50.6), (far, 50.6), (far, 51), (62, 51), (62, 50)])
    border = border_line(regions_of(("RU", LEFT), ("KZ", stepped)), RU_KZ)
    assert border["length_km"].sum() >= 0.99 * MERIDIAN_KM


def test_sides_without_a_border_are_refused() -> None:
    apart = regions_of(("RU", LEFT), ("KZ", shapely.box(60.2, 50, 62, 51)))
    with pytest.raises(LayerError, match=r"RU and KZ share no border.*3 km"):
        border_line(apart, RU_KZ)
    corner = regions_of(("RU", LEFT), ("KZ", shapely.box(60, 51, 62, 52)))
    with pytest.raises(LayerError, match="share no border"):
        border_line(corner, RU_KZ)


def test_a_country_that_is_missing_is_named() -> None:
    regions = regions_of(("RU", LEFT), ("KZ", RIGHT))
    with pytest.raises(LayerError, match=r"no region of MN: it has KZ, RU"):
        border_line(regions, ("RU", "MN"))
    with pytest.raises(LayerError, match=r"no region of CN and MN"):
        with_sides(regions, ("CN", "MN"))


def test_sides_follow_the_order_of_the_countries_and_drop_others() -> None:
    regions = regions_of(("RU", LEFT), ("MN", shapely.box(70, 50, 71, 51)), ("KZ", RIGHT))
    assert with_sides(regions, ("KZ", "RU"))["side"].tolist() == ["b", "a"]


def test_the_axis_runs_from_west_to_east_over_the_whole_line() -> None:
    islands = [("RU", shapely.box(x, 50, x + 1, 51)) for x in (64.0, 58.0, 61.0)]
    others = [("KZ", shapely.box(x, 49, x + 1, 50)) for x in (58.0, 64.0, 61.0)]
    border = border_line(regions_of(*islands, *others), RU_KZ)
    axis = border_axis(border)
    assert [line.coords[0] for line in axis] == [(58.0, 50.0), (61.0, 50.0), (64.0, 50.0)]
    assert all(line.coords[0][0] < line.coords[-1][0] for line in axis)
    assert sum(GEOD.geometry_length(line) for line in axis) / 1000 == pytest.approx(border["length_km"].sum(), rel=1e-9)


def test_the_axis_of_the_packaged_border_has_its_length() -> None:
    regions, _ = read_layer("regions")
    border = border_line(regions, RU_KZ)
    axis = border_axis(border)
    assert sum(GEOD.geometry_length(line) for line in axis) / 1000 == pytest.approx(border["length_km"].sum(), rel=1e-9)
    west = [line.bounds[0] for line in axis]
    assert west == sorted(west)


# km by pair on Natural Earth's full line, itself drawn at 1:10 million: the packaged line, which is OpenStreetMap's to
# 100 m, follows more bends.
FULL_KM = {
    ("RU-AST", "KZ-23"): 443.7,
    ("RU-AST", "KZ-27"): 84.4,
    ("RU-VGG", "KZ-27"): 243.6,
    ("RU-SAR", "KZ-27"): 561.1,
    ("RU-ORE", "KZ-27"): 603.7,
    ("RU-ORE", "KZ-15"): 968.8,
    ("RU-ORE", "KZ-39"): 217.4,
    ("RU-CHE", "KZ-39"): 921.8,
    ("RU-KGN", "KZ-39"): 323.5,
    ("RU-KGN", "KZ-59"): 256.0,
    ("RU-TYU", "KZ-59"): 215.8,
    ("RU-OMS", "KZ-59"): 751.6,
    ("RU-OMS", "KZ-55"): 256.5,
    ("RU-NVS", "KZ-55"): 316.5,
    ("RU-ALT", "KZ-55"): 204.3,
    ("RU-ALT", "KZ-63"): 627.6,
    ("RU-AL", "KZ-63"): 463.4,
}


def test_the_packaged_border_runs_between_the_known_pairs_of_regions() -> None:
    regions, _ = read_layer("regions")
    border = border_line(regions, RU_KZ)
    ours = dict(zip(zip(border["region_a"], border["region_b"], strict=True), border["length_km"], strict=True))
    # Samara has one point of the line, no stretch.
    assert set(ours) == set(FULL_KM)
    # Longer by what rivers wind: the Ural and the Ilek between Orenburg and West Kazakhstan. Where pairs meet, as in
    # Tyumen, the coarse line had given a stretch to the neighbour.
    for pair, full in FULL_KM.items():
        assert 0.8 * full < ours[pair] < 1.17 * full
    assert 1 < sum(ours.values()) / sum(FULL_KM.values()) < 1.05


def test_russia_is_clipped_before_it_is_projected() -> None:
    layer, _ = read_layer("regions")
    regions = with_sides(layer, RU_KZ)
    border = border_line(layer, RU_KZ)
    clipped = clip_to_belt(regions, border, 300)
    whole, cut = regions.total_bounds, clipped.total_bounds
    assert cut[0] >= border.total_bounds[0] - 15
    assert cut[2] <= border.total_bounds[2] + 15
    assert whole[2] > 110 > cut[2]
    towns = {
        "a": [(55.1, 51.77), (73.37, 54.99), (48.04, 46.35)],
        "b": [(57.17, 50.28), (69.14, 54.87), (51.37, 51.23)],
    }
    for side, places in towns.items():
        assert side_of(np.array(places), clipped, 0.0).tolist() == [side] * len(places)


def test_a_polygon_in_two_parts_across_the_antimeridian_is_cut_to_its_western_part() -> None:
    far = shapely.MultiPolygon([LEFT, shapely.box(170, 60, 180, 70), shapely.box(-180, 60, -170, 70)])
    regions = with_sides(regions_of(("RU", far), ("KZ", RIGHT)), RU_KZ)
    border = border_line(regions, RU_KZ)
    assert border["length_km"].sum() == pytest.approx(MERIDIAN_KM, rel=1e-9)
    clipped = clip_to_belt(regions, border, 100)
    assert clipped.total_bounds.tolist() == [58, 50, 62, 51]
    assert side_of(np.array([[59, 50.5], [61, 50.5], [175, 65]]), clipped, 0.0).tolist() == ["a", "b", ""]


@pytest.mark.parametrize(("south", "north"), [(-55.0, -20.0), (20.0, 55.0), (-60.0, -58.0)])
def test_the_clip_keeps_everything_within_the_depth(south: float, north: float) -> None:
    west, east = shapely.box(-100, -75, -70, 75), shapely.box(-70, -75, -40, 75)
    band = shapely.box(-180, south, 180, north)
    line = border_line(
        regions_of(("AR", shapely.intersection(west, band)), ("CL", shapely.intersection(east, band))), ("AR", "CL")
    )
    clipped = clip_to_belt(with_sides(regions_of(("AR", west), ("CL", east)), ("AR", "CL")), line, 300)
    land = shapely.union_all(clipped.geometry.to_numpy())
    azimuth = np.arange(0, 360, 5.0)
    for lat in (south, north):
        lon, at, _ = GEOD.fwd(np.full(72, -70.0), np.full(72, lat), azimuth, np.full(72, 300_000.0))
        assert shapely.contains_xy(land, lon, at).all()


def test_the_belt_reaches_as_deep_as_it_says() -> None:
    border = border_line(regions_of(("RU", LEFT), ("KZ", RIGHT)), RU_KZ)
    crs = study_crs(border)
    zone = belt(border, 100, crs)
    from layers.crs import project

    for km, inside in ((99.0, True), (101.0, False)):
        for azimuth in (90.0, 270.0):
            lon, lat, _ = GEOD.fwd(60, 50.5, azimuth, km * 1000)
            assert bool(shapely.contains(zone, project(shapely.Point(lon, lat), WGS84, crs))) is inside


@pytest.mark.parametrize("seed", range(8))
def test_a_place_is_in_the_belt_of_a_line_of_many_corners_as_its_distance_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    parts = []
    for west in (0.0, 900_000.0):  # two parts that do not meet, and an enclave
        steps = rng.normal(3_000.0, 6_000.0, (int(rng.integers(9, 140)), 2))
        parts.append(shapely.LineString(np.vstack([[west, 0.0], steps]).cumsum(axis=0)))
    parts.append(shapely.Point(400_000.0, -300_000.0).buffer(20_000.0).exterior)
    line = shapely.multilinestrings(parts)
    frame = gpd.GeoDataFrame(geometry=[line], crs="EPSG:6933").to_crs(WGS84)
    depth_m = 1000.0 * float(rng.choice([20, 100, 300]))
    zone = belt(frame, depth_m / 1000, CRS("EPSG:6933"))
    west, south, east, north = shapely.bounds(line) + np.array([-1, -1, 1, 1]) * 1.5 * depth_m
    spots = shapely.points(rng.uniform(west, east, 3_000), rng.uniform(south, north, 3_000))
    away = shapely.distance(spots, line)
    inside = shapely.contains(zone, spots)
    # The line is simplified to 200 m; the chords of an arc lie within 1/10,000 of its radius.
    assert inside[away < 0.9999 * depth_m - 200].all()
    assert not inside[away > depth_m + 200].any()
    from_the_other_end = belt(frame.reverse().to_frame("geometry"), depth_m / 1000, CRS("EPSG:6933"))
    assert shapely.symmetric_difference(zone, from_the_other_end).area < 1e-4 * depth_m * line.length


def sided() -> gpd.GeoDataFrame:
    return with_sides(regions_of(("RU", LEFT), ("KZ", RIGHT)), RU_KZ)


def test_points_off_the_coast_count_to_the_nearest_region_within_the_tolerance() -> None:
    off = np.array([GEOD.fwd(62, 50.5, 90, m)[:2] for m in (4_900.0, 5_100.0)])
    assert side_of(off, sided(), 5.0).tolist() == ["b", ""]
    assert side_of(off, sided(), 0.0).tolist() == ["", ""]


def test_far_north_the_nearest_region_is_the_nearest_in_metres() -> None:
    west, north = shapely.box(58, 64, 60, 65), shapely.box(60, 65.035, 62, 66)
    regions = with_sides(regions_of(("RU", west), ("KZ", north)), RU_KZ)
    # Some 2.4 km east of the one and 3.9 km south of the other; in degrees it is the other way round.
    point = (60.05, 65.0)
    to_west, to_north = metres(point, (60, 65.0)), metres(point, (60.05, 65.035))
    assert 2_000 < to_west < 3_000 < to_north
    assert side_of(np.array([point]), regions, 10.0).tolist() == ["a"]
    assert side_of(np.array([point]), regions, 3.0).tolist() == ["a"]


def test_a_point_on_the_line_takes_the_first_region_whatever_the_order_of_points() -> None:
    points = np.array([[60, 50.2], [61, 50.5], [60, 50.8], [59, 50.5]])
    regions = sided()
    assert region_of(points, regions, 0.0).tolist() == [0, 1, 0, 0]
    assert region_of(points[::-1], regions, 0.0).tolist() == [0, 0, 1, 0]


@pytest.mark.parametrize("seed", range(8))
def test_regions_of_points_are_those_found_one_by_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    # Overlaps, holes, two parts, borders that run through points of a raster.
    shapes = [shapely.box(x, y, x + 2, y + 2) for x, y in rng.integers(50, 60, (6, 2)).tolist()]
    shapes[1] = shapely.difference(shapes[1], shapely.buffer(shapely.centroid(shapes[1]), 0.4))
    shapes[2] = shapely.union(shapes[2], shapely.box(70, 50, 71, 51))
    regions = gpd.GeoDataFrame({"side": "a"}, geometry=shapes, index=range(len(shapes)), crs=WGS84)
    points = np.concatenate([rng.integers(50, 62, (60, 2)) * 1.0, rng.uniform(49, 72, (200, 2))])
    plain = [
        next((k for k, shape in enumerate(shapes) if shapely.intersects(shape, shapely.Point(at))), -1) for at in points
    ]
    assert region_of(points, regions, 0.0).tolist() == plain
    assert len(region_of(np.empty((0, 2)), regions, 1.0)) == 0


def test_regions_that_touch_the_line() -> None:
    regions = regions_of(("RU", LEFT), ("RU", shapely.box(56, 50, 58, 51)), ("KZ", RIGHT))
    assert touching(regions, border_line(regions, RU_KZ)).tolist() == [True, False, True]


@pytest.mark.parametrize("gap_m", [0, 20, 200, 1500])
@pytest.mark.parametrize("shift", [0.0, 0.1])
def test_small_regions_drawn_by_hand_share_their_line_and_nothing_of_the_frame(gap_m: float, shift: float) -> None:
    # Twenty kilometres of border, the frame of one side further out than that of the other.
    gap = gap_m / metres((60, 50.1), (61, 50.1))
    left = shapely.box(59.8, 50.0 - shift, 60, 50.2)
    right = shapely.box(60 + gap, 50.0, 60.2 + gap, 50.2 + shift)
    border = border_line(regions_of(("RU", left), ("KZ", right)), RU_KZ)
    assert border["length_km"].sum() == pytest.approx(metres((60, 50.0), (60, 50.2)) / 1000, rel=0.02)


def test_a_line_towards_two_regions_is_shared_out_without_a_remainder() -> None:
    gap = 200 / metres((60, 50.1), (61, 50.1))
    south, north = shapely.box(60 + gap, 50.0, 60.2, 50.1), shapely.box(60 + gap, 50.1, 60.2, 50.2)
    border = border_line(regions_of(("RU", shapely.box(59.8, 50.0, 60, 50.2)), ("KZ", south), ("KZ", north)), RU_KZ)
    half = metres((60, 50.0), (60, 50.1)) / 1000
    assert border["length_km"].tolist() == pytest.approx([half, half], rel=0.02)


def test_the_coast_of_a_small_state_is_no_border() -> None:
    state = shapely.box(7.40, 43.72, 7.43, 43.75)
    around = shapely.box(7.30, 43.72, 7.50, 43.80).difference(state)
    regions = gpd.GeoDataFrame(
        {"region": ["A", "B"], "name": ["A", "B"], "country": ["MC", "FR"]}, geometry=[state, around], crs=WGS84
    )
    by_hand = Geod(ellps="WGS84").line_length([7.40, 7.40, 7.43, 7.43], [43.72, 43.75, 43.75, 43.72]) / 1000
    for countries in (("MC", "FR"), ("FR", "MC")):
        assert border_line(regions, countries)["length_km"].sum() == pytest.approx(by_hand, abs=0.01)


def test_an_enclave_has_its_whole_boundary() -> None:
    state = shapely.Point(12.45, 43.94).buffer(0.03)
    around = shapely.box(12.0, 43.5, 13.0, 44.5).difference(state.buffer(0.001))
    regions = gpd.GeoDataFrame(
        {"region": ["A", "B"], "name": ["A", "B"], "country": ["SM", "IT"]}, geometry=[state, around], crs=WGS84
    )
    whole = Geod(ellps="WGS84").geometry_length(state.exterior) / 1000
    assert border_line(regions, ("SM", "IT"))["length_km"].sum() == pytest.approx(whole, rel=0.001)
