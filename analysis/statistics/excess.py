"""Bottleneck: minutes to a city across the border beyond what a side's own roads take to a city as far away.

Waits alone make no bottleneck here: a long wait on a good road is told apart from ground that leads round. The norm is
a side's own, fitted over its trips at home, with the scatter of those trips beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from layers.crs import geodesic_m

if TYPE_CHECKING:
    from numpy.typing import NDArray

NORM_KM = (20.0, 500.0)
"""Straight kilometres of the home trips that make the norm."""
LEAST_PAIRS = 10
"""Home trips that a norm needs."""


@dataclass(frozen=True)
class HomeNorm:
    """log t = a_s + b_s·log d of trips at home: ``intercept``, ``slope``, ``sd`` (of log t) and ``pairs``, by side."""

    intercept: dict[str, float]
    slope: dict[str, float]
    sd: dict[str, float]
    pairs: dict[str, int]

    def minutes(self, km: NDArray[np.float64], side: NDArray[np.object_]) -> NDArray[np.float64]:
        """Return what home roads take over straight kilometres; NaN on a side without a norm."""
        out = np.full(np.shape(km), np.nan)
        for s, b in self.slope.items():  # sides: two
            own = side == s
            out[own] = np.exp(self.intercept[s] + b * np.log(km[own]))
        return out

    def scatter(self, side: NDArray[np.object_]) -> NDArray[np.float64]:
        """Return the standard deviation of log t of each unit's own side."""
        return np.array([self.sd.get(s, np.nan) for s in side], float)


def home_norm(
    minutes: NDArray[np.float64],
    km: NDArray[np.float64],
    side: NDArray[np.object_],
    *,
    within_km: tuple[float, float] = NORM_KM,
    pooled: bool = False,
) -> HomeNorm:
    """Return the norm of trips at home, by least squares of log t on log d within straight kilometres.

    Parameters
    ----------
    minutes, km, side
        Of the trips; those without a way are left out.
    pooled
        One norm of both sides.

    Returns
    -------
    Sides of fewer than 10 such trips, or trips all as long, have none.
    """
    use = np.isfinite(minutes) & (minutes > 0) & (km >= within_km[0]) & (km <= within_km[1])
    norm = HomeNorm({}, {}, {}, {})
    for s in sorted(set(side)):  # sides: two
        own = use if pooled else use & (side == s)
        if own.sum() < LEAST_PAIRS or np.ptp(km[own]) == 0:
            continue
        x, y = np.log(km[own]), np.log(minutes[own])
        b, a = np.polyfit(x, y, 1)
        norm.intercept[s], norm.slope[s] = float(a), float(b)
        norm.sd[s] = float(np.sqrt(((y - a - b * x) ** 2).sum() / (len(x) - 2)))
        norm.pairs[s] = int(own.sum())
    return norm


def nearest_by_crow(
    km: NDArray[np.float64], reached: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return for each unit the nearest of the places that it reaches, by straight distance.

    Its column (−1 for none) and the kilometres.

    Parameters
    ----------
    km
        From `straight_km`, shape (units, places).
    reached
        Whether a unit reaches a place at all, of the same shape.
    """
    if not km.size:
        return np.full(len(km), -1), np.full(len(km), np.nan)
    away = np.where(reached, km, np.inf)
    best = away.argmin(axis=1)
    found = np.isfinite(away[np.arange(len(away)), best])
    return np.where(found, best, -1), np.where(found, km[np.arange(len(km)), best], np.nan)


def straight_km(lonlat: NDArray[np.float64], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return geodesic kilometres of all pairs, shape (units, places)."""
    return np.asarray(geodesic_m(lonlat[:, [0]], lonlat[:, [1]], places[None, :, 0], places[None, :, 1]) / 1000, float)


def excess(
    actual: NDArray[np.float64],
    free: NDArray[np.float64],
    km: NDArray[np.float64],
    side: NDArray[np.object_],
    norm: HomeNorm,
) -> pd.DataFrame:
    """Return the excess minutes of trips across the border.

    Parameters
    ----------
    actual, free
        Minutes with waits, and without (the network of open checkpoints).
    km
        Straight kilometres to the same city.

    Returns
    -------
    ``minutes``, ``home_roads_min`` (the norm), ``excess_min``, which is the sum of ``excess_ground_min`` (free less the
    norm) and ``excess_wait_min`` (actual less free); ``excess_sd``: log of minutes over the norm in standard deviations
    of home roads.

    Examples
    --------
    >>> norm = HomeNorm({"a": 0.0}, {"a": 1.0}, {"a": 0.2}, {"a": 99})
    >>> actual, free, km = (np.array([x]) for x in (200.0, 140.0, 100.0))
    >>> excess(actual, free, km, np.array(["a"], object), norm).round(2).iloc[0].tolist()
    [200.0, 100.0, 100.0, 40.0, 60.0, 3.47]
    """
    known = np.where(np.isfinite(actual), actual, np.nan)
    usual = norm.minutes(km, side)
    open_ = np.where(np.isfinite(free), free, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        sd = np.log(known / usual) / norm.scatter(side)
    return pd.DataFrame(
        {
            "minutes": known,
            "home_roads_min": usual,
            "excess_min": known - usual,
            "excess_ground_min": open_ - usual,
            "excess_wait_min": known - open_,
            "excess_sd": sd,
        }
    )
