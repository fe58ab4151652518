"""Layers from files: GeoPackage, GeoParquet, GeoJSON, shapefile, FlatGeobuf, or CSV with lon and lat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd
import pyogrio
import shapely

from layers.crs import WGS84
from layers.errors import LayerError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

VECTOR = (".gpkg", ".geojson", ".json", ".shp", ".fgb")
SUFFIXES = (*VECTOR, ".parquet", ".csv")


def read_file(path: Path, *, layer: str | None = None, columns: Mapping[str, str] | None = None) -> gpd.GeoDataFrame:
    """Return a vector file as it is, its columns renamed.

    Parameters
    ----------
    path
        A file with one of `SUFFIXES`.
    layer
        Table inside a GeoPackage; needed where it holds several.
    columns
        From the schema's names to the file's.

    Raises
    ------
    LayerError
        The file is missing, of another kind, unreadable, or has no such table or column.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise LayerError(f"{path} can't be read as a layer: allowed are {', '.join(SUFFIXES)}")
    if not path.is_file():
        raise LayerError(f"no such file: {path}")
    frame = _read(path, layer)
    renames = dict(columns or {})
    absent = [name for name in renames.values() if name not in frame]
    if absent:
        raise LayerError(
            f"{path} has no column {', '.join(map(repr, absent))}: it has {', '.join(map(str, frame.columns))}"
        )
    # A mapped column stands before one that has the name already.
    frame = frame.drop(columns=[ours for ours in renames if ours in frame and ours not in renames.values()])
    return frame.rename(columns={theirs: ours for ours, theirs in renames.items()})


def _read(path: Path, layer: str | None) -> gpd.GeoDataFrame:
    """Return the file's frame; the drivers' own errors become one message."""
    suffix = path.suffix.lower()
    try:
        if suffix == ".parquet":
            return gpd.read_parquet(path)
        if suffix == ".csv":
            table = pd.read_csv(path, keep_default_na=True)
            if not {"lon", "lat"} <= set(table.columns):
                raise LayerError(f"{path} needs the columns lon and lat: it has {', '.join(map(str, table.columns))}")
            points = shapely.points(table.pop("lon").to_numpy(float), table.pop("lat").to_numpy(float))
            return gpd.GeoDataFrame(table, geometry=points, crs=WGS84)
        tables = [str(name) for name, kind in pyogrio.list_layers(path) if kind is not None]
        if layer is None and len(tables) > 1:
            raise LayerError(f"{path} holds several layers: name one of {', '.join(tables)}")
        if layer is not None and layer not in tables:
            raise LayerError(f"{path} has no layer {layer!r}: it has {', '.join(tables)}")
        return gpd.read_file(path, layer=layer or tables[0] if tables else None)
    except LayerError:
        raise
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, OSError, ValueError) as error:
        raise LayerError(f"{path} can't be read: {error}") from error
