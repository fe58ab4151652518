"""What a reader sees of a cell: columns and their names with units, in order."""

from __future__ import annotations

CELL_FIELDS = {
    "cell": "H3 cell",
    "place": "Place",
    "near": "Near",
    "region": "Region code",
    "population": "People (settlements with a known population)",
    "growth_flag": "Growth point",
    "growth": "Potential across, times what its side, home potential and distance to the line give",
    "growth_q": "Growth: adjusted p of the local test",
    "growth_p_max": "Growth: p beside equally smooth surfaces",
    "bottleneck_flag": "Bottleneck",
    "next_city": "Next city across the border",
    "next_city_min": "Minutes to the next city across",
    "home_roads_min": "Minutes that home roads take as far",
    "excess_min": "Minutes beyond what home roads take",
    "excess_wait_min": "of which wait (min)",
    "excess_sd": "Excess in standard deviations of home roads",
    "bottleneck_p_max": "Bottleneck: p beside equally smooth surfaces",
    "time_to_checkpoint_min": "Minutes to the nearest open checkpoint",
    "nearest_checkpoint": "Nearest open checkpoint",
    "potential_domestic_actual": "Potential within the own country (person-equivalents)",
    "potential_cross_borderless": "Potential across the border, borderless (person-equivalents)",
    "potential_cross_open": "Potential across the border, open (person-equivalents)",
    "potential_cross_actual": "Potential across the border, actual (person-equivalents)",
    "border_loss": "Border loss (share of borderless potential)",
    "loss_detour": "of which detour (share)",
    "loss_delay": "of which delay (share)",
    "cross_ratio": "Cross-border to domestic potential (ratio)",
    "lost_potential": "Lost potential (person-equivalents)",
}
CHANGE_FIELDS = {
    "cell": "H3 cell",
    "near": "Near",
    "region": "Region code",
    "population": "People (settlements with a known population)",
    "time_to_checkpoint_before_min": "Before: minutes to the nearest open checkpoint",
    "time_to_checkpoint_after_min": "After: minutes to the nearest open checkpoint",
    "potential_cross_before": "Before: potential across the border, actual (person-equivalents)",
    "potential_cross_after": "After: potential across the border, actual (person-equivalents)",
    "potential_change_pct": "Change of the potential across the border (%)",
    "border_loss_before": "Before: border loss (share of borderless potential)",
    "border_loss_after": "After: border loss (share of borderless potential)",
}
TESTED = tuple(
    c
    for c in list(CELL_FIELDS)[list(CELL_FIELDS).index("growth_flag") :]
    if c.startswith(("growth", "bottleneck", "next_city", "home_roads", "excess"))
)
"""Columns that only a run has: a scenario tests nothing."""
