"""What QGIS shows of a feature: its form in tabs, its row in the attribute table, its map tip.

A tab per subject, the columns of the drawing first; what the drawing does not name stands in the form and is hidden in
the table.
"""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Iterable
from xml.etree import ElementTree as ET

from maps.columns import describe, label_of
from maps.i18n import _, language
from maps.styles.layers import LayerStyle

FIRST = "Overview"
"""Tab of the columns that a reader of the drawing is shown."""
TABS = (
    (
        "Growth and bottlenecks",
        r"growth|bottleneck|excess|next_city|home_roads|rank|advice|flag|leading|steady|settings",
    ),
    ("Access", r"time_|minutes|people_|city_|nearest_|catchment|travel|by_the_frame|snap_|connector"),
    ("Potential and loss", r"potential|border_loss|loss_|lost_|cross_ratio|efficiency|circuity|pairs_"),
    ("Trips and closures", r"share|demand|criticality|unserved|fallback|trips|flow|load|betweenness|capacity|queue"),
    ("Statistics", r".*_(?:p|q|z|p_max|i|h|c|quadrant|kind)$|local_|stab"),
    (
        "Network",
        r"u$|v$|kind|length|speed|direction|osm_|bridged|surface|toll|gauge|current|gate|match|joined|crossing|status|class",
    ),
)
"""Tabs of further columns, by how their names begin; a column belongs to the first that fits."""
REST = "More"
TIP_ROWS = 6


def alias(style: LayerStyle, column: str) -> str:
    """Return what a reader sees instead of a column's name, with its unit; empty where nobody knows the column."""
    if column in style.fields:
        return style.fields[column]
    known = describe(column)
    if known is None or not known.label:
        return ""
    label = label_of(column)
    return label if not known.unit or known.unit in known.label else f"{label} ({_(known.unit)})"


def form_elements(style: LayerStyle, columns: Collection[str] = ()) -> list[ET.Element]:
    """Return aliases, form, attribute table and map tip of a vector layer.

    Parameters
    ----------
    columns
        Of the table, without its geometry; those of `style` where nothing is given.
    """
    names = list(columns) or list(style.fields)
    shown = [c for c in style.fields if c in names]
    return [
        _aliases(style, [*shown, *(c for c in names if c not in style.fields)]),
        _table(shown, names),
        _text("editorlayout", "tablayout"),
        _form(shown, names),
        _text("mapTip", map_tip(style, shown)),
    ]


def map_tip(style: LayerStyle, shown: Iterable[str]) -> str:
    """Return the HTML that QGIS shows over a feature.

    Its name, what it is drawn by, and the next columns of the drawing that are known.
    """
    columns = list(shown)
    name = style.name_column or next((c for c in ("place", "near") if c in columns), None)
    title = f'[% "{name}" %]' if name else html.escape(style.title)
    first = [c for c in columns if c == style.column]
    rows = [
        f"[% CASE WHEN \"{c}\" IS NOT NULL THEN '<br>{quoted(html.escape(style.fields[c], quote=False))}: ' || "
        f"{written(c)} ELSE '' END %]"
        for c in [*first, *(c for c in columns if c not in first)]
        if c != name and not _is_code(c)
    ]
    return f"<b>{title}</b>{''.join(rows[:TIP_ROWS])}"


def written(column: str) -> str:
    """Return the expression that writes a value as people read it.

    As a share, or with as many digits as mean something.
    """
    known = describe(column)
    kind = known.kind if known else "text"
    if kind == "share":
        return f"format_number(100 * \"{column}\", 1, '{language()}') || ' %'"
    if kind in ("count", "model", "minutes", "metres"):
        return f"format_number(\"{column}\", 0, '{language()}')"
    if kind in ("km", "number"):
        return f"format_number(\"{column}\", 1, '{language()}')"
    return f'to_string("{column}")'


def quoted(text: str) -> str:
    """Return a text as it stands between the quotes of an expression."""
    return text.replace("'", "''")


def _is_code(column: str) -> bool:
    known = describe(column)
    return known is not None and known.kind == "code"


def _aliases(style: LayerStyle, columns: Iterable[str]) -> ET.Element:
    root = ET.Element("aliases")
    known = [(column, alias(style, column)) for column in columns]
    for index, (column, name) in enumerate((c, n) for c, n in known if n):
        ET.SubElement(root, "alias", field=column, index=str(index), name=name)
    return root


def _table(shown: list[str], names: list[str]) -> ET.Element:
    """Return the attribute table: the columns of the drawing in its order, the others hidden behind them."""
    root = ET.Element("attributetableconfig", sortExpression="", sortOrder="0", actionWidgetStyle="dropDown")
    columns = ET.SubElement(root, "columns")
    for name in ["fid", *shown, *(c for c in names if c not in shown)]:
        ET.SubElement(columns, "column", type="field", name=name, width="-1", hidden="0" if name in shown else "1")
    ET.SubElement(columns, "column", type="actions", width="-1", hidden="1")
    return root


def _form(shown: list[str], names: list[str]) -> ET.Element:
    tabs = {FIRST: shown} | {tab: [] for tab, _ in TABS} | {REST: []}
    for name in names:
        if name not in shown:
            tabs[next((tab for tab, pattern in TABS if re.match(pattern, name)), REST)].append(name)
    root = ET.Element("attributeEditorForm")
    for tab, members in tabs.items():
        if not members:
            continue
        box = ET.SubElement(
            root,
            "attributeEditorContainer",
            name=_(tab),
            columnCount="1",
            groupBox="0",
            showLabel="1",
            visibilityExpressionEnabled="0",
            visibilityExpression="",
        )
        for index, name in enumerate(members):
            ET.SubElement(box, "attributeEditorField", name=name, index=str(index), showLabel="1")
    return root


def _text(tag: str, text: str) -> ET.Element:
    element = ET.Element(tag)
    element.text = text
    return element
