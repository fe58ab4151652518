"""Tables as the page holds them: gzip GeoJSON in base64, the class of each feature as a number, its words beside it."""

from __future__ import annotations

import base64
import gzip
import json
import math
from collections.abc import Mapping, Sequence
from functools import partial

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from maps.contents import Drawn, Keep
from maps.i18n import language
from maps.phrases import phrase
from maps.styles.layers import LayerStyle, StyleClass
from maps.web import assets
from maps.web.dense import DENSE_LINES, DIGITS, left_out, net_of
from maps.web.lines import MANY_LINES, along_a_curve, as_json, by_columns, columns_of
from maps.web.sentences import bars, sentences
from maps.web.views import HIDDEN

_MISSING, _OUTSIDE = -1, -2
_LONG = 250_000  # bytes of one table before packing
ALIAS_COLUMNS = ("name_ru", "name_kk", "name_en", "name_local")
WORDED = frozenset(
    {
        "mode",
        "finding",
        "effect",
        "status",
        "regime",
        "kind",
        "advice",
        "flag",
        "joined_by",
        "label",
        "class",
        "reason",
        "growth_flag",
        "bottleneck_flag",
        "type",
        "leads_to",
        "speed_source",
        "hours",
        "levels_assessed",
        "network",
        "change",
        "status_before",
        "status_after",
        "people_time_quadrant",
        "season",
    }
)
"""Columns whose values are words of ours."""


def class_index(style: LayerStyle, frame: gpd.GeoDataFrame) -> pd.Series:
    """Return the class of each row as a number; -1 without a value or a class for that, -2 with a value of no class."""
    if style.kind == "single":
        return pd.Series(0, index=frame.index)
    values = frame[style.column]
    home = _MISSING if style.missing_class is None else style.missing_class
    if style.kind == "categorized":
        codes, texts = pd.factorize(values.astype("string"))  # few differ; of none the last
        place = np.r_[np.full(len(texts), _OUTSIDE), home]
        for number, each in enumerate(style.classes):
            place[:-1][(texts == each.value).astype(bool)] = number
        return pd.Series(place[codes], index=frame.index)
    index = pd.Series(_OUTSIDE, index=frame.index).mask(values.isna(), home)
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    held = [_inside(numbers, each) for each in style.classes]
    for number, rows in enumerate(held):
        index = index.mask(rows, number)
    return index.astype(int)


def _inside(numbers: np.ndarray, each: StyleClass) -> np.ndarray:
    """Return which numbers a class holds: its lower bound belongs to it, its upper one only if there is no end."""
    low, high = (-np.inf if each.lower is None else each.lower), (np.inf if each.upper is None else each.upper)
    return np.asarray((numbers >= low) & ((numbers < high) | (np.isposinf(high) & (numbers == high))))


def pack_tables(
    tables: Sequence[Drawn],
    sides: tuple[str, str],
    others: Mapping[str, pd.Series],
    known: Mapping[str, Keep] | None = None,
) -> tuple[list[int], list[str]]:
    """Return which payload each style draws, and the payloads: gzip GeoJSON in base64, geometry once per table.

    Parameters
    ----------
    known
        See `maps.contents.Contents`: such layers are packed once for many pages.
    """
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
        styles, frame = [style for style, _ in members], members[0][1]
        keep, make = (known or {}).get(styles[0].layer), partial(_payload, styles, frame, sides, others)
        if keep is None or styles[0].layer in others:
            payloads.append(make())
        else:
            payloads.append(keep(["web map", styles, sides, language()], make))
    return order, payloads


def _payload(
    styles: Sequence[LayerStyle], frame: gpd.GeoDataFrame, sides: tuple[str, str], others: Mapping[str, pd.Series]
) -> str:
    """Return one table as a page holds it."""
    text = _collection(styles, frame, sides, others).encode()
    # mtime 0: the same tables give the same bytes. Of long tables the last 1 or 2 % takes six times as long.
    return base64.b64encode(gzip.compress(text, 9 if len(text) < _LONG else 6, mtime=0)).decode()


def _same(one: gpd.GeoDataFrame, other: gpd.GeoDataFrame) -> bool:
    """Return whether two tables are one, so that it is embedded once."""
    if one is other:
        return True
    return one.index.equals(other.index) and set(one.columns) == set(other.columns) and one.equals(other[one.columns])


def _collection(
    styles: Sequence[LayerStyle], frame: gpd.GeoDataFrame, sides: tuple[str, str], others: Mapping[str, pd.Series]
) -> str:
    """Return one table as JSON: a table of many lines by columns, any other as GeoJSON."""
    lines = all(style.geometry == "Line" for style in styles)
    if len(frame) > DENSE_LINES and lines:
        net = net_of(frame.geometry.to_numpy())
        frame = frame.iloc[net.order]
        shown = {c for style in styles for c in {*style.fields} - left_out(frame, style.fields)}
        gone = [c for c in dict.fromkeys(c for style in styles for c in style.fields) if c in frame and c not in shown]
        values = _values(styles, frame.drop(columns=gone), sides, others, DIGITS)
        return as_json({**net.held(), "columns": columns_of(values)})
    if len(frame) > MANY_LINES and lines:
        frame = frame.iloc[along_a_curve(frame)]
        return by_columns(frame, _values(styles, frame, sides, others))
    values = _values(styles, frame, sides, others)
    rounded = shapely.transform(shapely.force_2d(frame.geometry.to_numpy()), lambda c: np.round(c, 5) + 0.0)
    features = []
    for geometry, row in zip(shapely.to_geojson(rounded), zip(*values.values(), strict=True), strict=True):
        properties = {key: value for key, value in zip(values, row, strict=True) if value is not None}
        packed = json.dumps(properties, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        features.append(f'{{"type":"Feature","geometry":{geometry.replace(" ", "")},"properties":{packed}}}')
    return f'{{"type":"FeatureCollection","features":[{",".join(features)}]}}'


def _values(
    styles: Sequence[LayerStyle],
    frame: gpd.GeoDataFrame,
    sides: tuple[str, str],
    others: Mapping[str, pd.Series],
    digits: int = 5,
) -> dict[str, list[object]]:
    """Return the columns of a table: the fields of its styles, a class number per style, its words."""
    shown = (c for style in styles for c in style.fields if c not in HIDDEN)
    wanted = (*shown, *(c for style in styles for c in (style.name_column, style.sized_by)), *ALIAS_COLUMNS)
    columns = dict.fromkeys(c for c in wanted if c in frame.columns)
    values = {str(column): _plain(frame[column], sides, digits) for column in columns}
    for style in styles:
        values[slot(style)] = class_index(style, frame).tolist()
    layer = styles[0].layer
    values["said"] = [text or None for text in sentences(layer, pd.DataFrame(frame), sides)]
    values["bars"] = [each or None for each in bars(layer, pd.DataFrame(frame), sides)]
    if layer in others:
        values["other"] = [text or None for text in others[layer].reindex(frame.index).fillna("")]
    return values


def slot(style: LayerStyle) -> str:
    """Return the property that holds the class number of a style."""
    return f"class of {style.key}"


def _plain(values: pd.Series, sides: tuple[str, str], digits: int) -> list[object]:
    """Return a column as JSON values; numbers keep so many significant digits: of five a reader is shown fewer."""
    if values.dtype.kind not in "biuf" and not isinstance(values.dtype, pd.StringDtype):
        return [_shown(v, values.name, sides, digits) for v in values.tolist()]
    codes, known = pd.factorize(values)  # of many rows few differ
    shown = np.empty(len(known) + 1, object)
    if values.dtype.kind == "f":
        shown[:-1] = [_rounded(v, digits) if math.isfinite(v) else None for v in known.tolist()]
    else:
        shown[:-1] = [_shown(v, values.name, sides, digits) for v in known.tolist()]
    out: list[object] = shown[codes].tolist()
    return out


def _shown(value: object, column: object, sides: tuple[str, str], digits: int) -> object:
    """Return one JSON value of a column, words in the language that is written."""
    if column == "side":
        value = dict(zip("ab", sides, strict=True)).get(str(value), value)
    if column in WORDED and isinstance(value, str):
        value = phrase(value)
    return _plain_value(value, digits)


def _plain_value(value: object, digits: int) -> object:
    """Return one JSON value."""
    if assets.is_missing(value):
        return None
    if isinstance(value, float):
        return _rounded(value, digits)
    return value if isinstance(value, (bool, int, str)) else str(value)


def _rounded(value: float, digits: int) -> float:
    """Return a known number with so many significant digits, as a whole one where it is whole."""
    if not value.is_integer():
        value = float(f"{value:.{digits}g}")
    return int(value) if value.is_integer() and abs(value) < 1e15 else value
