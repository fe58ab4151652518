"""One workbook for spreadsheets: a sheet per table, and first of all what it is and whose."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from maps.columns import describe

if TYPE_CHECKING:
    from collections.abc import Mapping

SHEET_NAME, ROWS = 31, 1_048_575
"""What a spreadsheet takes: letters of a sheet's name, rows below the head."""
ABOUT = "About"
_WIDTH = (8, 40)
_SEEN = 200
"""Rows by which the width of a column is chosen."""


def write_workbook(path: Path, tables: Mapping[str, pd.DataFrame], sources: pd.DataFrame, *, title: str) -> None:
    """Write tables as sheets: heads that stay, a filter, what a column is as a note on its head.

    The same tables make the same sheets.

    Raises
    ------
    ValueError
        A table has more rows than a sheet.
    """
    long = [name for name, table in tables.items() if len(table) > ROWS]
    if long:
        raise ValueError(f"more than {ROWS:,} rows: {', '.join(long)}")
    with pd.ExcelWriter(path, engine="openpyxl") as book:
        _about(title, sources).to_excel(book, sheet_name=ABOUT, index=False, header=False)
        _dress(book.sheets[ABOUT], None)
        for name, table in tables.items():
            sheet = name[:SHEET_NAME]
            table.to_excel(book, sheet_name=sheet, index=False, freeze_panes=(1, 0))
            _dress(book.sheets[sheet], table)


def _about(title: str, sources: pd.DataFrame) -> pd.DataFrame:
    """Return the first sheet: title, and the sources with licences."""
    kept = [c for c in ("layer", "source", "version", "date", "licence", "rights", "rows", "note") if c in sources]
    words = [title, "Made by borderlink; who passes these tables on names their sources.", ""]
    head = [[text, *[None] * (len(kept) - 1)] for text in words] + [list(kept)]
    return pd.DataFrame([*head, *sources[kept].astype(object).where(sources[kept].notna(), None).to_numpy().tolist()])


def _dress(sheet: Any, table: pd.DataFrame | None) -> None:
    """Give columns a width, heads a note and a filter."""
    from openpyxl.comments import Comment
    from openpyxl.utils import get_column_letter

    if table is None:
        for letter, width in zip("ABCDEFGH", (16, 50, 12, 14, 22, 40, 10, 50), strict=True):
            sheet.column_dimensions[letter].width = width
        return
    sheet.auto_filter.ref = sheet.dimensions
    for number, name in enumerate(table.columns, start=1):
        longest = max([len(str(name)), *table[name].head(_SEEN).astype(str).str.len()])
        sheet.column_dimensions[get_column_letter(number)].width = min(max(longest + 2, _WIDTH[0]), _WIDTH[1])
        known = describe(str(name))
        if known and known.meaning:
            unit = f" ({known.unit})" if known.unit else ""
            sheet.cell(1, number).comment = Comment(f"{known.label}{unit}: {known.meaning}", "borderlink")
