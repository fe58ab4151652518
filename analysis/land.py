"""Cells on land: cut by lakes and seas, measured from the land in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from layers.crs import WGS84, project

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray
    from pyproj import CRS

    from network.abroad import Border

DRAWN_SHARE = 0.01
"""Lakes that take less of a cell than this are not cut out of its drawing."""
LEAST_SHARE = 0.01
"""A cell with less land than this is water, if nobody lives in it."""


def on_land(
    cells: gpd.GeoDataFrame, border: Border, crs: CRS, *, homes: gpd.GeoDataFrame | None = None
) -> gpd.GeoDataFrame:
    """Return the cells cut by the border's water; as they are where none is known.

    Parameters
    ----------
    cells
        With ``lon``, ``lat`` and ``population``.
    border
        With its water.
    crs
        The border's equal-area projection.
    homes
        Places with ``population``: a cell that water parts has its centre in the part where most of them live.

    Returns
    -------
    Those with land: ``land_share`` (0 to 1), what lakes of `DRAWN_SHARE` of a cell leave of its shape, and ``lon`` and
    ``lat`` where a centre lay in the water at the nearest land of its cell.
    """
    if not len(border.lakes) or cells.empty:
        return cells
    whole = np.asarray(project(cells.geometry.to_numpy(), WGS84, crs), dtype=object)
    area = shapely.area(whole)
    cell, lake = border.lakes_of(whole)
    wet = shapely.area(shapely.intersection(whole[cell], border.lakes[lake]))
    share = 1 - np.bincount(cell, wet, minlength=len(cells)) / area
    # Rounding of areas.
    share = np.where(np.bincount(cell, minlength=len(cells)) > 0, np.clip(share, 0.0, 1.0), 1.0)
    shape = np.array(cells.geometry.to_numpy(), dtype=object)
    lonlat = cells[["lon", "lat"]].to_numpy(float, copy=True)
    centre = np.asarray(project(shapely.points(lonlat), WGS84, crs), dtype=object)
    astray = border.ashore_m(centre) > 0
    large = wet > DRAWN_SHARE * area[cell]
    places, people = _homes(homes, crs)
    for k in np.union1d(cell[large], np.flatnonzero(astray)):  # the few that touch large water
        if share[k] < LEAST_SHARE:
            continue
        cut = shapely.union_all(border.lakes[lake[(cell == k) & large]])
        left = shapely.difference(whole[k], cut)
        shape[k] = project(left, crs, WGS84)
        lived = _lived_in(left, places, people)
        if astray[k] or (lived is not None and not shapely.intersects(lived, centre[k])):
            lakes_here = shapely.union_all(border.lakes[lake[cell == k]])
            land = shapely.difference(whole[k] if lived is None else lived, lakes_here)
            spot = shapely.get_point(shapely.shortest_line(centre[k], land), 1)
            lonlat[k] = shapely.get_coordinates(project(spot, crs, WGS84))[0]
    out = cells.assign(lon=lonlat[:, 0], lat=lonlat[:, 1], land_share=share).set_geometry(
        np.asarray(shape, dtype=object), crs=WGS84
    )
    kept = (share >= LEAST_SHARE) | (cells["population"] > 0).to_numpy()
    return out[kept].reset_index(drop=True)


def _homes(homes: gpd.GeoDataFrame | None, crs: CRS) -> tuple[shapely.STRtree, NDArray[np.float64]]:
    """Return places in the projection and their people."""
    if homes is None:
        return shapely.STRtree([]), np.empty(0)
    people = np.nan_to_num(homes["population"].to_numpy(float))
    return shapely.STRtree(np.asarray(project(homes.geometry.to_numpy(), WGS84, crs), dtype=object)), people


def _lived_in(land: shapely.Geometry, places: shapely.STRtree, people: NDArray[np.float64]) -> shapely.Geometry | None:
    """Return the part of a cell's land where most people live, None where it has one part or nobody lives."""
    parts = shapely.get_parts(land)
    if len(parts) < 2 or not len(people):
        return None
    part, place = places.query(parts, predicate="intersects")
    lived = np.bincount(part, people[place], minlength=len(parts))
    return parts[lived.argmax()] if lived.any() else None
