"""The page of two runs side by side.

What differs first, then a table per subject, unchanged rows counted and left out.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from maps.columns import describe, label_of
from maps.i18n import _, number
from maps.phrases import phrase
from maps.report.page import write_pages
from maps.report.tabular import Chapter, Column, Report, made, write_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from maps.contents import Contents

ROWS = 25
"""Rows of a table on the page; all stand in ``tables/``."""
_TITLES = {
    "inputs": "Inputs",
    "settings": "Settings",
    "findings": "Findings",
    "posts": "Checkpoints",
    "places": "Growth points and bottlenecks",
    "regions": "Regions",
    "cells": "Cells",
}
_KEPT = frozenset({"name", "place", "region", "finding", "setting", "key"})
"""Columns whose texts stay as they are."""
_LEFT = frozenset({"lon", "lat", "cell", "sha256_before", "sha256_after"})
"""Columns that are for machines: they stand in the tables."""


def write_comparison(
    path: Path, contents: Contents, words: Mapping[str, Sequence[str]], *, pdf: Path | None = None
) -> None:
    """Write one page without anything from elsewhere, in the language that is spoken.

    Parameters
    ----------
    words
        Sentences of each section, by the name of its table.
    pdf
        The same as a PDF; takes the extra ``pdf`` (`maps.report.pdf.can_write`).
    """
    chapters = tuple(_chapter(name, contents, words[name]) for name in _TITLES)
    known = [_("As a map: map.html; in QGIS: compare.qgz. All rows: tables/*.csv.")]
    rests = Chapter("data", _("What it rests on"), "", "", notes=(*known, *contents.notes))
    write_pages(path, Report(contents, None, (*chapters, rests)), pdf=pdf)


def _chapter(name: str, contents: Contents, words: Sequence[str]) -> Chapter:
    """Return what differs of one subject: its sentences, the rows that differ, and how many do not."""
    table = contents.tables[name]
    moved = table[table["change"] != "same"]
    same = len(table) - len(moved)
    notes = (_("rows that are the same: {n}").format(n=number(same)) + ".",) if same else ()
    shown = moved.assign(**{c: moved[c].map(_phrased) for c in moved.columns if c not in _KEPT})
    columns = tuple(Column(c, _head(c)) for c in map(str, moved) if c not in _LEFT)
    one = write_table(shown, columns, _("What differs"), sides=contents.sides, top=ROWS, notes=notes)
    message, *further = words or ("",)
    intro = " ".join((*further, *(() if one else notes)))
    return Chapter(name, _(_TITLES[name]), message, intro, tables=made(one))


def _phrased(value: Any) -> Any:
    return phrase(value) if isinstance(value, str) else value


def _head(column: str) -> str:
    """Return the head of a column: its label, and which run."""
    for ending, run in (("_before", _("first run")), ("_after", _("second run")), ("_change", _("change"))):
        known = describe(column.removesuffix(ending)) if column.endswith(ending) else None
        if known and known.label:
            return f"{label_of(column.removesuffix(ending))}, {run}"
    own = describe(column)
    return label_of(column) if own and own.label else _(column.replace("_", " ").capitalize())
