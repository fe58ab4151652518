"""The choice of checkpoint: how the trips of every pair spread over the crossings, and over the posts of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.trips.crossings import share_weights, shared_rows
from layers.errors import NetworkError
from network.costs import TABLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from analysis.trips.demand import Demand, ModeTimes

THETA_PER_MIN = 0.02
"""Spread of the choice of checkpoint: the odds halve for every 35 minutes more. An assumption."""
CHUNK = 4_000_000
"""Numbers held at once where a table is as large as pairs times checkpoints."""


@dataclass(frozen=True)
class Through:
    """The minutes through every alternative of several modes, found when they are asked for.

    Of many places they would be as large a table as that of the trips, and hardly anybody asks.
    """

    modes: tuple[ModeTimes, ...]
    count: tuple[int, ...]

    def __getitem__(self, some: tuple[NDArray[np.int64], slice] | NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the minutes of some alternatives, ascending, from some origins."""
        rows, origins = some if isinstance(some, tuple) else (some, slice(None))
        parts, first = [], 0
        for m, count in zip(self.modes, self.count, strict=True):
            own = rows[(rows >= first) & (rows < first + count)] - first
            parts.append(m.minutes_through(own, origins))
            first += count
        return np.concatenate(parts)


@dataclass(frozen=True)
class Choice:
    """The choice of checkpoint.

    Attributes
    ----------
    ids, mode
        Of the checkpoints of all modes.
    checkpoint, crossing
        Of each alternative, a checkpoint at a crossing: its position in ``ids``, and the number of the crossing.
    trips, minutes
        Through each alternative by pair of places, shape (alternatives, a, b).
    theta
        The spread.
    roundabout
        By mode, the trips of pairs that only a way over several checkpoints joins: they choose none, and take the
        faster mode.
    """

    ids: list[str]
    mode: list[str]
    checkpoint: NDArray[np.int64]
    crossing: NDArray[np.int64]
    trips: NDArray[np.float64]
    minutes: NDArray[np.float64] | Through
    theta: float
    roundabout: dict[str, NDArray[np.float64]] = field(default_factory=dict)

    @property
    def share(self) -> pd.Series:
        """Share of all modelled demand that each checkpoint carries; they sum to the demand that finds a way."""
        return pd.Series(self._by_checkpoint(self.trips.sum(axis=(1, 2))), index=self.ids, dtype=float)

    def through(self, k: int) -> NDArray[np.float64]:
        """Return the trips of each pair through the checkpoint at a position in ``ids``."""
        return np.asarray(self.trips[self.checkpoint == k].sum(axis=0), float)

    def rows_of(self, mode: str) -> NDArray[np.int64]:
        """Return the alternatives of a mode."""
        return np.flatnonzero(np.array(self.mode, dtype=object)[self.checkpoint] == mode)

    def by_mode(self, mode: str) -> NDArray[np.float64]:
        """Return the trips of each pair by a mode, through one checkpoint or several."""
        chosen = self.trips[self.rows_of(mode)].sum(axis=0)
        return np.asarray(chosen + self.roundabout.get(mode, 0.0), float)

    @cached_property
    def handed_over(self) -> NDArray[np.float64]:
        """Share of each checkpoint's trips (rows) that each other one of its mode takes when it closes.

        NaN without trips.
        """
        return self.taken_over([[k] for k in range(len(self.ids))])

    def taken_over(self, closed: Sequence[Sequence[int]]) -> NDArray[np.float64]:
        """Return what each checkpoint takes of the trips of others that close together.

        The trips keep their mode and choose anew among what its other checkpoints offer.

        Parameters
        ----------
        closed
            Positions in ``ids``, those of one closure of one mode.

        Returns
        -------
        Shares of the trips of the closed ones, shape (closures, checkpoints); NaN without trips. What is missing to 1
        finds no other checkpoint of the mode.
        """
        modes = [{self.mode[k] for k in ks} for ks in closed]
        if any(len(m) != 1 for m in modes):
            raise NetworkError("a closure of checkpoints of several modes, or of none: allowed is one mode each")
        out = np.empty((len(closed), len(self.ids)))
        for mode in set().union(*modes):
            columns = [n for n, m in enumerate(modes) if m == {mode}]
            rows = self.rows_of(mode)
            gone = np.array([np.isin(self.checkpoint[rows], closed[n]) for n in columns])
            taken = self._by_checkpoint(self._moved(rows, gone).T, rows).T
            whole = gone @ self.trips[rows].sum(axis=(1, 2))
            out[columns] = taken / np.where(whole > 0, whole, np.nan)[:, None]
        return out

    def _moved(self, rows: NDArray[np.int64], gone: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the trips that alternatives of a mode gain by closures, shape (closures, alternatives)."""
        n, a, b = self.trips.shape
        taken = np.zeros(gone.shape)
        several = shared_rows(self.crossing[rows])
        parted = np.array([any(0 < g[s].sum() < len(s) for s in several) for g in gone], bool)
        step = max(1, CHUNK // max(1, max(n, len(gone)) * b))
        for start in range(0, a, step):  # chunks of origins: a table per closure of all pairs would be large
            some = slice(start, start + step)
            trips = self.trips[rows, some].reshape(len(rows), -1)
            # Summed anew, not as the whole less what closes: where that is all but a rounding error there would be
            # noise.
            lost, rest = gone.astype(float) @ trips, (~gone).astype(float) @ trips
            odds = np.divide(lost, rest, out=np.zeros_like(rest), where=rest > 0)
            odds[parted] = 0.0
            taken += odds @ trips.T
            if parted.any():
                minutes = self.minutes[rows, some].reshape(len(rows), -1)
                for k in np.flatnonzero(parted):  # closures beside another post of the crossing: a few
                    taken[k] += self._moved_within(trips, minutes, gone[k], several)
        return np.where(gone, 0.0, taken)

    def _moved_within(
        self,
        trips: NDArray[np.float64],
        minutes: NDArray[np.float64],
        gone: NDArray[np.bool_],
        several: list[NDArray[np.int64]],
    ) -> NDArray[np.float64]:
        """Return the trips that alternatives gain by one closure that leaves some crossing with fewer posts."""
        left, alone = np.where(gone[:, None], 0.0, trips), gone.copy()
        lost = np.zeros(trips.shape[1])
        for rows in several:
            stay = rows[~gone[rows]]
            if 0 < len(stay) < len(rows):
                # The crossing's trips are the weight of its best post; those of the others follow from their minutes.
                weight, best = trips[rows].sum(axis=0), minutes[rows].min(axis=0)
                odds = weight * np.exp(-self.theta * (minutes[stay] - np.where(np.isfinite(best), best, 0.0)))
                left[stay] = share_weights(odds, np.zeros(len(stay), np.int64))
                lost += weight - odds.max(axis=0)
                alone[rows] = False
        lost += trips[alone].sum(axis=0)
        rest = left.sum(axis=0)
        spread = np.divide(lost, rest, out=np.zeros_like(rest), where=rest > 0)
        gained = np.where(gone[:, None], 0.0, left - trips) + left * spread
        return np.asarray(gained.sum(axis=1), float)

    def _by_checkpoint(
        self, values: NDArray[np.float64], rows: NDArray[np.int64] | slice = slice(None)
    ) -> NDArray[np.float64]:
        """Return sums over the alternatives of each checkpoint, along the first axis."""
        out = np.zeros((len(self.ids), *values.shape[1:]))
        np.add.at(out, self.checkpoint[rows], values)
        return out


def choose_checkpoints(demand: Demand, *, theta: float = THETA_PER_MIN) -> Choice:
    """Return how the demand of every pair spreads over crossings and their posts: logit p ∝ e^(−θ·time through it).

    The alternative is the crossing, with the time through its best post; the posts of one crossing share what chooses
    it (`analysis.trips.crossings.share_weights`), so that a second post beside the first draws nobody from elsewhere.
    Road and rail stand in one choice set, for the trip is one; θ → ∞ sends each pair through its fastest crossing.

    Raises
    ------
    NetworkError
        θ is not positive.
    """
    if not theta > 0:
        raise NetworkError(f"a spread θ of {theta:g} per minute: allowed is more than 0")
    ids: list[str] = []
    mode: list[str] = []
    checkpoint: list[NDArray[np.int64]] = []
    crossing: list[NDArray[np.int64]] = []
    count: list[int] = []
    for m in demand.modes:
        table = m.alternatives()
        names, number = np.unique(table["checkpoint_id"].to_numpy(dtype=str), return_inverse=True)
        checkpoint.append(number + len(ids))
        crossing.append(table["crossing"].to_numpy(np.int64) + sum(len(c) for c in crossing))
        ids += names.tolist()
        mode += [m.mode] * len(names)
        count.append(len(table))
    if not count:
        none = np.empty(0, np.int64)
        return Choice([], [], none, none, np.empty((0, *demand.trips.shape)), np.empty((0, *demand.trips.shape)), theta)
    through, crossings = Through(demand.modes, tuple(count)), np.concatenate(crossing)
    n, (a, b) = sum(count), demand.trips.shape
    every, few = np.arange(n), n * a * b <= TABLE
    # Of many places block by block: the tables in between are as large as the result.
    step = a if few else max(1, CHUNK // max(1, n * b))
    trips, lost = np.empty((n, a, b)), np.empty((a, b), bool)
    for start in range(0, a, max(step, 1)):
        some = slice(start, start + step)
        minutes = through[every, some]
        trips[:, some] = demand.trips[some] * logit(minutes, theta, crossings)
        lost[some] = ~np.isfinite(minutes).any(axis=0)
    known = minutes if few and a else through
    return Choice(ids, mode, np.concatenate(checkpoint), crossings, trips, known, theta, _roundabout(demand, lost))


def _roundabout(demand: Demand, lost: NDArray[np.bool_]) -> dict[str, NDArray[np.float64]]:
    """Return the trips of pairs that no single checkpoint joins, by their faster mode."""
    apart = (demand.trips > 0) & lost
    if not apart.any():
        return {}
    fastest = np.argmin([m.minutes for m in demand.modes], axis=0)
    return {m.mode: np.where(apart & (fastest == k), demand.trips, 0.0) for k, m in enumerate(demand.modes)}


def logit(minutes: NDArray[np.float64], theta: float, crossing: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
    """Return probabilities over the first axis, p ∝ e^(−θ·minutes); 0 everywhere for a pair without a way.

    Parameters
    ----------
    crossing
        Of each row; rows of one share its weight. Each has its own where none are given.
    """
    if not len(minutes):
        return minutes
    best = minutes.min(axis=0)
    weight = np.exp(-theta * (minutes - np.where(np.isfinite(best), best, 0.0)))
    weight[~np.isfinite(minutes)] = 0.0
    if crossing is not None:
        weight = share_weights(weight, crossing)
    total = weight.sum(axis=0)
    return np.asarray(weight / np.where(total > 0, total, 1.0), float)
