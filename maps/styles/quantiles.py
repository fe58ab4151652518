"""Classes of an amount whose size nobody knows beforehand."""

from __future__ import annotations

import itertools
import warnings
from typing import TYPE_CHECKING

import numpy as np

from maps.i18n import _, number
from maps.styles.classes import LOST_RAMP, StyleClass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def quantile_classes(values: Sequence[float] | NDArray[np.float64], *, most: int = 5) -> tuple[StyleClass, ...]:
    """Return classes for an amount whose size no planner can know beforehand: quantiles, rounded.

    Breaks have two significant digits; the first class begins at 0, the last is open. Unknown values are left out;
    fewer different values make fewer classes.
    """
    import mapclassify  # who draws no such amount need not wait for scikit-learn and pyplot

    known = np.asarray(values, float)
    known = known[np.isfinite(known)]
    k = min(most, len(np.unique(known)))
    if k < 2:
        return (StyleClass(_("all values"), LOST_RAMP[2], lower=float("-inf"), upper=float("inf")),)
    with warnings.catch_warnings():
        # Many equal values make fewer classes than asked for: that is as it should be.
        warnings.filterwarnings("ignore", message="Not enough unique values")
        found = mapclassify.Quantiles(known, k=k).bins[:-1]
    rounded = sorted({float(f"{b:.2g}") for b in found if b > 0})
    edges = (0.0, *rounded, float("inf"))
    ramp = LOST_RAMP[-(len(edges) - 1) :]
    labels = [f"{number(a)}–{number(b)}" for a, b in itertools.pairwise(edges[:-1])]
    labels.append(_("{n} and more").format(n=number(edges[-2])))
    return tuple(
        StyleClass(label, color, lower=a, upper=b)
        for label, color, (a, b) in zip(labels, ramp, itertools.pairwise(edges), strict=True)
    )
