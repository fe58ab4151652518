"""A layer as it is handed on: read back from a GeoPackage of ours with all that stands in it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import geopandas as gpd
import pyarrow.parquet as pq
import pyogrio

from maps.columns import describe

if TYPE_CHECKING:
    from collections.abc import Sequence

SOURCE = "borderlink"


@dataclass(frozen=True)
class ExportLayer:
    """A layer with its words.

    Attributes
    ----------
    name, title, description
        Of the table, for people, and what it shows.
    licence, rights
        Its licence, and whose it is.
    style
        QML of its default drawing, empty for none.
    labels
        What a reader sees instead of a column's name.
    frame
        The features.
    """

    name: str
    title: str
    description: str
    licence: str
    rights: str
    style: str
    labels: dict[str, str]
    frame: gpd.GeoDataFrame

    @property
    def note(self) -> str:
        """What it shows, whose it is and under which licence, in one line."""
        return f"{self.description}. {self.rights}; licence: {self.licence}; made by {SOURCE}"


def read_layers(path: Path) -> list[ExportLayer]:
    """Return the layers of a GeoPackage that `maps.qgis.geopackage` wrote, bottom of the map first.

    Raises
    ------
    ValueError
        It is none of ours: a layer bears no licence.
    """
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as base:
        named = base.execute(
            "SELECT table_name, identifier, description FROM gpkg_contents WHERE data_type = 'features' ORDER BY rowid"
        ).fetchall()
        found = {
            name: _words(base, name)
            for name, _, _ in named  # a few dozen tables
        }
    layers = []
    for name, title, description in named:
        licence, rights, style, labels = found[name]
        frame = pyogrio.read_dataframe(path, layer=name)
        layers.append(ExportLayer(name, title, description, licence, rights, style, labels, frame))
    return layers


def with_whole(layers: Sequence[ExportLayer], folder: Path) -> list[ExportLayer]:
    """Return the layers of a GeoPackage with those that lie whole in GeoParquet beside it (`maps.apart`).

    One of the same name takes the place of what the GeoPackage holds of it, others come first: below all.
    """
    found = {layer.name: layer for path in sorted(folder.glob("*.parquet")) if (layer := _whole(path)) is not None}
    known = {layer.name for layer in layers}
    return [
        *(layer for name, layer in found.items() if name not in known),
        *(
            replace(found[layer.name], style=layer.style, labels=layer.labels) if layer.name in found else layer
            for layer in layers
        ),
    ]


def _whole(path: Path) -> ExportLayer | None:
    """Return the layer of a GeoParquet of ours, None for any other file."""
    words = {k.decode(): v.decode("utf-8", "replace") for k, v in (pq.read_schema(path).metadata or {}).items()}
    if words.get("source") != SOURCE:
        return None
    drawing = path.with_suffix(".qml")
    style = drawing.read_text(encoding="utf-8") if drawing.is_file() else ""
    title, description, licence, rights = (words.get(k, "") for k in ("title", "description", "license", "rights"))
    return ExportLayer(path.stem, title, description, licence, rights, style, {}, gpd.read_parquet(path))


def _words(base: sqlite3.Connection, name: str) -> tuple[str, str, str, dict[str, str]]:
    """Return licence, rights, style and labels of a table."""
    about = base.execute(
        "SELECT m.metadata FROM gpkg_metadata m JOIN gpkg_metadata_reference r ON r.md_file_id = m.id WHERE "
        "r.table_name = ?",
        (name,),
    ).fetchone()
    if about is None:
        raise ValueError(f"table {name!r} bears no licence")
    root = ET.fromstring(about[0])
    style = base.execute(
        "SELECT styleQML FROM layer_styles WHERE f_table_name = ? AND useAsDefault", (name,)
    ).fetchone()
    rows = base.execute("SELECT column_name, title FROM gpkg_data_columns WHERE table_name = ?", (name,)).fetchall()
    labels = {column: title for column, title in rows if title}
    return root.findtext("license") or "", root.findtext("rights") or "", style[0] if style else "", labels


def described(layer: ExportLayer, column: str) -> str:
    """Return label and meaning of a column, empty where nobody knows it."""
    known = describe(column)
    label = layer.labels.get(column) or (known.label if known else "")
    meaning = known.meaning if known else ""
    return ": ".join(part for part in (label, meaning) if part)
