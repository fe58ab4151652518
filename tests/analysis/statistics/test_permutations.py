"""Permutation tests: esda's draws to the last digit, ties included.

Twice the smaller tail; memory of one unit, not of all.
"""

from __future__ import annotations

import tracemalloc
import warnings
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
from esda import G_Local, Moran, Moran_Local
from esda.crand import vec_permutations
from numpy.typing import NDArray

from analysis.statistics.permutations import adjusted, global_draws, local_test, moments, neighbour_draws, pseudo_p
from analysis.statistics.weights import contiguity
from tests.analysis.helpers import disk, two_sided

SEEDS = range(4)
plain_esda = pytest.mark.skipif(find_spec("numba") is not None, reason="with numba esda draws from another generator")


def some_field(kind: str, n: int, seed: int) -> NDArray[np.float64]:
    """Return values without ties, with many, or most of them 0."""
    rng = np.random.default_rng(seed)
    if kind == "smooth":
        return rng.normal(size=n) + 5
    if kind == "counts":
        return rng.integers(0, 4, n).astype(float)
    return np.where(rng.random(n) < 0.8, 0.0, rng.lognormal(size=n))


@pytest.mark.parametrize("kind", ["smooth", "counts", "empty"])
@pytest.mark.parametrize("n", [1, 2, 9, 10, 99, 1000])
def test_p_is_twice_the_smaller_tail(kind: str, n: int) -> None:
    rng = np.random.default_rng(n)
    for seed in range(30):
        draws = some_field(kind, n, seed)
        value = float(rng.choice([draws[0], draws.min() - 1, draws.max() + 1, draws.mean(), np.median(draws)]))
        above, below = (sum(1 for d in draws if (d >= value if up else d <= value)) for up in (True, False))
        assert pseudo_p(value, draws) == pytest.approx(min(1.0, 2 * (1 + min(above, below)) / (n + 1)))
        assert pseudo_p(value, draws, "greater") == pytest.approx((1 + above) / (n + 1))
        assert 0 < pseudo_p(value, draws) <= 1
        # Turning the axis round leaves a two-sided p alone.
        assert pseudo_p(-value, -draws) == pseudo_p(value, draws)


@plain_esda
@pytest.mark.parametrize("seed", SEEDS)
def test_neighbours_are_drawn_as_esda_draws_them(seed: int) -> None:
    found = neighbour_draws(40, 6, 99, seed)
    assert found.tolist() == vec_permutations(6, 40, 99, seed).tolist()
    assert all(len(set(row)) == 6 for row in found.tolist())
    assert 0 <= found.min() <= found.max() <= 38


@plain_esda
@pytest.mark.parametrize("kind", ["smooth", "counts", "empty"])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_local_test_is_that_of_esda(kind: str, seed: int) -> None:
    """Equal, not nearly so: where values repeat, the last digit of a sum decides what is a tie."""
    graph = contiguity(pd.Series([*disk(4), *disk(0, lon=70.0)]))
    values = some_field(kind, 62, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        local = Moran_Local(values, graph.transform("r"), permutations=199, seed=seed, keep_simulations=True)
        star = G_Local(values, graph, transform="B", star=True, permutations=199, seed=seed, keep_simulations=True)
    z, scale, total = local.z, 61 / (local.z * local.z).sum(), values.sum()
    moran = local_test(
        z, local.w.sparse, local.Is, lambda i, drawn, w: z[i] * (drawn @ w) * scale, permutations=199, seed=seed
    )
    g = local_test(
        values, star.w.sparse, star.Gs, lambda i, drawn, w: (drawn @ w + values[i]) / total, permutations=199, seed=seed
    )
    joined = np.arange(62) != list(graph.unique_ids).index(disk(0, lon=70.0)[0])
    for found, stat, draws in ((moran, local.Is, local.rlisas), (g, star.Gs, star.rGs)):
        p = two_sided(stat, draws)
        assert found.p[joined].tolist() == p[joined].tolist()
        assert found.mean[joined].tolist() == draws.mean(axis=1)[joined].tolist()
        assert found.std[joined].tolist() == draws.std(axis=1)[joined].tolist()
        assert np.isnan(found.p[~joined]).all()


def test_weights_of_several_sizes_go_to_their_own_neighbours() -> None:
    """Each unit's statistic of draws by hand, from the table of draws."""
    rng = np.random.default_rng(3)
    graph = contiguity(pd.Series(disk(2)))
    weights = graph.sparse.tocsr().astype(float)
    weights.data = rng.uniform(0.1, 2.0, len(weights.data))
    values = rng.normal(size=19)
    drawn = neighbour_draws(19, 6, 50, 8)
    seen = {}

    def keep(i: int, table: NDArray[np.float64], w: NDArray[np.float64]) -> NDArray[np.float64]:
        seen[i] = (table.copy(), w.copy())
        return table @ w

    local_test(values, weights, np.zeros(19), keep, permutations=50, seed=8)
    for i in range(19):
        others, own = np.delete(values, i), weights[[i]].toarray().ravel()
        table, w = seen[i]
        assert w.tolist() == own[own > 0].tolist()
        assert table.tolist() == others[drawn[:, : len(w)]].tolist()


@pytest.mark.parametrize("seed", SEEDS)
def test_orders_of_all_units_are_those_of_esda(seed: int) -> None:
    graph = contiguity(pd.Series(disk(3))).transform("r")
    values = some_field("smooth", 37, seed)
    np.random.seed(seed)  # noqa: NPY002  (what esda asks for)
    moran = Moran(values, graph, permutations=150)
    z, rows = values - values.mean(), graph.sparse.toarray()
    found = global_draws(
        z, lambda o: 37 / rows.sum() * np.einsum("ki,ij,kj->k", o, rows, o) / (z @ z), permutations=150, seed=seed
    )
    assert found == pytest.approx(moran.sim, rel=1e-12)


@pytest.mark.parametrize("n", [1, 2, 7, 8, 129, 9_999, 99_999])
def test_moments_are_numpys_to_the_last_bit(n: int) -> None:
    rng = np.random.default_rng(n)
    for scale in (1e-6, 1.0, 1e9):
        draws = rng.normal(3.0, 1.0, n) * scale
        expected = float(draws.mean()), float(draws.std())
        assert moments(draws) == expected


def test_adjusted_p_leaves_out_what_has_none() -> None:
    p = np.array([0.04, np.nan, 0.001, 1.0001, 0.02])
    assert adjusted(p) == pytest.approx([4 / 3 * 0.04, np.nan, 0.004, 1.0, 0.04], nan_ok=True)
    assert np.isnan(adjusted(np.full(3, np.nan))).all()


def test_memory_is_that_of_one_unit() -> None:
    """1,500 units × 1,999 draws would take 24 MB a table.

    6 neighbours of one unit take 0.1 MB, their draws as much again.
    """
    graph = contiguity(pd.Series(disk(22)[:1500]))
    values = some_field("smooth", 1500, 0)
    weights = graph.sparse
    tracemalloc.start()
    local_test(values, weights, values, lambda i, drawn, w: drawn @ w, permutations=1999, seed=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3e6
