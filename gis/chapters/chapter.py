"""What a chapter of a run is: tables of its own, layers of its own, and further columns for the layers of every run."""

from __future__ import annotations

from dataclasses import dataclass, field

import geopandas as gpd
import pandas as pd


@dataclass(frozen=True)
class Chapter:
    """Results of one chapter.

    Attributes
    ----------
    tables
        By file name; a row per thing, units in the names of columns.
    layers
        Tables with geometry that maps draw.
    columns
        Further columns of `gis.measures.Measures` by table, in the order of its rows.
    notes
        What a reader must know.
    """

    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    layers: dict[str, gpd.GeoDataFrame] = field(default_factory=dict)
    columns: dict[str, pd.DataFrame] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Chapters:
    """All tables and layers that the chapters add to a run, by name."""

    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    layers: dict[str, gpd.GeoDataFrame] = field(default_factory=dict)


def rows_like(table: pd.DataFrame, keys: pd.Series, by: str) -> pd.DataFrame:
    """Return the rows of a table in the order of keys, empty where a key has none; the key's column is dropped."""
    return table.set_index(by).reindex(keys).reset_index(drop=True)
