"""A graph cut into two by a few nodes, its halves again, down to small pieces: nested dissection (George 1973).

Whoever goes from one half to the other passes a node of the cut between them. So what lies below a cut meets the rest
of the graph at few nodes alone, its rim, and tables of a large graph (`network.sweeps`) are made of small ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAF = 64
"""A piece of no more nodes is not cut again."""
WAYS = np.array([[1.0, 0.0], [0.0, 1.0], [0.7, 0.7], [0.7, -0.7]])
"""Directions in which a cut is tried."""


@dataclass(frozen=True)
class Pieces:
    """The pieces of a graph, each above those that it is cut into; build it with `dissect`.

    The first piece is the whole graph; a piece comes before its parts. Its own nodes are those of the cut, or all of a
    piece that is not cut. All cuts above a piece stand in a row, the topmost first, its own nodes behind them: the
    place of a node in that row is one number for all pieces below.

    Attributes
    ----------
    of_node, place
        Of each node the piece whose own it is, and its place in the row.
    above, own
        Of each piece how many nodes stand above its own ones in the row, and how many are its own.
    rims
        Of each piece the places of those nodes above that its nodes have links to, ascending.
    parts, on_part
        Of each piece its two halves or none; and of each half where its rim is among own nodes and rim of the piece
        that was cut.
    first, past
        Pieces in a row such that those below a piece are together: where they begin and end. A piece and its first
        half begin alike.
    """

    of_node: NDArray[np.int64]
    place: NDArray[np.int64]
    above: NDArray[np.int64]
    own: NDArray[np.int64]
    rims: list[NDArray[np.int64]]
    parts: list[list[int]]
    on_part: list[NDArray[np.int64]]
    first: NDArray[np.int64]
    past: NDArray[np.int64]

    @property
    def height(self) -> int:
        """How long the row is at the most."""
        return int((self.above + self.own).max(initial=0))

    def local(self, piece: NDArray[np.int64], node: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return where nodes stand among the own ones of a piece and its rim; each is one of them."""
        own = self.of_node[node] == piece
        size = np.asarray([len(rim) for rim in self.rims], np.int64)
        stride = self.height + 1
        known = np.repeat(np.arange(len(size)), size) * stride + np.concatenate(self.rims)
        at = np.searchsorted(known, piece * stride + self.place[node]) - (np.cumsum(size) - size)[piece]
        return np.where(own, self.place[node] - self.above[piece], self.own[piece] + at)


def dissect(
    tail: NDArray[np.int64], head: NDArray[np.int64], where: NDArray[np.float64], *, leaf: int = LEAF
) -> Pieces:
    """Return a graph cut into pieces.

    Parameters
    ----------
    tail, head
        Links, either way.
    where
        Where the nodes are, shape (n, 2): cuts are straight lines, and the nodes beside them.
    leaf
        Pieces of no more nodes are not cut.
    """
    number = _numbered(tail, head, where, leaf)
    ids = np.unique(number)
    above = ids
    while (above := np.unique(above[above > 1] >> 1)).size:
        ids = np.union1d(ids, above)
    ids = ids if len(ids) else np.ones(1, np.int64)
    depth = np.frexp(ids.astype(float))[1] - 1
    of_node, upper = np.searchsorted(ids, number), np.searchsorted(ids, ids >> 1)
    own = np.bincount(of_node, minlength=len(ids))
    begin = np.zeros(len(ids), np.int64)
    for level in range(1, int(depth.max()) + 1):  # a dozen
        at = np.flatnonzero(depth == level)
        begin[at] = begin[upper[at]] + own[upper[at]]
    order = np.argsort(of_node, kind="stable")
    place = np.empty(len(number), np.int64)
    place[order] = np.arange(len(number)) - (np.cumsum(own) - own)[of_node[order]]
    place += begin[of_node]
    rims = _rims(tail, head, number, ids, place)
    parts: list[list[int]] = [[] for _ in ids]
    on_part = [np.empty(0, np.int64)]
    for i in range(1, len(ids)):  # thousands of pieces, whose tables are made one by one anyway
        whole, rim = int(upper[i]), rims[i]
        parts[whole].append(i)
        inner = rim >= begin[whole]
        on_part.append(np.where(inner, rim - begin[whole], own[whole] + np.searchsorted(rims[whole], rim)))
    width = np.int64(1) << (depth.max() - depth).astype(np.int64)
    return Pieces(of_node, place, begin, own, rims, parts, on_part, ids * width, (ids + 1) * width)


def _numbered(
    tail: NDArray[np.int64], head: NDArray[np.int64], where: NDArray[np.float64], leaf: int
) -> NDArray[np.int64]:
    """Return the piece whose own each node is: 1 for the whole, 2k and 2k + 1 for the halves of k."""
    n = len(where)
    number, group, ids = np.zeros(n, np.int64), np.zeros(n, np.int64), np.ones(1, np.int64)
    left = np.arange(n)
    while len(left):
        count = np.bincount(group[left], minlength=len(ids))
        done = count[group[left]] <= leaf
        number[left[done]] = ids[group[left[done]]]
        left = left[~done]
        open_ = np.zeros(n, bool)
        open_[left] = True
        some = open_[tail] & open_[head] & (group[tail] == group[head])
        tail, head = tail[some], head[some]
        half, cut = _halves(tail, head, where, group, left, count)
        number[left[cut[left]]] = ids[group[left[cut[left]]]]
        left = left[~cut[left]]
        both = 2 * group + half
        found = np.flatnonzero(np.bincount(both[left], minlength=2 * len(ids)))
        ids = 2 * ids[found >> 1] + (found & 1)
        group[left] = np.searchsorted(found, both[left])
    return number


def _halves(
    tail: NDArray[np.int64],
    head: NDArray[np.int64],
    where: NDArray[np.float64],
    group: NDArray[np.int64],
    left: NDArray[np.int64],
    count: NDArray[np.int64],
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return in which half of its piece each node lies, and whether it is of the cut: by the direction that cuts few.

    Of the links over a line the ends on one side are the cut, on that with fewer of them.
    """
    n, pieces = len(where), len(count)
    half, cut = np.zeros(n, bool), np.zeros(n, bool)
    least = np.full(pieces, n + 1)
    size = np.bincount(group[left], minlength=pieces)
    start = np.cumsum(size) - size
    for way in WAYS:
        order = left[np.lexsort((where[left] @ way, group[left]))]
        upper = np.zeros(n, bool)
        upper[order] = np.arange(len(order)) - start[group[order]] >= size[group[order]] // 2
        over = upper[tail] != upper[head]
        end = np.zeros(n, bool)
        end[tail[over]] = end[head[over]] = True
        ends = np.flatnonzero(end)
        high = np.bincount(group[ends[upper[ends]]], minlength=pieces)
        low = np.bincount(group[ends[~upper[ends]]], minlength=pieces)
        better = np.minimum(high, low) < least
        least = np.where(better, np.minimum(high, low), least)
        these = left[better[group[left]]]
        half[these] = upper[these]
        cut[these] = end[these] & (upper[these] == (high < low)[group[these]])
    return half, cut


def _rims(
    tail: NDArray[np.int64],
    head: NDArray[np.int64],
    number: NDArray[np.int64],
    ids: NDArray[np.int64],
    place: NDArray[np.int64],
) -> list[NDArray[np.int64]]:
    """Return the rim of each piece: ends of links from it and from those below it, by their places."""
    n = max(len(number), 1)
    turned = number[tail] < number[head]
    low, high = np.where(turned, head, tail), np.where(turned, tail, head)
    now, found = number[low], [np.empty(0, np.int64)]
    while len(now):  # from the lower end up to the piece of the upper one
        below = now != number[high]
        key = np.unique(np.searchsorted(ids, now[below]) * n + high[below])
        found.append(key)
        piece, high = np.divmod(key, n)
        now = ids[piece] >> 1
    key = np.unique(np.concatenate(found))
    piece, node = np.divmod(key, n)
    order = np.lexsort((place[node], piece))
    return np.split(place[node][order], np.searchsorted(piece, np.arange(1, len(ids))))
