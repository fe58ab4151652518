"""How the stretches of a structural null are ranked among its draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from analysis.statistics.permutations import adjusted

if TYPE_CHECKING:
    from numpy.typing import NDArray


Null = Literal["places", "waits"]


WORSE = {"time_to_checkpoint_min": 1, "border_loss": 1, "lost_potential": 1, "cross_ratio": -1}
"""The indicators, and whether more of each is worse (1) or better (−1)."""


COLUMNS = [
    "unit",
    "indicator",
    "observed",
    "null_median",
    "null_p05",
    "null_p95",
    "p_worse",
    "p_two_sided",
    "q_worse",
    "q_two_sided",
    "draws",
    "null",
]


WHOLE = "all"


def with_whole(table: pd.DataFrame, weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the table with the weighted median of its columns as a last row, over the units that are known."""
    values = table.to_numpy(float)
    w = np.where(np.isnan(values), 0.0, weight[:, None])
    order = np.argsort(values, axis=0, kind="stable")
    reach = np.cumsum(np.take_along_axis(w, order, axis=0), axis=0)
    middle = np.take_along_axis(order, (reach >= reach[-1:] / 2).argmax(axis=0)[None], axis=0)
    median = np.where(reach[-1:] > 0, np.take_along_axis(values, middle, axis=0), np.nan)
    return np.vstack([values, median])


def ranked(
    indicator: str, names: list[object], seen: NDArray[np.float64], many: NDArray[np.float64], null: Null
) -> pd.DataFrame:
    """Return the rank of what was seen among the draws, shape (draws, units), of one indicator."""
    sign, n = WORSE[indicator], len(many)
    known = ~np.isnan(seen) & ~np.isnan(many).any(axis=0)
    # Sums of minutes differ in their last digits by the order they were added in: a draw as good as equal is a tie.
    slack = 1e-9 * np.maximum(1.0, np.where(np.isfinite(seen), np.abs(seen), 1.0))
    with np.errstate(invalid="ignore"):
        worse = (1 + (sign * many >= sign * seen - slack).sum(axis=0)) / (n + 1)
        better = (1 + (sign * many <= sign * seen + slack).sum(axis=0)) / (n + 1)
    low, mid, high = np.quantile(many, [0.05, 0.5, 0.95], axis=0, method="nearest")
    p_worse = np.where(known, worse, np.nan)
    p_both = np.where(known, np.minimum(1.0, 2 * np.minimum(worse, better)), np.nan)
    table = pd.DataFrame({"unit": pd.Series(names, dtype=object), "indicator": indicator})
    for column, values in (("observed", seen), ("null_median", mid), ("null_p05", low), ("null_p95", high)):
        table[column] = np.where(np.isfinite(values), values, np.nan)
    table["p_worse"], table["p_two_sided"] = p_worse, p_both
    for column, p in (("q_worse", p_worse), ("q_two_sided", p_both)):
        # The whole is no unit: it is not one of the many tests.
        table[column] = np.r_[adjusted(p[:-1]), np.nan]
    table["draws"], table["null"] = n, null
    return table[known | np.isfinite(seen)].reset_index(drop=True)
