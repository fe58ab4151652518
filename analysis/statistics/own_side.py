"""The one local test: a unit and what lies around it, beside what its own side would put there by chance.

With the own value fixed, G* and the local Moran order the draws alike: one test is reported, that of S_i = x_i + Σ w_ij
x_j (the numerator of G*, Ord and Getis 1995). Each neighbour's value is drawn from the neighbour's own side, so that a
difference between the sides is no pattern. Free draws know no smoothness: in a smooth field something is nearly always
high. What stands out even beside surfaces as smooth as the data is a question for `analysis.statistics.smooth`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import gammaln
from scipy.stats import beta

from analysis.statistics.association import known_part, untested
from analysis.statistics.permutations import ALPHA, PERMUTATIONS, adjusted, moments
from layers.keeping import kept, key_of

if TYPE_CHECKING:
    from libpysal.graph import Graph
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

CHUNK = 4096
"""Orders of a side that are drawn at once."""
PLACES = 16
"""Places of an order are drawn in so many more at once."""
UNITS = 32
"""Units whose draws are held at once."""
CONFIDENCE = 0.99
KEPT = 16
"""Tests whose draws are not made again: two numbers a unit each."""
COLUMNS = ["s", "z", "p", "q", "testable", "hot", "uncertain"]


_FOUND: dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]] = {}


@dataclass(frozen=True)
class _Orders:
    """Random orders of the units of a side.

    ``units`` of shape (places, orders), and ``where`` each unit stands in them.

    ``where`` are positions in the flat ``units``, those of unit i from ``first[i]`` to ``first[i + 1]``, ascending.
    """

    units: NDArray[Any]
    where: NDArray[Any]
    first: NDArray[np.int64]


def own_side_test(
    values: pd.Series,
    graph: Graph,
    side: pd.Series,
    *,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
    alpha: float = ALPHA,
) -> pd.DataFrame:
    """Return the local test of a variable, neighbours drawn within their own side.

    Parameters
    ----------
    values
        By unit; NaN is left out.
    graph
        Weights as they are, neither binary nor row-standardised; the unit itself counts with weight 1.
    side
        By unit.

    Returns
    -------
    On the index of the values: ``s``; ``z`` (standardised over the draws); ``p`` = min(1, 2·(1 + min(#≥, #≤))/(P + 1));
    ``q`` (Benjamini–Hochberg over the testable units); ``testable`` (`can_be_tested`); ``hot`` (q ≤ α, z above 0, the
    own value above its side's mean); ``uncertain`` (hot or not by the seed: the Clopper–Pearson interval of its p spans
    the threshold).
    """
    x, part = known_part(values, graph)
    ids = part.unique_ids
    out = pd.DataFrame({c: np.full(len(x), np.nan) for c in ("s", "z", "p", "q")}, index=ids)
    if untested(x):
        return out.assign(testable=False, hot=False, uncertain=False).reindex(values.index).pipe(_filled)
    at = pd.factorize(side.reindex(ids))[0].astype(np.int64)
    rows = without_self(part)
    able = can_be_tested(rows, at, alpha=alpha)
    s = x + rows @ x
    count, z = _known_tails(x, rows, at, s, permutations, seed)
    p = np.where(able, np.minimum(1.0, 2 * (1 + count) / (permutations + 1)), np.nan)
    out["s"], out["z"], out["p"], out["q"] = s, z, p, adjusted(p)
    high = (z > 0) & (x > _side_means(x, at)[at])
    out["testable"] = able
    out["hot"] = high & (out["q"].fillna(1.0).to_numpy() <= alpha)
    out["uncertain"] = high & able & straddles(count, permutations, cut(p, alpha))
    return _filled(out.reindex(values.index))


def can_be_tested(weights: csr_array, side: NDArray[np.int64], *, alpha: float = ALPHA) -> NDArray[np.bool_]:
    """Return which units have so many different draws that p can reach α/n, n the number of units.

    A unit with k neighbours on a side of m units has m!/(m − k)! ordered draws of them, fewer by the orders of equal
    weights; its two-sided p is never below 2 over that number, whatever the number of permutations. Units without
    neighbours have one draw.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> chain = csr_array(np.eye(30, k=1) + np.eye(30, k=-1))
    >>> bool(can_be_tested(chain, np.zeros(30, np.int64)).any())  # 2 of 29 others: 406 draws, 2/406 > 0.05/30
    False
    """
    n = weights.shape[0]
    units = np.bincount(side)
    out = np.zeros(n, bool)
    for i in range(n):  # counts of a unit's own neighbours: a few numbers each
        near = slice(weights.indptr[i], weights.indptr[i + 1])
        k = np.bincount(side[weights.indices[near]], minlength=len(units))
        m = units - (np.arange(len(units)) == side[i])
        alike = np.unique(np.c_[side[weights.indices[near]], weights.data[near]], axis=0, return_counts=True)[1]
        draws = (gammaln(m + 1) - gammaln(m - k + 1)).sum() - gammaln(alike + 1).sum()
        out[i] = k.sum() > 0 and np.log(2) - draws <= np.log(alpha / n)
    return out


def straddles(
    count: NDArray[np.int64], permutations: int, threshold: float, *, confidence: float = CONFIDENCE
) -> NDArray[np.bool_]:
    """Return which p a run with another seed might put on the other side of a threshold.

    Parameters
    ----------
    count
        Draws in the smaller tail, of each unit.
    threshold
        Of the two-sided p.

    Returns
    -------
    Whether the Clopper–Pearson interval of twice the tail spans it (Clopper and Pearson 1934).
    """
    rest = (1 - confidence) / 2
    low = np.where(count > 0, beta.ppf(rest, count, permutations - count + 1), 0.0)
    high = np.where(count < permutations, beta.ppf(1 - rest, count + 1, permutations - count), 1.0)
    return np.asarray((2 * low <= threshold) & (2 * high > threshold), bool)


def cut(p: NDArray[np.float64], alpha: float = ALPHA) -> float:
    """Return the largest p that Benjamini and Hochberg reject, k·α/m for k rejections among m.

    α/m where there is none.
    """
    known = np.sort(p[np.isfinite(p)])
    m = len(known)
    if not m:
        return alpha
    passed = np.flatnonzero(known <= alpha * np.arange(1, m + 1) / m)
    return alpha * (max(int(passed[-1]) + 1, 1) if len(passed) else 1) / m


def without_self(graph: Graph) -> csr_array:
    """Return the weights of a graph without the diagonal and without zeros."""
    rows = graph.sparse.tocsr(copy=True).astype(float)
    rows.setdiag(0)
    rows.eliminate_zeros()
    return rows


def _known_tails(
    x: NDArray[np.float64], weights: csr_array, side: NDArray[np.int64], s: NDArray[np.float64], draws: int, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the same as `_tails`, kept: the test that flags are made of is asked again by definitions and stability.

    `s` follows from the others.
    """
    key = key_of(x, side, weights.data, weights.indices, weights.indptr, draws, seed)
    if key not in _FOUND:
        _FOUND[key] = _tails(x, weights, side, s, draws, seed)
    while len(_FOUND) > KEPT:
        _FOUND.pop(next(iter(_FOUND)))
    count, z = _FOUND[key]
    return count.copy(), z.copy()


def _tails(
    x: NDArray[np.float64], weights: csr_array, side: NDArray[np.int64], s: NDArray[np.float64], draws: int, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return of each unit the number of draws in the smaller tail, and its value standardised over the draws."""
    focal = np.repeat(np.arange(len(x)), np.diff(weights.indptr))
    sides = range(int(side.max()) + 1)
    near = [np.bincount(focal[side[weights.indices] == k], minlength=len(x)) for k in sides]
    own = [x[side == k] for k in sides]
    # As many as serve the other weights of these units too: the first places are the same however many are drawn.
    most = [-(-(int(near[k].max()) + 1) // PLACES) * PLACES for k in sides]
    drawn = [_orders(len(own[k]), most[k], draws, seed + k) for k in sides]
    values = [own[k][drawn[k].units] for k in sides]
    place = np.zeros(len(x), np.int64)
    for k in sides:  # two
        place[side == k] = np.arange(len(own[k]))
    count, z = np.zeros(len(x), np.int64), np.full(len(x), np.nan)
    # Some tens of megabytes, the same for all blocks: fresh memory takes as long as the sums.
    room = np.empty((2, min(UNITS, len(x)), draws))
    for start in range(0, len(x), UNITS):
        block = np.arange(start, min(start + UNITS, len(x)))
        sums, part = room[0, : len(block)], room[1, : len(block)]
        sums[:] = x[block, None]
        for k in sides:
            table = _weights_on(weights, block, side, k)
            sums += np.matmul(table, values[k][: table.shape[1]], out=part)
            for i in block[side[block] == k]:
                _give_way(sums[i - start], _on_side(weights, side, i, k), drawn[k], values[k], place[i], x[i])
        for i, of in zip(block, sums, strict=True):
            # Sums in another order differ in their last digit: a tie is a tie.
            slack = 1e-9 * (max(of.max(), -of.min()) + abs(s[i]))
            count[i] = min(np.count_nonzero(of >= s[i] - slack), np.count_nonzero(of <= s[i] + slack))
            mean, spread = moments(of)
            z[i] = (s[i] - mean) / spread if spread > slack else np.nan
    return count, z


def _weights_on(weights: csr_array, block: NDArray[np.int64], side: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """Return each unit's weights on side k at the first places of an order, as many as are needed.

    Shape (units, places).
    """
    own = [_on_side(weights, side, int(i), k) for i in block]
    table = np.zeros((len(block), max(map(len, own))))
    for row, some in zip(table, own, strict=True):
        row[: len(some)] = some
    return table


def _give_way(
    sums: NDArray[np.float64],
    own: NDArray[np.float64],
    drawn: _Orders,
    values: NDArray[np.float64],
    place: int,
    value: float,
) -> None:
    """Correct a unit's sums for the orders in which it is its own neighbour.

    It gives its place to the next of the order.
    """
    k, draws = len(own), values.shape[1]
    if not 0 < k < len(values):
        return
    found = drawn.where[drawn.first[place] : drawn.first[place + 1]]
    found = found[: np.searchsorted(found, k * draws)]
    column, order = np.divmod(found, draws)
    sums[order] += own[column] * (values[k, order] - value)


def _on_side(weights: csr_array, side: NDArray[np.int64], i: int, k: int) -> NDArray[np.float64]:
    """Return the weights of a unit's neighbours on side k."""
    near = slice(weights.indptr[i], weights.indptr[i + 1])
    return np.asarray(weights.data[near][side[weights.indices[near]] == k], float)


@lru_cache(maxsize=4)
def _orders(n: int, most: int, draws: int, seed: int) -> _Orders:
    """Return the first `most` of n units in random orders; kept, for the tests of one family draw the same."""
    units = kept(_drawn, n, min(most, n), draws, seed)
    flat = units.ravel()
    where = np.argsort(flat, kind="stable").astype(np.int32 if flat.size <= np.iinfo(np.int32).max else np.int64)
    return _Orders(units, where, np.concatenate([[0], np.cumsum(np.bincount(flat, minlength=n))]))


def _drawn(n: int, most: int, draws: int, seed: int) -> NDArray[Any]:
    """Return the first `most` of n units in random orders, shape (most, draws)."""
    rng = np.random.default_rng(seed)
    # Two bytes a number, where they do, are sorted by radix.
    units = np.empty((most, draws), np.uint16 if n <= np.iinfo(np.uint16).max else np.int32)
    for start in range(0, draws, CHUNK):  # a piece of the orders at once
        part = min(CHUNK, draws - start)
        whole = np.broadcast_to(np.arange(n, dtype=np.int32), (part, n))
        units[:, start : start + part] = rng.permuted(whole, axis=1)[:, :most].T
    return units


def _side_means(x: NDArray[np.float64], side: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the mean of each side."""
    return np.asarray(np.bincount(side, x) / np.bincount(side), float)


def _filled(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with false where a unit had no value."""
    for column in ("testable", "hot", "uncertain"):
        table[column] = table[column].fillna(False).astype(bool)
    return table[COLUMNS]
