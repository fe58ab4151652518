"""Autoregressions along a belt: numpy's own solution of the whole, whatever the weights."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.spatial import cKDTree

from analysis.statistics.belts import Belt


def drawn(seed: int, n: int = 700, long: float = 40.0) -> csr_array:
    """Return row-standardised weights of points in a belt, in any order; some have no neighbour, and it has a gap."""
    rng = np.random.default_rng(seed)
    where = rng.random((n, 2)) * [long, 1.0]
    where[where[:, 0] > max(long / 2, 1.0), 0] += 5.0
    pairs = cKDTree(where).query_pairs(0.35, output_type="ndarray")
    pairs = pairs[(pairs % 50 != 0).all(axis=1)]
    i, j = np.r_[pairs[:, 0], pairs[:, 1]], np.r_[pairs[:, 1], pairs[:, 0]]
    weights = csr_array((rng.random(len(i)) + 0.1, (i, j)), shape=(n, n))
    total = np.asarray(weights.sum(axis=1))
    return csr_array((weights.data / np.repeat(total, np.diff(weights.indptr)), weights.indices, weights.indptr))


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.99])
@pytest.mark.parametrize("long", [1.0, 40.0])
@pytest.mark.parametrize("seed", range(3))
def test_the_solution_is_numpys(seed: int, long: float, rho: float) -> None:
    weights = drawn(seed, long=long)
    n = weights.shape[0]
    right = np.random.default_rng(seed + 9).normal(size=(n, 7))
    belt = Belt(weights)
    assert (len(belt.blocks) > 3) == (long > 1)
    expected = np.linalg.solve(np.eye(n) - rho * weights.toarray(), right)
    np.testing.assert_allclose(belt.solve(rho, right), expected, rtol=1e-10, atol=1e-10)


def test_units_without_any_neighbour() -> None:
    right = np.arange(6.0).reshape(3, 2)
    assert np.array_equal(Belt(csr_array((3, 3))).solve(0.9, right), right)
