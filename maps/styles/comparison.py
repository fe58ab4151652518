"""Drawings of two runs side by side: cells by change, checkpoints and places by what became of them."""

from __future__ import annotations

from dataclasses import replace

from maps.styles.classes import CHANGE_CLASSES, LayerStyle, StyleClass
from maps.styles.layers import run_styles

BECAME = (
    StyleClass("In the second run alone", "#e6007e", value="new", size=4.0),
    StyleClass("In the first run alone", "#444444", value="gone", size=4.0),
    StyleClass("Changed", "#0072b2", value="changed", size=3.0),
    StyleClass("The same", "#bbbbbb", value="same", size=2.0),
)


def comparison_styles() -> tuple[LayerStyle, ...]:
    """Return the drawings of a comparison, top of the map first."""
    known = {style.key: style for style in run_styles()}
    places = LayerStyle(
        "places_compared",
        "places_compared",
        "Growth points and bottlenecks: what became of them",
        "Places of the ranked lists of both runs",
        "Finding",
        "Point",
        "categorized",
        BECAME,
        column="change",
        fields={
            "place": "Place",
            "finding": "What it is",
            "change": "What became of it",
            "rank_before": "Rank, first run",
            "rank_after": "Rank, second run",
            "population": "People",
        },
        name_column="place",
        outline="#ffffff",
    )
    posts = LayerStyle(
        "posts_compared",
        "posts_compared",
        "Checkpoints: what became of them",
        "Checkpoints of both runs",
        "Border",
        "Point",
        "categorized",
        BECAME,
        column="change",
        fields={
            "name": "Checkpoint",
            "change": "What became of it",
            "status_before": "Status, first run",
            "status_after": "Status, second run",
            "wait_min_before": "Wait, first run (min)",
            "wait_min_after": "Wait, second run (min)",
            "share_before": "Share of demand, first run",
            "share_after": "Share of demand, second run",
        },
        name_column="name",
        visible=False,
        outline="#ffffff",
    )
    cells = LayerStyle(
        "cells_compared",
        "cells_compared",
        "Potential across the border: second run beside the first",
        "H3 cells by how much of their potential across the border the second run has more or less",
        "Border belt",
        "Polygon",
        "graduated",
        CHANGE_CLASSES,
        column="potential_change_pct",
        fields={
            "place": "Place",
            "potential_change_pct": "Change of the potential across the border (%)",
            "potential_cross_actual_before": "Potential, first run (person-equivalents)",
            "potential_cross_actual_after": "Potential, second run (person-equivalents)",
            "time_to_checkpoint_min_before": "Minutes to the nearest open checkpoint, first run",
            "time_to_checkpoint_min_after": "Minutes to the nearest open checkpoint, second run",
        },
        opacity=0.75,
        outline="#ffffff",
    )
    return (
        places,
        posts,
        known["border_line"],
        known["roads"],
        cells,
        replace(known["regions"], fields={"name": "Region"}),
    )
