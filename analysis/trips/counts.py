"""Spread of the choice, half-life of trips and scale, fitted to counts of one mode.

Posts may be held out, to see whether the fit holds elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar

from analysis.reach.decays import exponential
from analysis.trips.choice import logit
from analysis.trips.fit import GOOD_GEH, MIN_COUNTS, THETAS, geh
from layers.errors import LayerError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analysis.trips.demand import Demand

HALF_LIVES = (15.0, 30.0, 60.0, 90.0, 120.0, 180.0, 240.0, 480.0)
"""Minutes among which the half-life is sought."""


@dataclass(frozen=True)
class CountsFit:
    """A fit to counts.

    Attributes
    ----------
    posts
        ``checkpoint_id``, ``mode``, ``observed_per_day``, ``modelled_per_day``, ``difference_per_day``, ``geh``,
        ``held_out``.
    summary
        ``mode``, ``measure``, ``value``, ``unit``.
    tried
        ``mode``, ``half_life_min``, ``theta_per_min``, ``log_likelihood`` per vehicle of the best θ of each half-life.
    notes
        What a reader must know.
    """

    posts: pd.DataFrame
    summary: pd.DataFrame
    tried: pd.DataFrame
    notes: tuple[str, ...]


def fit_counts(
    demand: Demand, observed_per_day: Mapping[str, float], *, mode: str, hold_out: Collection[str] = ()
) -> CountsFit:
    """Return θ, half-life and scale under which the counts of a mode are most likely.

    Maximum likelihood of a multinomial over the counted posts that are not held out, max Σ n_k ln s_k(θ, h); the scale
    brings their modelled sum to the counted one. The trips of every pair, P·P·2^(−c/h), choose among the mode's
    crossings.

    Parameters
    ----------
    observed_per_day
        Both directions, by checkpoint.
    hold_out
        Checkpoints that the fit does not see.

    Raises
    ------
    LayerError
        Fewer than 3 posts to fit, a post without modelled trips, or a mode without any.
    """
    times = next((m for m in demand.modes if m.mode == mode), None)
    if times is None:
        raise LayerError(f"counts by {mode}: no modelled trip goes by it")
    table, minutes = times.through()
    crossing = table["crossing"].to_numpy(np.int64)
    ids, of_post = np.unique(table["checkpoint_id"].to_numpy(dtype=str), return_inverse=True)
    astray = sorted(set(observed_per_day) - set(ids))
    if astray:
        raise LayerError(f"counts at {', '.join(astray)}, where no modelled trip passes: leave them out")
    place = {k: n for n, k in enumerate(ids)}
    known = [place[k] for k in observed_per_day]
    counts = np.array([float(v) for v in observed_per_day.values()])
    held = np.array([k in set(hold_out) for k in observed_per_day])
    if (~held).sum() < MIN_COUNTS or not counts[~held].sum() > 0:
        raise LayerError(f"{(~held).sum()} counts by {mode} to fit: allowed are {MIN_COUNTS} or more, not all 0")
    people = demand.people_a[:, None] * demand.people_b[None]
    best = minutes.min(axis=0)

    def shares(half_life: float, theta: float) -> NDArray[np.float64]:
        trips = people * exponential(half_life)(best)
        through = (logit(minutes, theta, crossing) * trips).sum(axis=(1, 2))
        flow = np.bincount(of_post, through, len(ids))
        return np.asarray(flow / flow.sum(), float)

    def likelihood(half_life: float, theta: float) -> float:
        own = shares(half_life, theta)[known][~held]
        seen = counts[~held] > 0
        if not (own[seen] > 0).all():
            return -1e12
        weight = counts[~held] / counts[~held].sum()
        return float((weight[seen] * np.log(own[seen] / own.sum())).sum())

    tried = []
    for half_life in HALF_LIVES:  # eight, a search each
        found = minimize_scalar(
            lambda x, h=half_life: -likelihood(h, float(np.exp(x))),
            bounds=tuple(np.log(THETAS)),
            method="bounded",
            options={"xatol": 0.02},
        )
        tried.append((mode, half_life, float(np.exp(found.x)), -float(found.fun)))
    _, half_life, theta, top = max(tried, key=lambda t: t[3])
    share = shares(half_life, theta)
    scale = counts[~held].sum() / share[known][~held].sum()
    modelled = scale * share[known]
    posts = pd.DataFrame(
        {
            "checkpoint_id": list(observed_per_day),
            "mode": mode,
            "observed_per_day": counts,
            "modelled_per_day": modelled,
            "difference_per_day": modelled - counts,
            "geh": geh(modelled, counts),
            "held_out": held,
        }
    )
    return CountsFit(
        posts,
        _summary(posts, mode, theta, half_life, scale, top),
        pd.DataFrame(tried, columns=["mode", "half_life_min", "theta_per_min", "log_likelihood"]),
        _notes(posts, mode, theta, half_life),
    )


def _summary(
    posts: pd.DataFrame, mode: str, theta: float, half_life: float, scale: float, likelihood: float
) -> pd.DataFrame:
    rows = [
        ("theta", theta, "per minute"),
        ("half_life", half_life, "min"),
        ("total", scale, "a day, all posts of the mode"),
        ("log_likelihood", likelihood, "per vehicle"),
    ]
    for held, name in ((False, "fitted"), (True, "held_out")):
        own = posts[posts["held_out"] == held]
        rows.append((f"{name}_posts", float(len(own)), "checkpoints"))
        if len(own):
            rows.append(
                (f"{name}_geh_under_5_share", float((own["geh"] < GOOD_GEH).mean()), "share, mean hour of the day")
            )
            rows.append((f"{name}_rmse", float(np.sqrt((own["difference_per_day"] ** 2).mean())), "a day"))
    return pd.DataFrame(rows, columns=["measure", "value", "unit"]).assign(mode=mode)[
        ["mode", "measure", "value", "unit"]
    ]


def _notes(posts: pd.DataFrame, mode: str, theta: float, half_life: float) -> tuple[str, ...]:
    """Return what the counts do not tell, and where they are missed."""
    notes = []
    if theta < THETAS[0] * 1.05 or theta > THETAS[1] / 1.05:
        notes.append(
            f"counts by {mode}: θ lies at the end of its range ({theta:.3g} per minute), so that they do not tell it"
        )
    if half_life in (HALF_LIVES[0], HALF_LIVES[-1]):
        notes.append(
            f"counts by {mode}: the half-life lies at the end of its range ({half_life:g} min), so that they do "
            "not tell it"
        )
    missed = posts.loc[posts["geh"] >= GOOD_GEH, "checkpoint_id"]
    if len(missed):
        notes.append(f"counts by {mode}: GEH of 5 and more at {', '.join(missed)}")
    return tuple(notes)
