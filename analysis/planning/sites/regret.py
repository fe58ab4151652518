"""The set of sites whose worst regret over the draws is least: what it is worth less than the best set of each draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.planning.sites.choose import choose_sites

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analysis.planning.sites.sets import Gains, Limits

MOST_PASSES = 20


@dataclass(frozen=True)
class Regret:
    """A set and what it falls short of the best set of each draw.

    ``best`` and ``regret`` in the unit of the objective, by draw.
    """

    sites: tuple[int, ...]
    best: NDArray[np.float64]
    regret: NDArray[np.float64]

    @property
    def worst(self) -> float:
        """The largest regret."""
        return float(self.regret.max(initial=0.0))


def regret_of(sites: Sequence[int], draws: Sequence[Gains], best: NDArray[np.float64]) -> Regret:
    """Return the regret of a set over draws.

    Parameters
    ----------
    best
        What the best set of each draw is worth.
    """
    values = np.array([gains.value(sites) for gains in draws])
    return Regret(tuple(sorted(sites)), best, np.maximum(best - values, 0.0))


def least_regret(draws: Sequence[Gains], limits: Limits, *, starts: Sequence[Sequence[int]] = ()) -> Regret:
    """Return a set of least worst regret.

    The best of `starts` and of the draws' own best sets, then sites exchanged while that helps.

    The best set of a draw is that of greedy with exchange, and so is this one a heuristic: not proven. Kouvelis & Yu
    (1997), Robust Discrete Optimization, has the criterion.

    Parameters
    ----------
    starts
        Sets to begin with, within the limits.
    """
    own = [choose_sites(gains, limits) for gains in draws]
    sets = list(dict.fromkeys([*(tuple(sorted(s)) for s in starts), *(c.sites for c in own)]))
    # A set that beats greedy in a draw is the best there: no regret is below 0.
    best = np.array([max(c.value, *(g.value(s) for s in sets)) for c, g in zip(own, draws, strict=True)])
    found = min((regret_of(s, draws, best) for s in sets), key=lambda r: (r.worst, r.sites))
    for _ in range(MOST_PASSES):
        better = _exchanged(found, draws, limits)
        if better is None:
            break
        found = better
    return found


def _exchanged(found: Regret, draws: Sequence[Gains], limits: Limits) -> Regret | None:
    """Return a set with one site exchanged or added whose worst regret is less, None where there is none."""
    sites = draws[0].sites
    # The draws that hurt most come first: most sets fall at the first of them.
    order = np.argsort(-found.regret, kind="stable")
    bound, chosen = found.worst * (1 - 1e-9), None
    rests = [tuple(k for k in found.sites if k != out) for out in found.sites if out not in limits.must]
    if len(found.sites) < limits.count:
        rests.append(found.sites)
    for rest in rests:  # a handful of sets, each with every site that fits
        for k in np.flatnonzero(limits.fitting(rest, sites)):
            if k in found.sites:
                continue
            tried = tuple(sorted((*rest, int(k))))
            worst = 0.0
            for d in order:
                worst = max(worst, float(found.best[d]) - draws[d].value(tried))
                if worst >= bound:
                    break
            else:
                bound, chosen = worst, tried
    return None if chosen is None else regret_of(chosen, draws, found.best)
