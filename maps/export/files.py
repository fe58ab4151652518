"""A file per layer: GeoParquet, FlatGeobuf, GeoJSON, PMTiles; each says whose it is, and has its drawing beside it."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import shapely

from maps.export.layer import SOURCE, ExportLayer

if TYPE_CHECKING:
    from collections.abc import Callable

    import geopandas as gpd
    from numpy.typing import NDArray

GEOMETRY = "geometry"
ROWS = 100_000
"""Rows of a group of GeoParquet: a reader of a window skips whole groups."""
FIRST = 10_000
"""Rows by which it is seen whether the values of a column come again."""
TILES = (2, 10)
"""Least and largest zoom of vector tiles: a country, and a road of it."""


def write_geoparquet(folder: Path, layer: ExportLayer) -> None:
    """Write GeoParquet; see `geoparquet`."""
    (folder / f"{layer.name}.parquet").write_bytes(geoparquet(layer).data)


def geoparquet(layer: ExportLayer) -> NDArray[np.uint8]:
    """Return the bytes of a file of GeoParquet 1.1.

    With zstd, a covering by boxes, and title, source and licence in its metadata.
    """
    words = {
        "title": layer.title,
        "description": layer.description,
        "license": layer.licence,
        "rights": layer.rights,
        "source": SOURCE,
    }
    table = _arrow(layer.frame)
    known = dict(table.schema.metadata or {})
    own = {key.encode(): text.encode() for key, text in words.items()}
    held = BytesIO()
    named = table.replace_schema_metadata({**known, **own})
    pq.write_table(named, held, compression="zstd", row_group_size=ROWS, use_dictionary=_repeated(named))
    return np.frombuffer(held.getbuffer(), np.uint8)


def _repeated(table: pa.Table) -> list[str]:
    """Return the columns in which values come again: of others a dictionary is made in vain, and takes more room."""
    first = table.slice(0, FIRST)
    flat = [c for c in table.column_names if not pa.types.is_nested(first[c].type)]
    return [c for c in flat if 4 * len(first[c].unique()) <= first.num_rows]


def _arrow(frame: gpd.GeoDataFrame) -> pa.Table:
    """Return features as the table that GeoPandas writes as GeoParquet, which writes it to files alone.

    What it says of the shapes it says of one of each kind; the box around all is put in its place.
    """
    shapes, name = frame.geometry.to_numpy(), frame.geometry.name
    kind = 2 * shapely.get_type_id(shapes) + shapely.has_z(shapes)
    held = BytesIO()
    few = frame.iloc[np.sort(np.unique(kind, return_index=True)[1])]
    few.to_parquet(held, schema_version="1.1.0", write_covering_bbox=True, index=False)
    about = json.loads(pq.read_schema(held).metadata[b"geo"])
    whole = shapely.total_bounds(shapes).tolist() if len(shapes) else []
    if whole and np.isfinite(whole).all():
        about["columns"][name]["bbox"] = whole
    table = pa.table(frame.to_arrow(index=False))
    edges = [pa.array(edge, from_pandas=True) for edge in shapely.bounds(shapes).T]
    box = pa.StructArray.from_arrays(edges, names=["xmin", "ymin", "xmax", "ymax"])
    known = {**(table.schema.metadata or {}), b"geo": json.dumps(about).encode()}
    return table.append_column("bbox", box).replace_schema_metadata(known)


def write_flatgeobuf(folder: Path, layer: ExportLayer) -> None:
    """Write FlatGeobuf with title and description, and a spatial index, which takes no rows without a place."""
    index = "NO" if (layer.frame.geometry.isna() | layer.frame.geometry.is_empty).any() else "YES"
    _write(folder, layer, ".fgb", "FlatGeobuf", SPATIAL_INDEX=index, TITLE=layer.title, DESCRIPTION=layer.note)


def write_geojson(folder: Path, layer: ExportLayer) -> None:
    """Write GeoJSON as RFC 7946 has it, with ``license`` and ``attribution`` beside the features.

    Seven decimals are a centimetre.
    """
    path = folder / f"{layer.name}.geojson"
    _write(folder, layer, ".geojson", "GeoJSON", RFC7946="YES", COORDINATE_PRECISION="7", WRITE_NAME="NO")
    content = json.loads(path.read_text(encoding="utf-8"))
    words = {
        "type": content.pop("type"),
        "name": layer.name,
        "title": layer.title,
        "description": layer.description,
        "license": layer.licence,
        "attribution": layer.rights,
        "source": SOURCE,
    }
    text = json.dumps({**words, **content}, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    path.write_text(text + "\n", encoding="utf-8", newline="\n")


def write_pmtiles(folder: Path, layer: ExportLayer) -> None:
    """Write vector tiles in one PMTiles archive, by GDAL's driver; nothing of a layer without a place."""
    low, high = TILES
    if (layer.frame.geometry.isna() | layer.frame.geometry.is_empty).all():
        return
    path = folder / f"{layer.name}.pmtiles"
    pyogrio.write_dataframe(
        _plain(layer.frame),
        path,
        layer=layer.name,
        driver="PMTiles",
        dataset_options={"NAME": layer.title, "DESCRIPTION": layer.note, "MINZOOM": str(low), "MAXZOOM": str(high)},
    )


def write_style(folder: Path, layer: ExportLayer) -> None:
    """Write the drawing beside a file of one layer, where QGIS looks for it."""
    if layer.style:
        (folder / f"{layer.name}.qml").write_text(layer.style, encoding="utf-8", newline="\n")


def _write(folder: Path, layer: ExportLayer, ending: str, driver: str, **options: str) -> None:
    pyogrio.write_dataframe(
        _plain(layer.frame), folder / f"{layer.name}{ending}", layer=layer.name, driver=driver, layer_options=options
    )


def _plain(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the features in longitude and latitude.

    What is infinite is unknown, for not every format knows infinity.
    """
    numbers = {c: frame[c].replace([np.inf, -np.inf], np.nan) for c in frame if frame[c].dtype.kind == "f"}
    plain = frame.assign(**numbers)
    return plain.to_crs(4326) if plain.crs is not None else plain


FILES: dict[str, Callable[[Path, ExportLayer], None]] = {
    "geoparquet": write_geoparquet,
    "flatgeobuf": write_flatgeobuf,
    "geojson": write_geojson,
    "pmtiles": write_pmtiles,
}
