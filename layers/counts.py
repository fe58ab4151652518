"""Counts at checkpoints: vehicles or persons a day by post and direction, as their owner has them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from layers.checkpoints import find_checkpoint
from layers.errors import LayerError, PlaceError, short

COLUMNS = ("checkpoint", "per_day", "direction", "unit", "date", "source")
DIRECTIONS = ("both", "a to b", "b to a")
UNITS = ("vehicles", "persons")


@dataclass(frozen=True)
class Counts:
    """Counts of both directions a day by checkpoint.

    Attributes
    ----------
    table
        ``checkpoint_id``, ``mode``, ``observed_per_day``, ``unit``, ``dates``, ``sources``.
    notes
        What was assumed in reading them.
    """

    table: pd.DataFrame
    notes: tuple[str, ...] = ()


def read_counts(path: Path, checkpoints: gpd.GeoDataFrame) -> Counts:
    """Return the counts of a CSV file.

    Parameters
    ----------
    path
        Columns ``checkpoint`` (name or id) and ``per_day``; ``direction`` (both, ``a to b``, ``b to a``), ``unit``
        (vehicles, persons), ``date`` and ``source`` where they are known. Several rows of one post and direction are
        averaged.
    checkpoints
        The layer whose posts they are of.

    Notes
    -----
    Where one direction alone was counted, the other is taken to be the same, and that is said.

    Raises
    ------
    LayerError
        The file is no table, has other columns, a number below 0, an unknown post: one message with all rows.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, ValueError, pd.errors.ParserError) as error:
        raise LayerError(f"counts ({short(path)}) can't be read: {error}") from None
    lost = [c for c in ("checkpoint", "per_day") if c not in table]
    if lost or not len(table):
        raise LayerError(
            f"counts ({short(path)}) lack {', '.join(lost) or 'rows'}: allowed are columns {', '.join(COLUMNS)}"
        )
    table = table.reindex(columns=COLUMNS, fill_value="").apply(lambda c: c.str.strip())
    table["direction"] = table["direction"].where(table["direction"] != "", "both")
    table["unit"] = table["unit"].where(table["unit"] != "", "vehicles")
    number = pd.to_numeric(table["per_day"], errors="coerce").to_numpy(float)
    ids, problems = [], []
    for n, row in enumerate(table.to_dict("records")):  # tens of rows, each with its own message
        try:
            ids.append(find_checkpoint(checkpoints, row["checkpoint"]))
        except PlaceError as error:
            ids.append("")
            problems.append(f"line {n + 2}: {str(error).partition(': allowed')[0]}")
        if not 0 <= number[n] < 1e7:
            problems.append(f"line {n + 2}: per_day = {row['per_day']!r}, allowed is 0 or more")
        if row["direction"] not in DIRECTIONS or row["unit"] not in UNITS:
            problems.append(
                f"line {n + 2}: {row['direction']!r} of {row['unit']!r}, allowed are {', '.join(DIRECTIONS)} of "
                f"{', '.join(UNITS)}"
            )
    if problems:
        raise LayerError(f"counts ({short(path)}): {'; '.join(problems)}")
    return _summed(table.assign(checkpoint_id=ids, number=number), checkpoints, path)


def _joined(texts: pd.Series) -> str:
    """Return texts that differ, one after the other."""
    return "|".join(dict.fromkeys(str(x) for x in texts if x))


def _summed(table: pd.DataFrame, checkpoints: gpd.GeoDataFrame, path: Path) -> Counts:
    """Return one row per checkpoint, both directions together."""
    units = table.groupby("checkpoint_id")["unit"].nunique()
    if (units > 1).any():
        raise LayerError(
            f"counts ({short(path)}): vehicles and persons at {', '.join(units.index[units > 1])}: allowed is "
            "one of them a post"
        )
    mean = table.groupby(["checkpoint_id", "direction"])["number"].mean().unstack().reindex(columns=DIRECTIONS)
    one = mean[["a to b", "b to a"]]
    apart = one.sum(axis=1, min_count=1) * np.where(one.notna().sum(axis=1) == 1, 2.0, 1.0)
    half = mean.index[mean["both"].isna() & (one.notna().sum(axis=1) == 1)]
    texts = table.groupby("checkpoint_id")[["unit", "date", "source"]].agg(_joined)
    modes = checkpoints.set_index("checkpoint_id")["mode"]
    out = pd.DataFrame(
        {
            "checkpoint_id": mean.index,
            "mode": modes.reindex(mean.index).to_numpy(),
            "observed_per_day": mean["both"].fillna(apart).to_numpy(float),
            "unit": texts["unit"].to_numpy(),
            "dates": texts["date"].to_numpy(),
            "sources": texts["source"].to_numpy(),
        }
    )
    notes = (f"counts of one direction at {', '.join(half)}: the other is taken to be the same",) if len(half) else ()
    return Counts(out, notes)
