"""The web map: one HTML file that opens from the disk with the network cut.

folium makes the map and its page; the layers do not go through folium's own, which write a style for each feature and
stop a browser at some ten thousand. Here a table is packed once, each feature holds the number of its class, and one
style function per layer draws it.
"""

from __future__ import annotations

import base64
import gzip
import html
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import folium
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from maps.columns import kind_of
from maps.contents import Contents, Drawn
from maps.styles.layers import LayerStyle, StyleClass
from maps.web import assets

_GEOMETRIES = {
    "Point": ("Point",),
    "Line": ("LineString", "MultiLineString"),
    "Polygon": ("Polygon", "MultiPolygon"),
}
_MISSING, _OUTSIDE = -1, -2
_BACKDROP = ("Ground", "Background")  # groups a map is not about
_NAMES = 400  # of places; more would only be thinned out again by the page
_ALIAS_COLUMNS = ("name_ru", "name_kk", "name_en", "name_local")

Box = tuple[float, float, float, float]


def write_map(path: Path, contents: Contents, *, fit: Box | None = None) -> None:
    """Write a self-contained web map.

    Parameters
    ----------
    path
        The HTML file to write.
    contents
        What to draw; a table that stands under several styles is embedded once.
    fit
        West, south, east and north of the first view; by default the layers that are not of the groups ``Ground`` and
        ``Background``.

    Raises
    ------
    ValueError
        If a style does not fit its table, a table has no CRS, or the page would ask for something remote.
    """
    readable = contents.readable
    _validate(readable.drawn)
    tables = [(style, _to_lonlat(frame)) for style, frame in readable.drawn]
    sides, lang = contents.sides, contents.lang
    box = fit or _extent(tables)
    order, payloads = _pack_tables(tables, sides)
    config = {
        "map": "map_borderlink",
        "lang": lang,
        "bounds": [[box[1], box[0]], [box[3], box[2]]],
        "attribution": _attribution([style for style, _ in tables]),
        "styles": _describe_all(tables, order, sides),
        "names": _names(tables, box),
    }
    words = {"lang": lang, "title": contents.title, "subtitle": contents.subtitle, "notes": list(contents.notes)}
    page = _render(config, payloads, words)
    assets.refuse_remote(page)
    path.write_text(page, encoding="utf-8", newline="\n")


def _validate(layers: Sequence[Drawn]) -> None:
    """Collect everything that does not fit and report it at once."""
    problems = [] if layers else ["no layers given"]
    keys = [style.key for style, _ in layers]
    problems += [
        f"style key {key!r} is given {keys.count(key)} times" for key in dict.fromkeys(keys) if keys.count(key) > 1
    ]
    for style, frame in layers:
        where = f"layer {style.key!r}"
        if frame.crs is None:
            problems.append(f"{where}: the table has no CRS")
        if style.kind != "single" and style.column not in frame.columns:
            problems.append(
                f"{where}: column {style.column!r} is missing, the table has {sorted(map(str, frame.columns))}"
            )
        allowed = _GEOMETRIES[style.geometry]
        strange = sorted(set(frame.geometry.geom_type.dropna()) - set(allowed))
        if strange:
            problems.append(f"{where}: geometry {', '.join(strange)} given, {' or '.join(allowed)} allowed")
    if problems:
        raise ValueError("The map can't be drawn:\n- " + "\n- ".join(problems))


def _to_lonlat(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the rows that have a place, in longitude and latitude."""
    return frame[~(frame.geometry.isna() | frame.geometry.is_empty)].to_crs(4326)


def _extent(tables: Sequence[Drawn]) -> Box:
    """Return the box of the first view."""
    filled = [(style, frame) for style, frame in tables if len(frame)]
    subject = [frame for style, frame in filled if style.group not in _BACKDROP] or [frame for _, frame in filled]
    if not subject:
        return (-180.0, -60.0, 180.0, 75.0)
    bounds = np.array([frame.total_bounds for frame in subject])
    low, high = bounds[:, :2].min(axis=0), bounds[:, 2:].max(axis=0)
    return (float(low[0]), float(low[1]), float(high[0]), float(high[1]))


def _class_index(style: LayerStyle, frame: gpd.GeoDataFrame) -> pd.Series:
    """Return the class of each row as a number; -1 without a value or a class for that, -2 with a value of no class."""
    if style.kind == "single":
        return pd.Series(0, index=frame.index)
    values = frame[style.column]
    home = _MISSING if style.missing_class is None else style.missing_class
    index = pd.Series(_OUTSIDE, index=frame.index).mask(values.isna(), home)
    if style.kind == "categorized":
        texts = values.astype("string")
        held = [texts.eq(each.value).fillna(False).to_numpy(bool) for each in style.classes]
    else:
        numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        held = [_inside(numbers, each) for each in style.classes]
    for number, rows in enumerate(held):
        index = index.mask(rows, number)
    return index.astype(int)


def _inside(numbers: np.ndarray, each: StyleClass) -> np.ndarray:
    """Return which numbers a class holds: its lower bound belongs to it, its upper one only if there is no end."""
    low, high = (-np.inf if each.lower is None else each.lower), (np.inf if each.upper is None else each.upper)
    return np.asarray((numbers >= low) & ((numbers < high) | (np.isposinf(high) & (numbers == high))))


def _name_column(style: LayerStyle, frame: gpd.GeoDataFrame) -> str | None:
    """Return the column that names a feature; points are found by it."""
    candidate = style.name_column or ("name" if style.geometry == "Point" and "name" in style.fields else None)
    return candidate if candidate in frame.columns else None


def _pack_tables(tables: Sequence[Drawn], sides: tuple[str, str]) -> tuple[list[int], list[str]]:
    """Return which payload each style draws, and the payloads: gzip GeoJSON in base64, geometry once per table."""
    order: list[int] = []
    firsts: list[int] = []
    for position, (style, frame) in enumerate(tables):
        twin = next(
            (n for n, i in enumerate(firsts) if tables[i][0].layer == style.layer and _same(tables[i][1], frame)), None
        )
        if twin is None:
            firsts.append(position)
        order.append(len(firsts) - 1 if twin is None else twin)
    payloads = []
    for number in range(len(firsts)):
        members = [table for table, place in zip(tables, order, strict=True) if place == number]
        collection = _collection([style for style, _ in members], members[0][1], sides)
        # mtime 0: the same tables give the same bytes.
        payloads.append(base64.b64encode(gzip.compress(collection.encode(), 9, mtime=0)).decode())
    return order, payloads


def _same(one: gpd.GeoDataFrame, other: gpd.GeoDataFrame) -> bool:
    """Return whether two tables are one, so that it is embedded once."""
    if one is other:
        return True
    return one.index.equals(other.index) and set(one.columns) == set(other.columns) and one.equals(other[one.columns])


def _collection(styles: Sequence[LayerStyle], frame: gpd.GeoDataFrame, sides: tuple[str, str]) -> str:
    """Return one table as GeoJSON: five decimals, the fields of its styles, a class number per style."""
    columns = dict.fromkeys(c for style in styles for c in (*style.fields, style.name_column) if c in frame.columns)
    values = {str(column): _plain(frame[column], sides) for column in columns}
    for style in styles:
        values[_slot(style)] = _class_index(style, frame).tolist()
    rounded = shapely.transform(shapely.force_2d(frame.geometry.to_numpy()), lambda c: np.round(c, 5) + 0.0)
    features = []
    for geometry, row in zip(shapely.to_geojson(rounded), zip(*values.values(), strict=True), strict=True):
        properties = {key: value for key, value in zip(values, row, strict=True) if value is not None}
        packed = json.dumps(properties, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        features.append(f'{{"type":"Feature","geometry":{geometry.replace(" ", "")},"properties":{packed}}}')
    return f'{{"type":"FeatureCollection","features":[{",".join(features)}]}}'


def _slot(style: LayerStyle) -> str:
    """Return the property that holds the class number of a style."""
    return f"class of {style.key}"


def _plain(values: pd.Series, sides: tuple[str, str]) -> list[object]:
    """Return a column as JSON values; numbers keep five significant digits, more than a reader is shown."""
    if values.name == "side":
        values = values.map(lambda v: dict(zip("ab", sides, strict=True)).get(v, v))
    return [_plain_value(value) for value in values.tolist()]


def _plain_value(value: object) -> object:
    """Return one JSON value."""
    if assets.is_missing(value):
        return None
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 1e15 else float(f"{value:.5g}")
    return value if isinstance(value, (bool, int, str)) else str(value)


def _describe_all(tables: Sequence[Drawn], order: Sequence[int], sides: tuple[str, str]) -> list[dict[str, object]]:
    """Return what the page must know of each style."""
    areas = [style.group for style, _ in tables if style.geometry == "Polygon"]
    shown: set[str] = set()
    described = []
    for (style, frame), place in zip(tables, order, strict=True):
        # Areas of one group cover each other: the reader chooses one of them.
        choice = f"choice-{style.group}" if style.geometry == "Polygon" and areas.count(style.group) > 1 else ""
        visible = style.visible and len(frame) > 0 and choice not in shown
        shown |= {choice} if visible and choice else set()
        described.append(_describe(style, frame, sides) | {"table": place, "choice": choice, "visible": visible})
    return described


def _describe(style: LayerStyle, frame: gpd.GeoDataFrame, sides: tuple[str, str]) -> dict[str, object]:
    """Return one style for the page."""
    name = _name_column(style, frame)
    fields = [(c, label) for c, label in style.fields.items() if c in frame.columns]
    aliases = [c for c in _ALIAS_COLUMNS if c in style.fields and c in frame.columns]
    counts = _class_index(style, frame).value_counts().sort_index()
    return {
        "key": style.key,
        "title": style.title,
        "description": style.description,
        "group": style.group,
        "geometry": style.geometry,
        "kind": style.kind,
        "slot": _slot(style),
        "classes": [{"label": with_sides(c.label, sides), "color": c.color, "size": c.size} for c in style.classes],
        "counts": {str(number): int(count) for number, count in counts.items()},
        "rows": len(frame),
        "fields": [[c, with_sides(label, sides), kind_of(frame[c], c)] for c, label in fields],
        "name": name,
        "search": [name, *aliases] if name and style.geometry == "Point" else [],
        "opacity": style.opacity,
        "outline": style.outline,
        "size": style.size,
    }


def with_sides(label: str, sides: tuple[str, str]) -> str:
    """Return a label with the names of the sides in place of their letters.

    Parameters
    ----------
    label
        A label of the styles, such as ``Region on side a``.
    sides
        Names of the two sides.

    Returns
    -------
    label
        The label a reader sees.

    Examples
    --------
    >>> with_sides("Region on side a", ("Russia", "Kazakhstan"))
    'Region in Russia'
    """
    if sides == ("a", "b"):
        return label
    for letter, name in zip("ab", sides, strict=True):
        label = re.sub(rf"\bon side {letter}\b", lambda _, n=name: f"in {n}", label)  # type: ignore[misc]
        label = re.sub(rf"\b[Ss]ide {letter}\b", lambda _, n=name: n, label)  # type: ignore[misc]
    return label


def _names(tables: Sequence[Drawn], box: Box) -> list[list[object]]:
    """Return the names to write on the map, weightiest first: regions, then settlements from the larger down."""
    names: list[list[object]] = []
    for style, frame in reversed(tables):
        if style.name_column not in frame.columns or not len(frame):
            continue
        if style.geometry == "Polygon":
            # Inside the first view, so that a region that reaches far out of it is named where it is seen.
            seen = shapely.intersection(shapely.make_valid(frame.geometry.to_numpy()), shapely.box(*box))
            spots = shapely.point_on_surface(np.where(shapely.is_empty(seen), frame.geometry.to_numpy(), seen))
            names += _name_rows(frame[style.name_column], spots, "area")
        elif style.geometry == "Point" and style.kind == "graduated":
            large = frame[_class_index(style, frame) >= (len(style.classes) + 1) // 2]
            large = large.sort_values(str(style.column), ascending=False, kind="stable").head(_NAMES)
            names += _name_rows(large[style.name_column], large.geometry.to_numpy(), "spot")
    return [list(row) for row in dict.fromkeys(tuple(row) for row in names)]


def _name_rows(names: pd.Series, points: np.ndarray, sort: str) -> list[list[object]]:
    """Return text, latitude, longitude and sort of each name."""
    pairs = zip(names.tolist(), points, strict=True)
    return [[str(n), round(p.y, 4), round(p.x, 4), sort] for n, p in pairs if not assets.is_missing(n)]


def _attribution(styles: Sequence[LayerStyle]) -> str:
    """Return the rights of all layers, each once; the page takes it as markup, so it is escaped."""
    pairs = dict.fromkeys((style.rights, style.licence) for style in styles)
    ordered = sorted(pairs, key=lambda pair: "OpenStreetMap" not in pair[0])
    return " | ".join(html.escape(_credit(rights, licence)) for rights, licence in ordered)


def _credit(rights: str, licence: str) -> str:
    """Return the rights, with the licence behind them where it is an identifier that they do not hold already."""
    known = licence.replace("-", " ") in rights.replace("-", " ") or not re.fullmatch(r"\w+(-[\w.]+)+", licence)
    return rights if known else f"{rights} ({licence})"


def _render(config: Mapping[str, object], payloads: Sequence[str], words: Mapping[str, object]) -> str:
    """Return the page: folium's map in our own document, with everything it needs inside."""
    drawn = folium.Map(tiles=None, prefer_canvas=True, zoom_control=True)
    drawn._id = "borderlink"  # folium's ids are random; the same input is to give the same bytes
    drawn.default_js, drawn.default_css = [], []
    drawn.options["maxZoom"] = 14
    drawn.options["zoomSnap"] = 0.25  # no tiles, so the first view may fit closely
    figure: Any = drawn.get_root()
    figure._template = assets.environment().get_template("page.html")
    leaflet_css = re.sub(r"url\(images/[^)]*\)", "none", assets.text("leaflet.css"))
    leaflet_js = re.sub(r"//# sourceMappingURL=\S+", "", assets.text("leaflet.js"))
    page = figure.render(
        config=_script_json(config),
        payloads=list(payloads),
        leaflet_css=leaflet_css,
        leaflet_js=leaflet_js.replace("</script", "<\\/script"),
        css=assets.text("map.css"),
        js=assets.text("map.js") + assets.text("controls.js"),
        **words,
    )
    linked = [str(link.url) for link in figure.header._children.values() if hasattr(link, "url")]
    if linked:
        raise ValueError(f"folium wants remote files that are not in the package: {', '.join(linked)}")
    return str(page)


def _script_json(value: object) -> str:
    """Return JSON that can't close the script element it stands in."""
    packed = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return packed.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
