"""Growth and excess minutes.

Against formulas by hand, the same whatever the sides are called; ranges over settings by counting.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.statistics.excess import HomeNorm, excess, home_norm, nearest_by_crow, straight_km
from analysis.statistics.growth import growth_residual, largest_share, log_ratio, passes, segment_growth
from analysis.statistics.ranges import over_settings

SEEDS = range(4)


def some_units(seed: int, n: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "side": np.where(np.arange(n) % 5 < 3, "a", "b"),
            "population": rng.integers(100, 100_000, n),
            "potential_cross_actual": rng.lognormal(8, 1, n),
            "potential_domestic_actual": rng.lognormal(10, 1, n),
            "line_km": rng.uniform(0, 100, n),
        },
        index=[f"c{i:02d}" for i in range(n)],
    )


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("weighted", [True, False])
def test_the_residual_solves_the_normal_equations(seed: int, weighted: bool) -> None:
    """Σ v·x·residual is 0 for every regressor of each side, and nothing else is taken away."""
    units = some_units(seed)
    found = growth_residual(units, weighted=weighted)
    v = units["population"] if weighted else pd.Series(1.0, index=units.index)
    for side in "ab":
        own = units["side"] == side
        home = np.log(units["potential_domestic_actual"])
        for x in (pd.Series(1.0, index=units.index), home, units["line_km"]):
            assert (v * x * found)[own].sum() == pytest.approx(0.0, abs=1e-6 * v.sum())
        # What is explained lies in the plane of the regressors.
        explained = (np.log(units["potential_cross_actual"]) - found)[own]
        plane = np.column_stack([np.ones(own.sum()), home[own], units["line_km"][own]])
        left = explained - plane @ np.linalg.lstsq(plane, explained, rcond=None)[0]
        assert left.to_numpy() == pytest.approx(np.zeros(own.sum()), abs=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_side_many_times_larger_makes_no_growth_point(seed: int) -> None:
    units = some_units(seed)
    larger = units.assign(
        potential_cross_actual=units["potential_cross_actual"] * np.where(units["side"] == "b", 50.0, 1.0)
    )
    swapped = units.assign(side=units["side"].map({"a": "b", "b": "a"}))
    for other in (larger, swapped):
        pd.testing.assert_series_equal(growth_residual(other), growth_residual(units))
        pd.testing.assert_series_equal(log_ratio(other), log_ratio(units))


def test_units_left_out_of_the_fit_are_held_against_it() -> None:
    units = some_units(1)
    fit = np.arange(60) % 7 != 0
    whole = growth_residual(units[fit])
    found = growth_residual(units, fit=fit)
    assert found[fit].to_numpy() == pytest.approx(whole.to_numpy())
    assert found[~fit].notna().all()


def test_what_is_unknown_stays_unknown() -> None:
    units = some_units(2)
    units.loc["c03", "potential_cross_actual"] = 0.0
    units.loc["c04", "population"] = 0
    units.loc["c05", "potential_domestic_actual"] = np.nan
    found = growth_residual(units)
    assert found[found.isna()].index.tolist() == ["c03", "c04", "c05"]
    assert growth_residual(units, home=False).isna().sum() == 2
    few = units[(units["side"] == "a") | (units.index <= "c09")]
    alone = growth_residual(few[few["side"] == "a"].head(3))
    assert alone.isna().all()


def test_the_log_ratio_is_centred_by_people() -> None:
    units = some_units(3)
    found = log_ratio(units)
    for side in "ab":
        own = units["side"] == side
        assert np.average(found[own], weights=units["population"][own]) == pytest.approx(0.0, abs=1e-12)
    gap = found["c00"] - found["c01"]
    ratio = units["potential_cross_actual"] / units["potential_domestic_actual"]
    assert gap == pytest.approx(np.log(ratio["c00"] / ratio["c01"]))


def test_segments_are_both_sides_in_one_number() -> None:
    a = pd.DataFrame({"potential_cross_actual": [8.0, 2.0, 0.0], "potential_domestic_actual": [2.0, 2.0, 2.0]})
    b = pd.DataFrame({"potential_cross_actual": [1.0, 2.0, 3.0], "potential_domestic_actual": [4.0, 2.0, 3.0]})
    expected = [0.5 * np.log(8 * 1 / (2 * 4)), 0.0, np.nan]
    for found in (segment_growth(a, b), segment_growth(b, a)):
        assert found.to_numpy() == pytest.approx(np.array(expected), nan_ok=True)


def test_passes_are_counted() -> None:
    hot = {"one": pd.Series([True, False], index=["p", "q"]), "two": pd.Series([True], index=["p"])}
    assert passes(hot)["passes"].tolist() == [2, 0]


def test_the_largest_place_across_is_named_with_its_share() -> None:
    pull = np.array([[0.5, 1.0, 0.0], [0.0, 0.0, 0.0]])
    names, share = largest_share(pull, np.array(["x", "y", "z"], object), np.array([100.0, 10.0, 999.0]))
    assert names.tolist() == ["x", ""]
    assert share == pytest.approx(np.array([50 / 60, np.nan]), nan_ok=True)


@pytest.mark.parametrize("pooled", [True, False])
def test_the_norm_is_a_straight_line_of_logarithms(pooled: bool) -> None:
    rng = np.random.default_rng(1)
    km = rng.uniform(5, 800, 400)
    side = np.array(["a", "b"], object)[np.arange(400) % 2]
    law = {"a": (0.5, 0.9), "b": (0.5, 0.9) if pooled else (1.0, 0.8)}
    minutes = np.array([np.exp(law[s][0] + law[s][1] * np.log(d)) for s, d in zip(side, km, strict=True)])
    minutes[(km < 20) | (km > 500)] *= 9  # outside the norm's distances
    minutes[::50] = np.inf
    norm = home_norm(minutes, km, side, pooled=pooled)
    for s in "ab":
        assert (norm.intercept[s], norm.slope[s]) == pytest.approx(law[s])
        assert norm.sd[s] == pytest.approx(0.0, abs=1e-6)
    used = np.isfinite(minutes) & (km >= 20) & (km <= 500)
    assert norm.pairs["a"] == (used.sum() if pooled else (used & (side == "a")).sum())
    few = home_norm(minutes[:8], km[:8], side[:8])
    assert few.slope == {} and np.isnan(few.minutes(km[:3], side[:3])).all()


def test_the_scatter_is_that_of_the_residuals() -> None:
    rng = np.random.default_rng(2)
    km, side = rng.uniform(20, 500, 300), np.full(300, "a", object)
    minutes = np.exp(1 + 0.9 * np.log(km) + rng.normal(0, 0.2, 300))
    norm = home_norm(minutes, km, side)
    left = np.log(minutes) - np.log(norm.minutes(km, side))
    assert norm.sd["a"] == pytest.approx(np.sqrt((left**2).sum() / 298))


def test_excess_is_ground_and_wait() -> None:
    norm = HomeNorm({"a": 1.0, "b": 2.0}, {"a": 0.9, "b": 0.7}, {"a": 0.2, "b": 0.25}, {"a": 50, "b": 50})
    side = np.array(["a", "b", "b"], object)
    km = np.array([100.0, 50.0, 30.0])
    actual, free = np.array([300.0, 90.0, np.inf]), np.array([240.0, 90.0, np.inf])
    found = excess(actual, free, km, side, norm)
    usual = np.array([np.exp(1 + 0.9 * np.log(100)), np.exp(2 + 0.7 * np.log(50)), np.exp(2 + 0.7 * np.log(30))])
    assert found["home_roads_min"].to_numpy() == pytest.approx(usual)
    assert found["excess_min"].to_numpy()[:2] == pytest.approx(actual[:2] - usual[:2])
    assert found["excess_wait_min"].tolist()[:2] == [60.0, 0.0]
    total = found["excess_ground_min"] + found["excess_wait_min"]
    assert total[:2].to_numpy() == pytest.approx(found["excess_min"][:2].to_numpy())
    assert found["excess_sd"][0] == pytest.approx(np.log(300 / usual[0]) / 0.2)
    assert found.drop(columns="home_roads_min").loc[2].isna().all()


def test_the_nearest_city_is_the_nearest_that_is_reached() -> None:
    here = np.array([[60.0, 50.0], [61.0, 50.0]])
    cities = np.array([[60.1, 50.0], [60.9, 50.0], [65.0, 50.0]])
    reached = np.array([[True, True, True], [False, False, False]])
    away = straight_km(here, cities)
    row, km = nearest_by_crow(away, reached)
    assert row.tolist() == [0, -1] and km[0] == pytest.approx(away[0, 0]) and np.isnan(km[1])
    reached[0, 0] = False
    assert nearest_by_crow(away, reached)[0].tolist() == [1, -1]
    assert nearest_by_crow(away[:, :0], reached[:, :0])[0].tolist() == [-1, -1]


@pytest.mark.parametrize("seed", SEEDS)
def test_ranges_are_counted(seed: int) -> None:
    """Setting by setting, with plain lists."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(rng.normal(size=(30, 12)), index=[f"u{i}" for i in range(30)])
    table.iloc[4, 5] = np.nan
    table.iloc[7] = np.nan
    people = rng.integers(1, 1000, 30)
    weighted = table.mul(people, axis=0)
    found = over_settings(table, weighted)
    for i, unit in enumerate(table.index):
        places = []
        for k in range(12):
            column = weighted.iloc[:, k].dropna()
            if unit in column.index:
                places.append((1 + (column > column[unit]).sum(), int(np.ceil(len(column) / 10))))
        row = found.loc[unit]
        assert row["settings"] == len(places)
        if not places:
            assert np.isnan(row["rank"]) and not row["steady"]
            continue
        own = table.iloc[i].dropna()
        assert (row["least"], row["most"]) == (own.min(), own.max())
        assert (row["low"], row["high"]) == pytest.approx(tuple(np.percentile(own, [5, 95])))
        assert row["effect"] == table.iloc[i, 0] or np.isnan(table.iloc[i, 0])
        assert row["leading_share"] == pytest.approx(np.mean([p <= first for p, first in places]))
        assert row["steady"] == (row["leading_share"] >= 0.9)
        assert min(p for p, _ in places) <= row["rank_low"] <= row["rank_high"] <= max(p for p, _ in places)
