"""How good groupings are, and groups numbered so that the numbers mean nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
