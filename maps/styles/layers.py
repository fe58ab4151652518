"""The one table of styles: web map, QGIS project, GeoPackage, figures and report all read it.

A `LayerStyle` says how one table is drawn once; a table may be drawn in several ways (``cells`` by flag, by time, by
loss). `run_styles` draws a run, `scenario_styles` a scenario's two states and what lies between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from maps.styles.classes import (
    BOTTLENECK_CLASSES,
    CHANGE_CLASSES,
    CHECKPOINT_CLASSES,
    GROWTH_CLASSES,
    LOSS_CLASSES,
    LOSS_COLORS,
    NEW_CHECKPOINT,
    NO_DATA,
    OSM,
    TIME_CLASSES,
    LayerStyle,
    StyleClass,
)
from maps.styles.fields import CELL_FIELDS, CHANGE_FIELDS, TESTED
from maps.styles.quantiles import quantile_classes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "BOTTLENECK_CLASSES",
    "CHANGE_CLASSES",
    "CHECKPOINT_CLASSES",
    "GROWTH_CLASSES",
    "LOSS_CLASSES",
    "LOSS_COLORS",
    "NEW_CHECKPOINT",
    "NO_DATA",
    "OSM",
    "TIME_CLASSES",
    "LayerStyle",
    "StyleClass",
    "run_styles",
    "scenario_styles",
]

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
    "wait_p90_min": "Wait, 90th percentile (min)",
    "wait_assumed": "Wait is an assumption",
    "share": "Share of modelled cross-border demand",
    "criticality_min": "Extra minutes per trip when closed",
    "unserved_share": "Trips of its mode cut off when closed (share)",
    "fallback": "Fallback that takes over most",
    "match_km": "Distance to the network's crossing (km)",
    "joined_by": "Joined to the network by",
}
_EDGE_FIELDS = {
    "length_m": "Length (m)",
    "speed_kph": "Speed (km/h)",
    "time_min": "Time (min)",
    "speed_source": "Source of the speed",
    "surface": "Surface",
    "toll": "Toll",
    "gauge": "Gauge (mm)",
    "current": "Current",
    "osm_ids": "OpenStreetMap ways",
    "side": "Side",
    "bridged": "Bridged digitising gap",
    "length_factor": "Length: times the source's (more than 1: assumed)",
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

_REGIONS_OF = ("ODbL-1.0", "© OpenStreetMap contributors; made with Natural Earth")


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
        key,
        "cells",
        title,
        description,
        "Border belt",
        "Polygon",
        kind,
        classes,
        column=column,
        fields=CELL_FIELDS,
        visible=visible,
        opacity=0.75,
        outline="#ffffff",
    )


_CHECKPOINTS = LayerStyle(
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
    sized_by="share",
    licence="Facts, no licence needed",
    rights="Facts of Russia's public registry of checkpoints (Rosgranstroy), November 2025",
)
_CROSSINGS = LayerStyle(
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
)
_SETTLEMENTS = LayerStyle(
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
        "nearest_road_km": "Nearest road (km)",
    },
    name_column="name",
    visible=False,
    outline="#333333",
    licence="CC-BY-4.0",
    rights="© GeoNames, CC BY 4.0",
)
_SEGMENTS = LayerStyle(
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
)
_BORDER_LINE = LayerStyle(
    "border_line",
    "border_line",
    "Border line",
    "The shared boundary of the two sides, by facing regions",
    "Border",
    "Line",
    "single",
    (StyleClass("Border line", "#5b2a6e", size=0.5),),
    fields={"region_a": "Region on side a", "region_b": "Region on side b", "length_km": "Length (km)"},
    size=0.5,
)
_ROADS = LayerStyle(
    "roads",
    "roads",
    "Roads",
    "Road network, generalised, and the connectors that stand for roads it lacks",
    "Ground",
    "Line",
    "categorized",
    (
        StyleClass("Motorway or trunk road", "#b9b0a5", value="major", size=0.3),
        StyleClass("Primary road", "#c6beb4", value="primary", size=0.24),
        StyleClass("Other road", "#d3ccc3", value="minor", size=0.18, min_zoom=7),
        StyleClass("Ferry", "#8db4cf", value="ferry", size=0.24),
        StyleClass("Connector (assumed)", "#d9cfc2", value="connector", size=0.12, min_zoom=8),
    ),
    column="class",
    fields=_EDGE_FIELDS,
    size=0.26,
)
_RAILWAYS = LayerStyle(
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
)
_CELLS = _cells(
    "cells",
    "Growth points",
    "H3 cells of the border belt by what people reach across it beyond what their side, home potential and "
    "distance give",
    "categorized",
    GROWTH_CLASSES,
    "growth_flag",
    visible=True,
)
_CELLS_BOTTLENECK = _cells(
    "cells_bottleneck",
    "Bottlenecks",
    "H3 cells of the border belt by minutes to the next city across it beyond what home roads take",
    "categorized",
    BOTTLENECK_CLASSES,
    "bottleneck_flag",
)
_CELLS_TIME = _cells(
    "cells_time",
    "Cells: time to the nearest open checkpoint",
    "H3 cells by minutes",
    "graduated",
    TIME_CLASSES,
    "time_to_checkpoint_min",
)
_CELLS_LOSS = _cells(
    "cells_loss",
    "Cells: border loss",
    "H3 cells by share of potential lost",
    "graduated",
    LOSS_CLASSES,
    "border_loss",
)
_REGIONS = LayerStyle(
    "regions",
    "regions",
    "Regions",
    "Regions on the border, by side",
    "Background",
    "Polygon",
    "categorized",
    (StyleClass("Side a", "#fbfaf7", value="a"), StyleClass("Side b", "#f5f0e6", value="b")),
    column="side",
    fields=_REGION_FIELDS,
    name_column="name",
    outline="#d5d2cb",
    licence=_REGIONS_OF[0],
    rights=_REGIONS_OF[1],
)


def run_styles(lost_potential: Sequence[float] | NDArray[np.float64] = ()) -> tuple[LayerStyle, ...]:
    """Return the drawings of a run's layers, top of the map first.

    Parameters
    ----------
    lost_potential
        The cells' values, to which the classes of their drawing are fitted; without them there is no such drawing.
    """
    lost = (
        replace(
            _CELLS_LOSS,
            key="cells_lost",
            title="Cells: lost potential",
            description="H3 cells by person-equivalents of potential that the border takes, quantiles",
            classes=quantile_classes(lost_potential),
            column="lost_potential",
        ),
    )
    return (
        _CHECKPOINTS,
        _CROSSINGS,
        _SETTLEMENTS,
        _SEGMENTS,
        _BORDER_LINE,
        _ROADS,
        _RAILWAYS,
        _CELLS,
        _CELLS_BOTTLENECK,
        _CELLS_TIME,
        _CELLS_LOSS,
        *(lost if len(lost_potential) else ()),
        _REGIONS,
    )


def _state(style: LayerStyle, state: str, what: str) -> LayerStyle:
    """Return a run's drawing for the table of one state of a scenario, hidden."""
    title = f"{state.capitalize()}: {what}"
    moved = style.on(f"{style.layer}_{state}", key=f"{style.key}_{state}", title=title, visible=False)
    fields = {column: name for column, name in style.fields.items() if column not in TESTED}
    return replace(moved, description=f"{style.description}, {state} the scenario", fields=fields)


def scenario_styles() -> tuple[LayerStyle, ...]:
    """Return the drawings of a scenario: both states and the change, top of the map first.

    The areas are a choice of which one is on, so the two states of one quantity stand next to each other: flip
    between them.
    """
    time, loss = "time to open checkpoint", "border loss"
    after = _state(_CHECKPOINTS, "after", "checkpoints")
    return (
        replace(after, visible=True, classes=(NEW_CHECKPOINT, *CHECKPOINT_CLASSES)),
        _state(_CHECKPOINTS, "before", "checkpoints"),
        _BORDER_LINE,
        _ROADS,
        replace(
            _CELLS_TIME,
            key="cells_change",
            layer="cells_change",
            title="Change: cross-border potential",
            description="H3 cells by how much of their potential across the border the scenario adds or takes",
            classes=CHANGE_CLASSES,
            column="potential_change_pct",
            fields=CHANGE_FIELDS,
            visible=True,
        ),
        _state(_CELLS_TIME, "before", time),
        _state(_CELLS_TIME, "after", time),
        _state(_CELLS_LOSS, "before", loss),
        _state(_CELLS_LOSS, "after", loss),
        _REGIONS,
    )
