"""What QGIS opens: one GeoPackage with styles, names and licences in it, and a project that draws it.

Both are written without QGIS. The bytes depend on the tables and styles alone: time stamps are a constant.
"""

from __future__ import annotations

import hashlib
import io
import sqlite3
import zipfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import geopandas as gpd
import pyogrio
import pyproj

from maps import qml
from maps.rasters import RasterStyle
from maps.styles import LayerStyle

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


def write_geopackage(path: str | Path, frames: Mapping[str, gpd.GeoDataFrame], styles: Sequence[LayerStyle]) -> None:
    """Write one table per frame, with default style, field names and licence where QGIS looks for them.

    Parameters
    ----------
    path
        Where to write; a file that is there is replaced.
    frames
        Tables by name, in EPSG:4326. A table without rows is written with its columns.
    styles
        Drawings; the first one of a table names, describes and licenses it.
    """
    path = Path(path)
    first = _first_styles(styles)
    _check_frames(frames, first)
    # Bottom of the map first: who adds all tables to an empty QGIS gets each on top of the one before.
    tables = [first[name] for name in reversed(first) if name in frames]
    # Written beside the target and moved: a run that breaks off leaves the old file whole.
    draft, clean = (path.with_name(f"{path.stem}.{word}.gpkg") for word in ("draft", "clean"))
    try:
        for left_over in (draft, clean):
            left_over.unlink(missing_ok=True)
        for style in tables:
            _write_table(draft, frames[style.layer], style)
        connection = sqlite3.connect(draft)
        try:
            with connection:
                _write_styles(connection, tables)
            # GDAL commits once more or less by the clock, and SQLite counts commits in the header: copy into a new file.
            connection.execute("VACUUM INTO ?", (str(clean),))
        finally:
            connection.close()
        clean.replace(path)
    finally:
        for left_over in (draft, clean):
            left_over.unlink(missing_ok=True)


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
            "IDENTIFIER": style.title if style.title != style.layer else f"{style.title} ({style.group})",
            "DESCRIPTION": style.description,
        },
    )


def _write_styles(connection: sqlite3.Connection, styles: Sequence[LayerStyle]) -> None:
    """Add the tables that GDAL does not write, one row per table or column each, and the constant stamp."""
    for script in (_STYLES_SQL, _METADATA_SQL, _SCHEMA_SQL):
        connection.executescript(script)
    for number, style in enumerate(styles, start=1):
        connection.execute(
            "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName,"
            " styleQML, styleSLD, useAsDefault, description, owner, update_time)"
            " VALUES ('', '', ?, ?, ?, ?, '', 1, ?, '', ?)",
            (style.layer, GEOMETRY, style.key[:30], qml.document(style), style.title, STAMP),
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
        columns = {row[1] for row in connection.execute("SELECT * FROM pragma_table_info(?)", (style.layer,))}
        connection.executemany(
            "INSERT INTO gpkg_data_columns (table_name, column_name, name, title) VALUES (?, ?, ?, ?)",
            [(style.layer, column, name, name) for column, name in style.fields.items() if column in columns],
        )
    connection.execute("UPDATE gpkg_contents SET last_change = ?", (STAMP,))


def _qmd(style: LayerStyle) -> str:
    root = ET.Element("qgis", version=qml.QGIS_VERSION)
    root.extend(_resource(style))
    return f"<!DOCTYPE qgis PUBLIC '{_QMD}' 'SYSTEM'>\n{qml.to_text(root)}"


def _resource(style: LayerStyle | RasterStyle) -> Iterable[ET.Element]:
    texts = {"identifier": style.key, "type": "dataset", "title": style.title, "abstract": style.description,
             "license": style.licence, "rights": style.rights}  # fmt: skip
    for tag, text in texts.items():
        element = ET.Element(tag)
        element.text = text
        yield element


def write_project(
    path: str | Path,
    gpkg_name: str,
    styles: Sequence[LayerStyle],
    *,
    title: str,
    crs: pyproj.CRS,
    extent: tuple[float, float, float, float],
    layers_crs: pyproj.CRS = WGS84,
    rasters: Sequence[RasterStyle] = (),
    rasters_crs: pyproj.CRS | None = None,
    empty: Collection[str] = (),
) -> None:
    """Write a ``.qgz`` project that draws a GeoPackage and rasters lying in the same folder.

    Parameters
    ----------
    path
        Where to write; a file that is there is replaced.
    gpkg_name
        File name of the GeoPackage beside the project.
    styles
        Drawings, top of the map first; a table may be drawn more than once.
    title
        Of the project.
    crs
        In which the map is shown; needs no authority code.
    extent
        First view, ``(xmin, ymin, xmax, ymax)`` in `crs`.
    layers_crs
        Of the GeoPackage's tables.
    rasters
        Drawings of rasters; they lie directly under the polygons of their group.
    rasters_crs
        Of the rasters, if not that of the tables.
    empty
        Tables without rows, which the project leaves out.
    """
    path = Path(path)
    _check_project(path, gpkg_name, styles, rasters, extent)
    layers = [
        _Layer(style, f"./{gpkg_name}|layername={style.layer}", "ogr") for style in styles if style.layer not in empty
    ]
    for raster in rasters:
        layers.insert(_raster_place(layers, raster), _Layer(raster, f"./{raster.file}", "gdal"))
    root = ET.Element("qgis", projectname=title, version=qml.QGIS_VERSION)
    ET.SubElement(root, "title").text = title
    ET.SubElement(root, "projectCrs").append(_srs(crs))
    root.append(_tree(layers))
    maplayers = ET.SubElement(root, "projectlayers")
    for layer in layers:
        own_crs = rasters_crs if isinstance(layer.style, RasterStyle) else None
        maplayers.append(_maplayer(layer, own_crs or layers_crs))
    root.extend([_properties(), *_first_view(crs, extent)])
    path.write_bytes(_zip(f"{path.stem}.qgs", "<?xml version='1.0' encoding='UTF-8'?>\n" + qml.to_text(root)))


@dataclass(frozen=True)
class _Layer:
    """A drawing and where its data lie, seen from the project's folder."""

    style: LayerStyle | RasterStyle
    source: str
    provider: str

    @property
    def id(self) -> str:
        """Stable and over 10 characters: QGIS silently replaces shorter ones and the tree loses the layer."""
        return f"{self.style.key}_{hashlib.sha256(self.style.key.encode()).hexdigest()[:16]}"

    @property
    def is_area(self) -> bool:
        return isinstance(self.style, RasterStyle) or self.style.geometry == "Polygon"


def _check_project(
    path: Path,
    gpkg_name: str,
    styles: Sequence[LayerStyle],
    rasters: Sequence[RasterStyle],
    extent: tuple[float, float, float, float],
) -> None:
    problems = []
    if path.suffix != ".qgz":
        problems.append(f"the project must end in .qgz, got {path.name!r}")
    problems += [
        f"{name!r} must be a file name without a folder: data lie beside the project"
        for name in (gpkg_name, *(raster.file for raster in rasters))
        if Path(name).name != name
    ]
    keys = [style.key for style in styles] + [raster.key for raster in rasters]
    repeated = sorted({key for key in keys if keys.count(key) > 1})
    if repeated:
        problems.append(f"keys of styles must be unique, repeated: {repeated}")
    if not (extent[0] < extent[2] and extent[1] < extent[3]):
        problems.append(f"extent must be (xmin, ymin, xmax, ymax), got {extent}")
    if problems:
        raise ValueError("cannot write the project: " + "; ".join(problems))


def _raster_place(layers: Sequence[_Layer], raster: RasterStyle) -> int:
    """Return where a raster goes: after its group's polygons, else over all polygons, so that none hides it."""
    same = [number for number, layer in enumerate(layers) if layer.is_area and layer.style.group == raster.group]
    if same:
        return same[-1] + 1
    return next((number for number, layer in enumerate(layers) if layer.is_area), len(layers))


def _tree(layers: Sequence[_Layer]) -> ET.Element:
    """Return the tree: a block per group in order of first appearance, drawn top first.

    A point or line joins its group's block; an area that would thereby rise above an area listed before it opens a
    second block further down (regions must stay under cells).
    """
    root = ET.Element("layer-tree-group")
    blocks: list[tuple[ET.Element, bool]] = []
    for layer in layers:
        own = [n for n, (block, _) in enumerate(blocks) if block.get("name") == layer.style.group]
        rises = layer.is_area and bool(own) and any(has_area for _, has_area in blocks[own[-1] + 1 :])
        if not own or rises:
            block = ET.SubElement(root, "layer-tree-group", name=layer.style.group, checked="Qt::Checked", expanded="1")
            own = [len(blocks)]
            blocks.append((block, False))
        block, has_area = blocks[own[-1]]
        blocks[own[-1]] = (block, has_area or layer.is_area)
        ET.SubElement(
            block, "layer-tree-layer", id=layer.id, name=layer.style.title, source=layer.source,
            providerKey=layer.provider, checked="Qt::Checked" if layer.style.visible else "Qt::Unchecked", expanded="1",
        )  # fmt: skip
    return root


def _maplayer(layer: _Layer, crs: pyproj.CRS) -> ET.Element:
    style = layer.style
    root = ET.Element("maplayer", type="raster" if isinstance(style, RasterStyle) else "vector")
    for tag, text in (("id", layer.id), ("datasource", layer.source), ("layername", style.title)):
        ET.SubElement(root, tag).text = text
    ET.SubElement(root, "srs").append(_srs(crs))
    ET.SubElement(root, "resourceMetadata").extend(_resource(style))
    provider = ET.SubElement(root, "provider")
    provider.text = layer.provider
    if isinstance(style, RasterStyle):
        root.append(qml.raster_pipe(style.classes, opacity=style.opacity))
        return root
    provider.set("encoding", "UTF-8")
    root.set("geometry", style.geometry)
    root.set("labelsEnabled", "0" if qml.labeling(style) is None else "1")
    root.extend(qml.style_elements(style))
    return root


def _srs(crs: pyproj.CRS) -> ET.Element:
    """Return the CRS as QGIS stores it; the WKT is what counts, an authority code alone would not be read."""
    root = ET.Element("spatialrefsys", nativeFormat="Wkt")
    ET.SubElement(root, "wkt").text = crs.to_wkt("WKT2_2019")
    authority = crs.to_authority(min_confidence=100)
    if authority is not None:
        ET.SubElement(root, "authid").text = ":".join(authority)
    ET.SubElement(root, "description").text = crs.name
    return root


def _properties() -> ET.Element:
    root = ET.Element("properties")
    ET.SubElement(ET.SubElement(root, "SpatialRefSys"), "ProjectionsEnabled", type="int").text = "1"
    ET.SubElement(ET.SubElement(root, "Paths"), "Absolute", type="bool").text = "false"
    return root


def _first_view(crs: pyproj.CRS, extent: tuple[float, float, float, float]) -> tuple[ET.Element, ET.Element]:
    """Return the canvas's extent and the project's default one, which "zoom full" goes to."""
    bounds = {tag: repr(float(x)) for tag, x in zip(("xmin", "ymin", "xmax", "ymax"), extent, strict=True)}
    canvas = ET.Element("mapcanvas", name="theMapCanvas")
    ET.SubElement(canvas, "units").text = "meters" if crs.is_projected else "degrees"
    corners = ET.SubElement(canvas, "extent")
    for tag, text in bounds.items():
        ET.SubElement(corners, tag).text = text
    ET.SubElement(canvas, "destinationsrs").append(_srs(crs))
    view = ET.Element("ProjectViewSettings", UseProjectScales="0", rotation="0")
    ET.SubElement(view, "Scales")
    ET.SubElement(view, "DefaultViewExtent", bounds).append(_srs(crs))
    return canvas, view


def _zip(name: str, text: str) -> bytes:
    """Return a zip of one file, without the clock and the operating system that `zipfile` would note."""
    entry = zipfile.ZipInfo(name, date_time=(2000, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.create_system = 3
    entry.external_attr = 0o644 << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(entry, text.encode("utf-8"))
    return buffer.getvalue()
