"""Ward's types as spopt has them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from spopt.region import WardSpatial

from analysis.levels.agreement import by_first
from analysis.levels.groups import _spopt_weights, _ward_of_part


@pytest.mark.parametrize("seed", range(12))
def test_wards_types_of_one_tree_are_those_of_spopt_for_each_number(seed: int) -> None:
    """In a chain with some further neighbours; some regions are twins."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 20))
    near = np.eye(n, k=1, dtype=bool) | (rng.random((n, n)) < 0.1)
    near = (near | near.T) & ~np.eye(n, dtype=bool)
    x = rng.integers(0, 3, (n, 2)).astype(float) if seed % 2 else rng.normal(size=(n, 3))
    found = _ward_of_part(x, near, n)
    assert len(found) == n
    frame = pd.DataFrame(x)
    for k in range(2, n + 1):
        model = WardSpatial(frame, _spopt_weights(near), list(frame.columns), n_clusters=k)
        model.solve()
        assert found[k - 1].tolist() == by_first(model.labels_).tolist()
