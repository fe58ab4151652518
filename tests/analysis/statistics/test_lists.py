"""Homes, effects, flags, lists and gaps: by hand on a border of a few cells."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import h3
import numpy as np
import pandas as pd
import pytest
import shapely
from numpy.typing import NDArray

from analysis.reach.accessibility import Targets
from analysis.reach.decays import exponential
from analysis.statistics import homes as homes_module
from analysis.statistics.effects import (
    Basis,
    excess_over_settings,
    growth_over_settings,
    other_lengths,
    trips_to_city,
    undetoured_share,
)
from analysis.statistics.flags import both_tests, flags, spans
from analysis.statistics.gaps import GAP, GOOD, isolated_gaps
from analysis.statistics.growth import growth_residual
from analysis.statistics.homes import Homes, cell_pull, cell_units, named
from analysis.statistics.lists import FINDING, bottleneck_list, finding_places, growth_list, one_advice
from analysis.statistics.weights import contiguity
from analysis.statistics.words import HIGH, NO, NO_DATA, NOT_TESTABLE, STANDS_OUT, UNCERTAIN
from analysis.units import cells_of, people_in_cells
from tests.analysis.helpers import disk


def some_homes() -> Homes:
    """Three cells: two settlements in the first, a centre in the second, nobody in the third."""
    return Homes(
        n=3,
        cell=np.array([0, 0, 1]),
        people=np.array([100.0, 300.0, 50.0]),
        side=np.array(["a", "a", "b"], object),
        lonlat=np.array([[60.0, 50.0], [60.1, 50.0], [61.0, 50.0]]),
        line_km=np.array([10.0, 20.0, 5.0]),
        name=np.array(["Small", "Large", ""], object),
    )


def test_a_cell_is_the_mean_of_its_people() -> None:
    homes = some_homes()
    assert homes.mean(homes.line_km) == pytest.approx(np.array([17.5, 5.0, np.nan]), nan_ok=True)
    # A quarter of the first cell's people are unknown: too many for a mean.
    assert homes.mean(np.array([np.nan, 8.0, 1.0])) == pytest.approx(np.array([np.nan, 1.0, np.nan]), nan_ok=True)
    few = replace(homes, people=np.array([10.0, 300.0, 50.0]))
    assert few.mean(np.array([np.nan, 8.0, 1.0]))[0] == 8.0
    assert homes.largest().tolist() == [1, 2, -1]
    assert replace(homes, people=np.array([5.0, 5.0, 1.0])).largest()[0] == 0


def test_places_are_named_by_their_largest_settlement() -> None:
    cells = pd.DataFrame({"near": ["Other", "Orsk", ""]})
    assert named(cells, some_homes()).tolist() == ["Large", "near Orsk", ""]


def test_settlements_count_to_one_cell_of_their_side() -> None:
    ids = disk(2)
    centre = np.array([h3.cell_to_latlng(c)[::-1] for c in ids])
    shapes = [shapely.Polygon([(lon, lat) for lat, lon in h3.cell_to_boundary(c)]) for c in ids]
    side = np.where(centre[:, 0] < np.median(centre[:, 0]), "a", "b")
    cells = gpd.GeoDataFrame(
        {"cell": ids, "lon": centre[:, 0], "lat": centre[:, 1], "side": side}, geometry=shapes, crs=4326
    )
    rng = np.random.default_rng(3)
    at = centre[rng.integers(0, len(ids), 60)] + rng.uniform(-0.1, 0.1, (60, 2))
    towns = gpd.GeoDataFrame(
        {"side": rng.choice(["a", "b"], 60), "population": rng.integers(0, 900, 60)},
        geometry=shapely.points(at),
        crs=4326,
    )
    row = cells_of(cells, towns)
    for k in range(60):
        own = h3.latlng_to_cell(at[k, 1], at[k, 0], 4)
        if own not in ids:
            assert row[k] == -1
        else:
            assert side[row[k]] == towns["side"][k]
            if side[ids.index(own)] == towns["side"][k]:
                assert ids[row[k]] == own
    people = people_in_cells(cells, towns)
    assert people.sum() == towns["population"][row >= 0].sum()
    by_shape = cells_of(cells, towns, None)
    inside = by_shape >= 0
    assert (side[by_shape[inside]] == towns["side"].to_numpy()[inside]).all()
    assert (by_shape[inside] == row[inside]).mean() > 0.95


def some_ground(seed: int = 0, n: int = 30) -> Basis:
    """A line of cells on either side, one home in each, every home also a target.

    Minutes by distance, a wait of 60 across.
    """
    rng = np.random.default_rng(seed)
    side = np.array(["a", "b"] * n, object)
    lonlat = np.column_stack(
        [60 + np.repeat(np.arange(n), 2) * 0.5, np.where(side == "a", 50.5, 49.5) + rng.uniform(-0.2, 0.2, 2 * n)]
    )
    people = rng.choice([3_000.0, 30_000.0, 200_000.0], 2 * n)
    homes = Homes(
        2 * n,
        np.arange(2 * n),
        people,
        side,
        lonlat,
        np.abs(lonlat[:, 1] - 50) * 111,
        np.array([f"T{i}" for i in range(2 * n)], object),
    )
    cells = pd.DataFrame(
        {
            "cell": [f"c{i:02d}" for i in range(2 * n)],
            "side": side,
            "region": [f"{s}{i // 20}" for i, s in enumerate(side)],
            "population": people,
            "lon": lonlat[:, 0],
            "lat": lonlat[:, 1],
            "near": "",
        }
    )
    away = np.hypot((lonlat[:, [0]] - lonlat[:, 0]) * 71, (lonlat[:, [1]] - lonlat[:, 1]) * 111)
    free = 5 + away * np.exp(rng.normal(0, 0.1, away.shape))
    across = side[:, None] != side[None]
    waits = {name: free + np.where(across, wait, 0.0) for name, wait in (("", 60.0), ("waits doubled", 120.0))}
    fades = {"": exponential(120), "half-life doubled": exponential(240)}
    targets = Targets(np.arange(2 * n), side, people)
    return Basis(cells, homes, targets, homes.name, lonlat, waits, free, fades)


def test_potentials_of_cells_are_sums_over_targets() -> None:
    ground = some_ground()
    units = cell_units(ground.cells, ground.homes, ground.targets, ground.actual, ground.decay)
    for i in range(0, 60, 7):
        pull = [p * 2 ** (-t / 120) for p, t in zip(ground.targets.people, ground.actual[i], strict=True)]
        own = [s == ground.homes.side[i] for s in ground.targets.side]
        assert units["potential_domestic_actual"].iloc[i] == pytest.approx(
            sum(p for p, o in zip(pull, own, strict=True) if o)
        )
        assert units["potential_cross_actual"].iloc[i] == pytest.approx(
            sum(p for p, o in zip(pull, own, strict=True) if not o)
        )
    shares = cell_pull(ground.homes, ground.targets, ground.actual, ground.decay) @ ground.targets.people
    assert shares == pytest.approx(units["potential_cross_actual"].to_numpy())


def test_in_blocks_of_few_pairs_cells_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    n, targets = 23, Targets(np.arange(9), rng.choice(["a", "b"], 9).astype(object), rng.uniform(10, 1e5, 9))
    homes = Homes(
        n=5,
        cell=rng.integers(0, 5, n),
        people=rng.uniform(1, 900, n),
        side=rng.choice(["a", "b"], n).astype(object),
        lonlat=np.zeros((n, 2)),
        line_km=rng.uniform(0, 90, n),
        name=np.full(n, "", object),
    )
    cells = pd.DataFrame({"cell": list("vwxyz"), "side": "a", "region": "A-1", "population": 1.0})
    minutes = np.where(rng.random((n, 9)) < 0.2, np.inf, rng.uniform(1, 400, (n, 9)))
    fades = exponential(120.0)

    def made() -> tuple[pd.DataFrame, NDArray[np.float64]]:
        return cell_units(cells, homes, targets, minutes, fades), cell_pull(homes, targets, minutes, fades)

    units, pull = made()
    monkeypatch.setattr(homes_module, "blocks", lambda rows, _: (slice(i, min(i + 4, rows)) for i in range(0, rows, 4)))
    again, pull_again = made()
    pd.testing.assert_frame_equal(units, again, rtol=1e-12)
    np.testing.assert_allclose(pull, pull_again, rtol=1e-12)
    # And by hand for the first cell: people's mean of what its homes reach at home.
    own = homes.cell == 0
    home = homes.side[:, None] == targets.side[None]
    reached = (np.where(home & np.isfinite(minutes), 2 ** (-minutes / 120.0), 0.0) @ targets.people)[own]
    if np.isfinite(minutes[own]).any(axis=1).all():
        assert units["potential_domestic_actual"].iloc[0] == pytest.approx(
            np.average(reached, weights=homes.people[own])
        )


def test_ways_of_other_lengths_move_those_across_alone_and_leave_the_unreachable_so() -> None:
    ground = some_ground(3)
    free = ground.open.copy()
    free[0] = np.inf
    cut = replace(ground, open=free, waits={"": free + 60.0}, length_scatter=0.05)
    across = cut.homes.side[:, None] != cut.targets.side[None]
    for sign, other in zip((-1, 1), other_lengths(cut).values(), strict=True):
        assert np.isinf(other.open[0]).all() and np.isinf(other.actual[0]).all()
        assert other.open[1:][across[1:]] == pytest.approx(free[1:][across[1:]] * (1 + sign * 0.05))
        assert (other.open[1:][~across[1:]] == free[1:][~across[1:]]).all()
        assert other.actual[1:] - other.open[1:] == pytest.approx(np.full_like(free[1:], 60.0))


def test_the_next_city_is_the_nearest_by_crow_and_its_excess_the_gap_to_home_roads() -> None:
    ground = some_ground(1)
    trips, norm = trips_to_city(ground, ground.actual, city_people=50_000)
    assert trips["excess_wait_min"].to_numpy() == pytest.approx(np.full(60, 60.0))
    large = np.flatnonzero(ground.targets.people >= 50_000)
    away = np.hypot(
        (ground.lonlat[:, [0]] - ground.lonlat[large, 0]) * 71, (ground.lonlat[:, [1]] - ground.lonlat[large, 1]) * 111
    )
    away[ground.homes.side[:, None] == ground.targets.side[large][None]] = np.inf
    # A plain measure of distance may choose another of two cities as far away.
    assert (trips["next_city"].to_numpy() == ground.names[large[away.argmin(axis=1)]]).mean() > 0.9
    gap = trips["next_city_min"] - trips["home_roads_min"]
    assert trips["excess_min"].to_numpy() == pytest.approx(gap.to_numpy())
    assert set(norm.slope) == {"a", "b"}
    none, _ = trips_to_city(ground, ground.actual, city_people=1e9)
    assert none["excess_min"].isna().all() and set(none["next_city"]) == {""}


def test_settings_are_all_there_and_the_first_is_the_run() -> None:
    ground = some_ground()
    growth, minutes = growth_over_settings(ground), excess_over_settings(ground)
    regions = ground.cells["region"].nunique()
    assert growth.shape == (60, 2 * 2 * 4 + regions) and minutes.shape == (60, 2 * 3 * 2 + regions)
    assert growth.columns[0] == minutes.columns[0] == "the run"
    units = cell_units(ground.cells, ground.homes, ground.targets, ground.actual, ground.decay)
    assert growth["the run"].to_numpy() == pytest.approx(growth_residual(units).to_numpy())
    # A wait that doubles adds its 60 minutes to every trip across, and to no norm.
    assert (minutes["waits doubled"] - minutes["the run"]).to_numpy() == pytest.approx(np.full(60, 60.0))


def test_lengths_that_are_off_move_the_ways_across_and_no_wait() -> None:
    ground = replace(some_ground(), length_scatter=0.1)
    growth, minutes = growth_over_settings(ground), excess_over_settings(ground)
    assert {"ways across 10.0% shorter", "ways across 10.0% longer"} <= set(growth) & set(minutes)
    trips, _ = trips_to_city(ground, ground.actual)
    tenth = 0.1 * (trips["next_city_min"] - 60)
    # Minutes on the ground are a tenth more, waits and the norm of home roads what they were.
    assert (minutes["ways across 10.0% longer"] - minutes["the run"]).to_numpy() == pytest.approx(tenth.to_numpy())
    assert (minutes["the run"] - minutes["ways across 10.0% shorter"]).to_numpy() == pytest.approx(tenth.to_numpy())


def test_lists_hold_who_is_large_and_slow_enough() -> None:
    ground = some_ground(2)
    growth, minutes = growth_over_settings(ground), excess_over_settings(ground)
    trips, _ = trips_to_city(ground, ground.actual)
    flag = pd.Series(NO, index=ground.cells["cell"])
    rows = growth_list(ground, growth, flag)
    by_cell = np.exp(growth["the run"])
    wanted = by_cell[(by_cell > 1) & (ground.cells.set_index("cell")["population"] >= 10_000)]
    assert rows["cell"].tolist() == wanted.sort_values(ascending=False).index.tolist()
    assert rows["growth"].to_numpy() == pytest.approx(wanted.sort_values(ascending=False).to_numpy())
    # Without waits everything is 60 minutes nearer.
    assert rows["wait_share"].to_numpy() == pytest.approx(np.full(len(rows), 1 - 2**-0.5))
    narrow = bottleneck_list(
        ground,
        trips,
        minutes,
        flag,
        pd.Series("Post", index=flag.index),
        assumed_share=pd.Series(0.5, index=flag.index),
    )
    low = minutes.quantile(0.05, axis=1)
    slow = (trips["excess_sd"] >= 1.64) & (low > 0)
    assert set(narrow["cell"]) == set(trips.index[slow])
    assert narrow["person_minutes"].tolist() == pytest.approx((narrow["population"] * narrow["excess_min"]).tolist())
    assert narrow["person_minutes"].is_monotonic_decreasing
    share = np.minimum(60 / narrow["excess_min"], 1) / 2
    assert narrow["assumed_wait_share"].to_numpy() == pytest.approx(share.to_numpy())


def test_a_place_is_advised_one_thing() -> None:
    growth = pd.DataFrame({"cell": ["p", "q", "r"], "rank": [1.0, 5.0, 9.0]})
    narrow = pd.DataFrame({"cell": ["p", "q", "s"], "rank": [2.0, 5.0, 9.0]})
    one, other = one_advice(growth, narrow)
    assert one["advice"].tolist() == ["growth point", "bottleneck", "growth point"]
    assert other["advice"].tolist() == ["growth point", "bottleneck", "bottleneck"]


def test_flags_by_their_rules() -> None:
    rows = [  # value, p_max, hot, uncertain, testable
        (1.0, 0.001, True, False, True, STANDS_OUT),
        (1.0, 0.001, False, False, False, STANDS_OUT),
        (1.0, 0.5, True, False, True, HIGH),
        (1.0, 0.5, True, True, True, UNCERTAIN),
        (1.0, 0.5, False, True, True, UNCERTAIN),
        (1.0, 0.0501, False, False, True, UNCERTAIN),
        (1.0, 0.5, False, False, False, NOT_TESTABLE),
        (-1.0, 0.001, True, True, True, NO),
        (1.0, 0.5, False, False, True, NO),
        (np.nan, np.nan, False, False, False, NO_DATA),
    ]
    value, p, hot, unsure, able, wanted = (list(c) for c in zip(*rows, strict=True))
    local = pd.DataFrame({"hot": hot, "uncertain": unsure, "testable": able})
    assert flags(pd.Series(value), local, pd.Series(p), draws=9999).tolist() == wanted
    assert spans(np.array([0.0499, 0.04, np.nan]), 9999, 0.05).tolist() == [True, False, False]


def test_both_tests_say_what_they_were() -> None:
    cells = disk(4)
    values = pd.Series(np.random.default_rng(0).normal(size=61), index=cells)
    values[disk(1)] += 9
    graph, side = contiguity(pd.Series(cells)), pd.Series("a", index=cells)
    found, told = both_tests(values, graph, side, permutations=29_999, draws=499, seed=1)
    assert set(found.loc[disk(1), "flag"]) == {STANDS_OUT}
    assert told["units"] == 61 and told["least"] == found["p_max"].min() and told["seen_sd"] > 0
    assert {"p_max_ranked", "p_max_spectral"} <= set(found)


def test_gaps_are_poor_among_rich_on_their_own_side_and_far() -> None:
    cells = disk(6)  # 127
    heart = h3.latlng_to_cell(50.0, 60.0, 4)
    near = [h3.grid_distance(heart, c) for c in cells]
    value = np.random.default_rng(0).normal(0, 0.1, 127) + np.where(np.array(near) == 1, 5.0, 0.0)
    value[near.index(0)] = -1.0
    frame = pd.DataFrame(
        {
            "cell": cells,
            "side": "a",
            "region": "x",
            "place": cells,
            "lon": 0.0,
            "lat": 0.0,
            "population": 5,
            "nearest_checkpoint": "",
            "log_ratio": value - value.mean(),
        }
    )

    def found(minutes: float, side: NDArray[np.object_] | str = "a") -> pd.DataFrame:
        return isolated_gaps(frame.assign(time_to_checkpoint_min=minutes, side=side), permutations=29_999)

    gaps = found(90.0)
    assert gaps.loc[gaps["label"] == GAP, "cell"].tolist() == [heart]
    assert (gaps["label"] != GOOD).sum() == 1
    assert GAP not in set(found(30.0)["label"])
    # Rich neighbours over the border are no neighbours: nothing is left to stand out from.
    other = np.where(np.array(near) == 1, "b", "a").astype(object)
    assert GAP not in set(found(90.0, other)["label"])


def test_the_share_without_a_detour_counts_what_is_known() -> None:
    assert undetoured_share(np.array([5.0, np.inf]), np.array([5.0, 5.0])) == 1.0
    assert np.isnan(undetoured_share(np.array([np.inf]), np.array([np.inf])))


def test_the_finding_as_points_has_a_row_per_entry() -> None:
    common = {
        "side": "a",
        "region": "X",
        "cell": "c",
        "population": 10,
        "rank_low": 1,
        "rank_high": 3,
        "flag": NO,
        "advice": "growth point",
    }
    growth = pd.DataFrame(
        [
            {**common, "place": "Orsk", "rank": 1, "steady": True, "lon": 58.5, "lat": 51.2, "growth": 2.0},
            {**common, "place": "Ilek", "rank": 2, "steady": False, "lon": 53.4, "lat": 51.5, "growth": 1.5},
        ]
    )
    narrow = pd.DataFrame(
        [{**common, "place": "Orsk", "rank": 1, "steady": False, "lon": 58.5, "lat": 51.2, "excess_min": 90.0}]
    )
    found = finding_places(growth, narrow)
    assert found["class"].tolist() == ["steady growth point", "growth point", "bottleneck"]
    assert found["finding"].tolist() == ["growth point", "growth point", "bottleneck"]
    assert list(found.columns.drop("geometry")) == list(FINDING)
    assert shapely.get_coordinates(found.geometry).tolist() == [[58.5, 51.2], [53.4, 51.5], [58.5, 51.2]]
    assert found["growth"].isna().tolist() == [False, False, True]
    assert finding_places(growth.iloc[:0], narrow)["finding"].tolist() == ["bottleneck"]
    assert finding_places(growth.iloc[:0], narrow.iloc[:0]).empty
