"""Spots as numpy's `unique` has them."""

from __future__ import annotations

import numpy as np
import pytest

from layers.spots import different_spots


@pytest.mark.parametrize("seed", range(20))
def test_spots_are_those_of_unique(seed: int) -> None:
    rng = np.random.default_rng(seed)
    xy = rng.integers(-2, 3, (rng.integers(0, 40), 2)) * 1e-7 * rng.choice([0.4, 1.0, 30.0])
    xy[rng.random(xy.shape) < 0.1] = -0.0
    first, number = different_spots(xy)
    spots, row, spot = np.unique(xy.round(7), axis=0, return_index=True, return_inverse=True)
    assert first.tolist() == row.tolist()
    assert number.tolist() == spot.ravel().tolist()
    assert (xy[first].round(7) == spots).all()
