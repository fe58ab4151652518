"""A run in words: at most eight findings, the useful first. Each says its unit, its people, and what is assumed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gis.access_findings import line_finding, people_finding
from gis.ranked_words import places_in_words

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
    lost = "; ".join(f"{n} ({u:.0%})" for n, u in zip(cut["name"], cut["unserved_share"], strict=True))
    last = f"Closing one road checkpoint would cut modelled road trips across off at {lost}." if lost else ""
    road = of_road[of_road["criticality_min"] > 0]
    if road.empty:
        return last
    said = "; ".join(_one_closure(r, names) for r in road.nlargest(3, "criticality_min").itertuples())  # three
    out = f"Closing one road checkpoint would cost most at {said}: minutes more per modelled road trip across, on assumed waits"
    if pairs is not None and len(pairs):
        both = pairs[(pairs["mode"] == "road") & (pairs["synergy_min"] > 1)].nlargest(1, "synergy_min")
        for r in both.itertuples():  # one
            out += (
                f". Closed together, {names.get(r.closed_1, r.closed_1)} and {names.get(r.closed_2, r.closed_2)} cost +{r.criticality_min:.0f} min, "
                f"{r.synergy_min:.0f} of them beyond the two apart"
            )
    return f"{out}. {last}".strip()


def _one_closure(row: Any, names: pd.Series) -> str:
    """Return one closure in words."""
    over = f", {names.get(row.fallback, row.fallback)} takes over most" if row.fallback else ""
    cut = f", {row.people_cut_off:,.0f} people cut off" if row.people_cut_off > 0 else ""
    return f"{row.name} (+{row.criticality_min:.0f} min{over}{cut})"


def openings_finding(tried: pd.DataFrame | None) -> str:
    """Return what the openings that were tried would bring."""
    if tried is None or tried.empty:
        return ""
    said = "; ".join(_one_opening(r) for r in tried.itertuples())  # a few
    return f"A new road checkpoint on the line, tried where the worst bottlenecks are nearest to it: {said}."


def _one_opening(row: Any) -> str:
    """Return one opening in words."""
    if not row.joined_by:
        return f"near {row.place} {row.note}"
    km = np.nansum([row.connector_a_km, row.connector_b_km])
    roads = f" and {km:,.0f} km of roads that the data lack" if row.joined_by == "connector" else ""
    known = f" ({row.note})" if row.note else ""
    own = (
        f" ({row.place} itself: {row.place_before_min:,.0f} → {row.place_after_min:,.0f} min to the quickest of them)"
        if np.isfinite(row.place_before_min) and np.isfinite(row.place_after_min)
        else ""
    )
    if not row.people_gaining > 0:
        return f"near {row.place} nobody would reach a city across more than 5 min sooner{own}{known}"
    return (
        f"near {row.place} {row.people_gaining:,.0f} people would reach a city across {row.gain_min:,.0f} min sooner on average{own}, "
        f"with an assumed wait of {row.wait_min:.0f} min{roads}{known}"
    )


def across_finding(table: pd.DataFrame | None) -> str:
    """Return how much longer a trip across takes than one at home, places and distance alike, with its interval."""
    if table is None or table.empty:
        return ""
    near = table[table["to_km"] == NEAR_KM].set_index("network")
    known = near.loc[near.index.isin(["actual", "borderless"])].dropna(subset=["slower", "slower_low", "slower_high"])
    if len(known) < 2:
        return ""
    said = {
        str(n): f"{_longer(mid)} ({_per_cent(low)} to {_per_cent(high)})"
        for n, mid, low, high in zip(
            known.index, known["slower"], known["slower_low"], known["slower_high"], strict=True
        )
    }
    pairs = int(known["pairs_cross"].max())
    return (
        f"Places and distance alike, a trip across the border takes {said['actual']} than one at home, with assumed waits, and would take "
        f"{said['borderless']} without any border: {pairs:,} pairs of the border regions' largest places up to {NEAR_KM:,.0f} km, intervals of 95% by "
        "the agreement of pairs."
    )


def _longer(ratio: float) -> str:
    """Return a ratio in words."""
    return f"{abs(ratio - 1):.0%} {'longer' if ratio >= 1 else 'shorter'}"


def _per_cent(ratio: float) -> str:
    """Return a ratio as a change in per cent."""
    return f"{100 * (ratio - 1):+.0f}%"
