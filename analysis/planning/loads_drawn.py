"""Loads and queues of checkpoints under the draws, over the pairs of places that make nearly all trips."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.planning.across import in_all_modes
from analysis.trips.choice import THETA_PER_MIN, Choice, logit
from analysis.trips.crossings import number_crossings
from analysis.trips.load import PEAK_MIN, equilibrium

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analysis.planning.across import Across, ModeAcross
    from analysis.planning.benefit import Benefit
    from analysis.planning.draws import Draw

SHARE, MOST_PAIRS = 0.99, 2000
"""Draws look at the pairs with most trips until these make so many of all, and at no more than so many pairs."""
LOADS = ("before", "diverted", "induced", "after")


@dataclass(frozen=True)
class Pairs:
    """Pairs of places by their rows in either side."""

    i: NDArray[np.int64]
    j: NDArray[np.int64]


def most_travelled(benefit: Benefit, *, share: float = SHARE, most: int = MOST_PAIRS) -> Pairs:
    """Return the pairs with most trips before and after together, until they make a share of all."""
    trips = (benefit.before + benefit.after).ravel()
    order = np.argsort(-trips, kind="stable")[:most]
    whole = np.cumsum(trips[order])
    n = int(np.searchsorted(whole, share * trips.sum())) + 1
    order = order[:n]
    return Pairs(*np.unravel_index(order[trips[order] > 0], benefit.before.shape))


@dataclass(frozen=True)
class Alternatives:
    """What the trips of some pairs choose among in one state, laid out for draws; build it with `Alternatives.of`.

    ``table`` has ``checkpoint_id``, ``crossing`` and ``mode`` of each.
    """

    table: pd.DataFrame
    modes: tuple[_Through, ...]

    @classmethod
    def of(cls, across: Across, pairs: Pairs) -> Alternatives:
        """Return those of some pairs."""
        modes = tuple(_Through.of(m, pairs) for m in across.modes)
        return cls(in_all_modes([m.mode for m in across.modes], [m.table for m in modes]), modes)

    def minutes(self, draw: Draw) -> NDArray[np.float64]:
        """Return the minutes through each under a draw, mean of there and back, shape (alternatives, pairs)."""
        return np.concatenate([m.minutes(draw) for m in self.modes])

    @cached_property
    def known_by(self) -> list[bytes]:
        """What the minutes through each hang on, under any draw."""
        return [key for m in self.modes for key in m.known_by]

    def chosen(self, minutes: NDArray[np.float64], theta: float) -> NDArray[np.float64]:
        """Return the shares of trips that choose each."""
        return logit(minutes, theta, self.table["crossing"].to_numpy(np.int64))


@dataclass(frozen=True)
class _Through:
    """Minutes at home of some pairs to and from the gates of one mode; those of one alternative lie together.

    ``there`` and ``back`` hold the rows of gates that are passed so, minutes to them and on from them.
    """

    table: pd.DataFrame
    cost: NDArray[np.float64]
    checkpoint: list[str]
    there: _OneWay
    back: _OneWay

    @classmethod
    def of(cls, mode: ModeAcross, pairs: Pairs) -> _Through:
        """Return them."""
        gates = mode.overlay.gates.assign(crossing=number_crossings(mode.overlay))
        gates = gates[gates["checkpoint_id"] != ""].sort_values(["checkpoint_id", "crossing"], kind="stable")
        by = gates.groupby(["checkpoint_id", "crossing"], sort=True)
        number = np.asarray(by.ngroup(), np.int64)
        tail, head = (gates[c].to_numpy(np.int64) for c in ("tail", "head"))
        i, j = pairs.i, pairs.j
        there = _OneWay.of(mode.to_a[i].T[tail], mode.from_b[head][:, j], number)
        back = _OneWay.of(mode.from_a[head][:, i], mode.to_b[j].T[tail], number)
        cost, ids = gates["cost"].to_numpy(float), gates["checkpoint_id"].tolist()
        return cls(by.size().index.to_frame(index=False), cost, ids, there, back)

    def minutes(self, draw: Draw) -> NDArray[np.float64]:
        """Return the minutes through each alternative under a draw."""
        cost = self.cost * np.array([draw.waits.get(c, 1.0) for c in self.checkpoint])
        there = self.there.least(cost, draw.slow, len(self.table))
        return there if self.same_back else (there + self.back.least(cost, draw.slow, len(self.table))) / 2

    @property
    def known_by(self) -> list[bytes]:
        """What the minutes through each alternative hang on: its checkpoint, and the ways through its gates."""
        ids = self.table["checkpoint_id"].tolist()
        parts = [way.known_by(self.cost, len(ids)) for way in (self.there, self.back)]
        return [repr(row).encode() for row in zip(ids, *parts, strict=True)]

    @cached_property
    def same_back(self) -> bool:
        """Whether every way through costs the same back, whatever the draw."""
        there, back = self.there, self.back
        passed = [[(self.cost[g], self.checkpoint[g]) for g in way.gate.tolist()] for way in (there, back)]
        return passed[0] == passed[1] and all(
            np.array_equal(getattr(there, part), getattr(back, part)) for part in ("a", "b", "first", "number")
        )


@dataclass(frozen=True)
class _OneWay:
    """Minutes at home on side a and on side b of ways through gates, a row for each gate that has any."""

    gate: NDArray[np.int64]
    a: NDArray[np.float64]
    b: NDArray[np.float64]
    first: NDArray[np.int64]
    number: NDArray[np.int64]

    @classmethod
    def of(cls, a: NDArray[np.float64], b: NDArray[np.float64], number: NDArray[np.int64]) -> _OneWay:
        """Return them; gates come ordered by the number of their alternative."""
        gate = np.flatnonzero((np.isfinite(a) & np.isfinite(b)).any(axis=1))
        found, first = np.unique(number[gate], return_index=True)
        return cls(gate, np.ascontiguousarray(a[gate]), np.ascontiguousarray(b[gate]), first, found)

    def known_by(self, cost: NDArray[np.float64], n: int) -> list[str]:
        """Return a digest of the minutes and costs of each of n alternatives."""
        out = [blake2b(digest_size=16) for _ in range(n)]
        ends = np.append(self.first, len(self.gate))[1:]
        for number, begin, end in zip(self.number.tolist(), self.first.tolist(), ends.tolist(), strict=True):
            for part in (cost[self.gate[begin:end]], self.a[begin:end], self.b[begin:end]):
                out[number].update(np.ascontiguousarray(part).view(np.uint8).data)
        return [each.hexdigest() for each in out]

    def least(self, cost: NDArray[np.float64], slow: tuple[float, float], n: int) -> NDArray[np.float64]:
        """Return the least minutes through each of n alternatives, infinity without a way."""
        out = np.full((n, self.a.shape[1]), np.inf)
        if len(self.gate):
            whole = self.a * slow[0] + cost[self.gate, None] + self.b * slow[1]
            out[self.number] = np.minimum.reduceat(whole, self.first, axis=0)
        return out


@dataclass(frozen=True)
class Loads:
    """Loads of checkpoints in two states over some pairs, laid out for draws; build it with `Loads.of`."""

    before: Alternatives
    after: Alternatives
    theta: float

    @classmethod
    def of(cls, before: Across, after: Across, pairs: Pairs, *, theta: float = THETA_PER_MIN) -> Loads:
        """Return those of two states of the same places."""
        return cls(Alternatives.of(before, pairs), Alternatives.of(after, pairs), theta)

    def under(self, draw: Draw, trips: tuple[NDArray[np.float64], NDArray[np.float64]]) -> pd.DataFrame:
        """Return loads as `analysis.planning.effects.load_table` does, over these pairs alone.

        In shares of their trips of before, by checkpoint.

        Parameters
        ----------
        trips
            Of the pairs, before and after.
        """
        ids = self.ids
        total, parts = trips[0].sum(), []
        for state, minutes, own in zip((self.before, self.after), self.minutes(draw), (trips[:1], trips), strict=True):
            chosen = state.chosen(minutes, self.theta)
            at = ids.get_indexer(pd.Index(state.table["checkpoint_id"]))
            parts += [np.bincount(at, chosen @ some, len(ids)) for some in own]
        old, moved, new = (part / total if total > 0 else part for part in parts)
        return pd.DataFrame(dict(zip(LOADS, (old, moved - old, new - moved, new), strict=True)), index=ids)

    def minutes(self, draw: Draw) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the minutes through the alternatives of both states; those of the same ways are found once."""
        before = self.before.minutes(draw)
        return before, self.after.minutes(draw) if self._same is None else before[self._same]

    @cached_property
    def _same(self) -> NDArray[np.int64] | None:
        """Which alternative of the state before each one of the other is; None where one is not among them."""
        place = {key: row for row, key in enumerate(self.before.known_by)}
        rows = [place.get(key) for key in self.after.known_by]
        return None if None in rows else np.array(rows, np.int64)

    @cached_property
    def ids(self) -> pd.Index[Any]:
        """Checkpoints of either state."""
        before, after = (set(state.table["checkpoint_id"]) for state in (self.before, self.after))
        found: pd.Index[Any] = pd.Index(sorted(before | after))
        return found


def queues_of(
    alternatives: Alternatives,
    draw: Draw,
    trips: NDArray[np.float64],
    waits: Mapping[str, float],
    capacity: Mapping[str, float],
    *,
    per_day: float,
    theta: float = THETA_PER_MIN,
    peak_min: float = PEAK_MIN,
) -> pd.DataFrame:
    """Return ``flow_per_day``.

    ``load_factor`` and ``wait_min`` by checkpoint of the roads where loads make waits
    (`analysis.trips.load.equilibrium`), over some pairs.

    Parameters
    ----------
    trips
        Of the pairs.
    waits, capacity
        Free waits in minutes and vehicles a day under the draw, by checkpoint.
    per_day
        Vehicles a day by road.
    """
    table, minutes = alternatives.table, alternatives.minutes(draw)
    road = (table["mode"] == "road").to_numpy()
    crossing = table["crossing"].to_numpy(np.int64)
    chosen = (alternatives.chosen(minutes, theta) * trips)[road]
    table, minutes, crossing = table[road].reset_index(drop=True), minutes[road], crossing[road]
    ids = sorted(table["checkpoint_id"].unique())
    choice = Choice(
        ids,
        ["road"] * len(ids),
        np.searchsorted(ids, table["checkpoint_id"].to_numpy(dtype=str)),
        crossing,
        chosen[:, :, None],
        minutes[:, :, None],
        theta,
    )
    load = equilibrium(
        choice,
        {k: waits[k] for k in ids},
        total_per_day=per_day,
        capacity_per_day={k: capacity[k] for k in ids if k in capacity},
        theta=theta,
        peak_min=peak_min,
    )
    return load.checkpoints.set_index("checkpoint_id")[["flow_per_day", "load_factor", "wait_min"]]


def ranges(draws: list[pd.DataFrame], centre: pd.DataFrame, whole: pd.DataFrame) -> pd.DataFrame:
    """Return the 5 and 95 % of tables over draws, as ``<column>_low`` and ``<column>_high``.

    Parameters
    ----------
    centre, whole
        The same with all as it is, over the pairs of the draws and over all pairs: the ranges are moved by what lies
        between the two.
    """
    if not draws:
        return pd.DataFrame(index=whole.index)
    names = list(centre.columns)
    values = np.stack([t.reindex(index=whole.index, columns=names).to_numpy(float) for t in draws])
    shift = (whole[names] - centre.reindex(whole.index)[names]).to_numpy(float)
    low, high = (quantile(values, q) + shift for q in (5, 95))
    parts = [pd.DataFrame(v, whole.index, [f"{n}_{end}" for n in names]) for v, end in ((low, "low"), (high, "high"))]
    return pd.concat(parts, axis=1)


def quantile(values: NDArray[np.float64], q: float) -> NDArray[np.float64]:
    """Return a percentile over the first axis of what is known, NaN where nothing is."""
    known = np.isfinite(values)
    if known.all():
        found: NDArray[np.float64] = np.percentile(values, q, axis=0)
        return found
    out = np.full(values.shape[1:], np.nan)
    some = known.any(axis=0)
    out[some] = np.nanpercentile(np.where(known, values, np.nan)[:, some], q, axis=0)
    return out
