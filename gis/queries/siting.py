"""Where the next checkpoints belong on a study's border.

Candidates, the best sets, their proof, their front, how stable they are, and what they bring in full.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.planning.draws import CENTRE, Draw, Spread
from analysis.planning.effects import cities
from analysis.planning.sites.candidates import EVERY_KM, Candidates, find_candidates
from analysis.planning.sites.choose import Master, choose_sites, front, prove
from analysis.planning.sites.gains import OBJECTIVES, PROVEN, UNITS, gains_of
from analysis.planning.sites.sets import Choice, Gains, Limits
from gis.queries.answers import NEW, Answers, rules_of
from gis.queries.edits import Edit, apply_edits
from gis.queries.new_posts import Open
from layers.checkpoints import assumed_waits
from layers.crs import geodesic_m
from layers.errors import PlaceError, StudyError

if TYPE_CHECKING:
    from gis.inputs import Prepared
    from network.build import Network

STRONGEST = 60
"""Candidates that a draw chooses among: those that bring most alone, and those that are chosen."""
MOST_COUNT = 50


@dataclass(frozen=True)
class Question:
    """What is sought.

    Attributes
    ----------
    count
        Checkpoints at the most; the best set is told for each number up to it.
    objective
        Of `analysis.planning.sites.gains.OBJECTIVES`.
    kinds, points, every_km
        See `analysis.planning.sites.candidates.find_candidates`.
    budget_km
        Kilometres of missing road at the most, all sites together.
    must
        Longitude and latitude of sites that are built anyway.
    wait_min
        At a new checkpoint; the assumed wait of a multilateral post of the study's vehicle where None.
    within_min
        Of the objective ``people``.
    seconds
        For the proof of one set.
    """

    count: int = 5
    objective: str = "time"
    kinds: tuple[str, ...] = ("crossing", "ends", "sample")
    points: tuple[tuple[float, float], ...] = ()
    every_km: float = EVERY_KM
    budget_km: float = float("inf")
    must: tuple[tuple[float, float], ...] = ()
    wait_min: float | None = None
    within_min: float = 120.0
    seconds: float = 120.0
    spread: Spread = field(default_factory=Spread)

    def __post_init__(self) -> None:
        """Refuse what can't be asked, before anything is built.

        Raises
        ------
        StudyError
            With every problem.
        """
        wrong = [] if 1 <= self.count <= MOST_COUNT else [f"count = {self.count}: allowed is 1 to {MOST_COUNT}"]
        wrong += (
            []
            if self.objective in OBJECTIVES
            else [f"objective = {self.objective!r}: allowed are {', '.join(OBJECTIVES)}"]
        )
        wrong += [] if self.budget_km >= 0 else [f"budget = {self.budget_km:g} km: allowed is 0 or more"]
        wrong += [] if 1 <= self.every_km <= 1000 else [f"a candidate every {self.every_km:g} km: allowed is 1 to 1000"]
        wrong += (
            []
            if self.wait_min is None or 0 <= self.wait_min <= 10_000
            else [f"wait = {self.wait_min:g}: allowed are minutes from 0 to 10,000"]
        )
        wrong += (
            []
            if len(self.must) <= self.count
            else [f"{len(self.must)} sites that must be for {self.count}: allowed are no more"]
        )
        if wrong:
            raise StudyError("; ".join(wrong))


@dataclass(frozen=True)
class Answer:
    """What was found: tables by name, the edits that open the best set, and sentences."""

    tables: dict[str, pd.DataFrame]
    edits: tuple[Edit, ...]
    notes: tuple[str, ...]


def find_sites(prepared: Prepared, network: Network, question: Question) -> Answer:
    """Return the answer to where the next checkpoints belong.

    Returns
    -------
    Tables ``candidates`` (with ``alone``, what each brings by itself, and ``chosen_at``, the smallest number of sites
    whose best set holds it), ``sites`` (a row per number and site), ``sites_curve`` (a row per number: ``value``,
    ``bound``, ``gap``, ``proven``, ``missing_km``, ``low`` and ``high`` of the draws), ``sites_front``,
    ``sites_stability`` (share of draws that choose a candidate), ``sites_effects`` (the best set computed in full).

    Raises
    ------
    PlaceError, StudyError, NetworkError
        No candidate, a point without roads, limits that nothing keeps.
    """
    answers = Answers(prepared, network, question.spread)
    wait = (
        assumed_waits(network.base.vehicle)["road multilateral"][0] if question.wait_min is None else question.wait_min
    )
    points = (*question.must, *question.points)
    found = find_candidates(
        network,
        kinds=question.kinds,
        points=points,
        every_km=question.every_km,
        rows=(answers.trees.a, answers.trees.b),
    )
    must = tuple(_nearest(found, p) for p in question.must)
    gains = _gains(answers, found, question, wait, CENTRE)
    km = found.table["missing_km"].to_numpy(float)
    best = _best_sets(gains, km, question, must)
    if not best or not best[-1].sites:
        raise PlaceError(
            f"no candidate of {len(found)} improves anything by the objective {question.objective!r}: allowed "
            "are others, or a shorter wait"
        )
    strong = np.union1d(
        np.argsort(-gains.added(np.zeros(len(gains.origin))), kind="stable")[:STRONGEST], _members(best)
    )
    values, shares = _over_draws(answers, found, question, wait, best, strong, km, must)
    edits = tuple(_opening(found, k, wait) for k in best[-1].sites)
    after, lines = apply_edits(network, edits, rules=rules_of(prepared.study))
    full = answers.tables(after, loads=False)
    tables = {
        "candidates": _candidate_table(found, gains, best),
        "sites": _site_table(found, best),
        "sites_curve": _curve(best, km, question, values),
        "sites_stability": _stability(found, shares, best[-1]),
        "sites_effects": full["effects"],
        "sites_gains_places": full["gains_places"],
        "sites_gains_sides": full["gains_sides"],
    }
    if question.objective in PROVEN and km.any():
        tables["sites_front"] = _front_table(
            found, front(gains, km, count=question.count, must=must, seconds=question.seconds)
        )
    return Answer(tables, edits, tuple(_sentences(tables, question, found, wait, lines)))


def _gains(answers: Answers, found: Candidates, question: Question, wait: float, draw: Draw) -> Gains:
    """Return the gains under a draw."""
    state = answers.state(answers.trees, draw)
    towns = cities(answers.trees, answers.study.lists.city_people)
    slowed = Candidates(found.table, found.a * draw.slow[0], found.b * draw.slow[1])
    minutes = wait * draw.waits.get(NEW, 1.0)
    return gains_of(
        state,
        slowed,
        draw.curve(answers.curve),
        towns,
        objective=question.objective,
        wait_min=minutes,
        within_min=question.within_min,
    )


def _best_sets(gains: Gains, km: np.ndarray, question: Question, must: tuple[int, ...]) -> list[Choice]:
    """Return the best set of each number of sites; those that bring nothing more are left out."""
    out: list[Choice] = []
    master = Master.of(gains)
    for count in range(max(1, len(must)), question.count + 1):
        limits = Limits(count, km, question.budget_km, must)
        if question.objective in PROVEN:
            choice = prove(gains, limits, master=master, seconds=question.seconds)
        else:
            choice = choose_sites(gains, limits)
        if out and choice.value <= out[-1].value * (1 + 1e-9):
            break
        out.append(choice)
    return out


def _members(best: Sequence[Choice]) -> np.ndarray:
    """Return every site that some set holds."""
    return np.array(sorted({k for c in best for k in c.sites}), np.int64)


def _over_draws(
    answers: Answers,
    found: Candidates,
    question: Question,
    wait: float,
    best: Sequence[Choice],
    strong: np.ndarray,
    km: np.ndarray,
    must: tuple[int, ...],
) -> tuple[np.ndarray, np.ndarray]:
    """Return what each best set is worth in each draw, and the share of draws whose best set holds each candidate."""
    draws = answers.draws(answers.network, new=True)
    some, place = found[strong], {int(k): n for n, k in enumerate(strong)}
    limits = Limits(len(best[-1].sites), km[strong], question.budget_km, tuple(place[m] for m in must))
    values = np.full((len(draws), len(best)), np.nan)
    chosen = np.zeros(len(found))
    for n, draw in enumerate(draws):
        gains = _gains(answers, some, question, wait, draw)
        values[n] = [gains.value([place[k] for k in c.sites]) for c in best]
        chosen[strong[list(choose_sites(gains, limits).sites)]] += 1
    return values, chosen / max(len(draws), 1)


def _opening(found: Candidates, k: int, wait: float) -> Open:
    """Return the edit that opens a checkpoint at a candidate."""
    row = found.table.iloc[k]
    if row["crossing_id"]:
        return Open(crossing=str(row["crossing_id"]), wait_min=wait, name=f"{row['candidate']} {row['place']}")
    return Open(
        float(row["lon"]), float(row["lat"]), wait_min=wait, at="new road", name=f"{row['candidate']} {row['place']}"
    )


def _nearest(found: Candidates, point: tuple[float, float]) -> int:
    """Return the candidate that a user's point has become."""
    away = geodesic_m(found.table["lon"].to_numpy(float), found.table["lat"].to_numpy(float), point[0], point[1])
    return int(np.argmin(away))


def _candidate_table(found: Candidates, gains: Gains, best: Sequence[Choice]) -> pd.DataFrame:
    alone = gains.added(np.zeros(len(gains.origin)))
    first = [next((len(c.sites) for c in best if k in c.sites), 0) for k in range(len(found))]
    table = found.table.assign(alone=alone, chosen_at=first)
    order = np.lexsort((table["candidate"], -table["alone"].to_numpy(float)))
    return table.iloc[order].reset_index(drop=True)


def _site_table(found: Candidates, best: Sequence[Choice]) -> pd.DataFrame:
    columns = ["candidate", "place", "kind", "lon", "lat", "missing_a_km", "missing_b_km", "missing_km"]
    parts = [found.table.iloc[list(c.sites)][columns].assign(sites=len(c.sites)) for c in best]
    table = pd.concat(parts, ignore_index=True)
    return table[["sites", *columns]]


def _curve(best: Sequence[Choice], km: np.ndarray, question: Question, values: np.ndarray) -> pd.DataFrame:
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
                "unit": UNITS[question.objective],
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


def _stability(found: Candidates, shares: np.ndarray, best: Choice) -> pd.DataFrame:
    table = found.table[["candidate", "place", "missing_km"]].assign(
        draws_share=shares, chosen=[k in best.sites for k in range(len(found))]
    )
    table = table[(table["draws_share"] > 0) | table["chosen"]]
    order = np.lexsort((table["candidate"], -table["draws_share"].to_numpy(float)))
    return table.iloc[order].reset_index(drop=True)


def _front_table(found: Candidates, sets: Sequence[Choice]) -> pd.DataFrame:
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


def _sentences(
    tables: dict[str, pd.DataFrame], question: Question, found: Candidates, wait: float, lines: Sequence[str]
) -> list[str]:
    """Return the answer in words."""
    curve, stability = tables["sites_curve"], tables["sites_stability"].set_index("candidate")
    last = curve.iloc[-1]
    own = tables["sites"][tables["sites"]["sites"] == last["sites"]]
    proof = f"gap {100 * last['gap']:.4f} %, proven" if last["proven"] else "not proven: found by greedy with exchange"
    if question.objective in PROVEN and not last["proven"]:
        proof = f"gap {100 * last['gap']:.2f} %, not proven in {question.seconds:g} s"
    spread = (
        f" (5–95 % of {question.spread.draws} draws: {last['low']:.3g} to {last['high']:.3g})"
        if question.spread.draws
        else ""
    )
    out = [
        f"the best {int(last['sites'])} of {len(found)} candidates by {question.objective}, with {wait:g} min of "
        f"wait each, bring {last['value']:.3g} "
        f"{last['unit']!s}{spread}; {proof}; {last['missing_km']:.0f} km of road are missing"
    ]
    for row in own.itertuples():  # a handful
        share = (
            f", chosen in {100 * stability.loc[row.candidate, 'draws_share']:.0f} % of the draws"
            if question.spread.draws
            else ""
        )
        out.append(
            f"{row.candidate} by {row.place} ({row.lon:.3f},{row.lat:.3f}), {row.missing_km:.0f} km of road "
            f"missing{share}"
        )
    effects = tables["sites_effects"]
    saved, low, high = effects.loc[effects["key"] == "saved", ["change", "low", "high"]].to_numpy(float)[0]
    out.append(
        f"computed in full, with trips that cross more than once: {saved:.3g} min per trip of today (5–95 %: "
        f"{low:.3g} to {high:.3g})"
    )
    return [*out, *(f"note: {line}" for line in lines)]


def asked(question: Question, seed: int) -> Question:
    """Return the question with the study's seed where it has none of its own."""
    return (
        question
        if question.spread.seed != Spread().seed
        else replace(question, spread=replace(question.spread, seed=seed))
    )
