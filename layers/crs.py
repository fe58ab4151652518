"""Coordinate reference systems and measuring: geodesic lengths, equal-area areas, and what is refused."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from pyproj import CRS, Geod, Transformer

from layers.errors import CRSError

if TYPE_CHECKING:
    from numpy.typing import NDArray

WGS84 = CRS.from_epsg(4326)
GEOD = Geod(ellps="WGS84")
MOST_KEPT = 32
_KEPT = threading.local()
"""Transformers of each thread: pyproj's are not to be shared between threads."""

Geometries = Any
"""A shapely geometry or an array of them."""


def geodesic_m(lon1: Any, lat1: Any, lon2: Any, lat2: Any) -> NDArray[np.float64]:
    """Return geodesic distances in metres on WGS84 between points, element by element (Karney, through PROJ)."""
    x1, y1, x2, y2 = np.broadcast_arrays(*(np.asarray(v, float) for v in (lon1, lat1, lon2, lat2)))
    _, _, distance = GEOD.inv(x1, y1, x2, y2)
    return np.asarray(distance, float)


def line_lengths_m(lines: Geometries) -> NDArray[np.float64]:
    """Return the geodesic length in metres of each line in longitude and latitude; 0 for empty geometries.

    Multi-part lines count the sum of their parts. Whole columns at once: one call to PROJ.
    """
    lines = np.atleast_1d(np.asarray(lines, dtype=object))
    if (shapely.get_type_id(lines) == shapely.GeometryType.LINESTRING).all():  # to copy them takes long
        parts, owner = lines, np.arange(len(lines))
    else:
        parts, owner = shapely.get_parts(lines, return_index=True)
    xy, part = shapely.get_coordinates(parts, return_index=True)
    start = np.flatnonzero(part[1:] == part[:-1])  # not from the end of a line to where the next begins
    steps = geodesic_m(*xy[start].T, *xy[start + 1].T)
    return np.asarray(np.bincount(owner[part[start]], steps, minlength=len(lines)), float)


def fit_equal_area(line: shapely.Geometry) -> CRS:
    """Return an equal-area projection fitted to a border line given in longitude and latitude.

    An Albers conic whose parallels leave a tenth of the line's latitudes outside on either hand and whose meridian is
    the middle of its longitudes, rounded to half degrees (Russia–Kazakhstan: 49.5, 54.5 and 67). Near the equator,
    where a cone has no apex, Lambert's azimuthal equal-area.
    """
    # Meanders of a river that a line follows must not count for more than a straight stretch as long.
    dense = shapely.get_coordinates(shapely.segmentize(shapely.simplify(line, 0.1), 0.05))
    low, high = (round(2 * float(q)) / 2 for q in np.quantile(dense[:, 1], [0.1, 0.9]))
    west, south, east, north = shapely.bounds(line)
    lon0, lat0 = round(2 * (west + east) / 2) / 2, round(2 * (south + north) / 2) / 2
    if high - low < 1:
        low, high = lat0 - 0.5, lat0 + 0.5
    if abs(low + high) < 2:
        return CRS.from_proj4(f"+proj=laea +lat_0={lat0} +lon_0={lon0} +datum=WGS84 +units=m +no_defs")
    return CRS.from_proj4(
        f"+proj=aea +lat_1={low} +lat_2={high} +lat_0={lat0} +lon_0={lon0} +datum=WGS84 +units=m +no_defs"
    )


def require_equal_area(crs: CRS) -> None:
    """Raise `CRSError` unless areas may be measured in `crs`.

    Web Mercator measures 45–74 % too long at 48–55° N and one UTM zone up to 3.7 % over this belt, degrees measure
    nothing: none of them is accepted, however convenient.
    """
    method = crs.coordinate_operation.method_name if crs.coordinate_operation else ""
    if "Equal Area" in method:
        return
    raise CRSError(
        f"areas can't be measured in {crs.name!r} ({method or 'longitude and latitude'}): "
        "allowed is an equal-area projection, e.g. layers.crs.fit_equal_area(border_line)"
    )


def project(geometries: Geometries, source: CRS, target: CRS) -> Geometries:
    """Return geometries moved from one CRS to another, x before y."""
    transformer = _transformer(source, target)
    return shapely.transform(geometries, lambda xy: np.column_stack(transformer.transform(xy[:, 0], xy[:, 1])))


def _transformer(source: CRS, target: CRS) -> Transformer:
    """Return the transformer between two CRS, made once in each thread.

    Making one takes as long as moving 100,000 points.
    """
    kept: dict[tuple[CRS, CRS], Transformer] = _KEPT.__dict__.setdefault("transformers", {})
    if (source, target) not in kept:
        if len(kept) >= MOST_KEPT:
            kept.clear()
        kept[source, target] = Transformer.from_crs(source, target, always_xy=True)
    return kept[source, target]


def areas_km2(polygons: Geometries, crs: CRS) -> NDArray[np.float64]:
    """Return areas in km² of polygons in longitude and latitude, taken in the equal-area `crs`.

    Raises
    ------
    CRSError
        `crs` is not equal-area.
    """
    require_equal_area(crs)
    # Long straight sides bend when projected; extra vertices keep the area true.
    dense = shapely.segmentize(np.atleast_1d(np.asarray(polygons, dtype=object)), 0.1)
    return np.asarray(shapely.area(project(dense, WGS84, crs)), float) / 1e6


def points_at(xy: NDArray[np.float64]) -> NDArray[np.object_]:
    """Return points of coordinates, shape (n, 2)."""
    return np.asarray(shapely.points(np.asarray(xy, float).reshape(-1, 2)), dtype=object)


def lines_between(xy_from: NDArray[np.float64], xy_to: NDArray[np.float64]) -> NDArray[np.object_]:
    """Return straight lines between two arrays of coordinates, shape (n, 2) each."""
    return np.asarray(shapely.linestrings(np.stack([xy_from, xy_to], axis=1)), dtype=object)
