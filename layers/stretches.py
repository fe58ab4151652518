"""Whose border a place stands at.

The stretch of outline that two countries share, or one that a side has with others or the sea.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from layers.sides import SIDES, Side

if TYPE_CHECKING:
    from collections.abc import Mapping

    import geopandas as gpd
    from numpy.typing import NDArray

EARTH_KM = 6371.0
STEP = 0.005
"""Degrees between the points that stand for a line: half a kilometre."""
TOUCH, GAP = 0.003, 0.05
"""Degrees around the shared line that count to it: where the two outlines are one line, and where they leave a gap
between them."""


def sphere_km(lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return places on a sphere in kilometres: chords are distances, anywhere and over the antimeridian."""
    lon, lat = np.radians(np.asarray(lonlat, float).reshape(-1, 2)).T
    return EARTH_KM * np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])


@dataclass(frozen=True)
class Stretches:
    """The shared line, and the rest of each side's outline, as lines in degrees."""

    shared: shapely.Geometry
    rest: Mapping[Side, shapely.Geometry]
    third: Mapping[Side, shapely.Geometry]
    """Of the rest, what a side shares with regions of other countries in the same layer: known to be another border."""

    @classmethod
    def of(
        cls,
        regions: gpd.GeoDataFrame,
        border: gpd.GeoDataFrame,
        area: shapely.Geometry,
        others: gpd.GeoDataFrame | None = None,
    ) -> Stretches:
        """Return the stretches of two sides.

        Parameters
        ----------
        regions
            Whole regions of both countries, with ``side``.
        border
            From `layers.regions.border_line`.
        area
            In longitude and latitude; what lies outside its bounds is left out.
        others
            Regions of further countries.
        """
        shared = shapely.union_all(border.geometry.to_numpy())
        west, south, east, north = shapely.bounds(area)
        frame = (max(west, -180), max(south, -90), min(east, 180), min(north, 90))
        rest, third = {}, {}
        for side in SIDES:
            whole = shapely.union_all(regions.loc[regions["side"] == side].geometry.to_numpy())
            outline = shapely.clip_by_rect(shapely.boundary(whole), *frame)
            spots = shapely.points(shapely.get_coordinates(shared))
            shapely.prepare(outline)
            wide = TOUCH if shapely.dwithin(outline, spots, np.nextafter(TOUCH, 0)).all() else GAP
            rest[side] = shapely.difference(outline, shapely.buffer(shared, wide))
            foreign = [] if others is None else list(shapely.buffer(others.geometry.to_numpy(), TOUCH))
            third[side] = (
                shapely.intersection(rest[side], shapely.union_all(foreign)) if foreign else shapely.LineString()
            )
        return cls(shared, rest, third)

    def away_km(
        self, lonlat: NDArray[np.float64], side: NDArray[np.object_], what: str = "rest"
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return how far places lie from the shared line, and from the rest of the outline of their side.

        Or from the ``third`` of the outline; infinite where there is none.
        """
        xyz = sphere_km(lonlat)
        shared, other = np.full(len(xyz), np.inf), np.full(len(xyz), np.inf)
        if not len(xyz):
            return shared, other
        shared = _nearest(self.shared, xyz)
        for name, line in getattr(self, what).items():
            own_side = np.flatnonzero(side == name)
            other[own_side] = _nearest(line, xyz[own_side])
        return shared, other


def _nearest(line: shapely.Geometry, xyz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far places lie from a line."""
    from scipy.spatial import cKDTree

    points = shapely.get_coordinates(shapely.segmentize(line, STEP)) if not shapely.is_empty(line) else np.zeros((0, 2))
    if not len(points) or not len(xyz):
        return np.full(len(xyz), np.inf)
    return np.asarray(cKDTree(sphere_km(points)).query(xyz)[0], float)
