"""The user's table of regional indicators.

Read, checked as a whole, the latest year taken; and a template to fill in.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from layers.errors import LayerError
from layers.sources.tables import LINE, TABLES, read_table
from layers.words import numbers

if TYPE_CHECKING:
    from collections.abc import Iterable

DATA = Path(__file__).resolve().parent / "data"
TEMPLATE = DATA / "indicators_ru_kz.csv"
COLUMNS = ("region", "indicator", "value", "unit", "year", "direction", "level")
LEVELS = ("transport", "joint projects", "social services")
"""The three levels of the model of Roy (2022): transport communication, joint projects, social services."""
DIRECTIONS = {
    "more is better": 1,
    "+1": 1,
    "1": 1,
    "1.0": 1,
    "less is better": -1,
    "-1": -1,
    "−1": -1,
    "-1.0": -1,
}
YEARS = (1900, 2100)
TOLD = 3


@dataclass(frozen=True)
class IndicatorTable:
    """A checked table of indicators, one row per region and indicator with its latest known year.

    ``table`` has ``region``, ``indicator``, ``level``, ``direction`` (1 more is better, −1 less is better), ``unit``,
    ``year`` (missing where the value is), ``value`` (NaN for not known) and ``source`` (empty where the file has none).
    ``waiting`` has the same columns, for regions that the regions layer does not have. ``notes`` a reader must know.
    """

    table: pd.DataFrame
    waiting: pd.DataFrame
    notes: list[str]


def indicator_template() -> pd.DataFrame:
    """Return the packaged template.

    The 12 Russian and 8 Kazakh border regions × eight suggested indicators, all values empty.

    The indicators are suggestions of this project and nobody's results: replace them by those that there are numbers
    for. Abai and East Kazakhstan stand apart, as they have since June 2022.

    Examples
    --------
    >>> table = indicator_template()
    >>> table["region"].nunique(), table["indicator"].nunique(), bool((table["value"] == "").all())
    (20, 8, True)
    >>> table.to_csv("indicators.csv", index=False)  # doctest: +SKIP
    """
    return pd.read_csv(TEMPLATE, dtype=str, keep_default_na=False)


def read_indicators(path: Path, regions: Collection[str]) -> IndicatorTable:
    """Return the indicators of a table's file (`layers.sources.tables.read_table`), checked.

    The file has the columns `COLUMNS` (further ones are left alone; ``source`` is kept). A decimal comma is read. An
    empty value means not known: it stays so, and is counted.

    Parameters
    ----------
    regions
        Codes of the regions layer.

    Raises
    ------
    LayerError
        The file can't be read, or does not fit: one message collects all problems (`check_indicators`).
    """
    if path.suffix.lower() not in TABLES:
        raise LayerError(f"{path} can't be read as a table of indicators: allowed are {', '.join(TABLES)}")
    if not path.is_file():
        raise LayerError(f"no such file: {path}")
    frame, notes = read_table(path)
    found = check_indicators(frame, regions, where=str(path))
    return replace(found, notes=[*notes, *found.notes])


def check_indicators(frame: pd.DataFrame, regions: Collection[str], *, where: str = "table") -> IndicatorTable:
    """Return a table of indicators with the latest known year of each region, or say all that is wrong with it.

    Parameters
    ----------
    frame
        With `COLUMNS`; rows without anything are passed over.
    regions
        Codes of the regions layer. Rows of a code that the packaged lists know but the layer lacks (KZ-10 in a layer
        from before 2022) wait: they are told and kept apart.
    where
        File named in the message.

    Raises
    ------
    LayerError
        Missing columns, unknown regions, levels or directions, values or years that are no numbers, a value without a
        year, a region with two rows for an indicator and year, or an indicator with two units, directions or levels.

    Examples
    --------
    >>> about = ("more is better", "social services")
    >>> rows = [("RU-AST", "beds", v, "per 10,000", y, *about) for v, y in ((80, 2020), (78, 2022))]
    >>> found = check_indicators(pd.DataFrame(rows, columns=COLUMNS), ["RU-AST"])
    >>> found.table[["year", "value"]].values.tolist()
    [[2022, 78.0]]
    >>> found.notes
    ['1 older value is not used: the latest year of each region and indicator counts']
    """
    absent = [c for c in COLUMNS if c not in frame]
    if absent:
        has = ", ".join(map(str, frame.columns))
        raise LayerError(f"indicators ({where}): no column {', '.join(absent)}: it has {has}. {_allowed()}")
    text = _texts(frame)
    packaged = _packaged_names()
    problems = _row_problems(text, set(regions) | set(packaged)) + _mixed(text)
    if problems:
        raise LayerError(f"indicators ({where}): " + "; ".join(problems) + f". {_allowed()}")
    if text.empty:
        raise LayerError(f"indicators ({where}): no row. {_allowed()}")
    table = _typed(text)
    latest = _latest(table)
    known = latest["region"].isin(set(regions))
    notes = _value_notes(table, latest) + _waiting_notes(latest[~known], packaged | _own_names(frame))
    return IndicatorTable(latest[known].reset_index(drop=True), latest[~known].reset_index(drop=True), notes)


def _texts(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the columns as stripped texts, empty rows left out, the index being the line in the file."""
    columns = [*COLUMNS, "source"]
    plain = frame.assign(source=frame.get("source", ""))
    text = pd.DataFrame({c: plain[c].astype(str).mask(plain[c].isna(), "").str.strip() for c in columns})
    text.index = frame.index if frame.index.name == LINE else pd.RangeIndex(2, len(text) + 2)
    text = text[(text != "").any(axis=1)].copy()
    for column in ("direction", "level"):
        text[column] = text[column].str.casefold()
    return text


def _row_problems(text: pd.DataFrame, known: set[str]) -> list[str]:
    """Return what is wrong with rows, a sentence per kind."""
    value, year = numbers(text["value"]), numbers(text["year"])
    given, dated = text["value"] != "", text["year"] != ""
    whole = year.between(*YEARS) & (year == year.round())
    # 2022 and 2022.0 are one year.
    twice = text.assign(year=year).duplicated(["region", "indicator", "year"])
    checks = (
        ("region", ~text["region"].isin(known), "unknown regions {}: allowed are the codes of the regions layer"),
        ("indicator", text["indicator"] == "", "indicators without a name {}"),
        (
            "value",
            given & ~np.isfinite(value),
            "values that are no numbers {}: leave the cell empty where nobody knows",
        ),
        ("unit", text["unit"] == "", "no unit {}"),
        ("year", dated & ~whole, f"years {{}}: allowed are {YEARS[0]} to {YEARS[1]}"),
        ("year", given & ~dated, "values without a year {}"),
        (
            "direction",
            ~text["direction"].isin(list(DIRECTIONS)),
            "directions {}: allowed are more is better (1) and less is better (-1)",
        ),
        ("level", ~text["level"].isin(LEVELS), f"levels {{}}: allowed are {', '.join(LEVELS)}"),
    )
    out = [sentence.format(_quoted(text.loc[bad, column])) for column, bad, sentence in checks if bad.any()]
    if twice.any():
        rows = text.loc[twice]
        named = rows["region"] + " " + rows["indicator"] + " " + rows["year"]
        out.append(f"more than one row of a region, indicator and year {_quoted(named)}")
    return out


def _mixed(text: pd.DataFrame) -> list[str]:
    """Return indicators whose rows do not agree on what they are."""
    out = []
    same = text.assign(direction=text["direction"].map(DIRECTIONS).fillna(0))
    for column in ("unit", "direction", "level"):
        by = same.groupby("indicator", sort=False)[column].nunique()
        for name in by.index[by > 1]:
            both = text.loc[text["indicator"] == name, column].unique()
            out.append(f"indicator {name!r} mixes {column}s: {', '.join(both[:TOLD])}")
    return out


def _quoted(values: pd.Series) -> str:
    """Return the first of some wrong values with their lines."""
    listed = [f"{value!r} (line {line})" for line, value in values.head(TOLD).items()]
    return ", ".join(listed) + (f" and {len(values) - TOLD} more" if len(values) > TOLD else "")


def _allowed() -> str:
    return f"Columns of this table: {', '.join(COLUMNS)}"


def _typed(text: pd.DataFrame) -> pd.DataFrame:
    """Return the checked texts as a table of numbers and names."""
    return pd.DataFrame(
        {
            "region": text["region"],
            "indicator": text["indicator"],
            "level": text["level"],
            "direction": text["direction"].map(DIRECTIONS).astype("int64"),
            "unit": text["unit"],
            "year": numbers(text["year"]).astype("Int64"),
            "value": numbers(text["value"]),
            "source": text["source"],
        }
    ).reset_index(drop=True)


def _latest(table: pd.DataFrame) -> pd.DataFrame:
    """Return for each region and indicator the row of its latest known value, in the order of their first rows."""
    order = table.assign(known=table["value"].notna(), stamp=table["year"].astype(float).fillna(-np.inf))
    order["first"] = order.groupby(["region", "indicator"], sort=False).ngroup()
    last = order.sort_values(["known", "stamp"], kind="stable").drop_duplicates("first", keep="last")
    last = last.sort_values("first")[list(table.columns)].reset_index(drop=True)
    # The year of a number that nobody knows says nothing.
    last["year"] = last["year"].where(last["value"].notna())
    return last


def _value_notes(table: pd.DataFrame, latest: pd.DataFrame) -> list[str]:
    """Return notes on values that are not known, not used, or of several years."""
    notes = []
    empty = int(latest["value"].isna().sum())
    if empty:
        notes.append(f"{empty} of {len(latest)} values of the table of indicators are empty: not known")
    older = int(table["value"].notna().sum()) - (len(latest) - empty)
    if older:
        what = "1 older value is" if older == 1 else f"{older} older values are"
        notes.append(f"{what} not used: the latest year of each region and indicator counts")
    for name, years in latest.groupby("indicator", sort=False)["year"]:
        counts = years.value_counts().sort_index()
        if len(counts) > 1:
            listed = ", ".join(f"{year} ({n} regions)" if n > 1 else f"{year} (1 region)" for year, n in counts.items())
            notes.append(f"indicator {name!r} mixes years: {listed}")
    return notes


def _waiting_notes(waiting: pd.DataFrame, names: dict[str, str]) -> list[str]:
    """Return a note per region that the layer does not have."""
    counts = waiting.groupby("region", sort=False).size()
    return [
        f"{_labelled(str(code), names)} is not in the regions layer: its {f'{n} rows wait' if n > 1 else 'row waits'}"
        for code, n in counts.items()
    ]


def _labelled(code: str, names: dict[str, str]) -> str:
    return f"{code} {names.get(code, '')}".strip()


def _packaged_names() -> dict[str, str]:
    """Return the codes that are known without the layer, with names."""
    template = indicator_template()
    codes = pd.read_csv(DATA / "admin1_codes.csv", dtype=str, keep_default_na=False)
    return _pairs(codes["region"], codes["name"]) | _pairs(template["region"], template["name"])


def _own_names(frame: pd.DataFrame) -> dict[str, str]:
    """Return the names that the table itself gives its regions."""
    if "name" not in frame:
        return {}
    named = frame[frame["name"].notna() & (frame["name"] != "")]
    return _pairs(named["region"].astype(str).str.strip(), named["name"].astype(str))


def _pairs(codes: Iterable[str], names: Iterable[str]) -> dict[str, str]:
    return dict(zip(codes, names, strict=True))
