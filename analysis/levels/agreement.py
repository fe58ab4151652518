"""How good and how alike groupings are: the silhouette, and the adjusted Rand index."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def by_first(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the same groups numbered from 0 by their first members, so that the numbers hang on nothing else.

    Examples
    --------
    >>> by_first(np.array([7, 2, 7, 5])).tolist()
    [0, 1, 0, 2]
    """
    _, first, group = np.unique(labels, return_index=True, return_inverse=True)
    return np.asarray(np.argsort(np.argsort(first))[group.ravel()], np.int64)


def silhouette(away: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Return the mean of (b − a)/max(a, b): a the mean distance to one's own group, b that to the nearest other (Rousseeuw 1987).

    From −1 to 1, the larger the better apart; 0 for one alone in its group. NaN unless there are 2 groups or more and fewer
    than members. As ``sklearn.metrics.silhouette_score``.

    Parameters
    ----------
    away
        Distances, shape (n, n).

    Examples
    --------
    >>> x = np.array([0.0, 1.0, 10.0])
    >>> round(silhouette(np.abs(x[:, None] - x), np.array([0, 0, 1])), 4)
    0.5963
    """
    groups, group = np.unique(labels, return_inverse=True)
    n = len(labels)
    if not 2 <= len(groups) < n:
        return float("nan")
    member = np.eye(len(groups))[group.ravel()]
    total, size = away @ member, member.sum(axis=0)
    own = size[group.ravel()]
    inner = (total * member).sum(axis=1) / np.maximum(own - 1, 1)
    outer = np.where(member > 0, np.inf, total / size).min(axis=1)
    longer = np.maximum(inner, outer)
    each = np.divide(outer - inner, longer, out=np.zeros(n), where=(longer > 0) & (own > 1))
    return float(each.mean())


def adjusted_rand(one: NDArray[np.int64], other: NDArray[np.int64]) -> float:
    """Return the adjusted Rand index of two groupings: 1 for the same, about 0 for what chance makes (Hubert and Arabie 1985).

    (Σ C(n_ij, 2) − E)/((Σ C(a_i, 2) + Σ C(b_j, 2))/2 − E), E = Σ C(a_i, 2)·Σ C(b_j, 2)/C(n, 2). As
    ``sklearn.metrics.adjusted_rand_score``; 1 where both are one group or both all single.

    Examples
    --------
    >>> adjusted_rand(np.array([0, 0, 1, 1]), np.array([5, 5, 2, 2]))
    1.0
    """
    a, b = (np.unique(labels, return_inverse=True)[1].ravel() for labels in (one, other))
    cells = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(cells, (a, b), 1)
    both, rows, columns, every = (
        float((c * (c - 1) / 2).sum()) for c in (cells, cells.sum(axis=1), cells.sum(axis=0), np.array([len(a)]))
    )
    chance = rows * columns / every if every else 0.0
    most = (rows + columns) / 2
    return 1.0 if most == chance else (both - chance) / (most - chance)
