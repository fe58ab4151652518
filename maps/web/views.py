"""What the page shows when: chapters with their layers, which numbers of a feature come first, what is not offered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from maps.i18n import _
from maps.styles.layers import LayerStyle

GROUND = ("border_line", "roads", "water", "regions")
"""Drawn under every chapter, top first."""
LEAD: Mapping[str, tuple[str, ...]] = {
    "finding": ("population", "growth", "excess_min", "next_city_min", "rank", "leading_share"),
    "checkpoints": ("share", "wait_min", "criticality_min", "unserved_share"),
    "cells": ("population", "time_to_checkpoint_min", "next_city_min", "excess_min"),
    "cells_reach": (
        "people_within_240min_cross_actual",
        "people_within_120min_cross_actual",
        "time_to_city_cross_actual_min",
        "population",
    ),
    "segments": ("time_to_checkpoint_a_min", "time_to_checkpoint_b_min", "border_loss"),
    "regions": ("population", "border_km", "checkpoints_per_100km", "time_to_checkpoint_min"),
    "regions_index": ("index", "rank_median", "rank_p5", "rank_p95"),
    "settlements": ("population", "time_to_checkpoint_min"),
    "flows": ("flow_share", "length_m"),
    "closures_links": ("criticality_min", "flow_share", "unserved_share", "people_over_60min"),
    "gaps": ("gap_km", "way_round_km"),
    "places": ("population", "growth", "excess_min", "rank"),
    "cells_compared": ("potential_change_pct", "time_to_checkpoint_min_before", "time_to_checkpoint_min_after"),
    "posts_compared": ("wait_min_before", "wait_min_after", "share_before", "share_after"),
    "cells_change": (
        "potential_change_pct",
        "time_to_checkpoint_before_min",
        "time_to_checkpoint_after_min",
        "population",
    ),
}
"""Columns of a layer, or of one drawing, that stand first in a pop-up; the first four that have a value are shown."""
HIDDEN = {"cell", "segment_id", "crossing_id", "region_code", "osm_ids", "u", "v", "link", "name_ru", "name_kk"}
"""Ids and codes that no reader is shown; names in other languages are searched, not listed."""


@dataclass(frozen=True)
class View:
    """One chapter of the page: its layers in order, and those that are on when it is opened."""

    key: str
    title: str
    sentence: str
    layers: tuple[str, ...]
    on: tuple[str, ...]


def views(styles: Sequence[LayerStyle]) -> list[View]:
    """Return the chapters that have a layer; what no chapter names stands with the data."""
    keys = [style.key for style in styles]
    out, named = [], set(GROUND)
    for key, title, sentence, layers, on in _chapters():
        own = tuple(k for k in layers if k in keys)
        if key != "data" and any(k not in ("checkpoints", "checkpoints_after") for k in own):
            first = next(k for k in own if not k.startswith("checkpoints"))
            out.append(View(key, title, sentence, own, tuple(k for k in on if k in own) or (first,)))
            named |= set(own)
    rest = tuple(k for k in keys if k not in named)
    data = _data()
    out.append(View("data", *data, (*rest, *(k for k in GROUND if k in keys)), rest[:1] if not out else ()))
    return out


def _data() -> tuple[str, str]:
    """Return title and sentence of the chapter on what the numbers rest on."""
    return _("Data"), _("What the numbers rest on: the ground, the network and its gaps.")


def _chapters() -> list[tuple[str, str, str, tuple[str, ...], tuple[str, ...]]]:
    """Return key, title, sentence, layers and first layers of the chapters, the finding first."""
    return [
        (
            "compared",
            _("Side by side"),
            _("What the second run has more or less of than the first."),
            ("cells_compared", "posts_compared", "places_compared"),
            ("cells_compared", "posts_compared"),
        ),
        (
            "change",
            _("Change"),
            _("What the scenario changes, against the network as it is."),
            ("cells_change", "checkpoints_after"),
            ("cells_change", "checkpoints_after"),
        ),
        (
            "states",
            _("Before and after"),
            _("The same measure in both states."),
            (
                "checkpoints_after",
                "checkpoints_before",
                "cells_time_before",
                "cells_time_after",
                "cells_loss_before",
                "cells_loss_after",
            ),
            ("cells_time_after", "checkpoints_after"),
        ),
        (
            "finding",
            _("Finding"),
            _("Solid: among the leading tenth of its list in nine of ten settings. Striped: in some of them only."),
            ("finding", "checkpoints"),
            ("finding", "checkpoints"),
        ),
        (
            "connectivity",
            _("Checkpoints"),
            _("Where the border may be crossed, and how far it is to the nearest open checkpoint."),
            ("checkpoints", "checkpoints_load", "crossings", "segments", "cells_time"),
            ("checkpoints", "cells_time"),
        ),
        (
            "reach",
            _("Reach"),
            _("Who is within reach across the border, waits included."),
            ("cells_reach", "isochrones", "cells_loss", "cells_lost", "checkpoints"),
            ("cells_reach", "checkpoints"),
        ),
        (
            "trips",
            _("Trips"),
            _("Modelled from people and minutes, not counted: read shares."),
            ("flows", "checkpoints"),
            ("flows", "checkpoints"),
        ),
        (
            "closures",
            _("Closures"),
            _("What an average trip loses when a link is closed."),
            ("closures_links", "checkpoints"),
            ("closures_links", "checkpoints"),
        ),
        (
            "statistics",
            _("How sure"),
            _("Each cell beside chance, and beside surfaces as smooth as the data."),
            ("cells", "cells_bottleneck", "outliers"),
            ("cells",),
        ),
        (
            "levels",
            _("Regions"),
            _("Regions by index and type; they are described, not tested."),
            ("regions_index", "regions_type"),
            ("regions_index",),
        ),
    ]


def lead_of(style: LayerStyle, columns: Sequence[str]) -> list[str]:
    """Return the columns that come first in a pop-up of a drawing."""
    wanted = LEAD.get(style.key) or LEAD.get(style.layer.removesuffix("_before").removesuffix("_after")) or ()
    return [c for c in wanted if c in columns]


def is_constant(style: LayerStyle, index: pd.Series) -> bool:
    """Return whether a drawing shows one thing everywhere: such a layer is not offered.

    Parameters
    ----------
    index
        Number of the class of each row, negative without one.
    """
    if style.kind == "single" or style.geometry == "Point" or len(style.classes) < 2 or style.key in GROUND:
        return False
    missing = style.missing_class
    known = index[(index >= 0) & (index != (-9 if missing is None else missing))]
    # Where all moved alike, that is what the map has to say.
    return known.nunique() <= 1 and not _all_moved(style, known)


def _all_moved(style: LayerStyle, known: pd.Series) -> bool:
    """Return whether a drawing of changes has no feature in the class that holds none."""
    if not str(style.column).endswith("change_pct") or known.empty:
        return False
    still = [i for i, c in enumerate(style.classes) if (c.lower or 0) < 0 < (c.upper or 0)]
    return not known.isin(still).any()
