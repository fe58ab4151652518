"""Drawings of what lies under a map: lakes and seas, and the part of the border line in them."""

from __future__ import annotations

from collections.abc import Container

from maps.styles.classes import LayerStyle, StyleClass

WATER = LayerStyle(
    "water",
    "water",
    "Water",
    "Lakes and seas: connectors, isochrones and surfaces do not cross them",
    "Background",
    "Polygon",
    "single",
    (StyleClass("Water", "#c9dde8"),),
    fields={"area_km2": "Area (km²)"},
    outline="#b3ccda",
)
SEA_LINE = LayerStyle(
    "sea_line",
    "sea_line",
    "Border line in the sea",
    "The part of the border line in the sea, in no length and no density",
    "Border",
    "Line",
    "single",
    (StyleClass("Border line in the sea", "#a58fb0", size=0.4),),
    fields={"length_km": "Length (km)"},
    size=0.4,
)


def with_water(styles: tuple[LayerStyle, ...], layers: Container[str]) -> tuple[LayerStyle, ...]:
    """Return drawings with those of the sea's line and of water, where there are such layers, in their places."""
    for style, beside in ((SEA_LINE, "border_line"), (WATER, "regions")):
        at = next(i for i, other in enumerate(styles) if other.layer == beside)
        styles = (*styles[:at], style, *styles[at:]) if style.layer in layers else styles
    return styles
