"""What each column of a run's tables and layers is: unit, kind of number, label and meaning; the one place that knows.

``columns.csv`` beside this file has a row per column, or per family of columns: ``people_within_{T}min_cross_{net}``.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Literal, cast, get_args

import pandas as pd

from maps.i18n import _

Kind = Literal["text", "code", "bool", "count", "model", "minutes", "share", "km", "metres", "p", "exact", "number"]
SCHEMA_VERSION = 1
"""Of the tables and of ``run.json``; the next number where a column or key goes, gets another name or another meaning.
New ones leave it."""
KINDS: tuple[Kind, ...] = get_args(Kind)
_PARTS = {
    "net": "borderless|open|actual",
    "where": "domestic|cross",
    "side": "a|b",
    "cause": "detour|delay|border",
    "mode": "road|rail|river",
    "pairs": "within|cross",
    "T": r"\d+(?:\.\d+)?",
    "test": "moran|g|geary|losh|bv",
    "letter": "e|v|p|mu|alpha|beta|gamma|eta|theta",
    "level": r"\w+?",
    "var": r"\w+?",
    "x": r"\w+",
}
"""What may stand in the braces of a family."""


@dataclass(frozen=True)
class Column:
    """A column: its unit (empty for none), how it is written, the label a reader sees, and what its values say."""

    name: str
    unit: str
    kind: Kind
    label: str
    meaning: str


def _kind(text: str) -> Kind:
    """Return the kind of that name, which the dictionary must know."""
    for kind in get_args(Kind):
        if text == kind:
            return cast("Kind", kind)
    raise ValueError(f"columns.csv: kind {text!r} is unknown: allowed are {', '.join(get_args(Kind))}")


@cache
def columns() -> tuple[Column, ...]:
    """Return all rows of the dictionary, families with their braces, the general ones last."""
    text = resources.files("maps").joinpath("columns.csv").read_text(encoding="utf-8")
    return tuple(
        Column(r["column"], r["unit"], _kind(r["kind"]), r["label"], r["meaning"])
        for r in csv.DictReader(text.splitlines())
    )


@cache
def describe(name: str) -> Column | None:
    """Return what a column is, None for one that the dictionary does not know.

    Examples
    --------
    >>> describe("wait_min").label
    'Wait, median (min)'
    >>> describe("people_within_90min_cross_open").label
    'People across within 90 min, open'
    """
    exact, families = _index()
    if name in exact:
        return exact[name]
    for pattern, row in families:
        found = pattern.fullmatch(name)
        if found:
            words = {k: _word(k, v) for k, v in found.groupdict().items()}
            inner = describe(found["x"]) if "x" in words else None
            if inner:
                row = replace(row, unit=row.unit or inner.unit, kind=inner.kind if row.unit == "" else row.kind)
                words["x"] = inner.label
            return replace(row, name=name, label=row.label.format(**words), meaning=row.meaning.format(**words))
    return None


def label_of(name: str) -> str:
    """Return a column's label in the current language, the name itself where the dictionary knows none.

    Examples
    --------
    >>> label_of("people_within_90min_cross_open")
    'People across within 90 min, open'
    """
    exact, families = _index()
    if name in exact:
        return _(exact[name].label)
    for pattern, row in families:
        found = pattern.fullmatch(name)
        if found:
            words = {k: label_of(v) if k == "x" else _(_word(k, v)) for k, v in found.groupdict().items()}
            return _(row.label).format(**words)
    return name


def _word(part: str, value: str) -> str:
    """Return what stands in a family's braces as a reader sees it."""
    spoken = {"where": {"domestic": "at home", "cross": "across"}, "pairs": {"within": "within", "cross": "across"}}
    return spoken.get(part, {}).get(value, value.replace("_", " "))


@cache
def _index() -> tuple[Mapping[str, Column], tuple[tuple[re.Pattern[str], Column], ...]]:
    """Return the plain columns by name, and the families as patterns."""
    plain = {c.name: c for c in columns() if "{" not in c.name}
    families = tuple((_pattern(c.name), c) for c in columns() if "{" in c.name)
    return plain, families


def _pattern(family: str) -> re.Pattern[str]:
    """Return the pattern of a family of names."""
    parts = re.split(r"\{(\w+)\}", family)
    text = "".join(f"(?P<{p}>{_PARTS[p]})" if i % 2 else re.escape(p) for i, p in enumerate(parts))
    return re.compile(text)


def kind_of(values: pd.Series, name: str | None = None) -> Kind:
    """Return how the values of a column are written for a reader.

    Parameters
    ----------
    values
        The column itself: yes/no and text are seen by its values, and numbers that the dictionary does not know are
        plain.
    name
        Name in the dictionary, that of `values` where None.

    Examples
    --------
    >>> kind_of(pd.Series([12.5], name="wait_min")), kind_of(pd.Series(["Mashtakovo"], name="name"))
    ('minutes', 'text')
    """
    if pd.api.types.is_bool_dtype(values) or (values.dtype == object and _all_flags(values.dropna())):
        return "bool"
    if not pd.api.types.is_numeric_dtype(values):
        return "text"
    row = describe(str(values.name) if name is None else name)
    return row.kind if row and row.kind not in ("text", "code", "bool") else "number"


def _all_flags(known: pd.Series) -> bool:
    """Return whether objects are yes and no alone; the first that is neither ends the search."""
    return len(known) > 0 and all(isinstance(v, bool) for v in known)


def dictionary(tables: Mapping[str, Iterable[str]]) -> pd.DataFrame:
    """Return the data dictionary of a run: a row per table and column.

    Parameters
    ----------
    tables
        Names of the columns of each table.

    Returns
    -------
    ``table``, ``column``, ``unit``, ``kind``, ``label``, ``meaning``, ``schema_version``; empty where the dictionary
    does not know a column.
    """
    rows = []
    for table, names in tables.items():
        for name in names:
            known = describe(str(name)) or Column(str(name), "", "text", "", "")
            rows.append((table, name, known.unit, known.kind if known.meaning else "", known.label, known.meaning))
    made = pd.DataFrame(rows, columns=["table", "column", "unit", "kind", "label", "meaning"])
    return made.assign(schema_version=SCHEMA_VERSION)
