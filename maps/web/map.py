"""The web map: one HTML file that opens from the disk with the network cut.

folium makes the map and its page; the layers do not go through folium's own, which write a style for each feature and
stop a browser at some ten thousand. Here a table is packed once, each feature holds the number of its class, and one
style function per layer draws it.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import folium
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from maps.apart import file_of
from maps.columns import kind_of
from maps.contents import Contents, Drawn
from maps.i18n import _, country, number, speaking
from maps.phrases import spoken
from maps.styles.layers import LayerStyle, StyleClass
from maps.web import assets
from maps.web.dense import DENSE_LINES, DIGITS, coarser_m, left_out
from maps.web.finding import with_finding
from maps.web.lines import FINEST_M
from maps.web.packing import ALIAS_COLUMNS, class_index, pack_tables, slot
from maps.web.views import GROUND, HIDDEN, is_constant, lead_of, views
from maps.web.words import page_words, words

_GEOMETRIES = {
    "Point": ("Point",),
    "Line": ("LineString", "MultiLineString"),
    "Polygon": ("Polygon", "MultiPolygon"),
}
_BACKDROP = ("Ground", "Background")  # groups a map is not about
_SUBJECT = ("finding", "cells", "border_line", "checkpoints")
_NAMES = 400  # of places; more would only be thinned out again by the page
SCRIPTS = ("lines.js", "map.js", "card.js", "side.js", "tools.js")
"""Scripts of the page in the order they need each other."""
TILES_HOST = "basemaps.cartocdn.com"
TILES = f"https://{TILES_HOST}/light_all/{{z}}/{{x}}/{{y}}.png"
TILES_RIGHTS = "© OpenStreetMap contributors © CARTO"

Box = tuple[float, float, float, float]


def write_map(path: Path, contents: Contents, *, fit: Box | None = None) -> folium.Map:
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

    Returns
    -------
    map
        What was written, for layers of one's own; ``save`` writes the page again.

    Raises
    ------
    ValueError
        If a style does not fit its table, a table has no CRS, or the page would ask for something remote.
    """
    with speaking(contents.lang):
        page, drawn = _page(with_finding(contents.readable), fit)
    assets.refuse_remote(page)
    path.write_text(page, encoding="utf-8", newline="\n")
    return drawn


def _page(contents: Contents, fit: Box | None) -> tuple[str, folium.Map]:
    """Return the page and its map."""
    _validate(contents.drawn)
    sides = (country(contents.sides[0]), country(contents.sides[1]))
    tables = [(spoken(style, sides), _to_lonlat(frame)) for style, frame in contents.drawn]
    box = fit or _extent(tables)
    tables = [(s, f) for s, f in tables if not is_constant(s, class_index(s, f))] or tables
    order, payloads = pack_tables(tables, sides, contents.names, contents.known)
    chosen = views([style for style, _ in tables])
    config = {
        "map": "map_borderlink",
        "lang": contents.lang,
        "bounds": [[box[1], box[0]], [box[3], box[2]]],
        "attribution": _attribution([style for style, _ in tables]),
        "styles": _describe_all(tables, order),
        "views": [vars(view) for view in chosen],
        "ground": [k for k in GROUND if k in {style.key for style, _ in tables}],
        "names": _names(tables, box, sides),
        "swipe": _swipes(tables),
        "basemap": {"url": TILES, "attribution": TILES_RIGHTS, "host": TILES_HOST},
        "words": words(),
    }
    head = {
        "lang": contents.lang,
        "title": contents.title,
        "subtitle": contents.subtitle,
        "notes": [*contents.notes, *_coarse(tables)],
        "headline": contents.headline or contents.title,
        "numbers": list(contents.numbers),
        "caution": contents.caution,
        "say": page_words(),
        "tiles": TILES_HOST,
    }
    return _render(config, payloads, head)


def _coarse(tables: Sequence[Drawn]) -> list[str]:
    """Return what must be said of lines that are drawn coarser than a pixel of the deepest zoom, or in few digits."""
    lines = {style.layer: (style, frame) for style, frame in tables if style.geometry == "Line"}
    found = [(style, frame, coarser_m(frame.geometry.to_numpy())) for style, frame in lines.values()]
    return [
        _coarseness(style, len(frame), metres) for style, frame, metres in found if metres or len(frame) > DENSE_LINES
    ]


def _coarseness(style: LayerStyle, rows: int, metres: float) -> str:
    """Return how coarse the lines of a drawing are, and what holds them whole."""
    file = file_of(style, rows) or _("the GeoPackage")
    words = {"title": style.title, "n": number(max(metres, FINEST_M)), "file": file, "digits": number(DIGITS)}
    if rows > DENSE_LINES:
        text = _("{title}: lines are drawn to within {n} m, numbers have {digits} digits; {file} holds them whole")
        return text.format(**words)
    return _("{title}: lines are drawn to within {n} m; {file} holds them whole").format(**words)


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
        strange = sorted(set(frame.geometry.geom_type.dropna().unique()) - set(allowed))
        if strange:
            problems.append(f"{where}: geometry {', '.join(strange)} given, {' or '.join(allowed)} allowed")
    if problems:
        raise ValueError("The map can't be drawn:\n- " + "\n- ".join(problems))


def _to_lonlat(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the rows that have a place, in longitude and latitude."""
    return frame[~(frame.geometry.isna() | frame.geometry.is_empty)].to_crs(4326)


def _extent(tables: Sequence[Drawn]) -> Box:
    """Return the box of the first view: of the belt, else of what is not ground."""
    filled = [(style, frame) for style, frame in tables if len(frame)]
    subject = [frame for style, frame in filled if style.layer.startswith(_SUBJECT)]
    subject = subject or [frame for style, frame in filled if style.group not in _BACKDROP] or [f for _, f in filled]
    if not subject:
        return (-180.0, -60.0, 180.0, 75.0)
    bounds = np.array([frame.total_bounds for frame in subject])
    low, high = bounds[:, :2].min(axis=0), bounds[:, 2:].max(axis=0)
    return (float(low[0]), float(low[1]), float(high[0]), float(high[1]))


def _swipes(tables: Sequence[Drawn]) -> list[list[str]]:
    """Return the pairs of drawings that show one thing before and after."""
    keys = [style.key for style, _ in tables]
    pairs = [(k, k.removesuffix("_before") + "_after") for k in keys if k.endswith("_before")]
    return [[a, b] for a, b in pairs if b in keys]


def _name_column(style: LayerStyle, frame: gpd.GeoDataFrame) -> str | None:
    """Return the column that names a feature; points are found by it."""
    candidate = style.name_column or ("name" if style.geometry == "Point" and "name" in style.fields else None)
    return candidate if candidate in frame.columns else None


def _describe_all(tables: Sequence[Drawn], order: Sequence[int]) -> list[dict[str, object]]:
    """Return what the page must know of each style; areas of one group cover each other, so that one of them is on."""
    areas = [style.group for style, _ in tables if style.geometry == "Polygon"]
    choice = {group: f"choice-{group}" for group in areas if areas.count(group) > 1}
    return [
        _describe(style, frame)
        | {"table": place, "choice": choice.get(style.group, "") if style.geometry == "Polygon" else ""}
        for (style, frame), place in zip(tables, order, strict=True)
    ]


def _describe(style: LayerStyle, frame: gpd.GeoDataFrame) -> dict[str, object]:
    """Return one style for the page."""
    name = _name_column(style, frame)
    hidden = HIDDEN | ({"region"} if style.layer == "regions" else set())
    hidden |= left_out(frame, style.fields) if style.geometry == "Line" else set()
    # The page holds names of regions where files hold codes.
    named = {**style.fields, **({"region": _("Region")} if "region" in style.fields else {})}
    fields = [(c, label) for c, label in named.items() if c in frame.columns and c not in hidden]
    aliases = [c for c in ALIAS_COLUMNS if c in frame.columns]
    counts = class_index(style, frame).value_counts().sort_index()
    return {
        "key": style.key,
        "title": style.title,
        "description": style.description,
        "group": style.group,
        "geometry": style.geometry,
        "kind": style.kind,
        "slot": slot(style),
        "classes": [_class(c) for c in style.classes],
        "counts": {str(number): int(count) for number, count in counts.items()},
        "rows": len(frame),
        "fields": [[c, label, kind_of(frame[c], c)] for c, label in fields],
        "lead": lead_of(style, [c for c, _label in fields]),
        "name": name,
        "search": [name, *aliases] if name and style.geometry != "Line" else [],
        "sized": _sized(style, frame),
        "opacity": style.opacity,
        "outline": style.outline,
        "size": style.size,
    }


def _class(each: StyleClass) -> dict[str, object]:
    """Return one class for the page."""
    known: dict[str, object] = {"label": each.label, "color": each.color, "size": each.size}
    return known | ({"hatched": True} if each.hatched else {}) | ({"from": each.min_zoom} if each.min_zoom else {})


def _sized(style: LayerStyle, frame: gpd.GeoDataFrame) -> list[object]:
    """Return the column that sizes the points, and its largest value; nothing where no value is known."""
    if style.sized_by is None or style.sized_by not in frame or not frame[style.sized_by].gt(0).any():
        return []
    return [style.sized_by, float(frame[style.sized_by].max())]


def _names(tables: Sequence[Drawn], box: Box, sides: tuple[str, str]) -> list[list[object]]:
    """Return the names to write on the map, weightiest first: countries, settlements from the larger down, regions."""
    spots, areas, countries = [], [], []
    for style, frame in reversed(tables):
        if style.name_column not in frame.columns or not len(frame):
            continue
        if style.key == "regions":
            # Inside the first view, so that a region that reaches far out of it is named where it is seen.
            seen = shapely.intersection(shapely.make_valid(frame.geometry.to_numpy()), shapely.box(*box))
            seen = np.where(shapely.is_empty(seen), frame.geometry.to_numpy(), seen)
            areas += _name_rows(frame[style.name_column], shapely.point_on_surface(seen), "area")
            for letter, name in zip("ab", sides, strict=True):
                own_side = seen[(frame["side"] == letter).to_numpy()] if "side" in frame else seen[:0]
                if len(own_side) and sides != ("a", "b"):
                    largest = own_side[np.argmax(shapely.area(own_side))]
                    countries += _name_rows(pd.Series([name]), np.array([shapely.point_on_surface(largest)]), "country")
        elif style.geometry == "Point" and style.kind == "graduated":
            large = frame[class_index(style, frame) >= (len(style.classes) + 1) // 2]
            large = large.sort_values(str(style.column), ascending=False, kind="stable").head(_NAMES)
            spots += _name_rows(large[style.name_column], large.geometry.to_numpy(), "spot")
    return [list(row) for row in dict.fromkeys(tuple(row) for row in (*countries, *spots, *areas))]


def _name_rows(names: pd.Series, points: np.ndarray, sort: str) -> list[list[object]]:
    """Return text, latitude, longitude and sort of each name."""
    pairs = zip(names.tolist(), points, strict=True)
    return [[str(n), round(p.y, 4), round(p.x, 4), sort] for n, p in pairs if not assets.is_missing(n)]


def _attribution(styles: Sequence[LayerStyle]) -> str:
    """Return the rights of all layers, each once; the page takes it as markup, so it is escaped."""
    pairs = dict.fromkeys((style.rights, style.licence) for style in styles)
    ordered = sorted(pairs, key=lambda pair: "OpenStreetMap" not in pair[0])
    # A drawing of several sources names each; one that is named already is not named again.
    owners = [(owner, terms if n == 0 else "") for owns, terms in ordered for n, owner in enumerate(owns.split("; "))]
    credits = {owner: _credit(owner, terms) for owner, terms in reversed(owners)}
    return " | ".join(html.escape(credits[owner]) for owner in dict.fromkeys(owner for owner, _terms in owners))


def _credit(rights: str, licence: str) -> str:
    """Return the rights, with the licence behind them where it is an identifier that they do not hold already."""
    known = licence.replace("-", " ") in rights.replace("-", " ") or not re.fullmatch(r"\w+(-[\w.]+)+", licence)
    return rights if known else f"{rights} ({licence})"


class _Page(folium.Figure):
    """folium's document with our template, which holds what the page needs, so that a map can be saved again."""

    def __init__(self, page: Mapping[str, object]) -> None:
        super().__init__()
        self.page = page
        self._template = assets.environment().get_template("page.html")


def _render(
    config: Mapping[str, object], payloads: Sequence[str], head: Mapping[str, object]
) -> tuple[str, folium.Map]:
    """Return the page, folium's map in our own document with everything it needs inside, and the map."""
    drawn = folium.Map(tiles=None, prefer_canvas=True, zoom_control=False)
    drawn._id = "borderlink"  # folium's ids are random; the same input is to give the same bytes
    drawn.default_js, drawn.default_css = [], []
    drawn.options["maxZoom"] = 14
    drawn.options["zoomSnap"] = 0.25  # no tiles, so the first view may fit closely
    leaflet_css = re.sub(r"url\(images/[^)]*\)", "none", assets.text("leaflet.css"))
    leaflet_js = re.sub(r"//# sourceMappingURL=\S+", "", assets.text("leaflet.js"))
    figure = _Page(
        {
            "config": _script_json(config),
            "payloads": list(payloads),
            "leaflet_css": leaflet_css,
            "leaflet_js": leaflet_js.replace("</script", "<\\/script"),
            "css": assets.text("map.css"),
            "js": "".join(assets.text(name) for name in SCRIPTS),
            **head,
        }
    )
    drawn.add_to(figure)
    page = figure.render()
    linked = [str(link.url) for link in figure.header._children.values() if hasattr(link, "url")]
    if linked:
        raise ValueError(f"folium wants remote files that are not in the package: {', '.join(linked)}")
    return str(page), drawn


def _script_json(value: object) -> str:
    """Return JSON that can't close the script element it stands in."""
    packed = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return packed.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
