"""Kilometres along roads or tracks between places that stand on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from layers.stretches import sphere_km

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

SNAP_KM = 1.0
"""A post stands on the road that is this near."""


def along_lines(
    places: NDArray[np.float64], roads: gpd.GeoDataFrame, limit_km: float, *, snap_km: float = SNAP_KM
) -> NDArray[np.float64]:
    """Return kilometres along roads between places that stand within `snap_km` of one.

    Anywhere on it, not only at its ends.

    One-way roads lead to posts both ways. Infinite beyond the limit, without a way, or for a place off the roads.
    """
    n = len(places)
    # Near a place degrees are square once longitudes are narrowed.
    narrow = float(np.cos(np.radians(places[:, 1].mean())))
    flat = shapely.transform(roads.geometry.to_numpy(), lambda xy: xy * (narrow, 1.0))
    spot = shapely.points(places * (narrow, 1.0))
    piece = np.asarray(shapely.STRtree(flat).nearest(spot), np.int64)
    share = shapely.line_locate_point(flat[piece], spot, normalized=True)
    along = shapely.get_coordinates(shapely.line_interpolate_point(flat[piece], share, normalized=True)) / (narrow, 1.0)
    off = np.linalg.norm(sphere_km(along) - sphere_km(places), axis=1) > snap_km
    ids, ends = np.unique(roads[["u", "v"]].to_numpy(), return_inverse=True)
    ends, km = ends.reshape(-1, 2), roads["length_m"].to_numpy(float) / 1000
    number = len(ids) + np.arange(n)
    i, j = np.nonzero(np.triu(piece[:, None] == piece[None], 1))
    own = km[piece]
    tail = np.concatenate([ends[:, 0], number, number, number[i]])
    head = np.concatenate([ends[:, 1], ends[piece, 0], ends[piece, 1], number[j]])
    length = np.concatenate([km, share * own, (1 - share) * own, np.abs(share[i] - share[j]) * own[i]])
    # Parallel pieces would be added up by the matrix: the shortest counts.
    pairs = np.sort(np.column_stack([tail, head]), axis=1)
    table = pd.DataFrame({"u": pairs[:, 0], "v": pairs[:, 1], "km": np.maximum(length, 1e-6)})
    table = table.groupby(["u", "v"])[["km"]].min().reset_index()
    graph = coo_array((table["km"], (table["u"], table["v"])), shape=(len(ids) + n,) * 2).tocsr()
    out: NDArray[np.float64] = dijkstra(graph, directed=False, indices=number, limit=limit_km)[:, len(ids) :]
    out[off] = np.inf
    out[:, off] = np.inf
    return out
