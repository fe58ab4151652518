"""Drawings of what lies under a map: lakes and seas, and the part of the border line in them."""

from __future__ import annotations

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
