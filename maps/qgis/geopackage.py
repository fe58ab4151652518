"""One GeoPackage with styles, names and licences in it, written without QGIS.

The bytes depend on the tables and styles alone: time stamps are a constant.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import pyogrio
import pyproj

from maps.columns import describe, label_of
from maps.contents import Contents
from maps.i18n import _
from maps.qgis import qml
from maps.rasters import RasterStyle
from maps.styles.layers import LayerStyle

if TYPE_CHECKING:
    from numpy.typing import NDArray

WGS84 = pyproj.CRS.from_epsg(4326)
STAMP = "2000-01-01T00:00:00.000Z"
GEOMETRY = "geom"

_QMD = "http://mrcc.com/qgis.dtd"
_STYLES_SQL = """
CREATE TABLE layer_styles (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT(256),
  f_table_schema TEXT(256), f_table_name TEXT(256), f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT,
  styleSLD TEXT, useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30),
  update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')));
INSERT INTO gpkg_contents (table_name, data_type, identifier, description, srs_id)
  VALUES ('layer_styles', 'attributes', 'layer_styles', '', 0);
"""
_METADATA_SQL = """
CREATE TABLE gpkg_metadata (id INTEGER CONSTRAINT m_pk PRIMARY KEY ASC NOT NULL,
  md_scope TEXT NOT NULL DEFAULT 'dataset', md_standard_uri TEXT NOT NULL,
  mime_type TEXT NOT NULL DEFAULT 'text/xml', metadata TEXT NOT NULL DEFAULT '');
CREATE TABLE gpkg_metadata_reference (reference_scope TEXT NOT NULL, table_name TEXT, column_name TEXT,
  row_id_value INTEGER, timestamp DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
  md_file_id INTEGER NOT NULL, md_parent_id INTEGER,
  CONSTRAINT crmr_mfi_fk FOREIGN KEY (md_file_id) REFERENCES gpkg_metadata(id),
  CONSTRAINT crmr_mpi_fk FOREIGN KEY (md_parent_id) REFERENCES gpkg_metadata(id));
INSERT INTO gpkg_extensions (table_name, column_name, extension_name, definition, scope) VALUES
  ('gpkg_metadata', NULL, 'gpkg_metadata', 'http://www.geopackage.org/spec131/#extension_metadata', 'read-write'),
  ('gpkg_metadata_reference', NULL, 'gpkg_metadata', 'http://www.geopackage.org/spec131/#extension_metadata',
   'read-write');
"""
_SCHEMA_SQL = """
CREATE TABLE gpkg_data_columns (table_name TEXT NOT NULL, column_name TEXT NOT NULL, name TEXT, title TEXT,
  description TEXT, mime_type TEXT, constraint_name TEXT,
  CONSTRAINT pk_gdc PRIMARY KEY (table_name, column_name), CONSTRAINT gdc_tn UNIQUE (table_name, name));
CREATE TABLE gpkg_data_column_constraints (constraint_name TEXT NOT NULL, constraint_type TEXT NOT NULL, value TEXT,
  min NUMERIC, min_is_inclusive BOOLEAN, max NUMERIC, max_is_inclusive BOOLEAN, description TEXT,
  CONSTRAINT gdcc_ntv UNIQUE (constraint_name, constraint_type, value));
INSERT INTO gpkg_extensions (table_name, column_name, extension_name, definition, scope) VALUES
  ('gpkg_data_columns', NULL, 'gpkg_schema', 'http://www.geopackage.org/spec131/#extension_schema', 'read-write'),
  ('gpkg_data_column_constraints', NULL, 'gpkg_schema', 'http://www.geopackage.org/spec131/#extension_schema',
   'read-write');
"""


_PROJECTS_SQL = "CREATE TABLE qgis_projects (name TEXT PRIMARY KEY, metadata BLOB, content BLOB)"


Begun = Mapping[str, "NDArray[np.uint8]"]
"""A GeoPackage of one table alone, by the table's name."""


def write_geopackage(
    path: str | Path, contents: Contents, *, projects: Mapping[str, bytes] | None = None, begun: Begun | None = None
) -> None:
    """Write one table per layer, with default style, field names and licence where QGIS looks for them.

    Parameters
    ----------
    path
        Where to write; a file that is there is replaced.
    contents
        Layers in EPSG:4326; one without rows is written with its columns. The first drawing of a table names, describes
        and licenses it.
    projects
        QGIS projects by name, as ``.qgz`` files hold them: QGIS opens them from the GeoPackage (Project, Open From).
    begun
        One table at the most, from `table_alone`, which the other tables are added to: its rows need not be among the
        contents', but for the first.
    """
    path, frames, begun = Path(path), contents.layers, begun or {}
    first = _first_styles(contents.styles)
    _check_frames(frames, first)
    # Bottom of the map first: who adds all tables to an empty QGIS gets each on top of the one before.
    tables = [first[name] for name in reversed(first) if name in frames]
    # Written beside the target and moved: a run that breaks off leaves the old file whole.
    draft, clean = (path.with_name(f"{path.stem}.{word}.gpkg") for word in ("draft", "clean"))
    try:
        for left_over in (draft, clean):
            left_over.unlink(missing_ok=True)
        for whole in begun.values():  # one
            draft.write_bytes(whole.data)
        for style in tables:
            if style.layer not in begun:
                _write_table(draft, frames[style.layer], style)
        connection = sqlite3.connect(draft)
        try:
            with connection:
                _put_in_order(connection, [style.layer for style in tables])
                _write_styles(connection, tables)
                _write_projects(connection, projects or {})
            # GDAL commits once more or less by the clock, and SQLite counts commits in the header: copy into a new
            # file.
            connection.execute("VACUUM INTO ?", (str(clean),))
        finally:
            connection.close()
        clean.replace(path)
    finally:
        for left_over in (draft, clean):
            left_over.unlink(missing_ok=True)


def table_alone(path: Path, frame: gpd.GeoDataFrame, style: LayerStyle) -> NDArray[np.uint8]:
    """Return a GeoPackage of one table, which `write_geopackage` adds others to.

    Parameters
    ----------
    path
        Where it may be written meanwhile.
    """
    draft = path.with_name(f"{path.stem}.{style.layer}.gpkg")
    try:
        draft.unlink(missing_ok=True)
        _write_table(draft, frame, style)
        return np.fromfile(draft, np.uint8)
    finally:
        draft.unlink(missing_ok=True)


def _put_in_order(connection: sqlite3.Connection, names: Sequence[str]) -> None:
    """List tables in an order, whichever was written first: who opens a GeoPackage takes it from these."""
    for table in ("gpkg_contents", "gpkg_geometry_columns"):
        for number, name in enumerate(names, start=1):  # some dozens
            connection.execute(f"UPDATE {table} SET rowid = ? WHERE table_name = ?", (-number, name))
        connection.execute(f"UPDATE {table} SET rowid = -rowid WHERE rowid < 0")


def _first_styles(styles: Iterable[LayerStyle]) -> dict[str, LayerStyle]:
    first: dict[str, LayerStyle] = {}
    for style in styles:
        first.setdefault(style.layer, style)
    return first


def _check_frames(frames: Mapping[str, gpd.GeoDataFrame], first: Mapping[str, LayerStyle]) -> None:
    problems = [] if frames else ["no tables given"]
    for name, frame in frames.items():
        if name not in first:
            problems.append(f"table {name!r} has no style; styles draw {sorted(first)}")
        if frame.crs is None or not WGS84.equals(frame.crs, ignore_axis_order=True):
            given = "no CRS" if frame.crs is None else frame.crs.name
            problems.append(f"table {name!r} must be in EPSG:4326, is in {given}")
        taken = {str(column).lower() for column in frame.columns if column != frame.geometry.name} & {"fid", GEOMETRY}
        if taken:
            problems.append(f"table {name!r}: columns {sorted(taken)} are reserved by the GeoPackage")
    if problems:
        raise ValueError("cannot write the GeoPackage: " + "; ".join(problems))


def _write_table(path: Path, frame: gpd.GeoDataFrame, style: LayerStyle) -> None:
    if frame.index.name is not None and frame.index.name not in frame.columns:
        frame = frame.reset_index()
    # One type per table, whatever rows a run happens to have: QGIS cannot style a table of unknown type.
    simple = {"Point": "Point", "Line": "LineString", "Polygon": "Polygon"}[style.geometry]
    multi = bool(frame.geometry.geom_type.str.startswith("Multi").any())
    pyogrio.write_dataframe(
        frame.set_crs(WGS84, allow_override=True),
        path,
        layer=style.layer,
        driver="GPKG",
        geometry_type=f"Multi{simple}" if multi else simple,
        promote_to_multi=multi,
        dataset_options={} if path.exists() else {"VERSION": "1.3"},
        layer_options={
            "GEOMETRY_NAME": GEOMETRY,
            "SPATIAL_INDEX": "YES",
            "IDENTIFIER": style.title if style.title != style.layer else f"{style.title} ({_(style.group)})",
            "DESCRIPTION": style.description,
        },
    )


def _write_styles(connection: sqlite3.Connection, styles: Sequence[LayerStyle]) -> None:
    """Add the tables that GDAL does not write, one row per table or column each, and the constant stamp."""
    for script in (_STYLES_SQL, _METADATA_SQL, _SCHEMA_SQL):
        connection.executescript(script)
    for number, style in enumerate(styles, start=1):
        columns = [row[1] for row in connection.execute("SELECT * FROM pragma_table_info(?)", (style.layer,))]
        own = [name for name in columns if name not in ("fid", GEOMETRY)]
        connection.execute(
            "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName,"
            " styleQML, styleSLD, useAsDefault, description, owner, update_time)"
            " VALUES ('', '', ?, ?, ?, ?, '', 1, ?, '', ?)",
            (style.layer, GEOMETRY, style.key[:30], qml.document(style, own), style.title, STAMP),
        )
        connection.execute(
            "INSERT INTO gpkg_metadata (id, md_scope, md_standard_uri, mime_type, metadata)"
            " VALUES (?, 'dataset', ?, 'text/xml', ?)",
            (number, _QMD, _qmd(style)),
        )
        connection.execute(
            "INSERT INTO gpkg_metadata_reference VALUES ('table', ?, NULL, NULL, ?, ?, NULL)",
            (style.layer, STAMP, number),
        )
        connection.executemany(
            "INSERT INTO gpkg_data_columns (table_name, column_name, name, title, description) VALUES (?, ?, ?, ?, ?)",
            _described(style, columns),
        )
    connection.execute("UPDATE gpkg_contents SET last_change = ?", (STAMP,))


def _write_projects(connection: sqlite3.Connection, projects: Mapping[str, bytes]) -> None:
    """Add projects as QGIS stores them: the bytes of the file in hexadecimal."""
    if not projects:
        return
    connection.execute(_PROJECTS_SQL)
    about = json.dumps({"last_modified_time": STAMP, "last_modified_user": ""})
    rows = [(name, about.encode(), content.hex().encode()) for name, content in sorted(projects.items())]
    connection.executemany("INSERT INTO qgis_projects VALUES (?, ?, ?)", rows)


def _described(style: LayerStyle, columns: Iterable[str]) -> list[tuple[str, str, str, str, str]]:
    """Return table, column, name, title and description of the columns that a style or the dictionary knows."""
    rows, taken = [], set()
    for column in columns:
        known = describe(column)
        label = style.fields.get(column) or (label_of(column) if known else "")
        if not label:
            continue
        # Names must differ within a table; a family's members may share a label.
        name = label if label not in taken else f"{label} ({column})"
        taken.add(name)
        meaning = f"{known.meaning}{f' ({known.unit})' if known.unit else ''}" if known else ""
        rows.append((style.layer, column, name, label, meaning))
    return rows


def _qmd(style: LayerStyle) -> str:
    root = ET.Element("qgis", version=qml.QGIS_VERSION)
    root.extend(resource(style))
    return f"<!DOCTYPE qgis PUBLIC '{_QMD}' 'SYSTEM'>\n{qml.to_text(root)}"


def resource(style: LayerStyle | RasterStyle) -> Iterable[ET.Element]:
    """Yield what QGIS shows as metadata: title, abstract, licence and rights."""
    texts = {
        "identifier": style.key,
        "type": "dataset",
        "title": style.title,
        "abstract": style.description,
        "license": style.licence,
        "rights": style.rights,
    }
    for tag, text in texts.items():
        element = ET.Element(tag)
        element.text = text
        yield element
