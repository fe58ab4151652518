"""Drawings of a search for sites: the candidates, the best set among them."""

from __future__ import annotations

from maps.styles.classes import LayerStyle, StyleClass

SITES = LayerStyle(
    "sites",
    "sites",
    "Sites for new checkpoints",
    "Candidates along the border, and the best set of the largest number that was tried",
    "Finding",
    "Point",
    "categorized",
    (
        StyleClass("In the best set", "#e6007e", value="chosen", size=4.6),
        StyleClass("Candidate", "#9e9ac8", value="candidate", size=2.2),
    ),
    column="class",
    fields={
        "place": "Near",
        "kind": "Kind of candidate",
        "alone": "What it brings by itself",
        "chosen_at": "In the best set from so many sites (0: in none)",
        "missing_km": "Kilometres of road that are missing",
        "permit": "Permit",
        "candidate": "Candidate",
    },
    name_column="place",
    outline="#ffffff",
)
