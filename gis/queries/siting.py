"""Where the next checkpoints belong on a study's border.

Candidates, the best sets, their proof, their front, how stable they are, and what they bring in full.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.planning.draws import CENTRE, Draw, Spread
from analysis.planning.effects import cities
from analysis.planning.sites.candidates import EVERY_KM, Candidates, find_candidates
from analysis.planning.sites.cells import cell_columns
from analysis.planning.sites.choose import Master, choose_sites, front, prove
from analysis.planning.sites.gains import OBJECTIVES, PROVEN, gains_of
from analysis.planning.sites.regret import Regret, least_regret, regret_of
from analysis.planning.sites.sets import Choice, Gains, Limits
from analysis.planning.sites.terrain import terrain_columns
from gis.queries.answers import NEW, Answers, rules_of
from gis.queries.edits import Edit, apply_edits
from gis.queries.new_posts import Open
from gis.queries.site_tables import (
    candidate_table,
    curve_table,
    front_table,
    regret_table,
    sentences,
    site_table,
    stability_table,
)
from gis.queries.standing import stand_by
from layers.checkpoints import assumed_waits
from layers.crs import geodesic_m
from layers.elevation import open_elevation
from layers.errors import PlaceError, StudyError

if TYPE_CHECKING:
    from gis.inputs import Prepared
    from gis.settings import Terrain
    from network.build import Network

STRONGEST = 60
"""Candidates that a draw chooses among: those that bring most alone, and those that are chosen."""
MOST_COUNT = 50
REGRET_DRAWS = 60
"""Draws over which a regret is sought, the first of all.

What each site brings to each pair is held for every one of them.
"""


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
    regret
        Whether the set of least worst regret over the draws is sought too; it is then the one that is computed in full
        and opened.
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
    regret: bool = False
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
        wrong += [] if 0 < self.within_min <= 10_000 else [f"within = {self.within_min:g} min: allowed is up to 10,000"]
        wrong += [] if 0 < self.seconds <= 1e6 else [f"seconds = {self.seconds:g}: allowed is more than 0"]
        places = [*self.must, *self.points]
        twice = {f"{lon:g},{lat:g}" for lon, lat in places if places.count((lon, lat)) > 1}
        wrong += [
            f"{spot} is named twice: allowed is once, as a point or as a site that must be" for spot in sorted(twice)
        ]
        wrong += [] if 1 <= self.every_km <= 1000 else [f"a candidate every {self.every_km:g} km: allowed is 1 to 1000"]
        wrong += (
            []
            if self.wait_min is None or 0 <= self.wait_min <= 10_000
            else [f"wait = {self.wait_min:g}: allowed are minutes from 0 to 10,000"]
        )
        wrong += [] if not self.regret or self.spread.draws else ["regret without draws: allowed is one draw or more"]
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
    Tables ``candidates`` (with ``alone``, what each brings by itself, what it brings to the cells of the belt
    (`analysis.planning.sites.cells.cell_columns`), and ``chosen_at``, the smallest number of sites whose best set holds
    it), ``sites`` (a row per number and site), ``sites_curve`` (a row per number: ``value``,
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
    values, shares, regrets = _over_draws(answers, found, question, wait, best, strong, km, must)
    chosen = regrets[0][1].sites if regrets else best[-1].sites
    edits = tuple(_opening(found, k, wait) for k in chosen)
    after, lines = apply_edits(network, edits, rules=rules_of(prepared.study))
    full = answers.tables(after, loads=False)
    found = replace(found, table=_with_terrain(found, network, prepared.study.terrain))
    if prepared.study.analysis.mode == "road":
        cells = cell_columns(stand_by(prepared, network).standing, found, wait_min=wait)
        found = replace(found, table=found.table.join(cells))
    tables = {
        "candidates": candidate_table(found, gains, best),
        "sites": site_table(found, best),
        "sites_curve": curve_table(best, km, question.objective, values),
        "sites_stability": stability_table(found, shares, best[-1]),
        "sites_effects": full["effects"],
        "sites_gains_places": full["gains_places"],
        "sites_gains_sides": full["gains_sides"],
    }
    if regrets:
        tables["sites_regret"] = regret_table(found, regrets)
    if question.objective in PROVEN and km.any():
        tables["sites_front"] = front_table(
            found, front(gains, km, count=question.count, must=must, seconds=question.seconds)
        )
    return Answer(tables, edits, tuple(sentences(tables, question, found, wait, lines)))


def _gains(answers: Answers, found: Candidates, question: Question, wait: float, draw: Draw) -> Gains:
    """Return the gains under a draw."""
    state = answers.state(answers.trees, draw)
    towns = cities(answers.trees, answers.study.lists.city_people)
    minutes = wait * draw.waits.get(NEW, 1.0)
    return gains_of(
        state,
        found.slowed(draw.slow),
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
) -> tuple[np.ndarray, np.ndarray, list[tuple[str, Regret]]]:
    """Return what each best set is worth in each draw, and the share of draws whose best set holds each candidate.

    With them the regrets that are asked for.
    """
    draws = answers.draws(answers.network, new=True)
    some, place = found[strong], {int(k): n for n, k in enumerate(strong)}
    limits = Limits(len(best[-1].sites), km[strong], question.budget_km, tuple(place[m] for m in must))
    values = np.full((len(draws), len(best)), np.nan)
    chosen = np.zeros(len(found))
    kept: list[Gains] = []
    for n, draw in enumerate(draws):
        gains = _gains(answers, some, question, wait, draw)
        values[n] = [gains.value([place[k] for k in c.sites]) for c in best]
        chosen[strong[list(choose_sites(gains, limits).sites)]] += 1
        if question.regret and n < REGRET_DRAWS:
            kept.append(gains)
    regrets: list[tuple[str, Regret]] = []
    if kept:
        own = [place[k] for k in best[-1].sites]
        least = least_regret(kept, limits, starts=[own])
        for name, r in (("least regret", least), ("the best set", regret_of(own, kept, least.best))):
            regrets.append((name, replace(r, sites=tuple(int(strong[k]) for k in r.sites))))
    return values, chosen / max(len(draws), 1), regrets


def _with_terrain(found: Candidates, network: Network, terrain: Terrain) -> pd.DataFrame:
    """Return the table of candidates with how steep and wet their missing roads are.

    Where the study has layers that tell.
    """
    border = network.base.border
    heights = open_elevation(Path(terrain.elevation)).heights if terrain.elevation else None
    wet_m = border.wet_m if len(border.lakes) else None
    columns = terrain_columns(found.approaches, network.crs, heights=heights, wet_m=wet_m)
    return found.table.join(columns)


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


def asked(question: Question, seed: int) -> Question:
    """Return the question with the study's seed where it has none of its own."""
    return (
        question
        if question.spread.seed != Spread().seed
        else replace(question, spread=replace(question.spread, seed=seed))
    )
