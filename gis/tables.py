"""The tables of a run as files: what is wide in memory, a column per limit, network or statistic, is long in them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from layers.cells import harmless
from layers.lists import with_joined_lists
from maps.columns import dictionary

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import geopandas as gpd

    from gis.chapters.chapter import Chapters
    from gis.measures import Measures
    from maps.styles.classes import LayerStyle

LONG = (("cells", "cell"), ("settlements", "settlement_id"))
"""Tables that fall apart, and the column that tells their rows apart."""
_REACH = re.compile(r"people_within_(?P<limit>[\d.]+min|a_day)_cross_(?P<network>borderless|open|actual)")
_LOST = re.compile(r"people_within_(?:[\d.]+min|a_day)_cross_lost(?:_detour|_delay)?")
_LOCAL = re.compile(
    r"(?P<variable>\w+?)_(?P<statistic>moran|g|geary|losh|bv|local)_(?P<part>i|c|h|z|quadrant|kind|p|q)"
)
_VALUES = {
    "i": "value",
    "c": "value",
    "h": "value",
    "z": "value",
    "quadrant": "class",
    "kind": "class",
    "p": "p",
    "q": "q",
}


def tables_of(measures: Measures, chapters: Chapters, *, day_min: float) -> dict[str, pd.DataFrame]:
    """Return the tables of a run by name, and ``columns``, which says what stands in them.

    Columns carry their units, places have lon and lat. What has a column per limit and network, or per variable and
    statistic, is long: ``reach_cells`` and ``reach_settlements`` (key, ``within_min``, ``there_and_back``, ``network``,
    ``people``) and ``local_statistics`` (cell, ``variable``, ``statistic``, ``value``, ``class``, ``p``, ``q``).

    Parameters
    ----------
    day_min
        Minutes of the way there and back of ``people_within_a_day``.
    """
    tables = {
        "checkpoints": _with_lonlat(measures.checkpoints.drop(columns=["names"])),
        "regions": pd.DataFrame(measures.regions.drop(columns="geometry")),
        "cells": pd.DataFrame(measures.cells.drop(columns="geometry")),
        "segments": pd.DataFrame(measures.segments.drop(columns="geometry")),
        "crossings": _with_lonlat(measures.crossings),
        "settlements": _with_lonlat(measures.settlements.drop(columns=["names"])),
        "statistics": measures.statistics,
        **chapters.tables,
        **{name: pd.DataFrame(layer.drop(columns="geometry")) for name, layer in chapters.layers.items()},
    }
    for name, key in LONG:
        tables |= _made_long(name, key, tables[name], day_min)
    return {**tables, "columns": dictionary({name: list(table.columns) for name, table in tables.items()})}


def write_tables(folder: Path, tables: dict[str, pd.DataFrame], form: str = "plain") -> None:
    """Write tables as CSV; see `write_csv`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        write_csv(table, folder / f"{name}.csv", form)


def write_csv(table: pd.DataFrame, path: Path, form: str = "plain") -> None:
    """Write a table in one form everywhere.

    UTF-8, nine significant digits, empty for unknown, no formulas (`layers.cells`).

    Parameters
    ----------
    form
        ``excel`` begins the file with a mark of its encoding; see `gis.settings.Outputs`.
    """
    path.write_text(csv_text(table), encoding="utf-8-sig" if form == "excel" else "utf-8", newline="\n")


def csv_text(table: pd.DataFrame) -> str:
    """Return a table as the text that `write_csv` writes."""
    texts = harmless(with_joined_lists(table))
    # pandas has a formatter of its own for numbers, which takes three times as long.
    numbers = {
        c: _digits(texts[c]) for c in texts.columns if isinstance(texts[c], pd.Series) and texts[c].dtype == float
    }
    texts = texts.assign(**numbers)
    return str(texts.to_csv(index=False, float_format="%.9g", lineterminator="\n"))


def _digits(values: pd.Series) -> pd.Series:
    """Return numbers as texts of nine significant digits, nothing for unknown."""
    return pd.Series([f"{v:.9g}" if v == v else None for v in values.tolist()], index=values.index, dtype=object)


def write_one(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV or, where the file is called so, Parquet."""
    if path.suffix.casefold() == ".parquet":
        table.to_parquet(path, index=False)
    else:
        write_csv(table, path)


def _with_lonlat(frame: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return a table of points with lon and lat instead of geometry."""
    return pd.DataFrame(frame.drop(columns="geometry")).assign(lon=frame.geometry.x, lat=frame.geometry.y)


def slim(frames: Mapping[str, gpd.GeoDataFrame], styles: Sequence[LayerStyle]) -> dict[str, gpd.GeoDataFrame]:
    """Return the layers without the columns that are long in the tables, but for those that a style draws or names."""
    drawn: dict[str, set[str]] = {}
    for style in styles:
        drawn.setdefault(style.layer, set()).update([*style.fields, str(style.column)])
    out = dict(frames)
    for name, _ in LONG:
        if name in out:
            gone = [c for c in out[name] if _is_long(str(c)) and c not in drawn.get(name, ())]
            out[name] = out[name].drop(columns=gone)
    return out


def _is_long(column: str) -> bool:
    """Return whether a column belongs into a long table."""
    return any(pattern.fullmatch(column) for pattern in (_REACH, _LOST, _LOCAL))


def _made_long(name: str, key: str, table: pd.DataFrame, day_min: float) -> dict[str, pd.DataFrame]:
    """Return a table without its families of columns, and these as long tables."""
    out = {name: table.drop(columns=[c for c in table if _is_long(str(c))])}
    columns = [str(c) for c in table]
    reach = [(c, found) for c in columns if (found := _REACH.fullmatch(c))]
    if reach:
        out[f"reach_{name}"] = pd.concat([_reach_rows(table, key, c, m, day_min) for c, m in reach], ignore_index=True)
    local: dict[tuple[str, str], dict[str, str]] = {}
    for column in columns:
        part = _LOCAL.fullmatch(column)
        if part:
            local.setdefault((part["variable"], part["statistic"]), {})[_VALUES[part["part"]]] = column
    if local:
        out["local_statistics"] = pd.concat(
            [_local_rows(table, key, *k, v) for k, v in local.items()], ignore_index=True
        )
    return out


def _reach_rows(table: pd.DataFrame, key: str, column: str, found: re.Match[str], day_min: float) -> pd.DataFrame:
    """Return the rows of one limit and network."""
    day = found["limit"] == "a_day"
    return pd.DataFrame(
        {
            key: table[key],
            "within_min": day_min if day else float(found["limit"].removesuffix("min")),
            "there_and_back": day,
            "network": found["network"],
            "people": table[column],
        }
    )


def _local_rows(table: pd.DataFrame, key: str, variable: str, statistic: str, parts: dict[str, str]) -> pd.DataFrame:
    """Return the rows of one variable and statistic, those that have any value."""
    rows = pd.DataFrame({key: table[key], "variable": variable, "statistic": statistic})
    for part in ("value", "class", "p", "q"):
        rows[part] = table[parts[part]] if part in parts else ("" if part == "class" else np.nan)
    return rows[rows[["value", "p", "q"]].notna().any(axis=1)]
