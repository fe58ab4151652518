"""A scenario's answer: what opening or closing checkpoints changes, per region, checkpoint and cell, and in total."""

from __future__ import annotations

import numpy as np
import pandas as pd

CELL_COLUMNS = ("time_to_checkpoint_min", "potential_cross_actual", "border_loss")
NOISE_PCT = 1e-5
"""Per cent of change below which a cell counts as unchanged: splitting a link anew moves times by rounding errors."""
REGION_COLUMNS = (
    "time_to_checkpoint_min",
    "population_within_60min",
    "population_within_120min",
    "potential_cross_actual",
    "border_loss",
)


def before_and_after(
    before: pd.DataFrame, after: pd.DataFrame, key: str, columns: tuple[str, ...], *, keep: tuple[str, ...] = ()
) -> pd.DataFrame:
    """Return columns of two tables side by side, joined by `key`, with the difference after − before.

    Returns
    -------
    `key`, `keep`, and per column ``<column>_before``, ``<column>_after``, ``<column>_change`` (NaN where either is).
    Rows of either table; a row in one alone has NaN on the other side.
    """
    if after[key].is_unique and after[key].tolist() == before[key].tolist():
        # The same rows in the same order, as edits of checkpoints leave places: nothing is to be looked up.
        labels, old, new = (t.reset_index(drop=True) for t in (after[[key, *keep]], before, after))
    else:
        both = pd.concat([after[[key, *keep]], before[[key, *keep]]]).drop_duplicates(key)
        old, new = (t.set_index(key).reindex(both[key]).reset_index(drop=True) for t in (before, after))
        labels = both.reset_index(drop=True)
    sides: dict[str, pd.Series] = {}
    for column in columns:
        a, b = old[column].astype(float), new[column].astype(float)
        sides |= {f"{column}_before": a, f"{column}_after": b, f"{column}_change": b - a}
    return pd.concat([labels, pd.DataFrame(sides, index=labels.index)], axis=1)


def cell_changes(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Return the cells with both states and ``potential_change_pct``.

    That is the change of the cross-border potential in per cent of before.
    """
    table = before_and_after(before, after, "cell", CELL_COLUMNS, keep=("side", "region", "population"))
    old = table["potential_cross_actual_before"]
    table["potential_change_pct"] = 100 * table["potential_cross_actual_change"] / old.where(old > 0)
    return table


def most_changed(cells: pd.DataFrame, *, top: int = 10) -> pd.DataFrame:
    """Return the inhabited cells that gain and lose most of cross-border potential, weighted by their people.

    ``people_potential_change`` = population × change of potential; ``effect`` says gain or loss. Cells without change
    are left out.
    """
    weight = cells["population"] * cells["potential_cross_actual_change"]
    table = cells.assign(people_potential_change=weight)
    # From nothing there is no per cent: any gain is one.
    pct = table["potential_change_pct"].where(table["potential_cross_actual_before"] > 0, np.inf)
    moved: pd.DataFrame = table[np.abs(pct) > NOISE_PCT]
    gains = moved[moved["people_potential_change"] > 0].nlargest(top, "people_potential_change").assign(effect="gain")
    losses = moved[moved["people_potential_change"] < 0].nsmallest(top, "people_potential_change").assign(effect="loss")
    return pd.concat([gains, losses], ignore_index=True)


def flags_changed(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Return the cells whose flag as a growth point or a bottleneck changes, named by their settlement.

    Parameters
    ----------
    before, after
        Cells with ``cell``, ``near``, ``side``, ``region``, ``population``, ``growth_flag``, ``bottleneck_flag``.

    Returns
    -------
    ``place``, ``side``, ``region``, ``population``, ``flag`` (growth or bottleneck), ``before``, ``after``, most people
    first.
    """
    both = before.merge(after[["cell", "growth_flag", "bottleneck_flag"]], on="cell", suffixes=("", "_after"))
    parts = []
    for flag in ("growth", "bottleneck"):
        old, new = both[f"{flag}_flag"].astype(str), both[f"{flag}_flag_after"].astype(str)
        moved = both.loc[old != new, ["near", "side", "region", "population"]].rename(columns={"near": "place"})
        parts.append(moved.assign(flag=flag, before=old[old != new], after=new[old != new]))
    return pd.concat(parts).sort_values(
        ["population", "place"], ascending=[False, True], kind="stable", ignore_index=True
    )


def totals(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Return the whole border's figures before and after, from the settlements: one row per measure.

    ``known_share_before`` and ``known_share_after`` are the shares of the people whom a figure is of.

    Parameters
    ----------
    before, after
        Settlements with ``population``, ``time_to_checkpoint_min``, ``potential_cross_<network>``.
    """
    rows = [(name, unit, _total(before, what), _total(after, what)) for name, unit, what in _TOTALS]
    table = pd.DataFrame(rows, columns=["measure", "unit", "before", "after"])
    table["change"] = table["after"] - table["before"]
    for state, s in (("before", before), ("after", after)):
        table[f"known_share_{state}"] = [_known(s, what) for _, _, what in _TOTALS]
    return table


_TOTALS = (
    ("time to the nearest open checkpoint, mean over people", "min", "time"),
    ("people within 60 min of an open checkpoint", "persons", "60"),
    ("people within 120 min of an open checkpoint", "persons", "120"),
    ("people further than 120 min from an open checkpoint", "persons", "beyond"),
    ("cross-border potential, mean over people", "person-equivalents", "potential"),
    ("border loss", "share", "loss"),
)


def _total(s: pd.DataFrame, what: str) -> float:
    """Return one figure of the settlements."""
    people = s["population"].astype(float)
    minutes = s["time_to_checkpoint_min"]
    if what == "time":
        reached = people[minutes.notna()].sum()
        return float((people * minutes).sum() / reached) if reached > 0 else float("nan")
    if what in ("60", "120"):
        return float(people[minutes <= float(what)].sum())
    if what == "beyond":
        return float(people[minutes > 120].sum())
    real = (people * s["potential_cross_actual"]).sum()
    if what == "potential":
        known = people[s["potential_cross_actual"].notna()].sum()
        return float(real / known) if known > 0 else float("nan")
    free = (people * s["potential_cross_borderless"]).sum()
    return float(1 - real / free) if free > 0 else float("nan")


def _known(s: pd.DataFrame, what: str) -> float:
    """Return the share of the people of whom a figure is known."""
    column = "potential_cross_actual" if what in ("potential", "loss") else "time_to_checkpoint_min"
    people = s["population"].astype(float)
    return float(people[s[column].notna()].sum() / people.sum()) if people.sum() > 0 else float("nan")


def compare_tables(
    *,
    settlements_before: pd.DataFrame,
    settlements_after: pd.DataFrame,
    regions_before: pd.DataFrame,
    regions_after: pd.DataFrame,
    checkpoints_before: pd.DataFrame,
    checkpoints_after: pd.DataFrame,
    cells_before: pd.DataFrame,
    cells_after: pd.DataFrame,
) -> dict[str, pd.DataFrame]:
    """Return the tables that two states of a network leave: totals, regions, checkpoints, cells, most_changed."""
    cells = cell_changes(cells_before, cells_after)
    shares = ("share", "share_of_mode", "criticality_min")
    named = ("name", "mode")
    return {
        "totals": totals(settlements_before, settlements_after),
        "regions": before_and_after(regions_before, regions_after, "region", REGION_COLUMNS, keep=("name", "side")),
        "checkpoints": before_and_after(checkpoints_before, checkpoints_after, "checkpoint_id", shares, keep=named),
        "cells": cells,
        "most_changed": most_changed(cells),
    }
