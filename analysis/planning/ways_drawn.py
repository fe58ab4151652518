"""Ways across the border in two states under draws: what no draw changes is laid out once, shared ways are found once.

An edit of checkpoints changes a few gates. The ways over all others are the same in both states: they are found once
for each draw, and a state is the shorter of these and of the ways through its own gates. So pairs whose way leads over
no edited gate are equal to the bit. Where an edit changes ways at home (roads that are built, a road that a new post
splits), each state is found by itself.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from layers.sides import SIDES
from network.costs import min_plus, shortest_walks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from analysis.planning.across import ModeAcross
    from analysis.planning.draws import Draw

Both = tuple["NDArray[np.float64]", "NDArray[np.float64]"]
"""Something of either side, or of the two states."""
_Gate = tuple[int, int, float, str]
"""Tail, head, minutes and checkpoint."""


def minutes_of(ways: tuple[Ways, ...], draw: Draw) -> Both:
    """Return the minutes of all pairs by one mode in both states, found together or each by itself; see `ways_of`."""
    if len(ways) == 1:
        return ways[0].minutes(draw)
    return ways[0].minutes(draw)[0], ways[1].minutes(draw)[0]


@dataclass(frozen=True)
class _Gates:
    """Directed gates between posts, and the checkpoint of each."""

    tail: NDArray[np.int64]
    head: NDArray[np.int64]
    cost: NDArray[np.float64]
    checkpoint: tuple[str, ...]

    @classmethod
    def of(cls, gates: Counter[_Gate], nodes: NDArray[np.int64]) -> _Gates:
        """Return gates given by network nodes."""
        rows = sorted(gates)  # parallel ones at one cost are one
        tail, head = (np.searchsorted(nodes, np.array([row[k] for row in rows], np.int64)) for k in (0, 1))
        return cls(tail, head, np.array([row[2] for row in rows], float), tuple(row[3] for row in rows))

    @property
    def same_back(self) -> bool:
        """Whether each has one back at the same cost and of the same checkpoint."""
        rows = zip(self.tail.tolist(), self.head.tolist(), self.cost.tolist(), self.checkpoint, strict=True)
        known = set(rows)
        return known == {(head, tail, cost, name) for tail, head, cost, name in known}

    def under(self, waits: Mapping[str, float]) -> NDArray[np.float64]:
        """Return their minutes with waits times a factor each."""
        return np.asarray(self.cost * np.array([waits.get(c, 1.0) for c in self.checkpoint]), float)


@dataclass(frozen=True)
class _Trip:
    """Minutes at home of trips in one direction: to the posts near their origins, and on from those far from them.

    ``side`` is where they begin, 0 or 1.
    """

    to: NDArray[np.float64]
    near: NDArray[np.int64]
    on: NDArray[np.float64]
    far: NDArray[np.int64]
    side: int

    @classmethod
    def of(cls, to: NDArray[np.float64], on: NDArray[np.float64], side: int) -> _Trip:
        """Return trips by their minutes to all posts and on from all: of these the ones that can be reached."""
        near, far = np.flatnonzero(np.isfinite(to).any(axis=0)), np.flatnonzero(np.isfinite(on).any(axis=1))
        return cls(np.ascontiguousarray(to[:, near]), near, on[far], far, side)

    def slowed(self, slow: tuple[float, float]) -> _Trip:
        """Return the same with minutes at home times a factor by side."""
        return _Trip(self.to * slow[self.side], self.near, self.on * slow[1 - self.side], self.far, self.side)

    def over(self, walks: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the minutes of all pairs over walks between posts."""
        return min_plus(min_plus(self.to, walks[np.ix_(self.near, self.far)]), self.on)

    def through(self, walks: NDArray[np.float64], gate: tuple[int, int, float]) -> Both:
        """Return the minutes from all origins through a gate, and on from it to all targets."""
        tail, head, cost = gate
        come = (self.to + walks[self.near, tail]).min(axis=1, initial=np.inf) + cost
        return come, (walks[head, self.far, None] + self.on).min(axis=0, initial=np.inf)


@dataclass(frozen=True)
class Ways:
    """Ways of one mode over gates that both states have, and over those that each has beside.

    ``between`` are minutes at home between posts, ``side`` where each post lies.
    """

    between: NDArray[np.float64]
    side: NDArray[np.int64]
    shared: _Gates
    own: tuple[_Gates, _Gates]
    there: _Trip
    back: _Trip

    def minutes(self, draw: Draw) -> Both:
        """Return the minutes of all pairs in both states, mean of there and back; one table where they are equal."""
        walks = self.between * np.asarray(draw.slow)[self.side][:, None]
        np.minimum.at(walks, (self.shared.tail, self.shared.head), self.shared.under(draw.waits))
        walks = shortest_walks(walks)
        trips = [trip.slowed(draw.slow) for trip in ((self.there,) if self.same_back else (self.there, self.back))]
        shared = [trip.over(walks) for trip in trips]
        old = self._in_state(0, draw, walks, trips, shared)
        return old, old if not any(len(g.cost) for g in self.own) else self._in_state(1, draw, walks, trips, shared)

    def _in_state(
        self,
        state: int,
        draw: Draw,
        walks: NDArray[np.float64],
        trips: Sequence[_Trip],
        shared: Sequence[NDArray[np.float64]],
    ) -> NDArray[np.float64]:
        """Return the minutes of one state: the shorter of the ways of both, and of those through its own gates."""
        own = self.own[state]
        gates = list(zip(own.tail.tolist(), own.head.tolist(), own.under(draw.waits).tolist(), strict=True))
        for tail, head, cost in gates:  # gates of edited checkpoints: a handful
            walks = np.minimum(walks, walks[:, tail, None] + cost + walks[None, head])
        found = []
        for trip, table in zip(trips, shared, strict=True):
            least = table.copy() if gates else table
            for gate in gates:
                come, on = trip.through(walks, gate)
                np.minimum(least, come[:, None] + on, out=least)
            found.append(least)
        return found[0] if self.same_back else (found[0] + found[1].T) / 2

    @cached_property
    def same_back(self) -> bool:
        """Whether every way costs the same back: then trips back are those there."""
        there, back = self.there, self.back
        return (
            np.array_equal(self.between, self.between.T)
            and all(gates.same_back for gates in (self.shared, *self.own))
            and np.array_equal(there.near, back.far)
            and np.array_equal(there.far, back.near)
            and np.array_equal(there.to, back.on.T)
            and np.array_equal(there.on, back.to.T)
        )


def ways_of(old: ModeAcross | None, new: ModeAcross | None) -> tuple[Ways, ...]:
    """Return the ways of a mode in two states: together where ways at home are the same, else those of each."""
    states = [m for m in (old, new) if m is not None]
    nodes = states[0].overlay.posts
    for m in states[1:]:
        nodes = np.union1d(nodes, m.overlay.posts)
    laid = [_Laid.of(m, nodes) for m in states]
    if len(laid) == 2 and laid[0].agrees(laid[1]):
        gates = [Counter(_gates_of(m)) for m in states]
        shared = gates[0] & gates[1]
        # Of two posts that are never in one state no way is known, and none needed.
        return (laid[0].and_of(laid[1]).ways(shared, gates[0] - shared, gates[1] - shared),)
    apart = {id(m): one.ways(Counter(_gates_of(m))) for m, one in zip(states, laid, strict=True)}
    return tuple(laid[0].ways(Counter()) if m is None else apart[id(m)] for m in (old, new))


def _gates_of(mode: ModeAcross) -> list[_Gate]:
    """Return the gates of a mode by the network nodes of their posts."""
    posts, gates = mode.overlay.posts, mode.overlay.gates
    ends = (posts[gates[c].to_numpy(np.int64)].tolist() for c in ("tail", "head"))
    return list(zip(*ends, gates["cost"].astype(float).tolist(), gates["checkpoint_id"].tolist(), strict=True))


@dataclass(frozen=True)
class _Laid:
    """Minutes at home of one mode to, from and between given network nodes.

    Infinity of nodes that are no posts of its state; ``known`` tells which are. ``to`` and ``on`` are of side a and b.
    """

    nodes: NDArray[np.int64]
    known: NDArray[np.bool_]
    to: Both
    on: Both
    between: NDArray[np.float64]
    side: NDArray[np.int64]

    @classmethod
    def of(cls, mode: ModeAcross, nodes: NDArray[np.int64]) -> _Laid:
        """Return the minutes of a mode, infinity where they are not known."""
        posts, n = mode.overlay.posts, len(nodes)
        at = np.searchsorted(nodes, posts)
        to, on = [], []
        for table in (mode.to_a, mode.to_b):
            to.append(np.full((len(table), n), np.inf))
            to[-1][:, at] = table
        for table in (mode.from_a, mode.from_b):
            on.append(np.full((n, table.shape[1]), np.inf))
            on[-1][at] = table
        between, side = np.full((n, n), np.inf), np.full(n, -1)
        between[np.ix_(at, at)] = mode.overlay.between
        named = mode.overlay.home.network.nodes["side"].to_numpy(dtype=object)[posts]
        side[at] = np.where(named == SIDES[0], 0, 1)
        return cls(nodes, np.isin(nodes, posts), (to[0], to[1]), (on[0], on[1]), between, side)

    def agrees(self, other: _Laid) -> bool:
        """Return whether ways at home are the same over the posts that both states have."""
        both = self.known & other.known
        square = np.ix_(both, both)
        return (
            np.array_equal(self.side[both], other.side[both])
            and np.array_equal(self.between[square], other.between[square])
            and all(np.array_equal(x[:, both], y[:, both]) for x, y in zip(self.to, other.to, strict=True))
            and all(np.array_equal(x[both], y[both]) for x, y in zip(self.on, other.on, strict=True))
        )

    def and_of(self, other: _Laid) -> _Laid:
        """Return what either state knows."""
        to, on = (
            [np.minimum(x, y) for x, y in zip(*pair, strict=True)]
            for pair in ((self.to, other.to), (self.on, other.on))
        )
        between, side = np.minimum(self.between, other.between), np.maximum(self.side, other.side)
        return _Laid(self.nodes, self.known | other.known, (to[0], to[1]), (on[0], on[1]), between, side)

    def ways(self, shared: Counter[_Gate], *own: Counter[_Gate]) -> Ways:
        """Return them with gates."""
        made = [_Gates.of(gates, self.nodes) for gates in (shared, *own, *[Counter[_Gate]()] * (2 - len(own)))]
        there, back = _Trip.of(self.to[0], self.on[1], 0), _Trip.of(self.to[1], self.on[0], 1)
        return Ways(self.between, self.side, made[0], (made[1], made[2]), there, back)
