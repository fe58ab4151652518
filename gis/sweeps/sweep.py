"""Scenarios × draws × candidates of one border or several.

What is to be computed, by whom, and the tables that come of it.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.planning.draws import Spread
from analysis.planning.effects import GAINS, MEASURES
from analysis.planning.sites.gains import UNITS
from analysis.trips.demand import MAX_PLACES
from gis.clock import Clock
from gis.inputs import Fetching
from gis.kept import kept_folder, take_or_build
from gis.manifest import versions
from gis.queries.answers import spread_in
from gis.queries.edit_checks import check_edits
from gis.queries.plans import Plan, read_plan, scenario_id
from gis.study import Study, load_study
from gis.sweeps.borders import Border, border_of
from gis.sweeps.cells import before_and_after_cells, belt_cells, cell_blocks
from gis.sweeps.executors import check_where, executor
from gis.sweeps.parts import AS_IS, Part, Sought, blocks, compute_part, is_done, part_path
from gis.tables import write_tables
from layers.errors import OutputError, StudyError, short
from layers.folders import fresh_folder
from layers.progress import tell
from layers.sides import SIDES
from maps.columns import dictionary

if TYPE_CHECKING:
    from gis.inputs import Prepared

PARTS = "parts"
RESTARTS = 3
"""How often the processes of this machine are started again when one ends by itself."""
UNTOUCHED = "as it is"
BOTH = {**MEASURES, **GAINS}


@dataclass(frozen=True)
class Job:
    """One border of a sweep: a study and its scenarios; without any only candidates are tried."""

    study: Study
    plans: tuple[Plan, ...] = ()


@dataclass(frozen=True)
class Task:
    """A part with the names of its border and scenario, and the folder that it lies in."""

    border: str
    scenario: str
    part: Part
    folder: Path


def read_jobs(path: Path) -> list[Job]:
    """Return the borders of a TOML file.

    Tables ``[[borders]]`` with ``study`` (the packaged one where it is left out) and ``edits``, a list of scenario
    files.

    Raises
    ------
    StudyError, PlaceError
        The file, a study or a scenario can't be used.
    """
    where = short(path)
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise StudyError(f"no such file of borders: {where}; allowed is a TOML file with [[borders]]") from None
    except (OSError, ValueError) as error:
        raise StudyError(f"the borders {where} can't be read: {error}") from None
    rows = data.get("borders")
    if set(data) != {"borders"} or not isinstance(rows, list) or not rows:
        raise StudyError(f"{where}: allowed are tables [[borders]] alone, each with study and edits")
    out = []
    for n, row in enumerate(rows, 1):
        known = isinstance(row, dict) and not set(row) - {"study", "edits"}
        study: Any = row.get("study", "") if known else None
        edits: Any = row.get("edits", []) if known else None
        if not (isinstance(study, str) and isinstance(edits, list) and all(isinstance(e, str) for e in edits)):
            raise StudyError(f"{where}: border {n}: allowed are study, a path, and edits, a list of paths")
        folder = path.resolve().parent
        plans = tuple(read_plan(folder / e) for e in edits)
        out.append(Job(load_study(folder / study if study else None), plans))
    return out


def run_sweep(
    jobs: Sequence[Job],
    *,
    sought: Sought | None = None,
    cells: int | None = None,
    draws: int | None = None,
    workers: int = 1,
    scheduler: str = "",
    out: str | Path = "out-sweep",
    listen: Callable[[str], None] | None = None,
    fetching: Fetching | None = None,
) -> dict[str, Any]:
    """Compute scenarios on draws, and candidates on both where they are sought.

    Leave a folder and return what ``sweep.json`` holds.

    Parameters
    ----------
    sought
        Candidates to be tried one by one on every border as it is and after every scenario.
    cells
        Resolution of H3 on whose cells every scenario is computed too, before and after, without draws.
    draws
        Of every scenario; where None, what each says itself.
    workers, scheduler
        See `gis.sweeps.executors.executor`.
    fetching
        Its cache holds the networks and the parts: every worker sees it.

    Notes
    -----
    The n-th draw of a seed is the same for all scenarios of a border, and a post's wait in it hangs on the post's id:
    numbers do not depend on who computes them, in which order, or how often a sweep was begun again. Parts that are
    done are taken as they are.

    Raises
    ------
    layers.errors.BorderlinkError
        Anything that a user can cause; nothing is written but finished parts in the cache.
    """
    check_where(workers, scheduler)
    _refuse(jobs, sought)
    clock = Clock(listen)
    fetch = replace(fetching or Fetching(), keep=True)
    with fresh_folder(Path(out), "sweep.json", what="a sweep") as folder:
        borders: list[Border] = []
        tasks: list[Task] = []
        for job in jobs:
            border, own = _planned(job, sought, cells, draws, fetch, clock)
            borders.append(border)
            tasks += own
        with clock.stage("parts"):
            new = _computed(borders, tasks, workers, scheduler, listen or (lambda _: None))
        with clock.stage("tables"):
            tables, every = _tables(tasks)
            write_tables(folder / "tables", tables)
            every.to_parquet(folder / "draws.parquet", index=False)
            if cells is not None:
                own_cells = _read([t for t in tasks if t.part.cells])
                before_and_after_cells(own_cells, UNTOUCHED).to_parquet(folder / "cells.parquet", index=False)
        content = {
            "borders": [b.name for b in borders],
            "scenarios": sorted({p.name for j in jobs for p in j.plans}),
            "parts": len(tasks),
            "new": new,
            "versions": versions(),
            "rows": {n: len(t) for n, t in tables.items()},
            "seconds": clock.seconds,
        }
        (folder / "sweep.json").write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return content


def _refuse(jobs: Sequence[Job], sought: Sought | None) -> None:
    """Refuse a sweep that has nothing to compute, or two things of one name."""
    for names, what in (
        ([j.study.name for j in jobs], "borders"),
        *(([UNTOUCHED, *(p.name for p in j.plans)], "scenarios") for j in jobs),
    ):
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise StudyError(
                f"two {what} are called {', '.join(map(repr, twice))}: allowed are names of their own (title, name)"
            )
    if not jobs or not (sought or all(j.plans for j in jobs)):
        raise StudyError("a sweep without scenarios: give --edits FILE, or --candidates")


def _planned(
    job: Job, sought: Sought | None, cells: int | None, draws: int | None, fetch: Fetching, clock: Clock
) -> tuple[Border, list[Task]]:
    """Return a border as workers get it, and its tasks."""

    def look(prepared: Prepared) -> None:
        for plan in job.plans:
            check_edits(plan.edits, prepared.layers["checkpoints"], prepared.regions, plan.where)

    plans = [*([Plan((), name=UNTOUCHED)] if sought or cells is not None else []), *job.plans]
    spreads = [_spread(plan, job.study, draws) for plan in plans]
    prepared, network = take_or_build(job.study, fetching=fetch, clock=clock, look=look)
    folder = kept_folder(job.study, fetch)
    if folder is None:
        raise OutputError(
            f"the network of {job.study.name} can't be kept, and workers take it from the cache: allowed are "
            "layers in files, and a cache that can be written"
        )
    border = border_of(job.study.name, job.study, folder, network)
    people = network.settlements[network.settlements["population"] > 0]["side"].value_counts()
    pairs = int(np.minimum(people.reindex(SIDES, fill_value=0), MAX_PLACES).prod())
    many = int(prepared.border["length_km"].sum() / sought.every_km) + 50 if sought else 0
    belt = [] if cells is None else cell_blocks(len(belt_cells(prepared, network, cells)[1]), cells)
    tasks = []
    for plan, spread in zip(plans, spreads, strict=True):
        # A border as it is has no effects, only candidates.
        for wanted, count in (*([(None, 0)] if plan.edits else []), *([(sought, many)] if sought else [])):
            tasks += [
                Task(
                    border.name,
                    plan.name,
                    Part(border.key, plan.edits, plan.where, spread, *block, wanted),
                    folder / PARTS,
                )
                for block in blocks(spread.draws, pairs, count)
            ]
        named = border.name, plan.name
        tasks += [
            Task(*named, Part(border.key, plan.edits, plan.where, spread, AS_IS, 0, cells=b), folder / PARTS)
            for b in belt
        ]
    return border, tasks


def _spread(plan: Plan, study: Study, draws: int | None) -> Spread:
    """Return the spread of a scenario, with so many draws where the sweep says so."""
    found = spread_in(plan, study)
    return found if draws is None else replace(found, draws=draws)


def _computed(
    borders: Sequence[Border], tasks: Sequence[Task], workers: int, scheduler: str, listen: Callable[[str], None]
) -> int:
    """Compute the parts that are not there, again where a worker is lost; return how many there were not."""
    new = sum(not is_done(t.folder, t.part) for t in tasks)
    for _ in range(RESTARTS):
        left = [t for t in tasks if not is_done(t.folder, t.part)]
        if not left:
            break
        done = len(tasks) - len(left)
        try:
            with executor(borders, workers=workers, scheduler=scheduler) as pool:
                for future in as_completed([pool.submit(compute_part, t.part, t.folder) for t in left]):
                    future.result()
                    done += 1
                    tell(done, len(tasks))
        except BrokenProcessPool:
            listen("a worker ended by itself: its parts are computed again")
    if any(not is_done(t.folder, t.part) for t in tasks):
        raise OutputError(
            f"workers ended by themselves {RESTARTS} times, for want of memory perhaps: allowed are fewer "
            "--workers; what is done stays"
        )
    return new


def _read(tasks: Sequence[Task]) -> Iterator[pd.DataFrame]:
    """Give the rows of parts in the order of the tasks, with border, ``variant`` and ``scenario``.

    ``variant`` is the name of the scenario, ``scenario`` the hash of its edits.
    """
    for t in tasks:
        rows = pd.read_parquet(part_path(t.folder, t.part))
        rows.insert(0, "border", t.border)
        rows.insert(1, "variant", t.scenario)
        rows.insert(2, "scenario", scenario_id(t.part.edits) if t.part.edits else "")
        yield rows


def _tables(tasks: Sequence[Task]) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """Return the tables of a sweep, and all draws of the scenarios."""
    tables, every = {}, pd.DataFrame()
    plain_ones, sought = (
        [t for t in tasks if (t.part.sought is None) == own and not t.part.cells] for own in (True, False)
    )
    if plain_ones:
        every = pd.concat(_read(plain_ones), ignore_index=True)
        table = _summed(every, ["border", "variant", "scenario", "key"])
        table.insert(4, "measure", table["key"].map({k: v[0] for k, v in BOTH.items()}))
        table.insert(5, "unit", table["key"].map({k: v[1] for k, v in BOTH.items()}))
        tables["sweep"] = table.rename(columns={"as_is": "change"})
    if sought:
        rows = pd.concat(_read(sought), ignore_index=True)
        keys = ["border", "variant", "scenario", "candidate", "kind", "place", "lon", "lat", "missing_km"]
        table = _summed(rows, keys)
        drawn = rows[rows["draw"] != AS_IS]
        best = drawn.loc[drawn.groupby(["border", "variant", "draw"], sort=False)["value"].idxmax()]
        first = best.groupby(["border", "variant", "candidate"])["draw"].size()
        number = drawn.groupby(["border", "variant"])["draw"].nunique()
        table = table.join(first.rename("n"), on=["border", "variant", "candidate"])
        table["best_share"] = table.pop("n").fillna(0) / table[["border", "variant"]].apply(tuple, axis=1).map(number)
        tables["sweep_candidates"] = table.rename(columns={"as_is": "alone"}).assign(
            unit=UNITS[sought[0].part.sought.objective]  # type: ignore[union-attr]
        )
    tables["columns"] = dictionary({name: list(map(str, t.columns)) for name, t in tables.items()})
    return tables, every


def _summed(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Return ``as_is``, ``low``, ``median``, ``high`` and ``known_share`` by keys, in the order of the rows.

    They are 5, 50 and 95 % of the draws that know it.
    """
    own = rows["draw"] == AS_IS
    out = rows[own].drop(columns="draw").rename(columns={"value": "as_is"})[[*keys, "as_is"]]
    drawn = rows[~own].groupby(keys, sort=False, dropna=False)["value"]
    spread = (
        drawn.quantile(np.array([0.05, 0.5, 0.95])).unstack().rename(columns={0.05: "low", 0.5: "median", 0.95: "high"})
    )
    for name in ("low", "median", "high"):
        if name not in spread:
            spread[name] = np.nan
    known = drawn.agg(lambda v: v.notna().mean()).rename("known_share")
    return out.join(spread[["low", "median", "high"]], on=keys).join(known, on=keys).reset_index(drop=True)
