"""Loads and queues of checkpoints under the draws, over the pairs of places that make nearly all trips."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.trips.choice import THETA_PER_MIN, Choice, logit
from analysis.trips.load import PEAK_MIN, equilibrium

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analysis.planning.across import Across
    from analysis.planning.benefit import Benefit

SHARE, MOST_PAIRS = 0.99, 2000
"""Draws look at the pairs with most trips until these make so many of all, and at no more than so many pairs."""
LOADS = ("before", "diverted", "induced", "after")


@dataclass(frozen=True)
class Pairs:
    """Pairs of places by their rows in either side."""

    i: NDArray[np.int64]
    j: NDArray[np.int64]


def most_travelled(benefit: Benefit, *, share: float = SHARE, most: int = MOST_PAIRS) -> Pairs:
    """Return the pairs with most trips before and after together, until they make a share of all."""
    trips = (benefit.before + benefit.after).ravel()
    order = np.argsort(-trips, kind="stable")[:most]
    whole = np.cumsum(trips[order])
    n = int(np.searchsorted(whole, share * trips.sum())) + 1
    order = order[:n]
    return Pairs(*np.unravel_index(order[trips[order] > 0], benefit.before.shape))


def loads_of(
    before: Across, after: Across, benefit: Benefit, pairs: Pairs, *, theta: float = THETA_PER_MIN
) -> pd.DataFrame:
    """Return the loads of checkpoints as `analysis.planning.effects.load_table` does, over some pairs alone.

    In shares of their trips of before.
    """
    trips = [b[pairs.i, pairs.j] for b in (benefit.before, benefit.after)]
    total = trips[0].sum()
    parts = []
    for across, of in ((before, trips[:1]), (after, trips)):
        table, minutes = across.through_pairs(pairs.i, pairs.j)
        chosen = logit(minutes, theta, table["crossing"].to_numpy(np.int64))
        ids = ["checkpoint_id", "mode"]
        parts += [table.assign(trips=chosen @ own).groupby(ids)["trips"].sum() for own in of]
    found = pd.concat(parts, axis=1, keys=["before", "moved", "after"]).fillna(0.0)
    found = found / total if total > 0 else found
    found["diverted"], found["induced"] = found["moved"] - found["before"], found["after"] - found["moved"]
    return found.droplevel("mode")[list(LOADS)]


def queues_of(
    across: Across,
    trips: NDArray[np.float64],
    pairs: Pairs,
    waits: Mapping[str, float],
    capacity: Mapping[str, float],
    *,
    per_day: float,
    theta: float = THETA_PER_MIN,
    peak_min: float = PEAK_MIN,
) -> pd.DataFrame:
    """Return ``flow_per_day``.

    ``load_factor`` and ``wait_min`` by checkpoint of the roads where loads make waits
    (`analysis.trips.load.equilibrium`), over some pairs.

    Parameters
    ----------
    trips
        Of all pairs.
    waits, capacity
        Free waits in minutes and vehicles a day, by checkpoint.
    per_day
        Vehicles a day by road.
    """
    table, minutes = across.through_pairs(pairs.i, pairs.j)
    road = (table["mode"] == "road").to_numpy()
    crossing = table["crossing"].to_numpy(np.int64)
    chosen = (logit(minutes, theta, crossing) * trips[pairs.i, pairs.j])[road]
    table, minutes, crossing = table[road].reset_index(drop=True), minutes[road], crossing[road]
    ids = sorted(table["checkpoint_id"].unique())
    choice = Choice(
        ids,
        ["road"] * len(ids),
        np.searchsorted(ids, table["checkpoint_id"].to_numpy(dtype=str)),
        crossing,
        chosen[:, :, None],
        minutes[:, :, None],
        theta,
    )
    load = equilibrium(
        choice,
        {k: waits[k] for k in ids},
        total_per_day=per_day,
        capacity_per_day={k: capacity[k] for k in ids if k in capacity},
        theta=theta,
        peak_min=peak_min,
    )
    return load.checkpoints.set_index("checkpoint_id")[["flow_per_day", "load_factor", "wait_min"]]


def ranges(draws: list[pd.DataFrame], centre: pd.DataFrame, whole: pd.DataFrame) -> pd.DataFrame:
    """Return the 5 and 95 % of tables over draws, as ``<column>_low`` and ``<column>_high``.

    Parameters
    ----------
    centre, whole
        The same with all as it is, over the pairs of the draws and over all pairs: the ranges are moved by what lies
        between the two.
    """
    if not draws:
        return pd.DataFrame(index=whole.index)
    names = list(centre.columns)
    values = np.stack([t.reindex(index=whole.index, columns=names).to_numpy(float) for t in draws])
    shift = (whole[names] - centre.reindex(whole.index)[names]).to_numpy(float)
    low, high = (quantile(values, q) + shift for q in (5, 95))
    parts = [pd.DataFrame(v, whole.index, [f"{n}_{end}" for n in names]) for v, end in ((low, "low"), (high, "high"))]
    return pd.concat(parts, axis=1)


def quantile(values: NDArray[np.float64], q: float) -> NDArray[np.float64]:
    """Return a percentile over the first axis of what is known, NaN where nothing is."""
    out = np.full(values.shape[1:], np.nan)
    some = np.isfinite(values).any(axis=0)
    known = np.where(np.isfinite(values), values, np.nan)
    out[some] = np.nanpercentile(known[:, some], q, axis=0)
    return out
