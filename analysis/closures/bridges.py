"""Links whose loss parts a network in two: bridges of a graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components

from analysis.closures.trees import BITS

if TYPE_CHECKING:
    from numpy.typing import NDArray


def bridges(u: NDArray[np.int64], v: NDArray[np.int64], some: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which of some links are bridges: no other way joins their ends, in whichever direction links are open.

    Parameters
    ----------
    u, v
        Ends of all links.
    some
        Rows of the links to be judged, each once.

    Notes
    -----
    A link of a spanning tree is a bridge where no other link leads out of the part of the tree behind it (Tarjan 1974).

    Examples
    --------
    A triangle with a tail, one link of it double:

    >>> bridges(np.array([0, 1, 2, 2, 3, 3]), np.array([1, 2, 0, 3, 4, 4]), np.arange(6)).tolist()
    [False, False, False, True, False, False]
    """
    n = int(max(u.max(initial=-1), v.max(initial=-1))) + 1
    graph = csr_array((np.ones(len(u), np.int32), (u, v)), shape=(n, n))
    part = connected_components(graph, directed=False)[1]
    above = np.arange(n)
    for start in u[some][np.unique(part[u[some]], return_index=True)[1]].tolist():  # sides and islands with such links
        order, before = breadth_first_order(graph, start, directed=False)
        above[order[1:]] = before[order[1:]]
    out = np.zeros(len(some), bool)
    for begin in range(0, len(some), BITS):
        rows = some[begin : begin + BITS]
        bit = np.uint64(1) << np.arange(len(rows), dtype=np.uint64)
        # The end of a link of the tree that lies further from its root.
        behind = np.where(above[u[rows]] == v[rows], u[rows], np.where(above[v[rows]] == u[rows], v[rows], -1))
        behind[u[rows] == v[rows]] = -1
        marks, further = np.zeros(n, np.uint64), above
        np.bitwise_or.at(marks, behind[behind >= 0], bit[behind >= 0])
        while ((step := further[further]) != further).any():
            marks, further = marks | marks[further], step
        marks |= marks[further]
        out_of = marks[u] ^ marks[v]
        out_of[rows] &= ~bit
        out[begin : begin + BITS] = (behind >= 0) & (np.bitwise_or.reduce(out_of) & bit == 0)
    return out
