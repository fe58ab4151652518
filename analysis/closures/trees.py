"""Shortest trees of the posts at home, and what of them a closed link changes.

A link that is lost changes only what lies behind it in a tree. That part alone is grown anew, in all trees at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from network.arcs import arc_keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

BITS = 64
"""Links followed through the trees at once: one bit each."""


@dataclass(frozen=True)
class Forest:
    """Shortest trees at home of some posts, towards them (side a) or away from them (side b); R roots, n positions.

    ``roots`` positions in the overlay's posts; ``minutes``, ``parent`` (next position towards the root, flat number
    root · n + position; its own where there is none) and ``via`` (row of the link in between, −1) flat, of length
    R · n; ``graph`` the arcs by which labels go on from the root, a row per position that takes them; ``arc_link`` the
    link of each of its entries; ``local`` scratch, −1 throughout; ``ends`` positions of the settlements of its side,
    ``posts`` of all posts, −1 where the mode has no link at home.
    """

    towards: bool
    roots: NDArray[np.int64]
    minutes: NDArray[np.float64]
    parent: NDArray[np.signedinteger[Any]]
    via: NDArray[np.signedinteger[Any]]
    graph: csr_array
    arc_link: NDArray[np.int64]
    local: NDArray[np.signedinteger[Any]]
    ends: NDArray[np.int64]
    posts: NDArray[np.int64]

    @property
    def n(self) -> int:
        """Positions of a tree."""
        return int(self.graph.shape[0])


def grow(
    graph: csr_array,
    arc_link: NDArray[np.int64],
    roots: NDArray[np.int64],
    posts: NDArray[np.int64],
    ends: NDArray[np.int64],
    towards: bool,
) -> Forest:
    """Return the trees of some posts over the arcs at home."""
    n = graph.shape[0]
    number = csr_array((np.arange(len(arc_link)), graph.indices, graph.indptr), shape=graph.shape).T.tocsr()
    turned = csr_array((graph.data[number.data], number.indices, number.indptr), shape=graph.shape)
    minutes, before = dijkstra(turned if towards else graph, indices=posts[roots], return_predecessors=True)
    keys = arc_keys(graph)
    narrow: type[np.signedinteger[Any]] = np.int32
    if max(len(roots) * n, int(arc_link.max(initial=0))) >= 2**31:
        narrow = np.int64
    parent = np.arange(len(roots) * n, dtype=narrow)
    via, local = np.full(len(parent), -1, narrow), np.full(len(parent), -1, narrow)
    for k, own in enumerate(before):  # posts: dozens; whole trees at each
        known = np.flatnonzero(own >= 0)
        origin = own[known].astype(np.int64)
        parent[k * n + known] = k * n + origin
        tail, head = (known, origin) if towards else (origin, known)
        via[k * n + known] = arc_link[np.searchsorted(keys, tail * n + head)]
    taken, links = (graph, arc_link) if towards else (turned, arc_link[number.data])
    return Forest(towards, roots, minutes.ravel(), parent, via, taken, links, local, ends, posts)


def behind_links(forest: Forest, rows: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return for each position of each tree which of at most 64 links its way to the root runs over, a bit each."""
    bit = np.zeros(max(int(forest.via.max(initial=-1)), int(rows.max())) + 2, np.uint64)
    bit[rows] = np.uint64(1) << np.arange(len(rows), dtype=np.uint64)
    marks = bit[forest.via]  # −1 takes the last, which is no link
    above = forest.parent
    while ((step := above[above]) != above).any():
        marks, above = marks | marks[above], step
    found: NDArray[np.uint64] = marks | marks[above]
    return found


def spots(forest: Forest, rows: NDArray[np.int64], at: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the local number of positions in some trees, −1 where nothing changes: shape (rows, at)."""
    spot = forest.local[np.maximum(rows, 0)[:, None] * forest.n + np.maximum(at, 0)[None]]
    return np.where((rows >= 0)[:, None] & (at >= 0)[None], spot, -1)


def regrown(
    forest: Forest,
    places: NDArray[np.int64],
    link: int,
    instead: Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Return the minutes of places behind a link without it: one Dijkstra over them, from the rims that stay.

    ``local`` numbers the places; what is not in it keeps its minutes, for its way does not run over the link.

    Parameters
    ----------
    instead
        Takes tails and heads of the link's arcs and returns the minutes of the best parallel link of each.
    """
    at, k = places % forest.n, len(places)
    first, count = forest.graph.indptr[at].astype(np.int64), np.diff(forest.graph.indptr)[at].astype(np.int64)
    offset = np.cumsum(count) - count
    taker = np.repeat(np.arange(k), count)
    entry = (first - offset)[taker] + np.arange(len(taker))
    giver = forest.graph.indices[entry].astype(np.int64)
    weight = forest.graph.data[entry]
    closed = forest.arc_link[entry] == link
    if closed.any():
        tail, head = (at[taker[closed]], giver[closed]) if forest.towards else (giver[closed], at[taker[closed]])
        weight[closed] = instead(tail, head)
    flat = (places - at)[taker] + giver
    inner = forest.local[flat]
    rim = np.minimum.reduceat(np.where(inner < 0, forest.minutes[flat] + weight, np.inf), offset)
    seen, arc = np.flatnonzero(np.isfinite(rim)), (inner >= 0) & np.isfinite(weight)
    tail = np.concatenate([np.full(len(seen), k), inner[arc]]).astype(np.int32)
    head = np.concatenate([seen, taker[arc]]).astype(np.int32)
    graph = csr_array((np.concatenate([rim[seen], weight[arc]]), (tail, head)), shape=(k + 1, k + 1))
    return np.asarray(dijkstra(graph, indices=k)[:k], float)
