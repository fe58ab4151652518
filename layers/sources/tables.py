"""Tables as people save them: CSV with any separator and encoding, or the first sheet of a workbook.

Every cell stays text.
"""

from __future__ import annotations

import codecs
import csv
import re
from io import StringIO
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from layers.cells import without_marks
from layers.crs import WGS84
from layers.errors import LayerError
from layers.sources.boundary import check_wkt
from layers.words import is_blank, numbers

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

SEPARATORS = ",;\t|"
TEXT_TABLES = (".csv", ".tsv")
TABLES = (*TEXT_TABLES, ".xlsx")
LON = ("lon", "longitude", "long", "lng", "долгота", "x")
LAT = ("lat", "latitude", "широта", "y")
"""Names of columns of coordinates, in any case; an earlier one stands before a later one."""
WKT = ("wkt", "geometry", "geom", "the_geom")
"""Names of columns of well-known text, where a table has no coordinates."""
LINE = "line"
"""Name of the index: where a row begins in its file."""


def read_table(path: Path) -> tuple[pd.DataFrame, list[str]]:
    """Return a table of texts, blank rows left out, and what a reader must know of how it was read.

    Separators are a comma, semicolon, tab or bar, whichever the header has most of; the encoding is UTF-8 or UTF-16
    with or without its mark, else cp1251 or cp1252, which is a guess and is said. ``NA`` and ``None`` are texts as any
    other.

    Parameters
    ----------
    path
        A file with one of `TABLES`.

    Returns
    -------
    The frame, its index the line of each row in the file (`LINE`); and notes.

    Raises
    ------
    LayerError
        The file can't be read, has no header, two columns of one name, or a row with more cells than the header.
    """
    if path.suffix.lower() == ".xlsx":
        return _framed(_sheet(path), path), []
    try:
        text, encoding = _decoded(path.read_bytes(), path)
    except OSError as error:
        raise LayerError(f"{path} can't be read: {error}") from error
    rows = _rows(text, path)
    guess = [f"{path.name} is not in UTF-8: it was read as {encoding}, which is a guess"] if encoding else []
    return _framed(rows, path), guess


def read_points(path: Path, columns: Mapping[str, str] | None = None) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Return a table as a layer by its coordinates or its well-known text; see `read_table`.

    Parameters
    ----------
    columns
        ``lon`` and ``lat`` in it name the columns of coordinates.

    Returns
    -------
    The frame in longitude and latitude, a row without coordinates without geometry; and notes.

    Raises
    ------
    LayerError
        No such columns, or a coordinate that is no number.
    """
    table, notes = read_table(path)
    named = dict(columns or {})
    lon, lat = (_column(table, path, [named[n]] if n in named else names) for n, names in (("lon", LON), ("lat", LAT)))
    if lon and lat:
        x, y = (_coordinates(table.pop(c), path) for c in (lon, lat))
        # A point of missing numbers is an empty one, which is no place.
        known = np.isfinite(x) & np.isfinite(y)
        geometry = np.full(len(table), None, dtype=object)
        geometry[known] = shapely.points(x[known], y[known])
        return gpd.GeoDataFrame(table, geometry=geometry, crs=WGS84), notes
    wkt = _column(table, path, WKT)
    if not wkt:
        raise LayerError(
            f"{path} needs the columns lon and lat: it has {', '.join(map(str, table.columns))}. Allowed are "
            f"{', '.join(LON)} and "
            f"{', '.join(LAT)} in any case, or a column {WKT[0]} of well-known text"
        )
    return gpd.GeoDataFrame(table, geometry=_from_wkt(table.pop(wkt), path), crs=WGS84), notes


def _decoded(raw: bytes, path: Path) -> tuple[str, str]:
    """Return the text of a file and the encoding that was guessed, empty where none was."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16", errors="replace"), ""
    if b"\0" in raw and (wide := _wide(raw)):
        return wide, ""
    if b"\0" in raw:
        raise LayerError(f"{path} can't be read: it is no text; allowed is CSV in UTF-8, or {TABLES[-1]}")
    try:
        return raw.decode("utf-8-sig"), ""
    except UnicodeDecodeError:
        text = raw.decode("cp1251", errors="replace")
    # In Russian a letter beyond ASCII stands beside its like, in western languages beside ASCII.
    alone = len(re.findall(r"(?<=[A-Za-z])[^\x00-\x7f]|[^\x00-\x7f](?=[A-Za-z])", text))
    together = len(re.findall(r"[^\x00-\x7f](?=[^\x00-\x7f])", text))
    if alone > together:
        return raw.decode("cp1252", errors="replace"), "cp1252"
    return text, "cp1251"


def _wide(raw: bytes) -> str:
    """Return the text of a file in UTF-16 without its mark, empty where it is none.

    Most of a table is ASCII: separators, digits, ids. Every other byte of those is zero.
    """
    for zeros, encoding in ((raw[1::2], "utf-16-le"), (raw[::2], "utf-16-be")):
        if 2 * zeros.count(0) > len(zeros):
            text = raw.decode(encoding, errors="replace")
            return "" if "\0" in text else text
    return ""


def _rows(text: str, path: Path) -> list[tuple[int, list[str]]]:
    """Return the cells of a text with the line that each row begins at."""
    # As a file is read: a form feed or a line separator inside a cell ends no line.
    lines = list(StringIO(text, newline=""))
    named = re.match(r"sep=(.)\s*$", lines[0]) if lines else None
    skipped = 1 if named else 0
    head = re.sub(r'"[^"]*"', "", next((line for line in lines[skipped:] if line.strip()), ""))
    mark = named[1] if named else max(SEPARATORS, key=head.count)
    reader = csv.reader(lines[skipped:], delimiter=mark, skipinitialspace=mark != "\t", strict=False)
    rows, begin = [], skipped + 1
    try:
        for cells in reader:  # only the reader knows at which line a quoted row ends
            rows.append((begin, [cell.strip() for cell in cells]))
            begin = skipped + reader.line_num + 1
    except csv.Error as error:
        raise LayerError(f"{path} can't be read: {error} in line {begin}") from error
    return rows


def _sheet(path: Path) -> list[tuple[int, list[str]]]:
    """Return the cells of a workbook's first sheet as texts with their rows."""
    try:
        frame = pd.read_excel(path, header=None, dtype=object, keep_default_na=False, na_filter=False)
    except ImportError:
        raise LayerError(f"{path} needs the package openpyxl: pip install openpyxl, or save the sheet as CSV") from None
    except Exception as error:  # the engines raise zipfile's, XML's and their own errors
        raise LayerError(f"{path} can't be read: {error}") from error
    return [(i + 1, [_cell(value) for value in row]) for i, row in enumerate(frame.itertuples(index=False, name=None))]


def _cell(value: Any) -> str:
    """Return a cell of a workbook as the text that is seen in it: 7, not 7.0."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return "" if value is None or value != value else str(value).strip()


def _framed(rows: list[tuple[int, list[str]]], path: Path) -> pd.DataFrame:
    """Return rows under their header as a frame of texts."""
    rows = [(line, without_marks(cells)) for line, cells in rows if any(cells)]
    if not rows:
        raise LayerError(f"{path} can't be read: it is empty")
    names = rows[0][1]
    body = rows[1:]
    long = [line for line, cells in body if any(cells[len(names) :])]
    if long:
        raise LayerError(f"{path} can't be read: line {long[0]} has more cells than the header")
    cells = [row[: len(names)] + [""] * (len(names) - len(row)) for _, row in body]
    index = pd.Index([line for line, _ in body], name=LINE, dtype="int64")
    frame = pd.DataFrame(cells, columns=pd.RangeIndex(len(names)), index=index, dtype=object)
    kept = [i for i, name in enumerate(names) if name or (frame[i] != "").any()]
    titles = [names[i] or f"column {i + 1}" for i in kept]
    twice = sorted({t for t in titles if titles.count(t) > 1})
    if twice:
        raise LayerError(f"{path} has the column {', '.join(map(repr, twice))} twice: allowed is each name once")
    return frame[kept].set_axis(titles, axis=1)


def _column(table: pd.DataFrame, path: Path, names: Iterable[str]) -> str:
    """Return the column of the first of some names, in any case; empty where there is none."""
    by_name: dict[str, list[str]] = {}
    for column in table.columns:
        by_name.setdefault(str(column).casefold(), []).append(str(column))
    for name in names:
        found = by_name.get(name.casefold(), [])
        if len(found) > 1:
            raise LayerError(f"{path} has the columns {' and '.join(found)}: allowed is one of them")
        if found:
            return found[0]
    return ""


def _coordinates(column: pd.Series, path: Path) -> NDArray[np.float64]:
    """Return coordinates as numbers, NaN where a cell is blank."""
    value = numbers(column, thousands=False)
    wrong = column[value.isna() & ~is_blank(column)]
    if len(wrong):
        raise LayerError(
            f"{path} can't be read: column {column.name!r} holds {wrong.iloc[0]!r} in line {wrong.index[0]}: "
            "allowed are degrees as numbers"
        )
    return value.to_numpy(float)


def _from_wkt(column: pd.Series, path: Path) -> NDArray[np.object_]:
    """Return geometries of well-known text, None where a cell is blank."""
    # GEOS makes its own capitals by the locale: in a Turkish one "point" is POİNT.
    blank = is_blank(column)
    # PostGIS writes the CRS before it; another than degrees is none that a table could have.
    text = np.array(
        [None if b else str(t).upper().removeprefix("SRID=4326;") for t, b in zip(column, blank, strict=True)],
        dtype=object,
    )
    check_wkt(text, path)
    geometry = np.asarray(shapely.from_wkt(text, on_invalid="ignore"), dtype=object)
    wrong = np.flatnonzero([g is None and t is not None for g, t in zip(geometry, text, strict=True)])
    if len(wrong):
        raise LayerError(
            f"{path} can't be read: column {column.name!r} holds {str(text[wrong[0]])[:40]!r} in line "
            f"{column.index[wrong[0]]}: "
            "allowed is well-known text such as POINT (60 50)"
        )
    return geometry
