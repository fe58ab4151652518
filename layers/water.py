"""Water that no straight way leads over: lakes and seas as polygons, packaged or of the study's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely

from layers.crs import WGS84, line_lengths_m
from layers.errors import LayerError
from layers.io import SNAPSHOT, Source, describe_file
from layers.own.shapes import within
from layers.sources.files import read_file
from layers.sources.snapshot import read_snapshot, snapshot_manifest

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAME, SEA_LINE = "water", "sea_line"


def read_water(source: Source, area: shapely.Geometry) -> tuple[gpd.GeoDataFrame, dict[str, Any]]:
    """Return water as polygons in longitude and latitude, each by itself, and a row for the table of sources.

    Parameters
    ----------
    source
        ``snapshot`` or a file of polygons; what is no polygon in it is left out and noted.
    area
        Water that does not touch it, in longitude and latitude, is left out.

    Raises
    ------
    LayerError, CRSError
        The file can't be read or holds no polygon.
    """
    if source.path == SNAPSHOT:
        frame, about = read_snapshot(NAME), {"layer": NAME, **snapshot_manifest()["layers"][NAME]}
        return _polygons(frame, area), about
    path = Path(source.path)
    table, notes = read_file(path, layer=source.layer, columns=source.columns)
    flat = shapely.get_dimensions(table.geometry.to_numpy()) == 2
    if not flat.any():
        raise LayerError(f"layer {NAME} ({path.name}) holds no polygons: allowed are areas of lakes and seas")
    if not flat.all():
        notes = [*notes, f"layer {NAME} ({path.name}): {(~flat).sum():,} rows are no polygons and are left out"]
    frame, more = within(table[flat].to_crs(WGS84), NAME, area, path.name)
    frame = _polygons(frame, area)
    return frame, {**describe_file(NAME, path, len(frame), rights=source.rights), "notes": [*notes, *more]}


def sea_line(regions: Source) -> gpd.GeoDataFrame | None:
    """Return the part of the border line in the sea with ``length_km``, None where the source of the regions has none.

    Regions end at the shore, so that it is in no length of the border and in no density.
    """
    if regions.path != SNAPSHOT:
        return None
    line = read_snapshot(SEA_LINE)[["geometry"]]
    return line.assign(length_km=line_lengths_m(line.geometry.to_numpy()) / 1000)


def _polygons(frame: gpd.GeoDataFrame, area: shapely.Geometry) -> gpd.GeoDataFrame:
    """Return the valid single polygons that touch an area, without columns."""
    whole = shapely.make_valid(frame.geometry.to_numpy())
    parts: NDArray[np.object_] = np.asarray(shapely.get_parts(shapely.get_parts(whole)), dtype=object)
    parts = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
    shapely.prepare(area)
    return gpd.GeoDataFrame(geometry=parts[shapely.intersects(area, parts)], crs=WGS84)
