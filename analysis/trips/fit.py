"""How well modelled flows agree with counts at checkpoints, and the spread of the choice that agrees best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.stats import rankdata

from analysis.trips.choice import choose_checkpoints
from layers.errors import LayerError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analysis.trips.demand import Demand

MIN_COUNTS = 3
"""Counts without which nothing is said on the fit."""
GOOD_GEH = 5.0
"""GEH below which a flow counts as well met (UK DMRB vol. 12; FHWA traffic analysis guidelines)."""
HOURS = 24
THETAS = (1e-3, 0.5)
"""Where the spread is sought, per minute."""


@dataclass(frozen=True)
class Fit:
    """Agreement with counts: ``checkpoints``, and ``summary`` (``measure``, ``value``, ``unit``)."""

    checkpoints: pd.DataFrame
    summary: pd.DataFrame

    def __getitem__(self, measure: str) -> float:
        """Return a figure of the summary by its name."""
        return float(self.summary.set_index("measure")["value"][measure])


def geh(modelled_per_day: NDArray[np.float64], observed_per_day: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the GEH statistic √(2(m − c)²/(m + c)) of flows per day, taken as mean hours (÷ 24); 0 where both are 0.

    The statistic (G. E. Havers, 1970s) has a unit, and is defined for vehicles an hour: flows of a whole day would
    make it √24 ≈ 4.9 times as large.

    Examples
    --------
    >>> geh(np.array([2400.0, 0.0]), np.array([1200.0, 0.0])).round(3).tolist()
    [5.774, 0.0]
    """
    m, c = np.asarray(modelled_per_day, float) / HOURS, np.asarray(observed_per_day, float) / HOURS
    both = m + c
    return np.sqrt(np.divide(2 * (m - c) ** 2, both, out=np.zeros_like(both), where=both > 0))


def compare_counts(
    flow: Mapping[str, float] | pd.Series, observed_per_day: Mapping[str, float] | pd.Series, *, scale: bool = True
) -> Fit:
    """Return how modelled flows by checkpoint agree with counts of vehicles a day.

    Parameters
    ----------
    flow
        Modelled flow or share by checkpoint, in any unit if it is scaled.
    observed_per_day
        Counts by checkpoint; NaN or missing where nobody counted.
    scale
        Bring the modelled total of the counted checkpoints to the observed one first. Then the fit speaks of the
        pattern alone.

    Returns
    -------
    ``checkpoints`` with ``checkpoint_id``, ``observed_per_day``, ``modelled_per_day``, ``difference_per_day`` (modelled
    − observed), ``geh``; and ``summary`` with ``counts``, ``scale_factor``, ``spearman`` (rank correlation; NaN where
    one side is all alike), ``geh_under_5_share``, ``rmse_per_day`` = √(Σ(m − c)²/n), ``rmse_share`` of the mean count.

    Raises
    ------
    LayerError
        Fewer than 3 counts, a negative one, a count of a checkpoint that is not modelled, or no flow at those counted.

    Examples
    --------
    >>> fit = compare_counts({"a": 0.5, "b": 0.3, "c": 0.2}, {"a": 1200, "b": 600, "c": 200})
    >>> fit.checkpoints["modelled_per_day"].round(6).tolist(), fit["spearman"]
    ([1000.0, 600.0, 400.0], 1.0)
    """
    modelled, counts = (pd.Series(dict(x.items()), dtype=float) for x in (flow, observed_per_day))
    counts = _counted(counts, modelled)
    m, c = modelled.reindex(counts.index).to_numpy(float), counts.to_numpy(float)
    if not (np.isfinite(m) & (m >= 0)).all() or not m.sum() > 0:
        raise LayerError(
            "modelled flows at the counted checkpoints that are negative, unknown or all 0: nothing to compare"
        )
    factor = c.sum() / m.sum() if scale else 1.0
    m = m * factor
    table = pd.DataFrame(
        {
            "checkpoint_id": counts.index.to_numpy(dtype=object),
            "observed_per_day": c,
            "modelled_per_day": m,
            "difference_per_day": m - c,
            "geh": geh(m, c),
        }
    )
    rmse = float(np.sqrt(((m - c) ** 2).mean()))
    figures = [
        ("counts", len(c), "checkpoints"),
        ("scale_factor", factor, "vehicles per day per unit of flow"),
        ("spearman", _spearman(m, c), "rank correlation"),
        ("geh_under_5_share", float((table["geh"] < GOOD_GEH).mean()), "share of counts, mean hour of the day"),
        ("rmse_per_day", rmse, "vehicles per day"),
        ("rmse_share", rmse / c.mean() if c.mean() > 0 else np.nan, "share of the mean count"),
    ]
    return Fit(table, pd.DataFrame(figures, columns=["measure", "value", "unit"]).astype({"value": float}))


def calibrate_theta(demand: Demand, observed_per_day: Mapping[str, float] | pd.Series) -> tuple[float, pd.DataFrame]:
    """Return the spread θ of the choice of checkpoint under which counts are most likely.

    Maximum likelihood of a multinomial: max Σ n_k·ln s_k(θ), with n the counts and s the modelled shares among the
    counted checkpoints (Train 2009, Discrete Choice Methods with Simulation). Waits stay free. Sought between 0.001
    and 0.5 per minute.

    Returns
    -------
    θ per minute, and the spreads tried: ``theta_per_min``, ``log_likelihood`` per vehicle, in the order of θ. A best
    one at either end of the range says that the counts do not tell it.

    Raises
    ------
    LayerError
        As `compare_counts`; or counts at a checkpoint that carries no modelled trips.
    """
    tried: dict[float, float] = {}
    counts: pd.Series | None = None

    def misfit(logarithm: float) -> float:
        nonlocal counts
        theta = float(np.exp(logarithm))
        share = choose_checkpoints(demand, theta=theta).share
        if counts is None:
            counts = _counted(pd.Series(dict(observed_per_day.items()), dtype=float), share)
        modelled = share.reindex(counts.index).to_numpy(float)
        seen = counts.to_numpy(float) > 0
        if not (modelled[seen] > 0).all():
            lost = counts.index[seen & ~(modelled > 0)]
            raise LayerError(f"counts at {', '.join(lost)}, where no modelled trip passes: leave them out")
        weight = counts.to_numpy(float) / counts.sum()
        tried[theta] = float((weight[seen] * np.log(modelled[seen] / modelled.sum())).sum())
        return -tried[theta]

    found = minimize_scalar(misfit, bounds=tuple(np.log(THETAS)), method="bounded", options={"xatol": 1e-3})
    table = pd.DataFrame(sorted(tried.items()), columns=["theta_per_min", "log_likelihood"])
    return float(np.exp(found.x)), table


def _counted(counts: pd.Series, modelled: pd.Series) -> pd.Series:
    """Return the counts that there are, or say what is wrong with them."""
    counts = counts[counts.notna()]
    if len(counts) < MIN_COUNTS:
        raise LayerError(f"{len(counts)} counts of vehicles a day: the fit needs {MIN_COUNTS} checkpoints or more")
    if not (np.isfinite(counts) & (counts >= 0)).all() or not counts.sum() > 0:
        raise LayerError("counts of vehicles a day that are negative, infinite or all 0: allowed is 0 or more")
    unknown = [str(i) for i in counts.index if i not in modelled.index]
    if unknown:
        raise LayerError(f"counts at {', '.join(unknown)}, which the model has no flow of: leave them out")
    return counts


def _spearman(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Return Spearman's rank correlation, ties at their mean rank; NaN where a side is all alike."""
    x, y = rankdata(a), rankdata(b)
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    return float(np.corrcoef(x, y)[0, 1])
