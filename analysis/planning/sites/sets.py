"""What sets of checkpoints are chosen by: what each brings to each pair, what a set may hold, and a set."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from layers.errors import NetworkError

TOLERANCE = 1e-6
"""Relative gap at which a set counts as proven."""


@dataclass(frozen=True)
class Gains:
    """What each site brings to each client, entries above 0 alone.

    Attributes
    ----------
    client, site, gain
        Of each entry.
    origin
        Of each client: the group whose cuts are one.
    sites
        How many sites there are.
    """

    client: NDArray[np.int64]
    site: NDArray[np.int64]
    gain: NDArray[np.float64]
    origin: NDArray[np.int64]
    sites: int

    @classmethod
    def of(cls, table: NDArray[np.float64], origin: NDArray[np.int64] | None = None) -> Gains:
        """Return the gains of a full table, a row per client and a column per site.

        Raises
        ------
        NetworkError
            A gain below 0 or not known.
        """
        if not (np.asarray(table) >= 0).all():
            raise NetworkError("gains of sites that are negative or unknown: allowed is 0 or more")
        client, site = np.nonzero(table)
        groups = np.arange(len(table)) if origin is None else np.asarray(origin)
        return cls(client, site, table[client, site], groups, table.shape[1])

    def best(self, chosen: Collection[int]) -> NDArray[np.float64]:
        """Return what each client gains of a set."""
        out = np.zeros(len(self.origin))
        held = np.isin(self.site, np.fromiter(chosen, np.int64, len(chosen)))
        np.maximum.at(out, self.client[held], self.gain[held])
        return out

    def value(self, chosen: Collection[int]) -> float:
        """Return what a set is worth."""
        return float(self.best(chosen).sum())

    def added(self, best: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what each site adds where clients have so much already."""
        more = np.maximum(self.gain - best[self.client], 0.0)
        return np.asarray(np.bincount(self.site, more, self.sites), float)


@dataclass(frozen=True)
class Limits:
    """What a set may be: how many sites, how many km of missing road in all, which it must hold."""

    count: int
    km: NDArray[np.float64] | None = None
    budget_km: float = np.inf
    must: tuple[int, ...] = ()

    def left_km(self, chosen: Sequence[int]) -> float:
        """Return the km that are left."""
        return self.budget_km - (float(self.km[list(chosen)].sum()) if self.km is not None else 0.0)

    def fitting(self, chosen: Sequence[int], sites: int) -> NDArray[np.bool_]:
        """Return which sites may be added."""
        out = np.ones(sites, bool)
        if self.km is not None:
            out = self.km <= self.left_km(chosen) + 1e-9
        out[list(chosen)] = False
        return out


@dataclass(frozen=True)
class Choice:
    """A set of sites, what it is worth, and what any allowed set is worth at the most.

    ``gap`` = bound/value − 1, NaN where nothing was proven; ``cuts``, ``seconds`` of the proof.
    """

    sites: tuple[int, ...]
    value: float
    bound: float = float("nan")
    cuts: int = 0
    seconds: float = 0.0

    @property
    def gap(self) -> float:
        """How far above its value the bound is, as a share."""
        if not np.isfinite(self.bound):
            return float("nan")
        return max(self.bound / self.value - 1, 0.0) if self.value > 0 else float(self.bound > 0)

    @property
    def proven(self) -> bool:
        """Whether the set is the optimum, to `TOLERANCE`."""
        return bool(self.gap <= 2 * TOLERANCE)
