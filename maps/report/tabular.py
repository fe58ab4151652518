"""Tables of the report: columns named by the dictionary, values as text, what is the same in all rows said once."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from maps.columns import Kind, describe, kind_of, label_of
from maps.contents import Contents
from maps.i18n import _, with_sides
from maps.phrases import phrase
from maps.report.drawing import Drawing
from maps.web import assets
from maps.web.packing import WORDED

PHRASED = frozenset(
    {
        "network",
        "variable",
        "statistic",
        "alternative",
        "type",
        "unit",
        "measure",
        "note",
        "source",
        "what",
        "value",
        "formula",
        "needs",
        "indicator",
        "licence",
        "rights",
        "layer",
        "set",
        "vehicle",
    }
)
"""Further columns whose values are words of ours."""
TOP = 10
"""Rows of a table; the others are one file away."""


@dataclass(frozen=True)
class Column:
    """A column of a table: its name, its head where the dictionary's label does not fit, how it is written."""

    name: str
    head: str = ""
    kind: Kind | None = None


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
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Chapter:
    """A chapter of two pages at most: the message, what it is about, figures with captions, tables, notes."""

    key: str
    title: str
    message: str
    intro: str
    figures: tuple[tuple[Drawing, str], ...] = ()
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to show."""
        return not self.figures and not self.tables


@dataclass(frozen=True)
class Report:
    """What both forms of the report are written from."""

    contents: Contents
    picture: Drawing | None
    chapters: tuple[Chapter, ...]
    rests: str = ""
    caption: str = ""
    """Of the picture."""
    paged: bool = False
    """Whether each chapter of the PDF begins a page."""


def columns(names: str, **heads: str) -> tuple[Column, ...]:
    """Return columns by name, some with a head of their own.

    Examples
    --------
    >>> [c.head for c in columns("place rank", rank="Rank in its list")]
    ['', 'Rank in its list']
    """
    return tuple(Column(name, heads.get(name, "")) for name in names.split())


def write_table(
    frame: pd.DataFrame | None,
    chosen: tuple[Column, ...],
    caption: str,
    *,
    sides: tuple[str, str] = ("a", "b"),
    top: int = TOP,
    notes: tuple[str, ...] = (),
) -> Table | None:
    """Write the first rows of the columns of a frame that there are; None where nothing is left.

    A column without a value, or with one value in all of several rows, says nothing row by row: the first goes, the
    second stands in a note.

    Parameters
    ----------
    frame
        Rows in their order.
    chosen
        What is shown.
    sides
        Names of the sides for heads and for values of ``side``.
    top
        Rows at the most.
    """
    known = [c for c in chosen if frame is not None and c.name in frame.columns and frame[c.name].notna().any()]
    if frame is None or not known or frame.empty:
        return None
    rows = frame.head(top)
    dropped, kept = [], []
    for column in known:
        head = with_sides(_(column.head) if column.head else label_of(column.name), sides)
        texts, css, gaps = _written(rows[column.name], column, sides)
        if len(rows) > 2 and column is not known[0] and len(set(texts)) == 1:
            dropped.append(f"{head}: {texts[0]}")
        else:
            kept.append((Cell(head, css), [Cell(text, css) for text in texts], gaps))
    own = list(notes)
    if len(frame) > top:
        own.append(_("The first {n} of {all}; all are in the tables.").format(n=top, all=len(frame)))
    if dropped:
        own.append(_("The same in all rows: {list}.").format(list="; ".join(dropped)))
    if any(gaps for *_rest, gaps in kept):
        own.append(_("– no value or out of reach."))
    body = tuple(zip(*(texts for _head, texts, _gaps in kept), strict=True))
    return Table(caption, tuple(head for head, *_rest in kept), body, tuple(own))


def _written(values: pd.Series, column: Column, sides: tuple[str, str]) -> tuple[list[str], str, bool]:
    """Return a column's texts, its class in the style sheet, and whether a number is missing."""
    kind = column.kind or kind_of(values, column.name)
    numeric = kind not in ("text", "code", "bool")
    if column.name == "side":
        values = values.map(lambda v: dict(zip("ab", sides, strict=True)).get(v, v))
    if column.name in WORDED or column.name in PHRASED:
        values = values.map(lambda v: _word(v) if isinstance(v, str) else v)
    texts = [assets.format_value(value, kind) for value in values.tolist()]
    if column.head.endswith("(%)"):
        texts = [text.removesuffix(" %") for text in texts]
    return texts, "num" if numeric else "", numeric and bool(values.isna().any())


def _word(value: str) -> str:
    """Return a word of ours as a reader sees it: the label of a column, or a phrase."""
    return label_of(value) if "_" in value and describe(value) is not None else phrase(value)


def made(*tables: Table | None) -> tuple[Table, ...]:
    """Return the tables that there are."""
    return tuple(t for t in tables if t is not None)
