"""Modelled demand across the border, and the time of every pair through each checkpoint."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.reach.accessibility import HALF_LIFE_MIN, decay
from analysis.trips.crossings import number_crossings
from layers.errors import NetworkError
from layers.sides import SIDES
from network.overlay import Overlay, build_overlay

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from network.build import Network

MAX_PLACES = 1500
"""Settlements per side at the most, the largest first: pairs grow with the product."""


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

    def through(self) -> tuple[pd.DataFrame, NDArray[np.float64]]:
        """Return the alternatives, a checkpoint at a crossing each, and the time of every pair through each.

        The trip goes at home to the checkpoint's post, through it, and at home on the other side.

        Returns
        -------
        ``checkpoint_id``, ``crossing`` (`analysis.trips.crossings.number_crossings`), sorted by both; and minutes of
        shape (alternatives, a, b).
        """
        table = self.alternatives()
        return table, self.minutes_through(np.arange(len(table)))

    def alternatives(self) -> pd.DataFrame:
        """Return the alternatives of `through`."""
        return pd.DataFrame(list(self._gates), columns=["checkpoint_id", "crossing"])

    def minutes_through(self, rows: NDArray[np.int64], origins: slice = slice(None)) -> NDArray[np.float64]:
        """Return the minutes of `through` of some alternatives from some origins."""
        every, start = list(self._gates.values()), self.to_posts[origins]
        out = np.full((len(rows), len(start), self.minutes.shape[1]), np.inf)
        for n, row in enumerate(rows):  # alternatives: dozens
            own = every[row]
            for tail, head, cost in zip(own["tail"], own["head"], own["cost"], strict=True):
                np.minimum(out[n], start[:, tail, None] + cost + self.from_posts[None, head], out=out[n])
        return out

    @cached_property
    def _gates(self) -> dict[tuple[str, int], pd.DataFrame]:
        """The gates of each alternative, by checkpoint and crossing."""
        gates = self.overlay.gates.assign(crossing=number_crossings(self.overlay))
        by = gates[gates["checkpoint_id"] != ""].groupby(["checkpoint_id", "crossing"], sort=True)
        return dict(zip(by.size().index, (own for _, own in by), strict=True))


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
        """Return the same places with other trips between them, scaled to 1.

        Those of `analysis.trips.gravity`, or a user's own.

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

    The cost c is the actual time by the faster mode; trips of trucks go by road alone, for freight by rail is not
    modelled. Trips run from side a to side b; waits are the same both ways.
    Other forms of the gravity model are in `analysis.trips.gravity`; `Demand.with_trips` takes their trips.

    Raises
    ------
    NetworkError
        No pair of inhabited settlements is connected across the border.
    """
    a, b = places_of(network, max_places=max_places)
    node = network.settlements["node"].to_numpy(np.int64)
    modes = tuple(m for mode in modes_of(network) if (m := _mode_times(network, mode, node[a], node[b])) is not None)
    people = network.settlements["population"].to_numpy(float)
    return demand_between(a, b, people, modes, half_life_min=half_life_min)


def places_of(network: Network, *, max_places: int = MAX_PLACES) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows of the settlements of side a and of side b that trips run between.

    Inhabited, the largest of each side.
    """
    table = network.settlements
    people = table["population"].to_numpy(float)
    rows = []
    for side in SIDES:
        rows_of_side = np.flatnonzero((table["side"] == side).to_numpy() & (people > 0))
        largest = rows_of_side[np.argsort(-people[rows_of_side], kind="stable")][:max_places]
        rows.append(np.sort(largest))
    return rows[0], rows[1]


def demand_between(
    a: NDArray[np.int64],
    b: NDArray[np.int64],
    people: NDArray[np.float64],
    modes: tuple[ModeTimes, ...],
    *,
    half_life_min: float = HALF_LIFE_MIN,
) -> Demand:
    """Return the demand of `model_demand` between rows of settlements, over times that are there.

    Parameters
    ----------
    people
        Of all settlements.

    Raises
    ------
    NetworkError
        No pair is connected across the border.
    """
    cost = np.full((len(a), len(b)), np.inf)
    for m in modes:
        np.minimum(cost, m.minutes, out=cost)
    trips = people[a][:, None] * people[b][None] * decay(cost, half_life_min)
    total = trips.sum()
    if not total > 0:
        raise NetworkError(
            "no trip across the border is possible: no two inhabited settlements are connected through an open "
            "checkpoint"
        )
    return Demand(a, b, trips / total, modes, people[a], people[b])


def modes_of(network: Network) -> tuple[str, ...]:
    """Return the modes that modelled trips have: those of trucks take no passenger train."""
    return ("road",) if network.base.vehicle == "truck" else ("road", "rail")


def _mode_times(network: Network, mode: str, a: NDArray[np.int64], b: NDArray[np.int64]) -> ModeTimes | None:
    """Return the times of one mode, or None where the network has no open gate of it."""
    links = network.links
    if not ((links["mode"] == mode) & links["crossing"] & links["passable"]).any():
        return None
    overlay = build_overlay(network, mode)
    to_posts, from_posts = overlay.to_posts(a), overlay.from_posts(b)
    return ModeTimes(mode, overlay, to_posts, from_posts, overlay.table(to_posts, from_posts))
