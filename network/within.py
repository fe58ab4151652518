"""Roots that lie together, and what any of them reaches within a limit: what lies beyond needs no search."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse.csgraph import connected_components, dijkstra

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from scipy.sparse import csr_array

TOGETHER = 64
"""Roots of one group at the most."""


def in_groups(where: NDArray[np.float64], most: int) -> list[NDArray[np.int64]]:
    """Return places in groups that lie together: halved across their longer extent until a group is small enough.

    Parameters
    ----------
    where
        Where the places are, shape (n, 2).

    Examples
    --------
    >>> [g.tolist() for g in in_groups(np.array([[0.0, 0], [9, 0], [1, 0], [8, 0]]), 2)]
    [[0, 2], [3, 1]]
    """
    open_, done = [np.arange(len(where))] if len(where) else [], []
    while open_:
        some = open_.pop()
        if len(some) <= most:
            done.append(some)
            continue
        spots = where[some]
        some = some[np.argsort(spots[:, int(np.ptp(spots, axis=0).argmax())], kind="stable")]
        open_ += [some[len(some) // 2 :], some[: len(some) // 2]]
    return done


def reached_within(
    costs: csr_array,
    where: NDArray[np.float64],
    roots: NDArray[np.int64],
    columns: NDArray[np.int64],
    limit: float,
    *,
    reverse: bool = False,
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return groups of places in `roots`, and the places in `columns` that some root of each reaches within a limit.

    Parameters
    ----------
    costs
        Whole numbers.
    where
        Where the positions are, shape (n, 2).
    reverse
        Ways lead from the columns to the roots.
    """
    graph = costs.T.tocsr() if reverse else costs
    found = []
    for some in in_groups(where[roots], TOGETHER):
        cost = dijkstra(graph, indices=np.unique(roots[some]), min_only=True, limit=limit + 0.5)
        there = np.flatnonzero(np.isfinite(cost[columns]))
        if len(there):
            found.append((some, there))
    return found


def apart(
    costs: csr_array, roots: NDArray[np.int64], columns: NDArray[np.int64], few: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Give places in `roots` and in `columns` between which there may be ways.

    Roads at home fall into two sides: a search on one of them to targets of both would take twice as long. Parts with
    less than a `few` roots are taken together.
    """
    _, part = connected_components(costs, directed=True, connection="weak")
    own, theirs = part[roots], part[columns]
    number = np.bincount(own, minlength=1)
    for label in np.flatnonzero(number >= few):  # sides and large islands
        there = np.flatnonzero(theirs == label)
        if len(there):
            yield np.flatnonzero(own == label), there
    rest = np.flatnonzero(number[own] < few)
    there = np.flatnonzero(np.isin(theirs, own[rest]))
    if len(rest) and len(there):
        yield rest, there
