"""Lines and polygons of a user's file, for the roads and areas of a scenario."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
from pyogrio.errors import DataLayerError, DataSourceError

from layers.crs import WGS84
from layers.errors import PlaceError, short

MOST_SHAPES = 200


def read_shapes(path: Path, kind: str) -> list[shapely.Geometry]:
    """Return the shapes of a file in degrees, those of several parts one by one.

    Parameters
    ----------
    kind
        LineString or Polygon.

    Raises
    ------
    PlaceError
        The file can't be read, has no CRS, another kind of shapes, or too many.
    """
    try:
        frame = gpd.read_file(path)
    except (DataSourceError, DataLayerError, OSError, ValueError) as error:
        raise PlaceError(f"the layer {short(path)} can't be read: {error}") from None
    if frame.crs is None or not len(frame):
        raise PlaceError(
            f"the layer {short(path)} has {'no CRS' if len(frame) else 'no features'}: allowed is a layer of "
            f"{kind}s with one"
        )
    parts = shapely.get_parts(np.asarray(frame.to_crs(WGS84).geometry.to_numpy(), dtype=object))
    wrong = {p.geom_type for p in parts} - {kind}
    if wrong or len(parts) > MOST_SHAPES:
        raise PlaceError(
            f"the layer {short(path)} has {len(parts)} shapes, {', '.join(sorted(wrong)) or kind}: allowed are "
            f"{MOST_SHAPES} of {kind}"
        )
    return list(shapely.force_2d(parts))
