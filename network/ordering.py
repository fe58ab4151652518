"""The order of a hierarchy's nodes, taken from one and given to another.

RoutingKit makes an order from where nodes lie, which takes most of the time, and then the hierarchy from the order and
the arcs. Its Python package asks for both at once; but what it saves holds the order beside the arcs, and what it loads
is made of them anew.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FILES = {"tail", "head", "order", "rank", "node_count"}
"""What an order is saved as: numbers of 32 bits."""
MOST_RANKS = 6
_RANKS: dict[str, NDArray[np.int64]] = {}


def nodes_in_order(order: Any) -> NDArray[np.int64]:
    """Return the nodes of an order of the package, the least important first; empty where it is saved otherwise."""
    with suppress(OSError, RuntimeError), TemporaryDirectory() as folder:
        order.save(folder)
        if {path.name for path in Path(folder).iterdir()} != FILES:
            return np.empty(0, np.int64)
        nodes = np.fromfile(Path(folder) / "order", np.uint32).astype(np.int64)
        if np.array_equal(np.sort(nodes), np.arange(order.node_count)):
            return nodes
    return np.empty(0, np.int64)


def ranks(order: Any, name: str) -> NDArray[np.int64]:
    """Return the place of each node in an order, known again by its name; empty where it is saved otherwise."""
    if name not in _RANKS:
        while len(_RANKS) >= MOST_RANKS:
            _RANKS.pop(next(iter(_RANKS)))
        nodes = nodes_in_order(order)
        _RANKS[name] = np.empty(len(nodes), np.int64)
        _RANKS[name][nodes] = np.arange(len(nodes))
    return _RANKS[name]


def arranged(
    order: Any, nodes: NDArray[np.int64] | None, tail: NDArray[np.uint32], head: NDArray[np.uint32], n: int
) -> None:
    """Let an order of the package be that of some nodes in a row, of a graph on n nodes; it stays as it is otherwise.

    Parameters
    ----------
    nodes
        Each of the n once, the least important first; nothing is done where they are not.
    """
    if nodes is None or len(nodes) != n or not np.array_equal(np.sort(nodes), np.arange(n)):
        return
    with suppress(OSError, RuntimeError), TemporaryDirectory() as folder:
        for name, numbers in (("tail", tail), ("head", head), ("order", nodes), ("node_count", np.array([n]))):
            numbers.astype(np.uint32).tofile(Path(folder) / name)
        order.load(folder)
