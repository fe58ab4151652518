"""A scenario's answer for planners.

Effects with their spread, who gains and who loses, loads, money, variants, truck beside car.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.planning.across import Across, across
from analysis.planning.appraisal import appraisal_table
from analysis.planning.benefit import Benefit, Curve
from analysis.planning.draws import CENTRE, Draw, Spread, make_draws, quantile_columns, spread_of, tornado
from analysis.planning.effects import (
    Standing,
    benefit_between,
    cities,
    effects_table,
    gains,
    group_table,
    load_table,
    place_table,
    standing,
    worthless_wait,
)
from analysis.planning.loads_drawn import LOADS
from analysis.planning.money import Values, money_table
from analysis.planning.two_states import TwoStates
from analysis.trips.choice import choose_checkpoints
from analysis.trips.demand import model_demand
from analysis.trips.load import equilibrium
from gis.queries.drawn_answers import Drawn
from gis.queries.edits import Rules, apply_edits
from gis.queries.new_posts import Open
from gis.queries.plans import Plan, scenario_id
from gis.stages import build
from layers.errors import NetworkError, StudyError
from network.edits import set_open

if TYPE_CHECKING:
    from gis.inputs import Prepared
    from gis.study import Study
    from network.build import Network

HEADLINE = ("saved", "city_min", "potential")
"""Figures whose tornado is drawn."""
NEW = "new"
"""The draws' name of a checkpoint that is yet to be built."""


class Answers:
    """The answers to scenarios on one base: the base's trees are grown once, the draws are the same for all scenarios.

    Parameters
    ----------
    prepared, network
        The study and its base.
    spread
        How uncertain the inputs are.
    """

    def __init__(self, prepared: Prepared, network: Network, spread: Spread | None = None) -> None:
        study = prepared.study
        self.study, self.network, self.spread = study, network, spread or Spread(seed=study.analysis.seed)
        self.curve = Curve.of(study.analysis.half_life_min, study.analysis.decay_function())
        self.trees = across(network)
        self.before = self.state(self.trees, CENTRE)

    def state(self, trees: Across, draw: Draw) -> Standing:
        """Return a state under a draw; cities are those of today's people."""
        return standing(draw.of(trees), draw.curve(self.curve), cities(trees, self.study.lists.city_people))

    def tables(self, after: Network, *, loads: bool = True) -> dict[str, pd.DataFrame]:
        """Return the tables of one scenario.

        Each with ``low`` and ``high`` of the draws: ``effects``, ``tornado``, ``gains_<by>``, ``loads_change``,
        ``appraisal``, ``worth``, ``queues``.
        """
        trees = across(after)
        new = self.state(trees, CENTRE)
        benefit = benefit_between(self.before, new, self.curve)
        places = place_table(self.network, self.before, new, benefit)
        drawn = Drawn.of(self, after, trees, benefit, loads=loads)
        found = {"effects": self._effects(drawn.figures, new, benefit)}
        found["tornado"] = self._tornado(after, trees)
        found["gains_places"] = drawn.places.with_ranges(places[places["effect"] != "none"].reset_index(drop=True))
        for name, by in (("gains_regions", ["side", "region"]), ("gains_sides", ["side"])):
            found[name] = drawn.places.grouped(group_table(places, by), by)
        if loads:
            shares = load_table(self.before, new, benefit, theta=self.study.analysis.theta_per_min)
            found["loads_change"] = self._loads(after, drawn.with_loads(shares))
            found["appraisal"] = appraisal_table(
                (self.network, self.before), (after, new), shares, self.curve, money=self.study.money.money()
            )
            found["worth"] = self._worth(after, trees)
            found["queues"] = drawn.with_queues(self.queues(after, benefit))
        return found

    def queues(self, after: Network, benefit: Benefit | None = None) -> pd.DataFrame:
        """Return waits as loads make them, before and after, where vehicles a day and capacities are known.

        Empty otherwise.
        """
        per_day = self.study.trips.per_day
        known = [
            n.checkpoints["capacity_per_day"].notna() & n.checkpoints["open"].astype(bool)
            for n in (self.network, after)
        ]
        if not per_day or not (known[0].any() and known[1].any()):
            return pd.DataFrame()
        if benefit is None:
            benefit = benefit_between(self.before, self.state(across(after), CENTRE), self.curve)
        # Trips that are made more, or given up, come on top of today's.
        totals = (per_day, per_day * (1 + gains(benefit)["induced"]))
        parts = []
        for network, total in zip((self.network, after), totals, strict=True):
            demand = model_demand(network, half_life_min=self.study.analysis.half_life_min)
            posts = network.checkpoints.set_index("checkpoint_id")
            load = equilibrium(
                choose_checkpoints(demand, theta=self.study.analysis.theta_per_min),
                posts["wait_min"],
                total_per_day=total,
                capacity_per_day=posts["capacity_per_day"].dropna(),
                theta=self.study.analysis.theta_per_min,
                peak_min=self.study.trips.peak_min,
            )
            parts.append(
                load.checkpoints.set_index("checkpoint_id")[
                    ["flow_per_day", "capacity_per_day", "load_factor", "wait_min"]
                ]
            )
        both = parts[0].add_suffix("_before").join(parts[1].add_suffix("_after"), how="outer")
        names = (
            pd.concat([after.checkpoints, self.network.checkpoints])
            .drop_duplicates("checkpoint_id")
            .set_index("checkpoint_id")["name"]
        )
        both.insert(0, "name", both.index.map(names))
        return both.assign(wait_min_change=both["wait_min_after"] - both["wait_min_before"]).reset_index(
            names="checkpoint_id"
        )

    def figures_of(self, trees: Across) -> Callable[[Draw], dict[str, float]]:
        """Return what a scenario with these trees changes under a draw, as a function of it.

        Figures by the names of ``effects``.
        """
        states = self.two_states(trees)
        return lambda draw: states.under(draw).figures

    def two_states(self, trees: Across) -> TwoStates:
        """Return the base and a scenario with these trees, laid out for draws."""
        return TwoStates.of(self.trees, trees, self.curve, cities(self.trees, self.study.lists.city_people))

    def draws(self, after: Network, numbers: Sequence[int] | None = None, *, new: bool = False) -> list[Draw]:
        """Return the draws, those of new checkpoints among them.

        Some by number, all where None; with `NEW` too where one is yet to be built.
        """
        rows = np.union1d(self.trees.a, self.trees.b).tolist()
        posts = after.checkpoints
        # One that is closed in both states is on nobody's way; each has a stream of its own.
        is_open = [
            n.checkpoints.loc[n.checkpoints["open"].astype(bool), "checkpoint_id"] for n in (self.network, after)
        ]
        posts = posts[posts["checkpoint_id"].isin(pd.concat(is_open))]
        table = pd.DataFrame(posts[["checkpoint_id", "wait_assumed", "wait_source"]])
        if new:
            one = pd.DataFrame({"checkpoint_id": [NEW], "wait_assumed": [True], "wait_source": ["the scenario"]})
            table = pd.concat([table, one], ignore_index=True)
        queues = bool(self.study.trips.per_day)
        return make_draws(table, rows, self.spread, numbers=numbers, capacities=queues)

    def _effects(self, drawn: Sequence[dict[str, float]], new: Standing, benefit: Benefit) -> pd.DataFrame:
        """Return the effects with their spread; without draws the spread is not known."""
        table = effects_table(self.before, new, benefit)
        ends = dict.fromkeys(("low", "median", "high"), np.nan)
        table = quantile_columns(table, spread_of(drawn)) if drawn else table.assign(**ends)
        hours = self.hours_per_day(benefit)
        if np.isfinite(hours):
            saved = table.loc[table["key"] == "saved", list(ends)].iloc[0]
            per = self.study.trips.per_day / 60
            row = {
                "key": "hours_per_day",
                "measure": "vehicle-hours that users gain a day by the area",
                "unit": "h a day",
                "before": np.nan,
                "after": np.nan,
                "change": hours,
                **{c: float(saved[c]) * per for c in ends},
            }
            table = pd.concat([table, pd.DataFrame([row])], ignore_index=True)
        return table

    def hours_per_day(self, benefit: Benefit) -> float:
        """Return the vehicle-hours that users gain a day, NaN where the study has no ``[trips] per_day``."""
        per_day = self.study.trips.per_day
        return gains(benefit)["saved"] * per_day / 60 if per_day else float("nan")

    def _tornado(self, after: Network, trees: Across) -> pd.DataFrame:
        rows = np.union1d(self.trees.a, self.trees.b).tolist()
        table = tornado(self.figures_of(trees), after.checkpoints, rows, self.spread, HEADLINE)
        return table[table["span"] > 1e-9].reset_index(drop=True)

    def _loads(self, after: Network, shares: pd.DataFrame) -> pd.DataFrame:
        names = (
            pd.concat([after.checkpoints, self.network.checkpoints])
            .drop_duplicates("checkpoint_id")
            .set_index("checkpoint_id")["name"]
        )
        ends = ("", "_low", "_high")
        renamed = {f"{c}{e}": f"{c}_share{e}" for c in LOADS for e in ends if f"{c}{e}" in shares}
        table = shares.rename(columns=renamed)
        table.insert(1, "name", table["checkpoint_id"].map(names))
        per_day = self.study.trips.per_day
        if per_day:
            by_road = table["mode"] == "road"
            scale = per_day / table.loc[by_road, "before_share"].sum()
            for name in renamed.values():
                table[name.replace("_share", "_per_day")] = (table[name] * scale).where(by_road)
        return table

    def _worth(self, after: Network, trees: Across) -> pd.DataFrame:
        """Return, for what was opened, the wait above which it shortens no trip."""
        known = set(self.network.checkpoints.loc[self.network.checkpoints["open"].astype(bool), "checkpoint_id"])
        table = after.checkpoints
        rows = []
        for row in table[table["open"].astype(bool) & ~table["checkpoint_id"].isin(known)].itertuples():  # a handful
            without = self.state(across(set_open(after, [str(row.checkpoint_id)], False)), CENTRE)
            rows.append(
                (row.checkpoint_id, row.name, row.wait_min, worthless_wait(without, trees, str(row.checkpoint_id)))
            )
        return pd.DataFrame(rows, columns=["checkpoint_id", "name", "wait_min", "worthless_above_min"])


def planned_tables(
    prepared: Prepared,
    before: Network,
    after: Network,
    plan: Plan,
    others: Sequence[Plan] = (),
    *,
    vehicles: bool = False,
) -> dict[str, pd.DataFrame]:
    """Return the tables that a scenario adds for planners.

    Parameters
    ----------
    others
        Further scenarios on the same base, for the table ``variants`` beside those of the plan itself.
    vehicles
        Whether the other vehicle's network is built too, for the table ``vehicles``.

    Raises
    ------
    StudyError
        Values of the plan's tables are out of range.
    """
    spread, values = spread_in(plan, prepared.study), values_in(plan, prepared.study)
    try:
        answers = Answers(prepared, before, spread)
    except NetworkError:
        return {}
    tables = answers.tables(after)
    if values is not None:
        effects = tables["effects"]
        columns = ["change", "low", "high"]
        hours, low, high = effects.loc[effects["key"] == "hours_per_day", columns].to_numpy(float)[0].tolist()
        tables["money"] = money_table(hours, values, between=(low, high))
    variants = [*_variants_of(plan), *((o.name, o) for o in others)]
    if variants:
        tables["variants"] = _compared(answers, prepared, [(plan.name or "scenario", plan), *variants])
    if vehicles:
        tables["vehicles"] = _vehicles(prepared, plan, tables["effects"])
    return {name: table for name, table in tables.items() if len(table)}


def _variants_of(plan: Plan) -> list[tuple[str, Plan]]:
    """Return the variants of a plan as plans."""
    return [
        (name, Plan(tuple(plan.edits[i] for i in rows), tuple(plan.where[i] for i in rows), name))
        for name, rows in plan.variants.items()
    ]


def _compared(answers: Answers, prepared: Prepared, plans: Sequence[tuple[str, Plan]]) -> pd.DataFrame:
    """Return scenarios on one base beside each other: a row per scenario and figure."""
    parts = []
    for name, plan in plans:
        after, notes = apply_edits(answers.network, plan.edits, where=plan.where, rules=rules_of(prepared.study))
        table = answers.tables(after, loads=False)["effects"]
        parts.append(table.assign(variant=name, scenario=scenario_id(plan.edits), edits="; ".join(notes)))
    out = pd.concat(parts, ignore_index=True)
    return out[["variant", "scenario", *[c for c in out if c not in ("variant", "scenario", "edits")], "edits"]]


def _vehicles(prepared: Prepared, plan: Plan, own: pd.DataFrame) -> pd.DataFrame:
    """Return the effects for trucks beside those for cars."""
    from gis.inputs import prepare

    study = prepared.study
    vehicle = study.network.vehicle
    other = "truck" if vehicle == "car" else "car"
    theirs = prepare(study.model_copy(update={"network": study.network.model_copy(update={"vehicle": other})}))
    base = build(theirs)
    edits = [replace(e, wait_min=None) if isinstance(e, Open) and other == "truck" else e for e in plan.edits]
    after, _ = apply_edits(base, edits, where=plan.where, rules=rules_of(study))
    table = Answers(theirs, base, spread_in(plan, study)).tables(after, loads=False)["effects"]
    parts = [own.assign(vehicle=vehicle), table.assign(vehicle=other)]
    out = pd.concat(parts, ignore_index=True)
    return out[["vehicle", *[c for c in out if c != "vehicle"]]]


def rules_of(study: Study) -> Rules:
    """Return what a study says that edits must know."""
    return Rules(
        study.speeds,
        study.network.winter,
        study.analysis.closed_hours,
        study.network.gauge_change_min,
        study.network.current_change_min,
    )


def spread_in(plan: Plan, study: Study) -> Spread:
    """Return the spread that a plan states, the default where it states none; its seed is the study's."""
    given = plan.more.get("uncertainty", {})
    where = plan.at.get("uncertainty", "uncertainty")
    found: Spread = _read(Spread, {"seed": study.analysis.seed, **given}, where, whole=("draws", "seed"))
    return found


def values_in(plan: Plan, study: Study) -> Values | None:
    """Return the money values that a plan states, None without.

    Raises
    ------
    StudyError
        They can't be used, or the study has no vehicles a day, without which there are no hours.
    """
    given = plan.more.get("appraisal")
    if given is None:
        return None
    where = plan.at.get("appraisal", "appraisal")
    values: Values = _read(Values, given, where, whole=("years",), texts=("currency",))
    if not study.trips.per_day:
        raise StudyError(f"{where}: money needs vehicles a day: allowed is a study with [trips] per_day")
    return values


def _read(
    cls: Any, given: Mapping[str, Any], where: str, *, whole: Sequence[str] = (), texts: Sequence[str] = ()
) -> Any:
    """Return a table of a plan as its dataclass, or say what is wrong with it."""
    names = {f.name: f for f in fields(cls)}
    wrong = []
    for key, value in given.items():
        kind: Any = int if key in whole else str if key in texts else (int, float)
        if key not in names:
            wrong.append(f"unknown key {key!r}: allowed are {', '.join(names)}")
        elif isinstance(value, bool) or not isinstance(value, kind) or value != value:
            allowed = "a whole number" if key in whole else "a text" if key in texts else "a number"
            wrong.append(f"{key} = {value!r}: allowed is {allowed}")
    needed = [n for n, f in names.items() if repr(f.default).startswith("<dataclasses._MISSING") and n not in given]
    wrong += [f"{n} is missing: it has no default" for n in needed]
    if wrong:
        raise StudyError(f"{where}: {'; '.join(wrong)}")
    try:
        return cls(**given)
    except StudyError as error:
        raise StudyError(f"{where}: {error}") from None
