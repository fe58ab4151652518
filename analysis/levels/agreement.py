"""How good groupings are, and groups numbered so that the numbers mean nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics import silhouette_score

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


def adjusted_rand(one: NDArray[Any], other: NDArray[Any]) -> float:
    """Return the adjusted Rand index of two groupings: 1 where they are the same, about 0 by chance.

    Hubert and Arabie 1985; sklearn's number to the last digit, without its checks, which take longer than the counts.

    Examples
    --------
    >>> adjusted_rand(np.array([0, 0, 1, 1]), np.array(["b", "b", "a", "c"])).__round__(4)
    0.5714
    """
    (i, n_one), (j, n_other) = (
        np.unique(labels, return_inverse=True, return_counts=True)[1:] for labels in (one, other)
    )
    n = len(i)
    both = np.bincount(i * len(n_other) + j)
    alike = int((both**2).sum())
    together = alike - n
    parted, joined = int((n_one**2).sum()) - alike, int((n_other**2).sum()) - alike
    apart = n**2 - parted - joined - alike
    if not parted and not joined:
        return 1.0
    return (
        2.0
        * (together * apart - parted * joined)
        / ((together + parted) * (parted + apart) + (together + joined) * (joined + apart))
    )


def silhouette(away: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Return the mean silhouette of a grouping (Rousseeuw 1987), from −1 to 1, the larger the better apart.

    NaN unless there are 2 groups or more and fewer than members.

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
    if not 2 <= len(np.unique(labels)) < len(labels):
        return float("nan")
    return float(silhouette_score(away, labels, metric="precomputed"))
