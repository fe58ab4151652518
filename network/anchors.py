"""The ways of a network with a node where each place joins them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely
from scipy.sparse import csr_array

from network.arcs import in_order
from network.topology import SNAP_M, Tables

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


def with_anchors(
    tables: Tables, near: pd.DataFrame, ways: NDArray[np.int64]
) -> tuple[csr_array, csr_array | None, NDArray[np.int64], NDArray[np.float64]]:
    """Return the ways in metres with a node per candidate, the same backwards, and where nodes are.

    Parameters
    ----------
    near
        Candidates: ``link`` (one of the ways) and ``fraction`` of it, from u to v.
    ways
        Rows of the links that lead from one to another, ascending.

    Returns
    -------
    The graph, and the same backwards, None where no link is one-way; the node of each candidate; the places of the
    nodes in the projection, shape (nodes, 2).
    """
    u, v, length, oneway = (tables.links[c].to_numpy()[ways] for c in ("u", "v", "length_m", "oneway"))
    length, oneway = length.astype(float), oneway.astype(bool)
    used = np.zeros(len(tables.nodes), bool)
    used[u] = used[v] = True
    nodes, number = np.flatnonzero(used), np.cumsum(used) - 1
    u, v = number[u], number[v]
    row = np.searchsorted(ways, near["link"].to_numpy(np.int64))
    at = near["fraction"].to_numpy(float) * length[row]
    # As where links are split: at an end of its link a candidate is that end.
    node = np.where(at <= SNAP_M, u[row], np.where(at >= length[row] - SNAP_M, v[row], -1))
    inner = np.flatnonzero(node < 0)
    inner = inner[np.lexsort((at[inner], row[inner]))]
    node[inner] = len(nodes) + np.arange(len(inner))
    anchor, row, at = node[inner], row[inner], at[inner]
    first = np.diff(row, prepend=-1) != 0
    last = np.diff(row, append=-1) != 0
    before = np.where(first, u[row], anchor - 1)
    step = at - np.where(first, 0.0, np.r_[0.0, at][:-1])
    parted = np.zeros(len(ways), bool)
    parted[row] = True
    whole = np.flatnonzero(~parted)
    end = row[last]
    tail = np.concatenate([u[whole], before, anchor[last]])
    head = np.concatenate([v[whole], anchor, v[end]])
    metres = np.concatenate([length[whole], step, length[end] - at[last]])
    single = oneway[np.concatenate([whole, row, end])]
    graph = _least(
        np.concatenate([tail, head[~single]]),
        np.concatenate([head, tail[~single]]),
        np.concatenate([metres, metres[~single]]),
        len(nodes) + len(inner),
    )
    spots = shapely.line_interpolate_point(
        tables.projected(ways[row]), near["fraction"].to_numpy(float)[inner], normalized=True
    )
    where = np.vstack([tables.nodes[["px", "py"]].to_numpy(float)[nodes], shapely.get_coordinates(spots)])
    return graph, graph.T.tocsr() if single.any() else None, node, where


def _least(tail: NDArray[np.int64], head: NDArray[np.int64], metres: NDArray[np.float64], size: int) -> csr_array:
    """Return arcs as a sparse table, the shortest of parallel ones."""
    order = in_order(tail, head, size)
    tail, head, metres = tail[order], head[order], np.maximum(metres[order], 0.0)
    first = np.flatnonzero(np.r_[True, (np.diff(tail) != 0) | (np.diff(head) != 0)][: len(tail)])
    metres = np.minimum.reduceat(metres, first) if len(first) else metres
    indptr = np.searchsorted(tail[first], np.arange(size + 1)).astype(np.int32)
    return csr_array((metres, head[first].astype(np.int32), indptr), shape=(size, size))
