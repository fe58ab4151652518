"""A transparent typology: two axes, cut once each, make four types whose names are the study's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from layers.errors import LayerError

if TYPE_CHECKING:
    from numpy.typing import NDArray

Quadrant = Literal["high-high", "high-low", "low-high", "low-low"]
QUADRANTS: tuple[Quadrant, ...] = ("high-high", "high-low", "low-high", "low-low")
Names = Mapping[Quadrant, str] | Mapping[str, str]
NAMES: Mapping[str, str] = {
    "high-high": "high potential, high permeability",
    "high-low": "high potential, low permeability",
    "low-high": "low potential, high permeability",
    "low-low": "low potential, low permeability",
}
"""Neutral names of our own, first the potential, then the permeability; a study gives its own. None is from the
literature."""
NO_TYPE = "not assessed"


@dataclass(frozen=True)
class Axes:
    """The two axes of a typology: columns, whether more is more (1) or less is (−1), and where they are cut.

    A cut of None is the median of the regions that are known on the axis. Cuts are in the unit of the column.
    """

    potential: str = "potential_cross_borderless"
    permeability: str = "border_loss"
    directions: tuple[int, int] = (1, -1)
    cuts: tuple[float | None, float | None] = (None, None)


def quadrant_codes(
    potential: NDArray[np.float64],
    permeability: NDArray[np.float64],
    *,
    directions: tuple[int, int] = (1, 1),
    cuts: tuple[float | None, float | None] = (None, None),
) -> NDArray[np.int64]:
    """Return the position in `QUADRANTS` of each region, −1 where an axis is not known.

    Along the last axis of any shape.

    What lies on a cut is high.

    Examples
    --------
    >>> quadrant_codes(np.array([1.0, 2.0, 3.0, np.nan]), np.array([9.0, 1.0, 5.0, 5.0])).tolist()
    [2, 1, 0, -1]
    """
    low = []
    for values, direction, cut in zip((potential, permeability), directions, cuts, strict=True):
        oriented = direction * np.asarray(values, float)
        at = _medians(oriented) if cut is None else np.asarray(direction * cut, float)
        # A median of two equal numbers may miss them by the last digit.
        low.append(oriented < at - 1e-12 * np.abs(at))
    known = np.isfinite(potential) & np.isfinite(permeability)
    return np.where(known, 2 * low[0] + low[1], -1).astype(np.int64)


def _medians(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the median of what is known along the last axis, kept as an axis; NaN where nothing is."""
    ordered = np.sort(np.where(np.isfinite(values), values, np.inf), axis=-1)
    n = np.isfinite(values).sum(axis=-1, keepdims=True)
    lower, upper = (np.take_along_axis(ordered, np.maximum(at, 0), axis=-1) for at in ((n - 1) // 2, n // 2 - (n == 0)))
    return np.asarray(np.where(n > 0, (np.where(n > 0, lower, 0) + np.where(n > 0, upper, 0)) / 2, np.nan), float)


def quadrant_types(table: pd.DataFrame, axes: Axes | None = None, *, names: Names = NAMES) -> pd.DataFrame:
    """Return the type of each region, in the order of `table`.

    Parameters
    ----------
    table
        ``region`` and the two columns.
    axes
        The cross-border potential without a border against the border loss, both cut at the median, where it is None.
    names
        From `QUADRANTS` to the study's own names; those that are not given keep ours.

    Returns
    -------
    ``region``, ``potential``, ``permeability`` (as measured), ``potential_cut``, ``permeability_cut``, ``quadrant``
    (one of `QUADRANTS`, first the potential) and ``type``, "not assessed" where an axis is not known.

    Raises
    ------
    LayerError
        A column that is not there, a direction other than 1 and −1, or a name for no quadrant.

    Examples
    --------
    >>> table = pd.DataFrame({"region": ["A", "B"], "reach": [10.0, 90.0], "border_loss": [0.2, 0.8]})
    >>> quadrant_types(table, Axes("reach"), names={"low-high": "door without a house"})["type"].tolist()
    ['door without a house', 'high potential, low permeability']
    """
    axes = axes or Axes()
    absent = [c for c in (axes.potential, axes.permeability) if c not in table]
    if absent:
        raise LayerError(
            f"no column {', '.join(absent)} for the typology: allowed are {', '.join(map(str, table.columns))}"
        )
    called = type_names(axes, names)
    x, y = (table[c].to_numpy(float) for c in (axes.potential, axes.permeability))
    code = quadrant_codes(x, y, directions=axes.directions, cuts=axes.cuts)
    out = pd.DataFrame({"region": table["region"].to_numpy(), "potential": x, "permeability": y})
    for axis, values, cut in zip(("potential", "permeability"), (x, y), axes.cuts, strict=True):
        out[f"{axis}_cut"] = _medians(values)[0] if cut is None else cut
    out["quadrant"] = np.append(np.array(QUADRANTS, dtype=object), "")[code]
    out["type"] = np.append(np.array([called[q] for q in QUADRANTS], dtype=object), NO_TYPE)[code]
    return out


def type_names(axes: Axes, names: Names) -> dict[str, str]:
    """Return the name of each quadrant, or say what does not fit."""
    odd = sorted(set(names) - set(QUADRANTS))
    if odd:
        raise LayerError(f"a type name for {', '.join(odd)}: allowed are {', '.join(QUADRANTS)}")
    if not set(axes.directions) <= {1, -1}:
        raise LayerError(f"directions of the axes {axes.directions}: allowed are 1 and -1")
    called: dict[str, str] = {**NAMES, **dict(names.items())}
    if len(set(called.values()) | {NO_TYPE}) < len(QUADRANTS) + 1:
        raise LayerError(f"type names {', '.join(called.values())}: allowed are four that differ")
    return called
