"""Ways of a place to the line between two parts of a graph, sought once for all pairs of the place.

How large a largest flow is does not hang on what it begins with (Ford and Fulkerson 1956). So that of a pair goes on
from the ways of its two places to the line, where these meet at the same arcs over it. Every place takes the arcs over
the line in one order, so that most of them do.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import numpy as np

from analysis.connectivity.flows import way_to

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from analysis.connectivity.flows import Flows

Way = tuple[int, "NDArray[np.int64]"]
"""How much goes along it, and its arcs."""
Ways = dict[int, list[Way]]
"""By number of an arc over the line: what goes over it."""


class Growing(Protocol):
    """What ways are sought on: `analysis.connectivity.flows.Flow` or `analysis.connectivity.apart.Apart`."""

    @property
    def carries(self) -> NDArray[np.int64]:
        """What each arc carries."""

    @property
    def left(self) -> NDArray[np.int64]:
        """What each arc still carries."""

    def clear(self) -> None:
        """Forget all ways."""

    def lay(self, ways: Sequence[Way], /) -> None:
        """Let ways go for which there is room."""

    def widen(self, step: int, /) -> None:
        """Let searches go where there is so much room."""

    def search(self, source: int, /) -> NDArray[np.int32]:
        """Return the node before each one on the way to it from the source; negative where there is none."""

    def take(self, way: NDArray[np.int64], /) -> int:
        """Let go along a way what there is room for; return how much."""


G = TypeVar("G", bound=Growing)


@dataclass
class Halves(Generic[G]):
    """A graph in parts, and the ways of places to the lines between these.

    Attributes
    ----------
    part
        By place the part that it lies in; −1 for none.
    make
        Gives what ways are sought on, for capacities by arc.
    steps
        Falling: ways with so much room are sought.
    further
        Ways of a kind that are ways of this kind too, to which others are added.
    whole
        The whole graph.
    """

    flows: Flows
    part: NDArray[np.int64]
    make: Callable[[NDArray[np.int64]], G]
    steps: Sequence[int] = (1,)
    further: Halves[Any] | None = None
    whole: G = field(init=False)
    _lines: dict[tuple[int, int], tuple[NDArray[np.int64], G, G]] = field(default_factory=dict)
    _ways: dict[tuple[int, int, bool], Ways] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the whole graph."""
        self.whole = self.make(self.flows.capacity)

    def start(self, source: int, sink: int) -> int:
        """Leave on the whole graph what goes from one place to another by their ways to the line; return how much."""
        first, second = int(self.part[source]), int(self.part[sink])
        ways: list[Way] = []
        if first != second and min(first, second) >= 0:
            there, beyond = self.ways(source, second), self.ways(sink, first, back=True)
            for number in there:
                ways += _joined(there[number], beyond.get(number, []), self.flows.back)
        self.whole.clear()
        if ways:
            self.whole.lay(ways)
        return sum(amount for amount, _ in ways)

    def ways(self, place: int, beyond: int, *, back: bool = False) -> Ways:
        """Return the ways of a place to the line between its part and another.

        Parameters
        ----------
        back
            From the line to it: each way, and each arc of it, turned round.
        """
        key = place, beyond, back
        if key not in self._ways:
            own = int(self.part[place])
            arcs, *halves = self._line(beyond, own) if back else self._line(own, beyond)
            over, half = self.flows.back[arcs] if back else arcs, halves[back]
            known = self.further.ways(place, beyond, back=back) if self.further else {}
            half.clear()
            if known:
                half.lay([way for ways in known.values() for way in ways])
            self._fill(half, place, over)
            self._ways[key] = _ways(self.flows, half.carries - half.left, place, over)
        return self._ways[key]

    def _line(self, first: int, second: int) -> tuple[NDArray[np.int64], G, G]:
        """Return the arcs from one part to another, and the two parts with them, each as its places see it."""
        key = first, second
        if key not in self._lines:
            flows = self.flows
            tail, head = self.part[flows.tail], self.part[flows.head]
            over = (tail == first) & (head == second)
            there, beyond = (
                np.where(over | ((tail == own) & (head == own)), flows.capacity, 0) for own in (first, second)
            )
            arcs = np.flatnonzero(over & (flows.capacity > 0))
            self._lines[key] = arcs, self.make(there), self.make(beyond[flows.back])
        return self._lines[key]

    def _fill(self, half: G, place: int, over: NDArray[np.int64]) -> None:
        """Send from a place all that comes over the line, by the first arcs that can be taken."""
        heads = self.flows.head[over].astype(np.int64)
        _, first, number = np.unique(heads, return_index=True, return_inverse=True)
        rank = np.argsort(np.argsort(first))[number.ravel()]  # ends beyond the line, in the order of their first arcs
        ends, room = heads[np.sort(first)], np.bincount(rank, half.left[over]).astype(np.int64)
        for step in self.steps:
            half.widen(step)
            while True:
                before = half.search(place)
                further = np.flatnonzero((before[ends] >= 0) & (room > 0))
                if not len(further):
                    break
                room[further[0]] -= half.take(way_to(before, place, int(ends[further[0]])))


def _ways(flows: Flows, flow: NDArray[np.int64], place: int, over: NDArray[np.int64]) -> Ways:
    """Return a flow from a place to the heads of some arcs as ways that end with these."""
    used = np.flatnonzero(flow > 0)
    left = dict(zip(used.tolist(), flow[used].tolist(), strict=True))
    tail = dict(zip(used.tolist(), flows.tail[used].tolist(), strict=True))
    into: dict[int, list[int]] = {}
    for arc, node in zip(used.tolist(), flows.head[used].tolist(), strict=True):
        into.setdefault(node, []).append(arc)
    out: Ways = {}
    for number, arc in enumerate(over.tolist()):  # some dozen, each with ways of some hundred arcs
        while left.get(arc, 0) > 0:
            way = _way_back(arc, place, left, tail, into)
            amount = min(left[a] for a in way)
            for a in way:
                left[a] -= amount
            out.setdefault(number, []).append((amount, np.array(way[::-1], np.int64)))
    return out


def _way_back(
    arc: int, place: int, left: dict[int, int], tail: dict[int, int], into: dict[int, list[int]]
) -> list[int]:
    """Return the arcs of one way of a flow, from its last back to where it begins; circles on it are taken off."""
    way, node = [arc], tail[arc]
    since = {node: 1}
    while node != place:
        arcs = into[node]
        while not left[arcs[-1]]:
            arcs.pop()
        way.append(arcs[-1])
        node = tail[arcs[-1]]
        if node in since:
            circle = way[since[node] :]
            least = min(left[a] for a in circle)
            for a in circle:
                left[a] -= least
            del way[since[node] :]
            since = {n: k for n, k in since.items() if k <= len(way)}
        else:
            since[node] = len(way)
    return way


def _joined(there: list[Way], beyond: list[Way], back: NDArray[np.int64]) -> Iterator[Way]:
    """Give the ways over an arc of the line that come to it and, turned round, lead on from it."""
    ends = iter(beyond)
    amount, way = next(ends, (0, np.empty(0, np.int64)))
    for more, first in there:
        while more and amount:
            both = min(more, amount)
            yield both, np.concatenate([first, back[way[-2::-1]]])
            more, amount = more - both, amount - both
            if not amount:
                amount, way = next(ends, (0, way))
