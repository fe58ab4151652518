"""Texts of others in our files: letters that every format can hold, cells that no spreadsheet takes for a formula."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable

MARK = "'"
"""Stands before a cell of text that a spreadsheet would calculate; our reader takes it off again."""
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_MARKED = re.compile(r"'+[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")
# What XML 1.0 refuses or a terminal obeys: control characters, half a pair, and two letters that are none.
_ILLEGIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
INSTEAD = "\ufffd"


def legible(text: str) -> str:
    """Return a text that XML, JSON, HTML and UTF-8 can hold: what they can't becomes U+FFFD, so that it is seen.

    Examples
    --------
    >>> legible("a" + chr(0) + "b") == "a" + INSTEAD + "b"
    True
    """
    return _ILLEGIBLE.sub(INSTEAD, text)


def legible_columns(frame: Any) -> Any:
    """Return a frame whose columns of text are legible; the frame itself where they are."""
    for column in frame.columns:
        values = frame[column]
        if not _holds_text(values):
            continue
        if isinstance(values.dtype, pd.StringDtype) and not _ILLEGIBLE.search("\n".join(values.dropna().unique())):
            continue
        odd = [isinstance(v, str) and _ILLEGIBLE.search(v) is not None for v in values]
        if any(odd):
            frame = frame.assign(**{column: [legible(v) if o else v for v, o in zip(values, odd, strict=True)]})
    return frame


def harmless(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose texts no spreadsheet calculates.

    A mark before = + - @, tab and return; numbers stay numbers.

    Examples
    --------
    >>> harmless(pd.DataFrame({"name": ["=1+1", "-5.2", "Orsk"], "n": [-1, 2, 3]}))["name"].tolist()
    ["'=1+1", '-5.2', 'Orsk']
    """
    texts = {c: _harmless(table[c]) for c in table.columns if _holds_text(table[c])}
    return table.assign(**texts).rename(columns=_marked)


def without_marks(cells: Iterable[str]) -> list[str]:
    """Return cells of a table as they were before `harmless`.

    Examples
    --------
    >>> without_marks(["'=1+1", "''=x", "'s-Hertogenbosch", "-5.2"])
    ['=1+1', "'=x", "'s-Hertogenbosch", '-5.2']
    """
    return [cell[1:] if _MARKED.match(cell) else cell for cell in cells]


def _marked(value: Any) -> Any:
    if isinstance(value, str) and _FORMULA.match(value) and not _NUMBER.fullmatch(value):
        return MARK + value
    return value


def _harmless(values: pd.Series) -> Any:
    """Return a column of texts with its marks."""
    if isinstance(values.dtype, pd.StringDtype) and not any(v is not _marked(v) for v in values.unique().tolist()):
        return values  # of many rows few differ, and hardly any needs a mark
    return [_marked(v) for v in values]


def _holds_text(values: pd.Series) -> bool:
    return values.dtype.kind == "O" or isinstance(values.dtype, pd.StringDtype | pd.CategoricalDtype)
