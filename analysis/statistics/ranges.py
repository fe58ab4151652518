"""An effect over the settings that nobody measured.

Its range, the range of its rank, and in how many settings it is among the first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEADING = 0.1
"""The leading tenth."""
STEADY = 0.9
"""Only a place among the leading tenth in this share of settings is called steady."""


def over_settings(
    effects: pd.DataFrame, ranked: pd.DataFrame | None = None, *, leading: float = LEADING, steady: float = STEADY
) -> pd.DataFrame:
    """Return how an effect and its rank move over settings.

    A range over settings is no confidence interval: nothing is drawn, and no setting is likelier than another.

    Parameters
    ----------
    effects
        A row per unit, a column per setting; the first column is the run's own.
    ranked
        What is ranked, where it is not the effect itself (people times minutes), in the same columns.

    Returns
    -------
    ``effect``, ``low``, ``high`` (5th and 95th percentile), ``least``, ``most``, ``rank`` (1 is the largest),
    ``rank_low``, ``rank_high`` (5th and 95th percentile), ``leading_share`` (share of settings with a rank among the
    leading tenth of the units known there), ``settings`` (in which the unit is known), ``steady``.

    Examples
    --------
    >>> table = pd.DataFrame({"run": [3.0, 1.0, 2.0], "waits doubled": [1.0, 3.0, 2.0]}, index=["p", "q", "r"])
    >>> found = over_settings(table)
    >>> found["rank"].tolist(), found["leading_share"].tolist()
    ([1.0, 3.0, 2.0], [0.5, 0.5, 0.0])
    """
    order = effects if ranked is None else ranked
    place = order.rank(ascending=False, method="min")
    first = np.ceil(leading * order.notna().sum())
    known = order.notna().sum(axis=1)
    among = (place <= first).sum(axis=1) / known.where(known > 0)
    low, high = _percentiles(effects)
    rank_low, rank_high = _percentiles(place)
    return pd.DataFrame(
        {
            "effect": effects.iloc[:, 0],
            "low": low,
            "high": high,
            "least": effects.min(axis=1),
            "most": effects.max(axis=1),
            "rank": place.iloc[:, 0],
            "rank_low": np.floor(rank_low),
            "rank_high": np.ceil(rank_high),
            "leading_share": among,
            "settings": known,
            "steady": (among >= steady) & place.iloc[:, 0].notna(),
        },
        index=effects.index,
    )


def _percentiles(table: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the 5th and 95th percentile of each row over the settings in which it is known."""
    if table.empty:
        return np.full(len(table), np.nan), np.full(len(table), np.nan)
    found = table.quantile([0.05, 0.95], axis=1, numeric_only=False).to_numpy(float)
    return found[0], found[1]
