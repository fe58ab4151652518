"""The finding as one sentence, three numbers, and how far to trust it: what a reader meets first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from analysis.statistics.words import KIND
from gis.access_findings import FAR_MIN
from gis.findings import NEAR_KM
from maps.i18n import _, localised, ngettext, number, percent

if TYPE_CHECKING:
    from gis.measures import Measures

Numbers = list[tuple[str, str]]


def headline(tables: Mapping[str, pd.DataFrame]) -> str:
    """Return one sentence on the places that lead both ranked lists, the steady ones first.

    It claims what holds of every place of a list, an excess over home roads and a growth above 1: no place of a few is
    said to be the longest or the most.
    """
    slow, near = _leading(tables, "bottlenecks", 3), _leading(tables, "growth", 2)
    if slow and near:
        return _(
            "From {slow} the next city across takes longer than home roads take as far; {near} reach more across "
            "than their place gives"
        ).format(slow=_listed(slow), near=_listed(near))
    if slow:
        return _("From {slow} the next city across takes longer than home roads take as far").format(slow=_listed(slow))
    if near:
        return _("{near} reach more across the border than their place gives").format(near=_listed(near))
    return _("No place of this border leads a list")


def _leading(tables: Mapping[str, pd.DataFrame], name: str, n: int) -> list[str]:
    """Return the first places that a list names, those that hold in most settings first, in the order of their rank."""
    table = tables.get(name, pd.DataFrame())
    if table.empty:
        return []
    word = KIND["growth" if name == "growth" else "bottleneck"]
    advised = table[table["advice"] == word].head(3 * n)
    best = advised.sort_values(["leading_share", "rank"], ascending=[False, True], kind="stable").head(n)
    return [str(place) for place in best.sort_values("rank", kind="stable")["place"]]


def _listed(names: list[str]) -> str:
    """Return names as a list in words."""
    return names[0] if len(names) == 1 else _("{first} and {last}").format(first=", ".join(names[:-1]), last=names[-1])


def key_numbers(measures: Measures, tables: Mapping[str, pd.DataFrame]) -> Numbers:
    """Return at most three numbers, each with what it is."""
    out = [_across(tables.get("border_regression")), _people(measures.settlements), _closure(measures.checkpoints)]
    return [one for one in out if one is not None]


def _across(table: pd.DataFrame | None) -> tuple[str, str] | None:
    """Return how much longer a trip across takes than one at home, places and distance alike."""
    if table is None or table.empty:
        return None
    row = table[(table["to_km"] == NEAR_KM) & (table["network"] == "actual")].dropna(subset=["slower"])
    if row.empty:
        return None
    mid, low, high = (float(row[c].iloc[0]) - 1 for c in ("slower", "slower_low", "slower_high"))
    what = _("longer: a trip across beside one at home as far ({low} to {high})")
    return _signed(mid), what.format(low=_signed(low), high=_signed(high))


def _signed(share: float) -> str:
    """Return a share in per cent with its sign."""
    return localised(f"{100 * share:+.0f}") + "\u00a0%"


def _people(settlements: pd.DataFrame) -> tuple[str, str] | None:
    """Return the share of the people within the limit of an open checkpoint."""
    people = settlements["population"].astype(float)
    if not people.sum() > 0:
        return None
    served = float(people[settlements["time_to_checkpoint_min"] <= FAR_MIN].sum())
    what = _("of {n} million people live within {hours} hours of an open checkpoint")
    return percent(served / people.sum()), what.format(n=number(people.sum() / 1e6, 1), hours=number(FAR_MIN / 60))


def _closure(checkpoints: pd.DataFrame) -> tuple[str, str] | None:
    """Return what closing the road checkpoint that costs most takes."""
    road = checkpoints[(checkpoints["mode"] == "road") & (checkpoints["criticality_min"] > 0)]
    if road.empty:
        return None
    worst = road.nlargest(1, "criticality_min").iloc[0]
    value = _("+{n} min").replace(" ", "\u00a0").format(n=number(worst["criticality_min"]))
    return value, _("per road trip across if {name} closes").format(name=worst["name"])


def caution(measures: Measures, tables: Mapping[str, pd.DataFrame]) -> str:
    """Return how far the finding hangs on what nobody measured, and on chance."""
    sentences = []
    points = measures.checkpoints
    assumed = int(points["wait_assumed"].eq(True).sum())
    if assumed:
        text = ngettext(
            "The wait is assumed at {k} of {n} checkpoint.", "Waits are assumed at {k} of {n} checkpoints.", len(points)
        )
        sentences.append(text.format(k=number(assumed), n=number(len(points))))
    lists = [tables[name] for name in ("bottlenecks", "growth") if len(tables.get(name, ()))]
    listed = sum(len(table) for table in lists)
    if listed:
        steady = sum(int(table["steady"].sum()) for table in lists)
        text = ngettext(
            "{k} of {n} listed place leads its list in nine of ten settings.",
            "{k} of {n} listed places lead their list in nine of ten settings.",
            listed,
        )
        sentences.append(text.format(k=number(steady), n=number(listed)))
    flags = [c for c in ("growth_flag", "bottleneck_flag") if c in measures.cells]
    if flags and not (measures.cells[flags] == "stands out").any(axis=None):
        sentences.append(_("Beside surfaces as smooth as the data none stands out."))
    return " ".join(sentences)


def scenario_numbers(tables: Mapping[str, pd.DataFrame]) -> Numbers:
    """Return how many cells a scenario gives more, takes from, and the largest change."""
    cells = tables.get("cells", pd.DataFrame())
    if "potential_change_pct" not in cells:
        return []
    change = cells["potential_change_pct"].dropna()
    if change.empty:
        return []
    more, less = int((change > 0.1).sum()), int((change < -0.1).sum())
    largest = float(change.iloc[int(change.abs().to_numpy().argmax())])
    return [
        (number(more), ngettext("cell reaches more across", "cells reach more across", more)),
        (number(less), ngettext("cell reaches less across", "cells reach less across", less)),
        (_signed(largest / 100), _("the largest change of what a cell reaches")),
    ]
