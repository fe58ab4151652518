"""Kansky's indices and degrees of a network, on its simplified graph: parallel lines once, chains as one edge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from layers.regions import region_of
from network.kinds import CONNECTOR, JOINTS
from network.simplify import contract
from network.topology import along

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from network.build import Network

PARALLEL_M = 250.0
"""What is this near runs beside: the two carriageways of a road, the tracks of a line, the fans of a yard."""


def single_lines(network: Network, mode: str) -> pd.DataFrame:
    """Return the links of a mode as a graph of places, for indices that count edges: columns of links, merged ends.

    Nodes within 250 m are one place; of several links between two places the shortest stays, and links within a place
    go.
    """
    drawn = drawn_links(network, mode)
    used = np.unique(drawn[["u", "v"]])
    xy = network.nodes[["px", "py"]].to_numpy(float)[used]
    pairs = cKDTree(xy).query_pairs(PARALLEL_M, output_type="ndarray")
    graph = coo_array((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(len(used), len(used)))
    _, label = connected_components(graph, directed=False)
    ends = np.sort(label[np.searchsorted(used, drawn[["u", "v"]].to_numpy())], axis=1)
    table = drawn.assign(u=ends[:, 0], v=ends[:, 1])
    table = table[table["u"] != table["v"]].sort_values(["u", "v", "length_m"], kind="stable")
    return table.drop_duplicates(["u", "v"]).reset_index(drop=True)


def drawn_links(network: Network, mode: str) -> pd.DataFrame:
    """Return the links of a mode that lie on the ground.

    No connectors, no gates, no changes of gauge within a station.
    """
    links = network.links
    drawn = (links["mode"] == mode) & ~links["kind"].isin([*JOINTS, CONNECTOR])
    return links[drawn & (links["twin"] >= 0)].reset_index(drop=True)


def kansky(u: NDArray[np.int64], v: NDArray[np.int64], length_km: NDArray[np.float64]) -> dict[str, float]:
    """Return Kansky's (1963) indices of an undirected graph, simplified first: chains of degree-2 nodes are one edge.

    Returns
    -------
    ``kansky_e``, ``kansky_v``, ``kansky_p`` (components); ``kansky_mu`` = e − v + p; for planar graphs
    ``kansky_alpha`` = μ/(2v − 5) and ``kansky_gamma`` = e/(3(v − 2)), NaN below three nodes; ``kansky_beta`` = e/v;
    ``kansky_eta_km`` = L/e (km per edge); ``kansky_theta_km`` = L/v (km per node).

    Examples
    --------
    A square with one diagonal: e = 5, v = 4, but two of its corners have degree 2 and go; 3 parallel edges of 2 nodes
    are left.

    >>> out = kansky(np.array([0, 1, 2, 3, 0]), np.array([1, 2, 3, 0, 2]), np.ones(5))
    >>> out["kansky_e"], out["kansky_v"], out["kansky_mu"]
    (3.0, 2.0, 2.0)
    """
    names = ["e", "v", "p", "mu", "alpha", "beta", "gamma", "eta_km", "theta_km"]
    if not len(u):
        return {f"kansky_{n}": (0.0 if n in ("e", "v", "p", "mu") else float("nan")) for n in names}
    i, j, n = _simplified(u, v, length_km)
    e, total = len(i), float(length_km.sum())
    p, _ = connected_components(coo_array((np.ones(e, np.int8), (i, j)), shape=(n, n)), directed=False)
    mu = e - n + p
    enough = n >= 3
    values = [
        e,
        n,
        p,
        mu,
        mu / (2 * n - 5) if enough else np.nan,
        e / n,
        e / (3 * (n - 2)) if enough else np.nan,
        total / e,
        total / n,
    ]
    return {f"kansky_{name}": float(value) for name, value in zip(names, values, strict=True)}


def degree_statistics(u: NDArray[np.int64], v: NDArray[np.int64]) -> dict[str, float]:
    """Return degrees of the nodes of an undirected graph, simplified first as `kansky` does.

    Returns
    -------
    ``degree_mean`` = 2e/v, ``degree_max``, ``dead_ends_share`` (degree 1) and ``crossroads_share`` (degree 4 and more)
    of the nodes; NaN for a graph without nodes. A loop counts twice.

    Examples
    --------
    A crossroads of four roads, one of them in two pieces:

    >>> degree_statistics(np.array([0, 0, 0, 0, 4]), np.array([1, 2, 3, 4, 5]))
    {'degree_mean': 1.6, 'degree_max': 4.0, 'dead_ends_share': 0.8, 'crossroads_share': 0.2}
    """
    names = ["degree_mean", "degree_max", "dead_ends_share", "crossroads_share"]
    if not len(u):
        return dict.fromkeys(names, float("nan"))
    i, j, n = _simplified(u, v, np.ones(len(u)))
    degree = np.bincount(np.concatenate([i, j]), minlength=n)
    values = [degree.mean(), degree.max(), (degree == 1).mean(), (degree >= 4).mean()]
    return {name: float(value) for name, value in zip(names, values, strict=True)}


def _simplified(
    u: NDArray[np.int64], v: NDArray[np.int64], length: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Return the edges left when chains are merged, their ends numbered from 0, and the number of nodes."""
    _, ends = np.unique(np.concatenate([u, v]), return_inverse=True)
    a, b = np.split(ends.ravel(), 2)
    edges = contract(a, b, length, np.zeros(ends.max() + 1, bool))
    nodes, again = np.unique(edges[["u", "v"]].to_numpy(), return_inverse=True)
    i, j = again.reshape(-1, 2).T
    return i, j, len(nodes)


def kansky_by_region(lines: pd.DataFrame, regions: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return Kansky's indices and degrees of the links whose middle lies in each region, in the order of `regions`.

    Parameters
    ----------
    lines
        From `single_lines`.
    """
    # Not an end: both pieces of a road begin at the posts of its gate, which stand at one place.
    xy = along(lines["geometry"].to_numpy(dtype=object), np.full(len(lines), 0.5)) if len(lines) else np.empty((0, 2))
    home = region_of(xy, regions, 0.0)
    u, v, km = lines["u"].to_numpy(np.int64), lines["v"].to_numpy(np.int64), lines["length_m"].to_numpy(float) / 1000
    own = [home == r for r in range(len(regions))]
    return pd.DataFrame([{**kansky(u[o], v[o], km[o]), **degree_statistics(u[o], v[o])} for o in own])
