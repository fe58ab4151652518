"""Arcs of a compiled field as ascending numbers, and how others are found among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from numpy.typing import NDArray


def arc_keys(costs: csr_array) -> NDArray[np.int64]:
    """Return a number for each arc, ascending: its tail times n plus its head."""
    n = costs.shape[0]
    tail = np.repeat(np.arange(n, dtype=np.int64), np.diff(costs.indptr))
    return np.asarray(tail * n + costs.indices, np.int64)


def and_back(keys: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Return numbers of arcs, ascending, and those of the arcs back among them.

    Examples
    --------
    >>> and_back(np.array([1, 8]), 3).tolist()
    [1, 3, 8]
    """
    back = np.sort(keys % n * n + keys // n)
    # Nearly all are there already: to sort them together would take ten times as long.
    at, known = found_in(keys, back)
    return np.insert(keys, at[~known], back[~known])


def found_in(keys: NDArray[np.int64], some: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return where each of some numbers stands or would stand in ascending ones, and which are among them.

    Examples
    --------
    >>> at, known = found_in(np.array([2, 5, 7]), np.array([5, 6, 9]))
    >>> at.tolist(), known.tolist()
    ([1, 2, 3], [True, False, False])
    """
    at = np.searchsorted(keys, some)
    known = at < len(keys)
    known[known] = keys[at[known]] == some[known]
    return np.asarray(at, np.int64), known


def in_order(tail: NDArray[np.int64], head: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Return the order of arcs by tail and head, equal ones as they come.

    Each pass counts how many arcs a node has and puts them there: no arcs are compared.

    Examples
    --------
    >>> in_order(np.array([1, 0, 1, 0]), np.array([0, 1, 0, 0]), 2).tolist()
    [3, 1, 0, 2]
    """
    order = np.arange(len(tail))
    for end in (head, tail):
        begins = np.arange(len(order) + 1)
        by_arc = csr_array((order, end[order], begins), shape=(len(order), n))
        order = by_arc.tocsc().data
    return np.asarray(order, np.int64)
