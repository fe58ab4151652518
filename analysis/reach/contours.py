"""Minutes spread over open ground on a grid, and their level lines as polygons."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from contourpy import FillType, contour_generator
from scipy.ndimage import distance_transform_edt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

if TYPE_CHECKING:
    from collections.abc import Sequence

    from affine import Affine
    from numpy.typing import NDArray

STEPS = ((0, 1), (1, 0), (1, 1), (1, -1), (1, 2), (2, 1), (1, -2), (2, -1))
"""Ways from cell to cell, and back: sixteen directions, never more than 2.7 % longer than straight."""


def spread(
    seeds: NDArray[np.float64],
    mask: NDArray[np.bool_],
    size: float,
    per_metre: float,
    off_road_m: float,
    latest: float,
) -> NDArray[np.float64]:
    """Return the minutes of masked cells: those of the seeds, and from them over open ground in sixteen directions.

    Parameters
    ----------
    seeds, mask
        Minutes where the network runs, infinity elsewhere; the cells that may be entered. Same shape.
    size, per_metre
        Width of a cell in metres; minutes per metre.
    off_road_m
        Cells further than this from every seed in time stay empty.
    latest
        Minutes after which nothing matters; two cells more are kept, so that the level line of `latest` lies inside.

    Returns
    -------
    Minutes of the same shape, infinity where nothing comes.

    Examples
    --------
    >>> seeds = np.full((1, 4), np.inf)
    >>> seeds[0, 0] = 5.0
    >>> spread(seeds, np.array([[True, True, False, True]]), 1000.0, 0.002, 9000.0, 60.0).tolist()
    [[5.0, 7.0, inf, inf]]
    """
    out = np.full(mask.shape, np.inf)
    last = latest + 2 * size * per_metre
    seeded = np.isfinite(seeds) & (seeds <= last)
    if not seeded.any():
        return out
    use = mask & (distance_transform_edt(~seeded) * size <= off_road_m) if np.isfinite(off_road_m) else mask
    number = np.full((mask.shape[0] + 4, mask.shape[1] + 4), -1, np.int32)
    number[2:-2, 2:-2][use] = np.arange(use.sum())
    tails, heads, weights = [], [], []
    for down, right in STEPS:
        a, b = number[2:-2, 2:-2], _moved(number, down, right)
        both = (a >= 0) & (b >= 0)
        if abs(down) + abs(right) == 3:  # a knight's move passes between two cells, which must be there
            half = (down // 2, int(np.sign(right))) if abs(down) == 2 else (int(np.sign(down)), int(right / 2))
            other = (down - half[0], right - half[1])
            both &= (_moved(number, *half) >= 0) & (_moved(number, *other) >= 0)
        tails.append(a[both])
        heads.append(b[both])
        weights.append(np.full(both.sum(), np.hypot(down, right) * size * per_metre))
    n = int(use.sum())
    begin = np.flatnonzero(seeded[use])
    tails.append(np.full(len(begin), n, np.int32))
    heads.append(begin.astype(np.int32))
    weights.append(np.maximum(seeds[use][begin], 1e-9))  # an edge of no length would be no edge at all
    graph = coo_array((np.concatenate(weights), (np.concatenate(tails), np.concatenate(heads))), shape=(n + 1, n + 1))
    out[use] = dijkstra(graph.tocsr(), directed=False, indices=n, limit=last)[:n]
    return out


def _moved(number: NDArray[np.int32], down: int, right: int) -> NDArray[np.int32]:
    """Return the inner part of a grid with a rim of two cells, moved."""
    return number[2 + down : number.shape[0] - 2 + down, 2 + right : number.shape[1] - 2 + right]


def level_polygons(
    minutes: NDArray[np.float64],
    mask: NDArray[np.bool_],
    transform: Affine,
    land: shapely.Geometry,
    limits: Sequence[float],
    step: float,
) -> list[shapely.Geometry]:
    """Return the ground within each limit as (multi)polygons, cut by the land.

    Level lines, linear between middles of cells.

    A surface that is nowhere lower has polygons that are nowhere larger, and a lower limit polygons within those of a
    higher.

    Parameters
    ----------
    minutes, mask, transform
        The surface, infinity where nothing is reached; cells of the land; where the grid stands.
    land
        Polygon that the result is cut by.
    limits
        Minutes.
    step
        Minutes over one cell: beyond the land the surface runs on by it, so that level lines meet the edge.
    """
    if not np.isfinite(minutes).any():
        return [shapely.Polygon()] * len(limits)
    gap, near = distance_transform_edt(~mask, return_indices=True)
    whole = np.minimum(minutes[tuple(near)] + gap * step, max(limits) + 2 * step)
    x = transform.c + transform.a * (np.arange(mask.shape[1]) + 0.5)
    y = transform.f + transform.e * (np.arange(mask.shape[0]) + 0.5)
    lines = contour_generator(x, y, whole, name="serial", fill_type=FillType.OuterOffset)
    return [areal(shapely.intersection(_filled(lines.filled(-1.0, limit)), land)) for limit in limits]


def _filled(found: Any) -> shapely.Geometry:
    """Return a multipolygon of contourpy's coordinates and offsets of rings."""
    polygons = []
    for xy, offsets in zip(*found, strict=True):  # polygons: dozens
        rings = [xy[a:b] for a, b in pairwise(offsets)]
        polygons.append(shapely.Polygon(rings[0], rings[1:]))
    return shapely.make_valid(shapely.MultiPolygon(polygons))


def areal(geometry: shapely.Geometry) -> shapely.Geometry:
    """Return a geometry's polygons: where two only touch, lines and points are left over."""
    parts = shapely.get_parts(shapely.get_parts(geometry))
    polygons = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
    return polygons[0] if len(polygons) == 1 else shapely.MultiPolygon(list(polygons))
