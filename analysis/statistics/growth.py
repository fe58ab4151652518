"""Growth: how much more people reach across the border than their surroundings give.

These are their side, their potential at home and their distance to the line.

The effect is the residual of log A^x, so that neither the larger neighbour nor a place by the line makes a growth point
by itself; in numbers of a planner e^residual, a ratio.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray

DEFINITIONS = ("passes_time", "passes_contiguity", "passes_ratio", "passes_segment")
"""Four ways to say it: the residual with neighbours by time, with cells that touch, the log ratio within the side, the
segment of the border."""


def growth_design(units: pd.DataFrame, *, home: bool = True, distance: bool = True) -> pd.DataFrame:
    """Return the regressors of log A^x.

    A column of ones for each side, log A^dom and kilometres to the line, both with slopes by side.

    A side that is not there has no columns. Swapping the names of the sides swaps the columns and changes nothing else.

    Parameters
    ----------
    units
        With ``side``, ``potential_domestic_actual`` and ``line_km``.
    home, distance
        Whether log A^dom and the distance are in it.

    Examples
    --------
    >>> two = pd.DataFrame({"side": ["a", "b"], "potential_domestic_actual": [np.e, 1.0], "line_km": [10.0, 20.0]})
    >>> growth_design(two, distance=False).to_numpy().tolist()
    [[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]
    """
    columns = {}
    at_home = units["potential_domestic_actual"]
    for side in sorted(units["side"].unique()):
        own = (units["side"] == side).astype(float)
        columns[f"side {side}"] = own
        if home:
            columns[f"home {side}"] = own * _log(at_home)
        if distance:
            columns[f"line {side}"] = own * units["line_km"]
    return pd.DataFrame(columns, index=units.index)


def growth_residual(
    units: pd.DataFrame,
    *,
    home: bool = True,
    distance: bool = True,
    weighted: bool = True,
    fit: NDArray[np.bool_] | None = None,
    column: str = "potential_cross_actual",
) -> pd.Series:
    """Return the residual of log A^x on side, log A^dom and distance to the line, by people as weights.

    Parameters
    ----------
    units
        As `growth_design` takes, with `column` and ``population``.
    weighted
        Weigh by people; all units alike where false.
    fit
        Units that the regression is fitted on, all where it is None; the others are held against it.

    Returns
    -------
    On the index of the units; NaN where a potential is 0 or unknown, or nobody lives. Of a side with no more units than
    regressors: NaN.
    """
    x = growth_design(units, home=home, distance=distance)
    y = _log(units[column])
    known = (y.notna() & x.notna().all(axis=1) & (units["population"] > 0)).to_numpy()
    use = known if fit is None else known & fit
    out = pd.Series(np.nan, index=units.index, name="growth")
    side = units["side"].to_numpy(dtype=object)
    for s in sorted(set(side[use])):  # sides: two. All slopes are by side, so that each is a regression of its own.
        own, measured = use & (side == s), known & (side == s)
        part = x.loc[:, [c for c in x if str(c).endswith(f" {s}")]].to_numpy()
        if own.sum() <= part.shape[1]:
            continue
        v = np.sqrt(units["population"].to_numpy(float)[own]) if weighted else np.ones(int(own.sum()))
        slope = np.linalg.lstsq(part[own] * v[:, None], y.to_numpy()[own] * v, rcond=None)[0]
        out[measured] = y.to_numpy()[measured] - part[measured] @ slope
    return out


def log_ratio(units: pd.DataFrame, *, weighted: bool = True) -> pd.Series:
    """Return log(A^x/A^dom) less its mean on the unit's own side, by people as weights.

    NaN where either is 0 or unknown.
    """
    cross, at_home = units["potential_cross_actual"], units["potential_domestic_actual"]
    people = units["population"].astype(float)
    ratio = _log(cross) - _log(at_home)
    ratio = ratio.where(people > 0)
    weight = (people if weighted else pd.Series(1.0, index=units.index)).where(ratio.notna(), 0.0)
    side = units["side"].to_numpy(dtype=object)
    sums = pd.DataFrame({"y": ratio.fillna(0.0) * weight, "w": weight}).groupby(side).sum()
    mean = (sums["y"] / sums["w"].where(sums["w"] > 0)).reindex(side).to_numpy()
    out: pd.Series = (ratio - mean).rename("log_ratio")
    return out


def segment_growth(a: pd.DataFrame, b: pd.DataFrame) -> pd.Series:
    """Return ½·log(A^x_a·A^x_b/(A^dom_a·A^dom_b)) of border segments.

    Both sides in one number, the same when they change places.

    Parameters
    ----------
    a, b
        Potentials at the end of each segment on either side.

    Returns
    -------
    NaN where an end joins no network, or has no potential.
    """
    ends = [_log(end["potential_cross_actual"]) - _log(end["potential_domestic_actual"]) for end in (a, b)]
    out: pd.Series = ((ends[0] + ends[1]) / 2).rename("segment_growth")
    return out


def _log(values: pd.Series) -> pd.Series:
    """Return the logarithm, NaN of what is not positive."""
    logs = np.log(values.where(values > 0).to_numpy(float))
    return pd.Series(logs, index=values.index)


def passes(hot: Mapping[str, pd.Series]) -> pd.DataFrame:
    """Return which definitions a unit passes, a column each, and how many: ``passes``.

    Parameters
    ----------
    hot
        By definition, whether each unit is hot.
    """
    table = pd.DataFrame({name: each.fillna(False).astype(bool) for name, each in hot.items()})
    return table.assign(passes=table.sum(axis=1).astype(int))


def largest_share(
    pull: NDArray[np.float64], names: NDArray[np.object_], people: NDArray[np.float64]
) -> tuple[NDArray[np.object_], NDArray[np.float64]]:
    """Return the place that gives most of each unit's potential across the border, and its share.

    Parameters
    ----------
    pull
        f(t) from units to places across, shape (units, places); 0 for places at home.
    names, people
        Of the places.
    """
    if not pull.shape[1]:
        return np.full(len(pull), "", dtype=object), np.full(len(pull), np.nan)
    part = pull * people
    total = part.sum(axis=1)
    best = part.argmax(axis=1)
    share = np.divide(part[np.arange(len(part)), best], total, out=np.full(len(part), np.nan), where=total > 0)
    return np.where(total > 0, names[best], ""), share
