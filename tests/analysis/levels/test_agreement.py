"""Agreement of groupings as scikit-learn has it, digit by digit."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from analysis.levels.agreement import adjusted_rand


@pytest.mark.parametrize("seed", range(60))
def test_the_adjusted_rand_index_is_that_of_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 40))
    one, two = (rng.integers(0, int(rng.integers(1, n + 1)), n) for _ in range(2))
    for other in (two, one, np.zeros(n, np.int64), np.arange(n)):
        assert adjusted_rand(one, other) == adjusted_rand_score(one, other)
        assert adjusted_rand(other, one) == adjusted_rand_score(other, one)
