"""What a checkpoint at each candidate brings to every pair of places, or to every place, by the objective."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.planning.sites.sets import Gains
from layers.errors import StudyError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analysis.planning.benefit import Curve
    from analysis.planning.effects import Standing
    from analysis.planning.sites.candidates import Candidates

OBJECTIVES = ("time", "people", "potential", "equity")
PROVEN = ("time", "potential")
"""Objectives whose optimum is proven; the others are found by greedy with exchange, and say so."""
UNITS = {
    "time": "minutes per trip of today",
    "people": "people who come within reach of a city across",
    "potential": "per cent of the potential across",
    "equity": "minutes to a city across, mean over the worst-served quarter of the people",
}
WORST = 0.25
"""Equity looks at the places that are furthest from a city across, with this share of each side's people. An
assumption."""


def gains_of(
    state: Standing,
    candidates: Candidates,
    curve: Curve,
    towns: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    *,
    objective: str,
    wait_min: float,
    within_min: float = 120.0,
) -> Gains:
    """Return what each candidate brings.

    A trip through a candidate takes t(i, u) + w + t(v, j): it crosses once. What crosses twice is checked by full
    recomputation of the sets that win.

    Parameters
    ----------
    state
        The border as it is.
    wait_min
        w at a new checkpoint.
    within_min
        Of ``people``: within so many minutes of a city across.

    Notes
    -----
    ``time``: Σ T⁰·(c⁰ − c) over the trips of today, which sum to 1. ``potential``: Σ P·P·(f(c) − f(c⁰)) over today's
    sum. Both have pairs as clients. ``people`` and ``equity`` have places: inhabitants who come within reach, and
    minutes to the nearest city across of the worst-served quarter of either side.

    Raises
    ------
    StudyError
        Another objective.
    """
    if objective not in OBJECTIVES:
        raise StudyError(f"objective {objective!r}: allowed are {', '.join(OBJECTIVES)}")
    if objective in PROVEN:
        return _by_pairs(state, candidates, curve, objective, wait_min)
    return _by_places(state, candidates, towns, objective, wait_min, within_min)


def _by_pairs(state: Standing, candidates: Candidates, curve: Curve, objective: str, wait_min: float) -> Gains:
    """Return the gains of pairs of places; the side with fewer places is the origin."""
    weight = state.across.people_a[:, None] * state.across.people_b[None]
    fade = curve.fades(state.minutes)
    today = weight * fade
    total = float(today.sum())
    scale = 1.0 / total if total > 0 else 1.0
    client, site, gain = [], [], []
    # Beyond the candidate's own trees nothing can gain: whole tables at each candidate.
    for k in range(len(candidates)):
        minutes = candidates.a[:, k, None] + wait_min + candidates.b[None, :, k]
        hit = np.flatnonzero((minutes < state.minutes - 1e-9).ravel())
        new = minutes.ravel()[hit]
        if objective == "time":
            had = np.isfinite(state.minutes.ravel()[hit])
            value = (
                np.where(had, today.ravel()[hit] * (np.where(had, state.minutes.ravel()[hit], 0.0) - new), 0.0) * scale
            )
        else:
            value = weight.ravel()[hit] * (curve.fades(new) - fade.ravel()[hit]) * scale * 100
        kept = value > 0
        client.append(hit[kept])
        site.append(np.full(int(kept.sum()), k))
        gain.append(value[kept])
    a, b = state.minutes.shape
    pairs = np.arange(a * b)
    origin = pairs // b if a <= b else pairs % b
    return Gains(np.concatenate(client), np.concatenate(site), np.concatenate(gain), origin, len(candidates))


def _by_places(
    state: Standing,
    candidates: Candidates,
    towns: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    objective: str,
    wait_min: float,
    within_min: float,
) -> Gains:
    """Return the gains of places, those of side a first."""
    own = ((candidates.a, candidates.b, towns[1]), (candidates.b, candidates.a, towns[0]))
    tables = []
    for k, (home, beyond, cities) in enumerate(own):
        city = home + wait_min + beyond[cities].min(axis=0, initial=np.inf)[None]
        people = state.people[k]
        if objective == "people":
            table = people[:, None] * ((city <= within_min) & (state.city[k] > within_min)[:, None])
        else:
            known = np.isfinite(state.city[k])
            order = np.argsort(-np.where(known, state.city[k], -1.0), kind="stable")
            before = np.cumsum(people[order]) - people[order]
            worst = np.zeros(len(people), bool)
            worst[order] = before < WORST * people[known].sum()
            saved = np.where(
                (worst & known)[:, None], np.maximum(np.where(known, state.city[k], 0.0)[:, None] - city, 0.0), 0.0
            )
            weight = float(people[worst & known].sum())
            # Half of each side's mean: neither side weighs more for having more people.
            table = (
                people[:, None] * np.where(np.isfinite(saved), saved, 0.0) / (2 * weight)
                if weight > 0
                else np.zeros_like(saved)
            )
        tables.append(table)
    return Gains.of(np.vstack(tables))
