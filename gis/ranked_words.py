"""The ranked places in words: growth, bottlenecks, and whether anything stands out beside equally smooth surfaces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.statistics.flags import STANDS_OUT, UNCERTAIN
from analysis.statistics.lists import KIND
from analysis.statistics.permutations import MIN_UNITS

if TYPE_CHECKING:
    from gis.hot import Hot

NAMED = 4
"""Places that a sentence names."""


def places_in_words(
    growth: pd.DataFrame | None, bottlenecks: pd.DataFrame | None, hot: Hot | None, cells: pd.DataFrame
) -> list[str]:
    """Return at most three sentences: growth, bottlenecks, and what stands out.

    Parameters
    ----------
    growth, bottlenecks
        The ranked lists (`analysis.statistics.lists`).
    cells
        With both flags, ``place`` and ``population``.
    """
    out = [_growth(growth), _bottlenecks(bottlenecks, hot)]
    if hot is not None and hot.smooth:
        out.append(_stands_out(hot, cells))
    return [line for line in out if line]


def _growth(table: pd.DataFrame | None) -> str:
    """Return the places of growth with their ranges."""
    if table is None or table.empty:
        return ""
    rows = table[table["advice"] == KIND["growth"]].head(NAMED)
    listed = "; ".join(_one_growth(r) for r in rows.itertuples())  # four
    if not listed:
        return ""
    return (
        "Growth by size: of cells with people enough these reach most across the border beside what their side, potential at home and distance to the line give: "
        f"{listed}. A range over settings is no confidence interval."
    )


def _one_growth(row: Any) -> str:
    """Return one place of growth."""
    return (
        f"{row.place} ({row.population:,.0f} people) {row.growth:.1f} times ({row.growth_low:.1f}–{row.growth_high:.1f} over {row.settings:.0f} settings, "
        f"rank {row.rank_low:.0f}–{row.rank_high:.0f}{_hangs(row.leading_city, row.leading_city_share)}{_steady(row)}{_doubt(row)})"
    )


def _one_bottleneck(row: Any) -> str:
    """Return one bottleneck."""
    assumed = " (assumed)" if row.assumed_wait_share > 0 else ""
    return (
        f"{row.place} ({row.population:,.0f} people) +{row.excess_min:.0f} min to {row.next_city} ({row.next_city_min:.0f}, home roads {row.home_roads_min:.0f}), "
        f"{row.excess_wait_min:.0f} of them wait{assumed} (range {row.excess_low_min:.0f}–{row.excess_high_min:.0f}{_steady(row)}{_doubt(row)})"
    )


def _hangs(city: str, share: float) -> str:
    """Return what a potential hangs on."""
    return f", {city} is {share:.0%} of it" if city and np.isfinite(share) else ""


def _steady(row: Any) -> str:
    """Return whether a place is steady, or in how many settings it is among the leading tenth."""
    return ", steady" if row.steady else f", in the leading tenth in {row.leading_share:.0%}"


def _doubt(row: Any) -> str:
    """Return that a flag is uncertain."""
    return ", its label uncertain" if row.flag == UNCERTAIN else ""


def _bottlenecks(table: pd.DataFrame | None, hot: Hot | None) -> str:
    """Return the bottlenecks with their ranges, and how much of them is wait."""
    if table is None or table.empty:
        return ""
    rows = table[table["advice"] == KIND["bottleneck"]].head(NAMED)
    listed = "; ".join(_one_bottleneck(r) for r in rows.itertuples())  # four
    if not listed:
        return ""
    only = (
        f" {hot.undetoured:.0%} of the populated cells have no detour in these data, so that other measures of loss repeat the assumed waits."
        if hot is not None and hot.undetoured > 0.9
        else ""
    )
    return f"Bottlenecks by people times minutes to the next city across beyond what home roads take as far: {listed}.{only}"


def _stands_out(hot: Hot, cells: pd.DataFrame) -> str:
    """Return what stands out beside equally smooth surfaces, or that nothing does and with what power."""
    parts, seen = [], []
    for name, noun in (("growth", "growth point"), ("bottleneck", "bottleneck")):
        found = hot.smooth.get(name, {})
        if found.get("units", 0) < MIN_UNITS or not np.isfinite(found.get("least", np.nan)):
            parts.append(f"no {noun} could be tested ({found.get('units', 0)} cells with neighbours)")
            continue
        rows = cells[cells[f"{name}_flag"] == STANDS_OUT].sort_values("population", ascending=False)
        if len(rows):
            names = ", ".join(dict.fromkeys(rows["place"].head(NAMED)))
            parts.append(
                f"as a {noun} {names} {'stands' if len(rows) == 1 else 'stand'} out ({len(rows)} cells, {_p(found['least'])})"
            )
        else:
            parts.append(f"no {noun} stands out ({_p(found['least'])})")
            seen.append((int(found["units"]), float(found["seen_sd"])))
    power = ""
    if seen:
        units, sd = max(seen, key=lambda pair: pair[1])
        power = f"; with {units} cells a stretch less than about {np.ceil(sd):.0f}–{np.ceil(sd) + 1:.0f} standard deviations above its surroundings would seldom be found"
    return f"Beside surfaces as smooth as the data: {'; '.join(parts)} (maximum test{power})."


def _p(p: float) -> str:
    """Return a p as far as the draws know it: another seed moves a large one by some hundredths."""
    return "p above 0.1" if p > 0.1 else f"p = {p:.2g}"
