"""What a search for sites leaves: its tables, and the answer in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd

from analysis.planning.sites.gains import PROVEN, UNITS

if TYPE_CHECKING:
    from analysis.planning.draws import Spread
    from analysis.planning.sites.candidates import Candidates
    from analysis.planning.sites.regret import Regret
    from analysis.planning.sites.sets import Choice, Gains

TERRAIN = ("climb_m", "slope_pct", "water_km")
"""Columns of `analysis.planning.sites.terrain.terrain_columns`."""


class Query(Protocol):
    """What a search was for, as sentences say it."""

    @property
    def objective(self) -> str:
        """Of `analysis.planning.sites.gains.OBJECTIVES`."""

    @property
    def seconds(self) -> float:
        """For a proof."""

    @property
    def spread(self) -> Spread:
        """Of the draws."""


def candidate_table(found: Candidates, gains: Gains, best: Sequence[Choice]) -> pd.DataFrame:
    """Return the candidates with what each brings alone and the smallest best set that holds it.

    The strongest first.
    """
    alone = gains.added(np.zeros(len(gains.origin)))
    first = [next((len(c.sites) for c in best if k in c.sites), 0) for k in range(len(found))]
    table = found.table.assign(alone=alone, chosen_at=first)
    order = np.lexsort((table["candidate"], -table["alone"].to_numpy(float)))
    return table.iloc[order].reset_index(drop=True)


def site_table(found: Candidates, best: Sequence[Choice]) -> pd.DataFrame:
    """Return the sites of the best set of each number."""
    columns = ["candidate", "place", "kind", "lon", "lat", "missing_a_km", "missing_b_km", "missing_km"]
    columns += [c for c in TERRAIN if c in found.table]
    parts = [found.table.iloc[list(c.sites)][columns].assign(sites=len(c.sites)) for c in best]
    table = pd.concat(parts, ignore_index=True)
    return table[["sites", *columns]]


def curve_table(best: Sequence[Choice], km: np.ndarray, objective: str, values: np.ndarray) -> pd.DataFrame:
    """Return what the best set of each number is worth, its bound, and its spread over the draws."""
    rows = []
    for n, c in enumerate(best):
        known = values[:, n][np.isfinite(values[:, n])] if len(values) else np.empty(0)
        low, median, high = np.percentile(known, [5, 50, 95]) if len(known) else (np.nan,) * 3
        before = best[n - 1].value if n else 0.0
        rows.append(
            {
                "sites": len(c.sites),
                "value": c.value,
                "added": c.value - before,
                "unit": UNITS[objective],
                "low": low,
                "median": median,
                "high": high,
                "bound": c.bound,
                "gap": c.gap,
                "proven": c.proven,
                "missing_km": float(km[list(c.sites)].sum()),
                "cuts": c.cuts,
            }
        )
    return pd.DataFrame(rows)


def stability_table(found: Candidates, shares: np.ndarray, best: Choice) -> pd.DataFrame:
    """Return the share of draws that choose each candidate, those of the best set and those that any draw chooses."""
    table = found.table[["candidate", "place", "missing_km"]].assign(
        draws_share=shares, chosen=[k in best.sites for k in range(len(found))]
    )
    table = table[(table["draws_share"] > 0) | table["chosen"]]
    order = np.lexsort((table["candidate"], -table["draws_share"].to_numpy(float)))
    return table.iloc[order].reset_index(drop=True)


def front_table(found: Candidates, sets: Sequence[Choice]) -> pd.DataFrame:
    """Return the sets of which none is worth more for as few km of missing road."""
    ids = found.table["candidate"].to_numpy(dtype=object)
    km = found.table["missing_km"].to_numpy(float)
    return pd.DataFrame(
        [
            {
                "missing_km": float(km[list(c.sites)].sum()),
                "value": c.value,
                "sites": len(c.sites),
                "candidates": "|".join(ids[list(c.sites)]),
                "gap": c.gap,
                "proven": c.proven,
            }
            for c in sets
        ]
    )


def sentences(
    tables: dict[str, pd.DataFrame], query: Query, found: Candidates, wait: float, lines: Sequence[str]
) -> list[str]:
    """Return the answer in words."""
    curve, stability = tables["sites_curve"], tables["sites_stability"].set_index("candidate")
    last = curve.iloc[-1]
    own = tables["sites"][tables["sites"]["sites"] == last["sites"]]
    proof = f"gap {100 * last['gap']:.4f} %, proven" if last["proven"] else "not proven: found by greedy with exchange"
    if query.objective in PROVEN and not last["proven"]:
        proof = f"gap {100 * last['gap']:.2f} %, not proven in {query.seconds:g} s"
    spread = (
        f" (5–95 % of {query.spread.draws} draws: {last['low']:.3g} to {last['high']:.3g})"
        if query.spread.draws
        else ""
    )
    out = [
        f"the best {int(last['sites'])} of {len(found)} candidates by {query.objective}, with {wait:g} min of wait "
        f"each, bring {last['value']:.3g} "
        f"{last['unit']!s}{spread}; {proof}; {last['missing_km']:.0f} km of road are missing"
    ]
    for row in own.itertuples():  # a handful
        share = (
            f", chosen in {100 * stability.loc[row.candidate, 'draws_share']:.0f} % of the draws"
            if query.spread.draws
            else ""
        )
        out.append(
            f"{row.candidate} by {row.place} ({row.lon:.3f},{row.lat:.3f}), {row.missing_km:.0f} km of road "
            f"missing{_ground(row)}{share}"
        )
    if "sites_regret" in tables:
        least, best = tables["sites_regret"].astype(object).to_dict("records")
        out.append(
            f"of least regret is {least['candidates'].replace('|', ', ')}: in none of {least['draws']} draws "
            f"{least['worst_regret']:.3g} {last['unit']!s} worse than the best set of "
            f"the draw (the best set: {best['worst_regret']:.3g}); by greedy with exchange, not proven"
        )
    effects = tables["sites_effects"]
    saved, low, high = effects.loc[effects["key"] == "saved", ["change", "low", "high"]].to_numpy(float)[0]
    out.append(
        f"computed in full, with trips that cross more than once: {saved:.3g} min per trip of today (5–95 %: "
        f"{low:.3g} to {high:.3g})"
    )
    return [*out, *(f"note: {line}" for line in lines)]


def _ground(row: Any) -> str:
    """Return how steep and wet a missing road would be, where that is known."""
    slope, wet = (float(getattr(row, c, np.nan)) for c in ("slope_pct", "water_km"))
    steep = f", up to {slope:.0f} % steep" if np.isfinite(slope) and slope >= 0.5 else ""
    return steep + (f", {wet:.1f} km of it over water" if wet >= 0.05 else "")


def regret_table(found: Candidates, sets: Sequence[tuple[str, Regret]]) -> pd.DataFrame:
    """Return the regret over the draws of the set of least worst regret and of the best set.

    Both in the objective's unit and as a share of the draw's best.
    """
    ids = found.table["candidate"].to_numpy(dtype=object)
    rows = []
    for name, r in sets:
        share = np.divide(r.regret, r.best, out=np.zeros(len(r.best)), where=r.best > 0)
        rows.append(
            {
                "set": name,
                "candidates": "|".join(ids[list(r.sites)]),
                "sites": len(r.sites),
                "draws": len(r.best),
                "worst_regret": r.worst,
                "mean_regret": float(r.regret.mean()),
                "worst_regret_share": float(share.max(initial=0.0)),
            }
        )
    return pd.DataFrame(rows)
