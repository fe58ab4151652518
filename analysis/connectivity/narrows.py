"""Where ways between groups of nodes are narrowest: one graph of streets, compiled once for all pairs of groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array

from analysis.connectivity.apart import Apart
from analysis.connectivity.flows import Flow, Flows, compile_flows, reached
from analysis.connectivity.halves import Halves
from layers.errors import NetworkError

if TYPE_CHECKING:
    from numpy.typing import NDArray

SCALE = 1024
"""Capacities are multiplied by it, or by more than there are gates, and those of gates lowered by 1: of several
smallest cuts that with the most gates is found."""
MOST = 2**53
"""Scaled capacities together: whole numbers that doubles hold exactly."""
NARROW = 4
"""Towards the line a way with less room than this part of a vehicle is not worth a search."""


@dataclass(frozen=True)
class Streets:
    """Arcs of a mode that a network lets pass, and the groups of nodes that ways begin and end at.

    ``link`` is the row of the network's links, ``checkpoint`` an id or empty, ``part`` the number of each node's side.
    """

    tail: NDArray[np.int64]
    head: NDArray[np.int64]
    link: NDArray[np.int64]
    checkpoint: NDArray[np.object_]
    groups: tuple[NDArray[np.int64], ...]
    part: NDArray[np.int64]

    @property
    def members(self) -> NDArray[np.int64]:
        """The nodes of all groups, one group after the other."""
        return np.concatenate([np.empty(0, np.int64), *self.groups])


@dataclass(frozen=True)
class Narrows:
    """Scaled capacities, and what ways and flows between groups are sought on.

    Attributes
    ----------
    flows
        Behind the nodes of the streets three of each group: g, in and out.
    gates
        Arcs of checkpoints.
    whole
        What stands for no limit.
    scale, unit
        What a link or vehicle counts, and what flows of pairs are counted in: links one by one.
    steps
        Ways so wide come first.
    ways, apart
        Ways of groups to the line, and those without a common node; the latter where links are counted.
    """

    streets: Streets
    flows: Flows
    gates: NDArray[np.int64]
    whole: int
    scale: int
    unit: int
    steps: tuple[int, ...]
    ways: Halves[Flow]
    apart: Halves[Apart]

    @classmethod
    def of(cls, streets: Streets, capacity: NDArray[np.float64] | None = None) -> Narrows:
        """Return them by vehicles a day of each arc, NaN for no limit; by links where nothing is given.

        Raises
        ------
        NetworkError
            More vehicles than whole numbers count.
        """
        value, whole, scale = _scaled(streets, np.ones(len(streets.tail)) if capacity is None else capacity)
        flows = _compiled(streets, value, whole)
        place = flows.place
        gate = streets.checkpoint != ""
        gates = np.unique(flows.arcs_between(place[streets.tail[gate]], place[streets.head[gate]]))
        limited = np.zeros(len(place), bool)
        limited[: len(streets.part)] = True
        limited[streets.members] = False
        part, unit = _parts(streets, flows), scale if capacity is None else 1
        steps = (1,) if capacity is None else tuple(4**k for k in range(whole.bit_length() // 2, -1, -1))

        def alone(own: NDArray[np.int64]) -> Apart:
            return Apart.of(flows, limited, unit=scale, capacity=own)

        def together(own: NDArray[np.int64]) -> Flow:
            return Flow.of(flows, -(-own // unit))

        apart = Halves(flows, part, alone)
        wide = [step for step in steps if unit > 1 or step * NARROW >= scale]
        # Ways without a common node have no common link either.
        ways = Halves(flows, part, together, wide, apart if capacity is None else None)
        return cls(streets, flows, gates, whole, scale, unit, steps, ways, apart)

    def ends(self, a: int, b: int) -> tuple[int, int]:
        """Return the places where ways from one group to another begin and end.

        Group g: one arc from g's first node to its second caps what starts there: what has no limit is the whole.
        """
        place, first = self.flows.place, len(self.streets.part)
        return int(place[first + 3 * a]), int(place[first + 3 * b + 2])

    def smallest_cut(self, a: int, b: int) -> tuple[float, list[str], int]:
        """Return the smallest cut between two groups (NaN for no limit), its checkpoints, its number of other arcs."""
        source, sink = self.ends(a, b)
        value, flow = self.ways.start(source, sink), self.ways.whole
        more, before = flow.go_on(source, sink, self.steps)
        value = (value + more) * self.unit
        if self.unit > 1 and flow.may_part(self.gates):
            # Gates carry a little less than other links: of equal cuts that with the most of them is the least.
            sent = (self.unit - 1) * (flow.carries - flow.left)
            flow = Flow(self.flows, self.flows.capacity, self.flows.capacity - sent)
            more, before = flow.go_on(source, sink, (1,))
            value += more - value // self.unit
        if value >= self.whole:
            return float("nan"), [], 0
        seen = reached(before, source)[self.flows.place]
        over = seen[self.streets.tail] & ~seen[self.streets.head]
        ids = self.streets.checkpoint[over]
        return float(-(-value // self.scale)), sorted(set(ids[ids != ""])), int((ids == "").sum())

    def ways_apart(self, a: int, b: int, *, most: int) -> int:
        """Return how many ways between two groups have no node in common but those of groups."""
        source, sink = self.ends(a, b)
        found = self.apart.start(source, sink)
        return found + self.apart.whole.grow(source, sink, most - found)


def _scaled(streets: Streets, capacity: NDArray[np.float64]) -> tuple[NDArray[np.int64], int, int]:
    """Return scaled capacities, what stands for no limit, and the scale."""
    known, gate = np.isfinite(capacity), streets.checkpoint != ""
    scale = max(SCALE, 2 ** int(gate.sum()).bit_length())
    total = float(np.rint(capacity[known]).sum())
    if (total + 1) * scale > MOST:
        raise NetworkError(
            f"capacities of {total:g} vehicles a day in all: allowed is up to {MOST // scale - 1:,}, "
            "give them in thousands"
        )
    whole = int(total + 1) * scale
    value = np.where(known, np.maximum(np.rint(np.where(known, capacity, 0.0)) * scale - gate, 0), whole)
    return value.astype(np.int64), whole, scale


def _compiled(streets: Streets, value: NDArray[np.int64], whole: int) -> Flows:
    """Return the graph of scaled capacities with the groups' nodes."""
    n, count, member = len(streets.part), [len(g) for g in streets.groups], streets.members
    group, every = np.repeat(np.arange(len(count)), count), np.arange(len(count))
    tail = np.concatenate([streets.tail, n + 3 * group + 1, member, n + 3 * every])
    head = np.concatenate([streets.head, member, n + 3 * group + 2, n + 3 * every + 1])
    value = np.concatenate([value, np.full(2 * len(member) + len(count), whole)])
    size = n + 3 * len(count)
    csr = coo_array((value, (tail, head)), shape=(size, size)).tocsr()
    csr.data = np.minimum(csr.data, whole)  # parallel links add up
    return compile_flows(csr)


def _parts(streets: Streets, flows: Flows) -> NDArray[np.int64]:
    """Return the side of each place of the flows; of a group that of its nodes, −1 where they are of both."""
    sides = [np.unique(streets.part[g]) for g in streets.groups]
    own = np.array([s[0] if len(s) == 1 else -1 for s in sides], np.int64)
    out = np.empty(len(flows.place), np.int64)
    out[flows.place] = np.concatenate([streets.part, np.repeat(own, 3)])
    return out
