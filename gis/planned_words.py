"""A scenario's answer in sentences, each number with its spread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping

SIDES = {"a": "side a", "b": "side b"}


def answer_in_words(tables: Mapping[str, pd.DataFrame], edits: Sequence[str]) -> list[str]:
    """Return the answer of a scenario; nothing but the edits where it has no effects.

    Parameters
    ----------
    tables
        From `gis.queries.answers.planned_tables`.
    edits
        A line on each edit.
    """
    out = [f"{line[:1].upper()}{line[1:]}." for line in edits]
    if "effects" not in tables:
        return out
    rows = tables["effects"].set_index("key")
    saved = float(rows["change"]["saved"])
    verb = "gain" if saved >= 0 else "lose"
    out.append(
        f"Users {verb} {_with_range(rows, 'saved', flip=saved < 0)} min per trip of today, by the area under the "
        "demand curve."
    )
    half, path = float(rows["change"]["saved_half"]), float(rows["change"]["saved_path"])
    if abs(path) > 1e-9:
        out.append(
            f"For pairs with a way before the rule of a half says {half:.3g} min per trip and the area "
            f"{path:.3g}, {100 * (half / path - 1):+.1f} %."
        )
    if abs(float(rows["change"]["saved_new"])) > 1e-9:
        out.append(
            f"Pairs without a way before or after count {_with_range(rows, 'saved_new')} min per trip by the "
            "area alone."
        )
    if "hours_per_day" in rows.index:
        out.append(f"In vehicles: {_with_range(rows, 'hours_per_day')} hours a day.")
    for key, what in (("city_240", "within 240 min of a city across"), ("post_60", "within 60 min of an open post")):
        if abs(float(rows["change"][key])) >= 0.5 or abs(float(rows["high"][key]) - float(rows["low"][key])) >= 0.5:
            out.append(f"People {what}: {_with_range(rows, key, whole=True)}.")
    if "gains_sides" in tables:
        out += [_of_side(row) for row in tables["gains_sides"].astype(object).to_dict("records")]
    if "worth" in tables:
        out += [
            f"{row['name']!s} shortens no trip above {float(row['worthless_above_min']):.0f} min of wait (it has "
            f"{float(row['wait_min']):.0f})."
            for row in tables["worth"].astype(object).to_dict("records")
        ]
    return out


def _with_range(rows: pd.DataFrame, key: str, *, flip: bool = False, whole: bool = False) -> str:
    """Return a change with its 5–95 %."""
    change, low, high = (float(rows[c][key]) for c in ("change", "low", "high"))
    if flip:
        change, low, high = -change, -high, -low
    text = _three(change, signed=whole)
    return text if pd.isna(low) else f"{text} (5–95 %: {_three(low, signed=whole)} to {_three(high, signed=whole)})"


def _three(value: float, *, signed: bool = False) -> str:
    """Return a number of three digits that count, as the tables have it, its sign where that is wanted.

    Examples
    --------
    >>> _three(-1049.7), _three(0.8421), _three(1_306_353, signed=True)
    ('-1,050', '0.842', '+1,310,000')
    """
    return format(float(f"{value:.3g}"), "+,.10g" if signed else ",.10g")


def _of_side(row: Mapping[Any, Any]) -> str:
    """Return who gains and who loses on one side."""
    most = [f"{word} {row[c]!s}" for word, c in (("most:", "gains_most"),) if row[c]]
    least = [f"most: {row['loses_most']!s}"] if row["loses_most"] else []
    gaining = f"{float(str(row['people_gaining'])):,.0f} people gain" + (f" ({most[0]})" if most else "")
    losing = f"{float(str(row['people_losing'])):,.0f} lose" + (f" ({least[0]})" if least else "")
    return f"On {SIDES.get(str(row['side']), str(row['side']))} {gaining}, {losing}."
