"""Drawings of the further chapters' layers: gaps, flows, reach, isochrones, types and ranks of regions, outliers, load.

They belong to the one table of styles: `chapter_styles` adds to `maps.styles.layers.run_styles` what a run has layers
for.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from maps.i18n import _
from maps.styles.classes import LayerStyle, StyleClass
from maps.styles.finding import PLACES
from maps.styles.layers import run_styles

TYPE_COLORS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#bbbbbb", "#222255")
"""Paul Tol's bright scheme: types are names, not amounts."""

FLOW_CLASSES = (
    StyleClass("under 1 % of trips", "#fdd0a2", lower=0.0, upper=0.01, size=0.35),
    StyleClass("1–5 %", "#fdae6b", lower=0.01, upper=0.05, size=0.7),
    StyleClass("5–10 %", "#f16913", lower=0.05, upper=0.1, size=1.1),
    StyleClass("10–25 %", "#d94801", lower=0.1, upper=0.25, size=1.6),
    StyleClass("25 % and more", "#7f2704", lower=0.25, upper=float("inf"), size=2.2),
)
_REACH_RAMP = ("#f7fcf5", "#c7e9c0", "#74c476", "#238b45", "#00441b")
REACH_CLASSES = tuple(
    StyleClass(label, color, lower=low, upper=high)
    for label, color, low, high in zip(
        ("nobody", "1–10,000", "10,000–100,000", "100,000–1 million", "1 million and more"),
        _REACH_RAMP,
        (0.0, 1.0, 1e4, 1e5, 1e6),
        (1.0, 1e4, 1e5, 1e6, float("inf")),
        strict=True,
    )
)
_MINUTE_RAMP = ("#08519c", "#3182bd", "#6baed6", "#9ecae1", "#c6dbef", "#eff3ff")
LOAD_CLASSES = (
    StyleClass("under 50 % of capacity", "#1a9850", lower=0.0, upper=0.5, size=3.0),
    StyleClass("50–85 %", "#a6d96a", lower=0.5, upper=0.85, size=3.2),
    StyleClass("85–100 %: bottleneck", "#fdae61", lower=0.85, upper=1.0, size=3.6),
    StyleClass("100 % and more: queue", "#d73027", lower=1.0, upper=float("inf"), size=4.2),
)

_FLOWS = LayerStyle(
    "flows",
    "flows",
    "Cross-border trips on the network",
    "Links by their share of the modelled trips across the border (betweenness with the trips of each pair as weight)",
    "Border",
    "Line",
    "graduated",
    FLOW_CLASSES,
    column="flow_share",
    fields={
        "mode": "Mode",
        "kind": "Class",
        "flow_share": "Share of the mode's trips across the border",
        "length_m": "Length (m)",
        "osm_ids": "OpenStreetMap ways",
    },
    visible=False,
)
_CLOSED = LayerStyle(
    "closures_links",
    "closures_links",
    "Links whose loss costs most",
    "The most used links by the minutes that an average trip loses when the link is closed",
    "Border",
    "Line",
    "graduated",
    (
        StyleClass("under 0.1 min per trip", "#dadaeb", lower=0.0, upper=0.1, size=0.8),
        StyleClass("0.1–1 min", "#9e9ac8", lower=0.1, upper=1.0, size=1.2),
        StyleClass("1–5 min", "#6a51a3", lower=1.0, upper=5.0, size=1.7),
        StyleClass("5 min and more", "#3f007d", lower=5.0, upper=float("inf"), size=2.3),
    ),
    column="criticality_min",
    fields={
        "place": "Near",
        "mode": "Mode",
        "kind": "Class",
        "flow_share": "Share of the mode's trips across the border",
        "criticality_min": "Extra minutes per trip when closed",
        "unserved_share": "Trips of its mode cut off when closed (share)",
        "people_over_60min": "People who lose more than an hour",
        "people_cut_off": "People cut off",
    },
    visible=False,
)


def reach_limits(columns: Collection[str]) -> list[str]:
    """Return the limits in minutes within which people across are counted, in order: those of the study."""
    found = (re.fullmatch(r"people_within_([\d.]+)min_cross_actual", str(c)) for c in columns)
    return sorted((m.group(1) for m in found if m), key=float)


def _reach_style(limits: Sequence[str]) -> LayerStyle:
    """Return the style of cells by the people reached across within the longest of the study's limits."""
    last = limits[-1]
    return LayerStyle(
        "cells_reach",
        "cells",
        f"Cells: people across the border within {last} minutes",
        f"H3 cells by the people that are reached across the border within {last} minutes, waits included",
        "Border belt",
        "Polygon",
        "graduated",
        REACH_CLASSES,
        column=f"people_within_{last}min_cross_actual",
        fields={
            "cell": "H3 cell",
            "near": "Near",
            "region": "Region code",
            **{f"people_within_{m}min_cross_actual": f"People across the border within {m} min" for m in limits},
            f"people_within_{last}min_cross_borderless": "The same without a border",
            "people_within_a_day_cross_actual": "People across the border within a day and back",
            "city_cross_actual": "Nearest city across the border",
            "time_to_city_cross_actual_min": "Minutes to it",
        },
        visible=False,
    )


_OUTLIERS = LayerStyle(
    "outliers",
    "outliers",
    "Isolated crossings and gaps",
    "Cells that differ from their neighbours on their own side: candidates for a scenario, and good crossings "
    "among poor ones",
    "Border belt",
    "Polygon",
    "categorized",
    (
        StyleClass("Isolated gap: candidate", "#aa3377", value="isolated gap (candidate)"),
        StyleClass("Isolated good crossing", "#228833", value="isolated good crossing"),
    ),
    column="label",
    fields={
        "place": "Place",
        "region": "Region code",
        "label": "What it is",
        "ratio": "Cross-border to domestic potential, times its side's mean",
        "around": "The same around it (mean of the neighbours)",
        "time_to_checkpoint_min": "Minutes to the nearest open checkpoint",
        "q": "Adjusted p",
    },
    visible=False,
    opacity=0.85,
    outline="#ffffff",
)
_GAPS = LayerStyle(
    "gaps",
    "gaps",
    "Gaps of the data",
    "Dead ends beside links that are far away by the network: bridged by assumed links, or left",
    "Ground",
    "Line",
    "categorized",
    (
        StyleClass("Bridged: an assumption", "#cc3311", value="True", size=1.4),
        StyleClass("Left as it is", "#888888", value="False", size=1.0),
    ),
    column="bridged",
    fields={
        "near": "Near",
        "mode": "Mode",
        "leads_to": "Leads to",
        "gap_km": "Gap (km, straight)",
        "way_round_km": "Way by the network (km; empty: none)",
        "reason": "Why it is left",
    },
    visible=False,
)
_INDEX = LayerStyle(
    "regions_index",
    "regions",
    "Regions: index of the assessed levels",
    "Regions by their index, 0 worst to 1 best, on the levels that were assessed",
    "Background",
    "Polygon",
    "graduated",
    tuple(
        StyleClass(label, color, lower=low, upper=high)
        for label, color, low, high in zip(
            ("under 0.2", "0.2–0.4", "0.4–0.6", "0.6–0.8", "0.8 and more"),
            ("#ffffcc", "#c2e699", "#78c679", "#31a354", "#006837"),
            (0.0, 0.2, 0.4, 0.6, 0.8),
            (0.2, 0.4, 0.6, 0.8, float("inf")),
            strict=True,
        )
    ),
    column="index",
    fields={
        "region": "ISO 3166-2 code",
        "name": "Region",
        "index": "Index",
        "levels_assessed": "Levels assessed",
        "rank_median": "Rank, median",
        "rank_p5": "Rank, 5 %",
        "rank_p95": "Rank, 95 %",
        "type": "Type",
    },
    name_column="name",
    visible=False,
    opacity=0.7,
    outline="#8a8a8a",
)


def chapter_styles(
    layers: Collection[str],
    *,
    lost_potential: Sequence[float] = (),
    types: Sequence[str] = (),
    minutes: Sequence[float] = (),
    places: Sequence[tuple[str, str]] = (),
    columns: Mapping[str, Collection[str]] | None = None,
) -> tuple[LayerStyle, ...]:
    """Return all drawings of a run with its further layers, top of the map first.

    Parameters
    ----------
    layers
        Names of the tables that there are, beyond those of every run: ``flows``, ``gaps``, ``isochrones``,
        ``outliers``.
    lost_potential
        See `maps.styles.layers.run_styles`.
    types
        Names of the types of regions, in order.
    minutes
        Limits of the isochrones.
    places
        Layers of the user's own: name of the table and whose rights it bears.
    columns
        Columns of each table: a drawing whose column is missing is left out.
    """
    base = list(run_styles(lost_potential))
    known = columns or {}
    at = {style.key: i for i, style in enumerate(base)}
    more: list[tuple[int, LayerStyle]] = []
    if "places" in layers:
        more.append((0, PLACES))
    if "gaps" in layers:
        more.append((at["roads"], _GAPS))
    if "flows" in layers:
        more.append((at["border_line"], _FLOWS))
    if "closures_links" in layers:
        more.append((at["border_line"], _CLOSED))
    more += [(at["settlements"], _places(word, rights)) for word, rights in places]
    if "load_factor" in known.get("checkpoints", ()):
        load = replace(
            base[at["checkpoints"]],
            key="checkpoints_load",
            title="Checkpoints: load",
            description="Road checkpoints by modelled trips over capacity a day; "
            "without a known capacity they are not drawn",
            kind="graduated",
            classes=LOAD_CLASSES,
            column="load_factor",
            visible=False,
        )
        more.append((at["checkpoints"] + 1, load))
    if "isochrones" in layers:
        more.append((at["cells"], isochrone_style(sorted(minutes))))
    if "outliers" in layers:
        more.append((at["cells"], _OUTLIERS))
    if limits := reach_limits(known.get("cells", ())):
        more.append((at["cells_time"], _reach_style(limits)))
    if "index" in known.get("regions", ()):
        more.append((at["regions"], _INDEX))
    if types:
        more.append((at["regions"], _types(types)))
    for place, style in sorted(more, key=lambda pair: -pair[0]):
        base.insert(place, style)
    return tuple(base)


def isochrone_style(minutes: Sequence[float]) -> LayerStyle:
    """Return the drawing of the isochrones, the nearest darkest."""
    ramp = _MINUTE_RAMP[: max(len(minutes), 1)]
    classes = tuple(
        StyleClass(_("within {n} min").format(n=f"{m:g}"), ramp[min(i, len(ramp) - 1)], value=f"{m:g}")
        for i, m in enumerate(minutes)
    )
    return LayerStyle(
        "isochrones",
        "isochrones",
        "Isochrones",
        "What is reached within the minutes stated, waits at open checkpoints included",
        "Border belt",
        "Polygon",
        "categorized",
        classes,
        column="within",
        fields={
            "place": "From",
            "minutes": "Within (min)",
            "network": "Network",
            "area_a_km2": "Area on side a (km²)",
            "area_b_km2": "Area on side b (km²)",
            "people_a": "People on side a",
            "people_b": "People on side b",
        },
        visible=False,
        opacity=0.6,
        outline="#08306b",
    )


def _places(word: str, rights: str) -> LayerStyle:
    """Return the drawing of a layer of the user's own."""
    return LayerStyle(
        word,
        word,
        word.replace("_", " ").capitalize(),
        "Places of the user's own layer, and whether they join the network",
        "Ground",
        "Point",
        "categorized",
        (
            StyleClass("joined to the network", "#aa3377", value="True", size=2.4),
            StyleClass("off the network", "#bbbbbb", value="False", size=2.0),
        ),
        column="is_joined",
        fields={"place": "Place", "weight": "Weight", "connector_km": "Connector (km)"},
        name_column="place",
        visible=False,
        outline="#ffffff",
        licence="as the file's owner says",
        rights=rights or "the study's own file",
    )


def type_colors(names: Sequence[str]) -> dict[str, str]:
    """Return the colour of each type, the same in the map and in the report.

    Give all types that regions have, in order.
    """
    return {name: TYPE_COLORS[i % len(TYPE_COLORS)] for i, name in enumerate(dict.fromkeys(names))}


def _types(names: Sequence[str]) -> LayerStyle:
    """Return the drawing of the types of regions."""
    classes = tuple(StyleClass(name, color, value=name) for name, color in type_colors(names).items())
    return replace(
        _INDEX,
        key="regions_type",
        title="Regions: types",
        description="Regions by potential across the border and by what the border lets through",
        kind="categorized",
        classes=classes,
        column="type",
    )
