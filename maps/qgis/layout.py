"""What QGIS prints: a sheet of the whole border, and an atlas with a sheet per region.

Positions and sizes are millimetres on paper.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from maps.i18n import _
from maps.qgis.forms import quoted, written
from maps.qgis.views import Extent, stable_id

SHEET, ATLAS = "Map of the border", "Atlas of the regions"
_MAP, _LABEL, _LEGEND, _SCALE, _PAGE = "65639", "65641", "65642", "65646", "65638"
_FONT = "Sans Serif"
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Legend:
    """A line of a legend: the layer's id, and the name it has there."""

    id: str
    name: str


@dataclass(frozen=True)
class Coverage:
    """What an atlas turns over: layer, provider and source of the regions, and their figures (column to label)."""

    id: str
    name: str
    source: str
    provider: str
    figures: Mapping[str, str]


def sheet(
    title: str, subtitle: str, credits: str, *, theme: str, legend: Sequence[Legend], extent: Extent
) -> ET.Element:
    """Return the print layout of the whole border, A3 across: title, map, legend, scale bar, sources and licence.

    Parameters
    ----------
    theme
        Map theme that the map follows.
    extent
        Of the map, in the project's CRS.
    """
    root = _layout(_(SHEET), (420, 297))
    _label(root, "title", title, (10, 7, 400, 10), size=20, bold=True)
    _label(root, "subtitle", subtitle, (10, 17, 400, 13), size=9)
    box = (10.0, 31.0, 400.0, 208.0)
    number = _map(root, box, theme=theme, extent=fitted(extent, box))
    _legend(root, (10, 241, 400, 28), number, legend, columns=6)
    _scale_bar(root, (345, 270, 65, 12), number)
    _label(root, "sources", _("Sources and licences: {list}").format(list=credits), (10, 283, 330, 11), size=7)
    return root


def atlas(
    title: str, credits: str, coverage: Coverage, *, theme: str, legend: Sequence[Legend], extent: Extent
) -> ET.Element:
    """Return the print layout with a sheet per region, A4 across.

    Its name, map, figures, legend, scale bar, sources.
    """
    root = _layout(_(ATLAS), (297, 210))
    _label(root, "title", '[% "name" %]', (10, 7, 190, 10), size=18, bold=True)
    _label(root, "subtitle", title, (10, 16, 277, 6), size=9)
    box = (10.0, 25.0, 192.0, 160.0)
    number = _map(root, box, theme=theme, extent=fitted(extent, box), driven=True)
    figures = "".join(
        f"[% CASE WHEN \"{c}\" IS NOT NULL THEN '{quoted(label)}: ' || {written(c)} || '\n' ELSE '' END %]"
        for c, label in coverage.figures.items()
    )
    _label(root, "figures", figures, (207, 25, 80, 46), size=8)
    _legend(root, (207, 64, 80, 128), number, legend, columns=1)
    _scale_bar(root, (10, 186, 80, 10), number)
    _label(root, "sources", _("Sources and licences: {list}").format(list=credits), (10, 197, 277, 10), size=6)
    ET.SubElement(
        root,
        "Atlas",
        enabled="1",
        coverageLayer=coverage.id,
        coverageLayerName=coverage.name,
        coverageLayerSource=coverage.source,
        coverageLayerProvider=coverage.provider,
        hideCoverage="0",
        filterFeatures="0",
        sortFeatures="1",
        sortAscending="1",
        sortKey='"name"',
        pageNameExpression='"name"',
        filenamePattern='"region"',
    )
    return root


def fitted(extent: Extent, box: Box) -> Extent:
    """Return an extent widened to the proportions of a map on paper, or QGIS would stretch one of them.

    Examples
    --------
    >>> fitted((0, 0, 10, 10), (0, 0, 400, 200))
    (-5.0, 0.0, 15.0, 10.0)
    """
    west, south, east, north = extent
    width, height = east - west, north - south
    wide = max(width, height * box[2] / box[3])
    high = max(height, width * box[3] / box[2])
    x, y = (west + east) / 2, (south + north) / 2
    return x - wide / 2, y - high / 2, x + wide / 2, y + high / 2


def _layout(name: str, size: tuple[float, float]) -> ET.Element:
    root = ET.Element("Layout", name=name, units="mm", printResolution="200", worldFileMap="")
    pages = ET.SubElement(root, "PageCollection")
    page = _item(pages, _PAGE, name, "page", (0, 0, *size))
    page.set("background", "true")
    symbol = ET.SubElement(page, "symbol", type="fill", name="", alpha="1", clip_to_extent="1", force_rhr="0")
    layer = ET.SubElement(symbol, "layer", {"class": "SimpleFill", "enabled": "1", "pass": "0", "locked": "0"})
    options = ET.SubElement(layer, "Option", type="Map")
    for key, value in (("color", "255,255,255,255"), ("style", "solid"), ("outline_style", "no")):
        ET.SubElement(options, "Option", name=key, type="QString", value=value)
    return root


def _item(root: ET.Element, kind: str, layout: str, name: str, box: Box) -> ET.Element:
    x, y, width, height = box
    number = stable_id("layout", layout, name)
    return ET.SubElement(
        root,
        "LayoutItem",
        type=kind,
        id=name,
        uuid=number,
        templateUuid=number,
        groupUuid="",
        position=f"{x:g},{y:g},mm",
        positionOnPage=f"{x:g},{y:g},mm",
        size=f"{width:g},{height:g},mm",
        itemRotation="0",
        referencePoint="0",
        positionLock="false",
        visibility="1",
        zValue=str(len(root)),
        opacity="1",
        blendMode="0",
        background="false",
        frame="false",
        frameJoinStyle="miter",
        outlineWidthM="0.2,mm",
        excludeFromExports="0",
    )


def _name(root: ET.Element) -> str:
    return str(root.get("name"))


def _map(root: ET.Element, box: Box, *, theme: str, extent: Extent, driven: bool = False) -> str:
    item = _item(root, _MAP, _name(root), "map", box)
    for key, value in {
        "frame": "true",
        "background": "true",
        "followPreset": "true",
        "followPresetName": theme,
        "keepLayerSet": "false",
        "mapRotation": "0",
        "drawCanvasItems": "false",
        "mapFlags": "1",
        "labelMargin": "1,mm",
    }.items():
        item.set(key, value)
    ET.SubElement(item, "BackgroundColor", red="255", green="255", blue="255", alpha="255")
    bounds = zip(("xmin", "ymin", "xmax", "ymax"), extent, strict=True)
    ET.SubElement(item, "Extent", {tag: repr(float(value)) for tag, value in bounds})
    ET.SubElement(item, "LayerSet")
    ET.SubElement(item, "AtlasMap", atlasDriven=str(int(driven)), scalingMode="2", margin="0.1")
    return str(item.get("uuid"))


def _label(root: ET.Element, name: str, text: str, box: Box, *, size: int, bold: bool = False) -> None:
    item = _item(root, _LABEL, _name(root), name, box)
    for key, value in {
        "labelText": text,
        "htmlState": "0",
        "halign": "1",
        "valign": "32",
        "marginX": "0",
        "marginY": "0",
    }.items():
        item.set(key, value)
    ET.SubElement(item, "LabelFont", description=_font(size, bold=bold), style="")
    ET.SubElement(item, "FontColor", red="34", green="34", blue="34", alpha="255")


def _legend(root: ET.Element, box: Box, map_number: str, lines: Sequence[Legend], *, columns: int) -> None:
    item = _item(root, _LEGEND, _name(root), "legend", box)
    for key, value in {
        "title": "",
        "map_uuid": map_number,
        "columnCount": str(columns),
        "splitLayer": "0",
        "equalColumnWidth": "0",
        "columnSpace": "4",
        "boxSpace": "1",
        "symbolWidth": "5",
        "symbolHeight": "3",
        "resizeToContents": "1",
        "legendFilterByAtlas": "0",
        "fontColor": "#222222",
        "lineSpacing": "0.5",
    }.items():
        item.set(key, value)
    styles = ET.SubElement(item, "styles")
    for name, size, bold, top in (
        ("title", 9, True, 0),
        ("group", 8, True, 1),
        ("subgroup", 8, True, 2),
        ("symbol", 7, False, 0.8),
        ("symbolLabel", 7, False, 0.8),
    ):
        style = ET.SubElement(styles, "style", name=name, alignment="1", indent="0", marginTop=f"{top:g}")
        if name == "symbolLabel":
            style.set("marginLeft", "1.5")
        ET.SubElement(style, "styleFont", description=_font(size, bold=bold), style="")
    tree = ET.SubElement(item, "layer-tree-group")
    for line in lines:
        node = ET.SubElement(tree, "layer-tree-layer", id=line.id, name=line.name, checked="Qt::Checked", expanded="1")
        own = ET.SubElement(node, "customproperties")
        options = ET.SubElement(own, "Option", type="Map")
        ET.SubElement(options, "Option", name="cached_name", type="QString", value=line.name)
        ET.SubElement(options, "Option", name="legend/title-label", type="QString", value=line.name)


def _scale_bar(root: ET.Element, box: Box, map_number: str) -> None:
    item = _item(root, _SCALE, _name(root), "scale bar", box)
    for key, value in {
        "mapUuid": map_number,
        "style": "Single Box",
        "unitType": "km",
        "unitLabel": _("km"),
        "numSegments": "2",
        "numSegmentsLeft": "0",
        "numSubdivisions": "1",
        "segmentSizeMode": "1",
        "minBarWidth": "30",
        "maxBarWidth": "60",
        "numUnitsPerSegment": "100",
        "numMapUnitsPerScaleBarUnit": "1",
        "height": "2",
        "labelBarSpace": "1.5",
        "boxContentSpace": "1",
        "alignment": "0",
        "outlineWidth": "0.2",
    }.items():
        item.set(key, value)
    ET.SubElement(
        item,
        "text-style",
        fontFamily=_FONT,
        fontSize="8",
        fontSizeUnit="Point",
        fontWeight="50",
        textColor="34,34,34,255",
        textOpacity="1",
        namedStyle="Regular",
        multilineHeight="1",
    )


def _font(size: int, *, bold: bool) -> str:
    return f"{_FONT},{size},-1,5,{75 if bold else 50},0,0,0,0,0"


def plain(text: str) -> str:
    """Return a text of ours as a label that holds no expressions."""
    return text.replace("[%", "[ %")
