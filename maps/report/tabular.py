"""Tables of the report: columns with their heads and units, values as text."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup

from maps.columns import Kind, kind_of
from maps.web import assets


@dataclass(frozen=True)
class Column:
    """A column of a table: its name, its head with the unit, how it is written, whether it holds unbreakable codes."""

    name: str
    head: str
    kind: Kind | None = None
    code: bool = False


@dataclass(frozen=True)
class Cell:
    """One written value and its class in the style sheet."""

    text: str
    css: str


@dataclass(frozen=True)
class Table:
    """A table ready for the page."""

    caption: str
    heads: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...]


def write_table(frame: pd.DataFrame, columns: tuple[Column, ...], caption: str, notes: tuple[str, ...] = ()) -> Table:
    """Write the columns of a frame that there are."""
    heads: list[Cell] = []
    written: list[list[Cell]] = []
    gaps = False
    for column in (c for c in columns if c.name in frame.columns):
        values = frame[column.name]
        kind = column.kind or kind_of(values, column.name)
        numeric = kind not in ("text", "code", "bool")
        unit_in_head = column.head.endswith("(%)")
        texts = [assets.format_value(value, kind) for value in values.tolist()]
        gaps |= numeric and any(assets.is_missing(value) for value in values.tolist())
        css = "num" if numeric else "code" if column.code else ""
        heads.append(Cell(column.head, css))
        written.append([Cell(text.removesuffix(" %") if unit_in_head else text, css) for text in texts])
    rows = tuple(zip(*written, strict=True)) if written else ()
    return Table(caption, tuple(heads), rows, (*notes, "– no value or out of reach.") if gaps else notes)


@dataclass(frozen=True)
class Chapter:
    """A section of the report: words, figures with captions, tables; `empty` is said where there is neither."""

    key: str
    title: str
    intro: str
    figures: tuple[tuple[Markup, str], ...] = ()
    tables: tuple[Table, ...] = ()
    empty: str = "This run has no such tables."


def made(*tables: Table | None) -> tuple[Table, ...]:
    """Return the tables that have rows."""
    return tuple(t for t in tables if t is not None and t.rows)
