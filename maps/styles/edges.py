"""Drawings of the links that network tools take: the passable ones, gates with their waits among them."""

from __future__ import annotations

from dataclasses import replace

from maps.styles.classes import LayerStyle, StyleClass

ROAD_EDGES = LayerStyle(
    "edges_road",
    "edges_road",
    "Roads for network tools",
    "Links that are passable today, with the waits at open checkpoints. In a network tool: speed field drawn_kph "
    "(km/h), direction field "
    "travel_direction (forward, backward, both), topology tolerance 0; the tool then finds the minutes of the run",
    "Network tools",
    "Line",
    "single",
    (StyleClass("Passable link", "#7a5195", size=0.3),),
    fields={
        "kind": "Class",
        "checkpoint": "Checkpoint",
        "length_m": "Length (m)",
        "cost_min": "Minutes with the wait",
        "wait_min": "Wait, median (min, assumed where marked)",
        "travel_direction": "Direction of travel",
        "drawn_kph": "Speed along the drawn line (km/h)",
    },
    visible=False,
)
RAIL_EDGES = replace(ROAD_EDGES, key="edges_rail", layer="edges_rail", title="Railways for network tools")
EDGES = (ROAD_EDGES, RAIL_EDGES)
