"""From links to compiled costs: arcs sorted once for all fields; what another network has the same is taken from it.

Networks that differ in a few waits have one ground. Their arcs, and the fields that no wait is part of, are the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakValueDictionary, ref

import numpy as np

from layers.errors import NetworkError
from network.arcs import in_order
from network.build import FIELDS, NETWORKS
from network.costs import cheapest_arcs, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from network.build import Network

Made = TypeVar("Made")
GROUND = ("u", "v", "oneway", "mode", "length_m")
"""Columns of the links that hang on no wait and no checkpoint that is open."""
_HELD: dict[int, tuple[ref[Network], WeakValueDictionary[str, Any]]] = {}
"""What is compiled of a network and somebody still holds."""


def held(network: Network, name: str, make: Callable[[], Made]) -> Made:
    """Return what was made of a network under a name while somebody holds it, else what is made now."""
    key, known = id(network), _HELD.get(id(network))
    if known is None or known[0]() is not network:
        known = _HELD[key] = (ref(network, lambda gone: _forget(key, gone)), WeakValueDictionary())
    found = known[1].get(name)
    if found is None:
        found = known[1][name] = make()
    made: Made = found
    return made


def alike(network: Network, name: str) -> Iterator[Any]:
    """Yield what is held under a name of networks on the same nodes and links."""
    for other, made in list(_HELD.values()):
        one, found = other(), made.get(name)
        if one is not None and found is not None and one.nodes is network.nodes and _same(one.links, network.links):
            yield found


def _forget(key: int, gone: ref[Network]) -> None:
    """Forget what was held of a network that is no more."""
    if key in _HELD and _HELD[key][0] is gone:
        del _HELD[key]


def _same(one: pd.DataFrame, two: pd.DataFrame) -> bool:
    """Return whether two tables of links have one ground."""
    return len(one) == len(two) and all(bool((one[c].array == two[c].array).all()) for c in GROUND)


@dataclass(frozen=True)
class Arcs:
    """Directed arcs between the nodes of a mode.

    ``nodes`` of the network by position, ``position`` of each node (−1 of one without a link); ``tail``, ``head`` and
    ``link`` of the arcs, which come sorted by all three.
    """

    nodes: NDArray[np.int64]
    position: NDArray[np.int64]
    tail: NDArray[np.int32]
    head: NDArray[np.int32]
    link: NDArray[np.int32]

    @classmethod
    def of(cls, network: Network, mode: str) -> Arcs:
        """Return the arcs of a mode.

        Raises
        ------
        NetworkError
            A network without links of it.
        """
        links = network.links
        rows = np.flatnonzero((links["mode"] == mode).to_numpy() | (mode == "any"))
        if not len(rows):
            raise NetworkError(f"the network has no links by {mode}")
        u, v = (links[c].to_numpy(np.int64)[rows] for c in ("u", "v"))
        nodes = np.flatnonzero(np.bincount(np.concatenate([u, v]), minlength=len(network.nodes)))
        position = np.full(len(network.nodes), -1)
        position[nodes] = np.arange(len(nodes))
        both = ~links["oneway"].to_numpy(bool)[rows]
        tail, head = (position[np.concatenate([x, y[both]])] for x, y in ((u, v), (v, u)))
        link = np.concatenate([rows, rows[both]])
        order = np.argsort(link, kind="stable")
        order = order[in_order(tail[order], head[order], len(nodes))]
        return cls(nodes, position, *(part[order].astype(np.int32) for part in (tail, head, link)))


@dataclass(frozen=True)
class Fields:
    """Compiled fields by name, the link of each of their entries, and the minutes of links they were made of."""

    arcs: Arcs
    costs: dict[str, csr_array]
    links: dict[str, NDArray[np.int64]]
    minutes: dict[str, NDArray[np.float64]]


def compiled_fields(network: Network, mode: str, *, only: str = "", like: Fields | None = None) -> Fields:
    """Return the cost fields of the three networks and lengths on each, or the field `only` alone.

    Parameters
    ----------
    like
        Fields of a network on the same ground: those that are equal are the same objects.

    Raises
    ------
    NetworkError
        A network without links of the mode, or a cost that is negative or no number.
    """
    arcs = Arcs.of(network, mode) if like is None else like.arcs
    links, link, n = network.links, arcs.link.astype(np.int64), len(arcs.nodes)
    metres = links["length_m"].to_numpy(float)
    out = Fields(arcs, {}, {}, {})
    for name in NETWORKS:
        field, length = FIELDS[name], f"length_m:{name}"
        if only not in ("", field, length):
            continue
        minutes = out.minutes[name] = links[field].to_numpy(float)
        if not (minutes[link] >= 0).all():
            # Dijkstra's answers would be wrong, or never come.
            raise NetworkError(f"the network has links of negative or unknown {field}: allowed is 0 or more")
        known = like.minutes.get(name) if like is not None else None
        same = {
            field: known is not None and np.array_equal(known, minutes),
            length: known is not None and np.array_equal(np.isfinite(known), np.isfinite(minutes)),
        }
        for key, weight in ((field, minutes), (length, np.where(np.isfinite(minutes), metres, np.inf))):
            if only not in ("", key):
                continue
            if like is not None and same[key]:
                out.costs[key], out.links[key] = like.costs[key], like.links[key]
            else:
                out.costs[key], out.links[key] = cheapest_arcs(arcs.tail, arcs.head, whole(weight)[link], link, n)
    return out
