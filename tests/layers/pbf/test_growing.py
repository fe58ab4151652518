"""Columns that grow in place."""

from __future__ import annotations

import numpy as np
import pytest

from layers.sources.pbf.objects import GROWN_FROM, Growing


@pytest.mark.parametrize("seed", range(4))
def test_a_growing_column_is_its_pieces_joined(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pieces = [rng.integers(-(2**31), 2**31, n) for n in rng.integers(0, GROWN_FROM, 12)]
    column = Growing(np.int32)
    for piece in pieces:
        column.add(piece)
    whole = column.take()
    assert whole.dtype == np.int32
    assert np.array_equal(whole, np.concatenate(pieces))
    assert len(column.take()) == 0
    column.add(pieces[0])
    assert np.array_equal(column.take(), pieces[0])
