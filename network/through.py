"""Roads without through traffic (``destination``, ``private`` …): who ends there may use them, who passes may not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, dijkstra

from network.kinds import CONNECTOR, JOINTS, TRANSFER

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

NO_ROAD = (CONNECTOR, TRANSFER, *JOINTS)
"""Kinds of links that end on a road and are no way on from it: what hangs on them has business there."""


def closed_to_through(links: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which links nobody may drive over, so that roads without through traffic carry none.

    Parameters
    ----------
    links
        With ``u``, ``v``, ``mode``, ``kind``, ``time_min`` and ``through`` (false on these roads); without that column
        none is.

    Notes
    -----
    Such roads hang together in zones, which meet the other roads at their entrances. Each node of a zone belongs to the
    entrance that is nearest in minutes; a link between nodes of two entrances is closed. What is left of a zone hangs
    on one entrance each, so that no way leads through, and every place on it is reached. Places on a closed link itself
    reach both of its ends. A checkpoint's gate is no entrance: who crosses the border has business at its post.
    """
    out = np.zeros(len(links), bool)
    if "through" not in links:
        return out
    own = ~links["through"].fillna(True).to_numpy(bool)
    rows = np.flatnonzero(own)
    if not len(rows):
        return out
    u, v, n, ids = _compact(links, rows)
    entrances = _entrances(links, own, ids)
    if not len(entrances):
        return out
    minutes = np.maximum(links["time_min"].to_numpy(float)[rows], 1e-9)
    # Of parallel links the matrix would take the sum: the quickest counts.
    order = np.lexsort((minutes, np.maximum(u, v), np.minimum(u, v)))
    low, high = np.minimum(u, v)[order], np.maximum(u, v)[order]
    first = np.r_[True, (np.diff(low) != 0) | (np.diff(high) != 0)]
    graph = coo_array((minutes[order][first], (low[first], high[first])), shape=(n, n)).tocsr()
    _, _, owner = dijkstra(graph, directed=False, indices=entrances, min_only=True, return_predecessors=True)
    out[rows] = owner[u] != owner[v]
    return out


def _compact(
    links: pd.DataFrame, rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], int, NDArray[np.int64]]:
    """Return the ends of some links numbered from 0, how many nodes these are, and their numbers in the network."""
    ids, ends = np.unique(links[["u", "v"]].to_numpy(np.int64)[rows], return_inverse=True)
    ends = ends.reshape(-1, 2)
    return ends[:, 0], ends[:, 1], len(ids), ids


def _entrances(links: pd.DataFrame, own: NDArray[np.bool_], ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the places in `ids` of nodes where roads with through traffic meet those without."""
    others = ~own & (links["mode"] == "road").to_numpy() & ~links["kind"].isin(NO_ROAD).to_numpy()
    return np.flatnonzero(np.isin(ids, links.loc[others, ["u", "v"]].to_numpy(np.int64)))


def open_to_ends(links: pd.DataFrame, nodes: Sequence[int]) -> pd.DataFrame:
    """Return the links for trips that begin or end at some nodes: the zones in which these lie are ``through`` to them.

    Exact for a trip between two places: it may leave the zone of its origin and enter that of its end at any entrance.
    """
    own = ~links["through"].fillna(True).to_numpy(bool) if "through" in links else np.zeros(len(links), bool)
    rows = np.flatnonzero(own)
    if not len(rows):
        return links
    u, v, n, ids = _compact(links, rows)
    inner = np.ones(n, bool)
    inner[_entrances(links, own, ids)] = False
    # Links that share a node which is no entrance are of one zone.
    _, label = connected_components(_by_inner(u, v, inner, len(rows)), directed=False)
    ends = links[["u", "v"]].to_numpy(np.int64)
    hung = np.isin(ends, np.asarray(nodes, np.int64)).any(axis=1) & links["kind"].isin(NO_ROAD).to_numpy()
    touched = np.union1d(ends[hung].ravel(), np.asarray(nodes, np.int64))
    labels = np.unique(label[(np.isin(ids[u], touched) & inner[u]) | (np.isin(ids[v], touched) & inner[v])])
    through = ~own
    through[rows[np.isin(label, labels)]] = True
    return links.assign(through=through)


def _by_inner(u: NDArray[np.int64], v: NDArray[np.int64], inner: NDArray[np.bool_], n: int) -> coo_array:
    """Return the graph whose vertices are the links, joined over an inner node.

    Each to the first link that touches it.
    """
    node, link = np.concatenate([u, v]), np.concatenate([np.arange(n)] * 2)
    keep = inner[node]
    node, link = node[keep], link[keep]
    _, first, back = np.unique(node, return_index=True, return_inverse=True)
    return coo_array((np.ones(len(node), np.int8), (link, link[first][back])), shape=(n, n))
