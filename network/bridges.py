"""Links that bridge gaps of the data, by road and by rail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from layers.crs import line_lengths_m, lines_between
from network.topology import FOR_SPEEDS, TOLD, Tables, components, split_links

if TYPE_CHECKING:
    from numpy.typing import NDArray


GAP_M = 3000.0
"""No wider gap is bridged."""
SAME_GAP_M = 500.0
TOUCH_M = 250.0
GAP_COSINE = np.cos(np.radians(35))
BRIDGED = "bridged"


def bridge_roads(tables: Tables, gaps: pd.DataFrame, words: NDArray[np.object_], mode: str = "road") -> Tables:
    """Return the tables with a straight link, flagged ``bridged``, over each gap that was judged so.

    Links are split where it meets them.
    """
    chosen = gaps[words == BRIDGED]
    if chosen.empty:
        return tables
    like = first_link(tables, mode, chosen["node"].to_numpy(np.int64))
    tables, at = split_links(tables, chosen["link"].to_numpy(np.int64), chosen["fraction"].to_numpy(float), mode)
    links = straight_links(tables, chosen["node"].to_numpy(np.int64), at, like, mode)
    return Tables(tables.nodes, pd.concat([tables.links, links], ignore_index=True), tables.crs)


def first_link(tables: Tables, mode: str, node: NDArray[np.int64]) -> pd.DataFrame:
    """Return a link of each node, that of a dead end."""
    own = tables.links[tables.links["mode"] == mode]
    ends = pd.concat([own[e] for e in ("u", "v")])
    first = ends[~ends.duplicated()]
    row = pd.Series(first.index, index=first.to_numpy()).reindex(pd.Index(node))
    return own.loc[row.to_list()]


def straight_links(
    tables: Tables, u: NDArray[np.int64], v: NDArray[np.int64], like: pd.DataFrame, mode: str
) -> pd.DataFrame:
    """Return straight links between nodes that are of the kind of the links beside them."""
    xy = tables.nodes[["x", "y"]].to_numpy(float)
    lines = lines_between(xy[u], xy[v])
    same = {c: like[c].to_numpy(dtype=object) for c in ("kind", "gauge", "current", "country") if c in like}
    return pd.DataFrame(
        {
            "u": u,
            "v": v,
            "mode": mode,
            "oneway": False,
            "length_m": line_lengths_m(lines),
            "maxspeed_kph": np.nan,
            **TOLD,
            **FOR_SPEEDS,
            **same,
            "bridged": True,
            "geometry": lines,
        }
    )


def bridge_rail(tables: Tables) -> Tables:
    """Return the tables with links over clear digitising gaps of the railway, flagged ``bridged``.

    A gap is bridged only between dead ends that face each other: both run on in the direction of the gap (within
    35°), or, where they all but touch (250 m, no more than rounded coordinates can be off), in opposite directions.
    It is at most 3 km long between two components and 500 m within one; each dead end takes its nearest partner, and
    only if the choice is mutual.
    """
    from scipy.spatial import cKDTree

    nodes, links = tables.nodes, tables.links
    own = links[links["mode"] == "rail"]
    ends = own[["u", "v"]].to_numpy().ravel()
    dead = np.flatnonzero(np.bincount(ends, minlength=len(nodes)) == 1)
    if len(dead) < 2:
        return tables
    p = nodes[["px", "py"]].to_numpy()
    other = np.full(len(nodes), -1)
    other[own["u"]], other[own["v"]] = own["v"], own["u"]
    heading = p[dead] - p[other[dead]]
    heading /= np.maximum(np.linalg.norm(heading, axis=1, keepdims=True), 1e-9)
    label = components(own, len(nodes))[dead]
    pairs = cKDTree(p[dead]).query_pairs(GAP_M, output_type="ndarray")
    i, j = pairs[:, 0], pairs[:, 1]
    gap = p[dead[j]] - p[dead[i]]
    length = np.linalg.norm(gap, axis=1)
    unit = gap / np.maximum(length, 1e-9)[:, None]
    straight = ((heading[i] * unit).sum(1) > GAP_COSINE) & ((heading[j] * -unit).sum(1) > GAP_COSINE)
    touching = (length <= TOUCH_M) & ((heading[i] * heading[j]).sum(1) < -GAP_COSINE)
    fit = (straight | touching) & ((label[i] != label[j]) | (length <= SAME_GAP_M))
    i, j, length = i[fit], j[fit], length[fit]
    best = {}
    for k in np.argsort(length, kind="stable")[::-1]:  # few dead ends; the nearest is written last
        best[i[k]] = best[j[k]] = k
    chosen = np.array(sorted({k for k in best.values() if best[i[k]] == k == best[j[k]]}), int)
    if not len(chosen):
        return tables
    u, v = dead[i[chosen]], dead[j[chosen]]
    bridges = straight_links(tables, u, v, first_link(tables, "rail", u), "rail")
    return Tables(nodes, pd.concat([links, bridges], ignore_index=True), tables.crs)
