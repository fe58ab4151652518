"""The report's chapters on how sure places are, and on the levels and types of regions."""

from __future__ import annotations

from collections.abc import Mapping

import geopandas as gpd
import pandas as pd
from markupsafe import Markup

from maps.report import charts
from maps.report.tabular import Chapter, Column, Table, made, write_table

_TOP = 15
_DEFINITIONS = (
    Column("place", "Place"),
    Column("region", "Region"),
    Column("population", "People", "count"),
    Column("passes_time", "Residual, neighbours by time", "bool"),
    Column("passes_contiguity", "Residual, cells that touch", "bool"),
    Column("passes_ratio", "Log ratio within the side", "bool"),
    Column("passes_segment", "Segment of the border", "bool"),
    Column("passes", "Passes of 4", "count"),
)
_OUTLIERS = (
    Column("label", "What it is"),
    Column("place", "Place"),
    Column("region", "Region"),
    Column("ratio", "Cross-border / domestic potential, times its side's mean", "number"),
    Column("around", "The same around it", "number"),
    Column("time_to_checkpoint_min", "To the nearest checkpoint (min)"),
    Column("q", "Adjusted p", "p"),
)
_STABLE = (
    Column("alternative", "Instead of H3 cells and network time with waits"),
    Column("label", "Label"),
    Column("units", "Cells", "count"),
    Column("kept", "keep it", "count"),
    Column("kept_share", "Share that keep it (%)", "share"),
    Column("gained", "gain it", "count"),
)
STATISTICS = (
    Column("variable", "Variable"),
    Column("statistic", "Statistic"),
    Column("value", "Value", "number"),
    Column("expected", "Expected", "number"),
    Column("z", "z", "number"),
    Column("p_two_sided", "p, two-sided", "p"),
    Column("n", "n", "count"),
    Column("permutations", "Permutations", "count"),
    Column("note", "Note"),
)
"""Columns of a table of global statistics, here and in the report's own section."""
_NULL = (
    Column("indicator", "Indicator, median of people"),
    Column("observed", "Observed", "number"),
    Column("null_p05", "Chance, 5 %", "number"),
    Column("null_median", "Chance, median", "number"),
    Column("null_p95", "Chance, 95 %", "number"),
    Column("p_worse", "p that chance does as badly", "p"),
)
_RANKS = (
    Column("name", "Region"),
    Column("side", "Side"),
    Column("index", "Index", "number"),
    Column("transport", "Transport"),
    Column("joint_projects", "Joint projects"),
    Column("social_services", "Social services"),
    Column("levels_assessed", "Levels assessed"),
    Column("rank_median", "Rank, median", "number"),
    Column("interval", "5–95 %"),
    Column("type", "Type"),
    Column("type_share", "Runs with that type (%)", "share"),
)
_INDICATORS = (
    Column("indicator", "Indicator"),
    Column("level", "Level"),
    Column("unit", "Unit"),
    Column("sense", "Better"),
    Column("low", "Worst or least", "number"),
    Column("high", "Best or most", "number"),
    Column("weight", "Weight in its level", "number"),
)
_GROUPS = (
    Column("contiguity", "Neighbours over the border"),
    Column("method", "Method"),
    Column("name", "Group"),
    Column("members", "Regions"),
    Column("silhouette", "Silhouette", "number"),
    Column("stability", "Stability", "number"),
)


def _coded(codes: pd.Series, regions: Mapping[str, str]) -> list[str]:
    """Return names of regions in place of codes joined by a bar."""
    return [", ".join(regions.get(c, c) for c in str(text).split("|") if c) for text in codes]


def places_chapter(
    tables: Mapping[str, pd.DataFrame], layers: Mapping[str, gpd.GeoDataFrame], regions: Mapping[str, str]
) -> Chapter:
    """Return the chapter on definitions of growth, isolated gaps, stability, and chance."""
    written = []
    for key, columns, caption in (
        ("growth_definitions", _DEFINITIONS, "Growth by four definitions: cells that pass at least one by the local test"),
        ("outliers", _OUTLIERS, "Cells unlike all around them on their own side: candidates for a scenario, and good crossings among poor ones"),
    ):  # fmt: skip
        table = pd.DataFrame(layers[key]) if key in layers else tables.get(key)
        if table is not None and "passes" in table:
            table = table[table["passes"] > 0]
        if table is not None and len(table):
            named = table.assign(region=[regions.get(c, c) for c in table["region"]])
            written.append(_first_rows(named, columns, caption))
    if len(tables.get("stability", ())):
        written.append(
            write_table(
                tables["stability"], _STABLE, "Growth points of the local test that stay when it is done otherwise"
            )
        )
    null = tables.get("structural_null", pd.DataFrame())
    if len(null):
        whole = null[null["unit"] == "all"]
        written.append(
            write_table(whole, _NULL, "The open checkpoints against as many placed by chance among all crossings")
        )  # fmt: skip
    if "association" in tables:
        written.append(write_table(tables["association"], STATISTICS, "Association along the whole border"))
    return Chapter(
        "places",
        "Places and how sure they are",
        "How many of four definitions of growth a place passes by the local test, which finds something in nearly every smooth surface; how many cells pass it again under "
        "other neighbours, cells and grids. A candidate for a checkpoint is one for a scenario: neither ground nor roads are in it.",
        tables=made(*written),
    )


def _first_rows(table: pd.DataFrame, columns: tuple[Column, ...], caption: str) -> Table:
    """Write the first rows of a long table, and say so."""
    notes = (f"The first {_TOP} of {len(table)}; all are in the tables.",) if len(table) > _TOP else ()
    return write_table(table.head(_TOP), columns, caption, notes)


def levels_chapter(tables: Mapping[str, pd.DataFrame], sides: tuple[str, str]) -> Chapter:
    """Return the chapter on the index of regions and their types."""
    figures: list[tuple[Markup, str]] = []
    written: list[Table] = []
    named = dict(zip("ab", sides, strict=True))
    if "ranks" in tables:
        ranks = tables["ranks"].assign(
            interval=lambda t: [
                f"{a:g}–{b:g}" if a == a else "" for a, b in zip(t["rank_p5"], t["rank_p95"], strict=True)
            ]
        )
        figures.append(
            (
                Markup(charts.rank_intervals(ranks, sides=sides)),
                "Ranks over random choices of weights, normalisation and aggregation, and, with the half-life as decay, of waits and half-life halved and doubled. A long bar says "
                "that the place of a region hangs on how the index is made.",
            )
        )  # fmt: skip
        scores = tables["index"].drop(columns=["rank"]).merge(ranks, on="region").sort_values("rank_median")
        scores = scores.assign(side=scores["side"].map(named), **_scores(scores))
        written.append(write_table(scores, _RANKS, "Index of the levels that were assessed, and ranks"))
    if "types" in tables:
        types = tables["types"].rename(columns={"potential": "x", "permeability": "y"})
        cuts = float(types["potential_cut"].iloc[0]), float(types["permeability_cut"].iloc[0])
        drawn = charts.quadrants(types, axes=("potential across the border without a border", "border loss"), cuts=cuts)
        figures.append(
            (
                Markup(drawn),
                "Types of regions: two axes, each cut at its median. The names are the study's own and can be changed there.",
            )
        )
    if "indicators" in tables:
        senses = tables["indicators"].assign(sense=lambda t: t["direction"].map({1: "more", -1: "less"}))
        written.append(write_table(senses, _INDICATORS, "Indicators of the index"))
    if "groups" in tables:
        written.append(
            write_table(
                _grouped(tables["groups"], tables["group_choices"]), _GROUPS, "Regions that are alike and hang together"
            )
        )
    return Chapter(
        "levels",
        "Levels and types",
        "The conceptual model has three levels: transport communication, computed here; joint projects and social services, from the user's own table. "
        "A level without data is not assessed, and the index is of the others alone. Differences of rank within the intervals mean nothing.",
        tuple(figures),
        made(*written),
    )


def _scores(table: pd.DataFrame) -> dict[str, list[str]]:
    """Return the scores of the levels as text: what was not assessed says so."""
    return {
        level: [f"{s:.2f}" if s == s else "not assessed" for s in table[f"{level}_score"]]
        for level in ("transport", "joint_projects", "social_services")
    }


def _grouped(groups: pd.DataFrame, choices: pd.DataFrame) -> pd.DataFrame:
    """Return a row per group with its members and what the choice of their number was worth."""
    keys = ["contiguity", "method"]
    rows = groups.dropna(subset=["group"]).groupby([*keys, "group", "name"], sort=True)["title"].agg(", ".join)
    return rows.rename("members").reset_index().merge(choices[choices["chosen"]], on=keys, how="left")
