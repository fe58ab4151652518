"""The drawing of the finding itself.

Growth points and bottlenecks as places, those that are steady strong, the others pale.
"""

from __future__ import annotations

from maps.styles.classes import LayerStyle, StyleClass

PLACES = LayerStyle(
    "places",
    "places",
    "Growth points and bottlenecks",
    "Places of the two ranked lists; strong where the place is among the leading tenth in 90 % of the settings tried",
    "Finding",
    "Point",
    "categorized",
    (
        StyleClass("Growth point, steady", "#00694d", value="steady growth point", size=4.2),
        StyleClass("Growth point, by the settings", "#9ad6c0", value="growth point", size=2.6),
        StyleClass("Bottleneck, steady", "#a63c00", value="steady bottleneck", size=4.2),
        StyleClass("Bottleneck, by the settings", "#f2b48a", value="bottleneck", size=2.6),
    ),
    column="class",
    fields={
        "place": "Place",
        "finding": "What it is",
        "rank": "Rank in its list",
        "rank_low": "Rank, 5 % of settings",
        "rank_high": "Rank, 95 % of settings",
        "steady": "Among the leading tenth in 90 % of settings",
        "population": "People (settlements with a known population)",
        "growth": "Growth: potential across, times what its side, home potential and distance give",
        "growth_low": "Growth, 5 % of settings",
        "growth_high": "Growth, 95 % of settings",
        "leading_city": "Largest city in its potential",
        "excess_min": "Bottleneck: excess minutes to the next city across",
        "excess_low_min": "Excess, 5 % of settings (min)",
        "excess_high_min": "Excess, 95 % of settings (min)",
        "next_city": "Next city across the border",
        "next_city_min": "Minutes to it",
        "home_roads_min": "Minutes that home roads take as far",
        "checkpoint": "Nearest open checkpoint",
        "region": "Region code",
    },
    name_column="place",
    outline="#ffffff",
)
