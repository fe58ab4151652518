"""What lies between two runs in words: sentences for every section of the page, the most that moved by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

NAMED = 5
"""Names in a sentence at the most."""
SMALLEST = 1e-6
"""What is smaller is no change."""
SECTIONS = ("inputs", "settings", "findings", "posts", "places", "regions", "cells")


def in_words(tables: Mapping[str, pd.DataFrame]) -> dict[str, list[str]]:
    """Return the sentences of every section, by the name of its table.

    Parameters
    ----------
    tables
        From `gis.queries.side_by_side.compared`.
    """
    sentences = {
        "inputs": _inputs(tables["inputs"]),
        "settings": _settings(tables["settings"]),
        "findings": _findings(tables["findings"]),
        "posts": _posts(tables["posts"]),
        "places": _places(tables["places"]),
        "regions": _moved(tables["regions"], "name", "regions"),
        "cells": _moved(tables["cells"].assign(place=_cell_names(tables["cells"])), "place", "cells"),
    }
    return {name: sentences[name] for name in SECTIONS}


def summed_up(tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """Return the sentences of what differs, most important first; one that says so where nothing does."""
    differs = {n: bool(t["change"].ne("same").any()) for n, t in tables.items() if "change" in t}
    words = in_words(tables)
    order = ("cells", "places", "posts", "regions", "findings", "settings", "inputs")
    return [line for name in order if differs.get(name) for line in words[name]] or ["Nothing differs."]


def _named(names: Sequence[object]) -> str:
    """Return names as a list; the rest are counted."""
    shown = [str(n) for n in names[:NAMED]]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def _inputs(table: pd.DataFrame) -> list[str]:
    moved = table[table["change"] != "same"]
    if moved.empty:
        return [f"All {len(table)} inputs are the same, byte for byte."]
    parts = []
    rows = (moved[c] for c in ("layer", "change", "rows_before", "rows_after"))
    for layer, change, before, after in zip(*rows, strict=True):  # a dozen layers
        counts = "" if before == after else f", {_count(before)} → {_count(after)} rows"
        parts.append(f"{layer} ({change}{counts})")
    return [f"{len(moved)} of {len(table)} inputs differ: {', '.join(parts)}."]


def _count(value: float) -> str:
    """Return a number of rows; a dash where the run had no such layer."""
    return f"{value:,.0f}" if value == value else "–"


def _settings(table: pd.DataFrame) -> list[str]:
    if table.empty:
        return ["All settings are the same."]
    rows = table.head(NAMED)[["setting", "before", "after"]].astype(str).replace("", "not set")
    parts = [f"{setting}: {before} → {after}" for setting, before, after in rows.to_numpy().tolist()]
    more = len(table) - len(parts)
    return [f"{len(table)} settings differ: {'; '.join(parts)}{f'; and {more} more' if more > 0 else ''}."]


def _findings(table: pd.DataFrame) -> list[str]:
    kinds = table["change"].value_counts()
    if not set(kinds.index) - {"same"}:
        return ["The sentences of the finding are the same."]
    return [
        f"{kinds.get('same', 0)} sentences of the finding stand in both runs, {kinds.get('gone', 0)} in the "
        "first alone, "
        f"{kinds.get('new', 0)} in the second alone."
    ]


def _posts(table: pd.DataFrame) -> list[str]:
    sentences = _came_and_went(table, "name", "checkpoints")
    both = table[~table["change"].isin(["new", "gone"])]
    status = both[both["status_before"] != both["status_after"]]
    if len(status):
        ways = zip(status["name"], status["status_before"], status["status_after"], strict=True)
        parts = [f"{name} ({before} → {after})" for name, before, after in ways]
        sentences.append(f"Status differs at {_named(parts)}.")
    for column, subject, verbs, unit, factor in (
        ("wait_min", "The wait", ("is longer at", "is shorter at"), "min", 1.0),
        ("share", "The share of trips", ("is larger at", "is smaller at"), "points", 100.0),
    ):
        if f"{column}_change" in both:
            sentences += _amount(both, "name", column, subject, verbs, "checkpoints", unit, factor)
    return sentences or ["All checkpoints are the same."]


def _places(table: pd.DataFrame) -> list[str]:
    sentences = []
    for finding, own in table.groupby("finding", sort=True):
        sentences += _came_and_went(own, "place", f"{finding}s")
        both = own[~own["change"].isin(["new", "gone"])]
        moved = both[both["rank_before"] != both["rank_after"]]
        if len(moved):
            far = (
                moved.assign(by=(moved["rank_after"] - moved["rank_before"]).abs())
                .nlargest(3, "by", keep="all")
                .head(3)
            )
            parts = [
                f"{p} ({a:.0f} → {b:.0f})"
                for p, a, b in zip(far["place"], far["rank_before"], far["rank_after"], strict=True)
            ]
            sentences.append(f"Ranks of {len(moved)} of {len(both)} {finding}s differ, most of {', '.join(parts)}.")
    return sentences or ["The places of the finding are the same."]


def _came_and_went(table: pd.DataFrame, name: str, what: str) -> list[str]:
    sentences = []
    for change, run in (("new", "second"), ("gone", "first")):
        own = table.loc[table["change"] == change, name].tolist()
        if own:
            sentences.append(f"In the {run} run alone, {what}: {_named(own)}.")
    return sentences


def _moved(table: pd.DataFrame, name: str, what: str) -> list[str]:
    """Return sentences on minutes, potential and loss of regions or cells."""
    sentences = _came_and_went(table, name, what)
    both = table[~table["change"].isin(["new", "gone"])]
    if "potential_cross_actual_change" in both:
        old = both["potential_cross_actual_before"]
        pct = both.assign(pct_change=100 * both["potential_cross_actual_change"] / old.where(old > 0))
        sentences += _amount(pct, name, "pct", "Potential across the border", ("rises in", "falls in"), what, "%")
    for column, subject, verbs, unit in (
        ("time_to_checkpoint_min", "The way to the nearest open checkpoint", ("is longer in", "is shorter in"), "min"),
        ("rank_median", "The median rank", ("is lower down for", "is higher up for"), "places"),
    ):
        if f"{column}_change" in both:
            sentences += _amount(both, name, column, subject, verbs, what, unit)
    return sentences or [f"All {len(table)} {what} are the same."]


def _cell_names(table: pd.DataFrame) -> pd.Series:
    """Return the place that names a cell, its id where there is none."""
    if "place" not in table:
        return table["cell"]
    return table["place"].where(table["place"].fillna("").astype(str) != "", table["cell"])


def _amount(
    table: pd.DataFrame,
    name: str,
    column: str,
    subject: str,
    verbs: tuple[str, str],
    what: str,
    unit: str,
    factor: float = 1.0,
) -> list[str]:
    """Return sentences on how many rose and fell, and where most; nothing where none moved.

    Parameters
    ----------
    verbs
        For those that rise and those that fall, such as ``("rises in", "falls in")``.
    """
    change = factor * table[f"{column}_change"].astype(float)
    sentences = []
    for rows, verb, falls in ((change > SMALLEST, verbs[0], False), (change < -SMALLEST, verbs[1], True)):
        if rows.any():
            at = change[rows].sort_values(ascending=falls, kind="stable").index[0]
            by = f"{change[at]:+,.{0 if abs(change[at]) >= 10 else 1}f}".replace("-", "−")
            n = int(rows.sum())
            sentences.append(f"{subject} {verb} {n} of {len(table)} {what}, most {table[name][at]} ({by} {unit}).")
    return sentences
