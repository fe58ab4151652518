"""Modelled demand across the border and its choice of checkpoint."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.reach.accessibility import HALF_LIFE_MIN, decay
from layers.errors import NetworkError
from network.overlay import Overlay, build_overlay

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from network.build import Network

THETA_PER_MIN = 0.02
"""Spread of the choice of checkpoint: the odds halve for every 35 minutes more. An assumption."""
MAX_PLACES = 1500
"""Settlements per side at the most, the largest first: pairs grow with the product."""
CHUNK = 4_000_000
"""Numbers held at once where a table is as large as pairs times checkpoints."""


@dataclass(frozen=True)
class ModeTimes:
    """Times of one mode between the settlements of both sides, over trees that every closure shares.

    ``to_posts`` from side a to all posts, ``from_posts`` from all posts to side b; ``minutes`` the table a × b.
    """

    mode: str
    overlay: Overlay
    to_posts: NDArray[np.float64]
    from_posts: NDArray[np.float64]
    minutes: NDArray[np.float64]

    def through(self) -> tuple[list[str], NDArray[np.float64]]:
        """Return the checkpoints and the time of every pair through each: shape (checkpoints, a, b).

        The trip goes at home to the checkpoint's post, through it, and at home on the other side.
        """
        gates = self.overlay.gates
        ids = sorted(i for i in gates["checkpoint_id"].unique() if i)
        out = np.full((len(ids), *self.minutes.shape), np.inf)
        for n, checkpoint in enumerate(ids):  # checkpoints: dozens
            own = gates[gates["checkpoint_id"] == checkpoint]
            for tail, head, cost in zip(own["tail"], own["head"], own["cost"], strict=True):
                np.minimum(out[n], self.to_posts[:, tail, None] + cost + self.from_posts[None, head], out=out[n])
        return ids, out


@dataclass(frozen=True)
class Demand:
    """Modelled trips between the settlements of both sides.

    ``trips`` sums to 1: shares of the whole, for nothing is calibrated. Rows of `a` and `b` are rows of the network's
    settlements; `people_a` and `people_b` are the inhabitants of each.
    """

    a: NDArray[np.int64]
    b: NDArray[np.int64]
    trips: NDArray[np.float64]
    modes: tuple[ModeTimes, ...]
    people_a: NDArray[np.float64]
    people_b: NDArray[np.float64]

    @property
    def minutes(self) -> NDArray[np.float64]:
        """Actual minutes of every pair by its faster mode, infinity where there is no way: shape (a, b)."""
        out = np.full((len(self.a), len(self.b)), np.inf)
        for m in self.modes:
            np.minimum(out, m.minutes, out=out)
        return out

    def with_trips(self, trips: NDArray[np.float64]) -> Demand:
        """Return the same places with other trips between them, scaled to 1: those of `analysis.trips.gravity`, or a user's own.

        Raises
        ------
        NetworkError
            Another shape than (a, b), a negative number of trips, a trip between places without a way, or none at all.
        """
        trips = np.asarray(trips, float)
        if trips.shape != (len(self.a), len(self.b)):
            raise NetworkError(f"trips of shape {trips.shape}: allowed is {(len(self.a), len(self.b))}")
        if not (np.isfinite(trips) & (trips >= 0)).all():
            raise NetworkError("trips that are negative or unknown: allowed is 0 or more for every pair")
        astray = int(((trips > 0) & ~np.isfinite(self.minutes)).sum())
        if astray:
            raise NetworkError(f"{astray} pairs have trips and no way across the border: allowed is 0 trips for them")
        if not trips.sum() > 0:
            raise NetworkError("no trips at all: allowed is more than 0 for some pair")
        return replace(self, trips=trips / trips.sum())


def model_demand(network: Network, *, half_life_min: float = HALF_LIFE_MIN, max_places: int = MAX_PLACES) -> Demand:
    """Return gravity demand across the border: T = P_a · P_b · e^(−βc), unconstrained (Wilson 1971), scaled to 1.

    The cost c is the actual time by the faster mode. Trips run from side a to side b; waits are the same both ways.
    Other forms of the gravity model are in `analysis.trips.gravity`; `Demand.with_trips` takes their trips.

    Raises
    ------
    NetworkError
        No pair of inhabited settlements is connected across the border.
    """
    table = network.settlements
    people = table["population"].to_numpy(float)
    rows = {}
    for side in ("a", "b"):
        mine = np.flatnonzero((table["side"] == side).to_numpy() & (people > 0))
        largest = mine[np.argsort(-people[mine], kind="stable")][:max_places]
        rows[side] = np.sort(largest)
    node = table["node"].to_numpy(np.int64)
    modes = tuple(
        m
        for mode in ("road", "rail")
        if (m := _mode_times(network, mode, node[rows["a"]], node[rows["b"]])) is not None
    )
    cost = np.full((len(rows["a"]), len(rows["b"])), np.inf)
    for m in modes:
        np.minimum(cost, m.minutes, out=cost)
    trips = people[rows["a"]][:, None] * people[rows["b"]][None] * decay(cost, half_life_min)
    total = trips.sum()
    if not total > 0:
        raise NetworkError(
            "no trip across the border is possible: no two inhabited settlements are connected through an open checkpoint"
        )
    return Demand(rows["a"], rows["b"], trips / total, modes, people[rows["a"]], people[rows["b"]])


def _mode_times(network: Network, mode: str, a: NDArray[np.int64], b: NDArray[np.int64]) -> ModeTimes | None:
    """Return the times of one mode, or None where the network has no open gate of it."""
    links = network.links
    if not ((links["mode"] == mode) & links["crossing"] & links["passable"]).any():
        return None
    overlay = build_overlay(network, mode)  # type: ignore[arg-type]
    to_posts, from_posts = overlay.to_posts(a), overlay.from_posts(b)
    return ModeTimes(mode, overlay, to_posts, from_posts, overlay.table(to_posts, from_posts))


@dataclass(frozen=True)
class Choice:
    """The choice of checkpoint: ``ids`` of all modes, ``mode`` of each, ``trips`` through each per pair."""

    ids: list[str]
    mode: list[str]
    trips: NDArray[np.float64]
    minutes: NDArray[np.float64]

    @property
    def share(self) -> pd.Series:
        """Share of all modelled demand that each checkpoint carries; they sum to the demand that finds a way."""
        return pd.Series(self.trips.sum(axis=(1, 2)), index=self.ids, dtype=float)

    @cached_property
    def handed_over(self) -> NDArray[np.float64]:
        """Share of each checkpoint's trips (rows) that each other one takes when it closes; NaN without trips."""
        n, a, b = self.trips.shape
        taken = np.zeros((n, n))
        step = max(1, CHUNK // max(1, n * b))
        for start in range(0, a, step):  # chunks of origins: a table per checkpoint of all pairs would be large
            mine = self.trips[:, start : start + step].reshape(n, -1)
            # Summed anew, not as the whole less k: where k carries all but a rounding error the difference would be noise.
            rest = np.zeros_like(mine)
            np.cumsum(mine[:-1], axis=0, out=rest[1:])
            rest[:-1] += np.cumsum(mine[:0:-1], axis=0)[::-1]
            taken += np.divide(mine, rest, out=np.zeros_like(mine), where=rest > 0) @ mine.T
        np.fill_diagonal(taken, 0.0)
        whole = self.trips.sum(axis=(1, 2))
        return taken / np.where(whole > 0, whole, np.nan)[:, None]


def choose_checkpoints(demand: Demand, *, theta: float = THETA_PER_MIN) -> Choice:
    """Return how the demand of every pair spreads over checkpoints: logit p ∝ e^(−θ·time through it).

    Road and rail stand in one choice set, for the trip is one; θ → ∞ sends each pair through its fastest checkpoint.

    Raises
    ------
    NetworkError
        θ is not positive.
    """
    if not theta > 0:
        raise NetworkError(f"a spread θ of {theta:g} per minute: allowed is more than 0")
    ids: list[str] = []
    mode: list[str] = []
    parts = []
    for m in demand.modes:
        names, minutes = m.through()
        ids += names
        mode += [m.mode] * len(names)
        parts.append(minutes)
    minutes = np.concatenate(parts) if parts else np.empty((0, *demand.trips.shape))
    return Choice(ids, mode, demand.trips * logit(minutes, theta), minutes)


def logit(minutes: NDArray[np.float64], theta: float) -> NDArray[np.float64]:
    """Return probabilities over the first axis, p ∝ e^(−θ·minutes); 0 everywhere for a pair without a way."""
    if not len(minutes):
        return minutes
    best = minutes.min(axis=0)
    weight = np.exp(-theta * (minutes - np.where(np.isfinite(best), best, 0.0)))
    weight[~np.isfinite(minutes)] = 0.0
    total = weight.sum(axis=0)
    return weight / np.where(total > 0, total, 1.0)
