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
    tail, head
        Places of its ends.
    graph
        All arcs; one that is full leads to its own tail while a flow is sought.
    """

    place: NDArray[np.int64]
    capacity: NDArray[np.int64]
    key: NDArray[np.int64]
    back: NDArray[np.int64]
    tail: NDArray[np.int32]
    head: NDArray[np.int32]
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
        flow, begin = Flow.of(self, self.capacity), int(self.place[source])
        total, before = flow.grow(begin, int(self.place[sink]), steps, most)
        return total, reached(before, begin)[self.place]

    def arcs_between(self, tail: NDArray[np.int64], head: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the arcs between places."""
        return np.asarray(np.searchsorted(self.key, tail * self.graph.shape[0] + head), np.int64)


@dataclass
class Flow:
    """A flow that grows over the arcs of a graph, on which no other flow is sought meanwhile; nodes are places.

    Attributes
    ----------
    carries, left
        What each arc carries, and what it still does.
    """

    flows: Flows
    carries: NDArray[np.int64]
    left: NDArray[np.int64]
    _step: int = 1

    @classmethod
    def of(cls, flows: Flows, capacity: NDArray[np.int64]) -> Flow:
        """Return no flow yet on a graph whose arcs have other capacities."""
        return cls(flows, capacity, capacity.copy())

    def clear(self) -> None:
        """Forget what goes."""
        self.left[:] = self.carries

    def lay(self, ways: Sequence[tuple[int, NDArray[np.int64]]]) -> None:
        """Let ways go for which there is room: how much of each, and its arcs. Searches know of it once widened."""
        arcs = np.concatenate([way for _, way in ways])
        amount = np.repeat([amount for amount, _ in ways], [len(way) for _, way in ways])
        np.subtract.at(self.left, arcs, amount)
        np.add.at(self.left, self.flows.back[arcs], amount)

    def widen(self, step: int) -> None:
        """Let searches go over arcs with so much room."""
        flows, self._step = self.flows, step
        flows.graph.indices[:] = np.where(self.left >= step, flows.head, flows.tail)

    def search(self, source: int) -> NDArray[np.int32]:
        """Return the node before each one on the way to it from the source; negative where there is none."""
        before: NDArray[np.int32] = breadth_first_order(self.flows.graph, source)[1]
        return before

    def take(self, way: NDArray[np.int64]) -> int:
        """Send what a way has room for; return how much."""
        flows, left = self.flows, self.left
        arcs = flows.arcs_between(way[:-1], way[1:])
        back = flows.back[arcs]
        room = int(left[arcs].min())
        left[arcs] -= room
        left[back] += room
        both = np.concatenate([arcs, back])
        flows.graph.indices[both] = np.where(left[both] >= self._step, flows.head[both], flows.tail[both])
        return room

    def grow(
        self, source: int, sink: int, steps: Sequence[int], most: int | None = None
    ) -> tuple[int, NDArray[np.int32]]:
        """Return how much more goes from one node to another, and what the last search found; see `Flows.send`."""
        more, before = 0, np.full(len(self.flows.place), -1, np.int32)
        for step in steps:
            self.widen(step)
            while most is None or more < most:
                before = self.search(source)
                if before[sink] < 0:
                    break
                more += self.take(way_to(before, source, sink))
        return more, before

    def go_on(self, source: int, sink: int, steps: Sequence[int]) -> tuple[int, NDArray[np.int32]]:
        """Return the same of a flow that is mostly as large as it can be: a single search shows it."""
        self.widen(1)
        before = self.search(source)
        return (0, before) if before[sink] < 0 else self.grow(source, sink, steps)

    def may_part(self, arcs: NDArray[np.int64]) -> bool:
        """Return whether one of some arcs may be in a smallest cut, once the flow is as large as it can be.

        Such an arc is full, and no way with room leads from its tail to its head (Picard and Queyranne 1980): none is
        where all their ends come to each other.
        """
        flows = self.flows
        full = arcs[self.left[arcs] == 0]
        if not len(full):
            return False
        ends, begin = np.unique(np.concatenate([flows.tail[full], flows.head[full]])), int(flows.tail[full[0]])
        self.widen(1)
        if not reached(self.search(begin), begin)[ends].all():
            return True
        flows.graph.indices[:] = np.where(self.left[flows.back] > 0, flows.head, flows.tail)  # all arcs turned round
        return not reached(self.search(begin), begin)[ends].all()


def reached(before: NDArray[np.int32], source: int) -> NDArray[np.bool_]:
    """Return which places a search has come to."""
    out = before >= 0
    out[source] = True
    return out


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
    back = np.searchsorted(key, head * n + tail)
    tail, head = tail.astype(np.int32), head.astype(np.int32)
    return Flows(place, value, key, back, tail, head, csr_array((np.ones(len(key)), head.copy(), start), shape=(n, n)))


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
