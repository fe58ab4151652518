"""The border in the projection, and how far ways lead abroad or over water."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from layers.crs import WGS84, project
from layers.sides import SIDES, Side
from network.banks import Banks

if TYPE_CHECKING:
    from collections.abc import Mapping

    import geopandas as gpd
    from numpy.typing import NDArray
    from pyproj import CRS


WEAVE_KM = 5.0
"""A generalised line is known no better than this; a study says how well its own is known (1 km where it says nothing).
Pieces of network this short beyond it belong to the side they hang on."""


TILE_POINTS = 200
"""Vertices of a tile of a side, at the most."""


SHARED_M = 0.1
"""So near to the border a way lies on both sides."""


SHORE_M = 10.0
"""A way that touches the water for no longer crosses none."""


@dataclass(frozen=True)
class Border:
    """The border in the projection: its line, the two sides as polygons, how far off the line may be, and water.

    ``water`` holds the polygons that no straight way leads over, ``courses`` where straightened links may run by it
    (`network.banks.courses`); None where none are known.
    """

    line: shapely.Geometry
    sides: Mapping[Side, shapely.Geometry]
    tolerance_km: float = WEAVE_KM
    water: shapely.Geometry | None = None
    courses: shapely.Geometry | None = None

    @classmethod
    def of(
        cls,
        regions: gpd.GeoDataFrame,
        border: gpd.GeoDataFrame,
        crs: CRS,
        tolerance_km: float = WEAVE_KM,
        water: shapely.Geometry | None = None,
    ) -> Border:
        """Return the border of regions with ``side`` and the lines between them; water in the projection."""
        polygons = {
            side: shapely.union_all(project(regions.loc[regions["side"] == side].geometry.to_numpy(), WGS84, crs))
            for side in SIDES
        }
        for polygon in polygons.values():
            shapely.prepare(polygon)
        line = project(shapely.union_all(border.geometry.to_numpy()), WGS84, crs)
        shapely.prepare(line)
        return cls(line, polygons, tolerance_km, water)

    def abroad_m(self, lines: NDArray[np.object_], side: Side) -> NDArray[np.float64]:
        """Return how many metres of each line lie on the other side than `side`."""
        other, own = self._tiles["b" if side == "a" else "a"], self._shared[side]
        line, tile = other.query(lines, predicate="intersects")
        over = shapely.intersection(lines[line], other.geometries[tile])
        # What runs along the line itself lies on both sides: it is not abroad.
        part, tile = own.query(over, predicate="intersects")
        shared = shapely.length(shapely.intersection(over[part], own.geometries[tile]))
        metres = shapely.length(over) - np.bincount(part, shared, minlength=len(over))
        return np.asarray(np.bincount(line, np.maximum(metres, 0.0), minlength=len(lines)), float)

    @cached_property
    def _tiles(self) -> Mapping[Side, shapely.STRtree]:
        """The sides in tiles of few vertices: a short line need not be laid over the whole of a country."""
        return {s: shapely.STRtree(tiled(polygon)) for s, polygon in self.sides.items()}

    @cached_property
    def _shared(self) -> Mapping[Side, shapely.STRtree]:
        """The tiles, wider by `SHARED_M`: at their cuts a line along the border leaves a side by its last digits."""
        return {
            s: shapely.STRtree(shapely.buffer(tree.geometries, SHARED_M, join_style="mitre"))
            for s, tree in self._tiles.items()
        }

    def _off_m(self, points: NDArray[np.object_], side: Side) -> NDArray[np.float64]:
        """Return how far points are from a side, by its tiles: the whole of a country takes milliseconds for each."""
        tiles = self._tiles[side]
        (point, _), away = tiles.query_nearest(points, all_matches=False, return_distance=True)
        out = np.empty(len(points))
        out[point] = away
        return out

    @cached_property
    def lakes(self) -> NDArray[np.object_]:
        """The water's polygons one by one."""
        return np.asarray([] if self.water is None else shapely.get_parts(self.water), dtype=object)

    @cached_property
    def hulls(self) -> NDArray[np.object_]:
        """The convex hull of each."""
        return np.asarray(shapely.convex_hull(self.lakes), dtype=object)

    @cached_property
    def _tree(self) -> shapely.STRtree:
        return shapely.STRtree(self.lakes)

    @cached_property
    def _tiled_lakes(self) -> list[list[shapely.Geometry]]:
        return [tiled(lake) for lake in self.lakes]

    @cached_property
    def _pools(self) -> shapely.STRtree:
        """The water in tiles of few vertices: a short line need not be laid over the whole of a sea."""
        return shapely.STRtree([part for parts in self._tiled_lakes for part in parts])

    @cached_property
    def banks(self) -> Banks:
        """On which bank straightened links run."""
        return Banks(self.courses, self._tree)

    @cached_property
    def answers(self) -> dict[bytes, Any]:
        """What was found of single lines: places join a network again and again, and its water stays."""
        return {}

    def wet_m(self, lines: NDArray[np.object_]) -> NDArray[np.float64]:
        """Return how many metres of each line lie over water."""
        line, pool = self._pools.query(lines, predicate="intersects")
        over = shapely.length(shapely.intersection(lines[line], self._pools.geometries[pool]))
        return np.asarray(np.bincount(line, over, minlength=len(lines)), float)

    def lakes_under(self, lines: NDArray[np.object_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return pairs of lines and the polygons of water that each leads over, by their rows."""
        line, pool = self._pools.query(lines, predicate="intersects")
        lake = np.repeat(np.arange(len(self.lakes)), [len(tiles) for tiles in self._tiled_lakes])[pool]
        pairs = np.unique(np.stack([line, lake], axis=1), axis=0)
        return pairs[:, 0], pairs[:, 1]

    def ashore_m(self, points: NDArray[np.object_]) -> NDArray[np.float64]:
        """Return how far each point in water is from the shore; 0 on land."""
        out = np.zeros(len(points))
        point, lake = self._tree.query(points, predicate="within")
        out[point] = shapely.distance(points[point], shapely.boundary(self.lakes[lake]))
        return out

    def lakes_on(self, line: shapely.Geometry) -> NDArray[np.object_]:
        """Return the polygons of water that a line touches."""
        return self.lakes[self._tree.query(line, predicate="intersects")]

    def lakes_of(self, shapes: NDArray[np.object_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return pairs of shapes and the polygons of water that each touches, by their rows."""
        shape, lake = self._tree.query(shapes, predicate="intersects")
        return shape, lake

    def leads_abroad(self, points: NDArray[np.object_], lines: NDArray[np.object_], side: Side) -> NDArray[np.bool_]:
        """Return which straight lines from points of a side lead through the neighbour.

        From the wrong side the way out is free: there and back to the line, and the line's own uncertainty.
        """
        allowed = np.full(len(points), self.tolerance_km * 1000.0)
        astray = ~shapely.intersects(self.sides[side], points)  # quick, for the sides are prepared; a distance is not
        allowed[astray] += 2 * self._off_m(points[astray], side)
        return np.asarray(self.abroad_m(lines, side) > allowed, bool)

    def over_water(self, points: NDArray[np.object_], lines: NDArray[np.object_]) -> NDArray[np.bool_]:
        """Return which straight lines from points lead over water.

        For what stands in the water, as places on a generalised shore do, the way out of it is free: twice the way to
        the shore.
        """
        if not len(self.lakes):
            return np.zeros(len(lines), bool)
        return np.asarray(self.wet_m(lines) > SHORE_M + 2 * self.ashore_m(points), bool)

    def dry(self, ground: shapely.Geometry) -> shapely.Geometry:
        """Return ground without the water on it."""
        near = self.lakes[self._tree.query(ground)]
        return shapely.difference(ground, shapely.union_all(near)) if len(near) else ground


def tiled(polygon: shapely.Geometry) -> list[shapely.Geometry]:
    """Return a polygon in rectangular pieces of up to `TILE_POINTS` vertices."""
    todo, done = list(shapely.get_parts(polygon)), []
    while todo:
        part = todo.pop()
        if shapely.get_num_coordinates(part) <= TILE_POINTS:
            done.append(part)
            continue
        west, south, east, north = shapely.bounds(part)
        x, y = (west + east) / 2, (south + north) / 2
        halves = (
            (shapely.box(west, south, x, north), shapely.box(x, south, east, north))
            if east - west > north - south
            else (shapely.box(west, south, east, y), shapely.box(west, y, east, north))
        )
        pieces = shapely.get_parts(shapely.intersection(part, halves))
        todo += [p for p in pieces if shapely.get_dimensions(p) == 2]
    return done
