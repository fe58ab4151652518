"""Cuts of a tree of regions are spopt's, label by label; the index of two groupings is sklearn's, digit by digit."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from libpysal.weights import W
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist
from sklearn.metrics import adjusted_rand_score
from spopt.region import WardSpatial
from spopt.region.skater import SpanningForest

from analysis.levels.agreement import adjusted_rand
from analysis.levels.cuts import TINY, skater, ward


def ground(seed: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return indicators of some regions, twins among them, and who is whose neighbour, often in several parts."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(8, 24))
    x = rng.normal(size=(n, int(rng.integers(1, 6))))
    x[rng.integers(n, size=3)] = x[0]
    near = np.triu(rng.random((n, n)) < 2.5 / n, 1)
    near[np.arange(n - 1), np.arange(1, n)] |= rng.random(n - 1) < 0.8
    return x, near | near.T


def spopts(near: NDArray[np.bool_]) -> W:
    return W({i: np.flatnonzero(row).tolist() for i, row in enumerate(near)}, silence_warnings=True)


@pytest.mark.parametrize("seed", range(25))
def test_skater_is_spopts(seed: int) -> None:
    x, near = ground(seed)
    least = int(connected_components(near, directed=False)[0])
    ks = list(range(least, min(least + 6, len(x)) + 1))
    found = skater(x, near, ks)
    assert list(found) == ks

    def apart(a: NDArray[np.float64], b: NDArray[np.float64] | None) -> NDArray[np.float64]:
        return np.asarray(cdist(a, a if b is None else b, "cityblock") + TINY, float)

    for k in ks:
        forest = SpanningForest(dissimilarity=apart)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="By default, the graph is disconnected")
            forest.fit(k, spopts(near), data=x, islands="ignore")
        assert found[k].tolist() == forest.current_labels_.tolist()


@pytest.mark.parametrize("seed", range(25))
def test_ward_is_spopts(seed: int) -> None:
    x, near = ground(seed)
    near[np.arange(len(x) - 1), np.arange(1, len(x))] = near[np.arange(1, len(x)), np.arange(len(x) - 1)] = True
    found = ward(x, near, 7)
    assert len(found) == 7 and not found[0].any()
    frame = pd.DataFrame(x)
    for k in range(2, 8):
        model = WardSpatial(frame, spopts(near), list(frame.columns), n_clusters=k)
        model.solve()
        assert found[k - 1].tolist() == model.labels_.tolist()
    assert [labels.tolist() for labels in ward(x[:1], near[:1, :1], 1)] == [[0]]


@pytest.mark.parametrize("seed", range(40))
def test_the_adjusted_rand_index_is_sklearns(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 30))
    one, other = (rng.integers(int(rng.integers(1, 8)), size=n) for _ in range(2))
    assert adjusted_rand(one, other) == adjusted_rand_score(one, other)
    assert adjusted_rand(one, one) == 1
