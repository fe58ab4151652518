"""Sides, the border line between them, and which side a point is on."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.ops import substring

from layers.crs import WGS84, fit_equal_area, line_lengths_m, points_at, project
from layers.errors import LayerError

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray
    from pyproj import CRS

GAPS_M = (0.0, 50.0, 500.0, 3000.0)
"""How far apart two polygons of one boundary may be digitised, tried from the strictest."""
NEAR = 0.05
"""Degrees within which regions may face each other: more than the widest gap."""
PIECE = 10
"""Pieces between corners of a line that a zone is drawn around at once: a hundred, or one, take longer."""
ROUND = 64
"""Chords of a quarter of a circle: a zone of 300 km is within 0.04 km of its width, wherever its pieces begin."""
RING = 720
"""Steps in which a closed boundary is looked at."""


def of_countries(regions: gpd.GeoDataFrame, countries: Collection[str]) -> gpd.GeoDataFrame:
    """Return the regions of some countries.

    Raises
    ------
    LayerError
        A country has no region in the layer; the message says which the layer has.
    """
    missing = [c for c in countries if not (regions["country"] == c).any()]
    if missing:
        has = ", ".join(sorted(regions["country"].dropna().astype(str).unique()))
        raise LayerError(f"layer regions has no region of {' and '.join(missing)}: it has {has}")
    return regions[regions["country"].isin(list(countries))]


def with_sides(regions: gpd.GeoDataFrame, countries: tuple[str, str]) -> gpd.GeoDataFrame:
    """Return the regions of the two countries with their side, ``a`` or ``b``.

    Raises
    ------
    LayerError
        A country has no region in the layer.
    """
    kept = of_countries(regions, countries).copy()
    kept["side"] = np.where(kept["country"] == countries[0], "a", "b")
    return kept.reset_index(drop=True)


def border_line(regions: gpd.GeoDataFrame, countries: tuple[str, str]) -> gpd.GeoDataFrame:
    """Return the shared boundary of two countries, one row per pair of facing regions.

    Parameters
    ----------
    regions
        Layer ``regions``; polygons of one boundary may be up to 3 km apart.
    countries
        ISO 3166-1 codes of side a and side b.

    Returns
    -------
    GeoDataFrame with ``region_a``, ``region_b``, ``length_km`` (geodesic) in longitude and latitude.

    Raises
    ------
    LayerError
        A country is missing or the two share no border.
    """
    sided = with_sides(regions, countries)
    a, b = sided[sided["side"] == "a"], sided[sided["side"] == "b"]
    near_a, near_b = a.sindex.query(b.geometry.to_numpy(), predicate="dwithin", distance=NEAR)[::-1]
    # What lies further off than the widest gap is no part of the border: a country is large.
    own_a, own_b = a.iloc[np.unique(near_a)], b.iloc[np.unique(near_b)]
    for gap in GAPS_M:
        lines = _facing(a.geometry.to_numpy()[near_a], b.geometry.to_numpy()[near_b], gap)
        length = line_lengths_m(lines) / 1000
        # A shared corner or a crumb of a boundary is no border, and a border drawn partly with a gap is not whole yet:
        # the next gap may find it.
        whole = gap == GAPS_M[-1] or length.sum() > 0.9 * _reach_km(own_a, own_b)
        if whole and length.sum() > max(1.0, 5 * gap / 1000):
            keep = length > 0.1
            return gpd.GeoDataFrame(
                {
                    "region_a": a["region"].to_numpy()[near_a][keep],
                    "region_b": b["region"].to_numpy()[near_b][keep],
                    "length_km": length[keep],
                },
                geometry=lines[keep],
                crs=WGS84,
            )
    raise LayerError(
        f"{countries[0]} and {countries[1]} share no border in the layer regions: allowed are two countries whose "
        f"polygons touch or lie within {GAPS_M[-1] / 1000:g} km"
    )


def _facing(a: NDArray[np.object_], b: NDArray[np.object_], gap_m: float) -> NDArray[np.object_]:
    """Return, pair by pair, the part of a's boundary that lies on b, or within `gap_m` of it."""
    b_drawn = b
    if gap_m:
        # 1° of latitude everywhere: the gap is a tolerance, not a measure.
        b = shapely.buffer(b, gap_m / 111_000, quad_segs=2)
        shared = shapely.intersection(shapely.boundary(a), b)
    else:
        shared = shapely.intersection(shapely.boundary(a), shapely.boundary(b))
    parts, owner = shapely.get_parts(shared, return_index=True)
    if gap_m:
        edge = shapely.boundary(b_drawn)
        parts = np.array([_trimmed(p, edge[k], gap_m / 111_000) for p, k in zip(parts, owner, strict=True)], object)
    line = np.isin(shapely.get_type_id(parts), (1, 2))
    out = np.full(len(a), shapely.LineString(), dtype=object)
    for i in np.unique(owner[line]):  # pairs of facing regions: a few dozen
        out[i] = shapely.line_merge(shapely.multilinestrings(shapely.get_parts(parts[line & (owner == i)])))
    return out


def _reach_km(a: gpd.GeoDataFrame, b: gpd.GeoDataFrame) -> float:
    """Return the length of a's boundary within the widest gap of b: what a strict match should come near to."""
    whole_a, whole_b = (np.array([shapely.union_all(side.geometry.to_numpy())], dtype=object) for side in (a, b))
    return float(line_lengths_m(_facing(whole_a, whole_b, GAPS_M[-1])).sum() / 1000)


def _trimmed(line: shapely.Geometry, other: shapely.Geometry, gap: float) -> shapely.Geometry:
    """Return a shared line without what leads off it at its ends: there one corner of the other boundary stays nearest.

    Where a boundary turns away along the frame of a study, towards a third region or along a coast, it stays near for
    the width of the gap; a small state may be near with all of its coast.
    """
    if not isinstance(line, shapely.LineString) or line.is_empty:
        return line
    length, reach = float(line.length), 2 * gap
    if line.is_closed:
        apart = ~_faces(line, other, np.linspace(0, length, RING + 1))
        turns = np.flatnonzero(np.diff(apart, append=apart[0]))
        if not len(turns):
            return line
        # From the middle of the longest stretch that faces nothing; an enclave has none.
        runs = [
            (b - a, a + 1)
            for a, b in zip(turns, np.r_[turns[1:], turns[0] + RING], strict=True)
            if apart[(a + 1) % RING]
        ]
        steps, first = max(runs)
        if steps * length / RING <= gap:
            return line
        begin = (first + steps / 2) % RING * length / RING
        parts = [substring(line, begin, length), substring(line, 0, begin)]
        line = shapely.LineString(np.concatenate([shapely.get_coordinates(p) for p in parts]))
        reach = steps * length / RING
    at = np.linspace(0, min(reach, length), 41)
    ends = []
    for way in (line, shapely.reverse(line)):
        facing = _faces(way, other, at)
        ends.append(float(at[facing.argmax()]) if facing.any() else length)
    begin, end = ends[0], length - ends[1]
    return substring(line, begin, end) if begin < end else shapely.LineString()


def _faces(line: shapely.Geometry, other: shapely.Geometry, at: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return for each step along a line whether the nearest place of another goes along: it neither stays nor leaps."""
    here = np.asarray(shapely.line_interpolate_point(np.full(len(at), line), at), dtype=object)
    there = shapely.get_coordinates(shapely.get_point(shapely.shortest_line(here, other), 1))
    moved = np.hypot(*np.diff(there, axis=0).T) / np.diff(at)
    return np.asarray((moved >= 0.05) & (moved <= 10), bool)


def border_axis(border: gpd.GeoDataFrame) -> NDArray[np.object_]:
    """Return the border line as merged lines, each from its western end, ordered from west to east.

    Kilometres along the border count along this axis.
    """
    pieces = shapely.MultiLineString(list(shapely.get_parts(border.geometry.to_numpy())))
    parts = np.asarray(shapely.get_parts(shapely.line_merge(pieces)), dtype=object)
    first, last = (shapely.get_x(shapely.get_point(parts, i)) for i in (0, -1))
    parts = np.where(first <= last, parts, shapely.reverse(parts))
    return np.asarray(parts[np.argsort(shapely.bounds(parts)[:, 0], kind="stable")], dtype=object)


def study_crs(border: gpd.GeoDataFrame) -> CRS:
    """Return the equal-area projection fitted to a border line."""
    return fit_equal_area(shapely.union_all(border.geometry.to_numpy()))


def belt(border: gpd.GeoDataFrame, depth_km: float, crs: CRS) -> shapely.Geometry:
    """Return the zone within `depth_km` of the border line, in the projected `crs`."""
    line = project(shapely.union_all(border.geometry.to_numpy()), WGS84, crs)
    return _zone(shapely.to_wkb(line), depth_km)


@lru_cache(maxsize=8)
def _zone(line: bytes, depth_km: float) -> shapely.Geometry:
    """Return the zone around a line in WKB, made once for those who want the same.

    Of pieces of the line, put together: around thousands of corners at once it takes most of a second, and GEOS
    leaves out more of them.
    """
    parts = shapely.get_parts(shapely.line_merge(shapely.simplify(shapely.from_wkb(line), 200)))
    corners = [shapely.get_coordinates(part) for part in parts]
    # Some hundreds; each begins where the one before ends.
    pieces = [shapely.LineString(xy[k : k + PIECE + 1]) for xy in corners for k in range(0, len(xy) - 1, PIECE)]
    zone: shapely.Geometry = shapely.union_all(shapely.buffer(pieces, depth_km * 1000, quad_segs=ROUND))
    return zone


def clip_to_belt(regions: gpd.GeoDataFrame, border: gpd.GeoDataFrame, depth_km: float) -> gpd.GeoDataFrame:
    """Return the regions cut to a box around the border line, before anything is projected or buffered.

    Russia's full polygon crosses the antimeridian: projecting it whole would wrap it around the map.
    """
    west, south, east, north = border.total_bounds
    lat = depth_km / 111 + 1
    lon = lat / max(np.cos(np.radians(min(max(abs(south), abs(north)) + lat, 85))), 0.1)
    clipped = regions.clip(shapely.box(west - lon, south - lat, east + lon, north + lat))
    clipped = clipped[~clipped.is_empty & clipped.geom_type.isin(["Polygon", "MultiPolygon"])]
    return clipped.sort_index().reset_index(drop=True)


def side_of(points: NDArray[np.float64], regions: gpd.GeoDataFrame, tolerance_km: float) -> NDArray[np.object_]:
    """Return ``a``, ``b`` or an empty string for each point.

    Parameters
    ----------
    points
        Longitude and latitude, shape (n, 2).
    regions
        Layer ``regions`` with sides, clipped to the belt.
    tolerance_km
        Points in no region (a generalised coast, a gap) take the nearest region's side up to this distance.
    """
    row = region_of(points, regions, tolerance_km)
    side = np.append(regions["side"].to_numpy(dtype=object), "")
    return np.asarray(side[row], dtype=object)


def region_of(points: NDArray[np.float64], regions: gpd.GeoDataFrame, tolerance_km: float) -> NDArray[np.int64]:
    """Return each point's row in `regions`, or −1; see `side_of`."""
    row = np.full(len(points), -1)
    x, y = np.asarray(points, float).reshape(-1, 2).T
    shapes = regions.geometry.to_numpy()
    # A region at a time, dozens: prepared, it tells of a hundred thousand points in the time that it would take for a
    # few thousand. On a shared boundary a point is in two regions: the first row wins, and is written last.
    for k, (west, south, east, north) in reversed(list(enumerate(shapely.bounds(shapes)))):
        near = np.flatnonzero((x >= west) & (x <= east) & (y >= south) & (y <= north))
        if len(near):
            shapely.prepare(shapes[k])
            row[near[shapely.intersects_xy(shapes[k], x[near], y[near])]] = k
    lost = np.flatnonzero(row < 0)
    if len(lost) and tolerance_km > 0:
        geometry = points_at(np.column_stack([x[lost], y[lost]]))
        # Degrees of latitude bound the search; the true distance decides, because a degree of longitude is shorter.
        found, near = regions.sindex.query(geometry, predicate="dwithin", distance=3 * tolerance_km / 111)
        away = line_lengths_m(shapely.shortest_line(geometry[found], shapes[near]))
        order = np.lexsort((-near, -away))  # the nearest is written last
        order = order[away[order] <= tolerance_km * 1000]
        row[lost[found[order]]] = near[order]
    return row


def touching(regions: gpd.GeoDataFrame, border: gpd.GeoDataFrame) -> pd.Series:
    """Return whether each region touches the border line."""
    mask: pd.Series = regions["region"].isin(set(border["region_a"]) | set(border["region_b"]))
    return mask
