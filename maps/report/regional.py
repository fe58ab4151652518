"""The report's chapters on named places and their stability, and on the levels and types of regions."""

from __future__ import annotations

from collections.abc import Mapping

import geopandas as gpd
import pandas as pd
from markupsafe import Markup

from maps.report import charts
from maps.report.tabular import Chapter, Column, Table, made, write_table

_PLACES = (
    Column("label", "What it is"),
    Column("place", "Place"),
    Column("regions", "Regions"),
    Column("facing", "Facing"),
    Column("checkpoint_names", "Nearest checkpoints"),
    Column("cells", "Cells", "count"),
    Column("population", "People", "count"),
    Column("strength", "Strength", "number"),
    Column("best_q", "Adjusted p", "p"),
    Column("stability", "Stability (0–1)", "number"),
)
_OUTLIERS = (
    Column("label", "What it is"),
    Column("place", "Near"),
    Column("regions", "Region"),
    Column("facing", "Facing"),
    Column("cross_ratio", "Cross-border / domestic potential", "number"),
    Column("around", "The same around it", "number"),
    Column("checkpoint_names", "Nearest checkpoint"),
    Column("best_q", "Adjusted p", "p"),
)
_STABLE = (
    Column("alternative", "Instead of H3 cells and contiguity"),
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
    """Return the chapter on named places, their stability, and chance."""
    written = []
    for key, columns, caption in (
        ("places", _PLACES, "Growth points and bottlenecks as places, with their evidence"),
        ("outliers", _OUTLIERS, "Cells unlike all around them: candidates for a new checkpoint, and good crossings among poor ones"),
    ):  # fmt: skip
        table = pd.DataFrame(layers[key]) if key in layers else tables.get(key)
        if table is not None and len(table):
            named = table.assign(
                **{c: _coded(table[c], regions) for c in ("regions", "facing")},
                checkpoint_names=[str(t).replace("|", ", ") for t in table["checkpoint_names"]],
            )
            written.append(write_table(named, columns, caption))
    if len(tables.get("stability", ())):
        written.append(write_table(tables["stability"], _STABLE, "Labels that stay when it is done otherwise"))
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
        "The labels again as places with names. A stability of 1 says that the place keeps its label under every other choice of neighbours, cells and grids that was "
        "tried; below 0.5 nothing should be built on it. A candidate is one for a study: neither ground nor roads are in it.",
        tables=made(*written),
    )


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
