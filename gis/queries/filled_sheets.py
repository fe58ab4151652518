"""The sheets of `borderlink template appraisal` read back filled in, and the indicators that they give."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from analysis.planning.appraisal import INDICATORS
from gis.queries.appraisal_sheets import ACTIVITIES, AREAS, DIRECTIONS, STAGES, VEHICLES
from layers.errors import LayerError, short
from layers.sources.tables import LINE, read_table
from layers.words import is_blank, numbers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

COLUMNS = ("indicator", "checkpoint_id", "name", "direction", "of", "value", "unit", "counted", "formula", "source")
SECTION_KM, TONNES = 500.0, 20.0
"""CPMM's section of a corridor and load of a truck."""
MOST_SHOWN = 20
"""Problems that a message lists."""


class Sheet(NamedTuple):
    """What a sheet holds.

    Its keys and their allowed values (any text where there are none), and its numbers: column, most, whether whole.
    """

    keys: Mapping[str, Sequence[str]]
    numbers: Mapping[str, tuple[float, bool]]
    words: Sequence[str] = ()


POST = {"checkpoint_id": (), "direction": DIRECTIONS}
SHEETS: Mapping[str, Sheet] = {
    "tfi1_tfi2": Sheet(
        {**POST, "vehicle": VEHICLES, "activity": ACTIVITIES},
        {
            "hours": (1e4, False),
            "official_fee": (1e9, False),
            "unofficial_fee": (1e9, False),
            "crossings_counted": (1e9, True),
        },
        ("currency",),
    ),
    "tfi3": Sheet(
        {"corridor": (), "section": ()},
        {"km": (2e4, False), "tonnes": (1e3, False), "vehicle_cost": (1e9, False), "fees": (1e9, False)},
        ("currency",),
    ),
    "trs": Sheet(
        {**POST, "stage": tuple(s for s, _ in STAGES)},
        {"mean_hours": (1e4, False), "median_hours": (1e4, False), "declarations_counted": (1e9, True)},
        ("agency",),
    ),
    "cbttfi": Sheet(
        {"checkpoint_id": (), "area": AREAS}, {"score_0_to_1": (1.0, False), "questions_answered": (1e6, True)}
    ),
}


def read_sheets(folder: Path) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Return the rows of the filled sheets in a folder in which something was counted, numbers as numbers, and notes.

    A sheet that is not there, or has nothing filled in, has no rows. Separators, encodings and decimal signs are those
    of `layers.sources.tables.read_table` and `layers.words.numbers`.

    Raises
    ------
    LayerError
        The folder has no such sheet, or a row can't be used: one message with file, line and column of each.
    """
    paths = {name: folder / f"{name}.csv" for name in SHEETS}
    if not any(p.is_file() for p in paths.values()):
        raise LayerError(
            f"no sheets in {short(folder)}: allowed is a folder of borderlink template appraisal, with some of "
            f"{', '.join(p.name for p in paths.values())}"
        )
    problems: list[str] = []
    notes: list[str] = []
    out = {
        name: _read(path, SHEETS[name], problems, notes) if path.is_file() else _none(name)
        for name, path in paths.items()
    }
    if problems:
        more = f"; and {len(problems) - MOST_SHOWN} more" if len(problems) > MOST_SHOWN else ""
        raise LayerError(f"{short(folder)}: {'; '.join(problems[:MOST_SHOWN])}{more}")
    if not any(len(t) for t in out.values()):
        raise LayerError(f"the sheets in {short(folder)} are empty: allowed are hours, fees or scores in some rows")
    return out, notes


def _none(name: str) -> pd.DataFrame:
    """Return a sheet without rows."""
    sheet = SHEETS[name]
    return pd.DataFrame(columns=[*sheet.keys, "name", *sheet.numbers, *sheet.words])


def _read(path: Path, sheet: Sheet, problems: list[str], notes: list[str]) -> pd.DataFrame:
    """Return the rows of one sheet that say something; what is wrong with it is added to the problems."""
    table, guess = read_table(path)
    notes += guess
    lost = [c for c in (*sheet.keys, *sheet.numbers, *sheet.words) if c not in table]
    if lost:
        problems.append(f"{path.name} lacks the columns {', '.join(lost)}: allowed is the sheet as it was written")
        return _none(path.stem)
    table = table.reset_index()
    blank = pd.DataFrame({column: is_blank(table[column]) for column in sheet.numbers})
    table, blank = table[~blank.all(axis=1)].copy(), blank[~blank.all(axis=1)]
    for column, allowed in sheet.keys.items():
        wrong = ~table[column].isin(allowed) if allowed else table[column] == ""
        what = f"allowed are {', '.join(allowed)}" if allowed else "allowed is a name"
        problems += [f"{_at(path, r, column)}: {what}" for r in table[wrong].to_dict("records")]
    for column, (most, count) in sheet.numbers.items():
        number = numbers(table[column], thousands=True if count else None)
        least = 1 if count else 0
        fits = number.between(least, most)
        wrong = ~blank[column] & ~(fits & (number % 1 == 0) if count else fits)
        what = f"allowed is {'a whole number of' if count else 'a number of'} {least} to {most:,.0f}"
        problems += [f"{_at(path, r, column)}: {what}" for r in table[wrong].to_dict("records")]
        table[column] = number
    twice = table.duplicated(list(sheet.keys), keep="first")
    problems += [f"{path.name}, line {n}: filled in twice: allowed is once" for n in table.loc[twice, LINE]]
    found: pd.DataFrame = table.reset_index(drop=True)
    return found


def _at(path: Path, row: Mapping[Any, object], column: str) -> str:
    """Return where a value stands, and the value."""
    return f"{path.name}, line {row[LINE]}, {column} = {short(row[column])!r}"


def counted_indicators(sheets: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return what the filled sheets say, in the indicators of `analysis.planning.appraisal`.

    Returns
    -------
    `COLUMNS`: TFI1 and TFI2 by post, direction and vehicle and over all, weighted by the crossings that were counted
    (alike where no number is given); TFI3 by corridor; hours of release by post, direction and stage and in all; scores
    by post and area and their mean. ``of`` is the vehicle, corridor, stage or area, ``counted`` the crossings or
    declarations.

    Raises
    ------
    LayerError
        Fees of one sum stand in two currencies, or a section has costs and no length.
    """
    rows = [*_crossings(sheets["tfi1_tfi2"]), *_sections(sheets["tfi3"])]
    rows += [*_releases(sheets["trs"]), *_scores(sheets["cbttfi"])]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _row(key: str, value: float, unit: str, *, formula: str = "", **known: Any) -> dict[str, object]:
    """Return one indicator; its name and source are those of the computed one."""
    about = INDICATORS[key]
    blank = {"checkpoint_id": "", "name": "", "direction": "", "of": "", "counted": np.nan}
    words = {"indicator": about.name, "source": about.source}
    return {**blank, **words, **known, "value": value, "unit": unit, "formula": formula or about.formula}


def _currency(table: pd.DataFrame, path: str) -> str:
    """Return the one currency of rows with fees."""
    names = sorted(set(table["currency"]) - {""})
    if len(names) > 1:
        raise LayerError(f"{path}, currency: {', '.join(names)}: allowed is one currency in a sheet")
    return names[0] if names else "currency"


def _crossings(table: pd.DataFrame) -> list[dict[str, object]]:
    """Return TFI1 and TFI2: hours and fees of all activities of a crossing."""
    if table.empty:
        return []
    money = _currency(table, "tfi1_tfi2.csv")
    table = table.assign(fee=table[["official_fee", "unofficial_fee"]].sum(axis=1, min_count=1))
    keys = ["checkpoint_id", "direction", "vehicle"]
    by = table.groupby(keys, sort=False)
    sums = by[["hours", "fee"]].sum(min_count=1).assign(counted=by["crossings_counted"].max())
    name = by["name"].first() if "name" in table else pd.Series("", index=sums.index)
    rows = []
    for key, column, unit, formula in (
        ("tfi1", "hours", "h", "sum of the mean hours of all activities of a crossing"),
        ("tfi2", "fee", money, "sum of the official and unofficial fees of all activities of a crossing"),
    ):
        known = sums[sums[column].notna()]
        named = known.assign(name=name.reindex(known.index)).reset_index()
        rows += [
            _row(
                key,
                float(r[column]),
                unit,
                formula=formula,
                checkpoint_id=r["checkpoint_id"],
                name=r["name"],
                direction=r["direction"],
                of=r["vehicle"],
                counted=r["counted"],
            )
            for r in named.to_dict("records")  # posts: tens
        ]
        for vehicle, own in known.groupby(level="vehicle", sort=False):
            rows.append(
                _row(
                    key,
                    _mean(own[column], own["counted"]),
                    unit,
                    of=vehicle,
                    counted=own["counted"].sum(min_count=1),
                    formula=f"{formula}, mean over crossings",
                )
            )
    return rows


def _sections(table: pd.DataFrame) -> list[dict[str, object]]:
    """Return TFI3: costs of a corridor per 500 km and 20 t."""
    if table.empty:
        return []
    bare = table[~((table["km"] > 0) & (table["tonnes"] > 0))]
    if len(bare):
        raise LayerError(f"tfi3.csv, line {bare[LINE].iloc[0]}: allowed is a section with km and tonnes above 0")
    money = _currency(table, "tfi3.csv")
    cost = table[["vehicle_cost", "fees"]].sum(axis=1, min_count=1) * TONNES / table["tonnes"]
    table = table.assign(cost=cost)[cost.notna()]
    sums = table.groupby("corridor", sort=False)[["cost", "km"]].sum()
    return [
        _row(
            "tfi3",
            float(SECTION_KM * r["cost"] / r["km"]),
            f"{money} per {SECTION_KM:g} km and {TONNES:g} t",
            of=corridor,
            formula="500 · Σ (vehicle cost + fees) · 20 t / tonnes, over Σ km of the sections",
        )
        for corridor, r in sums.iterrows()
    ]


def _releases(table: pd.DataFrame) -> list[dict[str, object]]:
    """Return the hours of release by stage, and their sum from arrival to leaving."""
    table = table[table["mean_hours"].notna()] if len(table) else table
    rows = []
    for (post, direction), own in table.groupby(["checkpoint_id", "direction"], sort=False):
        known: dict[str, Any] = {
            "checkpoint_id": post,
            "direction": direction,
            "name": own["name"].iloc[0] if "name" in own else "",
        }
        for r in own.to_dict("records"):  # eight stages
            of = f"{r['stage']} ({r['agency']})" if r["agency"] else r["stage"]
            rows.append(_row("trs", r["mean_hours"], "h", of=of, counted=r["declarations_counted"], **known))
        stages = len(own)
        rows.append(
            _row(
                "trs",
                float(own["mean_hours"].sum()),
                "h",
                counted=own["declarations_counted"].min(),
                **known,
                of="arrival to leaving" if stages == len(STAGES) else f"{stages} of {len(STAGES)} stages",
                formula="sum of the mean hours of the stages",
            )
        )
    return rows


def _scores(table: pd.DataFrame) -> list[dict[str, object]]:
    """Return the scores by post and area, and the mean of a post that has all areas."""
    table = table[table["score_0_to_1"].notna()] if len(table) else table
    rows = []
    for post, own in table.groupby("checkpoint_id", sort=False):
        known: dict[str, Any] = {"checkpoint_id": post, "name": own["name"].iloc[0] if "name" in own else ""}
        rows += [
            _row("cbttfi", r["score_0_to_1"], "score", of=r["area"], counted=r["questions_answered"], **known)
            for r in own.to_dict("records")
        ]
        if len(own) == len(AREAS):
            mean = float(own["score_0_to_1"].mean())
            rows.append(_row("cbttfi", mean, "score", of="all areas", formula="mean of the four areas", **known))
    return rows


def _mean(values: pd.Series, counted: pd.Series) -> float:
    """Return the mean over crossings; of all alike where a number is missing."""
    weights = counted if counted.notna().all() else None
    return float(np.average(values, weights=weights))
