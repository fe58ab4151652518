"""Arcs in order, the cheapest of parallel ones, and those that stay on their side: by brute force."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

from network.arcs import in_order
from network.costs import cheapest_arcs
from network.domestic import at_home


@pytest.mark.parametrize("seed", range(30))
def test_of_parallel_arcs_the_cheapest_stays_and_of_equal_ones_the_lower_row(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(1, 12)), int(rng.integers(0, 80))
    tail, head = rng.integers(n, size=(2, m))
    arc = np.arange(m)
    order = in_order(tail, head, n)
    assert order.tolist() == np.lexsort((arc, head, tail)).tolist()
    weight = rng.integers(0, 4, m).astype(float)
    weight[rng.random(m) < 0.2] = np.inf
    graph, links = cheapest_arcs(tail[order], head[order], weight[order], arc[order], n)
    best: dict[tuple[int, int], tuple[float, int]] = {}
    for k in range(m):
        if np.isfinite(weight[k]):
            ends = int(tail[k]), int(head[k])
            best[ends] = min(best.get(ends, (np.inf, m)), (float(weight[k]), k))
    found = graph.tocoo()
    assert dict(zip(zip(*(c.tolist() for c in found.coords), strict=True), found.data.tolist(), strict=True)) == {
        ends: cost for ends, (cost, _) in best.items()
    }
    assert links.tolist() == [k for _, (_, k) in sorted(best.items())]
    assert graph.indptr.dtype == graph.indices.dtype == np.int32


@pytest.mark.parametrize("seed", range(10))
def test_arcs_on_one_side(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 20))
    dense = rng.integers(0, 3, (n, n)).astype(float)
    side = rng.choice(np.array(["a", "b", ""], object), n)
    found = at_home(csr_array(dense), side)
    assert (found.toarray() == np.where(side[:, None] == side[None], dense, 0.0)).all()
