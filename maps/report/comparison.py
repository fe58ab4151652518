"""The page of two runs side by side.

What differs first, then a table per subject, unchanged rows counted and left out.
"""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from maps.columns import describe, label_of
from maps.i18n import _, localised, number
from maps.phrases import phrase

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
_NAMES = frozenset({"name", "place", "region", "finding", "setting", "key"})  # columns whose texts stay as they are
_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;color:#1f2933;max-width:70rem;margin:0 auto;padding:1.5rem}
h1{font-size:1.6rem;margin:0}h2{font-size:1.15rem;margin:2rem 0 .4rem}
table{border-collapse:collapse;font-size:.85rem}
div.t{overflow-x:auto}th,td{padding:.25rem .6rem;border-bottom:1px solid #d9dee3;text-align:left;vertical-align:top}
td.n{text-align:right;font-variant-numeric:tabular-nums}tr.new td:first-child{border-left:4px solid #e6007e}
tr.gone td:first-child{border-left:4px solid #444}tr.changed td:first-child{border-left:4px solid #0072b2}
@media print{body{max-width:none}div.t{overflow:visible}}
"""


def write_comparison(path: Path, contents: Contents, words: Mapping[str, Sequence[str]]) -> None:
    """Write one page without anything from elsewhere.

    Parameters
    ----------
    words
        Sentences of each section, by the name of its table.
    """
    parts = [f"<h1>{html.escape(contents.title)}</h1>", f"<p>{html.escape(contents.subtitle)}</p>", "<ul>"]
    parts += [f"<li>{html.escape(line)}</li>" for line in contents.findings]
    parts += [
        "</ul>",
        f'<p>{_("As a map:")} <a href="map.html">map.html</a>; QGIS: compare.qgz. {_("All rows: tables/*.csv.")}</p>',
    ]
    for name, title in _TITLES.items():
        parts += [
            f"<h2>{html.escape(_(title))}</h2>",
            *(f"<p>{html.escape(line)}</p>" for line in words[name]),
            _table(contents.tables[name], title),
        ]
    page = (
        f'<!doctype html><html lang="{contents.lang}"><head><meta charset="utf-8"><meta name="viewport" '
        'content="width=device-width,initial-scale=1">'
        f"<title>{html.escape(contents.title)}</title><style>{_STYLE}</style></head>"
        f"<body><main>{''.join(parts)}</main></body></html>\n"
    )
    path.write_text(page, encoding="utf-8", newline="\n")


def _table(table: pd.DataFrame, title: str) -> str:
    """Return the rows that differ, and how many do not."""
    moved = table[table["change"] != "same"]
    same = len(table) - len(moved)
    if moved.empty:
        return ""
    columns = [
        c
        for c in map(str, moved)
        if c not in ("lon", "lat", "cell", "sha256_before", "sha256_after") and moved[c].notna().any()
    ]
    head = "".join(f'<th scope="col">{html.escape(_label(c))}</th>' for c in columns)
    shown = moved.head(ROWS)
    rows = "".join(
        f'<tr class="{kind}">{"".join(_cell(value, column) for value, column in zip(row, columns, strict=True))}</tr>'
        for kind, row in zip(shown["change"], shown[columns].itertuples(index=False, name=None), strict=True)
    )
    left = [
        _("more rows that differ: {n}").format(n=number(len(moved) - len(shown))) if len(moved) > len(shown) else "",
        _("rows that are the same: {n}").format(n=number(same)) if same else "",
    ]
    note = "; ".join(part for part in left if part)
    body = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    # What scrolls must be reached by the keyboard, and be called something.
    frame = f'<div class="t" tabindex="0" role="region" aria-label="{html.escape(title)}">{body}</div>'
    return frame + (f"<p>{note}.</p>" if note else "")


def _label(column: str) -> str:
    """Return the head of a column: its label, and which run."""
    for ending, words in (("_before", _("first run")), ("_after", _("second run")), ("_change", _("change"))):
        known = describe(column.removesuffix(ending)) if column.endswith(ending) else None
        if known and known.label:
            return f"{label_of(column.removesuffix(ending))}, {words}"
    own = describe(column)
    return label_of(column) if own and own.label else _(column.replace("_", " ").capitalize())


def _cell(value: Any, column: str) -> str:
    if isinstance(value, float):
        text = "–" if pd.isna(value) else f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
        return f'<td class="n">{localised(text)}</td>'
    text = "–" if pd.isna(value) else str(value)
    return f"<td>{html.escape(text if column in _NAMES else phrase(text))}</td>"
