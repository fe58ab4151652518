"""A customisable contraction hierarchy for tables of a large graph.

Where RoutingKit's Python package is installed (``borderlink[fast]``).

Nested dissection orders the nodes once by where they lie (Dibbelt, Strasser and Wagner 2016, Customizable contraction
hierarchies); any costs on the same arcs are customised in a fraction of a second. Costs are whole thousandths: what is
found equals scipy's.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

NO_WAY = 2**31 - 1
"""What the package answers where there is no way; costs above it would wrap round silently."""
FEW = 32
"""For fewer roots than this trees are quicker than an order."""
CHUNK = 1_000_000
"""Costs found at once: less than a second between two looks at Ctrl-C."""
_ORDERS: dict[bytes, Any] = {}
MOST_ORDERS = 6


def costs_between(
    costs: csr_array,
    lonlat: NDArray[np.float64],
    roots: NDArray[np.int64],
    columns: NDArray[np.int64],
    *,
    reverse: bool = False,
) -> NDArray[np.float64] | None:
    """Return the costs from roots to columns, or with `reverse` the other way; None where trees must answer.

    Parameters
    ----------
    costs
        Whole numbers.
    lonlat
        Of the nodes, shape (n, 2).

    Returns
    -------
    Shape (roots, columns), infinity where there is no way. None without the package, for a few roots, and where a way
    might cost more than 32 bits hold.
    """
    package = _package()
    if package is None or len(roots) < FEW or not len(columns) or _dearest(costs) >= NO_WAY:
        return None
    metric = package.CCHMetric(_order(package, costs, lonlat))
    metric.customize(costs.data.astype(np.uint32), 0)
    at = columns.astype(np.uint32)
    out = np.empty((len(roots), len(columns)))
    step = max(1, CHUNK // len(columns))
    for start in range(0, len(roots), step):
        some = roots[start : start + step].astype(np.uint32)
        found = metric.distances_many_to_many(at, some).T if reverse else metric.distances_many_to_many(some, at)
        out[start : start + step] = np.where(found == NO_WAY, np.inf, found)
    return out


@lru_cache(maxsize=1)
def _package() -> Any:
    """Return the package, or None where it is not installed."""
    try:
        return import_module("pyroutingkit")
    except ImportError:
        return None


def _dearest(costs: csr_array) -> float:
    """Return what no way costs more than: the dearest arc of every node."""
    if not costs.nnz:
        return 0.0
    begins = costs.indptr[:-1][np.diff(costs.indptr) > 0]
    return float(np.maximum.reduceat(costs.data, begins).sum())


def _order(package: Any, costs: csr_array, lonlat: NDArray[np.float64]) -> Any:
    """Return the order of the nodes of arcs, made once: costs are no part of it."""
    whole = blake2b(digest_size=16)
    for part in (costs.indptr, costs.indices):
        whole.update(np.ascontiguousarray(part).view(np.uint8).data)
    key = whole.digest()
    if key not in _ORDERS:
        n = costs.shape[0]
        tail = np.repeat(np.arange(n, dtype=np.uint32), np.diff(costs.indptr))
        lon, lat = lonlat.astype(np.float32).T
        made = package.CCHTopology()
        made.build(tail, costs.indices.astype(np.uint32), np.ascontiguousarray(lat), np.ascontiguousarray(lon), n)
        while len(_ORDERS) >= MOST_ORDERS:
            _ORDERS.pop(next(iter(_ORDERS)))
        _ORDERS[key] = made
    return _ORDERS[key]
