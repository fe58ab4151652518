"""Regions that lie over each other, by more than polygons of one boundary do that two surveys drew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from layers.crs import WGS84, project
from layers.regions import GAPS_M

if TYPE_CHECKING:
    import geopandas as gpd
    from pyproj import CRS

SHARE = 0.1
"""Of the smaller region within the belt: overlapping more of it is no inaccuracy, however narrow it is **[A]**."""
MOST_NAMED = 5


def overlap_notes(regions: gpd.GeoDataFrame, crs: CRS) -> list[str]:
    """Return a warning that names the regions that overlap, nothing where none do.

    Parameters
    ----------
    regions
        Layer ``regions`` with sides, cut to the belt. Its first row has what lies in two (`layers.regions.region_of`).
    crs
        Equal-area projection of the study.

    Notes
    -----
    Two surveys of one boundary may be as far apart as the widest gap that a border is sought across (3 km).
    """
    shapes = np.asarray(project(regions.geometry.to_numpy(), WGS84, crs), dtype=object)
    first, second = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    first, second = first[first < second], second[first < second]
    both = shapely.intersection(shapes[first], shapes[second])
    km2, own = shapely.area(both) / 1e6, shapely.area(shapes) / 1e6
    wide = ~shapely.is_empty(shapely.buffer(both, -GAPS_M[-1] / 2, quad_segs=2))
    found = np.flatnonzero(wide | (km2 > SHARE * np.minimum(own[first], own[second])))
    if not len(found):
        return []
    found = found[np.argsort(-km2[found], kind="stable")]
    names, sides = regions["name"].astype(str).to_numpy(), regions["side"].to_numpy()
    named = [
        f"{names[first[k]]} and {names[second[k]]} over {km2[k]:,.0f} km²"
        + (" (of both sides)" if sides[first[k]] != sides[second[k]] else "")
        for k in found[:MOST_NAMED]
    ]
    more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    return [
        f"regions overlap: {'; '.join(named)}{more}. What lies in two counts for the one named first, and the border "
        f"may be drawn along either edge: a layer of regions should cover no ground twice"
    ]
