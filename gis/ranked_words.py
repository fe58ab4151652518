"""The ranked places in words: growth, bottlenecks, and whether anything stands out beside equally smooth surfaces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.statistics.words import KIND, MIN_UNITS, STANDS_OUT, UNCERTAIN
from maps.i18n import _, localised, number, percent

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
    return _(
        "Growth by size: of cells with people enough these reach most across the border beside what their side, "
        "potential at home and distance to the line give: {list}. "
        "A range over settings is no confidence interval."
    ).format(list=listed)


def _one_growth(row: Any) -> str:
    """Return one place of growth."""
    return _(
        "{place} ({n} people) {times} times ({low}–{high} over {settings} settings, rank {first}–{last}{more})"
    ).format(
        place=row.place,
        n=number(row.population),
        times=number(row.growth, 1),
        low=number(row.growth_low, 1),
        high=number(row.growth_high, 1),
        settings=number(row.settings),
        first=number(row.rank_low),
        last=number(row.rank_high),
        more=f"{_hangs(row.leading_city, row.leading_city_share)}{_steady(row)}{_doubt(row)}",
    )


def _one_bottleneck(row: Any) -> str:
    """Return one bottleneck."""
    text = (
        _(
            "{place} ({n} people) +{excess} min to {city} ({minutes}, home roads {home}), {wait} of them wait "
            "(assumed) (range {low}–{high}{more})"
        )
        if row.assumed_wait_share > 0
        else _(
            "{place} ({n} people) +{excess} min to {city} ({minutes}, home roads {home}), {wait} of them wait "
            "(range {low}–{high}{more})"
        )
    )
    return text.format(
        place=row.place,
        n=number(row.population),
        excess=number(row.excess_min),
        city=row.next_city,
        minutes=number(row.next_city_min),
        home=number(row.home_roads_min),
        wait=number(row.excess_wait_min),
        low=number(row.excess_low_min),
        high=number(row.excess_high_min),
        more=f"{_steady(row)}{_doubt(row)}",
    )


def _hangs(city: str, share: float) -> str:
    """Return what a potential hangs on."""
    known = city and np.isfinite(share)
    return ", " + _("{city} is {share} of it").format(city=city, share=percent(share)) if known else ""


def _steady(row: Any) -> str:
    """Return whether a place is steady, or in how many settings it is among the leading tenth."""
    text = _("in the leading tenth in {share}").format(share=percent(row.leading_share))
    return ", " + (_("steady") if row.steady else text)


def _doubt(row: Any) -> str:
    """Return that a flag is uncertain."""
    return ", " + _("its label uncertain") if row.flag == UNCERTAIN else ""


def _bottlenecks(table: pd.DataFrame | None, hot: Hot | None) -> str:
    """Return the bottlenecks with their ranges, and how much of them is wait."""
    if table is None or table.empty:
        return ""
    rows = table[table["advice"] == KIND["bottleneck"]].head(NAMED)
    listed = "; ".join(_one_bottleneck(r) for r in rows.itertuples())  # four
    if not listed:
        return ""
    out = _(
        "Bottlenecks by people times minutes to the next city across beyond what home roads take as far: {list}."
    ).format(list=listed)
    if hot is None or hot.undetoured <= 0.9:
        return out
    only = _(
        "{share} of the populated cells have no detour in these data, so that other measures of loss repeat the "
        "assumed waits."
    )
    return f"{out} {only.format(share=percent(hot.undetoured))}"


def _stands_out(hot: Hot, cells: pd.DataFrame) -> str:
    """Return what stands out beside equally smooth surfaces, or that nothing does and with what power."""
    listed, seen = [], []
    for name, (untested, some, none) in _words_of_flags().items():
        found = hot.smooth.get(name, {})
        if found.get("units", 0) < MIN_UNITS or not np.isfinite(found.get("least", np.nan)):
            listed.append(untested.format(n=number(found.get("units", 0))))
            continue
        rows = cells[cells[f"{name}_flag"] == STANDS_OUT].sort_values("population", ascending=False)
        if len(rows):
            names = ", ".join(dict.fromkeys(rows["place"].head(NAMED)))
            listed.append(some.format(names=names, n=number(len(rows)), p=_p(found["least"])))
        else:
            listed.append(none.format(p=_p(found["least"])))
            seen.append((int(found["units"]), float(found["seen_sd"])))
    test = _("maximum test")
    if seen:
        units, sd = max(seen, key=lambda pair: pair[1])
        test = _(
            "maximum test; with {n} cells a stretch less than about {low}–{high} standard deviations above its "
            "surroundings would seldom be found"
        ).format(n=number(units), low=number(np.ceil(sd)), high=number(np.ceil(sd) + 1))
    return _("Beside surfaces as smooth as the data: {list} ({test}).").format(list="; ".join(listed), test=test)


def _words_of_flags() -> dict[str, tuple[str, str, str]]:
    """Return what is listed of each flag: not tested, places that stand out, none."""
    return {
        "growth": (
            _("no growth point could be tested ({n} cells with neighbours)"),
            _("as a growth point stand out: {names} ({n} cells, {p})"),
            _("no growth point stands out ({p})"),
        ),
        "bottleneck": (
            _("no bottleneck could be tested ({n} cells with neighbours)"),
            _("as a bottleneck stand out: {names} ({n} cells, {p})"),
            _("no bottleneck stands out ({p})"),
        ),
    }


def _p(p: float) -> str:
    """Return a p as far as the draws know it: another seed moves a large one by some hundredths."""
    return _("p above {limit}").format(limit=number(0.1, 1)) if p > 0.1 else f"p = {localised(f'{p:.2g}')}"
