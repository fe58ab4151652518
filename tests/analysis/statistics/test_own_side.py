"""The one local test: against brute force, against what can be counted, and the same whatever the sides are called."""

from __future__ import annotations

from itertools import permutations as orders_of
from math import comb, perm

import numpy as np
import pandas as pd
import pytest
from libpysal.graph import Graph
from scipy.sparse import csr_array
from scipy.stats import binomtest

from analysis.statistics import own_side
from analysis.statistics.own_side import can_be_tested, cut, own_side_test, straddles
from analysis.statistics.weights import contiguity
from tests.analysis.helpers import disk

CELLS = disk(4)  # 61 cells
SEEDS = range(3)


def halves(cells: list[str] = CELLS) -> pd.Series:
    """Return sides by the order of the cells' names: neighbours on both."""
    return pd.Series(np.where(np.arange(len(cells)) % 3 < 2, "a", "b"), index=cells)


def field(seed: int, cells: list[str] = CELLS) -> pd.Series:
    return pd.Series(np.random.default_rng(seed).normal(size=len(cells)), index=cells)


def test_p_is_that_of_all_draws_there_are() -> None:
    """Units few enough to try every order of each side: p of the draws is p of the orders, within its noise."""
    rng = np.random.default_rng(2)
    names = [f"u{i:02d}" for i in range(22)]
    side = pd.Series(["a"] * 7 + ["b"] * 15, index=names)
    values = pd.Series(rng.normal(size=22), index=names)
    # The first touches three of its own side and two of the other, with weights of its own.
    near, weight = ["u01", "u02", "u03", "u08", "u09"], np.array([1.0, 0.6, 0.3, 0.8, 0.5])
    focal = ["u00"] * 5 + [n for i, n in enumerate(names) if i > 0]
    other = near + ["u00"] * 21
    graph = Graph.from_arrays(focal, other, np.r_[weight, np.full(21, 0.1)])
    x = values.to_numpy()
    seen = x[0] + weight @ values[near].to_numpy()
    drawn = np.array(
        [
            x[0] + weight[:3] @ x[list(a)] + weight[3:] @ x[list(b)]
            for a in orders_of(range(1, 7), 3)
            for b in orders_of(range(7, 22), 2)
        ]
    )
    exact = 2 * min((drawn >= seen).mean(), (drawn <= seen).mean())
    found = own_side_test(values, graph, side, permutations=20_000, seed=1, alpha=0.5).loc["u00"]
    assert found["s"] == pytest.approx(seen)
    assert found["p"] == pytest.approx(exact, abs=5 * 2 * np.sqrt(exact / 2 / 20_000))
    assert found["z"] == pytest.approx((seen - drawn.mean()) / drawn.std(), abs=0.05)


def test_a_test_that_is_asked_again_is_the_same_and_any_other_is_its_own() -> None:
    graph, other = contiguity(pd.Series(CELLS)), contiguity(pd.Series(CELLS)).higher_order(2)
    asked = [
        (values, near, side, seed, draws)
        for values in (field(0), field(1))
        for near in (graph, other)
        for side in (halves(), halves().iloc[::-1].set_axis(CELLS))
        for seed in (0, 1)
        for draws in (99, 199)
    ]
    alone = []
    for values, near, side, seed, draws in asked:
        own_side._FOUND.clear()
        alone.append(own_side_test(values, near, side, permutations=draws, seed=seed))
    assert len({table["z"].to_numpy().tobytes() for table in alone}) == len(asked)
    for _ in range(2):
        for (values, near, side, seed, draws), expected in zip(asked, alone, strict=True):
            found = own_side_test(values, near, side, permutations=draws, seed=seed)
            pd.testing.assert_frame_equal(found, expected, check_exact=True)
            found.loc[:, "z"] = 0.0


@pytest.mark.parametrize("seed", SEEDS)
def test_names_of_the_sides_and_the_order_of_rows_are_no_matter(seed: int) -> None:
    graph, side, values = contiguity(pd.Series(CELLS)), halves(), field(seed)
    found = own_side_test(values, graph, side, permutations=999, seed=3)
    swapped = own_side_test(values, graph, side.map({"a": "b", "b": "a"}), permutations=999, seed=3)
    pd.testing.assert_frame_equal(found, swapped)
    mixed = own_side_test(values[::-1], graph, side, permutations=999, seed=3)
    pd.testing.assert_frame_equal(found, mixed.reindex(found.index))


def test_a_difference_between_the_sides_is_no_pattern() -> None:
    graph, side = contiguity(pd.Series(CELLS)), halves()
    values = field(1)
    moved = values + np.where(side == "a", 50.0, 0.0)
    one, other = (own_side_test(v, graph, side, permutations=999, seed=3) for v in (values, moved))
    assert other["p"].to_numpy() == pytest.approx(one["p"].to_numpy(), nan_ok=True)
    assert (one["hot"] == other["hot"]).all()


def test_the_family_is_of_those_that_can_be_tested() -> None:
    values = field(0)
    values.iloc[5] = np.nan
    cells = [*CELLS, disk(0, lon=70.0)[0]]
    values = pd.concat([values, pd.Series([9.0], index=[cells[-1]])])
    found = own_side_test(values, contiguity(pd.Series(cells)), halves(cells), permutations=999)
    assert not found.loc[[cells[5], cells[-1]], "testable"].any()
    assert not found.loc[[cells[5], cells[-1]], "hot"].any()
    tested = found[found["testable"]]
    assert tested[["p", "q"]].notna().all(axis=None) and found.loc[~found["testable"], ["p", "q"]].isna().all(axis=None)
    p = tested["p"].to_numpy()
    rank = [min(1.0, min(x * len(p) / (p <= x).sum() for x in p if x >= own)) for own in p]
    assert tested["q"].to_numpy() == pytest.approx(np.array(rank))


@pytest.mark.parametrize("n", [40, 166])
@pytest.mark.parametrize("k", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("alike", [True, False])
def test_a_unit_is_testable_where_its_draws_are_enough(n: int, k: int, alike: bool) -> None:
    """Counted by hand: C(m, k) sets of neighbours of one weight, m·(m − 1)… orders of different ones.

    α/n is to be reached by 2 draws in all.
    """
    weights = np.zeros((n, n))
    weights[0, 1 : k + 1] = 1.0 if alike else np.arange(1, k + 1)
    draws = (comb if alike else perm)(n - 1, k)
    found = can_be_tested(csr_array(weights), np.zeros(n, np.int64))
    assert bool(found[0]) == (k > 0 and 2 / draws <= 0.05 / n)
    assert not found[1:].any()


@pytest.mark.parametrize("count", [0, 1, 12, 400, 500])
def test_doubtful_is_what_the_interval_of_its_p_spans(count: int) -> None:
    low, high = binomtest(count, 999).proportion_ci(0.99, "exact")
    for threshold in np.linspace(0.0005, 0.999, 200):
        doubt = straddles(np.array([count]), 999, float(threshold))[0]
        assert doubt == (2 * low <= threshold < 2 * high)


def test_the_cut_is_that_of_benjamini_and_hochberg() -> None:
    assert cut(np.array([0.001, 0.02, 0.9, np.nan, 0.03])) == pytest.approx(3 * 0.05 / 4)
    assert cut(np.array([0.2, 0.4])) == pytest.approx(0.025)


def test_no_label_flips_with_the_seed_but_the_doubtful() -> None:
    graph, side = contiguity(pd.Series(CELLS)), halves()
    values = field(4) + pd.Series([5.0 if c in set(disk(1)) else 0.0 for c in CELLS], index=CELLS)
    runs = [own_side_test(values, graph, side, permutations=29_999, seed=s) for s in range(5)]
    sure = ~np.logical_or.reduce([r["uncertain"] for r in runs])
    hot = np.array([r["hot"] for r in runs])[:, sure]
    assert (hot == hot[0]).all()
    assert hot.any()
    again = own_side_test(values, graph, side, permutations=29_999, seed=0)
    pd.testing.assert_frame_equal(again, runs[0])
