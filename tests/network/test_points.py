"""Costs of points over trees: the least over both ends of the links of all their accesses, point by point."""

from __future__ import annotations

import numpy as np
import pytest

from network.points import Points, at_points


def drawn(seed: int, n: int, *, one: bool = False) -> Points:
    """Return points at nodes, beside links (some one-way), with several accesses, and some that join nothing."""
    rng = np.random.default_rng(seed)
    point = np.sort(np.r_[np.arange(n), [] if one else rng.integers(0, n, n // 2)]).astype(np.int64)
    k = len(point)
    u, v = rng.integers(0, 9, k), rng.integers(0, 9, k)
    cost = [rng.random(k) for _ in range(4)]
    stands = rng.random(k) < 0.5
    v[stands] = u[stands]
    for c in cost:
        c[stands & (rng.random(k) < 0.8)] = 0.0
        c[~stands & (rng.random(k) < 0.2)] = np.inf
    lone = np.isin(point, np.flatnonzero(np.bincount(point) == 1)) & (rng.random(k) < 0.2)
    u[lone] = v[lone] = -1
    nothing = np.zeros(k)
    return Points(np.full(n, "a", object), point, u, v, *cost, np.zeros(k, np.int64), nothing)


@pytest.mark.parametrize("one", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_each_point_has_the_least_of_its_ways(seed: int, one: bool) -> None:
    points = drawn(seed, 17, one=one)
    tree = np.random.default_rng(seed + 50).random((5, 9))
    tree[tree < 0.1] = np.inf
    for side in (points, points.backwards()):
        found = at_points(side, tree)
        for p in range(len(side)):
            ways = [np.inf]
            for i in np.flatnonzero((side.point == p) & (side.u >= 0)):
                ways += [tree[2, side.u[i]] + side.to_u[i], tree[2, side.v[i]] + side.to_v[i]]
            assert found[p, 2] == min(ways)


def test_no_points() -> None:
    none = Points.at_nodes(np.empty(0, np.int64), np.empty(0, object))
    assert at_points(none, np.ones((3, 4))).shape == (0, 3)
