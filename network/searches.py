"""Searches of a large graph that are not banked: within a limit, and whole trees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from layers.keeping import kept_as
from network import bank, hierarchy, sweeps
from network.costs import THOUSAND

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array


def costs_within(
    costs: csr_array,
    frame: hierarchy.Frame,
    roots: NDArray[np.int64],
    columns: NDArray[np.int64],
    limit: float,
    *,
    reverse: bool = False,
) -> NDArray[np.float64] | None:
    """Return the costs from roots to columns, or with `reverse` to the roots, infinity above a limit.

    None where scipy's trees that stop there are quicker: on a small graph, from a few roots.
    """
    if costs.shape[0] <= bank.LARGE:
        return None
    graph = bank.Graph.of(costs)
    most = np.floor(limit * THOUSAND + 1e-6)  # a limit that is a thousandth itself holds it

    def search() -> NDArray[np.float64] | None:
        return hierarchy.costs_between(graph.costs, frame, roots, columns, reverse=reverse, limit=most)

    if len(roots) * len(columns) >= sweeps.MUCH:
        found = search()
    else:
        known = [graph.digest.hex(), frame.digest, roots, columns, limit, reverse]
        found = kept_as("network.bank.costs_within", known, search)
    return None if found is None else found / THOUSAND


def whole_trees(
    costs: csr_array, frame: hierarchy.Frame, roots: NDArray[np.int64], *, reverse: bool = False
) -> NDArray[np.float64] | None:
    """Return the costs from roots to all positions, or with `reverse` to the roots.

    None where scipy must grow the trees: a few, on a small graph, or on one whose order nobody has made for a table.
    """
    if len(roots) < hierarchy.FEW or costs.shape[0] <= bank.LARGE or not hierarchy.is_known(frame):
        return None
    found = hierarchy.whole_trees(bank.Graph.of(costs).costs, frame, roots, reverse=reverse)
    return None if found is None else found / THOUSAND
