"""The one table of styles: web map, QGIS project, GeoPackage, figures and report all read it.

A `LayerStyle` says how one table is drawn once; a table may be drawn in several ways (``cells`` by label, by time, by
loss). Class breaks are fixed numbers that mean something to a planner, so that two runs can be compared by eye.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

GROWTH, DETOUR, DELAY, NEITHER = "growth point", "bottleneck by detour", "bottleneck by delay", "neither"
NO_DATA = "no data"

# Okabe-Ito hues for the labels (told apart by colour-blind readers), ColorBrewer ramps for the amounts.
_GREEN, _VERMILION, _ORANGE, _GREY, _PALE = "#009e73", "#d55e00", "#f0b429", "#dcdcdc", "#f7f7f7"
_TIME_RAMP = ("#ffffd4", "#fee391", "#fec44f", "#fe9929", "#d95f0e", "#8c2d04")
_LOSS_RAMP = ("#f2f0f7", "#cbc9e2", "#9e9ac8", "#756bb1", "#54278f")
_CHANGE_RAMP = ("#b2182b", "#ef8a62", "#f7f7f7", "#67a9cf", "#2166ac")
OSM = ("ODbL-1.0", "© OpenStreetMap contributors")


@dataclass(frozen=True)
class StyleClass:
    """One class of a renderer and its line in the legend; `size` is mm in QGIS, px/4 on the web."""

    label: str
    color: str
    value: str | None = None
    lower: float | None = None
    upper: float | None = None
    size: float | None = None
    missing: bool = False
    """Features without a value are drawn in this class."""


@dataclass(frozen=True)
class LayerStyle:
    """How one table is drawn, named, described and licensed.

    Parameters
    ----------
    key
        Unique name of this drawing; `layer` is the table it draws.
    classes
        One class for a ``single`` renderer; values for ``categorized``; ``[lower, upper)`` for ``graduated``.
    fields
        Columns a reader sees in pop-ups and QGIS aliases, mapped to a name with its unit, in order.
    """

    key: str
    layer: str
    title: str
    description: str
    group: str
    geometry: Literal["Point", "Line", "Polygon"]
    kind: Literal["single", "categorized", "graduated"]
    classes: tuple[StyleClass, ...]
    column: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    name_column: str | None = None
    visible: bool = True
    opacity: float = 1.0
    outline: str = "#555555"
    size: float = 2.0
    licence: str = OSM[0]
    rights: str = OSM[1]

    def on(self, layer: str, *, key: str, title: str, visible: bool) -> LayerStyle:
        """Return the same drawing for another table (a scenario's state before and after)."""
        return replace(self, layer=layer, key=key, title=title, visible=visible)


def _steps(breaks: tuple[float, ...], ramp: tuple[str, ...], unit: str) -> tuple[StyleClass, ...]:
    edges = (*breaks, float("inf"))
    labels = [f"{a:g}–{b:g} {unit}".strip() for a, b in itertools.pairwise(breaks)]
    labels.append(f"{breaks[-1]:g} {unit} and more".replace("  ", " "))
    return tuple(
        StyleClass(label, color, lower=a, upper=b)
        for label, color, a, b in zip(labels, ramp, edges, edges[1:], strict=False)
    )


TIME_CLASSES = _steps((0, 30, 60, 120, 240, 480), _TIME_RAMP, "min")
LOSS_CLASSES = (
    StyleClass("under 20 %", _LOSS_RAMP[0], lower=0.0, upper=0.2),
    StyleClass("20–40 %", _LOSS_RAMP[1], lower=0.2, upper=0.4),
    StyleClass("40–60 %", _LOSS_RAMP[2], lower=0.4, upper=0.6),
    StyleClass("60–80 %", _LOSS_RAMP[3], lower=0.6, upper=0.8),
    StyleClass("80 % and more", _LOSS_RAMP[4], lower=0.8, upper=1.0000001),
)
LABEL_CLASSES = (
    StyleClass("Growth point", _GREEN, value=GROWTH),
    StyleClass("Bottleneck by detour", _VERMILION, value=DETOUR),
    StyleClass("Bottleneck by delay", _ORANGE, value=DELAY),
    StyleClass("Neither", _GREY, value=NEITHER),
    StyleClass("No data", _PALE, value=NO_DATA, missing=True),
)
CHANGE_CLASSES = (
    StyleClass("loses 10 % or more", _CHANGE_RAMP[0], lower=float("-inf"), upper=-10.0),
    StyleClass("loses 0.1–10 %", _CHANGE_RAMP[1], lower=-10.0, upper=-0.1),
    StyleClass("within ±0.1 %", _CHANGE_RAMP[2], lower=-0.1, upper=0.1),
    StyleClass("gains 0.1–10 %", _CHANGE_RAMP[3], lower=0.1, upper=10.0),
    StyleClass("gains 10 % or more", _CHANGE_RAMP[4], lower=10.0, upper=float("inf")),
)
CHECKPOINT_CLASSES = (
    StyleClass("Road checkpoint, open", "#0072b2", value="road open", size=3.2),
    StyleClass("Rail checkpoint, open", "#333333", value="rail open", size=3.0),
    StyleClass("River checkpoint, open", "#56b4e9", value="river open", size=3.0),
    StyleClass("Closed", "#cc3311", value="closed", size=3.0),
)

_CELL_FIELDS = {
    "cell": "H3 cell",
    "region": "Region code",
    "population": "People (settlements with a known population)",
    "label": "Label",
    "time_to_checkpoint_min": "Minutes to the nearest open checkpoint",
    "nearest_checkpoint": "Nearest open checkpoint",
    "potential_domestic": "Potential within the own country (person-equivalents)",
    "potential_cross_borderless": "Potential across the border, borderless (person-equivalents)",
    "potential_cross_open": "Potential across the border, open (person-equivalents)",
    "potential_cross_actual": "Potential across the border, actual (person-equivalents)",
    "border_loss": "Border loss (share of borderless potential)",
    "loss_detour": "of which detour (share)",
    "loss_delay": "of which delay (share)",
    "cross_ratio": "Cross-border to domestic potential (ratio)",
    "lost_potential": "Lost potential (person-equivalents)",
    "evidence": "What made the label",
}
_SEGMENT_FIELDS = {
    "segment_id": "Segment",
    "region_a": "Region on side a",
    "region_b": "Region on side b",
    "km_from": "From km of the border line",
    "km_to": "To km of the border line",
    "time_to_checkpoint_min": "Minutes to the nearest open checkpoint (slower side)",
    "time_to_checkpoint_a_min": "the same, side a",
    "time_to_checkpoint_b_min": "the same, side b",
    "border_loss": "Border loss (share of borderless potential)",
}
_CHECKPOINT_FIELDS = {
    "name": "Checkpoint",
    "name_ru": "Name in Russian",
    "name_kk": "Name in Kazakh",
    "mode": "Mode",
    "status": "Status",
    "regime": "Regime",
    "hours": "Hours",
    "region_a": "Region on side a",
    "region_b": "Region on side b",
    "wait_min": "Wait, median (min, assumed where marked)",
    "wait_assumed": "Wait is an assumption",
    "share": "Share of modelled cross-border demand",
    "criticality_min": "Extra minutes per trip when closed",
    "unserved_share": "Demand cut off when closed (share)",
    "fallback": "Fallback that takes over most",
    "match_km": "Distance to the network's crossing (km)",
    "joined_by": "Joined to the network by",
}
_EDGE_FIELDS = {
    "length_m": "Length (m)",
    "speed_kph": "Speed (km/h)",
    "time_min": "Time (min)",
    "speed_source": "Source of the speed",
    "side": "Side",
    "bridged": "Bridged digitising gap",
}
_REGION_FIELDS = {
    "region": "ISO 3166-2 code",
    "name": "Region",
    "side": "Side",
    "population": "People in the layer of settlements",
    "area_km2": "Area (km²)",
    "border_km": "Border (km)",
    "road_density_km_per_1000km2": "Road density (km per 1,000 km²)",
    "rail_density_km_per_1000km2": "Rail density (km per 1,000 km²)",
    "checkpoints_per_100km": "Open checkpoints per 100 km of border",
    "time_to_checkpoint_min": "Minutes to the nearest open checkpoint (population mean)",
    "border_loss": "Border loss (share)",
}

_NATURAL_EARTH = ("Public domain", "Made with Natural Earth")


def _cells(
    key: str,
    title: str,
    description: str,
    kind: Literal["categorized", "graduated"],
    classes: tuple[StyleClass, ...],
    column: str,
    *,
    visible: bool = False,
) -> LayerStyle:
    """Return one drawing of the cells."""
    return LayerStyle(
        key, "cells", title, description, "Border belt", "Polygon", kind, classes, column=column, fields=_CELL_FIELDS,
        visible=visible, opacity=0.75, outline="#ffffff",
    )  # fmt: skip


def run_styles() -> tuple[LayerStyle, ...]:
    """Return the drawings of a run's layers, top of the map first."""
    return (
        LayerStyle(
            "checkpoints",
            "checkpoints",
            "Checkpoints",
            "Places where people or goods may legally cross, with wait, share of demand and criticality",
            "Border",
            "Point",
            "categorized",
            CHECKPOINT_CLASSES,
            column="class",
            fields=_CHECKPOINT_FIELDS,
            name_column="name",
            outline="#ffffff",
            licence="Facts, no licence needed",
            rights="Facts of Russia's public registry of checkpoints (Rosgranstroy), November 2025",
        ),
        LayerStyle(
            "crossings",
            "crossings",
            "Crossings",
            "Where the network runs over the border line, with a checkpoint or without",
            "Border",
            "Point",
            "categorized",
            (
                StyleClass("Passable", "#117733", value="open", size=1.8),
                StyleClass("Closed: no open checkpoint", "#cc3311", value="closed", size=1.8),
            ),
            column="status",
            fields={"crossing_id": "Crossing", "mode": "Mode", "status": "Status", "checkpoints": "Checkpoints"},
            visible=False,
            outline="#ffffff",
        ),
        LayerStyle(
            "settlements",
            "settlements",
            "Settlements",
            "Settlements with population",
            "Ground",
            "Point",
            "graduated",
            (
                StyleClass("under 10,000 people or unknown", "#ffffff", lower=0, upper=1e4, size=0.9, missing=True),
                StyleClass("10,000–100,000", "#ffffff", lower=1e4, upper=1e5, size=1.5),
                StyleClass("100,000–500,000", "#ffffff", lower=1e5, upper=5e5, size=2.4),
                StyleClass("500,000 and more", "#ffffff", lower=5e5, upper=float("inf"), size=3.4),
            ),
            column="population",
            fields={
                "name": "Settlement",
                "region": "Region code",
                "population": "People",
                "time_to_checkpoint_min": "Minutes to the nearest open checkpoint",
                "snap_km": "Connector (km)",
            },
            name_column="name",
            visible=False,
            outline="#333333",
            licence="CC-BY-4.0",
            rights="© GeoNames, CC BY 4.0",
        ),
        LayerStyle(
            "segments",
            "segments",
            "Segments: time to the nearest checkpoint",
            "25 km pieces of the border line",
            "Border",
            "Line",
            "graduated",
            tuple(replace(c, size=1.4) for c in TIME_CLASSES),
            column="time_to_checkpoint_min",
            fields=_SEGMENT_FIELDS,
            visible=False,
            size=1.4,
        ),
        LayerStyle(
            "border_line",
            "border_line",
            "Border line",
            "The shared boundary of the two sides, by facing regions",
            "Border",
            "Line",
            "single",
            (StyleClass("Border line", "#7a0177", size=0.5),),
            fields={"region_a": "Region on side a", "region_b": "Region on side b", "length_km": "Length (km)"},
            size=0.5,
            licence=_NATURAL_EARTH[0],
            rights=_NATURAL_EARTH[1],
        ),
        LayerStyle(
            "roads",
            "roads",
            "Roads",
            "Road network, generalised, and the connectors that stand for roads it lacks",
            "Ground",
            "Line",
            "categorized",
            (
                StyleClass("Road", "#5f4632", value="road", size=0.26),
                StyleClass("Connector (assumed)", "#b08d6a", value="connector", size=0.12),
            ),
            column="class",
            fields=_EDGE_FIELDS,
            size=0.26,
        ),
        LayerStyle(
            "railways",
            "railways",
            "Railways",
            "Rail network, generalised",
            "Ground",
            "Line",
            "single",
            (StyleClass("Railway", "#4d4d4d", size=0.3),),
            fields=_EDGE_FIELDS,
            size=0.3,
            visible=False,
        ),
        _cells(
            "cells",
            "Growth points and bottlenecks",
            "H3 cells of the border belt by label",
            "categorized",
            LABEL_CLASSES,
            "label",
            visible=True,
        ),
        _cells(
            "cells_time",
            "Cells: time to the nearest open checkpoint",
            "H3 cells by minutes",
            "graduated",
            TIME_CLASSES,
            "time_to_checkpoint_min",
        ),
        _cells(
            "cells_loss",
            "Cells: border loss",
            "H3 cells by share of potential lost",
            "graduated",
            LOSS_CLASSES,
            "border_loss",
        ),
        LayerStyle(
            "regions",
            "regions",
            "Regions",
            "Regions on the border, by side",
            "Background",
            "Polygon",
            "categorized",
            (StyleClass("Side a", "#eef3fa", value="a"), StyleClass("Side b", "#fbf3e4", value="b")),
            column="side",
            fields=_REGION_FIELDS,
            name_column="name",
            outline="#8a8a8a",
            licence=_NATURAL_EARTH[0],
            rights=_NATURAL_EARTH[1],
        ),
    )
