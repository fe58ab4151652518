"""A run in words: at most eight findings, the useful first. Each says its unit, its people, and what is assumed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gis.access_findings import line_finding, people_finding
from gis.ranked_words import places_in_words
from maps.i18n import _, localised, number, percent
from maps.phrases import phrase

if TYPE_CHECKING:
    from gis.chapters.chapter import Chapters
    from gis.measures import Measures

MOST = 8
"""Findings of a run; whatever else is worth knowing stands in its tables."""
CUT_OFF = 0.001
"""Share of trips below which nothing is said of those that are cut off."""
NEAR_KM = 500.0
"""Pairs up to this straight distance are those that a trip across is compared over."""


def find_in_words(measures: Measures, chapters: Chapters) -> list[str]:
    """Return the findings of a run, the useful first, at most `MOST`."""
    tables = chapters.tables
    names = measures.checkpoints.set_index("checkpoint_id")["name"]
    out = places_in_words(tables.get("growth"), tables.get("bottlenecks"), measures.hot, measures.cells)
    out.append(closure_finding(measures.checkpoints, tables.get("closures_pairs"), names))
    out.append(openings_finding(tables.get("openings_tried")))
    out.append(across_finding(tables.get("border_regression")))
    out += [people_finding(measures), line_finding(measures)]
    return [line for line in out if line][:MOST]


def closure_finding(checkpoints: pd.DataFrame, pairs: pd.DataFrame | None, names: pd.Series) -> str:
    """Return what closing one road checkpoint, or two together, would cost most."""
    of_road = checkpoints[checkpoints["mode"] == "road"]
    # A post without which nothing is left costs no minutes that could be told.
    cut = of_road[of_road["unserved_share"] > CUT_OFF].nlargest(2, "unserved_share")
    lost = "; ".join(f"{n} ({percent(u)})" for n, u in zip(cut["name"], cut["unserved_share"], strict=True))
    last = (
        _("Closing one road checkpoint would cut modelled road trips across off at {list}.").format(list=lost)
        if lost
        else ""
    )
    road = of_road[of_road["criticality_min"] > 0]
    if road.empty:
        return last
    sentence = "; ".join(_one_closure(r, names) for r in road.nlargest(3, "criticality_min").itertuples())  # three
    out = _(
        "Closing one road checkpoint would cost most at {list}: minutes more per modelled road trip across, on "
        "assumed waits."
    ).format(list=sentence)
    if pairs is not None and len(pairs):
        both = pairs[(pairs["mode"] == "road") & (pairs["synergy_min"] > 1)].nlargest(1, "synergy_min")
        for r in both.itertuples():  # one
            out += " " + _(
                "Closed together, {one} and {other} cost +{n} min, {more} of them beyond the two apart."
            ).format(
                one=names.get(r.closed_1, r.closed_1),
                other=names.get(r.closed_2, r.closed_2),
                n=number(float(str(r.criticality_min))),
                more=number(float(str(r.synergy_min))),
            )
    return f"{out} {last}".strip()


def _one_closure(row: Any, names: pd.Series) -> str:
    """Return one closure in words."""
    parts = [_("+{n} min").format(n=number(row.criticality_min))]
    if row.fallback:
        parts.append(_("{name} takes over most").format(name=names.get(row.fallback, row.fallback)))
    if row.people_cut_off > 0:
        parts.append(_("{n} people cut off").format(n=number(row.people_cut_off)))
    return f"{row.name} ({', '.join(parts)})"


def openings_finding(tried: pd.DataFrame | None) -> str:
    """Return what the openings that were tried would bring."""
    if tried is None or tried.empty:
        return ""
    sentence = "; ".join(_one_opening(r) for r in tried.itertuples())  # a few
    return _("A new road checkpoint on the line, tried where the worst bottlenecks are nearest to it: {list}.").format(
        list=sentence
    )


def _one_opening(row: Any) -> str:
    """Return one opening in words."""
    if not row.joined_by:
        return _("near {place} {note}").format(place=row.place, note=phrase(row.note))
    own = (
        _("from {place} itself {before} → {after} min to the city reached soonest").format(
            place=row.place, before=number(row.place_before_min), after=number(row.place_after_min)
        )
        if np.isfinite(row.place_before_min) and np.isfinite(row.place_after_min)
        else ""
    )
    if not row.people_gaining > 0:
        sentence = _("near {place} nobody would reach a city across more than 5 min sooner").format(place=row.place)
    else:
        sentence = _("near {place} {n} people would reach a city across {minutes} min sooner on average").format(
            place=row.place, n=number(row.people_gaining), minutes=number(row.gain_min)
        )
    parts = [sentence, own]
    if row.people_gaining > 0:
        parts.append(_("with an assumed wait of {n} min").format(n=number(row.wait_min)))
        if row.joined_by == "connector":
            km = np.nansum([row.connector_a_km, row.connector_b_km])
            parts.append(_("and {km} km of roads that the data lack").format(km=number(km)))
    return ", ".join(part for part in parts if part) + (f" ({phrase(row.note)})" if row.note else "")


def across_finding(table: pd.DataFrame | None) -> str:
    """Return how much longer a trip across takes than one at home, places and distance alike, with its interval."""
    if table is None or table.empty:
        return ""
    near = table[table["to_km"] == NEAR_KM].set_index("network")
    known = near.loc[near.index.isin(["actual", "borderless"])].dropna(subset=["slower", "slower_low", "slower_high"])
    if len(known) < 2:
        return ""
    sentence = {
        str(n): _("{how} ({low} to {high})").format(how=_longer(mid), low=_per_cent(low), high=_per_cent(high))
        for n, mid, low, high in zip(
            known.index, known["slower"], known["slower_low"], known["slower_high"], strict=True
        )
    }
    pairs = int(known["pairs_cross"].max())
    return _(
        "Places and distance alike, a trip across the border takes {actual} than one at home, with assumed "
        "waits, and would take {borderless} without any border: "
        "{n} pairs of the border regions' largest places up to {km} km, intervals of 95 % by the agreement of pairs."
    ).format(actual=sentence["actual"], borderless=sentence["borderless"], n=number(pairs), km=number(NEAR_KM))


def _longer(ratio: float) -> str:
    """Return a ratio in words."""
    text = _("{share} longer") if ratio >= 1 else _("{share} shorter")
    return text.format(share=percent(abs(ratio - 1)))


def _per_cent(ratio: float) -> str:
    """Return a ratio as a change in per cent."""
    return localised(f"{100 * (ratio - 1):+.0f}") + "\u00a0%"
