"""Posts that belong to other borders of the two countries.

At tripoints and in small countries they stand near this one too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from layers.osm.pairs import along_lines
from layers.sides import SIDES

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from layers.stretches import Stretches

TRACK_KM = 100.0
"""A post by rail is a station no further than this from the border along its track."""


def of_this_border(
    posts: pd.DataFrame,
    stations: gpd.GeoDataFrame | None,
    stretches: Stretches,
    railways: gpd.GeoDataFrame | None,
    report: dict[str, Any],
) -> tuple[pd.DataFrame, gpd.GeoDataFrame | None]:
    """Return the posts and stations without those at other borders.

    A post by road belongs to the stretch of its side's outline that it is nearest to, one by rail to the line that its
    track crosses.

    Parameters
    ----------
    posts
        With ``side``, ``mode``, ``lon``, ``lat``, ``name``.
    report
        Takes ``posts_of_other_borders``: names, or ids where they have none.
    """
    shared, rest = stretches.away_km(posts[["lon", "lat"]].to_numpy(float), posts["side"].to_numpy(dtype=object))
    own = shared <= rest
    rail = np.flatnonzero(posts["mode"] == "rail")
    if railways is not None and len(railways) and len(rail):
        own[rail] = _by_track(posts[["lon", "lat"]].to_numpy(float)[rail], own[rail], stretches, railways)
    names = [str(n) or f"post {i}" for n, i in zip(posts["name"], posts["osm_id"], strict=True)]
    left = sorted({name for name, own_post in zip(names, own, strict=True) if not own_post})
    if stations is not None and (stations["kind"] == "border").any():
        xy = shapely.get_coordinates(stations.geometry.to_numpy())
        either = [stretches.away_km(xy, np.full(len(xy), s, dtype=object)) for s in SIDES]
        other = np.minimum(either[0][1], either[1][1])
        stations = stations[(stations["kind"] != "border").to_numpy() | (either[0][0] <= other)]
    report["posts_of_other_borders"] = left
    return posts[own].reset_index(drop=True), stations


def _by_track(
    xy: NDArray[np.float64], straight: NDArray[np.bool_], stretches: Stretches, railways: gpd.GeoDataFrame
) -> NDArray[np.bool_]:
    """Return which places belong to the shared line along the tracks.

    By `straight` where no track leads over any line.
    """
    lines = railways.geometry.to_numpy()
    tree = shapely.STRtree(lines)
    over = []
    for edge in (stretches.shared, shapely.union_all(list(stretches.rest.values()))):
        hit = lines[tree.query(edge, predicate="intersects")]
        met = shapely.intersection(hit, edge)
        over.append(shapely.get_coordinates(shapely.point_on_surface(met[~shapely.is_empty(met)])))
    places = np.concatenate([xy, *over])
    km = along_lines(places, railways, TRACK_KM)[: len(xy)]
    first = len(xy) + len(over[0])
    shared = km[:, len(xy) : first].min(axis=1, initial=np.inf)
    rest = km[:, first:].min(axis=1, initial=np.inf)
    known = np.isfinite(np.minimum(shared, rest))
    return np.where(known, shared <= rest, straight)
