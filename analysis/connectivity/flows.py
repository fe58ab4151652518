"""Largest flows between many pairs of nodes of one graph, which is compiled once.

A flow across a border is small: it goes through some dozen links of a city or of the line. So it is made of shortest
ways that still have room (Edmonds and Karp 1972), the wide ones first, each found by scipy's breadth-first search in a
millisecond. `scipy.sparse.csgraph.maximum_flow` prepares the whole graph anew for each pair, and its time hangs on the
graph instead of the flow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, reverse_cuthill_mckee

from network.arcs import found_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Flows:
    """Arcs and those back, of which one may hold nothing; build it with `compile_flows`.

    Attributes
    ----------
    place
        Of each node: they are numbered as a search comes by them, so that what is looked at together lies together in
        the processor's cache.
    capacity, key, back
        By arc: its capacity, tail · n + head (rising) by places, and the arc the other way.
    graph
        All arcs; one that is full leads to its own tail while a flow is sought.
    """

    place: NDArray[np.int64]
    capacity: NDArray[np.int64]
    key: NDArray[np.int64]
    back: NDArray[np.int64]
    graph: csr_array

    def send(
        self, source: int, sink: int, *, steps: Sequence[int] = (1,), most: int | None = None
    ) -> tuple[int, NDArray[np.bool_]]:
        """Return the largest flow from one node to another, and which nodes the source still reaches beside it.

        These nodes are the source's side of a smallest cut: of all smallest cuts the one nearest to the source.

        Parameters
        ----------
        steps
            Falling, to 1: ways with so much room are taken before narrower ones.
        most
            A number that the flow can't exceed: reached, the search ends, and the nodes mean nothing.
        """
        n = self.graph.shape[0]
        source, sink = int(self.place[source]), int(self.place[sink])
        tail, head = np.divmod(self.key, n)
        left, total, before = self.capacity.copy(), 0, np.full(n, -1, np.int32)
        for step in steps:
            self.graph.indices[:] = np.where(left >= step, head, tail)
            while most is None or total < most:
                _, before = breadth_first_order(self.graph, source)
                if before[sink] < 0:
                    break
                way = way_to(before, source, sink)
                arcs = np.searchsorted(self.key, way[:-1] * n + way[1:])
                room = int(left[arcs].min())
                left[arcs] -= room
                left[self.back[arcs]] += room
                total += room
                both = np.concatenate([arcs, self.back[arcs]])
                self.graph.indices[both] = np.where(left[both] >= step, head[both], tail[both])
        reached = before >= 0
        reached[source] = True
        return total, reached[self.place]


def compile_flows(capacity: csr_array) -> Flows:
    """Return a graph of whole capacities, ready for flows."""
    n = capacity.shape[0]
    place = _in_turn(capacity)
    tail, head = place[np.repeat(np.arange(n), np.diff(capacity.indptr))], place[capacity.indices]
    there = tail * n + head
    key, back = np.sort(there), np.sort(head * n + tail)
    # Nearly all are there already: to sort them together would take several times as long.
    at, known = found_in(key, back)
    key = np.insert(key, at[~known], back[~known])
    value = np.zeros(len(key), np.int64)
    np.add.at(value, np.searchsorted(key, there), capacity.data)
    tail, head = np.divmod(key, n)
    start = np.searchsorted(tail, np.arange(n + 1)).astype(np.int32)
    graph = csr_array((np.ones(len(key)), head.astype(np.int32), start), shape=(n, n))
    return Flows(place, value, key, np.searchsorted(key, head * n + tail), graph)


def _in_turn(graph: csr_array) -> NDArray[np.int64]:
    """Return the place of each node in the order of Cuthill and McKee, which keeps neighbours together."""
    place = np.empty(graph.shape[0], np.int64)
    place[reverse_cuthill_mckee(graph)] = np.arange(graph.shape[0])
    return place


def way_to(before: NDArray[np.int32], source: int, sink: int) -> NDArray[np.int64]:
    """Return the nodes of the way that a search has found, from its source on."""
    way, node = [sink], sink
    while node != source:  # links of one way: hundreds
        node = int(before[node])
        way.append(node)
    return np.array(way[::-1], np.int64)
