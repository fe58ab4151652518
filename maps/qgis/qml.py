"""QGIS styles as XML: from a `LayerStyle` to a renderer, its labels and aliases, and a whole QML document.

The same elements go into the GeoPackage's default styles and into the project: QGIS does not fall back to the first
when the second are missing.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from xml.etree import ElementTree as ET

from maps.qgis.forms import form_elements
from maps.qgis.scales import label_text, range_of
from maps.styles.layers import LayerStyle, StyleClass

QGIS_VERSION = "3.22.0"

# QGIS reads infinity but its dialogs cannot show it; no quantity of ours comes near this.
_OPEN_END = 1e15
_SYMBOL_TYPES = {"Point": "marker", "Line": "line", "Polygon": "fill"}
_DOCTYPE = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
_LABEL_COLOR, _AREA_COLOR, _HALO_COLOR = "#222222", "#666666", "#ffffff"


def rgba(color: str) -> str:
    """Return ``#rrggbb`` as QGIS writes it.

    Examples
    --------
    >>> rgba("#009e73")
    '0,158,115,255'
    """
    red, green, blue = bytes.fromhex(color.removeprefix("#"))
    return f"{red},{green},{blue},255"


def below(upper: float) -> float:
    """Return the largest number under `upper`: classes are ``[lower, upper)``, QGIS takes both ends in.

    Examples
    --------
    >>> below(30.0) < 30.0
    True
    """
    return math.nextafter(upper, -math.inf)


def renderer(style: LayerStyle) -> ET.Element:
    """Return the ``<renderer-v2>`` of a vector layer."""
    types = {"single": "singleSymbol", "categorized": "categorizedSymbol", "graduated": "graduatedSymbol"}
    root = ET.Element("renderer-v2", type=types[style.kind], symbollevels="0", enableorderby="0", forceraster="0")
    if style.kind != "single":
        if style.column is None:
            raise ValueError(f"style {style.key!r} is {style.kind} and names no column to classify")
        root.set("attr", _class_attribute(style))
    if style.kind == "categorized":
        _categories(root, style.classes)
    elif style.kind == "graduated":
        _ranges(root, style.classes)
    symbols = ET.SubElement(root, "symbols")
    for number, item in enumerate(style.classes):
        symbols.append(_symbol(style, item, name=str(number)))
    return root


def labeling(style: LayerStyle) -> ET.Element | None:
    """Return the ``<labeling>`` of a layer of named points or areas, None for any other layer.

    See `maps.qgis.scales`.
    """
    if style.geometry == "Line" or style.name_column is None:
        return None
    is_area = style.geometry == "Polygon"
    text, is_expression = label_text(style)
    root = ET.Element("labeling", type="simple")
    settings = ET.SubElement(root, "settings", calloutType="simple")
    format_ = ET.SubElement(
        settings,
        "text-style",
        fieldName=text,
        isExpression=str(int(is_expression)),
        fontSize="8" if is_area else "7",
        fontSizeUnit="Point",
        fontWeight="50",
        namedStyle="Regular",
        textColor=rgba(_AREA_COLOR if is_area else _LABEL_COLOR),
        textOpacity="1",
        multilineHeight="1",
    )
    ET.SubElement(
        format_,
        "text-buffer",
        bufferDraw="1",
        bufferSize="0.7",
        bufferSizeUnits="MM",
        bufferOpacity="1",
        bufferColor=rgba(_HALO_COLOR),
        bufferNoFill="0",
        bufferJoinStyle="128",
    )
    if is_area:
        # Placement 4 is horizontal within the area.
        ET.SubElement(settings, "placement", placement="4", dist="0", priority="2", centroidInside="1")
    else:
        # Placement 6 tries the cartographic positions around the point in this order and drops what does not fit.
        ET.SubElement(
            settings,
            "placement",
            placement="6",
            predefinedPositionOrder="TR,TL,BR,BL,R,L,TSR,BSR",
            dist="0.4",
            distUnits="MM",
            offsetType="1",
            priority="8" if style.layer == "places" else "5",
        )
    limit = range_of(style).labelled
    ET.SubElement(
        settings,
        "rendering",
        drawLabels="1",
        displayAll="0",
        obstacle="1",
        scaleVisibility=str(int(limit > 0)),
        scaleMin="0",
        scaleMax=str(limit),
    )
    return root


def scale_range(style: LayerStyle) -> dict[str, str]:
    """Return the attributes that tell QGIS at which scales a layer is drawn."""
    limit = range_of(style).drawn
    if not limit:
        return {"hasScaleBasedVisibilityFlag": "0"}
    return {"hasScaleBasedVisibilityFlag": "1", "minScale": str(limit), "maxScale": "0"}


def style_elements(style: LayerStyle, columns: Collection[str] = ()) -> list[ET.Element]:
    """Return all style elements of a vector layer, as a QML document and a project's ``<maplayer>`` hold them.

    Parameters
    ----------
    columns
        Of the table; those of `style` where nothing is given.
    """
    elements = [renderer(style)]
    labels = labeling(style)
    if labels is not None:
        elements.append(labels)
    opacity = ET.Element("layerOpacity")
    opacity.text = f"{style.opacity:g}"
    elements += [opacity, *form_elements(style, columns)]
    if style.name_column is not None:
        preview = ET.Element("previewExpression")
        preview.text = f'"{style.name_column}"'
        elements.append(preview)
    return elements


def document(style: LayerStyle, columns: Collection[str] = ()) -> str:
    """Return the QML document of a vector layer."""
    root = ET.Element("qgis", version=QGIS_VERSION, styleCategories="AllStyleCategories")
    root.attrib.update(scale_range(style))
    root.set("labelsEnabled", "0" if labeling(style) is None else "1")
    root.extend(style_elements(style, columns))
    return _DOCTYPE + to_text(root)


def raster_pipe(classes: Sequence[StyleClass], *, opacity: float = 1.0) -> ET.Element:
    """Return the ``<pipe>`` of a one-band raster drawn in classes.

    Parameters
    ----------
    classes
        Graduated classes, lowest first.
    opacity
        From 0 to 1.
    """
    bounds = [(item, *_bounds(item)) for item in classes]
    lowest, highest = bounds[0][1], max(lower for _, lower, _ in bounds)
    pipe = ET.Element("pipe")
    raster = ET.SubElement(
        pipe,
        "rasterrenderer",
        type="singlebandpseudocolor",
        band="1",
        opacity=f"{opacity:g}",
        alphaBand="-1",
        classificationMin=f"{lowest:g}",
        classificationMax=f"{highest:g}",
        nodataColor="",
    )
    ET.SubElement(raster, "rasterTransparency")
    ET.SubElement(ET.SubElement(raster, "minMaxOrigin"), "limits").text = "None"
    shader = ET.SubElement(
        ET.SubElement(raster, "rastershader"),
        "colorrampshader",
        colorRampType="DISCRETE",
        classificationMode="1",
        clip="0",
        minimumValue=f"{lowest:g}",
        maximumValue=f"{highest:g}",
        labelPrecision="0",
    )
    for item, _, upper in bounds:
        # The value of a discrete item is the last one that still has its colour; QGIS itself writes "inf" for the top.
        ET.SubElement(
            shader,
            "item",
            value=repr(below(upper)) if math.isfinite(upper) else "inf",
            label=item.label,
            color=item.color,
            alpha="255",
        )
    return pipe


def raster_document(classes: Sequence[StyleClass], *, opacity: float = 1.0) -> str:
    """Return the QML document of a one-band raster drawn in classes: the sidecar ``stem.qml``."""
    root = ET.Element("qgis", version=QGIS_VERSION, styleCategories="AllStyleCategories")
    root.append(raster_pipe(classes, opacity=opacity))
    return _DOCTYPE + to_text(root)


def to_text(root: ET.Element) -> str:
    """Return the element as indented text."""
    ET.indent(root, " ")
    return ET.tostring(root, encoding="unicode") + "\n"


def _class_attribute(style: LayerStyle) -> str:
    """Return the column, or where a class holds the missing an expression: no value becomes a value of that class.

    Without such a class what has no value stays blank.
    """
    if style.missing_class is None:
        return str(style.column)
    home = style.classes[style.missing_class]
    if style.kind == "categorized":
        value = "'" + (home.value or "").replace("'", "''") + "'"
    else:
        lower, upper = _range(home)
        value = repr(lower if lower > -_OPEN_END else upper)
    return f'coalesce("{style.column}", {value})'


def _categories(root: ET.Element, classes: Sequence[StyleClass]) -> None:
    parent = ET.SubElement(root, "categories")
    for number, item in enumerate(classes):
        ET.SubElement(
            parent,
            "category",
            value=item.value or "",
            type="string",
            symbol=str(number),
            label=item.label,
            render="true",
        )


def _ranges(root: ET.Element, classes: Sequence[StyleClass]) -> None:
    root.set("graduatedMethod", "GraduatedColor")
    parent = ET.SubElement(root, "ranges")
    for number, item in enumerate(classes):
        lower, upper = _range(item)
        ET.SubElement(
            parent, "range", lower=repr(lower), upper=repr(upper), symbol=str(number), label=item.label, render="true"
        )


def _range(item: StyleClass) -> tuple[float, float]:
    """Return both ends of a class as QGIS takes them, finite and included."""
    lower, upper = (max(-_OPEN_END, min(_OPEN_END, bound)) for bound in _bounds(item))
    return lower, below(upper)


def _bounds(item: StyleClass) -> tuple[float, float]:
    if item.lower is None or item.upper is None:
        raise ValueError(f"class {item.label!r} needs lower and upper, has {item.lower} and {item.upper}")
    return float(item.lower), float(item.upper)


def _symbol(style: LayerStyle, item: StyleClass, *, name: str) -> ET.Element:
    kind = _SYMBOL_TYPES[style.geometry]
    root = ET.Element("symbol", type=kind, name=name, alpha="1", clip_to_extent="1", force_rhr="0")
    size = f"{style.size if item.size is None else item.size:g}"
    if kind == "marker":
        layer_class = "SimpleMarker"
        options = {
            "name": "circle",
            "color": rgba(item.color),
            "outline_color": rgba(style.outline),
            "outline_style": "solid",
            "outline_width": "0.2",
            "outline_width_unit": "MM",
            "size": size,
            "size_unit": "MM",
            "scale_method": "diameter",
        }
    elif kind == "line":
        layer_class = "SimpleLine"
        options = {
            "line_color": rgba(item.color),
            "line_style": "solid",
            "line_width": size,
            "line_width_unit": "MM",
            "capstyle": "round",
            "joinstyle": "round",
        }
    else:
        layer_class = "SimpleFill"
        options = {
            "color": rgba(item.color),
            "style": "b_diagonal" if item.hatched else "solid",
            "outline_style": "solid",
            "joinstyle": "bevel",
            "outline_color": rgba(style.outline),
            **_outline_width(style),
        }
    layer = ET.SubElement(root, "layer", {"class": layer_class, "enabled": "1", "pass": "0", "locked": "0"})
    parent = ET.SubElement(layer, "Option", type="Map")
    for key, value in options.items():
        ET.SubElement(parent, "Option", name=key, type="QString", value=value)
    if item.widest_scale is not None:
        _enabled(layer, f"@map_scale <= {item.widest_scale:.0f}")
    return root


def _enabled(layer: ET.Element, expression: str) -> None:
    """Draw a symbol where an expression holds alone."""
    parent = ET.SubElement(ET.SubElement(layer, "data_defined_properties"), "Option", type="Map")
    ET.SubElement(parent, "Option", name="name", type="QString", value="")
    properties = ET.SubElement(parent, "Option", name="properties", type="Map")
    enabled = ET.SubElement(properties, "Option", name="enabled", type="Map")
    for name, kind, value in (("active", "bool", "true"), ("expression", "QString", expression), ("type", "int", "3")):
        ET.SubElement(enabled, "Option", name=name, type=kind, value=value)
    ET.SubElement(parent, "Option", name="type", type="QString", value="collection")


def _outline_width(style: LayerStyle) -> dict[str, str]:
    """Return the width of a polygon's outline.

    White lines part the tiles of a mesh. A fixed width would wash the colours out where a tile is a few pixels wide,
    so theirs is a width on the ground (100 m), at most 0.2 mm on paper.
    """
    if style.outline.lower() != "#ffffff":
        return {"outline_width": "0.2", "outline_width_unit": "MM"}
    return {
        "outline_width": "100",
        "outline_width_unit": "RenderMetersInMapUnits",
        "border_width_map_unit_scale": "3x:0,0,0,0,1,0.2",
    }
