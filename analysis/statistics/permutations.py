"""Permutation tests on whole columns.

Esda's draws, a unit at a time, so that memory stays small; twice the smaller tail as p.

esda keeps every draw of every unit (20,000 units × 9,999 draws × 8 bytes = 1.6 GB a statistic) to test both tails. Here
the same draws are made, counted and forgotten. esda's own two-sided p counts beyond a percentile and its mirror, and
can pass 1; here p is min(1, 2·(1 + min(draws at least, at most as large))/(draws + 1)).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy.stats import false_discovery_control

from layers.keeping import kept

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

PERMUTATIONS = 99_999
"""Enough for the false discovery rate of 2,500 units at 0.05."""
ALPHA = 0.05
LEAST = 2
"""What the two-sided p of a value beyond all draws counts: itself, in each tail."""
ORDERS = 64
"""Orders of all units that a global test holds at once."""
KEPT = 10_000_000
"""Units times orders that are kept for the next test of as many units: 20 MB."""

Tail = Literal["two-sided", "greater"]
LocalStatistic = Callable[[int, "NDArray[np.float64]", "NDArray[np.float64]"], "NDArray[np.float64]"]
"""From a unit's position, the values drawn for its neighbours, shape (draws, neighbours), and their weights: the
statistic of each draw, in an array of its own. It may write over the drawn values."""


@dataclass(frozen=True)
class Outcome:
    """What the draws say of each unit: ``p``, and ``mean`` and ``std`` of its statistic over the draws."""

    p: NDArray[np.float64]
    mean: NDArray[np.float64]
    std: NDArray[np.float64]


def reach_warning(permutations: int, n: int, alpha: float = ALPHA) -> str:
    """Return a warning where the permutations can't reach the FDR cut, else an empty string.

    The smallest two-sided p is 2/(permutations + 1); Benjamini–Hochberg asks α/n of the first unit.

    Examples
    --------
    >>> reach_warning(9999, 100)
    ''
    """
    if permutations + 1 >= LEAST * n / alpha:
        return ""
    return (
        f"{permutations:,} permutations can't make a single one of {n} units significant under FDR at {alpha:g}: "
        f"only ties could; use {int(np.ceil(LEAST * n / alpha)):,} or more"
    )


def adjusted(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return p adjusted for the false discovery rate over the units that have one; NaN stays NaN.

    q of rank k is the least of p·n/rank over the ranks from k on (Benjamini and Hochberg 1995).

    Examples
    --------
    >>> adjusted(np.array([0.01, 0.04, np.nan, 0.03])).round(3).tolist()
    [0.03, 0.04, nan, 0.04]
    """
    p = np.asarray(p, float)
    known = np.isfinite(p)
    out = np.full(len(p), np.nan)
    if known.any():
        out[known] = false_discovery_control(np.minimum(p[known], 1.0))
    return out


def pseudo_p(observed: float, draws: NDArray[np.float64], tail: Tail = "two-sided") -> float:
    """Return the pseudo-p of a value among draws, the value itself counted as one of them.

    Greater: (1 + draws at least as large) / (draws + 1). Two-sided: twice the smaller of both tails, at most 1.

    Examples
    --------
    >>> pseudo_p(99.0, np.arange(99.0))
    0.02
    >>> pseudo_p(99.0, np.arange(99.0), "greater")
    0.01
    """
    above = int(np.count_nonzero(draws >= observed))
    if tail == "greater":
        return (1 + above) / (len(draws) + 1)
    return min(1.0, 2 * (1 + min(above, int(np.count_nonzero(draws <= observed)))) / (len(draws) + 1))


def moments(draws: NDArray[np.float64]) -> tuple[float, float]:
    """Return mean and standard deviation as numpy has them, in the room of the draws, which are lost.

    Examples
    --------
    >>> moments(np.array([1.0, 2.0, 3.0, 6.0])) == (3.0, np.array([1.0, 2.0, 3.0, 6.0]).std())
    True
    """
    mean = draws.mean()
    draws -= mean
    np.multiply(draws, draws, out=draws)
    return float(mean), float(np.sqrt(draws.sum() / len(draws)))


@lru_cache(maxsize=4)
def neighbour_draws(n: int, most: int, permutations: int, seed: int) -> NDArray[np.int64]:
    """Return esda's draws of neighbours: positions among the other n − 1 units, shape (permutations, most).

    Each row is drawn without replacement. One table serves all units, as in esda without numba, and all statistics of
    as many units: it is kept, for other runs too, and can't be written to.
    """
    out = kept(_drawn, n, most, permutations, seed).astype(np.int64)
    out.flags.writeable = False
    return out


def _drawn(n: int, most: int, permutations: int, seed: int) -> NDArray[Any]:
    """Return the draws of neighbours in as few bytes as hold them."""
    rng = np.random.RandomState(seed)  # esda draws from numpy's legacy generator
    out = np.empty((permutations, most), np.uint16 if n <= np.iinfo(np.uint16).max else np.int32)
    ordered, order = np.arange(n - 1), np.empty(n - 1, np.int64)
    for k in range(permutations):  # one draw at a time is all that numpy has: what ``choice`` does, without its checks
        order[:] = ordered
        rng.shuffle(order)
        out[k] = order[:most]
    return out


def local_test(
    values: NDArray[np.float64],
    weights: csr_array,
    observed: NDArray[np.float64],
    statistic: LocalStatistic,
    *,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
    tail: Tail = "two-sided",
) -> Outcome:
    """Return the conditional permutation test of a local statistic.

    A unit keeps its own value; its neighbours' values are drawn without replacement from all other units (Anselin
    1995).

    Parameters
    ----------
    values
        What is shuffled, shape (n,).
    weights
        Shape (n, n); a weight on the diagonal is not shuffled and is the statistic's own business.
    observed
        Statistic of each unit.
    statistic
        The same of draws; see `LocalStatistic`.

    Returns
    -------
    NaN for units without neighbours. The time is that of n × permutations × neighbours, the memory that of one unit's
    draws.
    """
    rows = weights.tocsr(copy=True)
    rows.setdiag(0)
    rows.eliminate_zeros()
    count = np.diff(rows.indptr)
    n = len(values)
    out = Outcome(*(np.full(n, np.nan) for _ in range(3)))
    if not count.any():
        return out
    drawn = neighbour_draws(n, int(count.max()), permutations, seed)
    others, c, ids, near = np.empty(n - 1), -1, drawn, np.empty((0, 0))
    for i in np.argsort(count, kind="stable"):  # a unit's draws fill some megabytes: one at a time
        if not count[i]:
            continue
        if count[i] != c:
            c = int(count[i])
            ids = np.ascontiguousarray(drawn[:, :c])
            near = np.empty(ids.shape)
        others[:i], others[i:] = values[:i], values[i + 1 :]
        np.take(others, ids, out=near, mode="clip")  # all are within: clipping is only quicker than raising
        draws = statistic(int(i), near, rows.data[rows.indptr[i] : rows.indptr[i + 1]])
        out.p[i] = pseudo_p(float(observed[i]), draws, tail)
        out.mean[i], out.std[i] = moments(draws)
    return out


def global_draws(
    values: NDArray[np.float64],
    statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    *,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Return a global statistic of all units in random orders.

    The orders are those that esda draws after ``np.random.seed(seed)``.

    Parameters
    ----------
    values
        Shape (n,).
    statistic
        From orders of the values, shape (orders, n), to their statistics, shape (orders,).
    """
    n = len(values)
    out = np.empty(permutations)
    orders = _orders(n, permutations, seed) if n * permutations <= KEPT else None
    rng = np.random.RandomState(seed)  # esda draws from numpy's legacy generator
    for start in range(0, permutations, ORDERS):
        m = min(ORDERS, permutations - start)
        some = np.array([rng.permutation(n) for _ in range(m)]) if orders is None else orders[start : start + m]
        out[start : start + m] = statistic(values[some])
    return out


@lru_cache(maxsize=4)
def _orders(n: int, permutations: int, seed: int) -> NDArray[Any]:
    """Return esda's orders of n units, shape (permutations, n): kept, for many statistics are of the same units."""
    rng = np.random.RandomState(seed)
    out = np.empty((permutations, n), np.uint16 if n <= np.iinfo(np.uint16).max else np.int32)
    for k in range(permutations):  # one order at a time is all that numpy has
        out[k] = rng.permutation(n)
    out.flags.writeable = False
    return out
