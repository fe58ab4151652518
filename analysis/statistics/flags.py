"""Two flags, growth point and bottleneck.

Each by its own effect and its own test; a cell may be both, and neither outbids the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.stats import beta

from analysis.statistics.own_side import CONFIDENCE, own_side_test
from analysis.statistics.permutations import ALPHA, PERMUTATIONS
from analysis.statistics.smooth import DRAWS, Kind, joined_part, smooth_test, surfaces_on
from analysis.statistics.words import HIGH, MIN_UNITS, NO, NO_DATA, NOT_TESTABLE, STANDS_OUT, UNCERTAIN

if TYPE_CHECKING:
    from libpysal.graph import Graph
    from numpy.typing import NDArray

WORDS = {
    STANDS_OUT: "stands out even beside equally smooth surfaces",
    HIGH: "high, as parts of smooth surfaces are",
    UNCERTAIN: "uncertain: another seed may say otherwise",
    NO: "not above what chance puts on its side",
    NOT_TESTABLE: "described, not tested: too few neighbours",
    NO_DATA: "nobody lives there, or it is not known",
}
"""What each value of a flag says. The second kind is for maps, not for findings: a free shuffle finds it in nearly
every smooth surface."""
SENSITIVITIES: Mapping[str, Kind] = {"p_max_ranked": "ranked", "p_max_spectral": "spectral"}


def both_tests(
    values: pd.Series,
    graph: Graph,
    side: pd.Series,
    *,
    design: pd.DataFrame | None = None,
    people: pd.Series | None = None,
    permutations: int = PERMUTATIONS,
    draws: int = DRAWS,
    seed: int = 0,
    alpha: float = ALPHA,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return both tests of a variable, and the flag that they make.

    Parameters
    ----------
    values
        A logarithm or a residual by unit, 0 where a unit is as its norm; NaN is left out.
    graph, side
        See `analysis.statistics.own_side.own_side_test`.
    design, people
        See `analysis.statistics.smooth.smooth_test`.

    Returns
    -------
    On the index of the values: ``z``, ``p``, ``q`` of the local test, ``p_max`` beside smooth surfaces,
    ``p_max_ranked`` and ``p_max_spectral`` (sensitivities), ``flag``. And what the smooth surfaces were: see
    `smooth_test`.
    """
    local = own_side_test(values, graph, side, permutations=permutations, seed=seed, alpha=alpha)
    _, part = joined_part(values, graph)
    ids = part.unique_ids
    # One set of surfaces for all three: nothing is drawn twice.
    surfaces = surfaces_on(
        part,
        design=None if design is None else design.reindex(ids).to_numpy(float),
        people=None if people is None else people.reindex(ids).to_numpy(float),
        draws=draws,
        seed=seed,
    )
    joined = values.where(values.index.isin(ids))  # what has no neighbour is not looked for three times again
    smooth = smooth_test(joined, part, surfaces=surfaces)
    out = local[["z", "p", "q"]].assign(p_max=smooth["p_max"])
    for column, kind in SENSITIVITIES.items():
        out[column] = smooth_test(joined, part, kind=kind, surfaces=surfaces)["p_max"]
    out["flag"] = flags(values, local, smooth["p_max"], draws=draws, alpha=alpha)
    return out, {str(k): v for k, v in smooth.attrs.items()}


def flags(
    values: pd.Series, local: pd.DataFrame, p_max: pd.Series, *, draws: int = DRAWS, alpha: float = ALPHA
) -> pd.Series:
    """Return the flag of each unit, one of `WORDS`.

    It stands out where p_max ≤ α; it is high where the local test says so; it is uncertain where the Clopper–Pearson
    interval of the p that decides spans its threshold. Only what is above its norm (a value above 0) is ever either.

    Examples
    --------
    >>> local = pd.DataFrame({"testable": True, "hot": [True, True, False], "uncertain": [False, True, False]})
    >>> flags(pd.Series([1.0, 1.0, np.nan]), local, pd.Series([0.001, 0.6, np.nan])).tolist()
    ['stands out', 'uncertain', 'no data']
    """
    above = (values > 0).to_numpy()
    p = p_max.to_numpy(float)
    first = above & (p <= alpha)
    doubt = above & spans(p, draws, alpha)
    hot, unsure, able = (local[c].to_numpy(bool) for c in ("hot", "uncertain", "testable"))
    chosen = np.select(
        [values.isna().to_numpy(), first & ~doubt, doubt | (above & unsure & ~first), above & hot, ~able],
        [NO_DATA, STANDS_OUT, UNCERTAIN, HIGH, NOT_TESTABLE],
        NO,
    )
    return pd.Series(chosen.astype(object), index=values.index, name="flag")


def spans(p: NDArray[np.float64], draws: int, alpha: float) -> NDArray[np.bool_]:
    """Return which one-sided p, (1 + count)/(draws + 1), another seed might put on the other side of α."""
    count = np.where(np.isfinite(p), np.rint(p * (draws + 1) - 1), 0)
    rest = (1 - CONFIDENCE) / 2
    low = np.where(count > 0, beta.ppf(rest, np.maximum(count, 1), draws - count + 1), 0.0)
    high = np.where(count < draws, beta.ppf(1 - rest, count + 1, np.maximum(draws - count, 1)), 1.0)
    return np.asarray(np.isfinite(p) & (low <= alpha) & (high > alpha), bool)


def flag_notes(name: str, found: Mapping[str, Any], column: pd.Series, *, alpha: float = ALPHA) -> list[str]:
    """Return what a reader must know of a test: units that can't be tested, and that there are too few of them."""
    counts = column.value_counts()
    units = int(column.ne(NO_DATA).sum())
    if found["units"] < MIN_UNITS:
        return [f"{name}: described, not tested: {found['units']} units with neighbours"]
    few = int(counts.get(NOT_TESTABLE, 0))
    return (
        [f"{name}: {few} of {units} units have too few neighbours for p to reach {alpha:g}/{units}: not tested"]
        if few
        else []
    )
