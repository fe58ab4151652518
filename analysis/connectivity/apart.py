"""How many ways without a common node join two nodes of a graph of `analysis.connectivity.flows`.

The textbook splits every node in two, joined by an arc that lets one way pass, and searches a graph twice as large.
But a node that no way goes through yet is entered and left alike: it is split when a way comes to it. Then who enters
it can only turn back along that way (Suurballe 1974, Disjoint paths in a network).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order

from analysis.connectivity.flows import way_to

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analysis.connectivity.flows import Flows


def ways_apart(
    flows: Flows, source: int, sink: int, *, limited: NDArray[np.bool_], unit: int = 1, most: int | None = None
) -> int:
    """Return how many ways lead from one node to another of which no two share a limited node.

    Parameters
    ----------
    limited
        By node: whether it lets one way pass; the others let pass what their arcs do.
    unit
        Capacity of one way, rounded up: an arc of no more than it carries one.
    most
        A number that the ways can't exceed: reached, the search ends.
    """
    search = _Search.of(flows, limited, unit)
    begin, end, total = int(flows.place[source]), int(flows.place[sink]), 0
    while most is None or total < most:
        _, before = breadth_first_order(search.graph, begin)
        if before[end] < 0:
            break
        search.take(way_to(before, begin, end))
        total += 1
    return total


@dataclass(frozen=True)
class _Search:
    """What a search for one more way runs over: nodes 0…n−1 as they are left, n…2n−1 as one on a way is entered.

    Attributes
    ----------
    flows
        The arcs. Each node has one more, at the end of its row: to where it is entered; each of the others has one, to
        the node that its way comes from. An arc that leads nowhere leads to its own tail.
    left
        Ways that an arc still carries.
    origin
        Of a limited node on a way the node before it, else −1.
    slot
        Where in the graph each arc stands.
    """

    flows: Flows
    limited: NDArray[np.bool_]
    carries: NDArray[np.int64]
    left: NDArray[np.int64]
    origin: NDArray[np.int64]
    tail: NDArray[np.int64]
    head: NDArray[np.int64]
    slot: NDArray[np.int64]
    graph: csr_array

    @classmethod
    def of(cls, flows: Flows, limited: NDArray[np.bool_], unit: int) -> _Search:
        """Return the search before any way."""
        n, m = flows.graph.shape[0], len(flows.key)
        tail, head = np.divmod(flows.key, n)
        own = np.empty(n, bool)
        own[flows.place] = limited
        carries = -(-flows.capacity // unit)
        nodes = np.arange(n)
        start = np.searchsorted(tail, np.arange(n + 1)) + np.arange(n + 1)
        indptr = np.concatenate([start, m + n + 1 + nodes]).astype(np.int32)
        slot = np.arange(m) + tail
        indices = np.empty(m + 2 * n, np.int32)
        indices[slot] = np.where(carries > 0, head, tail)
        indices[start[1:] - 1] = nodes
        indices[m + n :] = n + nodes
        graph = csr_array((np.ones(len(indices)), indices, indptr), shape=(2 * n, 2 * n))
        return cls(flows, own, carries, carries.copy(), np.full(n, -1), tail, head, slot, graph)

    def take(self, way: NDArray[np.int64]) -> None:
        """Let one more way go along the nodes that a search has found, which may cancel parts of others."""
        n = len(self.origin)
        a, b = way[:-1], way[1:]
        out = a % n == b % n  # from a node that is left to where it is entered
        a, b = a[~out], b[~out]
        u, v = a % n, b % n
        arc = np.searchsorted(self.flows.key, u * n + v)
        back = self.flows.back[arc]
        # Who has entered a node on a way goes back along it; so does, from a node without limit, who comes to the end
        # of a way's link.
        turned = a >= n
        turned |= ~self.limited[u] & self.limited[v] & (b < n) & (self.carries[back] > self.left[back])
        self.left[back[turned]] += 1
        self.origin[u[turned & self.limited[u]]] = -1
        arc, u, v = arc[~turned], u[~turned], v[~turned]
        self.left[arc] -= 1
        both = ~self.limited[u] & ~self.limited[v]
        self.left[self.flows.back[arc[both]]] += 1
        self.origin[v[self.limited[v]]] = u[self.limited[v]]
        self._lead(np.unique(way % n))

    def _lead(self, nodes: NDArray[np.int64]) -> None:
        """Let the arcs at some nodes lead to where they do now."""
        n, m = len(self.origin), len(self.left)
        start = self.graph.indptr[nodes].astype(np.int64) - nodes
        count = np.diff(self.graph.indptr)[nodes] - 1
        of_row = np.repeat(start - np.r_[0, np.cumsum(count)[:-1]], count) + np.arange(count.sum())
        arc = np.concatenate([of_row, self.flows.back[of_row]])
        u, v, back = self.tail[arc], self.head[arc], self.flows.back[arc]
        on_way = self.origin >= 0
        head = np.where(self.left[arc] > 0, np.where(on_way[v], n + v, v), u)
        cancels = ~self.limited[u] & self.limited[v] & (self.carries[back] > self.left[back])
        self.graph.indices[self.slot[arc]] = np.where(cancels, v, head)
        self.graph.indices[self.graph.indptr[nodes + 1] - 1] = np.where(on_way[nodes], n + nodes, nodes)
        self.graph.indices[m + n + nodes] = np.where(on_way[nodes], self.origin[nodes], n + nodes)
