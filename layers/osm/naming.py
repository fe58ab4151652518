"""Posts without a name are called after their road, or after the nearest place."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from layers.stretches import sphere_km

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd
    from numpy.typing import NDArray

ROAD_KM, PLACE_KM = 0.5, 30.0
"""A post stands on a road that is this near, and near a place that is: assumptions."""


def name_posts(
    rows: Sequence[dict[str, Any]], roads: gpd.GeoDataFrame | None, settlements: gpd.GeoDataFrame | None
) -> list[dict[str, Any]]:
    """Return checkpoints with names for those that have none.

    ``Post on M-36``, ``Post near Orsk``, both where one road has several.

    Parameters
    ----------
    rows
        With ``name``, ``named``, ``mode``, ``lon``, ``lat``; those that are not ``named`` keep that mark, so that facts
        may join them.
    roads, settlements
        With ``ref`` and ``name``, as far as there are any.
    """
    blank = [i for i, row in enumerate(rows) if not row["named"]]
    out = [dict(row) for row in rows]
    if not blank:
        return out
    xy = np.array([(rows[i]["lon"], rows[i]["lat"]) for i in blank], float)
    by_road = ["" if rows[i]["mode"] != "road" else text for i, text in zip(blank, _roads(xy, roads), strict=True)]
    place = _places(xy, settlements)
    several = Counter(text for text in by_road if text)
    for i, road, near in zip(blank, by_road, place, strict=True):  # dozens
        parts = [f"on {road}"] if road else []
        parts += [f"near {near}"] if near and (not road or several[road] > 1) else []
        if parts:
            out[i]["name"] = f"Post {' '.join(parts)}"[:300]
    return out


def _roads(xy: NDArray[np.float64], roads: gpd.GeoDataFrame | None) -> list[str]:
    """Return the number or name of the road that each place stands on, empty for none."""
    if roads is None or roads.empty or not {"ref", "name"} & set(roads.columns):
        return [""] * len(xy)
    texts = [roads[c].astype(object).fillna("").astype(str).to_numpy() for c in ("ref", "name") if c in roads]
    chosen = np.where(texts[0] != "", texts[0], texts[-1])
    known = np.flatnonzero(chosen != "")
    if not len(known):
        return [""] * len(xy)
    # Near a place degrees are square once longitudes are narrowed.
    narrow = float(np.cos(np.radians(xy[:, 1].mean())))
    flat = shapely.transform(roads.geometry.to_numpy()[known], lambda p: p * (narrow, 1.0))
    spot = shapely.points(xy * (narrow, 1.0))
    row = np.asarray(shapely.STRtree(flat).nearest(spot), np.int64)
    near = shapely.distance(flat[row], spot) * 111.2 <= ROAD_KM
    return [str(chosen[known[r]]) if n else "" for r, n in zip(row, near, strict=True)]


def _places(xy: NDArray[np.float64], settlements: gpd.GeoDataFrame | None) -> list[str]:
    """Return the name of the nearest settlement of each place, empty for none near."""
    from scipy.spatial import cKDTree

    if settlements is None or settlements.empty:
        return [""] * len(xy)
    km, row = cKDTree(sphere_km(shapely.get_coordinates(settlements.geometry.to_numpy()))).query(sphere_km(xy))
    names = settlements["name"].astype(str).to_numpy()[np.asarray(row)]
    return [str(text) for text in np.where(np.asarray(km) <= PLACE_KM, names, "")]
