"""Groups of roots that lie together hold all that any of them reaches, and little else."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from network import within
from network.within import in_groups, reached_within


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("reverse", [False, True])
def test_who_is_reached_within_a_limit_is_in_the_group_of_its_root(
    seed: int, reverse: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(within, "TOGETHER", 4)
    rng = np.random.default_rng(seed)
    n = 60
    ends = rng.integers(0, n, (2, 150))
    costs = csr_array((rng.integers(1, 9, 150).astype(float), ends), shape=(n, n))
    roots, columns = rng.integers(0, n, 21), rng.integers(0, n, 30)  # some twice
    trees = dijkstra(costs.T.tocsr() if reverse else costs)
    for limit in (0.0, 7.0, 1e6):
        found = reached_within(costs, rng.random((n, 2)), roots, columns, limit, reverse=reverse)
        near = np.zeros((len(roots), len(columns)), bool)
        for rows, there in found:
            assert len(rows) <= 4
            assert (trees[np.ix_(roots[rows], columns[there])] <= limit).any(axis=0).all()
            near[np.ix_(rows, there)] = True
        assert not (trees[np.ix_(roots, columns)] <= limit)[~near].any()


@pytest.mark.parametrize("count", [0, 1, 5, 33])
def test_groups_hold_each_place_once_and_lie_apart(count: int) -> None:
    where = np.random.default_rng(count).random((count, 2)) * [100.0, 1.0]
    groups = in_groups(where, 6)
    assert sorted(np.concatenate([np.empty(0, int), *groups]).tolist()) == list(range(count))
    assert all(len(g) <= 6 for g in groups)
    extents = [(where[g, 0].min(), where[g, 0].max()) for g in groups]
    assert all(a[1] <= b[0] for a, b in pairwise(extents))  # from west to east


def test_places_on_one_spot_are_parted_all_the_same() -> None:
    assert [len(g) for g in in_groups(np.zeros((9, 2)), 3)] == [2, 2, 2, 3]
