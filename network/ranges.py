"""Costs that 32 bits hold, and ways that may cost more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse.csgraph import connected_components, dijkstra

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

CHUNK = 1_000_000
"""Costs of whole trees that are held at once."""


def dearest(costs: csr_array) -> float:
    """Return what no way costs more than: the dearest arc of every node."""
    if not costs.nnz:
        return 0.0
    begins = costs.indptr[:-1][np.diff(costs.indptr) > 0]
    return float(np.maximum.reduceat(costs.data, begins).sum())


def farthest(costs: csr_array, root: int) -> float:
    """Return the cost of the dearest way from a root: half of what one between any two may cost, or more."""
    tree = dijkstra(costs, indices=root)
    return float(tree[np.isfinite(tree)].max())


def search_again(
    out: NDArray[np.float64],
    costs: csr_array,
    roots: NDArray[np.int64],
    columns: NDArray[np.int64],
    limit: float,
) -> None:
    """Search again, in place, where no way was found and there may be one that costs more than 32 bits hold.

    Costs above a limit stay infinite.
    """
    _, part = connected_components(costs, directed=True, connection="weak")
    doubt = np.flatnonzero((np.isinf(out) & (part[roots][:, None] == part[columns])).any(axis=1))
    step = max(1, CHUNK // len(part))
    for start in range(0, len(doubt), step):
        rows = doubt[start : start + step]
        found = dijkstra(costs, indices=roots[rows], limit=limit)[:, columns]
        out[rows] = np.where(found > limit, np.inf, found)
