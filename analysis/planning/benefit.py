"""What users gain by shorter ways.

The rule of a half, and the area under the demand curve from the old cost to the new.

For a trip that could not be made before, the rule has no old cost and breaks down (World Bank, Transport Note 11; Leeds
toolkit, note 6, where a new crossing of an estuary is the example): there the area alone is told, in a number of its
own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.reach.decays import HALF_LIFE_MIN, exponential
from layers.errors import NetworkError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analysis.reach.decays import Decay

LONGEST_MIN = 10_000.0
"""Minutes up to which the area is summed where a decay is no exponential: a week."""
STEP_MIN = 0.25


@dataclass(frozen=True)
class Curve:
    """Trips by their cost: T(c) = W·f(c), and the area under f from any cost to infinity.

    ``half_life_min`` is None where f is no exponential: then the area is summed by trapezia of a quarter of a minute,
    up to a week.
    """

    fades: Decay
    half_life_min: float | None = HALF_LIFE_MIN

    @classmethod
    def of(cls, half_life_min: float = HALF_LIFE_MIN, decay: Decay | None = None) -> Curve:
        """Return the curve of a study: its decay, else the exponential of its half-life."""
        return cls(decay, None) if decay is not None else cls(exponential(half_life_min), half_life_min)

    def beyond(self, minutes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return ∫ f from some minutes to infinity, in minutes; 0 at infinity. For e^(−βc) that is f/β."""
        if self.half_life_min is not None:
            return np.asarray(self.fades(minutes) * self.half_life_min / np.log(2.0), float)
        grid = np.arange(0.0, LONGEST_MIN + STEP_MIN, STEP_MIN)
        value = self.fades(grid)
        area = np.concatenate([np.cumsum(((value[1:] + value[:-1]) / 2 * STEP_MIN)[::-1])[::-1], [0.0]])
        return np.asarray(np.interp(np.minimum(minutes, LONGEST_MIN), grid, area), float)


@dataclass(frozen=True)
class Benefit:
    """Benefits of every pair, in minutes times the unit of trips; shape (a, b).

    Attributes
    ----------
    before, after
        Trips.
    half
        ½(T⁰ + T¹)(c⁰ − c¹) of pairs with a way both before and after, else 0.
    path
        ∫ T dc from the new cost to the old of the same pairs.
    new
        ∫ T dc from the new cost to infinity of pairs without a way before, less the same of pairs without one after.
    """

    before: NDArray[np.float64]
    after: NDArray[np.float64]
    half: NDArray[np.float64]
    path: NDArray[np.float64]
    new: NDArray[np.float64]

    @property
    def whole(self) -> NDArray[np.float64]:
        """Benefit by the area, pairs without a way before or after included."""
        return self.path + self.new


def user_benefit(
    weight: NDArray[np.float64], before: NDArray[np.float64], after: NDArray[np.float64], curve: Curve
) -> Benefit:
    """Return what users gain between two tables of costs.

    Parameters
    ----------
    weight
        W of T = W·f(c), shape (a, b): κ·P·P for gravity.
    before, after
        Minutes, infinity where there is no way.

    Raises
    ------
    NetworkError
        Tables of different shapes, or negative costs.

    Examples
    --------
    With e^(−βc) and a half-life of 69.3 minutes (β = 0.01), from 100 to 0 minutes:

    >>> curve = Curve.of(100 * np.log(2))
    >>> found = user_benefit(np.array([[1.0]]), np.array([[100.0]]), np.array([[0.0]]), curve)
    >>> found.half.round(2).tolist(), found.path.round(2).tolist()
    ([[68.39]], [[63.21]])
    """
    if not weight.shape == before.shape == after.shape or (before < 0).any() or (after < 0).any():
        raise NetworkError(
            f"costs of shapes {before.shape} and {after.shape}: allowed are two of {weight.shape}, 0 or more"
        )
    had, has = np.isfinite(before), np.isfinite(after)
    both = had & has
    trips = [weight * curve.fades(c) for c in (before, after)]
    area = [weight * curve.beyond(c) for c in (before, after)]
    saved = np.where(both, np.where(had, before, 0.0) - np.where(has, after, 0.0), 0.0)
    gained = area[1] - area[0]
    return Benefit(
        before=trips[0],
        after=trips[1],
        half=(trips[0] + trips[1]) / 2 * saved,
        # Where nothing changes there is no rounding either.
        path=np.where(both & (saved != 0), gained, 0.0),
        new=np.where(had == has, 0.0, gained),
    )
