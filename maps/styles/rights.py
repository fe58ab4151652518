"""Whose data a drawing is made of: rights and licences by the table of sources, not by habit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pandas as pd

from maps.styles.classes import LayerStyle

_GROUND = {
    "settlements": ("settlements",),
    "checkpoints": ("checkpoints",),
    "border_line": ("border_line", "regions"),
    "regions": ("regions",),
    "sea_line": ("sea_line",),
    "water": ("water",),
    "roads": ("roads",),
    "railways": ("railways",),
    "cells": ("roads", "railways", "population"),
}
"""Layers of the ground that a table is made of; all others are made of roads and railways."""
_NETWORK = ("roads", "railways")
_STATES = ("_before", "_after", "_change")


def credited(styles: Iterable[LayerStyle], sources: pd.DataFrame) -> list[LayerStyle]:
    """Return drawings with the rights and licences of the sources that their tables are made of.

    Parameters
    ----------
    sources
        ``layer``, ``source``, ``licence``, ``rights``, a row per file or server. A drawing whose layers have no row, or
        one of the user's own places, keeps what it says.
    """
    known = (
        sources.astype(object).where(sources.notna(), "").astype(str)
        if len(sources)
        else pd.DataFrame(columns=["layer", "source", "licence", "rights"])
    )
    return [_credited(style, known) for style in styles]


def _credited(style: LayerStyle, sources: pd.DataFrame) -> LayerStyle:
    """Return one drawing with its rights."""
    if style.layer in set(sources["layer"]) - {*_GROUND, *_NETWORK}:
        return style
    table = next((style.layer.removesuffix(s) for s in _STATES if style.layer.endswith(s)), style.layer)
    rows = sources[sources["layer"].isin(_GROUND.get(table, _NETWORK))]
    rows = rows[~rows["source"].str.startswith("none")]
    owners = rows["rights"].where(rows["rights"] != "", rows["source"])
    pairs = list(dict.fromkeys(zip(owners, rows["licence"], strict=True)))
    if not pairs:
        return style
    if len(pairs) == 1:
        return replace(style, rights=pairs[0][0], licence=pairs[0][1])
    named = (own if terms.replace("-", " ") in own.replace("-", " ") else f"{own} ({terms})" for own, terms in pairs)
    return replace(style, rights="; ".join(named), licence="; ".join(dict.fromkeys(terms for _, terms in pairs)))
