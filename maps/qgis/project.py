"""What QGIS opens: a project that draws the GeoPackage and the rasters beside it.

It is written without QGIS, and its bytes depend on the styles alone: time stamps are a constant.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pyproj

from maps.contents import Contents
from maps.qgis import qml
from maps.qgis.geopackage import WGS84, resource, write_geopackage
from maps.rasters import RasterStyle
from maps.styles.layers import LayerStyle

__all__ = ["WGS84", "write_geopackage", "write_project"]


def write_project(
    path: str | Path,
    contents: Contents,
    *,
    gpkg_name: str = "border.gpkg",
    extent: tuple[float, float, float, float] | None = None,
    layers_crs: pyproj.CRS = WGS84,
    rasters: Sequence[RasterStyle] = (),
    rasters_crs: pyproj.CRS | None = None,
) -> None:
    """Write a ``.qgz`` project that draws a GeoPackage and rasters lying in the same folder.

    Parameters
    ----------
    path
        Where to write; a file that is there is replaced.
    contents
        Drawings and title; the map is shown in its CRS, which needs no authority code. Tables without rows are left out.
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
    path = Path(path)
    crs = contents.crs or layers_crs
    box = extent or _extent(contents, crs)
    styles = contents.styles
    _check_project(path, gpkg_name, styles, rasters, box)
    empty = {name for name, frame in contents.layers.items() if frame.empty}
    layers = [
        _Layer(style, f"./{gpkg_name}|layername={style.layer}", "ogr") for style in styles if style.layer not in empty
    ]
    for raster in rasters:
        layers.insert(_raster_place(layers, raster), _Layer(raster, f"./{raster.file}", "gdal"))
    root = ET.Element("qgis", projectname=contents.title, version=qml.QGIS_VERSION)
    ET.SubElement(root, "title").text = contents.title
    ET.SubElement(root, "projectCrs").append(_srs(crs))
    root.append(_tree(layers))
    maplayers = ET.SubElement(root, "projectlayers")
    for layer in layers:
        maplayers.append(_maplayer(layer, (rasters_crs or crs) if isinstance(layer.style, RasterStyle) else layers_crs))
    root.extend([_properties(), *_first_view(crs, box)])
    path.write_bytes(_zip(f"{path.stem}.qgs", "<?xml version='1.0' encoding='UTF-8'?>\n" + qml.to_text(root)))


def _extent(contents: Contents, crs: pyproj.CRS) -> tuple[float, float, float, float]:
    """Return the box of the cells, of all layers where there are none, in the projection of the map."""
    cells = contents.layers.get("cells")
    shown = [cells] if cells is not None and len(cells) else [f for f in contents.layers.values() if len(f)]
    if not shown:
        return (-180.0, -60.0, 180.0, 75.0) if crs.is_geographic else (-1e6, -1e6, 1e6, 1e6)
    bounds = np.array([frame.to_crs(crs).total_bounds for frame in shown])
    west, south, east, north = (float(v) for v in (*bounds[:, :2].min(axis=0), *bounds[:, 2:].max(axis=0)))
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
    second block further down (regions must stay under cells). A block of several areas is a choice of which one is on.
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
    areas = {layer.id for layer in layers if layer.is_area}
    for block, _ in blocks:
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


def _maplayer(layer: _Layer, crs: pyproj.CRS) -> ET.Element:
    style = layer.style
    root = ET.Element("maplayer", type="raster" if isinstance(style, RasterStyle) else "vector")
    for tag, text in (("id", layer.id), ("datasource", layer.source), ("layername", style.title)):
        ET.SubElement(root, tag).text = text
    ET.SubElement(root, "srs").append(_srs(crs))
    ET.SubElement(root, "resourceMetadata").extend(resource(style))
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
