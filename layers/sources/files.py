"""Layers from files: vector formats, a table with coordinates, or a graph of OSMnx.

GeoPackage, GeoParquet, GeoJSON, shapefile, FlatGeobuf.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio

from layers.cells import legible_columns
from layers.errors import LayerError
from layers.sources.boundary import check_wkb, reading
from layers.sources.osmnx import is_streets, read_graphml, streets
from layers.sources.tables import TABLES, read_points

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

VECTOR = (".gpkg", ".geojson", ".json", ".shp", ".fgb")
GRAPH = ".graphml"
SUFFIXES = (*VECTOR, ".parquet", *TABLES, GRAPH)
SAVED_GRAPH = {"nodes", "edges"}
"""Layers of a GeoPackage that OSMnx saves."""
PLACED = ("lon", "lat")
"""Keys of a column map that become the geometry of a table's rows."""


def read_file(
    path: Path, *, layer: str | None = None, columns: Mapping[str, str] | None = None
) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Return a file as it is, its columns renamed, and what a reader must know of how it was read.

    Parameters
    ----------
    path
        A file with one of `SUFFIXES`.
    layer
        Table inside a GeoPackage; needed where it holds several.
    columns
        From the schema's names to the file's; ``lon`` and ``lat`` those of a table's coordinates.

    Returns
    -------
    The frame, of a table with texts alone, its index the lines of the file; and notes.

    Raises
    ------
    LayerError
        The file is missing, of another kind, unreadable, or has no such table or column.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise LayerError(f"{path} can't be read as a layer: allowed are {', '.join(SUFFIXES)}")
    with reading(path):  # one in a folder that nobody may look into can't be asked for either
        there = path.is_file()
    if not there:
        raise LayerError(f"no such file: {path}")
    with reading(path):
        frame, notes = _read(path, layer, columns)
    frame = legible_columns(frame)
    table = path.suffix.lower() in TABLES
    renames = {ours: theirs for ours, theirs in (columns or {}).items() if not (table and ours in PLACED)}
    absent = [name for name in renames.values() if name not in frame]
    if absent:
        raise LayerError(
            f"{path} has no column {', '.join(map(repr, absent))}: it has {', '.join(map(str, frame.columns))}"
        )
    # A mapped column stands before one that has the name already.
    frame = frame.drop(columns=[ours for ours in renames if ours in frame and ours not in renames.values()])
    return frame.rename(columns={theirs: ours for ours, theirs in renames.items()}), notes


def _read(path: Path, layer: str | None, columns: Mapping[str, str] | None) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Return the file's frame and notes; the drivers' own errors become one message."""
    suffix = path.suffix.lower()
    try:
        if suffix == ".parquet":
            _check_nesting(path)
            return gpd.read_parquet(path), []
        if suffix in TABLES:
            return read_points(path, columns)
        if suffix == GRAPH:
            return read_graphml(path)
        tables = [str(name) for name, kind in pyogrio.list_layers(path) if kind is not None]
        if layer is None and set(tables) == SAVED_GRAPH:
            layer = "edges"
        if layer is None and len(tables) > 1:
            raise LayerError(f"{path} holds several layers: name one of {', '.join(tables)}")
        if layer is not None and layer not in tables:
            raise LayerError(f"{path} has no layer {layer!r}: it has {', '.join(tables)}")
        frame = gpd.read_file(path, layer=layer or tables[0] if tables else None)
        return streets(frame) if is_streets(frame) else (frame, [])
    except LayerError:
        raise
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, OSError, ValueError) as error:
        raise LayerError(f"{path} can't be read: {error}") from error


def _check_nesting(path: Path) -> None:
    """Look at the geometries of a GeoParquet before GEOS does."""
    table = pq.ParquetFile(path)
    for name, field in zip(table.schema_arrow.names, table.schema_arrow.types, strict=True):
        if pa.types.is_binary(field) or pa.types.is_large_binary(field):
            for batch in table.iter_batches(columns=[name]):
                check_wkb(batch.column(0).to_pylist(), path)
