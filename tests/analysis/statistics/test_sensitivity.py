"""Sensitivity of labels: by hand, against scikit-learn, and on random borders."""

from __future__ import annotations

import geopandas as gpd
import h3
import numpy as np
import pandas as pd
import pytest
import shapely
from esda import Smaup
from sklearn.metrics import adjusted_rand_score

from analysis.statistics.sensitivity import (
    NEITHER,
    NO_DATA,
    Weights,
    alternatives,
    at_centres,
    from_children,
    hexagon_contiguity,
    hexagons,
    smaup,
    stability,
)
from layers.crs import WGS84, areas_km2
from layers.errors import CRSError, LayerError
from tests.analysis.helpers import case, disk, geodesic_to_line_m
from tests.borders import ground_of, random_land

SEEDS = range(3)
GROWTH, DETOUR, DELAY = "growth point", "detour", "delay"


def test_stability_by_hand() -> None:
    base = pd.Series([GROWTH, GROWTH, NEITHER, DELAY, NO_DATA], index=list("pqrst"))
    one = pd.Series([GROWTH, NEITHER, NEITHER, DETOUR, GROWTH], index=list("pqrst"))
    two = pd.Series([GROWTH, NO_DATA, GROWTH], index=list("pqr"))
    table, by_unit = stability(base, {"one": one, "two": lambda: two})
    rows = table.set_index(["alternative", "label"])[["units", "kept", "gained"]]
    assert rows.loc[("one", "all")].tolist() == [4, 2, 2]
    assert rows.loc[("one", GROWTH)].tolist() == [2, 1, 0]
    assert rows.loc[("one", NEITHER)].tolist() == [1, 1, 1]
    assert rows.loc[("one", DELAY)].tolist() == [1, 0, 0]
    assert rows.loc[("one", DETOUR)].tolist() == [0, 0, 1]
    assert rows.loc[("two", "all")].tolist() == [2, 1, 1]
    shares = table.set_index(["alternative", "label"])["kept_share"]
    assert shares["one", GROWTH] == 0.5
    assert np.isnan(shares["one", DETOUR])
    assert by_unit.to_dict() == pytest.approx({"p": 1.0, "q": 0.0, "r": 0.5, "s": 0.0, "t": np.nan}, nan_ok=True)


@pytest.mark.parametrize("seed", range(20))
def test_the_adjusted_rand_is_that_of_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 60))
    a, b = (pd.Series(rng.choice(list("pqrst")[: rng.integers(1, 6)], n)) for _ in range(2))
    table, _ = stability(a, {"b": b, "a": a, "none": a.iloc[:0]})
    found = table[table["label"] == "all"].set_index("alternative")["adjusted_rand"]
    assert found["b"] == pytest.approx(adjusted_rand_score(a, b), abs=1e-12)
    assert found["a"] == 1.0
    assert np.isnan(found["none"])


def test_a_cell_takes_the_commonest_label_of_its_children_at_home() -> None:
    one, two, three, four = disk(1)[:4]
    cells = pd.DataFrame({"cell": [one, two, three, four], "side": ["a", "a", "b", "b"]})
    rows = []
    for cell, labels, sides in (
        (one, [GROWTH] * 3 + [NEITHER] * 2 + [NO_DATA] * 2, "a" * 7),
        (two, [NEITHER] * 3 + [DELAY] * 3 + [NO_DATA], "a" * 7),  # a tie goes to what stands out
        (three, [GROWTH] * 5 + [DELAY] * 2, "aaaaabb"),  # what lies abroad does not count
        (four, [NO_DATA] * 7, "b" * 7),
    ):
        kids = sorted(h3.cell_to_children(cell, 5))
        rows += list(zip(kids, labels, sides, strict=True))
    strange = sorted(h3.cell_to_children(disk(1)[5], 5))[0]
    children = pd.DataFrame([*rows, (strange, GROWTH, "a")], columns=["cell", "label", "side"])
    found = from_children(cells, children.sample(frac=1, random_state=0))
    assert found.index.tolist() == cells["cell"].tolist()
    assert found.tolist()[:3] == [GROWTH, DELAY, DELAY]
    assert pd.isna(found.iloc[3])
    with pytest.raises(LayerError, match="cells of resolutions 4, 5: allowed is one"):
        from_children(pd.DataFrame({"cell": [one, strange], "side": "a"}), children)


@pytest.mark.parametrize("shift", [(0.0, 0.0), (0.5, 0.5), (0.3, -0.8)])
@pytest.mark.parametrize("seed", SEEDS)
def test_hexagons_are_equal_and_cover_the_belt_once(seed: int, shift: tuple[float, float]) -> None:
    ground = ground_of(random_land(seed))
    found = hexagons(ground.regions, ground.border, ground.crs, area_km2=900.0, shift=shift, depth_km=60.0)
    assert found["cell"].is_unique
    # Straight sides in the projection, measured in longitude and latitude: bent by less than a thousandth.
    assert areas_km2(found.geometry.to_numpy(), ground.crs) == pytest.approx(np.full(len(found), 900.0), rel=1e-3)
    line = shapely.union_all(ground.border.geometry.to_numpy())
    for row in found.itertuples():
        assert geodesic_to_line_m(row.lon, row.lat, line) < 60_000 * 1.01
        inside = shapely.contains_xy(ground.regions.geometry.to_numpy(), row.lon, row.lat)
        assert ground.regions["side"][inside].tolist() == [row.side]
        assert shapely.contains_xy(row.geometry, row.lon, row.lat)
    whole = shapely.union_all(shapely.buffer(found.geometry.to_numpy(), 1e-9))
    overlap = shapely.area(found.geometry.to_numpy()).sum() - whole.area
    assert abs(overlap) < 1e-4 * whole.area
    # All land well within the belt is covered.
    rng = np.random.default_rng(seed)
    near = shapely.get_coordinates(
        shapely.line_interpolate_point(shapely.line_merge(line), rng.uniform(0.1, 0.9, 40), normalized=True)
    )
    near += rng.uniform(-0.1, 0.1, near.shape)
    land = shapely.contains_xy(shapely.union_all(ground.regions.geometry.to_numpy()), *near.T)
    assert shapely.contains_xy(whole, *near[land].T).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_neighbours_of_hexagons_are_those_that_touch(seed: int) -> None:
    ground = ground_of(random_land(seed))
    found = hexagons(ground.regions, ground.border, ground.crs, area_km2=1700.0, shift=(0.5, 0.5), depth_km=60.0)
    graph = hexagon_contiguity(found["cell"])
    assert list(graph.unique_ids) == found["cell"].tolist()
    outline = shapely.buffer(found.geometry.to_numpy(), 1e-6)
    touch = np.array([[i != j and a.intersects(b) for j, b in enumerate(outline)] for i, a in enumerate(outline)])
    assert (graph.sparse.toarray() == touch).all()


def test_half_a_cell_is_as_far_as_a_grid_can_be_shifted() -> None:
    ground = ground_of(random_land(0))
    grid = [
        hexagons(ground.regions, ground.border, ground.crs, area_km2=900.0, shift=(s, 0.0), depth_km=60.0)
        for s in (0, 0.5, 1)
    ]
    places = [set(zip(g["lon"].round(6), g["lat"].round(6), strict=True)) for g in grid]
    assert len(places[0] & places[1]) == 0
    assert len(places[0] & places[2]) > 0.9 * len(places[0])


def test_hexagons_need_an_equal_area_and_a_size() -> None:
    ground = ground_of(random_land(0))
    with pytest.raises(CRSError):
        hexagons(ground.regions, ground.border, WGS84, area_km2=900.0)
    with pytest.raises(LayerError, match="hexagons of 0 km²: allowed is more than 0"):
        hexagons(ground.regions, ground.border, ground.crs, area_km2=0.0)


def test_a_centre_takes_the_label_of_the_cell_around_it_on_its_side() -> None:
    boxes = [shapely.box(0, 0, 2, 2), shapely.box(2, 0, 4, 2), shapely.box(0, 0, 2, 2)]
    others = gpd.GeoDataFrame({"label": [GROWTH, DELAY, DETOUR], "side": ["a", "a", "b"]}, geometry=boxes, crs=WGS84)
    cells = gpd.GeoDataFrame(
        {"cell": list("pqrs"), "lon": [1.0, 3.0, 1.5, 9.0], "lat": 1.0, "side": ["a", "a", "b", "a"]},
        geometry=shapely.points([1.0, 3.0, 1.5, 9.0], 1.0),
        crs=WGS84,
    )
    found = at_centres(cells, others)
    assert found.tolist()[:3] == [GROWTH, DELAY, DETOUR]
    assert pd.isna(found["s"])


def test_the_standard_alternatives_label_the_same_cells() -> None:
    """Labelled by nothing but where a cell lies, all alternatives agree; who is whose neighbour is handed on."""
    one, asked = case(4), []

    def label(cells: gpd.GeoDataFrame, weights: Weights | None) -> pd.Series:
        asked.append(weights)
        return pd.Series(np.where(cells["side"] == "a", GROWTH, NEITHER), index=cells.index)

    ways = alternatives(one.router, one.cells, one.network.base.regions, one.border, label, depth_km=80.0)
    assert list(ways) == [
        "resolution 5",
        "shifted grid",
        "contiguity",
        "6 nearest neighbours",
        "network time without wait",
    ]
    made = {name: way() for name, way in ways.items()}
    assert asked == [None, None, "contiguity", "nearest", "open"]
    base = label(one.cells, None).set_axis(one.cells["cell"].to_numpy())
    for labels in made.values():
        assert labels.index.tolist() == one.cells["cell"].tolist()
        known = labels.notna().to_numpy()
        assert known.mean() > 0.6
        assert (labels[known] == base[known]).all()
    _, by_unit = stability(base, made)
    assert (by_unit.dropna() == 1).all()


def test_smaup_is_that_of_esda() -> None:
    found, esda = smaup(100, 30, 0.5), Smaup(100, 30, 0.5)
    assert found == {
        "smaup": esda.smaup,
        "critical_10": esda.critical_1,
        "critical_05": esda.critical_05,
        "critical_01": esda.critical_01,
    }
