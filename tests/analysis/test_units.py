"""Cells and segments: where they lie, whom they hold, how long they are."""

from __future__ import annotations

from itertools import pairwise

import geopandas as gpd
import h3
import numpy as np
import pandas as pd
import pytest
import shapely

from analysis.units import border_segments, h3_cells, h3_weights, people_in_cells
from layers.crs import GEOD, WGS84
from layers.errors import LayerError
from layers.regions import border_line, study_crs
from tests.analysis.helpers import PLAIN, case, geodesic_to_line_m
from tests.borders import Frame, ground_of, random_land, regions_of, settlements_of

SEEDS = range(6)
SLACK = 0.01
"""The projection keeps distances within 0.4 % over a belt, a buffer's arcs within 0.5 % inwards (DESIGN.md,
shapely)."""


@pytest.mark.parametrize("seed", SEEDS)
def test_cells_are_those_whose_centre_is_within_the_depth_each_once(seed: int) -> None:
    ground = ground_of(random_land(seed))
    depth = 60.0
    cells = h3_cells(ground.regions, ground.border, ground.crs, resolution=4, depth_km=depth)
    assert cells["cell"].is_unique
    assert cells["cell"].is_monotonic_increasing
    line = shapely.union_all(ground.border.geometry.to_numpy())
    land = shapely.union_all(ground.regions.geometry.to_numpy())
    seeds = {h3.latlng_to_cell(lat, lon, 4) for lon, lat in shapely.get_coordinates(shapely.segmentize(line, 0.1))}
    around = sorted({c for s in seeds for c in h3.grid_disk(s, 3)})
    found = set(cells["cell"])
    assert found <= set(around)
    for cell in around:
        lat, lon = h3.cell_to_latlng(cell)
        away = geodesic_to_line_m(lon, lat, line) / 1000
        if not shapely.contains_xy(land, lon, lat) or away > depth * (1 + SLACK):
            assert cell not in found
        elif away < depth * (1 - SLACK):
            assert cell in found


@pytest.mark.parametrize("seed", SEEDS)
def test_a_cell_has_the_side_and_region_of_its_centre_and_its_own_outline(seed: int) -> None:
    cells, regions = case(seed).cells, case(seed).network.base.regions
    assert set(cells["side"]) == {"a", "b"}
    for row in cells.itertuples():
        lat, lon = h3.cell_to_latlng(row.cell)
        assert (row.lon, row.lat) == (lon, lat)
        inside = shapely.contains_xy(regions.geometry.to_numpy(), lon, lat)
        assert regions["side"][inside].tolist() == [row.side]
        assert regions["region"][inside].tolist() == [row.region]
        corners = {(x, y) for x, y in shapely.get_coordinates(row.geometry)}
        assert corners == {(x, y) for y, x in h3.cell_to_boundary(row.cell)}


def test_cells_out_of_range_or_too_coarse_are_refused() -> None:
    ground = ground_of(random_land(0))
    with pytest.raises(LayerError, match="H3 resolution 10: allowed is 0 to 9"):
        h3_cells(ground.regions, ground.border, ground.crs, resolution=10)
    with pytest.raises(LayerError, match=r"no H3 cell of resolution 0 has its centre within 5 km.*a finer one"):
        h3_cells(ground.regions, ground.border, ground.crs, resolution=0, depth_km=5.0)


@pytest.mark.parametrize("seed", SEEDS)
def test_everybody_whose_cell_is_in_the_belt_is_counted_once_and_at_home(seed: int) -> None:
    """Towns right beside the line: their own cell may have its centre abroad."""
    rng = np.random.default_rng(seed)
    one = case(seed)
    line = shapely.union_all(one.border.geometry.to_numpy())
    spots = shapely.get_coordinates(
        shapely.line_interpolate_point(shapely.line_merge(line), rng.uniform(0.1, 0.9, 150), normalized=True)
    ) + rng.uniform(-0.3, 0.3, (150, 2))
    regions, cells = one.network.base.regions, one.cells
    where = [int(np.argmax(shapely.contains_xy(regions.geometry.to_numpy(), *xy))) for xy in spots]
    towns = gpd.GeoDataFrame(
        {
            "population": rng.integers(0, 3, 150) * rng.integers(1, 10_000, 150),
            "side": regions["side"].to_numpy()[where],
        },
        geometry=shapely.points(spots),
        crs=WGS84,
    )
    people = people_in_cells(cells, towns, 4)
    known = set(cells["cell"])
    own = [h3.latlng_to_cell(p.y, p.x, 4) for p in towns.geometry]
    in_belt = np.array([c in known for c in own])
    for side in ("a", "b"):
        counted = people[(cells["side"] == side).to_numpy()].sum()
        assert counted == towns.loc[in_belt & (towns["side"] == side), "population"].sum()
    side_of = dict(zip(cells["cell"], cells["side"], strict=True))
    abroad = [c in known and side_of[c] != s for c, s in zip(own, towns["side"], strict=True)]
    assert sum(abroad) > 3
    at_home = np.zeros(len(cells), int)
    for c, s, n in zip(own, towns["side"], towns["population"], strict=True):
        if side_of.get(c) == s:
            at_home[list(cells["cell"]).index(c)] += n
    assert (people >= at_home).all()


@pytest.mark.parametrize("lat", [0.0, 45.0, 62.0])
def test_a_town_whose_cell_is_abroad_goes_to_the_nearest_cell_of_its_side(lat: float) -> None:
    """Nearest on the ground: a degree of longitude is half a degree of latitude at 60° north."""
    frame = Frame(60.0, lat)
    regions = regions_of(frame, [(0.0, -150.0), (0.0, 150.0)], ("RU", "KZ"))
    border = border_line(regions, ("RU", "KZ"))
    cells = h3_cells(regions.assign(side=["a", "b"]), border, study_crs(border), resolution=4, depth_km=80.0)
    side = dict(zip(cells["cell"], cells["side"], strict=True))
    t = np.linspace(-120, 120, 240)
    tried = 0
    for lon, y in frame.lonlat(-0.5, t):
        own = h3.latlng_to_cell(y, lon, 4)
        if side[own] != "b":
            continue
        tried += 1
        town = gpd.GeoDataFrame({"population": [7], "side": ["a"]}, geometry=[shapely.Point(lon, y)], crs=WGS84)
        away = {c: GEOD.inv(lon, y, *h3.cell_to_latlng(c)[::-1])[2] for c in h3.grid_ring(own, 1) if side.get(c) == "a"}
        ranked = sorted(away, key=lambda c: away[c])
        if len(ranked) > 1 and away[ranked[1]] - away[ranked[0]] < 300:
            continue  # as good as equal
        people = people_in_cells(cells, town, 4)
        assert cells["cell"][np.flatnonzero(people)].tolist() == ranked[:1]
    assert tried > 30


def test_a_town_in_a_tongue_of_land_without_a_cell_of_its_own_is_not_lost() -> None:
    """Two kilometres of a run 90 km into b: no cell around the town has its centre in a."""
    line = [(0.0, -150.0), (0.0, -1.0), (90.0, -1.0), (90.0, 1.0), (0.0, 1.0), (0.0, 150.0)]
    regions = regions_of(PLAIN, line, ("RU", "KZ")).assign(side=["a", "b"])
    border = border_line(regions, ("RU", "KZ"))
    cells = h3_cells(regions, border, study_crs(border), resolution=4, depth_km=80.0)
    lon, lat = PLAIN.lonlat(85.0, 0.0)[0]
    side = dict(zip(cells["cell"], cells["side"], strict=True))
    assert {side[c] for c in h3.grid_disk(h3.latlng_to_cell(lat, lon, 4), 1)} == {"b"}
    town = gpd.GeoDataFrame({"population": [300], "side": ["a"]}, geometry=[shapely.Point(lon, lat)], crs=WGS84)
    people = people_in_cells(cells, town, 4)
    assert people.sum() == 300
    assert cells["side"][np.flatnonzero(people)].tolist() == ["a"]


def test_people_beyond_the_belt_and_unknown_numbers_count_nowhere() -> None:
    one = case(0)
    inside = one.cells.iloc[0]
    far = shapely.Point(inside["lon"] + 20, inside["lat"])
    towns = gpd.GeoDataFrame(
        {"population": [500, 0, 20], "side": [inside["side"]] * 3},
        geometry=[far, shapely.Point(inside["lon"], inside["lat"]), shapely.Point(inside["lon"], inside["lat"])],
        crs=WGS84,
    )
    people = people_in_cells(one.cells, towns, 4)
    assert people[0] == 20
    assert people.sum() == 20


@pytest.mark.parametrize("seed", SEEDS)
def test_segments_cover_the_border_once(seed: int) -> None:
    border = case(seed).border
    segments = border_segments(border, length_km=25.0)
    geod = [GEOD.geometry_length(g) / 1000 for g in segments.geometry]
    whole = sum(GEOD.geometry_length(g) for g in border.geometry) / 1000
    assert sum(geod) == pytest.approx(whole, rel=1e-9)
    assert (segments["km_to"] - segments["km_from"]).tolist() == pytest.approx(geod, rel=1e-6)
    assert segments["km_from"].iloc[0] == 0
    assert segments["km_to"].tolist()[:-1] == pytest.approx(segments["km_from"].tolist()[1:])
    assert segments["km_to"].iloc[-1] == pytest.approx(whole, rel=1e-9)
    assert geod[:-1] == pytest.approx([25.0] * (len(geod) - 1), rel=1e-6)
    assert 12.5 <= geod[-1] < 37.5
    assert segments["segment_id"].is_unique
    ends = [shapely.get_coordinates(g)[[0, -1]] for g in segments.geometry]
    for before, after in pairwise(ends):
        assert before[1] == pytest.approx(after[0], abs=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_middle_of_a_segment_is_halfway_along_it(seed: int) -> None:
    segments = border_segments(case(seed).border, length_km=25.0)
    for row in segments.itertuples():
        xy = shapely.get_coordinates(shapely.segmentize(row.geometry, 0.001))
        steps = GEOD.inv(*xy[:-1].T, *xy[1:].T)[2]
        reach = np.r_[0.0, np.cumsum(steps)]
        k = int(np.argmin(GEOD.inv(xy[:, 0], xy[:, 1], np.full(len(xy), row.lon), np.full(len(xy), row.lat))[2]))
        assert reach[k] == pytest.approx(reach[-1] / 2, abs=200)


def straight(km: float, *, start: float = 0.0, region: str = "1", s: float = 0.0) -> gpd.GeoDataFrame:
    """Return a border northwards of a geodesic length to the metre."""
    lon, lat = PLAIN.lonlat(s, start)[0]
    end = GEOD.fwd(lon, lat, 0.0, km * 1000)
    line = shapely.LineString([(lon, lat), end[:2]])
    return gpd.GeoDataFrame(
        {"region_a": [f"A{region}"], "region_b": [f"B{region}"], "length_km": [km]}, geometry=[line], crs=WGS84
    )


@pytest.mark.parametrize(
    ("km", "pieces"),
    [
        (10.0, [10.0]),
        (24.0, [24.0]),
        (37.0, [37.0]),
        (38.0, [25.0, 13.0]),
        (62.0, [25.0, 37.0]),
        (63.0, [25.0, 25.0, 13.0]),
        (100.001, [25.0, 25.0, 25.0, 25.001]),
    ],
)
def test_a_remainder_below_half_a_piece_goes_to_the_piece_before(km: float, pieces: list[float]) -> None:
    segments = border_segments(straight(km))
    assert (segments["km_to"] - segments["km_from"]).tolist() == pytest.approx(pieces, abs=1e-6)


def test_segments_have_the_regions_at_their_middle() -> None:
    """Two pairs of regions meet at km 45: the second piece, km 25–50, has its middle in the first."""
    first = straight(45.0, region="1")
    tip = shapely.get_coordinates(first.geometry[0])[-1]
    end = GEOD.fwd(*tip, 0.0, 55_000)[:2]
    second = first.assign(region_a="A2", region_b="B2", length_km=55.0)
    second = second.set_geometry([shapely.LineString([tip, end])], crs=WGS84)
    segments = border_segments(pd.concat([second, first], ignore_index=True))
    assert segments["region_a"].tolist() in (["A1", "A1", "A2", "A2"], ["A2", "A2", "A1", "A1"])
    middle_lat = segments["lat"].to_numpy()
    assert (segments["region_a"] == np.where(middle_lat < tip[1], "A1", "A2")).all()
    assert (segments["region_b"].str[1] == segments["region_a"].str[1]).all()


def test_parts_of_a_border_are_counted_on_from_west_to_east() -> None:
    west, east = straight(60.0, region="1"), straight(40.0, region="2", s=90.0)
    segments = border_segments(pd.concat([east, west], ignore_index=True))
    assert segments["km_from"].tolist() == pytest.approx([0, 25, 60, 85], abs=1e-6)
    assert segments["km_to"].tolist() == pytest.approx([25, 60, 85, 100], abs=1e-6)
    assert segments["region_a"].tolist() == ["A1", "A1", "A2", "A2"]
    assert (segments["lon"].diff().to_numpy()[[1, 3]] == 0).all()
    assert all(g.geom_type == "LineString" for g in segments.geometry)


def test_segments_without_a_length_are_refused() -> None:
    for length in (0.0, -1.0, float("nan")):
        with pytest.raises(LayerError, match="allowed is more than 0"):
            border_segments(straight(50.0), length_km=length)


@pytest.mark.parametrize("seed", SEEDS)
def test_neighbours_are_cells_that_touch_and_the_relation_is_symmetric(seed: int) -> None:
    cells = case(seed).cells
    weights = h3_weights(cells["cell"])
    assert list(weights) == cells["cell"].tolist()
    outline = dict(zip(cells["cell"], shapely.buffer(cells.geometry.to_numpy(), 1e-6), strict=True))
    for cell, near in weights.items():
        touching = {o for o in outline if o != cell and outline[o].intersects(outline[cell])}
        assert set(near) == touching
        assert len(near) == len(set(near))
        assert all(cell in weights[n] for n in near)


def test_settlements_of_a_network_are_counted_by_the_generator_too() -> None:
    """The layer's own frame, as the pipeline passes it."""
    towns = settlements_of(PLAIN, [(-10, 0), (10, 0)], ["RU", "KZ"], population=[5, 6])
    regions = regions_of(PLAIN, [(0.0, -150.0), (0.0, 150.0)], ("RU", "KZ")).assign(side=["a", "b"])
    border = border_line(regions, ("RU", "KZ"))
    cells = h3_cells(regions, border, study_crs(border), resolution=4, depth_km=50.0)
    people = people_in_cells(cells, towns.assign(side=["a", "b"]), 4)
    assert [people[(cells["side"] == s).to_numpy()].sum() for s in "ab"] == [5, 6]
