"""Where a project looks: its projection, the first view, and a bookmark per region."""

from __future__ import annotations

import uuid
from functools import lru_cache
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import shapely

from maps.i18n import _

if TYPE_CHECKING:
    import geopandas as gpd
    import pyproj

Extent = tuple[float, float, float, float]
_NAMES = uuid.UUID("6f1d5f0e-6a44-4a52-9f3a-5e0f0e7b2c11")


def stable_id(*parts: str) -> str:
    """Return an id in braces that depends on words alone, as QGIS gives random ones."""
    return "{" + str(uuid.uuid5(_NAMES, "/".join(parts))) + "}"


def srs(crs: pyproj.CRS) -> ET.Element:
    """Return the CRS as QGIS stores it; the WKT is what counts, an authority code alone would not be read."""
    root = ET.Element("spatialrefsys", nativeFormat="Wkt")
    name = crs.name if crs.name != "unknown" else _("Fitted to the border")
    wkt, authority = _written(crs)
    ET.SubElement(root, "wkt").text = wkt.replace('"unknown"', f'"{name}"', 1)
    if authority:
        ET.SubElement(root, "authid").text = authority
    ET.SubElement(root, "description").text = name
    return root


@lru_cache(maxsize=16)
def _written(crs: pyproj.CRS) -> tuple[str, str]:
    """Return a CRS as text, and its authority's code, empty for none: each layer and bookmark says it again."""
    return crs.to_wkt("WKT2_2019"), ":".join(crs.to_authority(min_confidence=100) or ())


def first_view(crs: pyproj.CRS, extent: Extent) -> tuple[ET.Element, ET.Element]:
    """Return the canvas's extent and the project's default one, which "zoom full" goes to."""
    bounds = {tag: repr(float(x)) for tag, x in zip(("xmin", "ymin", "xmax", "ymax"), extent, strict=True)}
    canvas = ET.Element("mapcanvas", name="theMapCanvas")
    ET.SubElement(canvas, "units").text = "meters" if crs.is_projected else "degrees"
    corners = ET.SubElement(canvas, "extent")
    for tag, text in bounds.items():
        ET.SubElement(corners, tag).text = text
    ET.SubElement(canvas, "destinationsrs").append(srs(crs))
    view = ET.Element("ProjectViewSettings", UseProjectScales="0", rotation="0")
    ET.SubElement(view, "Scales")
    ET.SubElement(view, "DefaultViewExtent", bounds).append(srs(crs))
    return canvas, view


def bookmarks(title: str, extent: Extent, crs: pyproj.CRS, regions: gpd.GeoDataFrame | None) -> ET.Element:
    """Return a bookmark of the whole border, and one per region.

    Parameters
    ----------
    extent
        First view, in `crs`.
    regions
        ``name`` and polygons, in any CRS.
    """
    root = ET.Element("Bookmarks")
    _bookmark(root, _("Border"), title, extent, crs)
    if regions is not None and len(regions):
        projected = regions.to_crs(crs)
        # A loop over a few dozen regions at most: an element each.
        for name, bounds in zip(projected["name"], shapely.bounds(projected.geometry.to_numpy()), strict=True):
            west, south, east, north = (float(v) for v in bounds)
            _bookmark(root, _("Regions"), str(name), (west, south, east, north), crs)
    return root


def _bookmark(root: ET.Element, group: str, name: str, extent: Extent, crs: pyproj.CRS) -> None:
    west, south, east, north = extent
    corners = ((west, south), (east, south), (east, north), (west, north), (west, south))
    polygon = ", ".join(f"{x:.3f} {y:.3f}" for x, y in corners)
    mark = ET.SubElement(
        root, "Bookmark", id=stable_id("bookmark", group, name), name=name, group=group, extent=f"POLYGON(({polygon}))"
    )
    mark.append(srs(crs))
