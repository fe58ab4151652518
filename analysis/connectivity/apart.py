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
    from collections.abc import Sequence

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
    search = Apart.of(flows, limited, unit=unit)
    return search.grow(int(flows.place[source]), int(flows.place[sink]), most)


@dataclass(frozen=True)
class Apart:
    """What a search for one more way runs over: nodes 0…n−1 as they are left, n…2n−1 as one on a way is entered.

    Nodes are places of the flows.

    Attributes
    ----------
    flows
        The arcs. Each node has one more, at the end of its row: to where it is entered; each of the others has one, to
        the node that its way comes from. An arc that leads nowhere leads to its own tail.
    carries, left
        Ways that an arc carries, and those that it still does.
    origin
        Of a limited node on a way the node before it, else −1.
    slot, begin
        Where in the graph each arc stands, and where each leads before any way.
    """

    flows: Flows
    limited: NDArray[np.bool_]
    carries: NDArray[np.int64]
    left: NDArray[np.int64]
    origin: NDArray[np.int64]
    slot: NDArray[np.int64]
    begin: NDArray[np.int32]
    graph: csr_array

    @classmethod
    def of(
        cls, flows: Flows, limited: NDArray[np.bool_], *, unit: int = 1, capacity: NDArray[np.int64] | None = None
    ) -> Apart:
        """Return the search before any way: see `ways_apart`.

        Parameters
        ----------
        capacity
            By arc, where it is not that of the flows.
        """
        n, m = flows.graph.shape[0], len(flows.key)
        own = np.empty(n, bool)
        own[flows.place] = limited
        carries = -(-(flows.capacity if capacity is None else capacity) // unit)
        nodes = np.arange(n)
        start = flows.graph.indptr + np.arange(n + 1)
        indptr = np.concatenate([start, m + n + 1 + nodes]).astype(np.int32)
        slot = np.arange(m) + flows.tail
        indices = np.empty(m + 2 * n, np.int32)
        indices[slot] = np.where(carries > 0, flows.head, flows.tail)
        indices[start[1:] - 1] = nodes
        indices[m + n :] = n + nodes
        graph = csr_array((np.ones(len(indices)), indices, indptr), shape=(2 * n, 2 * n))
        return cls(flows, own, carries, carries.copy(), np.full(n, -1), slot, indices.copy(), graph)

    def clear(self) -> None:
        """Forget all ways."""
        self.left[:], self.origin[:], self.graph.indices[:] = self.carries, -1, self.begin

    def lay(self, ways: Sequence[tuple[int, NDArray[np.int64]]]) -> None:
        """Let ways go that have no limited node in common: how many along each, and its arcs."""
        arc = np.concatenate([way for _, way in ways])
        amount = np.repeat([amount for amount, _ in ways], [len(way) for _, way in ways])
        self._lead(self._go(arc, amount))

    def widen(self, _: int, /) -> None:
        """Ways without a common node are all alike."""

    def search(self, source: int) -> NDArray[np.int32]:
        """Return the node before each one on the way to it from the source; negative where there is none."""
        before: NDArray[np.int32] = breadth_first_order(self.graph, source)[1]
        return before

    def grow(self, source: int, sink: int, most: int | None = None) -> int:
        """Return how many more ways lead from one node to another."""
        more = 0
        while most is None or more < most:
            before = self.search(source)
            if before[sink] < 0:
                break
            more += self.take(way_to(before, source, sink))
        return more

    def take(self, way: NDArray[np.int64]) -> int:
        """Let one more way go along the nodes that a search has found, which may cancel parts of others; return 1."""
        n = len(self.origin)
        a, b = way[:-1], way[1:]
        out = a % n == b % n  # from a node that is left to where it is entered
        a, b = a[~out], b[~out]
        u, v = a % n, b % n
        arc = self.flows.arcs_between(u, v)
        back = self.flows.back[arc]
        # Who has entered a node on a way goes back along it; so does, from a node without limit, who comes to the end
        # of a way's link.
        turned = a >= n
        turned |= ~self.limited[u] & self.limited[v] & (b < n) & (self.carries[back] > self.left[back])
        self.left[back[turned]] += 1
        self.origin[u[turned & self.limited[u]]] = -1
        self._go(arc[~turned], 1)
        self._lead(np.unique(way % n))
        return 1

    def _go(self, arc: NDArray[np.int64], amount: NDArray[np.int64] | int) -> NDArray[np.int64]:
        """Let ways go along arcs; return the nodes at these."""
        u, v, back = self.flows.tail[arc], self.flows.head[arc], self.flows.back[arc]
        np.subtract.at(self.left, arc, amount)
        both = ~self.limited[u] & ~self.limited[v]
        np.add.at(self.left, back[both], amount[both] if isinstance(amount, np.ndarray) else amount)
        self.origin[v[self.limited[v]]] = u[self.limited[v]]
        return np.unique(np.concatenate([u, v])).astype(np.int64)

    def _lead(self, nodes: NDArray[np.int64]) -> None:
        """Let the arcs at some nodes lead to where they do now."""
        n, m = len(self.origin), len(self.left)
        start = self.graph.indptr[nodes].astype(np.int64) - nodes
        count = self.graph.indptr[nodes + 1] - self.graph.indptr[nodes] - 1
        of_row = np.repeat(start - np.r_[0, np.cumsum(count)[:-1]], count) + np.arange(count.sum())
        arc = np.concatenate([of_row, self.flows.back[of_row]])
        u, v, back = self.flows.tail[arc], self.flows.head[arc], self.flows.back[arc]
        head = np.where(self.left[arc] > 0, np.where(self.origin[v] >= 0, n + v, v), u)
        cancels = ~self.limited[u] & self.limited[v] & (self.carries[back] > self.left[back])
        self.graph.indices[self.slot[arc]] = np.where(cancels, v, head)
        origin = self.origin[nodes]
        self.graph.indices[self.graph.indptr[nodes + 1] - 1] = np.where(origin >= 0, n + nodes, nodes)
        self.graph.indices[m + n + nodes] = np.where(origin >= 0, origin, n + nodes)
