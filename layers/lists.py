"""Columns of several values a row: tuples in tables, one text where a file can hold no more."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import pandas as pd

Table = TypeVar("Table", bound=pd.DataFrame)
BAR = "|"


def joined(values: Iterable[object]) -> str:
    """Return values as one text.

    Examples
    --------
    >>> joined(("x1", "x2")), joined((0.1, 12.0)), joined(())
    ('x1|x2', '0.1|12.0', '')
    """
    return BAR.join(str(v) for v in values)


def lists_of(keys: pd.Series, known: pd.Series) -> pd.Series:
    """Return the list that is known of each key, the empty one where none is.

    Examples
    --------
    >>> lists_of(pd.Series(["a", "b"]), pd.Series({"a": ("x1",)})).tolist()
    [('x1',), ()]
    """
    found = known.to_dict()
    return pd.Series([found.get(k, ()) for k in keys], index=keys.index, dtype=object)


def with_joined_lists(table: Table) -> Table:
    """Return a table with each column of tuples as texts, for a file.

    Examples
    --------
    >>> with_joined_lists(pd.DataFrame({"crossings": [("x1", "x2"), ()], "n": [1, 2]}))["crossings"].tolist()
    ['x1|x2', '']
    """
    lists = [c for c in table.columns if len(table) and isinstance(table[c].iloc[0], tuple)]
    return table.assign(**{c: [joined(v) for v in table[c]] for c in lists}) if lists else table
