"""Pairs matched by distance.

Bands by hand, the regression against a sandwich by loops and on data with a known border.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.stats import t as student

from analysis.connectivity.matched import (
    COLUMNS,
    border_regression,
    cross_effect,
    distance_terms,
    dyadic_variance,
    matched_bands,
)
from analysis.connectivity.pairs import largest_places, matched_border_effect, place_pairs
from layers.errors import NetworkError
from network.build import NETWORKS
from tests.analysis.connectivity.test_pairs import pair
from tests.analysis.helpers import case

NAN = float("nan")
SEEDS = range(4)


def test_bands_by_hand() -> None:
    pairs = pd.DataFrame(
        [
            pair("domestic_a", 60, 60, 60, 60, regions="RR"),
            pair("domestic_a", 80, 160, 160, 160, regions="RR"),
            pair("domestic_b", 50, 150, 150, 150, regions="KK"),
            pair("cross", 90, 180, 360, 720),
            pair("cross", 60, 30, 120, 120),
            pair("cross", 99, 198, NAN, NAN),
            pair("cross", 100, 1, 1, 1),
            pair("cross", 500, 1, 1, 1),
        ]
    )
    found = matched_bands(pairs, edges_km=[50, 100, 200, 300])
    assert found["from_km"].tolist() == [50, 100]
    assert found["pairs_cross"].tolist() == [3, 1]
    assert found["pairs_domestic"].tolist() == [3, 0]
    near = found.iloc[0]
    # Domestic paces are 1, 2 and 3 minutes per km, so 2 in the middle.
    assert near[[f"pairs_{n}" for n in NETWORKS]].tolist() == [3, 2, 2]
    assert near["slower_borderless"] == pytest.approx((1 * 0.25 * 1) ** (1 / 3))
    assert near["slower_open"] == pytest.approx((2 * 1) ** 0.5)
    assert near["slower_actual"] == pytest.approx((4 * 1) ** 0.5)
    assert found.iloc[1][[f"slower_{n}" for n in NETWORKS]].isna().all()


@pytest.mark.parametrize("seed", [1, 3])
def test_bands_together_are_the_effect_over_all(seed: int) -> None:
    made = case(seed)
    table = made.network.settlements
    pairs = place_pairs(table, made.router, largest_places(table))
    bands, whole = matched_bands(pairs), matched_border_effect(pairs).set_index("network")
    for n in NETWORKS:
        use = bands[f"slower_{n}"].notna()
        weight = bands.loc[use, f"pairs_{n}"]
        if not weight.sum():
            assert np.isnan(whole.loc[n, "slower"])
            continue
        mean = np.exp((np.log(bands.loc[use, f"slower_{n}"]) * weight).sum() / weight.sum())
        assert whole.loc[n, "slower"] == pytest.approx(mean)
        assert whole.loc[n, "pairs"] - whole.loc[n, "pairs_without_match"] == weight.sum()


def dyads(n: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    i, j = np.triu_indices(n, 1)
    return i.astype(np.int64), j.astype(np.int64)


def by_loops(
    y: NDArray[np.float64],
    across: NDArray[np.float64],
    i: NDArray[np.int64],
    j: NDArray[np.int64],
    terms: NDArray[np.float64],
) -> tuple[float, float]:
    """Return δ and its standard error from the whole design and all pairs of dyads, one by one."""
    n = int(max(i.max(), j.max())) + 1
    design = np.column_stack([across, *[((i == k) | (j == k)).astype(float) for k in range(n)], terms])
    beta = np.linalg.pinv(design) @ y
    e = y - design @ beta
    meat = np.zeros((design.shape[1],) * 2)
    for d in range(len(y)):
        for f in range(len(y)):
            if {i[d], j[d]} & {i[f], j[f]}:
                meat += np.outer(design[d], design[f]) * e[d] * e[f]
    bread = np.linalg.pinv(design.T @ design)
    return float(beta[0]), float(np.sqrt((bread @ meat @ bread)[0, 0]))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_estimate_is_that_of_the_whole_sandwich(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 9
    i, j = dyads(n)
    some = rng.random(len(i)) < 0.9
    i, j = i[some], j[some]
    side = np.arange(n) % 2
    across = (side[i] != side[j]).astype(float)
    terms = rng.normal(size=(len(i), 2))
    effect = rng.normal(size=n)
    y = rng.normal(size=len(i)) + 3 * across + across * (effect[i] + effect[j])
    assert cross_effect(y, across, i, j, terms) == pytest.approx(by_loops(y, across, i, j, terms), rel=1e-8)
    # An order of the pairs, and who of a pair is named first, make no difference.
    turn, order = rng.random(len(i)) < 0.5, rng.permutation(len(i))
    p, q = np.where(turn, j, i)[order], np.where(turn, i, j)[order]
    assert cross_effect(y[order], across[order], p, q, terms[order]) == pytest.approx(
        cross_effect(y, across, i, j, terms), rel=1e-9
    )


def test_the_middle_of_the_sandwich_by_hand() -> None:
    """Three dyads of a triangle share a member each with the others: all nine products."""
    s = np.array([1.0, -2.0, 4.0])
    assert dyadic_variance(s, np.array([0, 0, 1]), np.array([1, 2, 2])) == pytest.approx(s.sum() ** 2)
    # Two that share none: their squares alone.
    assert dyadic_variance(s[:2], np.array([0, 2]), np.array([1, 3])) == pytest.approx(5)
    with pytest.raises(NetworkError, match="itself"):
        dyadic_variance(s[:1], np.array([2]), np.array([2]))


def land(rng: np.random.Generator, n: int, delta: float) -> pd.DataFrame:
    """Return pairs of random places of two sides with a known cost of the border, and noise.

    Places differ in what the border costs them.
    """
    xy = np.column_stack([rng.uniform(-300, 300, n), rng.uniform(0, 900, n)])
    side = xy[:, 0] > 0
    i, j = dyads(n)
    km = np.hypot(*(xy[i] - xy[j]).T)
    across = side[i] != side[j]
    own, border = rng.normal(0, 0.1, n), rng.normal(0, 0.05, n)
    log = own[i] + own[j] + 0.9 * np.log(km) + 0.1 * np.maximum(np.log(km / 300), 0)
    log += across * (delta + border[i] + border[j]) + rng.normal(0, 0.08, len(i))
    kind = np.where(across, "cross", np.where(side[i], "domestic_b", "domestic_a"))
    table = {"origin": i, "destination": j, "kind": kind, "geodesic_km": km}
    minutes = np.exp(log)
    return pd.DataFrame({**table, **{f"time_{k}_min": minutes for k in NETWORKS}})


def test_intervals_cover_a_known_border_as_often_as_they_say() -> None:
    """Errors that pairs of one place share make a plain standard error a third of what it should be."""
    rng = np.random.default_rng(7)
    delta, draws, n = 0.3, 200, 36
    estimate, error = np.empty(draws), np.empty(draws)
    for k in range(draws):
        pairs = land(rng, n, delta)
        terms = distance_terms(pairs["geodesic_km"].to_numpy(float), [300.0])
        across = np.asarray(pairs["kind"] == "cross", float)
        ends = pairs["origin"].to_numpy(np.int64), pairs["destination"].to_numpy(np.int64)
        estimate[k], error[k] = cross_effect(np.log(pairs["time_open_min"].to_numpy(float)), across, *ends, terms)
    held = abs(estimate - delta) <= student.ppf(0.975, n - 1) * error
    assert abs(estimate.mean() - delta) < 4 * estimate.std() / np.sqrt(draws)
    assert np.sqrt((error**2).mean()) == pytest.approx(estimate.std(), rel=0.15)
    assert 0.90 <= held.mean() <= 0.985


def test_the_regression_of_a_border_by_hand() -> None:
    """Times that are exact: 100 km an hour at home, across half as long again, twice as long with the border."""
    rng = np.random.default_rng(1)
    pairs = land(rng, 14, 0.0)
    base = pairs["geodesic_km"] * 0.6
    across = pairs["kind"] == "cross"
    for name, times in zip(NETWORKS, (1.5, 1.5, 2.0), strict=True):
        pairs[f"time_{name}_min"] = base.where(~across, base * times)
    pairs.loc[0, "time_actual_min"] = NAN
    table = border_regression(pairs)
    assert table.columns.tolist() == COLUMNS
    assert table["network"].tolist() == [*NETWORKS, "actual/borderless"] * 2
    assert table["to_km"].isna().tolist() == [False] * 4 + [True] * 4
    assert table["slower"].to_numpy() == pytest.approx([1.5, 1.5, 2, 4 / 3] * 2)
    whole = table.iloc[6]
    assert (whole["places"], whole["pairs_cross"] + whole["pairs_domestic"]) == (14, len(pairs) - 1)
    assert table.iloc[0]["pairs_cross"] == (across & (pairs["geodesic_km"] <= 500)).sum()


def test_pairs_of_one_kind_tell_no_border() -> None:
    pairs = land(np.random.default_rng(2), 12, 0.2)
    for some in (pairs[pairs["kind"] == "cross"], pairs[pairs["kind"] != "cross"], pairs.iloc[:0]):
        table = border_regression(some)
        assert table[["delta", "delta_se", "slower", "slower_low"]].isna().all(axis=None)


def test_distance_is_linear_in_its_logarithm_between_knots() -> None:
    terms = distance_terms(np.array([10.0, 100, 1000]), [5, 100, 400, 2000])
    assert terms.shape == (3, 3)
    assert terms[:, 1].tolist() == pytest.approx([0, 0, np.log(10)])
    assert terms[:, 2].tolist() == pytest.approx([0, 0, np.log(2.5)])
