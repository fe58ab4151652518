"""The finding as areas: the cells of both ranked lists, each with how far it hangs on settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd

from maps.contents import Contents
from maps.phrases import spoken
from maps.styles.classes import LayerStyle, StyleClass

GROWTH, BOTTLENECK = "growth point", "bottleneck"
STEADY, SOME, LISTED = "steady", "some", "listed"
_LISTS = (("growth", GROWTH), ("bottlenecks", BOTTLENECK))


def finding_layer(cells: gpd.GeoDataFrame, tables: Mapping[str, pd.DataFrame]) -> gpd.GeoDataFrame:
    """Return the cells of both ranked lists, each in the one that names it.

    Parameters
    ----------
    cells
        With ``cell`` and the columns of every run.
    tables
        With ``growth`` and ``bottlenecks``, the ranked lists, where there are any.

    Returns
    -------
    places
        Rows of the lists with the geometry of their cell and ``finding``: the list and ``steady`` (among the leading
        tenth in 90 % of the settings), ``some`` (in some of them) or ``listed`` (in none).
    """
    parts = [_of_list(tables[name], word) for name, word in _LISTS if len(tables.get(name, ()))]
    columns = ["cell", "finding", "geometry"]
    if not parts:
        return gpd.GeoDataFrame({c: [] for c in columns}, geometry="geometry", crs=cells.crs)
    rows = pd.concat(parts, ignore_index=True).drop_duplicates("cell")
    taken = [c for c in ("nearest_checkpoint", "region", "near") if c in cells]
    rows = rows.drop(columns=[c for c in taken if c in rows])
    shapes = cells[["cell", *taken, "geometry"]]
    return gpd.GeoDataFrame(rows.merge(shapes, on="cell"), geometry="geometry", crs=cells.crs)


def with_finding(contents: Contents) -> Contents:
    """Return contents with the finding as their first area, where there are ranked lists and cells."""
    cells = contents.layers.get("cells")
    if cells is None or "cell" not in cells:
        return contents
    found = finding_layer(cells, contents.tables)
    if found.empty:
        return contents
    styles = [style for style in contents.styles if style.layer != "places"]  # the same as points
    at = next((i for i, style in enumerate(styles) if style.layer == "cells"), len(styles))
    styles.insert(at, spoken(FINDING, contents.sides))
    return replace(contents, layers={**contents.layers, "finding": found}, styles=styles)


def _of_list(table: pd.DataFrame, word: str) -> pd.DataFrame:
    """Return the rows that a list names, with how steady each is."""
    advised = table[table["advice"] == word]
    steady = advised["steady"].astype(bool).to_numpy()
    certainty = np.select([steady, advised["leading_share"].to_numpy(float) > 0], [STEADY, SOME], LISTED)
    return advised.assign(finding=[f"{word} {each}" for each in certainty])


FINDING_CLASSES = (
    StyleClass("Growth point", "#1b8a78", value=f"{GROWTH} {STEADY}"),
    StyleClass("… only in some settings", "#1b8a78", value=f"{GROWTH} {SOME}", hatched=True),
    StyleClass("… among the leading tenth in none", "#e2ece9", value=f"{GROWTH} {LISTED}"),
    StyleClass("Bottleneck", "#c8501e", value=f"{BOTTLENECK} {STEADY}"),
    StyleClass("… only in some settings", "#c8501e", value=f"{BOTTLENECK} {SOME}", hatched=True),
    StyleClass("… among the leading tenth in none", "#f4e6de", value=f"{BOTTLENECK} {LISTED}"),
)
"""Solid for what stays among the leading tenth of its list in 90 % of the settings, hatched for what is there in
some."""

FINDING = LayerStyle(
    "finding",
    "finding",
    "Growth points and bottlenecks",
    "Cells of both ranked lists: those that reach most across the border, and those from where the next city "
    "across takes longest beside home roads",
    "Border belt",
    "Polygon",
    "categorized",
    FINDING_CLASSES,
    column="finding",
    fields={
        "place": "Place",
        "advice": "Named as",
        "population": "People (settlements with a known population)",
        "rank": "Rank in its list",
        "leading_share": "Among the leading tenth in (share of settings)",
        "growth": "Reaches across, times what side, home and distance give",
        "growth_low": "… 5 % of settings",
        "growth_high": "… 95 % of settings",
        "leading_city": "Largest city in its potential",
        "excess_min": "Minutes beyond what home roads take",
        "excess_low_min": "… 5 % of settings (min)",
        "excess_high_min": "… 95 % of settings (min)",
        "next_city": "Next city across the border",
        "next_city_min": "Minutes to the next city across",
        "home_roads_min": "Minutes that home roads take as far",
        "excess_wait_min": "of which wait (min)",
        "region": "Region",
        "nearest_checkpoint": "Nearest open checkpoint",
        "flag": "Beside chance and smooth surfaces",
    },
    name_column="place",
    opacity=0.9,
    outline="#ffffff",
)
