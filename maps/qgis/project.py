"""What QGIS opens: a project that draws the GeoPackage and the rasters beside it.

It is written without QGIS, and its bytes depend on the styles alone: time stamps are a constant.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import pyproj

from maps.apart import apart, together
from maps.contents import Contents
from maps.export.files import geoparquet, write_style
from maps.export.layer import ExportLayer
from maps.i18n import _, language
from maps.qgis import qml
from maps.qgis.geopackage import WGS84, resource, table_alone, write_geopackage
from maps.qgis.layout import Coverage, Legend, atlas, plain, sheet
from maps.qgis.themes import theme_elements, themes_of
from maps.qgis.views import Extent, bookmarks, first_view, srs
from maps.rasters import RasterStyle
from maps.styles.layers import LayerStyle

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["WGS84", "project_bytes", "write_geopackage", "write_project", "write_qgis"]


def write_qgis(folder: Path, name: str, contents: Contents, rasters: Sequence[RasterStyle] = ()) -> None:
    """Write a GeoPackage and the project that draws it and the rasters beside it.

    The project stands in the GeoPackage too. A table of very many lines is whole in GeoParquet beside them, with its
    drawing (`maps.apart`): older QGIS reads none, so the project draws what the GeoPackage holds.

    Parameters
    ----------
    folder
        Where ``<name>.gpkg`` and ``<name>.qgz`` go.
    """
    whole, path = contents.layers, folder / f"{name}.gpkg"
    begun: dict[str, NDArray[np.uint8]] = {}

    def bundled(frame: gpd.GeoDataFrame, style: LayerStyle) -> gpd.GeoDataFrame:
        """Return rows as the GeoPackage holds them; of the first such table one, for the table itself is kept."""
        if begun:
            return together(frame, style)

        def alone() -> tuple[NDArray[np.uint8], gpd.GeoDataFrame]:
            rows = together(frame, style)
            return table_alone(path, rows, style), rows.head(1)

        begun[style.layer], first = contents.keep(style.layer, ["GeoPackage", style, language()], alone)
        return first

    held, files = apart(contents, bundled)
    for style in files:
        layer = as_layer(style, whole[style.layer])
        data = contents.keep(layer.name, ["GeoParquet", style], partial(geoparquet, layer))
        (folder / f"{layer.name}.parquet").write_bytes(data.data)
        write_style(folder, layer)
    project = project_bytes(name, held, gpkg_name=path.name, rasters=rasters)
    write_geopackage(path, held, projects={name: project}, begun=begun)
    (folder / f"{name}.qgz").write_bytes(project)


def as_layer(style: LayerStyle, frame: gpd.GeoDataFrame) -> ExportLayer:
    """Return a table as a file of its own says it."""
    columns = [str(c) for c in frame.columns if c != frame.geometry.name]
    return ExportLayer(
        style.layer,
        style.title,
        style.description,
        style.licence,
        style.rights,
        qml.document(style, columns),
        dict(style.fields),
        frame,
    )


def write_project(path: str | Path, contents: Contents, **options: Any) -> None:
    """Write a ``.qgz`` project; a file that is there is replaced. See `project_bytes`."""
    path = Path(path)
    if path.suffix != ".qgz":
        raise ValueError(f"cannot write the project: it must end in .qgz, got {path.name!r}")
    path.write_bytes(project_bytes(path.stem, contents, **options))


def project_bytes(
    name: str,
    contents: Contents,
    *,
    gpkg_name: str = "border.gpkg",
    extent: tuple[float, float, float, float] | None = None,
    layers_crs: pyproj.CRS = WGS84,
    rasters: Sequence[RasterStyle] = (),
    rasters_crs: pyproj.CRS | None = None,
) -> bytes:
    """Return a project, as a ``.qgz`` file holds it, that draws a GeoPackage and rasters lying in the same folder.

    Parameters
    ----------
    name
        Of the project.
    contents
        Drawings and title; the map is shown in its CRS, which needs no authority code. Tables without rows are left
        out.
    gpkg_name
        File name of the GeoPackage beside the project.
    extent
        First view, ``(xmin, ymin, xmax, ymax)`` in the contents' CRS; by default the cells, or all layers.
    layers_crs
        Of the GeoPackage's tables.
    rasters
        Drawings of rasters; they lie directly under the polygons of their group.
    rasters_crs
        Of the rasters, if not that of the contents.

    Raises
    ------
    ValueError
        With all that does not fit.
    """
    crs = contents.crs or layers_crs
    box = extent or _extent(contents, crs)
    styles = contents.styles
    _check_project(gpkg_name, styles, rasters, box)
    empty = {name for name, frame in contents.layers.items() if frame.empty}
    layers = [
        _Layer(style, f"./{gpkg_name}|layername={style.layer}", "ogr") for style in styles if style.layer not in empty
    ]
    for raster in rasters:
        layers.insert(_raster_place(layers, raster), _Layer(raster, f"./{raster.file}", "gdal"))
    root = ET.Element("qgis", projectname=contents.title, version=qml.QGIS_VERSION)
    ET.SubElement(root, "title").text = contents.title
    ET.SubElement(root, "projectCrs").append(srs(crs))
    root.append(_tree(layers))
    maplayers = ET.SubElement(root, "projectlayers")
    for layer in layers:
        own_crs = (rasters_crs or crs) if isinstance(layer.style, RasterStyle) else layers_crs
        maplayers.append(_maplayer(layer, own_crs, _columns(contents, layer.table)))
    themes = themes_of([layer.style.key for layer in layers])
    ids, groups = (
        {layer.style.key: part for layer, part in zip(layers, parts, strict=True)}
        for parts in ([layer.id for layer in layers], [layer.group for layer in layers])
    )
    root.extend([_properties(), theme_elements(themes, ids, groups), _about(contents, layers)])
    root.append(_layouts(contents, layers, themes, box))
    root.append(bookmarks(contents.title, box, crs, contents.layers.get("regions")))
    root.extend(first_view(crs, box))
    return _zip(f"{name}.qgs", "<?xml version='1.0' encoding='UTF-8'?>\n" + qml.to_text(root))


def _extent(contents: Contents, crs: pyproj.CRS) -> tuple[float, float, float, float]:
    """Return the box of the cells, where there are none of what is no ground, in the projection of the map."""
    cells = contents.layers.get("cells")
    filled = {name: frame for name, frame in contents.layers.items() if len(frame)}
    subject = [s.layer for s in contents.styles if s.layer in filled and s.group not in ("Ground", "Background")]
    shown = [cells] if cells is not None and len(cells) else [filled[n] for n in subject or filled]
    if not shown:
        return (-180.0, -60.0, 180.0, 75.0) if crs.is_geographic else (-1e6, -1e6, 1e6, 1e6)
    bounds = np.array([frame.to_crs(crs).total_bounds for frame in shown])
    west, south, east, north = (float(v) for v in (*bounds[:, :2].min(axis=0), *bounds[:, 2:].max(axis=0)))
    if not (west < east and south < north):  # a point, or a line due north
        rim = max(east - west, north - south, 0.01 if crs.is_geographic else 1000.0) / 2
        west, south, east, north = west - rim, south - rim, east + rim, north + rim
    return west, south, east, north


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
    def group(self) -> str:
        """Name of its group in the language that is written."""
        return _(self.style.group)

    @property
    def table(self) -> str:
        """The table that it draws, empty for a raster."""
        return "" if isinstance(self.style, RasterStyle) else self.style.layer

    @property
    def is_area(self) -> bool:
        return isinstance(self.style, RasterStyle) or self.style.geometry == "Polygon"


def _check_project(
    gpkg_name: str,
    styles: Sequence[LayerStyle],
    rasters: Sequence[RasterStyle],
    extent: tuple[float, float, float, float],
) -> None:
    problems = [
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
    second block further down (regions must stay under cells). A block of several areas is a choice of which one is on.
    """
    root = ET.Element("layer-tree-group")
    blocks: list[tuple[ET.Element, bool]] = []
    for layer in layers:
        own = [n for n, (block, _) in enumerate(blocks) if block.get("name") == layer.group]
        rises = layer.is_area and bool(own) and any(has_area for _, has_area in blocks[own[-1] + 1 :])
        if not own or rises:
            block = ET.SubElement(root, "layer-tree-group", name=layer.group, checked="Qt::Checked", expanded="1")
            own = [len(blocks)]
            blocks.append((block, False))
        block, has_area = blocks[own[-1]]
        blocks[own[-1]] = (block, has_area or layer.is_area)
        ET.SubElement(
            block,
            "layer-tree-layer",
            id=layer.id,
            name=layer.style.title,
            source=layer.source,
            providerKey=layer.provider,
            checked="Qt::Checked" if layer.style.visible else "Qt::Unchecked",
            expanded="1",
        )
    areas = {layer.id for layer in layers if layer.is_area}
    for block, _has in blocks:
        if len(block) > 1 and all(node.get("id") in areas for node in block):
            _make_exclusive(block)
    return root


def _make_exclusive(block: ET.Element) -> None:
    """Make the layers of a group cover each other no more: one is on, the first that is to be visible.

    QGIS keeps one of such a group checked, so where none is to be visible the group itself is unchecked.
    """
    checked = [number for number, node in enumerate(block) if node.get("checked") == "Qt::Checked"]
    chosen = checked[0] if checked else 0
    block.set("checked", "Qt::Checked" if checked else "Qt::Unchecked")
    block.set("mutually-exclusive", "1")
    block.set("mutually-exclusive-child", str(chosen))
    for number, node in enumerate(block):
        node.set("checked", "Qt::Checked" if number == chosen else "Qt::Unchecked")


def _maplayer(layer: _Layer, crs: pyproj.CRS, columns: Collection[str]) -> ET.Element:
    style = layer.style
    root = ET.Element("maplayer", type="raster" if isinstance(style, RasterStyle) else "vector")
    for tag, text in (("id", layer.id), ("datasource", layer.source), ("layername", style.title)):
        ET.SubElement(root, tag).text = text
    ET.SubElement(root, "srs").append(srs(crs))
    ET.SubElement(root, "resourceMetadata").extend(resource(style))
    provider = ET.SubElement(root, "provider")
    provider.text = layer.provider
    if isinstance(style, RasterStyle):
        root.append(qml.raster_pipe(style.classes, opacity=style.opacity))
        return root
    provider.set("encoding", "UTF-8")
    root.set("geometry", style.geometry)
    root.set("labelsEnabled", "0" if qml.labeling(style) is None else "1")
    for key, value in qml.scale_range(style).items():
        root.set(key, value)
    root.extend(qml.style_elements(style, columns))
    return root


def _columns(contents: Contents, table: str) -> list[str]:
    """Return the columns of a table, without its geometry."""
    if table not in contents.layers:
        return []
    frame = contents.layers[table]
    return [str(c) for c in frame.columns if c != frame.geometry.name]


def _about(contents: Contents, layers: Sequence[_Layer]) -> ET.Element:
    """Return what the project's properties say of it."""
    root = ET.Element("projectMetadata")
    for tag, text in (
        ("identifier", ""),
        ("type", "dataset"),
        ("title", contents.title),
        ("abstract", _abstract(contents)),
    ):
        ET.SubElement(root, tag).text = text
    for licence in dict.fromkeys(layer.style.licence for layer in layers):
        ET.SubElement(root, "license").text = licence
    for rights in dict.fromkeys(layer.style.rights for layer in layers):
        ET.SubElement(root, "rights").text = rights
    return root


def _abstract(contents: Contents) -> str:
    """Return what the project's properties say: the subtitle and the findings."""
    return "\n".join([contents.subtitle, *contents.findings])


def _layouts(
    contents: Contents, layers: Sequence[_Layer], themes: Mapping[str, Sequence[str]], extent: Extent
) -> ET.Element:
    """Return the sheet of the first theme, and the atlas where regions are drawn."""
    root = ET.Element("Layouts")
    if not themes:
        return root
    theme, keys = next(iter(themes.items()))
    drawn = [layer for layer in layers if layer.style.key in keys]
    legend = [
        Legend(layer.id, layer.style.title) for layer in drawn if len(layer.style.classes) > 1 or not layer.is_area
    ]
    credits = "; ".join(dict.fromkeys(f"{layer.style.rights} ({layer.style.licence})" for layer in drawn))
    title, headline = (
        plain(contents.title),
        plain(contents.headline or next(iter(contents.findings), contents.subtitle)),
    )
    root.append(sheet(title, headline, plain(credits), theme=theme, legend=legend, extent=extent))
    regions = next((layer for layer in layers if layer.style.key == "regions"), None)
    if regions is not None and isinstance(regions.style, LayerStyle):
        known = _columns(contents, "regions")
        figures = {c: label for c, label in regions.style.fields.items() if c in known and c not in ("name", "side")}
        over = Coverage(regions.id, regions.style.title, regions.source, regions.provider, figures)
        # Its sheet names the region, and the column beside the map holds no more.
        shorter = [line for line in legend if line.id != regions.id]
        root.append(atlas(title, plain(credits), over, theme=theme, legend=shorter, extent=extent))
    return root


def _properties() -> ET.Element:
    root = ET.Element("properties")
    ET.SubElement(ET.SubElement(root, "SpatialRefSys"), "ProjectionsEnabled", type="int").text = "1"
    ET.SubElement(ET.SubElement(root, "Paths"), "Absolute", type="bool").text = "false"
    # Without an ellipsoid QGIS measures, and its network tools cost, layers in longitude and latitude in degrees.
    ET.SubElement(ET.SubElement(root, "Measure"), "Ellipsoid", type="QString").text = "EPSG:7030"
    units = ET.SubElement(root, "Measurement")
    ET.SubElement(units, "DistanceUnits", type="QString").text = "km"
    ET.SubElement(units, "AreaUnits", type="QString").text = "km2"
    return root


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
