"""Geometries of a user's own layers.

In longitude and latitude, of the kind that the layer needs, each row with its place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from layers.crs import WGS84
from layers.errors import CRSError, LayerError

if TYPE_CHECKING:
    from numpy.typing import NDArray

POINT, LINES, POLYGONS = 0, (1, 2, 5), (3, 6)
"""Type numbers of shapely: a point; a line, a ring, several lines; a polygon, several."""
_WANTED = {"roads": (1, 5), "railways": (1, 5), "regions": POLYGONS}
_PARTS = {"roads": (1,), "railways": (1,), "regions": (3,)}
ROWS = ("row", "line")
"""Names of an index that says where a row stands: counted from 1, or the line of a table's file."""
SHOWN = 3


def numbered(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the frame with an index that a message can name: lines where the source counted them, else rows from 1."""
    if frame.index.name in ROWS:
        return frame
    return frame.set_axis(pd.RangeIndex(1, len(frame) + 1, name="row"), axis=0)


def listed_rows(index: pd.Index) -> str:
    """Return the first rows of an index in words.

    Examples
    --------
    >>> listed_rows(pd.Index([3, 5, 8, 9], name="line"))
    'line 3, 5, 8 and 1 more'
    """
    distinct = pd.unique(index)
    more = f" and {len(distinct) - SHOWN} more" if len(distinct) > SHOWN else ""
    return f"{index.name or 'row'} {', '.join(str(i) for i in distinct[:SHOWN])}{more}"


def placed(frame: gpd.GeoDataFrame, layer: str, where: str) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Return a layer in longitude and latitude with the geometry that it needs, and notes on what was done to it.

    Points are the points themselves, several points of which there is one, and a point on the surface of polygons;
    heights are dropped; of collections the parts of the right kind count. Rows without a geometry, or with one that
    lies nowhere on earth, are left out.

    Parameters
    ----------
    layer
        Name of a layer; any that is not one of regions, roads and railways needs points.
    where
        File named in messages.

    Raises
    ------
    CRSError
        There is no CRS, or it counts metres where the coordinates are degrees.
    LayerError
        The layer is empty, no row has a place, or a geometry is of another kind; the rows are named.
    """
    if frame.empty:
        raise LayerError(f"layer {layer} is empty ({where})")
    if frame.crs is None:
        raise CRSError(f"layer {layer} has no CRS ({where}): allowed is any CRS that is stated in the file")
    frame = numbered(frame.rename_geometry("geometry") if frame.geometry.name != "geometry" else frame)
    notes: list[str] = []
    bare = frame.geometry.isna().to_numpy() | frame.geometry.is_empty.to_numpy()
    if bare.any():
        notes.append(f"{layer} ({where}): {_rows(bare, frame)} without a geometry: left out")
        frame = frame[~bare]
    shapes = _shaped(shapely.force_2d(frame.geometry.to_numpy()), frame.index, layer, where, notes)
    frame = frame.set_geometry(gpd.GeoSeries(shapes, index=frame.index, crs=frame.crs))
    return _on_earth(frame, layer, where, notes), notes


def _rows(mask: NDArray[np.bool_], frame: gpd.GeoDataFrame) -> str:
    """Return how many rows are meant and which."""
    n = int(mask.sum())
    return f"{n:,} {'row' if n == 1 else 'rows'} of {len(frame):,} ({listed_rows(frame.index[mask])})"


def _shaped(
    shapes: NDArray[np.object_], index: pd.Index, layer: str, where: str, notes: list[str]
) -> NDArray[np.object_]:
    """Return geometries of the kind that the layer needs."""
    shapes = np.asarray(shapes, dtype=object).copy()
    kind = shapely.get_type_id(shapes)
    if layer in _WANTED:
        mixed = kind == 7
        shapes[mixed] = [_of_kind(shape, _PARTS[layer]) for shape in shapes[mixed]]  # a handful
        shapes[kind == 2] = [shapely.LineString(ring) for ring in shapes[kind == 2]]  # shapely has no rings as lines
        wrong = ~np.isin(shapely.get_type_id(shapes), _WANTED[layer])
        allowed = "polygons" if layer == "regions" else "lines"
    else:
        single = np.isin(kind, (4, 7)) & (shapely.get_num_geometries(shapes) == 1)
        shapes[single] = shapely.get_geometry(shapes[single], 0)
        area = np.isin(shapely.get_type_id(shapes), POLYGONS)
        shapes[area] = shapely.point_on_surface(shapely.make_valid(shapes[area]))
        if area.any():
            notes.append(f"{layer} ({where}): {area.sum():,} polygons taken as points on their surface")
        wrong = shapely.get_type_id(shapes) != POINT
        allowed = "points, or polygons for a point on their surface"
    if wrong.any():
        names = sorted({str(g.geom_type) for g in shapes[wrong] if g is not None})
        raise LayerError(
            f"layer {layer} holds {', '.join(names)} ({where}, {listed_rows(index[wrong])}): allowed are {allowed}"
        )
    return shapes


def _of_kind(shape: Any, kinds: tuple[int, ...]) -> Any:
    """Return the parts of a collection that are of some kinds, as one geometry.

    The collection itself where it has none.
    """
    parts = shapely.get_parts(shapely.get_parts(shape))
    parts = parts[np.isin(shapely.get_type_id(parts), kinds)]
    if not len(parts):
        return shape
    return shapely.multipolygons(parts) if kinds == (3,) else shapely.multilinestrings(parts)


def _on_earth(frame: gpd.GeoDataFrame, layer: str, where: str, notes: list[str]) -> gpd.GeoDataFrame:
    """Return the rows that lie on earth, in longitude and latitude; refuse a layer of which none does."""
    given = frame.crs
    bounds = frame.bounds.to_numpy()
    if not given.is_geographic and len(frame) and (np.abs(bounds) <= [180, 90, 180, 90]).all():
        raise CRSError(
            f"layer {layer} has coordinates like degrees, x {bounds[:, 0].min():g} to {bounds[:, 2].max():g}, y "
            f"{bounds[:, 1].min():g} to "
            f"{bounds[:, 3].max():g}, in {given.name}, which counts metres ({where}): allowed is the CRS that "
            "they are in, such as EPSG:4326"
        )
    if given.is_geographic:
        lost = (np.abs(bounds[:, [1, 3]]) > 90).any(axis=1) | (np.abs(bounds[:, [0, 2]]) > 180).any(axis=1)
    else:
        degrees = frame.to_crs(WGS84)
        lost = ~np.isfinite(degrees.bounds.to_numpy()).all(axis=1)
    if len(frame) == 0 or lost.all():
        message = (
            f", x {bounds[:, 0].min():g} to {bounds[:, 2].max():g}, y {bounds[:, 1].min():g} to {bounds[:, 3].max():g}"
            if len(frame)
            else ""
        )
        swapped = (
            "; they look swapped"
            if given.is_geographic and len(frame) and np.abs(bounds[:, [0, 2]]).max() <= 90
            else ""
        )
        raise LayerError(
            f"layer {layer} has coordinates out of range{message} ({where}): allowed is longitude −180 to 180 as "
            f"x and latitude −90 to 90 as y{swapped}"
        )
    if lost.any():
        notes.append(f"{layer} ({where}): {_rows(lost, frame)} with coordinates that lie nowhere on earth: left out")
    return frame[~lost].to_crs(WGS84)


def within(
    frame: gpd.GeoDataFrame, layer: str, area: shapely.Geometry, where: str
) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Return the rows that touch an area, and a note on checkpoints that do not.

    Raises
    ------
    LayerError
        None does; where longitude and latitude look swapped the message says so.
    """
    shapely.prepare(area)  # which serves what is asked of the area, not of the shapes: it stands first
    shapes = frame.geometry.to_numpy()
    hit = np.asarray(shapely.intersects(area, shapes))
    if hit.all():
        return frame, []
    turned = np.asarray(shapely.intersects(area, shapely.transform(shapes[~hit], lambda xy: xy[:, ::-1])))
    if not hit.any():
        swapped = "; longitude and latitude look swapped" if turned.any() else ""
        raise LayerError(
            f"layer {layer} has nothing within the network's depth of the border ({where}; its bounds are "
            f"{', '.join(f'{v:.2f}' for v in frame.total_bounds)}){swapped}: allowed is a layer that covers the belt"
        )
    if layer != "checkpoints":
        return frame[hit], []
    swapped = f"; {turned.sum()} of them would lie in it with longitude and latitude swapped" if turned.any() else ""
    return frame[hit], [
        f"{layer} ({where}): {_rows(~hit, frame)} outside the network's belt of the border: left out{swapped}"
    ]
