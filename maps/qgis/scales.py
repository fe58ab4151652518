"""At which scales QGIS draws and labels what: a table, so that the whole border is not hidden under its villages."""

from __future__ import annotations

from typing import NamedTuple

from maps.styles.layers import LayerStyle


class Range(NamedTuple):
    """Largest denominators at which a layer is drawn, and labelled; 0 for all scales."""

    drawn: int = 0
    labelled: int = 0


RANGES = {
    "checkpoints": Range(labelled=6_000_000),
    "crossings": Range(drawn=4_000_000),
    "gaps": Range(drawn=8_000_000),
}
"""By table; a table that is not here is drawn and labelled at all scales."""
LABELLED_PEOPLE = ((100_000, 0), (10_000, 2_500_000), (0, 600_000))
"""Settlements of so many people are labelled up to such a denominator, 0 for all: thousands of villages would hide the
map."""


ALL_PLACES = 4_000_000
"""Up to this denominator all places of the finding are labelled, beyond it the steady ones alone."""


def range_of(style: LayerStyle) -> Range:
    """Return the scales of a drawing; a state of a scenario has those of its table."""
    table = style.layer.removesuffix("_before").removesuffix("_after")
    return RANGES.get(table, Range())


def label_text(style: LayerStyle) -> tuple[str, bool]:
    """Return what labels show, and whether it is an expression."""
    name = str(style.name_column)
    if style.layer == "places":
        return f'CASE WHEN "steady" OR @map_scale <= {ALL_PLACES} THEN "{name}" END', True
    if style.column != "population":
        return name, False
    parts = [
        f'WHEN "population" >= {people}{f" AND @map_scale <= {scale}" if scale else ""} THEN "{name}"'
        for people, scale in LABELLED_PEOPLE
    ]
    return f"CASE {' '.join(parts)} END", True
